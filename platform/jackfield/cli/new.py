"""`jackfield new`: begin a project, copy one of the examples, or begin a table. Never writes over anything."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from jackfield.cli.new_table import make_table
from jackfield.cli.schema import of_project
from jackfield.cli.settings import Failure, given_folder, project_folder
from jackfield.state import State, StateError, write_private

__all__ = ["EXAMPLES", "command", "files"]

_FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = tuple(sorted(path.parent.name for path in _FOLDER.glob("*/endpoints.yaml")))
"""The names of the examples, each a folder of the package."""

_ENDPOINTS = """\
# yaml-language-server: $schema=.jackfield/endpoints.schema.json
# What may stand here: jackfield docs endpoints
endpoints:
  greeting:                      # the endpoint's name, for documents and logs
    url: /ws/greeting            # where clients connect
    process: greeting.answer     # processes/greeting.py, function answer
    summary: "Answers small talk, echoes the rest"
    examples:
      - name: "A greeting"
        steps:
          - send: {message: "Привет"}
            expect: {message: "Привет!"}
"""

_PROCESS = '''\
from jackfield import process


@process(reply="message")
def answer(message: str) -> str:
    """Answers small talk, echoes the rest."""
    match message:
        case "Привет":
            return "Привет!"
        case "Как дела?":
            return "Отлично! Как у тебя?"
        case _:
            return message
'''

_TEST = """\
from pathlib import Path

from jackfield.testing import Client

PROJECT = Path(__file__).parents[1]


async def test_a_greeting_is_answered() -> None:
    async with Client(PROJECT, "greeting", login="anna") as client:
        assert await client.ask({"message": "Привет"}) == {"message": "Привет!"}


async def test_what_does_not_fit_is_told() -> None:
    async with Client(PROJECT, "greeting", login="anna") as client:
        answer = await client.ask({"message": 5})
        assert answer["error"]["code"] == "invalid_message"
"""

_PYPROJECT = """\
# `mypy .` and `pytest` in this folder look at the processes and run the tests. They need what is named here:
# pip install --group dev
[dependency-groups]
dev = ["mypy", "pytest", "pytest-asyncio"]

[tool.pytest.ini_options]
testpaths = ["tests"]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"

[tool.mypy]
strict = true
mypy_path = "."
explicit_package_bases = true    # processes/ and tests/ need no __init__.py
exclude = ["^venv/"]
"""

_SETTINGS = {
    "yaml.schemas": {
        ".jackfield/endpoints.schema.json": ["endpoints.yaml", "endpoints/*.yaml"],
        ".jackfield/examples.schema.json": ["examples/*.yaml"],
    },
    "files.associations": {"endpoints.yaml": "yaml"},
    "[yaml]": {"editor.tabSize": 2, "editor.insertSpaces": True},
}
_EXTENSIONS = {"recommendations": ["redhat.vscode-yaml", "ms-python.python"]}
_GITIGNORE = ".jackfield/\n.venv/\n__pycache__/\n"


def files(example: str = "") -> Mapping[str, str]:
    """The files of a new project, by their path in it; those of an example where one is named."""
    return {
        **(_example(_FOLDER / example) if example else _greeting()),
        ".vscode/settings.json": json.dumps(_SETTINGS, indent=2) + "\n",
        ".vscode/extensions.json": json.dumps(_EXTENSIONS, indent=2) + "\n",
        ".gitignore": _GITIGNORE,
    }


def _greeting() -> Mapping[str, str]:
    return {
        "endpoints.yaml": _ENDPOINTS,
        "processes/greeting.py": _PROCESS,
        "tests/test_greeting.py": _TEST,
        "pyproject.toml": _PYPROJECT,
    }


def _example(folder: Path) -> Mapping[str, str]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".pyc")  # pip compiles
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in found}


def _sentence(example: str) -> str:
    """What an example is: its README begins with that, behind the name."""
    with (_FOLDER / example / "README.md").open(encoding="utf-8") as file:
        return file.readline().partition(": ")[2].strip()


@click.command("new")
@click.argument("words", metavar="[DIR] | table NAME", nargs=-1)
@click.option("--example", type=click.Choice(EXAMPLES), help="Copy this example; DIR is its name where none is given.")
@click.option("--examples", is_flag=True, help="List the examples and make nothing.")
@click.option("--excel", is_flag=True, help="With `table`: for an Excel that takes semicolons, as most in Europe do.")
def command(words: tuple[str, ...], example: str | None, *, examples: bool, excel: bool) -> None:
    """Begin a project in DIR: endpoints.yaml, a process, an example, a test, and settings for tools and VS Code.

    `jackfield new table NAME` writes processes/NAME.csv into the project that is there: a small table that works, and
    what to put into endpoints.yaml.

    With --example the project is one that works as it is, to be changed: endpoints.yaml, a page, and a README that
    says what to try.
    """
    if examples:
        for one in EXAMPLES:
            click.echo(f"{one:<14} {_sentence(one)}")
        return
    if words[:1] == ("table",):
        if len(words) != 2:
            raise Failure("name the table: jackfield new table prices (for a project in a folder `table`: ./table)", 2)
        make_table(project_folder(given_folder()), words[1], excel=excel)
        return
    if len(words) > 1 or excel:
        raise Failure("--excel is for tables" if excel else f"one DIR is wanted, and {words[1]} is one more", 2)
    name = "".join(words) or example or ""
    if not name.strip():  # an unset variable of a script, for example; a path makes the current folder of it
        raise Failure("DIR is empty; name the project's folder: jackfield new my-bot (or . for this one)", 2)
    folder, wanted = Path(name), files(example or "")
    taken = [part for part in wanted if os.path.lexists(folder / part)]
    if taken:
        raise Failure(f"{folder} has {', '.join(taken)} already; choose another folder")
    try:
        _write(folder, wanted)
    except StateError as exc:
        raise Failure(str(exc)) from exc
    except OSError as exc:
        raise Failure(f"cannot write into {folder}: {exc.strerror or exc}") from exc
    click.echo(f"Made a project in {folder}. Start it, publishing on each save, with:", err=True)
    click.echo(f"  jackfield -C {shlex.quote(str(folder))} serve --watch", err=True)
    if example:
        click.echo(f"{folder / 'README.md'} says what to try.", err=True)


def _write(folder: Path, wanted: Mapping[str, str]) -> None:
    for part, text in wanted.items():
        path = folder / part
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:  # never through a link that leads elsewhere
            file.write(text)
    state = State.open(folder)
    for path, about_examples in ((state.endpoints_schema, False), (state.examples_schema, True)):
        found = of_project(folder, examples=about_examples)
        write_private(path, json.dumps(found, ensure_ascii=False, indent=2), 0o644)
