"""A site in a real Chromium: a page with `/jackfield.js` that logs in, talks, is cut off and told why."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import jackfield
from jackfield.server.node.node import Node, open_node
from jackfield.server.options import Options
from jackfield.state import State
from tests.projects import ECHO
from tests.server.sockets import Listening, listening

from .browser import Page, Visitor, site
from .conftest import write
from .spa import devtools, visitor

__all__ = ["devtools", "visitor"]  # fixtures

pytestmark = pytest.mark.walk

DOCS = Path(jackfield.__file__).parent / "docs"

PAGE = """<!doctype html><html lang="ru"><meta charset="utf-8"><title>Чат</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'self'">
<script type="module" src="app.js"></script><iframe></iframe></html>
"""
APP = """import { connect } from "/jackfield.js";
globalThis.connect = connect;
globalThis.heard = (line, event) => new Promise((resolve) => {
  const off = line.on(event, (what) => (off(), resolve(what)));
});
globalThis.login = async (password) => {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ login: "admin", password });
  return (await fetch("/auth/login", { method: "POST", headers, body })).status;
};
"""


@dataclass
class Site:
    """A server with a site, a page of another origin that it names, and one that it does not."""

    node: Node
    here: Listening
    known: str
    foreign: str

    @property
    def address(self) -> str:
        return f"http://localhost:{self.here.port}"

    @property
    def password(self) -> str:
        assert self.node.first_admin is not None
        return self.node.first_admin.password


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Site]:
    blank = "<!doctype html><title>Elsewhere</title>"
    async with contextlib.AsyncExitStack() as stack:
        known, foreign = [await stack.enter_async_context(site(blank)) for _ in range(2)]
        endpoints = f"""
site: site
defaults: {{origins: ["{known}"]}}
endpoints:
  say: {{url: /ws/say, process: echo.say, refusals: http}}
  told: {{url: /ws/told, process: echo.say}}
"""
        write(tmp_path, endpoints=endpoints, echo=ECHO)
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "index.html").write_text(PAGE, encoding="utf-8")
        (tmp_path / "site" / "app.js").write_text(APP, encoding="utf-8")
        node = await stack.enter_async_context(open_node(tmp_path, State.open(tmp_path), Options()))
        here = await stack.enter_async_context(listening(node.gateway))
        yield Site(node, here, known, foreign)
        for connection in list(here.state.connections):  # a browser keeps its own open
            connection.transport.abort()


async def logged_in(served: Site, visitor: Visitor) -> Page:
    page = await visitor.open(f"{served.address}/")
    assert await page.run(f'return login("{served.password}")') == 200
    return page


async def test_a_page_logs_in_and_talks_and_its_cookie_is_found_by_the_browsers_tools(
    served: Site, visitor: Visitor
) -> None:
    page = await visitor.open(f"{served.address}/")
    refused = await page.run('const line = connect("/ws/say"); return [await heard(line, "$closed"), line.state]')
    assert (refused[0]["code"], refused[0]["why"]["code"], refused[1]) == (1006, "not_logged_in", "closed")
    told = await page.run('return heard(connect("/ws/told"), "$closed")')
    assert (told["code"], told["why"], told["reason"][:13]) == (4401, None, "not_logged_in")
    assert await page.run(f'return login("{served.password}")') == 200
    (cookie,) = await page.cookies()
    assert (cookie["name"], cookie["domain"], cookie["httpOnly"]) == ("gen_app_auth_token", "localhost", True)
    assert await page.run("return document.cookie") == "", "no script reads it"
    script = 'window.line = connect("/ws/say"); return line.ask({message: "Привет 👋"})'
    assert await page.run(script) == {"message": "Привет 👋"}
    ended = page.run('return heard(line, "$closed")')
    out = 'return (await fetch("/auth/logout", {method: "POST"})).status'
    closed, status = await asyncio.gather(ended, page.run(out))
    assert (closed["code"], status) == (4401, 200)


async def test_a_line_that_is_cut_comes_back_by_itself(served: Site, visitor: Visitor) -> None:
    page = await logged_in(served, visitor)
    await page.run(
        'window.line = connect("/ws/say"); window.down = heard(line, "$down"); return line.ask({message: "а"})'
    )
    for member in list(served.node.gateway.live.hub):
        member.end("restart")
    assert (await page.run("return down"))["code"] == 1012
    assert await page.run('return line.ask({message: "б"})') == {"message": "б"}
    assert await page.run("return line.state") == "open"


async def test_what_a_page_of_the_site_may_not(served: Site, visitor: Visitor) -> None:
    page = await logged_in(served, visitor)
    script = 'return navigator.serviceWorker.register("/app.js", {type: "module"}).catch((error) => error.name)'
    assert await page.run(script) == "TypeError"
    users = 'const answer = await fetch("/api/users"); return [answer.status, (await answer.json()).code]'
    assert await page.run(users) == [403, "role_required"]
    blocked = 'document.body.append(Object.assign(document.createElement("script"), {textContent: "window.x = 1"}))'
    assert await page.run(f"{blocked}; return window.x ?? null") is None, "its own policy"
    assert await page.run(FRAMED % "/") == 1, "the page is there, with the frame that is in it"


@pytest.mark.parametrize("which", ["known", "foreign"])
async def test_pages_of_other_origins(served: Site, visitor: Visitor, which: str) -> None:
    await logged_in(served, visitor)
    page = await visitor.open(getattr(served, which))
    script = f'window.there = await import("{served.address}/jackfield.js").catch((error) => error.name)'
    loaded = await page.run(f"{script}; return typeof there === 'string' ? there : Object.keys(there).sort()")
    if which == "foreign":
        assert loaded == "TypeError"
    else:
        assert loaded == ["Closed", "MessageError", "connect"]
        asked = await page.run(f'return there.connect("{served.address}/ws/say").ask({{message: "да"}})')
        assert asked == {"message": "да"}
    assert await page.run(FRAMED % f"{served.address}/") == 0, "frames are for pages of the site itself"


FRAMED = """
  const frame = Object.assign(document.createElement("iframe"), {src: "%s"});
  await new Promise((resolve) => { frame.onload = resolve; document.documentElement.append(frame); });
  return frame.contentWindow.length;
"""


async def test_the_page_of_the_documents_works_as_it_stands_there(tmp_path: Path, visitor: Visitor) -> None:
    section = (DOCS / "endpoints.md").read_text("utf-8").split("\n## site\n")[1]
    page_of_docs = section.split("```html\n")[1].split("```")[0]
    endpoints = "site: site\nendpoints:\n  greeting: {url: /ws/greeting, process: echo.say}\n"
    write(tmp_path, endpoints=endpoints, echo=ECHO)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text(page_of_docs, encoding="utf-8")
    async with open_node(tmp_path, State.open(tmp_path), Options()) as node, listening(node.gateway) as here:
        page = await visitor.open(f"http://localhost:{here.port}/")
        assert node.first_admin is not None
        script = """
            form.login.value = "admin";
            form.password.value = "%s";
            const told = new Promise((resolve) => new MutationObserver(() => resolve(pre.textContent)).observe(
              pre, {childList: true}));
            form.requestSubmit();
            return told;
        """
        found = 'const [form, pre] = ["form", "pre"].map((name) => document.querySelector(name));'
        assert (await page.run(found + script % node.first_admin.password)).strip() == "Привет"
        for connection in list(here.state.connections):
            connection.transport.abort()
