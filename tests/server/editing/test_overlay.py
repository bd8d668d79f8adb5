"""What would be wrong with a project if its files had other texts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jackfield.routing.build import problems_of
from jackfield.server.editing.overlay import problems_with
from tests.projects import SAY, write

YAML = b"endpoints:\n  say: {url: /ws/say, process: p.say}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path / "project", YAML.decode(), p=SAY)
    (tmp_path / "project/examples").mkdir()
    (tmp_path / "project/examples/say.yaml").write_text("examples:\n  sey: []\n", "utf-8")
    return tmp_path / "project"


def said(project: Path, **texts: bytes) -> list[str]:
    laid = {tuple(name.replace("__", ".").split("_")): text for name, text in texts.items()}
    return [str(problem) for problem in problems_with(project, laid)]


def test_without_other_texts_it_is_what_check_says(project: Path) -> None:
    problems, _ = problems_of(project)
    assert said(project) == [str(problem) for problem in problems] != []


def test_texts_stand_in_the_place_of_the_files_and_beside_them(project: Path) -> None:
    before = sorted(project.rglob("*"))
    found = said(
        project,
        endpoints__yaml=YAML.replace(b"process:", b"proces:") + "  # 😀\n".encode(),
        processes_new_stol__py=b"def f(:\n",
        processes_faq__csv="first,приветъ\n".encode(),
        endpoints_more__yaml=b"endpoints:\n  more: {url: /ws/more, process: new.f}\n",
        examples_say__yaml=b"examples:\n  say: []\n",
    )
    places = [problem.partition(": ")[0] for problem in found]
    assert places[0] == "endpoints.yaml:2:23"
    assert {"processes/new/stol.py:1:7", "endpoints/more.yaml:2:25"} <= set(places)
    assert any(place.startswith("processes/faq.csv") for place in places)
    assert not any(place.startswith("examples/") for place in places), "the mended text has no problem"
    assert sorted(project.rglob("*")) == before


def test_nothing_is_imported(project: Path) -> None:
    assert not [
        one for one in said(project, processes_p__py=b"import sys\nsys.boom = 1\n" + SAY.encode()) if "p.py" in one
    ]
    assert not hasattr(sys, "boom")


def test_what_is_hidden_is_not_looked_at(project: Path) -> None:
    (project / ".jackfield").mkdir()
    linked: list[str] = []
    made = Path.symlink_to

    def watched(self: Path, target: Path, target_is_directory: bool = False) -> None:
        linked.append(target.name)
        made(self, target, target_is_directory)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "symlink_to", watched)
        said(project)
    assert linked == ["endpoints.yaml", "examples", "processes"]


def test_without_links_files_are_copied(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **_more: object) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    before = said(project, endpoints__yaml=YAML)
    monkeypatch.setattr(Path, "symlink_to", never)
    assert said(project, endpoints__yaml=YAML) == before
