"""Endpoints and examples that are added over HTTP, and an empty project that begins with an example."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from jackfield.beginnings import EXAMPLES
from jackfield.config.load import load
from jackfield.server.editing import adding
from jackfield.server.web import additions, places
from tests.describe.documents.test_http_api import judge
from tests.server.served import Answer, Headers, Served, until
from tests.server.web.test_editing import YAML, Open, chief, open_edited, project, served

__all__ = ["chief", "open_edited", "project", "served"]  # fixtures

ROOM = {"name": "room", "url": "/ws/rooms/{room}", "process": "p.say", "summary": "Комната 👋"}
STEPS = [{"send": {"message": "Привет 👋", "n": 12345678901234567890}, "expect": {"message": "да"}}]


async def add(served: Served, who: Headers, body: dict[str, Any], path: str = "/api/endpoints") -> Answer:
    answer = await served.http("POST", path, who, body)
    judge("add-endpoint" if path == "/api/endpoints" else "begin" if path == "/api/examples" else "add-example", answer)
    return answer


async def test_an_endpoint_is_added_and_goes_live_with_a_publish(
    served: Served, chief: Headers, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    of_group = {"group": "room:{room}", "reply_to": "group", "presence": True, "history": 50}
    asked = {**ROOM, **of_group, "roles": ["support"]}
    shown = (await add(served, chief, {**asked, "dry_run": True})).json
    assert (shown["file"], shown["line"], shown["problems"], shown["written"]) == ("endpoints.yaml", 4, [], False)
    assert (project / "endpoints.yaml").read_text("utf-8") == YAML
    added = (await add(served, chief, asked)).json
    assert added == {**shown, "written": True}
    assert (project / "endpoints.yaml").read_text("utf-8") == YAML + added["text"]
    assert "endpoint_added" in caplog.text
    assert (await served.http("POST", "/api/publish", chief, {})).json["problems"] == []
    assert served.gateway.live.generation.table.plan.endpoint("room").access.roles == ("support",)


async def test_an_example_is_added_below_its_endpoint(
    served: Served, chief: Headers, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    example = {"name": "Эхо", "as": {"roles": ["support"]}, "query": {"a": "1"}, "steps": STEPS}
    added = (await add(served, chief, example, "/api/endpoints/say/examples")).json
    assert (added["file"], added["problems"], added["written"]) == ("endpoints.yaml", [], True)
    (found,) = load(project).plan.endpoint("say").examples
    assert (found.name, found.guests[""].query, found.guests[""].roles) == ("Эхо", {"a": "1"}, ("support",))
    assert found.steps[0].value == STEPS[0]["send"]
    assert "example_added" in caplog.text


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({**ROOM, "name": "say"}, 400, 'Nothing was added: the endpoint "say" is there already: endpoints.yaml:3.'),
        ({**ROOM, "access": "public", "roles": ["a"]}, 400, "`roles` and `access` are both given."),
        ({**ROOM, "history": 5}, 400, "Nothing was added: `presence` and `history` belong to a group"),
        ({**ROOM, "access": "всем"}, 400, "The body does not fit: access"),
        ({"name": "x"}, 400, 'The body does not fit: the key "url" is missing'),
    ],
)
async def test_what_cannot_be_added_is_refused(
    served: Served, chief: Headers, project: Path, body: dict[str, Any], status: int, said: str
) -> None:
    answer = await add(served, chief, body)
    assert (answer.status, said in answer.json["detail"]) == (status, True), answer.json
    assert (project / "endpoints.yaml").read_text("utf-8") == YAML


async def test_what_would_have_problems_is_not_written(served: Served, chief: Headers, project: Path) -> None:
    (project / "processes" / "old.csv").write_text("nothing of a table\n", "utf-8")  # wrong already
    found = (await add(served, chief, {**ROOM, "url": "ws/room", "process": "p.nothing"})).json
    assert {one["path"] for one in found["problems"]} == {"endpoints.room.process", "endpoints.room.url"}
    none = (await add(served, chief, {**ROOM, "roles": []})).json
    assert ([one["path"] for one in none["problems"]], none["written"]) == (["endpoints.room.auth.roles"], False)
    assert (found["written"], (project / "endpoints.yaml").read_text("utf-8")) == (False, YAML)


@pytest.mark.parametrize("path", ["/api/endpoints", "/api/endpoints/say/examples", "/api/examples"])
async def test_it_is_for_who_may_change_every_file(served: Served, path: str) -> None:
    body = {"/api/endpoints": ROOM, "/api/examples": {"name": "chat"}}.get(path, {"name": "x", "steps": STEPS})
    assert (await add(served, await served.cookie("аня"), body, path)).status == 403
    assert (await add(served, [], body, path)).status == 401
    foreign = [*await served.cookie("шеф"), ("origin", "https://evil.example")]
    assert (await add(served, foreign, body, path)).status == 403


async def test_who_may_enter_gets_an_example_as_text_to_be_pasted(served: Served, project: Path) -> None:
    shown = {"name": "Эхо", "steps": [{"send": {"message": "Привет 👋"}, "expect": {"message": "да"}}], "dry_run": True}
    answer = await add(served, [], shown, "/api/endpoints/say/examples")
    text = (
        '      - name: "Эхо"\n        steps:\n'
        '          - send: {message: "Привет 👋"}\n            expect: {message: "да"}\n'
    )
    assert answer.json == {"file": "", "line": 0, "text": text, "problems": [], "written": False}
    assert (await add(served, [], shown, "/api/endpoints/nothing/examples")).status == 404
    assert (project / "endpoints.yaml").read_text("utf-8") == YAML


async def test_where_tables_alone_are_changed_nothing_is_added(open_edited: Open) -> None:
    tables = await open_edited(edit="tables")
    assert (await add(tables, await tables.cookie("шеф"), ROOM)).status == 404


async def test_one_thing_is_added_at_a_time(
    served: Served, chief: Headers, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    held, go = threading.Event(), threading.Event()

    def slow(*given: Any, **more: Any) -> Any:
        held.set()
        assert go.wait(20)
        return adding.add(*given, **more)

    monkeypatch.setattr(additions, "add", slow)
    first = asyncio.create_task(add(served, chief, ROOM))
    await until(held.is_set)
    other = asyncio.create_task(add(served, chief, {**ROOM, "name": "other", "url": "/ws/other"}))
    await until(lambda: served.gateway._routes._administration._additions._places.waiting == 1)
    monkeypatch.setattr(places, "WAIT", 0.0)
    busy = await add(served, chief, {**ROOM, "name": "third"})
    assert (busy.status, busy.json["code"]) == (503, "too_busy")
    go.set()
    assert all(answer.json["written"] for answer in await asyncio.gather(first, other))
    text = (project / "endpoints.yaml").read_text("utf-8")
    assert ("other" in text, "third" in text) == (True, False)


async def test_an_empty_project_begins_with_an_example(
    served: Served, chief: Headers, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    listed = await served.http("GET", "/api/examples", chief)
    judge("beginnings", listed)
    assert ([one["name"] for one in listed.json["examples"]], listed.json["empty"]) == (list(EXAMPLES), False)
    full = await add(served, chief, {"name": "chat"}, "/api/examples")
    assert (full.status, "The project is not empty" in full.json["detail"]) == (400, True)
    (project / "endpoints.yaml").write_text("# ещё ничего 👋\nendpoints: {}\n", "utf-8")
    assert (await served.http("GET", "/api/examples", chief)).json["empty"]
    (project / "README.md").write_text("mine", "utf-8")
    taken = await add(served, chief, {"name": "chat"}, "/api/examples")
    assert (taken.status, "README.md already" in taken.json["detail"]) == (400, True)
    assert not (project / "site").exists()
    (project / "README.md").unlink()
    begun = await add(served, chief, {"name": "chat"}, "/api/examples")
    assert begun.json["files"][0] == "endpoints.yaml"
    assert all((project / name).is_file() for name in begun.json["files"])
    assert load(project).plan.endpoints
    assert "project_begun" in caplog.text
    assert (await add(served, chief, {"name": "шах"}, "/api/examples")).status == 404


async def test_no_link_leads_an_example_out_of_the_project(
    served: Served, chief: Headers, project: Path, tmp_path: Path
) -> None:
    (project / "endpoints.yaml").write_text("", "utf-8")
    (tmp_path / "elsewhere").mkdir()
    (project / "site").symlink_to(tmp_path / "elsewhere")
    refused = await add(served, chief, {"name": "chat"}, "/api/examples")
    assert (refused.status, "site/" in refused.json["detail"]) == (400, True)
    assert list((tmp_path / "elsewhere").iterdir()) == []
