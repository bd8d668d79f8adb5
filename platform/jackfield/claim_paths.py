r"""The path of a claim in a token, as `auth.jwt.login`, `auth.jwt.roles` and `auth.jwt.name` write it.

Dots lead into mappings; `\.` is a dot in a name, and `\\` a backslash. A path without a backslash may also be the whole
name of a claim, which comes first: providers use addresses as names, `https://desk.example/roles`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

__all__ = ["at", "described", "parts"]

_PIECE = re.compile(r"\\([\\.])|(\.)|([^\\.]+)", re.DOTALL)


@lru_cache(maxsize=64)
def parts(path: str) -> tuple[str, ...]:
    """The names that a path leads through. Raises ValueError for a backslash before anything else."""
    names, at = [""], 0
    while at < len(path):
        found = _PIECE.match(path, at)
        if found is None:
            raise ValueError(r"a backslash stands before a dot that belongs to a name, or before a backslash")
        if found[2]:
            names.append("")
        else:
            names[-1] += found[1] or found[3]
        at = found.end()
    return tuple(names)


def at(claims: Mapping[str, Any], path: str) -> Any:
    """What stands at a path, or None."""
    if path in claims and "\\" not in path:
        return claims[path]
    found: Any = claims
    for name in parts(path):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def described(path: str) -> str:
    """What a path means, as a phrase."""
    first, *others = (json.dumps(name, ensure_ascii=False) for name in parts(path))
    phrase = f"the claim {first}{''.join(f', in it {name}' for name in others)}"
    return f"{phrase}, unless a claim has the whole name" if others and "\\" not in path else phrase
