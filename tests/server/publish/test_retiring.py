"""What goes on in a generation that is no longer live has its time, then its connection is closed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from jackfield.server.generation import Generation
from jackfield.server.live import Member
from jackfield.server.publish.retiring import GENERATIONS, OUTLIVE, RETIRE_LIMIT, SPREAD, Retiring
from tests.groups.conftest import Clock as Timers
from tests.server.conftest import Build, OpenServed
from tests.server.served import LIMIT, Caller, Served, until

ENDPOINTS = """\
  next: {url: /ws/next, auth: public, process: p.wait}
  request: {url: /ws/request, auth: public, process: p.ask}
  task: {url: /ws/task, auth: public, process: p.start}
  feed: {url: /ws/feed, auth: public, feed: p.feed}
  stream: {url: /ws/stream, auth: public, process: p.stream}
  deaf: {url: /ws/deaf, auth: public, process: p.deaf}
"""
CODE = """
from collections.abc import AsyncIterator
from jackfield import resource
SEEN: list[str] = []

@resource
async def pool():
    yield "открыт"
    SEEN.append("closed")

@process
async def wait(text: str, caller: Connection, pool: Annotated[str, pool]) -> str:
    while text != "конец":
        caller.send({"event": "waits"})
        text = (await caller.next(within=3600))["text"]
    return f"{text} {len(SEEN)}"

@process
async def ask(caller: Connection) -> str:
    return (await caller.request({"event": "waits"}, within=3600))["text"]

@process
async def start(caller: Connection) -> None:
    async def tick():
        caller.send({"event": "waits"})
        await asyncio.Event().wait()
    caller.start(tick())

@process
async def feed() -> AsyncIterator[dict[str, str]]:
    yield {"event": "waits"}
    await asyncio.Event().wait()

@process
async def stream() -> AsyncIterator[str]:
    yield "waits"
    await asyncio.Event().wait()

@process
async def deaf(caller: Connection) -> None:
    caller.send({"event": "waits"})
    while not SEEN:
        await asyncio.sleep(0)
"""
WAITING = ["next", "request", "task", "feed"]


class Published:
    """A gateway whose generations retire on a clock that the test moves."""

    def __init__(self, served: Served, build: Build, timers: Timers) -> None:
        self.served, self.timers = served, timers
        self.retiring = Retiring(served.gateway, later=timers.later)
        self._build = build
        self._members: dict[asyncio.Task[None], Member] = {}

    async def publish(self, times: int = 1) -> None:
        gateway = self.served.gateway
        for _ in range(times):
            number = gateway.live.generation.number + 1
            table = self._build(ENDPOINTS, f"{CODE}# {number}\n")
            self.retiring.add(gateway.install(await Generation.open(number, table)))

    async def open(self, endpoint: str) -> Caller:
        """A connection of which something goes on."""
        caller = self.served.call(f"/ws/{endpoint}")
        await caller.accepted()
        self._members[caller.task] = tuple(self.served.gateway.live.hub)[-1]
        if endpoint != "feed":
            message = '{"text": "да"}' if endpoint == "next" else "{}"
            caller.incoming.put_nowait({"type": "websocket.receive", "text": message})
        await caller.until(2)
        return caller

    def is_closed(self, caller: Caller) -> bool:
        """Whether it is; the frame that tells the client comes some steps later."""
        return self._members[caller.task].is_over

    async def freed(self, left: int = 0) -> None:
        await until(lambda: len(self.retiring) == left)


@pytest.fixture
async def published(open_served: OpenServed, build_table: Build) -> AsyncIterator[Published]:
    before = asyncio.all_tasks()
    timers = Timers()
    made = Published(await open_served(ENDPOINTS, CODE), build_table, timers)
    yield made
    async with asyncio.timeout(LIMIT):
        await made.served.gateway.close_feeds()
        await made.retiring.close()
        await made.served.gateway.live.generation.retire(0.0)
    assert [timer for timer in timers.timers if not timer.cancelled] == []
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}


@pytest.mark.parametrize("endpoint", [*WAITING, "stream"])
async def test_what_goes_on_has_ten_minutes_after_a_publish(published: Published, endpoint: str) -> None:
    caller, gone = await published.open(endpoint), await published.open(endpoint)
    await published.publish()
    published.timers.pass_(OUTLIVE - SPREAD - 1)
    await published.publish()
    await published.freed(1)
    assert not published.is_closed(caller)
    await gone.leave()
    published.timers.pass_(SPREAD + 1)
    assert await caller.closed() == (1012, "what goes on here is older than what is published")
    await published.freed()


async def test_a_wait_that_is_answered_in_time_ends_its_generation(published: Published) -> None:
    caller = await published.open("next")
    await published.publish(GENERATIONS - 1)
    await published.freed(1)
    assert await caller.ask({"text": "ещё"}) == {"event": "waits"}
    assert await caller.ask({"text": "конец"}) == {"result": "конец 0"}, "its resources were open to the end"
    await published.freed()
    published.timers.pass_(OUTLIVE)
    assert not published.is_closed(caller)
    await caller.leave()


@pytest.mark.parametrize("endpoint", WAITING)
async def test_the_fourth_publish_ends_what_waits_and_no_call_that_works(published: Published, endpoint: str) -> None:
    caller, stream = await published.open(endpoint), await published.open("stream")
    await published.publish()
    later = await published.open(endpoint)
    await published.publish(GENERATIONS - 2)
    published.timers.pass_(SPREAD)
    assert not published.is_closed(caller)
    await published.publish()
    published.timers.pass_(SPREAD)
    assert (await caller.closed())[0] == 1012
    for one in (later, stream):
        assert not published.is_closed(one)
        await one.leave()


async def test_the_closes_are_spread(published: Published) -> None:
    callers = [await published.open("task") for _ in range(90)]
    await published.publish()
    published.timers.pass_(OUTLIVE - SPREAD - 1)
    at: Counter[int] = Counter()
    for second in range(int(SPREAD) + 1):
        published.timers.pass_(1)
        at[second] = sum(map(published.is_closed, callers)) - at.total()
    assert at.total() == len(callers)
    assert max(at.values()) <= 4
    for caller in callers:
        assert (await caller.closed())[0] == 1012


async def test_a_call_that_never_ends_keeps_no_resource(published: Published, caplog: pytest.LogCaptureFixture) -> None:
    caller = await published.open("deaf")
    await published.publish()
    published.timers.pass_(OUTLIVE)
    assert published.is_closed(caller)
    await published.freed(1)
    published.timers.pass_(RETIRE_LIMIT - OUTLIVE)
    await published.freed()
    assert "generation_kept_busy" in caplog.text
    await caller.closed()
