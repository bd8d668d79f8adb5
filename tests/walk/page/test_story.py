"""The whole story of somebody who has a browser and nothing else: from the first password to the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.walk.conftest import Server
from tests.walk.page.conftest import Open, log_in, open_page, seed, start
from tests.walk.page.test_talk import answers

__all__ = ["open_page", "seed", "start"]

pytestmark = pytest.mark.walk


def test_a_person_with_a_browser_alone(seed: Callable[..., Server], open_page: Open) -> None:
    server = seed("--edit")
    page = open_page(server)
    log_in(page, server)
    add_endpoint(page)
    talk = open_page_beside(page, server)
    assert ask(talk, "здравствуйте", 1) == '{"message": "Привет! Чем помочь?"}'

    # an answer is edited, broken, told at its cell, mended
    page.goto(f"{server.http}/#processes/faq")
    page.get_by_role("grid").focus()
    page.keyboard.press("Control+Home")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    overwrite(page, "Привет! {whom}")
    page.locator(".grid-cell.bad").wait_for()
    page.get_by_role("button", name="C3").click()
    assert "whom" in page.locator(".says").inner_text()
    overwrite(page, "Добрый день! 👋")
    page.locator(".grid-cell.bad").wait_for(state="detached")
    page.keyboard.press("Control+s")
    page.locator(".tag", has_text="saved").wait_for()
    assert ask(talk, "привет", 2) == '{"message": "Привет! Чем помочь?"}', "so far it is only saved"

    # published, seen where one talks already, and taken back
    page.get_by_role("button", name="Publish…").click()
    publish = page.get_by_role("dialog", name="Publish")
    publish.get_by_role("button", name="Publish", exact=True).click()
    publish.get_by_text("Live since").wait_for()
    assert ask(talk, "привет", 3) == '{"message": "Добрый день! 👋"}'
    publish.get_by_role("button", name="Back to the one before…").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back", exact=True).click()
    page.get_by_text("Live since").wait_for()
    assert ask(talk, "привет", 4) == '{"message": "Привет! Чем помочь?"}'
    assert talk.locator(".frame.closed").count() == 0, "nobody was disconnected"


def overwrite(page: Any, text: str) -> None:
    """Another text for the cell that one is in; Playwright presses no key for letters that its keyboard has not."""
    page.keyboard.press("F2")
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def add_endpoint(page: Any) -> None:
    page.get_by_role("link", name="Processes").click()
    page.get_by_role("button", name="New endpoint").click()
    form = page.get_by_role("dialog", name="New endpoint")
    form.get_by_label("Name", exact=True).fill("help")
    form.get_by_label("Address").fill("/ws/help")
    form.get_by_label("Process").fill("faq")
    form.get_by_label("What it is for").fill("Ответы для всех")
    form.get_by_role("button", name="Add", exact=True).click()
    form.get_by_role("button", name="Publish…").click()
    publish = page.get_by_role("dialog", name="Publish")
    publish.get_by_role("button", name="Publish", exact=True).click()
    publish.get_by_text("Live since").wait_for()
    page.keyboard.press("Escape")


def open_page_beside(page: Any, server: Server) -> Any:
    """A second tab of the same browser, on the new endpoint."""
    talk = page.context.new_page()
    talk.goto(f"{server.http}/#talk/help")
    talk.get_by_role("heading", name="help").wait_for()
    return talk


def ask(talk: Any, message: str, number: int) -> str:
    talk.get_by_label("message", exact=True).fill(message)
    talk.get_by_role("button", name="Send").click()
    return answers(talk, number)[number - 1]
