"""The stages of a connection: each move that random streams bring about is in the table."""

from __future__ import annotations

import random

import pytest

from jackfield.server.wire.reading import WebSocketProtocol
from jackfield.server.wire.stages import MOVES, Stage
from tests.server.frames import CLOSE, TEXT, masked, stream
from tests.server.sockets import BOUNDLESS, Still, Wire, accept, begin, opened, wired
from tests.server.wire.test_writing_fuzz import by_ours


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> set[tuple[Stage, Stage]]:
    """The moves of all connections of a test."""
    seen: set[tuple[Stage, Stage]] = set()

    class Recorded(WebSocketProtocol):
        def __setattr__(self, name: str, value: object) -> None:
            if name == "_stage" and isinstance(value, Stage):
                before = getattr(self, "_stage", value)
                if before is not value:
                    seen.add((before, value))
            super().__setattr__(name, value)

    monkeypatch.setattr("tests.server.wire.test_writing_fuzz.WebSocketProtocol", Recorded)
    return seen


def test_random_streams_move_as_the_table_says(moves: set[tuple[Stage, Stage]]) -> None:
    for seed in range(600):
        dice = random.Random(seed)
        by_ours(stream(dice), dice)
    assert {(before, after) for before, after in moves if after not in MOVES[before]} == set()
    assert {Stage.EARLY, Stage.ACCEPTED, Stage.LIBRARY, Stage.DIRECT, Stage.LINGERING, Stage.OVER} <= {
        after for _, after in moves
    }


def test_every_stage_has_its_moves() -> None:
    assert MOVES.keys() == set(Stage)
    assert all(before not in after for before, after in MOVES.items())


def test_the_stages_of_a_connection_without_a_receiver() -> None:
    protocol = opened(WebSocketProtocol, Still(), BOUNDLESS)
    wire = Wire(protocol)
    seen = [protocol._stage]
    begin(protocol, wire)
    seen.append(protocol._stage)
    accept(protocol, wire)
    seen.append(protocol._stage)
    for frame in (masked(TEXT, b"1"), masked(CLOSE, b"")):
        protocol.data_received(frame)
        seen.append(protocol._stage)
    assert seen == [Stage.OPENING, Stage.EARLY, Stage.ACCEPTED, Stage.LIBRARY, Stage.OVER]


def test_the_stages_of_a_connection_on_the_direct_path() -> None:
    protocol, _, _, _ = wired()
    seen = [protocol._stage]
    protocol.data_received(masked(TEXT, b"\xff"))
    seen.append(protocol._stage)
    protocol.connection_lost(None)
    assert [*seen, protocol._stage] == [Stage.DIRECT, Stage.LINGERING, Stage.OVER]
