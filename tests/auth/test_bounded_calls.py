"""Calls of a project's function that do not return: given up, counted, and no reason to keep others out."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextvars import ContextVar

import pytest

from jackfield import logs
from jackfield.addresses import networks
from jackfield.auth import bounded_calls
from jackfield.auth.bounded_calls import HANGING, THREADS, Calls, NoRoom, TooLate
from tests.auth.conftest import until

HERE = networks("10.0.0.1")


@pytest.fixture
async def asked() -> AsyncIterator[Calls]:
    made = Calls()
    yield made
    made.close()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_calls, "TIME_LIMIT", 0.02)
    monkeypatch.setattr(bounded_calls, "CLEAN_UP", 0.0)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What functions wait for that hang; open at the end."""
    made = threading.Event()
    yield made
    made.set()


async def hang(asked: Calls, function: object, number: int, client: str = "10.0.0.{}") -> list[str]:
    """Ask so often at once with what hangs; what becomes of each."""

    async def one(place: int) -> str:
        try:
            await asked.call(function, networks(client.format(place)), "hang")  # type: ignore[arg-type]  # called with text
        except (NoRoom, TooLate) as exc:
            return type(exc).__name__
        return "answered"

    return await asyncio.gather(*(one(place) for place in range(number)))


async def test_what_it_logs_names_it_in_a_thread_and_in_a_task(asked: Calls) -> None:
    def who(_credential: str) -> object:
        return (logs.subject.get() or dict)()

    async def waits(credential: str) -> object:
        return who(credential)

    for function in (who, waits):
        assert await asked.call(function, HERE, "аня") == {"process": "auth.verify"}


@pytest.mark.usefixtures("soon")
async def test_threads_that_hang_are_replaced_and_counted_until_they_return(
    asked: Calls, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    def who(credential: str) -> str:
        return "hung" if credential == "hang" and gate.wait(20) else credential

    assert await hang(asked, who, THREADS) == ["TooLate"] * THREADS
    assert asked.hanging == THREADS
    reported = [record.getMessage() for record in caplog.records]
    assert len(reported) == THREADS
    assert f"verify_hanging hanging={THREADS} most={HANGING}" in reported[-1]
    assert await asyncio.gather(*(asked.call(who, HERE, str(n)) for n in range(50))) == [str(n) for n in range(50)]
    gate.set()
    await until(lambda: not asked.hanging)


@pytest.mark.parametrize(
    ("client", "most"),
    [
        ("10.0.0.1", 16),
        ("10.0.0.{}", 32),
        ("10.0.{}.1", 64),
        ("10.{}.0.1", 128),
        ("2001:db8:1:2::{:x}", 8),
        ("2001:db8:1:{:x}00::1", 32),
    ],
)
async def test_what_hangs_from_one_network_is_a_part_of_what_may(
    asked: Calls, gate: threading.Event, monkeypatch: pytest.MonkeyPatch, client: str, most: int
) -> None:
    monkeypatch.setattr(bounded_calls, "TIME_LIMIT", 0.001)

    def who(credential: str) -> str:
        return "hung" if credential == "hang" and gate.wait(20) else credential

    reported = []
    for number in range(most + 3):
        try:
            await asked.call(who, networks(client.format(number)), "hang")
        except (NoRoom, TooLate) as exc:
            reported.append(type(exc))
    assert reported == [TooLate] * most + [NoRoom] * 3
    monkeypatch.setattr(bounded_calls, "TIME_LIMIT", 5.0)
    with pytest.raises(NoRoom, match="do not return"):
        await asked.call(who, networks(client.format(0)), "good")
    if most < HANGING:
        assert await asked.call(who, networks("192.0.2.1"), "good") == "good"


@pytest.mark.usefixtures("soon")
async def test_a_coroutine_that_swallows_its_end_is_counted_and_one_that_does_not_is_not(asked: Calls) -> None:
    over = asyncio.Event()

    async def deaf(credential: str) -> str:
        while not over.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await over.wait()
        return credential

    async def patient(credential: str) -> str:
        await over.wait()
        return credential

    assert await hang(asked, patient, 3) == ["TooLate"] * 3
    assert asked.hanging == 0
    assert await hang(asked, deaf, 3) == ["TooLate"] * 3
    assert asked.hanging == 3
    assert await hang(asked, lambda credential: deaf(credential), 1) == ["TooLate"]
    over.set()
    await until(lambda: not asked.hanging)


@pytest.mark.usefixtures("soon")
async def test_a_function_that_was_published_anew_begins_anew(
    asked: Calls, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_calls, "HANGING", 8)

    def before(credential: str) -> None:
        gate.wait(20)

    def after(credential: str) -> str:
        return credential

    assert await hang(asked, before, 2) == ["TooLate"] * 2
    with pytest.raises(NoRoom):
        await asked.call(before, HERE, "x")
    assert await asked.call(after, HERE, "x") == "x"
    assert asked.hanging == 0


async def test_newcomers_are_next_however_many_wait_of_one_network(asked: Calls, gate: threading.Event) -> None:
    order: list[str] = []

    def who(credential: str) -> None:
        gate.wait(20)
        order.append(credential)

    flood = [asyncio.create_task(asked.call(who, networks(f"10.0.0.{n}"), "flood")) for n in range(100)]
    await asyncio.sleep(0)
    newcomer = asyncio.create_task(asked.call(who, networks("192.0.2.1"), "newcomer"))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(newcomer, *flood)
    assert order.index("newcomer") <= 3 * THREADS


@pytest.mark.parametrize("kind", ["threads", "tasks", "both"])
async def test_what_one_call_leaves_in_its_context_no_other_sees(asked: Calls, kind: str) -> None:
    last: ContextVar[str] = ContextVar("last", default="")

    def inside(credential: str) -> str:
        seen = last.get()
        last.set(credential)
        return seen

    async def later(credential: str) -> str:
        return inside(credential)

    def both(credential: str) -> Awaitable[str]:
        assert inside(credential) == ""
        return later(credential)

    function = {"threads": inside, "tasks": later, "both": both}[kind]
    found = [await asked.call(function, HERE, f"№{number}") for number in range(2 * THREADS)]
    assert found == ([f"№{number}" for number in range(2 * THREADS)] if kind == "both" else [""] * 2 * THREADS)
    assert last.get() == ""
