"""The contract of a table: what all that is made for users knows of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jackfield.describe.contract import Contract, Operation, contract
from jackfield.routing import build
from jackfield.routing.table import RoutingTable
from jackfield.schema.validator import Validator
from tests.describe import drawn

FULL = Path(__file__).parent / "full"


@pytest.fixture(scope="module")
def table() -> Iterator[RoutingTable]:
    found = build.build(FULL, 1)
    yield found
    found.catalog.release()


@pytest.fixture(scope="module")
def full(table: RoutingTable) -> Contract:
    return contract(table)


def named(of: Contract, name: str) -> Operation:
    return next(operation for operation in of.operations if operation.name == name)


def made(folder: Path, endpoint: dict[str, Any], source: str) -> Operation:
    """The operation of a project of one endpoint."""
    table: RoutingTable = drawn.table_of(folder, {"endpoints": {"e": {"process": "p.f", **endpoint}}}, source)
    try:
        return contract(table).operations[0]
    finally:
        table.catalog.release()


SAY = "from jackfield import process\n@process\ndef f(text: str, number: int) -> str:\n    '''Says.\n\n    More.'''\n"


def test_it_holds_what_the_file_says(full: Contract) -> None:
    assert full.title == "Стойка поддержки 📞"
    assert full.roles.keys() == {"support", "lead"}
    assert full.tags == ("Desk", "Комнаты")
    assert [operation.name for operation in full.operations] == [
        "greeting",
        "room",
        "ticket",
        "count",
        "hall",
        "quotes",
        "clock",
        "pay",
        "note",
        "open",
    ]


def test_an_address_can_be_opened(table: RoutingTable, full: Contract) -> None:
    for operation in full.operations:
        match = table.match(operation.filled.encode())
        assert match is not None
        assert match.route.name == operation.name
        for name, convert in match.route.signature.params.items():
            convert(match.params[name])
    assert named(full, "note").filled == "/ws/%D0%B7%D0%B0%D0%BC%D0%B5%D1%82%D0%BA%D0%B8"


def test_parameters_that_no_process_takes_are_texts(tmp_path: Path) -> None:
    operation = made(tmp_path, {"url": "/ws/{room}/{number}"}, SAY)
    assert operation.parameters == {"room": {"type": "string"}, "number": {"type": "integer"}}
    assert operation.message["properties"].keys() == {"text"}


def test_the_first_example_says_which_address(tmp_path: Path) -> None:
    steps = [{"send": {"text": "Привет"}}]
    example = {"name": "A", "params": {"room": "зал 1", "number": "7"}, "steps": steps}
    operation = made(tmp_path, {"url": "/ws/{room}/{number}", "examples": [example]}, SAY)
    assert operation.filled == "/ws/%D0%B7%D0%B0%D0%BB%201/7"


def test_the_docstring_describes_what_the_file_does_not(tmp_path: Path) -> None:
    operation = made(tmp_path, {"url": "/ws"}, SAY)
    assert (operation.summary, operation.description) == ("Says.", "More.")
    operation = made(tmp_path, {"url": "/ws", "summary": "Говорит", "description": "Ещё"}, SAY)
    assert (operation.summary, operation.description) == ("Говорит", "Ещё")


def test_every_operation_has_a_message_that_fits(full: Contract) -> None:
    for operation in full.operations:
        if not operation.listens:
            assert operation.send is None
            continue
        schemas = [operation.message, operation.narrowing or {}]
        sent = {key: value for key, value in (operation.send or {}).items() if key != "$id"}
        assert operation.send is not None, operation.name
        assert all(Validator(schema).is_valid(sent) for schema in schemas), operation.name


def test_one_that_cannot_be_made_up_is_none(tmp_path: Path) -> None:
    asked = {"properties": {"text": {"allOf": [{"pattern": "^a"}, {"pattern": "b$"}]}}}
    assert made(tmp_path, {"url": "/ws/{number}", "input": asked}, SAY).send is None


def test_the_version_follows_file_and_processes(tmp_path: Path) -> None:
    texts = [SAY, SAY, SAY.replace("number: int", "number: float")]
    plans = ["/ws", "/ws/other", "/ws/other"]
    versions = []
    for url, source in zip(plans, texts, strict=True):
        table = drawn.table_of(tmp_path, {"endpoints": {"e": {"url": url, "process": "p.f"}}}, source)
        versions.append(contract(table).version)
        table.catalog.release()
    assert len(set(versions)) == 3


def test_replies_are_counted(full: Contract) -> None:
    counts = {operation.name: operation.replies for operation in full.operations}
    assert (counts["greeting"], counts["count"], counts["note"]) == ("one", "many", "none")
    assert named(full, "note").reply is None


def test_all_schemas_are_json(full: Contract) -> None:
    for operation in full.operations:
        for schema in (operation.message, operation.narrowing, operation.reply, operation.parameters):
            json.dumps(schema)
