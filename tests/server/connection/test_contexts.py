"""What one call sets in its context no other call sees, whatever kind of process it is, however close they follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from jackfield.config.plan import Limits
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.connection.inbox import INBOX
from tests.server.conftest import Build, Clock
from tests.server.served import LIMIT, Talk, talk_on

CODE = """
import contextvars
SEEN: list[str] = []
GATES: dict[str, asyncio.Event] = {}
WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="")

def leave(name: str) -> str:
    seen = f"{WHO.get()} {decimal.getcontext().prec}"
    WHO.set(name)
    decimal.getcontext().prec = 5
    return seen

@process(reply="seen")
def plain(name: str) -> str:
    return leave(name)

@process(reply="seen")
async def at_once(name: str) -> str:
    return leave(name)

@process(reply="seen")
async def waiting(name: str) -> str:
    await asyncio.sleep(0)
    seen = leave(name)
    await asyncio.sleep(0)
    assert WHO.get() == name
    return seen

@process(reply="seen", blocking=True)
def thread(name: str) -> str:
    return leave(name)

@process(reply="seen")
def steps(name: str):
    yield leave(name)
    assert WHO.get() == name
    yield ""

@process(reply="seen")
async def async_steps(name: str):
    yield leave(name)
    assert WHO.get() == name
    yield ""

@process(reply="seen", blocking=True)
def thread_steps(name: str):
    yield leave(name)
    assert WHO.get() == name
    yield ""

@process(reply="seen")
def fails(name: str) -> str:
    raise Reject("no", leave(name))

@process(reply="seen")
async def spawned(name: str) -> str:
    seen = leave(name)
    assert await asyncio.create_task(own()) == name
    return seen

async def own() -> str:
    return WHO.get()
"""
KINDS = ("plain", "at_once", "waiting", "thread", "steps", "async_steps", "thread_steps", "fails", "spawned")
CLEAN = " 28"

Make = Callable[[str], Talk]


@pytest.fixture
async def make(build_table: Build, clock: Clock) -> AsyncIterator[Make]:
    """Open a connection to the process of that name; all are of one server."""
    code = CODE + "\n@process\ndef echo() -> None:\n    pass\n"
    table = build_table(
        "".join(f"  {name}: {{url: /ws/{name}, process: p.{name}}}\n" for name in (*KINDS, "echo")), code
    )
    dispatcher = Dispatcher(clock=clock)
    talks: list[Talk] = []

    def begin(name: str) -> Talk:
        talks.append(talk_on(table, name, dispatcher, clock, fast=True, limits=Limits(rate=None)))
        return talks[-1]

    yield begin
    for talk in talks:
        talk.one.lost(1006)
        await talk.finished()
    dispatcher.close()


def seen(talk: Talk) -> list[str]:
    frames = [frame for frame in talk.network.frames if frame.get("seen", 1)]
    return [frame["seen"] if "seen" in frame else frame["error"]["message"] for frame in frames]


@pytest.mark.parametrize("kind", KINDS)
async def test_neither_the_next_message_nor_another_connection_sees_it(make: Make, kind: str) -> None:
    talks = [make(kind) for _ in range(3)]
    for talk in talks:
        talk.say(*({"name": f"№{number}"} for number in range(INBOX)))
        await talk.finished()
        talk.say({"name": "later"})
        await talk.finished()
    for talk in talks:
        assert seen(talk) == [CLEAN] * (INBOX + 1), "each found what Python begins with"


async def test_those_that_leave_something_are_answered_in_their_order(make: Make) -> None:
    talk = make("waiting")
    wanted = [f"№{number}" for number in range(INBOX)]
    talk.say(*({"name": name, "$id": name} for name in wanted))
    talk.say({"name": "last", "$id": "last"})
    await talk.finished()
    assert [frame["$id"] for frame in talk.network.frames] == [*wanted, "last"]


async def test_many_of_them_do_not_pile_up(make: Make) -> None:
    """The task of one begins that of the next: not inside itself, however many the network has ready."""
    talk = make("at_once")
    left = 2_000

    def more() -> None:
        nonlocal left
        while left and talk.network.reading:
            left -= 1
            talk.say({"name": str(left)})

    talk.network.on_resume = more
    talk.say({"name": "first"})
    more()
    while left:
        await talk.finished()
        more()
    await talk.finished()
    assert seen(talk) == [CLEAN] * 2_001


async def test_a_stop_waits_for_all_that_is_here(make: Make) -> None:
    talk = make("waiting")
    talk.say(*({"name": f"№{number}"} for number in range(INBOX)))
    await asyncio.wait_for(talk.one.drain(), LIMIT)
    assert seen(talk) == [CLEAN] * INBOX
    assert talk.network.closed is not None


async def test_who_leaves_meanwhile_is_reported_once_and_nothing_more_is_begun(make: Make) -> None:
    talk, reported = make("waiting"), []
    talk.one.when_over = lambda: reported.append("over")
    talk.say({"name": "a"}, {"name": "b"})
    await talk.frames(1)
    talk.one.lost(1006)
    await talk.finished()
    assert (seen(talk), reported) == ([CLEAN], ["over"])
