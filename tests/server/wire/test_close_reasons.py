"""The sentence of a close frame of ours is the one in the log, and there is one in each."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator

import pytest

from jackfield.server.wire.transport import RESTARTS
from tests.server.frames import CLOSE, PING, TEXT, masked
from tests.server.served import Begin
from tests.server.sockets import EchoServer, echo_server


@pytest.fixture
async def direct() -> AsyncIterator[EchoServer]:
    async with echo_server("direct", ws_max_size=1_000) as made:
        yield made


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x83\x80", 1002),
        (masked(CLOSE, struct.pack("!H", 999)), 1002),
        (masked(TEXT, b"\xff"), 1007),
        (masked(TEXT, b"", length=1_001), 1009),
        (masked(PING, b"") * 200, 4429),
    ],
)
async def test_what_we_close_for_is_reported_to_the_receiver_too(direct: EchoServer, sent: bytes, code: int) -> None:
    peer, recorder = await direct.peer()
    await peer.send(sent)
    while (frame := await peer.frame()).opcode != CLOSE:
        pass
    assert frame.closes[0] == code
    assert frame.closes[1]
    await peer.ended()
    assert (await recorder.ended(), recorder.reasons) == (code, [frame.closes[1]])


async def test_what_the_client_says_at_its_end_is_no_sentence_of_ours(direct: EchoServer) -> None:
    peer, recorder = await direct.peer()
    await peer.send(masked(CLOSE, struct.pack("!H", 4000) + "их слова".encode()))
    assert (await peer.frame()).closes == (4000, "их слова")
    await peer.ended()
    assert (await recorder.ended(), recorder.reasons) == (4000, [""])


async def test_who_is_left_at_the_end_of_a_stop_is_reported_why(direct: EchoServer) -> None:
    peer, recorder = await direct.peer()
    await peer.send(masked(TEXT, b"1"))
    await peer.frame()
    direct.here.shutdown()
    assert (await peer.frame()).closes == (1012, RESTARTS)
    await peer.ended()
    assert (await recorder.ended(), recorder.reasons) == (1012, [RESTARTS])


async def test_a_conversation_keeps_the_sentence_for_the_log(begin: Begin) -> None:
    talk = begin("echo")
    talk.one.lost(1009, "too long")
    assert (talk.one.close_code, talk.one.close_cause, talk.one.close_reason) == (1009, "too_big", "too long")
