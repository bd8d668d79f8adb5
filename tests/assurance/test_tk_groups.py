"""Row TK-11: who may use which action and be in which group, and from the moment that a role is taken away."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.server.conftest import OpenServed
from tests.server.served import Caller, Served, until

GROUPS = """
groups:
  "open:{x}": {may_join: anyone}
  "team:{x}": {may_join: {roles: [support]}}
  "leads:{x}": {may_join: {roles: [lead, поддержка]}}
  "own:{who}": {may_join: p.own}
  "closed:{x}": {}
"""
ACTIONS = """{
    free: p.count, team: {process: p.count, auth: {roles: [support]}}, wait: p.wait,
    waits: {process: p.late, auth: {roles: [support]}}, either: {process: p.count, auth: {roles: [lead, поддержка]}},
    admin: {process: p.count, auth: {roles: [admin]}}, join: group.join, leave: group.leave}
"""
ENDPOINTS = f"""
  optional: {{url: /ws/optional, auth: optional, actions: {ACTIONS}  }}
  desk: {{url: /ws/desk, actions: {ACTIONS}  }}
  narrow: {{url: /ws/narrow, auth: {{roles: [support, поддержка]}}, actions: {ACTIONS}  }}
  staff: {{url: /ws/staff, auth: {{roles: [support]}}, group: staff}}
  board: {{url: /ws/board, auth: {{roles: [admin]}}, group: board}}
  mail: {{url: /ws/mail, group: "mail:{{login}}", process: p.groups}}
  help: {{url: /ws/help, auth: optional, group: "help:{{visitor}}", process: p.groups}}
"""
CODE = """
RAN: list[str] = []
GATE: list[asyncio.Event] = []

@process
def count(caller: Connection) -> int:
    RAN.append(caller.endpoint)
    return len(RAN)

@process
async def late(caller: Connection) -> int:
    RAN.append(caller.endpoint)
    return len(RAN)

@process
async def wait() -> None:
    GATE.append(asyncio.Event())
    await GATE[0].wait()

@process
def own(who: str, caller: Connection) -> bool:
    return bool(who) and caller.identity.login == who

@process
def groups(caller: Connection) -> list[str]:
    return list(caller.groups)
"""
USERS: dict[str, tuple[str, ...] | None] = {
    "guest": None,  # not logged in
    "nobody": (),
    "anna": ("support",),
    "boris": ("lead", "support"),
    "вера": ("поддержка",),
    "root": ("admin",),
    "almost": ("Support", "supporter", "admins"),
}
ALL = set(USERS)
ENTERS = {"optional": ALL, "desk": ALL - {"guest"}, "narrow": {"anna", "boris", "вера"}}
MAY_USE = {
    "free": ALL,
    "team": {"anna", "boris"},
    "waits": {"anna", "boris"},
    "either": {"boris", "вера"},
    "admin": {"root"},
}
MAY_JOIN = {
    "open:1": ALL,
    "team:1": {"anna", "boris"},
    "leads:1": {"boris", "вера"},
    "own:anna": {"anna"},
    "own:%D0%B2%D0%B5%D1%80%D0%B0": {"вера"},
    "own:nobody": {"nobody"},
    "closed:1": set(),
    "staff": set(),
    "board": set(),
    "mail:anna": set(),
    "mail:root": set(),
    "help:anna": set(),
    "$console": set(),
}


@pytest.fixture
async def staffed(open_served: OpenServed) -> Served:
    served = await open_served(ENDPOINTS, CODE, head=GROUPS, host="0.0.0.0", insecure=True)
    for login, roles in USERS.items():
        if roles is not None:
            await served.add(login, *roles)
    return served


def kept(served: Served, name: str) -> Any:
    """What the processes keep under a name."""
    return served.gateway.live.generation.table.routes["mail"].process.function.__globals__[name]


async def entered(served: Served, endpoint: str, login: str) -> Caller:
    """The connection of a user, the guest among them."""
    cookie = [] if USERS[login] is None else await served.cookie(login)
    caller = served.call(f"/ws/{endpoint}", cookie)
    await caller.accepted()
    return caller


async def code(caller: Caller, **message: str) -> str:
    """The code of the error that answers a message; "" for a reply."""
    answer = await caller.ask(message)
    found: str = answer["error"]["code"] if "error" in answer else ""
    return found


async def tell(served: Served, group: str) -> int:
    """Send an event to a group from outside; gives how many it reached."""
    headers = await served.cookie("root")
    answer = await served.http("POST", f"/api/groups/{quote(group)}/events", headers, {"event": "canary", "of": group})
    found: int = answer.json["delivered_to"]
    return found


async def heard(caller: Caller) -> list[str]:
    """Of which groups it heard an event, up to the answer to a message of ours."""

    def frames() -> list[dict[str, Any]]:
        return [json.loads(one["text"]) for one in caller.sent if one["type"] == "websocket.send"]

    caller.incoming.put_nowait({"type": "websocket.receive", "text": '{"$id": "fence"}'})
    await until(lambda: any(frame.get("$id") == "fence" for frame in frames()))
    return [frame["of"] for frame in frames() if frame.get("event") == "canary"]


async def test_tk_11_every_cell_of_users_endpoints_and_actions(staffed: Served) -> None:
    ran = kept(staffed, "RAN")
    for endpoint, enters in ENTERS.items():
        for login, roles in USERS.items():
            if login not in enters:
                cookie = [] if roles is None else await staffed.cookie(login)
                assert (await staffed.call(f"/ws/{endpoint}", cookie).refused()).status in (401, 403)
                continue
            caller = await entered(staffed, endpoint, login)
            for action, may in MAY_USE.items():
                ran.clear()
                expected = "" if login in may else "action_forbidden"
                assert await code(caller, action=action) == expected, (login, endpoint, action)
                assert ran == ([endpoint] if login in may else []), "it runs where it is allowed, and nowhere else"
            await caller.leave()


@pytest.mark.parametrize("endpoint", ENTERS)
async def test_tk_11_every_cell_of_users_and_groups_that_they_ask_for(staffed: Served, endpoint: str) -> None:
    callers = {login: await entered(staffed, endpoint, login) for login in sorted(ENTERS[endpoint])}
    inside = {"staff": await entered(staffed, "staff", "anna"), "board": await entered(staffed, "board", "root")}
    inside |= {"mail:anna": await entered(staffed, "mail", "anna"), "mail:root": await entered(staffed, "mail", "root")}
    inside["help:anna"] = await entered(staffed, "help", "anna")
    for login, caller in callers.items():
        for group, may in MAY_JOIN.items():
            expected = "" if login in may else "group_forbidden"
            assert await code(caller, action="join", group=group) == expected, (login, group)
    groups = [group for group in MAY_JOIN if not group.startswith("$")]
    for group in groups:
        assert await tell(staffed, group) == len(MAY_JOIN[group] & callers.keys()) + (group in inside)
    for login, caller in callers.items():
        assert await heard(caller) == [group for group in groups if login in MAY_JOIN[group]]
    for group, caller in inside.items():
        assert await heard(caller) == [group]
    for caller in (*callers.values(), *inside.values()):
        await caller.leave()
    assert len(staffed.gateway.live.groups) == 0


@pytest.mark.parametrize(
    "group",
    [
        "own:boris",
        "own:anna:boris",
        "own:",
        "own",
        " own:boris",
        "Own:anna",
        "own:%61nna",
        "own:boris%00",
        "own:bor%69s",
        "own:*",
        "own:{who}",
        "mail:boris",
        "mail:%62oris",
        "help:boris",
        "staff",
        "staff:",
        "open:1/../own:boris",
        "$own:boris",
    ],
)
async def test_tk_11_the_room_of_another_user_is_refused_by_every_name(staffed: Served, group: str) -> None:
    anna, boris = await entered(staffed, "desk", "anna"), await entered(staffed, "desk", "boris")
    mail, help_ = await entered(staffed, "mail", "boris"), await entered(staffed, "help", "boris")
    assert await code(boris, action="join", group="own:boris") == ""
    assert await code(anna, action="join", group=group) == "group_forbidden"
    left = await anna.ask({"action": "leave", "group": group})
    assert left.get("joined", False) is False, "it puts nobody else out, and says nothing of who is there"
    for name in ("own:boris", "mail:boris", "help:boris"):
        assert await tell(staffed, name) == 1, "its owner hears it, and nobody else"
    assert [await heard(one) for one in (boris, mail, help_)] == [["own:boris"], ["mail:boris"], ["help:boris"]]
    assert await heard(anna) == []
    for one in (anna, boris, mail, help_):
        await one.leave()


@pytest.mark.parametrize("query", ["login=boris", "visitor=boris", "group=mail:boris", "%7Blogin%7D=boris"])
async def test_tk_11_nobody_names_whose_group_an_endpoint_gives(staffed: Served, query: str) -> None:
    for path in ("mail", "help"):
        caller = staffed.call(f"/ws/{path}?{query}", [*await staffed.cookie("anna"), ("login", "boris")])
        await caller.accepted()
        assert await caller.ask({}) == {"result": [f"{path}:anna"]}
        await caller.leave()


@pytest.mark.parametrize("endpoint", ["desk", "optional"])
async def test_tk_11_a_role_that_is_gone_counts_for_the_next_action_and_puts_out_of_its_groups(
    staffed: Served, endpoint: str
) -> None:
    boris, anna = await entered(staffed, endpoint, "boris"), await entered(staffed, endpoint, "anna")
    groups = ["open:1", "team:1", "leads:1", "own:boris"]
    for group in groups:
        assert await code(boris, action="join", group=group) == ""
    assert await code(anna, action="join", group="team:1") == ""
    assert await code(boris, action="team") == ""
    kept(staffed, "RAN").clear()
    await staffed.store.set_roles("boris", ["lead"])
    await staffed.sessions.look_once()
    for group in groups:
        assert await tell(staffed, group) == 1, "anna alone is left in team:1"
    told = [json.loads(one["text"]) for one in boris.sent if '"left"' in one.get("text", "")]
    assert told == [{"event": "left", "group": "team:1", "login": "boris"}]
    assert await heard(boris) == ["open:1", "leads:1", "own:boris"], "what no role opens, and what another one does"
    assert await heard(anna) == ["team:1"]
    for action in ("team", "waits"):
        assert await code(boris, action=action) == "action_forbidden"
    assert await code(boris, action="join", group="team:1") == "group_forbidden"
    assert kept(staffed, "RAN") == []
    assert await code(boris, action="either") == ""
    await staffed.store.set_roles("boris", ["support"])
    await staffed.sessions.look_once()
    assert await tell(staffed, "leads:1") == 0
    assert await tell(staffed, "team:1") == 1, "a role that came back opens the door and carries nobody through it"
    assert await code(boris, action="either") == "action_forbidden"
    assert await code(boris, action="join", group="team:1") == ""
    for caller in (boris, anna):
        await caller.leave()


async def test_tk_11_what_waits_behind_a_call_is_judged_by_the_roles_of_its_turn(staffed: Served) -> None:
    boris = await entered(staffed, "desk", "boris")
    waiting: list[dict[str, str]] = [{"action": "wait"}, {"action": "team"}, {"action": "waits"}]
    waiting += [{"action": "join", "group": "team:1"}, {"action": "either"}]
    for message in waiting:
        boris.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
    await until(lambda: kept(staffed, "GATE"))
    await staffed.store.set_roles("boris", ["lead"])
    await staffed.sessions.look_once()
    gate: asyncio.Event = kept(staffed, "GATE")[0]
    gate.set()
    await boris.until(5)
    answers = [json.loads(one["text"]) for one in boris.sent[1:]]
    codes = [answer.get("error", {}).get("code", "") for answer in answers]
    assert codes == ["action_forbidden", "action_forbidden", "group_forbidden", ""]
    assert kept(staffed, "RAN") == ["desk"]
    await boris.leave()
