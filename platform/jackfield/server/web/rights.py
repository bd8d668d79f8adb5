"""What callers may do below /api. Each gives the caller, or raises the Refusal that says what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from jackfield.auth.keys import is_key
from jackfield.errors import Refusal
from jackfield.identity import ADMIN, EDITOR, PUBLISHER, Identity
from jackfield.server.handshake.callers import Callers
from jackfield.server.handshake.judge import how_to_give, known, not_logged_in
from jackfield.server.live import Live
from jackfield.server.request import Request

__all__ = ["Rights"]


class Rights:
    """The rights of callers on one node. A service key may do what it is for, and nothing of an administrator's.

    Beside a site the role `admin` counts for nothing in public: a fault in a page acts as whoever opens it.
    """

    def __init__(self, live: Live, callers: Callers) -> None:
        self._live = live
        self._callers = callers

    async def admin(self, request: Request) -> Identity:
        """The administrator who asks; with an admin port, on that alone."""
        if self._live.elsewhere and not request.local:
            raise self._live.away(_FOR_ADMINS)
        return self._with(request, await self._known(request, _FOR_ADMINS), _FOR_ADMINS, ADMIN)

    async def documents(self, request: Request) -> None:
        """Return for whom the documents are open to, and for who may change tables; else raise Refusal."""
        if self._live.may_read_documents(request, None):
            return
        caller = await self._callers.identify(request)
        if isinstance(caller, Identity) and self.edits(request, caller):
            return
        if self._live.elsewhere:
            raise self._live.away(_FOR_READERS_OF_DOCUMENTS)
        sure = known(caller, self._live.generation.table.plan.auth, request.root, _FOR_READERS_OF_DOCUMENTS)
        if not self._live.may_read_documents(request, sure):
            raise Refusal("role_required", _FOR_READERS_OF_DOCUMENTS, how_to_give(ADMIN, sure.login))

    async def reader(self, request: Request) -> Identity:
        """Who may see groups and who is there: an administrator, and a key within what it sends to."""
        caller = await self._known(request, _FOR_READERS, programs=True)
        return self._with(request, caller, _FOR_READERS, *((PUBLISHER,) if is_key(caller) else ()), ADMIN)

    async def publisher(self, request: Request) -> Identity:
        """Who may send to groups and users; what a key may send to is checked beside this."""
        caller = await self._known(request, _FOR_PUBLISHERS, programs=True)
        return self._with(request, caller, _FOR_PUBLISHERS, PUBLISHER, ADMIN)

    async def author(self, request: Request) -> Identity:
        """The administrator who may change every file; by a listener that only this machine reaches, with --edit."""
        if self._live.options.edit != "all":
            raise Refusal("not_found", "Files are not changed here.", "Start with --edit, on a loopback address.")
        caller = await self.admin(request)
        if not request.local:
            raise Refusal("role_required", _ON_THIS_MACHINE, _LOCALLY)
        return caller

    async def editor(self, request: Request) -> Identity:
        """Who may change tables and publish them; with --edit or --edit tables, over TLS or on this machine."""
        edit, caller = self._live.options.edit, await self._known(request, _FOR_EDITORS)
        if edit is None:
            raise Refusal("not_found", "Files are not changed here.", "Start with --edit tables.")
        self._with(request, caller, _FOR_EDITORS, EDITOR, ADMIN)
        if not self.edits(request, caller):
            raise Refusal("role_required", *self._elsewhere(request, caller))
        return caller

    async def answerer(self, request: Request) -> Identity:
        """Who may read what no row was for, and what was published: who may change tables here, and administrators."""
        caller = await self._callers.identify(request)
        if isinstance(caller, Identity) and self.edits(request, caller):
            return caller
        return await self.admin(request)

    def edits(self, request: Request, caller: Identity) -> Literal["tables", "all"] | None:
        """What of the files a known caller may change by this request, beside the check of its origin."""
        edit, admin, editor = self._live.options.edit, ADMIN in caller.roles, EDITOR in caller.roles
        if edit is None or not (admin or editor) or is_key(caller):
            return None
        if request.local:
            return "all" if edit == "all" and admin else "tables"
        if edit == "all" or self._live.generation.table.plan.site or not (editor or not self._live.elsewhere):
            return None
        return "tables" if self._live.options.near or request.own.startswith("https:") else None

    def _elsewhere(self, request: Request, caller: Identity) -> tuple[str, str]:
        """Why this request changes no table although its caller may, and what does."""
        if is_key(caller):
            return "Files are changed by people, and not by service keys.", "Log in as a user."
        if self._live.elsewhere and (self._live.generation.table.plan.site or EDITOR not in caller.roles):
            return "Files are not changed in public here.", self._live.elsewhere
        if self._live.options.edit == "all":
            return _ON_THIS_MACHINE, _LOCALLY
        return "Tables are changed over TLS.", "Open the address that begins with https://."

    def sees(self, caller: Identity, group: str) -> bool:
        """Whether a caller may send to a group, and see it. Raises Refusal for a key that was removed."""
        key = self._callers.authorities.keys.of(caller)
        return key is None or key.allows(group)

    def check_groups(self, caller: Identity, groups: Iterable[str]) -> None:
        """Raise Refusal for a key that is not for one of these groups."""
        key = self._callers.authorities.keys.of(caller)
        wrong = None if key is None else next((group for group in groups if not key.allows(group)), None)
        if key is not None and wrong is not None:
            allowed = ", ".join(key.groups) or "users alone"
            raise Refusal("role_required", f"The key {key.name} is for {allowed}, and not for {wrong}.", _OTHER_KEY)

    def check_users(self, caller: Identity) -> None:
        """Raise Refusal for a key that is not for users."""
        key = self._callers.authorities.keys.of(caller)
        if key is not None and not key.users:
            raise Refusal("role_required", f"The key {key.name} is not for users.", _OTHER_KEY)

    async def _known(self, request: Request, sentence: str, *, programs: bool = False) -> Identity:
        caller, auth = await self._callers.identify(request), self._live.generation.table.plan.auth
        if caller is None and programs:  # which hardly ever log in
            raise Refusal("not_logged_in", sentence, f"{_KEY} {not_logged_in(auth, request.root).fix}")
        return known(caller, auth, request.root, sentence)

    def _with(self, request: Request, caller: Identity, sentence: str, *roles: str) -> Identity:
        held = caller.roles.intersection(roles)
        if held == {ADMIN} and self._live.generation.table.plan.site and not request.local:
            raise Refusal("role_required", _BESIDE_A_SITE, self._live.elsewhere, login=caller.login)
        if not held:
            fix = _OTHER_KEY if is_key(caller) else how_to_give(roles[0], caller.login)
            raise Refusal("role_required", sentence, fix, login=caller.login)
        return caller


_FOR_ADMINS = f"The administration is for the role {ADMIN}."
_FOR_READERS_OF_DOCUMENTS = f"What the processes are is for the role {ADMIN} here."
_FOR_READERS = f"Who is in which group is for the role {ADMIN}, and for service keys within their groups."
_FOR_PUBLISHERS = f"Sending from outside is for the roles {PUBLISHER} and {ADMIN}."
_FOR_EDITORS = f"Tables are changed by the roles {EDITOR} and {ADMIN}."
_ON_THIS_MACHINE = "Files are changed from the server's own machine alone."
_LOCALLY = "Open the server there, by its loopback address."
_BESIDE_A_SITE = f"The role {ADMIN} is not asked for here: a fault in a page of the site would act by it."
_NEW_KEY = f"jackfield keys add NAME --role {PUBLISHER} --groups 'PATTERN' --users"
_OTHER_KEY = f"A key for it is made with: {_NEW_KEY}"
_KEY = f"A program sends the header Authorization: Bearer jf_…, with a key made by: {_NEW_KEY}. A user:"
