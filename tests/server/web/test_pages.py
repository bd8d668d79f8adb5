"""What plain HTTP is answered, as bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.config.plan import AuthSettings
from jackfield.describe.contract import send_of
from jackfield.errors import CODES, Refusal
from jackfield.server.refusal import HSTS, SECURITY_HEADERS, problem, secured
from jackfield.server.request import Request
from jackfield.server.web import pages
from tests.server.conftest import Build

AUTH = AuthSettings()
BROWSER = ((b"accept", b"text/html,*/*;q=0.8"),)


@pytest.mark.parametrize("code", [code for code in CODES.values() if code.status], ids=lambda code: code.name)
def test_every_refusal_becomes_problem_details(code: Any) -> None:
    answer = problem(Refusal(code.name, retry_after=3 if code.retry else None), AUTH)
    body = json.loads(bytes(answer.body))
    assert answer.status_code == body["status"] == code.status
    assert body["code"] == answer.headers["Jackfield-Error"] == code.name
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert ("WWW-Authenticate" in answer.headers) == (code.status == 401)
    assert ("Allow" in answer.headers) == (code.status == 405)
    assert ("Retry-After" in answer.headers) == code.retry
    assert ("Upgrade" in answer.headers) == (code.status == 426)
    assert answer.headers.get("Sec-WebSocket-Version") == ("13" if code.name == "bad_version" else None)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value


def test_text_in_any_language_passes_untouched() -> None:
    answer = problem(Refusal("role_required", "Нет роли «поддержка» 🤝", "Попросите её"), AUTH)
    assert "Нет роли «поддержка» 🤝".encode() in bytes(answer.body)


def test_the_cookie_is_named_in_the_challenge() -> None:
    answer = problem(Refusal("not_logged_in"), AuthSettings(cookie="sid", path="/a"), root="/rt")
    assert answer.headers["WWW-Authenticate"] == (
        'Cookie realm="jackfield", form-action="/rt/a/login", cookie-name="sid"'
    )


def test_where_people_log_in_elsewhere_no_login_of_ours_is_named(build_table: Build) -> None:
    auth = AuthSettings(own=False)
    answer = problem(Refusal("not_logged_in"), auth)
    assert answer.headers["WWW-Authenticate"] == 'Cookie realm="jackfield", cookie-name="gen_app_auth_token"'
    route = build_table("  say: {url: /ws/say, process: p.echo}").routes["say"]
    for headers in (BROWSER, ()):
        request = Request("GET", b"/ws/say", b"", headers, "http://a")
        reported = pages.upgrade_required(route, auth, request, would=None, detailed=True)
        assert "/auth/login" not in bytes(reported.body).decode()


def test_nothing_in_a_page_is_taken_for_markup(build_table: Build) -> None:
    evil = "<script>alert(1)</script>"
    table = build_table(
        f"  say: {{url: /ws/say, process: p.echo, summary: '{evil}'}}",
        head=f"title: '{evil}'",
    )
    request = Request("GET", f"/{evil}".encode(), b"", BROWSER, f"http://{evil}", root=f"/{evil}")
    would = Refusal("not_logged_in", fix=evil)
    page = pages.upgrade_required(table.routes["say"], AUTH, request, would=would, detailed=True)
    text = bytes(page.body).decode()
    assert evil not in text
    assert "&lt;script&gt;" in text
    assert page.headers["Content-Security-Policy"] == pages.POLICY
    refused = pages.seen(problem(Refusal("not_found", evil, evil, more={"refusal": evil}), AUTH), request, AUTH)
    assert bytes(refused.body).decode().count("&lt;script&gt;alert(1)&lt;/script&gt;") == 7, "the root stands in four"
    assert evil not in bytes(refused.body).decode()


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", True),  # a browser
        ("TEXT/HTML; Level=1 ;q=0.5, */*;q=0.1", True),
        ("text/html;q=0", False),
        ("application/json;q=0.5, text/html", True),
        ("application/json, text/html", False),
        ("application/problem+json, text/html;q=0.9", False),
        ("application/json", False),
        ("*/*", False),
        ("text/htmlx", False),
        ("", False),
        (";;q=,,", False),
    ],
)
def test_a_page_is_for_who_asks_for_html_before_json(accept: str, wanted: bool) -> None:
    request = Request("GET", b"/", b"", ((b"accept", accept.encode()),), "http://a")
    assert pages.wants_page(request) is wanted


def test_a_message_is_made_up_where_no_example_was_written(build_table: Build) -> None:
    code = """
@process
def say(text: str, n: int, share: float, yes: bool, tags: list[str], more: dict[str, int], x: int | str,
        optional: str = "") -> None:
    pass
"""
    route = build_table("  say: {url: /ws/say, process: p.say}", code).routes["say"]
    made = send_of(route)
    assert made == {"text": "…", "n": 1, "share": 1.5, "yes": True, "tags": [], "more": {}, "x": 1}
    assert route.whole.is_valid(made)


@pytest.mark.parametrize(
    ("own", "strict"),
    [
        ("https://app.example.com", True),
        ("https://app.example.com:8443", True),
        ("http://app.example.com", False),
        ("https://localhost:8000", False),
        ("https://127.0.0.1", False),
        ("https://[::1]:8000", False),
        ("https://[2J]", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_what_came_over_tls_shall_come_so_again(own: str, strict: bool) -> None:
    answer = secured(problem(Refusal("not_found"), AUTH), own)
    assert answer.headers.get("Strict-Transport-Security") == (HSTS if strict else None)
