"""What bounds connections: how they are counted, and what is told of those that are turned away."""

from __future__ import annotations

import os
import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from jackfield.addresses import network
from jackfield.server.observe.throttled import EXHAUSTED, Throttled
from jackfield.server.wire import guards
from jackfield.server.wire.guards import most_connections, raise_descriptor_limit
from tests.server.conftest import Clock


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_ipv6_network_counts_as_one_address(client: str, counted: str) -> None:
    assert network(client) == counted


def test_what_happens_often_is_reported_once_a_minute_with_its_number(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    seldom = Throttled("flooded", clock)
    for _ in range(5):
        seldom.warn(fix="…")
    clock.move(59)
    seldom.warn(fix="…")
    assert [record.getMessage() for record in caplog.records] == ["flooded times=1 fix='…'"]
    clock.move(1)
    seldom.warn(fix="…")
    assert caplog.records[-1].getMessage() == "flooded times=6 fix='…'"
    assert seldom.total == 7


@pytest.mark.skipif(sys.platform != "linux", reason="other systems bound what wakes a writer, not what is taken")
def test_the_kernel_takes_little_for_a_client_that_reads_nothing() -> None:
    with socket.socket() as listener, socket.socket() as client:
        guards.harden(listener)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            accepted.setblocking(False)
            taken, text = 0, "Привет 😀".encode() * 500
            with suppress(BlockingIOError):
                while taken < 100 * guards.UNSENT:
                    taken += accepted.send(text)
    assert taken < 2 * guards.UNSENT, "some megabytes, if nothing is said"


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, int]]]:
    """Limits of this process that the test sets: soft and hard, the last one holds."""
    limits = [(1_024, 4_096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _which: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _which, both: limits.append(both))
    most_connections.cache_clear()
    yield limits
    most_connections.cache_clear()


@pytest.mark.parametrize(
    ("soft", "most"), [(256, 256 - 64 - 32), (1_024, 1_024 - 64 - 32), (16_384, 16_384 - 1_024 - 32), (50, 1)]
)
def test_connections_are_what_the_descriptors_allow(limit: list[tuple[int, int]], soft: int, most: int) -> None:
    limit.append((soft, soft))
    assert most_connections() == most


def test_an_unlimited_number_of_descriptors_is_a_number_all_the_same(limit: list[tuple[int, int]]) -> None:
    limit.append((resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert 100_000 < most_connections() < 200_000


def test_a_server_takes_as_many_descriptors_as_it_may(limit: list[tuple[int, int]]) -> None:
    assert most_connections() == 1_024 - 64 - guards.PLAIN
    raise_descriptor_limit()
    assert limit[-1] == (4_096, 4_096)
    assert most_connections() == 4_096 - 256 - guards.PLAIN
    raise_descriptor_limit()
    assert len(limit) == 2, "there is nothing left to raise"


def test_a_container_that_allows_everything_is_not_taken_at_its_word(limit: list[tuple[int, int]]) -> None:
    limit.append((1_024, 1 << 30))
    raise_descriptor_limit()
    assert limit[-1] == (131_072, 1 << 30)


def test_a_look_at_the_descriptors_that_fails_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "devnull", "/nowhere/null")
    before = EXHAUSTED.total
    guards.look_at_descriptors()
    assert EXHAUSTED.total == before
