"""The page and its parts, as bytes."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest

from tests.server.conftest import OpenServed

STATIC = resources.files("jackfield.server.web") / "static"
FILES = sorted(entry.name for entry in STATIC.iterdir() if entry.name != "page.html")
MOST, WHOLE = 150 * 1024, 305 * 1024


@pytest.mark.parametrize("path", ["/", "/console", "/console/"])
async def test_the_page_is_open_to_everybody_and_may_run_nothing_of_others(open_served: OpenServed, path: str) -> None:
    served = await open_served("  {}", host="0.0.0.0", insecure=True)
    answer = await served.http("GET", path)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert re.findall(r"<script(?! type=\"module\" src=)|<style| style=| on\w+=", answer.body.decode()) == []
    assert (await served.http("POST", path)).status == 405


async def test_each_part_is_sent_as_what_it_is_and_known_again(open_served: OpenServed) -> None:
    served = await open_served("  {}")
    for name in FILES:
        answer = await served.http("GET", f"/console/{name}")
        assert answer.status == 200, name
        assert answer.body == (STATIC / name).read_bytes()
        again = await served.http("GET", f"/console/{name}", [("if-none-match", answer.headers["etag"])])
        assert again.status == 304
    assert (await served.http("GET", "/console/nothing.js")).status == 404
    assert (await served.http("GET", "/console/page.html")).status == 404


@pytest.mark.parametrize(
    ("place", "styles"),
    re.findall(r'import\("\./(\w+\.js)"\), styles: (\[[^]]+\])', (STATIC / "page.js").read_text("utf-8")),
)
def test_what_a_place_loads_is_small(place: str, styles: str) -> None:
    """With the shell; the bytes go over the wire as they are, and once for each release."""
    shell = {"page.html", "icon.svg", "page.css", "colours.css"} | {f"{name}.css" for name in json.loads(styles)}
    loaded = shell | imported("page.js") | imported(place)
    assert sum(len((STATIC / name).read_bytes()) for name in loaded) < MOST


def test_the_whole_is_bounded() -> None:
    assert sum(len((STATIC / name).read_bytes()) for name in FILES) < WHOLE


def imported(name: str) -> set[str]:
    """A module with all that it imports before it runs."""
    found, left = {name}, [name]
    while left:
        more = set(re.findall(r'from "\./([\w.]+)"', (STATIC / left.pop()).read_text("utf-8"))) - found
        found |= more
        left += more
    return found


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
def test_no_text_can_become_markup_or_script(name: str) -> None:
    text = (STATIC / name).read_text("utf-8")
    wrong = re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|javascript:", text
    )
    assert wrong == []
    assert re.findall(r"^(?:<{7}|={7}|>{7})", text, re.MULTILINE) == [], "a merge that was not resolved"
    assert re.findall(r"https?://(?!www\.w3\.org/)[\w.]+", text) == [], "a page asks no other host"
