"""OPS-4: a fault of ours is told without its cause, has its incident in the log, and lets nobody in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.server import request as requests
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.gateway import open_gateway
from jackfield.server.options import Options
from jackfield.server.wire import http1
from tests.server.conftest import OpenServed
from tests.server.frames import request
from tests.server.served import Served
from tests.server.sockets import listening

ENDPOINTS = """
  say: {url: /ws/say, process: p.say}
  open: {url: /ws/open, process: p.say, auth: public}
  wait: {url: /ws/wait, process: p.wait, auth: public}
  many: {url: /ws/many, process: p.many, auth: public}
  sure: {url: /ws/sure, process: p.sure, auth: public}
  halt: {url: /ws/halt, process: p.halt, auth: public}
  odd: {url: /ws/odd, process: p.odd, auth: public}
"""
CODE = """
@process
def say(message: str) -> str:
    raise LookupError("канарейка-91 " + message)

@process
async def wait(message: str) -> str:
    raise LookupError("канарейка-91 " + message)

@process
async def many(message: str):
    yield 1
    raise LookupError("канарейка-91 " + message)

@process(blocking=True)
def sure(message: str) -> str:
    raise LookupError("канарейка-91 " + message)

@process
def halt(message: str) -> str:
    raise SystemExit("канарейка-91 " + message)

@process
def odd(message: str) -> Any:
    return {"a": {"канарейка-91"}}
"""
CANARY = "канарейка-91"
TRACES = ("Traceback", 'File "', ".py", "line ", "LookupError", "RuntimeError", CANARY)


class Broken(RuntimeError):
    """A bug of ours, with words that nobody outside may read."""

    def __init__(self) -> None:
        super().__init__(CANARY)


def clean(reported: object) -> None:
    """Nothing of the cause is told."""
    text = reported if isinstance(reported, str) else json.dumps(reported, ensure_ascii=False, default=str)
    assert [trace for trace in TRACES if trace in text] == []


def part(desk: Served, layer: str) -> Any:
    """A layer by its name, for a test that breaks one of its functions."""
    return {"requests": requests, "callers": desk.gateway.callers}.get(layer) or getattr(desk.gateway.live, layer)


def breaks(*_args: object, **_more: object) -> Any:
    raise Broken


async def breaks_later(*_args: object, **_more: object) -> Any:
    raise Broken


@pytest.fixture
async def desk(open_served: OpenServed) -> Served:
    made: Served = await open_served(ENDPOINTS, CODE)
    await made.add("аня", password="верный пароль-71")
    return made


@pytest.mark.parametrize("name", ["open", "wait", "many", "sure", "halt", "odd"])
async def test_ops_4_a_process_that_fails_is_reported_by_its_incident_alone(
    desk: Served, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caller = desk.call(f"/ws/{name}")
    await caller.accepted()
    number = len(caller.sent) + (name == "many")
    caller.incoming.put_nowait({"type": "websocket.receive", "text": '{"message": "x"}'})
    await caller.until(number + 1)
    error = json.loads(caller.sent[number]["text"])["error"]
    assert set(error) == {"code", "message", "incident"}
    assert error["code"] == "process_failed"
    clean(error)
    assert f"incident='{error['incident']}'" in caplog.text
    await caller.leave()


@pytest.mark.parametrize(("layer", "name"), [("callers", "identify"), ("hub", "count"), ("requests", "check_address")])
async def test_ops_4_a_handshake_that_fails_lets_nobody_in(
    desk: Served, layer: str, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cookie = await desk.cookie("аня")
    monkeypatch.setattr(part(desk, layer), name, breaks_later if name == "identify" else breaks)
    answer = await desk.call("/ws/say", cookie).refused()
    assert (answer.status, answer.json["code"]) == (500, "server_fault")
    clean(answer.json)
    clean(answer.headers)
    assert f"incident='{answer.json['incident']}'" in caplog.text
    assert len(desk.gateway.live.hub) == 0


@pytest.mark.parametrize(
    ("method", "target", "layer", "name"),
    [
        ("POST", "/auth/login", "sessions", "login"),
        ("GET", "/auth/session", "callers", "identify"),
        ("GET", "/ws/say", "hub", "count"),
        ("GET", "/metrics", "metrics", "text"),
    ],
)
async def test_ops_4_a_request_that_fails_is_reported_by_its_incident_alone(
    desk: Served,
    method: str,
    target: str,
    layer: str,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cookie = await desk.cookie("аня")
    monkeypatch.setattr(part(desk, layer), name, breaks_later if name in ("login", "identify") else breaks)
    body: object = {"login": "аня", "password": "верный пароль-71"} if method == "POST" else b""
    answer = await desk.http(method, target, cookie, body)
    assert (answer.status, answer.json["code"]) == (500, "server_fault")
    clean(answer.json)
    clean(answer.headers)
    assert "set-cookie" not in answer.headers, "nobody was let in"
    assert f"incident='{answer.json['incident']}'" in caplog.text


@pytest.mark.parametrize("upgrade", [False, True], ids=["plain", "upgrade"])
async def test_ops_4_what_no_layer_caught_is_a_bare_500(
    desk: Served, upgrade: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Through a real listener: where even the refusal fails, the server's last resort answers."""
    monkeypatch.setattr(requests, "read", breaks)
    async with listening(desk.gateway) as here:
        peer = await here()
        await peer.send(request("/ws/open") if upgrade else b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        status, headers, body = await peer.answer()
    assert status == 500
    clean(headers)
    clean(body.decode())
    assert CANARY in caplog.text, "the log has what the client has not"


class Naming(ValueError):
    """A fault of a library, with what it was given in its words."""


@pytest.mark.parametrize("second", [False, True], ids=["first request", "second request"])
async def test_ops_4_what_fails_over_the_bytes_of_a_request_is_answered_and_reported_without_them(
    desk: Served, second: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_method: str, _target: str, _version: str, headers: list[tuple[bytes, bytes]]) -> None:
        raise Naming(f"{CANARY} {headers!r}") from LookupError(CANARY)

    monkeypatch.setattr(http1, "check_upgrade", fails)
    async with listening(desk.gateway) as here:
        peer = await here()
        before = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" if second else b""
        await peer.send(before + request("/ws/open", Cookie="t=тайна".encode().decode("latin-1")))
        if second:
            assert (await peer.answer())[0] == 200
        status, headers, body = await peer.answer()
        await peer.ended()
    reported = json.loads(body)
    assert (status, reported["code"], headers["connection"]) == (500, "server_fault", "close")
    clean(reported)
    assert f"incident='{reported['incident']}'" in caplog.text
    assert "Wordless: Naming" in caplog.text
    assert "in fails" in caplog.text, "the stack is there"
    assert CANARY not in caplog.text


@pytest.mark.parametrize("upgrade", [False, True], ids=["plain", "upgrade"])
@pytest.mark.parametrize(("layer", "name"), [("callers", "identify"), ("requests", "read")])
async def test_ops_4_a_fault_is_logged_without_the_words_of_the_request(
    desk: Served,
    layer: str,
    name: str,
    upgrade: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secrets = ("тайный ключ", "opaque-key-17", "query-key-18", "path-key-19")

    def fails(*_given: object, **_more: object) -> None:
        raise Naming(f"{CANARY}: " + " | ".join(secrets))

    async def fails_later(*_given: object, **_more: object) -> None:
        fails()

    monkeypatch.setattr(part(desk, layer), name, fails_later if name == "identify" else fails)
    fields: dict[str, Any] = {
        "Host": desk.host,
        "X-Key": secrets[0].encode().decode("latin-1"),
        "Cookie": f"a; sid={secrets[1]}",
    }
    fields |= {} if upgrade else {"Upgrade": None, "Connection": None}
    async with listening(desk.gateway) as here:
        peer = await here()
        await peer.send(request(f"/{secrets[3]}?{secrets[2]}", **fields))
        status, _, _ = await peer.answer()
    assert status == 500
    assert f"Naming: {CANARY}" in caplog.text
    assert [secret for secret in secrets[1:] if f"| {secret}" in caplog.text] == []


async def test_ops_4_a_conversation_that_fails_is_closed_1011(
    desk: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dispatcher = Dispatcher(threads=1)
    gateway = open_gateway(Options(), desk.sessions, desk.gateway.live.generation, dispatcher)
    monkeypatch.setattr(dispatcher, "in_task", lambda *_parts: breaks_later)
    monkeypatch.setattr(dispatcher, "in_place", lambda *_parts: None)
    desk.gateway = gateway
    caller = desk.call("/ws/open")
    await caller.accepted()
    caller.incoming.put_nowait({"type": "websocket.receive", "text": '{"message": "x"}'})
    code, reason = await caller.closed()
    assert code == 1011
    clean(reason)
    assert "conversation_failed" in caplog.text
    assert CANARY in caplog.text
    dispatcher.close()
