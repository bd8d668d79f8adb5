"""What a logout, a role, an expiry, a publish and a drain do to open connections."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jackfield.config.plan import Limits
from jackfield.server.generation import Generation
from jackfield.server.node.drain import stop_serving
from jackfield.server.wire.transport import EXTENSION, Receiver
from tests.server.conftest import Build, Clock, OpenServed
from tests.server.served import SERVED, SERVED_CODE, FakeTransport, Served, until

# what changes do to open connections


async def test_a_logout_closes_that_session_and_no_other(served: Served) -> None:
    first, second, other = await served.cookie("bob"), await served.cookie("bob"), await served.cookie("аня")
    callers = [served.call("/ws/say", cookie) for cookie in (first, first, second, other)]
    for caller in callers:
        await caller.accepted()
    assert (await served.http("POST", "/auth/logout", first)).status == 200
    for caller in callers[:2]:
        assert (await caller.closed())[0] == 4401
    for caller in callers[2:]:
        assert await caller.ask({"message": "да"}) == {"message": "да"}
        await caller.leave()
    assert (await served.call("/ws/say", first).refused()).status == 401


@pytest.mark.parametrize("change", ["disable", "remove", "password"])
async def test_a_user_who_is_kept_out_is_closed(served: Served, change: str) -> None:
    caller = served.call("/ws/say", await served.cookie("bob"))
    guest = served.call("/ws/public")
    await caller.accepted()
    await guest.accepted()
    if change == "disable":
        await served.store.disable("bob")
    elif change == "remove":
        await served.store.remove("bob")
    else:
        await served.store.set_password_hash("bob", "x")
    await served.sessions.look_once()
    assert (await caller.closed())[0] == 4401
    assert (await guest.ask({"message": "a"})) == {"message": "a"}
    await guest.leave()


async def test_a_role_that_is_taken_away_closes_only_where_it_was_needed(served: Served) -> None:
    cookie = await served.cookie("аня")
    desk, say, who = (served.call(f"/ws/{name}", cookie) for name in ("desk", "say", "optional"))
    for caller in (desk, say, who):
        await caller.accepted()
    await served.store.set_roles("аня", [])
    await served.sessions.look_once()
    assert await desk.closed() == (4403, 'The endpoint is for callers with the role "support".')
    assert await say.ask({"message": "a"}) == {"message": "a"}
    await say.leave()
    await who.leave()


async def test_a_connection_ends_with_its_session(open_served: OpenServed) -> None:
    served = await open_served(SERVED, SERVED_CODE, lifetime=0.05)
    await served.add("bob")
    caller = served.call("/ws/say", await served.cookie("bob"))
    await caller.accepted()
    assert await caller.closed() == (4401, "the session has run out")


async def test_a_published_table_holds_for_the_next_message_and_handshake(served: Served, build_table: Build) -> None:
    caller = served.call("/ws/say", await served.cookie("bob"))
    await caller.accepted()
    code = SERVED_CODE.replace("return message\n\n@process\ndef who", "return message.upper()\n\n@process\ndef who")
    new = await Generation.open(2, build_table(SERVED.replace("/ws/public", "/ws/open"), code))
    before = served.gateway.install(new)
    assert before.number == 1
    assert await caller.ask({"message": "да"}) == {"message": "ДА"}
    await caller.leave()
    assert (await served.call("/ws/public").refused()).status == 404


async def test_a_drain_answers_what_is_being_answered(served: Served, build_table: Build) -> None:
    cookie = await served.cookie("bob")
    busy, idle = served.call("/ws/wait", cookie), served.call("/ws/say", cookie)
    await busy.accepted()
    await idle.accepted()
    busy.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps({"message": "да"})})
    gates = served.gateway.live.generation.table.routes["wait"].process.function.__globals__["GATE"]
    await until(lambda: gates)
    draining = asyncio.create_task(stop_serving(served.gateway.live, 5))
    assert (await idle.closed())[0] == 1012
    assert not draining.done()
    gates[0].set()
    async with asyncio.timeout(5):
        await draining
    assert (await busy.closed())[0] == 1012
    assert [message["type"].partition(".")[2] for message in busy.sent] == ["accept", "send", "close"]
    assert (await served.call("/ws/public").refused()).status == 503


async def test_a_drain_has_its_limit(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    busy = served.call("/ws/wait", await served.cookie("bob"))
    await busy.accepted()
    busy.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps({"message": "да"})})
    gates = served.gateway.live.generation.table.routes["wait"].process.function.__globals__["GATE"]
    await until(lambda: gates)
    await stop_serving(served.gateway.live, 0.02)
    assert "drain_too_long" in caplog.text
    gates[0].set()
    await busy.leave()


async def test_limits_of_the_endpoint_are_reported_to_the_server(open_served: OpenServed, clock: Clock) -> None:
    tuned: list[Limits] = []

    class Tuned:
        transport = FakeTransport()
        post = transport.write

        def tune(self, limits: Limits) -> None:
            tuned.append(limits)

        def attach(self, receiver: Receiver) -> None:
            receiver.lost(1001)

    served = await open_served("  a: {url: /ws/a, process: p.echo, auth: public, limits: {message: 1KiB, ping: 7s}}")
    caller = served.call("/ws/a", extensions={EXTENSION: Tuned()})
    await caller.accepted()
    await caller.leave()
    assert tuned == [Limits(message=1024, ping=7.0)]
    assert len(served.gateway.live.hub) == 0
    assert served.gateway.live.metrics.closes == {"1001": 1}


async def test_a_client_that_is_gone_before_the_accept_leaves_no_seat(served: Served) -> None:
    scope = served.scope("websocket", "/ws/public", [])

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(_message: object) -> None:
        raise OSError

    async with asyncio.timeout(5):
        await served.gateway(scope, receive, send)
    assert len(served.gateway.live.hub) == 0


async def test_an_upgrade_is_checked_by_the_table_that_is_live_when_it_enters(
    served: Served, build_table: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publish while the caller is identified: what it takes away admits nobody."""
    new = await Generation.open(2, build_table("  other: {url: /ws/other, process: p.echo}\n"))
    identify = served.gateway.callers.identify

    async def meanwhile(*request: Any, **how: Any) -> Any:
        found = await identify(*request, **how)
        served.gateway.install(new)
        return found

    monkeypatch.setattr(served.gateway.callers, "identify", meanwhile)
    answer = await served.call("/ws/say", await served.cookie("bob")).refused()
    assert (answer.status, answer.json["code"]) == (404, "not_found")
