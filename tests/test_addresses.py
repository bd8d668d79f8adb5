"""What counts as one address, and the networks that it belongs to."""

from __future__ import annotations

import pytest

from jackfield.addresses import network, networks


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::ffff", 4),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", 3),
        ("2001:db8:1:200::1", "2001:db8:1:300::1", 2),
        ("2001:db8:1::1", "2001:db8:2::1", 1),
        ("2001:db8::1", "2001:db9::1", 0),
        ("192.0.2.7", "192.0.2.7", 3),
        ("192.0.2.7", "192.0.2.8", 2),
        ("192.0.2.7", "192.0.3.7", 1),
        ("192.0.2.7", "192.1.2.7", 0),
        ("192.0.2.7", "::ffff:192.0.2.7", 3),
        ("fe80::1%eth0", "fe80::2%eth1", 4),
        ("2002:c000:207::1", "2002:c000:208::1", 1),
        ("192.0.2.7", "2001:db8::1", 0),
        ("", "", 1),
        ("unix", "unix", 1),
        ("unix", "192.0.2.7", 0),
    ],
)
def test_addresses_share_the_networks_that_hold_both(one: str, other: str, shared: int) -> None:
    first, second = networks(one), networks(other)
    assert [a == b for a, b in zip(first, second, strict=False)].count(True) == shared
    assert len(set(first) & set(second)) == shared
    assert first[-1] == network(one)
