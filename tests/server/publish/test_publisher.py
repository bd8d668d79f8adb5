"""Publishing without a network: the archive, the digest, the build beside the loop, the swap and its report."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import CODES, PlanError
from jackfield.server.node.node import Node, open_node
from jackfield.server.options import Options
from jackfield.server.publish import building, publisher
from jackfield.server.publish.publisher import Archive, build_in_thread, digest
from jackfield.state import State
from tests.projects import SAY, write
from tests.server.served import Served

LIMIT = 30.0

ENDPOINTS = """\
endpoints:
  say: {url: /ws/say, process: say.say, auth: public}
  ask: {url: /ws/ask, process: ask.ask, auth: public}
"""
ASK = SAY.replace("say", "ask")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "project", ENDPOINTS, say=SAY, ask=ASK)


@asynccontextmanager
async def opened(project: Path, **options: Any) -> AsyncIterator[Node]:
    async with open_node(project, State.open(project), Options(**options)) as node:
        yield node


# the digest and the archive


def test_the_digest_sees_every_byte_and_nothing_else(project: Path) -> None:
    first = digest(project)
    (project / ".jackfield").mkdir()
    (project / "notes.md").write_text("not ours")
    (project / "processes" / "__pycache__").mkdir()
    (project / "processes" / "__pycache__" / "say.cpython-311.pyc").write_bytes(b"x")
    (project / "processes" / ".say.py.swp").write_bytes(b"x")
    assert digest(project) == first
    for path, text in [
        ("processes/say.py", SAY + "\n"),
        ("processes/table.json", "{}"),
        ("processes/чат/новый.py", ""),
        ("endpoints/more.yaml", "endpoints: {}\n"),
        ("endpoints.yaml", ENDPOINTS + "# да\n"),
    ]:
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text(text, encoding="utf-8")
        assert digest(project) != first, path
        first = digest(project)
    (project / "processes" / "table.json").rename(project / "processes" / "other.json")
    assert digest(project) != first, "a name counts as well"


def test_the_digest_survives_what_cannot_be_read(project: Path) -> None:
    (project / "processes" / "dangling.py").symlink_to(project / "nowhere")
    (project / "processes" / "round").symlink_to(project / "processes")
    os.mkfifo(project / "processes" / "pipe.py")
    assert digest(project) == digest(project)
    (project / "endpoints.yaml").unlink()
    assert len(digest(project)) == 12


def test_the_archive_keeps_goes_back_and_forgets(project: Path, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "published")
    assert archive.names() == []
    first = archive.keep(project, "aaaaaaaaaaaa")
    assert archive.keep(project, "aaaaaaaaaaaa") == first, "the same twice is kept once"
    write(project, say=SAY + "# 2\n")
    second = archive.keep(project, "bbbbbbbbbbbb")
    assert archive.names() == [first, second]
    assert (archive.path(first) / "processes" / "say.py").read_text() == SAY
    archive.go_back()
    assert archive.names() == [first]
    assert not archive.path(second).exists()
    for number in range(publisher.KEPT + 5):
        archive.keep(project, f"{number:012d}")
    assert len(archive.names()) == publisher.KEPT
    assert len([path for path in (tmp_path / "published").iterdir() if path.is_dir()]) == publisher.KEPT
    assert archive.names() == sorted(archive.names()), "numbers only grow"


@pytest.mark.parametrize("text", ["", "{", "[1, null]", '["../../etc"]', '{"a": 1}'])
def test_a_spoiled_history_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "history.json").write_text(text)
    assert Archive(tmp_path).names() == []


@pytest.mark.parametrize("text", ["", "[" * 60_000, '{"a": 1}', "5", '"x"', "link", "pipe"])
def test_the_copies_outlive_a_history_that_cannot_be_read(
    project: Path, tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    archive, history = Archive(tmp_path / "published"), tmp_path / "published" / "history.json"
    kept = [archive.keep(project, f"{number:012d}") for number in range(3)]
    (tmp_path / "other").write_text("[]")
    history.unlink()
    if text == "link":
        history.symlink_to(tmp_path / "other")
    elif text == "pipe":
        os.mkfifo(history)
    else:
        history.write_text(text)
    assert archive.names() == kept
    assert caplog.text.count("history_unreadable") == 1
    fourth = archive.keep(project, "abc")
    assert archive.names() == [*kept, fourth]
    assert (tmp_path / "other").read_text() == "[]"


@pytest.mark.parametrize("name", ["../../etc", "mine", ".", "..", "/etc", "000001-../..", "1-a", "x" * 300, "a\0b"])
def test_a_history_names_nothing_but_copies(project: Path, tmp_path: Path, name: str) -> None:
    archive = Archive(tmp_path / "published")
    first = archive.keep(project, "aaaaaaaaaaaa")
    (tmp_path / "published" / "mine").mkdir()
    (tmp_path / "published" / "history.json").write_text(json.dumps([first, name]))
    assert archive.names() == [first]
    archive.keep(project, "bbbbbbbbbbbb")
    assert (tmp_path / "published" / "mine").is_dir(), "a folder of somebody else's is left alone"


def test_copies_are_not_kept_through_a_link(project: Path, tmp_path: Path) -> None:
    (tmp_path / "foreign" / "photos").mkdir(parents=True)
    (tmp_path / "published").symlink_to(tmp_path / "foreign")
    with pytest.raises(OSError, match="it is a symbolic link"):
        Archive(tmp_path / "published").keep(project, "aaaaaaaaaaaa")
    assert [path.name for path in (tmp_path / "foreign").iterdir()] == ["photos"]


# the build


async def test_a_build_that_takes_too_long_is_a_problem_and_its_late_table_is_released(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(project / "pipe")
    write(project, slow=f"open({str(project / 'pipe')!r}).read()\n")
    monkeypatch.setattr(building, "LOAD_LIMIT", 0.3)
    monkeypatch.setattr(building, "ENDING", 0.05)
    with pytest.raises(PlanError) as reported:
        await build_in_thread(project, 7001)
    (problem,) = reported.value.problems
    assert (problem.code, problem.file, problem.line) == ("too_slow", "processes/slow.py", 1)
    assert "@resource" in problem.hint
    assert _modules(7001)
    await asyncio.to_thread((project / "pipe").write_text, "")
    await _until(lambda: not _modules(7001))


async def test_the_loop_goes_on_while_it_is_built(project: Path) -> None:
    go = project / "go"
    write(project, slow=f"import time, pathlib\nwhile not pathlib.Path({str(go)!r}).exists():\n    time.sleep(0.005)\n")
    building = asyncio.create_task(build_in_thread(project, 7002))
    await _until(lambda: bool(_modules(7002)))
    go.touch()  # only a loop that is free gets here
    table = await asyncio.wait_for(building, LIMIT)
    table.catalog.release()
    assert not _modules(7002)


def _modules(generation: int) -> list[str]:
    return [name for name in list(sys.modules) if name.startswith(f"jackfield_generation_{generation}")]


async def _until(condition: Callable[[], bool]) -> None:
    """Wait for what a thread or a task of the publisher's own does; nobody is told of it."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - modules leave sys.modules without an event
            await asyncio.sleep(0.005)


# the report and the swap


async def test_a_change_of_the_process_of_an_action_is_one_of_its_endpoint(project: Path) -> None:
    actions = "endpoints:\n  desk: {url: /ws/desk, auth: public, actions: {say: say.say, ask: ask.ask}}\n"
    write(project, actions)
    async with opened(project) as node:
        assert (await node.publisher.publish()).changed == ()
        write(project, ask=ASK.replace("return text", "return text + '?'"))
        assert (await node.publisher.publish()).changed == ("desk",)


async def test_changed_is_reported_exactly(project: Path) -> None:
    async with opened(project) as node:
        publish = node.publisher.publish
        report = await publish()
        assert (report.added, report.changed, report.removed) == ((), (), ())
        # the process's own file
        write(project, say=SAY.replace("return text", "return text + '!'"))
        assert (await publish()).changed == ("say",)
        # a comment in the YAML is no change, a limit is one, and of that endpoint alone
        write(project, endpoints=ENDPOINTS + "# да\n")
        assert (await publish()).changed == ()
        write(project, endpoints=ENDPOINTS.replace("ask.ask,", "ask.ask, limits: {time: 5s},"))
        assert (await publish()).changed == ("ask",)
        # a touched file, a comment, a neighbour and what nobody imports are no change
        write(project, say=SAY.replace("return text", "return text + '!'") + "\n# да\n", shared="x = 1\n")
        assert (await publish()).changed == ()
        # what is imported is one, for who imports it: of another file and of the next one
        write(project, ask="from .shared import x\n" + ASK.replace("return text", "return text * x"))
        assert (await publish()).changed == ("ask",)
        write(project, shared="from .more import x\n", more="x = 2\n")
        assert (await publish()).changed == ("ask",)
        write(project, more="x = 3\n")
        assert (await publish()).changed == ("ask",)
        # a process that moves is another one
        write(project, endpoints=ENDPOINTS.replace("say: {", "tell: {"))
        report = await publish(dry_run=True)
        assert (report.added, report.removed, report.dry_run) == (("tell",), ("say",), True)
        assert node.gateway.live.generation.table.routes.keys() == {"say", "ask"}


async def test_another_session_warning_reaches_open_connections(project: Path) -> None:
    warned = ENDPOINTS.replace("say.say, auth: public", "say.say, session_warning: 60s")
    write(project, endpoints=warned)
    async with opened(project) as node:
        sessions = node.gateway.live.sessions
        served = Served(node.gateway, sessions.store, sessions, sessions.passwords)
        caller = served.call("/ws/say", await served.cookie("admin"))
        await caller.accepted()
        write(project, say=SAY + "# 2\n")
        await node.publisher.publish()
        assert await caller.ask({"text": "да"}) == {"result": "да"}  # nothing was reported before it
        write(project, endpoints=warned.replace("60s", "1d"))  # longer than the session has left: at once
        await node.publisher.publish()
        await caller.until(3)
        assert json.loads(caller.sent[2]["text"])["event"] == "session_expiring"
        await caller.leave()


async def test_generations_are_counted_by_what_went_live(project: Path) -> None:
    async with opened(project) as node:
        assert (await node.publisher.publish(dry_run=True)).generation == 2
        write(project, broken="def (:\n")
        with pytest.raises(PlanError):
            await node.publisher.publish()
        (project / "processes" / "broken.py").unlink()
        assert (await node.publisher.publish()).generation == 2
        assert node.gateway.live.generation.number == 2


async def test_what_cannot_be_kept_does_not_go_live(project: Path) -> None:
    async with opened(project) as node:
        published = project / ".jackfield" / "published"
        published.rename(published.with_name("away"))
        published.write_text("a file in the place of the folder")
        write(project, say=SAY.replace("return text", "return 2 * text"))
        with pytest.raises(PlanError) as reported:
            await node.publisher.publish()
        assert reported.value.problems[0].code == "file_unreadable"
        assert node.gateway.live.generation.number == 1
        published.unlink()
        published.with_name("away").rename(published)
        assert (await node.publisher.publish()).changed == ("say",)


async def test_files_that_never_stand_still_are_a_problem(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(project) as node:
        numbers = iter(range(100))
        monkeypatch.setattr(publisher, "digest", lambda _: f"{next(numbers):012d}")
        with pytest.raises(PlanError) as reported:
            await node.publisher.publish()
        assert "change faster" in reported.value.problems[0].message
        assert node.gateway.live.generation.number == 1
        assert not _modules(2), "what was built in vain is released"


async def test_going_back_ends_at_the_first(project: Path) -> None:
    async with opened(project) as node:
        with pytest.raises(PlanError) as reported:
            await node.publisher.publish(back=True)
        assert "no way back" in reported.value.problems[0].message
        assert "publish --back" in CODES[reported.value.problems[0].code].sentence


async def test_what_was_gone_back_from_can_be_published_again(project: Path) -> None:
    async with opened(project) as node:
        write(project, say=SAY.replace("def", "def", 1) + "\n# другое\n")
        for back in (False, True, False, True, False):
            await node.publisher.publish(back=back)
        names = sorted(path.name for path in (project / ".jackfield" / "published").iterdir() if path.is_dir())
        assert [name[:6] for name in names] == ["000001", "000004"]


async def test_old_generations_are_freed(project: Path) -> None:
    async with opened(project) as node:
        first = weakref.ref(node.gateway.live.generation.table.routes["say"].process.function)
        await node.publisher.publish()
        await node.publisher.publish()
        await asyncio.sleep(0)  # the retiring tasks have their turn
        await _until(lambda: not _modules(2))
        gc.collect()
        assert first() is None
        assert _modules(3)
    assert not _modules(3)


RESOURCE = """\
from typing import Annotated
from jackfield import process, resource
notes = {notes}

@resource
async def pool():
    yield "open"
    {closing}

@process
async def say(pool: Annotated[str, pool]) -> str:
    return pool
"""


async def test_a_resource_that_fails_to_close_is_logged_and_the_modules_go(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(project, say=RESOURCE.format(notes="[]", closing="raise OSError('нет сети')"))
    async with opened(project) as node:
        await node.publisher.publish()
        await _until(lambda: not _modules(1))
        write(project, say=SAY)
        await node.publisher.publish()
        await _until(lambda: not _modules(2))
    assert not _modules(3)
    assert "resource_not_closed" in caplog.text
    assert "нет сети" in caplog.text


async def test_a_stop_does_not_wait_for_generations_that_retire(project: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    closing = f"open({str(notes)!r}, 'w').close()"
    write(project, say=RESOURCE.format(notes="[]", closing=closing))
    began = time.monotonic()
    async with opened(project) as node:
        old = node.gateway.live.generation
        old.enter()  # a call that never ends
        write(project, say=SAY)
        await node.publisher.publish()
        assert not notes.exists()
    assert notes.exists(), "its resources are closed all the same"
    assert time.monotonic() - began < LIMIT
