"""Talk: the seed's story in a browser, by mouse, by keyboard, on a phone, dark and in Russian; two people in a room."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import jackfield
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
    page.wait_for_function("() => document.activeElement.name === 'login'")
    page.keyboard.type("admin")
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
        {"viewport": PHONE, "has_touch": True, "is_mobile": True},
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
    if not russian:
        page.wait_for_function(ABOVE_THE_PLACES)  # what came is in sight, without a move of the hand
        assert page.evaluate("document.querySelector('.side').clientHeight") < 100
        assert not page.locator("kbd").first.is_visible()  # there is no Ctrl


ABOVE_THE_PLACES = """() => {
  const {top, bottom} = document.querySelector(".frame.in").getBoundingClientRect();
  return top > 0 && bottom <= document.querySelector(".places").getBoundingClientRect().top;
}"""


ROOM = """
groups: {"room:{room}": {presence: true}}
endpoints:
  room: {url: "/ws/rooms/{room}", group: "room:{room}", process: echo.same, reply_to: group, auth: public}
"""


TOLD = f"""{ROOM.rstrip()[:-1]},
    summary: "Says something in a room", description: "To all who are there.",
    input: {{properties: {{text: {{type: string, maxLength: 1000}}}}, required: [text], additionalProperties: false}},
    examples: [{{name: "What one may say", params: {{room: a}}, steps: [{{send: {{text: "Hello"}}}}]}}]}}
"""
HIT = """({x, y, width, height}) =>
  document.elementFromPoint(x + width / 2, y + height / 2)?.closest("button.primary") !== null"""


def test_a_long_message_is_folded(seed: Seed, open_page: Open) -> None:
    page = open_page(seed(endpoints=ROOM))
    page.get_by_role("button", name="Look around").click()
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("tab", name="JSON").click()
    page.get_by_label("Message", exact=True).fill(json.dumps({"text": "ж" * 20_000}, ensure_ascii=False))
    page.get_by_role("button", name="Send").click()
    sent = page.locator(".frame.out .json")
    assert len(sent.inner_text()) < 1_100
    page.locator(".frame.out").get_by_role("button", name="Show all (39.1 KiB)").click()
    assert len(sent.inner_text()) > 20_000


def test_what_is_sent_while_it_connects_arrives_whole(seed: Seed, open_page: Open) -> None:
    server = seed()
    page = open_page(server)
    log_in(page, server)
    page.get_by_label("message", exact=True).fill("Привет")
    page.locator(".compose form").evaluate("form => { form.requestSubmit(); form.requestSubmit(); }")
    assert answers(page, 2) == ['{"message": "Привет!"}'] * 2


def test_back_closes_the_dialog_that_stood_there(seed: Seed, open_page: Open) -> None:
    server = seed()
    page = open_page(server, "/#talk/greeting")
    log_in(page, server)
    page.get_by_role("link", name="People").click()
    page.locator("main.at-people h1").wait_for()
    page.get_by_role("button", name="Keys").click()
    page.locator("dialog[open]").wait_for()
    page.go_back()
    page.locator("dialog").wait_for(state="detached")
    page.get_by_role("heading", name="greeting").wait_for()


def test_a_place_that_does_not_load_says_why_and_comes_later(seed: Seed, open_page: Open) -> None:
    server = seed()
    page = open_page(server, expected="ERR_INTERNET_DISCONNECTED|Failed to fetch|console/people.css")
    log_in(page, server)
    page.get_by_label("message", exact=True).wait_for()
    page.context.set_offline(True)
    page.get_by_role("link", name="People").click()
    failure = page.get_by_role("alert")
    failure.get_by_text("The server does not answer.", exact=True).wait_for()
    page.context.set_offline(False)
    failure.get_by_role("button", name="Try again").click()
    page.locator("main.at-people h1").get_by_text("admin").wait_for()
    assert page.evaluate("[...document.styleSheets].some(({href}) => href.endsWith('people.css'))")


@pytest.mark.parametrize("size", [PHONE, {"width": 640, "height": 400}], ids=["phone", "zoomed"])
def test_each_place_is_in_sight_and_its_name_in_one_piece(seed: Seed, open_page: Open, size: dict[str, int]) -> None:
    server = seed("--edit")
    page = open_page(server, "/#processes", locale="ru-RU", viewport=size)
    log_in(page, server)
    page.locator("main.at-processes h1").wait_for()
    boxes = [one.bounding_box() or {} for one in page.locator(".place").all()]
    assert len(boxes) == 7
    for box in boxes:
        assert 0 <= box["x"] <= size["width"] - box["width"], boxes
        assert box["height"] < 48, boxes


def test_two_clients_in_one_room_on_one_page(seed: Seed, open_page: Open) -> None:
    server = seed(endpoints=TOLD)
    page = open_page(server, viewport={"width": 1366, "height": 800})
    page.get_by_role("button", name="Look around").click()
    page.get_by_role("button", name="Second client").click()
    clients = page.locator(".client")
    for number in (0, 1):
        one = clients.nth(number)
        one.get_by_role("textbox", name="room", exact=True).fill("зал 🍎")
        one.get_by_role("button", name="Connect", exact=True).click()
        one.get_by_text("connected", exact=True).first.wait_for()
    for name in ("room", "room 2"):
        box = page.get_by_role("region", name=name, exact=True).get_by_role("button", name="Send").bounding_box()
        assert page.evaluate(HIT, box), f"Send of {name} is in sight"
    assert clients.get_by_role("button", name="Copy as").count() == 1
    assert clients.get_by_role("button", name="What one may say").count() == 1
    clients.nth(0).get_by_role("tab", name="JSON").click()
    clients.nth(0).get_by_label("Message", exact=True).fill('{"text": "Кто здесь?"}')
    clients.nth(0).get_by_role("button", name="Send").click()
    clients.nth(1).get_by_text("Кто здесь?").wait_for()
    page.get_by_role("button", name="Close the second client").click()
    clients.nth(1).wait_for(state="detached")


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
    page.get_by_role("status").get_by_text("connected", exact=True).wait_for()  # by itself, at the latest
    page.get_by_role("button", name="Send").click()
    assert answers(page, 2)[1] == '{"message": "Привет!"}'


def test_a_form_asks_for_what_the_endpoint_narrows(
    start: Callable[..., Server], open_page: Open, tmp_path: Path
) -> None:
    server = start(shutil.copytree(Path(jackfield.__file__).parent / "examples" / "chat", tmp_path / "chat"))
    page = open_page(server, "/console/")
    log_in(page, server)
    page.get_by_role("textbox", name="room", exact=True).fill("lobby")
    page.get_by_role("textbox", name="text", exact=True).fill("Hello")
    assert page.get_by_role("button", name="Add a key").count() == 0
    page.get_by_role("button", name="Send").click()
    page.locator(".frame.out").get_by_text('{"text": "Hello"}').wait_for()
    page.locator(".frame.in").filter(has_text="said").get_by_text('"Hello"').wait_for()
    page.get_by_role("button", name="What a message may hold 2").click()  # with a key that no field is for
    page.get_by_role("button", name="Send").click()
    page.locator(".frame.error").wait_for()
    page.get_by_label("from", exact=True).and_(page.locator("[aria-invalid=true]")).wait_for()


FORMS = """async () => {
  const {form} = await import(`${document.body.dataset.root}/console/form.js`);
  const {read, write} = await import(`${document.body.dataset.root}/console/json.js`);
  const {narrowed} = await import(`${document.body.dataset.root}/console/schema.js`);
  const found = [];
  for (const {name} of read(await (await fetch("/api/endpoints")).text()).endpoints) {
    const whole = read(await (await fetch(`/api/endpoints/${encodeURIComponent(name)}`)).text());
    for (const part of whole.messages === "json" && whole.listens ? whole.parts : []) {
      const sent = part.examples.flatMap(one => one.steps).filter(step => step.kind === "send").map(step => step.value);
      for (const value of [part.send, ...sent].filter(one => one !== null)) {
        const {[whole.action_key]: action, ...rest} = value;
        const shown = part.action ? rest : value;
        const made = form(narrowed(part.message, part.narrowing), () => {});
        made.set(shown);
        found.push([name, write(shown), made.text()]);
      }
    }
  }
  return found;
}"""


KINDS = """
import datetime, enum, uuid
from dataclasses import dataclass
from typing import Annotated, Literal, TypedDict
import msgspec
from jackfield import process

class Size(enum.Enum):
    small = "S"
    large = "L"

@dataclass
class Line:
    item: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    note: str | None = None

class Card(msgspec.Struct, tag="card"):
    number: str

class Cash(msgspec.Struct, tag="cash"):
    currency: Literal["EUR", "RUB"]

class Place(TypedDict):
    city: str

@process
def order(lines: list[Line], pay: Card | Cash, size: Size, day: datetime.date, key: uuid.UUID, file: bytes, big: int,
          rate: float, yes: bool, maybe: bool | None = None, place: Place | None = None, tags: list[str] = [],
          counts: dict[str, int] = {}, either: int | str = 0, free: object = None) -> None:
    pass

@process
def more(name: str, **fields: int) -> None:
    pass
"""
OF_KINDS = """
endpoints:
  order:
    url: /ws/order
    process: kinds.order
    auth: public
    examples:
      - name: "All of it"
        steps:
          - send:
              lines: [{item: "чай 🍵", count: 2}, {item: "mug", count: 1, note: "синяя"}]
              pay: {type: "cash", currency: "RUB"}
              size: "L"
              day: "2026-11-29"
              key: "123e4567-e89b-12d3-a456-426614174000"
              file: "SGVsbG8="
              big: 12345678901234567890
              rate: 0.1
              "yes": true
              maybe: false
              place: {city: "Псков"}
              tags: ["a", ""]
              counts: {one: 1}
              either: "text"
              free: {any: [1, null]}
          - send:
              {lines: [], pay: {type: "card", number: "1"}, size: "S", day: "2026-11-29", file: "", big: 1, rate: 1e5,
               key: "123e4567-e89b-12d3-a456-426614174000", "yes": false}
  more:
    url: /ws/more
    process: kinds.more
    auth: public
    examples: [{name: "Keys", steps: [{send: {name: "", a: 1, b: 2}}]}]
"""


def test_a_form_gives_back_what_it_was_given(seed: Seed, open_page: Open) -> None:
    """Whatever a message may hold goes into a form and comes out as it was, to the last digit."""
    page = open_page(seed(endpoints=OF_KINDS, kinds=KINDS))
    page.wait_for_selector("form")
    found = page.evaluate(FORMS)
    assert [name for name, _, _ in found] == ["order", "order", "order", "more", "more"]
    for name, given, made in found:
        assert json.loads(made) == json.loads(given), name
