"""docs/tables.md: each table of the page answers as the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from jackfield.testing import Client
from tests.house.habits import PACKAGE, ROOT
from tests.process.table.tables import told

PAGE = (PACKAGE / "docs" / "tables.md").read_text("utf-8")
TABLES = re.findall(r"```csv\n(.*?)```\n\n((?:`\{[^\n]*\n)+)", PAGE, flags=re.S)
RECIPES = (PACKAGE / "docs" / "recipes.md").read_text("utf-8")
GOOD = re.findall(r"```csv\n(.*?)```", PAGE + RECIPES, flags=re.S)
EXCHANGE = re.compile(r"`(\{.*\})` → `(\{.*\})`")


def test_the_page_has_its_tables() -> None:
    assert len(TABLES) == PAGE.count("```csv") == 3


@pytest.mark.parametrize("text", [*GOOD, (ROOT / "processes" / "faq.csv").read_text("utf-8")])
def test_good_tables_have_no_warnings(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(("text", "said"), TABLES, ids=["faq", "room", "survey"])
async def test_a_table_of_the_page_answers_as_it_says(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "faq.csv").write_text(text, "utf-8")
    (tmp_path / "endpoints.yaml").write_text("endpoints: {faq: {url: /ws/faq, process: faq}}\n")
    exchanges: list[tuple[Any, Any]] = [(json.loads(sent), json.loads(came)) for sent, came in EXCHANGE.findall(said)]
    assert len(exchanges) == said.count("→")
    async with Client(tmp_path, login="anna") as client:
        for sent, came in exchanges:
            assert await client.ask(sent) == came
