"""Frames of single connections as open pages see them: where it is allowed, bounded, and back to nothing afterwards."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from jackfield.describe.phrases import WATCHED
from jackfield.messages import Binary
from jackfield.server.connection.conversation import Conversation
from jackfield.server.console import watching
from jackfield.server.wire.over_asgi import AsgiTransport
from tests.server.conftest import Build, OpenServed
from tests.server.console.conftest import AT, frames, opened
from tests.server.served import Caller, Served, generation, until
from tests.server.sockets import listening

ENDPOINTS = """
  say: {url: /ws/say, process: p.echo, auth: public, inspect: payloads}
  any: {url: /ws/any, process: p.same, auth: public, messages: any, inspect: [payloads]}
  room: {url: /ws, process: p.echo, auth: public, group: hall, inspect: payloads}
  shut: {url: /ws/shut, process: p.echo, auth: public}
"""
CODE = """
@process(reply="message")
def echo(message: str) -> str:
    return message

@process
def same(message: str | bytes) -> str | bytes:
    return message
"""


@pytest.fixture
async def served(open_console: OpenServed) -> Served:
    return await open_console(ENDPOINTS, CODE)


@pytest.fixture
async def page(served: Served) -> Caller:
    page = await opened(served, AT, await served.cookie("шеф"))
    await page.until(2)
    return page


def member(served: Served, endpoint: str) -> Conversation:
    found = next(one for one in served.gateway.live.hub.newest() if one.endpoint == endpoint)
    assert isinstance(found, Conversation)
    return found


async def said(page: Caller, event: str, number: int = 1) -> list[dict[str, Any]]:
    """The first so many frames of one event."""
    await until(lambda: sum(frame.get("event") == event for frame in frames(page)) >= number)
    return [frame for frame in frames(page) if frame.get("event") == event][:number]


async def watched(page: Caller, message: dict[str, str]) -> dict[str, Any]:
    """What a page is answered."""
    page.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps({**message, "$id": 1})})
    await until(lambda: any(frame.get("$id") == 1 for frame in frames(page)))
    found = next(frame for frame in frames(page) if frame.get("$id") == 1)
    page.sent[:] = [sent for sent in page.sent if '"$id"' not in sent.get("text", "")]
    return found


async def test_what_comes_and_leaves_is_shown_while_it_is_watched(served: Served, page: Caller) -> None:
    say = await opened(served, "/ws/say")
    one = member(served, "say")
    ways = (one.transport, one.socket)
    await say.ask({"message": "раньше"})
    assert (await watched(page, {"watch": one.connection.id}))["watching"] == [one.connection.id]
    await say.ask({"message": "Привет 👋"})
    one.hear(b'{"event":"news"}')
    shown = await said(page, "frame", 3)
    assert [(frame["direction"], json.loads(frame["text"])) for frame in shown] == [
        ("in", {"message": "Привет 👋"}),
        ("out", {"message": "Привет 👋"}),
        ("out", {"event": "news"}),
    ]
    assert (shown[0]["id"], shown[0]["kind"], shown[0]["cut"]) == (one.connection.id, "text", False)
    assert (await watched(page, {"unwatch": one.connection.id}))["watching"] == []
    assert (one.transport, one.socket) == ways
    await say.ask({"message": "потом"})
    await say.leave()
    assert len([frame for frame in frames(page) if frame.get("event") == "frame"]) == 3


async def test_binary_frames_are_shown_in_base64_and_long_ones_are_cut(served: Served, page: Caller) -> None:
    await opened(served, "/ws/any")
    one = member(served, "any")
    await watched(page, {"watch": one.connection.id})
    one.transport.write(b"x" * (watching.SHOWN + 1))
    one.transport.write(Binary(b"\x00\xff"))
    long, binary = await said(page, "frame", 2)
    assert (binary["kind"], binary["base64"], binary["size"]) == ("binary", "AP8=", 2)
    assert (len(long["text"]), long["cut"], long["size"]) == (watching.SHOWN, True, watching.SHOWN + 1)


async def test_only_what_says_so_can_be_watched(served: Served, page: Caller) -> None:
    await opened(served, "/ws/shut")
    shut = await watched(page, {"watch": member(served, "shut").connection.id})
    assert shut["error"]["code"] == "not_watchable"
    (own,) = [one for one in served.gateway.live.hub if one.endpoint == "$console"]
    for nobody in ("ffff", own.connection.id):
        assert (await watched(page, {"watch": nobody}))["error"]["code"] == "not_connected"


async def test_more_than_is_shown_in_a_second_is_counted(served: Served, page: Caller) -> None:
    await opened(served, "/ws/say")
    one = member(served, "say")
    await watched(page, {"watch": one.connection.id})
    for _ in range(watching.FRAMES + 7):
        one.hear(b'{"event":"news"}')
    (left,) = await said(page, "left_out")
    assert left["frames"] == 7
    one.hear(b'{"event":"after"}')
    assert "after" in (await said(page, "frame", watching.FRAMES + 1))[-1]["text"]


async def test_a_page_that_does_not_read_is_shown_nothing_and_told_of_it(served: Served, page: Caller) -> None:
    await opened(served, "/ws/say")
    one, mine = member(served, "say"), next(one for one in served.gateway.live.hub if one.endpoint == "$console")
    assert isinstance(mine, Conversation)
    await watched(page, {"watch": one.connection.id})
    network = cast(AsgiTransport, mine.transport)
    network._pending += watching.PAGE_WAITS
    one.hear(b'{"event":"news"}')
    network._pending -= watching.PAGE_WAITS
    assert (await said(page, "left_out"))[0]["frames"] == 1
    assert not any(frame.get("event") == "frame" for frame in frames(page))


async def test_a_page_watches_a_few_and_hears_of_their_end(served: Served, page: Caller) -> None:
    callers = [await opened(served, "/ws/say") for _ in range(watching.MOST_WATCHED + 1)]
    ids = [one.connection.id for one in served.gateway.live.hub.newest()]
    for name in ids[:-1]:
        await watched(page, {"watch": name})
    assert (await watched(page, {"watch": ids[-1]}))["error"]["code"] == "watches_enough"
    await callers[-1].leave()
    (over,) = await said(page, "unwatched")
    assert (over["id"], over["reason"]) == (ids[0], "closed 1001: client")
    await page.leave()
    await until(lambda: not served.gateway.console.watching._watched)
    await callers[1].ask({"message": "дальше"})


async def test_it_ends_where_a_publish_takes_the_leave_away(served: Served, page: Caller, build_table: Build) -> None:
    say = await opened(served, "/ws/say")
    one = member(served, "say")
    await watched(page, {"watch": one.connection.id})
    before = served.gateway.install(generation(2, build_table(ENDPOINTS.replace("inspect: payloads", ""), CODE)))
    await say.ask({"message": "тайна"})
    (over,) = await said(page, "unwatched")
    assert over["id"] == one.connection.id
    assert "тайна" not in json.dumps(frames(page), ensure_ascii=False)
    await before.retire(0.0)


async def test_on_our_own_listener_nothing_goes_past_it_and_the_shortest_ways_come_back(
    served: Served, page: Caller
) -> None:
    async with listening(served.gateway) as here:
        client = await here.client()
        one, live = member(served, "room"), served.gateway.live
        posted = one.socket.post if one.socket is not None else None
        await watched(page, {"watch": one.connection.id})
        await client.send('{"message": "Привет"}')
        assert await client.recv() == '{"message":"Привет"}'
        live.groups.send("hall", b'{"event":"news"}')
        assert await client.recv() == '{"event":"news"}'
        await client.send(b"\x00")
        await client.recv()
        shown = [(frame["direction"], frame["kind"]) for frame in await said(page, "frame", 5)]
        assert shown == [("in", "text"), ("out", "text"), ("out", "text"), ("in", "binary"), ("out", "text")]
        await watched(page, {"unwatch": one.connection.id})
        assert one.listen() == posted
        assert one.transport is one.socket
        await client.send('{"message": "дальше"}')
        live.groups.send("hall", b'{"event":"more"}')
        assert [await client.recv(), await client.recv()] == ['{"event":"more"}', '{"message":"дальше"}']
        await watched(page, {"watch": one.connection.id})
        await client.close(1000)
        assert (await said(page, "unwatched"))[0]["reason"].startswith("closed 1000")
        assert len(await said(page, "frame", 5)) == 5
    await until(lambda: not one.groups)


async def test_callers_are_told_that_messages_may_be_watched(served: Served) -> None:
    admin = await served.cookie("шеф")
    assert (await served.http("GET", "/ws/say")).json["notice"] == WATCHED
    assert "notice" not in (await served.http("GET", "/ws/shut")).json
    assert WATCHED in (await served.http("GET", "/ws/say", [("accept", "text/html")])).body.decode()
    for path, times in (("/asyncapi.json", 3), ("/openapi.json", 3), ("/docs/reference", 3)):
        said = (await served.http("GET", path, admin)).body.decode()
        assert said.count(WATCHED) >= times, path
