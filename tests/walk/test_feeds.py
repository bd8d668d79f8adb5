"""A feed on a real server: one generator for all members, across publishes and failures, and gone after them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
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
