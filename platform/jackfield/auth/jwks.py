"""The public keys of an identity provider: fetched, kept, and fetched anew when it signs with another.

Strategy. What a provider publishes (RFC 7517) is read once and kept. It is read again every ten minutes, and
at once for a token that names a key which is not known, but no more often than every half minute: whoever sends
nonsense must not make us ask the provider. While it does not answer, the old keys hold for an hour; from then
on every token is refused until it answers, since a key that was withdrawn meanwhile would still let people in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

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
    "short_keys",
]

RENEW = 600.0
"""Seconds after which the keys are read again."""

KEEP = 3600.0
"""Seconds for which keys hold that could not be read again."""

UNKNOWN_KEY_PAUSE = 30.0
"""Seconds between two readings that a token with an unknown key may cause."""

FAILED_PAUSE = 5.0
"""Seconds after a reading that failed in which no other is tried."""

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
    "RS256": ("RSA", ()),
    "RS384": ("RSA", ()),
    "RS512": ("RSA", ()),
    "PS256": ("RSA", ()),
    "PS384": ("RSA", ()),
    "PS512": ("RSA", ()),
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


def read_keys(document: bytes, algorithms: Sequence[str]) -> Keys:
    """The keys of a JWK Set that verify one of `algorithms`. What is of no use to us is passed over.

    Only public parts are looked at. RSA keys have at least 2048 bits. Raises KeysUnavailable for what is no
    JWK Set, and where no key is left.
    """
    fitting = _fitting(document, algorithms)
    found = {name: kept for name, keys in fitting.items() if (kept := [key for key in keys if not _is_short(key)])}
    if not found:
        why = f"; {_SHORT}" if fitting else ""
        raise KeysUnavailable(f"there is no key among them for {', '.join(algorithms)}{why}")
    return found


def short_keys(document: bytes, algorithms: Sequence[str]) -> frozenset[str]:
    """The ids of keys that would be taken if they were longer: a token that names one of these can be told why."""
    fitting = _fitting(document, algorithms)
    return frozenset(kid for (kid, _), keys in fitting.items() if all(_is_short(key) for key in keys))


def _fitting(document: bytes, algorithms: Sequence[str]) -> Mapping[tuple[str, str], list[jwt.PyJWK]]:
    """The keys for one of `algorithms`, of any length."""
    try:
        given = msgspec.json.decode(files.unmarked(document))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise KeysUnavailable("what came is not JSON") from None
    listed = given.get("keys") if isinstance(given, dict) else None
    if not isinstance(listed, list):
        raise KeysUnavailable('what came is no JWK Set: an object with a list under "keys" (RFC 7517)')
    found: dict[tuple[str, str], list[jwt.PyJWK]] = {}
    for data in listed[:MAX_KEYS]:
        if isinstance(data, dict) and _is_for_signatures(data):
            for algorithm in algorithms:
                key = _key(data, algorithm)
                if key is not None:
                    found.setdefault((_id_of(data), algorithm), []).append(key)
    return found


def _id_of(data: Mapping[str, Any]) -> str:
    kid = data.get("kid", "")
    return kid if isinstance(kid, str) else ""


def _is_for_signatures(data: Mapping[str, Any]) -> bool:
    operations = data.get("key_ops", ["verify"])
    return data.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _key(data: Mapping[str, Any], algorithm: str) -> jwt.PyJWK | None:
    """The key, tied to this one algorithm; None where the two do not fit."""
    if algorithm not in ALGORITHMS or data.get("alg", algorithm) != algorithm:
        return None
    kind, curves = ALGORITHMS[algorithm]
    if data.get("kty") != kind or (curves and data.get("crv") not in curves):
        return None
    public = {"kty": kind} | {name: data[name] for name in _PUBLIC[kind] if name in data}
    try:
        return jwt.PyJWK(public, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None


def _is_short(key: jwt.PyJWK) -> bool:
    return key.key_type == "RSA" and key.key.key_size < _MIN_RSA


class ProviderKeys:
    """The keys at one place, an https address or a file. `clock` gives seconds; how it is set changes nothing.

    `folder` is what a file is relative to. http is taken for an address of this machine alone.
    """

    def __init__(self, place: str, algorithms: Sequence[str], *, folder: Path, clock: Callable[[], float]) -> None:
        self._place = place
        self._algorithms = tuple(algorithms)
        self._folder = folder
        self._clock = watched(clock).steady
        self._keys: Keys = {}
        self._short: frozenset[str] = frozenset()
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._failing = False
        self._one_at_a_time = asyncio.Lock()

    async def find(self, key_id: str | None, algorithm: str) -> Sequence[jwt.PyJWK]:
        """The keys that may have signed with this id and algorithm; without an id, all of the algorithm.

        Raises Refusal: `bad_credential` for a key that the provider does not publish, `provider_unavailable`
        while there are no keys to judge by.
        """
        if not self._hold():
            await self._renew(FAILED_PAUSE)
        if not self._hold():
            raise _unavailable()
        found = self._known(key_id, algorithm)
        if not found:
            await self._renew(UNKNOWN_KEY_PAUSE)
            found = self._known(key_id, algorithm)
        if not found and self._failing:
            raise _unavailable()  # it may be a new key, which we could not read
        if not found and key_id in self._short:
            raise Refusal(
                "bad_credential",
                f"The token is signed with a key that is too short: {_SHORT}.",
                "Have the identity provider sign with a longer key.",
            )
        if not found:
            raise Refusal(
                "bad_credential",
                "The token is signed with a key that the identity provider does not publish.",
                "Get a fresh token; if that is refused too, see whether auth.jwt.jwks belongs to its issuer.",
            )
        return found

    async def renew(self) -> None:
        """Read the keys where it is time for that; called every second or so. Never raises for the provider."""
        if not self._is_within(self._read_at, RENEW):
            await self._renew(UNKNOWN_KEY_PAUSE if self._hold() else FAILED_PAUSE)

    def _known(self, key_id: str | None, algorithm: str) -> Sequence[jwt.PyJWK]:
        if key_id is not None:
            return self._keys.get((key_id, algorithm), ())
        return [key for (_, named), keys in self._keys.items() if named == algorithm for key in keys]

    def _hold(self) -> bool:
        """Whether the keys that we have may be used."""
        return self._is_within(self._read_at, KEEP)

    def _is_within(self, moment: float | None, seconds: float) -> bool:
        return moment is not None and self._clock() - moment < seconds

    async def _renew(self, pause: float) -> None:
        """Read the keys, unless that was tried less than `pause` seconds ago. Whoever comes meanwhile waits."""
        async with self._one_at_a_time:
            if self._is_within(self._tried_at, pause):
                return
            try:
                document = await self._document()
                self._keys = read_keys(document, self._algorithms)
                self._warn_of_short(short_keys(document, self._algorithms))
            except KeysUnavailable as exc:
                # once when it begins, not with each caller
                if not self._failing:
                    log.warning("provider_keys_unavailable", place=self._place, reason=str(exc))
                self._failing = True
            else:
                self._read_at = self._clock()
                self._failing = False
            finally:
                # at its end, since one that takes its time must not be followed by that of each who waits
                self._tried_at = self._clock()

    def _warn_of_short(self, short: frozenset[str]) -> None:
        """Tell of keys that are passed over, once for each: their tokens are refused, and nobody would know why."""
        for kid in sorted(short - self._short):
            log.warning("provider_key_short", place=self._place, key=kid[:100], reason=_SHORT)
        self._short = short

    async def _document(self) -> bytes:
        if "://" in self._place:
            try:
                return await fetch(self._place, most=MAX_SIZE, time_limit=TIME_LIMIT)
            except NotFetched as exc:
                raise KeysUnavailable(str(exc)) from exc
        return await asyncio.to_thread(_read_file, self._folder / self._place)


def _read_file(path: Path) -> bytes:
    try:
        return files.read(path, MAX_SIZE)
    except OSError as exc:
        raise KeysUnavailable(f"the file cannot be read: {exc.strerror or exc}") from exc


def _unavailable() -> Refusal:
    return Refusal(
        "provider_unavailable",
        "The keys of the identity provider cannot be had, so no token can be judged.",
        "Try again in a few seconds; the server's log says what is wrong.",
        retry_after=round(FAILED_PAUSE),
    )
