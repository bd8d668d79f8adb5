"""What a log may tell of a login that was tried: people paste a token or a password into the wrong field."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from jackfield.auth.passwords import MIN_PASSWORD
from jackfield.auth.store.tables import normal_login
from jackfield.errors import Refusal
from jackfield.masking import masked

__all__ = ["LONGEST_TOLD", "Logins"]

LONGEST_TOLD = 64
"""Characters of the longest login that the log tells as it is when it was refused."""

_REMEMBERED = 10_000


class Logins:
    """The logins that somebody has, as far as this process has seen; the last 10,000 of them are remembered.

    `fingerprint` gives a short name for a text, which nobody can turn back.
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

    def told(self, login: str) -> str:
        """A login as it was typed, where a user has it or it is too short to be a password; a hash otherwise.

        Always a hash for what is longer than LONGEST_TOLD or has the shape of a credential. One text has one hash
        until the secret keys are rotated.
        """
        seen = len(login) < MIN_PASSWORD or self._is_known(login)
        if seen and len(login) <= LONGEST_TOLD and masked(login) == login:
            return login
        return f"hash:{self._fingerprint(login)}"

    def _is_known(self, login: str) -> bool:
        try:
            return normal_login(login) in self._known
        except Refusal:
            return False  # nobody can have it
