"""What is collected for one write, and the watch over a client that takes nothing, without a connection."""

from __future__ import annotations

import asyncio
from typing import cast

from jackfield.server.wire.transport import Transport
from jackfield.server.wire.writing import CORK, Cork, StallWatch
from tests.server.sockets import Still


def test_a_cork_gives_all_frames_once() -> None:
    cork = Cork()
    assert not cork
    assert not cork.put(b"one")
    assert not cork.put(b"x" * 126)
    assert cork.size >= 3 + 126
    assert cork.pull() == b"\x81\x03one\x81\x7e\x00\x7e" + b"x" * 126
    assert (cork.pull(), cork.size) == (b"", 0)


def test_a_cork_says_when_it_is_full() -> None:
    cork = Cork()
    assert not cork.put(b"x" * (CORK - 10))
    assert cork.put(b"")


class Slow:
    """A transport whose client takes what the test says."""

    def __init__(self) -> None:
        self.pending = 100
        self.closed: list[int] = []

    def close(self, code: int, _reason: str, *, at_once: bool) -> None:
        assert at_once
        self.closed.append(code)


def watched() -> tuple[StallWatch, Slow, Still]:
    slow, loop = Slow(), Still()
    return StallWatch(cast("Transport", slow), cast("asyncio.AbstractEventLoop", loop)), slow, loop


def test_a_client_that_takes_nothing_is_closed_once() -> None:
    _, slow, loop = watched()
    loop.run_later()
    assert slow.closed == [], "there is one more look"
    loop.run_later()
    assert slow.closed == [4408]


def test_a_client_that_takes_a_little_has_time_again() -> None:
    watch, slow, loop = watched()
    watch.added += 50
    slow.pending += 49
    loop.run_later(2)
    assert slow.closed == []
    loop.run_later(2)
    assert slow.closed == [4408]


def test_a_watch_that_is_cancelled_closes_nothing() -> None:
    watch, slow, loop = watched()
    watch.cancel()
    assert (loop.later, slow.closed) == (None, [])
