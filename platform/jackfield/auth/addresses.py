"""What counts as one client address, wherever clients are counted by it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

__all__ = ["network"]


def network(client: str) -> str:
    """What stands for an address: itself, or of IPv6 the /64 that one customer has all of."""
    try:
        address: IPv4Address | IPv6Address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> 64 << 64))
