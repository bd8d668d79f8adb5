"""The client for tests: what it says is what a client of a server would hear."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from jackfield.testing import Client, Closed, PlanError, Project, Refusal

from .desk import names_of


async def test_replies_errors_and_events_come_in_order(folder: Path) -> None:
    async with Client(folder, "say", login="аня", roles=["support"]) as c:
        await c.send({"message": "Привет 🎉"})
        await c.send({"message": "ring", "$id": 7})
        await c.send({"message": "no", "$id": "x"})
        await c.send({"message": 1})
        await c.send("{")
        await c.send(b"\x00")
        assert await c.receive() == {"message": "Привет 🎉"}
        assert await c.receive() == {"event": "ring", "login": "аня"}
        assert await c.receive() == {"message": "ring", "$id": 7}
        rejected = await c.receive()
        assert rejected == {"error": {"code": "not_today", "message": "Not today.", "wanted": "no"}, "$id": "x"}
        codes = [message["error"]["code"] for message in await c.rest()]
        assert codes == ["invalid_message"] * 3


async def test_rest_waits_for_every_reply_of_a_generator(folder: Path) -> None:
    async with Client(folder, "stream") as c:
        await c.send({"to": 2, "$id": 1})
        assert await c.receive() == {"n": 1, "$id": 1}
        assert await c.rest() == [{"n": 2, "$id": 1}, {"$done": True, "$id": 1}]
        assert await c.rest() == []


async def test_rest_waits_for_messages_that_the_server_has_not_read_yet(folder: Path) -> None:
    async with Project(folder) as project, project.connect("wait") as c, project.connect("wait") as other:
        for number in range(40):  # more than an inbox holds
            await c.send({"text": str(number)})
        with pytest.raises(TimeoutError, match=r"still at work after 0\.01 s.*\"39\".*still at work"):
            await c.rest(within=0.01)
        assert await other.ask({"text": "open"}) == {"waited": "open"}
        assert await c.rest(within=5) == [{"waited": str(number)} for number in range(40)]


async def test_rest_loses_nothing_when_it_takes_too_long(folder: Path) -> None:
    async with Project(folder) as project, project.connect("wait") as c:
        await c.send({"text": "shut"})
        await c.send({"text": "held"})
        with pytest.raises(TimeoutError):
            await c.rest(within=0.01)
        assert await c.receive() == {"waited": "shut"}
        names_of(project)["GATE"].set()
        assert await c.rest() == [{"waited": "held"}]


async def test_a_client_answers_requests_and_takes_messages_back(folder: Path) -> None:
    async with Project(folder) as project, project.connect("order") as c:
        assert await c.ask({"item": "чай", "$id": 1}) == {"event": "how_many"}
        await c.send({"item": "два", "$id": 2})
        assert await c.receive() == {"$id": 1, "$done": True}
        request = await c.receive()
        assert request == {"event": "pay", "of": "два", "$request": 1}
        with pytest.raises(TimeoutError, match="still at work"):
            await c.rest(within=0.01)
        await c.answer(request, {"number": "🍵"})
        assert await c.rest() == [{"card": "🍵", "$id": 2}]
        with pytest.raises(ValueError, match="no request"):
            await c.answer({"event": "how_many"}, {})
    async with Project(folder) as project, project.connect("wait") as c:
        for number in range(3):
            await c.send({"text": "held", "$id": number})
        await c.cancel(2)
        assert (await c.receive())["$id"] == 2
        await c.cancel()
        await c.cancel("no such")
        found = await c.rest()
        assert [(one["$id"], one["error"]["code"]) for one in found] == [(1, "cancelled"), (0, "cancelled")]


async def test_a_message_that_came_too_fast_is_carried_out_for_rest(folder: Path) -> None:
    now = [1000.0]
    async with Project(folder, clock=lambda: now[0]) as project, project.connect("say", login="a") as c:
        for _ in range(102):
            await c.send({"message": "x"})
        found = await c.rest(within=5)
        assert [message["error"]["code"] for message in found if "error" in message] == ["rate_limited"] * 2
        now[0] += 10
        assert await c.ask({"message": "x"}) == {"message": "x"}


@pytest.mark.parametrize(
    ("endpoint", "options", "code"),
    [
        ("say", {}, "not_logged_in"),
        ("staff", {"login": "a", "roles": ["other"]}, "role_required"),
        ("say", {"login": "a", "headers": {"Origin": "https://evil.example.com"}}, "origin_not_allowed"),
        ("page", {"headers": {"Origin": "null"}}, "origin_not_allowed"),
        ("room", {"params": {"room": "a", "number": "five"}}, "not_found"),
        ("query", {"query": {"gen_app_auth_token": "x"}}, "credential_in_query"),
        ("say", {"headers": {"Authorization": "Bearer wrong"}}, "bad_credential"),
    ],
)
async def test_who_may_not_enter_gets_the_refusal(
    folder: Path, endpoint: str, options: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        async with Client(folder, endpoint, **options):
            pass
    assert refused.value.code == code
    assert refused.value.status in (400, 401, 403, 404)
    assert refused.value.__notes__ == [refused.value.fix]


async def test_the_room_is_counted_over_all_clients_of_a_project(folder: Path) -> None:
    async with Project(folder) as project:
        async with project.connect("room", params={"room": "a", "number": 1}):
            with pytest.raises(Refusal, match="too_many_connections"):
                async with project.connect("room", params={"room": "b", "number": 1}):
                    pass
        async with project.connect("room", params={"room": "b", "number": 1}):
            pass


async def test_a_refusal_that_is_reported_by_a_close_is_reported_so(folder: Path) -> None:
    async with Client(folder, "shown", login="a") as c:
        with pytest.raises(Closed) as closed:
            await c.receive()
    assert (closed.value.code, closed.value.reason[:14]) == (4403, "role_required:")


async def test_a_credential_is_judged_by_the_projects_own_function(folder: Path) -> None:
    async with Client(folder, "staff", headers={"Authorization": "Bearer right"}) as c:
        assert await c.ask({"message": "ring"}) == {"event": "ring", "login": "verified"}


async def test_what_came_before_a_close_is_received_first(folder: Path) -> None:
    async with Client(folder, "say", login="a") as c:
        await c.send({"message": "one"})
        await c.send({"message": "bye"})
        assert await c.receive() == {"message": "one"}
        with pytest.raises(Closed) as closed:
            await c.receive()
        assert (closed.value.code, closed.value.reason, str(closed.value)) == (4000, "пока", "4000: пока")
        with pytest.raises(Closed):
            await c.send({"message": "two"})
        assert await c.rest() == []
        assert c.closed is not None
        assert c.closed.code == 4000


async def test_a_time_that_is_over_says_what_was_sent_last(folder: Path) -> None:
    async with Project(folder) as project, project.connect("say", login="a") as c, project.connect("wait") as w:
        with pytest.raises(TimeoutError, match=r"^nothing came within 0\.01 s; nothing was sent so far$"):
            await c.receive(within=0.01)
        await c.send({"message": "nothing"})
        with pytest.raises(TimeoutError, match=r'was {"message":"nothing"}; it was carried out'):
            await c.receive(within=0.01)
        await w.send({"text": "я" * 300})
        with pytest.raises(TimeoutError, match="я…, and it is still at work"):
            await w.receive(within=0.01)
        names_of(project)["GATE"].set()
        await w.rest()


async def test_a_plan_with_problems_reports_them_all(folder: Path) -> None:
    (folder / "endpoints.yaml").write_text("endpoints:\n  a: {url: ws, process: x.y}\n  b: {proces: 1}\n")
    with pytest.raises(PlanError) as failed:
        async with Client(folder):
            pass
    text = str(failed.value)
    assert "endpoints.yaml:2" in text
    assert "endpoints.yaml:3" in text
    assert failed.value.__notes__ == [f"The project is in {folder}."]


async def test_what_a_process_raised_is_in_the_log(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Client(folder, "say", login="a") as c:
        answer = await c.ask({"message": "break"})
    assert answer["error"]["code"] == "process_failed"
    assert 'case "break": raise KeyError("полка")' in caplog.text


async def test_what_a_process_raised_is_raised_where_that_is_asked_for(folder: Path) -> None:
    async with Client(folder, "say", login="a", raise_errors=True) as c:
        with pytest.raises(KeyError, match="полка") as raised:
            await c.ask({"message": "break"})
        assert raised.traceback[-1].path == folder / "processes" / "desk.py"
        with pytest.raises(ValueError, match=r'an event may not have the key "\$id"'):
            await c.ask({"message": "forge"})
        with pytest.raises(RuntimeError, match="raised SystemExit"):
            await c.ask({"message": "exit"})
        assert (await c.ask({"message": "no"}))["error"]["code"] == "not_today"


async def test_replies_are_compared_with_the_annotation(folder: Path) -> None:
    async with Client(folder, "say", login="a", raise_errors=True) as c:
        with pytest.raises(ValueError, match=r"not what the hint of processes/desk\.py:21: desk\.say says"):
            await c.ask({"message": "lie"})
    async with Client(folder, "say", login="a", check_replies=False) as c:
        assert await c.ask({"message": "lie"}) == {"message": 7}


async def test_the_sub_protocol_and_the_query_are_as_in_life(folder: Path) -> None:
    async with Project(folder) as project:
        async with project.connect("query", query={"город": "Казань", "n": 1}) as c:
            assert await c.ask({}) == {"город": "Казань", "n": "1"}
            assert c.subprotocol is None
        async with project.connect("query", subprotocols=["other", "jackfield.v1"]) as c:
            assert c.subprotocol == "jackfield.v1"
        async with project.connect("page"), project.connect("say", login="a", headers={"Origin": "http://localhost"}):
            pass


async def test_what_is_used_wrongly_says_how_it_is_meant(folder: Path) -> None:
    with pytest.raises(ValueError, match="one of: say, staff"):
        async with Client(folder):
            pass
    with pytest.raises(ValueError, match='no endpoint "sya"; did you mean "say"'):
        async with Client(folder, "sya"):
            pass
    for params, said in (({}, "is without room, number"), ({"room": 1, "number": 1, "hall": 2}, "has hall")):
        with pytest.raises(ValueError, match=said):
            async with Client(folder, "room", params=params):
                pass
    with pytest.raises(ValueError, match="give a login"):
        Client(folder, roles=["a"])
    with pytest.raises(ValueError, match=r'roles=\["support"\]'):
        Client(folder, login="a", roles="support")
    with pytest.raises(ValueError, match="belong to the project"):
        Client(Project(folder), resources={"desk.database": 1})
    with pytest.raises(RuntimeError, match="async with Client"):
        await Client(folder, "say").send({})
    with pytest.raises(RuntimeError, match="async with Project"):
        async with Project(folder).connect("say"):
            pass
    async with Client(folder, "stream") as c:
        with pytest.raises(RuntimeError, match="connected already"):
            await c.__aenter__()


def test_it_needs_no_plugin(folder: Path) -> None:
    async def ask() -> Any:
        async with Client(folder, "say", login="a") as c:
            return await c.ask({"message": "да"})

    assert [asyncio.run(ask()) for _ in range(2)] == [{"message": "да"}] * 2


async def test_the_log_of_the_package_is_left_alone(folder: Path) -> None:
    package = logging.getLogger("jackfield")
    before = (package.level, list(package.handlers), package.propagate)
    async with Client(folder, "say", login="аня", roles=["support"]) as client:
        await client.ask({"text": "да"})
    assert (package.level, package.handlers, package.propagate) == before


async def test_what_processes_raised_is_kept_of_the_last_ones_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception holds its frames, and in a long test processes may fail very often."""
    monkeypatch.setattr("jackfield.testing.gateway._FAILURES_KEPT", 1)
    async with (
        Project(folder) as project,
        project.connect("say", login="a") as quiet,
        project.connect("say", login="a", raise_errors=True) as c,
    ):
        await c.send({"message": "break"})
        assert (await quiet.ask({"message": "break"}))["error"]["code"] == "process_failed"
        assert (await c.receive())["error"]["code"] == "process_failed"
        with pytest.raises(KeyError, match="полка"):
            await c.ask({"message": "break"})


@pytest.mark.parametrize(
    ("endpoint", "options", "said"),
    [
        ("rom", {}, 'did you mean "room"'),
        (None, {}, "say which endpoint is meant"),
        ("room", {"params": {"rom": "a", "number": 1}}, "is without room"),
        ("room", {"params": {"room": "a", "number": 1}, "resources": {"desk.databas": {}}}, 'mean "desk.database"'),
    ],
)
async def test_a_slip_of_the_pen_is_reported_before_a_resource_is_opened(
    folder: Path, endpoint: str | None, options: dict[str, Any], said: str
) -> None:
    file = folder / "processes" / "desk.py"
    opening = '    OPENED.append("opened")\n'
    file.write_text(file.read_text("utf-8").replace(opening, f'{opening}    raise OSError("no database")\n'), "utf-8")
    with pytest.raises(ValueError, match=said):
        async with Client(folder, endpoint, **options):
            pass
    with pytest.raises(PlanError, match="no database"):
        async with Client(folder, "room", params={"room": "a", "number": 1}):
            pass


async def test_only_what_the_endpoint_needs_is_opened(folder: Path) -> None:
    """A database that cannot be reached is no affair of the endpoints that do not ask it; two take one resource."""
    file = folder / "processes" / "desk.py"
    opening = '    OPENED.append("opened")\n'
    file.write_text(file.read_text("utf-8").replace(opening, f'{opening}    raise OSError("no database")\n'), "utf-8")
    async with Client(folder, "say", login="a") as c:
        assert await c.ask({"message": "Привет"}) == {"message": "Привет"}
    async with Client(folder, "stream", resources={"desk.database": {}}) as c:
        assert await c.ask({"to": 1}) == {"n": 1}
    with pytest.raises(PlanError, match="no database"):
        async with Project(folder):
            pass
