"""What plain HTTP is answered: a refusal, the 426 with the finished address, the small pages."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.responses import JSONResponse, Response

from jackfield.config.plan import AuthSettings
from jackfield.describe.contract import contract, send_of
from jackfield.errors import CODES, Refusal
from jackfield.routing.table import Route, RoutingTable

__all__ = ["HSTS", "SECURITY_HEADERS", "document", "index", "page", "problem", "secured", "upgrade_required"]

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
}
"""On every HTTP answer (OWASP ASVS 5.0, 3.4)."""

HSTS = "max-age=31536000"
"""A year, the least that ASVS 5.0, 3.4.1 asks for; on answers over TLS."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})  # a browser keeps HSTS for a host with all its ports

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>body{{font:16px/1.5 system-ui;max-width:46rem;margin:3rem
auto;padding:0 1rem}}code,pre{{background:#8882;border-radius:4px;padding:.1em .3em;overflow-wrap:anywhere}}
pre{{padding:1em;white-space:pre-wrap}}@media(prefers-color-scheme:dark){{body{{background:#111;color:#ddd}}
a{{color:#8cf}}}}table{{border-collapse:collapse;display:block;overflow-x:auto}}td,th{{border:1px solid #8884;
padding:.2em .6em;text-align:left;vertical-align:top}}</style>{body}</html>"""


def document(body: Mapping[str, Any], refusal: Refusal) -> dict[str, Any]:
    """The problem details of a refusal (RFC 9457), with `body`'s members at the end."""
    code = CODES[refusal.code]
    found: dict[str, Any] = {
        "type": f"urn:jackfield:{refusal.code}",
        "title": code.sentence,
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
        "fix": refusal.fix,
    }
    return {**found, **refusal.more, **body}


def problem(refusal: Refusal, auth: AuthSettings, body: Mapping[str, Any] | None = None, *, root: str = "") -> Response:
    """A refusal as `application/problem+json`."""
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", "Jackfield-Error": refusal.code}
    if refusal.status == 401:
        # draft-broyer-http-cookie-auth: how a client learns that a cookie is the credential
        action = quote(f"{root}{auth.path}/login", safe="/%")
        form = f'form-action="{action}", ' if auth.own else ""
        headers["WWW-Authenticate"] = f'Cookie realm="jackfield", {form}cookie-name="{auth.cookie}"'
    if refusal.status == 405:
        headers["Allow"] = str(refusal.more.get("allow", "GET"))
    if refusal.status == 426:
        headers |= {"Upgrade": "websocket", "Connection": "Upgrade"}
    if refusal.code == "bad_version":
        headers["Sec-WebSocket-Version"] = "13"
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    return _Problem(document(body or {}, refusal), status_code=refusal.status, headers=headers)


def secured(response: Response, own: str) -> Response:
    """Add what an answer over TLS carries (RFC 6797); `own` is our origin as the client addressed it."""
    try:
        address = urlsplit(own)
        host = address.hostname
    except ValueError:  # of a Host header that makes no sense, and is refused for it
        return response
    if address.scheme == "https" and host not in _LOOPBACK:
        response.headers["Strict-Transport-Security"] = HSTS
    return response


def upgrade_required(
    route: Route,
    auth: AuthSettings,
    *,
    own: str,
    path: str,
    would: Refusal | None,
    tell: bool,
    as_page: bool,
) -> Response:
    """The answer to a plain GET on an endpoint: the finished address and all that is needed to use it."""
    address = f"ws{own.removeprefix('http')}{path}"
    body: dict[str, Any] = {
        "websocket_url": address,
        "cookie": f"{auth.cookie}=…",
        "login": _login(own, auth),
        "send": send_of(route) if tell else None,
        "would": would and {"status": would.status, "code": would.code, "fix": would.fix},
    }
    refusal = Refusal("upgrade_required", "Open this address with a WebSocket client.", f"Connect to {address}")
    answer = problem(refusal, auth, body)
    if as_page:
        page = _upgrade_page(route, body, auth)
        headers = {k: v for k, v in answer.headers.items() if k not in ("content-length", "content-type")}
        return Response(page, 426, headers, "text/html; charset=utf-8")
    return answer


def index(table: RoutingTable, own: str) -> Response:
    """The start page of a listener that only this machine reaches: the endpoints with their addresses."""
    base = f"ws{own.removeprefix('http')}"
    rows = [
        f'<li><a href="{html.escape(own + found.filled)}"><code>{html.escape(base + found.url)}</code></a><br>'
        f"<code>{html.escape(found.shape)}</code> {html.escape(found.summary)}</li>"
        for found in contract(table).operations
    ]
    body = f"<ul>{''.join(rows)}</ul>" if rows else "<p>No endpoint is published yet.</p>"
    links = {
        "docs/reference": "Reference",
        "docs": "Try it out",
        "openapi.json": "OpenAPI",
        "asyncapi.json": "AsyncAPI",
    }
    parts = [f'<a href="{html.escape(own)}/{path}">{text}</a>' for path, text in links.items()]
    body += f"<p>{', '.join(parts)}</p>"
    text = page(table.plan.title or "Jackfield", body)
    return Response(text, 200, {**SECURITY_HEADERS, "Cache-Control": "no-store"}, "text/html; charset=utf-8")


def page(title: str, body: str, *, headed: bool = False) -> str:
    """A small page; `body` is HTML. Unless it is `headed`, the title stands above it."""
    shown = html.escape(title)
    return _PAGE.format(title=shown, body=body if headed else f"<h1>{shown}</h1>{body}")


class _Problem(JSONResponse):
    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, indent=2).encode()


def _login(own: str, auth: AuthSettings) -> dict[str, Any] | None:
    """How to log in; None where people log in elsewhere (`auth.login: off`)."""
    if not auth.own:
        return None
    return {"method": "POST", "url": f"{own}{auth.path}/login", "body": {"login": "…", "password": "…"}}


def _upgrade_page(route: Route, body: Mapping[str, Any], auth: AuthSettings) -> str:
    would = body["would"]
    verdict = f"You would be refused now: {would['status']} {would['code']}. {would['fix']}" if would else ""
    send = json.dumps(body["send"], ensure_ascii=False) if body["send"] is not None else ""
    parts = [
        f"<p>{html.escape(route.endpoint.summary or route.process.summary)}</p>",
        "<p>This address speaks WebSocket. Open it in Postman or with any WebSocket client:</p>",
        f"<pre>{html.escape(body['websocket_url'])}\nCookie: {html.escape(auth.cookie)}=…</pre>",
        f"<p>then send</p><pre>{html.escape(send)}</pre>" if send else "",
        f"<p>The cookie comes from <code>POST {html.escape(body['login']['url'])}</code>.</p>" if body["login"] else "",
        f"<p><strong>{html.escape(verdict)}</strong></p>" if verdict else "",
    ]
    return page(route.name, "".join(parts))
