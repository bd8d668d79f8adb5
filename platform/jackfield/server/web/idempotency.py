"""`Idempotency-Key`: a request that is sent again, because its answer was lost, is answered again and acts once.

As draft-ietf-httpapi-idempotency-key-header has it. Kept in memory: a restart forgets, and so does room for others.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jackfield.clocks import watched
from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.server.request import Request

__all__ = ["KEPT", "LASTS", "LONGEST", "Idempotency"]

KEPT = 10_000
"""Answers that are kept; beyond it the oldest go."""

LASTS = 600.0
"""Seconds for which an answer is given again."""

LONGEST = 255
"""Characters of an Idempotency-Key."""

_TEXT = re.compile(rf"[!-~]{{1,{LONGEST}}}")
_Key = tuple[str, str, bytes, bytes, str]


@dataclass(slots=True)
class _Kept:
    """A request that acts, or has acted at `at` with this answer."""

    body: bytes  # its hash
    at: float
    answer: Mapping[str, Any] | None = None


class Idempotency:
    """The answers of one node. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._now = watched(clock).steady
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()

    async def once(
        self, request: Request, caller: Identity, body: bytes, act: Callable[[], Awaitable[Mapping[str, Any]]]
    ) -> Mapping[str, Any]:
        """The answer of `act`, which is called once for a key of this caller at this address.

        What it raises is not kept: nothing was done then. Raises Refusal `idempotency_conflict`: 422 for the key of
        another body, 409 while the first is still at work; `invalid_request` for what can be no key.
        """
        given = request.values(b"idempotency-key")
        if not given:
            return await act()
        key = _key(given, request, caller)
        self._forget()
        hashed = hashlib.sha256(body).digest()
        found = self._kept.get(key)
        if found is None:
            return await self._first(key, hashed, act)
        if found.body != hashed:
            raise Refusal("idempotency_conflict", "This Idempotency-Key came with another body before.", status=422)
        if found.answer is None:
            raise Refusal("idempotency_conflict", "The first request with this key is not done yet.", retry_after=1)
        return found.answer

    async def _first(
        self, key: _Key, body: bytes, act: Callable[[], Awaitable[Mapping[str, Any]]]
    ) -> Mapping[str, Any]:
        kept = self._kept[key] = _Kept(body, self._now())
        try:
            kept.answer = await act()
        except BaseException:
            if self._kept.get(key) is kept:
                del self._kept[key]
            raise
        return kept.answer

    def _forget(self) -> None:
        """Drop what is over, and make room for one."""
        before = self._now() - LASTS
        while self._kept and (len(self._kept) >= KEPT or next(iter(self._kept.values())).at <= before):
            self._kept.popitem(last=False)


def _key(given: list[str], request: Request, caller: Identity) -> _Key:
    (text, *more) = given
    if more or not _TEXT.fullmatch(text):
        detail = f"An Idempotency-Key is one text of 1 to {LONGEST} letters, digits and signs of ASCII."
        raise Refusal("invalid_request", detail, "Send a UUID, a new one for each event.")
    authority = caller.session.partition(":")[0] if ":" in caller.session else ""
    return authority, caller.login, request.raw_path, request.query_string, text
