"""The examples of a project, run: each on connections of its own, step by step, always within a time limit.

What carries the messages is behind the Protocols of target.py, so that the same walk is done in process and over a
network.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from jackfield.config import payloads
from jackfield.config.plan import Example, Guest, Place, Step
from jackfield.config.roles import filled
from jackfield.describe.contract import Operation, contract
from jackfield.errors import Refusal
from jackfield.routing.event_examples import EventTypes
from jackfield.routing.table import Route, RoutingTable
from jackfield.schema.sample import text_of
from jackfield.testing.client import Closed
from jackfield.testing.difference import differences, shown
from jackfield.testing.target import PushFailed, Target, TargetClient

__all__ = ["REST_LIMIT", "SOMEBODY", "Case", "Failure", "Result", "caller_of", "cases", "play", "run"]

SOMEBODY = "somebody"
"""The login of a client whose example names none."""

REST_LIMIT = 1.0
"""Seconds that are waited at an example's end for what is still on its way; a generator may never end."""

SEND_LIMIT = 5.0
"""Seconds that a message has to leave."""

_TOLD = 12  # lines of a conversation that a failure shows, the last ones


@dataclass(frozen=True, slots=True)
class Case:
    """One example with all that its walk needs. `name` is for people; `place` is where the example stands.

    `params` are texts for the path parameters, for clients whose example names none; `events` the types of events.
    """

    endpoint: str
    name: str
    example: Example
    operation: Operation
    place: Place
    places: Mapping[int, Place]
    params: Mapping[str, str]
    events: EventTypes


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an example failed: a sentence, the place of the step, and lines that show it."""

    sentence: str
    place: Place
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one example. `skipped` says why it was not run; `seconds` is how long it took."""

    case: Case
    seconds: float = 0.0
    failure: Failure | None = None
    skipped: str = ""


def cases(table: RoutingTable) -> list[Case]:
    """All examples of a project, by endpoint, as they stand in its files."""
    found = []
    for operation in contract(table).operations:
        route = table.routes[operation.name]
        values, events = _params(route, operation), EventTypes.of(table, route)
        for number, example in enumerate(operation.examples):
            path = example.steps[0].path[:-3]
            places = {at: table.plan.place(*step.path) for at, step in enumerate(example.steps)}
            name = example.name or f"example {number + 1}"
            place = table.plan.place(*path)
            found.append(Case(operation.name, name, example, operation, place, places, values, events))
    return found


def _params(route: Route, operation: Operation) -> dict[str, str]:
    """Texts for the path parameters of an example that names none, whatever other examples name."""
    found = {}
    for name, schema in operation.parameters.items():
        found[name] = unquote(text_of(name, schema))
        try:
            route.signature.params.get(name, str)(found[name])
        except ValueError:  # what cannot be made up is taken from an example that says it
            found[name] = unquote(operation.values[name])
    return found


def caller_of(
    guest: Guest, operation: Operation, texts: Mapping[str, str] | None = None
) -> tuple[str | None, tuple[str, ...]]:
    """The login and the roles of a client; None is anonymous. `texts` are the path parameters, which roles may name."""
    if guest.login == "":
        return None, ()
    if guest.login is not None or guest.roles:
        return guest.login or SOMEBODY, guest.roles
    access = operation.access
    return (SOMEBODY, filled(access.roles[:1], texts or {})) if access.mode == "required" else (None, ())


async def run(
    found: Iterable[Case], target: Target, skip: Callable[[Case], str] = lambda _case: ""
) -> AsyncIterator[Result]:
    """Run the examples one after the other. `skip` says why one cannot be run, or nothing."""
    for case in found:
        reason = skip(case)
        if reason:
            yield Result(case, skipped=reason)
            continue
        await target.fresh_groups()
        began = time.perf_counter()
        failure = await play(case, target)
        yield Result(case, time.perf_counter() - began, failure)


async def play(case: Case, target: Target) -> Failure | None:
    """Walk through one example on fresh connections; None where all came as expected."""
    walk = _Walk(case, target)
    try:
        async with AsyncExitStack() as stack:
            for name, guest in case.example.guests.items():
                walk.clients[name] = await _enter(case, guest, target, stack)
            await walk.steps()
    except _Failed as exc:
        return exc.failure
    except TimeoutError as exc:  # of the way out: a process that does not end
        return Failure(str(exc) or "the example did not end in time", case.place, walk.transcript())
    return None


class _Failed(Exception):
    """Ends a run. Raised, not returned: a client that leaves with an exception does not wait for calls at work."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


async def _enter(case: Case, guest: Guest, target: Target, stack: AsyncExitStack) -> TargetClient:
    params = guest.params or case.params
    login, roles = caller_of(guest, case.operation, params)
    entering = target.connect(case.endpoint, login=login, roles=roles, params=params, query=guest.query)
    try:
        return await stack.enter_async_context(entering)
    except Refusal as refusal:
        return _Refused(refusal)


class _Refused:
    """A client that could not enter: for an example this is a connection that ended with 4000 and the status."""

    def __init__(self, refusal: Refusal) -> None:
        self.closed = Closed(4000 + refusal.status, f"refused, {refusal.status} {refusal.code}: {refusal.detail}")

    async def send(self, _message: object, /) -> None:
        raise self.closed

    async def receive(self, within: float) -> Any:
        raise self.closed

    async def rest(self, within: float) -> list[Any]:
        return []


class _Walk:
    """One way through an example, with what was said so far."""

    def __init__(self, case: Case, target: Target) -> None:
        self.case = case
        self.target = target
        self.clients: dict[str, TargetClient] = {}
        self._said: list[str] = []
        self._over: set[str] = set()  # clients whose end was expected

    def transcript(self) -> tuple[str, ...]:
        """The last lines of the conversation."""
        if not self._said:
            return ()
        cut = ["…"] if len(self._said) > _TOLD else []
        return ("the conversation:", *(f"  {line}" for line in [*cut, *self._said[-_TOLD:]]))

    async def steps(self) -> None:
        """Walk all steps. Raises _Failed."""
        for number, step in enumerate(self.case.example.steps):
            found = await {"send": self._send, "push": self._push}.get(step.kind, self._expect)(step)
            if found is not None:
                sentence, lines = found
                shown_lines = (*lines, *self.transcript())
                raise _Failed(Failure(self._of(step.client, sentence), self.case.places[number], shown_lines))
        await self._end()

    async def _send(self, step: Step) -> tuple[str, list[str]] | None:
        self._say(step.client, "→", step.value)
        try:
            async with asyncio.timeout(SEND_LIMIT):
                await self.clients[step.client].send(self._frame(step.value))
        except Closed as closed:
            return f"could not send: {_ended(closed)}", []
        except TimeoutError:
            return f"could not send within {SEND_LIMIT:g} s", []
        return None

    def _frame(self, value: Any) -> Any:
        """What a step sends; payloads are noted in another way than they are sent."""
        return value if self.case.operation.messages == "json" else payloads.frame_of(value)

    async def _push(self, step: Step) -> tuple[str, list[str]] | None:
        event, group, login = step.value["event"], step.value.get("group"), step.value.get("user")
        try:
            if group is not None:
                given = self.target.push(group, event)
            else:
                given = self.target.push_to(login, event, step.value.get("endpoint"))
            reached = await given if inspect.isawaitable(given) else given
        except PushFailed as exc:
            return f"could not push: {exc}", []
        self._say("", "⇒", f"{group or login} {shown(event, 300)}, to {reached} here")
        return None

    async def _expect(self, step: Step) -> tuple[str, list[str]] | None:
        wanted, partial = _frame(step)
        try:
            came = _noted(await self.clients[step.client].receive(within=step.within), wanted)
        except Closed as closed:
            self._say(step.client, "✕", f"{closed.code} {closed.reason}".rstrip())
            if step.kind == "expect_close" and closed.code == step.value:
                self._over.add(step.client)
                return None
            return f"{_wanted(step)}, and {_ended(closed)}", []
        except TimeoutError:
            return f"{_wanted(step)}, and nothing came within {step.within:g} s", []
        self._say(step.client, "←", came)
        if step.kind == "expect_close":
            return f"{_wanted(step)}, and a message came: {shown(came)}", []
        found = differences(wanted, came, partial=partial)
        unfit = [f"  {fault.path or '/'}: {fault.problem}" for fault in self.case.events.faults(came)]
        if not found and unfit:
            return f'the event "{came["event"]}" does not fit its type', [f"came      {shown(came, 500)}", *unfit]
        if not found:
            return None
        what = "an error came" if _is_error(came) and step.kind == "expect" else "what came differs"
        return what, [f"expected  {shown(wanted, 500)}", f"came      {shown(came, 500)}", *(f"  {at}" for at in found)]

    async def _end(self) -> None:
        """After the last step: an error or an end that no step expects fails the example, too."""
        for name, client in self.clients.items():
            if name in self._over:
                continue
            came = [_noted(one) for one in await _left(client)]
            for message in came:
                self._say(name, "←", message)
            wrong = next((message for message in came if _is_error(message)), None)
            sentence = f"an error came that no step expects: {shown(wrong)}" if wrong else ""
            if not sentence and client.closed is not None:
                sentence = f"no step expects it, and {_ended(client.closed)}"
            if sentence:
                steps = enumerate(self.case.example.steps)
                last = max((at for at, step in steps if step.client == name), default=0)
                place = self.case.places.get(last, self.case.place)
                raise _Failed(Failure(self._of(name, sentence), place, self.transcript()))

    def _say(self, client: str, sign: str, what: Any) -> None:
        text = what if isinstance(what, str) else shown(what, 300)
        self._said.append(f"{client} {sign} {text}".lstrip())

    def _of(self, client: str, sentence: str) -> str:
        return f"{client}: {sentence}" if client and len(self.clients) > 1 else sentence


def _noted(came: Any, wanted: object = None) -> Any:
    """What came, a payload as an example has it; the text of an event as an object, where an object is wanted."""
    if isinstance(came, str) and isinstance(wanted, Mapping) and payloads.frame_of(wanted) is None:
        with suppress(ValueError, RecursionError):
            return json.loads(came)
    return payloads.noted(came) if isinstance(came, str | bytes) else came


def _is_error(came: Any) -> bool:
    return isinstance(came, Mapping) and "error" in came


async def _left(client: TargetClient) -> list[Any]:
    """What came and no step took, also where a call is still at work when the time is over."""
    with suppress(TimeoutError):
        return await client.rest(within=REST_LIMIT)
    found = []
    with suppress(TimeoutError, Closed):
        while True:
            found.append(await client.receive(within=0.0))
    return found


def _frame(step: Step) -> tuple[Any, bool]:
    """The message that a step expects, and whether it may hold more."""
    if step.kind != "expect_error":
        return step.value, step.partial
    error = dict(step.value)
    outside = {"$id": error.pop("$id")} if "$id" in error else {}
    return {"error": error, **outside}, True


def _wanted(step: Step) -> str:
    match step.kind:
        case "expect_error":
            return f"expected the error {step.value['code']}"
        case "expect_close":
            return f"expected the end with {step.value}"
    return f"expected {shown(step.value)}"


def _ended(closed: Closed) -> str:
    reason = f": {closed.reason}" if closed.reason else ""
    return f"the connection ended with {closed.code}{reason}"
