"""Which authority identifies a credential: service keys, our own sessions, a provider's keys, the project's function.

The form of the credential decides, so that no authority sees what is another's: a service key begins with `jf_`, and a
token of our own has five parts and begins with `1.`; a token of a provider has three; all else is for the function.
Where one of the last three is not in the plan, its credentials go to the next. Service keys are taken whatever it says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jackfield.auth.credentials import Credential
from jackfield.auth.keys import Keys, is_key, looks_like_key
from jackfield.auth.provider import JWT_SESSION, Provider, looks_like_jwt
from jackfield.auth.sessions import Sessions
from jackfield.auth.verify import VERIFY_SESSION, Function, Report, Request, Verifier
from jackfield.errors import Refusal
from jackfield.identity import OF_KEYS, Identity
from jackfield.logs import log

if TYPE_CHECKING:
    from jackfield.auth.jwt import JwtAuthority

__all__ = ["Authorities", "Settings", "is_own", "known_as", "load", "login_with_authority", "several", "stands"]

_JWT = "jackfield.auth.jwt"
_LOOK = 1.0  # seconds between two looks at what is to be read or asked again


class Settings(Protocol):
    """The `auth:` of a plan, whose AuthSettings say what each is."""

    @property
    def own(self) -> bool:
        """Whether our own users and sessions stand."""

    @property
    def jwt(self) -> Provider | None:
        """Whose tokens are taken."""

    @property
    def verify(self) -> str:
        """The function's name, or an empty text."""

    @property
    def recheck(self) -> float:
        """Seconds for which the function's answer is kept."""


def is_own(identity: Identity) -> bool:
    """Whether an identity is of a session of our own. A change of our users concerns no others."""
    return not identity.session.startswith((JWT_SESSION, VERIFY_SESSION, OF_KEYS))


def several(auth: Settings) -> bool:
    """Whether more than one authority knows users, so that one login may be of different people."""
    return sum((auth.own, auth.jwt is not None, bool(auth.verify))) > 1


def known_as(identity: Identity) -> str:
    """The login with the authority that knows it, our store aside: `jwt:anna`, whatever else the plan takes."""
    kinds = (kind for kind in (JWT_SESSION, VERIFY_SESSION) if identity.session.startswith(kind))
    return next(kinds, "") + identity.login


def login_with_authority(auth: Settings, identity: Identity) -> str:
    """The login; of a user whom another authority than our store knows beside it, with that: `jwt:anna`."""
    return known_as(identity) if several(auth) else identity.login


def stands(auth: Settings, identity: Identity) -> bool:
    """Whether the plan still takes the kind of credential that this identity came by."""
    if identity.session.startswith(JWT_SESSION):
        return auth.jwt is not None
    if identity.session.startswith(VERIFY_SESSION):
        return bool(auth.verify)
    return auth.own or is_key(identity)


def load(auth: Settings) -> None:
    """Load what checks tokens of a provider, where the plan takes them: PyJWT, cryptography and httpx.

    They take 100 ms and 11 MB; a caller who must not wait calls this in a thread before the plan goes live.
    """
    if auth.jwt is not None:
        import_module(_JWT)


class Authorities:
    """All authorities of one node.

    `sessions` is None where our own login was off at the start. `live` gives the function that is live now,
    within a context in which it may be called; `open_sessions` and `report` are as a Verifier has them. `folder`
    is the project's; `clock` gives seconds since the epoch. `keys` are the service keys.
    """

    def __init__(
        self,
        sessions: Sessions | None,
        auth: Settings,
        *,
        live: Callable[[], AbstractContextManager[Function | None]],
        open_sessions: Callable[[], Collection[str]],
        report: Report,
        folder: Path,
        clock: Callable[[], float],
        keys: Keys,
    ) -> None:
        self.keys = keys
        self._sessions = sessions
        self._folder = folder
        self._clock = clock
        self._verifier = Verifier(live, recheck=auth.recheck, clock=clock, open_sessions=open_sessions, report=report)
        self._jwt: JwtAuthority | None = None
        self.tune(auth)

    def tune(self, auth: Settings) -> None:
        """Take over the settings of a plan that goes live."""
        self._own = self._sessions if auth.own else None
        self._verifies = bool(auth.verify)
        self._verifier.tune(auth.recheck)
        if auth.jwt is None:
            self._jwt = None
        elif self._jwt is None or not self._jwt.adapt(auth.jwt):
            self._jwt = import_module(_JWT).JwtAuthority(auth.jwt, folder=self._folder, clock=self._clock)

    async def close(self) -> None:
        """End the calls of the function that run."""
        await self._verifier.close()
        await self.keys.close()

    async def identify(self, credential: Credential, request: Callable[[], Request], *, own: bool = False) -> Identity:
        """The identity of the credential; with `own` only our own sessions are asked.

        Raises Refusal: `bad_credential`, `session_expired`, `invalid_request` for another authority's with `own`, and
        `store_unavailable` or `provider_unavailable` where the authority does not answer. Between the last look
        at what is known and the return nothing waits: a caller who takes note of the identity in the same step
        misses no change.
        """
        value = credential.value
        if looks_like_key(value) and not own:
            if credential.source == "cookie":  # which a browser adds by itself, whoever's page asks
                raise Refusal("bad_credential", "A service key is no cookie.", "Send it as Authorization: Bearer jf_….")
            return await self.keys.identify(value, request().client)
        looks_own = value.startswith("1.") and value.count(".") == 4
        if self._own is not None and not looks_like_key(value) and (looks_own or not (self._jwt or self._verifies)):
            return await self._own.identify(credential)
        if own:
            raise Refusal("invalid_request", "This login is kept elsewhere.", "Ask where you logged in.")
        if self._jwt is not None and (looks_like_jwt(value) or not self._verifies):
            return await self._jwt.identify(credential)
        if self._verifies:
            return await self._verifier.identify(credential, request)
        raise Refusal("bad_credential", "Nobody here can say who this credential stands for.", "Leave it out.")

    async def watch(self) -> None:
        """Read a provider's keys again and ask the function about open connections, in time, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_again(self.renew))
            group.create_task(_again(self.look))
            group.create_task(self.keys.watch())

    async def renew(self) -> None:
        """Read the provider's keys again where it is time for that."""
        if self._jwt is not None:
            await self._jwt.renew()

    async def look(self) -> None:
        """Ask the function again about open connections whose time has come."""
        await self._verifier.look()


async def _again(act: Callable[[], Awaitable[None]]) -> None:
    """Call `act` every second; a fault of ours does not end that."""
    while True:
        try:
            await act()
        except Exception:  # noqa: BLE001 - the root of a task; logged with its stack
            log.exception("authority_failed")
        await asyncio.sleep(_LOOK)
