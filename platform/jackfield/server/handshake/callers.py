"""Who is calling: the gateway's side of the authorities, and what their second thoughts do to open connections."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from jackfield.auth import verify
from jackfield.auth.authorities import Authorities
from jackfield.auth.credentials import Credential
from jackfield.auth.sessions import Sessions
from jackfield.config.plan import AuthSettings
from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.server.connection.conversation import Conversation
from jackfield.server.handshake.judge import Request, rejudge
from jackfield.server.web import administration

if TYPE_CHECKING:
    from jackfield.server.gateway import Gateway

__all__ = ["Callers"]


class Callers:
    """Finds out who is calling one gateway, by asking its `authorities`.

    `folder` is the project's; `clock` gives seconds since the epoch.
    """

    def __init__(
        self, gateway: Gateway, sessions: Sessions | None, *, folder: Path, clock: Callable[[], float]
    ) -> None:
        self._gateway = gateway
        self.authorities = Authorities(
            sessions,
            gateway.generation.table.plan.auth,
            live=self._live,
            open_sessions=self._open_sessions,
            report=self._told,
            folder=folder,
            clock=clock,
        )

    def tune(self, auth: AuthSettings) -> None:
        """Take over the settings of a plan that goes live."""
        self.authorities.tune(auth)

    async def identify(self, credential: Credential, request: Request, *, own: bool) -> Identity:
        """Who a request's credential stands for; raises Refusal, see Authorities."""
        return await self.authorities.identify(credential, lambda: _shown(request), own=own)

    def check_path(self, request: Request) -> None:
        """Raise Refusal `not_found` for the addresses of our own login where it is off."""
        auth = self._gateway.generation.table.plan.auth
        ours = request.below(auth.path) is not None or administration.below(request) is not None
        if not auth.own and ours:
            what = "their identity provider" if auth.jwt else "the application that this server belongs to"
            raise Refusal("not_found", "There are no users and no login of our own here.", f"People log in at {what}.")

    async def watch(self) -> None:
        """Keep the authorities up to date until cancelled; what they find closes connections."""
        await self.authorities.watch()

    async def close(self) -> None:
        """End what still runs."""
        await self.authorities.close()

    @contextmanager
    def _live(self) -> Iterator[verify.Function | None]:
        generation = self._gateway.generation
        generation.enter()
        try:
            yield generation.table.verify
        finally:
            generation.leave()

    def _open_sessions(self) -> Collection[str]:
        return {member.identity.session for member in self._gateway.hub}

    def _told(self, session: str, identity: Identity | None, reason: str) -> None:
        """A session stands for somebody with other roles or another end now, or for nobody."""
        for member in self._gateway.hub:
            if not isinstance(member, Conversation) or member.identity.session != session:
                continue
            if identity is None:
                member.end("session_ended", reason)
                continue
            moved = member.identity.expires_at != identity.expires_at
            member.connection.identity = identity
            closing = rejudge(self._gateway.generation.table, member.standing, identity)
            if closing is not None:
                member.end(closing.code, closing.reason)
            elif moved:
                self._gateway.arm(member)


def _shown(request: Request) -> verify.Request:
    """A request as the project's function sees it."""
    headers: dict[str, str] = {}
    for key, value in request.headers:
        name, text = key.decode("latin-1"), value.decode("latin-1")
        # RFC 9110, section 5.3; RFC 9113, section 8.2.3 for cookies
        headers[name] = f"{headers[name]}{'; ' if name == 'cookie' else ', '}{text}" if name in headers else text
    path = unquote(request.raw_path.decode("latin-1"))
    return verify.Request(path=path, query=request.query, headers=headers, client=request.client)
