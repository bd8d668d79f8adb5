"""How the command line speaks to the running server, and who may not."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import PlanError, Problem
from jackfield.server.node import control
from jackfield.server.node.control import ControlServer, NoServer, ask
from jackfield.state import StateError, write_private

LIMIT = 30.0


async def echo(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"heard": {key: value for key, value in asked.items() if key != "secret"}}


async def broken(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    raise PlanError([Problem("bad_url", "не тот адрес"), Problem("cut_by_comment", "cut", severity="warning")])


async def failing(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    raise RuntimeError("a secret of the server")


VERBS = {"echo": echo, "broken": broken, "failing": failing}


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    server = ControlServer(tmp_path / "server.json", VERBS, {"address": "http://127.0.0.1:8000"})
    await server.start()
    yield tmp_path / "server.json"
    await server.close()
    assert not (tmp_path / "server.json").exists()


async def say(path: Path, verb: str, **options: Any) -> Mapping[str, Any]:
    return await asyncio.to_thread(ask, path, verb, **options)


def facts(path: Path) -> Any:
    """What server.json says now, which only its owner may read."""
    assert path.stat().st_mode & 0o777 == 0o600
    return json.loads(path.read_text())


async def raw(path: Path, line: bytes) -> Any:
    """A line as a stranger would send it."""
    port = facts(path)["port"]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(line)
    writer.write_eof()
    answer = b""
    with suppress(ConnectionError):  # who says too much is cut off
        async with asyncio.timeout(LIMIT):
            answer = await reader.read()
    writer.close()
    return json.loads(answer) if answer else None


async def test_a_verb_and_its_answer(path: Path) -> None:
    assert facts(path)["address"] == "http://127.0.0.1:8000"
    assert await say(path, "echo", word="Привет") == {"ok": {"heard": {"verb": "echo", "word": "Привет"}}}
    assert await say(path, "nothing") == {"error": "unknown verb"}
    reported = await say(path, "broken")
    assert reported == {
        "problems": [
            {"text": "endpoints.yaml: не тот адрес [bad_url]", "severity": "error"},
            {"text": "endpoints.yaml: warning: cut [cut_by_comment]", "severity": "warning"},
        ]
    }


async def test_our_fault_is_reported_without_its_cause(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reported = str(await say(path, "failing"))
    assert "a secret of the server" not in reported
    assert "incident" in reported
    assert "a secret of the server" in caplog.text


async def test_each_server_has_a_secret_of_its_own(path: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = ControlServer(tmp_path / "other" / "server.json", VERBS, {})
    await other.start()
    try:
        ours, theirs = facts(path), facts(tmp_path / "other" / "server.json")
        assert ours["secret"] != theirs["secret"]
        line = json.dumps({"secret": theirs["secret"], "verb": "echo"}).encode() + b"\n"
        assert await raw(path, line) == {"error": "wrong secret"}
        write_private(path, json.dumps({**ours, "secret": theirs["secret"]}))
        with pytest.raises(NoServer, match="not the running server's"):
            await say(path, "echo")
    finally:
        await other.close()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"hello\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b'{"verb": "echo"}\n',
        b'{"verb": "echo", "secret": ""}\n',
        b'{"verb": "echo", "secret": null}\n',
        b'{"verb": "echo", "secret": ["x"]}\n',
        b"[1]\n",
        b"\xff\xfe\n",
        b"x" * (control.MAX_LINE * 2) + b"\n",
        b"[" * 60_000 + b"\n",
        b"[" * 30_000 + b"]" * 30_000 + b"\n",
        b'{"secret": ' + b"[" * 990 + b"]" * 990 + b"}\n",
        b'{"secret": "\\ud800"}\n',
    ],
)
async def test_strangers_get_nowhere(path: Path, line: bytes, caplog: pytest.LogCaptureFixture) -> None:
    answer = await raw(path, line)
    assert answer is None or "error" in answer, answer
    assert len(line) > control.MAX_LINE or not line.startswith(b"[[") or "nested more than 64" in str(answer)
    assert caplog.records == [], "a stranger must not fill the log"
    assert "ok" in await say(path, "echo")


async def test_many_at_once_all_get_their_answer(path: Path) -> None:
    answers = await asyncio.gather(*(say(path, "echo", number=number) for number in range(5)))
    assert sorted(answer["ok"]["heard"]["number"] for answer in answers) == list(range(5))


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"port": 9, "secret": "x"}', '{"port": "x", "secret": 1}'])
def test_no_server(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "server.json").write_text(text)
    with pytest.raises(NoServer):
        ask(tmp_path / "server.json", "echo")


@pytest.mark.parametrize("way", ["link", "pipe", "large", "deep"])
def test_what_is_no_file_of_the_server_is_no_server(tmp_path: Path, way: str) -> None:
    path = tmp_path / "server.json"
    if way == "link":
        (tmp_path / "other").write_text('{"port": 9, "secret": "x"}')
        path.symlink_to("other")
    elif way == "pipe":
        os.mkfifo(path)
    else:
        path.write_text(" " * 2_000_000 if way == "large" else "[" * 60_000)
    with pytest.raises(NoServer, match=r"symbolic link|no plain file|longer than|nested more than 64 deep"):
        ask(path, "echo")


@pytest.mark.parametrize("answer", [b"[" * 60_000, b'{"ok": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", b"nonsense", b""])
async def test_an_answer_that_is_none_is_no_server(tmp_path: Path, answer: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer + b"\n")
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    facts = {"port": server.sockets[0].getsockname()[1], "secret": "x"}
    (tmp_path / "server.json").write_text(json.dumps(facts))
    with pytest.raises(NoServer):
        await say(tmp_path / "server.json", "echo")
    server.close()


def test_a_stranger_on_the_port_of_a_server_that_was_killed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        (tmp_path / "server.json").write_text(json.dumps({"port": listener.getsockname()[1], "secret": "x"}))
        listener.settimeout(0)
        listener.listen(5)
        # nobody accepts, and the stranger ends: the command must not wait for its two minutes
        listener.close()
        began = time.monotonic()
        with pytest.raises(NoServer):
            ask(tmp_path / "server.json", "echo")
        assert time.monotonic() - began < LIMIT


async def test_a_close_breaks_off_what_is_being_answered(tmp_path: Path) -> None:
    began = asyncio.Event()
    ended = asyncio.Event()

    async def forever(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return {}

    server = ControlServer(tmp_path / "server.json", {"forever": forever}, {})
    await server.start()
    asking = asyncio.create_task(say(tmp_path / "server.json", "forever"))
    async with asyncio.timeout(LIMIT):
        await began.wait()
        # and somebody who says nothing at all
        port = facts(tmp_path / "server.json")["port"]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        await server.close()
        assert ended.is_set()
        with pytest.raises(NoServer):
            await asking
        writer.close()


async def test_a_start_that_cannot_write_says_so_in_one_line(tmp_path: Path) -> None:
    server = ControlServer(tmp_path / "gone" / "server.json", VERBS, {})
    with pytest.raises(StateError, match=r"cannot write .*server\.json: No such file"):
        await server.start()
