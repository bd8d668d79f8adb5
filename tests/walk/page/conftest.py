"""The page in a real Chromium, driven by Playwright, which is asked for nothing but the browser that is installed here.

Each page that a test opens is watched: an error in the console, a request to another host or a report of its
Content-Security-Policy fails the test.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.walk.browser import chromium
from tests.walk.conftest import ROOT, Server, start, write

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

__all__ = ["Open", "start"]

LIMIT = 20_000
"""Milliseconds that the page may take for one thing on a busy machine."""

REPORTS = "addEventListener('securitypolicyviolation', event => console.error('CSP', event.violatedDirective))"

Open = Callable[..., Any]
"""`open_page(server, "/#talk", locale="ru-RU", color_scheme="dark", viewport={…})` gives a page of Playwright."""


@pytest.fixture(
    scope="module"
)  # no longer: Playwright's loop runs meanwhile, and tests of other modules have their own
def browser() -> Iterator[Any]:
    program = chromium()
    if program is None:
        pytest.skip("there is no chromium here")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    contexts: list[Any] = []
    wrong: list[str] = []

    def begin(server: Server, path: str = "/", expected: str = "", **options: Any) -> Any:
        context = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        context.set_default_timeout(LIMIT)
        page = context.new_page()
        page.add_init_script(REPORTS)

        def said(message: Any) -> None:
            if message.type in ("error", "warning") and not (expected and re.search(expected, message.text)):
                wrong.append(message.text)

        def asked(request: Any) -> None:
            if not request.url.startswith((server.http, server.ws, "blob:", "data:")):
                wrong.append(f"asked {request.url}")

        page.on("console", said)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", asked)
        page.goto(server.http + path)
        return page

    yield begin
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def seed(start: Callable[..., Server], tmp_path: Path) -> Callable[..., Server]:
    """Start a server of the repository's own example, or of other files in its place."""

    def begin(*arguments: str, endpoints: str | None = None, **processes: str) -> Server:
        shutil.copytree(ROOT / "processes", tmp_path / "processes")
        shutil.copy(ROOT / "endpoints.yaml", tmp_path)
        return start(write(tmp_path, endpoints, **processes), *arguments)

    return begin


def log_in(page: Any, server: Server, login: str = "admin", password: str = "") -> None:
    """Through the form, as a person does."""
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", password or server.password())
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("nav.places")
