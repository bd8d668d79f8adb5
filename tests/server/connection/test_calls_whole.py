"""Hooks, messages, `$cancel`, answers, what processes do, publishes, stops and losses in random order: a model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from jackfield.routing.build import build
from jackfield.routing.table import RoutingTable
from jackfield.server.connection import calls, inbox
from jackfield.server.handshake import hooks
from jackfield.server.wire import transport
from tests.groups.node import Node
from tests.projects import write

from .calls_desk import BIG, CODE, MEANT, PLANS, Call, Client, Desk, Hand
from .calls_model import STALL
from .hooks_model import AT_ONCE, CONNECT_LIMIT, DISCONNECT_LIMIT, ENDING, OF_ADDRESS, WithHooks

MOST, MOST_AHEAD = 6, 9
"""Messages that wait, in place of many more."""

TABLES: list[RoutingTable] = []

who = st.integers(0, 30)
ids = st.sampled_from(("none", "number", "text"))


class Whole(RuleBasedStateMachine):
    """Each rule does a thing to the node and says it to the model; when the loop has turned, all is compared."""

    def __init__(self) -> None:
        super().__init__()
        self.desk, self.hand = Desk(), Hand()
        for plan, table in zip(PLANS, TABLES, strict=True):
            names = table.routes["call"].process.function.__globals__
            names["DESK"][:], names["LABEL"][:] = [self.desk], [plan.label]
        self.node = Node(TABLES[0], {"": frozenset()}, 10**9, pool=self.hand)
        self.model = WithHooks(self.node.loop.now)
        self.generations = {0: [self.node.live.generation]}
        self.count = self.entries = 0
        self.drains: list[asyncio.Task[None]] = []

    def teardown(self) -> None:
        for client in self.model.clients:
            self.lose(client)
        self.settle()
        if self.count % 2:  # a server that stops does not wait for ever
            live = self.node.live
            live.stops_at = live.passed() + 1.75
            self.model.close(1.75)
            self.drains.append(self.node.loop.create_task(self.node.gateway.close_feeds()))
            self.wait(2)
            assert not [hook for hook in self.model.hooks if hook.n % 2]
        while len(self.node.live.hub) or self.waiting or self.hand.waiting:
            for client in self.model.clients:
                self.lose(client)
            for n in self.waiting:
                self.tell(n, "return", n, n)
            while self.hand.waiting:
                self.work(0)
            self.settle()
        assert not [*self.model.at_work, *self.model.hooks, *self.model.tasks, *self.model.labels]
        timers = [timer for timer in self.node.loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        assert not [timer for timer in timers if "Deadlines" not in str(timer)]
        self.node.close()

    # who is meant

    @property
    def open(self) -> list[Client]:
        return [client for client in self.model.clients if client.stage == "open" and not client.is_over]

    @property
    def speaking(self) -> list[Client]:
        """Those whose messages are read."""
        return [
            client
            for client in self.open
            if client.line.reading
            and not client.draining
            and (client.endpoint != "limited" or len(client.inbox) < MOST - 1)
        ]

    def speaker(self, number: int) -> Client:
        return self.speaking[number % len(self.speaking)]

    # what clients do

    @initialize(endpoints=st.lists(st.sampled_from(sorted(PLANS[0].endpoints)), min_size=1, max_size=2))
    def begin(self, endpoints: list[str]) -> None:
        for endpoint in endpoints:
            self.enter(endpoint)

    @precondition(lambda self: len([one for one in self.model.clients if not one.lost]) < 4)
    @rule(endpoint=st.sampled_from(sorted(PLANS[0].endpoints)), address=st.integers(1, 3), is_held=st.booleans())
    def enter(self, endpoint: str, address: int = 1, is_held: bool = False) -> None:
        self.settle()
        code = self.model.refusal(endpoint)
        self.entries += 1
        is_held = is_held and endpoint in PLANS[0].hooks
        at = f"10.0.{address}.1"
        url = f"/ws/{endpoint}/{self.entries}" if endpoint in PLANS[0].hooks else f"/ws/{endpoint}"
        line = self.node.ask(url, "", held=is_held, address=at)
        line.number = 0
        self.node.loop.turn()
        assert len(self.node.seats) == (not code)
        while self.node.seats:
            concurrency = self.model.plan.endpoints[endpoint]
            self.model.enter(
                Client(
                    line, self.node.seats.pop(), endpoint, concurrency, who=self.entries, address=at, is_held=is_held
                )
            )
        self.settle()
        if code:
            assert line.code == code

    @rule(
        endpoint=st.sampled_from(("hooked", "hooked", "blocked", "left")),
        times=st.integers(2, 5),
        what=st.sampled_from(("", "start", "close", "send")),
        plan=st.sampled_from((None, 1, 2, 2)),
        held=st.booleans(),
        drains=st.booleans(),
        stays=st.booleans(),
    )
    def come_and_go(
        self, endpoint: str, times: int, what: str, plan: int | None, held: bool, drains: bool, stays: bool
    ) -> None:
        before = len(self.model.clients)
        for number in range(times):
            if len([one for one in self.model.clients if not one.lost]) < 5:
                self.enter(endpoint, 1 + number % 3, held)
        came = self.model.clients[before:]
        for each in ([what] if what else []) + ["return"]:
            for n in self.waiting:
                if self.model.calls[n].client in came and n % 2 == 0:
                    self.tell(n, each, n, n)
            self.settle()
            if drains:
                self.drain(0, came)
        if not stays:
            for client in came:
                self.lose(client)
        if plan is not None:
            self.publish(plan)
        for client in came:
            self.answer_101(client, there=True)
        self.enter(endpoint)

    @precondition(lambda self: any(client.stage == "held" for client in self.model.clients))
    @rule(number=who)
    def open_held(self, number: int) -> None:
        held = [client for client in self.model.clients if client.stage == "held"]
        self.answer_101(held[number % len(held)], there=True)

    def answer_101(self, client: Client, *, there: bool) -> None:
        self.settle()
        if client.stage == "held":
            assert client.line.gate is not None
            self.model.answer_101(client, there=there)
            client.line.gate.set_result(there)
            self.settle()

    @precondition(lambda self: self.speaking)
    @rule(number=who, names=ids, action=st.sampled_from(("plain", "call", "stream")), times=st.integers(0, 2))
    def say(self, number: int, names: str, action: str, times: int, wrong: bool = False) -> None:
        client = self.speaker(number)
        self.count += 1
        n = self.count
        said: dict[str, Any] = {"n": n}
        if client.endpoint == "desk":
            said["action"] = action
        else:
            action = MEANT.get(client.endpoint, client.endpoint)
        if action in ("count", "steps"):
            said["times"] = times
        message_id = {"none": None, "number": n, "text": str(n)}[names]
        if message_id is not None:
            said["$id"] = message_id
        if wrong:
            said["x"] = 1
        self.model.say(client, Call(client, n, "wrong" if wrong else action, action, message_id, times))
        self.send(client, said)

    @precondition(lambda self: self.speaking)
    @rule(number=who, names=ids, action=st.sampled_from(("plain", "call", "stream")))
    def say_what_is_wrong(self, number: int, names: str, action: str) -> None:
        self.say(number, names, action, 0, wrong=True)

    @precondition(lambda self: self.speaking)
    @rule(number=who, times=st.integers(2, MOST_AHEAD + 2))
    def say_much(self, number: int, times: int) -> None:
        client = self.speaker(number)
        for _ in range(times):
            if client in self.speaking:
                self.say(self.speaking.index(client), "number", "call", 1)

    @precondition(lambda self: self.speaking)
    @rule(number=who)
    def say_bytes(self, number: int) -> None:
        client = self.speaker(number)
        self.model.say(client, Call(client, 0, "binary", "plain"))
        assert client.line.receiver is not None
        with self.node.loop.inside():
            client.line.receiver.received_binary(b"1")

    @precondition(lambda self: self.speaking)
    @rule(number=who, which=st.one_of(st.just(True), st.just(0), who), as_text=st.booleans())
    def cancel(self, number: int, which: int | bool, as_text: bool) -> None:
        client = self.speaker(number)
        wanted: Any = which
        if which is not True:
            found = [call.id for call in [*client.running, *client.inbox] if call.id is not None]
            wanted = found[which % len(found)] if found and which else which
            if as_text and which % 2 == 0:  # an id of nothing
                wanted = int(wanted) if isinstance(wanted, str) else str(wanted)
        self.model.cancel(client, wanted)
        self.send(client, {"$cancel": wanted})

    @precondition(lambda self: any(client.requests for client in self.speaking))
    @rule(number=who, which=who, fits=st.booleans())
    def answer(self, number: int, which: int, fits: bool) -> None:
        asked = [client for client in self.speaking if client.requests]
        client = asked[number % len(asked)]
        self.answer_to(client, list(client.requests)[which % len(client.requests)], fits)

    @precondition(lambda self: self.speaking)
    @rule(number=who, which=who)
    def answer_what_nobody_asked(self, number: int, which: int) -> None:
        client = self.speaker(number)
        self.answer_to(client, which % 3 if which % 3 not in client.requests else 99, fits=True)

    def answer_to(self, client: Client, which: int, fits: bool) -> None:
        self.model.answer(client, which, fits=fits)
        self.send(client, {"$answer": which, "v": which * 10 if fits else "x"})

    @precondition(lambda self: self.open)
    @rule(number=who)
    def read_nothing(self, number: int) -> None:
        client = self.open[number % len(self.open)]
        client.slow = True
        client.line.slow()

    @precondition(lambda self: any(client.pending for client in self.open))
    @rule()
    def read(self) -> None:
        for client in self.open:
            self.model.read(client)
            client.line.take()

    @precondition(lambda self: not all(client.lost for client in self.model.clients))
    @rule(number=who)
    def leave(self, number: int) -> None:
        there = [client for client in self.model.clients if not client.lost]
        self.lose(there[number % len(there)])

    def lose(self, client: Client) -> None:
        if client.lost:
            pass
        elif client.stage == "held":
            self.answer_101(client, there=False)
        elif client.stage != "open":
            client.has_left = client.line.has_left = True  # it is found when the 101 is sent
        else:
            client.lost = True
            self.model.over(client, 1001)
            self.node.lose(client.line)
            client.line.take()

    def send(self, client: Client, said: dict[str, Any]) -> None:
        receiver = client.line.receiver
        assert receiver is not None
        with self.node.loop.inside():
            frame = receiver.received(json.dumps(said).encode())
            if frame is not None:
                receiver.write(frame)

    # what processes do

    @precondition(lambda self: self.waiting)
    @rule(number=who, what=st.sampled_from(("return", "return", "yield", "send")), big=st.booleans())
    def give(self, number: int, what: str, big: bool) -> None:
        n = self.waiting[number % len(self.waiting)]
        if what == "yield" and self.model.calls[n].kind != "stream":
            what = "send"
        self.tell(n, what, self.desk.big if big else n, "big" if big else n)

    @precondition(lambda self: self.waiting)
    @rule(number=who, what=st.sampled_from(("fail", "reject", "swallow", "close", "start")))
    def do(self, number: int, what: str) -> None:
        self.tell(self.waiting[number % len(self.waiting)], what)

    @precondition(lambda self: self.waiting)
    @rule(number=who, what=st.sampled_from(("next", "request")), within=st.sampled_from((0.75, 3.75)))
    def ask(self, number: int, what: str, within: float) -> None:
        self.tell(self.waiting[number % len(self.waiting)], what, within)

    @property
    def waiting(self) -> list[int]:
        """The calls that can be told what to do."""
        return [n for n, gate in self.desk.gates.items() if not gate.done()]

    def tell(self, n: int, what: str, value: Any = None, short: Any = None) -> None:
        self.model.told(self.model.calls[n], what, value if short is None else short)
        self.desk.gates[n].set_result((what, value))

    @precondition(lambda self: self.hand.waiting)
    @rule(place=who)
    def work(self, place: int) -> None:
        self.settle()
        if self.hand.waiting:
            place %= self.hand.waiting
            connection, number = self.hand.whose(place)
            client = next(one for one in self.model.clients if one.connection is connection)
            self.model.work(client, number)
            self.hand.run(place)

    # what seldom comes about by itself

    @precondition(lambda self: self.waiting)
    @rule(number=who, fits=st.booleans(), seconds=st.sampled_from((0, 0, 3)))
    def ask_and_answer(self, number: int, fits: bool, seconds: int) -> None:
        n = self.waiting[number % len(self.waiting)]
        self.tell(n, "request", 3.75)
        self.settle()
        self.wait(seconds)
        client = self.model.calls[n].client
        for each in (fits, True):
            if client in self.speaking and client.requests:
                self.answer_to(client, list(client.requests)[-1], each)
                self.settle()

    @precondition(lambda self: self.waiting)
    @rule(number=who, seconds=st.sampled_from((1, 2)))
    def go_on_for_long(self, number: int, seconds: int) -> None:
        n = self.waiting[number % len(self.waiting)]
        for _ in range(3):
            if n in self.waiting:
                self.tell(n, "yield" if self.model.calls[n].kind == "stream" else "send", n, n)
                self.wait(seconds)

    @precondition(lambda self: self.waiting and self.speaking)
    @rule(number=who, times=st.integers(1, 4), reads=st.booleans())
    def be_behind(self, number: int, times: int, reads: bool) -> None:
        n = self.waiting[number % len(self.waiting)]
        client = self.model.calls[n].client
        if client not in self.speaking:
            return
        self.read_nothing(self.open.index(client))
        self.tell(n, "send", self.desk.big, "big")
        self.settle()
        if client in self.speaking:
            self.say_much(self.speaking.index(client), times)
        if n in self.waiting:
            self.tell(n, "return", n, n)
        self.settle()
        if reads:
            self.read()

    @precondition(lambda self: self.speaking)
    @rule(number=who, last=st.sampled_from((0, 2)), what=st.sampled_from(("return", "next", "big")))
    def let_fewer_run(self, number: int, last: int, what: str) -> None:
        self.publish(1)
        if not self.speaking:
            return
        client = self.speaker(number)
        self.say_much(self.speaking.index(client), 5)
        self.settle()
        self.publish(last)
        if what == "big" and client in self.open:  # more than it may have is ready at once
            self.read_nothing(self.open.index(client))
        for n in self.waiting:
            if self.model.calls[n].client is client and n in self.waiting:
                gives = "yield" if what == "big" and self.model.calls[n].kind == "stream" else "return"
                told: tuple[Any, ...] = (gives, self.desk.big, "big") if what == "big" else ("return", n, n)
                self.tell(n, *(("next", 0.75) if what == "next" else told))
                self.settle()

    @precondition(lambda self: self.waiting)
    @rule(number=who, times=st.integers(1, 4))
    def let_more_run(self, number: int, times: int) -> None:
        n = self.waiting[number % len(self.waiting)]
        client = self.model.calls[n].client
        self.tell(n, "next", 3.75)
        self.settle()
        self.publish(1)
        if client in self.speaking:
            self.say_much(self.speaking.index(client), times)
        self.settle()

    # what the node does

    @rule(number=st.integers(0, len(PLANS) - 1))
    def publish(self, number: int) -> None:
        self.node.publish(TABLES[number])
        self.generations.setdefault(number, []).append(self.node.live.generation)
        self.model.publish(PLANS[number])

    @precondition(lambda self: not all(client.is_over for client in self.model.clients))
    @rule(number=who)
    def drain(self, number: int, among: list[Client] | None = None) -> None:
        self.settle()
        there = [client for client in (among or self.model.clients) if not client.is_over]
        client = there[number % len(there)] if there else None
        if client is not None and not client.draining:
            self.model.drain(client)
            self.drains.append(self.node.loop.create_task(client.conversation.drain()))
            self.settle()

    @rule(seconds=st.sampled_from((1, 1, 3, 5)))
    def wait(self, seconds: int) -> None:
        self.settle()
        for _ in range(seconds):
            self.node.loop.now += 1
            self.model.pass_to(self.node.loop.now)
            self.settle()

    @rule()
    def settle(self) -> None:
        """All that was done has had its effect."""
        self.node.loop.turn(60)
        self.model.settle()
        assert not self.node.loop.faults
        for client in self.model.clients:
            due, client.due = client.due, []
            came = [short(frame) for frame in client.line.came()]
            assert (by_id(came) == by_id(due)) if client.is_mixed else came == due, (came, due)
            client.is_mixed = len(client.running) > 1
            closed = client.line.closed
            assert (
                closed[0] if closed else client.code if client.lost or not client.line.accepted else 0
            ) == client.code
            assert client.line.code == client.status
            if not client.is_over and not client.draining:
                assert client.line.reading or client.inbox, "nothing waits, and nothing is read"
            assert len(client.inbox) <= MOST_AHEAD
        log: dict[int, list[Any]] = {}
        for n, *what in self.desk.log:
            log.setdefault(n, []).append(tuple(what))
        assert log == self.model.log, [
            (n, log.get(n), self.model.log.get(n))
            for n in {*log, *self.model.log}
            if log.get(n) != self.model.log.get(n)
        ]
        held = self.model.labels
        for number, generations in self.generations.items():
            assert sum(one.calls for one in generations) == held.count(number), (number, held)


def by_id(frames: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Those of one message are in order, those of several as they are ready."""
    found: dict[str, list[dict[str, Any]]] = {}
    for frame in frames:
        found.setdefault(repr(frame.get("$id", sorted(frame.items()))), []).append(frame)
    return found


def short(frame: dict[str, Any]) -> dict[str, Any]:
    """A frame without its texts."""
    frame.pop("action", None)
    if "error" in frame:
        request = frame["error"].get("request")
        frame = {**frame, "error": frame["error"]["code"]} | ({} if request is None else {"request": request})
    return {**frame, "v": "big"} if len(str(frame.get("v"))) >= BIG else frame


@pytest.fixture(scope="module", autouse=True)
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The plans of the model as tables."""
    for number, plan in enumerate(PLANS):
        TABLES.append(build(write(tmp_path_factory.mktemp("plan"), plan.text, p=CODE), -1_100 - number))
    yield
    for table in TABLES:
        table.catalog.release()
    TABLES.clear()


def test_each_message_is_answered_once_and_nothing_of_an_ended_connection_runs_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox, "INBOX", MOST)
    monkeypatch.setattr(inbox, "AHEAD", MOST_AHEAD)
    monkeypatch.setattr(calls, "TURN", 10**9)  # that others have their turn is not the model's affair
    monkeypatch.setattr(transport, "TURN_SECONDS", 1e9)
    monkeypatch.setattr(transport, "STALL", STALL)
    monkeypatch.setattr(transport, "LAST_STALL", STALL)
    limits = {"CONNECT_LIMIT": CONNECT_LIMIT, "DISCONNECT_LIMIT": DISCONNECT_LIMIT}
    for name, value in {"AT_ONCE": AT_ONCE, "OF_ADDRESS": OF_ADDRESS, "ENDING": ENDING, **limits}.items():
        monkeypatch.setattr(hooks, name, value)
    run_state_machine_as_test(Whole, settings=settings(report_multiple_bugs=False))
