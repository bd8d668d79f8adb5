"""The small pages of plain HTTP, for browsers alone: a refusal, and the 426 of an endpoint with its finished address.

A page is a view of the problem document (RFC 9457) that a program gets for the same request: status and headers are the
same. No page has a script or a style of its own; both styles are files below `/console/`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from jackfield.config.plan import AuthSettings
from jackfield.describe.contract import send_of
from jackfield.describe.phrases import WATCHED
from jackfield.errors import Refusal
from jackfield.routing.table import Route
from jackfield.server.refusal import problem
from jackfield.server.request import Request

__all__ = ["POLICY", "page", "seen", "upgrade_required", "wants_page"]

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of pages without a script."""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="{root}/console/icon.svg">
{links}
{body}
</html>
"""
_WEIGHT = re.compile(r"\s*([\w.+*/-]+)\s*(?:;.*?\bq=([01](?:\.\d{0,3})?))?", re.ASCII)


def wants_page(request: Request) -> bool:
    """Whether a browser asks for something to look at: HTML by name, and before JSON (RFC 9110, section 12.5.1).

    Never what was to be an upgrade.
    """
    if request.values(b"sec-websocket-key"):
        return False
    found = (_WEIGHT.match(part.lower()) for value in request.values(b"accept") for part in value.split(","))
    weights = {match[1]: float(match[2] or 1) for match in found if match}
    data = max(weights.get(kind, 0.0) for kind in ("application/json", "application/problem+json"))
    return weights.get("text/html", 0.0) > data


def page(title: str, body: str, root: str, *, styles: Sequence[str] = ("small",)) -> str:
    """A page around `body`, which is HTML; `root` is what stands before our addresses."""
    root = html.escape(root)
    links = "\n".join(f'<link rel="stylesheet" href="{root}/console/{name}.css">' for name in ("colours", *styles))
    return _PAGE.format(title=html.escape(title), root=root, links=links, body=body)


def seen(answer: Response, request: Request, auth: AuthSettings) -> Response:
    """The answer as the caller reads it: a problem document that a browser asked for with GET as a page."""
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    if not is_problem or request.method not in ("GET", "HEAD") or not wants_page(request):
        return answer
    found = json.loads(bytes(answer.body))
    parts = [
        _head(f"{found['status']} <code>{_text(found['code'])}</code>", found["title"]),
        f"<p>{_text(found['detail'])}</p>" if found["detail"] != found["title"] else "",
        f'<p class="fix dim">{_text(found["fix"])}</p>' if found["fix"] else "",
        *_ids(found),
        f"<nav>{_way_in(found['status'], request, auth)}{_link('/', 'Start page', request.root)}</nav>",
    ]
    return _as_page(f"{found['status']} {found['title']}", f"<main>{''.join(parts)}</main>", answer, request.root)


_IDS = {"refusal": "Refusal", "incident": "Incident"}
"""Members of a problem document by which whoever runs the server finds it again."""


def _ids(found: Mapping[str, Any]) -> list[str]:
    shown = ((word, found[key]) for key, word in _IDS.items() if key in found)
    return [
        f'<p class="dim">{word} <code>{_text(one)}</code>: whoever runs the server finds it by that.</p>'
        for word, one in shown
    ]


def _as_page(title: str, body: str, answer: Response, root: str) -> Response:
    """The page with the status and the headers of the answer in whose place it is sent."""
    headers = {k: v for k, v in answer.headers.items() if k not in ("content-length", "content-type")}
    headers["content-security-policy"] = POLICY
    return Response(page(title, body, root), answer.status_code, headers, "text/html; charset=utf-8")


def _text(value: object) -> str:
    return html.escape(str(value))


def _head(above: str, title: str) -> str:
    return f'<header><p class="dim">{above}</p><h1>{_text(title)}</h1></header>'


def _way_in(status: int, request: Request, auth: AuthSettings) -> str:
    """The link to the login, which leads back here, where that helps."""
    if status != 401 or not auth.own:
        return ""
    here = (request.root.encode() + request.raw_path + b"?" + request.query_string).removesuffix(b"?")
    return _link(f"{quote(auth.path, safe='/%')}/login?next={quote(here, safe='/')}", "Log in", request.root, "primary")


def _link(path: str, word: str, root: str, style: str = "link") -> str:
    return f'<a class="{style}" href="{_text(root + path)}">{word}</a>'


# the 426


def upgrade_required(
    route: Route,
    auth: AuthSettings,
    request: Request,
    *,
    would: Refusal | None,
    detailed: bool,
) -> Response:
    """The answer to a plain GET on an endpoint: the finished address and all that is needed to use it."""
    own = request.own + request.root
    address = f"ws{own.removeprefix('http')}{request.raw_path.decode('latin-1')}"
    body: dict[str, Any] = {
        "websocket_url": address,
        "cookie": f"{auth.cookie}=…",
        "login": _login(own, auth),
        "send": send_of(route) if detailed else None,
        "replies": _replies(route) if detailed else None,
        "would": would and _would(would),
    }
    if "payloads" in route.endpoint.inspect:
        body["notice"] = WATCHED
    refusal = Refusal("upgrade_required", "Open this address with a WebSocket client.", f"Connect to {address}")
    answer = problem(refusal, auth, body)
    if not wants_page(request):
        return answer
    return _as_page(route.name, _upgrade_page(route, body, request, auth), answer, request.root)


def _would(refusal: Refusal) -> dict[str, Any]:
    told = {"refusal": refusal.id} if refusal.id else {}
    return {"status": refusal.status, "code": refusal.code, "fix": refusal.fix, **told}


def _replies(route: Route) -> str | None:
    """How many replies a message has that carries an `$id`; None where messages are no JSON."""
    if route.endpoint.messages != "json":
        return None
    return "none" if route.endpoint.reply_to != "sender" else route.signature.replies


def _login(own: str, auth: AuthSettings) -> dict[str, Any] | None:
    """How to log in; None where people log in elsewhere (`auth.login: off`)."""
    if not auth.own:
        return None
    return {"method": "POST", "url": f"{own}{auth.path}/login", "body": {"login": "…", "password": "…"}}


def _upgrade_page(route: Route, body: Mapping[str, Any], request: Request, auth: AuthSettings) -> str:
    """What a person does with the address; a click takes the whole of what is to be copied."""
    would, login, talk = body["would"], body["login"], f"/console/#talk/{quote(route.name, safe='')}"
    rows = {"Address": body["websocket_url"], "Header": f"Cookie: {body['cookie']}"}
    if body["send"] is not None:
        rows["A message"] = json.dumps(body["send"], ensure_ascii=False)
    verdict = f"You would be refused now: {would['status']} {would['code']}." if would else ""
    way_in = _way_in(would["status"], request, auth) if would else ""
    verdict += "" if way_in or not would else f" {would['fix']}"
    shown = "".join(f"<dt>{key}<dd><code>{_text(value)}</code>" for key, value in rows.items())
    notice = body.get("notice", "")
    parts = [
        _head("An address that speaks WebSocket", route.name),
        f"<p>{_text(route.endpoint.summary or route.process.summary)}</p>",
        f'<p class="note">{_text(verdict)}</p>' if verdict else "",
        *_ids(would or {}),
        f'<p class="note">{_text(notice)}</p>' if notice else "",
        f"<dl>{shown}</dl>",
        f'<p class="dim">The cookie comes from <code>POST {_text(login["url"])}</code>.</p>' if login else "",
        f"<nav>{way_in}{_link(talk, 'Talk', request.root, 'link' if way_in else 'primary')}"
        '<span class="dim">or Postman, or any WebSocket client</span></nav>',
    ]
    return f"<main>{''.join(parts)}</main>"
