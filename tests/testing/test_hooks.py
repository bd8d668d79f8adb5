"""The client for tests on an endpoint with hooks: as on a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.testing import Client, Project, Refusal
from tests.projects import write

from .desk import nothing_left

ENDPOINTS = """\
endpoints:
  visits: {url: "/ws/visits/{page}", auth: public, on_connect: desk.enter, on_disconnect: desk.leave}
"""
CODE = """\
from jackfield import Connection, Groups, Reject, process

SEEN: list[tuple[str, int]] = []

@process
async def enter(page: str, connection: Connection, groups: Groups) -> dict[str, str | int]:
    if page == "closed":
        raise Reject("closed", "Закрыто 🔒")
    await connection.join("page")
    return {"event": "welcome", "here": len(await groups.members("page"))}

@process
async def leave(page: str, code: int, groups: Groups) -> None:
    SEEN.append((page, code))
    await groups.send("page", {"event": "gone", "page": page})
"""


async def test_hooks_are_called_as_on_a_server(tmp_path: Path) -> None:
    with nothing_left(write(tmp_path, ENDPOINTS, desk=CODE)):
        async with Project(tmp_path) as project, project.connect("visits", params={"page": "а"}) as stays:
            assert await stays.receive() == {"event": "welcome", "here": 1}
            async with project.connect("visits", params={"page": "б"}) as goes:
                assert await goes.receive() == {"event": "welcome", "here": 2}
            assert await stays.receive() == {"event": "gone", "group": "page", "page": "б"}


async def test_a_reject_is_a_refusal(tmp_path: Path) -> None:
    with nothing_left(write(tmp_path, ENDPOINTS, desk=CODE)):
        with pytest.raises(Refusal, match="Закрыто") as caught:
            async with Client(tmp_path, "visits", params={"page": "closed"}):
                pass
        assert (caught.value.code, caught.value.more["error"]["code"]) == ("rejected", "closed")
