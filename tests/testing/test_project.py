"""A project in tests: its fakes, and what its clients share."""

from __future__ import annotations

import gc
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from jackfield import resource
from jackfield.testing import Client, Project
from tests.projects import write

from .desk import CODE, names_of


async def test_a_fake_takes_the_place_of_what_is_never_opened(folder: Path) -> None:
    fake: dict[str, Any] = {"kind": "fake"}
    params = {"room": "a/b ?", "number": 5}
    async with Project(folder, resources={"desk.database": fake}) as project:
        async with project.connect("room", params={**params, "room": "зал 1 100%?#+"}) as c:
            assert await c.ask({"add": 2}) == {
                "room": "зал 1 100%?#+",
                "number": 5,
                "kind": "fake",
                "total": 2,
                "login": "",
            }
        opened = names_of(project)["OPENED"]
    assert fake["total"] == 2
    assert opened == []


async def test_a_fake_is_known_by_the_function_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {"__name__": "processes.desk"}
    exec(compile(CODE, str(folder / "processes" / "desk.py"), "exec"), names)  # as a test would import it
    fakes = {names["database"]: {"kind": "fake"}}
    async with Client(folder, "room", params={"room": "a", "number": 1}, resources=fakes) as c:
        assert (await c.ask({"add": 1}))["kind"] == "fake"


async def test_a_resource_without_a_fake_is_opened_and_closed(folder: Path) -> None:
    async with Project(folder) as project:
        opened = names_of(project)["OPENED"]
        async with project.connect("room", params={"room": "a", "number": 1}, login="аня") as c:
            assert (await c.ask({"add": 1}))["kind"] == "real"
        assert opened == ["opened"]
    assert opened == ["opened", "closed"]


@resource
async def database() -> AsyncIterator[int]:
    """One of that name, which is not the project's."""
    yield 1


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("database", 'did you mean "desk.database"'),
        ("desk.databse", 'did you mean "desk.database"'),
        ("mail", "these are: desk.database"),
        (database, 'no resource that an endpoint of this project uses; did you mean "desk.database"'),
        (print, "a key is a @resource function or its name"),
    ],
)
async def test_a_fake_of_what_is_no_resource_is_reported(folder: Path, key: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        async with Client(folder, "say", resources={key: 1}):
            pass


async def test_clients_of_one_project_share_it_and_others_do_not(folder: Path) -> None:
    params = {"room": "a", "number": 1}
    totals = []
    async with Project(folder) as project:
        for _ in range(2):
            async with project.connect("room", params=params) as c:
                totals.append((await c.ask({"add": 1}))["total"])
    async with Client(folder, "room", params=params) as c:
        totals.append((await c.ask({"add": 1}))["total"])
    assert totals == [1, 2, 1]


async def test_two_projects_stand_side_by_side(folder: Path) -> None:
    async with Project(folder) as one, Project(folder) as two:
        assert names_of(one) is not names_of(two)
        async with one.connect("say", login="a") as a, two.connect("say", login="a") as b:
            assert [await a.ask({"message": "1"}), await b.ask({"message": "2"})] == [
                {"message": "1"},
                {"message": "2"},
            ]


async def test_the_modules_of_a_project_are_freed(folder: Path) -> None:
    async with Project(folder) as project:
        function = weakref.ref(project.table.routes["say"].process.function)
        async with project.connect("say", login="a", raise_errors=True) as c:
            assert await c.ask({"message": "a"}) == {"message": "a"}
    gc.collect()
    assert function() is None


async def test_a_project_pushes_to_groups_and_users(tmp_path: Path) -> None:
    text = (
        'endpoints:\n  room: {url: "/ws/rooms/{room}", group: "room:{room}", auth: optional}\n  own: {url: /ws/own}\n'
    )
    project = Project(write(tmp_path, text))
    async with (
        project,
        project.connect("room", params={"room": "7"}) as guest,
        project.connect("own", login="анна") as anna,
    ):
        assert project.push("room:7", {"event": "said", "text": "Привет 😀"}) == 1
        assert project.push("room:8", {"event": "said"}) == 0
        assert project.push_to("анна", {"event": "paid"}) == project.push_to("анна", {"event": "paid"}, "own") == 1
        assert project.push_to("анна", {"event": "paid"}, "room") == project.push_to("никто", {"event": "x"}) == 0
        assert await guest.rest() == [{"event": "said", "text": "Привет 😀"}]
        assert await anna.rest() == [{"event": "paid"}] * 2
        for group, event in (("зал", {"event": "x"}), ("room:7", {"event": "members"}), ("room:7", {"text": "x"})):
            with pytest.raises(ValueError):
                project.push(group, event)
    with pytest.raises(RuntimeError, match="not open"):
        project.push("room:7", {"event": "said"})
