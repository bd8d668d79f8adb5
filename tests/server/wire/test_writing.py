"""One behaviour over both transports: the direct path, and plain ASGI on uvicorn's own class."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from jackfield.server.wire import over_asgi
from jackfield.server.wire import writing as direct_module
from tests.server.frames import BINARY, CLOSE, PING, PONG, TEXT, Frame, masked
from tests.server.served import LIMIT, until
from tests.server.sockets import BINARY_HEARD, EchoServer, Peer, Recorder, echo_server
from tests.walk.test_tls import certificate

Open = Callable[..., Awaitable[EchoServer]]

WORDS = ["", "привет", "🤝" * 31, "x" * 125, "y" * 126, "я" * 500, "z" * 65_535, "=" * 65_536, "{}"]
LARGE = b"x" * 200_000


@pytest.fixture(params=["direct", "plain"])
async def open_line(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    """Open an EchoServer over one of the transports; uvicorn's settings by name."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(**settings: Any) -> EchoServer:
            return await stack.enter_async_context(echo_server(request.param, **settings))

        yield make


def close(code: int, reason: str = "") -> bytes:
    return masked(CLOSE, struct.pack("!H", code) + reason.encode())


async def last_of(peer: Peer) -> Frame:
    """The close frame, behind whatever comes before it."""
    while (frame := await peer.frame()).opcode != CLOSE:
        pass
    return frame


# messages and answers


async def test_what_is_said_is_answered_in_order(open_line: Open) -> None:
    client, recorder = await (await open_line()).client()
    for word in WORDS:
        await client.send(word)
    async with asyncio.timeout(LIMIT):
        assert [await client.recv() for _ in WORDS] == WORDS
    assert recorder.heard == WORDS


async def test_one_answer_at_a_time(open_line: Open) -> None:
    client, _ = await (await open_line()).client()
    for word in WORDS:
        await client.send(word)
        async with asyncio.timeout(LIMIT):
            assert await client.recv() == word


async def test_many_messages_in_one_read(open_line: Open) -> None:
    peer, recorder = await (await open_line()).peer()
    words = [f"№ {number}" for number in range(50)]
    await peer.send(b"".join(masked(TEXT, word.encode()) for word in words))
    assert [(await peer.frame()).data.decode() for _ in words] == words
    assert recorder.heard == words


@pytest.mark.parametrize("word", ["два слова 🤝", "x" * 130])
async def test_a_message_cut_at_every_byte(open_line: Open, word: str) -> None:
    peer, recorder = await (await open_line()).peer()
    sent = masked(TEXT, word.encode())
    for place in range(1, len(sent)):
        await peer.send(sent[:place])
        await asyncio.sleep(0)
        await peer.send(sent[place:])
        assert await peer.frame() == Frame(TEXT, word.encode())
    for byte in sent:
        await peer.send(bytes((byte,)))
        await asyncio.sleep(0)
    assert await peer.frame() == Frame(TEXT, word.encode())
    assert set(recorder.heard) == {word}


async def test_the_receiver_may_answer_nothing_or_later(open_line: Open) -> None:
    opened = await open_line()
    opened.act = lambda recorder, text: None
    peer, recorder = await opened.peer()
    await peer.send(masked(TEXT, b"1") + masked(TEXT, b"2"))
    await recorder.hears(2)
    recorder.transport.write("позже".encode())
    assert (await peer.frame()).data == "позже".encode()


@pytest.mark.parametrize("at_once", [True, False])
async def test_an_event_sent_before_the_answer_arrives_before_it(open_line: Open, at_once: bool) -> None:
    def act(recorder: Recorder, text: bytes) -> bytes:
        recorder.transport.write(b"event " + text)
        return text

    opened = await open_line()
    opened.act = act
    peer, _ = await opened.peer()
    frames = [masked(TEXT, b"1"), masked(TEXT, b"2")]
    for sent in [b"".join(frames)] if at_once else frames:
        await peer.send(sent)
    assert [(await peer.frame()).data for _ in range(4)] == [b"event 1", b"1", b"event 2", b"2"]


async def test_a_ping_between_messages_is_answered_between_them(open_line: Open) -> None:
    opened = await open_line()
    peer, _ = await opened.peer()
    await peer.send(masked(TEXT, b"before"))
    assert (await peer.frame()).data == b"before"
    await peer.send(masked(PING, b"?"))
    assert await peer.frame() == Frame(PONG, b"?")
    await peer.send(masked(TEXT, b"after"))
    assert (await peer.frame()).data == b"after"


async def test_a_binary_message_is_reported_in_its_turn(open_line: Open) -> None:
    peer, recorder = await (await open_line()).peer()
    await peer.send(masked(TEXT, b"1") + masked(BINARY, b"\xff") + masked(TEXT, b"2"))
    assert [(await peer.frame()).data.decode() for _ in range(3)] == ["1", BINARY_HEARD, "2"]
    assert recorder.heard == ["1", BINARY_HEARD, "2"]


async def test_a_fragmented_message_is_one_message(open_line: Open) -> None:
    peer, recorder = await (await open_line()).peer()
    word = "по частям".encode()
    await peer.send(masked(TEXT, word[:3], fin=False) + masked(PING, b"") + masked(0, b"", fin=False))
    assert await peer.frame() == Frame(PONG, b"")
    await peer.send(masked(0, word[3:]) + masked(TEXT, b"next"))
    assert [(await peer.frame()).data for _ in range(2)] == [word, b"next"]
    assert recorder.heard == ["по частям", "next"]


async def test_compressed_messages(open_line: Open) -> None:
    opened = await open_line(ws_per_message_deflate=True)
    client, recorder = await opened.client(compression="deflate")
    assert client.protocol.extensions
    for word in ["сжато " * 1_000, "ещё", ""]:
        await client.send(word)
        async with asyncio.timeout(LIMIT):
            assert await client.recv() == word
    await client.close()
    assert await recorder.ended() == 1000


async def test_a_pause_holds_messages_back_and_none_is_lost(open_line: Open) -> None:
    def act(recorder: Recorder, text: bytes) -> bytes:
        if text == b"0":
            recorder.transport.pause()
        return text

    opened = await open_line()
    opened.act = act
    peer, recorder = await opened.peer()
    for number in range(20):
        await peer.send(masked(TEXT, str(number).encode()))
    assert (await peer.frame()).data == b"0"
    recorder.transport.resume()
    assert [int((await peer.frame()).data) for _ in range(19)] == list(range(1, 20))


# what the client breaks


async def test_text_that_is_not_utf8_closes_1007(open_line: Open) -> None:
    peer, recorder = await (await open_line()).peer()
    await peer.send(masked(TEXT, b"\xd0") + masked(TEXT, b"never"))
    assert (await peer.frame()).closes[0] == 1007
    await peer.ended()
    assert await recorder.ended() == 1007
    assert recorder.heard == []


@pytest.mark.parametrize(
    "sent",
    [
        masked(TEXT, b"", length=1_001),
        masked(TEXT, b"", length=1 << 62),
        masked(TEXT, b"x" * 600, fin=False) + masked(0, b"", length=401),
    ],
)
async def test_a_message_over_the_limit_closes_1009_before_its_body_comes(open_line: Open, sent: bytes) -> None:
    opened = await open_line(ws_max_size=1_000)
    peer, recorder = await opened.peer()
    await peer.send(masked(TEXT, b"x" * 1_000))
    assert (await peer.frame()).data == b"x" * 1_000
    await peer.send(sent)
    assert (await peer.frame()).closes[0] == 1009
    await peer.ended()
    assert await recorder.ended() == 1009


@pytest.mark.parametrize("sent", [b"\x81\x7e", b"\x81\x7f\0\0", b"\xc1\x85", b"\x83\x80"])
async def test_a_header_that_can_only_be_a_violation_closes_1002_at_once(open_line: Open, sent: bytes) -> None:
    peer, recorder = await (await open_line()).peer()
    await peer.send(sent + masked(TEXT, b"never"))
    assert (await peer.frame()).closes[0] == 1002
    await peer.ended()
    assert await recorder.ended() == 1002
    assert recorder.heard == []


# the end


async def test_the_client_closes(open_line: Open) -> None:
    peer, recorder = await (await open_line()).peer()
    await peer.send(close(3_000, "хватит") + masked(TEXT, b"never"))
    assert (await peer.frame()).closes == (3_000, "хватит")
    await peer.ended()
    assert await recorder.ended() == 3_000
    assert recorder.heard == []


async def test_the_client_closes_without_a_code(open_line: Open) -> None:
    peer, recorder = await (await open_line()).peer()
    await peer.send(masked(CLOSE, b""))
    assert await peer.frame() == Frame(CLOSE, b"")
    await peer.ended()
    assert await recorder.ended() == 1005


async def test_we_close_after_what_was_written(open_line: Open) -> None:
    def act(recorder: Recorder, text: bytes) -> bytes:
        recorder.transport.write(b"last")
        recorder.transport.close(4001, "пока")
        recorder.transport.write(b"never")
        recorder.transport.close(4002, "twice")
        return text  # dropped: a close was asked for

    opened = await open_line()
    opened.act = act
    client, recorder = await opened.client()
    await client.send("конец")
    async with asyncio.timeout(LIMIT):
        assert await client.recv() == "last"
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4001, "пока")
    assert await recorder.ended() == 4001


async def test_what_a_client_says_after_our_close_is_nobodys(open_line: Open) -> None:
    peer, recorder = await (await open_line()).peer()
    recorder.transport.close(4001, "")
    assert (await peer.frame()).closes[0] == 4001
    await peer.send(masked(TEXT, b"never") + masked(TEXT, b"never") + close(4001))
    await peer.ended()
    assert await recorder.ended() == 4001
    assert recorder.heard == []


async def test_a_client_that_does_not_answer_our_close_is_cut_off(open_line: Open) -> None:
    peer, recorder = await (await open_line()).peer()
    recorder.protocol.close_timeout = 0.02
    recorder.transport.close(4001, "")
    assert (await peer.frame()).closes[0] == 4001
    await peer.ended()
    assert await recorder.ended() == 4001


async def test_a_close_asked_for_before_the_accept_follows_it(open_line: Open) -> None:
    opened = await open_line()
    opened.before_accept = lambda recorder: recorder.transport.close(4403, "роль снята")
    peer, recorder = await opened.peer()
    assert (await peer.frame()).closes == (4403, "роль снята")
    await peer.send(close(4403))
    await peer.ended()
    assert await recorder.ended() == 4403


async def test_a_client_that_is_gone_without_a_close(open_line: Open) -> None:
    opened = await open_line()
    peer, recorder = await opened.peer()
    peer.writer.transport.abort()
    assert await recorder.ended() == (1006 if opened.kind == "direct" else 1005)  # uvicorn's own class names it so
    recorder.transport.write(b"nobody is there")
    recorder.transport.pause()
    recorder.transport.resume()
    recorder.transport.close(4001, "")
    assert recorder.transport.pending == 0
    assert recorder.protocol.close_timer is None


async def test_a_stop_closes_1012(open_line: Open) -> None:
    opened = await open_line()
    peer, recorder = await opened.peer()
    await peer.send(masked(TEXT, b"1"))
    assert (await peer.frame()).data == b"1"
    opened.here.shutdown()
    assert (await peer.frame()).closes[0] == 1012
    await peer.ended()
    assert await recorder.ended() == 1012


# clients that do not read


async def stuffed(opened: EchoServer) -> tuple[Peer, Recorder]:
    """A client that has sent for more than the network holds and reads nothing."""
    opened.act = lambda recorder, text: LARGE
    peer, recorder = await opened.peer()
    for _ in range(200):
        peer.writer.write(masked(TEXT, b"more"))
    await until(lambda: not recorder.protocol.writable.is_set())
    return peer, recorder


async def test_a_client_that_does_not_read_is_not_read_and_loses_nothing(open_line: Open) -> None:
    peer, recorder = await stuffed(await open_line())
    assert len(recorder.heard) < 200
    for _ in range(200):
        assert (await peer.frame()).data == LARGE
    assert len(recorder.heard) == 200


async def test_a_client_that_takes_nothing_is_closed_4408(open_line: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct_module, "STALL", 0.05)
    monkeypatch.setattr(over_asgi, "STALL", 0.05)
    opened = await open_line()
    peer, recorder = await stuffed(opened)
    await until(lambda: recorder.protocol.close_sent or getattr(recorder.transport, "_closing", None))
    heard = len(recorder.heard)
    assert (await last_of(peer)).closes == (4408, "nothing was read for 0.05 s")
    assert heard == len(recorder.heard) < 200
    await peer.send(close(4408))
    assert await recorder.ended() == 4408


async def test_who_waits_for_room_is_woken_by_the_client_or_by_a_close(open_line: Open) -> None:
    peer, recorder = await stuffed(await open_line())
    waiting = asyncio.create_task(recorder.transport.room(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    recorder.transport.close(4001, "", at_once=True)
    async with asyncio.timeout(LIMIT):
        await waiting
    assert (await last_of(peer)).closes[0] == 4001


async def test_room_comes_back_when_the_client_reads(open_line: Open) -> None:
    peer, recorder = await stuffed(await open_line())
    recorder.transport.pause()
    waiting = asyncio.create_task(recorder.transport.room(1))
    while not waiting.done():
        assert (await peer.frame()).data == LARGE
    recorder.transport.resume()


# TLS


async def test_over_tls(open_line: Open, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(cert, key)
    opened = await open_line(tls=(ours, ssl.create_default_context(cafile=str(cert))))
    client, recorder = await opened.client()
    for word in WORDS:
        await client.send(word)
    async with asyncio.timeout(LIMIT):
        assert [await client.recv() for _ in WORDS] == WORDS
    await client.close(3_001, "пока")
    assert await recorder.ended() == 3_001
