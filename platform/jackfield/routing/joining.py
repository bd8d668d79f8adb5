"""Who may join the groups of a pattern by themselves: what stands under `may_join`, compiled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jackfield.config.groups import MayJoin
from jackfield.config.plan import Plan
from jackfield.config.roles import filled
from jackfield.errors import Problem
from jackfield.groups.group import Declared
from jackfield.groups.names import Pattern
from jackfield.process.calling import Raised, call
from jackfield.process.catalog import Catalog
from jackfield.process.signature import signature
from jackfield.process.signature.parameters import Faults, read_parameters
from jackfield.routing.feeds import Feed
from jackfield.similar import did_you_mean

__all__ = ["Rule", "of_groups", "unknown_of"]


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
    named = ((text, one.may_join.process) for text, one in plan.groups.items() if one.may_join is not None)
    return [problem for text, name in named if name for problem in _unknown(plan, text, name, found)]


def _rule(plan: Plan, pattern: Pattern, said: MayJoin, found: Catalog) -> tuple[Rule | None, list[Problem]]:
    text, params = pattern.text, pattern.params
    if not said.process:
        return Rule(pattern, said.roles), []
    process = found.known.get(said.process)
    if process is None:
        return None, _unknown(plan, text, said.process, found)
    try:
        compiled, faults = call(signature.compile, process, params)
        parameters = call(read_parameters, process, params, Faults(process))
    except Raised as raised:
        return None, [found.problem(raised.exc, process)]
    problems = list(faults)
    if process.kind not in ("sync", "async"):
        problems.append(_problem(plan, text, f'"{process.name}" gives many answers', "return True or False"))
    reply = compiled.reply_schema if compiled is not None else None
    if reply is not None and reply.get("properties") != {process.reply: {"type": "boolean"}}:
        problems.append(_problem(plan, text, f'"{process.name}" gives something else than True or False', "-> bool"))
    for one in parameters:
        if one.source in ("message", "more"):
            message = f'its parameter "{one.name}" is none of the pattern "{text}", and there is no message'
            there = f"there are {', '.join(params)}" if params else "take it away"
            problems.append(_problem(plan, text, message, did_you_mean(one.key, params) or there))
    sound = compiled is not None and len(problems) == len(faults)
    return (Rule(pattern, process=Feed(process, compiled)) if sound and compiled is not None else None), problems


def _unknown(plan: Plan, text: str, name: str, found: Catalog) -> list[Problem]:
    if name in found.known or name.rpartition(".")[0] in found.broken:
        return []
    hint = found.reasons.get(name, "") or did_you_mean(name, found.known) or "write it, with `@process` above its `def`"
    return [_problem(plan, text, f'no process is named "{name}"', hint)]


def _problem(plan: Plan, text: str, message: str, hint: str) -> Problem:
    return plan.problem(("groups", text, "may_join"), "bad_group", message, hint)
