"""Processes in a browser: a table is edited, broken, mended, tried and saved; nothing of a file is markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.walk.conftest import Server, write
from tests.walk.page.conftest import Open, log_in, open_page, start

__all__ = ["open_page", "start"]

pytestmark = pytest.mark.walk

ENDPOINTS = """
endpoints:
  faq:
    url: /ws/faq
    process: answers
    auth: public
    examples: [{name: "Часы", steps: [{send: {message: "Часы", age: 70}, expect: {text: "С 9 до 18."}}]}]
  app: {url: /ws/app, process: answers}
  hostile: {url: /ws/hostile, process: hostile.say, summary: "<img src=x>"}
"""
HOSTILE = '''
from jackfield import process

@process
def say(text: str, n: int) -> str:
    """<script>alert(1)</script>

    <img src=x onerror=alert(1)> 😀
    """
    return f"{text} {n}"
'''
TABLE = (
    "\ufeff# Ответы\r\nfirst;message;age? (integer);reply.text\r\n"
    'kids;Скидка;< 18;"Да; 10 %"\r\nhours;Часы;;С 9 до 18.\r\nrest;;;Не понял: {message}\r\n'
)


@pytest.fixture
def server(start: Callable[..., Server], tmp_path: Path) -> Server:
    write(tmp_path, ENDPOINTS, hostile=HOSTILE)
    table(tmp_path).write_bytes(TABLE.encode())
    return start(tmp_path, "--edit")


def table(folder: Path) -> Path:
    return folder / "processes" / "answers.csv"


def paste(page: Any, text: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.keyboard.press("Control+v")


def test_a_table_is_edited_broken_mended_tried_and_saved(server: Server, open_page: Open) -> None:
    page = open_page(server)
    log_in(page, server)
    page.get_by_role("link", name="Processes").click()
    page.locator(".plugged", has_text="answers").get_by_text("/ws/app").wait_for()
    page.locator("a.process", has_text="answers").click()
    page.get_by_role("grid").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.type(">= много")
    page.keyboard.press("Enter")
    page.locator(".grid-cell.bad").wait_for()
    page.get_by_role("button", name="C3").click()
    assert "no integer" in page.locator(".says").inner_text()
    page.keyboard.press("Control+z")
    page.locator(".grid-cell.bad").wait_for(state="detached")
    page.keyboard.press("Control+Home")
    page.get_by_role("button", name="Add a row below").click()
    paste(page, 'far\tДоставка\t\t"Завтра;\nили 😀"\r\n')
    page.get_by_label("message", exact=True).fill("Доставка")
    page.keyboard.press("Control+Enter")  # saves first
    page.get_by_text("row far answers").wait_for()
    assert page.locator(".grid-row.chosen").get_attribute("aria-rowindex") == "3"
    assert page.locator(".grid-cell.failed").all_inner_texts() == ["Скидка", "< 18"]
    new = 'far;Доставка;;"Завтра;\nили 😀"\r\n'
    assert table(server.folder).read_bytes().decode() == TABLE.replace("hours;", f"{new}hours;")
    page.get_by_role("button", name="Run the examples").click()
    page.get_by_text("1 example, passed").wait_for()


def test_what_is_typed_stays_whole_while_a_check_comes_back(server: Server, open_page: Open) -> None:
    page = open_page(server)
    log_in(page, server)
    page.goto(f"{server.http}/#processes/answers")
    page.get_by_role("grid").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.type(">= wrong")
    page.keyboard.press("Enter")  # it is checked now, and the grid is drawn anew while the next cell is typed
    page.keyboard.press("ArrowLeft")
    page.keyboard.type("b")
    page.locator(".grid-cell.bad").wait_for()
    page.keyboard.type("egins and goes on")
    page.keyboard.press("Enter")
    page.get_by_role("gridcell", name="begins and goes on").wait_for()


def at(page: Any, cell: str, text: str) -> None:
    """Go to a cell and type, without an end."""
    page.locator(f".grid-cell[data-at='{int(cell[1:]) - 3}'][data-place='{ord(cell[0]) - 65}']").click()
    page.keyboard.type(text)


def cells(page: Any, row: int) -> list[str]:
    found: list[str] = page.locator(f".grid-cell[data-at='{row - 3}']").all_inner_texts()
    return found


def test_what_a_try_says_moves_nobody_and_one_click_is_enough(server: Server, open_page: Open) -> None:
    page = open_page(server, "/#processes/answers")
    log_in(page, server)
    at(page, "D4", "With love")
    page.keyboard.press("Enter")
    field, button = page.get_by_label("message", exact=True), page.get_by_role("button", name="Save and try")
    field.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("Часы")
    page.locator("section kbd", has_text="Ctrl+Enter").click()  # with the pointer on a part of the button
    page.get_by_text("Trying…").wait_for()
    at(page, "D5", "goes on")
    page.get_by_text("row hours answers").wait_for()
    page.keyboard.type(" here")
    page.keyboard.press("Enter")
    assert cells(page, 5)[3] == "goes on here"
    assert cells(page, 3)[1] == "Скидка"
    button.wait_for()
    field.fill("Скидка")
    page.get_by_text("row hours answers").wait_for(state="detached")  # it answered another question
    with page.expect_response("**/api/run"):
        page.keyboard.press("Control+Enter")
        page.get_by_text("Trying…").wait_for()
        field.fill("Доставка")
    page.locator("section form button.primary:enabled").wait_for()
    assert page.locator("section .trace").count() == 0


def test_a_text_is_found_far_below_what_is_in_sight(server: Server, open_page: Open) -> None:
    long = TABLE + "".join(f"r{row};вопрос {row};;ответ {row}\r\n" for row in range(2000))
    table(server.folder).write_bytes(long.encode())
    page = open_page(server, "/#processes/answers")
    log_in(page, server)
    page.get_by_role("grid").focus()
    page.keyboard.press("Control+f")
    page.keyboard.type("ОТВЕТ 19")
    page.locator(".says", has_text=re.compile("ответ 19$")).wait_for()
    page.keyboard.press("Enter")
    page.locator(".says", has_text="ответ 190").wait_for()
    page.locator(".grid-cell.active", has_text="ответ 190").wait_for()
    page.keyboard.type("нет")
    page.locator(".foot [aria-invalid=true]").wait_for()


def test_a_problem_of_the_whole_file_moves_nobody(server: Server, open_page: Open) -> None:
    (server.folder / "processes" / "my table.csv").write_text(TABLE, "utf-8")
    page = open_page(server, "/#processes?file=processes/my%20table.csv")
    log_in(page, server)
    page.locator(".problems").wait_for()
    at(page, "D4", "one")
    page.keyboard.press("Enter")
    with page.expect_response("**/api/check"):
        page.keyboard.type("two")
    page.keyboard.type(" three")
    page.keyboard.press("Enter")
    assert [cells(page, row)[3] for row in (4, 5)] == ["one", "two three"]
    assert cells(page, 2)[0] == "Afirst"


def test_what_stands_in_an_open_cell_is_checked_and_kept(server: Server, open_page: Open) -> None:
    page = open_page(server, "/#processes")
    log_in(page, server)
    page.locator("a.process", has_text="answers").click()
    page.locator(".bar").get_by_text("saved", exact=True).wait_for()
    at(page, "C4", ">= wrong")
    page.locator(".grid-cell.bad").wait_for()
    assert page.locator(".bar .tag").inner_text() == "not saved"
    page.keyboard.press("Escape")
    page.locator(".bar").get_by_text("saved", exact=True).wait_for()
    at(page, "D4", "a long answer of several lines")
    page.keyboard.press("Alt+Enter")
    page.keyboard.type("and one more")
    low = page.locator(".grid-editor").bounding_box()["height"]
    assert low > 40
    page.go_back()
    page.locator("a.process", has_text="answers").wait_for()
    page.go_forward()
    page.get_by_role("gridcell", name="a long answer of several lines ↵ and one more").wait_for()
    page.get_by_role("grid").focus()
    page.keyboard.press("Control+z")
    page.locator(".bar").get_by_text("saved", exact=True).wait_for()
    assert cells(page, 4)[3] == "С 9 до 18."


def test_a_file_that_changed_meanwhile_is_shown_and_not_overwritten(server: Server, open_page: Open) -> None:
    row = quote('{"message": "Где?", "age": 5}')
    page = open_page(server, f"/#processes/answers?row={row}", expected="412")
    log_in(page, server)
    page.locator(".bar").get_by_text("not saved").wait_for()
    begun = page.get_by_role("row").filter(has_text="Где?").get_by_role("gridcell")
    assert begun.all_inner_texts()[1:3] == ["Где?", "5"]
    theirs = TABLE.replace("С 9 до 18.", "Закрыто")
    table(server.folder).write_bytes(theirs.encode())
    page.keyboard.press("Control+s")
    page.get_by_role("dialog").get_by_text("Закрыто").wait_for()
    assert table(server.folder).read_bytes() == theirs.encode()
    page.get_by_role("button", name="Save mine over it").click()
    page.locator(".bar").get_by_text("saved", exact=True).wait_for()
    assert "Где?" in table(server.folder).read_text("utf-8")


def test_changes_of_two_people_in_different_rows_are_both_kept(server: Server, open_page: Open) -> None:
    page = open_page(server, "/#processes/answers", expected="412")
    log_in(page, server)
    at(page, "D4", "mine")
    page.keyboard.press("Enter")
    theirs = TABLE.replace("10 %", "20 %")
    table(server.folder).write_bytes(theirs.encode())
    page.keyboard.press("Control+s")
    page.get_by_role("button", name="Keep both changes").click()
    page.locator(".bar").get_by_text("saved", exact=True).wait_for()
    assert table(server.folder).read_bytes().decode() == theirs.replace("С 9 до 18.", "mine")
    page.get_by_role("gridcell", name="Да; 20 %").wait_for()
    page.get_by_role("grid").focus()
    page.keyboard.press("Control+z")
    page.get_by_role("gridcell", name="Да; 10 %").wait_for()
    assert cells(page, 4)[3] == "mine"


def test_a_docstring_is_text_on_a_phone_in_russian(server: Server, open_page: Open) -> None:
    page = open_page(server, viewport={"width": 390, "height": 844}, locale="ru-RU", color_scheme="dark")
    log_in(page, server)
    page.get_by_role("link", name="Процессы").click()
    page.locator("a.process", has_text="hostile.say").click()
    page.get_by_text("<img src=x onerror=alert(1)> 😀").wait_for()
    page.get_by_text("<script>alert(1)</script>").first.wait_for()
    assert page.locator("img, main script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.get_by_role("button", name="JSON").click()
    page.get_by_label("Сообщение").fill('{"text": "да 😀", "n": 9007199254740993}')
    page.get_by_role("button", name=re.compile("Попробовать")).click()
    page.locator("pre.json").get_by_text("да 😀 9007199254740993").wait_for()


def test_a_publish_leaves_the_grid_as_it_is(server: Server, open_page: Open) -> None:
    rows = "".join(f"r{number};слово {number};;{number}\r\n" for number in range(200))
    table(server.folder).write_bytes(TABLE.replace("rest;", f"{rows}rest;").encode())
    page = open_page(server)
    log_in(page, server)
    page.goto(f"{server.http}/#processes/answers")
    grid, add = page.get_by_role("grid"), page.get_by_role("button", name="Add a column")
    add.click()
    page.get_by_role("combobox", name="Key").fill("city")
    page.get_by_label("may be missing").check()
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    for key in (*["PageDown"] * 5, "c", "Enter"):
        page.keyboard.press(key)
    at = "one => [one.scrollTop, one.querySelector('.active')?.id]"
    page.keyboard.press("Control+s")
    page.locator(".bar").get_by_text("saved", exact=True).wait_for()
    before = grid.evaluate(at)
    assert before[0] > 0
    assert page.get_by_label("city").count() == 0
    page.get_by_role("button", name="Publish…").click()
    dialog = page.get_by_role("dialog")
    for press, done in (
        ("Publish", "Live since"),
        ("Back to the one before…", "stay"),
        ("Go back", "Live since"),
    ):
        dialog.get_by_role("button", name=press, exact=True).click()
        dialog.get_by_text(done).wait_for()
    page.keyboard.press("Escape")
    assert grid.evaluate(at) == before
    cell = page.get_by_role("gridcell", name="c", exact=True)
    assert cell.count() == 1
    page.get_by_role("button", name="Undo").click()
    cell.wait_for(state="detached")


def test_a_hundred_endpoints_of_one_process_are_folded(
    start: Callable[..., Server], tmp_path: Path, open_page: Open
) -> None:
    many = "".join(f"  r{number}: {{url: /ws/r/{number}, process: answers}}\n" for number in range(100))
    write(tmp_path, f"endpoints:\n{many}")
    table(tmp_path).write_bytes(TABLE.encode())
    server = start(tmp_path)
    page = open_page(server, "/#processes")
    log_in(page, server)
    last = page.get_by_role("link", name="/ws/r/99")
    page.get_by_text("88 more").click()
    last.wait_for()
    page.locator("a.process").click()
    page.get_by_text("96 more").wait_for()
    assert not last.is_visible()


def test_in_russian_numbers_and_names_are_said_as_people_say_them(server: Server, open_page: Open) -> None:
    page = open_page(server, "/#processes", locale="ru-RU")
    log_in(page, server)
    page.get_by_text("1 пример, ещё не запускался", exact=True).wait_for()
    assert server.run("test").returncode == 0
    page.reload()
    page.get_by_text(re.compile("^1 пример, прошёл ")).wait_for()
    page.get_by_role("button", name="Новый адрес").click()
    page.get_by_role("dialog").get_by_label("Путь", exact=True).wait_for()
    assert page.get_by_role("dialog").get_by_label("Адрес").count() == 0
