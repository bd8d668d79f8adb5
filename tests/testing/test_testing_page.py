"""docs/testing.md: its project's examples and tests pass, and its tables have what the classes have."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jackfield
from jackfield.errors import PlanError
from jackfield.testing import Client, Project
from jackfield.testing.examples import REST_LIMIT, cases, run
from jackfield.testing.gateway import THREADS_LIMIT
from jackfield.testing.stall import STALL_LIMIT
from jackfield.testing.websocket import LEAVE_LIMIT

PAGE = (Path(jackfield.__file__).parent / "docs" / "testing.md").read_text("utf-8")
FILES = {
    text.partition("\n")[0].removeprefix("# "): text
    for text in re.findall(r"^```(?:python|yaml)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
}
(SETTINGS,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


async def test_every_example_of_the_page_passes(folder: Path) -> None:
    async with Project(folder) as project:
        found = [result async for result in run(cases(project.table), project)]
    assert [(result.case.name, result.failure) for result in found] == [
        ("A greeting", None),
        ("What is not taken", None),
        ("Two rooms", None),
    ]
    async with Project(folder / "raw") as project:
        assert [result.failure async for result in run(cases(project.table), project)] == [None]


async def test_an_example_that_no_longer_fits_is_seen_before_it_runs(folder: Path) -> None:
    process = folder / "processes" / "desk.py"
    process.write_text(process.read_text("utf-8").replace("text: str,", "text: int,"), "utf-8")
    with pytest.raises(PlanError) as caught:
        async with Project(folder):
            pass
    found = [problem for problem in caught.value.problems if problem.code == "example_mismatch"]
    assert {problem.file for problem in found} == {"endpoints.yaml", "examples/desk.yaml"}
    assert len(found) == 5


@pytest.mark.walk
@pytest.mark.tool
def test_the_tests_of_the_page_pass_in_a_run_of_pytest(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    before = {path for path in folder.rglob("*") if path.is_file()}
    pytest_run = [sys.executable, "-B", "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no"]
    done = subprocess.run(
        pytest_run, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.stdout.splitlines()[-1].startswith("4 passed"), done.stdout + done.stderr
    assert {path for path in folder.rglob("*") if path.is_file()} == before


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
    flat = " ".join(PAGE.split())
    for words in (
        "are waited for one second",
        "after 30 s in which nothing moves",
        "after five seconds, where",
        "after five seconds it is cancelled",
    ):
        assert words in flat
    assert (REST_LIMIT, STALL_LIMIT, THREADS_LIMIT, LEAVE_LIMIT) == (1.0, 30.0, 5.0, 5)
    for method in (Client.receive, Client.ask, Client.rest):
        assert inspect.signature(method).parameters["within"].default == 1
