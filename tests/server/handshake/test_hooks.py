"""`on_connect` before the 101 and `on_disconnect` after the end, in a gateway without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from jackfield.server.generation import Generation
from jackfield.server.handshake import hooks as at_work
from jackfield.server.handshake import revocation
from jackfield.server.node.drain import stop_serving
from tests.server.conftest import Build, OpenServed
from tests.server.served import Caller, Served, until

HEAD = 'groups:\n  "room:{room}": {history: 2, presence: count}\n  "small": {members: 1}\n'
ENDPOINTS = """\
  room:
    {url: "/ws/rooms/{room}", auth: public, group: "room:{room}", process: p.say, on_connect: p.enter,
     on_disconnect: p.leave}
  plain: {url: "/ws/plain/{room}", auth: public, process: p.say, on_disconnect: p.leave}
  desk: {url: "/ws/desk/{room}", auth: {roles: [support]}, process: p.say, on_connect: p.enter, on_disconnect: p.leave}
  none: {url: "/ws/none/{room}", auth: public, process: p.say}
"""
CODE = """
import sys
from jackfield import Groups

GATES: dict[str, asyncio.Event] = {}
SEEN: list[Any] = []

async def gate(name: str) -> None:
    await GATES.setdefault(name, asyncio.Event()).wait()

async def after(caller: Connection) -> None:
    SEEN.append("started")
    answer = await caller.request({"event": "how"})
    caller.send({"event": "told", "of": answer})

@process
async def enter(room: str, caller: Connection, groups: Groups) -> dict[str, Any] | None:
    SEEN.append(("enter", room))
    caller.state["room"] = room
    if room == "closed":
        raise Reject("closed", "Закрыто 🔒", until="утро")
    if room == "broken":
        raise ValueError("тайна")
    if room == "exit":
        sys.exit(3)
    if room == "wrong":
        return {"event": "x", "$id": 1}
    if room == "small":
        await caller.join("small")
    if room.startswith("wait"):
        await gate(room)
    if room == "asks":
        for ask in (caller.next(), caller.request({"event": "how"})):
            try:
                await ask
            except RuntimeError as exc:
                SEEN.append(str(exc))
    if room == "speaks":
        caller.send({"event": "sent"})
        await caller.join("room:other")
        await caller.join("room:left")
        await groups.send("room:other", {"event": "o"})
        await groups.send("room:left", {"event": "l"})
        await groups.send("room:speaks", {"event": "s"})
        await caller.leave("room:left")
    if room == "goes":
        caller.close(4000, "пока")
    if room in ("starts", "wait-starts"):
        caller.start(after(caller))
    if room == "silent":
        return None
    return {"event": "welcome", "room": room}

@process
async def leave(room: str, code: int, reason: str, caller: Connection, groups: Groups) -> None:
    caller.send({"event": "nowhere"})
    SEEN.append(("leave", room, code, reason, caller.state.get("room", "")))
    if room == "waits":
        await gate("leave")
    await groups.send("room:heard", {"event": "gone", "of": room})

@process
def say(text: str) -> str:
    return text
"""


@pytest.fixture
async def served(open_served: OpenServed) -> AsyncIterator[Served]:
    before = asyncio.all_tasks()
    made = await open_served(ENDPOINTS, CODE, head=HEAD)
    yield made
    for one in names(made)["GATES"].values():
        one.set()
    await made.gateway.close_feeds()
    assert made.gateway.live.generation._calls == 0
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}


def names(served: Served) -> dict[str, Any]:
    """What processes/p.py holds."""
    found: dict[str, Any] = served.gateway.live.generation.table.routes["none"].process.function.__globals__
    return found


def seen(served: Served) -> list[Any]:
    found: list[Any] = names(served)["SEEN"]
    return found


def heard(caller: Caller) -> list[Any]:
    return [json.loads(one["text"]) for one in caller.sent if one["type"] == "websocket.send"]


async def entering(served: Served, target: str, headers: Any = None, name: str = "wait") -> Caller:
    """A caller whose `on_connect` waits."""
    caller = served.call(target, headers)
    await until(lambda: name in names(served)["GATES"])
    return caller


def let(served: Served, name: str = "wait") -> None:
    names(served)["GATES"][name].set()


async def publish(served: Served, build_table: Build, change: Callable[[str], str], code: str = CODE) -> Generation:
    """What the publisher does in one step."""
    table = build_table(change(ENDPOINTS), code, head=HEAD)
    found = revocation.verdicts(served.gateway.live, table)
    before = served.gateway.install(await Generation.open(2, table))
    revocation.adapt(served.gateway.live, found, before.table)
    return before


async def test_what_it_gives_and_sends_comes_first_and_the_groups_follow(served: Served) -> None:
    caller = served.call("/ws/rooms/speaks")
    await caller.until(9)
    assert caller.sent[0]["type"] == "websocket.accept"
    said = [(one["event"], one.get("group")) for one in heard(caller)]
    assert said == [
        ("welcome", None),
        ("sent", None),
        ("history", "room:speaks"),
        ("history", "room:other"),
        ("members", "room:speaks"),
        ("members", "room:other"),
        ("o", "room:other"),
        ("s", "room:speaks"),
    ]
    assert await caller.ask({"text": "да"}) == {"result": "да"}
    await caller.leave()
    await until(lambda: len(seen(served)) == 2)
    assert seen(served)[1] == ("leave", "speaks", 1001, "", "speaks")


async def test_an_endpoint_may_say_nothing_first(served: Served) -> None:
    caller = served.call("/ws/rooms/silent")
    await caller.until(3)
    assert [one["event"] for one in heard(caller)] == ["history", "members"]
    await caller.leave()


async def test_a_reject_refuses_with_its_code_and_text_and_leaves_nothing(served: Served) -> None:
    answer = await served.call("/ws/rooms/closed").refused()
    assert (answer.status, answer.json["code"], answer.json["detail"]) == (403, "rejected", "Закрыто 🔒")
    assert answer.json["error"] == {"code": "closed", "message": "Закрыто 🔒", "until": "утро"}
    assert len(served.gateway.live.hub) == 0
    assert served.gateway.live.groups.members("room:closed") == ()
    await served.gateway.close_feeds()
    assert seen(served) == [("enter", "closed")]


async def test_a_page_is_told_of_it_by_a_close(served: Served) -> None:
    caller = served.call("/ws/rooms/closed", [("origin", "http://127.0.0.1:8000")])
    await caller.until(2)
    await caller.task
    told = served.gateway.live.refusals[-1].id
    assert (caller.sent[1]["code"], caller.sent[1]["reason"]) == (4403, f"rejected: closed: Закрыто 🔒 [{told}]")


@pytest.mark.parametrize("room", ["broken", "exit", "wrong"])
async def test_another_exception_is_an_incident(served: Served, caplog: pytest.LogCaptureFixture, room: str) -> None:
    answer = await served.call(f"/ws/rooms/{room}").refused()
    assert (answer.status, answer.json["code"]) == (500, "server_fault")
    assert answer.json["incident"] in caplog.text
    assert "тайна" not in answer.body.decode()
    assert len(served.gateway.live.hub) == 0
    await served.gateway.close_feeds()
    assert seen(served)[1:] == ([("leave", "wrong", 1006, "", "wrong")] if room == "wrong" else []), "it has returned"


async def test_a_group_that_is_full_refuses_as_ever(served: Served) -> None:
    first = served.call("/ws/rooms/small")
    await first.accepted()
    answer = await served.call("/ws/rooms/small").refused()
    assert (answer.status, answer.json["code"]) == (429, "group_full")
    await first.leave()


async def test_nobody_can_be_asked_before_the_101_and_a_close_comes_after_it(served: Served) -> None:
    asks, goes = served.call("/ws/rooms/asks"), served.call("/ws/rooms/goes")
    await asks.accepted()
    assert len([one for one in seen(served) if "on_connect" in one]) == 2
    assert await goes.closed() == (4000, "пока")
    assert [one["event"] for one in heard(goes)] == ["welcome", "history", "members"]
    await asks.leave()


async def test_what_is_started_begins_with_the_101(served: Served) -> None:
    caller = served.call(
        "/ws/rooms/starts", [("x-tag", "a"), ("cookie", "a=b"), ("sec-websocket-protocol", "jackfield.v1")]
    )
    await caller.until(5)
    (member,) = served.gateway.live.hub
    assert heard(caller)[-1] == {"event": "how", "$request": 1}
    assert await caller.ask({"$answer": 1, "a": 1}) == {"event": "told", "of": {"a": 1}}
    assert member.connection.headers["x-tag"] == "a"
    assert "cookie" not in member.connection.headers
    assert (member.connection.address, member.connection.subprotocol) == ("10.1.2.3", "jackfield.v1")
    await caller.leave()


async def test_events_meanwhile_are_kept_and_presence_counts_from_the_101(served: Served) -> None:
    early = served.call("/ws/rooms/wait")
    await until(lambda: "wait" in names(served)["GATES"])
    groups = served.gateway.live.groups
    (member,) = groups.members("room:wait")
    assert not member.is_present
    groups.send("room:wait", b'{"event":"tick"}')
    let(served)
    await early.until(5)
    assert [one["event"] for one in heard(early)] == ["welcome", "history", "members", "tick"]
    assert heard(early)[2]["count"] == 1
    await early.leave()


async def test_more_than_may_wait_meanwhile_refuses(served: Served) -> None:
    caller = await entering(served, "/ws/rooms/wait")
    for _ in range(2):
        served.gateway.live.groups.send("room:wait", b'{"event":"%b"}' % (b"x" * 600_000))
    let(served)
    answer = await caller.refused()
    assert (answer.status, answer.json["code"]) == (503, "not_in_time")
    await until(lambda: len(seen(served)) == 2)
    assert seen(served)[1][:3] == ("leave", "wait", 4408)


async def test_the_time_is_bounded(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_work, "CONNECT_LIMIT", 0.01)
    caller = await entering(served, "/ws/rooms/wait")
    answer = await caller.refused()
    assert (answer.status, answer.json["code"]) == (503, "not_in_time")
    assert len(served.gateway.live.hub) == 0
    assert seen(served) == [("enter", "wait")]


async def test_so_many_run_at_once_and_the_others_have_their_turn(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_work, "OF_ADDRESS", 2)
    served = await open_served(ENDPOINTS, CODE, head=HEAD)
    callers = [served.call(f"/ws/rooms/wait{number}") for number in range(4)]
    await until(lambda: len(seen(served)) == 2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(seen(served)) == 2
    for number in range(4):
        names(served)["GATES"].setdefault(f"wait{number}", asyncio.Event()).set()
    for caller in callers:
        await caller.accepted()
        await caller.leave()
    await served.gateway.close_feeds()


async def test_an_ended_session_is_found_before_the_101(served: Served) -> None:
    await served.add("bob", "support")
    caller = await entering(served, "/ws/desk/wait-starts", await served.cookie("bob"), "wait-starts")
    await served.store.disable("bob")
    await served.sessions.look_once()
    let(served, "wait-starts")
    answer = await caller.refused()
    assert (answer.status, answer.json["code"]) == (401, "bad_credential")
    assert len(served.gateway.live.hub) == 0
    await until(lambda: len(seen(served)) == 2)
    assert seen(served)[1][:3] == ("leave", "wait-starts", 4401), "its on_connect has returned"


async def test_a_publish_that_takes_the_endpoint_away_is_found_too(served: Served, build_table: Build) -> None:
    caller = await entering(served, "/ws/rooms/wait")
    module = names(served)
    before = await publish(
        served, build_table, lambda text: text.replace("room:\n", "hall:\n").replace("/rooms", "/halls")
    )
    module["GATES"]["wait"].set()
    assert (await caller.refused()).status == 404
    await until(lambda: len(module["SEEN"]) == 2)
    assert module["SEEN"][1][:3] == ("leave", "wait", 1012)
    await until(lambda: before._calls == 0)


async def test_a_stop_admits_nobody_who_waits(served: Served) -> None:
    caller = await entering(served, "/ws/rooms/wait")
    other = await entering(served, "/ws/rooms/wait2", name="wait2")
    served.gateway.live.ready = False  # its turn to be closed may be later
    let(served)
    assert (await caller.refused()).json["code"] == "not_ready"
    await stop_serving(served.gateway.live, 5)
    let(served, "wait2")
    assert (await other.refused()).json["code"] == "not_ready"


async def test_one_who_left_meanwhile_is_told_of(served: Served) -> None:
    caller = await entering(served, "/ws/rooms/wait")
    caller.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    let(served)
    await caller.task
    await until(lambda: len(seen(served)) == 2)
    assert seen(served)[1][:3] == ("leave", "wait", 1001)


async def test_a_client_that_cannot_be_sent_the_101_is_told_of(served: Served) -> None:
    sent: list[Any] = []

    async def fail(message: Any) -> None:
        sent.append(message)
        raise OSError

    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    await served.gateway(served.scope("websocket", "/ws/rooms/starts", []), incoming.get, fail)
    await until(lambda: len(seen(served)) == 2)
    assert seen(served)[1][:3] == ("leave", "starts", 1006)


@pytest.mark.parametrize("how", ["close", "kick", "session", "publish", "process"])
async def test_whatever_ends_it_is_told_once(served: Served, build_table: Build, how: str) -> None:
    await served.add("bob", "support")
    caller = served.call("/ws/desk/a", await served.cookie("bob"))
    await caller.until(2)
    module = names(served)
    (member,) = served.gateway.live.hub
    code = 4401
    if how == "close":
        code = 1001
        await caller.leave()
    else:
        if how == "kick":
            code = 4403
            member.end("removed", "вон")
        elif how == "session":
            await served.store.disable("bob")
            await served.sessions.look_once()
        elif how == "publish":
            code = 1012
            await publish(served, build_table, lambda text: text.replace("  desk:", "  table:"))
        else:
            code = 4000
            member.connection.close(4000)
        assert (await caller.closed())[0] == code
    await until(lambda: len(module["SEEN"]) == 2)
    assert module["SEEN"][1][:3] == ("leave", "a", code)
    await served.gateway.close_feeds()
    assert len(module["SEEN"]) == 2


async def test_it_runs_in_what_is_published_when_it_begins(served: Served, build_table: Build) -> None:
    caller = served.call("/ws/plain/a")
    await caller.accepted()
    old = seen(served)
    await publish(served, build_table, lambda text: text, CODE.replace('"leave", room', '"left", room'))
    await caller.leave()
    await until(lambda: seen(served))
    assert (seen(served)[0][0], old) == ("left", [])


async def test_path_parameters_are_as_the_process_reads_them_now(served: Served, build_table: Build) -> None:
    await served.add("bob", "support")
    caller = served.call("/ws/desk/7", await served.cookie("bob"))
    await caller.until(2)
    code = CODE.replace("room: str", "room: int").replace("room.startswith", "str(room).startswith")
    await publish(served, build_table, lambda text: text.replace("[support]", "[lead]"), code)
    assert (await caller.closed())[0] == 4403
    await until(lambda: seen(served))
    assert seen(served)[0][:3] == ("leave", 7, 4403)


async def test_groups_hear_what_is_said_there(served: Served) -> None:
    hears, goes = served.call("/ws/rooms/heard"), served.call("/ws/plain/b")
    await hears.until(4)
    await goes.accepted()
    await goes.leave()
    await hears.until(5)
    assert heard(hears)[-1]["event"] == "gone"
    await hears.leave()


async def test_a_stop_waits_for_the_hooks_and_counts_what_it_cuts_off(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caller = served.call("/ws/plain/waits")
    await caller.accepted()
    await caller.leave()
    await until(lambda: "leave" in names(served)["GATES"])
    served.gateway.live.stops_at = served.gateway.live.passed() + 0.02
    await served.gateway.close_feeds()
    assert "on_disconnect_cut_off" in caplog.text


async def test_so_many_ends_are_told_at_once_and_no_more_wait_than_there_may_be_connections(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_work, "ENDING", 1)
    text = ENDPOINTS.replace("process: p.say, on_disconnect", "process: p.say, limits: {connections: 2}, on_disconnect")
    served = await open_served(text, CODE, head=HEAD)
    for _ in range(2):
        caller = served.call("/ws/plain/waits")
        await caller.accepted()
        await caller.leave()
    await until(lambda: "leave" in names(served)["GATES"])
    assert len(seen(served)) == 1
    assert (await served.call("/ws/plain/waits").refused()).json["code"] == "too_many_connections"
    let(served, "leave")
    await until(lambda: len(seen(served)) == 2)
    await served.gateway.close_feeds()
    caller = served.call("/ws/plain/c")
    await caller.accepted()
    await caller.leave()
