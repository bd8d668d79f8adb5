"""Password hashes, made and checked off the event loop.

Argon2id with the parameters of OWASP's cheat sheet: 19 MiB, two passes, one lane, some 20 ms of one core.
Two threads and a bounded queue before them: a flood of logins costs at most 38 MiB and never the loop.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from jackfield.errors import Refusal

__all__ = ["MAX_PASSWORD", "MIN_PASSWORD", "Passwords", "check_length", "check_password"]

MIN_PASSWORD = 8
"""The shortest new password, in characters; 15 and more are recommended."""

MAX_PASSWORD = 1024
"""The longest password, in bytes of UTF-8."""

T = TypeVar("T")


def check_password(password: str) -> None:
    """Return if this may become a password, else raise Refusal `invalid_request` with the rule.

    At least 8 characters, at most 1024 bytes, no NUL. Nothing else is asked for, nothing is cut or changed.
    """
    check_length(password)
    if len(password) < MIN_PASSWORD:
        raise _bad("The password is too short.", f"Take at least {MIN_PASSWORD} characters; 15 are better.")


def check_length(password: str) -> None:
    """Return if this can be a password of anybody, else raise Refusal `invalid_request`. Costs nothing."""
    try:
        length = len(password.encode())
    except UnicodeEncodeError:
        raise _bad("The password is not valid text.", "Type it anew, in UTF-8.") from None
    if length > MAX_PASSWORD:
        raise _bad("The password is too long.", f"Take at most {MAX_PASSWORD} bytes.")
    if "\0" in password:
        raise _bad("The password holds a NUL character.", "Leave it out.")


class Passwords:
    """Hashes and checks passwords in `threads` threads, with at most `waiting` more in a queue.

    A full queue is Refusal `too_many_logins`, with `retry_after`. Call `close` at the end.
    """

    def __init__(self, *, threads: int = 2, waiting: int = 200, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="jackfield-passwords")
        self._room = threads + waiting
        self._working: set[asyncio.Future[Any]] = set()
        self._nobody = _hash_of_nobody(self._hasher)

    async def hash(self, password: str) -> str:
        """The hash to store, with its parameters and a random salt. Check the password before."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether this is the password. None for `stored` takes the same work and is always false."""
        matches = await self._run(lambda: self._matches(stored or self._nobody, password))
        return matches and bool(stored)

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than ours, so that it should be made anew."""
        return self._hasher.check_needs_rehash(stored)

    async def close(self) -> None:
        """Let what is being worked on end, drop what waits, and end the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._working:
            await asyncio.wait(set(self._working))

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if len(self._working) >= self._room:
            raise Refusal("too_many_logins", retry_after=2)
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        self._working.add(future)
        future.add_done_callback(self._working.discard)
        # Shielded: a caller that has left must not free a place while the thread still works.
        return await asyncio.shield(future)


def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """A well-formed hash that no password has: checking against it is the work of any other check."""
    salt, hashed = (
        base64.b64encode(os.urandom(length)).decode("ascii").rstrip("=")
        for length in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${hashed}"


def _bad(detail: str, fix: str) -> Refusal:
    return Refusal("invalid_request", detail, fix)
