"""Live: who is connected, watched and sent to from a browser; the log, and a connection that comes back."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.walk.conftest import Server
from tests.walk.page.conftest import Open, log_in, open_page, seed, start

__all__ = ["open_page", "seed", "start"]

pytestmark = pytest.mark.walk

Seed = Callable[..., Server]
ENDPOINTS = """
title: "<b>Магазин</b>"
endpoints:
  greeting: {url: /ws/greeting, process: greeting.answer, auth: public, group: "зал-1", inspect: payloads}
  hidden: {url: /ws/hidden, process: greeting.answer, auth: public}
""".replace("зал-1", "hall:1")


@contextmanager
def opened(server: Server, path: str) -> Iterator[ClientConnection]:
    with connect(server.ws + path, proxy=None, compression=None) as client:
        yield client


def asked(client: ClientConnection, text: str) -> Any:
    client.send(json.dumps({"message": text}))
    return json.loads(client.recv(10))


def wrongly(server: Server, login: str) -> None:
    assert httpx.post(f"{server.http}/auth/login", json={"login": login, "password": "не тот"}).status_code == 401


def test_an_administrator_sees_watches_sends_and_closes(seed: Seed, open_page: Open) -> None:
    server = seed(endpoints=ENDPOINTS)
    page = open_page(server, "/#live")
    log_in(page, server)
    with opened(server, "/ws/greeting") as client, opened(server, "/ws/hidden"):
        for _ in range(3):
            asked(client, "раз")
        page.locator(".window button.line").nth(1).wait_for()  # it came by itself
        page.locator(".window button.line", has_text="greeting").get_by_text("3", exact=True).wait_for()
        page.get_by_role("searchbox").fill("greeting")
        page.get_by_text("1 shown, of 2").wait_for()
        page.locator(".window button.line").focus()
        with opened(server, "/ws/hidden"):
            page.get_by_text("1 shown, of 3").wait_for()  # the list was drawn anew, and the focus is where it was
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Watch messages").click()
        page.get_by_text("Nothing has passed since.").wait_for()
        asked(client, "<img src=x onerror=alert(1)> 👋")
        page.locator(".detail .frame").nth(1).wait_for()
        shown = page.locator(".detail .frame pre").all_inner_texts()
        assert json.loads(shown[0]) == {"message": "<img src=x onerror=alert(1)> 👋"}
        page.get_by_role("link", name="Groups").click()
        page.get_by_role("button", name="hall:1").click()
        page.get_by_text("1 of them not logged in").wait_for()
        page.get_by_label("Event for the group").fill('{"event": "news", "text": "Привет"}')
        page.keyboard.press("Control+Enter")
        page.get_by_text("It went to 1 connection.").wait_for()
        assert json.loads(client.recv(10))["text"] == "Привет"
        page.locator(".detail", has_text="0 events kept").wait_for()
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
        page.get_by_role("button", name="Send").dblclick()
        page.get_by_role("button", name="Send", disabled=False).wait_for()
        with page.expect_response("**/events"):
            page.get_by_label("Event for the group").press("Control+Enter")
        assert len(sent) == 2, "one of the double click, and the one after it"
        page.get_by_role("link", name="Log", exact=True).click()
        page.get_by_text("watch_ended").first.wait_for()
        page.get_by_role("link", name="Publishes").click()
        page.get_by_text("The server began with it.").wait_for()
        assert page.get_by_role("button", name="Back").count() == 0, "that is for --edit"
        page.get_by_role("link", name="Connections").click()
        page.locator(".window button.line").first.click()
        page.get_by_text("Messages of this endpoint are not shown").wait_for()
        page.get_by_role("button", name="Close the connection").click()
        page.get_by_role("dialog").get_by_role("button", name="Close the connection").click()
        page.get_by_text("1 connection", exact=True).wait_for()
    page.get_by_text("Nobody is connected.").wait_for()


def test_a_publish_is_seen_and_gone_back_from(seed: Seed, open_page: Open) -> None:
    server = seed("--edit", endpoints=ENDPOINTS)
    page = open_page(server, "/#live/publishes")
    log_in(page, server)
    page.get_by_text("The server began with it.").wait_for()
    file = server.folder / "endpoints.yaml"
    file.write_text(file.read_text("utf-8") + "  more: {url: /ws/more, process: greeting.answer}\n", "utf-8")
    assert server.run("publish").returncode == 0
    page.get_by_text("No. 2").wait_for()  # by itself
    assert "more" in page.locator("section pre").first.inner_text()
    page.get_by_role("button", name="Back to the one before").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back").click()
    page.get_by_role("dialog").get_by_text("Live since").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Close").first.click()
    page.locator("section", has_text="No. 1").get_by_text("live", exact=True).wait_for()
    page.locator("section", has_text="No. 1").get_by_text("Gone back to it from No. 2").wait_for()


def test_on_a_phone_in_russian_and_back_after_a_restart(
    seed: Seed, open_page: Open, start: Callable[..., Server]
) -> None:
    server = seed(endpoints=ENDPOINTS)
    port = server.http.rpartition(":")[2]
    phone = {"width": 390, "height": 844}
    lost = "WebSocket connection|ERR_CONNECTION_REFUSED|Failed to load"
    page = open_page(server, "/#live/log", lost, locale="ru-RU", color_scheme="dark", viewport=phone)
    log_in(page, server)
    wrongly(server, "admin")
    page.locator(".entry b", has_text="login").first.wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    server.hear(signal.SIGTERM)
    server.ended()
    page.get_by_text("Связь потеряна").wait_for()
    start(server.folder, "--port", port)
    page.get_by_text("Связь потеряна").wait_for(state="detached")
    page.get_by_text("connection_opened").first.wait_for()
    page.get_by_role("link", name="Отказы").click()
    page.get_by_text("неверный пароль").wait_for()  # from before the restart
    wrongly(server, "анна")
    page.get_by_text("логин, которого ни у кого нет").wait_for()  # by itself
