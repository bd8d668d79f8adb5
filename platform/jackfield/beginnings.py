"""What a project begins with: one greeting, or an example that works as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

__all__ = ["EXAMPLES", "files", "sentence"]

_FOLDER = Path(__file__).parent / "examples"
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


def sentence(example: str) -> str:
    """What an example is: its README begins with that, behind the name."""
    with (_FOLDER / example / "README.md").open(encoding="utf-8") as file:
        return file.readline().partition(": ")[2].strip()
