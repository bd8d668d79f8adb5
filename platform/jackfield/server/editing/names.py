"""Which files of a project may be edited, by their names alone. Pure.

Strategy: what may be named is listed, and nothing is mended: a name that has two readings on any system (dot segments,
backslashes, drive letters, dots at the end) is refused, so that no later reader sees another file in it than we do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from jackfield.errors import Refusal

__all__ = ["MAIN", "ROOTS", "Kind", "is_table", "kind_of", "placed"]

MAIN = "endpoints.yaml"
ROOTS = ("endpoints", "examples", "processes")

Kind = Literal["yaml", "python", "table", "text"]

_MOST_SEGMENTS = 10
_KINDS: dict[str, Kind] = {"yaml": "yaml", "yml": "yaml", "py": "python"}
# no control or direction sign, nothing that Windows or a shell reads otherwise; `~$` is what an office has open
_SEGMENT = re.compile(
    r"(?!\.|~\$)[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff/\\:*?\"<>|]{1,200}(?<![. ])"
)
_HERE = f"Here are {MAIN} and what is in {', '.join(f'{root}/' for root in ROOTS)}"


def placed(path: str, site: str = "") -> tuple[str, ...]:
    """The segments of a file that may be edited; `site` is the folder that the project's `site` names.

    Raises Refusal `not_found` for every other name, whether or not there is such a file.
    """
    parts = tuple(path.split("/"))
    if _may(parts, site):
        return parts
    where = f"{_HERE} and {site}/, without what is hidden." if site else f"{_HERE}, without what is hidden."
    raise Refusal("not_found", "No file of this name can be edited.", where)


def _may(parts: tuple[str, ...], site: str) -> bool:
    if len(parts) > _MOST_SEGMENTS or not all(map(_SEGMENT.fullmatch, parts)):
        return False
    if any(part.casefold() == "__pycache__" for part in parts):
        return False
    return parts == (MAIN,) or any(_below(parts, root.split("/")) for root in (*ROOTS, *([site] if site else [])))


def _below(parts: tuple[str, ...], root: Iterable[str]) -> bool:
    root = tuple(root)
    return len(parts) > len(root) and parts[: len(root)] == root


def kind_of(path: str) -> Kind:
    """What kind of text a file holds, by its name."""
    if is_table(path):
        return "table"
    name, dot, end = path.rpartition(".")
    return _KINDS.get(end.lower(), "text") if name and dot else "text"


def is_table(path: str) -> bool:
    """Whether a file that may be edited is a table."""
    return path.startswith("processes/") and path.endswith(".csv")
