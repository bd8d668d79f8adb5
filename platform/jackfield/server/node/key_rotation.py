"""Other secret keys without a restart: SIGHUP has them read again."""

from __future__ import annotations

import asyncio

from jackfield.auth.tokens import Tokens
from jackfield.logs import log
from jackfield.state import State, StateError

__all__ = ["Rotation"]


class Rotation:
    """Takes the keys of a state folder over into the tokens of a running server.

    No socket is closed: a key says that a token is ours, and only the store says whether its session lives.
    """

    def __init__(self, state: State, tokens: Tokens) -> None:
        self._state = state
        self._tokens = tokens

    async def rotate(self) -> bool:
        """Read the keys again; gives whether they are others. Keys with a fault are logged, and the old stay."""
        try:
            keys = await asyncio.to_thread(self._state.keys, make=False)
        except StateError as exc:
            log.error("keys_not_rotated", reason=str(exc))
            return False
        changed = self._tokens.rotate(keys)
        if changed:
            log.info("keys_rotated", keys=len(keys))
        return changed
