"""Keys that `input:` asks for and the process has not, at every depth."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jackfield.errors import PlanError, Problem
from tests.routing.conftest import Build, Write

CODE = """
from dataclasses import dataclass
from typing import Any, TypedDict
import msgspec
from jackfield import process

@dataclass
class Address:
    street: str
    city: str = ""

class Line(TypedDict):
    item: str
    pieces: int

class Card(msgspec.Struct, tag="card", tag_field="kind"):
    number: str

class Cash(msgspec.Struct, tag="cash", tag_field="kind"):
    amount: int

@process
def order(
    name: str, address: Address, lines: list[Line], by: Card | Cash, extra: dict[str, Address] = {},
    pair: tuple[Line, Address] | None = None, free: Any = None, plain: dict = {}, maybe: Address | None = None,
) -> str:
    return name

@process
def more(name: str, **rest: Address) -> str:
    return name

@process
def nothing() -> str:
    return ""
"""


Reported = Callable[..., list[Problem]]


@pytest.fixture
def reported(write_project: Write, built: Build) -> Reported:
    """What is reported of an `input:` that asks this."""

    def report(asked: str, process: str = "order") -> list[Problem]:
        text = f"endpoints: {{a: {{url: /ws/a, process: p.{process}, input: {asked}}}}}\n"
        try:
            return list(built(write_project(text, CODE)).warnings)
        except PlanError as exc:
            return list(exc.problems)

    return report


@pytest.mark.parametrize(
    ("asked", "path", "hint"),
    [
        ("{properties: {address: {properties: {sreet: {}}}}}", "properties.address.properties.sreet", '"street"'),
        ("{properties: {address: {required: [sity]}}}", "properties.address.required.0", '"city"'),
        ("{properties: {address: {required: [zip]}}}", "properties.address.required.0", "it takes street, city"),
        ("{properties: {maybe: {properties: {strete: {}}}}}", "properties.maybe.properties.strete", '"street"'),
        ("{properties: {lines: {items: {properties: {itm: {}}}}}}", "properties.lines.items.properties.itm", '"item"'),
        ("{properties: {lines: {contains: {required: [peices]}}}}", "properties.lines.contains.required.0", '"pieces"'),
        ("{properties: {by: {properties: {nmber: {}}}}}", "properties.by.properties.nmber", '"number"'),
        ("{properties: {extra: {additionalProperties: {properties: {citty: {}}}}}}",
         "properties.extra.additionalProperties.properties.citty", '"city"'),
        ("{properties: {extra: {properties: {home: {properties: {citty: {}}}}}}}",
         "properties.extra.properties.home.properties.citty", '"city"'),
        ("{properties: {pair: {prefixItems: [{properties: {itm: {}}}]}}}",
         "properties.pair.prefixItems.0.properties.itm", '"item"'),
        ("{allOf: [{properties: {nmae: {maxLength: 5}}}]}", "allOf.0.properties.nmae", '"name"'),
        ("{if: {properties: {nmae: {const: a}}}, then: {required: [by]}}", "if.properties.nmae", '"name"'),
        ("{dependentRequired: {nmae: [by]}}", "dependentRequired.nmae", '"name"'),
    ],
)  # fmt: skip
def test_a_slip_below_the_top_is_a_warning(reported: Reported, asked: str, path: str, hint: str) -> None:
    (problem,) = reported(asked)
    assert (problem.code, problem.severity) == ("input_mismatch", "warning")
    assert problem.path == f"endpoints.a.input.{path}"
    assert hint in problem.hint
    assert problem.column > 1


@pytest.mark.parametrize(
    "asked",
    [
        "{properties: {address: {properties: {street: {maxLength: 5}}, required: [city]}}}",
        "{properties: {free: {properties: {anything: {}}}, plain: {properties: {anything: {}}}}}",
        "{properties: {extra: {required: [home]}}}",
        "{properties: {by: {properties: {kind: {const: card}, number: {}, amount: {}}}}}",
        "{properties: {name: {maxLength: 5}}, required: [by]}",
        "{properties: {name: {properties: {x: {}}}}}",
    ],
)
def test_what_the_process_has_may_be_asked_for(reported: Reported, asked: str) -> None:
    assert reported(asked) == []


def test_keys_that_are_not_named_are_known_by_their_hint(reported: Reported) -> None:
    assert reported("{properties: {home: {properties: {street: {}}}}}", "more") == []
    (problem,) = reported("{properties: {home: {properties: {sreet: {}}}}}", "more")
    assert problem.path.endswith("home.properties.sreet")


@pytest.mark.parametrize(
    ("process", "hint"), [("order", "it takes name, address, lines, by, extra"), ("nothing", "it takes no keys")]
)
def test_at_the_top_it_stays_a_problem(reported: Reported, process: str, hint: str) -> None:
    (problem,) = reported("{properties: {zzz: {}}}", process)
    assert problem.severity == "error"
    assert problem.hint.startswith(hint)
