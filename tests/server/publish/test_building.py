"""A load that does not come back: named, ended, or told that it cannot be."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from jackfield.cli import main
from jackfield.errors import PlanError, Problem
from jackfield.server.node.node import open_node
from jackfield.server.options import Options
from jackfield.server.publish import building
from jackfield.server.publish.breaking import Breaking
from jackfield.server.publish.building import built
from jackfield.state import State
from tests.projects import SAY, write

LIMIT = 0.3
PATIENCE = 5.0

ENDPOINTS = "endpoints: {say: {url: /ws/say, process: say.say, auth: public}}\n"
SPIN = "while True:\n    pass\n"

SPINNING = {
    "an import": (SAY + SPIN, 5),
    "an import that swallows what comes": (SAY + "while True:\n  try:\n    while True: pass\n  except: pass\n", 7),
    "an import that goes on after each": (
        SAY
        + "import itertools\nwhile True:\n  try:\n    for _ in itertools.count(): pass\n"
        + "  except BaseException: pass\n",
        8,
    ),
    "a function that suppresses everything": (
        SAY + "import contextlib\nwhile True:\n  with contextlib.suppress(BaseException):\n    while True: pass\n",
        8,
    ),
    "a connect that is tried again": (
        SAY + "import time\nwhile True:\n  try:\n    time.sleep(0.01)\n    1 / 0\n  except:\n    continue\n",
        8,
    ),
    "an installed package": (SAY + "import json\nwhile json.loads('[1]'): pass\n", 6),
    "a hint": ("def spin():\n    while True: pass\n" + SAY.replace("text: str", "text: 'spin()'"), 2),
    "a default": (
        "class Odd:\n    def __deepcopy__(self, memo):\n        while True: pass\n"
        + SAY.replace("text: str", "text: object = Odd()"),
        3,
    ),
    "a wait": (SAY + "import time\nwhile True:\n    time.sleep(0.01)\n", 7),
}
"""What never comes back, and the line at which it stands."""


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "jackfield-build"]


async def refused(folder: Path) -> Problem:
    with pytest.raises(PlanError) as reported:
        await asyncio.wait_for(built(folder, 7201, LIMIT), PATIENCE)
    (problem,) = reported.value.problems
    return problem


@pytest.mark.parametrize("name", SPINNING)
async def test_what_does_not_come_back_is_named_and_ended(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    text, line = SPINNING[name]
    problem = await refused(write(tmp_path, ENDPOINTS, say=text))
    assert (problem.code, problem.file) == ("too_slow", "processes/say.py")
    assert problem.line in (line, line + 1)
    assert problem.message == f"loading took longer than {LIMIT:g} s, and had come to this line"
    assert problem.hint == "do what takes long, or may have to wait, in a @resource"
    assert threads() == []
    assert not [name for name in list(sys.modules) if name.startswith("jackfield_generation_7201")]
    assert f"load_too_slow at='processes/say.py:{problem.line}' limit={LIMIT:g} ended=True" in caplog.text


def stuck(folder: Path) -> Callable[[], object]:
    """A module that waits in a call of the system; what lets it go."""
    os.mkfifo(folder / "pipe")
    write(folder, ENDPOINTS, say=f"{SAY}open({str(folder / 'pipe')!r}).read()\n")
    return lambda: (folder / "pipe").write_text("")


async def test_what_cannot_be_ended_is_named_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(building, "ENDING", 0.1)
    let_go = stuck(tmp_path)
    problem = await refused(tmp_path)
    (thread,) = threads()
    assert (problem.file, problem.line) == ("processes/say.py", 5)
    assert "could not be broken off" in problem.hint
    assert "ended=False" in caplog.text
    await asyncio.to_thread(let_go)
    await asyncio.to_thread(thread.join, PATIENCE)
    assert threads() == []


async def test_loads_that_cannot_be_ended_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "ENDING", 0.1)
    monkeypatch.setattr(building, "MOST_LEFT", 1)
    let_go = stuck(tmp_path)
    await refused(tmp_path)
    (thread,) = threads()
    problem = await refused(tmp_path)
    assert (problem.code, problem.hint) == ("too_slow", "restart the server")
    await asyncio.to_thread(let_go)
    await asyncio.to_thread(thread.join, PATIENCE)
    table = await built(write(tmp_path, ENDPOINTS, say=SAY), 7202, PATIENCE)
    table.catalog.release()


async def test_an_exception_is_set_in_code_of_the_project_alone(tmp_path: Path) -> None:
    """The thread's own steps, before and after, would break in the middle of what they put away."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    with Breaking(thread.ident or 0) as breaking:
        breaking.strike()
    over.set()
    await asyncio.to_thread(
        thread.join, PATIENCE
    )  # an exception would be reported as a warning, which is an error here
    assert not thread.is_alive()


@pytest.mark.parametrize("command", [["check"], ["test"], ["export", "asyncapi"]], ids=lambda words: words[0])
def test_every_command_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    monkeypatch.setattr(building, "LOAD_LIMIT", LIMIT)
    done = CliRunner().invoke(main, ["-C", str(write(tmp_path, ENDPOINTS, say=SAY + SPIN)), *command])
    assert done.exit_code == 1
    assert "processes/say.py:" in done.output
    assert "[too_slow]" in done.output
    assert threads() == []


async def test_a_server_does_not_start_with_it_and_goes_on_with_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_node(write(tmp_path, ENDPOINTS, say=SAY), State.open(tmp_path), Options()) as node:
        monkeypatch.setattr(building, "LOAD_LIMIT", LIMIT)
        write(tmp_path, say=SAY + SPIN)
        with pytest.raises(PlanError, match=r"processes/say\.py:[56].*too_slow"):
            await node.publisher.publish()
        assert node.gateway.live.generation.number == 1
    monkeypatch.setattr(building, "LOAD_LIMIT", 1.0)  # the copy that serves instead is loaded within it, too
    async with open_node(tmp_path, State.open(tmp_path), Options()) as node:
        assert "processes/say.py:" in str(node.fell_back)
    assert threads() == []
