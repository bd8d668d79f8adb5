"""What a publish, a changed session or role, and another answer of an authority do to open connections.

All three check each connection again by the rules of the handshake, against what it entered with (Standing).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from jackfield.auth.store.tables import Change
from jackfield.errors import Closing, Refusal
from jackfield.groups.names import CONSOLE
from jackfield.identity import Identity
from jackfield.routing.table import RoutingTable
from jackfield.server.handshake.judge import fitted, groups_of, rejudge
from jackfield.server.joining import put_out
from jackfield.server.live import Live, Member

__all__ = ["Verdict", "adapt", "answered_anew", "replace_oldest", "session_changed", "verdicts", "watch_session"]

Verdict = tuple[Member, Mapping[str, Any] | Closing]
"""An open connection with its path parameters under another plan, or how it ends."""


def verdicts(live: Live, table: RoutingTable) -> list[Verdict]:
    """Check every open connection against `table`. Runs code of the project: the hints of path parameters."""
    table.adopt(live.generation.table.ours)
    # a site takes the page's own connections away where it takes the rest of the administration (Live.elsewhere)
    moves = bool(table.plan.site) and not live.elsewhere
    return [
        (member, _AWAY if moves and member.endpoint == CONSOLE else _verdict(table, member))
        for member in live.hub
        if not member.is_over
    ]


_AWAY = Closing("forbidden", "beside a site the administration is on --admin-port alone")


def _verdict(table: RoutingTable, member: Member) -> Mapping[str, Any] | Closing:
    closing = rejudge(table, member.standing, member.identity)
    route = table.route(member.endpoint)
    return closing or (fitted(route, member.standing) if route is not None else {})


def adapt(live: Live, found: Iterable[Verdict], before: RoutingTable) -> None:
    """Carry out the verdicts; called in the step that makes their table live, in place of `before`."""
    for member, verdict in found:
        if member.is_over:  # the new table was too much for it
            continue
        if isinstance(verdict, Closing):
            member.end(verdict.code, verdict.reason)
            continue
        route, old = live.generation.table.route(member.endpoint), before.route(member.endpoint)
        if route is None or old is None:
            continue
        endpoint = route.endpoint
        member.adapt(verdict, endpoint.limits)
        try:
            if route.groups or old.groups:
                member.membership.move(
                    groups_of(live.generation.table, route, member.identity, verdict, member.standing.visitor)
                )
        except Refusal as refusal:
            member.end("removed" if refusal.code == "group_forbidden" else "restart", refusal.detail)
            continue
        if endpoint.session_warning != old.endpoint.session_warning:
            watch_session(live, member)
    for listener in tuple(live.groups.asked):
        put_out(live, listener)


def session_changed(live: Live, change: Change) -> None:
    """A session or user changed in the store: the connections concerned close, or go on with other roles.

    With a user that is removed goes what is kept here of the login.
    """
    if change.kind == "user_removed":
        live.refusals.forget(change.login)
    for member in live.hub:
        if not change.concerns(member.identity):
            continue
        if change.ends:
            member.end("session_ended", change.reason)
        elif change.kind == "session_refreshed":
            member.become(replace(member.identity, expires_at=change.expires_at))
            member.move_session()
        else:
            assert change.roles is not None, "the other change that ends nothing"
            _keep(live, member, replace(member.identity, roles=change.roles))


def answered_anew(live: Live, session: str, identity: Identity | None, reason: str) -> None:
    """A session stands for a caller with other roles or another end now, or for no caller."""
    for member in live.hub:
        if member.identity.session != session:
            continue
        if identity is None:
            member.end("session_ended", reason)
            continue
        moved = member.identity.expires_at != identity.expires_at
        if _keep(live, member, identity) and moved:
            watch_session(live, member)


def watch_session(live: Live, member: Member) -> None:
    """Arm the timer of a connection's session, as its endpoint's `session_warning` is by now."""
    route = live.generation.table.route(member.endpoint)
    member.watch_session(None if route is None else route.endpoint.session_warning)


def replace_oldest(live: Live, endpoint: str, login: str, most: int) -> None:
    """Close the oldest connections of a user to an endpoint, so that no more than `most` are open."""
    mine = [member for member in live.hub.of(login) if member.endpoint == endpoint and not member.is_over]
    for member in mine[: max(0, len(mine) - most)]:
        member.end("replaced")


def _keep(live: Live, member: Member, identity: Identity) -> bool:
    """Give a connection its new identity, and close it where that may not be there; gives whether it stays."""
    member.become(identity)
    closing = rejudge(live.generation.table, member.standing, identity)
    if closing is not None:
        member.end(closing.code, closing.reason)
    elif live.groups.asked:
        put_out(live, member.membership)
    return closing is None
