"""Markdown -> HTML for our own pages. Tags in a text are shown as text, and no link leads to a script."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from jackfield.describe.documents.markdown import Anchors

__all__ = ["html"]


def html(text: str) -> str:
    """The body of a page: CommonMark with tables, each heading with the anchor that `#links` in the text name."""
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    return str(parser.render(text, {"anchors": Anchors()}))


class _Renderer(RendererHTML):
    """Gives headings their anchors, in the order in which they come."""

    def heading_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        """A heading's first tag; called by the parser."""
        inline = tokens[index + 1].children or []
        tokens[index].attrSet("id", env["anchors"].of("".join(part.content for part in inline)))
        return self.renderToken(tokens, index, options, env)
