"""How one server runs: the options of `jackfield serve`, with their defaults written once."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

__all__ = ["Options", "is_loopback"]


@dataclass(frozen=True, slots=True)
class Options:
    """The listener and what surrounds it.

    `behind_proxy` holds the networks whose forwarded headers are believed. `public_url` is the address that
    clients use where it is not the listener's. `embedded` is set inside another application, which owns
    the listener then.
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
    check_replies: bool = False
    drain: float = 25.0
    embedded: bool = False

    @property
    def tls(self) -> bool:
        """Whether the listener itself speaks TLS."""
        return bool(self.tls_cert)

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the listener: documents and examples are open then."""
        return not self.embedded and not self.behind_proxy and is_loopback(self.host)

    @property
    def address(self) -> str:
        """The address to tell people, `http://127.0.0.1:8000` for example."""
        if self.public_url:
            return self.public_url.rstrip("/")
        if self.embedded:
            return "http://"  # the outer server's affair; nobody told us
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
        if self.public_url:
            parts = urlsplit(self.public_url)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
                found.append(f"--public-url must be like https://app.example.com, not {self.public_url}")
        for network in self.behind_proxy:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                found.append(f"--behind-proxy takes networks such as 10.0.0.0/8 or 127.0.0.1, not {network}")
        return found


@lru_cache(maxsize=16)  # the listener's own name, asked for with each handshake
def is_loopback(host: str) -> bool:
    """Whether a listener on `host` is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
