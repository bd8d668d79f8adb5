from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.auth.credentials import MAX_CREDENTIAL, Credential, absent, check_query, find, offered
from jackfield.errors import Refusal

NAME = "gen_app_auth_token"


def cookie(*lines: str) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", line.encode()) for line in lines]


def refused(headers: list[tuple[bytes, bytes]]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        find(headers, NAME)
    assert caught.value.fix
    return caught.value


def authorization(value: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", value.encode())]


def offers(*lines: str) -> list[tuple[bytes, bytes]]:
    return [(b"sec-websocket-protocol", line.encode()) for line in lines]


def sent(where: str, token: str) -> list[tuple[bytes, bytes]]:
    """A credential as the client's kind sends it."""
    return {
        "cookie": cookie(f"{NAME}={token}"),
        "bearer": authorization(f"Bearer {token}"),
        "subprotocol": offers(f"jackfield.v1, bearer.{token}"),
    }[where]


@pytest.mark.parametrize(
    ("headers", "value", "source"),
    [
        (cookie(f"theme=dark; {NAME}=abc"), "abc", "cookie"),
        (cookie(f"{NAME}=abc; theme=dark"), "abc", "cookie"),
        (cookie(f"theme=dark;{NAME}=abc;"), "abc", "cookie"),
        (cookie(f"\t{NAME}=abc "), "abc", "cookie"),
        (cookie(f"{NAME}=abc; {NAME}=abc"), "abc", "cookie"),
        (cookie(f"{NAME}=a=b=="), "a=b==", "cookie"),
        (authorization("bearer abc"), "abc", "bearer"),
        (authorization("BEARER  abc "), "abc", "bearer"),
        (offers("chat.v2,bearer.abc", " jackfield.v1"), "abc", "subprotocol"),
        *((sent(where, "1.a-b_c.d"), "1.a-b_c.d", where) for where in ("cookie", "bearer", "subprotocol")),
        ([*sent("subprotocol", "t"), *sent("bearer", "t"), *sent("cookie", "t")], "t", "cookie"),
    ],
)
def test_a_token_is_found_wherever_it_may_stand(headers: list[tuple[bytes, bytes]], value: str, source: Any) -> None:
    assert find(headers, NAME) == Credential(value, source)


def test_an_offer_may_be_spread_over_several_headers() -> None:
    assert offered(offers("chat.v2,bearer.abc", " jackfield.v1")) == ["chat.v2", "bearer.abc", "jackfield.v1"]


@pytest.mark.shows("TK-9")
@pytest.mark.parametrize(
    "line",
    ["", ";", "theme=dark", NAME, f"x{NAME}=abc", f"{NAME}x=abc", f"x={NAME}=abc", f'"{NAME}"=abc', f"{NAME} =abc"],
)
def test_no_cookie_of_ours_is_no_credential(line: str) -> None:
    assert find(cookie(line), NAME) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("theme=dark; lang=ru", "."),
        ("seen", "."),
        ("eyJhbGciOiJIUzI1NiJ9.e30.abc", f": it holds a value alone; write {NAME}= before the token."),
        ('"eyJhbGciOiJIUzI1NiJ9.e30.abc"', f": it holds a value alone; write {NAME}= before the token."),
        (f'"{NAME}=abc"', f": a name in it is nearly that; it is spelled {NAME}, without quotes and blanks."),
        (f"{NAME} =abc", f": a name in it is nearly that; it is spelled {NAME}, without quotes and blanks."),
        (
            f"a=1; {NAME.upper()}=abc",
            f": a name in it is nearly that; it is spelled {NAME}, without quotes and blanks.",
        ),
        ("gen_app_auth_tokn=abc", f": a name in it is nearly that; it is spelled {NAME}, without quotes and blanks."),
    ],
)
def test_a_cookie_header_without_our_cookie_is_told(line: str, said: str) -> None:
    assert find(cookie(line), NAME) is None
    assert absent(cookie(line), NAME) == f"A Cookie header came, and no {NAME}= in it{said}"
    assert absent([(b"authorization", b"Basic eA==")], NAME) == ""


def test_tk_9_two_values_that_differ_are_refused() -> None:
    for headers in (cookie(f"{NAME}=a; {NAME}=b"), cookie(f"{NAME}=a", f"x=1; {NAME}=b")):
        refusal = refused(headers)
        assert (refusal.code, refusal.status) == ("contradictory_credentials", 400)


def test_tk_9_two_equal_values_in_two_headers_are_fine() -> None:
    assert find(cookie(f"{NAME}=a", f"{NAME}=a"), NAME) == Credential("a", "cookie")


def test_tk_9_another_case_is_another_cookie() -> None:
    assert find(cookie(f"{NAME.upper()}=abc"), NAME) is None


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ('"abc"', "quote"),
        ("a,b", "comma"),
        ("a b", "blank"),
        ("a\\b", "character"),
        ("ключ", "ASCII"),
        ("🙂", "ASCII"),
        ("a\x00b", "character"),
        ("a\x7f", "character"),
        ("", "empty"),
    ],
)
def test_tk_9_a_value_that_no_cookie_has_is_refused(value: str, word: str) -> None:
    refusal = refused(cookie(f"{NAME}={value}"))
    assert refusal.code == "bad_credential"
    assert word in refusal.detail


@pytest.mark.shows("TK-9")
@pytest.mark.parametrize("where", ["cookie", "bearer", "subprotocol"])
def test_the_longest_value_is_taken_and_no_longer_one(where: str) -> None:
    found = find(sent(where, "a" * MAX_CREDENTIAL), NAME)
    assert found is not None
    assert len(found.value) == MAX_CREDENTIAL
    refusal = refused(sent(where, "a" * (MAX_CREDENTIAL + 1)))
    assert (refusal.code, refusal.status) == ("credential_too_long", 400)
    assert "4 KiB" in refusal.detail
    assert "fewer roles" in refusal.fix


# the other ways


@pytest.mark.parametrize(
    ("one", "other"), [("cookie", "bearer"), ("cookie", "subprotocol"), ("bearer", "subprotocol"), ("bearer", "bearer")]
)
def test_tk_9_two_credentials_that_differ_are_refused_wherever_they_stand(one: str, other: str) -> None:
    refusal = refused([*sent(one, "a"), *sent(other, "b")])
    assert (refusal.code, refusal.status) == ("contradictory_credentials", 400)
    names = {"cookie": NAME, "bearer": "Authorization", "subprotocol": "sub-protocol"}
    assert names[one] in refusal.detail
    assert names[other] in refusal.detail


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-cookie", f"{NAME}=abc".encode()), (b"host", b"x")],
        *map(authorization, ["Basic dXNlcjpwYXNz", "Digest x", "Bearerabc", "abc", ""]),
        *map(offers, ["chat.v2, chat.v1", "jackfield.v1", "Bearer.abc, jackfield.v1", ""]),
    ],
)
def test_other_headers_schemes_and_sub_protocols_carry_no_credential(headers: list[tuple[bytes, bytes]]) -> None:
    assert find(headers, NAME) is None


@pytest.mark.parametrize(
    "headers",
    [
        *map(authorization, ["Bearer", "Bearer ", 'Bearer "abc"', "Bearer a b", "Bearer a,b", "Bearer ключ"]),
        *map(offers, ["jackfield.v1, bearer.", "jackfield.v1, bearer.a b", "jackfield.v1, bearer.ключ"]),
    ],
)
def test_what_can_be_no_token_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    assert refused(headers).code == "bad_credential"


@pytest.mark.parametrize("offer", ["bearer.abc", "chat.v2, bearer.abc", "Jackfield.v1, bearer.abc"])
def test_a_token_without_a_sub_protocol_that_can_be_answered_is_reported_how(offer: str) -> None:
    refusal = refused(offers(offer))
    assert refusal.code == "bad_credential"
    assert 'new WebSocket(url, ["jackfield.v1", "bearer." + token])' in refusal.fix
    assert "abc" not in refusal.detail + refusal.fix


@pytest.mark.parametrize(
    "query",
    [b"gen_app_auth_token=abc", b"x=1&gen_app_auth_token", b"gen%5Fapp%5fauth_token=abc", b"%67en_app_auth_token="],
)
def test_tr_4_a_credential_in_the_query_is_refused(query: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        check_query(query, NAME)
    refusal = caught.value
    assert (refusal.code, refusal.status) == ("credential_in_query", 400)
    assert refusal.fix
    assert "abc" not in refusal.detail + refusal.fix


@pytest.mark.parametrize("query", [b"", b"x=gen_app_auth_token", b"gen_app_auth_tokens=1", b"%", b"%zz=1&&="])
def test_other_queries_are_nobodys_business(query: bytes) -> None:
    check_query(query, NAME)


def test_the_value_is_kept_out_of_repr() -> None:
    assert "geheim" not in repr(Credential("geheim", "cookie"))


places = st.sampled_from([b"cookie", b"authorization", b"sec-websocket-protocol"])
values = st.one_of(st.binary(max_size=60), st.binary(max_size=20).map(lambda end: b"Bearer " + end))


@given(st.lists(st.tuples(places, values), max_size=4), st.binary(max_size=60))
def test_no_bytes_are_answered_by_anything_but_a_refusal(fields: list[tuple[bytes, bytes]], query: bytes) -> None:
    with suppress(Refusal):
        find(fields, NAME)
    with suppress(Refusal):
        check_query(query, NAME)


octets = st.text("!#$%&'()*+-./0123456789:<=>?@ABCXYZ[]^_`abcxyz{|}~", min_size=1, max_size=50)
neighbours = st.lists(st.tuples(st.sampled_from(["theme", "id", NAME + "2", "X" + NAME]), octets), max_size=4)


@given(octets, neighbours, neighbours, st.sampled_from(["; ", ";", " ;\t"]))
def test_a_value_comes_out_as_it_went_in(
    value: str, before: list[tuple[str, str]], after: list[tuple[str, str]], between: str
) -> None:
    pairs = [*before, (NAME, value), *after]
    line = between.join(f"{name}={text}" for name, text in pairs)
    assert find(cookie(line), NAME) == Credential(value, "cookie")
