"""The folder of a site: what `check` says of it, and what of it a publish copies."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.errors import PlanError, Problem
from jackfield.routing import site_folder
from jackfield.routing.build import build, problems_of

ENDPOINTS = "site: site\nendpoints:\n  say: {url: '/ws/{name}', process: p.say, auth: public}\n"
CODE = "from jackfield import process\n@process\ndef say(name: str) -> str:\n    return name\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "processes").mkdir(parents=True)
    (folder / "processes" / "p.py").write_text(CODE)
    (folder / "endpoints.yaml").write_text(ENDPOINTS)
    (folder / "site").mkdir()
    (folder / "site" / "index.html").write_text("да")
    return folder


def found(project: Path) -> tuple[Problem, ...]:
    try:
        table = build(project, 7100)
    except PlanError as exc:
        return exc.problems
    table.catalog.release()
    return table.warnings


def test_a_sound_site_is_none(project: Path) -> None:
    (project / "site" / "Привет 👋.txt").write_text("да")
    assert found(project) == problems_of(project)[0] == ()


def test_a_folder_that_is_not_there_is_a_problem_with_its_place(project: Path) -> None:
    (project / "site").rename(project / "sites")
    for problems in (found(project), problems_of(project)[0]):
        assert [(p.code, p.path, p.line, p.severity) for p in problems] == [("bad_site", "site", 1, "error")]
        assert 'there is no folder "site"; make it beside endpoints.yaml' in str(problems[0])
    (project / "site").write_text("a file")
    assert "this is a file, not a folder" in str(found(project)[0])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("docs/x.html", "site/docs/x.html is never served: /docs belongs to Jackfield itself"),
        ("openapi-guide.html", "belongs to Jackfield itself"),
        ("jackfield.js", "/jackfield.js belongs to Jackfield itself"),
        ("console/index.html", "/console belongs to Jackfield itself"),
        ("ws/a b.html", "site/ws/a b.html is never served: the endpoint say has its address"),
        ("a\\b.txt", "its name can be no address"),
    ],
)
def test_what_is_never_served_is_a_warning(project: Path, name: str, said: str) -> None:
    (project / "site" / name).parent.mkdir(exist_ok=True)
    (project / "site" / name).write_text("да")
    (problem,) = found(project)
    assert (problem.code, problem.severity) == ("bad_site", "warning")
    assert said in str(problem)


def test_links_that_lead_out_are_named_and_not_copied(project: Path) -> None:
    site = project / "site"
    (project.parent / "outside").mkdir()
    (project.parent / "outside" / "x.txt").write_text("secret")
    (site / "a").mkdir()
    (site / "a" / "real.txt").write_text("да")
    (site / "out.txt").symlink_to(project.parent / "outside" / "x.txt")
    (site / "out").symlink_to(project.parent / "outside")
    (site / "0").symlink_to(site / "a")
    (site / "same.txt").symlink_to(site / "a" / "real.txt")
    (site / "dangling").symlink_to(site / "nowhere")
    (site / ".env").write_text("secret")
    problems = [str(problem) for problem in found(project)]
    assert len(problems) == 3
    for name, problem in zip(("0", "out", "out.txt"), problems, strict=True):
        assert f"site/{name} is a link to a folder or out of this one, and is not served" in problem
    copied = [path.relative_to(site).as_posix() for path in site_folder.copied(site)]
    assert copied == ["index.html", "same.txt", "a/real.txt"]


def test_the_folder_itself_may_be_a_link(project: Path) -> None:
    (project / "site").rename(project.parent / "built")
    (project / "site").symlink_to(project.parent / "built")
    assert found(project) == ()
    assert [path.name for path in site_folder.copied(project / "site")] == ["index.html"]


def test_a_site_without_a_first_page_is_a_warning(project: Path) -> None:
    (project / "site" / "index.html").unlink()
    (problem,) = found(project)
    assert "there is no index.html in it, so that / answers 404" in str(problem)


def test_a_large_site_is_a_warning_and_not_copied(project: Path) -> None:
    with (project / "site" / "film.mp4").open("wb") as film:
        film.truncate(site_folder.MOST_COPIED - (project / "site" / "index.html").stat().st_size)
        assert found(project) == ()
        assert len(site_folder.copied(project / "site")) == 2
        film.truncate(site_folder.MOST_COPIED)
    (problem,) = found(project)
    assert problem.severity == "warning"
    assert "it has 20.0 MiB, and a publish copies none of what has over 20 MiB" in str(problem)
    assert site_folder.copied(project / "site") == []


def test_pages_are_those_of_the_copy_where_it_has_some(project: Path, tmp_path: Path) -> None:
    table = build(project, 7101)
    copy = tmp_path / "copy"
    copy.mkdir()
    assert site_folder.served(table.plan, copy, project) == project / "site"
    (copy / "site").mkdir()
    assert site_folder.served(table.plan, copy, project) == copy / "site"
    table.catalog.release()
    (project / "endpoints.yaml").write_text(ENDPOINTS.replace("site: site\n", ""))
    table = build(project, 7102)
    assert site_folder.served(table.plan, copy, project) is None
    table.catalog.release()
