from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from jackfield import Connection, process, resource


class State(Enum):
    """Where a ticket stands."""

    OPEN = "open"
    DONE = "готово"


@dataclass
class Line:
    """One line of an order."""

    item: Annotated[str, Meta(min_length=1, max_length=80)]
    price: Decimal
    count: Annotated[int, Meta(ge=1, le=99)] = 1
    below: "list[Line] | None" = None


@dataclass
class Receipt:
    id: UUID
    total: Decimal
    state: State


@resource
async def database() -> AsyncIterator[dict[str, str]]:
    yield {"kind": "memory"}


@process
async def order(
    id: UUID, lines: list[Line], due: datetime, database: Annotated[dict[str, str], database], state: State = State.OPEN
) -> Receipt:
    """Takes an order and tells what it costs."""
    return Receipt(id, sum((line.price * line.count for line in lines), Decimal(0)), state)


@process(reply="number")
def count(to: Annotated[int, Meta(ge=0, le=100)]) -> Iterator[int]:
    """Counts from one."""
    yield from range(1, to + 1)


@process(blocking=True)
def note(text: str, pair: tuple[int, str] = (1, "а"), weights: dict[str, float] | None = None) -> None:
    """Takes a note."""


@process(reply="seen")
def anything(**fields: Any) -> dict[str, Any]:
    """Takes whatever comes."""
    return {"seen": sorted(fields)}


@process(reply="paid")
async def pay(item: str, connection: Connection) -> str:
    """Sells what somebody pays for."""
    card: dict[str, str] = await connection.request({"event": "card", "item": item}, answer=dict[str, str])
    return card["number"]
