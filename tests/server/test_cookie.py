"""The Set-Cookie header, and whether browsers would take it from this listener."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.config.plan import AuthSettings, Plan
from jackfield.errors import PlanError
from jackfield.server.cookie import clear_cookie, problem, set_cookie
from jackfield.server.options import Options
from jackfield.server.publishing import build_in_thread

from .conftest import Build, OpenDoor

HTTP, HTTPS = "http://127.0.0.1:8000", "https://app.example.com"


@pytest.mark.parametrize(
    ("settings", "own", "attributes"),
    [
        ({}, HTTP, "HttpOnly; SameSite=Lax; Path=/"),
        ({}, HTTPS, "HttpOnly; SameSite=Lax; Path=/; Secure"),
        ({"same_site": "strict"}, HTTPS, "HttpOnly; SameSite=Strict; Path=/; Secure"),
        ({"same_site": "none"}, HTTP, "HttpOnly; SameSite=None; Path=/; Secure"),
        ({"partitioned": True}, HTTP, "HttpOnly; SameSite=Lax; Path=/; Secure; Partitioned"),
        ({"cookie": "__Host-sid"}, HTTP, "HttpOnly; SameSite=Lax; Path=/; Secure"),
        ({"cookie": "__secure-sid"}, HTTP, "HttpOnly; SameSite=Lax; Path=/; Secure"),
    ],
)
def test_the_attributes(settings: dict[str, Any], own: str, attributes: str) -> None:
    auth = AuthSettings(**settings)
    assert set_cookie(auth, "1.a.b", own=own) == f"{auth.cookie}=1.a.b; {attributes}"
    assert clear_cookie(auth, own=own) == f"{auth.cookie}=; {attributes}; Max-Age=0"


@pytest.mark.parametrize(
    ("options", "severity"),
    [
        ({}, "warning"),
        ({"host": "0.0.0.0", "insecure": True}, "error"),
        ({"public_url": "http://app.example.com"}, "error"),
        ({"public_url": HTTPS}, None),
        ({"behind_proxy": ("10.0.0.0/8",)}, None),
        ({"tls_cert": "cert.pem", "tls_key": "key.pem"}, None),
        ({"embedded": True}, None),
    ],
)
def test_a_cookie_for_tls_alone_wants_tls(options: dict[str, Any], severity: str | None) -> None:
    plan = Plan(auth=AuthSettings(same_site="none"))
    found = problem(plan, Options(**options))
    assert (found and found.severity) == severity
    assert problem(Plan(), Options(**options)) is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"same_site": "none"}, "same_site: none"),
        ({"partitioned": True}, "partitioned: true"),
        ({"cookie": "__Host-sid"}, "the name __Host-sid"),
    ],
)
def test_the_setting_is_named(settings: dict[str, Any], words: str) -> None:
    found = problem(Plan(auth=AuthSettings(**settings)), Options(host="0.0.0.0", insecure=True))
    assert found is not None
    assert words in found.message
    assert "--tls-cert" in found.hint


HEAD = "auth: {cookie: {same_site: none}}"
SAY = "  say: {url: /ws/say, process: p.echo}"


async def test_a_plan_that_the_listener_cannot_carry_does_not_go_live(build_table: Build, tmp_path: Any) -> None:
    build_table(SAY, head=HEAD)
    with pytest.raises(PlanError) as caught:
        await build_in_thread(tmp_path, 9, Options(host="0.0.0.0", insecure=True))
    (found,) = caught.value.problems
    assert str(found).startswith("endpoints.yaml:1:8: auth.cookie: browsers take a cookie with same_site: none over")
    assert found.code == "cookie_needs_tls"


async def test_on_a_laptop_it_is_a_warning(build_table: Build, tmp_path: Any) -> None:
    build_table(SAY, head=HEAD)
    table = await build_in_thread(tmp_path, 9, Options())
    assert [warning.code for warning in table.warnings] == ["cookie_needs_tls"]
    table.catalog.release()


async def test_a_login_from_another_site_gets_a_cookie_that_its_browser_takes(open_door: OpenDoor) -> None:
    shop = "https://shop.example.org"
    head = f'auth: {{cookie: {{same_site: none, partitioned: true}}}}\ndefaults: {{origins: ["{shop}"]}}'
    door = await open_door(SAY, head=head, public_url=HTTPS)
    await door.add("bob", password="a long password")
    given = {"login": "bob", "password": "a long password"}
    answer = await door.http("POST", "/auth/login", [("origin", shop)], given)
    assert answer.headers["set-cookie"].endswith("; HttpOnly; SameSite=None; Path=/; Secure; Partitioned")
    assert answer.headers["access-control-allow-origin"] == shop
