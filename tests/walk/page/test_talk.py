"""Talk: the seed's story in a browser, by mouse, by keyboard, on a phone, dark and in Russian; two people in a room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.walk.conftest import Server
from tests.walk.page.conftest import Open, log_in, open_page, seed, start

__all__ = ["open_page", "seed", "start"]

pytestmark = pytest.mark.walk

Seed = Callable[..., Server]
PHONE = {"width": 390, "height": 844}


def answers(page: Any, count: int) -> list[str]:
    """The texts of what came, when there are so many."""
    page.wait_for_function("count => document.querySelectorAll('.frame.in').length >= count", arg=count)
    found: list[str] = page.locator(".frame.in .json").all_inner_texts()
    return found


def test_the_story_by_mouse(seed: Seed, open_page: Open) -> None:
    server = seed()
    page = open_page(server)
    log_in(page, server)
    page.get_by_role("link", name="greeting").click()
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_text("connected", exact=True).first.wait_for()
    page.get_by_label("message", exact=True).fill("Привет")
    page.get_by_role("button", name="Send").click()
    assert answers(page, 1) == ['{"message": "Привет!"}']
    page.get_by_role("button", name="Small talk").click()
    page.get_by_role("button", name="Send").click()
    assert answers(page, 2)[1] == '{"message": "Отлично! Как у тебя?"}'
    page.get_by_role("tab", name="JSON").click()
    page.get_by_label("Message", exact=True).fill('{"message": 5}')
    page.get_by_text("/message: must be a text, not a whole number").wait_for()  # before anything was sent
    page.get_by_role("button", name="Send").click()
    page.locator(".frame.error").wait_for()
    assert "invalid_message" in answers(page, 3)[2]
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert cookies["gen_app_auth_token"]["httpOnly"]
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert cookies["gen_app_auth_token"]["value"] not in kept
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_text("1000: ended as asked").wait_for()


def test_by_keyboard_alone(seed: Seed, open_page: Open) -> None:
    server = seed()
    page = open_page(server)
    page.keyboard.type("admin")  # the field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type(server.password())
    page.keyboard.press("Enter")
    page.wait_for_selector("nav.places")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.field input') !== null"):
            break
    page.keyboard.press("Control+A")
    page.keyboard.type("Как дела?")
    page.keyboard.press("Control+Enter")  # connects, and sends when it is open
    assert answers(page, 1) == ['{"message": "Отлично! Как у тебя?"}']


@pytest.mark.parametrize(
    "options",
    [
        {"viewport": PHONE, "has_touch": True},
        {"locale": "ru-RU", "color_scheme": "dark"},
    ],
    ids=["phone", "russian-dark"],
)
def test_on_a_phone_and_in_russian(seed: Seed, open_page: Open, options: dict[str, Any]) -> None:
    server = seed()
    page = open_page(server, **options)
    log_in(page, server)
    russian = "locale" in options
    page.get_by_label("message", exact=True).fill("Привет")
    page.get_by_role("button", name="Отправить" if russian else "Send").click()
    assert answers(page, 1) == ['{"message": "Привет!"}']
    wide = page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert wide, "nothing sticks out at the side"
    assert page.evaluate("document.documentElement.lang") == ("ru" if russian else "en")


ROOM = """
groups: {"room:{room}": {presence: true}}
endpoints:
  room: {url: "/ws/rooms/{room}", group: "room:{room}", process: echo.same, reply_to: group, auth: public}
"""


def test_two_clients_in_one_room_on_one_page(seed: Seed, open_page: Open) -> None:
    server = seed(endpoints=ROOM)
    page = open_page(server)
    page.get_by_role("button", name="Look around").click()
    page.get_by_role("button", name="Second client").click()
    clients = page.locator(".client")
    for number in (0, 1):
        one = clients.nth(number)
        one.get_by_role("textbox", name="room", exact=True).fill("зал 🍎")
        one.get_by_role("button", name="Connect", exact=True).click()
        one.get_by_text("connected", exact=True).first.wait_for()
    clients.nth(0).get_by_role("tab", name="JSON").click()
    clients.nth(0).get_by_label("Message", exact=True).fill('{"text": "Кто здесь?"}')
    clients.nth(0).get_by_role("button", name="Send").click()
    clients.nth(1).get_by_text("Кто здесь?").wait_for()
    page.get_by_role("button", name="Close the second client").click()
    clients.nth(1).wait_for(state="detached")


def test_a_conversation_stays_through_a_publish(seed: Seed, open_page: Open) -> None:
    server = seed()
    page = open_page(server)
    log_in(page, server)
    page.get_by_label("message", exact=True).fill("Привет")
    page.get_by_role("button", name="Send").click()
    answers(page, 1)
    code = server.folder / "processes" / "greeting.py"
    code.write_text(code.read_text("utf-8").replace('"Привет!"', '"И тебе привет! 👋"'), encoding="utf-8")
    assert server.run("publish").returncode == 0
    page.get_by_role("button", name="Send").click()
    assert answers(page, 2)[1] == '{"message": "И тебе привет! 👋"}'
    assert page.locator(".frame.closed").count() == 0


def test_a_server_that_comes_back_is_connected_to_again(
    seed: Seed, open_page: Open, start: Callable[..., Server]
) -> None:
    server = seed()
    page = open_page(server, expected="WebSocket connection|ERR_CONNECTION_REFUSED")
    log_in(page, server)
    page.get_by_label("message", exact=True).fill("Привет")
    page.get_by_role("button", name="Send").click()
    answers(page, 1)
    port = server.http.rpartition(":")[2]
    server.stop()
    page.get_by_text("Connecting again in").wait_for()
    start(server.folder, "--port", port)
    page.get_by_text("connected", exact=True).wait_for()  # by itself, at the latest
    page.get_by_role("button", name="Send").click()
    assert answers(page, 2)[1] == '{"message": "Привет!"}'
