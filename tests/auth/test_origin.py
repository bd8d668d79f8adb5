from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.auth.origin import among, check, host_allowed
from jackfield.errors import Refusal
from jackfield.origins import normal

OWN = "https://app.example.com"


def verdict(*origin: str, own: str = OWN, **settings: Any) -> Refusal | None:
    """Why a page is refused, None where it is not."""
    try:
        check(origin, own, **{"any_origin": False, "allowed": (), "required": False, **settings})
    except Refusal as refusal:
        return refusal
    return None


def passes(*origin: str, **settings: Any) -> bool:
    return verdict(*origin, **settings) is None


def refused(*origin: str, **settings: Any) -> Refusal:
    found = verdict(*origin, **settings)
    assert found is not None
    return found


# The matrix of TR-2: what pages, and those who pretend to be pages, send.
ORIGINS = [
    ("own", "https://app.example.com", True),
    ("own with its port", "https://app.example.com:443", True),
    ("null", "null", False),
    ("other scheme", "http://app.example.com", False),
    ("websocket scheme", "wss://app.example.com", False),
    ("other port", "https://app.example.com:8443", False),
    ("suffix", "https://app.example.com.evil.com", False),
    ("prefix", "https://evil-app.example.com", False),
    ("sub-domain", "https://x.app.example.com", False),
    ("parent", "https://example.com", False),
    ("userinfo", "https://app.example.com@evil.com", False),
    ("userinfo of ours", "https://user@app.example.com", False),
    ("upper case", "https://APP.example.com", False),
    ("upper case scheme", "HTTPS://app.example.com", False),
    ("trailing dot", "https://app.example.com.", False),
    ("path", "https://app.example.com/", False),
    ("query", "https://app.example.com?x", False),
    ("letters that look alike", "https://аpp.example.com", False),
    ("another IDN", "https://xn--pp-6kc.example.com", False),
    ("empty", "", False),
    ("blank", " https://app.example.com", False),
    ("line end", "https://app.example.com\n", False),
    ("list", "https://app.example.com https://evil.com", False),
    ("comma", "https://app.example.com, https://app.example.com", False),
    ("port zero", "https://app.example.com:0", False),
    ("port too high", "https://app.example.com:65536", False),
    ("port padded", "https://app.example.com:0443", False),
    ("port empty", "https://app.example.com:", False),
    ("no scheme", "app.example.com", False),
]


@pytest.mark.parametrize(("name", "origin", "may"), ORIGINS, ids=[row[0] for row in ORIGINS])
def test_tr_2_the_matrix_of_origins(name: str, origin: str, may: bool) -> None:
    assert passes(origin) is may, name


def test_tr_2_two_headers_are_refused_even_if_both_are_ours() -> None:
    assert not passes(OWN, OWN)
    assert not passes(OWN, OWN, any_origin=True)


def test_tr_2_no_origin_passes_unless_it_is_required() -> None:
    assert passes()
    assert not passes(required=True)
    assert passes(OWN, required=True)


ALLOWED = ("https://shop.example.org", "http://other.example:8080", normal("https://пример.рф:8443"), "nonsense")


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("https://shop.example.org", True),
        ("https://shop.example.org:443", True),
        ("http://other.example:8080", True),
        (OWN, True),
        ("http://other.example", False),
        ("null", False),
        ("https://xn--e1afmkfd.xn--p1ai:8443", True),
        ("https://xn--e1afmkfd.xn--p1ai", False),
    ],
)
def test_an_allowed_origin_passes_beside_the_own_and_is_compared_as_browsers_send_it(origin: str, may: bool) -> None:
    assert passes(origin, allowed=ALLOWED) is may
    assert normal("HTTPS://Shop.Example.org") == ALLOWED[0]


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("https://a.preview.example.com", True),
        ("https://a-1_b.preview.example.com", True),
        ("https://xn--e1afmkfd.preview.example.com", True),
        ("https://a.preview.example.com:443", True),
        ("https://preview.example.com", False),
        ("https://a.b.preview.example.com", False),
        ("https://.preview.example.com", False),
        ("https://*.preview.example.com", False),
        ("https://a.preview.example.com.", False),
        ("https://a.preview.example.com.evil.com", False),
        ("https://apreview.example.com", False),
        ("https://a/.preview.example.com", False),
        ("https://a@b.preview.example.com", False),
        ("http://a.preview.example.com", False),
        ("https://a.preview.example.com:8443", False),
        ("https://-.preview.example.com", False),
        ("null", False),
        ("", False),
    ],
)
def test_tr_2_a_star_stands_for_one_label_and_nothing_else(origin: str, may: bool) -> None:
    allowed = ("https://*.preview.example.com", "https://*.stage.example.com:8443", normal("https://*.пример.рф"))
    assert passes(origin, allowed=allowed) is may
    assert among(origin, allowed) is may
    assert among("https://a.stage.example.com:8443", allowed)
    assert among("https://a.xn--e1afmkfd.xn--p1ai", allowed)


@pytest.mark.parametrize(
    ("origin", "may"),
    [("https://evil.example", True), ("null", True), ("https://evil.example/", False), ("", False)],
)
def test_any_takes_every_page_and_nothing_malformed(origin: str, may: bool) -> None:
    assert passes(origin, any_origin=True) is may


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_loopback_names_on_one_port_are_one_origin(host: str) -> None:
    for other in ("localhost", "127.0.0.1", "[::1]"):
        assert passes(f"http://{host}:8000", own=f"http://{other}:8000")
        assert passes(f"http://{host}:3000", own=OWN, allowed=(f"http://{other}:3000",))
    assert not passes(f"http://{host}:8001", own="http://localhost:8000")
    assert not passes(f"https://{host}:8000", own="http://localhost:8000")
    assert not passes(f"http://{host}:8000", own="http://app.example.com:8000")


@pytest.mark.parametrize(
    ("settings", "fix"),
    [
        ({}, 'origins: ["https://shop.example.org"]'),
        ({"allowed": ("https://a.рф",)}, 'origins: ["https://shop.example.org"]'),
        (
            {"allowed": ("https://a.рф",), "place": lambda: "f:3"},
            'origins: ["https://a.рф", "https://shop.example.org"]  # f:3',
        ),
    ],
)
def test_the_fix_is_the_line_to_paste_and_repeats_others_only_with_its_place(settings: Any, fix: str) -> None:
    assert refused("https://shop.example.org", **settings).fix == fix


@pytest.mark.parametrize("origin", [["https://shop.example.org"], ["null"], ["nonsense"], [OWN, OWN], []])
def test_tr_2_every_refusal_is_a_403_that_says_how_to_mend_it(origin: list[str]) -> None:
    refusal = refused(*origin, required=True)
    assert (refusal.code, refusal.status) == ("origin_not_allowed", 403)
    assert refusal.detail
    assert refusal.fix


def test_a_malformed_origin_is_not_repeated_to_the_caller() -> None:
    refusal = refused("<script>")
    assert "<script>" not in refusal.detail + refusal.fix


@pytest.mark.parametrize("own", ["", "https://", "https://a b", "https://app.example.com/x", "null"])
def test_an_own_address_that_is_none_lets_nobody_in_and_one_may_be_in_any_case(own: str) -> None:
    assert passes(OWN, own="https://APP.example.COM")
    assert not passes("https://app.example.com", own=own)
    assert not passes(own, own=own)


@pytest.mark.shows("TR-2")
@given(st.text(max_size=80))
def test_no_text_passes_that_is_not_the_own_origin(text: str) -> None:
    assert passes(text) is (text in (OWN, OWN + ":443"))


@given(st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8}){0,2}(:[1-9][0-9]{0,3})?", fullmatch=True))
def test_what_the_fix_says_lets_the_page_in(host: str) -> None:
    origin = f"https://{host}"
    assert passes(origin, own=origin)
    assert passes(origin, allowed=(origin,))


@pytest.mark.parametrize(
    ("host", "here", "elsewhere"),
    [
        ("localhost:8000", True, True),
        ("LOCALHOST", True, True),
        ("127.0.0.1:8000", True, True),
        ("127.8.9.1", True, True),
        ("[::1]:8000", True, True),
        ("localhost:", True, True),
        ("app.example.com", False, True),
        ("localhost.evil.com", False, True),
        ("192.168.0.1", False, True),
        ("0.0.0.0", False, True),
        ("[fe80::1]", False, True),
        ("", False, False),
        ("user@localhost", False, False),
        ("localhost/x", False, False),
        ("localhost?x", False, False),
        ("local host", False, False),
        ("localhost:80:80", False, False),
        ("localhost:port", False, False),
        ("::1", False, False),
    ],
)
def test_tr_10_the_host_of_a_loopback_listener_is_a_loopback_name(host: str, here: bool, elsewhere: bool) -> None:
    assert host_allowed([host], True) is here
    assert host_allowed([host], False) is elsewhere


def test_tr_9_no_host_and_two_hosts_are_refused() -> None:
    for loopback in (True, False):
        assert not host_allowed([], loopback)
        assert not host_allowed(["localhost", "localhost"], loopback)


SERVERLESS = [
    "file://",
    "app://.",
    "app://obsidian.md",
    "capacitor://localhost",
    "ionic://localhost",
    "tauri://localhost",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc",
    "safari-web-extension://5D9B2A6B-4D4C-4C1F-8C2B-1A2B3C4D5E6F",
    "vscode-webview://1kt3e0l6hq0qaf9r1u8n2c1v5q1v",
    "content://com.android.browser",
    "custom://Host.With_Letters:4711",
]


@pytest.mark.parametrize("origin", SERVERLESS)
def test_pages_that_come_from_no_server_are_pages(origin: str) -> None:
    assert passes(origin, any_origin=True)
    assert not passes(origin)
    listed = normal(origin)
    assert passes(origin, allowed=(listed,))
    assert among(origin, (listed,))
    others = [other for other in SERVERLESS if other != origin]
    assert not any(passes(other, allowed=(listed,)) for other in others)
    assert refused(origin).fix == f'origins: ["{origin}"]'


NONE = [
    "file:///",
    "file:///x/a.html",
    "app://a/b",
    "app://a b",
    "file:",
    "FILE://",
    "app://a@b",
    "http://",
    "https://.",
]


@pytest.mark.parametrize("origin", [*NONE, "ws://", "app://a\n"])
def test_what_is_no_origin_of_such_a_page_either(origin: str) -> None:
    assert not passes(origin, any_origin=True)


@pytest.mark.parametrize(
    "origin", ["https://shop.example.org", "http://localhost:3000", "app://obsidian.md", "file://"]
)
def test_a_slash_at_the_end_is_reported_as_one(origin: str) -> None:
    refusal = refused(f"{origin}/", any_origin=True)
    assert ("slash" in refusal.detail, refusal.fix) == (True, f"Send Origin: {origin}")
