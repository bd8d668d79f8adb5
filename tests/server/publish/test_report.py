"""What a publish says of groups, feeds, pages and of what is alive."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jackfield.server.publish.report import Report
from tests.projects import write
from tests.server.publish.test_publisher import opened
from tests.server.publish.test_publisher_open import door_of
from tests.server.served import until

PLAN = """\
auth: {verify: joining.who}
groups:
  "quotes:{symbol}": {feed: ticks.ticks, may_join: joining.may}
  "room:{room}": {history: 5}
endpoints:
  quotes: {url: "/ws/quotes/{symbol}", group: "quotes:{symbol}", auth: public, process: waits.call}
  clock: {url: /ws/clock, feed: ticks.ticks_of_one, auth: public}
  talk: {url: /ws/talk, process: waits.talk, auth: public}
"""
TICKS = """\
import asyncio
from collections.abc import AsyncIterator
from jackfield import process
from .shared import START

@process
async def ticks(symbol: str) -> AsyncIterator[dict[str, int]]:
    yield {"number": START}
    await asyncio.Event().wait()

@process
async def ticks_of_one() -> AsyncIterator[dict[str, int]]:
    yield {"number": 1}
    await asyncio.Event().wait()
"""
JOINING = """\
from jackfield import Identity, process

@process
def may(symbol: str) -> bool:
    return symbol != "ГАЗ"

def who(credential: str, request: object) -> Identity | None:
    return None
"""
WAITS = """\
import asyncio
from jackfield import Connection, process

@process
async def call() -> None:
    await asyncio.Event().wait()

@process
async def talk(connection: Connection) -> None:
    connection.start(asyncio.Event().wait())
    await connection.next()
"""
SHARED = "START = 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "site").mkdir(parents=True)
    for name in ("index.html", "style.css"):
        (folder / "site" / name).write_text(name)
    return write(folder, PLAN, ticks=TICKS, joining=JOINING, waits=WAITS, shared=SHARED)


def said(report: Report) -> tuple[tuple[str, ...], ...]:
    return report.changed, report.groups, report.settings


async def test_a_change_of_a_group_is_told_by_its_pattern(project: Path) -> None:
    async with opened(project) as node:
        publish = node.publisher.publish
        write(project, ticks=TICKS.replace('{"number": START}', '{"number": START + 1}'))
        assert said(await publish(dry_run=True)) == ((), ("quotes:{symbol}",), ())
        assert said(await publish()) == ((), ("quotes:{symbol}",), ())
        write(project, shared="START = 2\n")
        assert said(await publish()) == ((), ("quotes:{symbol}",), ()), "and so is what the feed imports"
        write(project, joining=JOINING.replace("ГАЗ", "НЕФТЬ"))
        assert said(await publish()) == ((), ("quotes:{symbol}",), ())
        for settings in ("{history: 6}", "{presence: true}", "{members: 2}", "{may_join: anyone}"):
            write(project, PLAN.replace("{history: 5}", settings))
            assert said(await publish()) == ((), ("room:{room}",), ()), settings
        write(project, PLAN.replace('"room:{room}": {history: 5}', '"desk:{room}": {history: 5}'))
        report = await publish()
        assert said(report) == ((), (), ())
        assert (report.groups_added, report.groups_removed) == (("desk:{room}",), ("room:{room}",))
        renamed = PLAN.replace("quotes:{symbol}", "shares:{symbol}")
        write(project, renamed)
        report = await publish(dry_run=True)
        assert report.groups_renamed == (("quotes:{symbol}", "shares:{symbol}"),)
        assert (report.changed, report.groups) == (("quotes",), ())
        write(project, PLAN.replace("process: waits.talk", 'process: waits.talk, group: "talk:{endpoint}"'))
        assert (await publish(dry_run=True)).groups_added == ("room:{room}", "talk:{endpoint}")
        write(project, PLAN.replace('"room:{room}": {history: 5}', '"desk:{room}": {history: 5}'))
        write(project, joining=JOINING.replace("ГАЗ", "НЕФТЬ").replace("return None", "return None or None"))
        assert said(await publish()) == ((), (), ("auth",)), "the code of verify is no process"
        assert said(await publish()) == ((), (), ())


async def test_another_type_of_an_event_is_a_change_of_what_names_it(project: Path) -> None:
    said_by = "from dataclasses import dataclass\n@dataclass\nclass Said:\n    text: str\n"
    named = PLAN.replace("{history: 5}", "{history: 5, events: {said: models.Said}}")
    write(project, named.replace("process: waits.talk", "process: waits.talk, events: {told: models.Said}"))
    write(project, models=said_by)
    async with opened(project) as node:
        publish = node.publisher.publish
        write(project, models=f"{said_by}    mood: str = 'весело'\n")
        assert said(await publish(dry_run=True)) == (("talk",), ("room:{room}",), ())
        assert said(await publish()) == (("talk",), ("room:{room}",), ())
        write(project, models=f"# ничего\n{said_by}    mood: str = 'весело'\n")
        assert said(await publish()) == ((), (), ())
        write(project, named.replace("said: models", "spoken: models"))
        assert said(await publish()) == (("talk",), ("room:{room}",), ())


async def test_pages_that_changed_are_counted(project: Path) -> None:
    write(project, f"site: site\n{PLAN}")
    async with opened(project, host="0.0.0.0", insecure=True) as node:
        publish = node.publisher.publish
        assert (await publish()).pages == 0
        (project / "site" / "index.html").write_text("другая 👋")
        (project / "site" / "новая.html").write_text("новая")
        (project / "site" / "style.css").unlink()
        assert (await publish(dry_run=True)).pages == 3
        report = await publish()
        assert (report.pages, said(report)) == (3, ((), (), ()))
        assert (await publish(dry_run=True)).pages == 0
        assert (await publish(back=True)).pages == 3


async def test_what_is_alive_is_counted(project: Path) -> None:
    async with opened(project) as node:
        publish, door = node.publisher.publish, door_of(node)
        callers = [
            door.call(target)
            for target in ("/ws/quotes/a", "/ws/quotes/a", "/ws/quotes/%D0%B1", "/ws/clock", "/ws/talk")
        ]
        for caller in callers:
            await caller.accepted()
        for caller in (callers[0], callers[-1]):
            caller.incoming.put_nowait({"type": "websocket.receive", "text": "{}"})
        await until(lambda: node.gateway.alive == (1, 1, 1, 1))
        # a call ends where it began, in no later generation, and what stays is still there
        alive = [(2, 0, 1, 1, 1, 1), (2, 0, 1, 1, 1, 0)]
        for dry_run, expected in ((True, alive[0]), (False, alive[0]), (True, alive[1])):
            report = await publish(dry_run=dry_run)
            kept = report.feeds_kept, report.waits, report.tasks, report.calls
            assert (report.feeds_anew, report.feeds_ended, *kept) == expected
        write(project, PLAN.replace("feed: ticks.ticks, ", ""))
        report = await publish(dry_run=True)
        assert (report.feeds_anew, report.feeds_ended) == (0, 2)
        callers[0].incoming.put_nowait({"type": "websocket.receive", "text": '{"$cancel": true}'})  # or 30 s
        await asyncio.gather(*(caller.leave() for caller in callers))
        report = await publish(dry_run=True)
        assert (report.feeds_anew, report.feeds_ended, *node.gateway.alive) == (0, 0, 0, 0, 0, 0)


HOLDING = """\
from collections.abc import AsyncIterator
from typing import Annotated
from jackfield import process, resource

class Words:
    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def __len__(self) -> int:
        raise SystemExit

@resource
async def words() -> AsyncIterator[Words]:
    yield Words()

@resource
async def names() -> AsyncIterator[list[str]]:
    yield []

@process
def learn(word: str, known: Annotated[Words, words], all: Annotated[list[str], names]) -> None:
    known.known[word] = word
"""


async def test_what_resources_hold_in_memory_is_told_to_be_lost(tmp_path: Path) -> None:
    plan = "endpoints: {learn: {url: /ws/learn, process: p.learn, auth: public}}\n"
    project = write(tmp_path / "project", plan, p=HOLDING)
    async with opened(project) as node:
        before = (await node.publisher.publish(dry_run=True)).hash
        assert (await node.publisher.publish()).lost == ()
        caller = door_of(node).call("/ws/learn")
        await caller.accepted()
        await caller.ask({"word": "чай", "$id": 1})
        foretold, report = await node.publisher.publish(dry_run=True), await node.publisher.publish()
        assert foretold.lost == report.lost == ("p.words",)
        assert (report.before, report.hash) == (before, before)
        assert (await node.publisher.publish()).lost == ()
        await caller.leave()
