"""Tokens and the cookie that carries them: rotation, one spelling, attributes, tossing."""

from __future__ import annotations

import json
import secrets
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from jackfield.auth.tokens import Tokens
from jackfield.errors import Refusal
from tests.projects import ECHO
from tests.server.conftest import OpenServed
from tests.server.served import COOKIE, PASSWORD, Headers, Served
from tests.walk.browser import Visitor
from tests.walk.conftest import Server, ask, write
from tests.walk.spa import Story, logged_in

SAY = "  say: {url: /ws/say, process: p.echo}"

# rotation


def _signed_by(token: str, key: str) -> bool:
    try:
        Tokens([key.encode()], clock=time.time).read(token)
    except Refusal:
        return False
    return True


def _status(server: Server, cookie: dict[str, str]) -> int:
    try:
        with server.socket("/ws/say", additional_headers=cookie):
            return 101
    except InvalidStatus as exc:
        return exc.response.status_code


@pytest.mark.walk
@pytest.mark.parametrize("given", [True, False], ids=["a file that the environment names", "the state folder's file"])
def test_tk_3_keys_rotate_without_a_restart_and_without_a_socket_dropped(
    tmp_path: Path, start: Callable[..., Server], given: bool
) -> None:
    write(tmp_path, echo=ECHO, endpoints="endpoints: {say: {url: /ws/say, process: echo.say}}")
    old, new = secrets.token_hex(32), secrets.token_hex(32)
    file = tmp_path / "keys" if given else tmp_path / ".jackfield" / "secret_keys"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{old}\n")
    server = start(tmp_path, **({"JACKFIELD_SECRET_KEYS_FILE": str(file)} if given else {}))
    before = server.first_cookie()
    with server.socket("/ws/say", additional_headers=before) as socket:
        file.write_text(f"# the new one first\n{new}\n{old}\n")
        server.hear(signal.SIGHUP)
        server.wait_for("keys_rotated")
        assert _status(server, before) == 101
        answer = httpx.post(f"{server.http}/auth/login", json={"login": "admin", "password": server.password()})
        token = answer.json()["token"]
        assert _signed_by(token, new)
        assert not _signed_by(token, old)
        after = {"Cookie": f"{COOKIE}={token}"}

        file.write_text(f"{new}\n")
        server.hear(signal.SIGHUP)
        server.wait_for("keys_rotated")
        assert _status(server, before) == 401
        assert _status(server, after) == 101

        file.write_text("too short\n")
        server.hear(signal.SIGHUP)
        line = server.wait_for("keys_not_rotated")
        assert str(file) in line
        assert "too short" not in line
        assert _status(server, after) == 101
        # the session of the token that is refused now was never ended, and what is open in it goes on
        assert ask(socket, message="ещё здесь") == {"message": "ещё здесь"}
    file.write_text(f"{new}\n")
    assert server.stop() == 0


# tossing


def _cookie(*values: str) -> Headers:
    """The values in headers of their own."""
    return [("cookie", f"{COOKIE}={value}") for value in values]


async def _outcome(served: Served, headers: Headers) -> tuple[int, int]:
    """The status of an upgrade and of a plain request."""
    caller = served.call("/ws/say", headers)
    await caller.until(1)
    if caller.sent[0]["type"] == "websocket.accept":
        await caller.leave()
        status = 101
    else:
        status = (await caller.refused()).status
    return status, (await served.http("GET", "/auth/session", headers)).status


async def test_tk_9_of_two_values_neither_wins(open_served: OpenServed) -> None:
    served = await open_served(SAY)
    for login in ("аня", "mallory"):
        await served.add(login)
    own, planted = [(await served.sessions.open_for(login)).token for login in ("аня", "mallory")]
    assert await _outcome(served, _cookie(own)) == (101, 200)
    assert await _outcome(served, _cookie(own, own)) == (101, 200)
    assert await _outcome(served, [("cookie", f"{COOKIE}={own}; theme=dark; {COOKIE}={own}")]) == (101, 200)
    for one, other in ((own, planted), (planted, own), (own, "x")):
        assert await _outcome(served, _cookie(one, other)) == (400, 400)
        assert await _outcome(served, [("cookie", f"{COOKIE}={one}; {COOKIE}={other}")]) == (400, 400)
        assert await _outcome(served, [*_cookie(one), ("authorization", f"Bearer {other}")]) == (400, 400)


# only by Set-Cookie


async def test_tk_10_the_body_has_no_token_where_that_is_asked_for_and_no_cache_keeps_it(
    open_served: OpenServed,
) -> None:
    for inside, head in ((True, ""), (False, "auth: {token_in_body: false}")):
        served = await open_served(SAY, head=head)
        await served.store.add(f"user{inside}", await served.passwords.hash(PASSWORD), ())
        given: Any = {"login": f"user{inside}", "password": PASSWORD}
        answer = await served.http("POST", "/auth/login", body=given)
        token = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
        assert (token in answer.body.decode()) is inside
        assert answer.headers["cache-control"] == "no-store"
        session = await served.http("GET", "/auth/session", _cookie(token))
        assert token not in session.body.decode()
        assert session.headers["cache-control"] == "no-store"


@pytest.mark.walk
async def test_tk_10_no_script_of_a_page_sees_the_token(here: Story, visitor: Visitor) -> None:
    page = await logged_in(here, visitor)
    given = json.dumps({"login": "admin", "password": here.password})
    script = f"""
        const answer = await fetch(api + "/auth/login", {{
            method: "POST", credentials: "include", body: JSON.stringify({given}),
            headers: {{"Content-Type": "application/json"}}
        }});
        return [answer.status, document.cookie, answer.headers.get("Set-Cookie"), await answer.json()]"""
    status, cookies, header, body = await page.run(script)
    assert (status, cookies, header) == (200, "", None)
    assert set(body) == {"expires_at", "login", "roles"}
