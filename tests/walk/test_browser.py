"""A front end on another origin in a real Chromium: login, connect, expiry, logout, and a page that may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from .browser import Visitor
from .spa import Story, devtools, here, logged_in, story, visitor

__all__ = ["devtools", "here", "visitor"]  # fixtures

pytestmark = pytest.mark.walk

HELLO = "Привет, мир 🌍"


async def test_a_front_end_on_another_origin_from_login_to_expiry_and_logout(here: Story, visitor: Visitor) -> None:
    page = await visitor.open(here.page(here.known))

    # before the login: what would be refused can be read, and how to mend it
    seen = await page.run('return ask("GET", "/ws/plain")')
    assert (seen["status"], seen["error"]) == (426, "upgrade_required")
    assert seen["body"]["would"]["code"] == "not_logged_in"
    assert seen["body"]["websocket_url"] == f"ws{here.api.removeprefix('http')}/ws/plain"
    refused = await page.run('return (new Line("/ws/told")).closed')
    assert refused["code"] == 4401
    told, _, refusal = refused["reason"].rpartition(" ")
    assert told == "not_logged_in: The endpoint needs a login and the request carries no credential."
    assert len(refusal) == len("[K7QF2M]")
    hidden = await page.run('return (new Line("/ws/plain")).outcome')
    assert hidden == {"code": 1006, "reason": ""}, "a browser tells a page nothing of an HTTP refusal"
    wrong = await page.run('return ask("POST", "/auth/login", {login: "admin", password: "not the password"})')
    assert (wrong["status"], wrong["error"], wrong["body"]["code"]) == (401, "login_failed", "login_failed")

    # the login, and a conversation
    here.node.gateway.live.sessions.tune(lifetime=2.0, idle=None)
    page = await logged_in(here, visitor)
    script = f'window.line = new Line("/ws/told"); return [await line.outcome, await line.ask({{message: "{HELLO}"}})]'
    assert await page.run(script) == ["open", {"message": HELLO}]
    forbidden = await page.run('return (new Line("/ws/desk")).closed')
    assert forbidden["code"] == 4403
    assert (
        forbidden["reason"].rpartition(" ")[0] == 'role_required: The endpoint is for callers with the role "support".'
    )

    # the session runs out during the conversation
    assert (await page.run("return line.closed"))["code"] == 4401
    here.clock.move(2.0)
    over = ("session_expired", "not_logged_in")  # the second, once the browser has dropped the cookie by its Max-Age
    closed = await page.run('return (new Line("/ws/told")).closed')
    assert closed["code"] == 4401
    assert closed["reason"].startswith(over)
    session = await page.run('return ask("GET", "/auth/session")')
    assert session["status"] == 401
    assert session["error"] in over

    # once more, and the logout closes what is open
    here.node.gateway.live.sessions.tune(lifetime=3600.0, idle=None)
    page = await logged_in(here, visitor)
    assert await page.run('window.line = new Line("/ws/plain"); return line.outcome') == "open"
    assert (await page.run('return ask("POST", "/auth/logout")'))["status"] == 200
    assert (await page.run("return line.closed"))["code"] == 4401
    assert (await page.run('return (new Line("/ws/told")).closed'))["code"] == 4401


async def test_a_page_without_the_cookie_sends_the_token_as_a_sub_protocol(here: Story, visitor: Visitor) -> None:
    token = (await here.node.gateway.live.sessions.open_for("admin")).token
    page = await visitor.open(here.page(here.known))
    offer = f'["jackfield.v1", "bearer.{token}"]'
    script = f"""
        const line = new Line("/ws/plain", {offer});
        return [await line.outcome, line.socket.protocol, await line.ask({{message: "да"}})]"""
    assert await page.run(script) == ["open", "jackfield.v1", {"message": "да"}]
    wrong = await page.run(f'return (new Line("/ws/told", {offer.replace(token, token[:-1])})).closed')
    assert wrong["code"] == 4401, "the accept answers the sub-protocol, or the browser would hide the close frame"


async def test_the_administration_is_not_for_pages_of_other_origins(here: Story, visitor: Visitor) -> None:
    page = await logged_in(here, visitor)
    outcome = await page.run('return ask("GET", "/api/users").catch(error => error.name)')
    assert outcome == "TypeError"


@pytest.mark.parametrize(
    ("cookie", "kept"), [("{same_site: none, partitioned: true}", True), ("{same_site: lax}", False)]
)
async def test_a_front_end_on_another_site_needs_a_cookie_made_for_that(
    tmp_path: Path, visitor: Visitor, cookie: str, kept: bool
) -> None:
    async with story(tmp_path, auth=f"cookie: {cookie}", tls=True) as here:
        page = await logged_in(here, visitor)
        session = await page.run('return ask("GET", "/auth/session")')
        assert session["status"] == (200 if kept else 401)
        outcome = await page.run('return (new Line("/ws/plain")).outcome')
        assert (outcome == "open") is kept
        if kept:
            assert (await page.run('return ask("POST", "/auth/logout")'))["status"] == 200
            assert (await page.run('return (new Line("/ws/told")).closed'))["code"] == 4401
