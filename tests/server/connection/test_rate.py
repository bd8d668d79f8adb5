"""`limits.rate`: how many messages of one connection are taken, by an injected clock."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.config.plan import Limits
from jackfield.routing.table import RoutingTable
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.connection.inbox import INBOX
from jackfield.server.connection.rate import BURST, CREDIT, RESERVE
from jackfield.server.observe.lag import LATELY
from tests.server.conftest import Build, Clock
from tests.server.served import CODE, ENDPOINTS, Begin, Talk, replies, talk_on


def limited(frame: dict[str, Any]) -> bool:
    return "error" in frame and frame["error"]["code"] == "rate_limited"


async def test_a_burst_of_twice_the_rate_is_taken_and_one_more_is_refused(begin: Begin, clock: Clock) -> None:
    talk = begin("echo", rate=50.0)
    talk.text(*["Привет"] * 101)
    assert talk.network.frames[:100] == replies(*["Привет"] * 100)
    (last,) = talk.network.frames[100:]
    assert limited(last)
    assert "50 a second" in last["error"]["message"]
    assert len(talk.seen) == 100, "what was refused was not processed"
    assert talk.meter.others["rate_limited"] == 1
    clock.move(last["error"]["retry_after"])
    talk.text("снова")
    assert talk.network.frames[-1] == {"message": "снова"}


async def test_what_is_refused_counts_as_well(begin: Begin, clock: Clock) -> None:
    talk = begin("echo", rate=10.0)
    talk.text(*["a"] * 30)
    assert [limited(frame) for frame in talk.network.frames] == [False] * 20 + [True] * 10
    waits = [frame["error"]["retry_after"] for frame in talk.network.frames[20:]]
    assert waits == pytest.approx([0.2 + n / 10 for n in range(10)], abs=0.0011)
    clock.move(waits[-1] - 0.05)
    talk.text("too early")
    assert limited(talk.network.frames[-1])
    talk.one.received_binary(b"\x00")
    assert talk.one.bucket.came == 32, "whatever became of them"


async def test_what_piled_up_while_the_loop_stood_still_is_no_flood(begin: Begin, clock: Clock) -> None:
    talk = begin("echo", rate=10.0)
    talk.text(*["a"] * 20)
    talk.live.lag.expect(0.25)
    clock.move(20.25)  # as long as somebody's process kept the loop from reading
    talk.text(*["b"] * 218)
    assert not any(limited(frame) for frame in talk.network.frames)
    talk.live.lag.look()
    talk.live.lag.expect(0.25)
    talk.text(*["c"] * 4)
    assert limited(talk.network.frames[-1]), "the credit is given once"


async def test_what_is_not_counted_against_a_client_is_bounded(begin: Begin, clock: Clock) -> None:
    talk = begin("echo", rate=10.0)
    talk.live.lag.expect(0.25)
    clock.move(3_600)
    most = int(10 * (BURST + CREDIT))
    talk.text(*["b"] * (most + 2))
    assert [limited(frame) for frame in talk.network.frames[most - 3 : most - 1]] == [False, False]
    assert limited(talk.network.frames[-1])


@pytest.mark.parametrize(("ago", "taken"), [(LATELY - 10, 40), (LATELY + 10, 20)])
async def test_a_stop_of_long_ago_is_no_excuse(begin: Begin, clock: Clock, ago: float, taken: int) -> None:
    talk = begin("echo", rate=10.0)
    lag = talk.live.lag
    lag.expect()
    clock.move(20.25)
    lag.look()
    lag.expect(3_600)
    clock.move(ago)
    talk.text(*["b"] * 40)
    assert [limited(frame) for frame in talk.network.frames] == [False] * taken + [True] * (40 - taken)


async def test_a_flood_is_closed(begin: Begin) -> None:
    talk = begin("echo", rate=10.0)
    talk.text(*["a"] * 41)
    assert len(talk.network.frames) == 40
    assert talk.network.closed == (4429, "messages came much faster than 10 a second", False)
    assert talk.one.close_code == 4429
    talk.text("b")
    assert len(talk.seen) == 20


async def test_the_flood_of_one_leaves_the_others_alone(begin: Begin) -> None:
    one, other = begin("echo", rate=10.0), begin("echo", rate=10.0)
    one.text(*["a"] * 50)
    other.text("b")
    assert one.network.closed is not None
    assert other.network.frames == replies("b")
    assert other.network.closed is None


async def test_a_steady_client_within_the_rate_is_never_refused(begin: Begin, clock: Clock) -> None:
    talk = begin("echo", rate=7.0)
    for _ in range(1_000):
        talk.text("a")
        clock.move(1 / 7 + 1e-6)
    assert talk.meter.answered == 1_000


async def test_a_refusal_keeps_its_place_behind_a_message_in_work(begin: Begin) -> None:
    talk = begin("wait", rate=1.0)
    talk.text("a", "b", "c")
    await talk.seeing("a")
    talk.gates["a"].set()
    await talk.seeing("a", "b")
    assert talk.network.frames == replies("a")
    talk.gates["b"].set()
    frames = await talk.frames(3)
    assert frames[:2] == replies("a", "b")
    assert limited(frames[2])


async def test_what_piled_up_while_we_did_not_read_is_not_the_fault_of_the_client(begin: Begin, clock: Clock) -> None:
    talk = begin("blocked", rate=10.0)
    names = [str(number) for number in range(INBOX + 1)]
    talk.text(names[0])
    await talk.seeing("0")
    talk.text(*names[1:])
    assert not talk.network.reading
    clock.move(60.0)
    for _ in range(INBOX + 1 + 600 + 20):
        talk.threads.release()
    await talk.frames(INBOX + 1)
    assert talk.network.reading
    for number in range(600):  # ten a second for a minute waited in the network
        talk.text(f"late {number}")
        await talk.frames(INBOX + 2 + number)
    assert not any(limited(frame) for frame in talk.network.frames)
    for number in range(20):
        talk.text("0")
        await talk.frames(INBOX + 602 + number)
    assert limited(talk.network.frames[-1]), "then the rate holds again"
    while talk.threads.acquire(blocking=False):
        pass


async def test_a_waiting_process_gives_no_more_than_the_rate(begin: Begin, clock: Clock) -> None:
    talk = begin("wait", rate=10.0)
    taken = 0
    for number in range(600):  # twice as fast as allowed, for half a minute, with the inbox full nearly always
        talk.text(str(number))
        clock.move(0.05)
        if number >= INBOX:
            talk.gates.setdefault(str(number - INBOX), asyncio.Event()).set()
        await asyncio.sleep(0)
        if talk.network.closed is not None:
            break
        taken = number
    assert taken < 200, "closed as a flood, or refused"


async def test_what_piled_up_is_not_owed_for_ever(begin: Begin, clock: Clock) -> None:
    talk = begin("wait", rate=10.0)
    names = [str(number) for number in range(INBOX + 1)]
    talk.text(*names)
    await talk.seeing("0")
    clock.move(3600.0)
    for name in names:
        talk.gates.setdefault(name, asyncio.Event()).set()
    await talk.frames(INBOX + 1)
    assert talk.one.bucket._reserve <= RESERVE
    clock.move(2 * RESERVE)
    talk.text(*["0"] * 41)
    await talk.network.until(lambda: talk.network.closed is not None)


async def test_a_low_rate_takes_its_first_message(table: RoutingTable) -> None:
    """Whatever the sums of floating point numbers are rounded to."""
    dispatcher = Dispatcher(threads=1, clock=Clock())
    rates = [number / span for span in (60, 3600) for number in range(1, 60)]
    for rate, uptime in itertools.product(rates, [1e3, 1e5, 2.6e6, 3e7]):
        clock = Clock(uptime + 0.123456789)
        talk = talk_on(table, "echo", dispatcher, clock, fast=True, limits=Limits(rate=rate))
        talk.text("Привет")
        assert talk.network.frames == replies("Привет"), (rate, uptime)
    dispatcher.close()


async def test_binary_messages_count(begin: Begin) -> None:
    talk = begin("echo", rate=1.0)
    talk.one.received_binary(b"1")
    talk.one.received_binary(b"1")
    frames = await talk.frames(2)
    assert [frame["error"]["code"] for frame in frames] == ["invalid_message"] * 2
    talk.one.received_binary(b"1")
    assert limited((await talk.frames(3))[2])
    talk.one.received_binary(b"1")
    talk.one.received_binary(b"1")
    assert talk.network.closed is not None
    assert talk.network.closed[0] == 4429


@pytest.mark.parametrize(
    ("rate", "words"),
    [(1_000_000.0, "1,000,000 a second"), (2.5, "2.5 a second"), (9 / 60, "9 a minute"), (1 / 3600, "1 an hour")],
)
async def test_the_refusal_states_the_rate_as_it_was_written(begin: Begin, rate: float, words: str) -> None:
    talk = begin("echo", rate=rate)
    frame = talk.one._too_fast(talk.one.bucket.slack + 1e-9, talk.one.bucket)
    assert frame is not None
    assert f"faster than {words};" in json.loads(frame)["error"]["message"]


async def test_less_than_one_a_second(begin: Begin, clock: Clock) -> None:
    talk = begin("echo", rate=1 / 60)
    talk.text("a", "b")
    assert [limited(frame) for frame in talk.network.frames] == [False, True]
    clock.move(talk.network.frames[1]["error"]["retry_after"])
    talk.text("c")
    assert talk.network.frames[-1] == {"message": "c"}


async def test_a_rate_that_is_off(begin: Begin) -> None:
    talk = begin("echo", rate=None)
    talk.text(*["a"] * 5_000)
    assert talk.meter.answered == 5_000
    assert talk.network.closed is None


async def test_a_publish_changes_the_rate_of_open_connections(begin: Begin) -> None:
    talk = begin("echo", rate=None)
    talk.text(*["a"] * 100)
    talk.one.adapt({}, Limits(rate=1.0))
    talk.text("b", "c", "d")
    assert [limited(frame) for frame in talk.network.frames[-3:]] == [False, False, True]
    talk.one.adapt({}, Limits(rate=None))
    talk.text("e")
    assert talk.network.frames[-1] == {"message": "e"}


async def test_all_connections_of_a_user_share_their_rate(table: RoutingTable, clock: Clock) -> None:
    dispatcher = Dispatcher(threads=1, clock=clock)
    limits = Limits(rate=None, rate_per_user=10.0)
    one = talk_on(table, "echo", dispatcher, clock, fast=True, limits=limits)
    two = talk_on(table, "echo", dispatcher, clock, fast=True, limits=limits, like=one)
    other = talk_on(table, "heavy", dispatcher, clock, fast=True, limits=limits, like=one)
    one.text(*["a"] * 12)
    two.text(*["a"] * 8)
    assert not any(limited(frame) for frame in one.network.frames + two.network.frames)
    two.text("a")
    (last,) = two.network.frames[8:]
    assert limited(last)
    assert "10 a second from all connections of this user" in last["error"]["message"]
    one.one.received_binary(b"1")
    assert limited(one.network.frames[-1])
    other.say({"kilobytes": 1})
    assert not limited(other.network.frames[-1]), "another endpoint has its own"
    clock.move(last["error"]["retry_after"] + 0.1)
    one.text("b")
    assert one.network.frames[-1] == {"message": "b"}
    two.text(*["a"] * 50)
    assert two.network.closed is not None
    assert two.network.closed[0] == 4429
    assert one.network.closed is None
    two.one.adapt({}, Limits(rate=None))
    one.one.adapt({}, Limits(rate=None))
    one.text(*["c"] * 50)
    assert not any(limited(frame) for frame in one.network.frames[-50:])
    dispatcher.close()


async def test_the_rate_of_a_user_who_left_is_kept_until_the_bucket_is_full(table: RoutingTable, clock: Clock) -> None:
    dispatcher = Dispatcher(threads=1, clock=clock)
    limits = Limits(rate_per_user=10.0)
    talk = talk_on(table, "echo", dispatcher, clock, fast=True, limits=limits)
    buckets = talk.buckets
    assert buckets.of("echo", "", 10.0, clock()) is None, "nobody has no rate of his own"
    talk.text(*["a"] * 20)
    del talk
    gc.collect()
    buckets.sweep(clock())
    assert len(buckets._shared) == 1
    bucket = buckets.of("echo", "аня", 10.0, clock())
    assert bucket is not None
    assert bucket.over(clock()), "who connects anew begins where they left"
    clock.move(2.2)
    buckets.sweep(clock())
    assert len(buckets._kept) == 1, "it is in use"
    del bucket
    buckets.sweep(clock())
    assert len(buckets._shared) == len(buckets._kept) == 0
    dispatcher.close()


async def test_the_rates_that_are_kept_are_swept_now_and_then(table: RoutingTable, clock: Clock) -> None:
    dispatcher = Dispatcher(threads=1, clock=clock)
    buckets = talk_on(table, "echo", dispatcher, clock, fast=True, limits=Limits()).buckets
    for number in range(5_000):
        buckets.of("echo", f"user {number}", 10.0, clock())
    assert len(buckets._kept) <= 1_000
    dispatcher.close()


@pytest.fixture
def table(build_table: Build) -> RoutingTable:
    return build_table(ENDPOINTS, CODE)


def played(table: RoutingTable, rate: float, steps: list[tuple[float, int]]) -> list[str]:
    """What becomes of each message, by a bucket in plain words."""
    size = max(1.0, BURST * rate)
    tokens, outcomes = size, []
    for seconds, count in steps:
        tokens = min(size, tokens + seconds * rate)
        for _ in range(count):
            tokens -= 1
            outcomes.append("taken" if tokens >= -1e-6 else "refused" if tokens >= -size - 1e-6 else "flood")
            if outcomes[-1] == "flood":
                return outcomes
    return outcomes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    rate=st.sampled_from([0.25, 0.5, 1.0, 4.0, 16.0]),
    steps=st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0, 8.0]), st.integers(0, 12)), max_size=12),
)
async def test_it_is_a_token_bucket(table: RoutingTable, rate: float, steps: list[tuple[float, int]]) -> None:
    clock = Clock(0.0)  # whole quarters of seconds are exact from here
    dispatcher = Dispatcher(threads=1, clock=clock)
    talk: Talk = talk_on(table, "echo", dispatcher, clock, fast=True, limits=Limits(rate=rate))
    for seconds, count in steps:
        clock.move(seconds)
        talk.text(*["a"] * count)
    expected = played(table, rate, steps)
    found = ["refused" if limited(frame) else "taken" for frame in talk.network.frames]
    found += ["flood"] if talk.network.closed is not None else []
    assert found == expected, json.dumps(steps)
    dispatcher.close()
