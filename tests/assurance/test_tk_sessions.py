"""TK: how a session begins, how long it lasts, and how it ends for connections that are open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from jackfield.auth import changes
from jackfield.auth.changes import SILENCE
from jackfield.auth.store.store import MAX_SESSIONS, Store
from jackfield.errors import Refusal
from jackfield.server.connection.conversation import Conversation
from tests.house.habits import PACKAGE
from tests.server.conftest import Clock, OpenServed
from tests.server.served import PASSWORD, Answer, Caller, Headers, Served, cookie_of, log_in, until

ENDPOINTS = """
  note: {url: /ws/note, process: p.note}
  wait: {url: /ws/wait, process: p.wait}
  desk: {url: /ws/desk, process: p.note, auth: {roles: [support]}}
  public: {url: /ws/public, process: p.note, auth: public}
  warned: {url: /ws/warned, process: p.note, session_warning: 60s}
"""
CODE = """
SEEN: list[str] = []
GATES: list[asyncio.Event] = []

@process(reply="message")
def note(message: str) -> str:
    SEEN.append(message)
    return message

@process(reply="message")
async def wait(message: str) -> str:
    SEEN.append(message)
    GATES.append(asyncio.Event())
    await GATES[-1].wait()
    return message
"""


@pytest.fixture
async def house(open_served: OpenServed) -> Served:
    made = await open_served(ENDPOINTS, CODE)
    await made.add("шеф", "admin")
    await made.add("аня", "support", password=PASSWORD)
    await made.add("bob")
    return made


@pytest.fixture
async def elsewhere(house: Served, clock: Clock, tmp_path: Path) -> AsyncIterator[Store]:
    """Another process on the same store: the command line, or a second server."""
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", clock)
    yield store
    await store.close()


def seen(served: Served) -> list[str]:
    found: list[str] = served.gateway.live.generation.table.routes["note"].process.function.__globals__["SEEN"]
    return found


async def status(served: Served, cookie: Headers) -> int:
    return (await served.http("GET", "/auth/session", cookie)).status


async def opened(served: Served, name: str, cookie: Headers) -> Caller:
    caller = served.call(f"/ws/{name}", cookie)
    await caller.accepted()
    return caller


# TK-2


async def test_tk_2_a_session_is_in_use_while_a_connection_of_it_is_open(house: Served, clock: Clock) -> None:
    house.sessions.tune(lifetime=3600, idle=600)
    cookie = cookie_of(await log_in(house))
    caller = await opened(house, "note", cookie)
    for _ in range(20):
        clock.move(100)
        await house.sessions.look_once()
    assert await status(house, cookie) == 200
    await caller.leave()
    clock.move(600)
    await house.sessions.look_once()
    assert await status(house, cookie) == 401


# TK-5

Ending = Callable[[Served, Headers, str], Awaitable[Answer]]


def _of_admin(method: str, more: str = "", body: Any = None) -> Ending:
    async def act(served: Served, cookie: Headers, session: str) -> Answer:
        path = f"/api/users/%D0%B0%D0%BD%D1%8F{more}"
        return await served.http(method, path, await served.cookie("шеф"), b"" if body is None else body)

    return act


def _of_user(method: str, path: str, body: Any = None) -> Ending:
    async def act(served: Served, cookie: Headers, session: str) -> Answer:
        own = cookie if path == "/auth/logout" else await served.cookie("аня")
        return await served.http(method, path.format(session=session), own, b"" if body is None else body)

    return act


ENDINGS: dict[str, Ending] = {
    "logout": _of_user("POST", "/auth/logout"),
    "one session": _of_user("DELETE", "/auth/sessions/{session}"),
    "other sessions": _of_user("DELETE", "/auth/sessions"),
    "password": _of_user("POST", "/auth/password", {"old": PASSWORD, "new": "новый пароль"}),
    "disabled": _of_admin("PATCH", body={"disabled": True}),
    "password by the administrator": _of_admin("PATCH", body={"password": "новый пароль"}),
    "removed": _of_admin("DELETE"),
    "closed by the administrator": _of_admin("POST", "/close"),
}


@pytest.mark.parametrize("how", ENDINGS)
async def test_tk_5_when_the_answer_comes_no_message_is_processed_any_more(house: Served, how: str) -> None:
    cookie, other = cookie_of(await log_in(house)), await house.cookie("bob")
    idle, busy = await opened(house, "note", cookie), await opened(house, "wait", cookie)
    neighbour = await opened(house, "note", other)
    for number in range(3):
        text = json.dumps({"message": f"busy {number}"})
        busy.incoming.put_nowait({"type": "websocket.receive", "text": text})
    await until(lambda: seen(house) == ["busy 0"])
    (session,) = {member.identity.session for member in house.gateway.live.hub if member.identity.login == "аня"}

    answer = await ENDINGS[how](house, cookie, session)
    assert answer.status == 200, answer.json
    # in the very step after the answer: what comes now, and what waits for its turn, is not processed
    idle.incoming.put_nowait({"type": "websocket.receive", "text": '{"message": "too late"}'})
    seen_gates: list[asyncio.Event] = house.gateway.live.generation.table.routes["wait"].process.function.__globals__[
        "GATES"
    ]
    seen_gates[0].set()

    for caller in (idle, busy):
        code, reason = await caller.closed()
        assert (code, bool(reason)) == (4401, True)
    assert seen(house) == ["busy 0"]
    assert await status(house, cookie) == 401
    assert (await house.call("/ws/note", cookie).refused()).status == 401
    assert await neighbour.ask({"message": "я здесь"}) == {"message": "я здесь"}
    await neighbour.leave()


@pytest.mark.parametrize("act", ["end_all", "password", "roles"])
async def test_tk_5_what_another_process_does_is_heard_within_the_second(
    house: Served, elsewhere: Store, act: str
) -> None:
    assert changes.LOOK <= 0.5  # one look, and the time to close
    cookie, other = await house.cookie("аня"), await house.cookie("bob")
    caller, neighbour = await opened(house, "desk", cookie), await opened(house, "note", other)
    watching = asyncio.create_task(house.sessions.watch())
    if act == "password":
        await elsewhere.set_password_hash("аня", "x")
    elif act == "roles":
        await elsewhere.set_roles("аня", [])
    else:
        await getattr(elsewhere, act)("аня")
    assert (await caller.closed())[0] == (4403 if act == "roles" else 4401)
    assert await neighbour.ask({"message": "да"}) == {"message": "да"}
    await neighbour.leave()
    watching.cancel()
    await asyncio.wait([watching])


async def test_tk_5_a_change_during_the_accept_is_not_lost(house: Served) -> None:
    cookie = await house.cookie("аня")
    reached, go_on = asyncio.Event(), asyncio.Event()
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "websocket.accept":
            reached.set()
            await go_on.wait()

    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    task = asyncio.create_task(house.gateway(house.scope("websocket", "/ws/note", cookie), incoming.get, send))
    async with asyncio.timeout(5):
        await reached.wait()
        await house.http("POST", "/auth/logout", cookie)
        incoming.put_nowait({"type": "websocket.receive", "text": '{"message": "too late"}'})
        go_on.set()
        await until(lambda: sent[-1]["type"] == "websocket.close")
        incoming.put_nowait({"type": "websocket.disconnect", "code": 1005})
        await task
    assert sent[-1]["code"] == 4401
    assert seen(house) == []


async def test_tk_5_a_silent_store_closes_what_nobody_can_vouch_for_after_a_stated_time(
    house: Served, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LOOK", 0.001)
    caller, guest = await opened(house, "note", await house.cookie("аня")), await opened(house, "public", [])
    failed = asyncio.Event()

    async def fail(_: int) -> None:
        failed.set()
        raise Refusal("store_unavailable")

    await house.sessions.look_once()
    monkeypatch.setattr(house.store, "changes_since", fail)
    watching = asyncio.create_task(house.sessions.watch())
    clock.move(SILENCE)
    async with asyncio.timeout(5):
        for _ in range(3):
            failed.clear()
            await failed.wait()
    assert await caller.ask({"message": "да"}) == {"message": "да"}  # REL-10: unaffected until then
    clock.move(1)
    assert await caller.closed() == (4401, "the store of sessions has not answered for too long")
    assert await guest.ask({"message": "да"}) == {"message": "да"}
    await guest.leave()
    watching.cancel()
    await asyncio.wait([watching])
    text = (PACKAGE / "docs" / "protocol.md").read_text("utf-8")
    assert f"Open connections go on for {SILENCE / 60:g} minutes" in text
    assert "may connect for another 90 seconds" in text


# TK-6


def left(served: Served) -> list[float]:
    """The seconds for which the timers of the open conversations are armed."""
    loop = asyncio.get_running_loop()
    ends = [member.session_end for member in served.gateway.live.hub if isinstance(member, Conversation)]
    timers = [end._timer for end in ends if end is not None]
    return [round(timer.when() - loop.time()) for timer in timers if timer is not None]


async def test_tk_6_the_event_comes_before_and_at_the_end_nothing_is_processed(open_served: OpenServed) -> None:
    house = await open_served(ENDPOINTS, CODE, lifetime=0.1)
    await house.add("аня")
    caller = await opened(house, "warned", await house.cookie("аня"))
    await caller.until(2)
    event = json.loads(caller.sent[1]["text"])
    assert set(event) == {"event", "expires_at"}
    assert event["event"] == "session_expiring"
    await until(lambda: caller.sent[-1]["type"] == "websocket.close")
    caller.incoming.put_nowait({"type": "websocket.receive", "text": '{"message": "too late"}'})
    assert await caller.closed() == (4401, "the session has run out")
    assert seen(house) == []


async def test_tk_6_timers_are_armed_for_the_warning_and_the_end(house: Served, clock: Clock) -> None:
    cookie = cookie_of(await log_in(house))
    clock.move(600)
    callers = [await opened(house, name, cookie) for name in ("warned", "note")]
    assert sorted(left(house)) == [2940, 3000]
    for caller in callers:
        await caller.leave()
    assert left(house) == []


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_tk_6_a_refresh_moves_the_end_of_open_connections(
    house: Served, clock: Clock, elsewhere: Store, where: str
) -> None:
    cookie = cookie_of(await log_in(house))
    caller, other = await opened(house, "note", cookie), await opened(house, "note", await house.cookie("bob"))
    clock.move(1800)
    house.sessions.tune(lifetime=7200, idle=None)
    if where == "here":
        assert (await house.http("POST", "/auth/refresh", cookie)).status == 200
    else:
        (session,) = await elsewhere.sessions_of("аня")
        await elsewhere.prolong(session.id, clock() + 7200, longest=1e9, step=1)
        await house.sessions.look_once()
    assert {member.identity.login: member.identity.expires_at for member in house.gateway.live.hub} == {
        "аня": clock() + 7200,
        "bob": clock() + 1800,
    }
    assert sorted(left(house)) == [3600, 7200]  # bob's was armed before the clock was moved
    for one in (caller, other):
        assert await one.ask({"message": "да"}) == {"message": "да"}
        await one.leave()


# TK-12


async def test_tk_12_there_are_so_many_sessions_of_one_user_and_no_more(house: Served, clock: Clock) -> None:
    cookies = []
    for _ in range(MAX_SESSIONS):
        clock.move(1)
        cookies.append(await house.cookie("аня"))
    caller = await opened(house, "note", cookies[0])
    clock.move(1)
    cookies.append(cookie_of(await log_in(house)))
    await house.sessions.look_once()
    assert await caller.closed() == (4401, "the session was ended")
    assert [await status(house, one) for one in (cookies[0], cookies[1], cookies[-1])] == [401, 200, 200]
    assert len((await house.http("GET", "/auth/sessions", cookies[-1])).json["sessions"]) == MAX_SESSIONS
    text = (PACKAGE / "docs" / "protocol.md").read_text("utf-8")
    assert f"A user has up to {MAX_SESSIONS} sessions at once" in text
