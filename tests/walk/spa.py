"""A page as a front end's developer would write it, on an origin of its own, and the server that it calls."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jackfield.server.node.node import Node, open_node
from jackfield.server.options import Options
from jackfield.state import State
from tests.clock import Clock
from tests.projects import ECHO
from tests.server.sockets import listening

from .browser import Browser, Page, Visitor, chromium, running, site
from .conftest import write
from .test_tls import certificate

PAGE = """<!doctype html><html lang="ru"><meta charset="utf-8"><title>Чат</title><script>
const api = new URLSearchParams(location.search).get("api");

async function ask(method, path, body) {
  const answer = await fetch(api + path, {
    method, credentials: "include",
    headers: body ? {"Content-Type": "application/json"} : {},
    body: body && JSON.stringify(body),
  });
  return {status: answer.status, error: answer.headers.get("Jackfield-Error"), body: await answer.json()};
}

class Line {
  constructor(path, protocols = []) {
    this.socket = new WebSocket(api.replace("http", "ws") + path, protocols);
    this.closed = new Promise(resolve => {
      this.socket.onclose = event => resolve({code: event.code, reason: event.reason});
    });
    const opened = new Promise(resolve => { this.socket.onopen = () => resolve("open"); });
    this.outcome = Promise.race([opened, this.closed]);
  }
  async ask(message) {
    const answered = new Promise(resolve => { this.socket.onmessage = event => resolve(event.data); });
    this.socket.send(JSON.stringify(message));
    return JSON.parse(await Promise.race([answered, this.closed.then(JSON.stringify)]));
  }
}
</script></html>"""


@dataclass
class Story:
    """A server, a page that it knows and one that it does not, both of the server's own site."""

    node: Node
    clock: Clock
    api: str
    known: str
    foreign: str

    @property
    def password(self) -> str:
        """The first admin's."""
        assert self.node.first_admin is not None
        return self.node.first_admin.password

    def page(self, origin: str) -> str:
        """The address of the page on one of the two origins."""
        return f"{origin}/?api={self.api}"


@contextlib.asynccontextmanager
async def story(folder: Path, *, auth: str = "token_in_body: false", tls: bool = False) -> AsyncIterator[Story]:
    """A server in this loop, on a port of its own, with its front end on another.

    With `tls` the server is of another site than its front end, too.
    """
    async with site(PAGE) as known, site(PAGE) as foreign:
        write(
            folder,
            echo=ECHO,
            endpoints=f"""
auth: {{{auth}}}
defaults: {{origins: ["{known}"]}}
endpoints:
  plain: {{url: /ws/plain, process: echo.say, refusals: http}}
  told: {{url: /ws/told, process: echo.say}}
  desk: {{url: /ws/desk, process: echo.say, refusals: close, auth: {{roles: [support]}}}}
""",
        )
        clock = Clock()
        options = Options(tls_cert="cert.pem", tls_key="key.pem") if tls else Options()
        async with (
            open_node(folder, State.open(folder), options, clock=clock) as node,
            listening(node.gateway, tls=_contexts(folder) if tls else None) as here,
        ):
            api = f"https://127.0.0.1:{here.port}" if tls else f"http://localhost:{here.port}"
            try:
                yield Story(node, clock, api, known, foreign)
            finally:
                for connection in list(here.state.connections):  # a browser keeps its own open
                    connection.transport.abort()


def _contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's side, with a certificate of our own making, and a client's."""
    cert, key = certificate(folder)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    return server, ssl.create_default_context(cafile=str(cert))


async def logged_in(here: Story, visitor: Visitor) -> Page:
    """The known page, after a login that it made itself."""
    page = await visitor.open(here.page(here.known))
    given = f'{{login: "admin", password: "{here.password}"}}'
    answer = await page.run(f'return ask("POST", "/auth/login", {given})')
    assert (answer["status"], answer["body"]["login"]) == (200, "admin")
    return page


@pytest.fixture(scope="session")
def devtools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running browser's DevTools."""
    program = chromium()
    if program is None:
        pytest.skip("Chromium is not installed here")
    with running(program, tmp_path_factory.mktemp("profile")) as address:
        yield address


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Story]:
    """The server and its two pages."""
    async with story(tmp_path) as reported:
        yield reported


@pytest.fixture
async def visitor(devtools: str) -> AsyncIterator[Visitor]:
    """Somebody with a browser."""
    async with Browser.at(devtools) as browser, browser.visitor() as somebody:
        yield somebody
