"""docs/security.md says of each row what the tests show, and the tests are named by the rows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.assurance import results
from tests.assurance.rows import GROUPS, ROWS, Row, row_of
from tests.house import security_page
from tests.house.habits import PACKAGE, ROOT


def test_the_page_of_security_is_made_from_the_results_of_the_last_whole_run() -> None:
    text = (PACKAGE / "docs" / "security.md").read_text("utf-8")
    assert text == security_page.page(results.read()), "python -m tests.house.security_page > …/docs/security.md"


def test_results_are_of_tests_that_exist() -> None:
    assert results.read().keys() <= {name for _, name, _ in security_page.shown()}


def test_a_test_names_a_row_once() -> None:
    assert [name for _, name, rows in security_page.shown() if len(rows) > len(set(rows))] == []


ROW = """
import pytest

def test_tr_1_passes(): ...

def test_tr_1_fails():
    assert False

@pytest.mark.shows("TR-1")
def test_of_another_room(): ...

def test_that_shows_nothing(): ...

@pytest.mark.parametrize("way", ["a", "b"])
def test_tr_1_is_skipped_one_way(way):
    if way == "a":
        pytest.skip("no browser here")

@pytest.mark.xfail(strict=True)
def test_tr_1_is_expected_to_fail():
    assert False

@pytest.fixture
def broken():
    raise OSError

def test_tr_1_never_begins(broken): ...

@pytest.fixture
def untidy():
    yield
    raise OSError

def test_tr_1_leaves_a_mess(untidy): ...

def test_tr_1_is_not_asked_for(): ...
"""


def test_a_row_is_held_by_what_the_run_says_of_each_of_its_tests(tmp_path: Path) -> None:
    (tmp_path / "test_tr.py").write_text(ROW)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not not_asked_for"]
    command += ["--rootdir", str(tmp_path), "-c", str(tmp_path / "none.ini"), "-p", "tests.conftest", "-n", "1"]
    (tmp_path / "none.ini").write_text("[pytest]\nmarkers = shows\n")
    reported = tmp_path / "results.txt"
    done = subprocess.run(
        [*command, "--results", str(reported), str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found = results.read(reported)
    assert found == {
        "test_tr_1_passes": "passed",
        "test_tr_1_fails": "failed",
        "test_tr_1_is_skipped_one_way": "skipped",
        "test_tr_1_is_expected_to_fail": "skipped",
        "test_tr_1_never_begins": "failed",
        "test_tr_1_leaves_a_mess": "failed",
        "test_of_another_room": "passed",
    }
    row = Row("TR-1", "Something holds.")
    assert "| held |" in security_page._line(row, ["test_tr_1_passes"], found)
    for name in [*(found.keys() - {"test_of_another_room"}), "test_tr_1_is_not_asked_for"]:
        line = security_page._line(row, ["test_tr_1_passes", name], found)
        assert ("| held |" in line) == (name == "test_tr_1_passes")
        assert ("| not held |" in line) != (name == "test_tr_1_passes")
    assert "`test_tr_1_is_not_asked_for` (not run)" in security_page._line(row, ["test_tr_1_is_not_asked_for"], found)


def test_every_row_that_a_test_shows_exists_and_is_one_of_its_file() -> None:
    known = {row.id for row in ROWS}
    for path, name, rows in security_page.shown():
        assert set(rows) <= known, (path, name)
        if path.parent == security_page.ASSURANCE:
            assert rows, (path, name)
            assert path.stem.split("_")[1].upper() == rows[0].partition("-")[0], (path, name)


def test_the_name_of_a_test_that_shows_a_row_stands_once() -> None:
    found = [name for _, name, _ in security_page.shown()]
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
    line = security_page._line(row, ["test_tr_1_x"], {"test_tr_1_x": "passed"})
    assert "| in part |" in line
    assert "The other half." in line
    assert "| not held |" in security_page._line(row, [], {})
