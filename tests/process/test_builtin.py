"""Processes that every project has, through the whole product without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import PlanError
from jackfield.process.builtin.processes import processes
from jackfield.process.signature import signature
from jackfield.routing.build import build
from jackfield.schema.patterns import sentence
from jackfield.schema.walk import walk
from jackfield.testing import Project
from tests.projects import SAY, write

ENDPOINTS = """
endpoints:
  echo: {url: /ws/echo, auth: public, process: echo.same}
  room: {url: /ws/room, auth: public, process: echo.same, group: room, reply_to: group, event: said}
  short:
    {url: /ws/short, auth: public, process: echo.same, input: {required: [text], properties: {text: {maxLength: 3}}}}
  sink: {url: /ws/sink, auth: public, process: echo.nothing}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "endpoints.yaml").write_text(ENDPOINTS, "utf-8")
    return Project(tmp_path)


@pytest.mark.parametrize("message", [{}, {"text": "Привет 😀", "n": [1, None, {"a": 2}]}, {"from": "a", "name": "b"}])
async def test_echo_gives_back_what_came(project: Project, message: dict[str, Any]) -> None:
    async with project, project.connect("echo") as client:
        assert await client.ask(message) == message


@pytest.mark.parametrize(
    ("endpoint", "keys"), [("echo", ("error", "event")), ("room", ("error", "event", "from", "group", "name"))]
)
async def test_what_is_ours_in_an_answer_is_refused(project: Project, endpoint: str, keys: tuple[str, ...]) -> None:
    async with project, project.connect(endpoint) as client:
        for key in keys:
            error = (await client.ask({key: "x"}))["error"]
            assert error["code"] == "invalid_message"
            assert error["details"] == [{"path": f"/{key}", "problem": "must be left out"}]


def test_no_pattern_of_ours_is_shown_to_people() -> None:
    compiled = [signature.compile(process, ())[0] for process in processes(()).values()]
    parts = [part for one in compiled if one is not None for _, part in walk(one.input_schema)]
    found = {part["pattern"] for part in parts if "pattern" in part}
    assert {sentence(pattern, "10 minuten") for pattern in found} == {
        "may not begin with $",
        'must be a time with its unit, like "30s", "10m", "12h" or "7d", a year (365d) at most',
    }


async def test_a_room_needs_no_code(project: Project) -> None:
    async with project, project.connect("room") as one, project.connect("room") as other:
        await one.send({"text": "Привет"})
        said = {"event": "said", "from": None, "text": "Привет"}
        assert (await one.rest(), await other.rest()) == ([said], [said])


async def test_what_input_says_holds_as_well(project: Project) -> None:
    async with project, project.connect("short") as client:
        assert await client.ask({"text": "да"}) == {"text": "да"}
        for message in ({"text": "долго"}, {"text": "да", "event": "x"}, {}):
            assert (await client.ask(message))["error"]["code"] == "invalid_message"


async def test_nothing_answers_nothing(project: Project) -> None:
    async with project, project.connect("sink") as client:
        await client.send({"event": "x", "$id": 1})
        await client.send({"event": "x"})
        assert await client.rest() == [{"$done": True, "$id": 1}]


def test_a_file_of_the_project_comes_first(tmp_path: Path) -> None:
    echo = SAY.replace("say", "same")
    table = build(write(tmp_path, "endpoints: {e: {url: /ws/e, process: echo.same}}\n", echo=echo), 1)
    assert table.routes["e"].process.file == "processes/echo.py"
    table.catalog.release()
    write(tmp_path, "endpoints: {e: {url: /ws/e, process: echo.nothing}}\n")
    with pytest.raises(PlanError, match=r"no process is named .echo\.nothing"):
        build(tmp_path, 2)
