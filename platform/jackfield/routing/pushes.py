"""The `push` steps of examples: what is sent is an event, and a client of the example can hear it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jackfield import messages
from jackfield.config.plan import Example, Guest, Plan, Step
from jackfield.errors import Problem
from jackfield.groups.names import fault
from jackfield.routing.groups import read_all
from jackfield.routing.table import Route
from jackfield.similar import did_you_mean

__all__ = ["push_faults"]


def push_faults(plan: Plan, route: Route) -> list[Problem]:
    """What is wrong with the pushes in the examples of an endpoint, each at its place."""
    return [
        problem
        for example in route.endpoint.examples
        for step in example.steps
        if step.kind == "push"
        for problem in (*_event(plan, step), *_target(plan, route, example, step))
    ]


def _event(plan: Plan, step: Step) -> Iterator[Problem]:
    at, endpoint = (*step.path, "event"), step.value.get("endpoint")
    try:
        encode = messages.group_event if "group" in step.value else messages.event
        size = len(encode(step.value["event"]))
    except messages.Unsendable as exc:
        inside = [int(part) if part.isdigit() else part for part in exc.path.split("/")[1:]]
        yield plan.problem((*at, *inside), "example_mismatch", exc.problem)
        return
    if size > (most := plan.event_room(endpoint)):
        message = f"the event has {size:,} bytes, and `limits.queue` leaves it {most:,}"
        yield plan.problem(at, "example_mismatch", message, "send less, or raise limits.queue")


def _target(plan: Plan, route: Route, example: Example, step: Step) -> Iterator[Problem]:
    found = _group if "group" in step.value else _user
    for key, message, hint, certain in found(plan, route, example, step.value):
        yield plan.problem((*step.path, key), "example_mismatch", message, hint, "error" if certain else "warning")


_Fault = tuple[str, str, str, bool]  # the key, the sentence, the hint, whether it is no mere warning


def _user(plan: Plan, route: Route, example: Example, value: Mapping[str, Any]) -> Iterator[_Fault]:
    logins = [guest.login for guest in example.guests.values() if guest.login]
    if value["user"] not in logins:
        hint = did_you_mean(value["user"], logins) or f"write `as: {{login: {value['user']}}}` for one of them"
        yield "user", f'no client of the example has the login "{value["user"]}", so nobody hears it', hint, True
    endpoint = value.get("endpoint", route.name)
    if endpoint != route.name:
        yield "endpoint", f"the clients of the example are at {route.name}, so nobody hears it", "take it out", True


def _group(plan: Plan, route: Route, example: Example, value: Mapping[str, Any]) -> Iterator[_Fault]:
    name = value["group"]
    if wrong := fault(name):
        yield "group", f"no group has this name: {wrong}", "", True
        return
    given = {text: None for guest in example.guests.values() for text in _names(plan, route, guest, name)}
    if name in given:
        return
    near = did_you_mean(name, given) or (f"they are in {', '.join(given)}" if given else "")
    if not route.endpoint.listens and route.feed is None:
        hint = near or "name one by `group:` of the endpoint"
        yield "group", f"no client of the example is in the group {name}, so nobody hears it", hint, True
        return
    known = [*plan.groups, *(text for one in plan.endpoints for text in one.group)]
    if not any(pattern.match(name) for pattern in read_all(known)):
        message = f"no pattern makes the group {name}; it is heard only where a process joins it"
        yield "group", message, near or did_you_mean(name, known) or "write its pattern under `groups:`", False


def _names(plan: Plan, route: Route, guest: Guest, name: str) -> Iterator[str]:
    """The groups that the endpoint gives a client; `name` among them where that cannot be excluded."""
    values: dict[str, Any] = {"endpoint": route.name}
    if guest.login and plan.auth.jwt is None and not plan.auth.verify:  # beside others a login has their name before it
        values |= {"login": guest.login, "visitor": guest.login}
    try:
        values |= {param: route.signature.params.get(param, str)(text) for param, text in guest.params.items()}
        for pattern in route.groups:
            if values.keys() >= {*pattern.params}:
                yield pattern.fill(values)
            elif pattern.match(name):
                yield name
    except ValueError:
        return  # told as a fault of `params`
