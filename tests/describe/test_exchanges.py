"""What of an endpoint's examples can stand in a document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jackfield.describe.contract import contract
from jackfield.describe.exchanges import Shown, exchanges
from tests.describe import drawn

SOURCE = "from jackfield import process\n@process\ndef f(text: str) -> dict[str, str]: ...\n"


def shown(
    folder: Path, *steps: dict[str, Any], more: dict[str, Any] | None = None
) -> list[tuple[str, str, dict[str, Any]]]:
    examples = {"examples": [{"name": "Пример", **(more or {}), "steps": list(steps)}]} if steps else {}
    table = drawn.table_of(folder, {"endpoints": {"e": {"url": "/ws", "process": "p.f", **examples}}}, SOURCE)
    try:
        found: tuple[Shown, ...] = exchanges(contract(table).operations[0])
    finally:
        table.catalog.release()
    return [(one.kind, one.name, one.payload) for one in found]


def test_each_message_is_shown_once_under_its_own_name(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"send": {"text": "a"}},
        {"expect": {"b": "c"}},
        {"send": {"text": "a"}},
        {"send": {"text": "d", "$id": 1}},
    ]
    assert shown(tmp_path, *steps) == [
        ("message", "Пример", {"text": "a"}),
        ("reply", "Пример", {"b": "c"}),
        ("message", "Пример (2)", {"text": "d", "$id": 1}),
    ]


def test_an_error_is_made_whole(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"send": {"text": "a"}, "expect_error": "out_of_stock"},
        {"send": {"text": "b"}, "expect_error": {"code": "rate_limited", "retry_after": 1}},
    ]
    found = {kind: payload for kind, _, payload in shown(tmp_path, *steps)}
    assert found["rejection"] == {"error": {"code": "out_of_stock", "message": "out of stock"}}
    assert found["error"]["error"].keys() == {"code", "message", "retry_after"}


def test_what_is_wrong_or_in_part_is_not_shown(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"send": {"txt": "a"}, "expect_error": "invalid_message"},
        {"expect": {"b": "c"}, "partial": True},
    ]
    assert [kind for kind, _, _ in shown(tmp_path, {"send": {"text": "a"}}, *steps)] == ["message", "error"]


def test_events_and_the_end_are_known(tmp_path: Path) -> None:
    kinds = [kind for kind, _, _ in shown(tmp_path, {"send": {"text": "a"}}, {"expect": {"event": "ring"}})]
    assert kinds == ["message", "event"]


def test_what_is_pushed_is_an_event_that_comes(tmp_path: Path) -> None:
    """Once: what is expected of it is the same, or not whole."""
    push = {"user": "anna", "event": {"event": "новость"}}
    steps: list[dict[str, Any]] = [{"push": push, "expect": {"event": "новость"}}]
    assert shown(tmp_path, *steps, more={"as": {"login": "anna"}})[:-1] == [
        ("event", "Пример", {"event": "новость"}),
    ]


def test_without_an_example_one_is_made_up(tmp_path: Path) -> None:
    assert shown(tmp_path) == [("message", "A message that fits", {"text": "…"})]
