"""This node's connections: the members of each endpoint, and how many there are of each user and address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from jackfield.identity import Identity

__all__ = ["Hub", "Member"]

_K = TypeVar("_K")


class Member(Protocol):
    """One accepted connection, as the hub sees it. Implemented by the conversation."""

    @property
    def endpoint(self) -> str:
        """The endpoint's name; read by the hub when it counts."""

    @property
    def identity(self) -> Identity:
        """The identity of the client; read by the hub when it counts and searches."""

    @property
    def address(self) -> str:
        """The address that it is counted by, or "" where addresses are not; it never changes."""


_M = TypeVar("_M", bound=Member)


class Hub(Generic[_M]):
    """The seats of one node, by the kind of member that the server has. All calls belong on the event loop's thread."""

    def __init__(self) -> None:
        self._members: dict[_M, tuple[str, str, str]] = {}
        """Each with the endpoint, login and address that its seat was counted by, whatever it says of itself later."""
        self._of: dict[str, dict[_M, None]] = {}
        """Those of each login, in the order of their seats."""
        self._per_endpoint: Counter[str] = Counter()
        self._per_user: Counter[tuple[str, str]] = Counter()
        self._per_address: Counter[tuple[str, str]] = Counter()

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[_M]:
        return iter(tuple(self._members))

    def seat(self, member: _M) -> None:
        """Take a seat. Done in the step that admits, so that a revocation during the accept is not lost."""
        endpoint, address = member.endpoint, member.address
        login = member.identity.login if member.identity else ""
        self._members[member] = (endpoint, login, address)
        self._per_endpoint[endpoint] += 1
        if login:
            self._per_user[endpoint, login] += 1
            self._of.setdefault(login, {})[member] = None
        if address:
            self._per_address[endpoint, address] += 1

    def leave(self, member: _M) -> None:
        """Give the seat back; a second call does nothing."""
        endpoint, login, address = self._members.pop(member, ("", "", ""))
        if endpoint:
            _lower(self._per_endpoint, endpoint)
        if login:
            _lower(self._per_user, (endpoint, login))
            del self._of[login][member]
            if not self._of[login]:
                del self._of[login]
        if address:
            _lower(self._per_address, (endpoint, address))

    def of(self, login: str) -> Sequence[_M]:
        """The members of one login; costs no more than these are many. None are nobody's, of the login ""."""
        return tuple(self._of.get(login, ()))

    def count(self, endpoint: str) -> int:
        """Connections of one endpoint on this node."""
        return self._per_endpoint[endpoint]

    def count_of(self, endpoint: str, login: str) -> int:
        """Connections of one user to one endpoint on this node."""
        return self._per_user[endpoint, login]

    def count_from(self, endpoint: str, address: str) -> int:
        """Connections of one address to one endpoint on this node, of those that have an address."""
        return self._per_address[endpoint, address]


def _lower(counter: Counter[_K], key: _K) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
