"""What the members of a node's groups must hear, and in which order, said once more and in the simplest way.

Events of one group come in one order, those of two may overtake each other. So what is due to a client is a queue for
each of its groups. What is on its way to one that leaves, it may have heard or not: the rest is forgotten with it.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .node import Line

__all__ = ["BIG", "MOST_NAMED", "NAMES", "OUTBOX", "PLANS", "QUEUE", "Client", "Model", "Plan"]

QUEUE = 100_000
"""Bytes of `limits.queue`."""

OUTBOX = 150_000
"""Bytes that may wait for all clients."""

BIG = 40_000
"""Bytes of some events: two wait, a third is too much."""

MOST_NAMED = 2
PAUSE = 1.0
NAMES = ("room:1", "hall", "club", "open:1", "plain")

Frame = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """What is declared of a pattern."""

    history: int = 0
    members: int | None = None
    show: str = ""
    grace: float = 15.0
    may_join: str | None = None


@dataclass(frozen=True)
class Plan:
    """What is live: rules by how the names of their groups begin, endpoints with the role that they ask for."""

    rules: dict[str, Rule]
    endpoints: dict[str, tuple[str, tuple[str, ...]]]

    def rule(self, name: str) -> Rule:
        return self.rules.get(name.partition(":")[0], Rule())

    @property
    def text(self) -> str:
        """endpoints.yaml."""
        lines = [f"defaults: {{auth: optional, limits: {{queue: {QUEUE}B, rate: off, per_user: 1000}}}}", "groups:"]
        for name, rule in self.rules.items():
            said: Frame = {"history": rule.history}
            if rule.members:
                said["members"] = rule.members
            if rule.show:
                said["presence"] = {"show": rule.show, "grace": f"{rule.grace:g}s"}
            if rule.may_join is not None:
                said["may_join"] = {"roles": [rule.may_join]} if rule.may_join else "anyone"
            lines.append(f"  {json.dumps(_patterned(name))}: {json.dumps(said)}")
        lines.append("endpoints:")
        lines.append("  desk: {url: /ws/desk, actions: {join: group.join, leave: group.leave}}")
        for name, (role, groups) in self.endpoints.items():
            more: Frame = {"auth": {"roles": [role]}} if role else {}
            if groups:
                more |= {"group": [_patterned(group) for group in groups], "reply_to": "group"}
            given = {"url": f"/ws/{{x}}/{name}", "process": "echo.same", **more}
            lines.append(f"  {name}: {json.dumps(given)}")
        return "\n".join(lines) + "\n"


def _patterned(name: str) -> str:
    return f"{name}:{{x}}" if name in ("room", "open") else name


_ROOM, _CLUB = ("", ("room",)), ("friend", ("club", "hall"))
PLANS = (
    Plan(
        {
            "room": Rule(history=3, members=5, show="names", grace=5.0),
            "hall": Rule(history=2, may_join=""),
            "club": Rule(show="count"),
            "open": Rule(show="names", grace=3.0, may_join="friend"),
        },
        {"room": _ROOM, "club": _CLUB},
    ),
    Plan(
        {
            "room": Rule(history=1, show="names", grace=1.0),
            "hall": Rule(history=3, members=3, show="names", may_join="friend"),
            "open": Rule(history=2, may_join=""),
        },
        {"room": _ROOM, "club": ("friend", ("hall", "club"))},
    ),
    Plan(
        {"room": Rule(history=3), "hall": Rule(show="count"), "open": Rule(show="count")},
        {"room": ("", ("hall",)), "club": ("chief", ("club", "room"))},
    ),
    Plan({"room": Rule(history=3, show="names"), "club": Rule(history=1)}, {"room": ("", ())}),
)


@dataclass
class Due:
    """A frame on its way. `named`: with the group's name, without, or (None) either: that changed meanwhile."""

    frame: Frame
    named: bool | None = True
    is_last: bool = False  # that it is out: nothing of the group comes between this and a return


@dataclass(eq=False)
class Client:
    """One client and what is due to it. `is_open` from its 101 on."""

    line: Line
    endpoint: str
    login: str
    roles: frozenset[str]
    is_open: bool = False
    is_over: bool = False
    given: tuple[str, ...] = ()
    groups: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    due: dict[str, deque[Due]] = field(default_factory=dict)
    replies: deque[Frame] = field(default_factory=deque)
    left: set[str] = field(default_factory=set)
    lost: bool = False
    pending: int = 0  # bytes in its outbox after the last step

    def owe(self, group: str, frame: Frame, *, named: bool = True, at_once: bool = False) -> None:
        queue = self.due.setdefault(group, deque())
        (queue.appendleft if at_once else queue.append)(Due(frame, named))

    @property
    def waiting(self) -> int:
        """Bytes that wait for it, before its 101 on our side."""
        return self.pending if self.is_open else sum(_size(due.frame) for queue in self.due.values() for due in queue)

    def take(self) -> None:
        """Compare what came with what was due."""
        for frame in self.line.came():
            if "$id" in frame:
                expected = self.replies.popleft()
                assert _short(frame) == expected, (frame, expected)
                continue
            group = frame.get("group") or frame["of"]
            assert self.due.get(group), ("not due", frame)
            named = frame.pop("group", None) is not None
            due = _next(self.due[group], _timeless(frame))
            assert frame == due.frame, (str(frame)[:300], str(due.frame)[:300])
            assert due.named in (None, named), (due, named)
        for group in self.left:
            self.due.pop(group, None)
        self.left.clear()
        if self.is_over:
            self.due.clear()
            self.replies.clear()
        elif self.is_open:
            unsaid = [one.frame for queue in self.due.values() for one in queue if one.is_last]
            assert not unsaid, "it does not know that it is out"


def _next(queue: deque[Due], frame: Frame) -> Due:
    """What this is of what is due: of what was on its way to one that was put out the rest does not come."""
    last = next((place for place, due in enumerate(queue) if due.is_last), 0)
    while last and queue[0].frame != frame:
        queue.popleft()
        last -= 1
    return queue.popleft()


def _short(frame: Frame) -> Frame:
    """A reply; of an error its code."""
    return {**frame, "error": frame["error"]["code"]} if "error" in frame else frame


def _timeless(frame: Frame) -> Frame:
    """A frame without times, its people in order."""
    if "events" in frame:
        frame["events"] = [_timeless(event) for event in frame["events"]]
    if "members" in frame:
        frame["members"] = sorted(one["login"] for one in frame["members"])
    if "$n" in frame:
        assert isinstance(frame.pop("$time"), str)
    return frame


class Presence:
    """Who is there, as the members of one group know it."""

    def __init__(self, model: Model, room: Room, rule: Rule) -> None:
        self.model, self.room, self.rule = model, room, rule
        self.leaving: dict[str, Timer] = {}
        self.tick: Timer | None = None
        for client in self.here:
            self._list(client, at_once=True)

    @property
    def here(self) -> list[Client]:
        return [client for client in self.room.members if client.is_open]

    @property
    def logins(self) -> set[str]:
        return {client.login for client in self.here if client.login} | self.leaving.keys()

    @property
    def is_named(self) -> bool:
        return self.rule.show == "names" and len(self.logins) <= MOST_NAMED

    def _list(self, client: Client, *, at_once: bool = False) -> None:
        frame: Frame = {"event": "members", "count": len(self.here)}
        if client.login and self.is_named:
            frame["members"] = sorted(self.logins)
        client.owe(self.room.name, frame, at_once=at_once)

    def came(self, client: Client) -> None:
        self._list(client)
        if client.login in self.leaving:
            self.leaving.pop(client.login).is_off = True
        elif not client.login or [one.login for one in self.here].count(client.login) == 1:
            self._report("joined", client.login, client)

    def went(self, login: str, *, left: bool) -> None:
        if not login:
            self._report("left", login)
        elif login in {one.login for one in self.here}:
            pass
        elif left:
            self._report("left", login)
        else:
            self.leaving[login] = self.model.later(self.rule.grace, lambda: self._left(login))

    def _left(self, login: str) -> None:
        del self.leaving[login]
        self._report("left", login)

    def _report(self, event: str, login: str, but: Client | None = None) -> None:
        if login and self.is_named:
            frame = {"event": event, "login": login, "count": len(self.here)}
            for client in self.here:
                if client.login and client is not but:
                    client.owe(self.room.name, dict(frame))
            if all(client.login for client in self.here):
                return
        if len(self.here) > 1 or but is None:
            self.tick = self.tick or self.model.later(PAUSE, self._number)

    def _number(self) -> None:
        self.tick = None
        for client in self.here:
            if not (self.is_named and client.login):
                client.owe(self.room.name, {"event": "members", "count": len(self.here)})

    def stop(self) -> None:
        for timer in (*self.leaving.values(), self.tick):
            if timer is not None:
                timer.is_off = True


@dataclass(eq=False)
class Timer:
    due: float
    act: Callable[[], None]
    is_off: bool = False


class Room:
    """A group."""

    def __init__(self, model: Model, name: str) -> None:
        self.name = name
        self.members: dict[Client, bool] = {}
        self.kept: list[Frame] = []
        self.last = 0
        self.presence: Presence | None = None
        self.rule = model.plan.rule(name)
        if self.rule.show:
            self.presence = Presence(model, self, self.rule)

    def trim(self) -> None:
        del self.kept[: max(0, len(self.kept) - self.rule.history)]

    @property
    def is_full(self) -> bool:
        return self.rule.members is not None and len(self.members) >= self.rule.members


class Model:
    """The groups of a node and its clients, in the order of their seats."""

    def __init__(self, plan: Plan, now: float) -> None:
        self.plan = plan
        self.now = now
        self.rooms: dict[str, Room] = {}
        self.clients: list[Client] = []
        self.asking: dict[Client, None] = {}
        self.bans: dict[tuple[str, str], float] = {}
        self.timers: list[Timer] = []

    @property
    def seated(self) -> Sequence[Client]:
        return [client for client in self.clients if not client.is_over]

    def later(self, seconds: float, act: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now + seconds, act))
        return self.timers[-1]

    def pass_to(self, now: float) -> None:
        """It is so late now."""
        self.now = now
        due = sorted((one for one in self.timers if one.due < now), key=lambda one: one.due)  # stable: the older first
        self.timers = [one for one in self.timers if one.due >= now]
        for timer in due:
            if not timer.is_off:
                timer.act()

    def refusal(self, names: Sequence[str], login: str) -> str:
        """Why a user does not get into these groups; "" where it does."""
        for name in names:
            if self.now < self.bans.get((name, login), 0.0):
                return "group_forbidden"
            if name in self.rooms and self.rooms[name].is_full:
                return "group_full"
        return ""

    def names(self, client: Client) -> tuple[str, ...]:
        """The groups that its endpoint gives it."""
        _, patterns = self.plan.endpoints.get(client.endpoint, ("", ()))
        return tuple(f"{name}:1" if name in ("room", "open") else name for name in patterns)

    def admits(self, endpoint: str, login: str, roles: frozenset[str]) -> str:
        """Why a caller does not enter an endpoint, without a look at its groups."""
        role, _ = ("", ()) if endpoint == "desk" else self.plan.endpoints.get(endpoint, ("?", ()))
        if role == "?":
            return "not_found"
        if role and not login:
            return "not_logged_in"
        return "role_required" if role and role not in roles else ""

    def enter(self, client: Client) -> None:
        self.clients.append(client)
        client.given = self.names(client)
        for name in client.given:
            self.join(client, name)

    def entered(self, client: Client) -> None:
        """Its 101 is out: the list of members comes behind the kept events, and before what came meanwhile."""
        client.is_open = True
        for name in client.groups:
            presence = self.rooms[name].presence
            if presence is not None:
                queue = client.due.setdefault(name, deque())
                history = [queue.popleft()] if queue and queue[0].frame["event"] == "history" else []
                waiting, client.due[name] = queue, deque(history)
                presence.came(client)
                client.due[name] += waiting

    def join(self, client: Client, name: str, *, chosen: bool = False, asked: bool = False) -> str:
        """Enter a group; gives why not."""
        if client.is_over or name in client.groups:
            return ""
        if code := self.refusal((name,), client.login):
            return code
        if not client.is_open:
            client.due.pop(name, None)  # that it was out
        room = self.room(name)
        for other in client.groups:
            self.rooms[other].members[client] = True
            for due in client.due.get(other, ()):
                due.named = due.named or None
        room.members[client] = chosen or bool(client.groups)
        client.groups.append(name)
        if asked:
            client.asked.append(name)
            self.asking.setdefault(client)
        if room.rule.history:
            past = self.past(room, (QUEUE - client.waiting) // 2)
            client.owe(name, past)
            client.pending += _size(past) if client.line.pending else 0  # another group may follow in this step
        if room.presence is not None and client.is_open:
            room.presence.came(client)
        return ""

    def past(self, room: Room, most: int) -> Frame:
        """The newest of the kept events, in so many bytes."""
        events = list(room.kept)
        while sum(map(_size, events)) > most:
            del events[0]
        return {"event": "history", "events": events, "to": room.last}

    def room(self, name: str) -> Room:
        if name not in self.rooms:
            self.rooms[name] = Room(self, name)
        return self.rooms[name]

    def leave(self, client: Client, name: str, *, left: bool = True) -> bool:
        if name not in client.groups:
            return False
        client.groups.remove(name)
        if name in client.asked:
            client.asked.remove(name)
        client.left.add(name)
        room = self.rooms[name]
        del room.members[client]
        if room.presence is not None and client.is_open:
            room.presence.went(client.login, left=left)
        self.forget(room)
        return True

    def put_out(self, client: Client, name: str) -> bool:
        """Others take it out, and it is told."""
        presence = self.rooms[name].presence if name in client.groups else None
        if not self.leave(client, name):
            return False
        if not client.is_open:
            client.due.pop(name, None)
        count = {} if presence is None else {"count": len(presence.here)}
        frame = {"event": "left", "login": client.login or None, **count}
        client.left.discard(name)
        client.due.setdefault(name, deque()).append(Due(frame, is_last=True))
        return True

    def gone(self, client: Client) -> None:
        """Its connection is over."""
        client.is_over = True
        for name in tuple(client.groups):
            self.leave(client, name, left=False)
        self.asking.pop(client, None)

    def forget(self, room: Room) -> None:
        """Of an empty group nothing stays but kept events."""
        if not room.members and not room.kept:
            del self.rooms[room.name]
            if room.presence is not None:
                room.presence.stop()

    def send(self, name: str, event: Frame, but: Client | None = None) -> int:
        """Gives the number of members that it goes to."""
        if name not in self.rooms and not self.plan.rule(name).history:
            return 0
        room = self.room(name)
        room.last += 1
        if room.rule.history:
            event = {**event, "$n": room.last}
            room.kept.append(event)
            room.trim()
        receivers = [client for client in room.members if client is not but]
        for client in receivers:
            client.owe(name, dict(event), named=room.members[client])
        return len(receivers)

    def publish(self, plan: Plan) -> Iterator[tuple[Client, int]]:
        """Another plan is live; gives who is closed, and with which code."""
        self.plan = plan
        for room in tuple(self.rooms.values()):
            before, room.rule = room.rule, plan.rule(room.name)
            room.trim()
            if room.presence is None or (before.show, before.grace) != (room.rule.show, room.rule.grace):
                if room.presence is not None:
                    room.presence.stop()
                room.presence = Presence(self, room, room.rule) if room.rule.show else None
            self.forget(room)
        found = [(client, self.admits(client.endpoint, client.login, client.roles)) for client in self.seated]
        for client, code in found:
            if code:
                yield client, 1012 if code == "not_found" else 4403
                continue
            wanted, before_ = self.names(client), client.given
            client.given = wanted
            for name in before_:
                if name not in wanted:
                    self.leave(client, name)
            for name in wanted:
                if name not in before_ and (code := self.join(client, name)):
                    yield client, 4403 if code == "group_forbidden" else 1012
                    break
        for client in tuple(self.asking):
            self.judge(client)

    def judge(self, client: Client) -> None:
        """It is in no group any more that it asked for and may not ask for now."""
        for name in tuple(client.asked):
            role = self.plan.rule(name).may_join
            if role is None or (role and role not in client.roles):
                self.put_out(client, name)


def _size(frame: Frame) -> int:
    """Bytes of a frame, a comma and the time of an event that is kept with it."""
    more = len(',"$time":"1970-01-01T00:16:40+00:00"') if "$n" in frame else 0
    return len(json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode()) + more + 1
