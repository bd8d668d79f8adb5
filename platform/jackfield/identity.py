"""The identity of a caller, as the credential gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

__all__ = ["ADMIN", "ANONYMOUS", "EDITOR", "NO_CLAIMS", "OF_KEYS", "OF_VISITORS", "PUBLISHER", "Claims", "Identity"]

ADMIN = "admin"
"""The role that administers: it exists without being declared, changes users, and reads what is not public."""

EDITOR = "editor"
"""The role that changes tables and publishes them where `serve --edit` is given; it exists without being declared."""

OF_KEYS = "key:"
"""What the login and the session of a caller with a service key begin with, and no other login does."""

OF_VISITORS = "~"
"""What the id of a caller begins with who is not logged in."""

PUBLISHER = "publisher"
"""The role that sends events from outside, to groups and to users; it exists without being declared."""


_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Claims(Mapping[str, Any]):
    """What a credential says of its caller: read-only, the JSON `text` of an object.

    It is kept as bytes, which cost an idle connection least, and decoded at each look: what is read there is a copy.
    It shows none of itself in a log.
    """

    __slots__ = ("_text",)

    def __init__(self, text: bytes) -> None:
        self._text = text

    def __getitem__(self, name: str) -> Any:
        return _decode(self._text)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_decode(self._text))

    def __len__(self) -> int:
        return len(_decode(self._text))

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Claims) else super().__eq__(other)

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"<{len(self)} claims>"


NO_CLAIMS = Claims(b"{}")
"""Those of a caller whose credential says nothing but who it is."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Login, roles and session of a caller.

    `session` is the public id of the session (safe to log), `expires_at` seconds since the epoch or None. `name` is
    what people call the caller, which others may see; "" where nobody said it. `claims` are what a token says, or what
    the project's own function adds, at most 4 KiB of JSON; they are neither logged nor shown to others.
    """

    login: str
    roles: frozenset[str] = frozenset()
    session: str = ""
    expires_at: float | None = None
    name: str = ""
    claims: Mapping[str, Any] = field(default=NO_CLAIMS, repr=False, hash=False)

    @property
    def shown(self) -> str:
        """The login by which others know the caller; "" for nobody, and for a service key."""
        return "" if self.session.startswith(OF_KEYS) else self.login

    def __bool__(self) -> bool:
        return bool(self.login)


ANONYMOUS = Identity("")
"""The identity of a caller who is not logged in; false in a condition."""
