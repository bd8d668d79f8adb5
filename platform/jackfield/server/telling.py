"""What may be told of a request's path and origin: not the secret that somebody put there by mistake. Pure.

Strategy. A query string is never told. Neither is one whose `?` was encoded, or what stands behind a `;`, for that
is where a credential goes when a person copies it to the wrong place; nor a value behind a `=`, a part that is built
like a token, or what an Origin header has besides scheme, host and port.
"""

from __future__ import annotations

import re

__all__ = ["LONGEST", "origins", "path"]

LONGEST = 200
"""Characters of a path or an origin that are kept and logged."""

_BEHIND = re.compile(r"(?:[?;#]|%3[BbFf]|%23).*", re.DOTALL)
_VALUE = re.compile(r"(=|%3[Dd])[^/]+")
_TOKEN = re.compile(r"(?<![\w~%-])[\w~%-]++(?:\.[\w~%-]++){2,}", re.ASCII)  # three parts and more, as tokens have
_SHORTEST_TOKEN = 40
_ORIGIN = re.compile(r"(\w[\w+.-]*://)(?:[^/?#]*@)?([^/?#]*)(.*)", re.DOTALL)


def path(raw: str) -> str:
    """A path as it may be told."""
    told = _VALUE.sub(r"\1…", _BEHIND.sub("…", raw))
    return _TOKEN.sub(lambda found: "…" if len(found[0]) >= _SHORTEST_TOKEN else found[0], told)[:LONGEST]


def origins(values: list[str] | tuple[str, ...]) -> str:
    """The values of the header Origin, of which there should be one."""
    return ", ".join(map(_origin, values))[:LONGEST] if values else ""


def _origin(value: str) -> str:
    found = _ORIGIN.fullmatch(value)
    if found is None:
        return path(value)
    return found[1] + found[2] + ("…" if found[3] else "")
