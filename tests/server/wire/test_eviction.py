"""Which idle connection is evicted when there is no room: the oldest of the most crowded network, without a search."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from jackfield.addresses import networks
from jackfield.server.wire import guards
from jackfield.server.wire.eviction import IdleConnections

ROOM = 10


class Client:
    """A connection that says nothing."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.evicted = 0

    def evict(self) -> None:
        self.evicted += 1


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> IdleConnections:
    monkeypatch.setattr(guards, "most_in_all", lambda: ROOM)
    return IdleConnections()


def come(here: IdleConnections, *addresses: str) -> list[Client]:
    """So many come, each when there is no room."""
    clients = [Client(address) for address in addresses]
    for one in clients:
        here.begin(one, ROOM + 1)
    return clients


def evicted_for_one_more(here: IdleConnections) -> str:
    """Which one is evicted for one more from elsewhere."""
    newcomer = Client("203.0.113.1")
    here.begin(newcomer, ROOM + 1)
    kept = list(here._kept)
    assert here.make_room(newcomer, ROOM + 1)
    (gone,) = set(kept) - set(here._kept)
    assert isinstance(gone, Client)
    assert gone.evicted == 1
    here.end(newcomer)
    here.end(gone)
    return f"{gone.address} {kept.index(gone)}"


@pytest.mark.parametrize(
    ("addresses", "gone"),
    [
        (["10.0.0.1"], "10.0.0.1 0"),
        (["10.0.0.1", "10.2.0.2", "10.2.0.2"], "10.2.0.2 1"),
        (["10.1.0.1"] * 2 + ["10.2.0.1", "10.2.0.2", "10.2.0.3"], "10.1.0.1 0"),
        (["10.1.0.1"] * 2 + [f"10.2.0.{n}" for n in range(5)], "10.2.0.0 2"),
        (["10.1.0.1"] * 2 + [f"10.2.{n}.1" for n in range(8)], "10.1.0.1 0"),
        (["10.1.0.1"] * 2 + [f"10.2.{n}.1" for n in range(9)], "10.2.0.1 2"),
        (["10.1.0.1"] * 3 + [f"2001:db8:1:{n}00::1" for n in range(9)], "10.1.0.1 0"),
        (["10.1.0.1"] * 2 + [f"2001:db8:1:{n}00::1" for n in range(9)], "2001:db8:1:000::1 2"),
        (["2001:db8:1:2::1", "2001:db8:1:2::2", "10.1.0.1"], "2001:db8:1:2::1 0"),
        (["unix", "unix", "10.1.0.1"], "unix 0"),
    ],
)
def test_the_oldest_of_the_most_crowded_network_is_evicted(
    here: IdleConnections, addresses: Sequence[str], gone: str
) -> None:
    come(here, *addresses)
    assert evicted_for_one_more(here) == gone


def test_one_that_has_sent_something_is_not_evicted(here: IdleConnections) -> None:
    first, second, third = come(here, "10.0.0.1", "10.0.0.1", "10.0.0.1")
    here.end(first)
    assert evicted_for_one_more(here) == "10.0.0.1 0"
    assert (first.evicted, second.evicted, third.evicted) == (0, 1, 0)


def test_nothing_is_evicted_while_there_is_room_or_for_nothing(here: IdleConnections) -> None:
    come(here, "10.0.0.1", "10.0.0.2")
    assert here.make_room(Client("10.0.0.3"), ROOM)
    assert len(here._kept) == 2
    alone = IdleConnections()
    (one,) = come(alone, "10.0.0.1")
    assert not alone.make_room(one, ROOM + 1)
    assert one.evicted == 0


def test_one_that_came_while_half_was_free_is_evicted_after_all_others(here: IdleConnections) -> None:
    early = [Client("10.0.0.1"), Client("10.0.0.1")]
    for one in early:
        here.begin(one, ROOM // 2)
    come(here, "10.0.0.2")
    assert evicted_for_one_more(here) == "10.0.0.2 2"
    assert evicted_for_one_more(here) == "10.0.0.1 0"
    assert early[0].evicted == 1
    assert here.count == 1


def test_however_they_come_and_go_the_counts_are_right(here: IdleConnections) -> None:
    chance = random.Random(11)
    clients: list[Client] = []
    for _ in range(3_000):
        if clients and chance.random() < 0.48:
            here.end(clients.pop(chance.randrange(len(clients))))
        else:
            address = f"10.{chance.randrange(3)}.{chance.randrange(3)}.{chance.randrange(3)}"
            clients += come(here, address)
        for wide, level in enumerate(here._levels):
            counted = Counter(networks(one.address)[-1 - wide] for one in clients)
            assert level.most == max(counted.values(), default=0)
            if counted:
                gone = level.oldest()
                crowd = networks(gone.address)[-1 - wide]
                assert counted[crowd] == level.most
                assert gone is next(one for one in clients if networks(one.address)[-1 - wide] == crowd)
    for one in clients:
        here.end(one)
    assert here.count == 0
    assert not any(level.most for level in here._levels)
