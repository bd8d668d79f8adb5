"""Where prices come from: a random walk here, so that there is something to see. Put your source in its place."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from jackfield import process

Symbol = Literal["AAPL", "GAZP", "TSLA"]


@dataclass
class Tick:
    symbol: str
    price: float
    event: Literal["tick"] = "tick"


@process
async def ticks(symbol: Symbol) -> AsyncIterator[Tick]:
    """The price of one symbol, twice a second."""
    price = 100.0
    while True:
        yield Tick(symbol, round(price, 2))
        await asyncio.sleep(0.5)
        price *= random.uniform(0.99, 1.01)
