"""Letters of two alphabets in one word: they look alike, and no name with them is ever found."""

from __future__ import annotations

import re

from jackfield.process.table.faulty import Unfit

__all__ = ["two_alphabets"]

_WORD = re.compile(r"[^\W\d_]{2,64}")
_LATIN, _CYRILLIC = "aAeEoOpPcCxXyiIjJsSTMHBK", "аАеЕоОрРсСхХуіІјЈѕЅТМНВК"
_KINDS = (
    ("Cyrillic", "Latin", str.maketrans(_CYRILLIC, _LATIN)),
    ("Latin", "Cyrillic", str.maketrans(_LATIN, _CYRILLIC)),
)


def two_alphabets(text: str) -> None:
    """Raise Unfit for a Latin word with a Cyrillic letter that looks like a Latin one, or the other way round."""
    for word in _WORD.findall(text):
        for strange, own, to_own in _KINDS:
            better = word.translate(to_own)
            if better == word or not (better.isascii() if own == "Latin" else _is_cyrillic(better)):
                continue
            if all(ord(letter) in to_own for letter in word):
                continue  # all of it is of one alphabet
            at = next(at for at, letter in enumerate(word) if letter != better[at])
            message = f"letter {at + 1} of `{word}` is a {strange} {word[at]}, which looks like the {own} one"
            raise Unfit(message, f"write `{better}` in {own} letters alone")


def _is_cyrillic(word: str) -> bool:
    return all("\u0400" <= letter <= "\u04ff" for letter in word)
