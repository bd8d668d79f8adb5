"""What a process sends by itself: events, also from threads, and clients that do not read."""

from __future__ import annotations

import asyncio
import threading

import pytest

from jackfield.config.plan import Limits
from jackfield.server.connection.conversation import Conversation
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.connection.rate import TokenBuckets
from jackfield.server.live import Live
from jackfield.server.observe.metrics import Meter
from jackfield.server.options import Options
from jackfield.server.request import Standing
from jackfield.server.wire import transport as wire
from jackfield.server.wire.transport import ROOM
from tests.server.conftest import Build
from tests.server.served import CODE, ENDPOINTS, LIMIT, Begin, FakeTransport, generation

# events


async def test_an_event_sent_before_the_reply_arrives_before_it(begin: Begin) -> None:
    talk = begin("echo")
    talk.text("send")
    assert await talk.frames(2) == [{"event": "before", "from": "аня"}, {"message": "send"}]


@pytest.mark.parametrize("event", [5, None, [], {"a": 1}, {"event": ""}, {"event": 5}, {"event": "x", "a": {1}}])
async def test_what_is_no_event_is_reported_to_who_sends_it(begin: Begin, event: object) -> None:
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
    talk = begin("echo", queue=10_000)
    sent = {"event": "x", "text": "y" * 1_000}

    def flood() -> None:
        for _ in range(1_000):
            talk.connection.send(sent)

    thread = threading.Thread(target=flood)
    thread.start()
    thread.join(LIMIT)  # the loop stands still meanwhile: nothing is taken away on the other side
    assert not thread.is_alive()
    assert len(talk.one.outbox._items or ()) <= 1
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
        live, limits = Live(Options(), None, generation(1, table)), Limits(queue=100)
        buckets = TokenBuckets(live.lag)
        return Conversation(FakeTransport(), live, Dispatcher(threads=1), buckets, standing, Meter(), limits=limits)

    one = await asyncio.to_thread(lambda: asyncio.run(open_one()))
    one.send_event({"event": "x"})
    one.close(1000, "")


# slow readers


@pytest.mark.parametrize("fast", [True, False])
async def test_an_event_over_the_limit_closes_however_fast_the_network_is(begin: Begin, fast: bool) -> None:
    talk = begin("echo", fast=fast, queue=5_000)
    talk.connection.send({"event": "x", "text": "y" * 4_000})
    talk.connection.send({"event": "x", "text": "y" * 5_000})
    assert talk.network.closed == (4408, "an event of 5,023 bytes; limits.queue is 5,000", False)
    assert len(talk.network.frames) == 1
    assert talk.one.close_cause == "too_slow_reader"


async def test_a_client_that_lets_events_pile_up_is_closed(begin: Begin) -> None:
    talk = begin("echo", fast=False, queue=5_000)
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


@pytest.mark.parametrize("endpoint", ["large", "heavy"])
async def test_replies_wait_for_a_client_that_sends_faster_than_it_reads(begin: Begin, endpoint: str) -> None:
    talk = begin(endpoint, fast=False)
    talk.say(*({"kilobytes": 200} for _ in range(10)))
    for number in range(1, 11):
        await talk.frames(number)
        assert len(talk.network.frames) == number, "the next waits until this one was taken"
        talk.network.take()
    assert talk.network.closed is None


@pytest.mark.parametrize("endpoint", ["large", "heavy"])
async def test_a_client_that_reads_nothing_at_all_is_closed(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setattr(wire, "STALL", 0.02)
    talk = begin(endpoint, fast=False)
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
