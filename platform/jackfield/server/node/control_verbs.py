"""What the commands ask a running server over the control channel: publish, status, refusals, send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from jackfield import messages
from jackfield.auth.refused import Wanted
from jackfield.errors import PlanError, Refusal
from jackfield.groups.names import checked
from jackfield.logs import log
from jackfield.server.live import Live
from jackfield.server.members import Members
from jackfield.server.options import Options
from jackfield.server.publish.publisher import Publisher

__all__ = ["addresses", "verbs"]

Verb = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


def addresses(options: Options) -> dict[str, str]:
    """Where clients reach the server; and where this machine does, if the name of a certificate is not in the way."""
    admin = options.admin
    found = {"address": options.address} | ({"admin": admin.address} if admin is not None else {})
    if not (options.tls or options.embedded):
        found["listener"] = replace(options, public_url="").address
    return found


def verbs(live: Live, publisher: Publisher, fell_back: PlanError | None, began: float) -> dict[str, Verb]:
    """What answers each verb. `fell_back` is as in Node, `began` in seconds since the epoch."""

    async def publish(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if live.options.locked and not asked.get("dry_run"):
            return {"locked": True}
        report = await publisher.publish(dry_run=bool(asked.get("dry_run")), back=bool(asked.get("back")))
        return report.as_json()

    async def status(_asked: Mapping[str, Any]) -> Mapping[str, Any]:
        table = live.generation.table
        return {
            **addresses(live.options),
            "generation": live.generation.number,
            "hash": table.hash,
            "published_at": publisher.published_at,
            "began": began,
            "connections": len(live.hub),
            "fell_back": str(fell_back) if fell_back and live.generation.number == 1 else None,
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

    async def refusals(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = Wanted.typed(asked, since=asked.get("since"))
        return {"refusals": [refused.as_json() for refused in reversed(await live.refusals.find(wanted))]}

    async def send(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send the event under `event`, JSON in a text, to a group or a login; the caller may do anything here."""
        members, event = Members(live), messages.parse(str(asked.get("event")).encode())
        if isinstance(group := asked.get("group"), str):
            delivered = members.send(checked(group), messages.group_event(event), None)
            live.metrics.pushes["group", "accepted", ""] += 1
            log.info("pushed", groups=[group], delivered_to=delivered, by="", client="")
            return {"delivered_to": delivered}
        endpoint = asked.get("endpoint")
        if endpoint is not None and endpoint not in live.generation.table.routes:
            names = ", ".join(sorted(live.generation.table.routes))
            raise Refusal("invalid_request", f"There is no endpoint {endpoint}.", f"There are {names}.")
        login = str(asked.get("login"))
        delivered = members.send_to(login, messages.event(event), endpoint)
        live.metrics.pushes["user", "accepted", ""] += 1
        log.info("pushed", login=login, endpoint=endpoint or "", delivered_to=delivered, by="", client="")
        return {"delivered_to": delivered}

    return {"publish": publish, "status": status, "refusals": refusals, "send": send}
