"""Several calls of a connection at a time, messages that are taken back, and processes that ask their client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jackfield.config.plan import Limits
from jackfield.server.connection.asking import MOST
from tests.server.served import Begin, Talk, replies


def cancelled(message_id: object) -> dict[str, Any]:
    return {"error": {"code": "cancelled", "message": "The client took its message back with `$cancel`."}} | (
        {} if message_id is None else {"$id": message_id}
    )


def ask(talk: Talk, message: str, message_id: object = None, **more: object) -> None:
    talk.say({"message": message, **more} | ({} if message_id is None else {"$id": message_id}))


# limits.concurrency


async def test_several_messages_are_worked_on_at_a_time_and_answered_as_they_are_ready(begin: Begin) -> None:
    talk = begin("wait", concurrency=2)
    talk.text("a", "b", "c")
    await talk.seeing("a", "b")
    assert talk.seen == ["a", "b"], "the third waits"
    talk.gates["b"].set()
    await talk.seeing("a", "b", "c")
    for name in "ca":
        talk.gates[name].set()
        await talk.frames(2 + (name == "a"))
    assert talk.network.frames == replies("b", "c", "a")
    talk.text("a")
    assert await talk.frames(4) == replies("b", "c", "a", "a")


async def test_answers_that_are_ready_at_once_wait_for_a_client_that_reads_slowly(begin: Begin) -> None:
    talk = begin("wait", fast=False, concurrency=3, queue=70_000)
    names = [letter * 60_000 for letter in "abc"]
    talk.text(*names)
    await talk.seeing(*names)
    for name in names:
        talk.gates[name].set()
    await talk.frames(2)  # the second began while there was room, and is as long as it may be
    for _ in range(9):
        await asyncio.sleep(0)
    assert (len(talk.network.frames), talk.network.closed) == (2, None)
    talk.network.take()
    assert await talk.frames(3) == replies(*names)


async def test_all_calls_are_waited_for_when_the_client_is_gone(begin: Begin) -> None:
    talk = begin("wait", concurrency=3)
    over: list[bool] = []
    talk.one.when_over = lambda: over.append(True)
    talk.text("a", "b")
    await talk.seeing("a", "b")
    talk.one.lost(1006)
    talk.gates["a"].set()
    await asyncio.sleep(0)
    assert over == []
    talk.gates["b"].set()
    await talk.finished()
    assert over == [True]


async def test_a_publish_that_lets_more_run_begins_what_waits_in_order(begin: Begin) -> None:
    talk = begin("wait")
    talk.text("a", "b", "c")
    await talk.seeing("a")
    talk.one.adapt({}, Limits(concurrency=2))
    talk.text("d")
    await talk.seeing("a", "b")
    talk.gates["b"].set()
    await talk.seeing("a", "b", "c")
    assert talk.seen == ["a", "b", "c"]


async def test_a_publish_that_lets_fewer_run_lets_them_end(begin: Begin) -> None:
    talk = begin("wait", concurrency=2)
    talk.text("a", "b", "c")
    await talk.seeing("a", "b")
    talk.one.adapt({}, Limits())
    talk.gates["a"].set()
    await talk.frames(1)
    assert talk.seen == ["a", "b"], "one is at work, and no more may be"
    talk.gates["b"].set()
    await talk.seeing("a", "b", "c")


async def test_who_waits_for_the_next_message_has_it_whatever_a_publish_allows(begin: Begin) -> None:
    talk = begin("dialogue")
    talk.text("a")
    await talk.seeing("a")
    talk.one.adapt({}, Limits(concurrency=2))
    talk.text("b", "ask")
    assert {"message": "ab"} in await talk.frames(2)
    assert talk.seen == ["a", "ask"]


# $cancel


@pytest.mark.parametrize("endpoint", ["wait", "stream"])
@pytest.mark.parametrize("which", [7, "семь", True])
async def test_a_call_is_taken_back(begin: Begin, endpoint: str, which: Any) -> None:
    talk = begin(endpoint)
    message_id = 7 if which is True else which
    talk.say({"message": "a", "$id": message_id} if endpoint == "wait" else {"n": 1, "$id": message_id})
    begun = [] if endpoint == "wait" else [{"result": 0, "$id": message_id}]
    if endpoint == "wait":
        await talk.seeing("a")
    else:
        await talk.frames(1)
    talk.say({"$cancel": which})
    assert await talk.frames(len(begun) + 1) == [*begun, cancelled(message_id)]
    assert talk.meter.others["cancelled"] == 1
    if endpoint == "stream":
        assert talk.seen == ["ended"]
    talk.gates.setdefault("b", asyncio.Event()).set()
    talk.gates.setdefault("stream", asyncio.Event()).set()
    talk.say({"message": "b"} if endpoint == "wait" else {"n": 0, "$id": 8})
    last = {"message": "b"} if endpoint == "wait" else {"$id": 8, "$done": True}
    assert (await talk.frames(len(begun) + 2))[-1] == last, "the next message has its call"


async def test_a_message_that_waits_is_taken_back_and_the_others_keep_their_order(begin: Begin) -> None:
    talk = begin("wait")
    for number, name in enumerate("abcd"):
        ask(talk, name, number)
    talk.say({"$cancel": 2}, {"$cancel": 99}, {"$cancel": "1"}, {"$cancel": False, "$id": 9})
    assert (await talk.frames(1)) == [cancelled(2)]
    for name in "abd":
        talk.gates.setdefault(name, asyncio.Event()).set()
    frames = await talk.frames(5)
    assert [frame["$id"] for frame in frames] == [2, 0, 1, 3, 9]
    assert frames[-1]["error"]["code"] == "invalid_message", "it takes nothing back"
    assert "c" not in talk.seen


async def test_a_message_is_taken_back_before_its_task_has_begun(begin: Begin) -> None:
    talk = begin("wait")
    ask(talk, "a", 1)
    talk.say({"$cancel": 1})
    assert await talk.frames(1) == [cancelled(1)]
    talk.gates.setdefault("b", asyncio.Event()).set()
    talk.text("b")
    assert (await talk.frames(2))[1:] == replies("b")


@pytest.mark.parametrize("endpoint", ["echo", "wait"])
@pytest.mark.parametrize("text", ['{"$cancel": 1}', '{"$answer": 3, "text": "да"}', '{"$cancel":true}'])
async def test_what_meets_nothing_is_silence_and_a_token_of_the_rate(begin: Begin, endpoint: str, text: str) -> None:
    talk = begin(endpoint, rate=1)
    talk.say(*[text] * 2)
    talk.text("спустя")
    frames = await talk.frames(1)
    assert [frame["error"]["code"] for frame in frames] == ["rate_limited"]
    await talk.finished()


@pytest.mark.parametrize("said", [{"$cancel": None}, {"$cancel": 7, "to": 1}, {"$answer": "1"}, {"$answer": None}])
async def test_what_is_written_wrongly_is_explained(begin: Begin, said: dict[str, Any]) -> None:
    talk = begin("echo")
    talk.say(said)
    (frame,) = await talk.frames(1)
    (fault,) = frame["error"]["details"]
    assert fault["path"] == f"/{next(iter(said))}"
    assert ("alone" if "$cancel" in said else "number of the request") in fault["problem"]


async def test_a_call_in_a_thread_cannot_be_taken_back(begin: Begin) -> None:
    talk = begin("blocked")
    ask(talk, "a", 1)
    await talk.seeing("a")
    talk.say({"$cancel": 1})
    talk.threads.release()
    assert await talk.frames(1) == [{"message": "a", "$id": 1}]


async def test_a_process_that_swallows_it_is_answered_once(begin: Begin) -> None:
    talk = begin("stubborn")
    talk.say({"$id": 1})
    await talk.seeing("step")
    talk.say({"$cancel": 1})
    assert await talk.frames(1) == [cancelled(1)]
    assert talk.seen == ["step", "cancelled"]
    await talk.finished()


# next


async def test_a_process_takes_the_next_message(begin: Begin) -> None:
    talk = begin("dialogue")
    ask(talk, "a", 1)
    await talk.seeing("a")
    talk.say({"message": 5, "$id": 2})
    talk.one.received_binary(b'{"message": "binary"}')
    ask(talk, "б", 3)
    frames = await talk.frames(4)
    assert (frames[0]["$id"], frames[0]["error"]["code"]) == (2, "invalid_message")
    assert "binary" in frames[1]["error"]["details"][0]["problem"]
    assert frames[2:] == [{"$id": 1, "$done": True}, {"message": "aб", "$id": 3}]
    assert talk.seen == ["a"], "the second began no call"
    assert talk.meter.answered == 2


async def test_the_next_message_may_wait_already(begin: Begin) -> None:
    talk = begin("dialogue")
    talk.text("a", "b", "c", "d")
    assert await talk.frames(2) == replies("ab", "cd")


async def test_no_message_comes_in_time(begin: Begin) -> None:
    talk = begin("dialogue", time=0.01)
    talk.say({"message": "a", "within": 0.05})
    assert await talk.frames(1) == replies("late"), "limits.time stood still"


@pytest.mark.parametrize("end", ["lost", "drain"])
async def test_a_process_that_waits_hears_of_the_end(begin: Begin, end: str, caplog: pytest.LogCaptureFixture) -> None:
    talk = begin("dialogue")
    talk.text("a")
    await talk.seeing("a")
    if end == "lost":
        talk.one.lost(1006)
    else:
        await talk.one.drain()
    await talk.finished()
    assert talk.seen == ["a", "gone"]
    assert talk.network.frames == []
    assert "process_failed" not in caplog.text


async def test_a_process_that_waits_can_be_taken_back(begin: Begin) -> None:
    talk = begin("dialogue")
    ask(talk, "a", 1)
    await talk.seeing("a")
    talk.say({"$cancel": 1})
    assert await talk.frames(1) == [cancelled(1)]
    talk.text("b", "c")
    assert (await talk.frames(2))[1:] == replies("bc")


@pytest.mark.parametrize("endpoint", ["wait", "dialogue"])
async def test_next_is_for_a_process_that_can_wait(begin: Begin, endpoint: str) -> None:
    talk = begin(endpoint, concurrency=1 if endpoint == "wait" else 2)
    with pytest.raises(RuntimeError, match="next"):
        await talk.connection.next()
    talk.text("a")
    await talk.seeing("a")
    if endpoint == "dialogue":
        assert (await talk.frames(1))[0]["error"]["code"] == "process_failed", "two may be worked on at a time"
        return
    with pytest.raises(ValueError, match="within=3601"):
        await talk.connection.next(within=3601)
    talk.gates["a"].set()


# request


async def test_a_client_answers_a_request(begin: Begin) -> None:
    talk = begin("dialogue", time=0.05)
    ask(talk, "ask", 1)
    assert await talk.frames(1) == [{"event": "how", "$request": 1}]
    talk.text("after")
    talk.say({"$answer": 1, "text": 5}, {"$answer": 2, "text": "unknown"}, {"$answer": 1, "text": "хорошо 🙂"})
    frames = await talk.frames(3)
    fault = {"path": "/text", "problem": "expected `str`, got `int`"}
    assert frames[1]["error"] | {"details": [fault]} == frames[1]["error"]
    assert (frames[1]["error"]["code"], frames[1]["error"]["request"]) == ("invalid_message", 1)
    assert frames[2] == {"message": "хорошо 🙂", "$id": 1}


async def test_a_request_without_a_type_gives_what_was_said(begin: Begin) -> None:
    talk = begin("echo")
    asked = asyncio.create_task(talk.connection.request({"event": "how"}))
    await talk.frames(1)
    talk.text("between")
    talk.say({"$answer": 1, "a": [1, None]})
    async with asyncio.timeout(5):
        assert await asked == {"a": [1, None]}
    assert talk.network.frames[1:] == replies("between")
    talk.say({"$answer": 1})
    talk.text("after")
    assert talk.network.frames[1:] == replies("between", "after"), "a late answer is silence"


async def test_requests_of_a_connection_are_bounded_and_end_with_it(begin: Begin) -> None:
    talk = begin("echo")
    asked = [asyncio.create_task(talk.connection.request({"event": str(number)})) for number in range(MOST)]
    await talk.frames(MOST)
    with pytest.raises(RuntimeError, match=f"{MOST} requests"):
        await talk.connection.request({"event": "one more"})
    talk.one.lost(1006)
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(one).__mro__[1] for one in found} == {ConnectionError}
    with pytest.raises(ConnectionError):
        await talk.connection.request({"event": "after"})


async def test_an_answer_does_not_come_in_time(begin: Begin) -> None:
    talk = begin("echo")
    with pytest.raises(TimeoutError):
        await talk.connection.request({"event": "how"}, within=0)
    with pytest.raises(ValueError, match="event"):
        await talk.connection.request({"no": "event"})
    assert json.loads(json.dumps(talk.network.frames)) == [{"event": "how", "$request": 1}]
