"""Which known word was meant by an unknown one. Every "did you mean" of the package is made here."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "nearest"]

_LONGEST = 64  # comparing takes the product of the lengths


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known word that looks most like `word`, or an empty text. `cutoff` goes from 0, anything, to 1, the same."""
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=cutoff)), "")


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """`did you mean "x"?`, or an empty text where no word is near. Case makes no difference, long words have none."""
    if len(word) > _LONGEST:
        return ""
    lower = {one.lower(): one for one in known}
    near = nearest(word.lower(), lower, cutoff)
    return f'did you mean "{lower[near]}"?' if near else ""
