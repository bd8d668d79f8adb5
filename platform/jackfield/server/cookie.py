"""The Set-Cookie header that carries the token, and whether browsers would take it here. Pure.

The attributes are those that the prefix `__Host-` stands for (RFC 6265bis, section 4.1.3.2), whatever the
name: no Domain, `Path=/`, and Secure wherever the client came over TLS.
"""

from __future__ import annotations

from jackfield.config.plan import AuthSettings, Plan
from jackfield.errors import Problem
from jackfield.server.options import Options

__all__ = ["clear_cookie", "problem", "set_cookie"]

_PREFIXES = ("__host-", "__secure-")


def set_cookie(auth: AuthSettings, token: str, *, own: str) -> str:
    """The value of Set-Cookie that hands `token` to the client; `own` is our origin as it addressed us.

    No Max-Age: the cookie ends with the browser, and the token at the time that is signed into it.
    """
    parts = [f"{auth.cookie}={token}", "HttpOnly", f"SameSite={auth.same_site.capitalize()}", "Path=/"]
    if own.startswith("https:") or _needs_tls(auth):
        parts.append("Secure")
    if auth.partitioned:
        parts.append("Partitioned")
    return "; ".join(parts)


def clear_cookie(auth: AuthSettings, *, own: str) -> str:
    """The value of Set-Cookie that takes the cookie back; all attributes again, or a browser keeps it."""
    return set_cookie(auth, "", own=own) + "; Max-Age=0"


def problem(plan: Plan, options: Options) -> Problem | None:
    """What browsers would not take: a cookie that is for TLS alone, from a listener without it.

    A warning where only this machine reaches the listener, since most browsers take `http://localhost` for
    safe. Nothing where something in front of us may speak TLS.
    """
    what = _needs_tls(plan.auth)
    tls = options.tls or options.behind_proxy or options.embedded or options.public_url.startswith("https:")
    if not what or tls:
        return None
    hint = "give --tls-cert and --tls-key, --behind-proxy CIDR or --public-url https://…, or change the cookie"
    return plan.problem(
        ("auth", "cookie"),
        "cookie_needs_tls",
        f"browsers take a cookie with {what} over TLS alone, and this listener has none",
        hint,
        "warning" if options.local else "error",
    )


def _needs_tls(auth: AuthSettings) -> str:
    """The setting that browsers accept over TLS alone; an empty text where there is none."""
    if auth.same_site == "none":
        return "same_site: none"
    if auth.partitioned:
        return "partitioned: true"
    return f"the name {auth.cookie}" if auth.cookie.lower().startswith(_PREFIXES) else ""
