"""An endpoint and an example from the command line: as the page adds them, into the same files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import run
from tests.projects import write

MAIN = "\ufeff# наши\r\nendpoints:\r\n  a: {url: /ws/a, process: chat.say} # the first\r\n".encode()
SAY = "from jackfield import process\n\n\n@process(reply='text')\ndef say(text: str) -> str:\n    return text\n"
ROOM = ("new", "endpoint", "room", "--url", "/ws/rooms/{room}", "--process", "chat.say")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "", chat=SAY)
    (tmp_path / "endpoints.yaml").write_bytes(MAIN)
    (tmp_path / "endpoints.yaml").chmod(0o640)
    return tmp_path


def test_an_endpoint_is_put_into_the_file_that_is_there(folder: Path) -> None:
    more = ("--role", "support", "--role", "lead", "--summary", "Комната 👋", "--group", "room:{room}")
    asked = ("-C", folder, *ROOM, *more, "--reply-to", "group", "--presence", "names", "--history", "50")
    shown = run(*asked, "--dry-run")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert shown.stdout == (
        "  room:\n    url: /ws/rooms/{room}\n    process: chat.say\n    auth: {roles: [support, lead]}\n"
        '    group: "room:{room}"\n    reply_to: group\n    summary: "Комната 👋"\n'
        'groups:\n  "room:{room}":\n    presence: true\n    history: 50\n'
    )
    file = folder / "endpoints.yaml"
    assert file.read_bytes() == MAIN, "nothing was written"
    done = run(*asked)
    assert (done.exit_code, done.stdout) == (0, shown.stdout)
    assert done.stderr == "It stands in endpoints.yaml:4; `jackfield publish` makes it live.\n"
    assert file.read_bytes() == MAIN + shown.stdout.replace("\n", "\r\n").encode()
    assert file.stat().st_mode & 0o777 == 0o640
    assert run("-C", folder, "check").exit_code == 0


def test_an_example_is_put_below_its_endpoint_and_runs_as_a_test(folder: Path) -> None:
    steps = [{"send": {"text": "Привет 👋"}, "expect": {"text": "Привет 👋"}}]
    assert run("-C", folder, *ROOM).exit_code == 0
    done = run("-C", folder, "new", "example", "room", "Эхо", given=json.dumps(steps))
    assert (done.exit_code, done.stderr.split(";")[0]) == (0, "It stands in endpoints.yaml:7")
    whole = json.dumps({"params": {"room": "7"}, "steps": steps})
    assert run("-C", folder, "new", "example", "room", "Ещё", given=whole).exit_code == 0
    assert run("-C", folder, "new", "example", "a", "Эхо", given=json.dumps(steps)).exit_code == 0
    tested = run("-C", folder, "test")
    assert tested.exit_code == 0, tested.stdout
    assert "3 " in tested.stdout + tested.stderr


@pytest.mark.parametrize(
    ("asked", "given", "exit_code", "said"),
    [
        (("a", "--url", "/x", "--process", "chat.say"), "", 1, 'the endpoint "a" is there already: endpoints.yaml:3.'),
        (("b", "--url", "/x", "--process", "chat.no"), "", 1, 'no process is named "chat.no"'),
        (("b", "--url", "/ws/a", "--process", "chat.say"), "", 1, "this URL has the shape of that of"),
        (("б", "--url", "/x", "--process", "chat.say"), "", 1, "it is written in Latin letters"),
        (("b", "--url", "/x", "--process", "chat.say", "--history", "5"), "", 1, "belong to a group"),
        (("b", "--url", "/x", "--process", "chat.say", "--role", "x", "--auth", "public"), "", 2, "keep one of them"),
        (("b",), "", 2, "Missing option '--url'"),
        (("a", "x"), "{", 2, "is no JSON list of steps"),
        (("a", "x"), "[" * 100_000, 2, "is no JSON list of steps"),
        (("a", "x"), "[]" + " " * 262_144, 1, "standard input holds more than 262,144 bytes"),
        (("a", "x"), '[{"sent": {}}]', 1, 'unknown key "sent"'),
        (("no", "x"), "[]", 1, 'there is no endpoint "no"'),
    ],
)
def test_what_would_be_wrong_is_not_written(
    folder: Path, asked: tuple[str, ...], given: str, exit_code: int, said: str
) -> None:
    done = run("-C", folder, "new", "example" if given else "endpoint", *asked, given=given)
    assert (done.exit_code, done.stdout) == (exit_code, "")
    assert said in done.stderr
    assert (folder / "endpoints.yaml").read_bytes() == MAIN


def test_what_is_wrong_already_does_not_stand_in_the_way(folder: Path) -> None:
    (folder / "endpoints.yaml").write_bytes(MAIN + b"  c: {url: /ws/c, process: chat.no}\n")
    done = run("-C", folder, *ROOM)
    assert (done.exit_code, "chat.no" in done.stderr) == (0, False)


def test_a_folder_may_still_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("new", "./example", "--example", "chat").exit_code == 0
    assert (tmp_path / "example" / "endpoints.yaml").exists()
