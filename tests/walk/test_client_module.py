"""`/jackfield.js` as it is served, in Node against a real server: answers, streams, events, and coming back.

Node finds the package ws through NODE_PATH, see tests/node.py.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.node import needs, program

from .conftest import LIMIT, Server, write

pytestmark = pytest.mark.walk

ENDPOINTS = """\
groups:
  "room:{room}": {history: 5}
endpoints:
  say: {url: /ws/say, process: talk.say, auth: public, limits: {time: 5s}}
  count: {url: /ws/count, process: talk.count, auth: public}
  room: {url: "/ws/rooms/{room}", process: echo.same, auth: public, group: "room:{room}", reply_to: group, event: said}
  desk: {url: /ws/desk, process: talk.say, auth: {roles: [support]}}
  told: {url: /ws/told, process: talk.say, refusals: close}
  late: {url: /ws/late, process: talk.late, auth: public}
  order: {url: /ws/order, process: talk.order, auth: public}
  one: {url: /ws/one, process: talk.say, auth: public, limits: {connections: 1}}
"""
TALK = """
import asyncio
from collections.abc import AsyncIterator

from jackfield import Connection, Reject, process

@process(reply="message")
def say(message: str, caller: Connection) -> str | None:
    if message == "bye":
        caller.close(4000, "до свидания")
    if message == "лишнее":
        raise Reject("banned", "No such word.", word=message)
    if message == "ring":
        caller.send({"event": "constructor", "n": 1})
    return None if message == "тишина" else message

@process
async def late(message: str) -> None:
    if message != "скоро":
        await asyncio.sleep(20)

@process(reply="paid")
async def order(item: str, caller: Connection) -> str:
    return (await caller.request({"event": "pay", "of": item}))["by"]

@process(reply="number")
async def count(to: int) -> AsyncIterator[int]:
    for number in range(to):
        if number == 7 and to < 10:
            raise Reject("seven", "Not seven.")
        yield number
"""

HEAD = """\
import { createRequire } from "node:module";
import { connect, MessageError, Closed } from "./jackfield.mjs";
const WS = createRequire(process.argv[1])("ws");
const [, , address, token] = process.argv;
const tell = (name, what = null) => console.log(JSON.stringify([name, what]));
const fault = (error) => [error.name, error.code ?? error.message, error.why ?? null];
const sockets = [];
const socket = (url, protocols) => (sockets.push(new WS(url, protocols)), sockets.at(-1));
const open = (path, more = {}) => connect(address + path, { socket, ...more });
const heard = (line, event) => new Promise((resolve) => { const off = line.on(event, (x) => (off(), resolve(x))); });
const pauses = [];  // what is waited before a next try; the waiting itself is left out
const later = globalThis.setTimeout;
globalThis.setTimeout = (what, ms, ...more) => {
  if (what.name === "open") pauses.push(ms);
  return later(what, what.name === "open" ? 10 : ms, ...more);
};
"""


class Script:
    """A program in Node that tells what it has come to."""

    def __init__(self, folder: Path, server: Server, text: str, token: str = "") -> None:
        needs("ws")
        (folder / "jackfield.mjs").write_bytes(httpx.get(f"{server.http}/jackfield.js").content)
        (folder / "script.mjs").write_text(HEAD + text, encoding="utf-8")
        self.process = subprocess.Popen(
            ["node", str(folder / "script.mjs"), server.http, token],
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def next(self) -> Any:
        """What it tells next: a name, and what belongs to it."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.wait(LIMIT)
        return json.loads(line)

    def all(self) -> dict[str, Any]:
        """All that it tells until its end, which has to be a good one."""
        out, _ = self.process.communicate(timeout=LIMIT)
        assert self.process.returncode == 0, out
        return dict(json.loads(line) for line in out.splitlines())

    def kill(self) -> None:
        """End it where it has not ended."""
        self.process.kill()
        self.process.communicate()


Run = Callable[..., Script]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("client") / "project"
    write(folder, endpoints=ENDPOINTS, talk=TALK)
    running = Server(folder)
    yield running
    running.stop()


@pytest.fixture
def run(tmp_path: Path, server: Server) -> Iterator[Run]:
    """Start a script; it ends with the test."""
    running: list[Script] = []

    def begin(text: str, token: str = "", at: Server = server) -> Script:
        running.append(Script(tmp_path, at, text, token))
        return running[-1]

    yield begin
    for script in running:
        script.kill()


def test_answers_and_what_goes_wrong_with_them(run: Run) -> None:
    found = run("""
const line = open("/ws/say");
tell("states", [line.state, (await heard(line, "$open"), line.state)]);
tell("reply", await line.ask({ message: "Привет 👋" }));
tell("many", await Promise.all([..."абвгд"].map((message) => line.ask({ message }))));
tell("own", await line.ask({ message: "лишнее" }).catch((error) =>
  [error instanceof MessageError, error.code, error.message, error.error.word]));
tell("wrong", await line.ask({ mesage: "а" }).catch((error) => [error.code, error.error.details[0].path]));
tell("silent", (await line.ask({ message: "тишина" })) === undefined);
const slow = open("/ws/late");
tell("late", await slow.ask({ message: "а" }, { timeout: 50 }).catch((error) => error.message));
tell("taken back", (await slow.ask({ message: "скоро" })) === undefined);
slow.close();
const reply = heard(line, "$reply");
line.send({ message: "без номера" });
tell("sent", await reply);
const failed = heard(line, "$error");
line.send({ nothing: 1 });
tell("failed", (await failed).code);
const event = heard(line, "constructor");
line.on("constructor", () => tell("others", line.state));
tell("rung", await line.ask({ message: "ring" }));
tell("event", await event);
line.close();
tell("closed", [line.state, await line.ask({ message: "а" }).catch(fault)]);
""").all()
    assert found == {
        "states": ["connecting", "open"],
        "reply": {"message": "Привет 👋"},
        "many": [{"message": letter} for letter in "абвгд"],
        "own": [True, "banned", "No such word.", "лишнее"],
        "wrong": ["invalid_message", "/mesage"],
        "silent": True,
        "late": "no answer within 50 ms",
        "taken back": True,
        "sent": {"message": "без номера"},
        "failed": "invalid_message",
        "rung": {"message": "ring"},
        "event": {"event": "constructor", "n": 1},
        "others": "open",
        "closed": ["closed", ["Closed", 1000, None]],
    }


def test_a_stream_is_read_one_by_one_and_may_be_left(run: Run) -> None:
    found = run("""
const line = open("/ws/count");
const read = async (to, all = []) => {
  for await (const { number } of line.stream({ to })) all.push(number);
  return all;
};
tell("both", await Promise.all([read(3), read(4)]));
tell("none", await read(0));
for await (const { number } of line.stream({ to: 1e9 })) if (number === 1) break;
tell("left", await read(2));
const taken = async () => {
  for await (const { number } of line.stream({ to: 1e9 })) if (number === 2) line.cancel();
};
tell("taken", await taken().catch((error) => error.code));
const some = [];
tell("seven", [await read(9, some).catch((error) => error.code), some]);
tell("first", await line.ask({ to: 3 }));
line.close();
tell("closed", await read(1).catch(fault));
""").all()
    assert found == {
        "both": [[0, 1, 2], [0, 1, 2, 3]],
        "none": [],
        "left": [0, 1],
        "taken": "cancelled",
        "seven": ["seven", [0, 1, 2, 3, 4, 5, 6]],
        "first": {"number": 0},
        "closed": ["Closed", 1000, None],
    }


def test_what_a_handler_gives_answers_a_request(run: Run) -> None:
    found = run("""
const line = open("/ws/order");
line.on("pay", () => undefined);
line.on("pay", async ({ of }) => ({ by: `карта ${of}` }));
tell("paid", await line.ask({ item: "чай" }));
line.close();
""").all()
    assert found == {"paid": {"paid": "карта чай"}}


def test_events_of_a_group_and_an_ask_whose_reply_goes_to_it(run: Run) -> None:
    found = run("""
const [anna, boris] = [open("/ws/rooms/7"), open("/ws/rooms/7")];
await Promise.all([heard(anna, "$open"), heard(boris, "$open")]);
const said = heard(boris, "said");
tell("done", (await anna.ask({ text: "Привет 👋" })) === undefined);
tell("said", (await said).text);
const late = open("/ws/rooms/7");
tell("history", (await heard(late, "history")).events.map((one) => one.text));
for (const line of [anna, boris, late]) line.close();
""").all()
    assert found == {"done": True, "said": "Привет 👋", "history": ["Привет 👋"]}


def test_why_it_is_not_let_in(run: Run, server: Server) -> None:
    found = run(
        """
const cases = [
  ["nobody", "/ws/desk"], ["role", "/ws/desk", { token }], ["bad", "/ws/desk", { token: "1.x" }],
  ["nowhere", "/ws/nowhere"], ["by close", "/ws/told"], ["bye", "/ws/say"],
  ["async", "/ws/told", { token: async () => token }],
];
for (const [name, path, more] of cases) {
  const line = open(path, more);
  const asked = line.ask({ message: name }).then((reply) => (line.close(), reply), fault);
  const { code, reason, why } = await heard(line, "$closed");
  if (why) delete why.fix;
  tell(name, [code, reason, why, await asked, line.state]);
}
tell("pauses", pauses);
""",
        server.token(),
    ).all()
    assert found.pop("pauses") == [], "none of them is tried again"
    assert all(end[-1] == "closed" for end in found.values())
    assert {name: (end[0], end[2]) for name, end in found.items()} == {
        "nobody": (1006, {"status": 401, "code": "not_logged_in"}),
        "role": (1006, {"status": 403, "code": "role_required"}),
        "bad": (1006, {"status": 401, "code": "bad_credential"}),
        "nowhere": (1006, {"status": 404, "code": "not_found"}),
        "by close": (4401, None),
        "bye": (4000, None),
        "async": (1000, None),
    }
    assert found["by close"][1].startswith("not_logged_in: ")
    assert found["bye"][1] == "до свидания"
    assert found["nobody"][3][0] == "Closed"
    assert found["async"][3] == {"message": "async"}


def test_it_comes_back_after_a_restart_and_sends_what_waited(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    write(folder, endpoints=ENDPOINTS, talk=TALK)
    first = Server(folder)
    port = first.http.rpartition(":")[2]
    script = run(
        """
const line = open("/ws/say", { queue: 2 });
let opened = 0;
line.on("$open", () => opened++);
const downs = [];
line.on("$down", (how) => downs.push(how));
tell("before", await line.ask({ message: "а" }));
const silent = line.ask({ message: "тишина" });
const down = heard(line, "$down");
await line.ask({ message: "б" });
tell("open");
const { code, why } = await down;
tell("down", [code, why, await silent === undefined, line.state === "open"]);
const waits = line.ask({ message: "в" });
const late = line.ask({ message: "г" }, { timeout: 30 }).catch((error) => error.message);
tell("full", await line.ask({ message: "д" }).catch((error) => error.message));
tell("late", await late);
line.send({ message: "е" });
const sent = heard(line, "$reply");
while (downs.length < 4) await heard(line, "$down");
tell("gone");
tell("back", [await waits, await sent, opened]);
const slower = pauses.slice(0, 4).map((ms, n) => ms >= 500 * 2 ** n && ms <= 1500 * 2 ** n);
tell("pauses", [slower, downs.every(({ retryIn }, n) => retryIn === pauses[n])]);
line.close();
""",
        at=first,
    )
    assert script.next() == ["before", {"message": "а"}]
    assert script.next() == ["open", None]
    first.stop()
    assert script.next() == ["down", [1012, None, True, False]]
    assert script.next() == ["full", "too many messages wait"]
    assert script.next() == ["late", "no answer within 30 ms"]
    assert script.next() == ["gone", None]
    second = Server(folder, "--port", port)
    try:
        assert script.next() == ["back", [{"message": "в"}, {"message": "е"}, 2]]
        assert script.next() == ["pauses", [[True] * 4, True]]
        assert script.all() == {}
    finally:
        second.stop()


def test_a_refusal_that_passes_is_tried_again(run: Run) -> None:
    found = run("""
const first = open("/ws/one");
await heard(first, "$open");
const next = open("/ws/one");
const down = await heard(next, "$down");
tell("down", [down.code, down.why.status, down.why.code]);
first.close();
tell("in", await next.ask({ message: "а" }));
next.close();
""").all()
    assert found == {"down": [1006, 503, "too_many_connections"], "in": {"message": "а"}}


def test_closing_while_it_waits_ends_everything(run: Run) -> None:
    found = run("""
const line = connect("http://127.0.0.1:9/ws/x", { socket });
const asked = line.ask({ message: "а" }).catch(fault);
const { code, why } = await heard(line, "$down");
line.close();
tell("ended", [code, why, line.state, await asked]);
const early = open("/ws/say", { token: () => new Promise((resolve) => later(resolve, 20)) });
early.close();
tell("early", [early.state, sockets.length > 1]);
const failing = open("/ws/say", { token: () => Promise.reject(new Error("нет")) });
tell("token", (await heard(failing, "$down")).reason);
failing.close();
""").all()
    assert found == {
        "ended": [1006, None, "closed", ["Closed", 1000, None]],
        "early": ["closed", False],
        "token": "Error: нет",
    }


USE = """\
import { connect, Closed, MessageError, type Connection } from "./jackfield.js";
interface Said { message: string }
const line: Connection = connect("/ws/say", { token: async () => "x", queue: 5 });
const off: () => void = line.on("$down", ({ retryIn, why }) => retryIn + (why?.status ?? 0));
line.on("said", (event) => event.text);
async function main() {
  const reply = await line.ask<Said>({ message: "a" }, { timeout: Infinity });
  reply?.message.length;
  for await (const one of line.stream<Said>({ to: 1 })) one.message.length;
  try { line.send({}); } catch (error) { if (error instanceof MessageError || error instanceof Closed) error.code; }
  // @ts-expect-error no text
  line.send("a");
  // @ts-expect-error may be undefined
  (await line.ask<Said>({})).message;
  line.close(4000, "bye");
  off();
}
void main;
"""


def test_its_types_say_what_it_does(tmp_path: Path, server: Server) -> None:
    compiler = program("typescript", "tsc")
    (tmp_path / "jackfield.d.ts").write_bytes(httpx.get(f"{server.http}/jackfield.d.ts").content)
    (tmp_path / "use.ts").write_text(USE)
    options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
    done = subprocess.run(
        [compiler, *options, str(tmp_path / "use.ts")], capture_output=True, text=True, timeout=LIMIT * 5, check=False
    )
    assert done.returncode == 0, done.stdout
