"""uvicorn's protocols as we mended them: a real listener on loopback, driven by raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from jackfield.config.plan import AuthSettings, Limits
from jackfield.errors import Refusal
from jackfield.server.refusal import problem
from jackfield.server.wire.transport import EXTENSION
from jackfield.server.wire.upgrade import upgrade_fault
from tests.server.frames import CLOSE, KEY, PING, PONG, TEXT, Frame, masked, request
from tests.server.served import LIMIT
from tests.server.sockets import Listening, Scope, listening

App = Callable[[Scope, Any, Any], Any]
Start = Callable[..., Any]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Serve an ASGI application on loopback in this process; gives a function that connects to it."""
    async with contextlib.AsyncExitStack() as stack:

        async def serve(app: App, **settings: Any) -> Listening:
            return await stack.enter_async_context(listening(app, **settings))

        yield serve


async def echo(scope: Scope, receive: Any, send: Any) -> None:
    """What comes goes back; plain HTTP is told what was seen of the request."""
    if scope["type"] == "http":
        body = json.dumps(
            {
                "path": scope["path"],
                "client": scope["client"][0],
                "scheme": scope["scheme"],
                "fault": upgrade_fault(scope["method"], "/", scope["http_version"], scope["headers"]),
            }
        ).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 400, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


# the upgrade


async def test_an_upgrade_and_an_echo(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    connect = await start(echo)
    peer = await connect()
    await peer.send(request("/ws?token=secret", Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits"))
    status, headers, _ = await peer.answer()
    assert status == 101
    assert headers["sec-websocket-accept"]
    assert "sec-websocket-extensions" not in headers, "compression is never negotiated"
    assert "server" not in headers
    await peer.send(masked(TEXT, "Привет 🤝".encode()))
    assert await peer.frame() == Frame(TEXT, "Привет 🤝".encode())
    await peer.send(masked(CLOSE, struct.pack("!H", 1000)))
    assert (await peer.frame()).closes[0] == 1000
    await peer.ended()
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "connection", ["Upgrade", "upgrade", "keep-alive, Upgrade", "Upgrade\r\nConnection: keep-alive"]
)
async def test_the_upgrade_may_be_asked_for_in_any_of_the_headers(start: Start, connection: str) -> None:
    peer = await (await start(echo))()
    await peer.send(request(Connection=connection))
    assert (await peer.answer())[0] == 101


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (request(Sec_WebSocket_Key=None), "Sec-WebSocket-Key"),
        (request(Sec_WebSocket_Key="c2hvcnQ="), "Sec-WebSocket-Key"),
        (request(Sec_WebSocket_Key="ключ!".encode().decode("latin-1")), "Sec-WebSocket-Key"),
        (request(Sec_WebSocket_Key=f"{KEY}\r\nSec-WebSocket-Key: {KEY}"), "multiple values"),
        (request(Sec_WebSocket_Version=None), "Sec-WebSocket-Version"),
        (request(Sec_WebSocket_Version="8"), "Sec-WebSocket-Version"),
        (request(Sec_WebSocket_Version="13\r\nSec-WebSocket-Version: 13"), "multiple values"),
        (request(Connection="keep-alive"), "Connection"),
        (request(Upgrade="websocket\r\nUpgrade: h2c"), "Upgrade"),
        (request(Transfer_Encoding="chunked"), "no body"),
        (request(Content_Length="5"), "no body"),
        (request(version="1.0"), "HTTP/1.0"),
        (request(method="POST"), "POST"),
        (request(**{f"X-{n}": "1" for n in range(200)}), "more than 100 headers"),
        (request(X_Long="x" * 9_000), "longer than 8,190"),
    ],
)
async def test_a_malformed_upgrade_reaches_the_application(start: Start, head: bytes, words: str) -> None:
    peer = await (await start(echo))()
    await peer.send(head)
    status, _, body = await peer.answer()
    assert status == 400
    assert words in json.loads(body)["fault"]


@pytest.mark.parametrize("length", [8_170, 8_176, 8_177, 8_180, 8_190, 9_000])
async def test_a_long_target_never_hangs(start: Start, length: int) -> None:
    peer = await (await start(echo))()
    await peer.send(request("/" + "a" * (length - 1)))
    assert (await peer.answer())[0] == (101 if len("GET  HTTP/1.1") + length + 1 <= 8_190 else 400)


@pytest.mark.parametrize(
    "head",
    [
        request(Host="a\r\nHost: b"),
        request(Host=None),
        request(X="a\x00b"),
        request().replace(b"Upgrade: web", b"Upgrade : web"),
        request("/ws\x7f"),
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_in_our_form(
    start: Start, caplog: pytest.LogCaptureFixture, head: bytes
) -> None:
    caplog.set_level("INFO", "jackfield")
    peer = await (await start(echo))()
    await peer.send(head)
    status, headers, body = await peer.answer()
    assert status == 400
    assert headers["jackfield-error"] == "malformed_request"
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert json.loads(body)["code"] == "malformed_request"
    (reported,) = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert reported.startswith("refused code='malformed_request' status=400")
    assert reported.endswith(f"refusal='{json.loads(body)['refusal']}'")
    assert "client='127.0.0.1'" in reported
    assert not [record for record in caplog.records if record.levelname not in ("INFO", "DEBUG")]


@pytest.mark.parametrize(
    ("host", "reported"), [("a\r\nHost: b", "more than one Host header"), (None, "no Host header")]
)
async def test_a_host_that_is_missing_or_doubled_is_named(start: Start, host: str | None, reported: str) -> None:
    peer = await (await start(echo))()
    await peer.send(request(Host=host))
    _, _, body = await peer.answer()
    assert json.loads(body)["detail"] == f"The head has {reported}."


@pytest.mark.parametrize(
    "head",
    [
        request(X="a\r\n b"),
        b"GET /ws HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        request(X="y" * 10_000),
    ],
)
async def test_odd_heads_have_one_answer(start: Start, head: bytes) -> None:
    peer = await (await start(echo))()
    await peer.send(head)
    assert (await peer.answer())[0] in (101, 400)


async def test_a_body_that_breaks_after_the_answer_leaves_no_traceback(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await (await start(echo))()
    await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await peer.answer())[0] == 400
    await peer.send(b"zz\r\n")
    await peer.ended()
    assert errors(caplog) == []


async def test_a_body_that_breaks_while_it_is_read_is_answered_once(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    async def slow(scope: Scope, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await echo(scope, receive, send)

    peer = await (await start(slow))()
    await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n")
    status, headers, _ = await peer.answer()
    assert (status, headers["jackfield-error"]) == (400, "malformed_request")
    await peer.ended()
    assert errors(caplog) == []


# refusals and failures of the application


async def test_a_refusal_is_an_http_answer_and_no_error_in_the_log(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        answer = problem(Refusal("role_required", "Нет роли"), AuthSettings())
        await answer(scope, receive, send)

    peer = await (await start(refuse))()
    await peer.send(request())
    status, headers, body = await peer.answer()
    assert (status, headers["jackfield-error"]) == (403, "role_required")
    assert json.loads(body)["detail"] == "Нет роли"
    await peer.ended()
    assert errors(caplog) == []


@pytest.mark.parametrize("before", ["connect", "accept", "message"])
async def test_an_application_that_fails_is_logged_and_reported_in_a_frame_or_a_status(
    start: Start, caplog: pytest.LogCaptureFixture, before: str
) -> None:
    async def fail(scope: Scope, receive: Any, send: Any) -> None:
        if before != "connect":
            await receive()
        if before == "message":
            await send({"type": "websocket.accept"})
            await receive()
        raise RuntimeError("секрет")

    peer = await (await start(fail))()
    await peer.send(request())
    status, _, body = await peer.answer()
    if before == "message":
        assert status == 101
        await peer.send(masked(TEXT, b"{}"))
        assert (await peer.frame()).closes[0] == 1011
    else:
        assert status == 500
        assert "секрет".encode() not in body
    await peer.ended()
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "application_failed" in record.getMessage()
    assert record.exc_info


async def test_an_application_that_returns_without_a_close_closes_1011(start: Start) -> None:
    async def leave(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})

    peer = await (await start(leave))()
    await peer.send(request())
    assert (await peer.answer())[0] == 101
    assert (await peer.frame()).closes[0] == 1011
    await peer.ended()


# frames


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (masked(TEXT, b"\xff"), 1007),
        (masked(TEXT, b'{"a": "\xd0"}'), 1007),
        (masked(TEXT, b"\xed\xa0\x80"), 1007),
        (masked(TEXT, "я".encode()[:1], fin=False) + masked(0, b"!", fin=True), 1007),
        (masked(TEXT, b"\xff") + masked(TEXT, b"never"), 1007),
        (masked(TEXT, b"\xff") + masked(PING, b"x"), 1007),
        (masked(3, b""), 1002),
        (masked(TEXT | 0x40, b"rsv"), 1002),
        (b"\x81\x02hi", 1002),
        (masked(0, b"nothing to continue"), 1002),
        (masked(PING, b"x" * 126), 1002),
        (masked(CLOSE, b"\x03"), 1002),
        (masked(CLOSE, struct.pack("!H", 999)), 1002),
    ],
)
async def test_a_frame_that_breaks_the_rfc_closes_with_its_code(
    start: Start, caplog: pytest.LogCaptureFixture, sent: bytes, code: int
) -> None:
    peer = await (await start(echo))(upgrade=True)
    await peer.send(sent)
    while (frame := await peer.frame()).opcode == PONG:
        pass
    assert frame.closes[0] == code
    await peer.ended()
    assert errors(caplog) == []
    assert "Traceback" not in caplog.text


async def test_bad_text_and_a_close_in_one_breath(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    peer = await (await start(echo))(upgrade=True)
    await peer.send(masked(TEXT, b"\xff") + masked(CLOSE, struct.pack("!H", 1000)))
    assert (await peer.frame()).closes[0] == 1000
    await peer.ended()
    assert errors(caplog) == []


async def test_letters_cut_in_two_by_fragments_are_whole_again(start: Start) -> None:
    peer = await (await start(echo))(upgrade=True)
    letter = "🤝".encode()
    await peer.send(masked(TEXT, letter[:2], fin=False) + masked(PING, b"?") + masked(0, letter[2:]))
    assert await peer.frame() == Frame(PONG, b"?")
    assert await peer.frame() == Frame(TEXT, letter)


async def test_a_message_over_the_limit_is_closed_before_its_body_comes(start: Start) -> None:
    async def tuned(scope: Scope, receive: Any, send: Any) -> None:
        scope["extensions"][EXTENSION].tune(Limits(message=500, ping=None))
        await echo(scope, receive, send)

    connect = await start(tuned)
    for sent in (
        masked(TEXT, b"", length=1_001),
        masked(TEXT, b"", length=(1 << 62)),
        masked(TEXT, b"x" * 600, fin=False) + masked(0, b"", length=401),
    ):
        peer = await connect(upgrade=True)
        await peer.send(sent)
        assert (await peer.frame()).closes[0] == 1009
        await peer.ended()
    peer = await connect(upgrade=True)
    await peer.send(masked(TEXT, b"x" * 1_000))
    assert (await peer.frame()).data == b"x" * 1_000


async def test_an_abort_cuts_the_connection_off(start: Start) -> None:
    async def aborting(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        scope["extensions"][EXTENSION].transport.abort()
        assert (await receive())["type"] == "websocket.disconnect"

    peer = await (await start(aborting))(upgrade=True)
    await peer.send(masked(TEXT, b"{}"))
    async with asyncio.timeout(LIMIT):
        with contextlib.suppress(ConnectionResetError):
            assert await peer.reader.read() == b""


# keepalive


async def test_a_client_that_answers_no_ping_is_closed(start: Start) -> None:
    peer = await (await start(echo, ws_ping_interval=0.1, ws_ping_timeout=0.1))(upgrade=True)
    assert (await peer.frame()).opcode == PING
    assert (await peer.frame()).closes == (1011, "no pong came within 0.1 s")
    await peer.ended()


async def test_a_client_that_answers_stays(start: Start) -> None:
    peer = await (await start(echo, ws_ping_interval=0.1, ws_ping_timeout=0.1))(upgrade=True)
    for _ in range(3):
        frame = await peer.frame()
        assert frame.opcode == PING
        await peer.send(masked(PONG, frame.data))
    await peer.send(masked(TEXT, b"{}"))
    assert await peer.message() == Frame(TEXT, b"{}")


async def test_a_client_whose_pong_we_do_not_read_stays(start: Start) -> None:
    """The process works, twenty messages wait, and with them every pong; then all is answered in order."""
    go_on = asyncio.Event()

    async def busy(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await go_on.wait()
        await echo_on(receive, send)

    async def echo_on(receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})

    peer = await (await start(busy, ws_ping_interval=0.1, ws_ping_timeout=0.1))(upgrade=True)
    for number in range(20):
        await peer.send(masked(TEXT, str(number).encode()))
    for _ in range(3):
        frame = await peer.frame()
        assert frame.opcode == PING, frame
        await peer.send(masked(PONG, frame.data))
    go_on.set()
    assert [int((await peer.message()).data) for _ in range(20)] == list(range(20))


# proxies


FORWARDED = "X-Forwarded-For: 6.6.6.6, 7.7.7.7\r\nX-Forwarded-Proto: https\r\nX_Forwarded_For: 9.9.9.9\r\n"


@pytest.mark.parametrize(
    ("settings", "client", "scheme"),
    [
        ({}, "127.0.0.1", "http"),
        ({"proxy_headers": True, "forwarded_allow_ips": ["10.0.0.0/8"]}, "127.0.0.1", "http"),
        ({"proxy_headers": True, "forwarded_allow_ips": ["127.0.0.1"]}, "7.7.7.7", "https"),
        ({"proxy_headers": True, "forwarded_allow_ips": ["127.0.0.0/8", "7.7.7.7"]}, "6.6.6.6", "https"),
    ],
)
async def test_forwarded_headers_are_believed_from_a_proxy_alone(
    start: Start, settings: dict[str, Any], client: str, scheme: str
) -> None:
    peer = await (await start(echo, **settings))()
    await peer.send(f"GET / HTTP/1.1\r\nHost: a\r\n{FORWARDED}\r\n".encode())
    _, headers, body = await peer.answer()
    seen = json.loads(body)
    assert (seen["client"], seen["scheme"]) == (client, scheme)
    assert "server" not in headers
