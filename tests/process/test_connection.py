"""The public Connection after its conversation has ended."""

from __future__ import annotations

import gc
import weakref

import pytest

from jackfield.identity import ANONYMOUS
from jackfield.process.connection import Connection, part


class Outbox:
    """Notes what it gets, and knows its Connection as a conversation does."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.connection = Connection(self, id="c1", endpoint="say", identity=ANONYMOUS, params={}, query={})

    def send_event(self, event: object) -> None:
        self.told.append(event)

    def close(self, code: int, reason: str) -> None:
        self.told.append((code, reason))


def test_what_is_sent_after_the_end_goes_nowhere() -> None:
    outbox = Outbox()
    connection = outbox.connection
    connection.state["заметка"] = 1
    connection.send({"event": "привет"})
    part(connection)
    connection.send({"event": "поздно"})
    connection.close(4000, "поздно")
    assert outbox.told == [{"event": "привет"}]
    assert connection.state == {"заметка": 1}


def test_a_wrong_event_is_wrong_after_the_end_too() -> None:
    connection = Outbox().connection
    part(connection)
    with pytest.raises((TypeError, ValueError)):
        connection.send("no object")
    with pytest.raises(ValueError, match="not for applications"):
        connection.close(1006)


def test_the_two_are_freed_without_a_search() -> None:
    outbox = Outbox()
    seen = weakref.ref(outbox)
    gc.disable()
    try:
        part(outbox.connection)
        del outbox
        assert seen() is None
    finally:
        gc.enable()
