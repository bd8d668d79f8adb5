"""`jackfield new`: begin a project. Never writes over anything."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from jackfield.cli.settings import Failure
from jackfield.config import editor_schema
from jackfield.state import State, StateError, write_private

__all__ = ["command", "files"]

_ENDPOINTS = """\
# yaml-language-server: $schema=.jackfield/endpoints.schema.json
# What may stand here: jackfield schema, and docs/endpoints.md of the package.
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


def files() -> Mapping[str, str]:
    """The files of a new project, by their path in it."""
    return {
        "endpoints.yaml": _ENDPOINTS,
        "processes/greeting.py": _PROCESS,
        "tests/test_greeting.py": _TEST,
        "pyproject.toml": _PYPROJECT,
        ".vscode/settings.json": json.dumps(_SETTINGS, indent=2) + "\n",
        ".vscode/extensions.json": json.dumps(_EXTENSIONS, indent=2) + "\n",
        ".gitignore": _GITIGNORE,
    }


@click.command("new")
@click.argument("name", metavar="DIR")
def command(name: str) -> None:
    """Begin a project in DIR: endpoints.yaml, a process, an example, a test, and settings for tools and VS Code."""
    if not name.strip():  # an unset variable of a script, for example; a path makes the current folder of it
        raise Failure("DIR is empty; name the project's folder: jackfield new my-bot (or . for this one)", 2)
    folder, wanted = Path(name), files()
    taken = [part for part in wanted if os.path.lexists(folder / part)]
    if taken:
        raise Failure(f"{folder} has {', '.join(taken)} already; choose another folder")
    try:
        for part, text in wanted.items():
            path = folder / part
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:  # never through a link that leads elsewhere
                file.write(text)
        state = State.open(folder)
        schemas = {
            state.endpoints_schema: editor_schema.document(["greeting.answer"]),
            state.examples_schema: editor_schema.examples(["greeting"]),
        }
        for path, found in schemas.items():
            write_private(path, json.dumps(found, ensure_ascii=False, indent=2), 0o644)
    except StateError as exc:
        raise Failure(str(exc)) from exc
    except OSError as exc:
        raise Failure(f"cannot write into {folder}: {exc.strerror or exc}") from exc
    click.echo(f"Made a project in {folder}. Start it, publishing on each save, with:", err=True)
    click.echo(f"  jackfield -C {shlex.quote(str(folder))} serve --watch", err=True)
