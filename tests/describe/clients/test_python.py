"""The Python client is typed and runs, whatever the contract, and its connection keeps order and bounds."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from jackfield.describe.clients import python
from tests import node
from tests.describe.made import TRAPS, called, full, made, own

# Each `type: ignore` is a fault that mypy has to see: in strict mode one that is not needed is a fault too.
USE = """\
from typing import cast

from full_client import Client, ClockFeed, CountReply, HallRungEvent, HallSaidEvent, Line, RoomErrorCode, RoomMessage

code: RoomErrorCode = "banned_word"


def rung(event: HallRungEvent) -> None:
    who: str = event["by"]["who"]
    print(who, event["of"])  # type: ignore[typeddict-item]  # unused, and so a fault, where the types let it pass


def said_to_all(event: HallSaidEvent) -> None:
    sender: str | None = event["from"]
    print(sender, event["message"])


async def use(client: Client) -> list[CountReply]:
    async with client.room("a", 1) as room:
        message: RoomMessage = {"text": "a", "mood": "грустно", "reply-to": None}
        said = await room.ask(message)
        text: str = said["text"]
        await room.ask({"text": text, "mood": "angry"})  # type: ignore[typeddict-item]
        await room.ask({"mood": "happy"})  # type: ignore[typeddict-item]
        await room.ask({"text": "a", "$id": 1})  # type: ignore[typeddict-unknown-key]
        said["nothing"]  # type: ignore[typeddict-item]
        room.stream  # type: ignore[attr-defined]
    client.room("a")  # type: ignore[call-arg]
    async with client.clock(3) as clock:
        async for event in clock.events():
            hour: int = cast(ClockFeed, event)["hour"]
            await clock.send({"hour": hour})  # type: ignore[arg-type]  # the types refuse it
    client.room("a", "b")  # type: ignore[arg-type]
    hall = await client.hall("зал")
    off = hall.on("rung", rung)
    hall.on("закрыто", rung)  # type: ignore[arg-type]  # the same
    hall.on("закрыто", lambda event: print(event["until"]))
    hall.on("said", said_to_all)
    hall.on("other", lambda event: print(event["anything"]))
    off()
    greeting = await client.greeting()
    number: int = (await greeting.ask({"message": "a"}))["message"]  # type: ignore[assignment]
    note = await client.note()
    await note.send({"text": "a", "pair": (number, "б"), "weights": {"а": 1}})
    note.ask  # type: ignore[attr-defined]
    line: Line = {"item": "Чай", "price": 1, "below": [{"item": "", "price": "2.50", "count": 2}]}
    await (await client.ticket()).ask({"id": "", "due": "", "lines": [line]})
    async with client.count() as count:
        return [reply async for reply in count.stream({"to": 2})]
"""


@pytest.mark.walk
@pytest.mark.tool
def test_every_client_is_typed_and_runs(tmp_path: Path) -> None:
    """One run of mypy for all: what it would say of one contract stands with the name of its file."""
    texts = {"full_client": python.client(full()), "own_client": python.client(own())}
    texts["traps"] = python.client(called(*TRAPS))
    texts |= {f"made{seed}": python.client(made(seed)) for seed in range(4)}
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        load(tmp_path, name)
    (tmp_path / "use.py").write_text(USE, encoding="utf-8")
    quiet = {**os.environ, "MYPY_FORCE_COLOR": "0"}
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", os.devnull, "."]
    done = node.run(*command, cwd=tmp_path, env=quiet)
    assert done.returncode == 0, done.stdout
    written = [f"{name}.py" for name in ("full_client", "own_client")]
    done = node.run(sys.executable, "-m", "ruff", "format", "--check", "--line-length", "120", *written, cwd=tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("place", range(0, len(TRAPS), 5))
def test_no_endpoint_changes_what_the_function_of_another_opens(place: int) -> None:
    found = addresses(python.client(called(*TRAPS)))
    assert len(found) == len(TRAPS)
    less = addresses(python.client(called(*TRAPS[:place], *TRAPS[place + 1 :])))
    assert less.items() < found.items()
    assert addresses(python.client(called(*reversed(TRAPS)))) == found
    plain = [name for name in TRAPS if name not in ("room-1", "room.1", "class", "class_", "None", "Opening", "str")]
    assert all(found[name] == f"/ws/{name}" for name in plain)
    assert (found["room_dash_1"], found["room_dot_1"], found["class_"]) == ("/ws/room-1", "/ws/room.1", "/ws/class")


def addresses(text: str) -> dict[str, str]:
    """Which address each method of a client opens."""
    function = r'^    def ([A-Za-z]\w*)\(self,.*\n(?:.*\n)+?        path = "(.*)"$'
    return dict(re.findall(function, text, flags=re.MULTILINE))


def test_a_function_does_not_hide_the_type_of_its_name() -> None:
    contract = called("room", "RoomConnection", "Color")
    color = {"$ref": "#/$defs/Color", "$defs": {"Color": {"title": "Color", "enum": ["red"]}}}
    room = dataclasses.replace(contract.operations[0], path="/ws/{color}", parameters={"color": color})
    text = python.client(dataclasses.replace(contract, operations=(room, *contract.operations[1:])))
    assert "def room(self, color: _type_Color, *, " in text
    assert "-> Opening[_type_RoomConnection]:" in text
    assert '_type_Color: TypeAlias = "Color"' in text


def test_the_same_contract_gives_the_same_text() -> None:
    assert python.client(made(1)) == python.client(made(1))


def test_it_says_what_it_was_made_from_and_how_to_make_it_anew() -> None:
    contract = full()
    head = python.client(contract).split('"""')[1]
    assert contract.version in head
    assert "jackfield export client --lang python DIR" in head
    assert 'headers={"Cookie": "desk_token=..."}' in head
    assert "Стойка поддержки 📞" in head


def test_what_the_examples_speak_of_is_named() -> None:
    text = python.client(full())
    assert 'RoomErrorCode: TypeAlias = Literal["banned_word"] | ErrorCode' in text
    assert "RoomEvent: TypeAlias = Event  # session_expiring, ring, for example" in text


def test_a_contract_without_endpoints_has_a_client() -> None:
    assert "class Client:" in python.client(dataclasses.replace(own(), operations=()))


def test_a_client_for_one_endpoint_is_small_and_has_nothing_that_it_does_not_use() -> None:
    text = python.client(dataclasses.replace(own(), operations=own().operations[:1]))
    assert len(text.splitlines()) < 410
    assert [name for name in ("Streaming", "Closing", "_segment") if name in text] == []


async def test_answers_find_their_messages(tmp_path: Path) -> None:
    """An error about a message that was not read has no "$id" but its place: late, passed over and sent ones count."""
    busy = {"error": {"code": "rate_limited", "message": "slower", "retry_after": 2}}
    passed = [{"room": "r", "text": "f", "$id": 6}, busy]
    client = load_full(tmp_path)
    unheard: list[str] = []

    async def server(socket: ServerConnection) -> None:
        assert socket.request is not None
        assert socket.request.path == "/rt/ws/rooms/%D0%B0%20%D0%B1%23%3F/2?since=%D0%B2%D1%87%D0%B5%D1%80%D0%B0"
        assert socket.request.headers["Authorization"] == "Bearer 1.abc"
        assert [(await heard(socket))["$id"] for _ in range(1)] == [1]
        assert await heard(socket) == {"$cancel": 1}
        assert [(await heard(socket))["$id"] for _ in range(3)] == [2, 3, 4]
        own_error = {"error": {"code": "own", "message": "no"}, "$id": 4}
        await say(socket, busy, busy, {"room": "r", "text": "c", "$id": 3}, own_error)
        assert [(await heard(socket))["$id"] for _ in range(3)] == [5, 6, 7]
        await say(socket, *passed)
        await socket.wait_closed()

    async with listening(server) as address, asyncio.timeout(20):
        desk = client.Client(f"{address}/rt/", token="1.abc", on_error=lambda error: unheard.append(error.code))
        async with desk.room("а б#?", 2, query={"since": "вчера"}) as room:
            with pytest.raises(TimeoutError):
                await room.ask({"text": "a"}, 0)
            second, third = (asyncio.ensure_future(room.ask({"text": text})) for text in "bc")
            await asyncio.sleep(0)
            await room.send({"text": "d"})
            with pytest.raises(client.MessageError, match="rate_limited") as slow:
                await second
            assert slow.value.retry_after == 2
            assert (await third)["text"] == "c"
            await room.send({"text": "e"})
            sixth, seventh = (asyncio.ensure_future(room.ask({"text": text})) for text in "fg")
            assert (await sixth)["text"] == "f"
            with pytest.raises(client.MessageError, match="rate_limited"):
                await seventh
    assert unheard == ["rate_limited", "own"]


async def test_a_handler_hears_its_events_those_that_wait_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = load_full(tmp_path)
    begun = asyncio.Event()

    async def server(socket: ServerConnection) -> None:
        await say(socket, {"event": "rung", "number": 1}, {"event": "other"}, {"event": "rung", "number": 2})
        await begun.wait()
        await say(socket, *({"event": "rung", "number": number} for number in (3, 4)), {"event": "said"})
        await socket.close()

    def failing(event: dict[str, Any]) -> None:
        raise ValueError("нет")

    async with listening(server) as address, asyncio.timeout(20):
        hall = await client.Client(address).hall("зал")
        rest = hall.events()
        seen: list[Any] = []
        assert (await anext(rest))["number"] == 1

        def hear(event: dict[str, Any]) -> None:
            seen.append(event["number"])
            if event["number"] == 3:
                off()

        hall.on("said", failing)
        assert await anext(rest) == {"event": "other"}
        off = hall.on("rung", hear)
        begun.set()
        await hall.wait_closed()
        assert seen == [2, 3]
        assert [event["number"] async for event in rest] == [4]
    assert "a handler of the event said failed" in caplog.text


async def test_events_and_replies_that_wait_are_bounded(tmp_path: Path) -> None:
    client = load_full(tmp_path)

    async def server(socket: ServerConnection) -> None:
        number = (await heard(socket))["$id"]
        await say(socket, *({"event": "ring", "number": number} for number in (1, 2, 3)))
        await say(socket, *({"number": index, "$id": number} for index in range(10_002)))
        await say(socket, {"number": 0, "$id": number + 1})
        await socket.close(4403, "enough")

    async with listening(server) as address, asyncio.timeout(20):
        count = await client.Client(address, queue=2).count()
        replies = count.stream({"to": 1})
        await anext(replies)
        assert (await count.wait_closed()).code == 4403
        read: list[Any] = []
        with pytest.raises(client.TooManyReplies):
            await read_all(replies, read)
        assert len(read) in (10_000, 10_001)  # one more, where the reader was waiting when it came
        events = count.events()
        assert [(await anext(events))["number"], (await anext(events))["number"]] == [2, 3]
        assert count.dropped == 1
        with pytest.raises(client.Closed, match="4403: enough"):
            await anext(events)
        with pytest.raises(client.Closed, match="4403: enough"):
            await count.send({"to": 1})


async def test_a_refusal_by_close_is_reported_when_it_opens(tmp_path: Path) -> None:
    contract = called("pet")
    pet = dataclasses.replace(contract.operations[0], refusals="close")
    text = python.client(dataclasses.replace(contract, operations=(pet,)))
    (tmp_path / "pet_client.py").write_text(text, encoding="utf-8")
    client = load(tmp_path, "pet_client")
    ends = iter([(4401, "not_logged_in: who"), (4429, "who are you"), (4000, ""), None])

    async def server(socket: ServerConnection) -> None:
        end = next(ends)
        if end is not None:
            await socket.close(*end)
            return
        # More than wait unread: the ping is answered all the same.
        await say(socket, *({"event": "ring", "number": number} for number in range(50)))
        await socket.wait_closed()

    async with listening(server) as address, asyncio.timeout(20):
        for reported in ((401, "not_logged_in", "who"), (429, "", "who are you")):
            with pytest.raises(client.Refused) as refused:
                await client.Client(address).pet()
            assert (refused.value.status, refused.value.code, refused.value.detail) == reported
        other = await client.Client(address).pet()
        assert (await other.wait_closed()).code == 4000
        async with client.Client(address).pet() as opened:
            numbers = [event["number"] async for event in aiter_of(opened.events(), 50)]
            assert numbers == list(range(50))


async def aiter_of(events: AsyncIterator[Any], count: int) -> AsyncIterator[Any]:
    """The first `count` of many."""
    for _ in range(count):
        yield await anext(events)


async def test_who_waits_hears_of_the_end(tmp_path: Path) -> None:
    client = load_full(tmp_path)

    async def server(socket: ServerConnection) -> None:
        await heard(socket)
        socket.transport.abort()

    async with listening(server) as address, asyncio.timeout(20), client.Client(address).greeting() as greeting:
        assert greeting.closed is None
        with pytest.raises(client.Closed, match="1006"):
            await greeting.ask({"message": "a"})
        assert (await greeting.wait_closed()).code == 1006


def load(folder: Path, name: str) -> Any:
    """A generated client as a module."""
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


def load_full(folder: Path) -> Any:
    """The client of the project with every feature."""
    (folder / "full_client.py").write_text(python.client(full()), encoding="utf-8")
    return load(folder, "full_client")


@asynccontextmanager
async def listening(server: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    """A server that says what the test wants; what it finds wrong fails the test."""
    faults: list[BaseException] = []

    async def noting(socket: ServerConnection) -> None:
        try:
            await server(socket)
        except AssertionError as exc:
            faults.append(exc)

    async with serve(noting, "127.0.0.1", 0) as running:
        port = next(iter(running.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    assert faults == []


async def read_all(replies: AsyncIterator[Any], found: list[Any]) -> None:
    async for reply in replies:
        found.append(reply)  # noqa: PERF401 - what was read before the error is asked for


async def heard(socket: ServerConnection) -> Any:
    return json.loads(await socket.recv())


async def say(socket: ServerConnection, *frames: object) -> None:
    for frame in frames:
        await socket.send(json.dumps(frame))
