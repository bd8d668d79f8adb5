"""Questions nobody answered become rows of the table; what tables keep is taken away."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.walk.conftest import Server, write
from tests.walk.page.conftest import Open, log_in, open_page, start

__all__ = ["open_page", "start"]

pytestmark = pytest.mark.walk

ENDPOINTS = "endpoints:\n  bot: {url: /ws/bot, process: faq, inspect: unmatched, auth: public}\n"
TABLE = "first,message,keep,reply.text\n1,привет,yes,Здравствуйте\nrest,,,Не понял\n"


def ask(server: Server, *messages: str) -> list[str]:
    with server.socket("/ws/bot") as socket:
        answers = []
        for message in messages:
            socket.send(json.dumps({"message": message}))
            answers.append(json.loads(socket.recv(timeout=20))["text"])
    return answers


def test_a_question_becomes_a_row(start: Callable[..., Server], tmp_path: Path, open_page: Open) -> None:
    write(tmp_path, ENDPOINTS)
    (tmp_path / "processes" / "faq.csv").write_text(TABLE, "utf-8")
    server = start(tmp_path, "--edit")
    assert ask(server, "сколько, стоит? 🙂", "а", "сколько, стоит? 🙂", "привет") == [*["Не понял"] * 3, "Здравствуйте"]
    page = open_page(server)
    log_in(page, server)
    page.get_by_role("link", name="Processes").click()
    page.get_by_role("link", name="Unanswered").click()
    rows = page.locator(".asked")
    rows.first.wait_for()
    assert rows.locator(".said").all_inner_texts() == ["сколько, стоит? 🙂", "а"]
    assert "×2" in rows.first.inner_text()
    page.get_by_label("Search messages").fill("стоит")
    rows.nth(1).wait_for(state="detached")
    page.get_by_label("Search messages").fill("")
    page.get_by_role("button", name="Remove: а").click()
    rows.nth(1).wait_for(state="detached")
    rows.first.get_by_role("link", name="Add a row").click()
    page.get_by_role("gridcell", name="сколько, стоит? 🙂").wait_for()
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+s")
    page.locator(".tag", has_text=re.compile("^saved")).wait_for()
    page.get_by_role("link", name="Unanswered").click()
    rows.first.get_by_text("answered by row 3, not published yet").wait_for()
    assert page.get_by_role("link", name="Add a row").count() == 0
    assert server.run("publish").returncode == 0
    page.reload()
    rows.first.get_by_text("answered by row 3", exact=True).wait_for()


def test_what_was_kept_is_fetched(start: Callable[..., Server], tmp_path: Path, open_page: Open) -> None:
    write(tmp_path, ENDPOINTS)
    (tmp_path / "processes" / "faq.csv").write_text(TABLE, "utf-8")
    server = start(tmp_path)
    page = open_page(server, "/#kept", locale="ru-RU")
    log_in(page, server)
    page.get_by_text("Таблицы пока ничего не записали.").wait_for()
    ask(server, "привет")
    page.reload()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Скачать: faq.csv").click()
    assert fetched.value.suggested_filename == "faq.csv"
    found = list(csv.reader(Path(fetched.value.path()).read_text("utf-8-sig").splitlines()))
    assert found[1][2] == "привет"
