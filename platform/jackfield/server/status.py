"""What a running server says of itself: `jackfield status` and `connections`, and the same below /api."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jackfield import messages
from jackfield.auth.authorities import login_with_authority
from jackfield.server.live import Live, Member
from jackfield.server.options import Options

__all__ = ["addresses", "connection", "having", "status"]

_AT_ONCE = 500  # connections that are searched in one step of the loop


def addresses(options: Options) -> dict[str, str]:
    """Where clients reach the server; and where this machine does, if the name of a certificate is not in the way."""
    admin = options.admin
    found = {"address": options.address} | ({"admin": admin.address} if admin is not None else {})
    if not (options.tls or options.embedded):
        found["listener"] = replace(options, public_url="").address
    return found


def status(live: Live) -> dict[str, Any]:
    """What is served, since when and to how many. Moments are in seconds since the epoch."""
    table = live.generation.table
    return {
        **addresses(live.options),
        "generation": live.generation.number,
        "hash": table.hash,
        "published_at": live.published_at,
        "began": live.began,
        "connections": live.hub.clients,
        "fell_back": live.fell_back if live.generation.number == 1 else None,
        "endpoints": [
            {
                "name": route.name,
                "url": route.endpoint.url,
                "shape": route.signature.shape,
                "connections": live.hub.count(route.name),
            }
            for route in table.routes.values()
        ],
    }


def connection(live: Live, member: Member) -> dict[str, Any]:
    """An open connection."""
    silent, seconds = member.bucket.silent(member.now()), live.passed() - member.began
    route = live.generation.table.routes.get(member.endpoint)
    return {
        "id": member.connection.id,
        "endpoint": member.endpoint,
        "login": login_with_authority(live.generation.table.plan.auth, member.identity) or None,
        "visitor": None if member.identity else member.connection.visitor,
        "address": member.connection.address,
        "seconds": round(seconds),
        "since": messages.moment(live.clock() - seconds),
        "messages": member.bucket.came,
        "silent": None if silent is None else round(silent),
        "waiting": member.outbox.pending,
        "groups": list(member.groups),
        "watchable": route is not None and "payloads" in route.endpoint.inspect,
    }


async def having(members: Sequence[Member], wanted: str, most: int) -> list[Member]:
    """Those in which a text stands anywhere that is shown, the first so many; others have their turn meanwhile."""
    found: list[Member] = []
    for number, member in enumerate(members):
        if number % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
        if wanted in _shown(member).casefold():
            found.append(member)
            if len(found) == most:
                break
    return found


def _shown(member: Member) -> str:
    one = member.connection
    return "\n".join((member.identity.login or one.visitor, one.endpoint, one.address, one.id, *member.groups))
