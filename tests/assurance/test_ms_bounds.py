"""Rows MS-8 and MS-11, as far as they are of what a client sends: what it costs, what of it waits, and its end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from websockets.sync.client import connect

from jackfield.schema.excerpt import LOOKS, NODES, Bounds, Excerpt
from jackfield.schema.validator import GUESSES, LONG, MAX_FAULTS, Validator, parse_loosely
from jackfield.server.connection.inbox import AHEAD_BYTES, INBOX_BYTES
from jackfield.server.node.listener import bind
from jackfield.server.options import Options
from jackfield.server.wire import guards
from jackfield.server.wire.fragments import FRAGMENT_RATE, FRAGMENTS_AT_ONCE
from jackfield.server.wire.over_asgi import AsgiTransport
from jackfield.server.wire.transport import TURN_SECONDS
from tests.schema.test_excerpt import LISTS, MAPPING, NESTED, NULLABLE, SHAPES, UNION, message, size
from tests.server.frames import BINARY, PING, TEXT, masked, request
from tests.server.served import Begin, replies
from tests.server.sockets import BINARY_HEARD, Recorder, echo_server, wired
from tests.walk.conftest import Server

from .rough import begun

# MS-8: what an invalid message costs


@pytest.mark.parametrize("schema", [LISTS, NULLABLE, UNION, NESTED, MAPPING])
@pytest.mark.parametrize("items", SHAPES.values(), ids=SHAPES.keys())
def test_ms_8_of_a_large_invalid_message_a_small_part_is_explained(schema: dict[str, Any], items: object) -> None:
    validator = Validator(schema)
    value = {"items": items}
    looks = 0

    def is_valid(part: object) -> bool:
        nonlocal looks
        looks += 1
        return validator.is_valid(part)

    with Excerpt(value, is_valid, Bounds.of(schema)):
        assert size(value) <= NODES + 3
        assert not validator.is_valid(value)
    assert looks <= LOOKS + 20, "the last bisection is finished"
    assert 0 < len(validator.faults(value)) <= MAX_FAULTS


def branches(width: int, depth: int, leaf: object) -> object:
    return [branches(width, depth - 1, leaf) for _ in range(width)] if depth else leaf


def test_ms_8_a_tree_of_thousands_of_branches_is_looked_at_a_bounded_number_of_times() -> None:
    schema: dict[str, Any] = {
        "$defs": {"n": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/$defs/n"}}]}}
    }
    schema |= {"properties": {"items": {"$ref": "#/$defs/n"}}}
    validator = Validator(schema)
    for width, depth in ((2, 13), (5, 6), (25, 3)):
        value = {"items": branches(width, depth, "x")}
        looks = 0

        def is_valid(part: object) -> bool:
            nonlocal looks
            looks += 1
            return validator.is_valid(part)

        with Excerpt(value, is_valid, Bounds.of(schema)):
            assert 0 < looks <= LOOKS + 20
        assert len(validator.faults(value)) <= MAX_FAULTS


@pytest.mark.parametrize("kind", ["oneOf", "anyOf"])
def test_ms_8_alternatives_in_alternatives_are_not_explained_one_by_one(kind: str) -> None:
    """Each level of a filter would cost as many times more as it has alternatives: 445 bytes kept a server for ever."""
    inner: dict[str, Any] = {"$ref": "#/$defs/e"}

    def operator(name: str) -> dict[str, Any]:
        keys = {"op": {"const": name}, "args": {"type": "array", "items": inner}}
        return {"type": "object", "required": ["op"], "properties": keys}

    leaf = {"type": "object", "required": ["f"], "properties": {"f": {"type": "string"}}}
    schema = {"$defs": {"e": {kind: [*map(operator, ("and", "or", "not")), leaf]}}, "properties": {"x": inner}}
    validator = Validator(schema)
    value: object = {"f": 1}
    reported = []
    for _ in range(8):
        reported.append(bool(validator.faults({"x": value})))
        value = {"op": "not", "args": [value]}
    assert reported == [True] * 2 + [False] * 6, "what is deep is told by the decoder's sentence alone"


def chain(length: int, *more: dict[str, Any]) -> dict[str, Any]:
    """Alternatives of which each that is in `more`, and a list, holds the next ones."""
    named: dict[str, Any] = {f"d{length}": {"const": 1}}
    for number in range(length):
        inner = {"type": "array", "items": {"$ref": f"#/$defs/d{number + 1}"}}
        named[f"d{number}"] = {"anyOf": [inner, *({**inner, **one} for one in more), {"type": "null"}]}
    return {"$defs": named, "properties": {"x": {"$ref": "#/$defs/d0"}}}


def nested(depth: int) -> object:
    return [nested(depth - 1)] if depth else 2


def test_ms_8_so_are_alternatives_that_do_not_hold_themselves_and_are_many() -> None:
    assert Bounds.of(chain(12, {"minItems": 1})).deepest < 64
    assert Validator(chain(12, {"minItems": 1})).faults({"x": nested(12)}) == []
    assert Bounds.of(chain(12)).deepest > 64, "a list or null in each other are no more than their number"
    assert Validator(chain(12)).faults({"x": nested(12)})


def test_ms_8_a_schema_that_holds_itself_is_known() -> None:
    tree = {"$defs": {"n": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/m"}]}, "m": {"items": {"$ref": "#/$defs/n"}}}}
    assert Bounds.of(tree | {"$ref": "#/$defs/n"}).deepest < 64
    for ref in ({"$ref": "#"}, {"$dynamicRef": "#n"}, {"$ref": "#/$defs/missing"}):
        assert Bounds.of({"properties": {"x": {"anyOf": [ref, {"type": "null"}]}}}).deepest < 64
    assert Bounds.of({"$defs": {"n": {"type": "null"}}, "items": {"$ref": "#/$defs/n"}}).deepest > 64


def test_ms_8_names_of_a_client_are_not_sent_back_at_any_length() -> None:
    [fault] = Validator(message(True)).faults({"items": 1, "я" * 60_000: 1})
    assert fault.path == "/" + "я" * 60_000
    assert {len(text) for text in fault.as_json().values()} == {LONG}


def test_ms_8_comparing_unknown_keys_with_known_ones_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def nearest(_name: str, known: tuple[str, ...]) -> str:
        asked.append(len(known))
        return ""

    monkeypatch.setattr("jackfield.schema.validator._nearest", nearest)
    known: dict[str, Any] = {f"key{number}": {} for number in range(150)}
    found = Validator({"properties": known, "additionalProperties": False}).faults({f"kei{n}": 1 for n in range(900)})
    assert len(found) == MAX_FAULTS
    assert 0 < sum(asked) <= GUESSES + len(known)


@pytest.mark.parametrize("item", ["NaN", '"\\ud800"', "1e999", '{"\\ud800": -Infinity}'])
def test_ms_8_what_only_python_takes_is_named_a_few_times(item: str) -> None:
    value, faults = parse_loosely('{"$id": 7, "items": [' + ",".join([item] * 5_000) + "]}")
    assert isinstance(value, dict)
    assert value["$id"] == 7
    assert len(faults) == MAX_FAULTS


# MS-8: turns


class Steps:
    """A clock that goes on by a third of a turn whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += TURN_SECONDS / 3
        return self.now


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    made = Steps()
    monkeypatch.setattr(AsgiTransport, "clock", made)
    return made


def silence(_recorder: Recorder, _text: bytes) -> None:
    return None


def echo(_recorder: Recorder, text: bytes) -> bytes:
    return text


@pytest.mark.parametrize("act", [echo, silence])
@pytest.mark.parametrize(
    "frame",
    [
        masked(TEXT, b"1"),
        masked(BINARY, b"1"),
        masked(TEXT, b"1" * 70_000),
        masked(TEXT, b"1", fin=False) + masked(0, b"1"),
    ],
    ids=["text", "binary", "long", "fragments"],
)
def test_ms_8_a_read_of_many_messages_gives_others_their_turn_by_time(
    steps: Steps, frame: bytes, act: Callable[[Recorder, bytes], bytes | None]
) -> None:
    protocol, wire, recorder, loop = wired(act)
    protocol.clock = steps
    protocol.data_received(frame * 20)
    seen = [len(recorder.heard)]
    while loop.soon:
        assert not wire.reading, "nothing more is read before this is used"
        loop.turn()
        seen.append(len(recorder.heard))
    assert seen[-1] == 20
    assert max(after - before for before, after in zip([0, *seen], seen, strict=False)) <= 4
    assert wire.reading


def test_ms_8_a_turn_that_comes_after_a_pause_or_the_end_takes_nothing(steps: Steps) -> None:
    protocol, wire, recorder, loop = wired()
    protocol.clock = steps
    protocol.data_received(masked(TEXT, b"1") * 20)
    protocol.pause()
    heard = len(recorder.heard)
    loop.turn()
    assert (len(recorder.heard), wire.reading) == (heard, False)
    protocol.resume()
    assert len(recorder.heard) > heard
    wire.close()
    protocol.connection_lost(None)
    heard = len(recorder.heard)
    loop.turn()
    assert len(recorder.heard) == heard


def test_ms_8_fragments_have_a_rate_of_their_own_and_wait_for_it() -> None:
    protocol, wire, recorder, loop = wired()
    now = 0.0
    loop.time = lambda: now  # type: ignore[method-assign]  # this test alone lets time pass
    parts = masked(TEXT, b"1", fin=False) + masked(0, b"2", fin=False) * 998
    protocol.data_received((parts + masked(0, b"3")) * 2 + masked(TEXT, b"4"))
    taken, waits = [len(protocol.frames)], 0
    while not wire.reading:
        assert loop.later is not None
        now, act, loop.later, waits = now + 1 / 16, loop.later, None, waits + 1
        act()
        taken.append(len(protocol.frames))
    whole = "1" + "2" * 998 + "3"
    assert recorder.heard == [whole, whole, "4"]
    assert FRAGMENTS_AT_ONCE <= taken[0] <= FRAGMENTS_AT_ONCE + 2
    assert waits >= (2 * 999 - FRAGMENTS_AT_ONCE) / (FRAGMENT_RATE / 16)
    protocol.data_received(parts)
    act = loop.later or pytest.fail("nothing waits")
    wire.close()
    protocol.connection_lost(None)
    act()
    assert len(recorder.heard) == 3


async def test_ms_8_messages_over_plain_asgi_give_others_their_turn_by_time(steps: Steps) -> None:
    turns = 0
    came: list[int] = []  # in which turn of the loop

    async def receive() -> dict[str, Any]:  # never waits
        came.append(turns)
        if len(came) > 20:
            return {"type": "websocket.disconnect", "code": 1000}
        return {"type": "websocket.receive", "bytes": b"1"}

    async def send(_message: object) -> None:
        pass

    transport = AsgiTransport(receive, send)
    running = asyncio.ensure_future(transport.run(Recorder(transport, wired()[0], echo)))
    while not running.done():
        turns += 1
        await asyncio.sleep(0)
    await running
    assert len(came) == 21
    assert max(map(came.count, came)) <= 4


async def test_ms_8_what_waits_in_the_inbox_gives_others_their_turn_by_time(begin: Begin) -> None:
    one, two = begin("wait"), begin("wait")
    one.one.now = two.one.now = Steps()
    names = [str(number) for number in range(12)]
    one.text(*(f"1-{name}" for name in names))
    two.text(*(f"2-{name}" for name in names))
    await one.seeing("1-0", "2-0")
    for name in names:
        for who in (1, 2):
            one.gates.setdefault(f"{who}-{name}", asyncio.Event()).set()
    await one.frames(12)
    await two.frames(12)
    order = [name[0] for name in one.seen[2:]]
    assert "2" in order[:6], "long before sixteen of the first"


# MS-11: what waits because it came


@pytest.mark.parametrize("busy", [True, False])
def test_ms_11_nothing_more_is_read_before_what_was_read_is_used(busy: bool) -> None:
    def act(recorder: Recorder, _text: bytes) -> None:
        if len(recorder.heard) % 16 == 0:
            protocol.pause()

    protocol, wire, recorder, loop = wired(act)
    protocol.data_received(masked(TEXT, b"1") * 100 + masked(TEXT, b"23")[:5])
    for used in range(16, 96, 16):
        assert (len(recorder.heard), wire.reading) == (used, False)
        if busy:
            protocol.hold()  # an answer is written, and the next one follows in this step
        protocol.resume()
        assert not wire.reading
        if busy:
            loop.turn()
    protocol.resume()
    assert (len(recorder.heard), wire.reading) == (100, True), "of a frame that is not whole more has to come"
    protocol.data_received(masked(TEXT, b"23")[5:])
    assert recorder.heard[-1] == "23"


@pytest.mark.parametrize(("endpoint", "most"), [("blocked", INBOX_BYTES), ("wait", AHEAD_BYTES)])
async def test_ms_11_what_waits_in_the_inbox_is_bounded_in_bytes(begin: Begin, endpoint: str, most: int) -> None:
    talk = begin(endpoint)
    long = "x" * (most // 2)
    talk.text("first", long)
    await talk.seeing("first")
    assert talk.network.reading
    talk.text(long + "2")
    assert not talk.network.reading
    for name in ("first", long, long + "2"):
        talk.gates.setdefault(name, asyncio.Event()).set()
        talk.threads.release()
    assert await talk.frames(3) == replies("first", long, long + "2")
    assert talk.network.reading


async def test_ms_11_compressed_messages_wait_like_others() -> None:
    def act(recorder: Recorder, _text: bytes) -> None:
        recorder.transport.pause()

    async with echo_server("direct", ws_per_message_deflate=True) as opened:
        opened.act = act
        client, recorder = await opened.client(compression="deflate")
        for number in range(50):
            await client.send(f"{number} " + "Привет" * 50)
        for number in range(50):
            await recorder.hears(number + 1)
            assert len(recorder.heard) == number + 1
            recorder.transport.resume()


@pytest.mark.parametrize("frame", [masked(BINARY, b"1"), masked(TEXT, b"1"), masked(PING, b"")])
def test_ms_11_a_connection_that_is_over_throws_away_what_came(steps: Steps, frame: bytes) -> None:
    def act(_recorder: Recorder, text: bytes) -> bytes:
        if text == b"last":
            wire.close()  # a write that failed does that, and the loss is reported later
        return text

    protocol, wire, recorder, loop = wired(act)
    protocol.clock = steps
    protocol.data_received(masked(TEXT, b"last") + frame * 10_000)
    wire.written.clear()
    while loop.soon:
        loop.turn()
    heard = len(recorder.heard)
    assert heard <= 4, "what is left of its turn"
    protocol.connection_lost(None)
    assert len(recorder.heard) == heard


def test_ms_11_a_flood_whose_sender_left_while_it_waited_is_thrown_away() -> None:
    protocol, wire, recorder, _ = wired()
    protocol.pause()
    protocol.data_received(masked(BINARY, b"1") * 10_000)
    wire.close()
    protocol.resume()
    assert recorder.heard == []
    assert BINARY_HEARD not in recorder.heard


def test_ms_11_the_kernel_keeps_a_bounded_number_of_bytes_for_us() -> None:
    with bind(Options(host="127.0.0.1", port=0)) as listener:
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * guards.RECEIVE_BUFFER


ENDPOINTS = """
defaults: {auth: public}
endpoints:
  say: {url: /ws/say, process: p.say}
  wait: {url: /ws/wait, process: p.wait}
  free: {url: /ws/free, process: p.wait, limits: {rate: off}}
"""
CODE = """
import asyncio
from jackfield import process

@process(reply="message")
def say(message: str) -> str:
    return message

@process
async def wait(message: str) -> None:
    await asyncio.Event().wait()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from begun(tmp_path_factory.mktemp("bounds"), ENDPOINTS, CODE, "--drain", "1s")


def opened(server: Server) -> socket.socket:
    host, _, port = server.ws.removeprefix("ws://").partition(":")
    return socket.create_connection((host, int(port)))


def pour(client: socket.socket, data: bytes, most: int) -> int:
    """Send as long as the server takes it, at most `most` bytes."""
    sent = 0
    client.settimeout(0.5)
    try:
        while sent < most:
            sent += client.send(data[sent % len(data) :])
    except (TimeoutError, OSError):
        pass
    return sent


@pytest.mark.walk
@pytest.mark.parametrize(
    "frames",
    [
        masked(TEXT, b'{"message":"x"}') * 4096,
        masked(TEXT, b'{"message":"' + b"x" * 3000 + b'"}') * 64,
        masked(TEXT, b'{"message":"' + b"x" * 65_000 + b'"}') * 4,
        (masked(TEXT, b'{"mess', fin=False) + masked(0, b'age":"x"}')) * 2048,
    ],
    ids=["small", "some KiB", "large", "fragments"],
)
def test_ms_11_a_connection_whose_messages_wait_takes_300_kib_at_the_most(server: Server, frames: bytes) -> None:
    clients = [opened(server) for _ in range(40)]
    for client in clients:
        client.sendall(request("/ws/wait"))
        assert b" 101 " in client.recv(4096)
    before = server.memory()
    with ThreadPoolExecutor(len(clients)) as pool:
        taken = pool.map(lambda client: pour(client, frames, 8 << 20), clients)
        assert all(one < 8 << 20 for one in taken), "it is read without end"
    with connect(server.ws + "/ws/say") as other:
        other.send('{"message": "Привет"}')
        assert "Привет" in str(other.recv(timeout=5))
    assert (server.memory() - before) // len(clients) <= 300 * 1024
    for client in clients:
        client.close()


@pytest.mark.walk
def test_ms_11_a_flood_that_leaves_stops_nobody(server: Server) -> None:
    before = server.memory()
    client = opened(server)
    client.sendall(request("/ws/free"))
    assert b" 101 " in client.recv(4096)
    pour(client, masked(BINARY, b"1") * 32_768, 8 << 20)
    client.close()
    with connect(server.ws + "/ws/say") as other:
        other.send('{"message": "Привет"}')
        assert "Привет" in str(other.recv(timeout=5))
    assert server.memory() - before < 8 << 20
