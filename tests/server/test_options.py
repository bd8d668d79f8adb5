"""How one server runs: what the options mean together, and what keeps them from being used."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.addresses import is_loopback
from jackfield.server.options import Options


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback
    assert Options(host=host).local == loopback


def test_a_proxy_or_another_application_makes_it_reachable() -> None:
    assert not Options(behind_proxy=("127.0.0.1",)).local
    assert not Options(embedded=True).local
    assert not Options(public_url="https://a.example").local, "something in front passes others on"
    assert not Options(admin_port=9000).local, "what is not for the public has a port of its own"
    assert Options(public_url="http://localhost:9999").local


def test_a_site_takes_what_is_shown_away_and_not_the_privacy() -> None:
    apart = Options(apart=True, admin_port=8001)
    assert (apart.local, apart.private) == (False, True)
    assert (Options().local, Options().private) == (True, True)
    for reached in (Options(admin_port=8001), Options(embedded=True), Options(host="0.0.0.0")):
        assert not reached.private


def test_the_admin_port_is_a_local_listener_in_front_of_which_nothing_is_believed() -> None:
    public = Options(
        host="0.0.0.0",
        port=443,
        tls_cert="a",
        tls_key="b",
        behind_proxy=("10.0.0.0/8",),
        public_url="https://a.example/rt",
        admin_port=9000,
    )
    assert public.admin == Options(host="127.0.0.1", port=9000)
    assert public.admin.local
    assert public.admin.address == "http://127.0.0.1:9000"
    assert Options().admin is None


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("", ""),
        ("https://a.example", ""),
        ("https://a.example/", ""),
        ("https://a.example/rt", "/rt"),
        ("https://a.example/a/b-c/", "/a/b-c"),
    ],
)
def test_the_path_of_the_public_address_stands_before_ours(url: str, prefix: str) -> None:
    assert Options(public_url=url).prefix == prefix


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"port": 80}, "http://127.0.0.1"),
        ({"host": "::1"}, "http://[::1]:8000"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8000"),
        ({"host": "::"}, "http://[::1]:8000"),
        ({"tls_cert": "a", "tls_key": "b", "port": 443}, "https://127.0.0.1"),
        ({"tls_cert": "a", "tls_key": "b"}, "https://127.0.0.1:8000"),
        ({"public_url": "https://a.example/"}, "https://a.example"),
        ({"public_url": "https://a.example/rt/"}, "https://a.example/rt"),
    ],
)
def test_the_address_to_report_people(given: dict[str, Any], address: str) -> None:
    assert Options(**given).address == address


@pytest.mark.parametrize(
    ("given", "scheme", "host", "own"),
    [
        ({}, "ws", "localhost:8000", "http://localhost:8000"),
        ({}, "wss", "localhost:8000", "https://localhost:8000"),
        ({}, "https", "a.example", "https://a.example"),
        ({"public_url": "https://a.example:8443/"}, "http", "10.0.0.1", "https://a.example:8443"),
    ],
)
def test_the_own_origin_as_the_client_addressed_it(given: dict[str, Any], scheme: str, host: str, own: str) -> None:
    assert Options(**given).own(scheme, host) == own


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, None),
        ({"tls_cert": "a"}, "--tls-key"),
        ({"tls_key": "a"}, "--tls-cert"),
        ({"host": "0.0.0.0"}, "unencrypted"),
        ({"host": "10.0.0.1"}, "--behind-proxy"),
        ({"host": "0.0.0.0", "insecure": True}, None),
        ({"host": "0.0.0.0", "tls_cert": "a", "tls_key": "b"}, None),
        ({"host": "0.0.0.0", "behind_proxy": ("10.0.0.0/8",)}, None),
        ({"behind_proxy": ("10.0.0.1", "fd00::/8")}, None),
        ({"behind_proxy": ("proxy.example",)}, "proxy.example"),
        ({"behind_proxy": ("10.0.0.1/8",)}, "10.0.0.1/8"),
        ({"behind_proxy": ("*",)}, "*"),
        ({"public_url": "https://a.example"}, None),
        ({"public_url": "https://a b"}, "--public-url must be like"),
        ({"public_url": "https://a\\b"}, "--public-url must be like"),
        ({"public_url": "https://a.example/rt"}, None),
        ({"public_url": "https://a.example:8443/a/b.c/"}, None),
        ({"public_url": "https://[::1]:8443"}, None),
        ({"public_url": "https://a.example/привет"}, "--public-url"),
        ({"public_url": "https://a.example//rt"}, "--public-url"),
        ({"public_url": "https://a.example/r%20t"}, "--public-url"),
        ({"public_url": "https://a.example/?"}, "--public-url"),
        ({"public_url": "https://me@a.example"}, "--public-url"),
        ({"public_url": "https://a.example:port"}, "--public-url"),
        ({"public_url": "https://[a.example"}, "--public-url"),
        ({"public_url": "https://:80"}, "--public-url"),
        ({"behind_proxy": ("0.0.0.0/0",)}, "would believe every client"),
        ({"edit": "all"}, None),
        ({"edit": "all", "admin_port": 9000}, None),
        ({"edit": "all", "host": "0.0.0.0", "insecure": True}, "--edit lets code be changed"),
        ({"edit": "all", "host": "0.0.0.0", "tls_cert": "a", "tls_key": "b", "admin_port": 1}, "--edit lets code"),
        ({"edit": "all", "behind_proxy": ("127.0.0.1",)}, "without --behind-proxy"),
        ({"edit": "all", "public_url": "https://a.example"}, "--public-url elsewhere"),
        ({"edit": "all", "locked": True}, "--locked refuses that"),
        ({"edit": "tables"}, None),
        ({"edit": "tables", "behind_proxy": ("127.0.0.1",)}, None),
        ({"edit": "tables", "host": "0.0.0.0", "tls_cert": "a", "tls_key": "b"}, None),
        ({"edit": "tables", "host": "0.0.0.0", "insecure": True}, "--edit tables is for TLS"),
        ({"edit": "tables", "public_url": "https://a.example"}, "--behind-proxy CIDR"),
        ({"edit": "tables", "locked": True}, "--locked refuses that"),
        ({"behind_proxy": ("::/0",)}, "would believe every client"),
        ({"admin_port": 9000}, None),
        ({"admin_port": 0}, None),
        ({"admin_port": 8000}, "--admin-port and --port are both 8000"),
        ({"public_url": "wss://a.example"}, "--public-url"),
        ({"public_url": "a.example"}, "--public-url"),
        ({"public_url": "https://a.example?x=1"}, "--public-url"),
    ],
)
def test_what_does_not_go_together_is_reported(given: dict[str, Any], words: str | None) -> None:
    found = Options(**given).problems()
    if words is None:
        assert found == []
    else:
        (sentence,) = found
        assert words in sentence
