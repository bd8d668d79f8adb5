"""Places before the 101: bounded for all and for one address, and nobody waits behind another address's crowd."""

from __future__ import annotations

import asyncio

from jackfield.server.handshake.turns import Turns


async def begun(turns: Turns, address: str, order: list[str]) -> None:
    await turns.wait(address)
    order.append(address)


async def test_addresses_have_their_turns_one_after_the_other() -> None:
    turns, order = Turns(3, 2), list[str]()
    assert [turns.take(name) for name in ("а", "а", "а", "б", "в")] == [True, True, False, True, False]
    tasks = [asyncio.create_task(begun(turns, name, order)) for name in ("а", "а", "в", "в")]
    await asyncio.sleep(0)
    turns.give("б")
    turns.give("а")
    await asyncio.sleep(0)
    assert order == ["в", "а"], "the first has its two, the next waited as long"
    turns.give("в")
    turns.give("а")
    await asyncio.gather(*tasks)
    assert sorted(order) == ["а", "а", "в", "в"]
    for name in ("а", "а", "в"):
        turns.give(name)
    assert [turns.take(name) for name in ("а", "б", "в", "г")] == [True, True, True, False]


async def test_who_waits_no_more_takes_no_place() -> None:
    turns, order = Turns(1, 1), list[str]()
    assert turns.take("а")
    tasks = [asyncio.create_task(begun(turns, "а", order)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    turns.give("а")  # to the second: the first has not run since
    tasks[1].cancel()  # in the very step in which its place came
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["а"]
    turns.give("а")
    assert turns.take("б")
    assert not turns.take("а")
