"""The public keys of an identity provider (a JWK Set, RFC 7517): fetched, kept, and fetched again for a new key.

Strategy. The keys are read again every ten minutes, and at once for a token that names an unknown key, but no more
often than every half minute: tokens that somebody makes up must not make us ask the provider. While the provider does
not answer, the keys hold for an hour; from then on every token is refused until it answers, since a key that was
withdrawn meanwhile would still let people in.

PyJWT's PyJWKClient would not do. It reads an answer whole however long it is, with a time limit on each read rather
than on all of them; it asks again for every token once its cache has run out and the provider is down, and forgets the
keys then; it knows no files, takes keys without `alg` for one algorithm, and passes over keys without `kid`. Every one
of its methods that reads or finds keys would have to be replaced.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jwt
import msgspec

from jackfield import files
from jackfield.auth.fetching import NotFetched, fetch
from jackfield.clocks import watched
from jackfield.errors import Refusal
from jackfield.logs import log

__all__ = [
    "ALGORITHMS",
    "KEEP",
    "MAX_KEYS",
    "MAX_SIZE",
    "RENEW",
    "TIME_LIMIT",
    "UNKNOWN_KEY_PAUSE",
    "KeysUnavailable",
    "ProviderKeys",
    "read_keys",
]

RENEW = 600.0
"""Seconds after which the keys are read again."""

KEEP = 3600.0
"""Seconds that keys hold which could not be read again."""

UNKNOWN_KEY_PAUSE = 30.0
"""Seconds between two readings that unknown keys cause."""

FAILED_PAUSE = 5.0
"""Seconds between a reading that failed and the next."""

TIME_LIMIT = 5.0
"""Seconds that a reading may take in all."""

MAX_SIZE = 256 * 1024
"""The longest document of keys, in bytes."""

MAX_KEYS = 64
"""The keys of one document that are looked at."""

_MIN_RSA = 2048  # bits; NIST SP 800-131A refuses shorter ones
_SHORT = f"RSA keys have {_MIN_RSA:,} bits or more here"

# RFC 7518, section 3.1 and RFC 8037: which kind of key each algorithm takes. Nothing symmetric: there the key
# that verifies is the key that signs, and a public one would be known to everybody.
ALGORITHMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", ())),
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "EdDSA": ("OKP", ("Ed25519", "Ed448")),
}
"""What a token may be signed with: the key's type, and its curve where it has one."""

_PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}

Keys = Mapping[tuple[str, str], Sequence[jwt.PyJWK]]
"""The keys by their id and algorithm; the id is "" for a key without one."""


class KeysUnavailable(Exception):
    """The keys cannot be read; the text says why, for the log."""


def read_keys(document: bytes, algorithms: Sequence[str]) -> tuple[Keys, frozenset[str]]:
    """The keys of a JWK Set that verify one of `algorithms`, and the ids of those that would, were they longer.

    What is of no use to us is passed over. Only public parts are looked at. RSA keys have at least 2048 bits. Raises
    KeysUnavailable for what is no JWK Set, and where no key is left.
    """
    try:
        given = msgspec.json.decode(files.unmarked(document))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise KeysUnavailable("what came is not JSON") from None
    listed = given.get("keys") if isinstance(given, dict) else None
    if not isinstance(listed, list):
        raise KeysUnavailable('what came is no JWK Set: an object with a list under "keys" (RFC 7517)')
    found: dict[tuple[str, str], list[jwt.PyJWK]] = {}
    short = set()
    for data in listed[:MAX_KEYS]:
        kid = data.get("kid") if isinstance(data, dict) else None
        kid = kid if isinstance(kid, str) else ""
        for algorithm in algorithms:
            key = _key(data, algorithm)
            if key is not None and key.key_type == "RSA" and key.key.key_size < _MIN_RSA:
                short.add(kid)
            elif key is not None:
                found.setdefault((kid, algorithm), []).append(key)
    if not found:
        why = f"; {_SHORT}" if short else ""
        raise KeysUnavailable(f"there is no key among them for {', '.join(algorithms)}{why}")
    return found, frozenset(short.difference(kid for kid, _ in found))


def _key(data: object, algorithm: str) -> jwt.PyJWK | None:
    """The key, tied to this one algorithm; None where the two do not fit, and for what is not for signatures."""
    if not isinstance(data, dict) or algorithm not in ALGORITHMS or data.get("alg", algorithm) != algorithm:
        return None
    kind, curves = ALGORITHMS[algorithm]
    if data.get("kty") != kind or (curves and data.get("crv") not in curves):
        return None
    operations = data.get("key_ops", ["verify"])
    if data.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        return jwt.PyJWK({name: data[name] for name in ("kty", *_PUBLIC[kind]) if name in data}, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None


class ProviderKeys:
    """The keys at one place, an https address or a file. `clock` gives seconds; how it is set changes nothing.

    `folder` is what a file is relative to. http is taken for an address of this machine alone.
    """

    def __init__(self, place: str, algorithms: Sequence[str], *, folder: Path, clock: Callable[[], float]) -> None:
        self._place = place
        self._algorithms = tuple(algorithms)
        self._folder = folder
        self._now = watched(clock).steady
        self._keys: Keys = {}
        self._short: frozenset[str] = frozenset()
        self._read_at = self._tried_at = -math.inf
        self._failing = False
        self._one_at_a_time = asyncio.Lock()

    async def find(self, key_id: str | None, algorithm: str) -> Sequence[jwt.PyJWK]:
        """The keys that may have signed with this id and algorithm; without an id, all of the algorithm.

        Raises Refusal: `bad_credential` for a key that the provider does not publish, `provider_unavailable`
        while there are no keys to verify with.
        """
        if not self._hold():
            await self._read(FAILED_PAUSE)
        if not self._hold():
            raise _unavailable()
        if not (found := self._known(key_id, algorithm)):
            await self._read(UNKNOWN_KEY_PAUSE)
            found = self._known(key_id, algorithm)
        if found:
            return found
        if self._failing:
            raise _unavailable()  # it may be a new key, which could not be read
        if key_id in self._short:
            raise Refusal(
                "bad_credential",
                f"The token is signed with a key that is too short: {_SHORT}.",
                "Have the identity provider sign with a longer key.",
            )
        raise Refusal(
            "bad_credential",
            "The token is signed with a key that the identity provider does not publish.",
            "Get a fresh token; if that is refused too, see whether auth.jwt.jwks belongs to its issuer.",
        )

    async def renew(self) -> None:
        """Read the keys where it is time for that; called every second or so. Never raises for the provider."""
        if self._now() - self._read_at >= RENEW:
            await self._read(UNKNOWN_KEY_PAUSE if self._hold() else FAILED_PAUSE)

    def _known(self, key_id: str | None, algorithm: str) -> Sequence[jwt.PyJWK]:
        if key_id is not None:
            return self._keys.get((key_id, algorithm), ())
        return [key for (_, named), keys in self._keys.items() if named == algorithm for key in keys]

    def _hold(self) -> bool:
        """Whether the keys that were read last may be used."""
        return self._now() - self._read_at < KEEP

    async def _read(self, pause: float) -> None:
        """Read the keys, unless that was tried less than `pause` seconds ago. Callers in the meantime wait for it."""
        async with self._one_at_a_time:
            if self._now() - self._tried_at < pause:
                return
            try:
                self._keys, short = read_keys(await self._document(), self._algorithms)
            except KeysUnavailable as exc:
                if not self._failing:  # once when it begins, not with each caller
                    log.warning("provider_keys_unavailable", place=self._place, reason=str(exc))
                self._failing = True
            else:
                for kid in sorted(short - self._short):  # once for each: its tokens are refused
                    log.warning("provider_key_short", place=self._place, key=kid[:100], reason=_SHORT)
                self._short = short
                self._read_at = self._now()
                self._failing = False
            finally:
                # at its end, so that a slow failure is not repeated for each caller that waits
                self._tried_at = self._now()

    async def _document(self) -> bytes:
        if "://" in self._place:
            try:
                return await fetch(self._place, most=MAX_SIZE, time_limit=TIME_LIMIT)
            except NotFetched as exc:
                raise KeysUnavailable(str(exc)) from exc
        try:
            return await asyncio.to_thread(files.read, self._folder / self._place, MAX_SIZE)
        except OSError as exc:
            raise KeysUnavailable(f"the file cannot be read: {exc.strerror or exc}") from exc


def _unavailable() -> Refusal:
    return Refusal(
        "provider_unavailable",
        "The keys of the identity provider cannot be had, so no token can be judged.",
        "Try again in a few seconds; the server's log says what is wrong.",
        retry_after=round(FAILED_PAUSE),
    )
