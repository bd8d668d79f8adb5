from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.config.url import Segment, parse, reserved, split


def test_a_pattern_knows_its_segments_shape_and_parameters() -> None:
    pattern = parse("/ws/rooms/{room}/{seat_1}")
    assert pattern.segments == (
        Segment("ws"),
        Segment("rooms"),
        Segment("room", is_param=True),
        Segment("seat_1", is_param=True),
    )
    assert pattern.shape == ("ws", "rooms", None, None)
    assert pattern.params == ("room", "seat_1")


def test_letters_and_their_encoded_form_are_one_address() -> None:
    encoded = "/ws/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82"
    assert parse("/ws/привет").shape == parse(encoded).shape == parse(encoded.lower()).shape
    assert split(encoded.encode()) == split("/ws/привет".encode()) == ("ws", "привет")
    assert parse("/ws/привет/{имя}").normal == encoded + "/{имя}"


def test_the_root_has_no_segments() -> None:
    assert parse("/").segments == ()
    assert split(b"/") == ()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "begin with a slash"),
        ("ws/x", "begin with a slash"),
        ("ws://host/x", "begin with a slash"),
        ("/ws/x/", "ends with a slash"),
        ("//ws", "empty part"),
        ("/ws//x", "empty part"),
        ("/ws/./x", "'.' or '..'"),
        ("/ws/%2e%2E/x", "'.' or '..'"),
        ("/ws/x?y=1", "query"),
        ("/ws/x#y", "fragments"),
        ("/ws/a b", "blank"),
        ("/ws/x\n", "blank"),
        ("/ws/%2f", "encoded slash"),
        ("/ws/a\\b", "backslash"),
        ("/ws/%00", "control"),
        ("/ws/%E2%80%A8", "control"),
        ("/ws/%zz", "percent-encoded"),
        ("/ws/%", "percent-encoded"),
        ("/ws/%ff", "percent-encoded"),
        ("/ws/%C0%AF", "percent-encoded"),
        ("/ws/room-{id}", "mixes"),
        ("/ws/{id}{no}", "not a name"),
        ("/ws/{}", "not a name"),
        ("/ws/{1}", "not a name"),
        ("/ws/{class}", "not a name"),
        ("/ws/{a-b}", "not a name"),
        ("/ws/{a", "mixes"),
        ("/ws/{a}/{a}", "twice"),
        ("/" + "x" * 1024, "longer"),
    ],
)
def test_what_cannot_be_an_address_is_reported_in_a_sentence(url: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(url)
    assert words in str(caught.value)


def test_parameters_are_named_as_python_reads_them() -> None:
    assert parse("/ws/{ﬁ}").params == ("fi",)
    with pytest.raises(ValueError):
        parse("/ws/{ﬁ}/{fi}")


NO_PATHS = rb"""
ws //ws /ws/ /ws//x /ws/. /ws/.. /ws/%2e%2e/x /ws%2fx /ws%5cx /ws\x http://host/ws * /a?b /a#b
/% /%4 /%zz /%C0%AF /%ED%A0%80 /%ff /%00 /%0d%0aX /%7f
""".split()


@pytest.mark.parametrize("path", [b"", b"/\xff", b"/\x00", *NO_PATHS])
def test_a_path_without_one_meaning_has_no_normal_form(path: bytes) -> None:
    assert split(path) is None


def test_a_path_is_decoded_once() -> None:
    assert split(b"/ws/%2541") == ("ws", "%41")
    assert split(b"/ws/a%20b+c") == ("ws", "a b+c")
    assert split("/ws/👋".encode()) == ("ws", "👋")


@given(st.binary(max_size=60))
def test_any_bytes_have_a_normal_form_or_none(path: bytes) -> None:
    parts = split(b"/" + path)
    if parts:
        assert all(part not in {"", ".", ".."} and "/" not in part for part in parts)
        assert split(("/" + "/".join(quote(part, safe="") for part in parts)).encode()) == parts


@given(st.text(max_size=30))
def test_an_address_that_is_taken_is_found_by_its_own_request(text: str) -> None:
    try:
        pattern = parse("/ws/" + text)
    except ValueError:
        return
    if not pattern.params:
        assert split(pattern.normal.encode()) == pattern.shape


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("/", "/"),
        ("/auth", "/auth"),
        ("/auth/login", "/auth"),
        ("/docs/x", "/docs"),
        ("/asyncapi.json", "/asyncapi*"),
        ("/openapi", "/openapi*"),
        ("/metrics", "/metrics"),
        ("/%64ocs", "/docs"),
        ("/account/login/x", "/account/login"),
    ],
)
def test_reserved_addresses_and_all_below_them(url: str, address: str) -> None:
    assert reserved(parse(url).shape, "/account/login") == address


@pytest.mark.parametrize("url", ["/authors", "/ws/auth", "/Docs", "/{name}", "/{a}/{b}", "/account", "/healthy"])
def test_addresses_that_only_resemble_reserved_ones_are_free(url: str) -> None:
    assert reserved(parse(url).shape, "/account/login") is None
