"""Every place of the page by axe-core: no fault of any weight, in any dress, and one h1. And none runs markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests import node
from tests.walk.conftest import Server
from tests.walk.page.conftest import Open, log_in, open_page, start
from tests.walk.page.hostile import HOSTILE, REFUSED, begin, places

__all__ = ["open_page", "start"]

pytestmark = pytest.mark.walk

RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"], preload: false });
  const heads = document.querySelectorAll("h1").length;
  const told = ({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | ")}`;
  return [heads === 1 ? [] : `${heads} h1`, violations.map(told)].flat();
}"""
WAYS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark, on a phone, in Russian": {
        "color_scheme": "dark",
        "viewport": {"width": 390, "height": 844},
        "locale": "ru-RU",
        "reduced_motion": "reduce",
    },
}
DIALOGS = (
    ("talk", "Copy as|Копировать как"),
    ("talk", "Make an example|Сделать примером"),
    ("processes", "New endpoint|Новый адрес"),
)
SHOWN = {"#talk", "#processes", "#unanswered", "#kept", "#live", "#people", "docs", "asyncapi"}
"""Places that show what somebody wrote."""


@pytest.mark.tool
@pytest.mark.parametrize("way", WAYS)
def test_no_place_keeps_anybody_out(way: str, start: Callable[..., Server], tmp_path: Path, open_page: Open) -> None:
    axe = (node.needs("axe-core") / "axe.min.js").read_text("utf-8")
    server = begin(start, tmp_path, "--edit")
    page = open_page(server, expected=REFUSED, **WAYS[way])
    page.evaluate(axe)
    faults = {"login": page.evaluate(RUN)}
    log_in(page, server)
    for address in places(page, server):
        if not page.evaluate("'axe' in window"):  # it is large, and a place is no new document
            page.evaluate(axe)
        faults[address] = page.evaluate(RUN)
    for place, button in DIALOGS:
        page.goto(f"{server.http}/console/#{place}")
        page.get_by_role("button", name=re.compile(button)).first.click()
        page.locator("dialog[open]").wait_for()
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe)
        faults[button] = page.evaluate(RUN)
        page.keyboard.press("Escape")
    assert {address: found for address, found in faults.items() if found} == {}


def test_what_anybody_wrote_is_text_everywhere(start: Callable[..., Server], tmp_path: Path, open_page: Open) -> None:
    server = begin(start, tmp_path, "--edit")
    page = open_page(server, expected=REFUSED)
    log_in(page, server)
    seen = set()
    for address in places(page, server):
        assert page.evaluate("[window.hacked, document.querySelectorAll('img, main script').length]") == [None, 0]
        if "onerror" in page.inner_text("body"):
            seen.add(address.lstrip("/").partition("/")[0])
    assert seen >= SHOWN
    page.goto(f"{server.http}/#talk/bot")
    page.wait_for_selector(".left .title")
    assert HOSTILE in page.inner_text(".left .title")
    page.get_by_role("button", name=HOSTILE).click()  # the example
    page.get_by_role("button", name="Send").click()
    page.wait_for_selector(".frame.in")
    assert "onerror" in page.inner_text(".frame.out")
    assert page.evaluate("[window.hacked, document.querySelectorAll('img, main script').length]") == [None, 0]


def test_the_login_leads_back_and_never_away(start: Callable[..., Server], tmp_path: Path, open_page: Open) -> None:
    server = begin(start, tmp_path)
    page = open_page(server, "/auth/login?next=/ws/bot%3Fa=1%23b", expected="426")
    page.fill("input[name=login]", "admin")
    page.fill("input[name=password]", server.password())
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{server.http}/ws/bot?a=1#b")
    assert page.is_visible("main h1")
    for away in ("//evil.example", "/%5Cevil.example", "javascript:alert(1)"):
        page.goto(f"{server.http}/auth/login?next={quote(away, safe='')}")
        page.wait_for_selector("nav.places")
        assert page.url.startswith(f"{server.http}/console/"), away
