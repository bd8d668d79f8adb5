"""What the page adds: an endpoint by a form, an example from a conversation, a whole project from an example."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.walk.conftest import ROOT, Server
from tests.walk.page.conftest import Open, log_in, open_page, seed, start

__all__ = ["open_page", "seed", "start"]

pytestmark = pytest.mark.walk

Seed = Callable[..., Server]
BEFORE = (ROOT / "endpoints.yaml").read_text("utf-8")


def form_of_an_endpoint(open_page: Open, server: Server) -> tuple[Any, Any]:
    """The page, and the form *New endpoint* that is open in it."""
    page = open_page(server)
    log_in(page, server)
    page.get_by_role("link", name="Processes").click()
    page.get_by_role("button", name="New endpoint").click()
    return page, page.get_by_role("dialog", name="New endpoint")


def test_an_endpoint_by_a_form_goes_live_and_a_conversation_in_it_becomes_its_example(
    seed: Seed, open_page: Open
) -> None:
    server = seed("--edit")
    file = server.folder / "endpoints.yaml"
    page, form = form_of_an_endpoint(open_page, server)
    form.get_by_label("Name", exact=True).fill("room")
    form.get_by_label("Address").fill("/ws/rooms/{room}")
    form.get_by_label("Process").fill("echo.smae")
    form.get_by_text('no process is named "echo.smae"').wait_for()
    form.get_by_label("Process").fill("echo.same")
    form.get_by_label("What it is for").fill("Комната 👋")
    form.get_by_text("A group for conversations").click()
    form.get_by_label("Group", exact=True).fill("room:{room}")
    form.get_by_label("Who gets the reply").select_option("group")
    form.get_by_label("Show who is there").check()
    form.get_by_text("presence: true").wait_for()
    assert file.read_text("utf-8") == BEFORE
    form.get_by_role("button", name="Add", exact=True).click()
    form.get_by_text("Written into endpoints.yaml").wait_for()
    assert file.read_text("utf-8").startswith(BEFORE)
    form.get_by_role("button", name="Publish…").click()
    publish = page.get_by_role("dialog", name="Publish")
    publish.get_by_role("button", name="Publish", exact=True).click()
    publish.get_by_text("Live since").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="room").wait_for()  # where one can talk to it
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_text("connected", exact=True).first.wait_for()
    page.get_by_role("tab", name="JSON").click()
    page.get_by_label("Message", exact=True).fill('{"text": "Привет 👋", "n": 12345678901234567890}')
    page.get_by_role("button", name="Send").click()
    page.locator(".frame.in").nth(1).wait_for()
    page.get_by_role("button", name="Make an example").click()
    made = page.get_by_role("dialog", name="Make an example")
    made.get_by_label("Name of the example").fill("Эхо")
    made.get_by_text('- name: "Эхо"').wait_for()
    made.get_by_role("button", name="Write into the file").click()
    made.get_by_text("Written into endpoints.yaml").wait_for()
    assert "12345678901234567890" in file.read_text("utf-8")
    tested = server.run("test")
    assert tested.returncode == 0, tested.stdout


def test_a_table_that_is_not_there_yet_is_begun_in_the_form(seed: Seed, open_page: Open) -> None:
    server = seed("--edit")
    _, form = form_of_an_endpoint(open_page, server)
    form.get_by_label("Name", exact=True).fill("prices")
    form.get_by_label("Address").fill("/ws/prices")
    form.get_by_label("Process").fill("prices")
    form.get_by_role("button", name="Begin the table prices").click()
    form.get_by_role("button", name="Begin the table prices").wait_for(state="detached")
    form.get_by_role("button", name="Add", exact=True).click()
    form.get_by_text("Written into endpoints.yaml").wait_for()
    assert (server.folder / "processes" / "prices.csv").read_text("utf-8").startswith("first,message,reply.text")
    assert server.run("check").returncode == 0


def test_without_edit_an_example_is_text_to_be_pasted(seed: Seed, open_page: Open) -> None:
    server = seed()
    page = open_page(server, locale="ru-RU")
    log_in(page, server)
    page.get_by_role("button", name="Сделать примером").click()
    page.get_by_text("Сначала подключитесь").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Small talk").click()
    page.get_by_role("button", name="Отправить").click()
    page.locator(".frame.in").wait_for()
    page.get_by_role("button", name="Сделать примером").click()
    made = page.get_by_role("dialog", name="Сделать примером")
    made.get_by_text('- send: {message: "Как дела?"}').wait_for()
    assert made.get_by_role("button", name="Записать").count() == 0
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Копировать как").click()
    page.get_by_role("tab", name="Python").click()
    page.get_by_text("""socket.send('{"message": "Как дела?"}')""").wait_for()
    assert (server.folder / "endpoints.yaml").read_text("utf-8") == BEFORE


def test_an_empty_project_begins_with_an_example(start: Callable[..., Server], open_page: Open, tmp_path: Path) -> None:
    page, server = _empty(start, open_page, tmp_path)
    page.get_by_role("button", name="Begin with this: chat").click()
    page.get_by_role("heading", name="The files are there, and not live yet").wait_for()
    page.get_by_text("Stop the server and start it again").wait_for()  # a site, whose place the page has had until now
    assert page.get_by_role("link", name=f"{server.http}/", exact=True).count() == 1
    assert page.get_by_role("button", name="Begin with this").count() == 0
    assert (tmp_path / "site" / "index.html").is_file()
    assert server.run("check").returncode == 0
    page.reload()
    page.get_by_text("Stop the server and start it again").wait_for()


def test_an_empty_project_begins_with_a_table(start: Callable[..., Server], open_page: Open, tmp_path: Path) -> None:
    page, server = _empty(start, open_page, tmp_path)
    first = page.locator(".examples-to-begin li").first
    first.get_by_text("Questions and answers in a table").wait_for()
    first.get_by_role("button").click()
    page.get_by_role("gridcell", name="Hello!").wait_for()
    assert page.request.get(f"{server.http}/ws/faq").status == 426, "it is live"
    assert server.run("check").returncode == 0


def test_an_endpoint_that_is_added_and_not_live_yet_can_be_published_from_both_places(
    start: Callable[..., Server], open_page: Open, tmp_path: Path
) -> None:
    page, _ = _empty(start, open_page, tmp_path)
    page.get_by_role("button", name="New endpoint").click()
    form = page.get_by_role("dialog", name="New endpoint")
    form.get_by_label("Name", exact=True).fill("prices")
    form.get_by_label("Address").fill("/ws/prices")
    form.get_by_label("Process").fill("prices")
    form.get_by_role("button", name="Begin the table prices").click()
    form.get_by_role("button", name="Begin the table prices").wait_for(state="detached")
    form.get_by_role("button", name="Add", exact=True).click()
    form.get_by_text("Written into endpoints.yaml").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="The files are there, and not live yet").wait_for()
    page.get_by_text("Publish them, and they answer.").wait_for()
    page.get_by_role("link", name="Processes").click()
    page.get_by_text("No process is plugged in yet.").wait_for()
    page.get_by_role("button", name="New endpoint").wait_for()
    page.get_by_role("button", name="Publish…").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish", exact=True).click()
    page.get_by_text("Live since").wait_for()
    page.keyboard.press("Escape")
    page.locator("a.process", has_text="prices").wait_for()


def test_an_editor_of_tables_of_an_empty_project_may_publish(
    start: Callable[..., Server], open_page: Open, tmp_path: Path
) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints:\n", "utf-8")
    server = start(tmp_path, "--edit", "tables")
    page = open_page(server)
    log_in(page, server)
    page.get_by_text("No endpoint is live yet.").wait_for()
    page.get_by_role("button", name="Publish…").wait_for()


def _empty(start: Callable[..., Server], open_page: Open, folder: Path) -> tuple[Any, Server]:
    """The page of a project without endpoints, and its server."""
    (folder / "endpoints.yaml").write_text("endpoints:\n", "utf-8")
    server = start(folder, "--edit")
    page = open_page(server)
    log_in(page, server)
    page.get_by_role("heading", name="Nothing is here yet").wait_for()
    return page, server
