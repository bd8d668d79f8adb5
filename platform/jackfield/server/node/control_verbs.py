"""What the commands ask a running server over the control channel: publish, status, connections, refusals, send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from jackfield import messages
from jackfield.auth.refused import Wanted
from jackfield.errors import Refusal
from jackfield.groups.names import checked
from jackfield.logs import log
from jackfield.server.live import Live
from jackfield.server.members import Members
from jackfield.server.publish.publisher import Publisher
from jackfield.server.status import connection, having, status

__all__ = ["MOST_SHOWN", "verbs"]

MOST_SHOWN = 1000
"""Connections that `jackfield connections` gets at most, the newest."""

Verb = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


def verbs(live: Live, publisher: Publisher) -> dict[str, Verb]:
    """What answers each verb."""

    async def publish(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if live.options.locked and not asked.get("dry_run"):
            return {"locked": True}
        report = await publisher.publish(dry_run=bool(asked.get("dry_run")), back=bool(asked.get("back")))
        return report.as_json()

    async def tell(_asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return status(live)

    async def connections(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = str(asked.get("search", "")).casefold()
        found = await having(list(live.hub.newest()), wanted, MOST_SHOWN)
        return {"connections": [connection(live, one) for one in found], "of": live.hub.clients}

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

    return {"publish": publish, "status": tell, "connections": connections, "refusals": refusals, "send": send}
