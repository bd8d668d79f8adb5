"""Who may join the groups of a pattern by themselves: what stands under `may_join`, compiled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from jackfield.config.groups import MayJoin
from jackfield.config.plan import Plan
from jackfield.config.problems import PathTuple
from jackfield.config.roles import filled
from jackfield.errors import Problem
from jackfield.groups.group import Declared
from jackfield.groups.names import Pattern
from jackfield.process.catalog import Catalog
from jackfield.process.process import Process
from jackfield.process.signature import signature
from jackfield.process.signature.parameters import Faults, read_parameters
from jackfield.routing.feeds import Feed
from jackfield.routing.named import Named
from jackfield.similar import did_you_mean

__all__ = ["Rule", "of_groups", "unknown_of"]

_NAMED = Named("bad_group", "`def {name}(...) -> bool`")


@dataclass(frozen=True, slots=True)
class Rule:
    """Everybody may join, or who has one of `roles`, or whom `process` lets in."""

    pattern: Pattern
    roles: tuple[str, ...] = ()
    process: Feed | None = None

    def admits(self, roles: frozenset[str], group: str) -> bool:
        """Whether a caller with these roles may join a group of the pattern, as far as roles say."""
        return not self.roles or not roles.isdisjoint(filled(self.roles, self.pattern.match(group) or {}))


def of_groups(plan: Plan, declared: Iterable[Declared], found: Catalog) -> tuple[dict[str, Rule], list[Problem]]:
    """The rules of `groups:` by the texts of their patterns, and what is wrong with them."""
    rules: dict[str, Rule] = {}
    problems: list[Problem] = []
    for one in declared:
        text = one.pattern.text
        said = plan.groups[text].may_join
        if said is None:
            continue
        rule, faults = _rule(plan, one.pattern, said, found)
        problems += faults
        if rule is not None:
            rules[text] = rule
    return rules, problems


def unknown_of(plan: Plan, found: Catalog) -> list[Problem]:
    """A problem for each process that `may_join` names and that is not there."""
    named = [(("groups", text, "may_join"), one.may_join) for text, one in plan.groups.items()]
    return [
        problem
        for path, said in named
        if said is not None and said.process
        for problem in _NAMED.unknown(plan, path, said.process, found)
    ]


def _rule(plan: Plan, pattern: Pattern, said: MayJoin, found: Catalog) -> tuple[Rule | None, list[Problem]]:
    if not said.process:
        return Rule(pattern, said.roles), []
    path = ("groups", pattern.text, "may_join")
    return _NAMED.compiled(plan, path, said.process, found, partial(_compiled, plan, path, pattern))


def _compiled(plan: Plan, path: PathTuple, pattern: Pattern, process: Process) -> tuple[Rule | None, list[Problem]]:
    text, params, wrong = pattern.text, pattern.params, []
    compiled, faults = signature.compile(process, params)
    if process.kind not in ("sync", "async"):
        wrong.append((f'"{process.name}" gives many answers', "return True or False"))
    reply = compiled.reply_schema if compiled is not None else None
    if reply is not None and reply.get("properties") != {process.reply: {"type": "boolean"}}:
        wrong.append((f'"{process.name}" gives something else than True or False', "write `-> bool`"))
    for one in read_parameters(process, params, Faults(process)):
        if one.source in ("message", "more"):
            message = f'its parameter "{one.name}" is none of the pattern "{text}", and there is no message'
            there = f"there are {', '.join(params)}" if params else "take it away"
            wrong.append((message, did_you_mean(one.key, params) or there))
    problems = [*faults, *(plan.problem(path, "bad_group", *one) for one in wrong)]
    return (None if wrong or compiled is None else Rule(pattern, process=Feed(process, compiled))), problems
