"""A node without a listener: what it is opened from, in which order, and what is left when that fails."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from jackfield.errors import PlanError, Refusal
from jackfield.server.connection import session_timer
from jackfield.server.node.control import ask
from jackfield.server.node.node import open_node
from jackfield.server.options import Options
from jackfield.state import State
from tests.clock import Clock
from tests.projects import SAY, write
from tests.server.served import until

ENDPOINTS = "endpoints:\n  say: {url: /ws/say, process: say.say, auth: public, tags: [Болталка]}\n"
RESOURCE = """\
from pathlib import Path
from typing import Annotated
from jackfield import process, resource

@resource
async def pool():
    {before}
    yield "open"
    Path({notes!r}).touch()

@process
async def say(pool: Annotated[str, pool]) -> str:
    return pool
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path, ENDPOINTS, say=SAY)


def modules() -> list[str]:
    return [name for name in list(sys.modules) if name.startswith("jackfield_generation_") and "_-" not in name]


async def test_a_node_watches_how_the_clock_is_set(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session_timer, "CLOCK_LOOK", 0.01)
    clock = Clock()
    async with open_node(project, State.open(project), Options(), clock=clock):
        await asyncio.sleep(0)  # its tasks begin
        clock.set(3600)
        await until(lambda: "clock_set seconds=3600" in caplog.text)


async def test_open_and_close(project: Path) -> None:
    state = State.open(project)
    async with open_node(project, state, Options()) as node:
        assert node.fell_back is None
        assert node.first_admin is not None
        assert node.gateway.live.generation.number == 1
        reported = await asyncio.to_thread(ask, state.server_json, "status")
        assert reported["ok"]["address"] == "http://127.0.0.1:8000"
        assert reported["ok"]["endpoints"] == [
            {"name": "say", "url": "/ws/say", "shape": "{text: str} -> {result: str}", "connections": 0}
        ]
        assert (await asyncio.to_thread(ask, state.server_json, "refusals"))["ok"] == {"refusals": []}
    assert not state.server_json.exists()
    assert modules() == []
    async with open_node(project, state, Options()) as node:
        assert node.first_admin is None, "there is a user now"


@pytest.mark.parametrize(
    ("options", "listener"),
    [
        (Options(port=8100), "http://127.0.0.1:8100"),
        (Options(public_url="https://app.example.com/rt"), "http://127.0.0.1:8000"),
        (Options(host="::", behind_proxy=("10.0.0.0/8",), public_url="https://app.example.com"), "http://[::1]:8000"),
        (Options(tls_cert="c", tls_key="k"), None),  # its name is in the certificate, and that is the public one
        (Options(embedded=True), None),
    ],
)
async def test_this_machine_is_reported_the_listener_itself(
    project: Path, options: Options, listener: str | None
) -> None:
    state = State.open(project)
    async with open_node(project, state, options):
        reported = await asyncio.to_thread(ask, state.server_json, "status")
    assert reported["ok"]["address"] == options.address
    assert reported["ok"].get("listener") == listener


async def test_the_password_is_in_no_repr(project: Path) -> None:
    async with open_node(project, State.open(project), Options()) as node:
        assert node.first_admin is not None
        assert node.first_admin.password not in repr(node)
        assert node.first_admin.token not in repr(node)


@pytest.mark.parametrize(
    "options",
    [
        Options(host="0.0.0.0", insecure=True),
        Options(behind_proxy=("10.0.0.0/8",)),
        Options(embedded=True),
    ],
)
async def test_an_admin_is_made_for_a_local_listener_alone(project: Path, options: Options) -> None:
    async with open_node(project, State.open(project), options) as node:
        assert node.first_admin is None


async def test_the_schema_for_editors_follows_what_is_published(project: Path) -> None:
    state = State.open(project)

    def names() -> str:
        return json.dumps(json.loads(state.endpoints_schema.read_text(encoding="utf-8")), ensure_ascii=False)

    async with open_node(project, state, Options()) as node:
        assert '"say.say"' in names()
        assert '"Болталка"' in names()
        of_examples = json.loads(state.examples_schema.read_text(encoding="utf-8"))
        assert "say" in of_examples["properties"]["examples"]["properties"]
        write(project, say=SAY + "@process\ndef tell(text: str) -> str:\n    return text\n")
        await node.publisher.publish(dry_run=True)
        assert '"say.tell"' not in names()
        await node.publisher.publish()
        assert '"say.tell"' in names()


async def test_broken_files_fall_back_to_what_was_last_published(project: Path) -> None:
    state = State.open(project)
    write(project, say="def (:\n")
    with pytest.raises(PlanError):
        async with open_node(project, state, Options()):
            pass
    assert modules() == []
    write(project, say=SAY)
    async with open_node(project, state, Options()):
        pass
    write(project, say="def (:\n")
    async with open_node(project, state, Options()) as node:
        assert node.fell_back is not None
        assert [problem.file for problem in node.fell_back.problems] == ["processes/say.py"]
        assert "say" in node.gateway.live.generation.table.routes
        reported = await asyncio.to_thread(ask, state.server_json, "status")
        assert "[broken_module]" in reported["ok"]["fell_back"]
    # where the copy is spoiled too, what to mend is in the files
    for copy in state.published.glob("*/processes/say.py"):
        copy.write_text("import nothing_at_all\n", encoding="utf-8")
    with pytest.raises(PlanError) as problems:
        async with open_node(project, state, Options()):
            pass
    assert "nothing_at_all" not in str(problems.value)


async def test_a_resource_that_fails_leaves_nothing_behind(project: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    write(project, say=RESOURCE.format(before="raise OSError('нет базы')", notes=str(notes)))
    state = State.open(project)
    with pytest.raises(PlanError, match="нет базы"):
        async with open_node(project, state, Options()):
            pass
    assert modules() == []
    assert not state.server_json.exists()
    assert not (state.published / "history.json").exists(), "it never was live, so it was not published"


async def test_resources_are_closed_when_something_later_fails(project: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    write(project, say=RESOURCE.format(before="pass", notes=str(notes)))
    state = State.open(project, store=f"sqlite+aiosqlite:///{tmp_path}/no/such/folder/store.db")
    with pytest.raises(Refusal):
        async with open_node(project, state, Options()):
            pass
    assert notes.exists()
    assert modules() == []
