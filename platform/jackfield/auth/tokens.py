"""The signed token that a client carries in its cookie.

    1.<session secret>.<issued>.<expires>.<signature>         times in milliseconds since the epoch

The signature is checked before one character of the rest is read. It is compared in its encoded form, so
there is exactly one spelling of a token: base64's spare bits and padding make no second one. The algorithm
is fixed here and never read from the token. A token only leads to its session; the store has the last word.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from itsdangerous import Signer
from itsdangerous.signer import SigningAlgorithm

from jackfield.clocks import watched
from jackfield.errors import Refusal

__all__ = ["MIN_KEY", "Claims", "Tokens", "digest"]

MIN_KEY = 32
"""The shortest secret key, in bytes."""

_PURPOSE = b"jackfield.session.1"
_LOGGED = b"jackfield.told.1\0"
_MARKED = b"jackfield.marked.1\0"
_FINGERPRINT = 6  # bytes
_VERSION = "1"
_MAX_TOKEN = 4000  # a cookie has 4096 bytes with its name and attributes
_FUTURE = 60.0  # seconds that the clocks of two machines may differ
_LOG_IN = "Log in again and send the new token."


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine token says. Times are seconds since the epoch; `secret` is kept out of `repr`."""

    secret: str = field(repr=False)
    issued_at: float
    expires_at: float


def digest(secret: str) -> str:
    """SHA-256 of a session's secret in hex: what the store keeps and memory is keyed by."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Tokens:
    """Makes and reads tokens with a list of keys, newest first; the newest signs, all are accepted.

    `clock` gives seconds since the epoch; tokens that were made before it was set back are good. ValueError without
    a key or for one shorter than 32 bytes.
    """

    def __init__(self, keys: Sequence[bytes], *, clock: Callable[[], float]) -> None:
        self._clock = watched(clock)
        self._keys: tuple[bytes, ...] = ()
        self.rotate(keys)

    def rotate(self, keys: Sequence[bytes]) -> bool:
        """Take another list of keys, newest first, from now on; gives whether it is another one.

        A token of a key that is gone is refused from here on. Its session, and what is open in it, stays:
        a key says that a token is ours, and only the store says whether its session lives. ValueError as
        above; then the old keys stay.
        """
        if not keys:
            raise ValueError("there is no secret key; give at least one of 32 random bytes")
        if any(len(key) < MIN_KEY for key in keys):
            raise ValueError(f"a secret key is shorter than {MIN_KEY} bytes")
        if tuple(keys) == self._keys:
            return False
        self._keys = tuple(keys)
        self._signers = tuple(_signer(key) for key in keys)
        return True

    def issue(self, secret: str, expires_at: float) -> str:
        """A token for the session with this secret: URL-safe, below 4 KiB.

        `secret` is URL-safe base64 without padding, as `secrets.token_urlsafe` gives it.
        """
        if not _is_secret(secret):
            raise ValueError("a session secret is URL-safe base64 of at least 32 characters")
        self._clock.latest()  # from here on there is a token of this time
        payload = f"{_VERSION}.{secret}.{_milliseconds(self._clock())}.{_milliseconds(expires_at)}"
        return f"{payload}.{self._signers[0].get_signature(payload).decode('ascii')}"

    def read(self, token: str) -> Claims:
        """What the token says, or Refusal: `bad_credential`, or `session_expired` from its last moment on."""
        payload = self._genuine(token)
        claims = _claims(payload)
        now = self._clock()
        if claims.issued_at > now + _FUTURE and claims.issued_at > self._clock.latest() + _FUTURE:
            raise Refusal(
                "bad_credential",
                "The token was issued in the future; the clocks of two machines differ by over a minute.",
                "Set the servers' clocks (NTP), then log in again.",
            )
        if now >= claims.expires_at:
            raise Refusal("session_expired", "The session has run out.", _LOG_IN)
        return claims

    def mark(self, text: str) -> str:
        """`text`, which has no dot, with a signature: for what a client keeps for us and is no session."""
        return f"{text}.{_mark(self._keys[0], text)}"

    def marked(self, value: str) -> str:
        """The text that `mark` was given, "" where that is not to be seen."""
        text, _, signature = value.partition(".")
        shown = signature.encode("utf-8", "surrogatepass")
        genuine = any(hmac.compare_digest(_mark(key, text).encode(), shown) for key in self._keys)
        return text if genuine else ""

    def fingerprint(self, text: str) -> str:
        """A short name for a text that must not be logged: the same while the newest key is, and irreversible.

        With a key, since there are few enough words to try them all.
        """
        message = _LOGGED + text.encode("utf-8", "surrogatepass")
        return hmac.digest(self._keys[0], message, "sha256")[:_FINGERPRINT].hex()

    def _genuine(self, token: str) -> str:
        """The signed part, after the signature was found to be ours."""
        payload, dot, signature = token.rpartition(".")
        if dot and len(token) <= _MAX_TOKEN and token.isascii():
            shown = signature.encode()
            if any(hmac.compare_digest(signer.get_signature(payload), shown) for signer in self._signers):
                return payload
        raise _bad("The token is not one of ours, or was changed on its way.")


class _HmacSha256(SigningAlgorithm):
    """HMAC in one call of the C library: the same bytes as itsdangerous' own."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")


def _mark(key: bytes, text: str) -> str:
    return hmac.digest(key, _MARKED + text.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]


def _signer(key: bytes) -> Signer:
    # the key is derived here, once, as `key_derivation="hmac"` does with every signature
    derived = hmac.digest(key, _PURPOSE, "sha256")
    return Signer(derived, salt=_PURPOSE, key_derivation="none", algorithm=_HmacSha256())


def _claims(payload: str) -> Claims:
    parts = payload.split(".")
    if len(parts) != 4 or parts[0] != _VERSION or not _is_secret(parts[1]):
        raise _bad("The token is of a kind that this version does not know.")
    return Claims(parts[1], int(parts[2]) / 1000, int(parts[3]) / 1000)


def _is_secret(text: str) -> bool:
    return 32 <= len(text) <= 512 and text.isascii() and text.replace("-", "a").replace("_", "a").isalnum()


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def _bad(detail: str) -> Refusal:
    return Refusal("bad_credential", detail, _LOG_IN)
