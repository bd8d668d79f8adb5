"""The key `site`: which folders it takes, and how it is read before a project is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.config.load import load
from jackfield.config.site_name import site_name

ENDPOINTS = "endpoints:\n  say: {url: /ws/say, process: echo.same}\n"


@pytest.mark.parametrize("name", ["site", "web/dist", "Сайт", "my pages", "a.b/c-d", "processes2", "web/processes"])
def test_a_folder_beside_the_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "endpoints.yaml").write_text(f'site: "{name}"\n{ENDPOINTS}', encoding="utf-8")
    loaded = load(tmp_path)
    assert loaded.problems == ()
    assert loaded.plan.site == site_name(tmp_path) == name


@pytest.mark.parametrize(
    "text",
    [
        *('"."', '".."', '"../site"', '"site/.."', '"a/../../b"', '"./site"', '"/var/www"', '"site/"', '"a//b"', '""'),
        *('".jackfield"', '"a/.git"', '"processes"', '"processes/x"', '"examples"', '"endpoints"', '"C:x"', '"a\\\\b"'),
        *('"site\\n"', "5", "[site]", "true", "null", "{a: b}", f'"{"x" * 201}"'),
    ],
)
def test_anything_else_is_a_problem_with_its_place(tmp_path: Path, text: str) -> None:
    (tmp_path / "endpoints.yaml").write_text(f"# да\nsite: {text}\n{ENDPOINTS}", encoding="utf-8")
    loaded = load(tmp_path)
    (problem,) = loaded.problems
    assert (problem.path, problem.line, problem.severity) == ("site", 2, "error")
    assert problem.code in ("wrong_value", "wrong_type")
    assert loaded.plan.site == ""
    if "x" * 201 not in text:
        assert site_name(tmp_path) == ""


@pytest.mark.parametrize("text", ["site: [", "- site", "site: a\nsite: b\n", "\udcff", "x: &a [*a]"])
def test_of_a_file_that_cannot_be_read_nothing_is_known(tmp_path: Path, text: str) -> None:
    assert site_name(tmp_path) == ""
    (tmp_path / "endpoints.yaml").write_text(text, encoding="utf-8", errors="surrogateescape")
    assert site_name(tmp_path) in ("", "a"), text
