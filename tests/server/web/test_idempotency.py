"""One answer for one Idempotency-Key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.server.request import Request
from jackfield.server.web import idempotency
from jackfield.server.web.idempotency import KEPT, LASTS, LONGEST, Idempotency
from tests.clock import Clock

ANNA = Identity("анна", session="s1")


def asked(*keys: str, path: bytes = b"/api/events") -> Request:
    return Request("POST", path, b"", tuple((b"idempotency-key", key.encode()) for key in keys), "")


class Acts:
    """Counts what is done."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> Mapping[str, Any]:
        self.count += 1
        return {"delivered_to": self.count}


async def test_an_answer_is_given_again_until_its_time_is_over() -> None:
    clock, act = Clock(), Acts()
    one = Idempotency(clock)
    for seconds, expected in ((0.0, 1), (LASTS - 1, 1), (1.0, 2), (0.0, 2)):
        clock.move(seconds)
        assert await one.once(asked("7"), ANNA, b"{}", act) == {"delivered_to": expected}
    clock.set(-3600)
    assert await one.once(asked("7"), ANNA, b"{}", act) == {"delivered_to": 2}


async def test_another_caller_address_or_key_is_another_request() -> None:
    one, act = Idempotency(Clock()), Acts()
    await one.once(asked("7"), ANNA, b"{}", act)
    await one.once(asked("8"), ANNA, b"{}", act)
    await one.once(asked("7", path=b"/api/groups/a/events"), ANNA, b"{}", act)
    await one.once(asked("7"), Identity("boris", session="s2"), b"{}", act)
    await one.once(asked("7"), Identity("анна", session="jwt:s1"), b"{}", act)
    assert act.count == 5
    await one.once(asked("7"), Identity("анна", session="s9"), b"{}", act)  # of a later login
    assert act.count == 5
    for _ in range(2):
        await one.once(asked(), ANNA, b"{}", act)
    assert act.count == 7


async def test_another_body_and_one_that_is_at_work_are_conflicts() -> None:
    one, act, go = Idempotency(Clock()), Acts(), asyncio.Event()

    async def slowly() -> Mapping[str, Any]:
        await go.wait()
        return await act()

    first = asyncio.create_task(one.once(asked("7"), ANNA, b"{}", slowly))
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as same:
        await one.once(asked("7"), ANNA, b"{}", act)
    assert (same.value.code, same.value.status, same.value.retry_after) == ("idempotency_conflict", 409, 1)
    with pytest.raises(Refusal) as other:
        await one.once(asked("7"), ANNA, b"[]", act)
    assert (other.value.code, other.value.status) == ("idempotency_conflict", 422)
    go.set()
    assert await first == {"delivered_to": 1}


@pytest.mark.parametrize("fault", [Refusal("store_unavailable"), asyncio.CancelledError()])
async def test_what_was_not_done_is_done_with_the_next_request(fault: BaseException) -> None:
    one, act = Idempotency(Clock()), Acts()

    async def fails() -> Mapping[str, Any]:
        raise fault

    with pytest.raises(type(fault)):
        await one.once(asked("7"), ANNA, b"{}", fails)
    assert await one.once(asked("7"), ANNA, b"{}", act) == {"delivered_to": 1}


async def test_the_oldest_answers_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEPT == 10_000
    monkeypatch.setattr(idempotency, "KEPT", 3)
    one, act = Idempotency(Clock()), Acts()
    for key in "123454":
        await one.once(asked(key), ANNA, b"{}", act)
    assert act.count == 5
    await one.once(asked("1"), ANNA, b"{}", act)
    assert act.count == 6
    assert len(one._kept) == 3


@pytest.mark.parametrize("keys", [("",), ("a", "a"), ("x" * (LONGEST + 1),), ("ключ",), ("a b",)])
async def test_what_can_be_no_key_is_refused(keys: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as refused:
        await Idempotency(Clock()).once(asked(*keys), ANNA, b"{}", Acts())
    assert refused.value.code == "invalid_request"
