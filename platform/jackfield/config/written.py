"""Values -> lines of YAML as people write them in endpoints.yaml, to be put between the lines of others.

Strategy: texts are in double quotes, whose escapes are those of JSON, so that no letter in them means anything to YAML.
Mappings that fit into a line are `{…}`, as the documents show them; what does not fit is opened, a key to a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jackfield.config.scalars import resolve

__all__ = ["WIDTH", "Style", "entry", "flow", "item"]

WIDTH = 100
"""Columns of a line above which a mapping or a list in it is opened."""

_WORD = re.compile(r"/?[A-Za-z][A-Za-z0-9_./-]*")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# What source.py takes in no file, and the line breaks of other alphabets, which JSON leaves as they are.
_ESCAPED = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is written: columns that a mapping is indented by, those of a list's dashes, the words that are bare.

    With `bare` a text that YAML reads as itself has no quotes: names, paths and choices; what people say always has.
    With `json` keys have quotes as well.
    """

    indent: int = 2
    dashes: int = 2
    bare: bool = False
    json: bool = False


def entry(key: str, value: Any, column: int, style: Style, opened: int = 0) -> Iterator[str]:
    """The lines of a key and its value, without line ends; `opened` levels of mappings are opened even where they fit.

    Lists of mappings are opened on one level more. Raises ValueError for a number that JSON does not have.
    """
    pad, name = " " * column, _key(key, style)
    line = f"{pad}{name}: {flow(value, style, url=key == 'url')}"
    if _fits(value, line, opened):
        yield line
        return
    yield f"{pad}{name}:"
    if isinstance(value, Mapping):
        for below, one in value.items():
            yield from entry(below, one, column + style.indent, style, opened - 1)
    else:
        for one in value:
            yield from item(one, column + style.dashes, style, opened)


def item(value: Any, column: int, style: Style, opened: int = 0) -> Iterator[str]:
    """The lines of one item of a list whose dashes stand at `column`, as `entry` has them."""
    pad = " " * column
    if not isinstance(value, Mapping) or not value:
        yield f"{pad}- {flow(value, style)}"
        return
    lines = [line for key, one in value.items() for line in entry(key, one, column + 2, style, opened - 1)]
    yield f"{pad}- {lines[0].lstrip()}"
    yield from lines[1:]


def flow(value: Any, style: Style, *, url: bool = False) -> str:
    """A value in one line. With `url` braces are bare: they mean nothing but at the begin of a value."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key, style)}: {flow(one, style)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(one, style) for one in value) + "]"
    if isinstance(value, str):
        is_bare = style.bare and not style.json and _is_bare(value, url=url)
        return value if is_bare else quoted(value)
    return json.dumps(value, allow_nan=False)


def quoted(text: str) -> str:
    """A text in double quotes."""
    return _ESCAPED.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json.dumps(text, ensure_ascii=False))


def _fits(value: Any, line: str, opened: int) -> bool:
    if not isinstance(value, Mapping | list | tuple) or not value:
        return True
    if isinstance(value, Mapping):
        return opened <= 0 and len(line) <= WIDTH
    is_opened = opened >= 0 and all(isinstance(one, Mapping) for one in value)
    return not is_opened and len(line) <= WIDTH


def _key(key: str, style: Style) -> str:
    return key if not style.json and _KEY.fullmatch(key) and resolve(key) == key else quoted(key)


def _is_bare(text: str, *, url: bool) -> bool:
    plain = re.sub(r"/\{(\w+)\}", r"/\1", text) if url else text
    return _WORD.fullmatch(plain) is not None and resolve(text) == text
