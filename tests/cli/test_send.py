"""`jackfield send`: what is refused before a server is asked. What it sends: tests/walk/test_push.py."""

from __future__ import annotations

import shlex
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jackfield.cli.send import MOST
from tests.projects import write

from .conftest import run

HELLO = '{"event": "привет"}'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, "endpoints: {}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((HELLO,), "give --group or --user, one of them"),
        (("--group", "a", "--user", "anna", HELLO), "give --group or --user, one of them"),
        (("--group", "a", "--endpoint", "say", HELLO), "--endpoint goes with --user"),
        (("--group", "a b", HELLO), "--group: it has a character that stands percent-encoded there: a%20b\n"),
        (("--group", "$all", HELLO), "--group: names that begin with $ belong to Jackfield itself\n"),
        (("--group", "a", "hello"), "EVENT is no JSON; write it in one pair of quotes"),
        (("--group", "a", "[]"), "an event is a JSON object"),
        (("--group", "a", '{"event": "history"}'), "is an event of Jackfield itself"),
        (("--user", "anna", "{}"), "/event: an event has its name under"),
        (("--user", "anna", "--url", "desk.example.com", HELLO), "--url must be like https://desk.example.com"),
        (("--user", "anna", "--url", "https://desk.example.com", HELLO), "--url needs a service key, in JACKFIELD_KEY"),
        (("--user", "anna", f'{{"event": "{"x" * MOST}"}}'), "send it with --url"),
    ],
)
def test_wrong_usage_is_exit_2(project: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run("-C", project, "send", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_the_example_of_the_help_is_sound(project: Path) -> None:
    """Each line as it stands there is taken, up to the server that is missing."""
    text = run("send", "--help", COLUMNS="300").stdout
    lines = [shlex.split(line) for line in text.splitlines() if "jackfield send --" in line]
    assert len(lines) == 2
    for line in lines:
        key, at = ("", 2) if line[0] == "jackfield" else (line[0].partition("=")[2].replace("…", "x"), 3)
        arguments = [("http://127.0.0.1:9" if word.startswith("https://") else word) for word in line[at:]]
        result = run("-C", project, "send", *arguments, **({"JACKFIELD_KEY": key} if key else {}))
        assert result.exit_code == 3, result.stderr


def test_without_a_server_it_is_exit_3(project: Path) -> None:
    result = run("-C", project, "send", "--group", "a", "-", given=HELLO)
    assert (result.exit_code, "no server is running" in result.stderr) == (3, True)


def test_an_address_where_nobody_listens_is_exit_3(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        result = run("send", "--user", "anna", "--url", url, HELLO, JACKFIELD_KEY="jf_x")
    assert (result.exit_code, f"{url}/api/users/anna/events does not answer" in result.stderr) == (3, True)
    assert "jf_x" not in result.stderr


def test_the_key_goes_to_the_server_alone(tmp_path: Path) -> None:
    """Neither a proxy of the environment, for this machine, nor where an answer leads is shown it."""
    asked: list[str] = []

    class Leads(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.headers["Authorization"])
            self.send_response(302)
            self.send_header("Location", "/other")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Leads) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        result = run(
            "send", "--user", "anna", "--url", url, HELLO, JACKFIELD_KEY="jf_x", http_proxy="http://127.0.0.1:9"
        )
        server.shutdown()
    assert (result.exit_code, result.stderr) == (1, "jackfield: 302 Found\n")
    assert asked == ["Bearer jf_x"]
