"""Limits and rights in plain English."""

from __future__ import annotations

from dataclasses import fields

import pytest

from jackfield.config.plan import Limits, Origins
from jackfield.describe import phrases
from jackfield.describe.documents import rendered


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.5, "500 ms"), (1.5, "1.5 s"), (30, "30 s"), (90, "90 s"), (300, "5 min"), (43200, "12 h")]
)
def test_times(seconds: float, text: str) -> None:
    assert phrases.span(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(65536, "64 KiB"), (1048576, "1 MiB"), (1000, "1,000 bytes")])
def test_sizes(value: int, text: str) -> None:
    assert phrases.size(value) == text


def test_each_limit_that_is_on_has_a_sentence() -> None:
    off = {field.name: 1 for field in fields(Limits) if field.default is None}
    every = Limits(**off, concurrency=2)  # type: ignore[arg-type]  # mypy gives each field of the mapping every type
    assert phrases.limits(every).keys() == {field.name for field in fields(Limits)} - {"slow_consumer", "when_full"}
    assert phrases.limits(Limits(rate=None, ping=None)).keys() == {
        "message",
        "time",
        "connections",
        "per_user",
        "queue",
    }
    assert "oldest events" in phrases.limits(Limits(slow_consumer="drop_oldest"))["queue"]


def test_pages() -> None:
    assert phrases.pages(Origins()) == "Pages of the server's own origin may open it; what is no browser may, too."
    assert phrases.pages(Origins(any=True, required=True)) == "Pages of every origin may open it; nothing else may."
    assert "`https://a` or `https://b`" in phrases.pages(Origins(allowed=("https://a", "https://b")))


@pytest.mark.parametrize(
    ("text", "written"),
    [("a", "`a`"), ("a`b", "`` a`b ``"), ("``", "``` `` ```"), ("a\nb", "`a b`"), ("", "`  `"), ("{x}", "`{x}`")],
)
def test_code(text: str, written: str) -> None:
    assert phrases.code(text) == written


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("", ""),
        ("```\na\n```", ""),
        ("``` js\na", "\n```"),
        ("````\n```\na", "\n````"),
        ("~~~\n```\n~~~\n", ""),
        ("   ~~~\na", "\n~~~"),
        ("``` a ``` is code in a line", ""),
        ("    ```", ""),
    ],
)
def test_a_forgotten_fence_is_closed(text: str, more: str) -> None:
    assert phrases.closed(text) == text + more
    page = rendered.html(f"{phrases.closed(text)}\n\nAfter")
    assert page.endswith("<p>After</p>\n")
