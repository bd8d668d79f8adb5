"""The login as a page, and where it leads."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest

from jackfield.server.web.console import PAGE_POLICY
from jackfield.server.web.login_page import MAX_NEXT, goal
from tests.server.conftest import OpenServed
from tests.server.served import SERVED, SERVED_CODE, Served

HTML = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
PUBLIC: dict[str, Any] = {"host": "0.0.0.0", "insecure": True}


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/shop/",
        "/shop/index.html?a=1&b=https://example.com/#top",
        "/#talk/say",
        "/%D1%81%D1%82%D1%80%D0%B0%D0%BD%D0%B8%D1%86%D0%B0",
        "/javascript:alert(1)",
        "/a?next=//evil.example",
        "/" + "a" * (MAX_NEXT - 1),
    ],
)
def test_an_address_of_our_own_origin_is_kept_as_it_is(address: str) -> None:
    assert goal(address) == address


def test_what_was_not_encoded_is() -> None:
    assert goal('/страница 🍎?имя=я"<') == f"/{quote('страница 🍎')}?{quote('имя')}={quote('я')}%22%3C"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "shop",
        "//evil.example",
        "//",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/a\\..\\b",
        "/%2Fevil.example",
        "/%2f/evil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/\x00",
        "/a?\r\nSet-Cookie: a=b",
        "/..//evil.example",
        "/.//evil.example",
        "/%2e%2e//evil.example",
        "/a//evil.example",
        "/a//",
        "https://evil.example/",
        "http:evil.example",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//",
        "data:text/html,<script>",
        "@evil.example",
        ".evil.example",
        "/%",
        "/%zz",
        "/%ff",
        "/\u2028evil",
        "/\ufeff/evil",
        "?a",
        "#talk",
        "/" + "a" * MAX_NEXT,
    ],
)
async def test_every_other_is_none_and_the_page_comes_after_the_login(open_served: OpenServed, address: str) -> None:
    assert goal(address) == ""
    served = await open_served("  {}", **PUBLIC)
    answer = await served.http("GET", f"/rt/auth/login?next={quote(address, safe='')}", [HTML], root_path="/rt")
    assert 'data-next="/rt/console/"' in answer.body.decode()


async def test_a_browser_gets_the_login_as_a_page_and_a_program_as_before(open_served: OpenServed) -> None:
    served = await open_served(SERVED, SERVED_CODE, **PUBLIC)
    for method in ("GET", "HEAD"):
        program = await served.http(method, "/auth/login")
        assert (program.status, program.headers["allow"]) == (405, "POST")
        page = await served.http(method, "/auth/login?next=/shop/%3Fa=%22%3E%3Cscript%3E", [HTML])
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["content-security-policy"] == PAGE_POLICY
    (next_,) = re.findall(r'data-view="login" data-next="([^"]*)"', page.body.decode())
    assert unescape(next_) == "/shop/?a=%22%3E%3Cscript%3E"
    evil = [("origin", "https://evil.example")]
    assert (await served.http("GET", "/auth/login", [HTML, *evil])).status == 403
    assert (await served.http("GET", "/auth/session", [HTML])).status == 401, "it is the login alone"


async def test_a_page_of_the_site_and_each_401_lead_to_it_and_back(open_served: OpenServed) -> None:
    served = await open_served(SERVED, SERVED_CODE, head="auth: {path: /вход}", **PUBLIC)
    refused = (await served.http("GET", "/rt/api/users?a=%D1%8F&b", [HTML], root_path="/rt")).body.decode()
    (link,) = re.findall(r'class="primary" href="([^"]*)"', refused)
    assert link == f"/rt/{quote('вход')}/login?next=/rt/api/users%3Fa%3D%25D1%258F%26b"
    shown = await served.http("GET", link, [HTML], root_path="/rt")
    assert 'data-next="/rt/api/users?a=%D1%8F&amp;b"' in shown.body.decode()


async def test_the_address_of_an_endpoint_leads_there_where_it_needs_a_login(served: Served) -> None:
    page = (await served.http("GET", "/ws/say", [HTML])).body.decode()
    assert 'href="/auth/login?next=/ws/say"' in page
    assert "/auth/login?next" not in (await served.http("GET", "/ws/public", [HTML])).body.decode()


async def test_where_people_log_in_elsewhere_there_is_no_such_page(open_served: OpenServed) -> None:
    code = SERVED_CODE + "\ndef says(credential, request):\n    return None\n"
    served = await open_served(SERVED, code, head="auth: {login: off, verify: p.says}", **PUBLIC)
    assert (await served.http("GET", "/auth/login", [HTML])).status == 404
    assert "/auth/login?next" not in (await served.http("GET", "/ws/say", [HTML])).body.decode()
