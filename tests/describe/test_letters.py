"""Classes and definitions whose names are of another alphabet: everything that is made from them holds together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from openapi_spec_validator import validate

from jackfield.describe.clients import python, typescript
from jackfield.describe.contract import Contract, contract
from jackfield.describe.documents import asyncapi, markdown, openapi
from jackfield.routing.build import build
from jackfield.routing.table import RoutingTable
from tests.projects import write

CODE = '''
from dataclasses import dataclass
from enum import Enum

from jackfield import process


class Цвет(Enum):
    КРАСНЫЙ = "красный"
    СИНИЙ = "синий"


@dataclass
class Заказ:
    """Что заказано."""

    цвет: Цвет
    дети: "list[Заказ] | None" = None


@process
def answer(text: str, заказ: Заказ | None = None) -> Заказ:
    return заказ or Заказ(Цвет.СИНИЙ)
'''
ENDPOINTS = """
endpoints:
  order:
    url: /ws/заказы
    process: orders.answer
    input: {properties: {text: {$ref: "#/$defs/слово"}}, $defs: {слово: {maxLength: 5}}}
"""
ADDRESS = "https://desk.example.com"


@pytest.fixture
def table(tmp_path: Path) -> RoutingTable:
    return build(write(tmp_path, ENDPOINTS, orders=CODE), 1)


@pytest.fixture
def found(table: RoutingTable) -> Contract:
    return contract(table)


def test_messages_are_judged_by_them(table: RoutingTable) -> None:
    route = table.routes["order"]
    fine = {"text": "да", "заказ": {"цвет": "красный", "дети": [{"цвет": "синий"}]}}
    assert route.whole.is_valid(fine)
    assert not route.whole.is_valid({**fine, "text": "длинное"}), "by the definition under `input:`"
    assert not route.whole.is_valid({"text": "да", "заказ": {"цвет": "жёлтый"}}), "by the enum"
    assert [fault.path for fault in route.whole.faults({"text": "да", "заказ": {"дети": []}})] == ["/заказ/цвет"]


def test_every_reference_of_the_documents_finds_its_target(found: Contract) -> None:
    for document in (asyncapi.document(found, ADDRESS), openapi.document(found, ADDRESS)):
        text = json.dumps(document)
        references = {part.split('"')[0] for part in text.split('"$ref": "')[1:]}
        assert references
        for reference in references:
            at = document
            for step in reference.removeprefix("#/").split("/"):
                at = at[step.replace("~1", "/").replace("~0", "~")]
        assert "Заказ" in yaml.safe_dump(document, allow_unicode=True)
    validate(openapi.document(found, ADDRESS))


def test_people_read_their_own_names(found: Contract) -> None:
    assert "**Заказ**" in markdown.reference(found, ADDRESS)
    assert "Заказ" in typescript.client(found)
    assert "class Заказ" in python.client(found)
