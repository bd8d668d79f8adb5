"""`POST /api/users/import`."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.conftest import OpenServed
from tests.server.served import PASSWORD, log_in

AT = "/api/users/import"


async def test_users_are_imported_by_administrators_alone(open_served: OpenServed) -> None:
    served = await open_served("  say: {url: /ws/say, process: p.echo}\n")
    await served.add("шеф", "admin")
    await served.add("аня", "support", password=PASSWORD)
    admin = await served.cookie("шеф")
    given = {"users": [{"login": "аня"}, {"login": "import", "roles": ["a"], "password": PASSWORD}, {"login": "вика"}]}
    assert (await served.http("POST", AT, await served.cookie("аня"), given)).status == 403
    dry = await served.http("POST", AT, admin, {**given, "dry_run": True})
    assert (dry.json["added"], [one["done"] for one in dry.json["results"]]) == (0, ["skipped", "added", "added"])
    wrong = await served.http("POST", AT, admin, {"users": [*given["users"], {"login": "x", "password": "short"}]})
    assert (wrong.status, wrong.json["added"], wrong.json["results"][3]["done"]) == (200, 0, "refused")
    assert len((await served.http("GET", "/api/users", admin)).json["users"]) == 2
    answer = await served.http("POST", AT, admin, given)
    assert (answer.status, answer.json["added"]) == (200, 2)
    assert (await log_in(served, "вика", answer.json["results"][2]["password"])).status == 200
    found = await served.http("GET", AT, admin)
    assert (found.status, found.json["login"]) == (200, "import"), "a user may be called like the address"
    for users in ([], [{"login": "x"}] * 1001):
        assert (await served.http("POST", AT, admin, {"users": users})).json["code"] == "invalid_request"


async def test_a_body_that_is_none_is_told_with_its_place(open_served: OpenServed) -> None:
    served = await open_served("  say: {url: /ws/say, process: p.echo}\n")
    await served.add("шеф", "admin")
    admin = await served.cookie("шеф")
    for given, said in (({}, "users"), ({"users": [{"login": 7}]}, "users/0/login must be a text")):
        answer = (await served.http("POST", AT, admin, given)).json
        assert (answer["code"], said in answer["detail"]) == ("invalid_request", True), answer


async def test_one_import_at_a_time(open_served: OpenServed, monkeypatch: pytest.MonkeyPatch) -> None:
    served = await open_served("  say: {url: /ws/say, process: p.echo}\n")
    await served.add("шеф", "admin")
    admin = await served.cookie("шеф")
    go_on, hashed = asyncio.Event(), served.passwords.hash

    async def slow(password: str) -> str:
        await go_on.wait()
        return await hashed(password)

    monkeypatch.setattr(served.passwords, "hash", slow)
    both = [asyncio.create_task(served.http("POST", AT, admin, {"users": [{"login": one}]})) for one in "ab"]
    (refused,), (other,) = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    assert (refused.result().status, refused.result().json["code"]) == (503, "too_many_logins")
    go_on.set()
    assert (await other).status == 200
    assert (await served.http("POST", AT, admin, {"users": [{"login": "c"}]})).status == 200
