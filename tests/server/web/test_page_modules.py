"""Modules of the page without elements, in Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import resources
from typing import Any

import pytest

STATIC = resources.files("jackfield.server.web") / "static"

EXAMPLE = """
const { Conversation } = await import(`file://${process.argv[1]}/conversation.js`);
const { exampleOf, isSaid } = await import(`file://${process.argv[1]}/example.js`);
const { write } = await import(`file://${process.argv[1]}/json.js`);
let now = 0;
class Socket {
  constructor() { Socket.last = this; }
  send() {}
  close() {}
}
const begin = () => {
  const made = new Conversation(() => {}, { Socket, now: () => now++ });
  made.connect("ws://x");
  const socket = Socket.last;
  socket.onopen();
  return { made, came: (data) => socket.onmessage({ data }), ends: (code) => socket.onclose({ code, reason: "" }) };
};
const told = (...several) => console.log(write(exampleOf(several, "аня")));
const one = begin();
console.log(isSaid({ frames: one.made.frames }));
one.made.send('{"message": "Привет 👋"}');
one.came('{"message": "да"}');
one.made.send('{"$id": 7, "message": 5}');
one.came('{"error": {"code": "invalid_message"}, "$id": 7}');
one.came('{"event": "said", "$n": 4, "$time": "2026", "text": "x"}');
one.came(new Uint8Array([1, 255]).buffer);
one.ends(4408);
told({ frames: one.made.frames, params: {} });
const a = begin(), b = begin();
a.made.send('{"text": "всем"}');
b.came('{"text": "всем", "by": "аня"}');
b.ends(1000);
told({ frames: a.made.frames, params: { room: "7" } }, { frames: b.made.frames, params: { room: "7" } });
"""


def lines(script: str) -> list[Any]:
    """What a script says, each line as JSON."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    command = ["node", "--input-type=module", "--eval", script, "--", str(STATIC)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_conversation_becomes_an_example() -> None:
    silent, alone, both = lines(EXAMPLE)
    assert silent is False
    assert alone == {
        "steps": [
            {"send": {"message": "Привет 👋"}, "expect": {"message": "да"}},
            {"send": {"$id": 7, "message": 5}, "expect_error": "invalid_message"},
            {"expect": {"event": "said", "text": "x"}, "partial": True},
            {"expect": {"base64": "Af8="}},
            {"expect_close": 4408},
        ]
    }
    heard = {"client": "client2", "expect": {"text": "всем", "by": "аня"}}
    assert both == {
        "clients": {key: {"as": {"login": "аня"}, "params": {"room": "7"}} for key in ("client1", "client2")},
        "steps": [{"client": "client1", "send": {"text": "всем"}}, heard],
    }
