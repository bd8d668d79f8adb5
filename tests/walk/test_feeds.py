"""A feed on a real server: one generator for all members, across publishes and failures, and gone after them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from .conftest import LIMIT, Server, write

pytestmark = pytest.mark.walk

QUOTES = """\
groups:
  "quotes:{symbol}": {feed: market.ticks, history: 1}
endpoints:
  quotes: {url: "/ws/quotes/{symbol}", auth: public, group: "quotes:{symbol}", process: market.touch}
"""
MARKET = """\
import asyncio
from collections.abc import AsyncIterator
from jackfield import Groups, Reject, process

TOUCHED = {}

def touched(symbol: str) -> asyncio.Queue[str]:
    return TOUCHED.setdefault(symbol, asyncio.Queue())

@process
def touch(symbol: str, what: str) -> None:
    touched(symbol).put_nowait(what)

@process
async def ticks(symbol: str, groups: Groups) -> AsyncIterator[dict[str, str]]:
    try:
        yield {"begun": symbol}
        while True:
            what = await touched(symbol).get()
            if what == "fail":
                raise RuntimeError("the market is closed")
            if what == "reject":
                raise Reject("no_such_symbol", "нет такого 😀", symbol=symbol)
            yield {"event": "tick", "what": what}
    finally:
        print("ended", symbol, flush=True)
"""


def hear(socket: ClientConnection, count: int = 1) -> list[dict[str, Any]]:
    """The next events, without what differs from run to run."""
    found = [json.loads(socket.recv(timeout=LIMIT)) for _ in range(count)]
    for event in (*found, *(kept for one in found for kept in one.get("events", ()))):
        event.pop("$time", None)
    return found


def touch(socket: ClientConnection, what: str) -> None:
    socket.send(json.dumps({"what": what}))


def test_two_members_hear_one_feed(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, endpoints=QUOTES, market=MARKET)
    server = start(tmp_path)
    address, group = "/ws/quotes/%D0%93%D0%90%D0%97", "quotes:%D0%93%D0%90%D0%97"
    with server.socket(address) as one:
        assert hear(one, 2)[1] == {"event": "message", "begun": "ГАЗ", "$n": 1}
        with server.socket(address) as two:
            assert hear(two)[0]["to"] == 1
            touch(one, "раз")
            assert hear(one) == hear(two) == [{"event": "tick", "what": "раз", "$n": 2}]

            write(tmp_path, market=MARKET.replace('"begun"', '"new"'))
            assert server.run("publish").returncode == 0
            assert hear(one) == hear(two) == [{"event": "message", "new": "ГАЗ", "$n": 3}]
            touch(two, "два")
            assert hear(one) == hear(two) == [{"event": "tick", "what": "два", "$n": 4}]

            touch(two, "fail")
            server.wait_for("process_failed.*group=quotes:%D0%93%D0%90%D0%97")
            assert hear(one) == hear(two) == [{"event": "message", "new": "ГАЗ", "$n": 5}]

            touch(two, "reject")
            told = {"code": "no_such_symbol", "message": "нет такого 😀", "symbol": "ГАЗ", "group": group}
            assert hear(one) == hear(two) == [{"error": told}]
            with server.socket(address) as late:
                assert hear(late, 2)[1] == {"error": told}
    with server.socket(address) as again:
        assert hear(again, 2)[1] == {"event": "message", "new": "ГАЗ", "$n": 6}
    assert server.stop() == 0
    assert server.stdout.count("ended ГАЗ") == 4


CLOCK = """\
endpoints:
  clock: {url: "/ws/clock/{zone}", auth: public, feed: clock.ticks}
  watch: {url: /ws/watch, process: clock.watch, auth: public}
groups:
  "alarm:{name}": {feed: clock.alarm}
"""
TICKS = """\
import asyncio, sys
from collections.abc import AsyncIterator
from jackfield import Connection, process

@process
async def ticks(zone: int, connection: Connection) -> AsyncIterator[dict[str, int | str]]:
    try:
        yield {"event": "hello", "zone": zone, "text": "час"}
        for number in range(100_000):
            yield {"event": "tick", "number": number}
            await asyncio.sleep(0.01)
    finally:
        print("over", zone, file=sys.stderr, flush=True)

@process
async def alarm(name: str) -> AsyncIterator[dict[str, str]]:
    try:
        yield {"event": "alarm", "name": name}
        await asyncio.Event().wait()
    finally:
        print("quiet", name, file=sys.stderr, flush=True)

@process
async def watch(name: str, connection: Connection) -> bool:
    return await connection.join(f"alarm:{name}")
"""


def test_each_connection_has_a_clock_of_its_own(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, endpoints=CLOCK, clock=TICKS)
    server = start(tmp_path)
    with server.socket("/ws/clock/1") as one, server.socket("/ws/clock/2") as two:
        assert hear(one, 2) == [{"event": "hello", "zone": 1, "text": "час"}, {"event": "tick", "number": 0}]
        assert hear(two)[0]["zone"] == 2
        one.send('{"$id": 7}')
        while "error" not in (answer := hear(one)[0]):
            pass
        assert answer == {"error": {"code": "no_messages", "message": answer["error"]["message"]}, "$id": 7}
        two.close()
        server.wait_for("^over 2$")

        write(tmp_path, clock=TICKS.replace("hello", "hallo"))
        assert server.run("publish").returncode == 0
        assert {event["event"] for event in hear(one, 20)} == {"tick"}  # it goes on as it was
        with server.socket("/ws/clock/3") as three:
            assert hear(three)[0]["event"] == "hallo"
        assert server.stop() == 0
        with pytest.raises(ConnectionClosed) as closed:
            hear(one, 10_000)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert sorted(line for line in server.lines if line.startswith("over")) == ["over 1", "over 2", "over 3"]


def test_a_feed_begins_by_a_join_and_ends_after_the_last_member(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, endpoints=CLOCK, clock=TICKS)
    server = start(tmp_path)
    with server.socket("/ws/watch") as one:
        one.send(json.dumps({"name": "утро"}, ensure_ascii=False))
        found = {json.dumps(frame, sort_keys=True, ensure_ascii=False) for frame in hear(one, 1)}
        assert "error" in next(iter(found))  # a name is encoded: `groups.name` does that
        one.send('{"name": "early"}')
        heard = hear(one, 2)
        assert {"event": "alarm", "name": "early", "group": "alarm:early"} in heard
        assert {"result": True} in heard
    server.wait_for("^quiet early$")
    assert server.stop() == 0
