"""Conversations of Talk: they go on while one is elsewhere, up to a bound, and lines join what belongs together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.walk.conftest import Server
from tests.walk.page.conftest import Open, log_in, open_page, seed, start
from tests.walk.page.test_talk import answers

__all__ = ["open_page", "seed", "start"]

pytestmark = pytest.mark.walk

Seed = Callable[..., Server]

CHATTY = """
endpoints:
  echo: {url: /ws/echo, process: echo.same, auth: public}
  other: {url: /ws/other, process: echo.same, auth: public}
"""
ECHO = """
from jackfield import process

@process(reply="text")
def same(text: str) -> str:
    return text
"""


def test_a_conversation_stays_through_a_publish(seed: Seed, open_page: Open) -> None:
    """Also when what the endpoint takes has changed, or it is gone."""
    server = seed(endpoints=CHATTY, echo=ECHO)
    page = open_page(server, expected="WebSocket connection|status of 404")
    log_in(page, server)
    page.get_by_label("text", exact=True).fill("Привет")
    page.get_by_role("button", name="Send").click()
    assert answers(page, 1) == ['{"text": "Привет"}']
    page.get_by_role("link", name="other").click()
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("link", name="echo connected").wait_for()
    code = server.folder / "processes" / "echo.py"
    code.write_text(
        ECHO.replace("text: str)", "text: str, loud: bool)").replace("return text", "return text + '!'"), "utf-8"
    )
    assert server.run("publish").returncode == 0
    page.get_by_role("link", name="echo connected").click()
    page.get_by_label("loud").check()  # the form is of now, with what was written in it
    page.get_by_role("button", name="Send").click()
    assert answers(page, 2)[1] == '{"text": "Привет!"}'
    assert page.locator(".frame.closed").count() == 0

    (server.folder / "endpoints.yaml").write_text(CHATTY.replace("echo: {", "else: {"), "utf-8")
    assert server.run("publish").returncode == 0
    page.get_by_text("1012: the server restarts, or the endpoint is gone").wait_for()
    page.get_by_role("link", name="other connected").click()
    page.get_by_role("link", name="echo").filter(has_text="not published any more").click()
    page.get_by_text("This endpoint is not published any more").wait_for()
    assert len(answers(page, 2)) == 2
    assert page.get_by_role("button", name="Send").count() == 0


def test_nobody_sees_what_somebody_said_before(seed: Seed, open_page: Open) -> None:
    server = seed()
    page = open_page(server)
    for way in ("by oneself", "from elsewhere"):
        log_in(page, server)
        page.get_by_label("message", exact=True).fill("Секрет")
        page.get_by_role("button", name="Send").click()
        answers(page, 1)
        page.get_by_role("link", name="Processes").click()
        if way == "by oneself":
            page.get_by_role("button", name="admin Log out").click()
        else:  # the connection that is out of sight is closed, and that is heard
            assert server.run("users", "logout", "admin").returncode == 0
        page.wait_for_selector("input[name=login]")
        assert "Секрет" not in page.content()
    log_in(page, server)
    page.get_by_role("link", name="Talk", exact=True).click()
    page.get_by_label("message", exact=True).wait_for()
    assert page.locator(".frame").count() == 0
    assert page.get_by_label("message", exact=True).input_value() != "Секрет"


QUIET = """
groups: {"room:{room}": {}}
endpoints:
  room: {url: "/ws/rooms/{room}", group: "room:{room}", process: echo.same, auth: public}
  other: {url: /ws/other, process: echo.same, auth: public}
"""


def test_what_came_meanwhile_is_counted_and_two_clients_stay(seed: Seed, open_page: Open) -> None:
    server = seed(endpoints=QUIET)
    page = open_page(server)
    log_in(page, server)
    page.get_by_role("link", name="room").click()
    page.get_by_role("button", name="Second client").click()
    clients = page.locator(".client")
    for number in (0, 1):
        clients.nth(number).get_by_role("textbox", name="room", exact=True).fill("7")
        clients.nth(number).get_by_role("button", name="Connect", exact=True).click()
        clients.nth(number).get_by_role("status").get_by_text("connected", exact=True).wait_for()
    page.get_by_role("link", name="other").click()
    page.get_by_role("heading", name="other").wait_for()
    server.run("send", "--group", "room:7", '{"event": "hello"}')
    page.get_by_role("link", name="room connected 2 new").wait_for()
    page.locator("nav.places").get_by_role("link", name="Talk connected: room 2").wait_for()
    page.get_by_role("link", name="room connected 2 new").click()
    page.get_by_role("heading", name="room").first.wait_for()
    assert [clients.nth(number).get_by_text("hello").count() for number in (0, 1)] == [1, 1]
    page.locator("nav.places").get_by_role("link", name="Talk", exact=True).wait_for()
    page.get_by_role("button", name="Close the second client").click()
    clients.nth(1).wait_for(state="detached")


def test_a_ninth_conversation_closes_the_oldest_and_says_so(seed: Seed, open_page: Open) -> None:
    names = [f"e{number}" for number in range(9)]
    lines = [f"  {name}: {{url: /ws/{name}, process: echo.same, auth: public}}\n" for name in names]
    server = seed(endpoints=f"endpoints:\n{''.join(lines)}")
    page = open_page(server)
    log_in(page, server)
    for name in names[:8]:
        page.get_by_role("link", name=name).click()
        page.get_by_role("region", name=name).get_by_role("button", name="Connect", exact=True).click()
        page.get_by_role("link", name=f"{name} connected").wait_for()
    page.get_by_role("link", name="e8").click()
    page.get_by_text("the connection to e0 was closed").wait_for()
    page.wait_for_function("() => document.querySelectorAll('.item .standing svg').length === 7")
    page.get_by_role("link", name="e0").click()
    page.get_by_role("heading", name="e0").wait_for()
    assert page.locator(".frame").count() == 0


AT_END = """() => {
  const {scrollTop: top, clientHeight: height, scrollHeight: all} = document.querySelector(".frames");
  return top > 0 && all - top - height < 4;
}"""


def test_one_comes_back_to_where_one_was_in_the_transcript(seed: Seed, open_page: Open) -> None:
    server = seed()
    page = open_page(server)
    log_in(page, server)
    for number in range(1, 21):
        page.get_by_label("message", exact=True).fill("Привет")
        page.get_by_role("button", name="Send").click()
        answers(page, number)
    page.wait_for_function(AT_END)
    away_and_back(page)
    page.wait_for_function(AT_END)
    page.locator(".frames").evaluate("one => { one.scrollTop = 50; }")
    page.wait_for_function("() => document.querySelector('.frames').scrollTop === 50")
    away_and_back(page)
    page.wait_for_function("() => document.querySelector('.frames').scrollTop === 50")


def away_and_back(page: Any) -> None:
    for name in ("faq", "greeting"):
        page.locator(".side").get_by_role("link", name=name).click()
        page.get_by_role("heading", name=name).wait_for()


LANES = """async () => {
  const load = (name) => import(`${document.body.dataset.root}/console/${name}.js`);
  const [{transcript}, {Conversation}] = await Promise.all([load("transcript"), load("conversation")]);
  class Socket { constructor() { Socket.last = this; } send() {} close() {} }
  const told = {state: () => {}, frame: (one) => log.add(one), dropped: (one) => log.drop(one)};
  const talk = new Conversation((kind, frame) => told[kind](frame), {Socket});
  const log = transcript(talk), list = log.element.querySelector(".frames");
  document.body.append(log.element);
  const lines = () => [...list.querySelectorAll(".frame")].map(row => [...row.querySelectorAll(".lane")].map(
    ({classList: [, lane, end]}) => lane.at(-1) + ({from: "(", to: ")"}[end] ?? "|")).join(" "));
  const button = (name) => [...log.element.querySelectorAll("header button")].find(one => one.title.startsWith(name));
  const filter = log.element.querySelector("input[type=search]");
  const asked = async (text) => {
    filter.value = text;
    filter.dispatchEvent(new Event("input"));
    for (const before = list.firstChild; list.firstChild === before;) await new Promise(requestAnimationFrame);
  };
  const say = (...texts) => texts.forEach(text => talk.send(text));
  const came = (...texts) => texts.forEach(data => Socket.last.onmessage({data}));
  const found = {};
  talk.connect("ws://x");
  Socket.last.onopen({});
  say('{"n": 1}', '{"$id": "a", "n": 2}', '{"n": 3}');
  came('{"$id": "a", "b": 1}', '{"b": "one"}', '{"$id": "a", "b": 2}', '{"event": "e"}', '{"b": "three"}');
  found.apart = lines();
  list.children[2].dispatchEvent(new MouseEvent("mouseover", {bubbles: true}));
  found.lit = [...list.querySelectorAll(".lit")].map(({className}) => className.replace(/^(frame|lane) | lit/g, ""));
  await asked("$id");
  found.filtered = lines();
  await asked("");
  found.again = lines();
  button("Pause").click();
  say('{"n": 4}');
  came('{"b": 4}');
  found.paused = lines().length;
  button("Go on (2 new)").click();
  found.resumed = lines().slice(-2);
  button("Clear").click();
  say('{"n": 5}', '{"n": 6}', '{"n": 7}', '{"n": 8}', '{"n": 9}');
  came('{"b": 5}', '{"b": 6}', '{"b": 7}', '{"b": 8}', '{"b": 9}');
  found.five = lines();
  say('{"n": "last"}');
  for (let n = 0; n < 2000; n += 1) came('{"event": "e"}');
  found.dropped = lines().filter(Boolean);
  came('{"b": "last"}');
  say('{"n": "new"}');
  came('{"b": "new"}');
  found.after = lines().filter(Boolean);
  return found;
}"""


def test_a_line_joins_a_message_and_its_answers(seed: Seed, open_page: Open) -> None:
    page = open_page(seed())
    page.wait_for_selector("form")
    found = page.evaluate(LANES)
    apart = ["", "1(", "0( 1|", "0| 1| 2(", "0) 1| 0( 2|", "1) 0| 2|", "0) 2|", "2|", "2)"]
    assert found["apart"] == found["again"] == apart
    assert sorted(found["lit"]) == sorted(
        [
            "out message",
            "in message",
            "in message",
            *("lane-0 from", "lane-0", "lane-0 to", "lane-0 from", "lane-0", "lane-0 to"),
        ]
    )
    assert found["filtered"] == ["0(", "0) 0(", "0)"]
    assert (found["paused"], found["resumed"]) == (9, ["0(", "0)"])
    crossed = ["0(", "0| 1(", "0| 1| 2(", "0| 1| 2| 3("]
    assert found["five"] == [*crossed, "0| 1| 2| 3|", "0) 1| 2| 3|", "1) 2| 3|", "2) 3|", "3)", ""], (
        "four lanes, then none"
    )
    assert (found["dropped"], found["after"]) == ([], ["0(", "0)"])
