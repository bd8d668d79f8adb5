"""Plan + processes -> RoutingTable. Everything that can be looked up is looked up here, once, at load.

build(folder) = config.load -> catalog.collect -> compile        all problems at once, or a table
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from jackfield.config import load, url
from jackfield.config.plan import Access, Endpoint, Plan
from jackfield.config.roles import params_of
from jackfield.errors import PlanError, Problem
from jackfield.process import catalog
from jackfield.process.builtin import processes as builtin
from jackfield.process.calling import Raised, call, one_line
from jackfield.process.catalog import Catalog
from jackfield.process.signature import payload, signature
from jackfield.process.signature.signature import Signature
from jackfield.routing import actions, events, feeds, groups, hooks, joining, payloads, site_folder, waits
from jackfield.routing.event_examples import event_faults
from jackfield.routing.examples import Taken, example_faults, first_message
from jackfield.routing.idle_rules import idle_rules
from jackfield.routing.input_keys import unknown_keys
from jackfield.routing.inspected import inspect_faults
from jackfield.routing.pushes import push_faults
from jackfield.routing.table import Route, RoutingTable
from jackfield.routing.unknown import unknown
from jackfield.schema.sample import fitting_sample
from jackfield.schema.validator import Validator
from jackfield.similar import did_you_mean

__all__ = ["add_alone", "build", "compile_table", "problems_of"]


def build(folder: Path, generation: int, home: Path | None = None) -> RoutingTable:
    """Load the project in `folder` whole. Raises PlanError with all problems; imports `processes/`.

    `home` is the author's project, where `folder` is a copy of it.
    """
    loaded = load.load(folder)
    found = catalog.collect(folder, generation, called=loaded.plan.auth.verify, home=home)
    try:
        with found.loading():
            table, problems = compile_table(loaded.plan, found)
        of_site = site_folder.problems(table, folder, home or folder)
        everything = _sorted([*loaded.problems, *found.problems, *problems, *of_site])
        if any(problem.severity == "error" for problem in everything):
            raise PlanError(everything)
    except BaseException:
        found.release()
        raise
    table.warnings = everything
    return table


def problems_of(folder: Path) -> tuple[tuple[Problem, ...], Plan]:
    """What can be reported without importing any process: the file, and whether the processes it names exist."""
    loaded = load.load(folder)
    found = catalog.collect(folder, 0, only_names=True, called=loaded.plan.auth.verify)
    missing = [
        problem
        for endpoint in loaded.plan.endpoints
        for one in endpoint.parts
        for problem in unknown(loaded.plan, one, found)
    ]
    missing += _unknown_verify(loaded.plan, found)
    missing += feeds.unknown_of(loaded.plan, found)
    missing += hooks.unknown_of(loaded.plan, found)
    missing += joining.unknown_of(loaded.plan, found)
    missing += site_folder.problems(RoutingTable(loaded.plan, found, (), ()), folder, folder)
    return _sorted([*loaded.problems, *found.problems, *missing]), loaded.plan


def compile_table(plan: Plan, found: Catalog) -> tuple[RoutingTable, tuple[Problem, ...]]:
    """Join plan and processes. The table holds the routes that are sound, the problems say why others are not."""
    routes: list[Route] = []
    problems: list[Problem] = []
    for endpoint in plan.endpoints:
        route, faults = _guarded(plan, endpoint, found)
        problems += faults
        if route is not None:
            routes.append(route)
    verify, faults = _verify(plan, found)
    declared, wrong = groups.declared(plan, found.group_names)
    patterns = {route.name: route.groups for route in routes}
    wrong += groups.shared(plan, patterns) + payloads.of_groups(plan, declared, patterns)
    of_groups, unfit = feeds.of_groups(plan, declared, found)
    rules, unsound = joining.of_groups(plan, declared, found)
    said, unsaid = events.of_groups(plan, found)
    table = RoutingTable(plan, found, routes, (), verify, declared, of_groups, rules, said)
    unsaid += event_faults(plan, table)
    return table, (*problems, *faults, *wrong, *unfit, *unsound, *unsaid, *idle_rules(plan, routes))


def add_alone(table: RoutingTable, process: str) -> Route:
    """Bind a process to an address of its own, beside the endpoints of a table that is not live yet.

    Its messages have what would be path parameters, too, and no `input:`. Raises PlanError.
    """
    endpoint = Endpoint(f"the process {process}", "/" + "-" * 32, process, access=Access("optional"))
    with table.catalog.loading():
        route, problems = _guarded(table.plan, endpoint, table.catalog)
    if route is None:
        raise PlanError(problems)
    table.add(route)
    return route


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda p: (p.severity != "error", p.file, p.line, p.column)))


def _guarded(plan: Plan, endpoint: Endpoint, found: Catalog) -> tuple[Route | None, list[Problem]]:
    """The route of an endpoint and all that is wrong with it, whatever the process's hints and defaults do."""
    try:
        if problems := payloads.of_endpoint(plan, endpoint):
            return None, problems + call(_around, plan, endpoint, found)
        route, problems = call(_compile_route, plan, endpoint, found)
        said, faults = events.of_endpoint(plan, endpoint, found)
        problems += faults
        if route is not None:
            route = replace(route, events=said)
            taken = Taken.of(route)
            problems += call(example_faults, plan, endpoint, taken)
            problems += call(push_faults, plan, route) + inspect_faults(plan, endpoint, route)
    except Raised as raised:
        names = (one.process for one in endpoint.parts if one.process in found.known)
        return None, [found.problem(raised.exc, found.known.get(next(names, ""), builtin.NONE))]
    return route, problems


def _compile_route(plan: Plan, endpoint: Endpoint, found: Catalog) -> tuple[Route | None, list[Problem]]:
    if not endpoint.actions:
        return _compile_one(plan, endpoint, found)
    compiled = {one.action: _compile_one(plan, one, found) for one in endpoint.parts}
    problems = [problem for _, faults in compiled.values() for problem in faults]
    routes = {name: route for name, (route, _) in compiled.items() if route is not None}
    if len(routes) < len(compiled):
        return None, problems + _around(plan, endpoint, found)
    route, faults = actions.together(plan, endpoint, routes)
    feed, faults_of_feed = feeds.of_endpoint(plan, endpoint, route.pattern.params, route.signature, found)
    signed = feeds.beside(route.signature, feed, listens=True)
    hooked, faults_of_hooks = hooks.of_endpoint(plan, endpoint, route.pattern.params, signed, found)
    route = replace(route, feed=feed, hooks=hooked, signature=hooks.beside(signed, hooked))
    return route, problems + faults + faults_of_feed + faults_of_hooks


def _compile_one(plan: Plan, endpoint: Endpoint, found: Catalog) -> tuple[Route | None, list[Problem]]:
    process = found.known.get(endpoint.process) if endpoint.process else builtin.NONE
    if process is None:
        return None, unknown(plan, endpoint, found) + _around(plan, endpoint, found)
    if (ours := builtin.input_of(process, to_group=endpoint.reply_to != "sender")) is not None:
        endpoint = replace(endpoint, input=ours if endpoint.input is None else {"allOf": [ours, endpoint.input]})
    if not endpoint.url:
        return None, []  # reported already, and path parameters cannot be compared without it
    pattern = url.parse(endpoint.url)
    if endpoint.messages == "json":
        compiled, faults = signature.compile(
            process,
            pattern.params,
            endpoint.input,
            action_key=endpoint.action_key if endpoint.action else "",
            reply_to=endpoint.reply_to,
            event=endpoint.event,
        )
    else:
        process = builtin.for_payloads(process)
        compiled, faults = payload.compile(process, pattern.params, endpoint.messages, endpoint.reply_to)
    problems = list(faults)
    if compiled is None:
        return None, problems + _around(plan, endpoint, found)
    of_groups, faults_of_groups = groups.of_endpoint(plan, endpoint, pattern)
    feed, faults_of_feed = feeds.of_endpoint(plan, endpoint, pattern.params, compiled, found)
    listens = process is not builtin.NONE
    compiled = feeds.beside(compiled, feed, listens=listens)
    hooked, faults_of_hooks = hooks.of_endpoint(plan, endpoint, pattern.params, compiled, found)
    compiled = hooks.beside(compiled, hooked)
    problems += faults_of_groups + faults_of_feed + faults_of_hooks
    problems += waits.of_process(process, endpoint) + unknown_keys(plan, endpoint, compiled.input_schema)
    problems += _roles(plan, endpoint, pattern)
    if builtin.is_for_some(process) and not (endpoint.access.roles or plan.endpoint(endpoint.name).access.roles):
        message = f"with {process.name} everybody who enters could take out everybody else"
        problems.append(plan.problem(endpoint.path, "bad_group", message, "write `auth: {roles: [moderator]}`"))
    whole: dict[str, Any] = dict(compiled.input_schema)
    if endpoint.input is not None:
        # each part keeps an $id of its own, so that `#/$defs/…` inside it means its own definitions
        parts = ({"$id": "urn:jackfield:signature", **whole}, {"$id": "urn:jackfield:input", **endpoint.input})
        whole = {"allOf": list(parts)}
    validator = Validator(whole)
    wants_example = listens and endpoint.messages == "json"
    example = first_message(endpoint) or _made_up(endpoint, compiled, validator) if wants_example else None
    if example is None and wants_example and not problems:
        problems.append(plan.problem(endpoint.path, "no_example", *_NO_EXAMPLE, "warning"))
    if example is not None and endpoint.action:
        example = {endpoint.action_key: endpoint.action, **example}
    return (
        Route(
            endpoint=endpoint,
            process=process,
            signature=compiled,
            pattern=pattern,
            narrow=Validator(endpoint.input) if endpoint.input and not compiled.narrowed else None,
            whole=validator,
            example=example,
            example_raw=None if example is None else msgspec.Raw(msgspec.json.encode(example)),
            in_place=process.kind == "sync" and not process.blocking,
            groups=of_groups,
            feed=feed,
            hooks=hooked,
        ),
        problems,
    )


def _around(plan: Plan, endpoint: Endpoint, found: Catalog) -> list[Problem]:
    """What is wrong with the groups, the feed, the hooks and the roles of an endpoint whose process is not sound."""
    if not endpoint.url:
        return []
    pattern = url.parse(endpoint.url)
    bare, _ = signature.compile(builtin.NONE, pattern.params)
    assert bare is not None, "it takes whatever comes"
    problems = groups.of_endpoint(plan, endpoint, pattern)[1] + _roles(plan, endpoint, pattern)
    problems += feeds.of_endpoint(plan, endpoint, pattern.params, bare, found)[1]
    return problems + hooks.of_endpoint(plan, endpoint, pattern.params, bare, found)[1]


def _roles(plan: Plan, endpoint: Endpoint, pattern: url.Pattern) -> list[Problem]:
    """A problem for each role that names no path parameter between its braces."""
    at = (*endpoint.path, "auth", "roles")
    return [
        plan.problem(at, "unknown_role", f"{{{name}}} in a role is no path parameter of {endpoint.url}", hint)
        for role in endpoint.access.roles
        for name in params_of(role)
        if name not in pattern.params
        for hint in [did_you_mean(name, pattern.params) or "write the role as the login gives it"]
    ]


_NO_EXAMPLE = (
    "no message that fits could be made up, and the endpoint has no example: errors and documents show none",
    "write one under `examples:`",
)


def _made_up(endpoint: Endpoint, compiled: Signature, whole: Validator) -> Mapping[str, Any] | None:
    """A message that fits, made from the schemas, or None."""

    def fits(found: Any) -> bool:
        good = isinstance(found, dict) and whole.is_valid(found)
        return good and len(msgspec.json.encode(found)) <= endpoint.limits.message

    found: Mapping[str, Any] | None = fitting_sample(compiled.input_schema, endpoint.input, fits)
    return found


_VERIFY = ("auth", "verify")
_VERIFY_HINT = "write `def {function}(credential, request)` in processes/{file}.py, which gives an Identity or None"


def _verify(plan: Plan, found: Catalog) -> tuple[Callable[..., Any] | None, list[Problem]]:
    """The function that `auth.verify` names, or what is wrong with it."""
    name = plan.auth.verify
    problems = _unknown_verify(plan, found)
    if not name or problems or name.rpartition(".")[0] in found.broken:
        return None, problems
    try:
        function = call(found.function, name)
        fault = call(_verify_fault, name, function)
    except Raised as raised:
        function, fault = None, f'"{name}" raises when it is looked at: {one_line(raised.exc)}'
    return (None, [_bad_verify(plan, fault)]) if fault else (function, [])


def _verify_fault(name: str, function: Callable[..., Any] | None) -> str:
    if function is None:
        return f'"{name}" is not a function'
    try:
        inspect.signature(function).bind("credential", "request")
    except (TypeError, ValueError):
        return f'"{name}" does not take two arguments, a credential and a request'
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return f'"{name}" has a `yield`, and one answer is wanted'
    return ""


def _unknown_verify(plan: Plan, found: Catalog) -> list[Problem]:
    name = plan.auth.verify
    if not name or name in found.functions or name.rpartition(".")[0] in found.broken:
        return []
    return [_bad_verify(plan, f'no function is named "{name}"', did_you_mean(name, found.functions))]


def _bad_verify(plan: Plan, message: str, hint: str = "") -> Problem:
    module, _, function = plan.auth.verify.rpartition(".")
    write = _VERIFY_HINT.format(function=function, file=module.replace(".", "/"))
    return plan.problem(_VERIFY, "bad_verify", message, hint or write)
