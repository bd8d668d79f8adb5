"""What callers may do below /api. Each gives the caller, or raises the Refusal that says what is missing."""

from __future__ import annotations

from jackfield.errors import Refusal
from jackfield.identity import ADMIN, PUBLISHER, Identity
from jackfield.server.handshake.callers import Callers
from jackfield.server.handshake.judge import not_logged_in
from jackfield.server.live import Live
from jackfield.server.request import Request

__all__ = ["Rights"]


class Rights:
    """The rights of callers on one node."""

    def __init__(self, live: Live, callers: Callers) -> None:
        self._live = live
        self._callers = callers

    async def admin(self, request: Request) -> Identity:
        """The administrator who asks; with an admin port, on that alone."""
        if self._live.options.admin_port is not None and not request.local:
            raise Refusal("role_required", _FOR_ADMINS, "Ask the listener of --admin-port.")
        return self._with(await self._known(request, _FOR_ADMINS), _FOR_ADMINS, ADMIN)

    async def reader(self, request: Request) -> Identity:
        """Who may see groups and who is there: an administrator."""
        return self._with(await self._known(request, _FOR_READERS), _FOR_READERS, ADMIN)

    async def publisher(self, request: Request) -> Identity:
        """Who may send to groups and users."""
        return self._with(await self._known(request, _FOR_PUBLISHERS), _FOR_PUBLISHERS, PUBLISHER, ADMIN)

    async def _known(self, request: Request, sentence: str) -> Identity:
        caller = await self._callers.identify(request)
        if isinstance(caller, Refusal):
            raise caller
        if caller is None:
            raise not_logged_in(self._live.generation.table.plan.auth, request.root, sentence)
        return caller

    def _with(self, caller: Identity, sentence: str, *roles: str) -> Identity:
        if caller.roles.isdisjoint(roles):
            fix = f"An administrator gives it with: jackfield users roles {caller.login} +{roles[0]}"
            raise Refusal("role_required", sentence, fix)
        return caller


_FOR_ADMINS = f"The administration is for the role {ADMIN}."
_FOR_READERS = f"Who is in which group is for the role {ADMIN}."
_FOR_PUBLISHERS = f"Sending from outside is for the roles {PUBLISHER} and {ADMIN}."
