"""The Set-Cookie header that carries the token, and whether browsers would take it here. Pure.

The attributes are those that the prefix `__Host-` stands for (RFC 6265bis, section 4.1.3.2), whatever the
name: no Domain, and Secure wherever the client came over TLS. Of its `Path=/` we depart where we have a part of a host
alone, below a mount or the path of `--public-url`: another server may be beside us, with a cookie of the same name.
"""

from __future__ import annotations

from jackfield.config.plan import AuthSettings, Plan
from jackfield.errors import Problem
from jackfield.server.options import Options

__all__ = ["clear_cookie", "problem", "set_cookie"]

_PREFIXES = ("__host-", "__secure-")


def set_cookie(auth: AuthSettings, token: str, *, own: str, root: str = "", seconds: int) -> str:
    """The value of Set-Cookie that hands `token` to the client for `seconds`; it outlives the browser.

    `own` is our origin as the client addressed us, `root` the prefix under which we are.
    """
    path = root if root and _may_have_path(auth, root) else "/"
    parts = [f"{auth.cookie}={token}", "HttpOnly", f"SameSite={auth.same_site.capitalize()}", f"Path={path}"]
    if own.startswith("https:") or _needs_tls(auth):
        parts.append("Secure")
    if auth.partitioned:
        parts.append("Partitioned")
    return "; ".join([*parts, f"Max-Age={seconds}"])


def clear_cookie(auth: AuthSettings, *, own: str, root: str = "") -> str:
    """The value of Set-Cookie that takes the cookie back; all attributes again, or a browser keeps it."""
    return set_cookie(auth, "", own=own, root=root, seconds=0)


def clear_for_host(auth: AuthSettings, *, own: str, root: str) -> list[str]:
    """What takes back a cookie of ours for the whole host, as it was set before we knew our prefix; else nothing.

    Only for a client whose cookie was found to be ours: it sends no other then, of another server for example.
    """
    return [clear_cookie(auth, own=own)] if root and _may_have_path(auth, root) else []


def _may_have_path(auth: AuthSettings, root: str) -> bool:
    """A browser takes `__Host-…` with `Path=/` alone, and a semicolon would end the path."""
    return not auth.cookie.lower().startswith("__host-") and ";" not in root


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
        "warning" if options.private else "error",
    )


def _needs_tls(auth: AuthSettings) -> str:
    """The setting that browsers accept over TLS alone; an empty text where there is none."""
    if auth.same_site == "none":
        return "same_site: none"
    if auth.partitioned:
        return "partitioned: true"
    return f"the name {auth.cookie}" if auth.cookie.lower().startswith(_PREFIXES) else ""
