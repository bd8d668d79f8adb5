"""endpoints.yaml in an editor: yaml-language-server, which VS Code and others use, with the schema of the project.

The schema is the one that the file's first line names; a running server and `jackfield schema` write the same.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from tests.node import program

from .conftest import jackfield_here, write

pytestmark = pytest.mark.walk

LIMIT = 30.0

PROJECT = """\
# yaml-language-server: $schema=.jackfield/endpoints.schema.json
roles: {support: "Agents"}
endpoints:
  greeting:
    url: /ws/greeting
    process: greeting.answer
    tags: ["Чат-боты"]
    limits: {rate: 50/s}
    examples:
      - name: "A greeting"
        steps:
          - send: {message: "Привет"}
            expect: {message: "Привет"}
            within: 2s
"""
PROCESS = """\
from jackfield import process


@process(reply="message")
def answer(message: str) -> str:
    return message


@process(reply="message")
def leave(message: str) -> str:
    return message


@process(reply="message")
def прощание(message: str) -> str:
    return message
"""


class Editor:
    """One language server, spoken to as an editor does (Language Server Protocol 3.17)."""

    def __init__(self, command: str, folder: Path) -> None:
        self._process = subprocess.Popen([command, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._heard: Queue[dict[str, Any]] = Queue()
        self._number = 0
        self._version = 0
        self.file = folder / "endpoints.yaml"
        Thread(target=self._read, daemon=True).start()
        settings = {"yaml": {"schemaStore": {"enable": False}, "completion": True, "hover": True, "validate": True}}
        self.ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": {}})
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": settings})

    def _read(self) -> None:
        out = self._process.stdout
        assert out is not None
        while line := out.readline():
            if line.lower().startswith(b"content-length:"):
                while out.readline().strip():
                    pass
                self._heard.put(json.loads(out.read(int(line.split(b":")[1]))))

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _tell(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def _wait(self, wanted: Callable[[dict[str, Any]], bool]) -> Any:
        while True:
            message = self._heard.get(timeout=LIMIT)
            if "id" in message and "method" in message:  # it asks us: for settings, or to register something
                answer = (
                    [None] * len(message["params"].get("items", ())) if "configuration" in message["method"] else None
                )
                self._send({"id": message["id"], "result": answer})
            elif wanted(message):
                return message

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        """The result of a request."""
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": params})
        answer = self._wait(lambda message: message.get("id") == number)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, text: str) -> list[dict[str, Any]]:
        """Show a text of the file; gives what is underlined in it."""
        self._version += 1
        document = {"uri": self.file.as_uri(), "version": self._version}
        if self._version == 1:
            opened = {**document, "languageId": "yaml", "text": text}
            self._tell("textDocument/didOpen", {"textDocument": opened})
        else:
            self._tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
        reported = self._wait(lambda message: message.get("method") == "textDocument/publishDiagnostics")
        found: list[dict[str, Any]] = reported["params"]["diagnostics"]
        return found

    def at(self, text: str, place: str, *, after: bool = True) -> dict[str, Any]:
        """The position behind `place` in `text`, or at its beginning."""
        before = text[: text.index(place) + (len(place) if after else 0)]
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        return {"textDocument": {"uri": self.file.as_uri()}, "position": position}

    def close(self) -> None:
        self.ask("shutdown", {})
        self._tell("exit", {})
        self._process.wait(timeout=LIMIT)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    command = program("yaml-language-server", "yaml-language-server")
    folder = tmp_path_factory.mktemp("desk")
    write(folder, endpoints=PROJECT, greeting=PROCESS)
    (folder / ".jackfield").mkdir()
    schema = folder / ".jackfield" / "endpoints.schema.json"
    schema.write_text(jackfield_here(folder, "schema"), encoding="utf-8")
    opened = Editor(command, folder)
    yield opened
    opened.close()


def labels(editor: Editor, text: str, place: str) -> set[str]:
    editor.open(text)
    found = editor.ask("textDocument/completion", editor.at(text, place))
    return {item["label"].strip("\"'") for item in (found["items"] if isinstance(found, dict) else found or ())}


def proposed(editor: Editor, text: str, place: str) -> str:
    """All that is proposed at a place, as JSON."""
    editor.open(text)
    return json.dumps(editor.ask("textDocument/completion", editor.at(text, place)))


def test_a_sound_file_has_nothing_underlined(editor: Editor) -> None:
    assert editor.open(PROJECT) == []


def test_the_own_processes_roles_and_tags_are_completed(editor: Editor) -> None:
    text = PROJECT.replace("process: greeting.answer", "process: ")
    found = labels(editor, text, "process: ")
    assert {"greeting.answer", "greeting.leave"} <= found
    assert "greeting.прощание" not in found, "letters that look alike make no two processes, so check refuses it"
    text = PROJECT + "    auth:\n      roles:\n        - \n"
    assert {"support", "admin"} <= labels(editor, text, "roles:\n        - ")
    text = PROJECT.replace('tags: ["Чат-боты"]', "tags:\n      - ")
    assert "Чат-боты" in labels(editor, text, "tags:\n      - ")


def test_keys_of_an_endpoint_a_limit_and_a_step_are_completed(editor: Editor) -> None:
    assert {"auth", "origins", "input", "subprotocols"} <= labels(editor, PROJECT + "    \n", "within: 2s\n    ")
    text = PROJECT.replace("limits: {rate: 50/s}", "limits:\n      ")
    assert {"rate", "message", "idle"} <= labels(editor, text, "limits:\n      ")
    text = PROJECT + "            \n"
    assert {"expect_error", "expect_close", "client", "partial"} <= labels(editor, text, "within: 2s\n            ")


def test_what_is_proposed_is_this_projects_and_can_be_taken(editor: Editor) -> None:
    text = PROJECT.replace("process: greeting.answer", "process: ")
    assert labels(editor, text, "process: ") == {
        *("echo.nothing", "echo.same", "group.join", "group.leave", "group.remove"),
        *("greeting.answer", "greeting.leave"),
    }
    assert labels(editor, PROJECT + "    auth: \n", "auth: ") == {"required", "optional", "public"}
    text = PROJECT.partition("    examples:")[0]
    for key in ("origins", "input", "examples", "session_warning", "subprotocols", "limits"):
        assert "[object Object]" not in proposed(editor, f"{text}    {key}: \n", f"{key}: ")
    assert "[object Object]" not in proposed(editor, PROJECT + "          - expect_error: \n", "expect_error: ")
    assert {"on_connect", "on_disconnect"} <= labels(editor, PROJECT + "    \n", "within: 2s\n    ")
    assert not {"on_connect", "on_disconnect"} & labels(editor, PROJECT + "defaults:\n  \n", "defaults:\n  ")


def test_hovering_reports_what_a_key_means(editor: Editor) -> None:
    editor.open(PROJECT)
    reported = editor.ask("textDocument/hover", editor.at(PROJECT, "rate:", after=False))
    assert "Messages that one connection may send" in json.dumps(reported, ensure_ascii=False)
    reported = editor.ask("textDocument/hover", editor.at(PROJECT, "within:", after=False))
    assert reported, "each key of a step is described"


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("url: /ws/greeting", "urll: /ws/greeting", "urll"),
        ("rate: 50/s", "rate: fast", "50/s"),
        ("greeting.answer", "greeting.answr", "is none of this project's processes"),
        ("greeting.answer", "zoo.trei", "is none of this project's processes"),
        ("url: /ws/greeting", "url: ws/zz", "begins with a slash"),
        ("url: /ws/greeting", "url: /ws/zz/", "ends without one"),
        ("url: /ws/greeting", "url: /auth/zz", "/auth, /api, /docs"),
        ("within: 2s", "within: soon", "a time with its unit"),
    ],
)
def test_faults_are_underlined_with_the_words_of_check(editor: Editor, right: str, wrong: str, said: str) -> None:
    found = editor.open(PROJECT.replace(right, wrong))
    assert found, "nothing is underlined"
    line = PROJECT.replace(right, wrong).split(wrong)[0].count("\n")
    assert any(fault["range"]["start"]["line"] <= line <= fault["range"]["end"]["line"] for fault in found)
    assert any(said in fault["message"] for fault in found), found
