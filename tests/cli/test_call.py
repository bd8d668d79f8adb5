from __future__ import annotations

import gzip
import json
import os
import shlex
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from websockets.asyncio.client import ClientConnection

from jackfield.cli import call
from jackfield.cli.settings import Failure
from tests.auth.provider import Provider, running, say
from tests.cli.conftest import run

GREETING = "Привет 🤝\n".encode()


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"one", b"\ntw", b"o"], ["one", "two"]),
        ([b"one\r\ntwo\r\n"], ["one", "two"]),
        ([b"\xef\xbb", b"\xbfone\ntwo"], ["one", "two"]),
        ([GREETING[:3], GREETING[3:] + b"\xff\n"], ["Привет 🤝", "�"]),
    ],
)
def test_lines_however_they_arrive(pieces: list[bytes], lines: list[str]) -> None:
    reading, writing = os.pipe()
    found = call._lines(reading)
    for piece in pieces:
        os.write(writing, piece)
    os.close(writing)
    assert list(found) == lines
    os.close(reading)


@pytest.mark.parametrize("message", ["it's", '"quoted"', "$HOME `id` $(id)", "back\\slash", "строка 🙂", "a\nb"])
def test_what_is_printed_survives_a_shell_and_python(message: str) -> None:
    lines = call._other_clients("ws://127.0.0.1:8000/ws/it's", "name=to'ken", {"text": message})
    words = shlex.split(next(line for line in lines if line.startswith("wscat")))
    assert (words[2], words[4]) == ("ws://127.0.0.1:8000/ws/it's", "Cookie: name=to'ken")
    compile_python(lines)


def compile_python(lines: list[str]) -> None:
    """Fails where the lines of Python among these are none."""
    text = "\n".join(lines)
    compile(text.partition("# Python")[2].partition("\n\n")[0].partition("\n")[2], "printed", "exec")


def test_lines_for_who_needs_no_credential_hold_none() -> None:
    lines = call._other_clients("ws://127.0.0.1:8000/ws/open", "", {})
    assert not [line for line in lines if "ookie:" in line or "additional_headers" in line]
    compile_python(lines)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ws://localhost/x", "--login", "a", "--token", "b"], 2, "not both"),
        (["ws://localhost/x", "--token", "a\nb"], 2, "copy it whole"),
        (["ws://localhost/x", "--token", "gen_app_auth_token=a.b"], 2, "without the cookie's name"),
        (["ws://localhost/x", "--token", "ключ"], 2, "copy it whole"),
        (["localhost:8000/x"], 2, "is not an address"),
        (["echo"], 2, "or /path for this project's server"),
        ([], 2, "Missing argument"),
    ],
)
def test_wrong_usage(arguments: list[str], code: int, said: str) -> None:
    done = run("call", *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr


@pytest.fixture
def other() -> Iterator[Provider]:
    """A server that is none of ours, over real HTTP."""
    with running() as made:
        yield made


def called(other: Provider, *more: str) -> tuple[int, str]:
    done = run("call", other.issuer.replace("http://", "ws://"), "--print", *more)
    return done.exit_code, done.output


FACTS = json.dumps({"cookie": "gen_app_auth_token=…", "login": {"url": ""}, "send": {"text": "hi"}}).encode()
LONG = b" " * (call.MAX_ANSWER * 8)


@pytest.mark.parametrize(
    ("body", "encoding", "code", "reported"),
    [
        (gzip.compress(FACTS), "gzip", 0, '{"text": "hi"}'),
        (gzip.compress(LONG), "gzip", 3, "longer than 1,048,576 bytes"),
        (gzip.compress(gzip.compress(LONG)), "gzip, gzip", 3, "gzip, once"),
        (LONG, "br", 3, "gzip, once"),
    ],
    ids=["packed", "a bomb", "packed twice", "another coding"],
)
def test_an_answer_may_be_packed_once_and_is_read_no_further_than_its_limit(
    other: Provider, body: bytes, encoding: str, code: int, reported: str
) -> None:
    other.answer = lambda request: say(request, 426, body, **{"Content-Encoding": encoding})
    found, said = called(other)
    assert (found, reported in said) == (code, True), said


def test_an_answer_that_does_not_come_to_its_end(other: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "LIMIT", 0.3)
    over = threading.Event()

    def slowly(request: object) -> None:
        over.wait(10)

    other.answer = slowly
    code, said = called(other)
    over.set()
    assert (code, "no whole answer within 0.3 s" in said) == (3, True), said


def test_a_line_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "MOST", 100_000)
    reading, writing = os.pipe()
    os.write(writing, b"one\n")
    lines = call._lines(reading)
    assert next(lines) == "one"
    with Path("/dev/zero").open("rb") as endless, pytest.raises(Failure, match="has more than 100,000 bytes"):
        list(call._lines(endless.fileno()))
    os.close(writing)
    os.close(reading)


def test_standard_input_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(Failure, match="cannot read standard input: Is a directory"):
        list(call._lines(folder))
    os.close(folder)


@pytest.mark.parametrize("text", ["[" * 60_000, '{"a":' * 60_000, "9" * 5_000, "nonsense", "[]", "\ud800"])
def test_what_a_stranger_says_is_no_object(text: str) -> None:
    assert call._object(text.encode(errors="replace")) == {}
    assert call._Turns("one").take(text.encode(errors="replace")) == text.encode(errors="replace")


class Sent:
    """A socket that keeps what is sent, and answers each line with frames of `answers`, `ID` filled in."""

    def __init__(self, turns: call._Turns, answers: list[list[str]]) -> None:
        self.turns, self.answers, self.sent, self.shown = turns, answers, list[str](), list[str]()

    async def send(self, line: str) -> None:
        self.sent.append(line)
        for frame in self.answers.pop(0):
            shown = self.turns.take(frame.replace("ID", str(json.loads(line).get("$id")) if line[0] == "{" else ""))
            self.shown += [str(shown)] if shown is not None else []


@pytest.mark.parametrize(
    ("replies", "line", "frames", "shown", "answered"),
    [
        ("one", '{"text": "да"}', ['{"text":"да","$id":ID}'], ['{"text":"да"}'], True),
        ("one", "{}", ['{"$id":ID}'], ["{}"], True),
        ("one", '{"a": 1}', ['{"$id":ID,"a":"🤝"}'], ['{"a":"🤝"}'], True),
        ("many", '{"a": 1}', ['{"a":1,"$id":ID}'], ['{"a":1}'], False),
        ("many", '{"a": 1}', ['{"a":1,"$id":ID}', '{"$done":true,"$id":ID}'], ['{"a":1}'], True),
        ("none", '{"a": 1}', ['{"event":"said"}', '{"$done":true,"$id":ID}'], ['{"event":"said"}'], True),
        ("one", '{"a": 1}', ['{"event":"said"}'], ['{"event":"said"}'], False),
        ("one", '{"a": 1}', ['{"error":{"code":"message_too_long"}}'], ['{"error":{"code":"message_too_long"}}'], True),
        ("one", '{"a": 1, "$id": 5}', ['{"a":1,"$id":5}'], ['{"a":1,"$id":5}'], False),
        ("one", "nonsense", ['{"error":{"code":"invalid_message"}}'], ['{"error":{"code":"invalid_message"}}'], False),
        (None, '{"a": 1}', ['{"a":1}'], ['{"a":1}'], False),
    ],
)
async def test_the_end_of_an_answer_is_told_by_its_id(
    monkeypatch: pytest.MonkeyPatch,
    replies: str | None,
    line: str,
    frames: list[str],
    shown: list[str],
    answered: bool,
) -> None:
    monkeypatch.setattr(call, "PATIENCE", 0)
    turns = call._Turns(replies)
    assert not turns.all_answered
    assert turns.patience == call.SILENCE
    socket = Sent(turns, [frames])
    await turns.send(cast(ClientConnection, socket), line)
    assert socket.shown == shown
    assert turns.all_answered is answered
    assert "$id" in socket.sent[0] or replies is None or line == "nonsense"
