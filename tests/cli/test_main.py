"""The command line as a whole: its help, its version, its lazy commands, the environment."""

from __future__ import annotations

import pytest

import jackfield
from jackfield.cli import main, serve
from jackfield.cli.settings import settings
from tests.cli.conftest import run

COMMANDS = ["serve", "check", "publish", "status", "refusals", "call", "users", "token", "new", "schema"]


def test_version_and_help() -> None:
    assert run("--version").stdout == f"jackfield {jackfield.__version__}\n"
    reported = run("--help")
    assert reported.exit_code == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in reported.stdout] == []
    assert "3 no server reached" in reported.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_reports_of_itself(name: str) -> None:
    reported = run(name, "--help")
    assert (reported.exit_code, reported.stderr) == (0, "")
    assert reported.stdout.startswith("Usage: ")


@pytest.mark.parametrize("command", [["check"], ["serve"], ["users", "list"], ["export", "openapi"]])
@pytest.mark.parametrize("given", [["-C", "w"], ["-Cw"]])
def test_an_option_of_all_commands_may_stand_behind_them(command: list[str], given: list[str]) -> None:
    done = run(*command, *given)
    assert done.exit_code == 2
    assert done.stderr.startswith("jackfield: -C: there is no folder ")
    assert "-C names two folders" in run("-C", "tests", *command, *given).stderr
    assert "--version stands alone: jackfield --version\n" in run(*command, "--version").stderr
    assert "No such option" in run(*command, "--frob").stderr


@pytest.mark.parametrize(
    ("word", "said"),
    [("chek", "there is no command 'chek'; did you mean \"check\"?"), ("привет", "jackfield --help lists all")],
)
def test_a_command_that_is_not_there(word: str, said: str) -> None:
    done = run(word)
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


def test_pages_of_the_documents_are_printed() -> None:
    assert {"endpoints", "errors", "push"} <= {line.split()[0] for line in run("docs").stdout.splitlines()}
    assert run("docs", "push.md").stdout == run("docs", "push").stdout
    assert run("docs", "push").stdout.startswith("# Push\n")
    done = run("docs", "endpoint")
    assert (done.exit_code, done.stderr) == (2, "jackfield: there is no page 'endpoint'; did you mean \"endpoints\"?\n")


@pytest.mark.parametrize("arguments", [["frob"], ["--frob"], ["users", "frob"], []])
def test_wrong_usage_is_exit_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_every_option_of_serve_has_its_variable() -> None:
    names = {parameter.name for parameter in serve.command.params} - {"help", "of_project"}
    of_send = {"JACKFIELD_KEY"}
    assert {f"JACKFIELD_{name.upper()}" for name in names if name} | of_send == settings(main)[0].keys()
