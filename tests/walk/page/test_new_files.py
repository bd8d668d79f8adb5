"""Files that are made and removed in a browser: none that keeps a publish from going live, none without a way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.projects import SAY
from tests.walk.conftest import Server, write
from tests.walk.page.conftest import Open, log_in, open_page, start

__all__ = ["open_page", "start"]

pytestmark = pytest.mark.walk

ENDPOINTS = "endpoints:\n  faq: {url: /ws/faq, process: faq, auth: public}\n"
TABLE = "first,message,reply.text\nhi,Hi,Hello\nrest,,?\n"


@pytest.fixture
def server(start: Callable[..., Server], tmp_path: Path) -> Server:
    write(tmp_path, ENDPOINTS, p=SAY)
    (tmp_path / "processes" / "faq.csv").write_text(TABLE, "utf-8")
    return start(tmp_path, "--edit")


def processes(open_page: Open, server: Server, at: str = "/#processes", **options: Any) -> tuple[Any, Any]:
    """The page, and its list of files."""
    page = open_page(server, at, **options)
    log_in(page, server)
    files = page.get_by_role("navigation", name="Files")
    files.get_by_role("link", name="endpoints.yaml").wait_for()
    return page, files


def test_a_name_that_no_publish_would_take_is_refused_where_it_is_typed(server: Server, open_page: Open) -> None:
    page, files = processes(open_page, server, expected="400|412")
    before = {path.name for path in (server.folder / "processes").iterdir()}
    page.get_by_role("button", name="New file").click()
    form = page.get_by_role("dialog", name="New file")
    field = form.get_by_label("Its name")
    assert field.input_value() == "processes/"
    page.keyboard.type("my table.csv\n")  # the caret stands behind the folder
    form.get_by_text('"my table" cannot be part of the name of a process').wait_for()
    form.get_by_text('Rename it to "my_table.csv"').wait_for()
    field.fill("processes/faq.py")
    field.press("Enter")
    form.get_by_text('this file and processes/faq.py would both be "faq"').wait_for()
    assert {path.name for path in (server.folder / "processes").iterdir()} == before
    field.fill("processes/faq.csv")
    field.press("Enter")
    form.get_by_text("There is a file processes/faq.csv already.").wait_for()
    form.get_by_role("link", name="Open it").click()
    form.wait_for(state="detached")
    page.get_by_role("gridcell", name="Hello").wait_for()
    assert files.locator("[aria-current]").inner_text() == "processes/faq.csv"


def test_a_file_is_removed_after_a_question(server: Server, open_page: Open) -> None:
    page, files = processes(open_page, server, expected="404|412")
    files.get_by_role("link", name="endpoints.yaml").click()
    page.get_by_role("textbox", name="endpoints.yaml").wait_for()
    assert page.get_by_role("button", name="Remove the file…").count() == 0
    file = server.folder / "processes" / "p.py"
    files.get_by_role("link", name="processes/p.py").click()
    page.get_by_role("textbox", name="processes/p.py").wait_for()
    file.write_text(f"{SAY}# theirs\n", "utf-8")
    page.get_by_role("button", name="Remove the file…").click()
    page.get_by_role("dialog", name="Remove processes/p.py?").get_by_role("button", name="Remove").last.click()
    page.get_by_role("dialog").get_by_text("processes/p.py was changed meanwhile.").wait_for()
    page.keyboard.press("Escape")
    assert file.exists()
    page.goto(f"{server.http}/#processes/faq")
    page.get_by_role("button", name="Remove the file…").click()
    page.get_by_role("button", name="Cancel").click()
    assert (server.folder / "processes" / "faq.csv").exists()
    page.get_by_role("button", name="Remove the file…").click()
    page.get_by_role("dialog", name="Remove processes/faq.csv?").get_by_role("button", name="Remove").last.click()
    files.get_by_role("link", name="faq.csv").wait_for(state="detached")
    assert not (server.folder / "processes" / "faq.csv").exists()
    page.get_by_role("heading", name="Processes").wait_for()
    page.locator("a.process", has_text="faq").get_by_text("not published").wait_for()
    page.locator("a.process", has_text="faq").click()
    page.get_by_text("what is live").wait_for()  # until the next publish
    page.get_by_role("gridcell", name="Hello").wait_for()


def test_the_list_has_a_new_file_at_once_and_marks_the_table_that_is_open(server: Server, open_page: Open) -> None:
    page, files = processes(open_page, server)
    page.get_by_role("button", name="New endpoint").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name", exact=True).fill("prices")
    form.get_by_label("Address").fill("/ws/prices")
    form.get_by_label("Process").fill("prices")
    form.get_by_role("button", name="Begin the table prices").click()
    files.get_by_role("link", name="processes/prices.csv • not published").wait_for()
    page.keyboard.press("Escape")
    page.locator("a.process", has_text="faq").click()
    files.locator("[aria-current]", has_text="processes/faq.csv").wait_for()
    page.get_by_role("grid").focus()
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    files.get_by_role("link", name="processes/faq.csv • not saved").wait_for()
    page.keyboard.press("Control+s")
    page.locator(".one > header").get_by_text("not published").wait_for()
