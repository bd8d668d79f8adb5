"""The groups of a plan: its patterns parsed, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import combinations

from jackfield.config import url
from jackfield.config.plan import Endpoint, Plan
from jackfield.config.problems import PathTuple
from jackfield.errors import Problem
from jackfield.groups.group import Declared
from jackfield.groups.names import BadName, Pattern
from jackfield.groups.presence import GRACE
from jackfield.messages import OUR_EVENTS
from jackfield.similar import did_you_mean

__all__ = ["OURS", "declared", "of_endpoint", "read_all", "shared"]

OURS = ("login", "visitor", "endpoint")
"""Parameters of a pattern that are no path parameters."""


def declared(plan: Plan, said: frozenset[str] | None) -> tuple[tuple[Declared, ...], list[Problem]]:
    """What stands under `groups:`, and its problems. `said` is what processes say of groups, see `group_names`."""
    found: dict[str, Declared] = {}
    problems = []
    for text, settings in plan.groups.items():
        try:
            found[text] = Declared(
                Pattern.parse(text),
                settings.history.last,
                settings.members,
                settings.presence.show,
                GRACE if settings.presence.grace is None else settings.presence.grace,
                bool(settings.feed),
                settings.history.keep or 0.0,
            )
        except BadName as exc:
            problems.append(_problem(plan, ("groups", text), str(exc)))
    used = {text for endpoint in plan.endpoints for text in endpoint.group}
    for text in found.keys() - used:
        if plan.groups[text].may_join is not None or said is None or _is_said(found[text].pattern, said):
            continue  # who is in it has joined it
        if hint := did_you_mean(text, used - found.keys(), cutoff=0.8):
            message = f'no endpoint has the group "{text}", and one has another that does not stand here'
            problems.append(plan.problem(("groups", text), "bad_group", message, hint, "warning"))
    for one, other in combinations(found.values(), 2):
        if one.pattern.may_meet(other.pattern):
            message = f'a name may be of this pattern and of "{one.pattern.text}"'
            hint = "begin them with different texts"
            problems.append(_problem(plan, ("groups", other.pattern.text), message, hint))
    return tuple(found.values()), problems


def read_all(texts: Iterable[str]) -> Iterator[Pattern]:
    """Those of these patterns that are sound."""
    for text in texts:
        with suppress(BadName):
            yield Pattern.parse(text)


def _is_said(pattern: Pattern, said: frozenset[str]) -> bool:
    """Whether a process has a text that this pattern, or a name of it, begins with."""
    head = pattern.literals[0]
    return any(text.startswith(head) for text in said) if pattern.params else head in said


def of_endpoint(plan: Plan, endpoint: Endpoint, pattern: url.Pattern) -> tuple[tuple[Pattern, ...], list[Problem]]:
    """The patterns of an endpoint's groups, and what is wrong with its `group`, `reply_to` and `event`."""
    at, of_all = endpoint.path, ("endpoints", endpoint.name, "group")
    problems = []
    found = []
    for text in endpoint.group:
        try:
            parsed = Pattern.parse(text)
        except BadName as exc:
            problems.append(_problem(plan, of_all, str(exc)))
            continue
        if fault := _fault(endpoint, parsed, pattern.params):
            problems.append(_problem(plan, of_all, *fault))
        found.append(parsed)
    if endpoint.reply_to != "sender" and not endpoint.group:
        hint = 'write `group: "room:{room}"`, or leave reply_to out'
        problems.append(_problem(plan, (*at, "reply_to"), "the endpoint has no group that could get the reply", hint))
    elif endpoint.reply_to != "sender" and not endpoint.process:
        hint = "write `process: echo.same`, which gives each message back, or leave reply_to out"
        problems.append(_problem(plan, (*at, "reply_to"), "there is no process whose reply the group could get", hint))
    if endpoint.event in OUR_EVENTS or endpoint.event.startswith("$"):
        problems.append(_problem(plan, (*at, "event"), f'"{endpoint.event}" is an event of Jackfield itself'))
    return tuple(found), problems


def _fault(endpoint: Endpoint, parsed: Pattern, path: tuple[str, ...]) -> tuple[str, str] | None:
    known = (*path, *OURS)
    for name in parsed.params:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
            return f"{{{name}}} is no path parameter of {endpoint.url}", hint
        if name in OURS and name in path:
            return f"{{{name}}} is a path parameter and a word of Jackfield's", "give the path parameter another name"
    if "login" in parsed.params and endpoint.access.mode != "required":
        return "{login} needs callers who are logged in", "write `auth: required`, or roles"
    return None


def shared(plan: Plan, patterns: Mapping[str, Iterable[Pattern]]) -> list[Problem]:
    """Problems of endpoints of different `auth` that may share a group of a pattern that is not declared."""
    problems = []
    access = {endpoint.name: endpoint.access for endpoint in plan.endpoints}
    for (name, ours), (other, theirs) in combinations(patterns.items(), 2):
        if access[name] == access[other]:
            continue
        for one in theirs:
            met = [pattern.text for pattern in ours if one.may_meet(pattern)]
            if not met or plan.groups.keys() & {one.text, *met}:
                continue
            message = f'members of "{name}" hear this group too, and enter by another `auth`'
            hint = f'where that is meant, write "{one.text}" under `groups:`'
            problems.append(_problem(plan, ("endpoints", other, "group"), message, hint))
            break
    return problems


def _problem(plan: Plan, path: PathTuple, message: str, hint: str = "") -> Problem:
    return plan.problem(path, "bad_group", message, hint)
