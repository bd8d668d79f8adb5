"""`/api/unmatched`: from a message that no row is for to the administrator who reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jackfield.server.editing.project_files import ProjectFiles
from tests.describe.documents.test_http_api import judge
from tests.server.conftest import OpenServed
from tests.server.served import Headers, Served

TABLES = {
    "faq": "first,вопрос,reply.text\n1,привет,да\nrest,,не понял: {вопрос}\n",
    "prices": "first,item,keep,reply.price (integer)\n1,чай,,5\n2,кофе,yes,7\n",
    "all": 'collect,item,reply.text\n1,чай,a\n2,"""чай"", ""кофе""",b\nrest,,c\n',
}
ENDPOINTS = """
  bot: {url: "/ws/bot/{room}", process: faq, inspect: unmatched}
  shop:
    url: /ws/shop
    inspect: [payloads, unmatched]
    actions: {price: {process: prices}, all: {process: all}}
  quiet: {url: /ws/quiet, process: faq}
"""


async def begun(open_served: OpenServed, folder: Path, **options: Any) -> Served:
    (folder / "processes").mkdir()
    for name, text in TABLES.items():
        (folder / "processes" / f"{name}.csv").write_text(text, "utf-8")
    return await open_served(ENDPOINTS, "READY = True\n", **options)  # a table of its own: those of others have none


@pytest.fixture
async def served(open_served: OpenServed, tmp_path: Path) -> Served:
    made = await begun(open_served, tmp_path)
    await made.add("шеф", "admin")
    await made.add("аня", "support")
    return made


@pytest.fixture
async def admin(served: Served) -> Headers:
    return await served.cookie("шеф")


async def say(served: Served, path: str, *messages: object) -> list[dict[str, Any]]:
    call = served.call(path, await served.cookie("аня"))
    await call.accepted()
    answers = [await call.ask(one) for one in messages]
    await call.leave()
    return answers


async def test_messages_that_no_row_is_for_are_listed_counted_and_forgotten(
    served: Served, admin: Headers, caplog: pytest.LogCaptureFixture
) -> None:
    answers = await say(served, "/ws/bot/7", {"вопрос": "привет"}, {"$id": 1, "вопрос": "а 🙂"}, {"вопрос": "а 🙂"})
    assert answers[1] == {"text": "не понял: а 🙂", "$id": 1}
    caplog.set_level("INFO")
    await say(served, "/ws/quiet", {"вопрос": "нет"})
    (found,) = (await served.http("GET", "/api/unmatched", admin)).json["messages"]
    wanted = {"endpoint": "bot", "process": "faq", "message": {"вопрос": "а 🙂"}, "why": "last_row", "count": 2}
    assert {key: found[key] for key in wanted} == wanted
    assert found["at"] == found["first_at"] == "2027-01-15T08:00:00+00:00"
    assert (await served.http("DELETE", f"/api/unmatched/{found['id']}", admin)).json == {}
    assert f"unmatched_removed message='{found['id']}' endpoint='bot' by='шеф'" in caplog.text
    assert (await served.http("DELETE", f"/api/unmatched/{found['id']}", admin)).json["code"] == "not_found"
    assert (await served.http("GET", "/api/unmatched", admin)).json == {"messages": [], "next": None}


async def test_a_message_that_a_row_is_for_by_now_says_so(
    open_served: OpenServed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await begun(open_served, tmp_path)
    for login, role in (("шеф", "admin"), ("аня", "support")):
        await served.add(login, role)
    admin = await served.cookie("шеф")
    await say(served, "/ws/bot/7", {"вопрос": "а 🙂"}, {"вопрос": "б"})
    await say(served, "/ws/shop", {"action": "price", "item": "сок"})

    async def answered() -> dict[str, Any]:
        answer = await served.http("GET", "/api/unmatched", admin)
        judge("unmatched", answer)
        return {next(iter(one["message"].values())): one["answered"] for one in answer.json["messages"]}

    assert await answered() == {"а 🙂": None, "б": None, "сок": None}
    table = tmp_path / "processes" / "faq.csv"
    table.write_text('first,вопрос,reply.text\n"две\nстроки",привет,да\n2,а 🙂,вот\nrest,,?\n', "utf-8")
    assert await answered() == {"а 🙂": None, "б": None, "сок": None}, "without --edit the files are nobody's matter"
    monkeypatch.setattr(served.gateway.live, "files", ProjectFiles(tmp_path))
    assert await answered() == {"а 🙂": {"row": 3, "live": False}, "б": None, "сок": None}
    table.write_text("first,вопрос.x,вопрос.y (integer),reply.text\n1,а,5,да\n", "utf-8")  # it takes something else
    assert (await answered())["а 🙂"] is None


async def test_tables_that_keep_collect_or_answer_an_action_too(served: Served, admin: Headers) -> None:
    said = ({"action": "price", "item": one} for one in ("чай", "сок"))
    answers = await say(served, "/ws/shop", *said)
    assert [set(answer) for answer in answers] == [{"action", "price"}, {"error"}]
    await say(served, "/ws/shop", {"action": "all", "item": "кофе"})
    await say(served, "/ws/shop", {"action": "all", "item": "сок"})
    found = (await served.http("GET", "/api/unmatched?endpoint=shop", admin)).json["messages"]
    assert sorted((one["process"], one["why"], one["message"]["item"]) for one in found) == [
        ("all", "last_row", "сок"),
        ("prices", "no_row", "сок"),
    ]


async def test_the_list_comes_as_pages_the_latest_first(served: Served, admin: Headers) -> None:
    await say(served, "/ws/bot/7", *({"вопрос": f"{n}"} for n in range(5)))
    answer = await served.http("GET", "/api/unmatched?limit=3", admin)
    judge("unmatched", answer)
    first = answer.json
    rest = (await served.http("GET", f"/api/unmatched?after={first['next']}", admin)).json
    assert (len(first["messages"]), len(rest["messages"])) == (3, 2)
    assert len({one["id"] for one in (*first["messages"], *rest["messages"])}) == 5
    assert rest["next"] is None
    assert (await served.http("GET", "/api/unmatched?limit=5", admin)).json["next"] is None
    for after in ("here", "0.5", "nan-0123456789abcdef"):
        wrong = await served.http("GET", f"/api/unmatched?after={after}", admin)
        assert (wrong.status, wrong.json["detail"]) == (400, "`after` is not what `next` of a page says.")


async def test_others_read_nothing(served: Served) -> None:
    for method, path in (("GET", "/api/unmatched"), ("DELETE", "/api/unmatched/x")):
        assert (await served.http(method, path)).status == 401
        assert (await served.http(method, path, await served.cookie("аня"))).json["code"] == "role_required"


@pytest.mark.parametrize("edit", ["tables", "all"])
async def test_who_edits_tables_reads_them_and_forgets_them(open_served: OpenServed, tmp_path: Path, edit: str) -> None:
    served = await begun(open_served, tmp_path, edit=edit)
    await served.add("аня", "editor")
    await served.add("шеф", "admin")
    await say(served, "/ws/bot/7", {"вопрос": "а"})
    (found,) = (await served.http("GET", "/api/unmatched", await served.cookie("аня"))).json["messages"]
    assert (await served.http("DELETE", f"/api/unmatched/{found['id']}", await served.cookie("аня"))).status == 200
    assert (await served.http("GET", "/api/data", await served.cookie("аня"))).json["code"] == "role_required"
