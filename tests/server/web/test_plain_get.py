"""Requests that are no upgrade: the 426 with the finished address, malformed upgrades, the small pages."""

from __future__ import annotations

import base64
import re
from html import escape

import pytest

from tests.server.conftest import OpenServed
from tests.server.served import COOKIE, SERVED, SERVED_CODE, Headers, Served

HTML = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
HTML_TYPE = "text/html; charset=utf-8"

# the plain GET


async def test_a_plain_get_reports_all_that_is_needed(served: Served) -> None:
    answer = await served.http("GET", "/ws/say")
    assert answer.status == 426
    assert answer.headers["upgrade"] == "websocket"
    assert answer.headers["connection"] == "Upgrade"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json
    would = body.pop("would")
    assert body == {
        "type": "urn:jackfield:upgrade_required",
        "title": "This address speaks WebSocket; a plain request gets its address instead.",
        "status": 426,
        "detail": "Open this address with a WebSocket client.",
        "code": "upgrade_required",
        "fix": "Connect to ws://127.0.0.1:8000/ws/say",
        "websocket_url": "ws://127.0.0.1:8000/ws/say",
        "cookie": f"{COOKIE}=…",
        "login": {
            "method": "POST",
            "url": "http://127.0.0.1:8000/auth/login",
            "body": {"login": "…", "password": "…"},
        },
        "send": {"message": "Привет"},
        "replies": "one",
    }
    assert (would["status"], would["code"]) == (401, "not_logged_in")
    assert "/auth/login" in would["fix"]


@pytest.mark.parametrize(
    ("target", "login", "headers", "would"),
    [
        ("/ws/say", "bob", [], None),
        ("/ws/public", "", [], None),
        ("/ws/public", "", [("cookie", f"{COOKIE}=nonsense")], None),
        ("/ws/desk", "bob", [], "role_required"),
        ("/ws/desk", "аня", [], None),
        ("/ws/desk", "аня", [("origin", "https://evil.example")], "origin_not_allowed"),
        ("/ws/say", "", [("cookie", f"{COOKIE}=nonsense")], "bad_credential"),
        ("/ws/rooms/5", "bob", [], None),
    ],
)
async def test_a_plain_get_reports_what_the_upgrade_would_get(
    served: Served, target: str, login: str, headers: Headers, would: str | None
) -> None:
    cookie = await served.cookie(login) if login else []
    answer = await served.http("GET", target, [*cookie, *headers])
    assert answer.status == 426
    assert (answer.json["would"] or {}).get("code") == would
    assert answer.json["websocket_url"].endswith(target)


async def test_a_browser_gets_the_same_as_a_page(served: Served) -> None:
    answer = await served.http("GET", "/ws/say", [("accept", "text/html,*/*")])
    assert (answer.status, answer.headers["content-type"]) == (426, "text/html; charset=utf-8")
    page = answer.body.decode()
    assert "ws://127.0.0.1:8000/ws/say" in page
    assert "Повторяет" in page
    assert "401 not_logged_in" in page
    assert 'href="/console/#talk/say"' in page
    assert answer.headers["upgrade"] == "websocket"


@pytest.mark.parametrize(
    ("target", "status", "words"),
    [
        ("/ws/none", 404, "not_found"),
        ("/docs/none", 404, "not_found"),
        ("/auth/logout", 405, "method_not_allowed"),
        ("/api/users", 401, "not_logged_in"),
        (f"/ws/say?{COOKIE}=x", 400, "credential_in_query"),
    ],
)
async def test_a_refusal_is_a_page_for_a_browser_and_the_same_as_before_for_a_program(
    served: Served, target: str, status: int, words: str
) -> None:
    program = await served.http("GET", target)
    assert program.headers["content-type"] == "application/problem+json"
    assert (await served.http("POST", target, [HTML])).headers["content-type"] != HTML_TYPE
    for method in ("GET", "HEAD"):
        shown = await served.http(method, f"/rt{target}", [HTML], root_path="/rt")
        assert (shown.status, shown.headers["content-type"]) == (status, HTML_TYPE)
        assert shown.headers["jackfield-error"] == program.headers["jackfield-error"] == words
        for name in ("allow", "www-authenticate", "cache-control"):
            assert (name in shown.headers) == (name in program.headers), name
        assert shown.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; img-src")
    page, told = shown.body.decode(), program.json
    for text in (
        f"{status} <code>{words}</code>",
        escape(told["title"]),
        escape(told["detail"]),
        'href="/rt/"',
    ):
        assert text in page
    assert re.findall(r"<script|<style| style=| on\w+=", page) == []


async def test_each_file_that_a_small_page_names_is_there(served: Served) -> None:
    page = (await served.http("GET", "/ws/none", [HTML])).body.decode()
    links = re.findall(r'<link [^>]*href="([^"]+)"', page)
    assert len(links) == 3
    for link in links:
        assert (await served.http("GET", link)).status == 200, link


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("HEAD", "/ws/say", 426, "upgrade_required"),
        ("POST", "/ws/say", 405, "method_not_allowed"),
        ("OPTIONS", "/ws/say", 405, "method_not_allowed"),
        ("TRACE", "/ws/say", 405, "method_not_allowed"),
        ("GET", "/ws/none", 404, "not_found"),
        ("POST", "/ws/none", 404, "not_found"),
        ("GET", "/ws/rooms/abc", 404, "not_found"),
        ("GET", "/docs/none", 404, "not_found"),
        ("POST", "/metrics", 405, "method_not_allowed"),
        ("GET", "/auth/none", 404, "not_found"),
        ("GET", "/auth/login", 405, "method_not_allowed"),
        ("PUT", "/health", 405, "method_not_allowed"),
        ("GET", f"/ws/say?{COOKIE}=x", 400, "credential_in_query"),
    ],
)
async def test_other_plain_requests(served: Served, method: str, target: str, status: int, code: str) -> None:
    answer = await served.http(method, target)
    assert (answer.status, answer.headers["jackfield-error"]) == (status, code)
    assert ("allow" in answer.headers) == (status == 405)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


KEY = ("sec-websocket-key", base64.b64encode(b"0123456789abcdef").decode())
ASKED = [("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-version", "13"), KEY]


def without(name: str, *more: tuple[str, str]) -> Headers:
    return [*(pair for pair in ASKED if pair[0] != name), *more]


@pytest.mark.parametrize(
    ("headers", "status", "code", "words"),
    [
        (without("sec-websocket-key"), 400, "malformed_upgrade", "Sec-WebSocket-Key"),
        (without("sec-websocket-key", ("sec-websocket-key", "short")), 400, "malformed_upgrade", "Sec-WebSocket-Key"),
        (without("sec-websocket-version"), 400, "malformed_upgrade", "Sec-WebSocket-Version"),
        (without("sec-websocket-version", ("sec-websocket-version", "8")), 426, "bad_version", "version 8"),
        (without("connection", ("connection", "close")), 400, "malformed_upgrade", "Connection"),
        ([*ASKED, KEY], 400, "malformed_upgrade", "multiple values"),
        ([*ASKED, ("content-length", "3")], 400, "malformed_upgrade", "no body"),
        ([*ASKED, ("x", "y" * 9_000)], 431, "headers_too_large", "longer than 8,190"),
        ([*ASKED, *((f"x-{n}", "") for n in range(100))], 431, "headers_too_large", "more than 100"),
        (ASKED, 400, "malformed_upgrade", "HTTP/1.1 is needed"),
        ([*without("sec-websocket-key"), ("origin", "https://evil.example")], 403, "origin_not_allowed", "evil"),
    ],
)
async def test_a_malformed_upgrade_is_reported_what_it_breaks(
    served: Served, headers: Headers, status: int, code: str, words: str
) -> None:
    answer = await served.http("GET", "/ws/say", headers)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert words in answer.json["detail"]
    assert answer.headers.get("sec-websocket-version") == ("13" if code == "bad_version" else None)


async def test_a_target_that_is_too_long_is_named(served: Served) -> None:
    answer = await served.http("GET", f"/ws/say?{'a' * 9_000}", ASKED)
    assert "longer than 8,190" in answer.json["detail"]


# where documents are open


@pytest.mark.parametrize(
    ("options", "login", "open_here"),
    [
        ({}, "", True),
        ({"host": "localhost"}, "", True),
        ({"host": "0.0.0.0", "insecure": True}, "", False),
        ({"behind_proxy": ("127.0.0.1",)}, "", False),
        ({"embedded": True}, "", False),
        ({"host": "0.0.0.0", "insecure": True}, "bob", False),
        ({"host": "0.0.0.0", "insecure": True}, "admin", True),
    ],
)
async def test_examples_and_neighbours_are_reported_only_where_documents_are_open(
    open_served: OpenServed, options: dict[str, object], login: str, open_here: bool
) -> None:
    served = await open_served(SERVED, SERVED_CODE, **options)
    await served.add("bob")
    await served.add("admin", "admin")
    cookie = await served.cookie(login) if login else []
    assert ((await served.http("GET", "/ws/say", cookie)).json["send"] is not None) == open_here
    fix = (await served.call("/ws/sai", cookie).refused()).json["fix"]
    assert ("/ws/say" in fix) == open_here


async def test_other_hosts_are_served_where_the_listener_is_not_loopback(open_served: OpenServed) -> None:
    served = await open_served(SERVED, SERVED_CODE, host="0.0.0.0", insecure=True)
    caller = served.call("/ws/public", [("host", "app.example.com")])
    await caller.accepted()
    await caller.leave()


async def test_the_public_url_is_what_callers_are_reported(open_served: OpenServed) -> None:
    served = await open_served(SERVED, SERVED_CODE, public_url="https://app.example.com")
    body = (await served.http("GET", "/ws/say", [("host", "10.0.0.5:8000")])).json
    assert body["websocket_url"] == "wss://app.example.com/ws/say"
    caller = served.call("/ws/public", [("host", "10.0.0.5:8000"), ("origin", "https://app.example.com")])
    await caller.accepted()
    await caller.leave()
