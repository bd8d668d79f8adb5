"""The front served whole: who is asking, who enters, and refusals as HTTP."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from jackfield.errors import Refusal

from .served import COOKIE, Headers, Served

# entering


async def test_a_logged_in_caller_converses(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "jackfield")
    caller = served.call("/ws/say?page=секрет".encode().decode("latin-1"), await served.cookie("аня"))
    assert await caller.accepted() is None
    assert len(served.gateway.live.hub) == 1
    assert await caller.ask({"message": "Привет 🤝", "$id": 1}) == {"message": "Привет 🤝", "$id": 1}
    await caller.leave()
    assert len(served.gateway.live.hub) == 0
    opened, closed = (record.getMessage() for record in caplog.records if "connection_" in record.getMessage())
    assert opened.startswith("connection_opened endpoint='say'")
    assert "login='аня'" in closed
    assert "секрет" not in caplog.text


async def test_several_connections_with_one_cookie(served: Served) -> None:
    cookie = await served.cookie("bob")
    callers = [served.call("/ws/say", cookie) for _ in range(3)]
    for number, caller in enumerate(callers):
        await caller.accepted()
        assert await caller.ask({"message": str(number)}) == {"message": str(number)}
    for caller in callers:
        await caller.leave()


async def test_query_and_identity_reach_the_process(served: Served) -> None:
    guest = served.call("/ws/optional?a=1&a=2&b=%D1%8F&c")
    await guest.accepted()
    assert await guest.ask({}) == {"login": "", "known": False, "query": {"a": "2", "b": "я", "c": ""}}
    await guest.leave()
    known = served.call("/ws/optional", await served.cookie("аня"))
    await known.accepted()
    assert (await known.ask({}))["login"] == "аня"
    await known.leave()


@pytest.mark.parametrize("value", ["nonsense", '"quoted"', "", "a" * 5_000])
async def test_a_stale_cookie_keeps_nobody_out_of_a_public_endpoint(served: Served, value: str) -> None:
    caller = served.call("/ws/public", [("cookie", f"{COOKIE}={value}")])
    await caller.accepted()
    await caller.leave()
    refused = await served.call("/ws/optional", [("cookie", f"{COOKIE}={value}")]).refused()
    assert refused.status == (400 if len(value) > 4096 else 401)


# refusals


@pytest.mark.parametrize(
    ("target", "headers", "status", "code"),
    [
        ("/ws/none", [], 404, "not_found"),
        ("/ws/none", [("cookie", f"{COOKIE}=nonsense")], 404, "not_found"),
        ("/ws/none", [("cookie", f'{COOKIE}="quoted"')], 404, "not_found"),
        ("/ws/rooms/abc", [], 404, "not_found"),
        ("/ws/say", [], 401, "not_logged_in"),
        ("/ws/say", [("cookie", f"{COOKIE}=nonsense")], 401, "bad_credential"),
        ("/ws/say", [("cookie", f'{COOKIE}="quoted"')], 401, "bad_credential"),
        ("/ws/say", [("cookie", f"{COOKIE}=")], 401, "bad_credential"),
        ("/ws/say", [("cookie", f"{COOKIE.upper()}=nonsense")], 401, "not_logged_in"),
        ("/ws/say", [("cookie", f"{COOKIE}=a; {COOKIE}=b")], 400, "contradictory_credentials"),
        ("/ws/say", [("cookie", f"{COOKIE}=a"), ("cookie", f"{COOKIE}=b")], 400, "contradictory_credentials"),
        ("/ws/public", [("cookie", f"{COOKIE}=a; {COOKIE}=b")], 400, "contradictory_credentials"),
        (f"/ws/say?{COOKIE}=a", [], 400, "credential_in_query"),
        ("/ws/say?gen%5Fapp%5Fauth_token=a", [], 400, "credential_in_query"),
        ("/ws/say", [("origin", "https://evil.example")], 403, "origin_not_allowed"),
        ("/ws/say", [("host", "evil.example")], 400, "wrong_host"),
        ("/ws/say", [("host", "127.0.0.1:8000"), ("host", "127.0.0.1:8000")], 400, "wrong_host"),
        ("/ws/say", [("host", "127.0.0.1@evil.example")], 400, "wrong_host"),
        ("/ws/say", [("host", "localhost:9")], 401, "not_logged_in"),
        ("/ws/say", [("host", "[::1]:8000")], 401, "not_logged_in"),
    ],
)
async def test_a_refusal_is_http_and_teaches(
    served: Served, target: str, headers: Headers, status: int, code: str
) -> None:
    answer = await served.call(target, headers).refused()
    assert (answer.status, answer.headers["jackfield-error"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:jackfield:{code}")
    assert body["title"]
    assert body["detail"]
    assert body["fix"]
    assert ("www-authenticate" in answer.headers) == (status == 401)
    (kept,) = served.gateway.live.refusals
    assert (kept.code, kept.status, kept.path) == (code, status, target.partition("?")[0])


async def test_equal_cookies_are_one(served: Served) -> None:
    cookie = await served.cookie("bob")
    caller = served.call("/ws/say", [*cookie, *cookie])
    await caller.accepted()
    await caller.leave()


async def test_no_room_says_when_to_come_again(served: Served) -> None:
    cookie = await served.cookie("bob")
    first = served.call("/ws/small", cookie)
    await first.accepted()
    answer = await served.call("/ws/small", cookie).refused()
    assert (answer.status, answer.headers["retry-after"]) == (429, "5")
    await first.leave()
    second = served.call("/ws/small", cookie)
    await second.accepted()
    await second.leave()


async def test_a_role_is_wanted(served: Served) -> None:
    answer = await served.call("/ws/desk", await served.cookie("bob")).refused()
    assert (answer.status, answer.json["code"]) == (403, "role_required")
    assert "jackfield users roles bob +support" in answer.json["fix"]
    caller = served.call("/ws/desk", await served.cookie("аня"))
    await caller.accepted()
    await caller.leave()


async def test_the_login_of_a_refused_caller_is_kept(served: Served) -> None:
    await served.call("/ws/desk", await served.cookie("bob")).refused()
    (kept,) = served.gateway.live.refusals
    assert (kept.login, kept.client) == ("bob", "10.1.2.3")


async def test_only_the_last_200_refusals_are_kept(served: Served) -> None:
    for number in range(205):
        await served.call(f"/ws/none{number}").refused()
    assert served.gateway.live.refusals[0].path == "/ws/none5"
    assert len(served.gateway.live.refusals) == 200


async def test_a_server_without_http_answers_gets_a_close(served: Served) -> None:
    caller = served.call("/ws/say", extensions={})
    async with asyncio.timeout(5):
        await caller.task
    assert [message["type"] for message in caller.sent] == ["websocket.close"]


async def test_a_server_that_stops_takes_nobody_new(served: Served) -> None:
    served.gateway.live.ready = False
    answer = await served.call("/ws/public").refused()
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "not_ready", "1")
    assert (await served.http("GET", "/ready")).status == 503
    assert (await served.http("GET", "/health")).status == 200


async def test_a_store_that_does_not_answer_lets_nobody_in(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = await served.cookie("bob")

    async def fail(_credential: object) -> None:
        raise Refusal("store_unavailable", retry_after=2)

    monkeypatch.setattr(served.sessions, "identify", fail)
    answer = await served.call("/ws/say", cookie).refused()
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    caller = served.call("/ws/public", cookie)
    await caller.accepted()
    await caller.leave()
    answer = await served.http("POST", "/auth/logout", cookie)
    assert answer.status == 503, "a logout that ended nothing does not say that it did"


async def test_a_fault_of_ours_is_reported_without_its_cause(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_credential: object) -> None:
        raise RuntimeError("секрет")

    monkeypatch.setattr(served.sessions, "identify", fail)
    cookie = [("cookie", f"{COOKIE}=a")]
    for answer in (await served.call("/ws/say", cookie).refused(), await served.http("GET", "/ws/say", cookie)):
        assert (answer.status, answer.json["code"]) == (500, "server_fault")
        assert "секрет" not in answer.body.decode()
        assert answer.json["incident"] in caplog.text
    assert caplog.text.count("RuntimeError: секрет") == 2


@pytest.mark.parametrize("fault", [RuntimeError("of the outer server"), asyncio.CancelledError(), OSError("it left")])
async def test_an_accept_that_fails_gives_the_seat_back(served: Served, fault: BaseException) -> None:
    incoming: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})

    async def send(_message: object) -> None:
        raise fault

    scope = served.scope("websocket", "/ws/say", await served.cookie("bob"))
    with contextlib.nullcontext() if isinstance(fault, OSError) else pytest.raises(type(fault)):
        await served.gateway(scope, incoming.get, send)
    assert len(served.gateway.live.hub) == 0
    assert served.gateway.live.hub.count_of("say", "bob") == 0
    accepted = b'jackfield_handshakes_total{code="",endpoint="say",outcome="accepted"}'
    assert accepted not in served.gateway.live.metrics.text()
