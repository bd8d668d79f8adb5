"""Lists as pages: what the query of a request says, and the items that it asks for."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from jackfield.errors import Refusal
from jackfield.server.web.json_api import Asked

__all__ = ["LONGEST_SEARCH", "MAX_PAGE", "PAGE", "limit_of", "not_next", "page_of", "query", "search_of"]

PAGE = 100
"""Items of a list, where nothing is said; of connections MAX_PAGE."""

MAX_PAGE = 200
"""Items of a list at most."""

LONGEST_SEARCH = 200
"""Characters of what is searched for."""

T = TypeVar("T")


def query(asked: Asked, *known: str) -> Mapping[str, str]:
    """The query parameters, of those that the address knows."""
    given = asked.request.query
    if not given.keys() <= set(known):
        takes = f"the parameters {', '.join(known)}" if known else "no parameters"
        raise Refusal("invalid_request", f"This address takes {takes}; the query has another.", "Leave it out.")
    return given


def page_of(
    found: Iterable[T], given: Mapping[str, str], *, key: Callable[[T], str], most: int = PAGE
) -> tuple[list[T], str | None]:
    """The items after `after` in the order of their keys, `limit` of them; and what the next page is after, or None.

    What is there all the time is in one page, whatever comes and goes between two requests.
    """
    limit, after = limit_of(given, most), given.get("after", "")
    chosen = heapq.nsmallest(limit + 1, (one for one in found if key(one) > after), key=key)
    return chosen[:limit], key(chosen[limit - 1]) if len(chosen) > limit else None


def limit_of(given: Mapping[str, str], usual: int = PAGE) -> int:
    """How many items are asked for. Raises Refusal."""
    text = given.get("limit", str(usual))
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and 0 < int(text) <= MAX_PAGE):
        raise Refusal("invalid_request", f"`limit` is a whole number from 1 to {MAX_PAGE}.", "Correct it in the query.")
    return int(text)


def not_next() -> Refusal:
    """What answers an `after` that no page has as `next`."""
    fix = "Take `next` of the page before, or leave `after` out."
    return Refusal("invalid_request", "`after` is not what `next` of a page says.", fix)


def search_of(given: Mapping[str, str]) -> str:
    """What is searched for, in the form in which texts are compared; "" for nothing. Raises Refusal."""
    text = given.get("search", "")
    if len(text) > LONGEST_SEARCH:
        raise Refusal("invalid_request", f"`search` has at most {LONGEST_SEARCH} characters.", "Search for less.")
    return text.casefold()
