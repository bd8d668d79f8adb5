"""The upgrade request being judged. No I/O: who is calling was found out before, and is an argument.

`judge` reads as the list of what must pass, in the order of the contract:
host -> query -> route 404 -> origin 403 -> credential 401 -> role 403 -> room 429/503.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from jackfield.auth import origin
from jackfield.config.plan import Endpoint
from jackfield.errors import Closing, Refusal
from jackfield.identity import ANONYMOUS, Identity
from jackfield.routing import Match, Route, RoutingTable

__all__ = ["Admission", "Counts", "Request", "Standing", "judge", "params_of", "rejudge"]

RETRY_AFTER = 5
"""Seconds that a caller is asked to wait when there is no room."""


class Counts(Protocol):
    """How many connections there are; implemented by the hub."""

    def count(self, endpoint: str) -> int:
        """Connections of one endpoint on this node."""

    def count_of(self, endpoint: str, login: str) -> int:
        """Connections of one user to one endpoint on this node."""


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request is judged. `own` is the server's origin as the client addressed it.

    `root` is the prefix under which another application mounts us; `raw_path` comes without it.
    """

    method: str
    raw_path: bytes
    query_string: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    own: str
    client: str = ""
    root: str = ""

    def values(self, name: bytes) -> list[str]:
        """All values of a header, as they came."""
        return [value.decode("latin-1") for key, value in self.headers if key == name]

    @property
    def query(self) -> dict[str, str]:
        """The query parameters, the last of each name."""
        return dict(parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that may enter."""

    route: Route
    params: Mapping[str, Any]
    identity: Identity
    subprotocol: str | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class Standing:
    """What an open connection entered with, kept to judge it again when the plan or the user changes."""

    endpoint: str
    texts: Mapping[str, str]
    origin: tuple[str, ...]
    own: str


def judge(
    table: RoutingTable,
    request: Request,
    who: Identity | Refusal | None,
    counts: Counts,
    *,
    tell: bool = False,
) -> Admission:
    """Admit the request or raise the Refusal that comes first.

    `who` is what became of the credential: an identity, the refusal that it earned, or None where none
    was sent. `tell` allows the refusal to name the nearest endpoint.
    """
    match = _match(table, request, tell=tell)
    endpoint = match.route.endpoint
    params = params_of(match)
    standing = Standing(endpoint.name, match.params, tuple(request.values(b"origin")), request.own)
    _judge_origin(endpoint, standing)
    identity = _judge_credential(endpoint, who, table, request.root)
    _judge_role(endpoint, identity)
    _judge_room(endpoint, identity, counts)
    return Admission(match.route, params, identity, _subprotocol(endpoint, request), standing)


def rejudge(table: RoutingTable, standing: Standing, identity: Identity) -> Closing | None:
    """Whether an open connection may stay under `table`: None, or how it ends.

    The endpoint's name is its identity: another URL or process is no reason to close.
    """
    route = table.routes.get(standing.endpoint)
    if route is None:
        return Closing("restart", "the endpoint is gone")
    if set(route.pattern.params) != set(standing.texts):
        return Closing("restart", "the endpoint's path parameters changed")
    try:
        params_of(Match(route, standing.texts))
    except Refusal:
        return Closing("restart", "the endpoint's path parameters changed")
    try:
        _judge_origin(route.endpoint, standing)
        _judge_credential(route.endpoint, identity or None, table)
        _judge_role(route.endpoint, identity)
    except Refusal as refusal:
        return Closing("forbidden", refusal.detail)
    return None


def params_of(match: Match) -> dict[str, Any]:
    """The path parameters, converted by the hints of the process. A value that does not fit is a 404."""
    converted = {}
    for name, text in match.params.items():
        convert = match.route.signature.params.get(name, str)
        try:
            converted[name] = convert(text)
        except ValueError as exc:
            detail = f'The value of "{name}" in the address does not fit: {exc}.'
            raise Refusal("not_found", detail, f"The address is {match.route.endpoint.url}.") from None
    return converted


def _subprotocol(endpoint: Endpoint, request: Request) -> str | None:
    """The first sub-protocol of the client's list that the endpoint speaks (RFC 6455, section 4.2.2)."""
    offered = [part.strip() for value in request.values(b"sec-websocket-protocol") for part in value.split(",")]
    return next((name for name in offered if name in endpoint.subprotocols), None)


def _match(table: RoutingTable, request: Request, *, tell: bool) -> Match:
    match = table.match(request.raw_path)
    if match is not None:
        return match
    near = table.nearest(request.raw_path) if tell else ""
    fix = f"Did you mean {near}?" if near else "Check the path; `jackfield status` lists all addresses."
    raise Refusal("not_found", fix=fix)


def _judge_origin(endpoint: Endpoint, standing: Standing) -> None:
    rule = endpoint.origins
    origin.judge(standing.origin, standing.own, any_origin=rule.any, allowed=rule.allowed, required=rule.required)


def _judge_credential(
    endpoint: Endpoint, who: Identity | Refusal | None, table: RoutingTable, root: str = ""
) -> Identity:
    if endpoint.access.mode == "public":
        return ANONYMOUS
    if isinstance(who, Refusal):
        raise who
    if who is not None:
        return who
    if endpoint.access.mode == "optional":
        return ANONYMOUS
    raise _not_logged_in(table, root)


def _not_logged_in(table: RoutingTable, root: str) -> Refusal:
    auth = table.plan.auth
    where = f"{root}{auth.path}/login"
    fix = f'POST {where} with {{"login": …, "password": …}}, then send the header Cookie: {auth.cookie}=…'
    return Refusal("not_logged_in", fix=fix)


def _judge_role(endpoint: Endpoint, identity: Identity) -> None:
    roles = endpoint.access.roles
    if roles and not identity.roles.intersection(roles):
        names = _either(roles)
        fix = f"An administrator gives it with: jackfield users roles {identity.login} +{roles[0]}"
        raise Refusal("role_required", f"The endpoint is for callers with the role {names}.", fix)


def _judge_room(endpoint: Endpoint, identity: Identity, counts: Counts) -> None:
    limits = endpoint.limits
    if identity and counts.count_of(endpoint.name, identity.login) >= limits.per_user:
        detail = f"The user has {limits.per_user:,} connections to this endpoint, which is all that one may have."
        raise Refusal("too_many_of_user", detail, "Close one, or raise limits.per_user.", retry_after=RETRY_AFTER)
    if counts.count(endpoint.name) >= limits.connections:
        detail = f"The endpoint has {limits.connections:,} connections, which is all that it takes."
        raise Refusal("too_many_connections", detail, "Try again later.", retry_after=RETRY_AFTER)


def _either(names: Sequence[str]) -> str:
    return " or ".join(f'"{name}"' for name in names)
