"""One contract, many artefacts: the type of one parameter is changed, and all that is told of it changes with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from .conftest import Server, ask, jackfield_here, write

pytestmark = pytest.mark.walk

PROCESS = '''\
from jackfield import process


@process
def order(item: str, pieces: int) -> dict[str, str]:
    """Orders something."""
    return {"ordered": f"{pieces} × {item}"}
'''
ENDPOINTS = """\
endpoints:
  order:
    url: /ws/order
    process: shop.order
    auth: public
    examples:
      - name: "Tea"
        steps:
          - send: {item: "чай", pieces: 2}
            expect: {ordered: "2 × чай"}
"""
CHANGED = PROCESS.replace("pieces: int", "pieces: str")
MENDED = ENDPOINTS.replace("pieces: 2", 'pieces: "2"')


def schemas(found: Any) -> Iterator[Any]:
    """Every schema of a `pieces` in a document."""
    if isinstance(found, dict):
        if "pieces" in found.get("properties", {}):
            yield found["properties"]["pieces"]
        for value in found.values():
            yield from schemas(value)
    elif isinstance(found, list):
        for value in found:
            yield from schemas(value)


def types(text: str) -> set[str]:
    """The types that a JSON document tells of `pieces`."""
    return {schema["type"] for schema in schemas(json.loads(text))}


def cell(text: str) -> str:
    """What a table of the reference tells of `pieces`."""
    (line,) = [line for line in text.splitlines() if line.startswith("| `pieces` |")]
    return line.split("|")[2].strip()


def line(text: str, begin: str) -> str:
    """The only line of a file that begins so, without the begin."""
    (found,) = {part.strip() for part in text.splitlines() if part.strip().startswith(begin)}
    return found.removeprefix(begin).strip()


def exported(folder: Path, made: Path) -> dict[str, Any]:
    """What each artefact of the command line tells of `pieces`."""

    def export(*arguments: str) -> str:
        return jackfield_here(folder, "export", *arguments)

    def file(pattern: str, *arguments: str) -> str:
        export(*arguments, str(made / arguments[-1]))
        (path,) = (made / arguments[-1]).rglob(pattern)
        return path.read_text("utf-8")

    collection = file("order.request.yaml", "postman")
    (message,) = (made / "postman").rglob("Tea.message.yaml")
    return {
        "asyncapi": types(export("asyncapi")),
        "openapi": types(export("openapi")),
        "markdown": cell(export("markdown")),
        "postman": line(collection, "`{item: str, pieces:"),
        "postman's message": line(message.read_text("utf-8"), '"pieces":'),
        "typescript": line(file("*.ts", "client", "--lang", "typescript"), "pieces:"),
        "python": line(file("*.py", "client", "--lang", "python"), "pieces:"),
    }


def served(server: Server) -> dict[str, Any]:
    """The same of what the running server tells."""

    def get(path: str) -> str:
        with urlopen(Request(server.http + path, headers={"Accept": "*/*"}), timeout=10) as answer:
            return str(answer.read().decode())

    with pytest.raises(HTTPError) as upgrade:
        get("/ws/order")
    with upgrade.value as refused:
        reported = json.loads(refused.read())
    return {
        "asyncapi": types(get("/asyncapi.json")),
        "openapi": types(get("/openapi.json")),
        "reference": get("/docs/reference").partition("<code>pieces</code></td>")[2].partition("</tr>")[0],
        "426": reported["send"]["pieces"],
    }


def test_the_type_of_a_parameter_changes_everywhere_and_breaks_its_example(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    folder = tmp_path / "shop"
    write(folder, endpoints=ENDPOINTS, shop=PROCESS)
    editor = jackfield_here(folder, "schema")
    assert exported(folder, tmp_path / "before") == {
        "asyncapi": {"integer"},
        "openapi": {"integer"},
        "markdown": "whole number",
        "postman": "int} -> {…: str}`",
        "postman's message": "2",
        "typescript": "number;",
        "python": "int",
    }
    server = start(folder)
    before = served(server)
    assert "whole number" in before.pop("reference")
    assert before == {"asyncapi": {"integer"}, "openapi": {"integer"}, "426": 2}
    with server.socket("/ws/order") as socket:
        assert ask(socket, item="чай", pieces=2) == {"ordered": "2 × чай"}

        write(folder, shop=CHANGED)
        reported = (
            "endpoints.yaml:9:33: endpoints.order.examples.0.steps.0.send.pieces: "
            'must be a text, not a whole number; put it in quotes: "2" [example_mismatch]'
        )
        for command in (("check",), ("test",), ("publish",), ("export", "asyncapi")):
            done = server.run(*command)
            assert done.returncode == 1
            assert reported in done.stdout + done.stderr, command
        assert served(server)["asyncapi"] == {"integer"}, "what runs stays as it was"
        assert ask(socket, item="чай", pieces=2) == {"ordered": "2 × чай"}

        write(folder, endpoints=MENDED)
        assert server.run("test").returncode == 0
        done = server.run("publish")
        assert done.returncode == 0, done.stderr
        refused = ask(socket, item="чай", pieces=2)["error"]
        assert refused["details"] == [{"path": "/pieces", "problem": "must be a text, not a whole number"}]
        assert refused["example"] == {"item": "чай", "pieces": "2"}
        assert ask(socket, item="чай", pieces="2") == {"ordered": "2 × чай"}
    after = served(server)
    assert "text" in after.pop("reference")
    assert after == {"asyncapi": {"string"}, "openapi": {"string"}, "426": "2"}
    assert exported(folder, tmp_path / "after") == {
        "asyncapi": {"string"},
        "openapi": {"string"},
        "markdown": "text",
        "postman": "str} -> {…: str}`",
        "postman's message": '"2"',
        "typescript": "string;",
        "python": "str",
    }
    assert jackfield_here(folder, "schema") == editor, "editors are told of names, not of messages"
