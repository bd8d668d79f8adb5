"""The garbage collector of a server, and that it is nobody else's."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.server.node import gc_tuning
from jackfield.server.node.gc_tuning import FEW, THRESHOLDS, Sweep, tuned
from jackfield.server.node.node import open_node
from jackfield.server.options import Options
from jackfield.state import State
from tests.projects import write
from tests.server.served import until
from tests.server.sockets import listening

SAY = """from jackfield import Connection, process

{mark}
{kind} say(text: str, caller: Connection) -> str:
    caller.send({{"event": "heard"}})
    return text
"""


class Ring:
    """Refers to itself: only a search frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def project(tmp_path: Path) -> Path:
    endpoints = "endpoints: {say: {url: /ws, process: say.say, auth: public}}"
    return write(tmp_path, endpoints, say=SAY.format(mark="@process", kind="def"))


@pytest.fixture
def unaided() -> Iterator[None]:
    """Python does not search on its own meanwhile."""
    gc.disable()
    yield
    gc.enable()


def test_what_was_there_is_left_alone_and_comes_back() -> None:
    before = gc.get_threshold()
    with tuned():
        assert gc.get_threshold() == THRESHOLDS
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


async def test_a_server_is_tuned_before_its_first_generation(project: Path) -> None:
    before = gc.get_threshold()
    async with open_node(project, State.open(project), Options()) as node:
        assert gc.get_threshold() == THRESHOLDS
        ring = Ring()
        node.gateway.live.generation.table.routes["say"].process.function.__globals__["ring"] = ring
        seen = weakref.ref(ring)
        await node.publisher.publish()
        del ring
        await until(lambda: (gc.collect(), seen() is None)[1])
    assert gc.get_threshold() == before


@pytest.mark.parametrize(
    ("mark", "kind"), [("@process", "def"), ("@process", "async def"), ("@process(blocking=True)", "def")]
)
async def test_a_conversation_that_ended_is_freed_without_a_search(project: Path, mark: str, kind: str) -> None:
    (project / "processes" / "say.py").write_text(SAY.format(mark=mark, kind=kind), encoding="utf-8")
    async with open_node(project, State.open(project), Options()) as node, listening(node.gateway) as connect:
        client = await connect.client()
        for word in ("Привет", "снова"):
            await client.send(json.dumps({"text": word}))
            assert [json.loads(await client.recv()) for _ in range(2)] == [{"event": "heard"}, {"result": word}]
        [member] = node.gateway.live.hub
        seen = weakref.ref(member)
        del member
        gc.collect()
        gc.disable()
        try:
            await client.close()
            await until(lambda: seen() is None)
        finally:
            gc.enable()


async def test_another_application_keeps_its_own_ways(project: Path) -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    async with open_node(project, State.open(project), Options(embedded=True)):
        assert (gc.get_threshold(), gc.get_freeze_count()) == before


async def test_a_publish_is_followed_by_a_search(monkeypatch: pytest.MonkeyPatch, unaided: None) -> None:
    monkeypatch.setattr(gc_tuning, "AFTER_PUBLISH", 0.0)
    seen = weakref.ref(Ring())
    sweep = Sweep(lambda: FEW)
    sweep.soon()
    assert seen() is not None
    await until(lambda: seen() is None)


async def test_many_connections_are_not_stopped_for_it(unaided: None) -> None:
    seen = weakref.ref(Ring())
    Sweep(lambda: FEW + 1).now()
    assert seen() is not None


async def test_a_closed_sweep_searches_no_more(monkeypatch: pytest.MonkeyPatch, unaided: None) -> None:
    monkeypatch.setattr(gc_tuning, "AFTER_PUBLISH", 0.0)
    seen = weakref.ref(Ring())
    sweep = Sweep(lambda: 0)
    sweep.soon()
    sweep.close()
    for _ in range(5):
        await asyncio.sleep(0)
    assert seen() is not None
