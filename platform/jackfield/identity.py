"""The identity of a caller, as the credential gives it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ADMIN", "ANONYMOUS", "OF_KEYS", "PUBLISHER", "Identity"]

ADMIN = "admin"
"""The role that administers: it exists without being declared, changes users, and reads what is not public."""

OF_KEYS = "key:"
"""What the login and the session of a caller with a service key begin with, and no other login does."""

PUBLISHER = "publisher"
"""The role that sends events from outside, to groups and to users; it exists without being declared."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Login, roles and session of a caller.

    `session` is the public id of the session (safe to log), `expires_at` seconds since the epoch or None.
    """

    login: str
    roles: frozenset[str] = frozenset()
    session: str = ""
    expires_at: float | None = None

    @property
    def shown(self) -> str:
        """The login by which others know the caller; "" for nobody, and for a service key."""
        return "" if self.session.startswith(OF_KEYS) else self.login

    def __bool__(self) -> bool:
        return bool(self.login)


ANONYMOUS = Identity("")
"""The identity of a caller who is not logged in; false in a condition."""
