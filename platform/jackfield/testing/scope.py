"""The upgrade request of a test's client, as an ASGI server would hand it over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any
from urllib.parse import quote, unquote, urlencode

from jackfield.routing.table import Route, RoutingTable
from jackfield.similar import did_you_mean

__all__ = ["HOST", "route_of", "scope_of"]

HOST = "localhost"
"""What the server is called; a page of http://localhost is one of its own."""


def route_of(table: RoutingTable, endpoint: str | None) -> Route:
    """The route that is meant; None is the only one. Raises ValueError for what is not there."""
    names = list(table.routes)
    if endpoint is None:
        if len(names) != 1:
            raise ValueError(f"say which endpoint is meant, one of: {', '.join(names) or 'none'}")
        return table.routes[names[0]]
    if endpoint not in table.routes:
        hint = did_you_mean(endpoint, names) or f"there are: {', '.join(names) or 'none'}"
        raise ValueError(f'there is no endpoint "{endpoint}"; {hint}')
    return table.routes[endpoint]


def scope_of(
    route: Route,
    params: Mapping[str, Any],
    query: Mapping[str, Any],
    headers: Mapping[str, str],
    subprotocols: Iterable[str],
) -> dict[str, Any]:
    """The scope of an upgrade to the route's URL. Raises ValueError for parameters that are not the URL's.

    Where the endpoint wants an Origin and `headers` has none, it is that of a page of our own.
    """
    path = _path(route, params)
    fields = {"host": HOST, **{name.lower(): value for name, value in headers.items()}}
    if route.endpoint.origins.required:
        fields.setdefault("origin", f"http://{fields['host']}")
    offered = list(subprotocols)
    if offered:
        fields["sec-websocket-protocol"] = ", ".join(offered)
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "server": (HOST, 80),
        "client": ("127.0.0.1", 50000),
        "root_path": "",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": urlencode({name: _text(value) for name, value in query.items()}).encode("ascii"),
        "headers": [(name.encode("ascii"), value.encode()) for name, value in fields.items()],
        "subprotocols": offered,
        "state": {},
        "extensions": {"websocket.http.response": {}},
    }


def _path(route: Route, params: Mapping[str, Any]) -> str:
    """The URL with its parameters filled in, percent-encoded."""
    wanted = route.pattern.params
    missing = [name for name in wanted if name not in params]
    unknown = [name for name in params if name not in wanted]
    if missing or unknown:
        what = f"is without {', '.join(missing)}" if missing else f"has {', '.join(unknown)}"
        takes = ", ".join(wanted) or "no parameters"
        raise ValueError(f"params {what}; the URL {route.endpoint.url} of {route.name} takes {takes}")
    parts = route.pattern.normal.split("/")[1:]
    return "".join(
        "/" + (quote(_text(params[segment.text]), safe="") if segment.is_param else part)
        for segment, part in zip(route.pattern.segments, parts, strict=True)
    )


def _text(value: Any) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value)
