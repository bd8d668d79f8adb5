"""The projects that people copy, as they use them: made, started, a page, another client, a publish in the middle."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection

from .browser import Page, Visitor
from .conftest import CLEAN, LIMIT, Server, jackfield_here
from .spa import devtools, visitor

__all__ = ["devtools", "visitor"]  # fixtures

pytestmark = pytest.mark.walk

Make = Callable[[str], Server]

WAIT = """
  return new Promise((resolve) => {
    const text = (selector) => document.querySelector(selector)?.textContent ?? "";
    const texts = (selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent);
    const look = () => { const found = (%s); if (found) { watch.disconnect(); resolve(found); } };
    const watch = new MutationObserver(look);
    watch.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
    look();
  });
"""
COUNT = """
  window.opened = 0;
  window.WebSocket = class extends WebSocket { constructor(...how) { super(...how); window.opened += 1; } };
"""
FILL_IN = """
  const form = document.getElementById(%s);
  for (const [name, value] of Object.entries(%s)) form.elements[name].value = value;
  form.requestSubmit();
"""
CLICK = 'document.querySelectorAll("#board button")[%d].click()'


@pytest.fixture
def make(tmp_path: Path, start: Callable[..., Server]) -> Make:
    """Makes an example by its name and starts it; its first admin is there."""

    def made(example: str) -> Server:
        folder = tmp_path / example
        jackfield_here(tmp_path, "new", "--example", example, str(folder))
        return start(folder)

    return made


async def wait(page: Page, condition: str) -> Any:
    """What a JavaScript expression gives as soon as the page makes it true; `text` and `texts` find what is shown."""
    return await page.run(WAIT % condition)


async def fill_in(page: Page, form: str, **values: str) -> None:
    """Send a form of the page with these values."""
    await page.run(FILL_IN % (json.dumps(form), json.dumps(values)))


async def log_in(page: Page, login: str, password: str) -> None:
    """Fill in the form of the page, which appears where nobody is known."""
    await wait(page, '!document.getElementById("login").hidden')
    await fill_in(page, "login", login=login, password=password)
    await wait(page, 'document.getElementById("login").hidden')


async def log_in_elsewhere(page: Page, login: str, password: str) -> None:
    """Follow the page's link to the server's own login, which leads back."""
    await wait(page, '!document.getElementById("login").hidden')
    await page.leave('document.getElementById("login").click()')
    await wait(page, 'document.querySelector("form")')
    given = json.dumps({"login": login, "password": password})
    await page.leave(f"""
      const form = document.querySelector("form");
      for (const [name, value] of Object.entries({given})) form.elements[name].value = value;
      form.requestSubmit();
    """)


def add_anna(server: Server, *more: str) -> str:
    """A second user; gives the password."""
    password = "долгий пароль анны"
    assert server.run("users", "add", "anna", *more, "--password-stdin", given=f"{password}\n").returncode == 0
    return password


def cookie(server: Server, login: str, password: str) -> dict[str, str]:
    """Log in as a program does; gives the header."""
    answer = httpx.post(f"{server.http}/auth/login", json={"login": login, "password": password})
    return {"Cookie": f"gen_app_auth_token={answer.json()['token']}"}


def publish(server: Server, path: str, old: str, new: str) -> None:
    """Change a file of the project and make it live."""
    file = server.folder / path
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    done = server.run("publish")
    assert done.returncode == 0, done


def hear(socket: ClientConnection, event: str) -> dict[str, Any]:
    """The next event of this name; those before it are left aside."""
    while True:
        found: dict[str, Any] = json.loads(socket.recv(timeout=LIMIT))
        assert "error" not in found, found
        if found.get("event") == event:
            return found


def ask(socket: ClientConnection, **message: Any) -> dict[str, Any]:
    """Send a message and give what answers it; events before that are left aside."""
    socket.send(json.dumps(message))
    while "event" in (found := json.loads(socket.recv(timeout=LIMIT))):
        pass
    assert isinstance(found, dict)
    return found


def shell(server: Server) -> list[str]:
    """Run the lines of the example's README that begin where somebody else pushes; what they print, line by line."""
    blocks = re.findall(r"```sh\n(.*?)```", (server.folder / "README.md").read_text("utf-8"), flags=re.S)
    (lines,) = (block for block in blocks if "curl" in block)
    lines = lines.replace("http://127.0.0.1:8000", server.http)
    lines = lines.replace("curl ", "curl --silent --show-error --fail --write-out '\\n' ")
    program = f'jackfield() {{ "{sys.executable}" -m jackfield -C "{server.folder}" "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-euc", program + lines],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env=CLEAN,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@contextlib.contextmanager
def kettle(server: Server, key: str) -> Iterator[None]:
    """The program of the example `device`, as long as it is needed."""
    program = [sys.executable, str(server.folder / "device.py")]
    with subprocess.Popen(program, env={**CLEAN, "KEY": key, "SERVER": server.ws}) as running:
        try:
            yield
        finally:
            running.kill()


async def test_chat(make: Make, visitor: Visitor) -> None:
    server = make("chat")
    anna = cookie(server, "anna", add_anna(server, "--name", "Анна П."))
    page = await visitor.open(f"{server.http}/?room=зал")
    await log_in_elsewhere(page, "admin", server.password())
    assert await wait(page, 'text("#members")') == "admin"
    await page.run(COUNT)
    with server.socket("/ws/rooms/%D0%B7%D0%B0%D0%BB", additional_headers=anna) as other:
        assert hear(other, "history")["events"] == []
        assert hear(other, "members")["members"] == [{"login": "admin"}, {"login": "anna", "name": "Анна П."}]
        assert await wait(page, 'text("#members").includes("Анна") && text("#members")') == "admin, Анна П."

        other.send(json.dumps({"text": "Привет <b>😀</b>"}))
        (row,) = await wait(page, 'texts("#said li").length === 1 && texts("#said li")')
        assert row.endswith(" Анна П. Привет <b>😀</b>")
        assert hear(other, "said")["from"] == "anna"

        publish(server, "endpoints.yaml", "history: 50", "history: 2")
        await fill_in(page, "say", text="и тебе")
        said = hear(other, "said")
        assert (said["from"], said["text"], said["$n"]) == ("admin", "и тебе", 2)
        await wait(page, 'texts("#said li").length === 2')
        assert await page.run("return window.opened") == 0, "the publish has cut nobody off"

        other.send(json.dumps({"text": "третье"}))
        await wait(page, 'texts("#said li").length === 3')
        await page.leave("location.reload()")
        rows = await wait(page, 'texts("#said li").length && texts("#said li")')
        assert [row.rpartition(" ")[2] for row in rows] == ["тебе", "третье"], "the last two, as they are kept now"
    assert server.stop() == 0


async def test_quotes(make: Make, visitor: Visitor) -> None:
    server = make("quotes")
    page = await visitor.open(f"{server.http}/")
    await page.run(COUNT + 'document.querySelector("[name=AAPL]").click();')
    await wait(page, 'texts("td")[1]')
    with server.socket("/ws/quotes") as other:
        other.send(json.dumps({"action": "subscribe", "group": "quotes:GAZP"}))
        for _ in range(2):
            tick = hear(other, "tick")
            assert (tick["symbol"], tick["group"]) == ("GAZP", "quotes:GAZP")
        assert (await page.run('return [...document.querySelectorAll("td")].map((one) => one.textContent)'))[3] == ""

        publish(server, "processes/market.py", "price = 100.0", "price = 900_000.0")
        await wait(page, 'Number(texts("td")[1]) > 100_000')
        while hear(other, "tick")["price"] < 100_000:
            pass
        assert await page.run("return window.opened") == 0, "the publish has cut nobody off"

        await page.run('document.querySelector("[name=AAPL]").click();')
        await wait(page, 'texts("td")[1] === ""')
        other.send(json.dumps({"action": "unsubscribe", "group": "quotes:GAZP"}))
        while (told := json.loads(other.recv(timeout=LIMIT))).get("action") != "unsubscribe":
            pass
        assert told["joined"] is False
    assert server.stop() == 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_comments(make: Make, visitor: Visitor) -> None:
    server = make("comments")
    page = await visitor.open(f"{server.http}/?article=7")
    await page.run(COUNT)
    with server.socket("/ws/comments/7") as other, server.socket("/ws/comments/8") as elsewhere:
        assert shell(server) == ['{"delivered_to":2}']
        assert hear(other, "comment")["text"] == "Спасибо!"
        assert await wait(page, 'text("#comments li")') == "АннаСпасибо!"

        publish(server, "endpoints.yaml", "history: 100", "history: 50")
        text = json.dumps({"event": "comment", "author": "Boris", "text": "<i>Hello</i>"})
        assert server.run("send", "--group", "comments:7", text).stdout == "delivered to 2 connections\n"
        assert hear(other, "comment")["author"] == "Boris"
        assert await wait(page, 'texts("#comments li")[1]') == "Boris<i>Hello</i>"
        assert await page.run("return window.opened") == 0, "the publish has cut nobody off"

        assert hear(elsewhere, "history")["events"] == []
        elsewhere.send("{}")
        assert json.loads(elsewhere.recv(timeout=LIMIT))["error"]["code"] == "no_messages", "and nothing before it"
    assert server.stop() == 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_notifications(make: Make, visitor: Visitor) -> None:
    server = make("notifications")
    password = add_anna(server)
    page = await visitor.open(f"{server.http}/")
    await page.run(COUNT)
    await log_in(page, "anna", password)
    with (
        server.socket("/ws/notices", additional_headers=cookie(server, "anna", password)) as same,
        server.socket("/ws/notices", additional_headers=server.first_cookie()) as admin,
    ):
        assert shell(server) == ['{"delivered_to":2,"online":true}', '{"online":true,"connections":2}']
        assert hear(same, "notice") == {"event": "notice", "title": "Order 7", "text": "Оплачен"}
        assert await wait(page, 'text("#notices li")') == "Order 7 Оплачен"

        publish(server, "endpoints.yaml", "per_user: 20", "per_user: 10")
        text = json.dumps({"event": "notice", "title": "Order 8", "text": "Sent"})
        assert server.run("send", "--user", "anna", text).stdout == "delivered to 2 connections\n"
        assert hear(same, "notice")["title"] == "Order 8"
        assert await wait(page, 'texts("#notices li").length === 2 && text("#notices li")') == "Order 8 Sent"
        assert await page.run("return window.opened") == 1, "the publish has cut nobody off"

        admin.send("{}")
        assert json.loads(admin.recv(timeout=LIMIT))["error"]["code"] == "no_messages", "and nothing before it"
    assert server.stop() == 0


async def test_answers(make: Make, visitor: Visitor) -> None:
    server = make("answers")
    page = await visitor.open(f"{server.http}/")
    await page.run(COUNT)
    stop = 'document.getElementById("stop").click()'
    await fill_in(page, "ask", question="Почему <i>оно</i> синее? 🌤️")
    with server.socket("/ws/answers") as other:
        other.send(json.dumps({"question": "А почему?", "$id": 7}))
        assert json.loads(other.recv(timeout=LIMIT)) == {"text": "Небо ", "$id": 7}

        publish(server, "processes/model.py", '"""Небо синее', '"""Оно голубое')
        length = len(await wait(page, 'text("dd")'))
        await wait(page, f'text("dd").length > {length}')
        await page.run(stop)
        stopped = await wait(page, 'text("dd").endsWith("⏹") && text("dd")')
        assert stopped.startswith("Небо синее "), "an answer goes on in the code that it began in"
        await fill_in(page, "ask", question="А теперь?")
        await wait(page, 'texts("dd")[1]?.startsWith("Оно голубое ")')
        await page.run(stop)
        await wait(page, 'texts("dd")[1].endsWith("⏹")')
        assert await page.run("return window.opened") == 0, "the publish has cut nobody off"
        assert await wait(page, 'texts("dt")[0]') == "Почему <i>оно</i> синее? 🌤️"

        other.send(json.dumps({"$cancel": 7}))
        while "error" not in (told := json.loads(other.recv(timeout=LIMIT))):
            assert told.keys() == {"text", "$id"}
        assert (told["$id"], told["error"]["code"]) == (7, "cancelled")
    assert server.stop() == 0


async def test_game(make: Make, visitor: Visitor) -> None:
    server = make("game")
    page = await visitor.open(f"{server.http}/?game=игра")
    await page.run(COUNT)
    await wait(page, 'text("#turn").includes("is not here")')
    with server.socket("/ws/games/%D0%B8%D0%B3%D1%80%D0%B0") as other:
        assert ask(other, action="sit") == {"action": "sit", "mark": "O", "board": ".........", "won": "", "turn": "X"}
        await wait(page, 'text("#turn") === "You are X. It is your turn."')
        await page.run(CLICK % 4)
        assert hear(other, "board")["board"] == "....X...."

        publish(server, "processes/board.py", "It is not your turn,", "Не твой ход 🙂,")
        await page.run(CLICK % 0)
        await wait(page, 'text("#status").startsWith("Не твой ход 🙂")')
        other.send(json.dumps({"action": "move", "cell": 0}))
        await wait(page, 'texts("#board button").join("") === "OX" && text("#turn").includes("your turn")')
        assert await page.run("return window.opened") == 0, "the publish has cut nobody off"

        await page.leave("location.reload()")
        await wait(page, 'texts("#board button").join("") === "OX" && text("#turn") === "You are X. It is your turn."')
        await page.run(CLICK % 1)
        boards = [hear(other, "board")["board"] for _ in range(2)]
        assert boards == ["O...X....", "OX..X...."], "its own move, and that of the page"
        assert ask(other, action="move", cell=1)["error"]["code"] == "not_now"
        other.send(json.dumps({"action": "move", "cell": 3}))
        await wait(page, 'text("#turn").includes("your turn")')
        await page.run(CLICK % 7)
        await wait(page, 'text("#turn") === "You have won 🎉"')
        while not (board := hear(other, "board"))["won"]:
            pass
        assert (board["board"], board["won"], board["turn"]) == ("OX.OX..X.", "X", "")
    assert server.stop() == 0


async def test_support(make: Make, visitor: Visitor) -> None:
    server = make("support")
    anna = add_anna(server, "--role", "agent", "--name", "Анна П.")
    page = await visitor.open(f"{server.http}/")
    await page.run(COUNT)
    await wait(page, 'text("#there") === "Somebody will be with you soon."')
    desk = await visitor.open(f"{server.http}/desk.html")
    await log_in_elsewhere(desk, "anna", anna)
    with server.socket("/ws/hall", additional_headers=cookie(server, "anna", anna)) as hall:
        assert hear(hall, "history")["events"] == []
        await fill_in(page, "say", text="Не открывается <b>дверь</b> 🚪")
        (guest,) = hear(hall, "waiting")["guests"]
        assert guest["text"] == "Не открывается <b>дверь</b> 🚪"
        await wait(desk, f'text("#waiting button") === {json.dumps(guest["text"])}')
        await desk.run('document.querySelector("#waiting button").click()')
        await wait(page, 'text("#there") === "An agent is here."')
        await wait(desk, 'texts("#said li")[0] === "Visitor Не открывается <b>дверь</b> 🚪"')

        publish(server, "processes/desk.py", "asked[:100]", "asked[:4]")
        await fill_in(desk, "say", text="Сейчас посмотрю")
        await wait(page, 'texts("#said li")[1] === "Анна П. Сейчас посмотрю"')
        assert hear(hall, "waiting")["guests"] == []
        await wait(desk, 'texts("#waiting li").length === 0')
        assert await page.run("return window.opened") == 0, "the publish has cut nobody off"

        await page.leave("location.reload()")
        await wait(page, 'texts("#said li").length === 2')
        await fill_in(page, "say", text="Спасибо!")
        assert hear(hall, "waiting")["guests"] == [{"id": guest["id"], "text": "Спас"}], "the same visitor"
        await wait(desk, 'texts("#said li")[2] === "Visitor Спасибо!"')
    assert server.stop() == 0


async def test_device(make: Make, visitor: Visitor) -> None:
    server = make("device")
    password = add_anna(server, "--role", "operator")
    page = await visitor.open(f"{server.http}/")
    await page.run(COUNT)
    await log_in(page, "anna", password)
    key = server.run("keys", "add", "kettle", "--role", "device").stdout.strip()
    switch = 'document.querySelectorAll("td button")[%d].click()'
    with kettle(server, key):
        assert await wait(page, 'texts("td")[0]') == "key:kettle"
        await page.run(switch % 0)
        await wait(page, 'text("td span") === "is on" && parseInt(texts("td")[1]) > 20')

        publish(server, "processes/devices.py", "The device does not answer.", "Не отвечает 🙈")
        for _ in range(2):  # the first may have been told before the publish, to the processes of that time
            before = await page.run("return document.querySelectorAll('td')[1].textContent")
            await wait(page, f'texts("td")[1] !== {json.dumps(before)}')
        await page.run(switch % 1)
        await wait(page, 'text("td span") === "is off"')
        assert await page.run("return window.opened") == 1, "the publish has cut nobody off"
    await page.run(switch % 0)
    await wait(page, 'text("#status") === "Не отвечает 🙈"')
    assert server.stop() == 0
