"""The typed clients against a real server: compiled as their users would, and driven."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jackfield.describe.clients import python, typescript
from jackfield.describe.contract import contract
from jackfield.routing import build
from tests import node

from .conftest import ROOT, Server, write

pytestmark = pytest.mark.walk

FULL = ROOT / "tests" / "describe" / "full"

DRIVE = """\
import { CLOSES, Client, Closed, MessageError, Refused } from "./client.js";
import type { RoomErrorCode, RoomEvent, RoomReply } from "./client.js";

declare const require: (name: string) => any;
declare const process: { argv: string[] };
const WS = require("ws");
const [, , address = "", token = ""] = process.argv;
const socket = (url: string, protocols: string[], headers: Record<string, string>) =>
  new WS(url, protocols, { headers });
const tell = (name: string, what: unknown) => console.log(JSON.stringify([name, what]));
const fault = (error: unknown) =>
  error instanceof MessageError ? { code: error.code, error: error.error, details: error.details }
  : error instanceof Refused ? { status: error.status, code: error.code, fix: error.fix }
  : error instanceof Closed ? { code: error.code, reason: error.reason }
  : String(error);

async function main() {
  const unheard: MessageError[] = [];
  const client = new Client(address, { token, socket, timeout: 10_000, onError: (error) => unheard.push(error) });

  const greeting = await client.greeting({ headers: { Cookie: `desk_token=${token}` } });
  const texts = ["Привет", "Ещё 🤝", "Как дела?"];
  const replies = await Promise.all(texts.map((message) => greeting.ask({ message })));
  tell("in flight", replies.map((reply) => reply.message));
  // @ts-expect-error a message of another shape
  tell("invalid", await greeting.ask({ mesage: 1 }).catch(fault));
  // @ts-expect-error the reply has no such key
  tell("shape", (await greeting.ask({ message: "a" })).text === undefined);
  // @ts-expect-error this endpoint gives one reply
  tell("no stream", greeting.stream === undefined);
  tell("after", (await greeting.ask({ message: "b" })).message);
  greeting.send({ message: 5 as unknown as string });
  await greeting.ask({ message: "c" });
  tell("unheard", unheard.map((error) => error.code));
  // What is not read is not processed, and its error has no $id: it belongs to the first that waits.
  tell("too long", await greeting.ask({ message: "a".repeat(70_000) }).catch((error) => error.code));
  tell("close", fault(await greeting.close()));
  tell("closed", await greeting.ask({ message: "d" }).catch(fault));

  const room = await client.room({ room: "Комната #1", number: -7 });
  const said: RoomReply = await room.ask({ text: "Заказ #5 🎉", mood: "грустно", "reply-to": null });
  tell("said", said);
  // @ts-expect-error not one of the moods
  tell("mood", await room.ask({ text: "x", mood: "angry" }).catch(fault));
  const own: RoomErrorCode = "banned_word";
  tell("own", [own, await room.ask({ text: "бан" }).catch(fault)]);
  room.send({ text: "ring" });
  for await (const event of room.events(10_000)) {
    const found: RoomEvent = event;
    tell("event", found);
    break;
  }
  tell("bye", await room.ask({ text: "bye" }).catch(fault));
  tell("ended", [fault(await room.closed), CLOSES.session_ended]);
  try {
    for await (const event of room.events()) tell("no event", event);
  } catch (error) {
    tell("events end", fault(error));
  }
  // @ts-expect-error the number is missing
  await client.room({ room: "x" }).catch((error) => tell("path", fault(error)));
  await client.room({ room: "..", number: 1 }).catch((error) => tell("segment", fault(error)));

  const count = await client.count();
  const numbers: number[] = [];
  for await (const { number } of count.stream({ to: 3 })) numbers.push(number);
  for await (const { number } of count.stream({ to: 100 })) {
    numbers.push(number);
    break;
  }
  const [left, right] = await Promise.all([sum(count.stream({ to: 4 })), sum(count.stream({ to: 5 }))]);
  tell("numbers", [numbers, left, right]);
  await count.close();

  tell("refused", await new Client(address, { socket }).greeting().catch(fault));
  tell("role", await client.greeting({ token: "1.no" }).catch(fault));
  tell("origin", await client.note({ timeout: 10_000 }).catch(fault));
  tell("nobody", await new Client("http://127.0.0.1:9", { socket }).greeting().catch(fault));
}

async function sum(replies: AsyncIterable<{ number: number }>): Promise<number> {
  let found = 0;
  for await (const { number } of replies) found += number;
  return found;
}

void main();
"""


SHUT = """\
import { Client, Refused } from "./client.js";

declare const require: (name: string) => any;
declare const process: { argv: string[] };
const WS = require("ws");
const [, , address = "", token = ""] = process.argv;
const socket = (url: string, protocols: string[], headers: Record<string, string>) =>
  new WS(url, protocols, { headers });
const fault = (error: unknown) => (error instanceof Refused ? [error.status, error.code] : String(error));

async function main() {
  const told: unknown[] = [];
  told.push(await new Client(address, { socket }).pet().catch(fault));
  told.push(await new Client(address, { socket, token }).lead().catch(fault));
  const pet = await new Client(address, { socket, token }).pet();
  told.push((await pet.ask({ message: "a" })).message);
  told.push(await new Client(address, { socket, token }).pet().catch(fault));
  told.push((await pet.ask({ message: "b" })).message);
  await pet.close();

  const unheard: string[] = [];
  const client = new Client(address, { socket, onError: (error) => unheard.push(error.code) });
  const endless = await client.endless();
  for await (const { number } of endless.stream({ to: 1_000_000_000 })) if (number === 3) break;
  for await (const { number } of endless.stream({ to: 1 })) told.push(number);
  await endless.close();
  const order = await client.order();
  order.onRequest("pay", async ({ of }) => ({ number: of === "чай" ? "2200 1234" : 5 }));
  told.push((await order.ask({ item: "чай" })).card);
  told.push(await order.ask({ item: "кофе" }, 500).catch((error) => error.name), unheard);
  told.push((await order.ask({ item: "чай" })).card);
  await order.close();
  const four = await client.four();
  told.push(await Promise.all([four.ask({ item: "a" }), four.ask({ item: "a".repeat(70_000) }, 300).catch(String)]));
  await four.close();
  console.log(JSON.stringify(told));
}
void main();
"""

PETS = """\
endpoints:
  pet: {url: /ws/pet, process: pets.pet, auth: required, refusals: close, limits: {per_user: 1}}
  lead: {url: /ws/lead, process: pets.pet, auth: {roles: [lead]}, refusals: close}
  endless: {url: /ws/endless, process: pets.endless, auth: public}
  order: {url: /ws/order, process: pets.order, auth: public}
  four: {url: /ws/four, process: pets.late, auth: public, limits: {concurrency: 4}}
"""
PROCESSES = """
import asyncio
from collections.abc import AsyncIterator
from typing import TypedDict

from jackfield import Connection, process


class Card(TypedDict):
    number: str


@process(reply="message")
def pet(message: str) -> str:
    return message


@process(reply="number")
async def endless(to: int) -> AsyncIterator[int]:
    for number in range(to):
        yield number


@process(reply="card")
async def order(item: str, connection: Connection) -> str:
    card = await connection.request({"event": "pay", "of": item}, answer=Card)
    return card["number"][-4:]


@process(reply="item")
async def late(item: str) -> str:
    await asyncio.sleep(0.5)
    return item
"""


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose endpoints tell refusals by a close frame."""
    folder = tmp_path_factory.mktemp("pets")
    write(folder, endpoints=PETS, pets=PROCESSES)
    server = Server(folder)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def admin(pets: Server) -> str:
    return pets.token()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with every feature of endpoints.yaml, and a user whom it lets in everywhere."""
    folder = tmp_path_factory.mktemp("desk") / "full"
    shutil.copytree(FULL, folder, ignore=shutil.ignore_patterns("__pycache__", ".jackfield"))
    server = Server(folder)
    server.run("users", "add", "anna", "--role", "support", "--password-stdin", given="correct horse battery\n")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def token(desk: Server) -> str:
    return desk.token("anna")


def generated(folder: Path, name: str, text: str) -> Any:
    """The Python client as a module."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


def test_typescript_talks_to_the_server(desk: Server, token: str, tmp_path: Path) -> None:
    node.needs("ws")
    (tmp_path / "client.ts").write_text(typescript.client(contract(build.build(FULL, 1))), encoding="utf-8")
    (tmp_path / "drive.ts").write_text(DRIVE, encoding="utf-8")
    done = node.run(node.program("typescript", "tsc"), *STRICT, "drive.ts", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    done = node.run("node", "drive.js", desk.http, token, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    reported = dict(json.loads(line) for line in done.stdout.splitlines())

    assert reported["in flight"] == ["Привет!", "Ещё 🤝", "Отлично! Как у тебя?"]
    assert reported["invalid"]["code"] == "invalid_message"
    assert reported["invalid"]["details"][0]["path"] == "/mesage"
    assert (reported["shape"], reported["no stream"], reported["after"]) == (True, True, "b")
    assert reported["unheard"] == ["invalid_message"]
    assert reported["too long"] == "message_too_long"
    assert reported["close"]["code"] == 1000
    assert reported["closed"]["code"] == 1000

    assert reported["said"] == {"room": "Комната #1", "number": -7, "text": "Заказ #5 🎉", "mood": "грустно"}
    assert reported["mood"]["details"][0]["path"] == "/mood"
    assert reported["own"][1]["error"]["word"] == "бан"
    assert reported["event"] == {"event": "ring", "room": "Комната #1"}
    assert reported["bye"] == {"code": 4000, "reason": "bye"}
    assert reported["ended"] == [{"code": 4000, "reason": "bye"}, 4401]
    assert reported["events end"] == {"code": 4000, "reason": "bye"}
    assert "no event" not in reported
    assert reported["path"] == 'RangeError: number: "" cannot stand in an address'
    assert reported["segment"] == 'RangeError: room: ".." cannot stand in an address'

    assert reported["numbers"] == [[1, 2, 3, 1], 10, 15]
    assert (reported["refused"]["status"], reported["refused"]["code"]) == (401, "not_logged_in")
    assert reported["refused"]["fix"].startswith("POST /auth/login")
    assert (reported["role"]["status"], reported["role"]["code"]) == (401, "bad_credential")
    assert (reported["origin"]["status"], reported["origin"]["code"]) == (403, "origin_not_allowed")
    assert reported["nobody"] == {"status": 0, "code": "", "fix": ""}


def test_typescript_hears_refusals_by_close_takes_messages_back_and_answers_requests(
    pets: Server, admin: str, tmp_path: Path
) -> None:
    node.needs("ws")
    (tmp_path / "client.ts").write_text(typescript.client(contract(build.build(pets.folder, 1))), encoding="utf-8")
    (tmp_path / "shut.ts").write_text(SHUT, encoding="utf-8")
    done = node.run(node.program("typescript", "tsc"), *STRICT, "shut.ts", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    done = node.run("node", "shut.js", pets.http, admin, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # The second connection of the user has closed when the same address, asked without an upgrade, answers.
    told = json.loads(done.stdout)
    assert told[:5] == [[401, "not_logged_in"], [403, "role_required"], "a", [429, "too_many_of_user"], "b"]
    assert told[5] == 0, "the stream before it was left, and its process cancelled"
    assert told[6:10] == ["1234", "TimedOut", ["invalid_message", "message_too_long"], "1234"]
    assert told[10] == [{"item": "a"}, "TimedOut: nothing came within 300 ms"]


async def test_python_is_reported_a_refusal_by_close_when_it_opens(pets: Server, admin: str, tmp_path: Path) -> None:
    made = generated(tmp_path, "pets_client", python.client(contract(build.build(pets.folder, 1))))
    client = made.Client(pets.http, token=admin)
    async with asyncio.timeout(20):
        with pytest.raises(made.Refused, match="401 not_logged_in: The endpoint needs a login") as refused:
            await made.Client(pets.http).pet()
        assert (refused.value.status, refused.value.code) == (401, "not_logged_in")
        with pytest.raises(made.Refused, match="403 role_required"):
            await client.lead()
        async with client.pet() as pet:
            assert await pet.ask({"message": "a"}) == {"message": "a"}
            with pytest.raises(made.Refused, match="429 too_many_of_user"):
                await client.pet()


async def test_python_takes_back_what_it_does_not_wait_for_and_answers_requests(pets: Server, tmp_path: Path) -> None:
    made = generated(tmp_path, "orders_client", python.client(contract(build.build(pets.folder, 1))))
    unheard: list[Any] = []
    client = made.Client(pets.http, on_error=unheard.append)

    async def pay(request: dict[str, Any]) -> dict[str, Any]:
        if request["of"] == "сок":
            raise ValueError("no juice")
        return {"number": "2200 1234" if request["of"] == "чай" else 5}

    async with asyncio.timeout(20):
        async with client.endless() as endless:
            async for reply in endless.stream({"to": 1_000_000_000}):
                if reply["number"] == 3:
                    break
            assert [reply async for reply in endless.stream({"to": 2})] == [{"number": 0}, {"number": 1}]
        async with client.order() as order:
            order.on_request("pay", pay)
            assert await order.ask({"item": "чай"}) == {"card": "1234"}
            for item in ("кофе", "сок"):
                with pytest.raises(TimeoutError):
                    await order.ask({"item": item}, 0.3)
            assert [error.error.get("request") for error in unheard] == [2]
            asked = asyncio.ensure_future(order.ask({"item": "чай"}))
            assert await asked == {"card": "1234"}
        async with client.order() as order:
            asked = asyncio.ensure_future(order.ask({"item": "мёд 🍯"}))
            assert await anext(order.events()) == {"event": "pay", "of": "мёд 🍯", "$request": 1}
            asked.cancel()
        async with client.four() as four:
            first = asyncio.ensure_future(four.ask({"item": "a"}))
            with pytest.raises(TimeoutError):
                await four.ask({"item": "a" * 70_000}, 0.3)
            assert await first == {"item": "a"}
    assert [error.code for error in unheard] == ["invalid_message", "message_too_long"]


STRICT = (
    "--strict",
    "--noUncheckedIndexedAccess",
    "--exactOptionalPropertyTypes",
    "--noPropertyAccessFromIndexSignature",
    "--noImplicitOverride",
    "--noImplicitReturns",
    "--noUnusedLocals",
    "--erasableSyntaxOnly",
    "--isolatedModules",
    *("--target", "es2022", "--lib", "es2022,dom", "--module", "nodenext", "--types", ""),
)


async def test_python_asks_and_is_answered(desk: Server, token: str, tmp_path: Path) -> None:
    desk_client = generated(tmp_path, "desk_client", python.client(contract(build.build(FULL, 1))))
    unheard: list[Any] = []
    client = desk_client.Client(desk.http, token=token, timeout=10, on_error=unheard.append)

    async with client.greeting() as greeting:
        texts = ["Привет", "Ещё 🤝", "Как дела?"]
        replies = await asyncio.gather(*(greeting.ask({"message": text}) for text in texts))
        assert [reply["message"] for reply in replies] == ["Привет!", "Ещё 🤝", "Отлично! Как у тебя?"]
        with pytest.raises(desk_client.MessageError) as invalid:
            await greeting.ask({"mesage": 1})
        assert (invalid.value.code, invalid.value.details[0]["path"]) == ("invalid_message", "/mesage")
        with pytest.raises(TimeoutError):
            await greeting.ask({"message": "a"}, 0)
        assert await greeting.ask({"message": "b"}, math.inf) == {"message": "b"}
        await greeting.send({"message": 5})
        await greeting.ask({"message": "c"})
        assert [error.code for error in unheard] == ["invalid_message"]
        with pytest.raises(desk_client.MessageError, match="message_too_long"):
            await greeting.ask({"message": "a" * 70_000})
        with pytest.raises(ValueError, match="JSON"):
            await greeting.ask({"message": math.nan})
        assert (await greeting.ask({"message": "d"})) == {"message": "d"}
    assert greeting.closed.code == 1000
    with pytest.raises(desk_client.Closed, match="1000"):
        await greeting.ask({"message": "e"})
    assert [event async for event in greeting.events()] == []


async def test_python_hears_events_errors_and_the_end(desk: Server, token: str, tmp_path: Path) -> None:
    desk_client = generated(tmp_path, "desk_client", python.client(contract(build.build(FULL, 1))))
    client = desk_client.Client(f"{desk.http}/", headers={"Cookie": f"desk_token={token}"})
    async with asyncio.timeout(20):
        room = await client.room("Комната #1", number=-7, query={"since": "вчера"})
        said = await room.ask({"text": "Заказ #5 🎉", "mood": "грустно", "reply-to": None})
        assert said == {"room": "Комната #1", "number": -7, "text": "Заказ #5 🎉", "mood": "грустно"}
        with pytest.raises(desk_client.MessageError, match="banned_word") as own:
            await room.ask({"text": "бан"})
        assert own.value.error["word"] == "бан"
        await room.send({"text": "ring"})
        assert await anext(room.events(10)) == {"event": "ring", "room": "Комната #1"}
        with pytest.raises(desk_client.Closed, match="4000: bye"):
            await room.ask({"text": "bye"})
        assert (await room.wait_closed()).code == 4000
        with pytest.raises(desk_client.Closed, match="4000: bye"):
            await anext(room.events())
    for text in ("", ".", "..", "a/b"):
        with pytest.raises(ValueError, match="cannot stand in an address"):
            client.room(text, 1)


async def test_python_reads_many_replies_and_refusals(desk: Server, token: str, tmp_path: Path) -> None:
    desk_client = generated(tmp_path, "desk_client", python.client(contract(build.build(FULL, 1))))
    client = desk_client.Client(desk.http, token=token)
    async with asyncio.timeout(20), client.count() as count:
        assert [reply["number"] async for reply in count.stream({"to": 3})] == [1, 2, 3]
        async for reply in count.stream({"to": 100}):
            assert reply == {"number": 1}
            break
        both = [[reply["number"] async for reply in count.stream({"to": to})] for to in (4, 2)]
        assert both == [[1, 2, 3, 4], [1, 2]]
    with pytest.raises(desk_client.Refused, match="401 not_logged_in") as refused:
        await desk_client.Client(desk.http).greeting()
    assert refused.value.fix.startswith("POST /auth/login")
    with pytest.raises(desk_client.Refused, match="403 origin_not_allowed"):
        await client.note()
    with pytest.raises(OSError, match="9"):
        await desk_client.Client("http://127.0.0.1:9").greeting()


async def test_the_repository_itself(desk: Server, token: str, tmp_path: Path) -> None:
    """The client of the repository's own plan fits each server that has its endpoint."""
    client = generated(tmp_path, "own_client", python.client(contract(build.build(ROOT, 1))))
    async with client.Client(desk.http, token=token).greeting() as greeting:
        assert await greeting.ask({"message": "Привет"}) == {"message": "Привет!"}
