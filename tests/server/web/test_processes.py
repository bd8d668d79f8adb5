"""What the page is told of processes: what each is, who calls it, and how its examples went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jackfield.state.tested import note_tested
from tests.server.conftest import OpenServed
from tests.server.served import Served

CODE = """
@process
def say(text: str, n: int = 1) -> str:
    '''Отвечает. 😀

    Больше: <b>много</b>.
    '''
    return text

@process
async def came(connection: Connection) -> None:
    pass
"""
ENDPOINTS = """
  say:
    url: "/ws/say/{n}"
    process: p.say
    on_connect: p.came
    examples:
      - {name: "Привет", steps: [{send: {text: a}}, {expect: {result: a}}]}
      - {steps: [{send: {text: a}}, {expect: {result: b}}]}
  faq: {url: /ws/faq, process: faq}
"""
ROWS = "".join(f"{n},слово {n},да {n}\n" for n in range(1, 301))


@pytest.fixture
async def served(open_served: OpenServed, tmp_path: Path) -> Served:
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "faq.csv").write_text(f"# Ответы\nfirst,message,reply.text\n{ROWS}", "utf-8")
    made = await open_served(ENDPOINTS, CODE)
    made.gateway.live.tested = tmp_path / "tested.json"
    return made


async def found(served: Served, name: str, query: str = "") -> dict[str, Any]:
    return (await served.http("GET", f"/api/processes/{name}{query}")).json


async def test_processes_are_listed_with_who_calls_them(served: Served) -> None:
    listed = (await served.http("GET", "/api/processes")).json
    lines = {one["name"]: one for one in listed["processes"]}
    assert {name: one["kind"] for name, one in lines.items() if "." not in name or name.startswith("p.")} == {
        "faq": "table",
        "p.came": "python",
        "p.say": "python",
    }
    assert (lines["echo.same"]["kind"], lines["echo.same"]["endpoints"]) == ("builtin", [])
    assert (lines["p.came"]["endpoints"], lines["p.say"]["endpoints"]) == (["say"], ["say"])
    assert (lines["faq"]["summary"], lines["faq"]["file"]) == ("Ответы", "processes/faq.csv")
    page = (await served.http("GET", "/api/processes?limit=1&after=faq")).json
    assert (len(page["processes"]), page["next"] > "faq") == (1, True)


async def test_it_is_told_how_the_examples_went(served: Served, tmp_path: Path) -> None:
    assert (await found(served, "p.say"))["tested"] is None
    known = [("say", "Привет"), ("say", "example 2")]
    note_tested(tmp_path / "tested.json", known, {known[0]: True, ("gone", "x"): True}, 1_800_000_000.0)
    note_tested(tmp_path / "tested.json", known, {known[1]: False}, 1_800_000_100.0)
    line = await found(served, "p.say")
    assert line["tested"] == {"at": "2027-01-15T08:00:00+00:00", "passed": 1, "failed": 1}
    assert (line["examples"], set(json.loads((tmp_path / "tested.json").read_bytes())["examples"])) == (2, {"say"})
    (tmp_path / "tested.json").write_text("{")
    assert (await found(served, "p.say"))["tested"] is None


async def test_a_function_is_told_with_its_signature_and_docstring(served: Served) -> None:
    one = await found(served, "p.say")
    assert one["signature"] == "{text: str, n?: int} -> {result: str}"
    assert (one["summary"], one["description"], one["table"]) == ("Отвечает. 😀", "Больше: <b>много</b>.", None)
    assert one["message"]["properties"]["n"]["type"] == "integer"


async def test_a_table_is_told_in_pages_of_rows(served: Served) -> None:
    table = (await found(served, "faq"))["table"]
    assert (table["policy"], table["total"], len(table["rows"])) == ("first", 300, 100)
    assert table["columns"] == [
        {"letter": "B", "head": "message", "role": "input"},
        {"letter": "C", "head": "reply.text", "role": "reply"},
    ]
    assert table["rows"][0] == {"number": 3, "name": "1", "cells": ["слово 1", "да 1"]}
    last = (await found(served, "faq", "?below=301&limit=200"))["table"]["rows"]
    assert [row["number"] for row in last] == [302]
    assert (await served.http("GET", "/api/processes/faq?below=x")).json["code"] == "invalid_request"
    missing = (await served.http("GET", "/api/processes/faqs")).json
    assert (missing["code"], missing["fix"]) == ("no_such_process", 'did you mean "faq"?')


async def test_they_are_told_to_whom_the_documents_are(open_served: OpenServed) -> None:
    options: dict[str, Any] = {"host": "0.0.0.0", "public_url": "https://a.example", "edit": "tables"}
    served = await open_served(ENDPOINTS.partition("  faq")[0], CODE, **options)
    served.host = "a.example"
    for login, *roles in (("шеф", "admin"), ("аня",), ("боб", "editor")):
        await served.add(login, *roles)
    cookies = [await served.cookie(login) for login in ("аня", "шеф", "боб")]
    for cookie, status in zip(([], *cookies), (401, 403, 200, 200), strict=True):
        assert (await served.http("GET", "/api/processes", cookie)).status == status
        assert (await served.http("GET", "/api/processes/p.say", cookie)).status == status
