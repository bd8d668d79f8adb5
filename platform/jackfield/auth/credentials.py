"""Finds the credential of a request, before anybody asks whether it is any good. Pure.

Every way to carry a credential is one function in `_SOURCES`; what they find must agree. The cookie is
read as RFC 6265, section 4.2 has it: exact name, no unquoting, no joining at commas, and never "the last
one wins", because a second cookie of that name may have been planted by a neighbouring host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote_to_bytes

from jackfield.errors import Refusal

__all__ = ["MAX_CREDENTIAL", "Credential", "find"]

MAX_CREDENTIAL = 4096
"""The longest credential that is looked at, in bytes."""

Headers = Sequence[tuple[bytes, bytes]]

# RFC 6265, section 4.1.1, cookie-octet: US-ASCII without controls, blank, quote, comma, semicolon, backslash.
_COOKIE_OCTETS = frozenset(range(0x21, 0x7F)) - frozenset(b'",;\\')


@dataclass(frozen=True, slots=True)
class Credential:
    """What the caller shows, and where it stood. The value is kept out of `repr`, so that no log has it."""

    value: str = field(repr=False)
    source: Literal["cookie", "bearer", "subprotocol"]


def find(headers: Iterable[tuple[bytes, bytes]], query_string: bytes, cookie: str) -> Credential | None:
    """The one credential of a request, or None where there is none.

    `headers` have lower-case names as in ASGI; `cookie` is the name of our cookie. Raises Refusal:
    `credential_in_query`, `contradictory_credentials`, or `bad_credential` for a value that no cookie can
    have or that is longer than 4 KiB.
    """
    _refuse_in_query(query_string, cookie)
    fields = list(headers)
    found = [credential for source in _SOURCES for credential in source(fields, cookie)]
    if not found:
        return None
    if any(other.value != found[0].value for other in found):
        raise Refusal(
            "contradictory_credentials",
            f"The request carries the cookie {cookie} more than once, with values that differ.",
            "Send it once: remove the old cookie from the client's cookie jar, or from the Cookie header.",
        )
    return found[0]


def _refuse_in_query(query_string: bytes, cookie: str) -> None:
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


def _cookies(headers: Headers, cookie: str) -> Iterator[Credential]:
    wanted = cookie.encode()
    for header, line in headers:
        if header != b"cookie":
            continue
        for pair in line.split(b";"):
            name, equals, value = pair.strip(b" \t").partition(b"=")
            if equals and name == wanted:
                yield Credential(_cookie_value(value, cookie), "cookie")


def _cookie_value(value: bytes, cookie: str) -> str:
    if not value:
        raise _bad(cookie, "is empty", "Paste the token after the sign =, as the login gave it.")
    if len(value) > MAX_CREDENTIAL:
        raise _bad(cookie, "is longer than 4 KiB", "Paste the token alone, as the login gave it.")
    if not _COOKIE_OCTETS.issuperset(value):
        raise _bad(
            cookie,
            "has a character that no cookie can have, a quote, a blank, a comma or a letter outside ASCII",
            "Paste the token as it is, without quotes; part several cookies with a semicolon.",
        )
    return value.decode("ascii")


def _bad(cookie: str, what: str, fix: str) -> Refusal:
    return Refusal("bad_credential", f"The cookie {cookie} {what}.", fix)


_SOURCES: tuple[Callable[[Headers, str], Iterator[Credential]], ...] = (_cookies,)
