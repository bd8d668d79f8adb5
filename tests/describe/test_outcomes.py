"""Which codes apply to an endpoint: none that cannot come, and all that its settings bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jackfield.describe import outcomes
from jackfield.describe.contract import Operation, contract
from jackfield.errors import CODES
from tests.describe import drawn

SOURCE = "from jackfield import process\n@process\ndef f(text: str) -> str: ...\n"

Make = Callable[..., Operation]


@pytest.fixture
def operation(tmp_path: Path) -> Iterator[Make]:
    tables = []

    def make(**settings: Any) -> Operation:
        plan = {"roles": {"lead": "…"}, "endpoints": {"e": {"url": "/ws", "process": "p.f", **settings}}}
        tables.append(drawn.table_of(tmp_path, plan, SOURCE))
        return contract(tables[-1]).operations[0]

    yield make
    for table in tables:
        table.catalog.release()


def names(codes: tuple[Any, ...]) -> set[str]:
    return {code.name for code in codes}


@pytest.mark.parametrize(
    ("settings", "there", "absent"),
    [
        ({}, {"not_logged_in", "bad_credential", "origin_not_allowed"}, {"role_required", "too_many_of_address"}),
        ({"auth": {"roles": ["lead"]}}, {"role_required", "not_logged_in"}, set()),
        ({"auth": "optional"}, {"bad_credential", "session_expired"}, {"not_logged_in", "role_required"}),
        ({"auth": "public"}, {"not_found"}, {"bad_credential", "not_logged_in", "too_many_of_user"}),
        ({"origins": "any"}, set(), {"origin_not_allowed"}),
        ({"origins": "any", "origin_required": True}, {"origin_not_allowed"}, set()),
        ({"limits": {"per_address": 3}}, {"too_many_of_address"}, set()),
    ],
)
def test_refusals(operation: Make, settings: dict[str, Any], there: set[str], absent: set[str]) -> None:
    found = outcomes.refusals(operation(**settings))
    assert there <= names(found)
    assert not absent & names(found)
    assert [code.status for code in found] == sorted(code.status for code in found)
    assert {code.moment for code in found} == {"handshake"}


def test_errors(operation: Make) -> None:
    every = {code.name for code in CODES.values() if code.moment == "message"}
    assert names(outcomes.errors(operation())) == every
    assert every - names(outcomes.errors(operation(limits={"rate": "off"}))) == {"rate_limited"}
    assert names(outcomes.errors(operation(limits={"rate": "off", "rate_per_user": "5/s"}))) == every


def test_closes(operation: Make) -> None:
    every = {code.name for code in CODES.values() if code.moment == "connection"}
    assert every - names(outcomes.closes(operation())) == {"idle"}
    assert names(outcomes.closes(operation(limits={"idle": "5m"}))) == every
    assert every - names(outcomes.closes(operation(auth="public"))) == {"idle", "session_ended", "forbidden"}
