"""Who the credential says is calling."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ANONYMOUS", "Identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Login, roles and session of a caller.

    `session` is the public id of the session (safe to log), `expires_at` seconds since the epoch or None.
    """

    login: str
    roles: frozenset[str] = frozenset()
    session: str = ""
    expires_at: float | None = None

    def __bool__(self) -> bool:
        return bool(self.login)


ANONYMOUS = Identity("")
"""The identity where nobody is logged in; false in a condition."""
