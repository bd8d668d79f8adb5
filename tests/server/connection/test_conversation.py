"""One accepted socket: order, bounds, and every way in which it ends."""

from __future__ import annotations

import asyncio
import sys

import pytest

from jackfield.server.connection.calls import TURN
from jackfield.server.connection.inbox import AHEAD, INBOX
from jackfield.server.wire import transport as wire
from tests.server.conftest import Build
from tests.server.served import LIMIT, Begin, generation, replies, until

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


@pytest.mark.parametrize("endpoint", ["echo", "wait"])
@pytest.mark.parametrize("text", [None, "", " \n\t", "[]", '"текст"', '{"message": 5}', '{"🙂": "message"}'])
async def test_ms_3_what_is_no_message_is_an_error_and_the_connection_lives(
    begin: Begin, endpoint: str, text: str | None
) -> None:
    talk = begin(endpoint)
    talk.gates.setdefault("после", asyncio.Event()).set()
    if text is None:
        talk.one.received_binary(b'{"message": "x"}')
    else:
        talk.say(text)
    talk.text("после")
    frames = await talk.frames(2)
    assert frames[0]["error"]["code"] == "invalid_message"
    assert frames[0]["error"]["details"], "with its place"
    assert frames[1:] == replies("после")
    assert talk.network.closed is None


async def test_rel_17_what_blocks_in_a_thread_lets_all_others_be_answered(begin: Begin) -> None:
    blocked, at_once, in_task = begin("blocked"), begin("echo"), begin("wait")
    blocked.text("a")
    await until(lambda: "a" in blocked.seen)
    in_task.gates.setdefault("б", asyncio.Event()).set()
    for _ in range(100):
        at_once.text("б")
        in_task.text("б")
    assert await at_once.frames(100) == replies("б") * 100
    assert await in_task.frames(100) == replies("б") * 100
    assert blocked.network.frames == [], "it still blocks"
    blocked.threads.release()
    assert await blocked.frames(1) == replies("a")


async def test_one_message_at_a_time(begin: Begin) -> None:
    talk = begin("wait")
    talk.text("a", "b")
    await talk.seeing("a")
    assert talk.seen == ["a"]
    talk.gates["a"].set()
    await talk.seeing("a", "b")
    talk.gates["b"].set()
    assert await talk.frames(2) == replies("a", "b")


@pytest.mark.parametrize(("endpoint", "most"), [("blocked", INBOX), ("wait", AHEAD)])
async def test_a_full_inbox_pauses_the_network_and_takes_it_up_again(begin: Begin, endpoint: str, most: int) -> None:
    talk = begin(endpoint, rate=10_000)
    names = [str(number) for number in range(most + 1)]
    talk.text(names[0])
    await talk.seeing("0")
    talk.text(*names[1:-1])
    assert talk.network.reading
    talk.text(names[-1])
    assert not talk.network.reading, "one in work, and those that wait"
    talk.gates.setdefault("0", asyncio.Event()).set()
    talk.threads.release()
    await talk.seeing(*names[:2])
    assert not talk.network.reading, "not for each message"
    for name in names:
        talk.gates.setdefault(name, asyncio.Event()).set()
        talk.threads.release()
    assert await talk.frames(most + 1) == replies(*names)
    assert talk.network.reading
    assert talk.network.pauses == 1
    talk.threads.acquire()


async def test_others_have_their_turn_after_some_messages(begin: Begin) -> None:
    one, two = begin("wait"), begin("wait")
    names = [str(number) for number in range(2 * TURN)]
    one.text(*(f"1-{name}" for name in names))
    two.text(*(f"2-{name}" for name in names))
    await one.seeing("1-0", "2-0")
    for name in names:
        for who in (1, 2):
            one.gates.setdefault(f"{who}-{name}", asyncio.Event()).set()
    await one.frames(2 * TURN)
    await two.frames(2 * TURN)
    order = [name[0] for name in one.seen[2:]]
    assert order[: TURN - 1] == ["1"] * (TURN - 1)
    assert "2" in order[TURN - 1 : TURN + 1], "then the other had its turn"


async def test_answers_from_the_inbox_are_held_until_the_last(begin: Begin) -> None:
    talk = begin("wait")
    talk.text("a", "b", "c")
    await talk.seeing("a")
    for name in "abc":
        talk.gates.setdefault(name, asyncio.Event()).set()
    assert await talk.frames(3) == replies("a", "b", "c")
    assert talk.network.held == 2
    talk.text("a")
    await talk.frames(4)
    assert talk.network.held == 2, "one alone waits for nothing"


# the end


async def test_a_close_before_the_task_began_is_the_end_of_its_message(begin: Begin) -> None:
    talk = begin("wait")
    talk.one.received(b'{"message": "\xd0\xb0"}')
    talk.one.end("forbidden")
    talk.gates.setdefault("а", asyncio.Event()).set()
    await talk.finished()
    assert talk.network.frames == []
    assert talk.seen in ([], ["а"]), "an eager task has begun at once"
    if sys.version_info < (3, 12):
        assert talk.seen == []


async def test_an_end_before_the_task_of_a_generator_began_is_reported(begin: Begin) -> None:
    talk = begin("stream")
    talk.say({"n": 1})
    talk.gates.setdefault("stream", asyncio.Event()).set()
    await talk.seeing("ended")
    await talk.finished()
    reported: list[bool] = []
    talk.one.when_over = lambda: reported.append(True)
    talk.say({"n": 1})
    talk.one.lost(1006)
    await talk.finished()
    assert reported == [True]


@pytest.mark.shows("MS-4")
async def test_a_process_that_cancels_its_own_task_ends_the_connection(begin: Begin) -> None:
    talk = begin("selfish")
    talk.text("a", "b")
    await talk.network.until(lambda: talk.network.closed is not None)
    assert talk.network.closed is not None
    assert talk.network.closed[0] == 1011
    assert talk.network.frames == []


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


@pytest.mark.parametrize(
    ("code", "reason"), [(999, ""), (1001, ""), (1005, ""), (1012, ""), (5000, ""), (4000, "ж" * 62)]
)
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
    talk.one.lost(1006)
    assert not talk.gates["begun"].is_set()
    talk.gates["begun"].set()
    await talk.finished()
    assert talk.seen == ["begun"]
    assert talk.network.frames == []
    talk.one.lost(1006)


@pytest.mark.parametrize("end", ["lost", "close"])
async def test_a_generator_is_cancelled_when_its_client_leaves(begin: Begin, end: str) -> None:
    talk = begin("stream")
    talk.say({"n": 2})
    await talk.frames(2)
    if end == "lost":
        talk.one.lost(1006)
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
    talk.one.lost(1006)
    await talk.finished()
    assert talk.seen == ["step", "cancelled"]


async def test_what_fails_on_our_side_closes_with_a_frame(begin: Begin, caplog: pytest.LogCaptureFixture) -> None:
    talk = begin("wait")
    talk.text("begun", "waiting")
    await talk.seeing("begun")
    talk.live.generation = None  # type: ignore[assignment]  # a fault that nobody foresaw
    talk.gates["begun"].set()
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
    talk.live.generation = generation(2, build_table("  wait: {url: /ws/w, process: p.wait}", code))
    assert old._calls == 1
    talk.gates["old"].set()
    assert await talk.frames(2) == replies("old", "NEW")
    assert (old._calls, talk.live.generation._calls) == (0, 0)


async def test_a_message_to_an_endpoint_that_is_gone_closes(begin: Begin, build_table: Build) -> None:
    talk = begin("echo")
    talk.live.generation = generation(2, build_table("  other: {url: /ws/o, process: p.echo}"))
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


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop that waits next to nothing for who does not read, while everything else has its usual patience."""
    monkeypatch.setattr(wire, "LAST_STALL", 0.02)


@pytest.mark.usefixtures("short")
async def test_a_drain_does_not_wait_for_a_client_that_takes_no_answers(begin: Begin) -> None:
    talk = begin("large", fast=False)
    talk.say({"kilobytes": 1})
    await talk.frames(1)
    async with asyncio.timeout(LIMIT):
        await talk.one.drain()
    assert talk.network.closed == (1012, "the server restarts", True)


@pytest.mark.usefixtures("short")
async def test_a_drain_does_not_wait_for_a_message_that_waits_for_a_client_to_read(begin: Begin) -> None:
    talk = begin("large", fast=False)
    talk.say({"kilobytes": 200}, {"kilobytes": 200})
    await talk.frames(1)
    async with asyncio.timeout(LIMIT):
        await talk.one.drain()
    assert talk.network.closed == (1012, "the server restarts", True)
    assert len(talk.network.frames) == 1


@pytest.mark.usefixtures("short")
async def test_a_drain_waits_for_a_client_that_reads_slowly(begin: Begin) -> None:
    talk = begin("large", fast=False)
    talk.say({"kilobytes": 1})
    await talk.frames(1)
    draining = asyncio.create_task(talk.one.drain())
    async with asyncio.timeout(LIMIT):
        while talk.network.pending > 1:
            talk.network.pending -= 1
            await asyncio.wait((draining,), timeout=0.0005)
            assert not draining.done()
        talk.network.take()
        await draining
    assert talk.network.closed == (1012, "the server restarts", False)
