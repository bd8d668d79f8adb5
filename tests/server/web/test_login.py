"""The way from a password to the cookie and back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jackfield.server.web import json_api
from jackfield.server.wire import guards
from tests.server.conftest import Clock, OpenServed
from tests.server.served import COOKIE, PASSWORD, Headers, Served

PUBLIC = "  say: {url: /ws/say, process: p.echo, auth: public}"


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    made = await open_served(PUBLIC)
    await made.add("аня", "support", "admin", password=PASSWORD)
    return made


def given(login: str = "аня", password: str = PASSWORD) -> dict[str, str]:
    return {"login": login, "password": password}


def cookie_of(headers: dict[str, str]) -> Headers:
    return [("cookie", headers["set-cookie"].partition(";")[0])]


@pytest.mark.shows("TK-8")
async def test_a_login_gives_the_cookie_and_the_token(served: Served) -> None:
    answer = await served.http("POST", "/auth/login", body=given())
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json
    assert set(body) == {"token", "expires_at", "login", "roles"}
    assert (body["login"], body["roles"]) == ("аня", ["admin", "support"])
    assert body["expires_at"] == "2027-01-15T09:00:00+00:00"
    assert answer.headers["set-cookie"] == f"{COOKIE}={body['token']}; HttpOnly; SameSite=Lax; Path=/; Max-Age=3600"
    assert len(answer.headers["set-cookie"]) < 4096
    session = await served.http("GET", "/auth/session", cookie_of(answer.headers))
    assert session.json == {key: body[key] for key in ("expires_at", "login", "roles")}


@pytest.mark.shows("TK-8")
@pytest.mark.parametrize(
    ("head", "options", "attributes"),
    [
        ("", {"public_url": "https://a.example"}, "HttpOnly; SameSite=Lax; Path=/; Secure; Max-Age=3600"),
        ("auth: {cookie: {name: sid, same_site: strict}}", {}, "HttpOnly; SameSite=Strict; Path=/; Max-Age=3600"),
        (
            "auth: {cookie: {name: sid, same_site: none, partitioned: true}}",
            {"public_url": "https://a.example"},
            "HttpOnly; SameSite=None; Path=/; Secure; Partitioned; Max-Age=3600",
        ),
    ],
)
async def test_the_attributes_of_the_cookie(
    open_served: OpenServed, head: str, options: dict[str, Any], attributes: str
) -> None:
    served = await open_served(PUBLIC, head=head, **options)
    await served.add("bob", password=PASSWORD)
    answer = await served.http("POST", "/auth/login", body=given("bob"))
    name = "sid" if head else COOKIE
    assert answer.headers["set-cookie"] == f"{name}={answer.json['token']}; {attributes}"


@pytest.mark.shows("TK-10")
async def test_the_token_may_be_kept_out_of_the_body(open_served: OpenServed) -> None:
    served = await open_served(PUBLIC, head="auth: {token_in_body: false, path: /вход}")
    await served.add("bob", password=PASSWORD)
    answer = await served.http("POST", "/%D0%B2%D1%85%D0%BE%D0%B4/login", body=given("bob"))
    assert answer.status == 200
    assert "token" not in answer.json
    refused = await served.http("GET", "/%D0%B2%D1%85%D0%BE%D0%B4/session")
    assert 'form-action="/%D0%B2%D1%85%D0%BE%D0%B4/login"' in refused.headers["www-authenticate"]
    assert answer.headers["set-cookie"].startswith(f"{COOKIE}=")


@pytest.mark.shows("AU-2")
async def test_unknown_disabled_and_wrong_are_reported_alike(served: Served) -> None:
    await served.add("out", password=PASSWORD)
    await served.store.disable("out")
    await served.add("none")
    answers = [
        await served.http("POST", "/auth/login", body=given(login, password))
        for login, password in (
            *(("nobody", PASSWORD), ("out", PASSWORD), ("none", PASSWORD), ("none", ""), ("", PASSWORD)),
            *(("аня", "a wrong password"), ("a\0b", PASSWORD)),
        )
    ]
    assert len({(answer.status, tuple(answer.headers.items())) for answer in answers}) == 1
    bodies = [answer.json for answer in answers]
    told = [body.pop("refusal") for body in bodies]
    assert all(body == bodies[0] for body in bodies)
    assert len(set(told)) == 6, "an id is of one login, whether a user has it or not"
    assert told[2] == told[3]
    assert answers[0].status == 401
    assert answers[0].json["code"] == "login_failed"
    assert "set-cookie" not in answers[0].headers


async def test_no_password_and_no_token_reach_the_log(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = (await served.http("POST", "/auth/login", body=given())).json["token"]
    await served.http("POST", "/auth/login", body=given(password="a wrong пароль"))
    await served.http("POST", "/auth/logout", [("cookie", f"{COOKIE}={token}")])
    assert "login_refused" in caplog.text
    assert PASSWORD not in caplog.text
    assert "a wrong пароль" not in caplog.text
    assert token not in caplog.text


@pytest.mark.shows("AU-8")
@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b'{"login": "a", "password": "b"}', "text/plain", 415, "unsupported_media_type"),
        (b"login=a&password=b", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"{}", "", 415, "unsupported_media_type"),
        (b"{}", "application/json", 400, "invalid_request"),
        (b"", "application/json", 400, "invalid_request"),
        (b"[]", "application/json", 400, "invalid_request"),
        (b'{"login": "a"}', "application/json", 400, "invalid_request"),
        (b'{"login": "a", "password": 5}', "application/json", 400, "invalid_request"),
        (b'{"login": "a", "password": "b", "admin": true}', "application/json", 400, "invalid_request"),
        (b'{"login": "a", "password": "\xff"}', "application/json", 400, "invalid_request"),
        (b'{"login": "a", "password": "\\ud800"}', "application/json", 400, "invalid_request"),
        (b"[" * 4_000, "application/json", 400, "invalid_request"),
        (b'{"login": "a", "password": "' + b"x" * 2_000 + b'"}', "application/json", 400, "invalid_request"),
        (b'{"login": "a", "password": "x\\u0000yyyyyyyyy"}', "application/json", 400, "invalid_request"),
        (b" " * 4_097, "application/json", 413, "body_too_large"),
        (b'{"login": "a", "password": "bbbbbbbbb"}', "Application/JSON; charset=utf-8", 401, "login_failed"),
        (b'\xef\xbb\xbf{"login": "a", "password": "bbbbbbbbb"}', "application/json", 401, "login_failed"),
    ],
)
async def test_a_login_of_another_form(served: Served, body: bytes, kind: str, status: int, code: str) -> None:
    headers = [("content-type", kind)] if kind else []
    answer = await served.http("POST", "/auth/login", headers, body)
    assert (answer.status, answer.json["code"]) == (status, code)


@pytest.mark.shows("AU-8")
@pytest.mark.parametrize("path", ["login", "logout", "session", "refresh", "password"])
async def test_pages_of_other_origins_have_no_say_here(served: Served, path: str) -> None:
    method = "GET" if path == "session" else "POST"
    cookie = await served.cookie("аня")
    for page in (
        *(("origin", "https://evil.example"), ("origin", "null")),
        *(("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")),
    ):
        if path == "session" and page[0] != "origin":
            continue
        answer = await served.http(method, f"/auth/{path}", [page, *cookie], body=given())
        assert (answer.status, answer.json["code"]) == (403, "origin_not_allowed")
        assert "set-cookie" not in answer.headers
    assert (await served.http("GET", "/auth/session", cookie)).status == 200
    answer = await served.http(method, f"/auth/{path}", [("origin", "http://localhost:8000")], body=given())
    assert answer.status in (200, 401)


@pytest.mark.shows("AU-8")
@pytest.mark.parametrize(
    ("method", "path", "allow"), [("GET", "login", "POST"), ("GET", "logout", "POST"), ("DELETE", "session", "GET")]
)
async def test_each_address_has_its_method(served: Served, method: str, path: str, allow: str) -> None:
    answer = await served.http(method, f"/auth/{path}")
    assert (answer.status, answer.headers["allow"]) == (405, allow)


@pytest.mark.shows("TK-7")
async def test_each_login_is_a_session_of_its_own_and_ends_the_one_it_came_with(served: Served) -> None:
    first = cookie_of((await served.http("POST", "/auth/login", body=given())).headers)
    beside = cookie_of((await served.http("POST", "/auth/login", body=given())).headers)
    second = cookie_of((await served.http("POST", "/auth/login", first, given())).headers)
    assert first != second
    assert (await served.http("GET", "/auth/session", first)).status == 401
    assert (await served.http("GET", "/auth/session", second)).status == 200
    assert (await served.http("GET", "/auth/session", beside)).status == 200


async def test_a_failed_login_leaves_the_session_it_came_with(served: Served) -> None:
    cookie = cookie_of((await served.http("POST", "/auth/login", body=given())).headers)
    assert (await served.http("POST", "/auth/login", cookie, given(password="a wrong one"))).status == 401
    assert (await served.http("GET", "/auth/session", cookie)).status == 200


@pytest.mark.shows("TK-7")
async def test_a_cookie_that_was_planted_is_not_adopted(served: Served) -> None:
    planted = [("cookie", f"{COOKIE}=planted")]
    answer = await served.http("POST", "/auth/login", planted, given())
    assert answer.status == 200
    assert cookie_of(answer.headers) != planted


@pytest.mark.shows("TK-8")
@pytest.mark.parametrize("cookie", ["real", "none", "nonsense", "ended"])
async def test_a_logout_takes_the_cookie_back(served: Served, cookie: str) -> None:
    headers = {"none": [], "nonsense": [("cookie", f"{COOKIE}=x")]}.get(cookie) or await served.cookie("аня")
    if cookie == "none":
        headers = []
    if cookie == "ended":
        await served.http("POST", "/auth/logout", headers)
    answer = await served.http("POST", "/auth/logout", headers)
    assert answer.status == 200
    assert answer.headers["set-cookie"] == f"{COOKIE}=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"
    assert (await served.http("GET", "/auth/session", headers)).status == 401


async def test_a_session_that_has_run_out_is_reported_so(served: Served, clock: Clock) -> None:
    cookie = await served.cookie("аня")
    clock.move(3600)
    answer = await served.http("GET", "/auth/session", cookie)
    assert (answer.status, answer.json["code"]) == (401, "session_expired")


@pytest.mark.shows("AU-9")
async def test_a_body_that_does_not_come_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    # our own listener is the first to give up: one answer, and one line in the log
    assert json_api.BODY_LIMIT > guards.REQUEST_LIMIT + guards.GRACE
    monkeypatch.setattr(json_api, "BODY_LIMIT", 0.02)
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {**served.scope("http", "/auth/login", [("content-type", "application/json")]), "method": "POST"}
    async with asyncio.timeout(5):
        await served.gateway(scope, receive, send)
    assert sent[0]["status"] == 408


@pytest.mark.shows("AU-9")
@pytest.mark.parametrize(
    ("body", "reported"),
    [
        (b"", "The body is empty."),
        (b"\xff", "The body is not UTF-8."),
        (b"[]", "The body is not a JSON object."),
        (b"null", "The body is not a JSON object."),
        (b"[" * 4000, "The body is nested more than 64 deep."),
        (
            b'{"login": "a", "password": "b", "x": ' + b"[" * 65 + b"]" * 65 + b"}",
            "The body is nested more than 64 deep.",
        ),
        (b'{"login": "a",}', "The body is not JSON: a comma stands before the closing bracket at character 14."),
        (b'{"login": "a"}', 'The body does not fit: the key "password" is missing.'),
        (b'{"login": 5, "password": "a\\u0000"}', "The body does not fit: login must be a text, not a whole number."),
        (b'{"login": "a", "password": 5}', "The body does not fit: password must be a text, not a whole number."),
        (
            b'{"login": null, "pasword": "secret!"}',
            'The body does not fit: the key "password" is missing; login must be a text, not null; '
            'unknown key "pasword"; did you mean "password"?',
        ),
        (
            b'{"login": 5, "login": "a", "password": "secret!"}',
            "The body does not fit: a key stands twice, and not all its values fit.",
        ),
        (
            b'{"login": "a", "password": "secret!\\ud800"}',
            "The body does not fit: password: the text holds half of a surrogate pair, which is not Unicode.",
        ),
    ],
)
async def test_what_is_wrong_with_a_body_is_said_and_none_of_its_values(
    served: Served, body: bytes, reported: str
) -> None:
    answer = await served.http("POST", "/auth/login", [("content-type", "application/json")], body)
    assert (answer.status, answer.json["code"], answer.json["detail"]) == (400, "invalid_request", reported)
    assert b"secret" not in answer.body
    assert '{"login": "…", "password": "…"}' in answer.json["fix"]


async def test_a_client_that_leaves_in_its_body_leaves_no_traceback(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {**served.scope("http", "/auth/login", [("content-type", "application/json")]), "method": "POST"}
    await served.gateway(scope, receive, send)
    assert sent[0]["status"] == 400
    assert "Traceback" not in caplog.text
