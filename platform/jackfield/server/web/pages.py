"""The small pages of plain HTTP: the 426 with the finished address."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from jackfield.config.plan import AuthSettings
from jackfield.describe.contract import send_of
from jackfield.errors import Refusal
from jackfield.routing.table import Route
from jackfield.server.refusal import problem

__all__ = ["page", "upgrade_required"]

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>body{{font:16px/1.5 system-ui;max-width:46rem;margin:3rem
auto;padding:0 1rem}}code,pre{{background:#8882;border-radius:4px;padding:.1em .3em;overflow-wrap:anywhere}}
pre{{padding:1em;white-space:pre-wrap}}@media(prefers-color-scheme:dark){{body{{background:#111;color:#ddd}}
a{{color:#8cf}}}}table{{border-collapse:collapse;display:block;overflow-x:auto}}td,th{{border:1px solid #8884;
padding:.2em .6em;text-align:left;vertical-align:top}}</style>{body}</html>"""


def upgrade_required(
    route: Route,
    auth: AuthSettings,
    *,
    own: str,
    path: str,
    would: Refusal | None,
    detailed: bool,
    as_page: bool,
) -> Response:
    """The answer to a plain GET on an endpoint: the finished address and all that is needed to use it."""
    address = f"ws{own.removeprefix('http')}{path}"
    body: dict[str, Any] = {
        "websocket_url": address,
        "cookie": f"{auth.cookie}=…",
        "login": _login(own, auth),
        "send": send_of(route) if detailed else None,
        "replies": _replies(route) if detailed else None,
        "would": would and _would(would),
    }
    refusal = Refusal("upgrade_required", "Open this address with a WebSocket client.", f"Connect to {address}")
    answer = problem(refusal, auth, body)
    if as_page:
        page = _upgrade_page(route, body, auth)
        headers = {k: v for k, v in answer.headers.items() if k not in ("content-length", "content-type")}
        return Response(page, 426, headers, "text/html; charset=utf-8")
    return answer


def _would(refusal: Refusal) -> dict[str, Any]:
    told = {"refusal": refusal.id} if refusal.id else {}
    return {"status": refusal.status, "code": refusal.code, "fix": refusal.fix, **told}


def _replies(route: Route) -> str | None:
    """How many replies a message has that carries an `$id`; None where messages are no JSON."""
    if route.endpoint.messages != "json":
        return None
    return "none" if route.endpoint.reply_to != "sender" else route.signature.replies


def page(title: str, body: str, *, headed: bool = False) -> str:
    """A small page; `body` is HTML. Unless it is `headed`, the title stands above it."""
    shown = html.escape(title)
    return _PAGE.format(title=shown, body=body if headed else f"<h1>{shown}</h1>{body}")


def _login(own: str, auth: AuthSettings) -> dict[str, Any] | None:
    """How to log in; None where people log in elsewhere (`auth.login: off`)."""
    if not auth.own:
        return None
    return {"method": "POST", "url": f"{own}{auth.path}/login", "body": {"login": "…", "password": "…"}}


def _upgrade_page(route: Route, body: Mapping[str, Any], auth: AuthSettings) -> str:
    would = body["would"]
    verdict = f"You would be refused now: {would['status']} {would['code']}. {would['fix']}" if would else ""
    asked = f"Whoever runs this server finds it by {would['refusal']}." if would and "refusal" in would else ""
    send = json.dumps(body["send"], ensure_ascii=False) if body["send"] is not None else ""
    parts = [
        f"<p>{html.escape(route.endpoint.summary or route.process.summary)}</p>",
        "<p>This address speaks WebSocket. Open it in Postman or with any WebSocket client:</p>",
        f"<pre>{html.escape(body['websocket_url'])}\nCookie: {html.escape(auth.cookie)}=…</pre>",
        f"<p>then send</p><pre>{html.escape(send)}</pre>" if send else "",
        f"<p>The cookie comes from <code>POST {html.escape(body['login']['url'])}</code>.</p>" if body["login"] else "",
        f"<p><strong>{html.escape(verdict)}</strong> {asked}</p>" if verdict else "",
    ]
    return page(route.name, "".join(parts))
