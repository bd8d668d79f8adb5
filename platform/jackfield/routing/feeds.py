"""The feeds of a plan: each the async generator that it names, compiled for the parameters of its pattern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import Context
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from jackfield.config.plan import Endpoint, Plan
from jackfield.config.problems import PathTuple
from jackfield.errors import Problem
from jackfield.groups.group import Declared
from jackfield.process.catalog import Catalog
from jackfield.process.process import Process
from jackfield.process.signature import payload, signature
from jackfield.process.signature.parameters import Faults, read_parameters
from jackfield.process.signature.signature import Signature
from jackfield.routing import waits
from jackfield.routing.named import Named
from jackfield.similar import did_you_mean

__all__ = ["Feed", "beside", "of_endpoint", "of_groups", "unknown_of"]

_NAMED = Named("bad_feed", "`async def {name}(...)` with a `yield`")
_Messages = Literal["json", "text", "binary", "any"]


@dataclass(frozen=True, slots=True)
class Feed:
    """A process that speaks without being asked. `signature` says what it takes of its pattern, and what it yields."""

    process: Process
    signature: Signature

    def params(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """The values of a pattern's parameters. Raises ValueError for a text that does not fit.

        Raises RuntimeError where code of the project fails over it.
        """
        converted = {}
        for name, convert in self.signature.params.items():
            try:
                converted[name] = Context().run(convert, texts[name])  # an enum of the project may have code of its own
            except ValueError as exc:
                raise ValueError(f'the value of "{name}" in the name of the group does not fit: {exc}') from None
            except BaseException as exc:
                raise RuntimeError(f'the hint of the parameter "{name}" fails') from exc
        return converted


def of_groups(plan: Plan, declared: Iterable[Declared], found: Catalog) -> tuple[dict[str, Feed], list[Problem]]:
    """The feeds that stand under `groups:`, by the texts of their patterns, and what is wrong with them."""
    feeds: dict[str, Feed] = {}
    problems: list[Problem] = []
    for one in declared:
        text = one.pattern.text
        if not one.feed:
            continue
        path = ("groups", text, "feed")
        make = partial(_compiled, plan, path, one.pattern.params, f'the pattern "{text}"')
        feed, faults = _NAMED.compiled(plan, path, plan.groups[text].feed, found, make)
        problems += faults
        if feed is not None:
            feeds[text] = feed
    return feeds, problems


def of_endpoint(
    plan: Plan, endpoint: Endpoint, params: tuple[str, ...], process: Signature, found: Catalog
) -> tuple[Feed | None, list[Problem]]:
    """The feed of an endpoint whose process is compiled as `process`, and what is wrong with it."""
    path = ("endpoints", endpoint.name, "feed")
    if not endpoint.feed:
        return None, []
    if endpoint.group:
        text = endpoint.group[0]
        hint = f'write it under `groups:` for "{text}", where it is one for all members'
        return None, [plan.problem(path, "bad_feed", "an endpoint with a group has no feed of its own", hint)]
    make = partial(_compiled, plan, path, params, f"the parameters of {endpoint.url}", messages=endpoint.messages)
    feed, problems = _NAMED.compiled(plan, path, endpoint.feed, found, make)
    problems += [] if feed is None else waits.of_hook(feed.process, "feed", endpoint)
    schemas = {} if feed is None else feed.signature.path_schemas
    for name in schemas.keys() & process.path_schemas.keys():
        if schemas[name] != process.path_schemas[name]:
            message = f'"{name}" has another hint in {endpoint.process or "an action"}, and the address is read once'
            problems.append(plan.problem(path, "bad_feed", message, "give both the same hint"))
    return feed, problems


def beside(process: Signature, feed: Feed | None, *, listens: bool) -> Signature:
    """The signature of an endpoint's process that also reads the path parameters which its feed alone takes.

    Where the endpoint does not listen, its shape is that of the feed.
    """
    spoken = "events" if feed is None else feed.signature.shape.partition(" -> ")[2]
    shape = process.shape if listens else f"-> {spoken}"
    if feed is None:
        return replace(process, shape=shape)
    theirs = feed.signature
    return replace(
        process,
        params={**theirs.params, **process.params},
        path_schemas={**theirs.path_schemas, **process.path_schemas},
        shape=shape,
    )


def unknown_of(plan: Plan, found: Catalog) -> list[Problem]:
    """A problem for each feed of a plan whose name no process has."""
    named = [(("groups", text, "feed"), settings.feed) for text, settings in plan.groups.items() if settings.feed]
    named += [(("endpoints", one.name, "feed"), one.feed) for one in plan.endpoints if one.feed]
    return [problem for path, name in named for problem in _NAMED.unknown(plan, path, name, found)]


def _compiled(
    plan: Plan, path: PathTuple, params: tuple[str, ...], whose: str, process: Process, *, messages: _Messages = "json"
) -> tuple[Feed | None, list[Problem]]:
    if process.kind != "async_generator":
        hint = "write `async def` and `yield` what members are to hear"
        return None, [plan.problem(path, "bad_feed", f'"{process.name}" is not an async generator', hint)]
    problems = []
    for parameter in read_parameters(process, params, Faults(process)):
        fault = ""
        if parameter.source in ("message", "more"):
            fault = f'its parameter "{parameter.name}" is none of {whose}, and a feed gets no message'
        elif parameter.source == "connection" and path[0] == "groups":
            fault = f'its parameter "{parameter.name}" is a Connection, and a group has many'
        if fault:
            there = f"there are {', '.join(params)}" if params else "take it away"
            problems.append(plan.problem(path, "bad_feed", fault, did_you_mean(parameter.key, params) or there))
    if messages != "json" and problems:
        return None, problems
    if messages == "json":
        compiled, faults = signature.compile(process, params, events=True)
    else:
        compiled, faults = payload.compile(process, params, messages, feed=True)
    problems += faults
    return (None if compiled is None or problems != list(faults) else Feed(process, compiled)), problems
