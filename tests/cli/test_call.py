from __future__ import annotations

import gzip
import json
import os
import shlex
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from jackfield.cli import call, main
from jackfield.cli.settings import Failure
from tests.auth.provider import Provider, running, say


@pytest.mark.parametrize(
    "pieces",
    [
        [b"one\ntwo\n"],
        [b"one", b"\ntw", b"o"],
        [b"one\r\ntwo\r\n"],
        [b"\xef\xbb", b"\xbfone\ntwo"],
    ],
)
def test_lines_however_they_arrive(pieces: list[bytes]) -> None:
    reading, writing = os.pipe()
    lines = call._lines(reading)
    for piece in pieces:
        os.write(writing, piece)
    os.close(writing)
    assert list(lines) == ["one", "two"]
    os.close(reading)


def test_letters_cut_in_half_and_bytes_that_are_none(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    text = "Привет 🤝\n".encode()
    lines = call._lines(reading)
    os.write(writing, text[:3])
    os.write(writing, text[3:] + b"\xff\n")
    os.close(writing)
    assert list(lines) == ["Привет 🤝", "�"]
    os.close(reading)


@pytest.mark.parametrize("message", ["it's", '"quoted"', "$HOME `id` $(id)", "back\\slash", "строка 🙂", "a\nb"])
def test_what_is_printed_survives_a_shell_and_python(message: str) -> None:
    lines = call._other_clients("ws://127.0.0.1:8000/ws/it's", "name=to'ken", {"text": message})
    text = "\n".join(lines)
    wscat = next(line for line in lines if line.startswith("wscat"))
    words = shlex.split(wscat)
    assert words[2] == "ws://127.0.0.1:8000/ws/it's"
    assert words[4] == "Cookie: name=to'ken"
    compile(text.partition("# Python")[2].partition("\n\n")[0].partition("\n")[2], "printed", "exec")


def test_lines_for_who_needs_no_credential_hold_none() -> None:
    text = "\n".join(call._other_clients("ws://127.0.0.1:8000/ws/open", "", {}))
    assert "ookie:" not in text
    assert "additional_headers" not in text
    compile(text.partition("# Python")[2].partition("\n\n")[0].partition("\n")[2], "printed", "exec")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ws://localhost/x", "--login", "a", "--token", "b"], 2, "not both"),
        (["ws://localhost/x", "--token", "a\nb"], 2, "copy it whole"),
        (["ws://localhost/x", "--token", "ключ"], 2, "copy it whole"),
        (["localhost:8000/x"], 2, "is not an address"),
        (["echo"], 2, "or /path for this project's server"),
        ([], 2, "Missing argument"),
    ],
)
def test_wrong_usage(arguments: list[str], code: int, said: str) -> None:
    done = CliRunner().invoke(main, ["call", *arguments])
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr


FACTS = {"cookie": "gen_app_auth_token=…", "login": {"url": ""}, "send": {"text": "hi"}}


@pytest.fixture
def other() -> Iterator[Provider]:
    """A server that is none of ours, over real HTTP."""
    with running() as made:
        yield made


def called(other: Provider, *more: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["call", other.issuer.replace("http://", "ws://"), "--print", *more])
    return done.exit_code, done.output


def test_an_answer_may_be_packed_once(other: Provider) -> None:
    body = gzip.compress(json.dumps(FACTS).encode())
    other.answer = lambda request: say(request, 426, body, **{"Content-Encoding": "gzip"})
    code, reported = called(other)
    assert (code, '{"text": "hi"}' in reported) == (0, True), reported


@pytest.mark.parametrize(
    ("encoding", "layers", "reported"),
    [("gzip", 1, "longer than 1,048,576 bytes"), ("gzip, gzip", 2, "gzip, once"), ("br", 0, "gzip, once")],
)
def test_an_answer_is_read_no_further_than_its_limit(
    other: Provider, encoding: str, layers: int, reported: str
) -> None:
    body = b" " * (call.MAX_ANSWER * 8)
    for _ in range(layers):
        body = gzip.compress(body)
    other.answer = lambda request: say(request, 426, body, **{"Content-Encoding": encoding})
    code, said = called(other)
    assert (code, reported in said) == (3, True), said


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
    assert call._Turns().answered(text.encode(errors="replace")) is False
