"""What is below `/api`: users, what is sent from outside (push.py), and what administrators see (seen.py)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from jackfield.auth.authorities import is_own
from jackfield.auth.store.store import Holder
from jackfield.auth.store.tables import User, normal_login
from jackfield.auth.users import Users
from jackfield.config.plan import Plan
from jackfield.describe.documents.people_schemas import NewUser, UserChange
from jackfield.errors import Refusal
from jackfield.identity import ADMIN, EDITOR, PUBLISHER, Identity
from jackfield.logs import log
from jackfield.messages import moment
from jackfield.server.handshake.callers import Callers
from jackfield.server.live import Live
from jackfield.server.request import Request
from jackfield.server.web import cors
from jackfield.server.web.accounts import as_json
from jackfield.server.web.additions import Additions
from jackfield.server.web.children import Children
from jackfield.server.web.data_files import DataFiles
from jackfield.server.web.editing import Editing
from jackfield.server.web.endpoints import Endpoints
from jackfield.server.web.json_api import Answer, Asked, JsonApi, reply
from jackfield.server.web.keys import KeyAdministration
from jackfield.server.web.page import Page
from jackfield.server.web.places import Places
from jackfield.server.web.processes import Processes
from jackfield.server.web.push import Push
from jackfield.server.web.refusals import RefusalAdministration
from jackfield.server.web.rights import Rights
from jackfield.server.web.seen import Seen
from jackfield.server.web.trying import Trying
from jackfield.server.web.unmatched import UnmatchedMessages
from jackfield.server.web.user_import import UserImport

__all__ = ["AT", "Administration", "below", "needs_login"]

AT = "/api"
"""Where the administration stands."""

_NAMED = re.compile(rf"{AT}/(users|groups|keys|data)/(.+)".encode(), re.DOTALL)
_FILE = re.compile(rf"{AT}/(files)/(.+)".encode(), re.DOTALL)
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Administration:
    """The addresses below AT of one gateway."""

    def __init__(self, live: Live, callers: Callers) -> None:
        self._live = live
        self._rights = Rights(live, callers)
        self._push = Push(live, self._rights)
        places, children = Places(1), Children()
        self._endpoints = Endpoints(live, callers)
        self._additions = Additions(live, self._rights, places, self._endpoints)
        self._editing = Editing(live, self._rights, places, children)
        self.api = JsonApi(
            {
                "/page": {"GET": Page(live, callers, self._rights).answer},
                **_joined(self._endpoints.routes(), self._additions.routes()),
                **self._push.routes(),
                **Processes(live, self._rights).routes(),
                **Trying(live, self._rights, children).routes(),
                **self._editing.routes(),
                **Seen(live, self._rights).routes(),
                **KeyAdministration(callers.authorities.keys, self._rights).routes(),
                **RefusalAdministration(live.refusals, live.clock).routes(),
                **DataFiles(live, self._rights).routes(),
                **UnmatchedMessages(live, self._rights).routes(),
                "/users/import": {"POST": UserImport(live, self._rights).answer},
                "/users": {"GET": self._list, "POST": self._add},
                "/users/{one}": {"GET": self._get, "PATCH": self._change, "DELETE": self._remove},
                "/users/{one}/close": {"POST": self._close},
            }
        )

    async def answer(self, request: Request, http: HttpRequest, path: Sequence[str]) -> Response:
        """Answer one request; `path` is what `below` gives of it. Raises Refusal."""
        with self._push.counted(request, path):
            cors.check_own(request)
            await self._check(request, path)
            return await self.api.answer(request, http, AT, path)

    async def _check(self, request: Request, path: Sequence[str]) -> None:
        """Raise Refusal for a caller who may do nothing at these segments."""
        if self._additions.answers(request.method, path):
            if self.api.takes(path, request.method):  # else it is no question of rights
                await self._rights.author(request)
        elif path[0] in ("page", "endpoints"):
            return  # it says for itself what is for whom
        elif self._push.answers(path):
            await self._push.check(request, path)
        elif path[0] == "processes":
            await self._rights.documents(request)
        elif path[0] in ("unmatched", "published"):
            await self._rights.answerer(request)
        elif path[0] in ("run", "test") or self._editing.answers(path):
            if self.api.takes(path, request.method):
                await self._rights.editor(request)
        else:
            await self._rights.admin(request)

    @property
    def _users(self) -> Users:
        return Users(self._live.sessions)  # asked for late: where our own login is off, there are none

    async def _list(self, asked: Asked) -> Response:
        users = [_as_json(user) for user in await self._users.all()]
        return reply({"users": users, "roles": _asked_for(self._live.generation.table.plan)})

    async def _add(self, asked: Asked) -> Response:
        given = await asked.body(NewUser, '{"login": "…", "password": "…", "roles": ["…"], "name": "…"}')
        by = await self._rights.admin(asked.request)  # once more: the body may have taken its time
        user = await self._users.add(given.login, given.password, given.roles, name=given.name, by=_holder(by))
        log.info("user_added", login=user.login, roles=sorted(user.roles), by=by.login, client=asked.request.client)
        where = f"{asked.request.root}{AT}/users/{quote(user.login, safe='')}"
        return reply(_as_json(user), {"Location": where}, status=201)

    async def _get(self, asked: Asked) -> Response:
        user = await self._users.get(asked.name)
        found = await self._users.open_sessions(user.login)
        return reply({**_as_json(user), "sessions": [as_json(one) for one in found]})

    async def _change(self, asked: Asked) -> Response:
        sample = '{"roles": ["…"], "disabled": false, "password": "…", "name": "…"}, or some of these'
        given = await asked.body(UserChange, sample)
        wanted = {name for name in UserChange.__struct_fields__ if getattr(given, name) is not None}
        if not wanted:
            raise Refusal("invalid_request", "Nothing is to be changed.", "Send roles, disabled, password or name.")
        by = await self._rights.admin(asked.request)
        if given.disabled or (given.roles is not None and ADMIN not in given.roles):
            _refuse_oneself(by, asked.name)
        user = await self._users.change(
            asked.name,
            roles=given.roles,
            disabled=given.disabled,
            password=given.password,
            name=given.name,
            by=_holder(by),
        )
        log.info(
            "user_changed",
            login=user.login,
            changed=sorted(wanted),
            roles=sorted(user.roles),
            by=by.login,
            client=asked.request.client,
        )
        return reply(_as_json(user))

    async def _remove(self, asked: Asked) -> Response:
        by = await self._rights.admin(asked.request)
        _refuse_oneself(by, asked.name)
        await self._users.remove(asked.name, by=_holder(by))
        log.info("user_removed", login=asked.name, by=by.login, client=asked.request.client)
        return reply({})

    async def _close(self, asked: Asked) -> Response:
        by = await self._rights.admin(asked.request)
        auth = self._live.generation.table.plan.auth
        if auth.jwt is None and not auth.verify:  # else it may be a login that only another authority knows
            await self._users.get(asked.name)
        ended = await self._users.close(asked.name)
        log.info("user_closed", login=asked.name, ended=ended, by=by.login, client=asked.request.client)
        return reply({"ended": ended})


def _joined(*parts: Mapping[str, Mapping[str, Answer]]) -> Mapping[str, Mapping[str, Answer]]:
    """The addresses of several parts, of which each has some methods."""
    found: dict[str, dict[str, Answer]] = {}
    for path, methods in (one for part in parts for one in part.items()):
        found.setdefault(path, {}).update(methods)
    return found


def below(request: Request) -> Sequence[str] | None:
    """The segments that follow AT in a request's path, decoded; None where it is elsewhere.

    A login may hold what no other address here can (`DOMAIN\\anna`, or a slash as many providers' do), and so may the
    name of a group; the name of a file is one of these segments, with all its slashes. Whatever stands below AT asks
    who is calling, so a proxy that sees more segments opens nothing.
    """
    file = _FILE.fullmatch(request.raw_path)
    named = file or _NAMED.fullmatch(request.raw_path)
    if named is None:
        found = request.below(AT)
        return None if found is None else found[1:].split("/")
    if _BAD_ESCAPE.search(named[2]):
        return None
    try:
        parts = [named[2]] if file else named[2].split(b"/")
        return [named[1].decode(), *(unquote_to_bytes(part).decode() for part in parts)]
    except UnicodeDecodeError:
        return None


def needs_login(path: Sequence[str]) -> bool:
    """Whether what is at these segments below AT is only there with users of our own."""
    return path[0] == "users" and not Push.answers(path)


def _asked_for(plan: Plan) -> list[str]:
    """The roles that open something; not those that hang on a value of the address."""
    named = {role for one in plan.endpoints for each in (one, *one.parts) for role in each.access.roles}
    return sorted({ADMIN, EDITOR, PUBLISHER, *(plan.roles or ()), *(role for role in named if "{" not in role)})


def _as_json(user: User) -> dict[str, Any]:
    return {
        "login": user.login,
        "name": user.name,
        "roles": sorted(user.roles),
        "disabled": user.disabled,
        "has_password": user.password_hash is not None,
        "created_at": moment(user.created_at),
    }


def _holder(by: Identity) -> Holder | None:
    """What must still be so when the change is made; None for a caller of another authority."""
    return (by.login, ADMIN) if is_own(by) else None


def _refuse_oneself(by: Identity, login: str) -> None:
    """Raise Refusal where administrators take the role from themselves: there might be no other.

    A caller of another authority is not a user of ours, even where the logins are spelled alike.
    """
    if is_own(by) and normal_login(login) == by.login:
        fix = "Another administrator can, or on the server's machine: jackfield users."
        raise Refusal("invalid_request", "You cannot take the administration from yourself.", fix)
