"""Row TK-11: who may do what, at every endpoint, and from the moment that a role is taken away."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.server.conftest import OpenServed
from tests.server.served import LIMIT, Caller, Served

ENDPOINTS = """
  public: {url: /ws/public, process: p.count, auth: public}
  optional: {url: /ws/optional, process: p.count, auth: optional}
  required: {url: /ws/required, process: p.count}
  support: {url: /ws/support, process: p.count, auth: {roles: [support]}}
  either: {url: /ws/either, process: p.count, auth: {roles: [lead, поддержка]}}
  admin: {url: /ws/admin, process: p.count, auth: {roles: [admin]}}
"""
CODE = """
RAN: list[str] = []

@process
def count(caller: Connection) -> dict[str, Any]:
    RAN.append(caller.endpoint)
    return {"ran": len(RAN)}
"""
USERS = {
    "guest": None,  # not logged in
    "nobody": (),
    "anna": ("support",),
    "boris": ("lead", "support"),
    "вера": ("поддержка",),
    "root": ("admin",),
    "almost": ("Support", "supporter", "admins"),
}
MAY = {
    "public": {"guest", "nobody", "anna", "boris", "вера", "root", "almost"},
    "optional": {"guest", "nobody", "anna", "boris", "вера", "root", "almost"},
    "required": {"nobody", "anna", "boris", "вера", "root", "almost"},
    "support": {"anna", "boris"},
    "either": {"boris", "вера"},
    "admin": {"root"},
}


@pytest.fixture
async def staffed(open_served: OpenServed) -> Served:
    served = await open_served(ENDPOINTS, CODE, host="0.0.0.0", insecure=True)
    for login, roles in USERS.items():
        if roles is not None:
            await served.add(login, *roles)
    return served


def ran(served: Served) -> list[str]:
    """The endpoints whose process was called, once for each call."""
    found: list[str] = served.gateway.live.generation.table.routes["public"].process.function.__globals__["RAN"]
    return found


def say(caller: Caller) -> None:
    caller.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps({})})


async def test_tk_11_every_cell_of_the_matrix_of_users_and_endpoints(staffed: Served) -> None:
    assert set(MAY) == set(staffed.gateway.live.generation.table.routes)
    for login, roles in USERS.items():
        cookie = [] if roles is None else await staffed.cookie(login)
        for endpoint, may in MAY.items():
            ran(staffed).clear()
            caller = staffed.call(f"/ws/{endpoint}", cookie)
            say(caller)
            if login in may:
                await caller.until(2)
                await caller.leave()
                assert ran(staffed) == [endpoint]
            else:
                answer = await caller.refused()
                assert answer.status == (401 if roles is None else 403), (login, endpoint)
                assert ran(staffed) == []
            would = (await staffed.http("GET", f"/ws/{endpoint}", cookie)).json["would"]
            assert (would is None) == (login in may), "the 426 says the same"


@pytest.mark.parametrize("login", [login for login, roles in USERS.items() if roles])
async def test_tk_11_no_message_is_processed_once_a_role_is_gone(staffed: Served, login: str) -> None:
    cookie = await staffed.cookie(login)
    entered = [name for name, may in MAY.items() if login in may]
    callers = {name: staffed.call(f"/ws/{name}", cookie) for name in entered}
    for caller in callers.values():
        await caller.accepted()
    await staffed.store.set_roles(login, [])
    ran(staffed).clear()
    await staffed.sessions.look_once()
    for caller in callers.values():
        say(caller)  # it was on its way when the change was heard, and our close is not yet with the client
    stay = {"public", "optional", "required"}
    async with asyncio.timeout(LIMIT):
        for name in set(entered) - stay:
            assert (await callers[name].closed())[0] == 4403
    for name in stay:
        await callers[name].until(2)
        await callers[name].leave()
    assert sorted(ran(staffed)) == sorted(stay)
    for name in set(entered) - stay:
        assert (await staffed.call(f"/ws/{name}", cookie).refused()).status == 403


async def test_tk_11_one_role_of_several_is_enough_to_stay_and_none_is_kept(staffed: Served) -> None:
    caller = staffed.call("/ws/either", await staffed.cookie("boris"))
    await caller.accepted()
    await staffed.store.set_roles("boris", ["поддержка"])
    await staffed.sessions.look_once()
    assert await caller.ask({}) == {"ran": 1}
    await staffed.store.set_roles("boris", ["support"])
    await staffed.sessions.look_once()
    assert (await caller.closed())[0] == 4403
