"""docs/testing.md: its files are a project whose tests pass, and its tables have what the classes have."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jackfield
from jackfield.testing import Client, Project
from jackfield.testing.websocket import LEAVE_LIMIT

PAGE = (Path(jackfield.__file__).parent / "docs" / "testing.md").read_text("utf-8")
FILES = {
    text.partition("\n")[0].removeprefix("# "): text
    for text in re.findall(r"^```(?:python|yaml)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
}
(SETTINGS,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.walk
@pytest.mark.tool
def test_the_tests_of_the_page_pass_in_a_run_of_pytest(tmp_path: Path) -> None:
    (tmp_path / "processes").mkdir()
    (tmp_path / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    run = [sys.executable, "-B", "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    assert done.stdout.splitlines()[-1].startswith("4 passed"), done.stdout + done.stderr
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_page_has_every_word_of_a_client() -> None:
    table = PAGE.partition("## Entering")[2].partition("## Talking")[0]
    reported = {
        name for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert reported == set(inspect.signature(Client).parameters) - {"project", "endpoint"}
    connect = set(inspect.signature(Project.connect).parameters) - {"self", "endpoint"}
    given_to_the_project = {"resources", "check_replies"}
    assert connect == reported - given_to_the_project
    assert given_to_the_project < set(inspect.signature(Project).parameters)


def test_the_page_has_every_method_of_a_client() -> None:
    table = PAGE.partition("## Talking")[2].partition("## Time")[0]
    reported = set(re.findall(r"^\| `(\w+)(?:\(.*?\))?` \|", table, re.MULTILINE))
    assert reported == {name for name in vars(Client) if not name.startswith("_")} - {"subprotocol"}


def test_the_times_of_the_page_are_those_of_the_code() -> None:
    assert "after five seconds it is cancelled" in " ".join(PAGE.split())
    assert LEAVE_LIMIT == 5
    for method in (Client.receive, Client.ask, Client.rest):
        assert inspect.signature(method).parameters["within"].default == 1
