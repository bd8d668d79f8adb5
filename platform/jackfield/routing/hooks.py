"""The hooks of a plan: the process at the begin of a connection, and that at its end, compiled for their parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec

from jackfield.config.plan import Endpoint, Plan
from jackfield.config.problems import PathTuple
from jackfield.errors import Problem
from jackfield.process.catalog import Catalog
from jackfield.process.process import Process
from jackfield.process.signature import signature
from jackfield.process.signature.parameters import Faults, Parameter, read_parameters
from jackfield.process.signature.signature import Signature
from jackfield.routing import waits
from jackfield.routing.named import Named
from jackfield.similar import did_you_mean

__all__ = ["Hook", "Hooks", "beside", "of_endpoint", "unknown_of"]

_ENDS: dict[str, type] = {"code": int, "reason": str}
"""What `on_disconnect` may ask for by name: how the connection ended."""

_KEYS = ("on_connect", "on_disconnect")
_NAMED = Named("bad_hook", "`def {name}(connection: Connection)`")


@dataclass(frozen=True, slots=True)
class Hook:
    """A process that no message calls. `takes` are the names of what it asks for of the connection's end."""

    process: Process
    signature: Signature
    takes: tuple[str, ...] = ()

    def told(self, code: int, reason: str) -> Any:
        """The value that its signature calls it with."""
        known = {"code": code, "reason": reason}
        return self.signature.decode(msgspec.json.encode({name: known[name] for name in self.takes}))


@dataclass(frozen=True, slots=True)
class Hooks:
    """Those of one endpoint; None where it has none."""

    on_connect: Hook | None = None
    on_disconnect: Hook | None = None

    @property
    def both(self) -> tuple[Hook, ...]:
        """Those that are there."""
        return tuple(hook for hook in (self.on_connect, self.on_disconnect) if hook is not None)


def of_endpoint(
    plan: Plan, endpoint: Endpoint, params: tuple[str, ...], process: Signature, found: Catalog
) -> tuple[Hooks, list[Problem]]:
    """The hooks of an endpoint whose process is compiled as `process`, and what is wrong with them."""
    made: dict[str, Hook | None] = {}
    problems: list[Problem] = []
    schemas = dict(process.path_schemas)
    for key in _KEYS:
        name, path = getattr(endpoint, key), ("endpoints", endpoint.name, key)
        if not name:
            continue
        make = partial(_compiled, plan, path, params, endpoint.url)
        hook, faults = _NAMED.compiled(plan, path, name, found, make)
        made[key] = hook
        problems += faults + ([] if hook is None else waits.of_hook(hook.process, key, endpoint))
        for param, schema in hook.signature.path_schemas.items() if hook is not None else ():
            if schemas.setdefault(param, schema) != schema:
                message = f'"{param}" has another hint in another process of the endpoint, and the address is read once'
                problems.append(plan.problem(path, "bad_hook", message, "give both the same hint"))
    return Hooks(**made), problems


def beside(process: Signature, hooks: Hooks) -> Signature:
    """The signature of an endpoint's process that also reads the path parameters which its hooks alone take."""
    for hook in hooks.both:
        theirs = hook.signature
        process = replace(
            process,
            params={**theirs.params, **process.params},
            path_schemas={**theirs.path_schemas, **process.path_schemas},
        )
    return process


def unknown_of(plan: Plan, found: Catalog) -> list[Problem]:
    """A problem for each hook of a plan whose name no process has."""
    named = [(("endpoints", one.name, key), getattr(one, key)) for one in plan.endpoints for key in _KEYS]
    return [fault for path, name in named if name for fault in _NAMED.unknown(plan, path, name, found)]


def _compiled(
    plan: Plan, path: PathTuple, params: tuple[str, ...], url: str, process: Process
) -> tuple[Hook | None, list[Problem]]:
    key = path[-1]
    if process.kind not in ("sync", "async"):
        hint = "write `return` in place of `yield`; what speaks on and on is a `feed`, or begun with connection.start"
        return None, [plan.problem(path, "bad_hook", f'"{process.name}" has a `yield`, and is called once', hint)]
    ends = _ENDS if key == "on_disconnect" else {}
    parameters = read_parameters(process, params, Faults(process))
    problems = [
        plan.problem(path, "bad_hook", fault, hint)
        for parameter in parameters
        for fault, hint in _faults(parameter, params, ends, url)
    ]
    compiled, faults = signature.compile(process, params, events=True)
    if compiled is None or problems:
        return None, [*problems, *faults]
    takes = tuple(parameter.key for parameter in parameters if parameter.source == "message")
    return Hook(process, compiled, takes), list(faults)


def _faults(parameter: Parameter, params: Iterable[str], ends: dict[str, type], url: str) -> list[tuple[str, str]]:
    if parameter.source not in ("message", "more"):
        return []
    known = [*params, *ends]
    if parameter.source == "message" and parameter.key in ends:
        kind = ends[parameter.key]
        if parameter.hint in (kind, Any):
            return []
        fault = f'its parameter "{parameter.name}" is the {parameter.key} of the close'
        return [(fault, f"write `{parameter.name}: {kind.__name__}`")]
    there = f"there are {', '.join(known)}" if known else "take it away"
    fault = f'its parameter "{parameter.name}" is none of the parameters of {url}, and a hook gets no message'
    return [(fault, did_you_mean(parameter.key, known) or there)]
