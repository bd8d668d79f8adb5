"""The bytes of a file and the text in them, so that what is not changed stays as it was: encoding, mark, line ends."""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["NEW", "Form", "etag_of", "form_of", "pack"]

Encoding = Literal["utf-8", "utf-16-le", "utf-16-be"]

_BREAK = re.compile(r"\r\n|\n")
_WIDE: dict[bytes, Encoding] = {
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@dataclass(frozen=True, slots=True)
class Form:
    """How a text stands in its file. `line_ends` are those of most lines; `bom` is the mark at its begin."""

    encoding: Encoding = "utf-8"
    bom: bool = False
    line_ends: Literal["\n", "\r\n"] = "\n"


NEW = Form()
"""How a new file is written."""


def form_of(data: bytes, *, wide: bool) -> tuple[str, Form]:
    """The text of a file as it stands there, and its form; with `wide` also of UTF-16, as tables may have it.

    Raises ValueError with a sentence: what is no text.
    """
    encoding: Encoding = _WIDE.get(data[:2], "utf-8") if wide else "utf-8"
    mark = codecs.BOM_UTF8 if encoding == "utf-8" else data[:2]
    bom = data.startswith(mark)
    try:
        text = data[len(mark) if bom else 0 :].decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"is not UTF-8: see its line {line}") from None
    if "\0" in text:
        raise ValueError("holds zero bytes, which no text has")
    windows = text.count("\r\n")
    return text, Form(encoding, bom, "\r\n" if windows * 2 > text.count("\n") else "\n")


def pack(text: str, form: Form, *, exact: bool) -> bytes:
    """The bytes of a text in this form. Line ends stay as they are with `exact`, else all become the file's.

    A spreadsheet writes a break within a cell otherwise than one between rows. Raises ValueError with a sentence.
    """
    if "\0" in text:
        raise ValueError("holds a zero byte, which no text has")
    if not exact:
        text = _BREAK.sub(form.line_ends, text)
    mark = "\ufeff" if form.bom else ""
    try:
        return (mark + text).encode(form.encoding)
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which no file can have") from None


def etag_of(data: bytes) -> str:
    """What changes with any byte of a file."""
    return hashlib.sha256(data).hexdigest()[:32]
