"""Who holds a descriptor and has said nothing, and who of them gives it up when there is no other.

Strategy. A connection is silent as long as it owes us something: a TLS handshake, the head of a request, its body, or
another request after an answer. Those who come when half of the room is taken are kept by network, and when nothing is
left one of them gives way: the oldest of the most crowded network, for whoever came a moment ago is about to speak. A
wide network may be as crowded as several addresses: a /24 as two, a /16 as four. Behind a proxy all have one address,
and it is simply the oldest that goes.

Nothing here is searched for: each network stands in a list by its number of people, which changes by one at a time.
What has an order is an OrderedDict, whose first key is found at once, however many there were before it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from uvicorn.server import ServerState

from jackfield.addresses import networks
from jackfield.server.observe.throttled import GAVE_WAY
from jackfield.server.wire import guards

__all__ = ["Connected", "Silence", "Silent"]


class Silent(Protocol):
    """A connection that may be silent."""

    @property
    def address(self) -> str:
        """Where it comes from."""

    def give_way(self) -> None:
        """Called once, when others need its descriptor: it is to be closed at once."""


class _Level:
    """The silent ones by networks of one width."""

    def __init__(self) -> None:
        self._people: dict[str, OrderedDict[Silent, None]] = {}
        self._by_size: list[OrderedDict[str, None]] = []  # those with one of them, with two, and so on

    @property
    def most(self) -> int:
        """How many the most crowded network has."""
        return len(self._by_size)

    def add(self, network: str, one: Silent) -> None:
        people = self._people.setdefault(network, OrderedDict())
        if people:
            del self._by_size[len(people) - 1][network]
        people[one] = None
        if len(people) > len(self._by_size):
            self._by_size.append(OrderedDict())
        self._by_size[len(people) - 1][network] = None

    def discard(self, network: str, one: Silent) -> None:
        people = self._people[network]
        del self._by_size[len(people) - 1][network]
        del people[one]
        if people:
            self._by_size[len(people) - 1][network] = None
        else:
            del self._people[network]
        while self._by_size and not self._by_size[-1]:
            self._by_size.pop()

    def oldest(self) -> Silent:
        """The one that is here longest of the most crowded network."""
        return next(iter(self._people[next(iter(self._by_size[-1]))]))


class Silence:
    """The silent connections of one server."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: OrderedDict[Silent, tuple[str, ...]] = OrderedDict()
        self._levels: list[_Level] = []  # the narrowest first

    def begin(self, one: Silent, among: int) -> None:
        """One of so many connections is silent from now on."""
        self.count += 1
        if among <= guards.most_in_all() // 2:
            self._kept[one] = ()
            return
        self._kept[one] = path = networks(one.address)[::-1]
        while len(self._levels) < len(path):
            self._levels.append(_Level())
        for level, network in zip(self._levels, path, strict=False):
            level.add(network, one)

    def end(self, one: Silent) -> None:
        """It has spoken, or is gone."""
        self.count -= 1
        self._forget(one)

    def make_room(self, newcomer: Silent, among: int) -> bool:
        """Whether so many connections have room; where not, one of the silent gives way to the newest of them."""
        most = guards.most_in_all()
        if among <= most:
            return True
        goes = self._of_the_most_crowded()
        if goes is newcomer:
            goes = next(iter(self._kept))  # from before there were many
        if goes is newcomer:
            return False
        self._forget(goes)
        GAVE_WAY.warn(most=most, fix=guards.MORE_ROOM)
        goes.give_way()
        return True

    def _of_the_most_crowded(self) -> Silent:
        crowds = [(level.most / (1 << wide), -wide) for wide, level in enumerate(self._levels)]
        return self._levels[-max(crowds)[1]].oldest()

    def _forget(self, one: Silent) -> None:
        for level, network in zip(self._levels, self._kept.pop(one, ()), strict=False):
            level.discard(network, one)


class Connected(ServerState):
    """What uvicorn's protocols of one server share, and who of them is silent, whatever listener they came by."""

    def __init__(self) -> None:
        super().__init__()
        self.silence = Silence()
