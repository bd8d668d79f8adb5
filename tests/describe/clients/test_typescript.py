"""The TypeScript client compiles, whatever the contract, and its connection keeps order and bounds."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from jackfield.describe.clients import typescript
from tests import node
from tests.describe.made import TRAPS, called, full, made, own

STRICT = (
    "--strict",
    "--noUncheckedIndexedAccess",
    "--exactOptionalPropertyTypes",
    "--noPropertyAccessFromIndexSignature",
    "--noImplicitOverride",
    "--noImplicitReturns",
    "--noUnusedLocals",
    "--noUnusedParameters",
    "--erasableSyntaxOnly",
    "--isolatedModules",
    *("--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", "--types", ""),
)

# A socket of the test's own takes the place of the network: `said` is what the client sent, `say` answers.
CONNECTION = """\
import { Client, Closed, MessageError, TimedOut, TooManyReplies } from "./full.js";
import type { Socket } from "./full.js";

class Line implements Socket {
  onopen: ((event: any) => void) | null = null;
  onmessage: ((event: any) => void) | null = null;
  onclose: ((event: any) => void) | null = null;
  onerror: ((event: any) => void) | null = null;
  readonly said: any[] = [];
  send(data: string) { this.said.push(JSON.parse(data)); }
  say(frame: object) { this.onmessage?.({ data: JSON.stringify(frame) }); }
  close(code = 1000, reason = "") { queueMicrotask(() => this.onclose?.({ code, reason })); }
}

const told: Record<string, unknown> = {};
const busy = { error: { code: "rate_limited", message: "slower", retry_after: 2 } };
const code = (error: unknown) => (error instanceof MessageError ? [error.code, error.retryAfter] : String(error));

async function line(): Promise<[Client, Line, any[]]> {
  const socket = new Line();
  const opened: any[] = [];
  const client = new Client("https://desk.example.com/rt/", {
    token: "1.abc", headers: { "X-A": "b" }, queue: 2, query: { since: "вчера" },
    socket: (...given) => (opened.push(...given), queueMicrotask(() => socket.onopen?.({})), socket),
    onError: (error) => opened.push(error.code),
  });
  return [client, socket, opened];
}

async function main() {
  {
    const [client, socket, opened] = await line();
    const room = await client.room({ room: "а б#?", number: 2 });
    told["opened"] = opened.slice();
    const late = await room.ask({ text: "a" }, 0).catch((error) => error instanceof TimedOut);
    const [second, third] = [room.ask({ text: "b" }), room.ask({ text: "c" })];
    room.send({ text: "d" });
    told["ids"] = socket.said.map((message) => message.$id);
    socket.say(busy); // of the first, which nobody waits for any more
    socket.say(busy); // of the second
    socket.say({ room: "r", number: 1, text: "c", mood: "x", $id: 3 });
    socket.say({ error: { code: "own", message: "no" }, $id: 4 });
    told["order"] = [late, await second.catch(code), (await third).text, opened.slice(3)];
    room.send({ text: "e" });
    const sixth = room.ask({ text: "f" });
    const seventh = room.ask({ text: "g" });
    socket.say({ room: "r", number: 1, text: "f", mood: "x", $id: 6 }); // the fifth has no answer
    socket.say(busy);
    told["passed over"] = [(await sixth).text, await seventh.catch(code)];
    for (const number of [1, 2, 3]) socket.say({ event: "ring", number });
    const events = room.events(1000);
    told["events"] = [(await events.next()).value, (await events.next()).value, room.dropped];
    const waiting = room.ask({ text: "h" }).catch((error) => error instanceof Closed && [error.code, error.reason]);
    const none = events.next();
    told["closing"] = [(await room.close(4000, "enough")).code, await waiting, await none.catch(String)];
    try { room.send({ text: "i" }); } catch (error) { told["after"] = String(error); }
  }
  {
    const [client, socket] = await line();
    const count = await client.count();
    const replies = count.stream({ to: 1 });
    const first = replies.next();
    socket.say({ number: 1, $id: 1 });
    await first;
    for (let number = 0; number <= 10_000; number += 1) socket.say({ number, $id: 1 });
    let read = 0;
    try { for await (const _ of replies) read += 1; }
    catch (error) { told["too many"] = [read, error instanceof TooManyReplies]; }
    const none = count.events();
    const end = none.next();
    await count.close();
    told["end"] = await end;
  }
  {
    const [client, socket] = await line();
    const hall = await client.hall({ hall: "зал" });
    const heard: unknown[] = [];
    socket.say({ event: "rung", by: { who: "Анна", times: 1 } }); // before anybody hears
    socket.say({ event: "other" });
    const off = hall.on("rung", ({ by }) => { const times: number = by.times; heard.push(by.who, times); });
    hall.on("rung", async () => { throw new Error("нет"); }); // told on the console
    hall.on("said", (event) => {
      const from: string | null = event.from;
      // @ts-expect-error a text
      const message: number = event.message;
      heard.push(from, message);
    });
    hall.on("закрыто", (event) => void heard.push(event.until.length));
    const unnamed = hall.on("что-то", (event) => void heard.push(event["of"]));
    // @ts-expect-error the event has no such key
    hall.on("rung", (event) => event.wrong);
    const early = heard.length;
    await Promise.resolve().then(() => undefined);
    socket.say({ event: "said", from: null, message: "Привет" });
    socket.say({ event: "rung", by: { who: "Борис", times: 2 } });
    socket.say({ event: "закрыто", until: "2026-12-01" });
    socket.say({ event: "что-то", of: "🎉" });
    await new Promise((resolve) => setTimeout(resolve));
    off();
    unnamed();
    socket.say({ event: "что-то", of: "не слышно" });
    socket.say({ event: "rung", by: { who: "Вера", times: 3 } });
    await new Promise((resolve) => setTimeout(resolve));
    const rest = hall.events(1000);
    told["heard"] = [early, heard, (await rest.next()).value, (await rest.next()).value];
  }
  {
    const silent = new Line();
    const client = new Client("http://127.0.0.1:9", { socket: () => silent, timeout: 0 });
    told["unopened"] = await client.greeting().catch((error) => error instanceof TimedOut);
  }
  console.log(JSON.stringify(told));
}
void main();
"""

# Keys that are no keys of a plain object, and names that the language or every object has already.
TRAPPED = """\
import { segment } from "./full.js";
import { Client, Refused } from "./traps.js";
import type { Socket } from "./traps.js";

class Line implements Socket {
  onopen: ((event: any) => void) | null = null;
  onmessage: ((event: any) => void) | null = null;
  onclose: ((event: any) => void) | null = null;
  onerror: ((event: any) => void) | null = null;
  readonly url: string;
  constructor(url: string) { this.url = url; queueMicrotask(() => this.onopen?.({})); }
  send(data: string) {
    const id = JSON.parse(data).$id;
    const answer = data.replace(`,"$id":${id}`, `,"said":${JSON.stringify(data)},"$id":${id}`);
    queueMicrotask(() => this.onmessage?.({ data: answer }));
  }
  close(code = 1000, reason = "") { queueMicrotask(() => this.onclose?.({ code, reason })); }
}

async function main() {
  const urls: string[] = [];
  const client = new Client("http://x", { socket: (url) => (urls.push(url), new Line(url)) });
  const same: unknown = await client;
  const opened = [
    await client.Room(), await client.room(), await client["room-1"](), await client["room.1"](), await client.room_1(),
    await client.class(), await client.class_(), await client.None(), await client.self(), await client.close(),
    await client.delete(), await client.constructor$(), await client.toString$(), await client.hasOwnProperty$(),
    await client.then$(), await client.toJSON$(), await client.valueOf$(), await client.Client(),
  ];
  const said: any = await opened[0]?.ask({ ["__proto__"]: "a", constructor: "b", toString: "c", message: "d" } as any);
  const { message } = await client.Room().then((room) => room.ask({ message: "e" }));
  // What an object gives where nobody gave the parameter.
  const none: any = {};
  const parts = [() => segment("__proto__", none["__proto__"]), () => segment("constructor", none.constructor)];
  const faults = parts.map((part) => { try { return part(); } catch (error) { return error instanceof RangeError; } });
  console.log(JSON.stringify({
    faults, same: same === client, urls: urls.map((url) => url.slice("ws://x/ws/".length)), text: String(client),
    said: JSON.parse(said.said), keys: Object.keys(said), own: Object.getPrototypeOf(said) === Object.prototype,
    constructor: client.constructor === Client, json: JSON.stringify(client), message,
    refused: [new Refused(401, "", "Log in."), new Refused(401, "a", ""), new Refused(0, "", "")].map(String),
  }));
}
void main();
"""

# What an endpoint with `refusals: close` does after its accept, and what the same address says without an upgrade.
CLOSING = """\
import { Client, Refused } from "./closing.js";
import type { Socket } from "./closing.js";

const told: unknown[] = [];
const fault = (error: unknown) => (error instanceof Refused ? [error.status, error.code, error.fix] : String(error));

async function open(then: (socket: Socket) => void, answer: (socket: any) => object | null): Promise<void> {
  const socket: any = { send: () => undefined, close: () => undefined, readyState: 1 };
  globalThis.fetch = async () => {
    const body = answer(socket);
    if (body === null) throw new TypeError("not for this page");
    return new Response(JSON.stringify({ would: body }), { status: 426 });
  };
  const client = new Client("http://x", {
    socket: () => (setTimeout(() => (socket.onopen({}), then(socket))), socket),
    timeout: 60_000,
  });
  const opened = await client.pet().catch(fault);
  if (Array.isArray(opened) || typeof opened === "string") return void told.push(opened);
  told.push((await opened.events(0).next().catch(String) as any).value ?? "open");
}

async function main() {
  const would = { status: 401, code: "not_logged_in", fix: "Log in." };
  const close = (code: number) => (socket: any) => socket.onclose({ code, reason: "not_logged_in: who are you" });
  const later = (socket: any) => { socket.readyState = 2; setTimeout(() => close(4401)(socket)); return would; };
  const never = () => undefined;
  await open(close(4401), () => would);
  await open(close(4401), () => ({ ...would, code: "session_expired" }));
  await open((socket: any) => socket.onclose({ code: 4403, reason: "who are you" }), () => null);
  await open(never, later);
  await open(never, () => null);
  await open(never, () => ({ status: 429, code: "too_many_of_user", fix: "" })); // that is this connection itself
  await open((socket: any) => socket.onmessage({ data: '{"event":"hello"}' }), () => null);
  await open(close(4000), () => would);
  console.log(JSON.stringify(told));
}
void main();
"""


def addresses(text: str) -> dict[str, str]:
    """Which address each function of a client opens."""
    return dict(re.findall(r'^  async (.+?)\(.*\n    return this\.#open\("(.*?)"', text, flags=re.MULTILINE))


@pytest.mark.walk
@pytest.mark.tool
def test_every_client_compiles_and_keeps_its_word(tmp_path: Path) -> None:
    """One run of the compiler for all: what it would say of one contract stands with the name of its file."""
    program = node.program("typescript", "tsc")
    texts = {"full": typescript.client(full()), "own": typescript.client(own())}
    texts |= {f"made{seed}": typescript.client(made(seed)) for seed in range(4)}
    for name, text in texts.items():
        (tmp_path / f"{name}.ts").write_text(text, encoding="utf-8")
    (tmp_path / "connection.ts").write_text(CONNECTION, encoding="utf-8")
    files = [*(f"{name}.ts" for name in texts), "connection.ts"]
    done = node.run(program, *STRICT, *files, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    done = node.run("node", "connection.js", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    reported = json.loads(done.stdout)
    address = "wss://desk.example.com/rt/ws/rooms/%D0%B0%20%D0%B1%23%3F/2?since=%D0%B2%D1%87%D0%B5%D1%80%D0%B0"
    assert reported["opened"] == [address, ["jackfield.v1", "bearer.1.abc"], {"X-A": "b"}]
    assert reported["ids"] == [1, None, 2, 3, 4], "the second takes the first back"
    assert reported["order"] == [True, ["rate_limited", 2], "c", ["rate_limited", "own"]]
    assert reported["passed over"] == ["f", ["rate_limited", 2]]
    assert reported["events"] == [{"event": "ring", "number": 2}, {"event": "ring", "number": 3}, 1]
    assert reported["closing"] == [4000, [4000, "enough"], "Closed: closed 4000: enough"]
    assert reported["after"] == "Closed: closed 4000: enough"
    assert reported["too many"] == [10_001, True]
    assert reported["end"] == {"done": True}
    heard = ["Анна", 1, None, "Привет", "Борис", 2, 10, "🎉"]
    last = [{"event": "other"}, {"event": "что-то", "of": "не слышно"}]
    assert reported["heard"] == [0, heard, *last], "a handler runs after the step, and two of the name still hear it"
    assert "a handler of the event rung failed" in done.stderr
    assert reported["unopened"] is True


@pytest.mark.walk
@pytest.mark.tool
def test_no_name_is_a_trap_and_a_refusal_by_close_is_one(tmp_path: Path) -> None:
    closing = called("pet")
    pets = (dataclasses.replace(closing.operations[0], refusals="close"),)
    texts = {
        "full": typescript.client(full()),
        "traps": typescript.client(called(*TRAPS)),
        "trapped": TRAPPED,
        "closing": typescript.client(dataclasses.replace(closing, operations=pets)),
        "closed": CLOSING,
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.ts").write_text(text, encoding="utf-8")
    program = node.program("typescript", "tsc")
    done = node.run(program, *STRICT, *(f"{name}.ts" for name in texts), cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    done = node.run("node", "trapped.js", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    reported = json.loads(done.stdout)
    assert reported["same"] is reported["own"] is reported["constructor"] is True
    assert reported["urls"] == [
        *("Room", "room", "room-1", "room.1", "room_1", "class", "class_", "None", "self", "close", "delete"),
        *("constructor", "toString", "hasOwnProperty", "then", "toJSON", "valueOf", "Client", "Room"),
    ]
    assert reported["faults"] == [True, True]
    assert (reported["text"], reported["json"], reported["message"]) == ("[object Object]", "{}", "e")
    assert reported["said"] == {"__proto__": "a", "constructor": "b", "toString": "c", "message": "d", "$id": 1}
    assert reported["keys"] == ["__proto__", "constructor", "toString", "message", "said"]
    assert reported["refused"] == [
        f"Refused: {text}" for text in ("401: Log in.", "401 a", "The connection could not be opened.")
    ]

    done = node.run("node", "closed.js", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        [401, "not_logged_in", "Log in."],
        [401, "not_logged_in", "who are you"],
        [403, "", "who are you"],
        [401, "not_logged_in", "Log in."],
        "open",
        "open",
        {"event": "hello"},
        "open",
    ]


@pytest.mark.parametrize("place", range(0, len(TRAPS), 5))
def test_no_endpoint_changes_what_the_function_of_another_opens(place: int) -> None:
    found = addresses(typescript.client(called(*TRAPS)))
    assert len(found) == len(TRAPS)
    less = addresses(typescript.client(called(*TRAPS[:place], *TRAPS[place + 1 :])))
    assert less.items() < found.items()
    assert addresses(typescript.client(called(*reversed(TRAPS)))) == found


@pytest.mark.walk
@pytest.mark.tool
def test_it_compiles_where_node_brings_the_types(tmp_path: Path) -> None:
    types = node.needs("@types/node")
    (tmp_path / "full.ts").write_text(typescript.client(full()), encoding="utf-8")
    options = [*STRICT[: STRICT.index("--lib")], "--lib", "es2022", "--typeRoots", str(types.parent), "--types", "node"]
    done = node.run(node.program("typescript", "tsc"), *options, "full.ts", cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_the_same_contract_gives_the_same_text() -> None:
    assert typescript.client(made(1)) == typescript.client(made(1))


def test_it_says_what_it_was_made_from_and_how_to_make_it_anew() -> None:
    contract = full()
    head = typescript.client(contract).partition("*/")[0]
    assert contract.version in head
    assert "jackfield export client --lang typescript DIR" in head
    assert 'Cookie: "desk_token=…"' in head
    assert "Стойка поддержки 📞" in head


def test_what_the_examples_speak_of_is_named() -> None:
    text = typescript.client(full())
    assert 'export type RoomErrorCode = "banned_word" | ErrorCode;' in text
    assert 'export type RoomEvent = SessionExpiring | Event<"ring" | (string & {})>;' in text
    assert 'mood?: "happy" | "грустно";' in text  # what `input:` narrows


def test_a_contract_without_endpoints_has_a_client() -> None:
    assert "export class Client" in typescript.client(dataclasses.replace(own(), operations=()))


def test_a_client_for_one_endpoint_is_small_and_has_nothing_that_it_does_not_use() -> None:
    text = typescript.client(dataclasses.replace(own(), operations=own().operations[:1]))
    assert len(text.splitlines()) < 450
    assert [name for name in ("Streaming", "segment") if name in text] == []
