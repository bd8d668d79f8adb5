"""`slow_consumer: drop_oldest`: what waits for a client that reads slower than events are sent."""

from __future__ import annotations

from typing import Any

from jackfield.config.plan import Limits
from tests.server.served import Begin, Talk, until


def events(talk: Talk) -> list[int]:
    return [frame["n"] for frame in talk.network.frames if "event" in frame]


def send(talk: Talk, numbers: range, **more: Any) -> None:
    for n in numbers:
        talk.connection.send({"event": "новость", "n": n, **more})


async def test_a_client_that_reads_gets_all(begin: Begin) -> None:
    talk = begin("echo", slow_consumer="drop_oldest", queue=2_000)
    send(talk, range(1_000))
    assert events(talk) == list(range(1_000))
    assert talk.meter.dropped == 0


async def test_the_oldest_go_and_the_newest_arrive(begin: Begin) -> None:
    talk = begin("echo", fast=False, slow_consumer="drop_oldest", queue=10_000)
    send(talk, range(1_000), text="x" * 1_000)
    taken = len(events(talk))
    assert 8 <= taken <= 10, "what the network took before the limit was reached"
    while events(talk)[-1] < 999:
        number = len(talk.network.frames)
        talk.network.take()
        await until(lambda number=number: len(talk.network.frames) > number)  # type: ignore[misc]  # a default
    late = events(talk)[taken:]
    assert late == list(range(1_000 - len(late), 1_000))
    assert 8 <= len(late) <= 10, "ten thousand bytes of them"
    assert talk.meter.dropped == 1_000 - taken - len(late)
    assert talk.network.closed is None


async def test_a_reply_is_never_dropped(begin: Begin) -> None:
    talk = begin("echo", fast=False, slow_consumer="drop_oldest", queue=10_000)
    send(talk, range(200), text="x" * 1_000)
    talk.text("Привет")
    assert {"message": "Привет"} in talk.network.frames
    assert talk.network.closed is None
    talk.network.take()
    await until(lambda: events(talk)[-1] == 199)


async def test_replies_alone_can_be_too_many_for_a_client_that_does_not_read(begin: Begin) -> None:
    talk = begin("echo", fast=False, rate=None, slow_consumer="drop_oldest", queue=10_000)
    for _ in range(80):
        talk.one.write(b'"' + b"x" * 1_000 + b'"')
    assert talk.network.closed is not None
    assert talk.network.closed[0] == 4408


async def test_a_close_follows_what_waits(begin: Begin) -> None:
    talk = begin("echo", fast=False, slow_consumer="drop_oldest", queue=10_000)
    send(talk, range(200), text="x" * 1_000)
    talk.connection.close(1000, "пока")
    assert events(talk)[-1] == 199
    assert talk.network.closed is not None
    send(talk, range(200, 202))
    assert events(talk)[-1] == 199


async def test_a_publish_changes_it_for_open_connections(begin: Begin) -> None:
    talk = begin("echo", fast=False, slow_consumer="drop_oldest", queue=10_000)
    send(talk, range(100), text="x" * 1_000)
    talk.one.adapt({}, Limits(queue=20_000))
    assert events(talk)[-1] == 99
    send(talk, range(100, 120), text="x" * 1_000)
    assert talk.network.closed is not None
    assert talk.network.closed[0] == 4408
