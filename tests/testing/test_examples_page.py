"""The project of docs/examples.md loads, and its examples pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import jackfield
from jackfield.errors import PlanError
from jackfield.testing import Project
from jackfield.testing.examples import REST_LIMIT, cases, run
from jackfield.testing.gateway import THREADS_LIMIT
from jackfield.testing.stall import STALL_LIMIT

PAGE = (Path(jackfield.__file__).parent / "docs" / "examples.md").read_text("utf-8")
FILES = dict(re.findall(r"^```(?:python|yaml)\n# (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


async def test_every_example_of_the_page_passes(folder: Path) -> None:
    own = ["processes/desk.py", "endpoints.yaml", "examples/desk.yaml"]
    assert list(FILES) == [*own, "raw/endpoints.yaml", "comments/endpoints.yaml"]
    async with Project(folder) as project:
        found = [result async for result in run(cases(project.table), project)]
    assert [(result.case.name, result.failure) for result in found] == [
        ("A greeting", None),
        ("What is not taken", None),
        ("Two rooms", None),
    ]
    for other in ("raw", "comments"):
        async with Project(folder / other) as project:
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


def test_the_times_of_the_page_are_those_of_the_code() -> None:
    assert (REST_LIMIT, STALL_LIMIT, THREADS_LIMIT) == (1.0, 30.0, 5.0)
    flat = " ".join(PAGE.split())
    for words in ("are waited for one second", "after 30 s in which nothing moves", "after five seconds, where"):
        assert words in flat
