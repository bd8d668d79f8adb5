"""What speaks without being asked."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal, TypedDict

from jackfield import process


class Tick(TypedDict):
    """A price."""

    event: Literal["tick"]
    symbol: str
    price: int


class Halt(TypedDict):
    """No more prices for now."""

    event: Literal["halt"]
    symbol: str
    reason: str | None


class Hour(TypedDict):
    zone: int
    hour: int


@process
async def ticks(symbol: str) -> AsyncIterator[Tick | Halt]:
    """Prices of one symbol."""
    for price in range(100, 100_000):
        yield {"event": "tick", "symbol": symbol, "price": price}
        await asyncio.sleep(0.1)
    yield {"event": "halt", "symbol": symbol, "reason": None}


@process
async def clock(zone: int) -> AsyncIterator[Hour]:
    """The hour of a zone."""
    yield {"zone": zone, "hour": 12}
