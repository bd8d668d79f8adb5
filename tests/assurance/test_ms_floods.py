"""Rows MS-5 to MS-11 and MS-14, as far as they are of the network: floods, and clients that are there no more."""

from __future__ import annotations

import json
import resource
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator

import pytest
from websockets.sync.client import connect

from jackfield.config.plan import Limits
from jackfield.server.node.listener import bind
from jackfield.server.options import Options
from jackfield.server.wire import guards, reading, writing
from jackfield.server.wire.fragments import FRAGMENTS
from jackfield.server.wire.patched import PING_SECONDS, PINGS, STUCK
from jackfield.server.wire.transport import STALL
from tests.server.frames import CLOSE, PING, PONG, TEXT, masked, request
from tests.server.served import LIMIT
from tests.server.sockets import Recorder, Still, echo_server, wired
from tests.walk.conftest import Server, ask

from .rough import begun

pytestmark = pytest.mark.walk

CONT = 0
MEGABYTE = 1 << 20

ENDPOINTS = """
defaults: {auth: public}
endpoints:
  say: {url: /ws/say, process: p.say, limits: {message: 1KiB}}
  slow: {url: /ws/slow, process: p.say, limits: {rate: 5/s}}
  pour: {url: /ws/pour, process: p.pour}
  pinged: {url: /ws/pinged, process: p.say, limits: {ping: 1s}}
  stop: {url: /ws/stop, process: p.stop}
"""
CODE = """
import pathlib, time
from jackfield import Connection, process

@process(reply="message")
def say(message: str) -> str:
    return message

@process
async def pour(events: int, caller: Connection) -> None:
    for n in range(events):
        caller.send({"event": "news", "n": n, "text": "x" * 200})

@process
def stop(seconds: float, marker: str) -> float:
    pathlib.Path(marker).touch()
    time.sleep(seconds)
    return seconds
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from begun(tmp_path_factory.mktemp("floods"), ENDPOINTS, CODE)


def come_back(server: Server, before: int) -> None:
    """Wait until so many descriptors are open again."""
    end = time.monotonic() + LIMIT
    while server.descriptors() > before:
        assert time.monotonic() < end, "descriptors are lost"
        with connect(server.ws + "/ws/say") as client:
            ask(client, message="Привет")


class Rough:
    """A client made of bytes that need not read what comes."""

    def __init__(self, server: Server, path: str, window: int = 0) -> None:
        host, _, port = server.http.removeprefix("http://").partition(":")
        self.socket = socket.socket()
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(LIMIT)
        self.socket.connect((host, int(port)))
        self.socket.sendall(request(path, Host=f"{host}:{port}"))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._exactly(1)
        assert head.startswith(b"HTTP/1.1 101"), head

    def send(self, data: bytes) -> bool:
        """Tells whether the server still takes it."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def frame(self) -> tuple[int, bytes]:
        first, second = self._exactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._exactly(2))
        return first & 0x0F, self._exactly(length)

    def _exactly(self, number: int) -> bytes:
        data = b""
        while len(data) < number:
            more = self.socket.recv(number - len(data))
            assert more, "the connection ended"
            data += more
        return data

    def is_reset(self) -> bool:
        """Read what has come; tells whether a reset follows it."""
        try:
            while self.socket.recv(MEGABYTE):
                pass
        except ConnectionResetError:
            return True
        return False

    def closed(self) -> int:
        """The code of the close frame, whatever comes before it."""
        while True:
            opcode, data = self.frame()
            if opcode == CLOSE:
                return int(struct.unpack("!H", data[:2])[0])

    def __enter__(self) -> Rough:
        return self

    def __exit__(self, *_error: object) -> None:
        self.socket.close()


def text_of(length: int) -> bytes:
    """A message of exactly so many bytes."""
    frame = b'{"message":"' + b"x" * (length - 14) + b'"}'
    assert len(frame) == length
    return frame


# MS-5. Up to twice the limit the message is read, refused by an error, and the connection lives: MS-5 as decided.


def test_ms_5_a_message_up_to_its_limit_is_taken_and_beyond_it_refused_without_a_close(server: Server) -> None:
    with Rough(server, "/ws/say") as client:
        for length, taken in ((1_024, True), (1_025, False), (2_048, False), (1_024, True)):
            client.send(masked(TEXT, text_of(length)))
            _, data = client.frame()
            answer = json.loads(data)
            assert ("error" not in answer) is taken
            assert taken or answer["error"]["code"] == "message_too_long"


@pytest.mark.parametrize(
    "sent",
    [
        masked(TEXT, b"x" * 2_049),
        masked(TEXT, b"", length=2_049),
        masked(TEXT, b"", length=1 << 62),
        masked(TEXT, b"x" * 1_500, fin=False) + masked(CONT, b"x" * 549),
        masked(TEXT, b"x", fin=False) + masked(CONT, b"x" * 64, fin=False) * 32,
    ],
    ids=["whole", "header alone", "2^62", "two fragments", "many fragments"],
)
def test_ms_5_twice_the_limit_closes_1009_before_it_is_read(server: Server, sent: bytes) -> None:
    with Rough(server, "/ws/say") as client:
        client.send(sent)
        assert client.closed() == 1009


def test_ms_5_what_is_not_read_costs_no_memory(server: Server) -> None:
    before = server.memory()
    for _ in range(5):
        with Rough(server, "/ws/say") as client:
            client.send(masked(TEXT, b"", length=1 << 62))
            for _ in range(60):
                if not client.send(b"x" * MEGABYTE):
                    break
    assert server.memory() - before < 8 * MEGABYTE


# MS-6


def test_ms_6_a_message_has_so_many_fragments_and_no_more(server: Server) -> None:
    assert FRAGMENTS == 1024
    whole = text_of(FRAGMENTS)
    parts = [masked(TEXT if not n else CONT, whole[n : n + 1], fin=n == FRAGMENTS - 1) for n in range(FRAGMENTS)]
    with Rough(server, "/ws/say") as client:
        client.send(b"".join(parts))
        assert "message" in json.loads(client.frame()[1])
        client.send(masked(TEXT, b"", fin=False) + masked(CONT, b"", fin=False) * (FRAGMENTS - 1))
        client.send(masked(CONT, b""))
        assert client.closed() == 1009


def test_ms_6_a_million_empty_fragments_leave_the_others_alone(server: Server) -> None:
    before = server.memory()
    with Rough(server, "/ws/say") as flood, connect(server.ws + "/ws/say") as other:
        flood.send(masked(TEXT, b"x", fin=False))
        empty = masked(CONT, b"", fin=False) * 10_000
        taken = sum(flood.send(empty) for _ in range(100))
        assert taken < 100, "the server goes on to read them"
        assert ask(other, message="Привет") == {"message": "Привет"}
    assert server.memory() - before < 8 * MEGABYTE


# MS-7


async def test_ms_7_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packing.compress(bytes(MEGABYTE)) for _ in range(64)) + packing.flush(zlib.Z_SYNC_FLUSH)[:-4]
    assert len(bomb) < 80_000
    async with echo_server("direct", ws_per_message_deflate=True) as opened:
        opened.before_accept = lambda recorder: recorder.protocol.tune(Limits())  # type: ignore[attr-defined]  # ours
        peer = await opened.here()
        await peer.send(request(Sec_WebSocket_Extensions="permessage-deflate"))
        assert "permessage-deflate" in (await peer.answer())[1]["sec-websocket-extensions"]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        frame = bytearray(masked(TEXT, bomb))
        frame[0] |= 0x40  # RSV1: compressed (RFC 7692, section 6)
        await peer.send(bytes(frame))
        assert (await peer.frame()).closes[0] == 1009
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before < 8 * MEGABYTE


# MS-9


class Ticking(Still):
    """A loop whose clock the test moves; `delay` is what was asked for last."""

    now = 1_000.0
    delay = 0.0

    def call_later(self, delay: float, act: Callable[..., object], *arguments: object) -> Still:
        self.delay = delay
        return super().call_later(delay, act, *arguments)

    def time(self) -> float:
        return self.now


@pytest.mark.parametrize("opcode", [PING, PONG])
def test_ms_9_twenty_pings_a_second_are_taken_and_more_are_a_flood(opcode: int) -> None:
    assert (PINGS, PING_SECONDS) == (20, 5.0)
    protocol, wire, recorder, _ = wired()
    loop = Ticking()
    protocol.loop = loop  # type: ignore[assignment]  # all of it that is needed
    for _ in range(2_000):
        loop.now += 0.05
        protocol.data_received(masked(opcode, b"a"))
    assert not protocol.close_sent
    for _ in range(99):  # the others of the hundred that may come at once
        protocol.data_received(masked(opcode, b"a"))
    assert not protocol.close_sent
    wire.written.clear()
    protocol.data_received(masked(opcode, b"a") * 2 + masked(TEXT, b"never"))
    assert struct.pack("!H", 4429) in wire.written
    assert not wire.reading, "nothing of a flood is read any more"
    assert recorder.heard == []
    wire.written.clear()
    protocol.data_received(masked(opcode, b"a") * 100)
    assert wire.written == b""
    assert loop.later is not None
    loop.later()
    assert wire.closed


def test_ms_9_what_piled_up_while_we_did_not_read_is_no_flood() -> None:
    protocol, wire, _, _ = wired()
    protocol.data_received(masked(PING, b"a") * 100)
    protocol.pause()
    protocol.resume()
    protocol.data_received(masked(PING, b"a") * 100)
    assert not protocol.close_sent
    assert wire.reading


def test_ms_9_a_flood_of_pings_that_reads_no_pong(server: Server) -> None:
    before = server.memory()
    with Rough(server, "/ws/say") as flood, connect(server.ws + "/ws/say") as other:
        pings = masked(PING, b"x" * 125) * 1_000
        taken = sum(flood.send(pings) for _ in range(300))
        assert taken < 300
        assert ask(other, message="Привет") == {"message": "Привет"}
    with Rough(server, "/ws/say") as flood:
        flood.send(pings)
        assert flood.closed() == 4429
    assert server.memory() - before < 8 * MEGABYTE


# MS-10


def test_ms_10_messages_beyond_the_rate_are_refused_and_a_flood_closes(server: Server) -> None:
    with Rough(server, "/ws/slow") as client, connect(server.ws + "/ws/slow") as other:
        client.send(masked(TEXT, b'{"message":"a"}') * 11)
        answers = [json.loads(client.frame()[1]) for _ in range(11)]
        assert [answer.get("error", {}).get("code") for answer in answers] == [None] * 10 + ["rate_limited"]
        assert 0 < answers[10]["error"]["retry_after"] <= 1
        client.send(masked(TEXT, b'{"message":"a"}') * 1_000)
        assert client.closed() == 4429
        assert ask(other, message="Привет") == {"message": "Привет"}


async def test_ms_10_nothing_of_a_flood_is_read_after_its_close() -> None:
    def close(recorder: Recorder, _text: bytes) -> None:
        recorder.transport.close(4429, "too much")

    protocol, wire, recorder, loop = wired(close)
    protocol.data_received(masked(TEXT, b"a") * 10)
    assert recorder.heard == ["a"]
    assert not wire.reading
    assert loop.later is not None
    loop.later()
    assert wire.closed


# MS-11


def test_ms_11_a_client_that_reads_nothing_is_closed_and_freed(server: Server) -> None:
    with connect(server.ws + "/ws/say") as other:
        ask(other, message="warm")
        before, open_before = server.memory(), server.descriptors()
        with Rough(server, "/ws/pour", window=4_096) as client:
            client.send(masked(TEXT, b'{"events":100000}'))
            ended = server.wait_for("connection_closed.*code=4408", limit=5 + LIMIT)
            assert "endpoint=pour" in ended
            come_back(server, open_before)
            assert ask(other, message="Привет") == {"message": "Привет"}
            assert client.is_reset(), "what it did not take is gone, in the kernel as well"
    assert server.memory() - before < 16 * MEGABYTE


async def test_ms_11_who_reads_no_replies_is_heard_no_more_then_closed_and_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (STUCK, STALL) == (3.0, 30.0), "docs/protocol.md and the row say so"
    monkeypatch.setattr(writing, "STALL", 0.05)
    monkeypatch.setattr(reading, "STUCK", 0.05)
    reply, waiting = b"x" * 100_000, [0]

    def act(recorder: Recorder, _text: bytes) -> bytes:
        waiting.append(recorder.transport.pending)
        return reply

    async with echo_server("direct") as opened:
        opened.act = act
        peer, recorder = await opened.peer()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of asyncio's own transport
        await peer.send(masked(TEXT, b"more") * 1_000)
        assert await recorder.ended() == 4408
    assert len(recorder.heard) < 500, "what the kernel takes, and no more"
    assert max(waiting) < 4 * len(reply)


# MS-14


def test_ms_14_the_kernel_frees_a_client_that_is_not_there() -> None:
    assert guards.UNTAKEN_LIMIT == 30.0
    with bind(Options(port=0)) as listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(True)
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


async def test_ms_14_a_client_that_takes_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "UNTAKEN_LIMIT", 0.3)
    async with echo_server("direct") as opened:
        guards.harden(opened.here.listener)
        peer, recorder = await opened.peer()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of asyncio's own transport
        while recorder.transport.pending < 4 * MEGABYTE:
            recorder.transport.write(b"x" * 100_000)
        assert await recorder.ended() == 1006


async def test_ms_14_a_client_that_answers_no_ping_is_closed_after_the_second_interval() -> None:
    protocol, wire, _, _ = wired()
    loop = Ticking()
    protocol.loop = loop  # type: ignore[assignment]  # all of it that is needed
    protocol.tune(Limits())
    protocol.schedule_ping()
    for delay in (20.0, 20.0, guards.GRACE):  # the ping, the wait for its pong, the last look
        assert loop.delay == delay
        assert loop.later is not None
        loop.later()
    assert struct.pack("!H", 1011) in wire.written
    assert wire.closed


def test_ms_14_a_pong_that_we_do_not_read_is_not_held_against_a_client() -> None:
    protocol, wire, _, _ = wired()
    loop = Ticking()
    protocol.loop = loop  # type: ignore[assignment]  # all of it that is needed
    protocol.tune(Limits())
    protocol.schedule_ping()
    protocol.pause()
    for _ in range(6):  # three times a ping, and the wait for its pong
        assert loop.later is not None
        loop.later()
    assert not wire.closed
    protocol.resume()
    for _ in range(3):
        assert loop.later is not None
        loop.later()
    assert wire.closed


def test_ms_14_a_pong_that_came_while_our_loop_stood_still_is_read_first(server: Server) -> None:
    with Rough(server, "/ws/pinged") as idle, Rough(server, "/ws/stop") as other:
        opcode, payload = idle.frame()
        assert opcode == PING
        marker = server.folder / "stopped"
        other.send(masked(TEXT, json.dumps({"seconds": 1.5, "marker": str(marker)}).encode()))
        end = time.monotonic() + LIMIT
        while not marker.exists():
            assert time.monotonic() < end
        idle.send(masked(PONG, payload))
        assert other.frame()[0] == TEXT
        assert idle.frame()[0] == PING, "closed for a pong that we did not read"


def test_ms_14_descriptors_come_back_from_clients_that_left_without_a_word(server: Server) -> None:
    before = server.descriptors()
    for _ in range(20):
        with Rough(server, "/ws/say") as client:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    come_back(server, before)
