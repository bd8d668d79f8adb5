"""One accepted socket: order, bounds, threads, and every way in which it ends."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from jackfield.identity import Identity
from jackfield.process.connection import Connection
from jackfield.routing import RoutingTable
from jackfield.server import conversation as conversation_module
from jackfield.server.conversation import INBOX, ROOM, Conversation
from jackfield.server.dispatch import Dispatcher
from jackfield.server.generation import Generation
from jackfield.server.handshake import Standing

from .conftest import LIMIT, Build, Clock, FakeTransport

CODE = """
GATES: dict[str, asyncio.Event] = {}
SEEN: list[str] = []

@process(reply="message")
def echo(message: str, caller: Connection) -> str:
    SEEN.append(message)
    if message == "send":
        caller.send({"event": "before", "from": caller.identity.login})
    if message == "close":
        caller.close(4001, "пока")
    if message == "twice":
        caller.close(4001, "one")
        caller.close(4002, "two")
    return message

@process(reply="message")
async def wait(message: str) -> str:
    SEEN.append(message)
    await GATES.setdefault(message, asyncio.Event()).wait()
    return message

@process
async def stream(n: int, caller: Connection):
    try:
        for i in range(n):
            yield i
            if i == 2 and n == 1_000:
                caller.close()
        await GATES.setdefault("stream", asyncio.Event()).wait()
    finally:
        SEEN.append("ended")

@process
async def stubborn():
    while True:
        try:
            SEEN.append("step")
            yield None
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            SEEN.append("cancelled")

@process
def large(kilobytes: int) -> str:
    return "x" * (kilobytes * 1024)
"""
ENDPOINTS = "".join(
    f"  {name}: {{url: /ws/{name}, process: p.{name}}}\n" for name in ("echo", "wait", "stream", "stubborn", "large")
)


@dataclass
class Live:
    """A gateway as the conversation sees it."""

    generation: Generation


@dataclass
class Talk:
    """A conversation with the network in the test's hand."""

    network: FakeTransport
    one: Conversation
    live: Live
    seen: list[str]
    gates: dict[str, asyncio.Event] = field(default_factory=dict)

    def say(self, *messages: object) -> None:
        for message in messages:
            self.one.received(message if isinstance(message, str) else json.dumps(message))

    def text(self, *messages: str) -> None:
        self.say(*({"message": message} for message in messages))

    @property
    def connection(self) -> Connection:
        return self.one.connection

    async def frames(self, number: int) -> list[dict[str, Any]]:
        await self.network.until(lambda: len(self.network.frames) >= number)
        return self.network.frames

    async def seeing(self, *messages: str) -> None:
        """Wait until the process has begun these."""
        async with asyncio.timeout(LIMIT):
            while self.seen[: len(messages)] != list(messages):
                await asyncio.sleep(0)

    async def finished(self) -> None:
        async with asyncio.timeout(LIMIT):
            await self.one.finished()


Begin = Callable[..., Talk]


@pytest.fixture
async def begin(build_table: Build, clock: Clock) -> AsyncIterator[Begin]:
    """Begin a conversation on an endpoint; nothing of it is left when the test ends."""
    before = asyncio.all_tasks()
    dispatcher = Dispatcher(threads=1)
    table: list[RoutingTable] = []
    talks: list[Talk] = []

    def make(endpoint: str, *, fast: bool = True, queue_limit: int = 1 << 20) -> Talk:
        if not table:
            table.append(build_table(ENDPOINTS, CODE))
        names = table[0].routes["echo"].process.function.__globals__
        network = FakeTransport(fast=fast)
        live = Live(Generation(1, table[0], _nothing_open()))
        standing = Standing(endpoint, {}, (), "http://127.0.0.1")
        one = Conversation(network, live, dispatcher, standing, queue_limit=queue_limit, clock=clock)
        one.begin(
            Connection(one, id="c1", endpoint=endpoint, identity=Identity("аня"), params={}, query={}),
        )
        talk = Talk(network, one, live, names["SEEN"], names["GATES"])
        talks.append(talk)
        return talk

    yield make
    for talk in talks:
        talk.one.lost()
        for gate in talk.gates.values():
            gate.set()
        await talk.finished()
    dispatcher.close()
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}  # type: ignore[operator]  # a test has a task


def _nothing_open() -> Any:
    class Nothing:
        values: dict[str, Any] = {}  # noqa: RUF012 - never written

    return Nothing()


def replies(*messages: str) -> list[dict[str, Any]]:
    return [{"message": message} for message in messages]


# order


async def test_answers_come_in_the_order_of_the_messages(begin: Begin) -> None:
    talk = begin("echo")
    names = [f"№{number}" for number in range(40)]
    for start in range(0, 40, 10):
        talk.text(*names[start : start + 10])
        await talk.frames(start + 10)
    assert talk.network.frames == replies(*names)


async def test_a_bad_message_between_good_ones_keeps_its_place(begin: Begin) -> None:
    talk = begin("echo")
    talk.say({"message": "а"}, "nope", {"message": 5, "$id": "б"}, {"message": "в"})
    frames = await talk.frames(4)
    assert frames[0] == {"message": "а"}
    assert frames[1]["error"]["code"] == "invalid_message"
    assert (frames[2]["$id"], frames[2]["error"]["code"]) == ("б", "invalid_message")
    assert frames[3] == {"message": "в"}
    assert talk.network.closed is None


async def test_one_message_at_a_time(begin: Begin) -> None:
    talk = begin("wait")
    talk.text("a", "b")
    await talk.seeing("a")
    assert talk.seen == ["a"]
    talk.gates["a"].set()
    await talk.seeing("a", "b")
    talk.gates["b"].set()
    assert await talk.frames(2) == replies("a", "b")


async def test_a_full_inbox_pauses_the_network_and_takes_it_up_again(begin: Begin) -> None:
    talk = begin("wait")
    names = [str(number) for number in range(INBOX + 1)]
    talk.text(names[0])
    await talk.seeing("0")
    talk.text(*names[1:-1])
    assert talk.network.reading
    talk.text(names[-1])
    assert not talk.network.reading, "one in work and sixteen that wait"
    talk.gates["0"].set()
    await talk.seeing(*names[:2])
    assert not talk.network.reading, "not for each message"
    for name in names:
        talk.gates.setdefault(name, asyncio.Event()).set()
    assert await talk.frames(INBOX + 1) == replies(*names)
    assert talk.network.reading
    assert talk.network.pauses == 1


async def test_others_have_their_turn_between_two_messages(begin: Begin) -> None:
    one, two = begin("echo"), begin("echo")
    one.text("1a", "1b", "1c")
    two.text("2a", "2b", "2c")
    await two.frames(3)
    await one.frames(3)
    assert one.seen == ["1a", "2a", "1b", "2b", "1c", "2c"]


# events


async def test_an_event_sent_before_the_reply_arrives_before_it(begin: Begin) -> None:
    talk = begin("echo")
    talk.text("send")
    assert await talk.frames(2) == [{"event": "before", "from": "аня"}, {"message": "send"}]


@pytest.mark.parametrize("event", [5, None, [], {"a": 1}, {"event": ""}, {"event": 5}, {"event": "x", "a": {1}}])
async def test_what_is_no_event_is_told_to_who_sends_it(begin: Begin, event: object) -> None:
    talk = begin("echo")
    with pytest.raises((TypeError, ValueError)):
        talk.connection.send(event)
    assert talk.network.frames == []


async def test_events_from_threads_arrive_in_order(begin: Begin) -> None:
    talk = begin("echo")

    def work(name: str) -> None:
        for number in range(200):
            talk.connection.send({"event": name, "n": number})

    threads = [threading.Thread(target=work, args=(name,)) for name in ("а", "б", "в")]
    for thread in threads:
        thread.start()
    frames = await talk.frames(600)
    for thread in threads:
        await asyncio.to_thread(thread.join, LIMIT)
    for name in ("а", "б", "в"):
        assert [frame["n"] for frame in frames if frame["event"] == name] == list(range(200))


async def test_what_crosses_from_threads_is_bounded(begin: Begin) -> None:
    talk = begin("echo", queue_limit=10_000)
    sent = {"event": "x", "text": "y" * 1_000}

    def flood() -> None:
        for _ in range(1_000):
            talk.connection.send(sent)

    thread = threading.Thread(target=flood)
    thread.start()
    thread.join(LIMIT)  # the loop stands still meanwhile: nothing is taken away on the other side
    assert not thread.is_alive()
    assert len(talk.one._crossing) <= 1
    assert talk.network.frames == []
    await talk.network.until(lambda: talk.network.closed is not None)
    assert talk.network.closed is not None
    assert talk.network.closed[0] == 4408


async def test_a_close_from_a_thread_comes_after_what_the_thread_sent(begin: Begin) -> None:
    talk = begin("echo")

    def work() -> None:
        talk.connection.send({"event": "last"})
        talk.connection.close(4001, "готово")
        talk.connection.send({"event": "never"})

    await asyncio.to_thread(work)
    await talk.network.until(lambda: talk.network.closed is not None)
    assert talk.network.frames == [{"event": "last"}]
    assert talk.network.closed == (4001, "готово", False)


async def test_a_thread_may_send_after_the_loop_has_ended(build_table: Build) -> None:
    table = build_table(ENDPOINTS, CODE)
    standing = Standing("echo", {}, (), "")

    async def open_one() -> Conversation:
        live = Live(Generation(1, table, _nothing_open()))
        return Conversation(FakeTransport(), live, Dispatcher(threads=1), standing, queue_limit=100)

    one = await asyncio.to_thread(lambda: asyncio.run(open_one()))
    one.send_event({"event": "x"})
    one.close(1000, "")


# slow readers


async def test_a_client_that_lets_events_pile_up_is_closed(begin: Begin) -> None:
    talk = begin("echo", fast=False, queue_limit=5_000)
    for number in range(10):
        talk.connection.send({"event": "news", "n": number, "text": "т" * 500})
    assert talk.network.closed is not None
    number, reason, at_once = talk.network.closed
    assert (number, at_once) == (4408, True)
    assert "5,000 bytes" in reason
    assert len(talk.network.frames) < 10


async def test_a_generator_waits_for_its_client(begin: Begin) -> None:
    talk = begin("stream", fast=False)
    talk.say({"n": 20_000})
    await talk.network.until(lambda: talk.network.pending >= ROOM)
    count = len(talk.network.frames)
    await asyncio.sleep(0)
    assert len(talk.network.frames) == count < 20_000
    talk.network.take()
    await talk.frames(count + 1)


async def test_replies_wait_for_a_client_that_sends_faster_than_it_reads(begin: Begin) -> None:
    talk = begin("large", fast=False)
    talk.say(*({"kilobytes": 200} for _ in range(10)))
    for number in range(1, 11):
        await talk.frames(number)
        assert len(talk.network.frames) == number, "the next waits until this one was taken"
        talk.network.take()
    assert talk.network.closed is None


async def test_a_client_that_reads_nothing_at_all_is_closed(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_module, "STALL", 0.02)
    talk = begin("large", fast=False)
    talk.say({"kilobytes": 200}, {"kilobytes": 200})
    await talk.network.until(lambda: talk.network.closed is not None)
    assert talk.network.closed is not None
    assert talk.network.closed[0] == 4408
    assert len(talk.network.frames) == 1


async def test_a_reply_that_could_never_fit_is_the_processs_fault(begin: Begin) -> None:
    talk = begin("large")
    talk.say({"kilobytes": 1024})
    (frame,) = await talk.frames(1)
    assert frame["error"]["code"] == "process_failed"
    assert talk.network.closed is None


# the end


async def test_a_close_drops_the_reply_that_follows(begin: Begin) -> None:
    talk = begin("echo")
    talk.text("close", "never seen")
    await talk.network.until(lambda: talk.network.closed is not None)
    await talk.finished()
    assert talk.network.closed == (4001, "пока", False)
    assert talk.network.frames == []
    assert talk.seen == ["close"]
    assert talk.one.close_code == 4001


async def test_a_second_close_does_nothing(begin: Begin) -> None:
    talk = begin("echo")
    talk.text("twice")
    await talk.finished()
    talk.one.end("forbidden")
    assert talk.network.closed == (4001, "one", False)


@pytest.mark.parametrize(("code", "reason"), [(999, ""), (1001, ""), (1005, ""), (1012, ""), (5000, ""), (4000, "ж" * 62)])
async def test_a_close_that_the_rfc_forbids_is_refused(begin: Begin, code: int, reason: str) -> None:
    talk = begin("echo")
    with pytest.raises(ValueError):
        talk.connection.close(code, reason)
    assert talk.network.closed is None


async def test_a_reason_of_ours_is_cut_at_whole_letters(begin: Begin) -> None:
    talk = begin("echo")
    talk.one.end("failed", "ж" * 100)
    assert talk.network.closed == (1011, "ж" * 61, False)


async def test_no_message_is_processed_after_the_end(begin: Begin) -> None:
    talk = begin("wait")
    talk.text("begun", "waiting")
    await talk.seeing("begun")
    talk.one.end("session_ended")
    talk.text("later")
    talk.gates["begun"].set()
    await talk.finished()
    assert talk.seen == ["begun"]
    assert talk.network.frames == [], "its reply is dropped as well"
    assert talk.network.closed == (4401, "The session was ended or has run out.", False)


async def test_a_client_that_leaves_has_its_call_finished_and_the_reply_dropped(begin: Begin) -> None:
    talk = begin("wait")
    talk.text("begun", "waiting")
    await talk.seeing("begun")
    talk.one.lost()
    assert not talk.gates["begun"].is_set()
    talk.gates["begun"].set()
    await talk.finished()
    assert talk.seen == ["begun"]
    assert talk.network.frames == []
    talk.one.lost()


@pytest.mark.parametrize("end", ["lost", "close"])
async def test_a_generator_is_cancelled_when_its_client_leaves(begin: Begin, end: str) -> None:
    talk = begin("stream")
    talk.say({"n": 2})
    await talk.frames(2)
    if end == "lost":
        talk.one.lost()
    else:
        talk.one.end("forbidden")
    await talk.finished()
    assert talk.seen == ["ended"]
    assert len(talk.network.frames) == 2


async def test_a_generator_that_closes_its_own_connection_ends(begin: Begin) -> None:
    talk = begin("stream")
    talk.say({"n": 1_000})
    await talk.network.until(lambda: talk.network.closed is not None)
    await talk.finished()
    assert talk.seen == ["ended"]
    assert [frame["result"] for frame in talk.network.frames] == [0, 1, 2]
    assert talk.network.closed is not None
    assert talk.network.closed[0] == 1000


async def test_a_generator_that_swallows_its_cancellation_ends_all_the_same(begin: Begin) -> None:
    talk = begin("stubborn")
    talk.say({})
    await talk.seeing("step")
    talk.one.lost()
    await talk.finished()
    assert talk.seen[:2] == ["step", "cancelled"]


async def test_what_fails_on_our_side_closes_with_a_frame(begin: Begin, caplog: pytest.LogCaptureFixture) -> None:
    talk = begin("echo")
    talk.live.generation = None  # type: ignore[assignment]  # a fault that nobody foresaw
    talk.text("a")
    await talk.network.until(lambda: talk.network.closed is not None)
    assert talk.network.closed is not None
    assert talk.network.closed[0] == 1011
    assert "conversation_failed" in caplog.text


# publishing


async def test_the_next_message_takes_the_new_generation(begin: Begin, build_table: Build) -> None:
    talk = begin("wait")
    talk.text("old", "new")
    await talk.seeing("old")
    old = talk.live.generation
    code = "@process(reply='message')\ndef wait(message: str) -> str:\n    return message.upper()"
    talk.live.generation = Generation(2, build_table("  wait: {url: /ws/w, process: p.wait}", code), _nothing_open())
    assert old._calls == 1
    talk.gates["old"].set()
    assert await talk.frames(2) == replies("old", "NEW")
    assert (old._calls, talk.live.generation._calls) == (0, 0)


async def test_a_message_to_an_endpoint_that_is_gone_closes(begin: Begin, build_table: Build) -> None:
    talk = begin("echo")
    talk.live.generation = Generation(2, build_table("  other: {url: /ws/o, process: p.echo}"), _nothing_open())
    talk.text("a")
    await talk.network.until(lambda: talk.network.closed is not None)
    assert talk.network.closed == (1012, "the endpoint is gone", False)


# the drain


async def test_a_drain_answers_what_is_here_and_takes_no_more(begin: Begin) -> None:
    talk = begin("wait", fast=False)
    talk.text("a", "b")
    await talk.seeing("a")
    draining = asyncio.create_task(talk.one.drain())
    await asyncio.sleep(0)
    assert not talk.network.reading
    talk.text("too late")
    for name in "ab":
        talk.gates.setdefault(name, asyncio.Event()).set()
    assert await talk.frames(2) == replies("a", "b")
    await talk.finished()
    assert talk.network.closed is None, "the replies are still on their way"
    talk.network.take()
    async with asyncio.timeout(LIMIT):
        await draining
    assert talk.network.closed == (1012, "the server restarts", False)
    assert talk.seen == ["a", "b"]


async def test_a_drain_of_an_idle_conversation_closes_at_once(begin: Begin) -> None:
    talk = begin("echo")
    async with asyncio.timeout(LIMIT):
        await talk.one.drain()
    assert talk.network.closed is not None
    assert talk.network.closed[0] == 1012


async def test_the_duration_is_told_by_the_clock(begin: Begin, clock: Clock) -> None:
    talk = begin("echo")
    clock.move(12.5)
    assert talk.one.duration == 12.5
