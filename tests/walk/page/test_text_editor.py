"""The plain editor in a browser: numbers stay beside their lines, and proposals where the caret is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.projects import SAY
from tests.walk.conftest import Server, write
from tests.walk.page.conftest import Open, log_in, open_page, start

__all__ = ["open_page", "start"]

pytestmark = pytest.mark.walk

ENDPOINTS = (
    "# one\n" * 28 + "\nendpoints:\n  say: {url: /ws/say, process: p.say, auth: public}\n"  # the last is the 31st line
)
PLACES = """() => {
    const box = (one) => document.querySelector(one).getBoundingClientRect();
    const area = document.querySelector(".sheet textarea"), list = box(".proposals");
    const line = area.value.slice(0, area.selectionStart).split("\\n").length;
    const typed = box(".sheet").top + 8 + (line - 1) * 20 - area.scrollTop;
    const number = box(".numbers").top + (line - 1) * 20;
    const seen = (y) => document.elementFromPoint(list.left + 20, y)?.closest(".proposals");
    return {line, typed, number, sheet: box(".sheet").top, edge: box(".sheet").bottom, area: box(".sheet textarea").top,
        list: [list.top, list.bottom, list.right], right: box(".sheet").right,
        whole: Boolean(seen(list.top + 4) && seen(list.bottom - 4))};
}"""


def _together(page: Any) -> Any:
    """Where the line of the caret, its number and the proposals are; the first two beside each other and in sight."""
    at = page.evaluate(PLACES)
    assert at["typed"] == pytest.approx(at["number"], abs=1)
    assert at["area"] == pytest.approx(at["sheet"], abs=1), "the text is not moved below its edge"
    assert at["sheet"] <= at["typed"] <= at["edge"] - 20, at
    return at


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1280, 420), (390, 844)])
def test_proposals_at_the_end_of_a_text_open_above_and_part_nothing(
    start: Callable[..., Server], open_page: Open, tmp_path: Path, width: int, height: int
) -> None:
    write(tmp_path, ENDPOINTS, p=SAY)
    server = start(tmp_path, "--edit")
    page = open_page(server, "/#processes?file=endpoints.yaml", viewport={"width": width, "height": height})
    log_in(page, server)
    field = page.get_by_role("textbox", name="endpoints.yaml")
    field.press("Control+End")
    page.keyboard.type("  shop:\n")
    page.keyboard.type("url: /ws/shop\n")
    page.keyboard.type("proc", delay=20)
    page.get_by_role("option", name="process", exact=False).first.wait_for()
    at = _together(page)
    assert at["whole"], f"nothing of the proposals is cut off: {at}"
    assert at["list"][2] <= at["right"]
    assert at["list"][1] <= at["typed"] + 1 or at["list"][0] >= at["typed"] + 19, "the line stays in sight"
    for _ in range(12):
        page.keyboard.press("ArrowDown")
    _together(page)
    page.keyboard.press("Escape")
    page.get_by_role("listbox").wait_for(state="hidden")
    _together(page)
    page.keyboard.type(" ")
    _together(page)
