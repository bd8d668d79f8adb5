"""`jackfield users import`: a file as spreadsheets write it, its faults at their cells, all of them or nobody."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import Result

from .conftest import run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "endpoints.yaml").write_text("roles: {support: 'Поддержка'}\nendpoints: {}\n", "utf-8")
    return tmp_path


def imported(project: Path, data: bytes, *options: str) -> Result:
    (project / "люди.csv").write_bytes(data)
    return run("-C", project, "users", "import", project / "люди.csv", *options)


def users(project: Path) -> dict[str, list[str]]:
    listed = run("-C", project, "users", "list", "--format", "json")
    return {user["login"]: user["roles"] for user in json.loads(listed.stdout)}


@pytest.mark.parametrize(
    "data",
    [
        'login,name,roles,password\nаня,Аня 🙂,"support, ночь",длинный пароль\nborya,,,\n'.encode(),
        "\ufeffLogin;Name;Roles;Password\r\nаня;Аня 🙂;support ночь;длинный пароль\r\nborya;;;\r\n".encode(),
        "login\troles\t# откуда\nаня\tsupport;ночь\tиз отпуска\nborya\t\t\n".encode("utf-16"),
    ],
    ids=["commas", "excel", "tabs"],
)
def test_a_file_of_any_spreadsheet_is_read(project: Path, data: bytes) -> None:
    done = imported(project, data)
    assert done.exit_code == 0, done.stderr
    assert users(project) == {"borya": [], "аня": ["support", "ночь"]}
    assert "Added 2 users." in done.stderr
    assert "declares no role ночь" in done.stderr
    made = list(csv.reader(io.StringIO(done.stdout)))
    assert made[0] == ["login", "password"]
    assert made[-1][0] == "borya"
    assert len(made[-1][1]) == 19
    given = run("-C", project, "users", "import", project / "люди.csv")
    assert (given.stdout, "Skipped 2 who are there already: аня, borya." in given.stderr) == ("", True)


def test_all_problems_are_told_at_their_cells_and_nobody_is_added(project: Path) -> None:
    lines = ["login;roles;password", "аня;support;", "key:x;a+b -c;коротко", "", '"аня\n";;']
    done = imported(project, "\r\n".join(lines).encode())
    assert (done.exit_code, done.stdout) == (1, "")
    places = [line.partition("люди.csv:")[2].split(": ")[:2] for line in done.stderr.splitlines()[:-1]]
    assert places == [["3:1", "A3"], ["3:7", "B3"], ["3:14", "C3"], ["5:1", "A5"]]
    assert "[bad_table]" not in done.stderr
    assert "4 problems" in done.stderr
    assert users(project) == {}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("login;roles\nанна;support\n".encode("cp1251"), "read as windows-1251 the line is: анна"),
        (b"PK\x03\x04", "not CSV"),
        (b"name,roles\nanna,support\n", "no column has the head `login`"),
        (b"login,role\nanna,support\n", 'did you mean "roles"?'),
        (b"login,login\nanna,anna\n", "stands twice"),
        (b"anna\nboris\n", "login,name,roles,password"),
        (b"login,roles\n" + b"".join(b"u%d,\n" % n for n in range(5001)), "at most 5,000 users"),
    ],
)
def test_a_file_that_is_no_list_of_users_says_so(project: Path, data: bytes, said: str) -> None:
    done = imported(project, data)
    assert (done.exit_code, said in done.stderr) == (1, True), done.stderr
    assert users(project) == {}


def test_a_dry_run_adds_nobody_and_standard_input_is_read(project: Path) -> None:
    done = run("-C", project, "users", "import", "-", "--dry-run", given="login,roles\nаня,support\n".encode())
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "Would add 1 user.\n")
    assert users(project) == {}


def test_a_login_that_looks_like_a_formula_is_none_in_what_is_printed(project: Path) -> None:
    assert imported(project, b"login,roles\n=cmd,\n").stdout.splitlines()[1].startswith("'=cmd,")
