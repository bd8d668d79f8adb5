"""Endpoints whose messages are no JSON (`messages: text | binary | any`): what has no place there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from jackfield.config.payloads import frame_of
from jackfield.config.plan import Endpoint, Plan
from jackfield.errors import Problem
from jackfield.groups.group import Declared
from jackfield.groups.names import Pattern
from jackfield.routing.groups import read_all

__all__ = ["REFUSED", "of_endpoint", "of_groups", "refusal", "unheard"]

REFUSED = frozenset(("invalid_message", "message_too_long"))
"""Codes by which a payload is answered that does not reach its process."""


_OUT = "take it out; events are JSON"


def of_endpoint(plan: Plan, endpoint: Endpoint) -> list[Problem]:
    """What is wrong with the keys of one endpoint beside its `messages`."""
    if endpoint.messages == "json":
        return []
    said = f"with `messages: {endpoint.messages}`"
    at = ("endpoints", endpoint.name)
    return [
        plan.problem((*at, key) if key else at, "wrong_value", f"{said} {message}", hint)
        for key, message, hint in _faults(endpoint)
    ]


def _faults(endpoint: Endpoint) -> Iterator[tuple[str, str, str]]:
    """The key, what is wrong with it, and how to mend that."""
    if endpoint.actions:
        yield "actions", "a message has no key that could name its action", "write `process:`, or leave `messages` out"
    elif not endpoint.process:
        hint = "write `process: echo.nothing`, for example, which takes them all"
        yield "messages", "there is a process that takes the messages", hint
    if endpoint.input is not None:
        yield "input", "a message is no object that a schema could narrow", "check it in the process"
    if len(endpoint.group) > 1:
        yield "group", "an endpoint has one group: a payload does not say of which it is", "write one pattern"


def of_groups(plan: Plan, declared: Iterable[Declared], patterns: Mapping[str, Iterable[Pattern]]) -> list[Problem]:
    """Groups that hear payloads and have members, or something of their own, that want events.

    `patterns` are those of the endpoints that are sound.
    """
    problems = []
    kinds = {endpoint.name: endpoint.messages for endpoint in plan.endpoints}
    hearing = [(name, one) for name in kinds if kinds[name] != "json" for one in read_all(plan.endpoint(name).group)]
    for one in declared:
        settings = plan.groups[one.pattern.text]
        ours = {
            "history": one.history,
            "presence": one.presence,
            "feed": one.feed,
            "may_join": settings.may_join is not None,
            "events": settings.events,
        }
        keys = [key for key, value in ours.items() if value]
        for name in [name for name, pattern in hearing if pattern.may_meet(one.pattern)][:1]:
            said = f'"{name}" has this group and `messages: {kinds[name]}`'
            problems += [
                plan.problem(("groups", one.pattern.text, key), "bad_group", f"{said}, and `{key}` is for events", _OUT)
                for key in keys
            ]
    for (name, ours_), (other, theirs) in combinations(patterns.items(), 2):
        if kinds[name] == kinds[other] or not any(one.may_meet(pattern) for one in theirs for pattern in ours_):
            continue
        message = f'members of "{name}" hear this group too, and have `messages: {kinds[name]}`'
        hint = "begin the two patterns with different texts"
        problems.append(plan.problem(("endpoints", other, "group"), "bad_group", message, hint))
    return problems


def refusal(endpoint: Endpoint, value: Any) -> tuple[str, str]:
    """The code by which a payload of an example is answered, and why; both "" where the process gets it."""
    frame, most = frame_of(value), endpoint.limits.message
    if why := _of_another_kind(endpoint, frame):
        return "invalid_message", f"with `messages: {endpoint.messages}` a message is {why}"
    size = len(frame.encode() if isinstance(frame, str) else frame or b"")
    if size > most:
        return "message_too_long", f"the message has {size:,} bytes, and limits.message is {most:,}"
    return "", ""


def unheard(endpoint: Endpoint, value: Any) -> str:
    """Why no client ever hears a payload of an example; "" where one may."""
    why = _of_another_kind(endpoint, frame_of(value))
    return f"with `messages: {endpoint.messages}` a payload is {why}" if why else ""


_WANTED = {"text": (bytes, "a text, and this is a binary one"), "binary": (str, "a binary one, and this is a text")}


def _of_another_kind(endpoint: Endpoint, frame: str | bytes | None) -> str:
    wrong, why = _WANTED.get(endpoint.messages, (type(None), ""))
    return why if frame is not None and isinstance(frame, wrong) else ""
