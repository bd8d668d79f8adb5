"""Finds the credential of a request; whether it is valid is checked later. Pure.

Every way to carry a credential is one function in `_SOURCES`; what they find must agree. The cookie is
read as RFC 6265, section 4.2 has it: exact name, no unquoting, no joining at commas, and never "the last
one wins", because a second cookie of that name may have been planted by a neighbouring host. A script that
has no cookie sends the same token as a bearer token (RFC 6750, section 2.1) or, in a browser, whose
WebSocket takes no headers, as the sub-protocol `bearer.<token>` beside `jackfield.v1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote_to_bytes

from jackfield.errors import Refusal
from jackfield.similar import nearest

__all__ = ["MAX_CREDENTIAL", "SUBPROTOCOL", "Credential", "absent", "check_query", "find", "offered"]

MAX_CREDENTIAL = 4096
"""The longest credential that is looked at, in bytes."""

SUBPROTOCOL = "jackfield.v1"
"""What is answered to a client that sends its credential as a sub-protocol, which is never answered itself."""

Headers = Sequence[tuple[bytes, bytes]]

_HEADERS = frozenset((b"cookie", b"authorization", b"sec-websocket-protocol"))
_BEARER = "bearer."
_TOKEN_LENGTH = 20  # bytes; shorter ones are flags that a page has set

# RFC 6265, section 4.1.1, cookie-octet: US-ASCII without controls, blank, quote, comma, semicolon, backslash.
_COOKIE_OCTETS = frozenset(range(0x21, 0x7F)) - frozenset(b'",;\\')
# RFC 9110, section 11.2, token68; a token that holds others is refused where it is verified.
_TOKEN_OCTETS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")


@dataclass(frozen=True, slots=True)
class Credential:
    """What the caller shows, and where it stood. The value is kept out of `repr`, so that no log has it."""

    value: str = field(repr=False)
    source: Literal["cookie", "bearer", "subprotocol"]


def find(headers: Iterable[tuple[bytes, bytes]], cookie: str) -> Credential | None:
    """The one credential of a request, or None where there is none.

    `headers` have lower-case names as in ASGI; `cookie` is the name of our cookie. Raises Refusal:
    `contradictory_credentials` for two that differ, `credential_too_long` beyond 4 KiB, or `bad_credential`
    for a value that cannot be one.
    """
    fields = [header for header in headers if header[0] in _HEADERS]
    found = [credential for source in _SOURCES for credential in source(fields, cookie)]
    if not found:
        return None
    for other in found:
        if other.value != found[0].value:
            raise _contradiction(found[0], other, cookie)
    return found[0]


def absent(headers: Iterable[tuple[bytes, bytes]], cookie: str) -> str:
    """What is wrong with the Cookie headers of a request without a credential; "" where there are none.

    Nothing of them is repeated: what has no name may be a token.
    """
    lines = [line for name, line in headers if name == b"cookie"]
    if not lines:
        return ""
    said = f"A Cookie header came, and no {cookie}= in it"
    for pair in b";".join(lines)[:MAX_CREDENTIAL].split(b";"):
        name, equals, _ = pair.strip(b" \t\"'").partition(b"=")
        if not equals and len(name) >= _TOKEN_LENGTH:
            return f"{said}: it holds a value alone; write {cookie}= before the token."
        if equals and nearest(name.strip(b" \t\"'").lower().decode("latin-1"), [cookie.lower()], 0.8):
            return f"{said}: a name in it is nearly that; it is spelled {cookie}, without quotes and blanks."
    return f"{said}."


def offered(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """The sub-protocols that a client offers, in its order; several headers are one list (RFC 6455, 11.3.4)."""
    lines = [line.decode("latin-1") for name, line in headers if name == b"sec-websocket-protocol"]
    return [name.strip() for line in lines for name in line.split(",")]


def check_query(query_string: bytes, cookie: str) -> None:
    """Raise Refusal `credential_in_query` where a parameter has the cookie's name, whatever is asked for."""
    wanted = cookie.encode()
    for pair in query_string.split(b"&"):
        name = pair.partition(b"=")[0]
        if unquote_to_bytes(name) == wanted:
            raise Refusal(
                "credential_in_query",
                f"The query string has a parameter {cookie}; addresses are kept in logs and histories.",
                f"Take it out of the address and send it as a header: Cookie: {cookie}=<token>. "
                "Log in anew if the address was shared.",
            )


def _contradiction(one: Credential, other: Credential, cookie: str) -> Refusal:
    if one.source == other.source == "cookie":
        return Refusal(
            "contradictory_credentials",
            f"The request carries the cookie {cookie} more than once, with values that differ.",
            "Send it once: remove the old cookie from the client's cookie jar, or from the Cookie header.",
        )
    places = {"cookie": f"the cookie {cookie}", "bearer": "the header Authorization", "subprotocol": "a sub-protocol"}
    return Refusal(
        "contradictory_credentials",
        f"The request carries two credentials that differ: {places[one.source]} has one, "
        f"{places[other.source]} another.",
        "Send one of them alone; a browser adds its cookie by itself.",
    )


def _cookies(headers: Headers, cookie: str) -> Iterator[Credential]:
    wanted = cookie.encode()
    for header, line in headers:
        if header != b"cookie":
            continue
        for pair in line.split(b";"):
            name, equals, value = pair.strip(b" \t").partition(b"=")
            if equals and name == wanted:
                where = f"The cookie {cookie}"
                _check_length(value, where, "Paste the token after the sign =, as the login gave it.")
                if not _COOKIE_OCTETS.issuperset(value):
                    raise Refusal(
                        "bad_credential",
                        f"{where} has a character that no cookie can have, "
                        "a quote, a blank, a comma or a letter outside ASCII.",
                        "Paste the token as it is, without quotes; part several cookies with a semicolon.",
                    )
                yield Credential(value.decode("ascii"), "cookie")


def _bearers(headers: Headers, _cookie: str) -> Iterator[Credential]:
    for header, line in headers:
        if header != b"authorization":
            continue
        scheme, _, value = line.strip(b" \t").partition(b" ")
        if scheme.lower() == b"bearer":  # other schemes, Basic for a proxy in front of us, are not ours
            yield Credential(_token(value.strip(b" "), "The header Authorization: Bearer"), "bearer")


def _subprotocols(headers: Headers, _cookie: str) -> Iterator[Credential]:
    names = offered(headers)
    for name in names:
        if not name.startswith(_BEARER):
            continue
        if SUBPROTOCOL not in names:
            # none of ours could be answered, and a browser gives up where none is
            raise Refusal(
                "bad_credential",
                f"A credential is offered as a sub-protocol without {SUBPROTOCOL} beside it.",
                f'Offer both: new WebSocket(url, ["{SUBPROTOCOL}", "{_BEARER}" + token])',
            )
        value = name.removeprefix(_BEARER).encode("latin-1")
        yield Credential(_token(value, f"The sub-protocol {_BEARER}<token>"), "subprotocol")


def _token(value: bytes, where: str) -> str:
    _check_length(value, where, "Paste the token behind it, as the login gave it.")
    if not _TOKEN_OCTETS.issuperset(value):
        detail = f"{where} has a character that no token can have, a quote, a blank or a letter outside ASCII."
        raise Refusal("bad_credential", detail, "Paste the token as it is, without quotes.")
    return value.decode("ascii")


def _check_length(value: bytes, where: str, fix: str) -> None:
    if not value:
        raise Refusal("bad_credential", f"{where} is empty.", fix)
    if len(value) > MAX_CREDENTIAL:
        raise Refusal(
            "credential_too_long",
            f"{where} is longer than 4 KiB.",
            "Send the token alone. One of an identity provider gets shorter with fewer roles in it: "
            "have the provider put in only those of this application.",
        )


_SOURCES: tuple[Callable[[Headers, str], Iterator[Credential]], ...] = (_cookies, _bearers, _subprotocols)
