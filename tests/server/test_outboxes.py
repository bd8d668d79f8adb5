"""The bound of what waits for all clients together: the fullest are closed, no others."""

from __future__ import annotations

from dataclasses import dataclass, field

from jackfield.server.outboxes import PAUSE, Outboxes


@dataclass
class Outbox:
    pending: int = 0


@dataclass(eq=False)
class Client:
    """A connection for which so much waits."""

    outbox: Outbox = field(default_factory=Outbox)
    closed: tuple[int, str] = (0, "")
    is_over: bool = False

    def close_now(self, code: int, reason: str, cause: str, *, at_once: bool = False) -> None:
        assert at_once, "what waits has to go"
        self.closed, self.is_over = (code, cause), True  # the socket holds what waits for a while


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def waiting(outboxes: Outboxes, *sizes: int) -> list[Client]:
    clients = [Client(Outbox(size)) for size in sizes]
    for client in clients:
        outboxes.waits(client)
    return clients


def test_beyond_the_bound_the_fullest_are_closed() -> None:
    clock = Clock()
    outboxes = Outboxes(100, clock)
    clients = waiting(outboxes, 10, 60, 20, 50)
    assert [client.closed for client in clients] == [(0, "")] * 4  # it was looked at before these came
    clock.now += PAUSE
    outboxes.waits(clients[0])
    assert [client.closed for client in clients] == [(0, ""), (4408, "too_slow_reader"), (0, ""), (0, "")]
    clock.now += PAUSE
    outboxes.waits(clients[0])
    assert [client.closed[0] for client in clients] == [0, 4408, 0, 0]


def test_what_still_waits_for_one_that_is_closed_closes_no_other() -> None:
    clock = Clock()
    outboxes = Outboxes(100, clock)
    first, other = waiting(outboxes, 60, 50)
    clock.now += PAUSE
    outboxes.waits(other)
    assert (first.closed[0], other.closed[0]) == (4408, 0)
    other.outbox.pending = 70  # the fullest now
    clock.now += PAUSE
    outboxes.waits(other)
    assert other.closed[0] == 0


def test_below_it_none_is_closed_and_who_has_read_is_forgotten() -> None:
    clock = Clock()
    outboxes = Outboxes(100, clock)
    clients = waiting(outboxes, 50, 50)
    clients[0].outbox.pending = 0
    clock.now += PAUSE
    outboxes.waits(clients[1])
    clients[0].outbox.pending = 1000  # of which it is not told
    clock.now += PAUSE
    outboxes.waits(clients[1])
    assert [client.closed for client in clients] == [(0, "")] * 2


def test_it_is_looked_at_no_more_often_than_every_quarter_of_a_second() -> None:
    clock = Clock()
    outboxes = Outboxes(10, clock)
    (first,) = waiting(outboxes, 5)
    first.outbox.pending = 50
    clock.now += PAUSE / 2
    outboxes.waits(first)
    assert first.closed == (0, "")
    clock.now += PAUSE / 2
    outboxes.waits(first)
    assert first.closed == (4408, "too_slow_reader")


def test_who_is_gone_is_not_held() -> None:
    outboxes = Outboxes(10, Clock())
    waiting(outboxes, 5)
    assert len(outboxes._behind) == 0
