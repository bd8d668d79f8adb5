"""A request's path, origin and texts as they may be logged: without a secret that was put there. No I/O.

Strategy. A query string is never logged. Neither is one whose `?` was encoded, or what stands behind a `;`, for that
is where a credential goes when a person copies it to the wrong place; nor a value behind a `=`, a part that is built
like a token, what an Origin header has besides scheme, host and port, or anything else that has the shape of a
credential (masking.py), percent-encoded or not, in one part of the path or in several.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jackfield.masking import MASK, masked

__all__ = ["LONGEST", "origins", "path", "sent", "typed"]

LONGEST = 200
"""Characters of a path or an origin that are logged."""

_BEHIND = re.compile(r"(?:[?;#]|%3[BbFf]|%23).*", re.DOTALL)
_VALUE = re.compile(r"(=|%3[Dd])[^/]+")
_TOKEN = re.compile(r"(?<![\w~%-])[\w~%-]++(?:\.[\w~%-]++){2,}", re.ASCII)  # three parts and more, as tokens have
_SHORTEST_TOKEN = 40
_PARTS = re.compile(r"[\s;,&=?/]+")
_ORIGIN = re.compile(r"(\w[\w+.-]*://)(?:[^/?#]*@)?([^/?#]*)(.*)", re.DOTALL)


def path(raw: str) -> str:
    """A path as it may be logged."""
    text = _VALUE.sub(rf"\1{MASK}", _BEHIND.sub(MASK, raw))
    text = _TOKEN.sub(lambda found: MASK if len(found[0]) >= _SHORTEST_TOKEN else found[0], text)
    return masked(text, typed=True)[:LONGEST]


def typed(text: str) -> str:
    """A sentence that holds texts of the client, a refusal's for example, as others may read it."""
    return masked(text, typed=True)


def sent(scope: Mapping[str, Any]) -> list[str]:
    """What a client sent with a request, for a stack that is logged without it; see Log. `scope` is of ASGI."""
    raw = [value for _, value in scope["headers"]] + [scope.get("raw_path") or b"", scope.get("query_string", b"")]
    texts = [scope["path"], *(one.decode("latin-1") for one in raw), *(one.decode("utf-8", "replace") for one in raw)]
    return list(dict.fromkeys(part for text in texts for part in (text, *_PARTS.split(text))))


def origins(values: list[str] | tuple[str, ...]) -> str:
    """The values of the header Origin, of which there should be one."""
    return ", ".join(map(_origin, values))[:LONGEST] if values else ""


@lru_cache(maxsize=64)  # nearly all pages are of one or two origins, and each connection logs its own twice
def _origin(value: str) -> str:
    found = _ORIGIN.fullmatch(value)
    if found is None:
        return path(value)
    return masked(found[1] + found[2], typed=True) + (MASK if found[3] else "")
