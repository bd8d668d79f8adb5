"""The first user: made by the first `serve` on an empty store and a loopback listener, never elsewhere."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Sessions
from jackfield.auth.store import Store

__all__ = ["LOGIN", "FirstAdmin", "make_first_admin"]

LOGIN = "admin"


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """What is shown once: the random password, and a token of a session that is open already."""

    password: str = field(repr=False)
    token: str = field(repr=False)

    def text(self, cookie: str, address: str, send: str) -> str:
        """The lines to show, with a Postman recipe that is ready to paste."""
        return (
            f"First start: the user {LOGIN} was made.\n"
            f"  login     {LOGIN}\n"
            f"  password  {self.password}\n"
            f"  Cookie: {cookie}={self.token}\n"
            f"\n"
            f"In Postman: New > WebSocket, paste the address\n"
            f"  {address}\n"
            f"under Headers add the key Cookie with the value\n"
            f"  {cookie}={self.token}\n"
            f"press Connect, and send\n"
            f"  {send}\n"
        )


async def make_first_admin(store: Store, passwords: Passwords, sessions: Sessions) -> FirstAdmin | None:
    """Make the user `admin` with the role `admin` in a store without users; None where there are some.

    Of two servers that start at once on one store, one makes it.
    """
    if await store.list():  # spares the work of a hash
        return None
    password = secrets.token_urlsafe(15)
    if await store.add_first(LOGIN, await passwords.hash(password), ["admin"]) is None:
        return None
    opened = await sessions.open_for(LOGIN)
    return FirstAdmin(password, opened.token)
