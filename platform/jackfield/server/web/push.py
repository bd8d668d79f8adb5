"""`/api/groups`, `/api/users/…/events`, `/api/events`: what other programs send to groups and users, and see of them.

What is sent is data: one JSON object, which is checked as one that a process sends and runs nothing (CF-10).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from starlette.responses import Response

from jackfield import messages
from jackfield.auth.store.tables import normal_key, normal_login
from jackfield.describe.documents.push_schemas import Broadcast
from jackfield.errors import Refusal
from jackfield.groups.bans import span
from jackfield.groups.names import fault
from jackfield.identity import OF_KEYS
from jackfield.logs import log
from jackfield.server.live import Live
from jackfield.server.members import Members
from jackfield.server.request import Request
from jackfield.server.web.idempotency import Idempotency
from jackfield.server.web.json_api import Answer, Asked, no_json, parsed, reply
from jackfield.server.web.paging import page_of, query, search_of
from jackfield.server.web.rights import Rights

__all__ = ["MAX_NAMED", "Push", "endpoint_of", "login_of"]

MAX_NAMED = 100
"""Groups that one request names."""

_ENVELOPE = 32 * 1024  # bytes for the names of MAX_NAMED groups around an event
_SHOWN = 20  # endpoints that a refusal names
_NO_JSON = "The body holds what JSON cannot: NaN, an infinity, or half of a surrogate pair."


class Push:
    """The addresses of one gateway by which other programs send, and see who is there."""

    def __init__(self, live: Live, rights: Rights) -> None:
        self._live = live
        self._rights = rights
        self._members = Members(live)
        self._idempotency = Idempotency(live.clock)

    def routes(self) -> Mapping[str, Mapping[str, Answer]]:
        """What answers where, for JsonApi."""
        return {
            "/events": {"POST": self._send_to_several},
            "/groups": {"GET": self._groups},
            "/groups/{one}": {"GET": self._group},
            "/groups/{one}/events": {"POST": self._send},
            "/groups/{one}/members/{one}": {"DELETE": self._remove},
            "/users/{one}/events": {"POST": self._send_to},
            "/users/{one}/presence": {"GET": self._presence},
        }

    @staticmethod
    def answers(path: Sequence[str]) -> bool:
        """Whether these segments below /api are here, and do not belong to our own users."""
        below_users = len(path) == 3 and path[0] == "users" and path[2] in ("events", "presence")
        return below_users or path[0] in ("events", "groups")

    async def check(self, request: Request, path: Sequence[str]) -> None:
        """Raise Refusal for a caller who may do nothing here."""
        if request.method == "GET":
            await self._rights.reader(request)
        else:
            await self._rights.publisher(request)

    @contextmanager
    def counted(self, request: Request, path: Sequence[str]) -> Iterator[None]:
        """Count what is sent by this request, with its outcome; what is no sending is not counted."""
        kind, pushes = _kind(request.method, path), self._live.metrics.pushes
        try:
            yield
        except Refusal as refusal:
            if kind:
                pushes[kind, "refused", refusal.code] += 1
            raise
        if kind:
            pushes[kind, "accepted", ""] += 1

    async def _send(self, asked: Asked) -> Response:
        body = await asked.read(self._most())
        return await self._spread(asked, asked.names, self._event(body, messages.group_event), body)

    async def _send_to_several(self, asked: Asked) -> Response:
        sample = '{"groups": ["room:7"], "event": {"event": "changed"}}'
        body = await asked.read(self._most() + _ENVELOPE)
        given = parsed(body, Broadcast, sample)
        if not 0 < len(given.groups) <= MAX_NAMED:
            raise Refusal("invalid_request", f"A request names 1 to {MAX_NAMED} groups.", f"Send {sample}.")
        return await self._spread(asked, given.groups, self._frame(given.event, messages.group_event), body)

    async def _spread(self, asked: Asked, groups: Iterable[str], frame: bytes, body: bytes) -> Response:
        names = list(dict.fromkeys(map(_named, groups)))
        by = await self._rights.publisher(asked.request)  # once more: the body may have taken its time
        self._rights.check_groups(by, names)

        async def act() -> Mapping[str, Any]:
            self._live.groups.check_sending(names)  # of all before the first: an error has sent nothing
            delivered = sum(self._members.send(name, frame, None) for name in names)
            log.info("pushed", groups=names, delivered_to=delivered, by=by.login, client=asked.request.client)
            return {"delivered_to": delivered}

        return reply(await self._idempotency.once(asked.request, by, body, act), status=202)

    async def _send_to(self, asked: Asked) -> Response:
        endpoint, login = endpoint_of(self._live, query(asked, "endpoint")), login_of(asked.name)
        body = await asked.read(self._most(endpoint))
        frame = self._event(body, messages.event, endpoint)
        by = await self._rights.publisher(asked.request)
        self._rights.check_users(by)

        async def act() -> Mapping[str, Any]:
            online = bool(self._members.of(login))
            delivered = self._members.send_to(login, frame, endpoint)
            where, client = endpoint or "", asked.request.client
            log.info("pushed", login=login, endpoint=where, delivered_to=delivered, by=by.login, client=client)
            return {"delivered_to": delivered, "online": online}

        return reply(await self._idempotency.once(asked.request, by, body, act), status=202)

    async def _remove(self, asked: Asked) -> Response:
        group, login = _named(asked.names[0]), login_of(asked.names[1])
        ban = _span(query(asked, "for").get("for", "0s"))
        by = await self._rights.publisher(asked.request)
        self._rights.check_groups(by, (group,))
        answer = self._members.remove(group, login, ban).as_json()
        said = {"banned_until": "", **answer, "by": by.login, "client": asked.request.client}
        log.info("member_removed", group=group, login=login, **said)
        return reply(answer)

    async def _groups(self, asked: Asked) -> Response:
        given = query(asked, "search", "limit", "after")
        wanted, caller = search_of(given), await self._rights.reader(asked.request)
        ours = (group for group in self._live.groups if not group.name.startswith("$"))
        found = {one.name: one for one in ours if wanted in one.name.casefold() and self._rights.sees(caller, one.name)}
        names, following = page_of(found, given, key=str)
        groups = [
            {"group": name, "count": len(found[name].members), "kept": len(found[name].history)} for name in names
        ]
        return reply({"groups": groups, "next": following})

    async def _group(self, asked: Asked) -> Response:
        given, group = query(asked, "limit", "after"), _named(asked.name)
        self._rights.check_groups(await self._rights.reader(asked.request), (group,))
        found = self._members.members(group)
        counts = Counter(identity.login for identity in found if identity)
        logins, following = page_of(counts, given, key=str)
        members = [{"login": login, "connections": counts[login]} for login in logins]
        return reply({"group": group, "count": len(found), "members": members, "next": following})

    async def _presence(self, asked: Asked) -> Response:
        query(asked)
        self._rights.check_users(await self._rights.reader(asked.request))
        connections = len(self._members.of(login_of(asked.name)))
        return reply({"online": bool(connections), "connections": connections})

    def _event(self, body: bytes, encode: Callable[[object], bytes], endpoint: str | None = None) -> bytes:
        """The frame of the event that a body is."""
        try:
            value = messages.parse(body)
        except ValueError:
            raise Refusal("invalid_event", no_json(body) or _NO_JSON) from None
        return self._frame(value, encode, endpoint)

    def _frame(self, value: object, encode: Callable[[object], bytes], endpoint: str | None = None) -> bytes:
        try:
            frame = encode(value)
        except messages.Unsendable as exc:
            raise Refusal("invalid_event", f"{exc.path or 'The event'}: {exc.problem}.") from None
        if len(frame) > (most := self._most(endpoint)):
            raise Refusal("body_too_large", f"The event has {len(frame):,} bytes; `limits.queue` leaves it {most:,}.")
        return frame

    def _most(self, endpoint: str | None = None) -> int:
        return self._live.generation.table.plan.event_room(endpoint)


def endpoint_of(live: Live, given: Mapping[str, str]) -> str | None:
    """The endpoint that a query names, None where it names none. Raises Refusal."""
    endpoint, known = given.get("endpoint"), live.generation.table.routes
    if endpoint is None or endpoint in known:
        return endpoint
    fix = f"The endpoints are {', '.join(sorted(known)[:_SHOWN])}."
    raise Refusal("not_found", "There is no endpoint of the name that the query has.", fix)


def _kind(method: str, path: Sequence[str]) -> str:
    """What a request for these segments below /api sends to: `group`, `groups`, `user`; "" where it sends nothing."""
    if method != "POST" or path[-1] != "events":
        return ""
    return "groups" if len(path) == 1 else {"groups": "group", "users": "user"}.get(path[0], "")


def _named(name: str) -> str:
    """The name of a group, as a process may say it."""
    if name.startswith("$"):
        raise Refusal("not_found", "Groups whose names begin with $ are Jackfield's own.", "Take another group.")
    if wrong := fault(name):
        fix = "Write it so in a body; in an address all of it is percent-encoded once more."
        raise Refusal("invalid_request", f"This can be no name of a group: {wrong}.", fix)
    return name


def login_of(text: str) -> str:
    """A login, or what a service key is called, in the one spelling that connections have. Raises Refusal."""
    return OF_KEYS + normal_key(text[len(OF_KEYS) :]) if text.startswith(OF_KEYS) else normal_login(text)


def _span(text: str) -> float:
    """The seconds of a time such as 10m. Raises Refusal."""
    try:
        return span(text)
    except ValueError as exc:
        raise Refusal("invalid_request", f"`for` {exc}.", "Write for=10m, 12h or 7d.") from None
