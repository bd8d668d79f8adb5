"""Refusals that can be asked for afterwards: ids, counting, what waits and how much of it. No store."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from jackfield.auth import refused as rules
from jackfield.auth.refused import RUN, WAITING, Refusals, Refused, Wanted, id_of, new_id


class Kept:
    """A keeper that is asked and writes nothing by itself."""

    def __init__(self, rows: Sequence[Refused] = ()) -> None:
        self.rows = rows
        self.called = 0

    def write(self) -> None:
        self.called += 1

    async def find(self, wanted: Wanted) -> Sequence[Refused]:
        return [one for one in self.rows if wanted.fits(one)]


def one(at: float = 1000.0, code: str = "role_required", login: str = "анна", **more: Any) -> Refused:
    usual = {"path": "/ws/стол", "status": 403, "detail": "Nein 🙈", "client": "10.0.0.1", "origin": ""}
    return Refused(at, code=code, login=login, **{**usual, **more})


def kept(rows: Sequence[Refused] = ()) -> tuple[Refusals, Kept]:
    refusals, keeper = Refusals(), Kept(rows)
    refusals.keeper = keeper
    return refusals, keeper


def test_an_id_can_be_read_out() -> None:
    ids = [new_id() for _ in range(2000)]
    assert set("".join(ids)).isdisjoint("01OILSZBUAE"), "what looks like another, and vowels, which make words"
    assert {len(one) for one in ids} == {6}
    assert len(set(ids)) == 2000


@pytest.mark.parametrize("typed", ["K7QF2M", "k7qf2m", " k7q-f2m ", "#K7QF2M", "к7QF2м"])
def test_an_id_is_found_as_people_type_it(typed: str) -> None:
    assert id_of(typed) == "K7QF2M"


def test_equal_ones_are_counted_under_one_id() -> None:
    refusals, _ = kept()
    first = refusals.note(one(1000))
    other = refusals.note(one(1010, login="bob"))
    again = refusals.note(one(1000 + RUN, detail="Nein 🙈", fix="later"))
    assert again is first
    assert (first.count, first.first, first.time, first.fix) == (2, 1000, 1000 + RUN, "later")
    assert list(refusals) == [other, first], "the newest last"
    anew = refusals.note(one(1001 + 2 * RUN))
    assert (anew.count, anew.id != first.id) == (1, True), "an hour later it is another story"


def test_seconds_to_wait_make_no_difference() -> None:
    refusals, _ = kept()
    told = [refusals.note(one(1000 + n, "too_many_attempts", detail=f"Wait {900 - n} s.")) for n in range(3)]
    assert len({refused.id for refused in told}) == 1
    assert told[0].detail == "Wait 898 s."


def test_logins_that_nobody_has_are_told_apart_as_all_others() -> None:
    refusals, _ = kept()
    ids = [
        refusals.note(one(code="login_failed", login=login, tried=tried)).id
        for login, tried in (("", "a"), ("", "b"), ("анна", "c"), ("", "a"), ("анна", "c"))
    ]
    assert len(set(ids[:3])) == 3
    assert (ids[3], ids[4]) == (ids[0], ids[2])


def test_another_cause_is_another_line_under_the_same_id() -> None:
    refusals, _ = kept()
    found = [
        refusals.note(one(1000 + number, "login_failed", cause=cause))
        for number, cause in enumerate(["wrong_password", "wrong_password", "disabled", "disabled", "disabled"])
    ]
    assert len({refused.id for refused in found}) == 1, "else the caller would know"
    assert [(row.cause, row.count) for row in refusals.take(9)] == [("wrong_password", 2), ("disabled", 3)]
    refusals.put_back([found[0], found[4]])
    refusals.forget("анна")
    assert refusals.waiting == 0


def test_what_is_kept_waits_as_it_is_when_it_is_written() -> None:
    refusals, keeper = kept()
    refusals.note(one(code="not_found", login=""))
    assert refusals.waiting == 0, "of nobody known"
    refusals.note(one())
    refusals.note(one(1001))
    refusals.note(one(code="login_failed", login=""))
    assert (refusals.waiting, keeper.called) == (2, 3)
    batch = refusals.take(10)
    assert [(row.code, row.count) for row in batch] == [("role_required", 2), ("login_failed", 1)]
    refusals.note(one(1002))
    assert batch[0].count == 2
    refusals.put_back(batch)
    assert [(row.code, row.count) for row in refusals.take(10)] == [("role_required", 3), ("login_failed", 1)]


def test_a_flood_fills_a_part_of_the_room_and_leaves_the_rest_to_others() -> None:
    refusals, _ = kept()
    for number in range(WAITING):
        refusals.note(one(code="login_failed", login="", tried=str(number)))
    assert refusals.waiting == WAITING // 10, "of one address"
    for number in range(WAITING):
        refusals.note(one(code="login_failed", login="", tried=str(number), client=f"10.1.0.{number}"))
    assert refusals.waiting == WAITING // 2, "of logins that nobody has"
    lost = refusals.lost
    assert lost == 2 * WAITING - WAITING // 2
    for number in range(2 * WAITING):
        refusals.note(one(login=f"u{number}", client=f"10.2.0.{number}"))
    assert refusals.waiting == WAITING
    assert refusals.lost == lost + WAITING + WAITING // 2
    refusals.take(WAITING)
    refusals.note(one(login="spät"))
    assert refusals.waiting == 1, "there is room again, for the first address too"


def test_what_finds_no_room_any_more_after_a_failed_write_is_counted() -> None:
    refusals, _ = kept()
    for number in range(WAITING):
        refusals.note(one(login=f"l{number}", client=f"c{number}"))
    batch = refusals.take(3)
    refusals.note(one(login="new", client="c-new"))
    refusals.put_back(batch)
    assert (refusals.waiting, refusals.lost) == (WAITING, 1)


async def test_of_a_removed_user_nothing_is_left() -> None:
    refusals, _ = kept()
    for number in range(WAITING // 10):
        refusals.note(one(login="анна", path=f"/{number}"))
    other = refusals.note(one(login="bob", client="10.0.0.2"))
    refusals.forget("анна")
    assert list(refusals) == list(await refusals.find(Wanted(since=0))) == [other]
    assert [row.id for row in refusals.take(WAITING)] == [other.id]
    refusals.note(one(login="вера"))
    assert refusals.waiting == 1, "their address has its room again"


def test_memory_is_bounded() -> None:
    refusals, _ = kept()
    for number in range(rules._KNOWN + 10):
        refusals.note(one(login=f"u{number}"))
        refusals.note(one(login="", code="not_found", path=f"/{number}"))
    assert (len(refusals), len(refusals._known)) == (rules.REFUSALS_KEPT, rules._KNOWN)
    cut = refusals.note(one(detail="x" * 5000, fix="y" * 5000))
    assert (len(cut.detail), len(cut.fix)) == (500, 500)
    assert refusals.note(one(detail="x" * 5000, fix="z" * 5000)) is cut
    assert (cut.detail, cut.fix) == ("x" * 500, "z" * 500)


async def test_what_is_pushed_out_of_the_newest_is_counted_and_found_all_the_same() -> None:
    refusals, _ = kept()
    first = refusals.note(one(1000))
    others = [refusals.note(one(1001, login="", code="not_found", path=f"/{n}")) for n in range(rules.REFUSALS_KEPT)]
    assert list(refusals) == others, "the oldest gave way"
    assert first not in await refusals.find(Wanted())
    assert await refusals.find(Wanted(since=1000)) == [*others, first][: rules.REFUSALS_KEPT]
    assert await refusals.find(Wanted(login="анна", since=1000)) == [first], "that moment is in it"
    assert refusals.note(one(1002)) is first
    assert (first.count, list(refusals)[-1]) == (2, first)


def test_without_a_keeper_nothing_waits() -> None:
    refusals = Refusals()
    refusals.note(one())
    assert (refusals.waiting, refusals.lost, len(refusals)) == (0, 0, 1)


def test_what_was_tried_is_shown_to_nobody() -> None:
    told = one(login="", code="login_failed", tried="geheim").as_json()
    assert "geheim" not in str(told)
    assert told["client"] == "10.0.0.1"


def test_what_is_asked_for_is_a_text_that_can_be_stored() -> None:
    assert Wanted.typed({"login": "a\0\ud83d"}).login == "a�?"
    assert Wanted.typed({"login": "e\u0301"}).login == "é"
    assert Wanted.typed({"address": "2001:DB8::0007"}).address == "2001:db8::7"


async def test_memory_and_store_are_asked_together() -> None:
    old = dataclasses.replace(one(10), id="CCCCCC", first=10.0)
    refusals, _ = kept([old])
    mine, nobody = refusals.note(one(1000)), refusals.note(one(2000, "not_found", login=""))
    assert await refusals.find(Wanted()) == [nobody, mine], "the newest of all are in memory"
    assert await refusals.find(Wanted(login="анна")) == [mine, old]
    assert await refusals.find(Wanted(id=nobody.id)) == [nobody]
    assert await refusals.find(Wanted(since=1500.0)) == [nobody]
    assert await refusals.find(Wanted(address="10.0.0.1", limit=2)) == [nobody, mine]
