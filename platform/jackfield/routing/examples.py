"""Examples checked against their endpoint. People copy examples, and documents and errors show them.

An example is wrong where it says what a caller can never see: a message that is not taken, a reply of another
shape, an answer to nothing, a caller who cannot enter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec

from jackfield import messages
from jackfield.config import url
from jackfield.config.plan import Endpoint, Example, Guest, Plan, Step
from jackfield.config.roles import filled, params_of
from jackfield.errors import CODES, Problem
from jackfield.process.signature.signature import Signature
from jackfield.routing import payloads
from jackfield.routing.table import Route
from jackfield.schema.validator import Fault, Validator, pointer
from jackfield.schema.walk import mapped
from jackfield.similar import did_you_mean

__all__ = ["Taken", "example_faults", "fault_of_name", "first_message", "of_decoder", "parts_of", "without_required"]

_Fault = tuple[str, str, str]  # the JSON pointer below the step, the sentence, the hint

_PUSHES = frozenset({"event", "error", "$done"})
_NOT_LOGGED_IN, _NO_ROLE = 4401, 4403
_NO_PART = "nothing, a dot or two, a slash, a backslash and control characters are refused there"


@dataclass(frozen=True, slots=True)
class Taken:
    """What an endpoint takes and gives, as far as an example is checked against it.

    `whole` is the schema of messages, `input:` included; `in_place` says that no limit can end a call, and
    `blocking` that calls share threads.
    """

    signature: Signature
    whole: Validator
    in_place: bool
    blocking: bool
    actions: Mapping[str, Taken] = field(default_factory=dict)

    @classmethod
    def of(cls, route: Route) -> Taken:
        """What a route takes and gives, its actions each by itself."""
        actions = {name: cls.of(one) for name, one in route.actions.items()}
        blocking = any(one.process.blocking for one in (route, *route.actions.values()))
        return cls(route.signature, route.whole, route.in_place, blocking, actions)


def example_faults(plan: Plan, endpoint: Endpoint, taken: Taken) -> list[Problem]:
    """What is wrong with the examples of `endpoint`, all of it, each at its place."""
    checker = _Checker(endpoint, taken)
    return [
        plan.problem(path, "example_mismatch", message, hint or _quoted(plan, path, message))
        for example in endpoint.examples
        for path, message, hint in checker.faults(example)
    ]


def _quoted(plan: Plan, path: tuple[str | int, ...], fault: str) -> str:
    """How to mend what the file holds as a number, a truth or nothing, where the process wants a text."""
    written = plan.places[path].written if path in plan.places else ""
    wanted = fault.partition(", not ")[0]
    return f'put it in quotes: "{written}"' if written and ("a text" in wanted or f'"{written}"' in wanted) else ""


def first_message(endpoint: Endpoint) -> Mapping[str, Any] | None:
    """The first message of the examples that the endpoint takes, or None; shown where another was refused."""
    key, action = endpoint.action_key, endpoint.action
    for example in endpoint.examples:
        for step, following in _with_following(example):
            if (
                step.kind == "send"
                and not _error_of(following)
                and not _aside(step)
                and (not action or step.value.get(key) == action)
            ):
                found: Mapping[str, Any] = step.value
                return found
    return None


@dataclass(slots=True)
class _ClientState:
    """What one client has sent and received so far."""

    sent: int = 0
    answered: int = 0
    closed: bool = False
    last: Step | None = None
    ids: set[object] = field(default_factory=set)
    cancels: bool = False
    requests: set[object] = field(default_factory=set)


_Found = Iterator[tuple[tuple[str | int, ...], str, str]]


class _Checker:
    """One endpoint's rules, for all of its examples."""

    def __init__(self, endpoint: Endpoint, taken: Taken) -> None:
        self.endpoint = endpoint
        self.taken = taken
        self.to_group = endpoint.reply_to != "sender"
        self.params = url.parse(endpoint.url).params
        schema = taken.signature.reply_schema
        self.replies = Validator(schema) if schema else None
        self.open_replies = Validator(without_required(schema)) if schema else None

    def faults(self, example: Example) -> _Found:
        """The faults of one example, each with its path in the file."""
        top = example.steps[0].path[:-3]
        for name, guest in example.guests.items():
            path = (*top, "clients", name) if name else top
            yield from self._address(guest, (*path, "params"))
            yield from self._entry(guest, name, example, path)
        states = {name: _ClientState() for name in example.guests}
        for step, following in _with_following(example):
            if step.kind == "push":
                continue  # no client's; see pushes.py
            client = states[step.client]
            for at, message, hint in self._step(step, client, following):
                yield (*step.path, *parts_of(at)), message, hint
            client.last = step

    def _address(self, guest: Guest, path: tuple[str | int, ...]) -> _Found:
        for name, text in guest.params.items():
            if name not in self.params:
                known = ", ".join(self.params)
                hint = f"it has {known}" if known else "it has none"
                yield (*path, name), f'the URL has no parameter "{name}"', hint
            elif not url.split(f"/{quote(text, safe='')}".encode()):
                yield (*path, name), f"{_shown(text)} can be no part of an address", _NO_PART
            elif name in self.taken.signature.params:
                try:
                    self.taken.signature.params[name](text)
                except ValueError as error:
                    yield (*path, name), f"{_shown(text)} does not fit: {error}", ""
        missing = [name for name in self.params if name not in guest.params] if guest.params else []
        for name in missing:
            yield path, f'the URL has the parameter "{name}", and no value for it is here', f"add `{name}:`"

    def _entry(self, guest: Guest, name: str, example: Example, path: tuple[str | int, ...]) -> _Found:
        """A client that can never enter can only be refused."""
        caller = name or "the client"
        code = self._refused_with(guest)
        first = next((step for step in example.steps if step.client == name), None)
        if code and first is not None and not (first.kind == "expect_close" and first.value == code):
            reason = "is not logged in" if code == _NOT_LOGGED_IN else "has none of the endpoint's roles"
            hint = f"change `as`, or expect the refusal first: `expect_close: {code}`"
            yield (*path, "as"), f"{caller} {reason} and cannot enter", hint

    def _refused_with(self, guest: Guest) -> int:
        access = self.endpoint.access
        if access.mode != "required":
            return 0
        if guest.login == "":
            return _NOT_LOGGED_IN
        stated = guest.login is not None or guest.roles
        wanted = filled(access.roles, guest.params)
        unsure = any(params_of(role) for role in wanted)  # the example says no address
        return _NO_ROLE if stated and wanted and not unsure and not set(wanted) & set(guest.roles) else 0

    def _step(self, step: Step, client: _ClientState, following: Step | None) -> Iterator[_Fault]:
        if client.closed:
            yield "", "the connection has ended by then", "write what follows as an example of its own"
            return
        if self.endpoint.messages != "json" and step.kind in ("send", "expect"):
            yield from self._payload(step, client, _error_of(following))
            return
        match step.kind:
            case "send" if aside := _aside(step):
                yield from self._said_aside(aside, client)
            case "send":
                client.sent += 1
                client.ids.add(_hashable(step.value.get("$id")))
                yield from self._send(step.value, _error_of(following))
            case "expect":
                yield from self._expect(step, client)
            case "expect_error" if "request" in step.value and client.requests:
                pass  # an answer that does not fit
            case "expect_error":
                client.answered += 1
                yield from self._answers(step, client, "an error answers a message")
                yield from self._error(step.value["code"], client)
                yield from self._wrongly_refused(step, client)
            case "expect_close":
                client.closed = True

    def _payload(self, step: Step, client: _ClientState, meant: str) -> Iterator[_Fault]:
        """One that is sent, or comes: at any time, since nothing says whether it answers a message."""
        if step.kind == "send":
            client.sent += 1
            code, why = payloads.refusal(self.endpoint, step.value)
            if code and meant != code:
                yield "", why, f"expect {code}"
        elif why := payloads.unheard(self.endpoint, step.value):
            yield "", f"this can never come: {why}", "change it, or `messages`"

    def _said_aside(self, aside: messages.Aside, client: _ClientState) -> Iterator[_Fault]:
        """What takes back a message, or answers a request."""
        if aside.cancel is not None:
            client.cancels = True
            ids = client.ids - {None}
            if aside.cancel is not True and aside.cancel not in ids:
                hint = (
                    f'"$id" of what was sent: {", ".join(map(_shown, ids))}' if ids else 'send one with an "$id" first'
                )
                yield "/$cancel", 'no message was sent with this "$id"', hint
        elif aside.answer not in client.requests:
            hint = f"expect the request first, an event with `$request: {aside.answer}`"
            yield "/$answer", f"this answers request {aside.answer}, which has not come", hint

    def _send(self, value: Mapping[str, Any], meant: str) -> Iterator[_Fault]:
        size, most = len(msgspec.json.encode(value)), self.endpoint.limits.message
        if size > most and meant != "message_too_long":
            yield "", f"the message has {size:,} bytes, and limits.message is {most:,}", "expect message_too_long"
        if meant == "invalid_message":
            return
        yield from ((fault.path, fault.problem, "") for fault in self._misfit(value))

    def _misfit(self, value: Mapping[str, Any]) -> list[Fault]:
        """Why the endpoint does not take a message; empty where it does."""
        taken, own = self.taken, _without_id(value)
        if taken.actions:
            key = self.endpoint.action_key
            name = own.pop(key, None)
            if name not in taken.actions:
                return [fault_of_name(key, value, taken.actions)]
            taken = taken.actions[name]
        faults = taken.whole.faults(own)
        if not faults:
            try:
                taken.signature.decode(msgspec.json.encode(value))
            except msgspec.MsgspecError as exc:
                return [of_decoder(str(exc), value)]
        return faults

    def _wrongly_refused(self, step: Step, client: _ClientState) -> Iterator[_Fault]:
        """The message before it is taken as it stands, so the error never comes."""
        before = client.last
        if before is None or before.kind != "send" or _aside(before) or client.sent != client.answered:
            return
        code = step.value["code"]
        if self.endpoint.messages != "json":
            if code in payloads.REFUSED and code != payloads.refusal(self.endpoint, before.value)[0]:
                yield "", "the message fits, so this error never comes", "change the message, or what is expected"
            return
        size, most = len(msgspec.json.encode(before.value)), self.endpoint.limits.message
        if size > most:
            return
        why = f"the message has {size:,} bytes, and limits.message is {most:,}" if code == "message_too_long" else ""
        if code == "invalid_message" and not self._misfit(before.value):
            why = "the message fits"
        if why:
            yield "", f"{why}, so this error never comes", "change the message, or what is expected"

    def _error(self, code: str, client: _ClientState) -> Iterator[_Fault]:
        limits, why = self.endpoint.limits, ""
        if code == "rate_limited" and limits.rate is None and limits.rate_per_user is None:
            why = "limits.rate is off"
        elif code == "busy" and not self.taken.blocking:
            why = "the process is not blocking"
        elif code in ("time_exceeded", "cancelled") and self.taken.in_place:
            why = "a plain function is never cut short"
        elif code == "cancelled" and not client.cancels:
            why = "the client takes no message back"
        if why:
            yield "", f'the error "{code}" never comes: {why}', ""

    def _expect(self, step: Step, client: _ClientState) -> Iterator[_Fault]:
        value = step.value
        ours = ("$request", "$n", "$time") if self.endpoint.group else ("$request",)
        marks = [key for key in value if key == "error" or (key.startswith("$") and key not in ours)]
        if "event" in value and marks:
            yield "", f'this can never come: an event has no key "{marks[0]}"', "take it out"
            return
        if "event" in value:
            client.requests.add(_hashable(value.get("$request")))
        if step.partial and not value.keys() & _PUSHES:
            # what is not written may still make an event of it, so only the shape of what is there can be checked
            if self.open_replies is not None:
                yield from ((f.path, f.problem, "") for f in self.open_replies.faults(_without_id(value)))
            return
        if "error" in value or not value.keys() & _PUSHES:
            client.answered += 1
            yield from self._answers(step, client, "a reply answers a message")
        if "$done" in value:
            yield from self._done(value, client)
        if value.keys() & _PUSHES:
            return
        if client.sent and _hashable(value.get("$id")) not in client.ids:
            known = ", ".join(_shown(one) for one in client.ids if one is not None)
            hint = f'"$id" of what was sent: {known}' if known else 'no message was sent with an "$id"'
            yield "", 'this can never come: a reply has the "$id" of its message, and only where that has one', hint
        if self.to_group:
            hint = f"expect the event `{self.endpoint.event}`, `from` whom it is, and what the process gives"
            yield "", "this can never come: the reply goes to the group, as an event", hint
        elif self.taken.signature.replies == "none":
            yield "", "the process never replies", "expect an event, or nothing"
        elif self.replies is not None:
            yield from ((f.path, f.problem, "") for f in self.replies.faults(_without_id(value)))

    def _answers(self, step: Step, client: _ClientState, rule: str) -> Iterator[_Fault]:
        """Each message has one answer, where the process is not a generator; and there is none without a message."""
        many = self.taken.signature.replies == "many"
        if client.sent == 0 or (not many and client.answered > client.sent):
            more = "another" if client.sent else "one"
            yield "", f"this can never come: {rule}, and the client has not sent {more}", "add `send`"

    def _done(self, value: Mapping[str, Any], client: _ClientState) -> Iterator[_Fault]:
        if _hashable(value.get("$id")) not in client.ids - {None}:
            yield "", 'this can never come: "$done" has the "$id" of a message', 'send `"$id"` with the message'


def _with_following(example: Example) -> Iterator[tuple[Step, Step | None]]:
    """Each step with what the same client expects next."""
    for number, step in enumerate(example.steps):
        later = (other for other in example.steps[number + 1 :] if other.client == step.client)
        yield step, next((other for other in later if other.kind != "send"), None)


def _error_of(step: Step | None) -> str:
    """The code of the error that a step expects; "invalid_message" where it shows one without a code."""
    if step is None:
        return ""
    if step.kind == "expect" and isinstance(step.value, Mapping) and "error" in step.value:
        error = step.value["error"]
        code = error.get("code") if isinstance(error, Mapping) else None
        return code if isinstance(code, str) and code in CODES else "invalid_message"
    return str(step.value["code"]) if step.kind == "expect_error" else ""


def fault_of_name(key: str, message: Mapping[str, Any], known: Iterable[str]) -> Fault:
    """What is wrong with a message under whose `key` is none of the `known` actions."""
    known = list(known)
    if key not in message:
        return Fault(f"/{key}", f"is missing; it names the action: {', '.join(known)}")
    meant = did_you_mean(str(message[key]), known) or f"there are {', '.join(known)}"
    return Fault(f"/{key}", f"names no action; {meant}")


def _aside(step: Step) -> messages.Aside | None:
    """What a step sends that is no message for the process."""
    return messages.aside(msgspec.json.encode(step.value)) if step.kind == "send" else None


def _without_id(value: Any) -> Any:
    return {key: item for key, item in value.items() if key != "$id"} if isinstance(value, Mapping) else value


def _hashable(value: object) -> object:
    return value if isinstance(value, str | int) else None


_ASKS_FOR_KEYS = frozenset({"required", "minProperties", "dependentRequired"})


def without_required(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema where every key may be missing, at every depth."""
    loose = mapped(schema, without_required)
    if "oneOf" in loose:  # several may fit now that less is asked
        loose["anyOf"] = loose.pop("oneOf")
    return {key: value for key, value in loose.items() if key not in _ASKS_FOR_KEYS}


def parts_of(path: str) -> list[str | int]:
    """A JSON pointer as keys and numbers."""
    return [int(part) if part.isdigit() else part for part in path.split("/")[1:]]


def _shown(value: object) -> str:
    cut = value[:59] + "…" if isinstance(value, str) and len(value) > 60 else value
    return msgspec.json.encode(cut).decode()


_WHOLE = "must be a whole number, without a point or an exponent"
_OF_DECODER = (
    # what the published schema takes and the decoder does not; docs/processes.md has the list
    (re.compile(r"Expected `int`, got `float`"), _WHOLE),  # to JSON Schema 1.0 is an integer
    (re.compile(r"Invalid RFC3339 encoded (date|time)\b"), r"must be a valid \1"),
    (re.compile(r"Invalid RFC3339 encoded datetime"), "must be a valid date-time"),
    (re.compile(r"Expected `(date|)time` with no timezone component"), "must be without an offset"),
    (re.compile(r"Expected `(date|)time` with a timezone component"), "must have an offset"),
    (re.compile(r"Invalid decimal string"), "must be a number with an exponent that is not so large"),
    (re.compile(r"Invalid ISO8601 duration"), "must be a valid duration"),
    (re.compile(r"Only units 'D', 'H', 'M', and 'S' are supported.*"), "must be a duration in days or less, not years"),
)


def of_decoder(said: str, value: object) -> Fault:
    """What the decoder says of a message that the published schema takes, in words of ours and with its place."""
    problem, _, path = said.partition(" - at `$")
    for words, ours in _OF_DECODER:
        problem = words.sub(ours, problem)
    return Fault(_pointer(path.rstrip("`"), value), problem[:1].lower() + problem[1:])


def _pointer(path: str, value: object) -> str:
    """msgspec's `.a[0].b` as a JSON pointer, as far as it leads into the message; keys may hold dots."""
    parts: list[str | int] = []
    while path:
        index, _, rest = path[1:].partition("]")
        if isinstance(value, list) and index.isdecimal() and int(index) < len(value):
            parts.append(int(index))
            value, path = value[int(index)], rest
        elif isinstance(value, dict) and path.startswith("."):
            keys = [key for key in value if path[1:] == key or path[1:].startswith((f"{key}.", f"{key}["))]
            if not keys:
                break
            parts.append(max(keys, key=len))
            value, path = value[parts[-1]], path[1 + len(str(parts[-1])) :]
        else:
            break
    return pointer(parts)
