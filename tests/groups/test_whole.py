"""A whole node under random joins, sends, publishes, revocations, losses and slow readers, against the model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jackfield.auth.store.tables import Change
from jackfield.errors import Refusal
from jackfield.groups import group as group_module
from jackfield.groups import presence as presence_module
from jackfield.routing.build import build
from jackfield.routing.table import RoutingTable
from jackfield.server.outboxes import PAUSE
from jackfield.server.wire.transport import ROOM
from tests.projects import write

from .node import Node
from .whole_model import BIG, MOST_NAMED, NAMES, OUTBOX, PLANS, QUEUE, Client, Model

USERS = {"": (), "анна": ("friend",), "boris": ("friend", "chief"), "вера 😀": ()}
ROLES: tuple[tuple[str, ...], ...] = ((), ("friend",), ("friend", "chief"))
TABLES: list[RoutingTable] = []

who = st.integers(0, 30)
names = st.sampled_from(NAMES)
logins = st.sampled_from([login for login in USERS if login])


class Whole(RuleBasedStateMachine):
    """Each rule does a thing to the node and says it to the model; then all that was heard is compared."""

    def __init__(self) -> None:
        super().__init__()
        self.users = {login: frozenset(roles) for login, roles in USERS.items()}
        self.node = Node(TABLES[0], self.users, OUTBOX)
        self.model = Model(PLANS[0], self.node.loop.now)
        self.count = 0
        self.next_look = 0.0

    def teardown(self) -> None:
        self.settle()
        for client in self.model.clients:
            if client.line.gate is not None and not client.line.gate.done():
                self.node.answer(client.line, there=False)
                client.lost = True
        self.go_away()
        self.node.close()

    # who is meant

    def one(self, number: int) -> Client:
        return self.open[number % len(self.open)]

    @property
    def open(self) -> list[Client]:
        return [client for client in self.model.seated if client.is_open]

    @property
    def waiting(self) -> list[Client]:
        """Those whose 101 is not out."""
        return [one for one in self.model.clients if one.line.gate is not None and not (one.line.accepted or one.lost)]

    @property
    def closed(self) -> list[Client]:
        """Those that were closed, and whose ends are still there."""
        return [one for one in self.model.clients if one.line.closed and one.line.receiver is not None and not one.lost]

    @property
    def desks(self) -> list[Client]:
        return [client for client in self.open if client.endpoint == "desk"]

    def relieve(self, but: Client | None = None) -> None:
        """Let all read, where the order of several frames would depend on who is closed meanwhile."""
        for client in self.model.clients:
            if client is not but:
                client.line.take()
                client.pending = 0

    # what clients do

    @initialize(logins=st.lists(st.sampled_from(sorted(USERS)), min_size=2, max_size=5))
    def begin(self, logins: list[str]) -> None:
        for login in logins:
            self.enter("room", login, held=False)

    @rule(
        endpoint=st.sampled_from(("room", "club", "desk")),
        login=st.sampled_from(sorted(USERS)),
        held=st.booleans(),
    )
    def enter(self, endpoint: str, login: str, held: bool) -> None:
        self.relieve()
        model = self.model
        line = self.node.enter("/ws/desk" if endpoint == "desk" else f"/ws/1/{endpoint}", login, held=held)
        client = Client(line, endpoint, login, self.users[login])
        code = model.admits(endpoint, login, client.roles) or model.refusal(model.names(client), login)
        assert line.code == code
        if not code:
            model.enter(client)
            if not held:
                model.entered(client)
        self.compare()

    @precondition(lambda self: self.waiting)
    @rule(number=who, there=st.booleans())
    def answer(self, number: int, there: bool) -> None:
        waiting = self.waiting
        self.relieve()
        client = waiting[number % len(waiting)]
        self.node.answer(client.line, there=there)
        if not there:
            client.lost = True
            if not client.is_over:
                self.model.gone(client)
        elif not client.is_over:
            self.model.entered(client)
        self.compare()

    @precondition(lambda self: self.open)
    @rule(number=who, back=st.sampled_from((None, 0, 2, 6)))
    def leave(self, number: int, back: float | None) -> None:
        client = self.one(number)
        client.lost = True
        self.node.lose(client.line)
        self.model.gone(client)
        self.compare()
        if back is not None:
            self.wait(back)
            self.enter(client.endpoint, client.login, held=False)

    @precondition(lambda self: self.closed)
    @rule()
    def go_away(self) -> None:
        """The ends of those that were closed are gone."""
        for client in self.closed:
            client.lost = True
            self.node.lose(client.line)

    @precondition(lambda self: self.open)
    @rule(number=who)
    def read_nothing(self, number: int) -> None:
        self.one(number).line.slow()

    @precondition(lambda self: any(client.pending for client in self.open))
    @rule()
    def read(self) -> None:
        self.relieve()

    @precondition(lambda self: any(client.given for client in self.open))
    @rule(number=who, big=st.booleans())
    def say(self, number: int, big: bool) -> None:
        members = [client for client in self.open if client.given]
        client = members[number % len(members)]
        client.line.take()
        client.pending = 0
        self.count += 1
        group = client.given[0]
        said = {"of": group, "t": self.count, "text": "ы" * (BIG // 2 if big else 1)}
        is_in = group in client.groups
        self.node.say(client.line, {**said, "$id": self.count})
        if is_in:
            self.model.send(group, {"event": "message", "from": client.login or None, **said})
            client.replies.append({"$id": self.count, "$done": True})
        else:
            client.replies.append({"$id": self.count, "error": "group_forbidden"})
        self.compare()

    @precondition(lambda self: self.desks)
    @rule(number=who, name=st.sampled_from(("hall", "open:1", "club")), leaves=st.booleans())
    def ask(self, number: int, name: str, leaves: bool) -> None:
        client = self.desks[number % len(self.desks)]
        self.relieve()
        self.count += 1
        action = "leave" if leaves else "join"
        self.node.say(client.line, {"action": action, "group": name, "$id": self.count})
        role = self.model.plan.rule(name).may_join
        code = ""
        if role is None or (role and role not in client.roles and not leaves):
            code = "group_forbidden"
        elif leaves:
            self.model.leave(client, name)
        else:
            code = self.model.join(client, name, chosen=True, asked=True)
        reply: dict[str, Any] = {"error": code} if code else {"group": name, "joined": not leaves, "action": action}
        client.replies.append({"$id": self.count, **reply})
        self.compare()

    # what processes and others do

    @precondition(lambda self: self.open)
    @rule(number=who, name=names)
    def join(self, number: int, name: str) -> None:
        client = self.one(number)
        self.relieve(client)
        assert client.line.receiver is not None
        was_in, code, done = name in client.groups, "", False
        try:
            done = self.node.now(client.line.receiver.connection.join(name))
        except Refusal as refusal:
            code = refusal.code
        assert self.model.join(client, name, chosen=True) == code
        assert done == (not was_in and not code)
        self.compare()

    @precondition(lambda self: any(client.groups for client in self.open))
    @rule(number=who, place=who)
    def part(self, number: int, place: int) -> None:
        members = [client for client in self.open if client.groups]
        client = members[number % len(members)]
        name = client.groups[place % len(client.groups)]
        assert client.line.receiver is not None
        done = self.node.now(client.line.receiver.connection.leave(name))
        assert self.model.leave(client, name) == done
        self.compare()

    @precondition(lambda self: self.closed)
    @rule(number=who, name=names)
    def join_late(self, number: int, name: str) -> None:
        """A call that is still at work when its client is gone wants it in a group."""
        receiver = self.closed[number % len(self.closed)].line.receiver
        assert receiver is not None
        with suppress(Refusal):
            assert not self.node.now(receiver.connection.join(name))
        self.compare()

    @rule(name=names, big=st.booleans(), but=st.one_of(st.none(), who))
    def send(self, name: str, big: bool, but: int | None) -> None:
        self.count += 1
        event = {"event": "news", "of": name, "t": self.count, "text": "ы" * (BIG // 2 if big else 1)}
        client = None if but is None or not self.open else self.one(but)
        connection = client.line.receiver.connection if client is not None and client.line.receiver else None
        reached = self.node.now(self.node.groups.send(name, event, but=connection))
        assert reached == self.model.send(name, event, client)
        self.compare()

    @precondition(lambda self: any(client.groups for client in self.open))
    @rule(number=who, times=st.integers(2, 3))
    def flood(self, number: int, times: int) -> None:
        """Large events for two who read nothing, and then a small one."""
        members = [client for client in self.open if client.groups]
        slow = [members[number % len(members)], members[(number + 1) % len(members)]]
        for client in slow:
            client.line.slow()
        for _ in range(times):
            for name in dict.fromkeys(name for client in slow for name in client.groups[:1]):
                self.send(name, True, None)
                self.settle()
        self.wait(0.5)
        self.send(slow[0].groups[0] if slow[0].groups else "plain", False, None)

    @rule(name=names, login=logins, ban=st.sampled_from((0, 2)), waits=st.sampled_from((0, 1.5, 2)))
    def remove(self, name: str, login: str, ban: int, waits: float) -> None:
        self.relieve()
        removed = self.node.now(self.node.groups.remove(name, login, ban=ban))
        if ban:
            self.model.bans[name, login] = self.model.now + ban
        assert removed == sum(self.model.put_out(one, name) for one in self.model.seated if one.login == login)
        self.compare()
        if ban:
            self.wait(waits)
            self.enter("club" if name in ("hall", "club") else "room", login, held=False)

    @rule(login=logins, disables=st.booleans())
    def end(self, login: str, disables: bool) -> None:
        if disables:
            self.node.change(Change(login, "", "user_disabled"))
        else:
            self.node.now(self.node.groups.close(login, "пока"))
        for client in self.model.seated:
            if client.login == login:
                self.ended(client, 4401 if disables else 4403)
        self.compare()

    @rule(login=logins, roles=st.sampled_from(ROLES))
    def change_roles(self, login: str, roles: tuple[str, ...]) -> None:
        self.relieve()
        self.users[login] = frozenset(roles)
        self.node.change(Change(login, "", "roles_changed", frozenset(roles)))
        for client in self.model.seated:
            if client.login != login:
                continue
            client.roles = frozenset(roles)
            if self.model.admits(client.endpoint, login, client.roles):
                self.ended(client, 4403)
            else:
                self.model.judge(client)
        self.compare()

    @rule(number=st.integers(0, len(PLANS) - 1))
    def publish(self, number: int) -> None:
        self.relieve()
        self.node.publish(TABLES[number])
        for client, code in self.model.publish(PLANS[number]):
            self.ended(client, code)
        self.compare()

    # time

    @rule(times=st.integers(1, 3))
    def turn(self, times: int) -> None:
        self.node.loop.turn(times)
        self.compare()

    @rule(seconds=st.sampled_from((0.5, 1, 3, 6)))
    def wait(self, seconds: float) -> None:
        for _ in range(int(seconds * 2)):
            if any(timer.due < self.model.now + 0.5 for timer in self.model.timers):
                self.relieve()
            self.node.loop.now += 0.5
            self.node.loop.turn()
            self.model.pass_to(self.node.loop.now)
            self.compare()

    @rule()
    def settle(self) -> None:
        """All that was sent has arrived."""
        self.node.loop.turn(200)
        self.compare()
        for client in self.model.clients:
            if client.is_open:
                assert not any(client.due.values()), client.due
            assert not client.replies

    # what must hold

    def ended(self, client: Client, code: int) -> None:
        closed = client.line.closed
        if closed is not None and closed[0] == 4408:
            return  # before that
        assert closed is None or closed[0] == code, (closed, code)
        assert closed is not None or not client.is_open
        self.model.gone(client)

    def compare(self) -> None:
        assert not self.node.loop.faults
        self.look()
        for client in self.model.clients:
            client.take()

    def look(self) -> None:
        """Who is closed because it reads too slowly, and whether it is one of those who must be."""
        seated = self.model.seated
        closed = [client for client in seated if client.line.closed]
        fullest = [
            one.line.dropped for one in closed if one.line.closed is not None and "all clients" in one.line.closed[1]
        ]
        left = [client.line.pending for client in seated if client not in closed and client.line.pending >= ROOM]
        if fullest:
            assert sum(one.line.pending + one.line.dropped for one in seated) > OUTBOX, "there was no need to close one"
            assert max(left, default=0) <= min(fullest) + BIG, "these are not the fullest"
        for client in closed:
            assert client.line.closed is not None
            assert client.line.closed[0] == 4408, "this one did nothing wrong"
            if client.line.dropped not in fullest and client.is_open:
                assert client.line.dropped > QUEUE
            self.model.gone(client)
        grown = [one.line.pending - one.pending for one in seated if one.line.pending >= ROOM]
        # who grew may be one of those who were closed for it
        if (any(grown) or any(one.line.dropped for one in closed)) and self.model.now >= self.next_look:
            self.next_look = self.model.now + PAUSE
            assert sum(left) <= OUTBOX + sum(grown)
        for client in seated:
            client.pending = client.line.pending

    @invariant()
    def members_are_those_of_the_model(self) -> None:
        groups = self.node.live.groups
        assert sorted(group.name for group in groups) == sorted(self.model.rooms)
        for name, room in self.model.rooms.items():
            assert [one.identity.login for one in groups.members(name)] == [one.login for one in room.members]
        assert len(groups.asked) <= len(self.model.asking)

    @invariant()
    def nobody_waits_for_more_than_may_wait(self) -> None:
        for client in self.model.seated:
            assert client.line.pending <= QUEUE


@pytest.fixture(scope="module", autouse=True)
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The plans of the model as tables."""
    for number, plan in enumerate(PLANS):
        TABLES.append(build(write(tmp_path_factory.mktemp("plan"), plan.text), -1_000 - number))
    yield
    for table in TABLES:
        table.catalog.release()
    TABLES.clear()


def test_everybody_hears_what_is_theirs_in_order_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_module, "SLICE", 2)  # so that sends are under way while others join and leave
    monkeypatch.setattr(presence_module, "MOST_NAMED", MOST_NAMED)
    run_state_machine_as_test(Whole, settings=settings())


@pytest.fixture
def node() -> Iterator[Node]:
    made = Node(TABLES[3], {"boris": frozenset({"friend"})}, OUTBOX)
    yield made
    made.close()


def test_who_is_given_groups_while_its_101_is_under_way_hears_of_them_behind_it(node: Node) -> None:
    line = node.enter("/ws/1/room", "boris", held=True)
    node.publish(TABLES[0])
    node.now(node.groups.send("room:1", {"event": "news"}))
    node.answer(line, there=True)
    assert [frame["event"] for frame in line.frames] == ["history", "members", "news"]
    node.lose(line)


def test_who_is_put_out_while_its_101_is_under_way_hears_that_alone(node: Node) -> None:
    node.publish(TABLES[0])
    line = node.enter("/ws/1/room", "boris", held=True)
    node.now(node.groups.send("room:1", {"event": "news"}))
    assert node.now(node.groups.remove("room:1", "boris")) == 1
    node.answer(line, there=True)
    assert line.frames == [{"event": "left", "group": "room:1", "login": "boris", "count": 0}]


def test_who_is_put_out_and_comes_back_while_its_101_is_under_way_is_not_told_that_it_is_out(node: Node) -> None:
    node.publish(TABLES[0])
    line = node.enter("/ws/1/room", "boris", held=True)
    for _ in range(2):
        node.now(node.groups.send("room:1", {"event": "news", "text": "ы" * (BIG // 2)}))
    node.now(node.groups.remove("room:1", "boris"))
    node.publish(TABLES[3])
    node.publish(TABLES[0])
    node.answer(line, there=True)
    assert [frame["event"] for frame in line.frames] == ["history", "members"]
    assert len(line.frames[0]["events"]) == 1, "half of the queue has room for it, as nothing else waits"


def test_who_loses_the_role_is_put_out_of_what_it_joined_by_itself(node: Node) -> None:
    node.publish(TABLES[0])
    line = node.enter("/ws/desk", "boris", held=False)
    node.say(line, {"action": "join", "group": "open:1", "$id": 1})
    line.came()
    node.change(Change("boris", "", "roles_changed", frozenset()))
    assert line.came() == [{"event": "left", "group": "open:1", "login": "boris", "count": 0}]
    assert len(node.live.groups) == 0


def test_an_event_that_is_too_much_for_a_member_was_sent_to_it(node: Node) -> None:
    line = node.enter("/ws/1/room", "boris", held=False)
    node.publish(TABLES[0])
    line.slow()
    event = {"event": "news", "text": "ы" * (BIG // 2)}
    assert [node.now(node.groups.send("room:1", event)) for _ in range(3)] == [1, 1, 1]
    assert line.closed is not None


def test_an_endpoint_that_comes_back_finds_nothing_of_those_whom_it_closed(node: Node) -> None:
    node.publish(TABLES[0])
    line, other = (node.enter(f"/ws/1/{endpoint}", "boris", held=False) for endpoint in ("club", "room"))
    node.publish(TABLES[3])
    assert line.closed is not None
    node.publish(TABLES[0])
    assert [one.name for one in node.live.groups] == ["room:1"]
    node.lose(line)
    node.lose(other)
    assert len(node.live.groups) == 0
