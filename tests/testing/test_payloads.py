"""Endpoints whose messages are no JSON: payloads of every kind of process, from the frame to the frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jackfield.testing import Client, Project
from jackfield.testing.examples import cases, run
from tests.projects import write

ENDPOINTS = """\
endpoints:
  same: {url: /ws/same, process: echo.same, messages: any, auth: public, limits: {message: 64B}}
  shout: {url: "/ws/shout/{times}", process: pay.shout, messages: text, auth: public, group: "hall", reply_to: group}
  parts: {url: /ws/parts, process: pay.parts, messages: binary, auth: public}
  slow: {url: /ws/slow, process: pay.slow, messages: binary, auth: public}
  talk: {url: /ws/talk, process: pay.talk, messages: text, auth: public}
  odd: {url: /ws/odd, process: pay.odd, messages: text, auth: public}
  late: {url: /ws/late, process: pay.late, messages: any, auth: public}
  whisper: {url: /ws/whisper, process: pay.late, messages: any, auth: public, group: "corner", reply_to: others}
  porch: {url: "/ws/porch/{n}", process: echo.same, messages: any, auth: public, group: "porch", reply_to: group,
          on_connect: pay.enter}
  wide: {url: /ws/wide, process: echo.same, messages: any, auth: public, limits: {queue: 4KiB}}
  deaf: {url: /ws/deaf, process: echo.nothing, messages: any, auth: public}
  camera: {url: "/ws/camera/{n}", process: echo.same, feed: pay.frames, messages: binary, auth: public}
  radio: {url: "/ws/radio/{n}", process: echo.same, feed: pay.frames, messages: any, auth: public}
"""
CODE = """\
import asyncio
from collections.abc import AsyncIterator, Iterator
from jackfield import Connection, Groups, Reject, process

SEEN = []
AT_THE_DOOR, OPEN = asyncio.Event(), asyncio.Event()

@process
async def enter(n: int) -> None:
    if n == 2:
        AT_THE_DOOR.set()
        await OPEN.wait()

@process
def shout(text: str, times: int, groups: Groups) -> str:
    return text.upper() * times

@process
async def parts(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 3):
        yield data[at : at + 3]

@process(blocking=True)
def slow(data: bytes, connection: Connection) -> bytes | None:
    connection.send(b"<" + data)
    return bytearray(data + b">")

@process
async def talk(text: str, connection: Connection) -> str:
    if text == "ask":
        ask = connection.request  # `check` refuses what it sees
        await ask({"event": "ask"})
    if text == "bytes":
        connection.send(b"\\x00")
    following = await connection.next()
    return text + following["text"]

@process
def odd(text: str):
    if text == "no":
        raise Reject("not_today", "Не сегодня.")
    return 1 if text == "1" else text.encode()

@process
async def frames(n: int, connection: Connection) -> AsyncIterator[str | bytes | None]:
    yield bytearray([n])
    yield None
    yield "ключ 🔑" if connection.endpoint == "radio" or n == 2 else b""
    if n == 1:
        raise Reject("no_signal", "Нет сигнала.")

@process
async def late(data: str | bytes, connection: Connection):
    SEEN.append(connection)
    if data == "news":
        connection.send({"event": "news"})
    if data == "join":
        await connection.join("cellar")
    return type(data).__name__ if data in ("kind", b"kind") else data
"""


@pytest.fixture
async def project(tmp_path: Path) -> AsyncIterator[Project]:
    """All of these, loaded once."""
    async with Project(write(tmp_path, ENDPOINTS, pay=CODE), check_replies=False) as opened:
        yield opened


@pytest.mark.parametrize("endpoint", ["same", "late"], ids=["in the step that reads it", "in a task"])
async def test_a_payload_comes_back_in_the_kind_of_frame_in_which_it_came_in_order(
    project: Project, endpoint: str
) -> None:
    said = ["Привет 🙂", b"\x00\xff", "", b"", '{"$cancel": true}', b'{"$id": 7}', "{", '{"$answer": 1}']
    async with project.connect(endpoint) as c:
        for one in said:
            await c.send(one)
        assert await c.rest() == said


async def test_a_message_over_the_limit_is_told_so_and_the_connection_lives_on(project: Project) -> None:
    async with project.connect("same") as c:
        for one in ("я" * 33, b"x" * 65):
            assert (await c.ask(one))["error"]["code"] == "message_too_long"
        assert await c.ask(b"x" * 64) == b"x" * 64


@pytest.mark.parametrize(("endpoint", "wrong", "right"), [("parts", "abc", b"abc"), ("odd", b"no", "no")])
async def test_a_frame_of_another_kind_is_an_invalid_message(
    project: Project, endpoint: str, wrong: str | bytes, right: str | bytes
) -> None:
    async with project.connect(endpoint) as c:
        error = (await c.ask(wrong))["error"]
        assert error["code"] == "invalid_message"
        kinds = ("text", "binary") if isinstance(right, str) else ("binary", "text")
        assert error["message"] == f"A message is a {kinds[0]} frame here; this one was {kinds[1]}."
        assert await c.ask(right)


async def test_generators_threads_and_what_is_sent_beside_give_payloads(project: Project) -> None:
    async with project.connect("parts") as c:
        await c.send(b"12345678")
        assert await c.rest() == [b"123", b"456", b"78"]
    async with project.connect("slow") as c:
        await c.send(b"a")
        assert await c.rest() == [b"<a", b"a>"]
    async with project.connect("deaf") as c:
        await c.send("a")
        await c.send(b"a")
        assert await c.rest() == []


async def test_the_next_message_is_a_payload_and_a_request_has_no_place(project: Project) -> None:
    async with project.connect("talk") as c:
        await c.send("при")
        assert await c.ask("вет") == "привет"
    async with project.connect("talk", raise_errors=True) as c:
        with pytest.raises(RuntimeError, match="messages: json"):
            await c.ask("ask")


async def test_errors_are_json_and_what_is_no_payload_of_the_kind_is_an_incident(project: Project) -> None:
    async with project.connect("odd") as c:
        assert (await c.ask("no"))["error"] == {"code": "not_today", "message": "Не сегодня."}
        for wrong in ("1", "bytes"):
            assert (await c.ask(wrong))["error"]["code"] == "process_failed"


async def test_a_group_hears_payloads_as_they_are(project: Project) -> None:
    async with (
        project.connect("shout", params={"times": 2}) as one,
        project.connect("shout", params={"times": 1}) as other,
    ):
        await one.send("привет ")
        assert await one.receive() == await other.receive() == "ПРИВЕТ ПРИВЕТ "


async def test_where_others_hear_the_reply_its_sender_does_not(project: Project) -> None:
    async with project.connect("whisper") as one, project.connect("whisper") as other:
        await one.send(b"\x00")
        assert await other.receive() == b"\x00"
        await other.send("join")
        assert await one.receive() == "join", "and not what it said itself"
        await one.send("{}")
        assert await other.receive() == "{}", "as it is, though its hearer is in two groups"
        await other.send("да")
        assert await one.receive() == "да"


@pytest.mark.parametrize("said", [b"\xff", '{"event":"history",'])
async def test_what_a_group_says_to_who_is_about_to_enter_is_kept_as_it_is(project: Project, said: str | bytes) -> None:
    names = project.table.catalog.known["pay.enter"].function.__globals__
    async with project.connect("porch", params={"n": 1}) as one:

        async def enter() -> list[object]:
            async with project.connect("porch", params={"n": 2}) as other:
                return [await other.receive(), await other.receive()]

        entering = asyncio.create_task(enter())
        async with asyncio.timeout(5):
            await names["AT_THE_DOOR"].wait()
            for each in ("первое", said):
                assert await one.ask(each) == each
            names["OPEN"].set()
            assert await entering == ["первое", said]


async def test_a_payload_that_may_not_wait_for_its_client_is_an_incident(project: Project) -> None:
    async with project.connect("wide") as c:
        assert (await c.ask(b"x" * 4097))["error"]["code"] == "process_failed"
        assert await c.ask(b"x" * 4096) == b"x" * 4096


async def test_an_event_is_json_in_a_text_frame(project: Project) -> None:
    async with project.connect("late") as c:
        await c.send("news")
        assert await c.rest() == ['{"event":"news"}', "news"]


async def test_a_payload_of_another_kind_cannot_be_sent(project: Project) -> None:
    async with project.connect("talk") as c:
        assert (await c.ask("bytes"))["error"]["code"] == "process_failed"


async def test_what_is_sent_after_the_end_goes_nowhere_and_is_looked_at_all_the_same(project: Project) -> None:
    async with project.connect("late") as c:
        assert [await c.ask(kind) for kind in ("kind", b"kind")] == ["str", "bytes"], "and nothing of our own"
    connection = project.table.catalog.known["pay.late"].function.__globals__["SEEN"][0]
    connection.send("поздно")
    connection.send(b"\x00")
    with pytest.raises((TypeError, ValueError)):
        connection.send(1)


async def test_replies_are_checked_by_their_hints(tmp_path: Path) -> None:
    code = "from jackfield import process\n\n@process\ndef f(text: str) -> None:\n    return text or None\n"
    yaml = "endpoints:\n  f: {url: /ws/f, process: p.f, messages: text, auth: public}\n"
    async with Client(write(tmp_path, yaml, p=code)) as c:
        await c.send("")
        assert await c.rest() == []
        assert (await c.ask("a"))["error"]["code"] == "process_failed"


EXAMPLES = """\
endpoints:
  same:
    url: /ws/same
    process: pay.late
    messages: any
    auth: public
    limits: {{message: 64B}}
    examples:
      - name: one
        steps: [{0}]
"""


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ('{send: "Привет 🙂", expect: "Привет 🙂"}, {send: {base64: AAH/}, expect: {base64: AA H/}}', ""),
        ('{send: \'{"event": "x"}\', expect: {event: x}}', ""),
        ('{send: "{\\"error\\": 1}"}, {send: error}', ""),
        (f"{{send: {'я' * 33}, expect_error: message_too_long}}", ""),
        ("{send: да, expect: нет}", "what came differs"),
        ("{send: error, expect: нет}", "what came differs"),
        ("{send: AAE=, expect: {base64: AAE=}}", "what came differs"),
        ('{send: \'{"base64": "AAE="}\', expect: {base64: AAE=}}', "what came differs"),
        ("{send: {base64: AAE=}, expect: {base64: AAI=}}", "what came differs"),
    ],
)
async def test_examples_say_payloads_and_hear_them(tmp_path: Path, steps: str, sentence: str) -> None:
    folder = write(tmp_path, EXAMPLES.format(steps), pay=CODE)
    async with Project(folder) as project:
        (result,) = [one async for one in run(cases(project.table), project)]
    assert (result.failure.sentence if result.failure else "") == sentence


async def test_a_feed_says_payloads_of_the_endpoints_kind(project: Project) -> None:
    async with project.connect("radio", params={"n": 1}) as c:
        assert [await c.receive() for _ in range(2)] == [b"\x01", "ключ 🔑"]
        assert (await c.receive())["error"] == {"code": "no_signal", "message": "Нет сигнала."}
        assert await c.ask("жив") == "жив"
    async with project.connect("camera", params={"n": 2}) as c:
        assert await c.receive() == b"\x02"
        assert await c.ask(b"still here") == b"still here", "a text was no payload here, and nothing came of it"
    async with project.connect("camera", params={"n": 3}) as c:
        assert [await c.receive() for _ in range(2)] == [b"\x03", b""]
