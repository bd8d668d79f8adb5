"""A request as it is checked: by which listener it came, and what the proxies in front of it are believed. Pure.

Strategy. Each header is one list, in however many lines it comes, and a proxy adds what it saw at the right end. So the
list of addresses is walked from the right, beginning with the peer itself, as long as the hop at hand is a proxy of
ours: what a client wrote there is to the left of that and never reached. A hop that is no address ends the walk. Of the
list of schemes as many words from the right are ours: the first of those is what the client spoke to the outermost of
our proxies. `Forwarded` (RFC 7239) is read by the same rule, where no proxy says it by `X-Forwarded-For` or
`-Proto`. Without `--behind-proxy` no forwarded header is read, whoever the peer is, and `X-Forwarded-Host` and
`host=` never are: the Host header and `--public-url` say what we are called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import parse_qsl, quote

from jackfield.auth import credentials, origin
from jackfield.config import url
from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.server.asgi import Scope
from jackfield.server.observe import redact
from jackfield.server.options import Options

__all__ = ["LISTENER", "Caller", "Request", "Standing", "check_address", "read"]

LISTENER = "jackfield.listener"
"""The key in an ASGI scope's `state` with the Options of a listener that is not the public one."""

Caller = Identity | Refusal | None
"""The caller: an identity, the refusal that the credential earned, or None where none was sent or looked at."""


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request is checked. `own` is the server's origin as the client addressed it.

    `root` is the prefix under which another application mounts us, or a proxy passes us on; `raw_path` comes
    without it. `local` says that it came by a listener that only this machine reaches, `plain` that the client
    came to a proxy without TLS although our public address has it.
    """

    method: str
    raw_path: bytes
    query_string: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    own: str
    client: str = ""
    root: str = ""
    local: bool = False
    plain: bool = False

    def values(self, name: bytes) -> list[str]:
        """All values of a header, as they came."""
        return [value.decode("latin-1") for key, value in self.headers if key == name]

    @property
    def query(self) -> dict[str, str]:
        """The query parameters, the last of each name."""
        text = self.query_string.decode("latin-1")
        return dict(parse_qsl(text, keep_blank_values=True)) if text else {}

    def below(self, prefix: str) -> str | None:
        """What of the path follows `prefix`, "/login" after "/auth" for example; None where it is elsewhere."""
        asked = url.split(self.raw_path) or ()
        own = url.split(quote(prefix, safe="/%").encode()) or ()
        inside = len(asked) > len(own) and asked[: len(own)] == own
        return f"/{'/'.join(asked[len(own) :])}" if inside else None


@dataclass(frozen=True, slots=True)
class Standing:
    """What an open connection entered with, kept to check it again when the plan or the user changes."""

    endpoint: str
    texts: Mapping[str, str]
    origin: tuple[str, ...]
    own: str
    visitor: str = ""


_Address = IPv4Address | IPv6Address
_Headers = tuple[tuple[bytes, bytes], ...]


def read(scope: Scope, method: str, public: Options) -> Request:
    """What of an ASGI scope is checked: the client as our proxies saw it, the path without the prefix we are under.

    `public` are the options of the public listener.
    """
    options: Options = scope.get("state", _NOTHING).get(LISTENER, public)
    headers: _Headers = tuple(scope["headers"])
    scheme: str = scope.get("scheme", "http")
    peer = scope.get("client")
    client: str = peer[0] if peer else ""
    said = None
    if options.behind_proxy and _trusted(client, options.behind_proxy):
        hops, schemes = _hops(headers)
        client, ours = _client(client, hops, options.behind_proxy)
        said = _scheme(schemes, ours)
    host = next((value.decode("latin-1") for name, value in headers if name == b"host"), "")
    path, root = _path(scope, options.prefix)
    return Request(
        method=method,
        raw_path=path,
        query_string=scope.get("query_string", b""),
        headers=headers,
        own=options.own(said or scheme, host),
        client=client,
        root=root,
        local=options.local,
        plain=said == "http" and options.public_url.startswith("https:"),
    )


_NOTHING: Mapping[str, Any] = {}


def check_address(request: Request, options: Options, cookie: str) -> None:
    """Raise Refusal for what no address of ours takes: another host's name, a credential in the query."""
    hosts = request.values(b"host")
    if request.plain:
        fix = f"Use {options.address}; the proxy says with X-Forwarded-Proto that you did not."
        raise Refusal("tls_required", fix=fix)
    if not origin.host_allowed(hosts, request.local or options.private):
        detail = f"The Host header was {redact.typed(', '.join(hosts))[:200] or 'missing'}."
        fix = "Use localhost or 127.0.0.1; other names need --public-url or --behind-proxy."
        raise Refusal("wrong_host", detail, fix)
    credentials.check_query(request.query_string, cookie)


def _path(scope: Mapping[str, Any], prefix: str) -> tuple[bytes, str]:
    """The path that is ours, and what stands before it in the client's eyes.

    Under another application that is where it mounts us; behind a proxy the path of the public address, which
    the proxy may take off or leave on. So may one in front of that application, whose `app_root_path` Starlette tells.
    """
    raw_path: bytes = scope.get("raw_path") or quote(scope["path"], safe=_IN_A_PATH).encode()
    mounted = _ascii(scope.get("root_path", ""))
    own = _cut(raw_path, (mounted or prefix).encode())
    if own == raw_path and (outer := scope.get("app_root_path", "")):
        own = _cut(raw_path, mounted.removeprefix(_ascii(outer)).encode())
    return own, prefix or mounted


def _ascii(path: str) -> str:
    return path if path.isascii() else quote(path, safe=_IN_A_PATH)


_IN_A_PATH = "/!$&'()*+,;=:@"  # RFC 3986, section 3.3; letters, digits and -._~ are never quoted


def _cut(path: bytes, prefix: bytes) -> bytes:
    if not prefix or not path.startswith(prefix):
        return path
    rest = path[len(prefix) :]
    return rest or b"/" if rest[:1] in (b"", b"/") else path


def _hops(headers: _Headers) -> tuple[list[str], list[str]]:
    """What the proxies say of addresses and of schemes, each from left to right."""
    hops, schemes = _listed(headers, b"x-forwarded-for"), _listed(headers, b"x-forwarded-proto")
    if hops or schemes:
        return hops, schemes
    parts = [_pairs(hop) for hop in _listed(headers, b"forwarded")]
    return [pairs.get("for", "") for pairs in parts], [pairs.get("proto", "") for pairs in parts]


def _listed(headers: _Headers, header: bytes) -> list[str]:
    """The members of a list (RFC 9110, section 5.6.1), empty ones too; several headers of one name are one."""
    lines = [value.decode("latin-1") for name, value in headers if name == header]
    return [member.strip() for line in lines for member in line.split(",")]


def _pairs(hop: str) -> dict[str, str]:
    """One member of `Forwarded`: its parameters by their names in lower case (RFC 7239, section 4)."""
    parts = (part.partition("=") for part in hop.split(";"))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in parts}


def _client(peer: str, hops: list[str], proxies: tuple[str, ...]) -> tuple[str, int]:
    """The right-most hop that is no proxy of ours, or the last known one where the list ends or makes no sense.

    And how many of our proxies the request came through, the peer being one.
    """
    found, ours = peer, 1
    for hop in reversed(hops):
        address = _hop(hop)
        if address is None:
            break
        found = str(address)
        if not _trusted(found, proxies):
            break
        ours += 1
    return found, ours


def _hop(text: str) -> _Address | None:
    """An address as proxies write it: bare, or with a port, an IPv6 one in brackets then."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return _address(text)


def _scheme(said: list[str], ours: int) -> str | None:
    """What the outermost of our proxies says the client spoke; one that replaces the list leaves one word."""
    return _SCHEMES.get(said[-ours:][0].lower()) if said else None


_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


@lru_cache(maxsize=1024)
def _trusted(host: str, proxies: tuple[str, ...]) -> bool:
    address = _address(host)
    return address is not None and any(address in network for network in _networks(proxies))


@lru_cache(maxsize=16)
def _networks(proxies: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(network) for network in proxies)


def _address(text: str) -> _Address | None:
    """An address; one of IPv4 that a listener of both kinds shows as IPv6 (RFC 4291, section 2.5.5.2) as what it is."""
    if len(text) > 64:  # longer than any, zone included
        return None
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
