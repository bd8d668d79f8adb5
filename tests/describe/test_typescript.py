"""The TypeScript client compiles, whatever the contract, and its connection keeps order and bounds."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from jackfield.describe import typescript
from tests import node
from tests.describe.made import full, made, own

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
    const silent = new Line();
    const client = new Client("http://127.0.0.1:9", { socket: () => silent, timeout: 0 });
    told["unopened"] = await client.greeting().catch((error) => error instanceof TimedOut);
  }
  console.log(JSON.stringify(told));
}
void main();
"""


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
    told = json.loads(done.stdout)
    address = "wss://desk.example.com/rt/ws/rooms/%D0%B0%20%D0%B1%23%3F/2?since=%D0%B2%D1%87%D0%B5%D1%80%D0%B0"
    assert told["opened"] == [address, ["jackfield.v1", "bearer.1.abc"], {"X-A": "b"}]
    assert told["ids"] == [1, 2, 3, 4]
    assert told["order"] == [True, ["rate_limited", 2], "c", ["rate_limited", "own"]]
    assert told["passed over"] == ["f", ["rate_limited", 2]]
    assert told["events"] == [{"event": "ring", "number": 2}, {"event": "ring", "number": 3}, 1]
    assert told["closing"] == [4000, [4000, "enough"], "Closed: closed 4000: enough"]
    assert told["after"] == "Closed: closed 4000: enough"
    assert told["too many"] == [10_001, True]
    assert told["end"] == {"done": True}
    assert told["unopened"] is True


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
