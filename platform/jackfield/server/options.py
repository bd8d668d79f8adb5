"""How one server runs: the options of `jackfield serve`, with their defaults written once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from jackfield.addresses import is_loopback

__all__ = ["Options"]

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")  # what no proxy rewrites on its way to us


@dataclass(frozen=True, slots=True)
class Options:
    """The listener and what surrounds it.

    `behind_proxy` holds the networks whose forwarded headers are believed. `public_url` is the address that clients
    use where it is not the listener's; it may have a path, under which a proxy passes us on. On `admin_port` of the
    loopback address stands a second listener, 0 for any free port, for what is not shown in public; `apart` says
    that a site took that away from a listener that only this machine reaches. `drain` is in seconds, `outbox` in
    bytes: what may wait for all clients together. `edit` says what of the files is changed over HTTP, here or on the
    admin port. Without `trace` it is left to the variables of OpenTelemetry.
    `embedded` is set inside another application, which owns the listener then.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    tls_cert: str = ""
    tls_key: str = ""
    behind_proxy: tuple[str, ...] = ()
    public_url: str = ""
    insecure: bool = False
    watch: bool = False
    locked: bool = False
    edit: Literal["tables", "all"] | None = None
    check_replies: bool = False
    drain: float = 25.0
    outbox: int = 1024**3
    trace: Literal["off", "handshakes", "messages"] | None = None
    admin_port: int | None = None
    apart: bool = False
    embedded: bool = False

    @property
    def tls(self) -> bool:
        """Whether the listener itself speaks TLS."""
        return bool(self.tls_cert)

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the listener, and documents and examples are open there.

        A public address says that others reach it through something in front, whether or not that is believed.
        """
        return self.near and self.admin_port is None and not self.apart

    @property
    def near(self) -> bool:
        """Whether nothing but this machine reaches the listener, and nothing in front of it passes others on."""
        if self.embedded or self.behind_proxy or not is_loopback(self.host):
            return False
        return not self.public_url or is_loopback(urlsplit(self.public_url).hostname or "")

    @property
    def private(self) -> bool:
        """Whether only this machine can reach the listener, whatever is shown there."""
        return self.local or self.apart

    @property
    def admin(self) -> Options | None:
        """The listener of the admin port: as open as one on a laptop, and nothing in front of it is believed."""
        return None if self.admin_port is None else Options(port=self.admin_port)

    @property
    def prefix(self) -> str:
        """The path of the public address, `/rt` for example, or nothing: it stands before each of our paths."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def address(self) -> str:
        """The address to show to people, `http://127.0.0.1:8000` for example; "" where nobody knows it."""
        if self.public_url:
            return self.public_url.rstrip("/")
        if self.embedded:
            return ""  # the outer server has it, and it is not known here
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        default = 443 if self.tls else 80
        port = "" if self.port == default else f":{self.port}"
        return f"{'https' if self.tls else 'http'}://{host}{port}"

    def own(self, scheme: str, host: str) -> str:
        """The server's origin as the client addressed it, `https://app.example.com` for example."""
        if self.public_url:
            parts = urlsplit(self.public_url)
            return f"{parts.scheme}://{parts.netloc}"
        return f"{'https' if scheme in ('https', 'wss') else 'http'}://{host}"

    def problems(self) -> list[str]:
        """What keeps these options from being used together, a sentence each."""
        found = []
        if bool(self.tls_cert) != bool(self.tls_key):
            found.append("--tls-cert and --tls-key belong together; give both")
        if not (is_loopback(self.host) or self.tls or self.behind_proxy or self.insecure):
            found.append(
                f"{self.host} can be reached from other machines, and passwords would cross the network unencrypted; "
                "give --tls-cert and --tls-key, or --behind-proxy CIDR, or --insecure to accept that"
            )
        if self.public_url and not _is_address(self.public_url):
            form = "https://app.example.com or https://app.example.com/rt"
            found.append(
                f"{'public_url' if self.embedded else '--public-url'} must be like {form}, not {self.public_url}"
            )
        found += self._edit_problems()
        if self.admin_port and self.admin_port == self.port:
            found.append(f"--admin-port and --port are both {self.port}; give the admin port another number")
        return found + [problem for network in self.behind_proxy if (problem := _network_problem(network))]

    def _edit_problems(self) -> Iterator[str]:
        """Why files cannot be changed over HTTP with these options."""
        if self.edit is None or self.near:
            pass
        elif self.edit == "all":
            yield (
                "--edit lets code be changed, and is for a listener that only this machine reaches: give a loopback "
                "--host, without --behind-proxy and a --public-url elsewhere; or --edit tables, for the tables alone"
            )
        elif not (self.tls or self.behind_proxy):
            yield (
                "--edit tables is for TLS, or for a listener that only this machine reaches; give --tls-cert and "
                "--tls-key, or --behind-proxy CIDR where a proxy has the certificate, or a loopback --host"
            )
        if self.edit is not None and self.locked:
            yield "--edit changes files and publishes them, and --locked refuses that; keep one of them"


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for one that is no number
    except ValueError:
        return False
    known = parts.scheme in ("http", "https") and bool(parts.hostname) and not set(' "<>\\^`{|}').intersection(url)
    more = parts.query or parts.fragment or "@" in parts.netloc or "?" in url or "#" in url
    return known and not more and _PREFIX.fullmatch(parts.path) is not None


def _network_problem(text: str) -> str | None:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return f"--behind-proxy takes networks such as 10.0.0.0/8 or 127.0.0.1, not {text}"
    if network.prefixlen == 0:
        return f"--behind-proxy {text} would believe every client; name the network of your proxy, 10.0.0.0/8 or so"
    return None
