"""What the project's own code logs: in the form of the log, with the call that it is about."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from jackfield.logs import MAX_VALUE, setup
from jackfield.server.connection.contexts import about
from tests.server.conftest import OpenServed
from tests.server.served import Served, until

ENDPOINTS = """
  plain: {url: /ws/plain, process: p.plain}
  waiting: {url: /ws/waiting, process: p.waiting}
  thread: {url: /ws/thread, process: p.thread}
  steps: {url: /ws/steps, process: p.steps}
  thread_steps: {url: /ws/thread_steps, process: p.thread_steps}
  stream: {url: /ws/stream, process: p.stream}
  task: {url: /ws/task, process: p.task}
  desk: {url: /ws/desk, action_key: do, actions: {say: p.plain, wait: p.waiting}}
  told: {url: /ws/told, feed: p.told}
  room: {url: /ws/room, group: room}
groups:
  room: {feed: p.told}
"""
CODE = """
import logging
from collections.abc import AsyncIterator, Iterator
from jackfield import resource
log = logging.getLogger(__name__)

@resource
async def pool() -> AsyncIterator[int]:
    log.info("opened")
    yield 7

def tell(text: str, **more: Any) -> str:
    log.debug("nobody hears it")
    log.info("сказано 📣 %s", text, extra={"price": 7, **more})
    return text

@process
def plain(text: str, pool: Annotated[int, pool]) -> str:
    return tell(text)

@process
async def waiting(text: str) -> str:
    await asyncio.sleep(0)
    return tell(text)

@process(blocking=True)
def thread(text: str) -> str:
    return tell(text)

@process
def steps(text: str) -> Iterator[str]:
    yield tell(text)

@process(blocking=True)
def thread_steps(text: str) -> Iterator[str]:
    yield tell(text)

@process
async def stream(text: str) -> AsyncIterator[str]:
    await asyncio.sleep(0)
    yield tell(text)

@process
async def task(text: str) -> str:
    async def later() -> None:
        tell(text)
    await asyncio.gather(later())
    return text

@process
async def told() -> AsyncIterator[dict[str, Any]]:
    tell("feed")
    yield {"event": "x"}
    await asyncio.sleep(60)
"""


class Lines:
    """What the log wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.style("json")

    def style(self, style: Any) -> None:
        self.out = setup(style, self.stream, about=about)

    def of(self, logger: str = "processes.p") -> list[dict[str, Any]]:
        events = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        assert all(event.pop("timestamp").endswith("Z") for event in events)
        return [event for event in events if event.get("logger") == logger]


@pytest.fixture
def lines() -> Iterator[Lines]:
    loggers = [logging.getLogger(name) for name in ("", "jackfield", "processes")]
    before, handlers = [one.level for one in loggers], loggers[0].handlers[:]
    yield Lines()
    loggers[0].handlers[:] = handlers
    for one, level in zip(loggers, before, strict=True):
        one.setLevel(level)


@pytest.fixture
async def shop(lines: Lines, open_served: OpenServed) -> Served:
    made: Served = await open_served(ENDPOINTS, CODE)
    await made.add("аня")
    return made


async def test_a_line_names_the_call_in_which_it_was_logged(shop: Served, lines: Lines) -> None:
    assert lines.of()[-1] == {"level": "info", "event": "opened", "logger": "processes.p", "resource": "p.pool"}
    before = len(lines.of())
    kinds = ("plain", "waiting", "thread", "steps", "thread_steps", "stream", "task", "desk", "desk")
    for number, kind in enumerate(kinds):
        caller = shop.call(f"/ws/{kind}", await shop.cookie("аня"))
        await caller.accepted()
        action = {"do": ("say", "wait")[number - 7]} if kind == "desk" else {}
        assert "error" not in await caller.ask({"text": kind, **action})
        (member,) = shop.gateway.live.hub
        event = lines.of()[-1]
        assert event == {
            "level": "info",
            "event": f"сказано 📣 {kind}",
            "logger": "processes.p",
            "endpoint": kind,
            "connection": member.connection.id,
            "login": "аня",
            "price": 7,
        }
        await caller.leave()
    assert len(lines.of()) == before + len(kinds)


async def test_feeds_name_their_connection_or_group(shop: Served, lines: Lines) -> None:
    before = len(lines.of())
    caller = shop.call("/ws/told", await shop.cookie("аня"))
    await until(lambda: len(lines.of()) == before + 1)
    assert (lines.of()[-1]["endpoint"], lines.of()[-1]["login"]) == ("told", "аня")
    await caller.leave()
    caller = shop.call("/ws/room", await shop.cookie("аня"))
    await until(lambda: len(lines.of()) == before + 2)
    assert (lines.of()[-1]["group"], "connection" in lines.of()[-1]) == ("room", False)
    await caller.leave()
    await shop.gateway.close_feeds()


async def test_a_line_for_people_has_the_same(shop: Served, lines: Lines) -> None:
    lines.style("text")
    caller = shop.call("/ws/plain", await shop.cookie("аня"))
    await caller.accepted()
    await caller.ask({"text": "a\n[error] b"})
    await caller.leave()
    (line,) = [line for line in lines.stream.getvalue().splitlines() if "сказано" in line and " price=7" in line]
    assert "[info     ] сказано 📣 a\\n[error] b connection=" in line
    assert "endpoint=plain logger=processes.p login=аня price=7" in line


def test_what_is_ours_is_not_replaced_and_all_is_bounded_and_masked(lines: Lines) -> None:
    guest = logging.getLogger("processes.shop.order")
    secret = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl-Xb81_kQz7LmP0aR4tY"
    guest.warning("sold", extra={"level": "x", "logger": 1, "event": 2, "a b": "x" * 9999, "token": secret})
    bad = guest.makeRecord(guest.name, logging.INFO, "", 0, "%d pieces", ("no number",), None)
    lines.out.handle(bad)  # past the handlers of pytest, which raise
    guest.error("failed", exc_info=ValueError("сломалось"), extra={f"k{n}": n for n in range(99)})
    logging.getLogger("httpx").info("unheard")
    sold, pieces, failed = lines.of("processes.shop.order")
    assert (sold["level"], sold["level_"], sold["logger_"], sold["event_"]) == ("warning", "x", 1, 2)
    assert len(sold["a b"]) < MAX_VALUE + 50
    assert secret not in lines.stream.getvalue()
    assert all(part in pieces["event"] for part in ("pieces", "no number"))
    assert failed["exception"] == "ValueError: сломалось"
    assert len(failed) < 60
    assert "unheard" not in lines.stream.getvalue()


def test_what_structlog_makes_of_an_event_are_fields(lines: Lines) -> None:
    """`ProcessorFormatter.wrap_for_formatter` makes the event the message, and adds two names for itself."""
    event = {"event": "sold", "level": "warning", "timestamp": "2026", "pieces": 3, "exception": "Trace\n" * 200}
    logging.getLogger("processes.p").info(event, extra={"_logger": object(), "_name": "x", "level": "warning"})
    (found,) = lines.of()
    assert found.pop("exception").count("\n") == 200
    assert found == {"level": "warning", "event": "sold", "logger": "processes.p", "pieces": 3}
