"""Idle connections, which hold a descriptor and have sent nothing, and which of them is evicted when there is no other.

Strategy. A connection is idle as long as it owes us something: a TLS handshake, the head of a request, its body, or
another request after an answer. Those that come when half of the room is taken are kept by network, and when nothing is
left one of them is evicted: the oldest of the most crowded network, since one that came a moment ago is about to send.
A wide network may be as crowded as several addresses: a /24 as two, a /16 as four. Behind a proxy all have one address,
and the oldest is evicted.

Nothing here is searched for: each network stands in a list by its number of members, which changes by one at a time.
What has an order is an OrderedDict, whose first key is found at once, however many there were before it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from uvicorn.server import ServerState

from jackfield.addresses import networks
from jackfield.server.observe.throttled import GAVE_WAY
from jackfield.server.wire import guards

__all__ = ["Evictable", "IdleConnections", "SharedState"]


class Evictable(Protocol):
    """A connection that may be idle."""

    @property
    def address(self) -> str:
        """The client's address."""

    def evict(self) -> None:
        """Called once, when others need its descriptor: it is to be closed at once."""


class _Level:
    """Idle connections by networks of one width."""

    def __init__(self) -> None:
        self._members: dict[str, OrderedDict[Evictable, None]] = {}
        self._by_size: list[OrderedDict[str, None]] = []  # those with one of them, with two, and so on

    @property
    def most(self) -> int:
        """How many the most crowded network has."""
        return len(self._by_size)

    def add(self, network: str, one: Evictable) -> None:
        members = self._members.setdefault(network, OrderedDict())
        if members:
            del self._by_size[len(members) - 1][network]
        members[one] = None
        if len(members) > len(self._by_size):
            self._by_size.append(OrderedDict())
        self._by_size[len(members) - 1][network] = None

    def discard(self, network: str, one: Evictable) -> None:
        members = self._members[network]
        del self._by_size[len(members) - 1][network]
        del members[one]
        if members:
            self._by_size[len(members) - 1][network] = None
        else:
            del self._members[network]
        while self._by_size and not self._by_size[-1]:
            self._by_size.pop()

    def oldest(self) -> Evictable:
        """The oldest connection of the most crowded network."""
        return next(iter(self._members[next(iter(self._by_size[-1]))]))


class IdleConnections:
    """The idle connections of one server."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: OrderedDict[Evictable, tuple[str, ...]] = OrderedDict()
        self._levels: list[_Level] = []  # the narrowest first

    def begin(self, one: Evictable, among: int) -> None:
        """One of `among` connections is idle from now on."""
        self.count += 1
        if among <= guards.most_in_all() // 2:
            self._kept[one] = ()
            return
        self._kept[one] = path = networks(one.address)[::-1]
        while len(self._levels) < len(path):
            self._levels.append(_Level())
        for level, network in zip(self._levels, path, strict=False):
            level.add(network, one)

    def end(self, one: Evictable) -> None:
        """It has sent what it owed, or is gone."""
        self.count -= 1
        self._forget(one)

    def make_room(self, newcomer: Evictable, among: int) -> bool:
        """Whether `among` connections have room; where not, an idle one is evicted for `newcomer`."""
        most = guards.most_in_all()
        if among <= most:
            return True
        evicted = self._of_most_crowded_network()
        if evicted is newcomer:
            evicted = next(iter(self._kept))  # from before there were many
        if evicted is newcomer:
            return False
        self._forget(evicted)
        GAVE_WAY.warn(most=most, fix=guards.MORE_ROOM)
        evicted.evict()
        return True

    def _of_most_crowded_network(self) -> Evictable:
        crowds = [(level.most / (1 << wide), -wide) for wide, level in enumerate(self._levels)]
        return self._levels[-max(crowds)[1]].oldest()

    def _forget(self, one: Evictable) -> None:
        for level, network in zip(self._levels, self._kept.pop(one, ()), strict=False):
            level.discard(network, one)


class SharedState(ServerState):
    """What uvicorn's protocols of one server share, with the idle ones, whatever listener they came by."""

    def __init__(self) -> None:
        super().__init__()
        self.idle = IdleConnections()
