r"""Regular expressions that clients' texts meet: which ones are taken, and what asks them.

Strategy. A backtracking engine, Python's `re` for one, can need hours for thirty letters, so no text of a client's
meets it with a pattern of a project's. All of them run in the engine behind JSON Schema (Rust's `regex`), which goes
through a text once and never back: its time is that of the text's length, times at most the pattern's size, which is
bounded as well. What this engine does not have, or reads otherwise than Python and JSON Schema do, is refused at load.

A pattern means what JSON Schema 2020-12 says (core, section 6.4; ECMA-262): it is looked for anywhere in the text, `$`
is the very end of the text, `\d` and `\w` are ASCII. Where Python means something else docs/processes.md says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import jsonschema_rs

from jackfield.schema.walk import walk

__all__ = [
    "BASE64",
    "DECIMAL",
    "NOT_OURS",
    "NUMBER",
    "OPTIONS",
    "SIZE",
    "SPAN",
    "TIME",
    "WHOLE",
    "Misfit",
    "check",
    "in_schema",
    "matcher",
    "sentence",
    "text_for",
]

SIZE = 128 * 1024
"""Bytes that a pattern may have once it is compiled. `a{1000}` takes the room of a thousand letters."""

OPTIONS = jsonschema_rs.RegexOptions(size_limit=SIZE)
"""The engine, for every validator that is made of a schema."""

DECIMAL = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
"""The pattern of a Decimal."""

BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
"""The pattern of bytes."""

TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?"
"""What the pattern of a time begins with; an offset may follow."""

WHOLE = r"^(0|-?[1-9][0-9]*|-0)$"
"""The pattern of a key that is a whole number."""

NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
"""The pattern of a key that is a number."""

SPAN = (
    "^([0-9]{1,6}s"
    "|([0-4]?[0-9]{1,5}|5[01][0-9]{4}|52[0-4][0-9]{3}|525[0-5][0-9]{2}|525600)m"
    "|([0-7]?[0-9]{1,3}|8[0-6][0-9]{2}|87[0-5][0-9]|8760)h"
    "|([0-2]?[0-9]{1,2}|3[0-5][0-9]|36[0-5])d)$"
)
"""The pattern of a time with its unit, up to a year."""

NOT_OURS = r"^[^$]|^$"
"""The pattern of a key that is none of Jackfield's own."""

_OURS = {
    # patterns that we made of types are described by what they mean
    DECIMAL: 'must be a number, like 12.5 or "12.50"',
    BASE64: 'must be bytes in base64 (RFC 4648, section 4), like "0J/RgNC40LLQtdGC"',
    TIME + "$": 'must be a time of day without offset, like "12:30:00"',
    WHOLE: "must be a whole number",
    NUMBER: "must be a number",
    NOT_OURS: "may not begin with $",
    SPAN: 'must be a time with its unit, like "30s", "10m", "12h" or "7d", a year (365d) at most',
}
_OF_TIME = 'must be a time of day with an offset, like "12:30:00Z" or "12:30:00+03:00"'

_ASCII = re.compile(r"\\[wWdD]")
_SHOWN = 60  # characters of a pattern that a message shows

_PIECE = re.compile(
    r"""
      \\(?:[pPxu]\{[^}]*\}|[bB]\{[\w-]*\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|c[A-Za-z]|[0-9]+|.)      # an escape
    | \[\^?\]?(?:\\.|[^\\\]])*\]                                                                   # a set
    | \(\?(?:P?<(?![=!])[^>]*>|P=[^)]*\)|<?[=!]|\#[^)]*\)|[A-Za-z-]*[:)]|.)                        # a group's head
    | [*+?]|\{[0-9]+(?:,[0-9]*)?\}                                                                 # a repeat
    | .                                                                                            # any other sign
    """,
    re.DOTALL | re.VERBOSE,
)
_REPEAT = re.compile(r"[*+?]|\{[0-9]+(?:,[0-9]*)?\}")

_REFUSED = "is no regular expression that is taken here"
_BACK = "look-around and \\1 are not taken: a message could make them run for hours"
_LARGE = (
    "a count has the size of all that it repeats; write + or * here, and how long a text may be beside it: "
    "`maxLength` in a schema, `Meta(max_length=…)` in a hint"
)
_BROKEN = "a bracket stands alone, or a sign means nothing where it stands; \\ before a sign takes it as it is"

_ODD = (
    # a piece, and how what it is for can be said; most would pass the engine, and mean something else to some reader
    (re.compile(r"\(\?<?[=!]|\(\?P=|\(\?\(|\\[1-9k]"), _BACK),
    (re.compile(r"\\[AZz]"), "write ^ for the beginning of the text, and $ for its very end"),
    (re.compile(r"\(\?[>#]"), "take it out: nothing here ever goes back, and comments are not taken"),
    (re.compile(r"\(\?P<"), "take the name of the group away"),
    (re.compile(r"\(\?[ims-]++\)"), "put it around what it is for: (?i:…)"),
    (re.compile(r"\(\?[ims-]*+[A-Za-z]"), "of the flags only i, m and s are taken: (?i:…)"),
    (re.compile(r"\\[<>]|\\[bB]\{"), "write < and > without \\, and only \\b for the edge of a word"),
    (re.compile(r"\\U|\\x\{|\\[pP](?!\{)"), "write \\u0416 for a letter by its number, and \\p{L} with { and }"),
    (re.compile(r"\\0|\[(?:\\.|[^\\])*?\\0"), "write \\x00 for a character by its number, in hexadecimal"),
    (re.compile(r"\[(?:\\.|[^\\])*?\\b"), "write \\x08 for a backspace; in a set there is no edge of a word"),
    (re.compile(r"\[(?:\\.|[^\\])*?\\(?:[wWdDsS]|[pP]\{[^}]*\})-[^\]]"), "write \\- for - in a set"),
    (re.compile(r"\[\^?\]"), "write \\] for ] in a set; to allow any character at all, write [\\s\\S]"),
)


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a pattern is refused, and how to mend it."""

    message: str
    hint: str


def check(pattern: str) -> Misfit | None:
    """Why a pattern is not taken, or None for one that `matcher` and every validator can be made of."""
    shown = f'"{pattern if len(pattern) <= _SHOWN else pattern[: _SHOWN - 1] + "…"}"'
    pieces = _PIECE.findall(pattern)
    hint = next((mend for odd, mend in _ODD if any(map(odd.match, pieces))), "")
    if _taken(pattern):
        hint = hint or _doubled(pieces)
    elif "{" in pieces:
        hint = hint or "write \\{ for {, and \\} for }"
    if hint:
        return Misfit(f"{shown} {_REFUSED}", hint)
    if _taken(pattern):
        return None
    unknown = next((escape for escape in _escapes(pieces) if not _taken(escape)), "")
    if unknown:
        return Misfit(f"{shown} {_REFUSED}", f"{unknown} is not known")
    if _is_written_well(pattern):
        return Misfit(f"{shown} is too large for a regular expression", _LARGE)
    return Misfit(f"{shown} {_REFUSED}", _BROKEN)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text holds a pattern, in time linear in the text. Raises ValueError for a pattern not taken."""
    found = check(pattern)
    if found is not None:
        raise ValueError(found.message)
    return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=OPTIONS).is_valid


def sentence(pattern: str, text: str) -> str:
    """The sentence for a text that does not hold a pattern."""
    if pattern == BASE64 and text.startswith("data:"):
        return "must be the base64 alone, without the part of a data: address up to the comma"
    if pattern in _OURS:
        return _OURS[pattern]
    if pattern.startswith(TIME):
        return 'must be a time of day, like "12:30:00"' if pattern.endswith("?$") else _OF_TIME
    ascii_alone = _ASCII.search(pattern) is not None and not text.isascii()
    return f"must match the pattern {pattern}{'; to it only ASCII are letters and digits' if ascii_alone else ''}"


def in_schema(schema: object) -> Iterator[str]:
    """Every pattern in a JSON Schema."""
    for _, part in walk(schema):
        yield from part.get("patternProperties", ())
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]


def _taken(pattern: str) -> bool:
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=OPTIONS)
    except jsonschema_rs.ValidationError:
        return False
    return True


_is_written_well: Callable[[str], bool]
_is_written_well = jsonschema_rs.Draft202012Validator({"format": "regex"}, validate_formats=True).is_valid


def _escapes(pieces: list[str]) -> Iterator[str]:
    """Each escape, as a pattern of its own; one of a set in a set."""
    for piece in pieces:
        if piece[0] == "\\":
            yield piece
        elif piece[0] == "[":
            yield from (f"[{inner}]" for inner in _PIECE.findall(piece[1:-1]) if inner[0] == "\\")


def _doubled(pieces: list[str]) -> str:
    """What to write for a repeat behind a repeat: to Python `a++` never gives back, to the engine it is `(a+)+`."""
    behind = 0  # repeats that stand just before; the second of two is the `?` of `a+?`
    for piece in pieces:
        if _REPEAT.fullmatch(piece) is None:
            behind = 0
        elif behind == 0 or (behind == 1 and piece == "?"):
            behind += 1
        else:
            return f"take {piece} away: a repeat cannot be repeated, and nothing here ever goes back"
    return ""


# a text for a pattern

_SIGNS = "a0A _-.,:;/@#b1б中€\t\n"  # tried for a set or an escape: one of these is in nearly each
_LONGEST = 1_000  # times that anything is repeated
_BEHIND = re.compile(r"\{([0-9]+)(,?)([0-9]*)\}")


def text_for(pattern: str, more: int = 0) -> str:
    """A text that holds `pattern` more often than not; what may be repeated is repeated `more` times besides.

    For other numbers other alternatives and signs are taken. Who needs to be sure asks `matcher`.
    """
    pieces = _PIECE.findall(pattern)
    pieces.reverse()
    parts = []
    while pieces:
        parts.append(_spelled(pieces, more))
        pieces and pieces.pop()  # a bracket that closes nothing
    return "".join(parts)


def _spelled(pieces: list[str], more: int) -> str:
    """A text for what stands before the next closing bracket; the pieces are taken from the end."""
    branches = [""]
    while pieces and pieces[-1] != ")":
        piece = pieces.pop()
        if piece == "|":
            branches.append("")
            continue
        if piece[0] == "(":
            text = _spelled(pieces, more)
            pieces and pieces.pop()
        else:
            signs = _signs(piece)
            text = signs[more % len(signs)]
        if pieces and _REPEAT.fullmatch(pieces[-1]):
            text *= _times(pieces.pop(), more)
            if pieces and pieces[-1] == "?":
                pieces.pop()
        branches[-1] += text
    return branches[more % len(branches)]


def _times(repeat: str, more: int) -> int:
    found = _BEHIND.fullmatch(repeat)
    if found is None:
        return {"*": more, "+": 1 + more, "?": min(1, more)}[repeat]
    least = int(found[1])
    most = int(found[3]) if found[3] else _LONGEST if found[2] else least
    return min(least + more, most, _LONGEST)


@lru_cache(maxsize=1024)
def _signs(piece: str) -> tuple[str, ...]:
    """Characters for one piece, likely ones first, or nothing for one that stands between characters."""
    if piece in ("^", "$", "\\b", "\\B"):
        return ("",)
    if len(piece) == 1 and piece != ".":
        return (piece,)
    number = re.fullmatch(r"\\[xu]\{?([0-9A-Fa-f]+)\}?", piece)
    likely = [chr(int(number[1], 16))] if number and int(number[1], 16) < 0xD800 else []
    fits = jsonschema_rs.Draft202012Validator({"pattern": f"^(?:{piece})$"}, pattern_options=OPTIONS).is_valid
    inner = [one for one in piece[1:-1] if one not in "\\^-"] if piece[0] == "[" else [piece[-1]]
    return tuple(dict.fromkeys(one for one in (*likely, *inner, *_SIGNS) if fits(one))) or ("",)
