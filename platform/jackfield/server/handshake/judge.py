"""Whether an upgrade may enter. No I/O: the caller is identified between `approach` and `admit`.

These read as the list of what must pass, in the order of the contract:
host -> query -> route 404 -> origin 403 -> the caller, where the endpoint asks -> credential 401 -> role 403
-> room 429/503. Whose request goes no further than the origin has no code of the project run for it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol

from jackfield.addresses import network
from jackfield.auth import credentials, origin
from jackfield.auth.authorities import is_own, login_with_authority, stands
from jackfield.auth.keys import is_key
from jackfield.config import url
from jackfield.config.plan import AuthSettings, Endpoint, Plan
from jackfield.config.roles import filled
from jackfield.errors import Closing, Refusal
from jackfield.groups.names import BadName
from jackfield.identity import ANONYMOUS, Identity
from jackfield.routing.table import Match, Route, RoutingTable
from jackfield.server.request import Caller, Request, Standing

__all__ = [
    "CLOSING",
    "Admission",
    "Approach",
    "Counts",
    "admit",
    "approach",
    "closes_with",
    "fitted",
    "groups_of",
    "how_to_give",
    "judge",
    "known",
    "not_logged_in",
    "params_of",
    "rejudge",
    "subprotocol",
]

RETRY_AFTER = 5
"""Seconds that a caller is told to wait when there is no room."""


CLOSING = 8
"""Connections of a user that may come or go beside `limits.per_user`, at least."""


class Counts(Protocol):
    """How many connections there are; implemented by the hub."""

    def count(self, endpoint: str) -> int:
        """Connections of one endpoint on this node."""

    def count_of(self, endpoint: str, login: str) -> int:
        """Connections of one user to one endpoint on this node."""

    def count_from(self, endpoint: str, address: str) -> int:
        """Connections of one address to one endpoint on this node."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that may enter."""

    route: Route
    params: Mapping[str, Any]
    identity: Identity
    subprotocol: str | None
    standing: Standing
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Approach:
    """A request for an endpoint, by a page that may open it; the caller is not identified yet."""

    route: Route
    params: Mapping[str, Any]
    texts: Mapping[str, str]
    origin: tuple[str, ...]

    @property
    def asks(self) -> bool:
        """Whether the endpoint asks who is calling."""
        return self.route.endpoint.access.mode != "public"


def judge(
    table: RoutingTable,
    request: Request,
    caller: Caller,
    counts: Counts,
    *,
    detailed: bool = False,
) -> Admission:
    """Admit the request or raise the Refusal that comes first; see `approach` and `admit`."""
    return admit(table, request, approach(table, request, detailed=detailed), caller, counts)


def approach(table: RoutingTable, request: Request, *, detailed: bool = False) -> Approach:
    """Check what needs no caller: the route and the origin.

    `detailed` allows the refusal to name the nearest endpoint, and the place of a line in the file.
    """
    match = _match(table, request, detailed=detailed)
    endpoint = match.route.endpoint
    params = params_of(match, request.root)
    asked = tuple(request.values(b"origin"))
    _judge_origin(endpoint, asked, request.own, table.plan if detailed else None)
    return Approach(match.route, params, match.params, asked)


def admit(
    table: RoutingTable, request: Request, asked: Approach, caller: Caller, counts: Counts, visitor: str = "~"
) -> Admission:
    """Check what needs the caller: the credential, the role and the room. `visitor` is one who is not logged in.

    `caller` is what became of the credential: an identity, the refusal that it earned, or None where none was sent or
    the endpoint does not ask.
    """
    endpoint = asked.route.endpoint
    detail = credentials.absent(request.headers, table.plan.auth.cookie) if caller is None else ""
    identity = _judge_credential(endpoint, caller, table, request.root, detail)
    _judge_role(endpoint, identity, asked.texts)
    _judge_room(endpoint, identity, counts, request.client)
    visitor = login_with_authority(table.plan.auth, identity) or visitor
    own = sys.intern(request.own)  # the same for nearly all of ten thousand connections
    standing = Standing(endpoint.name, asked.texts, asked.origin, own, visitor)
    groups = groups_of(table, asked.route, identity, asked.params, visitor)
    return Admission(asked.route, asked.params, identity, subprotocol(endpoint, request), standing, groups)


def groups_of(
    table: RoutingTable, route: Route, identity: Identity, params: Mapping[str, Any], visitor: str
) -> tuple[str, ...]:
    """The names of the groups that the endpoint gives a connection. A name that cannot be is a 404."""
    if not route.groups:
        return ()
    login = login_with_authority(table.plan.auth, identity)
    values = {**params, "login": login, "visitor": visitor, "endpoint": route.name}
    try:
        return _shared(tuple(dict.fromkeys(pattern.fill(values) for pattern in route.groups)))
    except BadName as exc:
        raise Refusal("not_found", f"{str(exc)[0].upper()}{str(exc)[1:]}.") from None


@lru_cache(maxsize=1024)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names that came first of those that are the same: each member of a group keeps them."""
    return names


_CLOSING = frozenset({401, 403, 429})
"""Refusals whose close code, 4000 + the status, is one of ours."""


def closes_with(table: RoutingTable, request: Request, refusal: Refusal) -> Route | None:
    """The endpoint that sends this refusal as a close frame; None where HTTP carries it.

    A browser hides the HTTP answer to an upgrade from every page, and shows a close frame to the page that
    asked. So a page of a foreign origin must not get one: it would learn whether its visitor is logged in
    here, and with which role. It gets HTTP, which shows it nothing, and so does whatever is refused before
    the origin was looked at. The origin is checked once more here, so that this does not rest on the order in
    `judge`. With `origins: any` every page gets it. With `refusals: auto` only who names an origin does: programs
    can read HTTP.
    """
    match = table.match(request.raw_path)
    if match is None or match.route.endpoint.refusals == "http" or refusal.status not in _CLOSING:
        return None
    origins = request.values(b"origin")
    if match.route.endpoint.refusals == "auto" and not any(origins):
        return None
    try:
        _judge_origin(match.route.endpoint, origins, request.own)
    except Refusal:
        return None
    return match.route


def rejudge(table: RoutingTable, standing: Standing, identity: Identity) -> Closing | None:
    """Whether an open connection may stay under `table`: None, or how it ends.

    The endpoint's name is its identity: another URL or process is no reason to close.
    """
    route = table.route(standing.endpoint)
    if route is None:
        return Closing("restart", "the endpoint is gone")
    if set(route.pattern.params) != set(standing.texts):
        return Closing("restart", _CHANGED)
    if isinstance(fitted(route, standing), Closing):
        return Closing("restart", _CHANGED)
    if identity and not stands(table.plan.auth, identity):
        return Closing("session_ended", "this way of logging in is not taken any more")
    try:
        _judge_origin(route.endpoint, standing.origin, standing.own)
        _judge_credential(route.endpoint, identity or None, table)
        _judge_role(route.endpoint, identity, standing.texts)
    except Refusal as refusal:
        return Closing("forbidden", refusal.detail)
    return None


_CHANGED = "the endpoint's path parameters changed"


def fitted(route: Route, standing: Standing) -> Mapping[str, Any] | Closing:
    """The path parameters of an open connection under another plan, or how it ends where they do not fit."""
    try:
        return params_of(Match(route, standing.texts))
    except (Refusal, RuntimeError):
        return Closing("restart", _CHANGED)


def params_of(match: Match, root: str = "") -> dict[str, Any]:
    """The path parameters, converted by the hints of the process. A value that does not fit is a 404.

    `root` is the request's, for the address in the refusal.

    Raises RuntimeError where code of the project fails over it.
    """
    converted = {}
    for name, text in match.params.items():
        convert = match.route.signature.params.get(name, str)
        try:
            converted[name] = Context().run(convert, text)  # an enum of the project may have code of its own
        except ValueError as exc:
            detail = f'The value of "{name}" in the address does not fit: {exc}.'
            raise Refusal("not_found", detail, f"The address is {root}{match.route.endpoint.url}.") from None
        except BaseException as exc:
            # code of the project may even call sys.exit
            raise RuntimeError(f'the hint of the path parameter "{name}" fails') from exc
    return converted


def subprotocol(endpoint: Endpoint, request: Request) -> str | None:
    """The first sub-protocol of the client's list that the endpoint speaks (RFC 6455, section 4.2.2).

    Every endpoint speaks `jackfield.v1`; what carries a credential is never answered.
    """
    spoken = (*endpoint.subprotocols, credentials.SUBPROTOCOL)
    return next((name for name in credentials.offered(request.headers) if name in spoken), None)


def _match(table: RoutingTable, request: Request, *, detailed: bool) -> Match:
    match = table.match(request.raw_path)
    if match is not None:
        return match
    detail, fix = url.fault(request.raw_path, request.root)
    near = table.nearest(request.raw_path) if detailed else ""
    if near:
        fix = f"Did you mean {request.root}{near}?"
    raise Refusal("not_found", detail, fix)


def _judge_origin(endpoint: Endpoint, asked: Sequence[str], own: str, plan: Plan | None = None) -> None:
    """With `plan` the refusal says where in it the line belongs."""
    rule = endpoint.origins
    place = None if plan is None else partial(_place, plan, endpoint)
    origin.check(asked, own, any_origin=rule.any, allowed=rule.allowed, required=rule.required, place=place)


def _place(plan: Plan, endpoint: Endpoint) -> str:
    """Where a line about the endpoint's origins belongs: where they stand, or else the endpoint."""
    place = plan.place("endpoints", endpoint.name, "origins")
    return f"{place.file}:{place.line}, endpoint {endpoint.name}"


def _judge_credential(
    endpoint: Endpoint, caller: Caller, table: RoutingTable, root: str = "", detail: str = ""
) -> Identity:
    mode = endpoint.access.mode
    if mode == "public" or (mode == "optional" and caller is None):
        return ANONYMOUS
    return known(caller, table.plan.auth, root, detail)


def known(caller: Caller, auth: AuthSettings, root: str, detail: str = "") -> Identity:
    """The caller, where one is logged in; else raise the refusal that the credential earned, or `not_logged_in`."""
    if isinstance(caller, Refusal):
        raise caller
    if caller is None:
        raise not_logged_in(auth, root, detail)
    return caller


def not_logged_in(auth: AuthSettings, root: str, detail: str = "") -> Refusal:
    """The refusal where the caller has to log in first; `root` is the request's."""
    if not auth.own:
        fix = (
            f"Send the token that your login gave you: in the header Cookie: {auth.cookie}=… or Authorization: Bearer …"
        )
        return Refusal("not_logged_in", detail, fix)
    where = f"{root}{auth.path}/login"
    fix = f'POST {where} with {{"login": …, "password": …}}, then send the header Cookie: {auth.cookie}=…'
    return Refusal("not_logged_in", detail, fix)


def _judge_role(endpoint: Endpoint, identity: Identity, texts: Mapping[str, str]) -> None:
    roles = filled(endpoint.access.roles, texts)
    if is_key(identity) and not roles:
        detail = "The endpoint is for people: a service key opens those that ask for one of its roles, and no other."
        raise Refusal(
            "role_required",
            detail,
            f"Name the key's role in endpoints.yaml: endpoint {endpoint.name}, `roles` of `auth`.",
        )
    if roles and not identity.roles.intersection(roles):
        shown = roles if all(map(_PLAIN.fullmatch, roles)) else endpoint.access.roles  # texts of the client
        names = _either(shown)
        fix = "The roles come from the login; whoever keeps the users there gives it."
        if is_own(identity):
            fix = how_to_give(shown[0], identity.login)
        elif is_key(identity):
            fix = f"Make a key with it: jackfield keys add NAME --role {shown[0]}"
        raise Refusal("role_required", f"The endpoint is for callers with the role {names}.", fix)


_PLAIN = re.compile(r"[\w.{}-]+")


def how_to_give(role: str, login: str) -> str:
    """How a user of ours gets a role, for the `fix` of a refusal."""
    return f"An administrator gives it with: jackfield users roles {login} +{role}"


def _judge_room(endpoint: Endpoint, identity: Identity, counts: Counts, client: str) -> None:
    limits = endpoint.limits
    room = limits.per_user + (max(limits.per_user, CLOSING) if limits.when_full == "close_oldest" else 0)
    if identity and counts.count_of(endpoint.name, identity.login) >= room:
        detail = f"The user has {limits.per_user:,} connections to this endpoint, which is all that one may have."
        raise Refusal("too_many_of_user", detail, retry_after=RETRY_AFTER)
    most = limits.per_address
    if most is not None and counts.count_from(endpoint.name, network(client)) >= most:
        detail = f"The address has {most:,} connections to this endpoint, which is all that one may have."
        raise Refusal("too_many_of_address", detail, retry_after=RETRY_AFTER)
    if counts.count(endpoint.name) >= limits.connections:
        detail = f"The endpoint has {limits.connections:,} connections, which is all that it takes."
        raise Refusal("too_many_connections", detail, retry_after=RETRY_AFTER)


def _either(names: Sequence[str]) -> str:
    return " or ".join(f'"{name}"' for name in names)
