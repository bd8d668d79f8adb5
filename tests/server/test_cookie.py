"""The Set-Cookie header, and whether browsers would take it from this listener."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

import pytest

from jackfield.config.plan import AuthSettings, Plan
from jackfield.errors import PlanError
from jackfield.server.cookie import clear_cookie, problem, set_cookie
from jackfield.server.options import Options
from jackfield.server.publish.publisher import build_in_thread
from tests.server.conftest import Build, OpenServed

HTTP, HTTPS = "http://127.0.0.1:8000", "https://app.example.com"


@pytest.mark.shows("TK-8")
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
    assert set_cookie(auth, "1.a.b", own=own, seconds=60) == f"{auth.cookie}=1.a.b; {attributes}; Max-Age=60"
    assert clear_cookie(auth, own=own) == f"{auth.cookie}=; {attributes}; Max-Age=0"


@pytest.mark.parametrize(
    ("name", "root", "path"),
    [
        ("sid", "/rt", "/rt"),
        ("sid", "/a/b", "/a/b"),
        ("sid", "", "/"),
        ("__Host-sid", "/rt", "/"),
        ("sid", "/a;b", "/"),
    ],
)
def test_a_part_of_a_host_has_a_cookie_of_its_own(name: str, root: str, path: str) -> None:
    auth = AuthSettings(cookie=name)
    assert f"; Path={path};" in set_cookie(auth, "1.a.b", own=HTTPS, root=root, seconds=60)
    assert f"; Path={path};" in clear_cookie(auth, own=HTTPS, root=root)


@pytest.mark.parametrize("options", [{"public_url": f"{HTTPS}/rt"}, {"embedded": True}])
async def test_two_servers_on_one_host_keep_their_logins(open_served: OpenServed, options: dict[str, Any]) -> None:
    served = await open_served(SAY, **options)
    await served.add("bob", password="a long password")
    mount: dict[str, Any] = {"root_path": "/rt"} if options.get("embedded") else {}
    given = {"login": "bob", "password": "a long password"}
    answer = await served.http("POST", "/rt/auth/login", [], given, **mount)
    set_here = SimpleCookie(answer.headers["set-cookie"])["gen_app_auth_token"]
    assert (set_here["path"], set_here["max-age"]) == ("/rt", "3600")
    cookie = [("cookie", f"gen_app_auth_token={set_here.value}")]
    assert (await served.http("GET", "/rt/auth/session", cookie, **mount)).status == 200


async def test_a_cookie_of_ours_for_the_whole_host_goes_when_another_comes(open_served: OpenServed) -> None:
    """Set before we knew our prefix, it would stand beside the new one, and two that differ are refused."""
    served = await open_served(SAY, public_url=f"{HTTPS}/rt")
    await served.add("bob", password="a long password")
    given = {"login": "bob", "password": "a long password"}
    for path in ("/rt/auth/login", "/rt/auth/refresh", "/rt/auth/logout"):
        cookie = await served.cookie("bob")
        answer = await served.http("POST", path, cookie, given if path.endswith("login") else b"")
        paths = [SimpleCookie(one)["gen_app_auth_token"]["path"] for one in answer.all("set-cookie")]
        assert paths == ["/", "/rt"], path
    stranger = [("cookie", "gen_app_auth_token=of-another-server")]
    answer = await served.http("POST", "/rt/auth/login", stranger, given)
    assert len(answer.all("set-cookie")) == 1


@pytest.mark.parametrize("session", ["30d", "1h"])
async def test_a_login_outlives_the_browser_and_not_the_session(open_served: OpenServed, session: str) -> None:
    seconds = {"30d": 30 * 86400, "1h": 3600}[session]
    served = await open_served(SAY, head=f"auth: {{session: {session}}}", lifetime=float(seconds))
    await served.add("bob", password="a long password")
    answer = await served.http("POST", "/auth/login", [], {"login": "bob", "password": "a long password"})
    assert answer.headers["set-cookie"].endswith(f"; Max-Age={seconds}")


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


async def test_a_login_from_another_site_gets_a_cookie_that_its_browser_takes(open_served: OpenServed) -> None:
    shop = "https://shop.example.org"
    head = f'auth: {{cookie: {{same_site: none, partitioned: true}}}}\ndefaults: {{origins: ["{shop}"]}}'
    served = await open_served(SAY, head=head, public_url=HTTPS)
    await served.add("bob", password="a long password")
    given = {"login": "bob", "password": "a long password"}
    answer = await served.http("POST", "/auth/login", [("origin", shop)], given)
    assert answer.headers["set-cookie"].endswith("; HttpOnly; SameSite=None; Path=/; Secure; Partitioned; Max-Age=3600")
    assert answer.headers["access-control-allow-origin"] == shop
