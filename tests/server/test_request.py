"""Whose address and whose words are believed, and which path is ours."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.server.options import Options
from jackfield.server.request import LISTENER, Request, read

PROXIES = ("10.0.0.0/8", "fd00::/8", "127.0.0.1")


def asked(
    options: Options, *headers: tuple[str, str], peer: str | None = "10.0.0.1", path: str = "/ws/a", **more: Any
) -> Request:
    fields = [(name.lower().encode(), value.encode("latin-1")) for name, value in (("Host", "a.example"), *headers)]
    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"x=1",
        "headers": fields,
        "client": (peer, 1234) if peer else None,
        **more,
    }
    return read(scope, "GET", options)


def for_(*values: str) -> list[tuple[str, str]]:
    return [("X-Forwarded-For", value) for value in values]


@pytest.mark.parametrize(
    ("peer", "values", "client"),
    [
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.7, 10.0.0.9"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.7", "10.0.0.9"], "203.0.113.7"),
        ("10.0.0.1", ["10.0.0.8, 10.0.0.9"], "10.0.0.8"),
        ("10.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["2001:DB8::1"], "2001:db8::1"),
        ("10.0.0.1", ["203.0.113.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, unknown, 10.0.0.9"], "10.0.0.9"),
        ("10.0.0.1", ["203.0.113.7,"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["9" * 8000], "10.0.0.1"),
        ("10.0.0.1", ["[::1"], "::1"),
        ("10.0.0.1", ["привет".encode().decode("latin-1")], "10.0.0.1"),
        ("fd00::7", ["203.0.113.7"], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, ::ffff:10.0.0.9"], "203.0.113.7"),
        ("203.0.113.9", ["1.1.1.1"], "203.0.113.9"),
        (None, ["1.1.1.1"], ""),
    ],
)
def test_the_client_is_the_right_most_hop_that_is_no_proxy_of_ours(
    peer: str | None, values: list[str], client: str
) -> None:
    assert asked(Options(behind_proxy=PROXIES), *for_(*values), peer=peer).client == client


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.0.0.1"])
def test_without_a_proxy_no_forwarded_header_is_read(peer: str) -> None:
    said = [*for_("1.1.1.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example")]
    found = asked(Options(), *said, peer=peer)
    assert (found.client, found.own, found.plain) == (peer, "http://a.example", False)


def test_look_alikes_are_no_forwarded_headers() -> None:
    said = [("X_Forwarded_For", "1.1.1.1"), ("X-Forwarded", "for=1.1.1.1;proto=https"), ("X-Real-IP", "1.1.1.1")]
    found = asked(Options(behind_proxy=PROXIES), *said, ("X-Forwarded-Host", "evil.example"))
    assert (found.client, found.own) == ("10.0.0.1", "http://a.example")


@pytest.mark.parametrize(
    ("said", "own"),
    [
        ([], "http"),
        (["https"], "https"),
        ([" HTTPS "], "https"),
        (["wss"], "https"),
        (["http"], "http"),
        (["https,https"], "https"),
        (["https", "https"], "https"),
        (["https, http"], "http"),  # one proxy is ours: what stands before its word is the client's
        (["http", "https"], "https"),
        (["https,"], "http"),  # an empty word is one that nobody can read
        ([",", ""], "http"),
        (["javascript"], "http"),
        (["https, javascript"], "http"),
    ],
)
def test_the_scheme_is_what_a_believed_proxy_says(said: list[str], own: str) -> None:
    headers = [("X-Forwarded-Proto", value) for value in said]
    assert asked(Options(behind_proxy=PROXIES), *headers).own == f"{own}://a.example"
    assert asked(Options(behind_proxy=PROXIES), *headers, peer="203.0.113.9").own == "http://a.example"


@pytest.mark.parametrize(
    ("hops", "said", "own"),
    [
        ("203.0.113.7, 10.0.0.2", ["https, http"], "https"),  # two proxies are ours, and each adds a word
        ("203.0.113.7, 10.0.0.2", ["https", "http"], "https"),
        ("203.0.113.7, 10.0.0.2", ["https"], "https"),  # the inner one passes on what the outer one said
        ("203.0.113.7, 10.0.0.2", ["https, http, http"], "http"),  # the first is the client's own
        ("1.1.1.1, 203.0.113.7, 10.0.0.2", ["http, https, http"], "https"),
        ("nonsense, 10.0.0.2", ["https, http"], "https"),
        ("203.0.113.7", ["https, http"], "http"),
    ],
)
def test_of_a_list_of_schemes_the_word_of_our_outermost_proxy_counts(hops: str, said: list[str], own: str) -> None:
    headers = [*for_(hops), *(("X-Forwarded-Proto", value) for value in said)]
    assert asked(Options(behind_proxy=PROXIES), *headers).own == f"{own}://a.example"


@pytest.mark.parametrize(
    ("said", "client", "own"),
    [
        (["for=203.0.113.7;proto=https"], "203.0.113.7", "https"),
        (["For=203.0.113.7; Proto=HTTPS;host=evil.example;by=10.0.0.1"], "203.0.113.7", "https"),
        (['for="[2001:db8::7]:4711";proto=https'], "2001:db8::7", "https"),
        (["for=203.0.113.7;proto=https, for=10.0.0.2;proto=http"], "203.0.113.7", "https"),
        (["for=203.0.113.7;proto=https", "for=10.0.0.2;proto=http"], "203.0.113.7", "https"),
        (["for=1.1.1.1;proto=https, for=203.0.113.7;proto=http"], "203.0.113.7", "http"),
        (["proto=https"], "10.0.0.1", "https"),
        (["for=unknown;proto=https"], "10.0.0.1", "https"),
        (["for=_hidden, for=10.0.0.2;proto=https"], "10.0.0.2", "http"),
        (["nonsense"], "10.0.0.1", "http"),
    ],
)
def test_forwarded_is_read_by_the_same_rule(said: list[str], client: str, own: str) -> None:
    headers = [("Forwarded", value) for value in said]
    found = asked(Options(behind_proxy=PROXIES), *headers)
    assert (found.client, found.own) == (client, f"{own}://a.example")
    found = asked(Options(behind_proxy=PROXIES), *headers, ("X-Forwarded-For", "198.51.100.1"))
    assert (found.client, found.own) == ("198.51.100.1", "http://a.example"), "what the proxy itself writes goes first"
    assert asked(Options(behind_proxy=PROXIES), *headers, peer="203.0.113.9").client == "203.0.113.9"
    assert asked(Options(), *headers, peer="10.0.0.1").client == "10.0.0.1"


def test_a_client_without_tls_is_known_where_the_public_address_has_it() -> None:
    https = Options(behind_proxy=PROXIES, public_url="https://a.example")
    assert asked(https, ("X-Forwarded-Proto", "http")).plain
    assert not asked(https, ("X-Forwarded-Proto", "https")).plain
    assert not asked(https).plain, "a proxy that says nothing is no proof"
    assert not asked(https, ("X-Forwarded-Proto", "http"), peer="203.0.113.9").plain
    http = Options(behind_proxy=PROXIES, public_url="http://a.example")
    assert not asked(http, ("X-Forwarded-Proto", "http")).plain


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/rt/ws/a", b"/ws/a"),  # a proxy that leaves the prefix on
        ("/ws/a", b"/ws/a"),  # one that takes it off
        ("/rt", b"/"),
        ("/rt/", b"/"),
        ("/rtx/ws/a", b"/rtx/ws/a"),
        ("/rt/rt/a", b"/rt/a"),
        ("/RT/ws/a", b"/RT/ws/a"),
    ],
)
def test_the_path_of_the_public_address_is_no_part_of_ours(path: str, ours: bytes) -> None:
    found = asked(Options(public_url="https://a.example:8443/rt/"), path=path)
    assert (found.raw_path, found.root, found.own) == (ours, "/rt", "https://a.example:8443")


def test_a_mount_point_is_taken_off_and_a_public_address_says_what_clients_see() -> None:
    mounted = asked(Options(embedded=True), path="/app/ws/a", root_path="/app")
    assert (mounted.raw_path, mounted.root) == (b"/ws/a", "/app")
    beside = asked(Options(embedded=True), path="/application/ws/a", root_path="/app")
    assert beside.raw_path == b"/application/ws/a"
    both = asked(
        Options(embedded=True, public_url="https://a.example/rt"), path="/app/rt/a", root_path="/app", peer="127.0.0.1"
    )
    assert (both.raw_path, both.root) == (b"/rt/a", "/rt")


@pytest.mark.parametrize(
    ("path", "ours"), [("/api/rt/a", b"/a"), ("/rt/a", b"/a"), ("/rt/rt/a", b"/rt/a"), ("/x", b"/x")]
)
def test_a_proxy_in_front_of_the_host_may_take_its_prefix_off(path: str, ours: bytes) -> None:
    found = asked(Options(embedded=True), path=path, root_path="/api/rt", app_root_path="/api")
    assert (found.raw_path, found.root) == (ours, "/api/rt")


def test_the_admin_port_is_a_listener_of_its_own() -> None:
    public = Options(host="0.0.0.0", behind_proxy=PROXIES, public_url="https://a.example/rt", admin_port=9000)
    admin = public.admin
    assert admin is not None
    found = asked(public, *for_("1.1.1.1"), ("X-Forwarded-Proto", "https"), state={LISTENER: admin}, path="/rt/a")
    assert (found.client, found.own, found.raw_path, found.local) == ("10.0.0.1", "http://a.example", b"/rt/a", True)
    assert not asked(public).local
