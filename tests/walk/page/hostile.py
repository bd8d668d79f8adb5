"""A project in which whatever people write is markup, and a browser that goes through every place of the page."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.walk.conftest import Server, write

__all__ = ["HOSTILE", "REFUSED", "begin", "places"]

HOSTILE = """<img src=x onerror="window.hacked=1"></script><script>window.hacked=2</script> 'Ж😀'"""

_COUNT = """
window.asking = 0;
const { fetch } = window;
window.fetch = (...asked) => {
  window.asking += 1;
  return fetch(...asked).finally(() => setTimeout(() => { window.asking -= 1; }));
};
"""
SMALL = ("/docs/reference", "/asyncapi", "/ws/bot", "/nowhere")
"""Pages without a place; two of them are refusals."""

REFUSED = "status of (404|426)"
"""What the browser says of these pages."""

PASSWORD = "длинный пароль 🔑"
_ENDPOINTS = f"""
title: {json.dumps(HOSTILE, ensure_ascii=False)}
roles: {{guest: {json.dumps(HOSTILE, ensure_ascii=False)}}}
groups: {{"room:{{room}}": {{presence: true, history: {{last: 10}}}}}}
endpoints:
  bot:
    url: /ws/bot
    process: faq
    inspect: [payloads, unmatched]
    summary: {json.dumps(HOSTILE, ensure_ascii=False)}
    description: {json.dumps(f"# {HOSTILE}", ensure_ascii=False)}
    tags: ["<img src=x onerror=hacked>"]
    examples:
      - name: {json.dumps(HOSTILE, ensure_ascii=False)}
        steps: [{{send: {{message: {json.dumps(HOSTILE, ensure_ascii=False)}}}}}]
  room:
    url: "/ws/комнаты/{{room}}"
    process: p.say
    group: "room:{{room}}"
    reply_to: group
    tags: [rooms]
"""
_CODE = f'''from typing import Literal

from jackfield import process


@process
def say(text: str, mood: Literal["<b>good</b>", "bad"] = "bad", often: int = 1, loud: bool = False) -> str:
    """{HOSTILE}

    {HOSTILE}
    """
    return text
'''
_QUOTED = HOSTILE.replace('"', '""')
_TABLE = f'first,message,"# {_QUOTED}",keep,reply.text\n1,привет,"{_QUOTED}",yes,"{_QUOTED}"\n'
_TABLE += f'"{_QUOTED}","{_QUOTED}x",,,да\nrest,,,,нет\n'


def begin(start: Callable[..., Server], folder: Path, *arguments: str) -> Server:
    """Start a server of the project; somebody was refused, and somebody asked what nobody answers."""
    write(folder, _ENDPOINTS, p=_CODE)
    (folder / "processes" / "faq.csv").write_text(_TABLE, "utf-8")
    (folder / "data").mkdir()
    (folder / "data" / f"{HOSTILE.replace('/', '|')}.csv").write_text("time,login\n", "utf-8")
    server = start(folder, *arguments)
    server.run("users", "add", HOSTILE, "--role", "guest", "--name", HOSTILE, "--password-stdin", given=f"{PASSWORD}\n")
    with server.socket("/ws/bot", additional_headers=server.first_cookie()) as socket:
        socket.send(json.dumps({"message": HOSTILE}))
        socket.recv(timeout=20)
        socket.send(json.dumps({"message": "привет"}))
        socket.recv(timeout=20)
    with closing(http.client.HTTPConnection(urlsplit(server.http).netloc, timeout=20)) as asked:
        body = json.dumps({"login": HOSTILE, "password": "wrong password"})
        asked.request("POST", "/auth/login", body, {"Content-Type": "application/json"})
        asked.getresponse().read()
    return server


def places(page: Any, server: Server) -> Iterator[str]:
    """Go to each place that the page lists, to some of what it links, and to small pages; gives each address."""
    seen: set[str] = set()
    said: list[str] = []

    def asked(dialog: Any) -> None:
        if dialog.type != "beforeunload":  # a row that was begun is not saved
            said.append(dialog.message)
        dialog.accept()

    page.on("dialog", asked)
    page.add_init_script(_COUNT)
    page.goto(f"{server.http}/#processes")  # what is below it is listed there
    page.reload()
    page.wait_for_selector(".places[data-at=processes]")
    links: list[str] = page.eval_on_selector_all("a.place", "links => links.map(link => link.getAttribute('href'))")
    assert len(links) >= 7, links
    links = [link for link in links if link.startswith("#")]
    links += [f"#processes?file={path}" for path in ("processes/faq.csv", "endpoints.yaml")]
    while links:
        address = links.pop(0)
        if address in seen:
            continue
        seen.add(address)
        page.goto(f"{server.http}/{address}")
        place = re.split(r"[/?]", address.partition("#")[2])[0]  # what was there before may be so a moment longer
        page.wait_for_selector(f"main.at-{place} > *" if place else "main > *", state="attached")
        page.wait_for_load_state("networkidle")
        page.wait_for_function("() => window.asking === 0")
        yield address
        for within in (".side a.item", "main a"):
            items = page.eval_on_selector_all(within, "links => links.map(link => link.getAttribute('href'))")
            links += [item for item in items if item.startswith("#")][:5]
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    yield "?"
    page.keyboard.press("Escape")
    page.goto(f"{server.http}/#processes?file=endpoints.yaml")
    (server.folder / "processes" / "<img src=x onerror=hacked>.txt").touch()
    page.locator(".file > header button").last.click()
    page.get_by_text("processes/<img src=x onerror=hacked>.txt").wait_for()
    yield "publish"
    for path in SMALL:
        page.goto(server.http + path)
        yield path
    assert said == []
