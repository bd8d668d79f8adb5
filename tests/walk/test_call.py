"""`call`, `status` and `refusals`: what a terminal is enough for."""

from __future__ import annotations

import json
import re
import shutil
import socket as network
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from .conftest import CLEAN, Server, jackfield, write

pytestmark = pytest.mark.walk

ENDPOINTS = """\
endpoints:
  echo:
    url: /ws/echo
    process: echo.say
    examples: [{name: "It's", steps: [{send: {text: "it's \\"here\\" $HOME `id` \\\\n"}}]}]
  open: {url: /ws/open, process: echo.say, auth: public}
  few: {url: /ws/few, process: echo.say, auth: public, limits: {rate: 5/s}}
  ticks: {url: "/ws/ticks", process: echo.ticks, auth: public}
"""
ECHO = """\
from collections.abc import Iterator
from jackfield import Connection, process

@process(reply="text")
def say(text: str, connection: Connection) -> str | None:
    if text.startswith("close"):
        connection.close(int(text.partition(" ")[2]), "по просьбе")
        return None
    return text

@process(reply="tick")
def ticks(count: int) -> Iterator[int]:
    yield from range(count)
"""


@pytest.fixture
def server(tmp_path: Path, start: Callable[..., Server]) -> Server:
    write(tmp_path, endpoints=ENDPOINTS, echo=ECHO)
    return start(tmp_path)


def test_a_path_goes_to_the_listener_and_not_through_the_public_address(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    """The name of the public address is the proxy's; the machine of the server may not know it."""
    write(tmp_path, endpoints=ENDPOINTS, echo=ECHO)
    public = ("--behind-proxy", "127.0.0.1", "--public-url", "https://app.example.invalid/rt")
    server = start(tmp_path, *public)
    assert server.run("users", "add", "anna", "--password-stdin", given="длинный пароль 1\n").returncode == 0
    arguments = ("call", "/ws/echo", "--login", "anna")
    done = server.run(*arguments, "--password", "длинный пароль 1", given='{"text": "тут"}\n')
    assert (done.returncode, json.loads(done.stdout)) == (0, {"text": "тут"}), done.stderr
    done = server.run("call", "/ws/open", "--print")
    assert "wss://app.example.invalid/rt/ws/open" in done.stdout, "what others are to use"
    assert "127.0.0.1" not in done.stdout
    assert "Cookie" not in done.stdout, "it is for everybody"
    assert "'Cookie: gen_app_auth_token=…'" in server.run("call", "/ws/echo", "--print").stdout


def test_lines_that_come_too_fast_are_sent_again(server: Server) -> None:
    lines = [json.dumps({"text": str(number)}) for number in range(12)]
    done = server.run("call", "/ws/few", given="\n".join(lines))
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == [str(number) for number in range(12)]


def test_lines_in_frames_out(server: Server) -> None:
    given = '{"text": "Привет 🤝"}\n\nnot json\r\n{"text": "last"}'
    done = server.run("call", "/ws/open", given=given)
    assert done.returncode == 0, done
    first, second, third = done.stdout.splitlines()
    assert json.loads(first) == {"text": "Привет 🤝"}
    assert json.loads(second)["error"]["code"] == "invalid_message"
    assert json.loads(third) == {"text": "last"}
    assert done.stderr == ""
    done = server.run("call", f"{server.http}/ws/ticks", given='{"count": 3}\n')
    assert done.stdout == '{"tick":0}\n{"tick":1}\n{"tick":2}\n'


def test_messages_as_arguments_end_with_their_last_answer(server: Server) -> None:
    done = server.run("call", "/ws/ticks", '{"count": 2}', '{"count": 0}', "{}", given="not read")
    assert (done.returncode, done.stderr) == (0, "")
    first, second, error = done.stdout.splitlines()
    assert (first, second) == ('{"tick":0}', '{"tick":1}')
    assert json.loads(error)["error"]["code"] == "invalid_message"
    assert "$id" not in error
    done = server.run("call", "/ws/open", '{"text": "да", "$id": "мой"}')
    assert json.loads(done.stdout) == {"text": "да", "$id": "мой"}


def test_who_calls(server: Server) -> None:
    line = '{"text": "это я"}\n'
    done = server.run("call", "/ws/echo", "--login", "admin", "--password", server.password(), given=line)
    assert (done.returncode, done.stdout) == (0, '{"text":"это я"}\n'), done
    (server.folder / "secret").write_text(server.password() + "\n", encoding="utf-8")
    secret = str(server.folder / "secret")
    done = server.run("call", "/ws/echo", "--login", "admin", "--password-file", secret, given=line)
    assert done.returncode == 0, done
    token = server.first_cookie()["Cookie"].partition("=")[2]
    done = server.run("call", "/ws/echo", "--token", token, given=line)
    assert (done.returncode, done.stdout) == (0, '{"text":"это я"}\n'), done

    done = server.run("call", "/ws/echo", given=line)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("jackfield: refused: 401 not_logged_in - ")
    assert re.search(r" \[[2-9A-Z]{6}\]", done.stderr), "the id, to be read out"
    assert "/auth/login" in done.stderr
    assert done.stderr.endswith(' On this machine: jackfield call /ws/echo --token "$(jackfield token admin)"\n')
    done = server.run("call", "/ws/echo", "--login", "admin", "--password", "wrong-guess", given=line)
    assert done.returncode == 1
    assert "401 login_failed" in done.stderr
    done = server.run("call", "/ws/echo", "--login", "admin", given=line)
    assert done.returncode == 2
    assert "--password-file" in done.stderr
    done = server.run("call", "/ws/ech", given=line)
    assert done.returncode == 1
    assert "/ws/echo" in done.stderr


def test_the_server_ends_it(server: Server) -> None:
    done = server.run("call", "/ws/open", given='{"text": "close 1000"}\n')
    assert (done.returncode, done.stderr) == (0, ""), done
    done = server.run("call", "/ws/open", given='{"text": "close 4000"}\n')
    assert done.returncode == 1
    assert done.stderr == "jackfield: the server closed the connection: 4000 по просьбе\n"
    # also while it waits for a line that does not come
    process = subprocess.Popen(
        [sys.executable, "-m", "jackfield", "-C", str(server.folder), "call", "/ws/open"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=CLEAN,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    assert process.stdout is not None
    with process.stdin as lines, process.stderr as errors, process.stdout as frames:
        lines.write('{"text": "раз"}\n')
        lines.flush()
        assert json.loads(frames.readline()) == {"text": "раз"}
        server.stop()
        assert process.wait(timeout=10) == 1
        assert errors.read() == "jackfield: the server closed the connection: 1012 the server restarts\n"


def test_where_there_is_nobody(tmp_path: Path) -> None:
    done = jackfield(tmp_path, "call", "ws://127.0.0.1:9/ws/echo", given="")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    for url, code in [("echo", 2), ("ftp://localhost/x", 2), ("ws://", 2), ("/ws/echo", 3)]:
        done = jackfield(tmp_path, "call", url, given="")
        assert done.returncode == code, done
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell to paste into")
def test_what_it_prints_can_be_pasted(server: Server) -> None:
    message = {"text": 'it\'s "here" $HOME `id` \\n'}
    token = server.first_cookie()["Cookie"].partition("=")[2]
    done = server.run("call", "/ws/echo", "--print", "--token", token)
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()

    # the shell hands each tool exactly what it should get
    tool = server.folder / "tool"
    tool.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\ncat\n', encoding="utf-8")
    tool.chmod(0o755)
    for name, expected in [
        ("wscat", ["-c", f"{server.ws}/ws/echo", "-H", f"Cookie: gen_app_auth_token={token}", "-x"]),
        ("websocat", ["-H", f"Cookie: gen_app_auth_token={token}", f"{server.ws}/ws/echo"]),
    ]:
        line = next(line for line in lines if name in line and not line.startswith("#"))
        ran = subprocess.run(
            ["sh", "-c", line.replace(name, str(tool))], capture_output=True, text=True, input="", check=True
        )
        words = ran.stdout.splitlines()
        assert words[: len(expected)] == expected
        assert json.loads(words[-1]) == message

    # the Python lines run as they are
    begin = lines.index("# Python (pip install websockets)")
    script = "\n".join(lines[begin : lines.index("", begin)])
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=CLEAN, check=True)
    assert json.loads(ran.stdout) == message


def test_status_and_refusals(server: Server) -> None:
    assert server.run("refusals").stderr == "nobody was refused since the server started\n"
    # a byte that steers some terminals; no honest client sends it, so no library of theirs does
    host = server.http.removeprefix("http://")
    head = "GET /ws/echo HTTP/1.1|Host: {}|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Version: 13|"
    head += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==|Origin: https://evil.example\x9b31m||"
    with network.create_connection(("127.0.0.1", int(host.rsplit(":", 1)[1]))) as raw:
        raw.sendall(head.format(host).replace("|", "\r\n").encode("latin-1"))
        assert raw.recv(100).startswith(b"HTTP/1.1 403 ")
    with pytest.raises(InvalidStatus):
        server.socket("/ws/none?token=secret")
    with server.socket("/ws/open"), server.socket("/ws/open"):
        text = server.run("status").stdout
        found = json.loads(server.run("status", "--json").stdout)
    assert f"address      {server.http}\n" in text
    assert "connections  2\n" in text
    assert f"  open  {server.ws}/ws/open  {{text: str}} -> {{text: str}}  2 open\n" in text
    assert found["generation"] == 1
    assert {one["name"]: one["connections"] for one in found["endpoints"]} == {
        "echo": 0,
        "open": 2,
        "few": 0,
        "ticks": 0,
    }

    done = server.run("refusals")
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert "403 origin_not_allowed  /ws/echo  nobody at 127.0.0.1 from a page of " in first
    assert "\x9b" not in first
    assert "404 not_found  /ws/none  nobody at 127.0.0.1: " in second
    assert "secret" not in done.stdout
    reported = server.run("refusals", "--json").stdout
    assert "\x9b" not in reported
    assert [one["code"] for one in json.loads(reported)] == ["origin_not_allowed", "not_found"]
    assert json.loads(reported)[0]["origin"] == "https://evil.example\x9b31m"
