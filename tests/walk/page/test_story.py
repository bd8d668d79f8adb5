"""The whole story of somebody who has a browser and nothing else, in one tab: from the first password to the way back.

Once by mouse, once by keyboard alone, once on a phone, once dark and in Russian.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.walk.conftest import Server
from tests.walk.page.conftest import Open, open_page, seed, start
from tests.walk.page.test_talk import answers

__all__ = ["open_page", "seed", "start"]

pytestmark = pytest.mark.walk

WAYS: dict[str, dict[str, Any]] = {
    "by mouse": {},
    "by keyboard": {},
    "on a phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True},
    "dark, in Russian": {"color_scheme": "dark", "locale": "ru-RU"},
}


class Hand:
    """Presses and writes, by mouse or by keys alone: then it goes there by Tab, as far as it must."""

    def __init__(self, page: Any, *, keys: bool) -> None:
        self.page = page
        self.keys = keys

    def press(self, found: Any) -> None:
        if not self.keys:
            found.click()
            return
        self.reach(found)
        self.page.keyboard.press("Enter")

    def write(self, found: Any, text: str) -> None:
        if not self.keys:
            found.fill(text)
            return
        self.reach(found)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def reach(self, found: Any) -> None:
        found.wait_for()
        for _ in range(100):
            if found.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        pytest.fail(f"Tab does not lead to {found}")

    def button(self, *names: str) -> Any:
        """A button of one of these names, in the dialog that is open."""
        within = self.page.locator("dialog[open]")
        return (within if within.count() else self.page).get_by_role("button", name=named(*names)).first


def named(*names: str) -> re.Pattern[str]:
    return re.compile(rf"^({'|'.join(names)})( |$)")


@pytest.mark.parametrize("way", WAYS)
def test_a_person_with_a_browser_alone(way: str, seed: Callable[..., Server], open_page: Open) -> None:
    server = seed("--edit")
    page = open_page(server, **WAYS[way])
    hand = Hand(page, keys=way == "by keyboard")
    hand.write(page.locator("input[name=login]"), "admin")
    hand.write(page.locator("input[name=password]"), server.password())
    hand.press(page.get_by_role("button", name=named("Log in", "Войти")))
    page.wait_for_selector("nav.places")
    add_endpoint(hand)
    go_to(hand, "Talk", "Разговор")
    hand.press(page.locator(".side").get_by_role("link", name=named("help")))
    assert ask(hand, "здравствуйте", 1) == '{"message": "Привет! Чем помочь?"}'

    # an answer is edited, broken, told at its cell, mended, all with the conversation open
    go_to(hand, "Processes", "Процессы")
    page.locator(".place .standing").get_by_text("help").wait_for(state="attached")
    hand.press(page.locator("main").get_by_role("link", name=named("faq")).last)
    hand.reach(page.get_by_role("grid")) if hand.keys else page.get_by_role("grid").focus()
    page.keyboard.press("Control+Home")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    overwrite(page, "Привет! {whom}")
    page.locator(".grid-cell.bad").wait_for()
    hand.press(page.get_by_role("button", name="C3"))
    assert "whom" in page.locator(".says").inner_text()
    overwrite(page, "Добрый день! 👋")
    page.locator(".grid-cell.bad").wait_for(state="detached")
    page.keyboard.press("Control+s")
    page.locator(".tag.good", has_text=re.compile("^(saved|сохранено)")).wait_for()
    go_to(hand, "Talk", "Разговор")
    assert ask(hand, "привет", 2) == '{"message": "Привет! Чем помочь?"}', "so far it is only saved"

    # published, seen in the conversation that is open, and taken back
    page.go_back()
    publish(hand)
    page.keyboard.press("Escape")
    go_to(hand, "Talk", "Разговор")
    assert ask(hand, "привет", 3) == '{"message": "Добрый день! 👋"}'
    page.go_back()
    hand.press(hand.button("Publish…", "Опубликовать…"))
    hand.press(hand.button("Back to the one before…", "Вернуть предыдущее…"))
    page.get_by_role("dialog").get_by_role("button", name=named("Go back", "Вернуть")).last.wait_for()
    hand.press(hand.button("Go back", "Вернуть"))
    page.get_by_text(LIVE).last.wait_for()
    page.keyboard.press("Escape")
    go_to(hand, "Talk", "Разговор")
    assert ask(hand, "привет", 4) == '{"message": "Привет! Чем помочь?"}'
    assert page.locator(".frame.opened").count() == 1, "it is one connection all the time"
    assert page.locator(".frame.closed").count() == 0, "nobody was disconnected"
    assert page.locator(".frame.out").count() == 4, "and all that was said is there"


def go_to(hand: Hand, *names: str) -> None:
    hand.press(hand.page.locator("nav.places").get_by_role("link", name=named(*names)))


LIVE = re.compile("Live since|Опубликовано:")


def publish(hand: Hand) -> None:
    hand.press(hand.button("Publish…", "Опубликовать…"))
    hand.page.locator("dialog.publishing").wait_for()
    hand.press(hand.page.locator("dialog.publishing").get_by_role("button", name=named("Publish", "Опубликовать")))
    hand.page.get_by_text(LIVE).last.wait_for()


def add_endpoint(hand: Hand) -> None:
    page = hand.page
    go_to(hand, "Processes", "Процессы")
    hand.press(page.get_by_role("button", name=named("New endpoint", "Новый адрес")))
    form = page.locator("dialog[open]")
    for names, text in (
        (("Name", "Имя"), "help"),
        (("Address", "Путь"), "/ws/help"),
        (("Process", "Процесс"), "faq"),
        (("What it is for", "Для чего он"), "Ответы для всех"),
    ):
        hand.write(form.get_by_label(re.compile(f"^({'|'.join(names)})")).first, text)
    hand.press(hand.button("Add", "Добавить"))
    form.get_by_text(re.compile("Written into|Записано")).wait_for()
    publish(hand)
    page.keyboard.press("Escape")


def overwrite(page: Any, text: str) -> None:
    """Another text for the cell that one is in."""
    page.keyboard.press("F2")
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def ask(hand: Hand, message: str, number: int) -> str:
    hand.write(hand.page.get_by_label("message", exact=True), message)
    hand.press(hand.page.get_by_role("button", name=named("Send", "Отправить")))
    return answers(hand.page, number)[number - 1]
