"""Addresses of clients, the networks that they belong to, and those of this machine."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

__all__ = ["is_loopback", "network", "networks"]

_WIDER = {4: (16, 24), 6: (32, 48, 56)}  # bits: of a provider, of a site, of IPv6 a customer who was given so much


@lru_cache(maxsize=4096)  # asked for with a handshake; to read an address takes 6 µs, or 20 of IPv6
def network(client: str) -> str:
    """What stands for an address: itself, or of IPv6 the /64 that one customer has all of."""
    address = _parsed(client)
    return client if address is None else _narrowest(address)


@lru_cache(maxsize=4096)
def networks(client: str) -> tuple[str, ...]:
    """The networks that an address belongs to, from the widest to the one that `network` gives.

    Of IPv4 a /16 and a /24, of IPv6 a /32, a /48 and a /56: an attacker has all of one of these more often than
    addresses all over. What is no address is a network of its own.
    """
    address = _parsed(client)
    if address is None:
        return (client,)
    number, bits = int(address), address.max_prefixlen
    return *(f"{number >> bits - wide:x}/{wide}" for wide in _WIDER[address.version]), _narrowest(address)


@lru_cache(maxsize=1024)  # asked for with each handshake, like `network`
def is_loopback(host: str) -> bool:
    """Whether a host is reached from this machine alone: `localhost` or a loopback address, in brackets or not."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _parsed(client: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _narrowest(address: IPv4Address | IPv6Address) -> str:
    return str(address if isinstance(address, IPv4Address) else IPv6Address(int(address) >> 64 << 64))
