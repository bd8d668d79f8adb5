"""Node's `ws` as the client: it is what Postman is built on.

Node finds the package through NODE_PATH; `npm install ws` in any folder, and NODE_PATH=that/node_modules.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Server, write

pytestmark = pytest.mark.walk

CLIENT = """\
const WebSocket = require("ws");
const [url, cookie, ...messages] = process.argv.slice(1);
const headers = cookie ? { Cookie: cookie } : {};
const socket = new WebSocket(url, { headers, handshakeTimeout: 10000 });
const tell = (what) => console.log(JSON.stringify(what));
socket.on("upgrade", (answer) => tell({ extensions: answer.headers["sec-websocket-extensions"] || null }));
socket.on("open", () => messages.forEach((text) => socket.send(text)));
let left = messages.length;
socket.on("message", (data, binary) => {
  tell({ binary, received: JSON.parse(data.toString()) });
  if (--left === 0) socket.close(1000);
});
socket.on("close", (code) => tell({ closed: code }));
socket.on("error", (error) => tell({ error: error.message }));
socket.on("unexpected-response", (request, answer) => {
  const parts = [];
  answer.on("data", (part) => parts.push(part));
  answer.on("end", () => tell({
    status: answer.statusCode,
    code: answer.headers["jackfield-error"],
    body: JSON.parse(Buffer.concat(parts).toString()),
  }));
});
"""


def _missing() -> str:
    if shutil.which("node") is None:
        return "node is not installed"
    found = subprocess.run(["node", "-e", 'require("ws")'], capture_output=True, check=False)
    return "" if found.returncode == 0 else "Node's package ws is not found: npm install ws, and set NODE_PATH"


@pytest.fixture(scope="module")
def node() -> Callable[..., list[Any]]:
    """Run the client and give what it told."""
    if reason := _missing():
        pytest.skip(reason)

    def run(url: str, cookie: str, *messages: str) -> list[Any]:
        done = subprocess.run(
            ["node", "-e", CLIENT, "--", url, cookie, *messages],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=30,
            check=True,
            env={**os.environ},
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_what_postman_sends_and_sees(
    tmp_path: Path, start: Callable[..., Server], node: Callable[..., list[Any]]
) -> None:
    write(
        tmp_path,
        endpoints='endpoints: {hi: {url: "/ws/hi", process: hi.answer}, '
        "desk: {url: /ws/desk, process: hi.answer, auth: {roles: [support]}}}\n",
        hi='from jackfield import process\n@process(reply="message")\ndef answer(message: str) -> str:\n'
        '    return "Привет!" if message == "Привет" else message\n',
    )
    server = start(tmp_path)
    cookie = server.first_cookie()["Cookie"]
    reported = node(f"{server.ws}/ws/hi", cookie, '{"message": "Привет"}', "{bad", '{"message": "Ещё 🤝"}')
    assert reported[0] == {"extensions": None}  # ws offers permessage-deflate; we do not take it
    assert reported[1] == {"binary": False, "received": {"message": "Привет!"}}
    assert reported[2]["received"]["error"]["code"] == "invalid_message"
    assert reported[3] == {"binary": False, "received": {"message": "Ещё 🤝"}}
    assert reported[4] == {"closed": 1000}

    (told_off,) = node(f"{server.ws}/ws/hi", "")
    assert (told_off["status"], told_off["code"]) == (401, "not_logged_in")
    assert told_off["body"]["fix"].startswith("POST /auth/login")
    (told_off,) = node(f"{server.ws}/ws/desk", cookie)
    assert (told_off["status"], told_off["code"]) == (403, "role_required")
    (told_off,) = node(f"{server.ws}/ws/ho", cookie)
    assert (told_off["status"], told_off["code"]) == (404, "not_found")
    assert told_off["body"]["fix"] == "Did you mean /ws/hi?"
    assert server.stop() == 0
    assert not any("rror" in line or "Traceback" in line for line in server.lines), server.lines
