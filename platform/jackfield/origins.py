"""The origin of a page: as browsers send it (RFC 6454, section 6.2), and as people write it in endpoints.yaml."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Origin", "normal", "parse"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]{0,31})://"
    rf"(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]{{2,45}}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
# Pages that come from no server: file://, the app://. of a desktop program, an extension's name in any letters. What
# RFC 3986, section 3.2.2 allows as a host and browsers send as it is; of http and https the host is a name or address.
_SERVERLESS = re.compile(
    r"(?P<scheme>(?!https?:|wss?:)[a-z][a-z0-9+.-]{0,31})://"
    r"(?P<host>[A-Za-z0-9._~!$&'()*+;=%-]{0,255})(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_WEBSOCKET = {"ws": "http", "wss": "https"}
_DISPUTED = re.compile("[ßς\u200c\u200d]")  # IDNA 2003 and 2008 give two names for these


class Origin(NamedTuple):
    """An origin that can be compared: default ports are filled in, and the names of this machine are one host."""

    scheme: str
    host: str
    port: int


def parse(text: str) -> Origin | None:
    """The parts of a serialised origin, or None for what no browser sends. Nothing is corrected."""
    match = _ORIGIN.fullmatch(text) or _SERVERLESS.fullmatch(text)
    if match is None:
        return None
    scheme, host, port = match["scheme"], match["host"], match["port"]
    if port is not None and (port[0] == "0" or int(port) > 65535):
        return None
    number = int(port) if port else _DEFAULT_PORTS.get(scheme, 0)
    return Origin(scheme, "localhost" if host in _LOOPBACK else host, number)


def normal(origin: str) -> str:
    """`scheme://host[:port]` in lower case, without the scheme's own port, the host as browsers write it.

    The host may begin with `*.`, for one label; a domain of two labels at least comes after it. What comes from no
    server, `file://` or `app://.`, stays as it is. Raises ValueError with a sentence.
    """
    if "*" not in origin and _SERVERLESS.fullmatch(origin):
        return origin
    if "*" in origin:
        return _wildcard(origin)
    if origin.strip().lower() == "null":
        raise ValueError("`null` is what every page without an origin sends, so it names nobody")
    scheme, _, rest = origin.partition("://")
    host = rest.partition("/")[0]
    if not rest or not scheme:
        raise ValueError("an origin begins with its scheme, like https://app.example.com")
    if "/" in rest or "?" in rest or "#" in rest:
        raise ValueError(f"an origin has no path and no slash at its end; write {scheme}://{host}")
    if "@" in rest:
        raise ValueError("an origin holds no login; write scheme, host and port alone")
    if scheme.lower() in _WEBSOCKET:
        raise ValueError(f"an origin is the address of a page; write {_WEBSOCKET[scheme.lower()]}://{host}")
    return _joined(f"{scheme}://{_ascii(rest)}".lower())


def _wildcard(origin: str) -> str:
    """As `normal`, of an origin with `*`: of what it stands for, with an `x` there, and back."""
    scheme, mark, rest = origin.partition("://")
    host = rest.partition(":")[0]
    if host in {"", "*"} or "*" in scheme:
        raise ValueError("this would be everybody; write `origins: any` if that is meant")
    if rest.endswith(":*"):
        raise ValueError("each port is an origin of its own; write it out, like http://localhost:3000")
    if not host.startswith("*.") or "*" in rest[1:]:
        raise ValueError("`*` stands for one whole label, the first of the host: https://*.preview.example.com")
    scheme, mark, name = normal(f"{scheme}{mark}x{rest[1:]}").partition("://x.")
    labels = name.partition(":")[0].split(".")
    if len(labels) < 2 or labels[-1].isdigit():
        raise ValueError("after `*.` comes a domain that is yours, of two parts at least: https://*.example.com")
    return f"{scheme}://*.{name}"


def _ascii(rest: str) -> str:
    if rest.isascii():
        return rest
    if _DISPUTED.search(rest):
        raise ValueError("this host has a letter with two encodings; write it as browsers send it, xn--…")
    try:
        host, colon, port = rest.partition(":")
        return host.encode("idna").decode() + colon + port
    except UnicodeError:
        raise ValueError("this is no host's name; write it as browsers send it, xn--…") from None


def _joined(text: str) -> str:
    match = _ORIGIN.fullmatch(text)
    if match is None:
        raise ValueError("this is no origin; write scheme, host and port: https://app.example.com:8443")
    scheme, host, port = match.groups()
    if port is None or int(port) == _DEFAULT_PORTS.get(scheme):
        return f"{scheme}://{host}"
    if not 0 < int(port) < 65536:
        raise ValueError(f"{port} is no port; ports go from 1 to 65535")
    return f"{scheme}://{host}:{int(port)}"
