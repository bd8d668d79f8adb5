"""May a page of this origin open a connection here? Pure.

Browsers send cookies with every upgrade, whatever page asks for it, and let the page read what comes back
(CWE-1385). `Origin` is the one thing a page cannot forge, so it is compared as RFC 6454, section 6.2
serialises it, and anything that no browser would send is refused. Programs that are no browsers send none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from jackfield.addresses import is_loopback
from jackfield.errors import Refusal
from jackfield.origins import Origin, parse

__all__ = ["among", "check", "host_allowed"]

# RFC 9110, section 7.2: uri-host [":" port]; no path, query or userinfo.
_HOST = re.compile(r"(?P<name>[^\s/?#@:\[\]\\,]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


class _Rule(NamedTuple):
    """One line of an allow-list; `wild` where its host stands for every host with one label more."""

    origin: Origin
    wild: bool


def check(
    origin: Sequence[str],
    own: str,
    *,
    any_origin: bool,
    allowed: Sequence[str],
    required: bool,
    place: Callable[[], str] | None = None,
) -> None:
    """Return if the page may open the endpoint, else raise Refusal `origin_not_allowed`.

    `origin` holds the values of all Origin headers, `own` is `scheme://host[:port]` of this server as the
    client addressed it. The own origin always passes, those in `allowed` too. With `any_origin` every page
    passes, one without an origin (`null`, `file://`: a file, a sandboxed frame) as well. No header at all passes
    unless `required`. Default ports may be written or left out; `localhost`, `127.0.0.1` and `[::1]` on
    one port are one origin.

    The refusal's `fix` is the line to paste into endpoints.yaml. With `place`, which is asked where for a refusal
    alone, it repeats those of `allowed` and ends with the place as a comment: only for a caller who may know them.
    """
    if not origin:
        if required:
            raise _refuse("The request has no Origin header, and this endpoint wants one.", _SEND_ORIGIN)
        return
    if len(origin) > 1:
        raise _refuse("The request has more than one Origin header.", "Send one Origin header, or none.")
    if origin[0] == "null":
        if not any_origin:
            raise _refuse("The page has no origin of its own: a file, or a sandboxed frame.", _SERVE_PAGE)
        return
    asked = parse(origin[0])
    if asked is None:
        right = origin[0].removesuffix("/")
        if right != origin[0] and parse(right) is not None:
            raise _refuse("The Origin header ends with a slash, and an origin has none.", f"Send Origin: {right}")
        raise _refuse("The Origin header is not of the form scheme://host[:port].", _SERVE_PAGE)
    if any_origin or asked == parse(own.lower()) or _listed(asked, allowed):
        return
    detail = f"Pages of {origin[0]} may not open this endpoint."
    fix = _line(origin[0], allowed, place()) if place else _line(origin[0])
    raise _refuse(detail, fix, origin=origin[0])


def among(origin: str, allowed: Sequence[str]) -> bool:
    """Whether an Origin header names one of `allowed`, each written out or as `https://*.example.com`.

    `*` stands for exactly one label; scheme and port are literal. `null` and what is no origin never are.
    """
    asked = parse(origin)
    return asked is not None and _listed(asked, allowed)


def host_allowed(host: Sequence[str], listener_is_loopback: bool) -> bool:
    """Whether the Host headers are exactly one, well-formed, and a name of this listener.

    On a loopback listener the name must be `localhost` or a loopback address: a page of another site
    whose name was made to point to 127.0.0.1 (DNS rebinding) is refused. Elsewhere any name passes.
    """
    if len(host) != 1:
        return False
    match = _HOST.fullmatch(host[0])
    return match is not None and (not listener_is_loopback or is_loopback(match["name"].lower()))


def _listed(asked: Origin, allowed: Sequence[str]) -> bool:
    for one in allowed:
        rule = _rule(one)
        if rule is None:
            continue
        if not rule.wild and asked == rule.origin:
            return True
        if rule.wild and asked._replace(host=asked.host.partition(".")[2]) == rule.origin:
            return True
    return False


@lru_cache(maxsize=1024)
def _rule(text: str) -> _Rule | None:
    """One of an allow-list. Of a page that comes from no server, `*` is a letter of the host."""
    if found := parse(text):
        return _Rule(found, wild=False)
    found = parse(text.replace("://*.", "://", 1))
    return found and _Rule(found, wild=True)


def _line(origin: str, beside: Sequence[str] = (), place: str = "") -> str:
    """The line of endpoints.yaml that lets pages of `origin` in."""
    names = ", ".join(json.dumps(one, ensure_ascii=False) for one in (*beside, origin))
    return f"origins: [{names}]" + (f"  # {place}" if place else "")


_SEND_ORIGIN = "Send the header Origin with the address of your page, for example https://app.example.com."
_SERVE_PAGE = "Serve the page from a web address, for example http://localhost:3000, and allow that address."


def _refuse(detail: str, fix: str, **more: str) -> Refusal:
    return Refusal("origin_not_allowed", detail, fix, more=more)
