"""A real Chromium, driven over its DevTools protocol, and the pages that it is shown.

Each `Visitor` is a browser profile of its own, with its own cookies.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import queue
import re
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

LIMIT = 30.0
"""Seconds that a browser may take for one thing on a busy machine."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LISTENS = re.compile(r"DevTools listening on (ws://\S+)")


def chromium() -> str | None:
    """The browser's program, where there is one."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


@contextlib.contextmanager
def running(program: str, folder: Path) -> Iterator[str]:
    """A browser without a window; gives the address of its DevTools."""
    options = [
        "--headless=new",
        "--no-sandbox",  # it may run as root, and sees our own pages alone
        "--ignore-certificate-errors",  # those of our own making
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-sync",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
    ]
    process = subprocess.Popen(
        [program, *options, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    found: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, found), daemon=True)
    reader.start()
    try:
        yield found.get(timeout=LIMIT)
    finally:
        process.terminate()
        try:
            process.wait(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(timeout=LIMIT)
        assert process.stderr is not None
        process.stderr.close()


def _read(process: subprocess.Popen[str], found: queue.Queue[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:  # to its end: a full pipe would stop the browser
        if match := _LISTENS.search(line):
            found.put(match[1])


class Browser:
    """One connection to the DevTools of a running browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._loading: dict[str, asyncio.Future[None]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, address: str) -> AsyncIterator[Browser]:
        """Connect; everything that was opened here is closed at the end."""
        async with connect(address, max_size=None, proxy=None, ping_interval=None) as socket:
            browser = cls(socket)
            try:
                yield browser
            finally:
                browser._reading.cancel()
                await asyncio.gather(browser._reading, return_exceptions=True)

    async def _read(self) -> None:
        async for text in self._socket:
            reported = json.loads(text)
            waiting = self._waiting.pop(reported.get("id", 0), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(reported)
            if reported.get("method") == "Page.loadEventFired" and reported["sessionId"] in self._loading:
                self._loading.pop(reported["sessionId"]).set_result(None)

    async def do(self, method: str, session: str | None = None, **params: Any) -> Any:
        """One command; its result."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        asked = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        await self._socket.send(json.dumps(asked))
        async with asyncio.timeout(LIMIT):
            reported = await self._waiting[number]
        assert "error" not in reported, (method, reported)
        return reported["result"]

    async def load(self, session: str, url: str) -> None:
        """Have a tab show a page, and wait until it does."""
        await self.do("Page.enable", session)
        loaded = self.loading(session)
        reported = await self.do("Page.navigate", session, url=url)
        assert "errorText" not in reported, reported
        async with asyncio.timeout(LIMIT):
            await loaded

    def loading(self, session: str) -> asyncio.Future[None]:
        """The end of the next load in a tab."""
        self._loading[session] = asyncio.get_running_loop().create_future()
        return self._loading[session]

    @contextlib.asynccontextmanager
    async def visitor(self) -> AsyncIterator[Visitor]:
        """Somebody with a profile of their own, without a cookie."""
        context = (await self.do("Target.createBrowserContext"))["browserContextId"]
        try:
            yield Visitor(self, context)
        finally:
            await self.do("Target.disposeBrowserContext", browserContextId=context)


class Visitor:
    """One profile of the browser."""

    def __init__(self, browser: Browser, context: str) -> None:
        self._browser = browser
        self._context = context

    async def open(self, url: str) -> Page:
        """Open a page in a tab of its own."""
        made = await self._browser.do("Target.createTarget", url="about:blank", browserContextId=self._context)
        attached = await self._browser.do("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        await self._browser.load(attached["sessionId"], url)
        return Page(self._browser, attached["sessionId"])


class Page:
    """A page that was opened."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    async def run(self, script: str) -> Any:
        """Run the body of an async function in the page; what it returns, as JSON."""
        reported = await self._browser.do(
            "Runtime.evaluate",
            self._session,
            expression=f"(async () => {{ {script} }})()",
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in reported, reported["exceptionDetails"]
        return reported["result"].get("value")

    async def cookies(self) -> list[dict[str, Any]]:
        """The cookies that the browser's tools show of this page."""
        found: list[dict[str, Any]] = (await self._browser.do("Network.getCookies", self._session))["cookies"]
        return found

    async def leave(self, script: str) -> None:
        """Run a script that makes the page load another one, or itself anew, and wait until it has."""
        loaded = self._browser.loading(self._session)
        await self.run(f"setTimeout(() => {{ {script} }});")  # what runs when a page goes is never answered
        async with asyncio.timeout(LIMIT):
            await loaded


@contextlib.asynccontextmanager
async def site(html: str) -> AsyncIterator[str]:
    """Serve one page on a port of its own; gives its origin."""
    body = html.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
