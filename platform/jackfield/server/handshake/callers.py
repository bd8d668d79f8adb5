"""The caller: the credential of a request, and the authorities that know whose it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from jackfield.auth import credentials, verify
from jackfield.auth.authorities import Authorities
from jackfield.auth.keys import Keys
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.store import Store
from jackfield.config.plan import AuthSettings
from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.server.handshake import revocation
from jackfield.server.live import Live
from jackfield.server.request import Caller, Request

__all__ = ["Callers"]


class Callers:
    """Identifies the callers of one node, by asking its `authorities`. `folder` is the project's.

    `open_store` opens the store of service keys where our own login is off; without it there are none then.
    """

    def __init__(
        self,
        live: Live,
        sessions: Sessions | None,
        *,
        folder: Path,
        open_store: Callable[[], Awaitable[Store]] | None = None,
    ) -> None:
        self._live = live
        report = partial(revocation.answered_anew, live)
        keys = Keys(sessions, open_store or _no_store, callers=self._callers, report=report, clock=live.clock)
        self.authorities = Authorities(
            sessions,
            live.generation.table.plan.auth,
            live=self._verify,
            open_sessions=self._open_sessions,
            report=report,
            folder=folder,
            clock=live.clock,
            keys=keys,
        )

    def tune(self, auth: AuthSettings) -> None:
        """Take over the settings of a plan that goes live."""
        self.authorities.tune(auth)

    async def identify(self, request: Request, *, asks: bool = True, own: bool = False) -> Caller:
        """What becomes of the request's credential: an identity, the refusal it earns, or None without one.

        With `own` it is one of our own sessions or of no use; where the endpoint does not ask (`asks`), it is not
        looked at. Raises Refusal for two credentials that differ.
        """
        try:
            credential = credentials.find(request.headers, self._live.generation.table.plan.auth.cookie)
            if credential is None or not asks:
                return None
            return await self.authorities.identify(credential, lambda: _shown(request), own=own)
        except Refusal as refusal:
            if refusal.code == "contradictory_credentials":
                raise
            return refusal

    async def identify_own(self, request: Request) -> Caller:
        """The caller, by our own sessions alone: for the log, and for what an administrator is shown."""
        try:
            return await self.identify(request, own=True)
        except Refusal as refusal:
            return refusal

    async def watch(self) -> None:
        """Keep the authorities up to date until cancelled; what they find closes connections."""
        await self.authorities.watch()

    async def close(self) -> None:
        """End what still runs."""
        await self.authorities.close()

    @contextmanager
    def _verify(self) -> Iterator[verify.Function | None]:
        generation = self._live.generation
        generation.enter()
        try:
            yield generation.table.verify
        finally:
            generation.leave()

    def _open_sessions(self) -> Collection[str]:
        return {member.identity.session for member in self._live.hub}

    def _callers(self) -> Iterator[Identity]:
        return (member.identity for member in self._live.hub)


async def _no_store() -> Store:
    raise Refusal("store_unavailable", "There is no store of service keys here.", retry_after=60)


def _shown(request: Request) -> verify.Request:
    """A request as the project's function sees it."""
    headers: dict[str, str] = {}
    for key, value in request.headers:
        name, text = key.decode("latin-1"), value.decode("latin-1")
        # RFC 9110, section 5.3; RFC 9113, section 8.2.3 for cookies
        headers[name] = f"{headers[name]}{'; ' if name == 'cookie' else ', '}{text}" if name in headers else text
    path = unquote(request.raw_path.decode("latin-1"))
    return verify.Request(path=path, query=request.query, headers=headers, client=request.client)
