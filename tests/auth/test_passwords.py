from __future__ import annotations

import asyncio
import threading

import pytest
from argon2 import PasswordHasher, extract_parameters

from jackfield.auth.passwords import Passwords, check_password
from jackfield.errors import Refusal
from tests.auth.conftest import refused


async def test_a_password_is_recognised_and_no_other(passwords: Passwords) -> None:
    stored = await passwords.hash("пароль со словами 🙂")
    assert await passwords.verify(stored, "пароль со словами 🙂")
    assert not await passwords.verify(stored, "пароль со словами 🙃")
    assert await passwords.hash("пароль со словами 🙂") != stored


async def test_au_4_argon2id_with_19_mib_and_two_passes() -> None:
    passwords = Passwords()
    stored = await passwords.hash("correct horse")
    await passwords.close()
    parameters = extract_parameters(stored)
    assert stored.startswith("$argon2id$v=19$")
    assert parameters.memory_cost >= 19 * 1024
    assert (parameters.time_cost, parameters.parallelism) == (2, 1)


async def test_au_3_an_unknown_user_takes_the_same_work(passwords: Passwords) -> None:
    calls: list[str] = []

    class Counting(PasswordHasher):
        # the library's own parameter name, and its return type is Literal[True]
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002 - argon2 names it so
            calls.append(str(hash))
            return super().verify(hash, password)

    counting = Passwords(hasher=Counting(time_cost=1, memory_cost=8, parallelism=1))
    stored = await passwords.hash("correct horse")
    assert not await counting.verify(stored, "wrong horse")
    assert not await counting.verify(None, "wrong horse")
    await counting.close()
    assert len(calls) == 2
    assert extract_parameters(calls[0]) == extract_parameters(calls[1])


async def test_a_stored_hash_that_is_none_matches_nothing(passwords: Passwords) -> None:
    for stored in ("", "plain", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$broken"):
        assert not await passwords.verify(stored, "plain")


async def test_au_4_other_parameters_are_outdated(passwords: Passwords) -> None:
    other = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("correct horse")
    assert passwords.is_outdated(other)
    assert not passwords.is_outdated(await passwords.hash("correct horse"))


@pytest.mark.parametrize("password", ["12345678", "  пробелы  ", "🙂" * 8, "x" * 128, "x" * 1024, "pass\nword"])
def test_au_6_any_text_of_8_characters_may_be_a_password(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("", "short"),
        ("1234567", "short"),
        ("🙂" * 7, "short"),
        ("x" * 1025, "long"),
        ("я" * 513, "long"),
        ("long\0enough", "NUL"),
        ("lone \ud800 surrogate", "text"),
    ],
)
def test_au_6_what_can_be_no_password_is_reported_with_the_rule(password: str, word: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_password(password)
    assert caught.value.code == "invalid_request"
    assert word in caught.value.detail
    assert caught.value.fix


async def test_au_6_nothing_is_cut_at_72_bytes(passwords: Passwords) -> None:
    stored = await passwords.hash("x" * 80)
    assert not await passwords.verify(stored, "x" * 72)
    assert not await passwords.verify(stored, "x" * 81)


class Waiting(PasswordHasher):
    """Works until it is told to stop: the event stands for the time that Argon2 takes."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.started = threading.Event()
        self.go = threading.Event()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.started.set()
        assert self.go.wait(10)
        return super().hash(password, salt=salt)


async def test_au_4_a_full_line_is_refused_at_once_and_empties_again() -> None:
    hasher = Waiting()
    passwords = Passwords(threads=1, waiting=1, hasher=hasher)
    working = asyncio.create_task(passwords.hash("one"))
    waiting = asyncio.create_task(passwords.hash("two"))
    await asyncio.to_thread(hasher.started.wait, 10)
    refusal = await refused(passwords.hash("three"))
    assert (refusal.code, refusal.status, bool(refusal.retry_after)) == ("too_many_logins", 503, True)
    hasher.go.set()
    assert all(await asyncio.gather(working, waiting))
    assert await passwords.hash("three")
    await passwords.close()


async def test_a_caller_who_leaves_frees_no_place_while_the_thread_works() -> None:
    hasher = Waiting()
    passwords = Passwords(threads=1, waiting=0, hasher=hasher)
    leaving = asyncio.create_task(passwords.hash("one"))
    await asyncio.to_thread(hasher.started.wait, 10)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await refused(passwords.hash("two"))
    hasher.go.set()
    await passwords.close()
