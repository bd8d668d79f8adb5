"""Identities from the project: `auth.verify` names a function of processes/ that says whom a credential stands for.

Strategy. An answer is kept for `recheck` seconds, under a digest of the credential. A yes that open connections
rest on is asked for again after that time; a no, or another login, ends them. A function that fails has given no
answer: no new caller enters meanwhile, and open connections stay for GRACE seconds more, so that a restart of a
database does not close all of them, and one that stays away does not let all of them stay for ever.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jackfield import messages
from jackfield.addresses import networks
from jackfield.auth.bounded_calls import TIME_LIMIT, Calls, NoRoom, TooLate
from jackfield.auth.credentials import Credential
from jackfield.auth.provider import VERIFY_SESSION
from jackfield.auth.store.tables import name_of, normal_login
from jackfield.clocks import Ends, watched
from jackfield.errors import Refusal
from jackfield.identity import NO_CLAIMS, Claims, Identity
from jackfield.logs import log
from jackfield.tasks import end

__all__ = [
    "BREAK_OFF",
    "GRACE",
    "KEEP_NO",
    "MAX_CLAIMS",
    "RECHECKS",
    "ROOM",
    "VERIFY_SESSION",
    "Function",
    "Request",
    "Verifier",
]

BREAK_OFF = 1.0
"""Seconds to end calls when the server stops."""

GRACE = 300.0
"""Seconds that open connections stay while the function only fails, from when it is to be asked again."""

KEEP_NO = 5.0
"""Seconds for which a no is kept, or `recheck` where that is less: a client that tries in a loop costs little."""

MAX_CLAIMS = 4096
"""Bytes of an Identity's claims as JSON: no more than a token has room for."""

RECHECKS = 16
"""Calls for open connections that run at once."""

ROOM = 20_000
"""Answers that are kept; more only where that many connections are open."""

_RETRY = 10.0  # seconds after which a call for open connections that failed is tried again, or `recheck`


@dataclass(frozen=True, slots=True)
class Request:
    """The request that carries a credential, as the function sees it.

    `headers` have lower-case names, several values of one name joined with a comma, those of `cookie` with a
    semicolon. `client` is the address that the request came from. What is asked about an open connection later
    is asked with the request that its credential first came with.
    """

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    client: str = ""


Function = Callable[[str, Request], Any]
"""From a credential and its request to an Identity or None, at once or as a coroutine."""

Report = Callable[[str, Identity | None, str], None]
"""Is called with a session and its new identity, or with None and the reason why the session has ended."""


class _Failed(Exception):
    """The function gave no answer; the text is for the caller."""


@dataclass(slots=True)
class _Known:
    """One credential's answer, given at `at`. It holds for new callers until `until`; at `due` it is asked again.

    These are of the steady clock; the end that the function may have given is of the wall clock.
    """

    credential: str = field(repr=False)
    request: Request
    identity: Identity | None
    at: float
    until: float
    due: float


class Verifier:
    """Says whom a credential stands for by calling a function of the project.

    `live` gives the function that is live now, within a context in which it may be called. `open_sessions`
    are those that connections rest on; `report` is called when one of them changes. `clock` gives seconds
    since the epoch.
    """

    def __init__(
        self,
        live: Callable[[], Any],
        *,
        recheck: float,
        clock: Callable[[], float],
        open_sessions: Callable[[], Collection[str]],
        report: Report,
    ) -> None:
        self._live = live
        self._recheck = recheck
        self._clock = watched(clock)
        self._now = self._clock.steady
        self._ends = Ends(self._clock, ROOM)
        self._open_sessions = open_sessions
        self._report = report
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._calls: dict[bytes, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(RECHECKS)
        self._function_calls = Calls()

    @property
    def known(self) -> int:
        """How many answers are kept."""
        return len(self._known)

    @property
    def asking(self) -> int:
        """How many calls for new callers run, or wait for their turn."""
        return len(self._calls)

    def tune(self, recheck: float) -> None:
        """Take over another `recheck`, of a plan just published, for answers from now on."""
        self._recheck = recheck

    async def close(self) -> None:
        """End the calls that run, within BREAK_OFF; a thread that does not return is not waited for."""
        await end(list(self._calls.values()), BREAK_OFF, lambda _call: log.error("verify_not_ended"))
        self._function_calls.close()

    async def identify(self, credential: Credential, request: Callable[[], Request]) -> Identity:
        """The identity of the credential. Its session's id begins with `verify:`.

        Raises Refusal: `bad_credential` for a no, `session_expired`, `provider_unavailable` while the function
        fails. From the look at what is known to the return nothing waits: a caller who takes note of the
        identity in the same step misses no change.
        """
        key = hashlib.sha256(credential.value.encode()).digest()
        known = self._known.get(key)
        if known is None or self._now() >= known.until or self._is_over(known.identity):
            await self._call_once(key, credential.value, request)
            known = self._known.get(key)
        if known is None:
            raise _unavailable("Who this credential stands for changes faster than it can be found out.")
        if known.identity is None:
            raise Refusal(
                "bad_credential", "Nobody is known by this credential.", "Log in again and send the new credential."
            )
        self._known.move_to_end(key)
        if self._is_over(known.identity):
            fix = "Log in again and send the new credential."
            raise Refusal("session_expired", "The session has run out.", fix, login=known.identity.login)
        return known.identity

    def _is_over(self, identity: Identity | None) -> bool:
        ends = None if identity is None else identity.expires_at
        return identity is not None and ends is not None and self._ends.over(identity.session, ends)

    async def look(self) -> None:
        """Ask again for open connections whose time has come, and drop what is not needed; called every second."""
        now = self._now()
        due = [(key, known) for key, known in self._known.items() if now >= known.due]
        if not due:
            return
        opened = self._open_sessions()
        again = []
        for key, known in due:
            if known.identity is not None and known.identity.session in opened:
                again.append(self._ask_again(key, known))
            elif key not in self._calls:
                del self._known[key]
        await asyncio.gather(*again)

    async def _call_once(self, key: bytes, credential: str, request: Callable[[], Request]) -> None:
        """Ask for a new caller; callers with the same credential meanwhile wait for the same answer."""
        call = self._calls.get(key)
        if call is None:
            call = asyncio.create_task(self._call(key, credential, request()))
            self._calls[key] = call
            call.add_done_callback(lambda call: self._called(key, call))
        try:
            # a caller who leaves does not take the answer from the others
            await asyncio.shield(call)
        except _Failed as exc:
            raise _unavailable(str(exc)) from None

    def _called(self, key: bytes, call: asyncio.Task[None]) -> None:
        del self._calls[key]
        if not call.cancelled():
            call.exception()  # its callers may have left

    async def _call(self, key: bytes, credential: str, request: Request) -> None:
        self._learn(key, credential, request, await self._answer(credential, request))

    async def _ask_again(self, key: bytes, known: _Known) -> None:
        before = known.identity
        assert before is not None, "only a yes is asked for again"
        async with self._slots:
            try:
                identity = await self._answer(known.credential, known.request)
            except _Failed:
                self._put_off(key, known)
                return
        if self._known.get(key) is not known:
            return  # a new caller with this credential has asked meanwhile
        self._learn(key, known.credential, known.request, identity)

    def _learn(self, key: bytes, credential: str, request: Request, identity: Identity | None) -> None:
        """Keep an answer, and report where connections may rest on another."""
        now = self._now()
        old = self._known.get(key)
        before = None if old is None else old.identity
        if identity is not None:
            same = before is not None and before.login == identity.login
            session = before.session if before and same else VERIFY_SESSION + secrets.token_hex(8)
            identity = replace(identity, session=session)
        keep = self._recheck if identity is not None else min(self._recheck, KEEP_NO)
        if old is not None:
            request = old.request
        self._known[key] = _Known(credential, request, identity, now, now + keep, now + keep)
        self._known.move_to_end(key)
        if before is not None and before != identity:
            if identity is not None and identity.session == before.session:
                self._report(before.session, identity, "")
            else:
                self._report(before.session, None, "the session was ended")
        self._trim()

    def _put_off(self, key: bytes, known: _Known) -> None:
        """The function failed for an open connection: try again soon, but not for ever."""
        now = self._now()
        if now - known.at < self._recheck + GRACE:
            known.due = now + min(self._recheck, _RETRY)
            return
        if self._known.get(key) is known:
            del self._known[key]
        assert known.identity is not None, "only a yes is asked for again"
        self._report(known.identity.session, None, f"who this is could not be found out for {GRACE:g} s")

    async def _answer(self, credential: str, request: Request) -> Identity | None:
        """The answer of the function. Raises _Failed; the log has the reason."""
        task = asyncio.current_task()
        try:
            with self._live() as function:
                if function is None:
                    return None  # the plan that is live has none
                given = credential, request
                return _checked(await self._function_calls.call(function, networks(request.client), *given))
        except NoRoom as exc:
            raise _Failed(str(exc)) from None
        except BaseException as exc:  # the project's code, which may even call sys.exit
            kind = type(exc)  # its class may lie about itself
            if issubclass(kind, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            if issubclass(kind, TooLate):
                log.error("verify_failed", reason=f"no answer within {TIME_LIMIT:g} s")
            else:
                log.error("verify_failed", reason=kind.__name__, exc_info=exc)
            raise _Failed("Who this credential stands for could not be found out.") from None

    def _trim(self) -> None:
        """Drop the answers not used for longest, except those that connections rest on."""
        if len(self._known) <= ROOM:
            return
        opened = self._open_sessions()
        spare = len(self._known) - ROOM * 9 // 10  # not one by one: to look for the open ones costs
        for key, known in list(self._known.items()):
            if spare <= 0:
                break
            if known.identity is None or known.identity.session not in opened:
                del self._known[key]
                spare -= 1


def _checked(answer: object) -> Identity | None:
    """The answer in its one spelling. Raises TypeError or ValueError for what is no Identity."""
    if not isinstance(answer, Identity | None):
        raise TypeError(
            f"verify gave a value of type {type(answer).__name__}; it gives an Identity, or None for nobody"
        )
    if not answer:
        return None
    if isinstance(answer.roles, str) or not all(isinstance(role, str) for role in answer.roles):
        raise TypeError("verify gave an Identity whose roles are no set of texts")
    ends = answer.expires_at
    if ends is not None and (isinstance(ends, bool) or not isinstance(ends, int | float) or not math.isfinite(ends)):
        raise TypeError("verify gave an Identity whose expires_at is no number of seconds since 1970")
    if not isinstance(answer.name, str):
        raise TypeError("verify gave an Identity whose name is no text")
    try:
        login = normal_login(answer.login)
    except Refusal as exc:
        raise ValueError(f"verify gave an Identity whose login cannot be one: {exc.detail}") from None
    return Identity(login, frozenset(answer.roles), "", ends, name_of(answer.name), _claims(answer.claims))


def _claims(given: object) -> Claims:
    """A copy of what the function says of the caller. Raises TypeError or ValueError, without a value of it."""
    if not isinstance(given, Mapping):
        raise TypeError("verify gave an Identity whose claims are no mapping")
    if not given:
        return NO_CLAIMS
    try:
        text = messages.encoded(given)
    except messages.Unsendable as exc:
        raise ValueError(f"verify gave an Identity whose claims are not JSON: {exc.path or 'the whole'}") from None
    if len(text) > MAX_CLAIMS:
        raise ValueError(f"verify gave an Identity whose claims have {len(text):,} bytes, over {MAX_CLAIMS:,}")
    return Claims(text)


def _unavailable(detail: str) -> Refusal:
    return Refusal("provider_unavailable", detail, "Try again in a few seconds.", retry_after=2)
