"""Pieces of CommonMark with tables, for the documents that we write in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from markdown_it import MarkdownIt

from jackfield.describe import phrases

__all__ = ["Anchors", "described", "fenced", "plain", "table"]


def plain(text: str) -> str:
    """Text of one line, in which no letter means something to Markdown."""
    return re.sub(r"([\\`*_\[\]<>#|~&])", r"\\\1", " ".join(text.split()))


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; a cell is Markdown of one line, with what divides cells kept out of it."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fenced(text: str, language: str = "") -> str:
    """A block of code, whatever stands in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def described(text: str) -> str:
    """A description whose headings are bold lines, for headings here are endpoints; what it left open is closed."""
    lines = text.splitlines()
    tokens = MarkdownIt("commonmark").parse(text)
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.map and token.level == 0:
            first, last = token.map
            lines[first:last] = [f"**{inline.content}**" if inline.content else "", *[""] * (last - first - 1)]
    return phrases.closed("\n".join(lines))


class Anchors:
    """The names of headings in links, as GitHub makes them: small letters, hyphens, numbers for doubles."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, heading: str) -> str:
        """The name of the next heading."""
        name = re.sub(r"[^\w\- ]", "", " ".join(heading.split()).lower()).replace(" ", "-")
        count = self._seen.get(name, 0)
        self._seen[name] = count + 1
        return f"{name}-{count}" if count else name
