"""A document as a page without a script: the places on the left as in the page itself, the contents below them.

Links are relative, `up` leads from the page to where we are mounted: one text for every prefix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources

from jackfield.describe.documents.rendered import Heading, Rendered
from jackfield.server.web import pages

__all__ = ["TALK", "document_page"]

TALK = "/console/#talk/"
"""The address of what speaks with an endpoint, without its name."""

_SIGNS = dict(
    re.findall(
        r'^  (\w+): "(M[^"]+)",$',
        (resources.files("jackfield.server.web") / "static" / "dom.js").read_text("utf-8"),
        re.MULTILINE,
    )
)
"""The lines of our own signs, which are written down there."""

_PLACES = ("talk", "processes", "live", "people", "reference")
_VIEWS = {"/docs/reference": "Reference", "/asyncapi": "AsyncAPI", "/docs": "Swagger UI"}
_FILES = ("/asyncapi.json", "/asyncapi.yaml", "/openapi.json")


def document_page(title: str, document: Rendered, *, at: str, up: str) -> str:
    """The page of `document`, which stands `at` one of _VIEWS."""
    places = "".join(_place(name, up) for name in _PLACES)
    links = [_link(up + path, word, path == at) for path, word in _VIEWS.items()]
    links += [_link(up + path, path[1:]) for path in _FILES]
    body = f"""<body class="for-document">
<a class="skip" href="#main">To the content</a>
<header class="left"><a class="title" href="{up}/console/">{escape(title)}</a>
<nav class="places" aria-label="Places">{places}</nav>
<div class="side"><nav aria-label="Contents">{"".join(_contents(document.headings))}</nav></div></header>
<main class="document" id="main" tabindex="-1"><nav class="views" aria-label="Documents">{"".join(links)}</nav>
<article>{document.body}</article></main>
</body>"""
    return pages.page(title, body, up, styles=("page", "document"))


def _place(name: str, up: str) -> str:
    current = name == "reference"
    lines = f'<path d="{_SIGNS[name]}"/>'
    sign = f'<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">{lines}</svg>'
    where = f"{up}/docs/reference" if current else f"{up}/console/#{name}"
    return _link(where, f"{sign}<span>{name.capitalize()}</span>", current, "place")


def _link(where: str, content: str, current: bool = False, style: str = "") -> str:
    """A link; `content` is HTML."""
    more = f' class="{style}"' if style else ""
    more += ' aria-current="page"' if current else ""
    return f'<a{more} href="{escape(where)}">{content}</a>'


def _contents(headings: Sequence[Heading]) -> Iterator[str]:
    """Headings of the third level below those of the second; one that has none below it is a line itself."""
    shown = [one for one in headings if one.level in (2, 3)]
    for place, one in enumerate(shown):
        above_others = one.level == 2 and shown[place + 1 : place + 2] != [] and shown[place + 1].level == 3
        apart = one.level == 2 and place > 0 and shown[place - 1].level == 3
        link = _link(
            f"#{one.anchor}", escape(one.text), style="" if above_others else "item apart" if apart else "item"
        )
        yield f"<h3>{link}</h3>" if above_others else link
