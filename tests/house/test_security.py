"""docs/security.md says of each row what the tests show, and the tests are named by the rows."""

from __future__ import annotations

import ast
import re

from tests.assurance.rows import GROUPS, ROWS, Row, row_of
from tests.house import security_page
from tests.house.habits import PACKAGE, sources


def names() -> list[tuple[str, str]]:
    """Every test of tests/assurance, with its file's name."""
    return [
        (path.stem, node.name)
        for path in sources(security_page.ASSURANCE)
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


def test_the_page_of_security_is_made_from_the_tests() -> None:
    text = (PACKAGE / "docs" / "security.md").read_text("utf-8")
    assert text == security_page.page(), "python -m tests.house.security_page > …/docs/security.md"


def test_every_test_of_assurance_carries_the_id_of_a_row_of_its_file() -> None:
    known = {row.id for row in ROWS}
    wrong = [
        f"{file}.py: {name}"
        for file, name in names()
        if row_of(name) not in known or file.split("_")[1] != row_of(name).partition("-")[0].lower()
    ]
    assert wrong == []


def test_a_name_stands_once() -> None:
    found = [name for _, name in names()]
    assert [name for name in found if found.count(name) > 1] == []


def test_rows_are_in_order_and_numbered_without_gaps() -> None:
    assert [row.id for row in ROWS] == [
        f"{group}-{number}" for group in GROUPS for number in range(1, 1 + sum(row.group == group for row in ROWS))
    ]


def test_what_a_row_says_fits_into_a_table() -> None:
    for row in ROWS:
        for text in (row.requirement, row.deviation, row.rest):
            assert not re.search(r"[|\n]", text), row.id
            assert not text or text.endswith("."), row.id


def test_the_row_of_a_test() -> None:
    assert row_of("test_tr_6_slow_clients_are_closed") == "TR-6"
    assert row_of("test_rel_20_x") == "REL-20"
    assert row_of("test_tr_") == row_of("test_something_6_else") == row_of("test_tr_6") == row_of("tr_6_x") == ""


def test_a_row_with_a_rest_is_never_held() -> None:
    row = Row("TR-1", "Something holds.", rest="The other half.")
    assert "| in part |" in security_page._line(row, ["test_tr_1_x"])
    assert "The other half." in security_page._line(row, ["test_tr_1_x"])
    assert "| not held yet |" in security_page._line(row, [])
