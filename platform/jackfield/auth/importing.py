"""Many users at once: what an import says of each, and how they are added, all of them or none.

Strategy: everything that can be refused is found before the first password is hashed, and all of it is told at once.
What a hash costs is bounded: `at_once` of them are made beside each other, so that logins find a thread meanwhile.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from jackfield.auth.passwords import Passwords, check_password
from jackfield.auth.store.store import Holder, Store
from jackfield.auth.store.tables import User, new_login, normal_name, normal_role
from jackfield.errors import Refusal

__all__ = ["MOST_IMPORTED", "Imported", "Row", "import_users", "judged"]

MOST_IMPORTED = 5_000
"""Users of one import from a file; a hash for each takes some 20 ms."""

Done = Literal["added", "skipped", "refused"]

# a password that is made up has four times four of these: none is taken for another, no spreadsheet makes it a number
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_THERE = "There is such a user already."
_TWICE = "The same login stands further up."
_OTHERS = "Not added, since others were refused; an import adds all of them or nobody."


@dataclass(frozen=True, slots=True)
class Row:
    """A user to add. One without a password gets one that is made up."""

    login: str
    roles: Sequence[str] = ()
    name: str = ""
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one row, or would; `password` is one that was made up.

    `faults` are all that is wrong with a row that was refused: the field, and a sentence.
    """

    login: str
    done: Done
    problem: str = ""
    password: str | None = field(default=None, repr=False)
    faults: tuple[tuple[str, str], ...] = ()


def judged(rows: Iterable[Row], known: Iterable[str]) -> list[Imported]:
    """What would become of each row beside the users that are `known`, by login."""
    there, seen = set(known), set[str]()
    return [_judged(row, there, seen) for row in rows]


def _judged(row: Row, there: set[str], seen: set[str]) -> Imported:
    faults: list[tuple[str, str]] = []

    def checked(field: str, check: Callable[[str], object], text: str) -> str:
        try:
            return str(check(text))
        except Refusal as refusal:
            faults.append((field, f"{refusal.detail} {refusal.fix}".strip()))
            return text

    login = checked("login", new_login, row.login)
    if login in there:
        return Imported(login, "skipped", _THERE)
    if login in seen:
        faults.append(("login", _TWICE))
    seen.add(login)
    checked("name", normal_name, row.name)
    for role in row.roles:
        checked("roles", normal_role, role)
    if row.password is not None:
        checked("password", check_password, row.password)
    problem = " ".join(sentence for _, sentence in faults)
    return Imported(login, "refused" if faults else "added", problem, faults=tuple(faults))


async def import_users(
    store: Store,
    passwords: Passwords,
    rows: Sequence[Row],
    *,
    dry_run: bool = False,
    by: Holder | None = None,
    at_once: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    clock: Callable[[], float] = time.time,
) -> list[Imported]:
    """Add the users of `rows` that are not there yet, or nobody where one row is refused; what became of each.

    `progress` hears how many hashes of how many are made. With `by` only if that holds, as in Store. Raises Refusal.
    """
    found = judged(rows, await store.known_of(row.login for row in rows))
    if any(one.done == "refused" for one in found):
        return [replace(one, done="skipped", problem=_OTHERS) if one.done == "added" else one for one in found]
    if dry_run:
        return found
    wanted = [(row, one.login) for row, one in zip(rows, found, strict=True) if one.done == "added"]
    made = {login: _made_up() for row, login in wanted if row.password is None}
    hashes = await _hashes(passwords, [row.password or made[login] for row, login in wanted], at_once, progress)
    users = [
        User(login, frozenset(map(normal_role, row.roles)), False, clock(), hashed, normal_name(row.name))
        for (row, login), hashed in zip(wanted, hashes, strict=True)
    ]
    added = await store.add_all(users, by=by)
    return [_done(one, added, made) for one in found]


def _made_up() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def _done(one: Imported, added: frozenset[str], made: dict[str, str]) -> Imported:
    if one.done == "added" and one.login not in added:  # somebody else was faster
        return replace(one, done="skipped", problem=_THERE)
    return replace(one, password=made.get(one.login)) if one.done == "added" else one


async def _hashes(
    passwords: Passwords, given: Sequence[str], at_once: int, progress: Callable[[int, int], None]
) -> list[str]:
    """The hash of each password, in their order."""
    made: dict[int, str] = {}
    numbered = iter(enumerate(given))

    async def work() -> None:
        for number, password in numbered:
            made[number] = await passwords.hash(password)
            progress(len(made), len(given))

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return [made[number] for number in range(len(given))]
