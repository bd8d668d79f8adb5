"""What a running server says of itself: `jackfield status`, and `GET /api/status`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jackfield.server.live import Live
from jackfield.server.options import Options

__all__ = ["addresses", "status"]


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
