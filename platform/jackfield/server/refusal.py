"""A refusal as an HTTP response: problem details (RFC 9457) and the headers of every answer."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.responses import JSONResponse, Response

from jackfield.config.plan import AuthSettings
from jackfield.errors import CODES, Refusal
from jackfield.logs import log
from jackfield.server.asgi import Scope
from jackfield.server.observe import redact

__all__ = ["HSTS", "SECURITY_HEADERS", "document", "problem", "secured", "server_fault"]

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
}
"""On every HTTP answer (OWASP ASVS 5.0, 3.4)."""

HSTS = "max-age=31536000"
"""A year, the least that ASVS 5.0, 3.4.1 asks for; on answers over TLS."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})  # a browser keeps HSTS for a host with all its ports


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
    if refusal.id:
        found["refusal"] = refusal.id
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


def server_fault(scope: Scope) -> Refusal:
    """Log the exception that is being handled; the refusal names the log's line and nothing of the cause."""
    incident = secrets.token_hex(4)
    log.exception("server_fault", incident=incident, path=redact.path(scope["path"]), hide=redact.sent(scope))
    return Refusal("server_fault", more={"incident": incident})


class _Problem(JSONResponse):
    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, indent=2).encode()
