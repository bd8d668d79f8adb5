"""What a log may show of a login that was tried: a token or a password may have been pasted into the wrong field."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from jackfield.auth.passwords import MIN_PASSWORD
from jackfield.auth.store.tables import login_of
from jackfield.masking import masked

__all__ = ["LONGEST_SHOWN", "Logins"]

LONGEST_SHOWN = 64
"""Characters of a refused login that a log shows."""

_REMEMBERED = 10_000


class Logins:
    """The logins that users have, as far as this process has seen them; the last 10,000 are remembered.

    `fingerprint` gives a short digest of a text, which cannot be reversed.
    """

    def __init__(self, fingerprint: Callable[[str], str]) -> None:
        self._fingerprint = fingerprint
        self._known: OrderedDict[str, None] = OrderedDict()

    def note(self, login: str) -> None:
        """A user has this login."""
        self._known[login] = None
        self._known.move_to_end(login)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def told_apart(self, login: str) -> tuple[str, str]:
        """The login of the user who is meant, "" where none has it, as far as was seen; and a hash of what was typed.

        One login has one hash, in whichever of its spellings, whether a user has it or not.
        """
        name = login_of(login)
        return name if name in self._known else "", self._fingerprint(name or login)

    def shown(self, login: str) -> str:
        """A login as it was typed, where a user has it or it is too short to be a password; a hash otherwise.

        Always a hash for what is longer than LONGEST_SHOWN or has the shape of a credential. One text has one hash
        until the secret keys are rotated.
        """
        seen = len(login) < MIN_PASSWORD or login_of(login) in self._known
        if seen and len(login) <= LONGEST_SHOWN and masked(login) == login:
            return login
        return f"hash:{self._fingerprint(login)}"
