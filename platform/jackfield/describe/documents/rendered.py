"""Markdown -> HTML for our own pages. Tags in a text are shown as text, and no link leads to a script."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from jackfield.describe.documents.commonmark import Anchors

__all__ = ["Heading", "Rendered", "html", "render"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a document: its level from 1 on, its text, and the anchor that `#links` name."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """The body of a page, and its headings for a list of contents."""

    body: str
    headings: tuple[Heading, ...]


def html(text: str) -> str:
    """The body of a page alone."""
    return render(text).body


def render(text: str) -> Rendered:
    """CommonMark with tables; each heading has the anchor that `#links` in the text name, and leads to itself."""
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    headings: list[Heading] = []
    body = str(parser.render(text, {"anchors": Anchors(), "headings": headings}))
    return Rendered(body, tuple(headings))


class _Renderer(RendererHTML):
    """Gives headings their anchors, in the order in which they come."""

    def heading_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        """A heading's first tag; called by the parser."""
        words = "".join(part.content for part in tokens[index + 1].children or [])
        found = Heading(int(tokens[index].tag[1:]), words, env["anchors"].of(words))
        env["headings"].append(found)
        tokens[index].attrSet("id", found.anchor)
        # letters, digits, - and _ alone are in an anchor
        return f'{self.renderToken(tokens, index, options, env)}<a href="#{found.anchor}">'

    def heading_close(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        """A heading's last tag; called by the parser."""
        return f"</a>{self.renderToken(tokens, index, options, env)}"
