"""`limits.idle`: the end of a conversation in which nobody says anything, on a loop in which the test moves time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from jackfield.config.plan import Limits
from tests.server.conftest import Clock
from tests.server.served import Begin, Talk


class Hand:
    """The timer that `Idle` arms, moved by the test."""

    def __init__(self, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.armed: dict[object, tuple[float, Callable[[], object]]] = {}
        self._real = loop.call_later
        monkeypatch.setattr(loop, "call_later", self._call_later)

    def _call_later(self, delay: float, act: Callable[..., object], *arguments: object) -> asyncio.TimerHandle:
        if act.__name__ != "_look":
            return self._real(delay, act, *arguments)
        self.armed[act] = (delay, act)
        handle = self._real(3_600.0, act)
        self._handle = handle
        return handle

    def look(self, times: int = 1) -> float:
        """Let the next looks happen; gives the seconds between two."""
        delay = 0.0
        for _ in range(times):
            if self._handle.cancelled():
                break
            self._handle.cancel()
            (delay, act), *_ = self.armed.values()
            self.armed.clear()
            act()
        return delay


@pytest.fixture
async def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    return Hand(asyncio.get_running_loop(), monkeypatch)


def ended(talk: Talk) -> bool:
    return talk.network.closed is not None


async def test_a_conversation_without_a_word_ends(hand: Hand, begin: Begin) -> None:
    talk = begin("echo", idle=80.0)
    assert hand.look(7) == 10.0
    assert not ended(talk)
    hand.look()
    assert talk.network.closed == (4408, "neither side said anything for 80 s", False)
    assert talk.one.close_cause == "idle"


@pytest.mark.parametrize("rate", [50.0, None])
async def test_a_message_of_the_client_begins_it_anew(
    hand: Hand, begin: Begin, clock: Clock, rate: float | None
) -> None:
    talk = begin("echo", idle=80.0, rate=rate)
    hand.look(7)
    clock.move(70)
    talk.text("a")
    hand.look(8)
    assert not ended(talk)
    hand.look()
    assert ended(talk)


async def test_an_event_of_ours_begins_it_anew(hand: Hand, begin: Begin) -> None:
    talk = begin("echo", idle=80.0)
    hand.look(7)
    talk.connection.send({"event": "news"})
    hand.look(8)
    assert not ended(talk)
    hand.look()
    assert ended(talk)


async def test_a_message_in_work_is_no_silence(hand: Hand, begin: Begin) -> None:
    talk = begin("wait", idle=80.0)
    talk.text("a")
    await talk.seeing("a")
    hand.look(30)
    assert not ended(talk)
    talk.gates["a"].set()
    await talk.frames(1)
    await talk.finished()
    hand.look(8)
    assert not ended(talk)
    hand.look()
    assert ended(talk)


async def test_a_publish_changes_it_for_open_connections(hand: Hand, begin: Begin) -> None:
    talk = begin("echo")
    talk.one.adapt({}, Limits(idle=8.0))
    assert hand.look(7) == 1.0
    talk.one.adapt({}, Limits(idle=None))
    hand.look(9)
    assert not ended(talk)


async def test_nothing_is_armed_after_the_end_or_without_the_limit(hand: Hand, begin: Begin) -> None:
    begin("echo")
    assert not hand.armed
    talk = begin("echo", idle=8.0)
    talk.one.lost(1001)
    hand.look(9)
    assert not ended(talk)
