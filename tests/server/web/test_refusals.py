"""`/api/refusals` and what is kept: why somebody could not connect, also after a restart, and what is never kept."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jackfield.auth.refused import Refused, Wanted
from jackfield.auth.store.refusals import KEPT
from jackfield.auth.store.store import Store
from jackfield.cli import refusals as command
from jackfield.errors import Refusal
from jackfield.server.node.control_verbs import verbs
from jackfield.server.refusals import RefusalKeeper
from tests.clock import Clock
from tests.server.conftest import OpenServed
from tests.server.served import COOKIE, PASSWORD, Headers, Served

DESK = """
  desk: {url: /ws/desk, process: p.echo, auth: {roles: [support]}, refusals: auto}
"""
JSON = [("content-type", "application/json")]
TYPED = "geheimes Пароль 🔑"


@pytest.fixture
async def desk(open_served: OpenServed) -> Served:
    served = await open_served(DESK)
    await served.add("bob", password=PASSWORD)
    await served.add("root", "admin")
    keeper_of(served)
    return served


def keeper_of(served: Served) -> RefusalKeeper:
    live = served.gateway.live
    keeper = live.refusals.keeper = RefusalKeeper(live.refusals, served.gateway.callers.authorities.keys.store)
    return keeper


def given(login: str, password: str = PASSWORD) -> bytes:
    return json.dumps({"login": login, "password": password}).encode()


async def asked(served: Served, query: str = "", headers: Headers | None = None) -> list[dict[str, Any]]:
    answer = await served.http("GET", f"/api/refusals{query}", headers or await served.cookie("root"))
    assert answer.status == 200, answer.body
    found = answer.json["refusals"]
    assert isinstance(found, list)
    return found


async def test_why_somebody_could_not_connect(desk: Served, clock: Clock) -> None:
    bob = await desk.cookie("bob")
    told = (await desk.call("/ws/desk?x=1", bob).refused()).json["refusal"]
    clock.now += 60
    again = await desk.http("GET", "/ws/desk", bob)
    assert again.json["would"]["refusal"] == told, "the same story"
    page = await desk.http("GET", "/ws/desk", [*bob, ("accept", "text/html")])
    assert page.body.decode().count(told) == 1
    clock.now += 1
    caller = desk.call("/ws/desk", [*bob, ("origin", "http://127.0.0.1:8000")])
    _, reason = await caller.closed()
    assert reason.endswith("]"), "a page reads it there"

    found = await asked(desk, "?login=bob&since=1h")
    assert [one["id"] for one in found] == [reason[-7:-1], told], "from a page of ours is another story"
    assert found[1] == {
        "id": told,
        "at": found[1]["at"],
        "first_at": found[1]["first_at"],
        "count": 3,
        "login": "bob",
        "client": "10.1.2.3",
        "path": "/ws/desk",
        "endpoint": "desk",
        "origin": "",
        "code": "role_required",
        "cause": "",
        "status": 403,
        "detail": found[1]["detail"],
        "fix": found[1]["fix"],
    }
    assert found[1]["at"] > found[1]["first_at"]
    assert "jackfield users roles bob +support" in found[1]["fix"]
    assert [one["id"] for one in await asked(desk, f"?id={told.lower()}")] == [told]
    assert await asked(desk, "?address=10.9.9.9") == []
    assert [one["id"] for one in await asked(desk, "?limit=1")] == [reason[-7:-1]]
    assert [one["id"] for one in await asked(desk, "?login=bob&limit=1")] == [reason[-7:-1]]
    clock.now += 7200
    for text, whose in (
        ("bob", found),
        ("10.1.2.3", found),
        (f"%23{told.lower()}", found[1:]),
        ("", found),
        ("10.1.2", []),
    ):
        assert await asked(desk, f"?search={text}&since=3h") == whose, text
    assert await asked(desk, f"?search={told}&since=1h") == found[1:], "an id is of any time"
    assert await asked(desk, "?search=bob&since=1h") == []
    assert await asked(desk, "?search=bob&limit=1") == found[:1]


async def test_it_is_there_after_a_restart_until_its_time_is_over(
    desk: Served, open_served: OpenServed, clock: Clock
) -> None:
    told = (await desk.call("/ws/desk", await desk.cookie("bob")).refused()).json["refusal"]
    await desk.call("/ws/nowhere").refused()
    old = desk.gateway.live.refusals.keeper
    assert isinstance(old, RefusalKeeper)
    await old.close()
    desk.gateway.live.refusals.__init__()  # type: ignore[misc]  # as after a restart
    keeper = keeper_of(desk)
    assert [one["id"] for one in await asked(desk, "?login=bob")] == [told]
    assert [one["id"] for one in await asked(desk, "?since=7d")] == [told], "nobody's is not kept"
    assert await asked(desk) == [], "the last ones of this server"
    clock.now += KEPT + 1
    await keeper.sweep()
    assert await desk.store.refusals.find(Wanted(since=0)) == []


async def test_failed_logins_are_kept_and_never_what_was_typed(desk: Served, caplog: pytest.LogCaptureFixture) -> None:
    for login, password in (("bob", TYPED), (TYPED, PASSWORD), ("bob", TYPED), ("kurz", TYPED)):
        answer = await desk.http("POST", "/auth/login", JSON, body=given(login, password))
        assert answer.json["code"] == "login_failed"
    cookie = await desk.cookie("bob")
    body = json.dumps({"old": TYPED, "new": PASSWORD + "2"}).encode()
    assert (await desk.http("POST", "/auth/password", [*cookie, *JSON], body=body)).json["code"] == "wrong_password"
    keeper = desk.gateway.live.refusals.keeper
    assert isinstance(keeper, RefusalKeeper)
    assert await keeper.write_once()
    found = await desk.store.refusals.find(Wanted(since=0))
    assert sorted((one.code, one.login, one.count) for one in found) == [
        ("login_failed", "", 1),
        ("login_failed", "", 1),
        ("login_failed", "bob", 2),
        ("wrong_password", "bob", 1),
    ]
    assert {one["code"] for one in await asked(desk, "?login=bob")} == {"wrong_password", "login_failed"}
    text = json.dumps([one.as_json() for one in found], ensure_ascii=False) + caplog.text
    assert TYPED not in text
    assert PASSWORD not in text
    assert "kurz" not in json.dumps([one.as_json() for one in found])


async def test_the_cause_of_a_failed_login_is_for_administrators_alone(desk: Served, clock: Clock) -> None:
    async def failed(login: str, password: str) -> dict[str, Any]:
        clock.now += 1
        told: dict[str, Any] = (await desk.http("POST", "/auth/login", JSON, body=given(login, password))).json
        return told

    told = [await failed("bob", TYPED), await failed("nobody", TYPED)]
    await desk.store.disable("bob")
    told += [await failed("bob", PASSWORD), await failed("bob", TYPED)]
    assert len({one.pop("refusal") for one in told}) == 2, "one id for bob, whatever the cause"
    assert told == [told[0]] * 4
    found = await asked(desk, "?since=1h")
    assert [(one["login"], one["cause"], one["count"]) for one in found] == [
        ("bob", "disabled", 2),
        ("", "no_such_user", 1),
        ("bob", "wrong_password", 1),
    ]


async def test_whose_session_ended_is_known(desk: Served) -> None:
    cookie = await desk.cookie("bob")
    assert (await desk.http("GET", "/auth/session", cookie)).status == 200
    await desk.http("POST", "/auth/logout", cookie)
    refused = await desk.call("/ws/desk", cookie).refused()
    assert refused.json["code"] == "bad_credential"
    (found,) = await asked(desk, "?login=bob")
    assert (found["code"], found["id"]) == ("bad_credential", refused.json["refusal"])
    token = cookie[0][1].removeprefix(f"{COOKIE}=")
    assert token not in json.dumps(found)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?who=bob", "takes the parameters login, address, id, search, since, limit"),
        ("?limit=0", "from 1 to 200"),
        ("?limit=x", "from 1 to 200"),
        ("?since=gestern", "gestern"),
        ("?id=K7QF2", "6 letters and digits"),
        ("?id=K7QF20", "6 letters and digits"),
        ("?address=10.0.0", "10.0.0 is no address"),
    ],
)
async def test_a_wrong_question_is_answered_by_what_is_wrong(desk: Served, query: str, words: str) -> None:
    answer = await desk.http("GET", f"/api/refusals{query}", await desk.cookie("root"))
    assert (answer.status, answer.json["code"], words in answer.json["detail"]) == (400, "invalid_request", True)


async def test_only_administrators_see_it(desk: Served) -> None:
    assert (await desk.http("GET", "/api/refusals")).status == 401
    denied = await desk.http("GET", "/api/refusals?login=root", await desk.cookie("bob"))
    assert (denied.status, denied.json["code"]) == (403, "role_required")
    (kept,) = await asked(desk, "?login=bob")
    assert (kept["path"], kept["id"]) == ("/api/refusals", denied.json["refusal"])


async def test_with_a_user_goes_what_is_kept_of_the_login(desk: Served) -> None:
    await desk.call("/ws/desk", await desk.cookie("bob")).refused()
    assert len(await asked(desk, "?login=bob")) == 1
    assert (await desk.http("DELETE", "/api/users/bob", await desk.cookie("root"))).status == 200
    assert await asked(desk, "?login=bob") == []
    keeper = desk.gateway.live.refusals.keeper
    assert isinstance(keeper, RefusalKeeper)
    await keeper.close()
    assert await desk.store.refusals.find(Wanted(since=0)) == []


# the keeper


async def test_a_store_that_is_away_loses_nothing_that_has_room(
    desk: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keeper, refusals = keeper_of(desk), desk.gateway.live.refusals
    await desk.call("/ws/desk", await desk.cookie("bob")).refused()

    async def away(_batch: object) -> None:
        raise Refusal("store_unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(desk.store.refusals, "write", away)
        assert not await keeper.write_once()
        assert not await keeper.write_once()
    assert refusals.waiting == 1
    assert caplog.text.count("refusals_not_kept") == 1
    refusals.lost = 3
    await keeper.close()
    assert refusals.waiting == 0
    assert "refusals_lost refusals=3" in caplog.text
    assert len(await desk.store.refusals.find(Wanted(login="bob"))) == 1


async def test_it_writes_by_itself_and_a_cancelled_batch_waits(desk: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper, refusals = keeper_of(desk), desk.gateway.live.refusals
    monkeypatch.setattr("jackfield.server.refusals.PAUSE", 0)
    begun, written = asyncio.Event(), desk.store.refusals.write

    async def hang(batch: list[Refused]) -> None:
        begun.set()
        await asyncio.Event().wait()

    await desk.call("/ws/desk", await desk.cookie("bob")).refused()
    monkeypatch.setattr(desk.store.refusals, "write", hang)
    task = asyncio.create_task(keeper.watch())
    async with asyncio.timeout(5):
        await begun.wait()
    assert refusals.waiting == 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert refusals.waiting == 1
    monkeypatch.setattr(desk.store.refusals, "write", written)
    await keeper.close()
    assert len(await desk.store.refusals.find(Wanted(login="bob"))) == 1


# the command


async def test_the_verb_and_the_command_say_the_same(desk: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    told = (await desk.call("/ws/desk", await desk.cookie("bob")).refused()).json["refusal"]
    await desk.call("/ws/nowhere").refused()
    verb = verbs(desk.gateway.live, None)["refusals"]  # type: ignore[arg-type]
    loop = asyncio.get_running_loop()

    def speak(_state: object, _name: str, **options: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(_answer(verb, options), loop).result(5)

    monkeypatch.setattr(command, "speak", speak)
    everything = await asyncio.to_thread(_run)
    assert [line.split("  ")[1] for line in everything.splitlines()] == [
        one["id"] for one in reversed(await asked(desk))
    ]
    found = await asyncio.to_thread(_run, "--id", told.lower(), "--since", "24h")
    first, cure = found.splitlines()
    assert f"  {told}  403 role_required  /ws/desk  bob at 10.1.2.3: " in first
    assert "jackfield users roles bob +support" in cure


async def _answer(verb: Any, options: dict[str, Any]) -> Any:
    return await verb(json.loads(json.dumps(options)))


def _run(*arguments: str) -> str:
    done = CliRunner().invoke(command.command, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout


async def test_the_command_asks_the_store_where_no_server_runs(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    store = await Store.open(url, clock)
    row = Refused(
        clock(), "/ws/стол", "role_required", 403, "Nein.", "анна", "::1", "", id="K7QF2M", first=1.0, count=2
    )
    await store.refusals.write([row])
    await store.close()
    monkeypatch.setenv("JACKFIELD_STORE", url)
    monkeypatch.setenv("JACKFIELD_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    found = await asyncio.to_thread(_run, "--login", "анна")
    assert "K7QF2M  403 role_required  /ws/стол  анна at ::1: Nein. (2 times since 1970-01-01" in found
    as_json = json.loads(await asyncio.to_thread(_run, "--address", "0:0::1", "--json"))
    assert [one["id"] for one in as_json] == ["K7QF2M"]
    without = await asyncio.to_thread(CliRunner().invoke, command.command, [])
    assert without.exit_code == 3, "the newest of all are the server's own"
    wrong = await asyncio.to_thread(CliRunner().invoke, command.command, ["--id", "0"])
    assert (wrong.exit_code, "no id of a refusal" in wrong.stderr) == (2, True)
    nothing = await asyncio.to_thread(CliRunner().invoke, command.command, ["--login", "bob"])
    assert (nothing.exit_code, nothing.stdout) == (0, "")
