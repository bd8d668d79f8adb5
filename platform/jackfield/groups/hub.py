"""This node's connections: the members of each endpoint, and how many there are of each user and address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from jackfield.groups.names import CONSOLE
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
        self._per_endpoint: dict[str, int] = {}
        self._per_user: dict[tuple[str, str], int] = {}
        self._per_address: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[_M]:
        return iter(tuple(self._members))

    @property
    def clients(self) -> int:
        """How many there are, without the page's own."""
        return len(self._members) - self.count(CONSOLE)

    def newest(self) -> Iterator[_M]:
        """The members without the page's own, those who came last first; nobody may come or leave meanwhile."""
        return (member for member, seat in reversed(self._members.items()) if seat[0] != CONSOLE)

    def seat(self, member: _M) -> None:
        """Take a seat. Done in the step that admits, so that a revocation during the accept is not lost."""
        endpoint, address = member.endpoint, member.address
        login = member.identity.login if member.identity else ""
        self._members[member] = (endpoint, login, address)
        _raise(self._per_endpoint, endpoint)
        if login:
            _raise(self._per_user, (endpoint, login))
        if login and endpoint != CONSOLE:  # which hears nothing that is meant for a user
            self._of.setdefault(login, {})[member] = None
        if address:
            _raise(self._per_address, (endpoint, address))

    def leave(self, member: _M) -> None:
        """Give the seat back; a second call does nothing."""
        endpoint, login, address = self._members.pop(member, ("", "", ""))
        if endpoint:
            _lower(self._per_endpoint, endpoint)
        if login:
            _lower(self._per_user, (endpoint, login))
        if login and endpoint != CONSOLE:
            del self._of[login][member]
            if not self._of[login]:
                del self._of[login]
        if address:
            _lower(self._per_address, (endpoint, address))

    def of(self, login: str) -> Sequence[_M]:
        """The members of one login, but the page's own; costs no more than they are many. None are nobody's, of ""."""
        return tuple(self._of.get(login, ()))

    def count(self, endpoint: str) -> int:
        """Connections of one endpoint on this node."""
        return self._per_endpoint.get(endpoint, 0)

    def count_of(self, endpoint: str, login: str) -> int:
        """Connections of one user to one endpoint on this node."""
        return self._per_user.get((endpoint, login), 0)

    def count_from(self, endpoint: str, address: str) -> int:
        """Connections of one address to one endpoint on this node, of those that have an address."""
        return self._per_address.get((endpoint, address), 0)


def _raise(counts: dict[_K, int], key: _K) -> None:
    counts[key] = counts.get(key, 0) + 1


def _lower(counts: dict[_K, int], key: _K) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
