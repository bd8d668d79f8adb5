"""Open pages on a gateway without a network."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.server.conftest import OpenServed
from tests.server.served import Caller, Headers, Served

AT = "/console/live"


@pytest.fixture
async def open_console(open_served: OpenServed) -> AsyncIterator[OpenServed]:
    """A gateway that looks a thousand times a second, and two users."""
    made: list[Served] = []

    async def make(*project: Any, **options: Any) -> Served:
        made.append(served := await open_served(*project, **options))
        served.gateway.console.moves.pause = 0.001
        await served.add("шеф", "admin")
        await served.add("аня")
        return served

    yield make
    for one in made:
        await one.gateway.close_feeds()


def frames(caller: Caller) -> list[dict[str, Any]]:
    return [json.loads(frame["text"]) for frame in caller.sent[1:] if "text" in frame]


async def opened(served: Served, target: str, headers: Headers | None = None) -> Caller:
    caller = served.call(target, headers)
    await caller.accepted()
    return caller
