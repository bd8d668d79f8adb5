"""Tokens of an identity provider: JSON Web Tokens (RFC 7519), checked as RFC 8725 asks.

The order is fixed: shape, algorithm, key, signature, and only then what the token says. The algorithm must be
one of the plan's, and the key one that fits it: a token cannot choose. Nothing that a token says before its
signature was found good leads to any input or output, but for the id of its key, which may have the provider's
keys read again (jwks.py).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import msgspec

from jackfield import claim_paths, messages
from jackfield.auth.credentials import Credential
from jackfield.auth.jwks import ALGORITHMS, ProviderKeys
from jackfield.auth.provider import JWT_SESSION, SHAPE, Provider
from jackfield.auth.store.tables import login_of, name_of, normal_login
from jackfield.clocks import Ends, watched
from jackfield.errors import Refusal
from jackfield.identity import Claims, Identity

__all__ = ["MAX_ROLES", "SKEW", "JwtAuthority"]

SKEW = 60.0
"""Seconds that the provider's clock may be ahead of ours. A token's end is not put off by them."""

MAX_ROLES = 1000
"""The roles that one token may give."""

_SEEN = 20_000  # tokens whose end is remembered by both clocks

# RFC 8725, section 3.11: the header's type keeps tokens for another purpose out, logout+jwt for example.
_TYPES = (None, "jwt", "at+jwt", "application/at+jwt", "application/jwt")
# The claim in which some providers mark what a token is for: ID tokens, and tokens that renew or end a session, are
# refused. The ID tokens of other providers have no mark that an access token could not have: `nonce` is in both at
# some, and where access tokens are no JWT the ID token is all that there is to send. There `aud` decides.
_OTHER_PURPOSES = ("ID", "Logout", "Offline", "Refresh")

_FRESH = "Get a fresh token from the identity provider."


class _Header(msgspec.Struct):
    alg: str
    kid: str | None = None
    typ: str | None = None
    crit: Any = None


_read_header = msgspec.json.Decoder(_Header).decode
_read_claims = msgspec.json.Decoder(dict[str, Any]).decode


class JwtAuthority:
    """Identifies the tokens of a provider.

    `clock` gives seconds since the epoch; `folder` is what a file of keys is relative to.
    """

    def __init__(self, provider: Provider, *, folder: Path, clock: Callable[[], float]) -> None:
        self.provider = provider
        self._algorithms = tuple(name for name in provider.algorithms if name in ALGORITHMS)
        self._keys = ProviderKeys(provider.jwks, self._algorithms, folder=folder, clock=clock)
        self._clock = watched(clock)
        self._ends = Ends(self._clock, _SEEN)

    def adapt(self, provider: Provider) -> bool:
        """Take over other settings, of a plan just published; False where they need other keys."""
        same = (provider.jwks, provider.algorithms) == (self.provider.jwks, self.provider.algorithms)
        if same:
            self.provider = provider
        return same

    async def renew(self) -> None:
        """Read the provider's keys again where it is time for that; called every second or so."""
        await self._keys.renew()

    async def identify(self, credential: Credential) -> Identity:
        """The identity of the token; `expires_at` is its `exp`, and its session's id begins with `jwt:`.

        Raises Refusal: `bad_credential`, `session_expired`, `provider_unavailable`.
        """
        token = credential.value
        header = self._header(token)
        keys = await self._keys.find(header.kid, header.alg)
        claims, text = _genuine(token, header.alg, keys)
        self._check_purpose(claims)
        signed = token.rpartition(".")[0]
        session = JWT_SESSION + hashlib.sha256(signed.encode()).hexdigest()[:16]
        expires_at = self._check_time(claims, session)
        path = self.provider.name
        name = name_of(claim_paths.at(claims, path)) if path else ""
        return Identity(self._login(claims), self._roles(claims), session, expires_at, name, Claims(text))

    def _header(self, token: str) -> _Header:
        parts = SHAPE.fullmatch(token)
        if parts is None or not _is_only_spelling(parts[3]):
            raise _bad("The token is not a JSON Web Token of three parts.")
        try:
            header = _read_header(_flat(_decoded(parts[1])))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise _bad("The token's header cannot be read.") from None
        if header.alg not in self._algorithms:
            names = ", ".join(self._algorithms)
            raise _bad(
                f"The token is signed with {_shown(header.alg)}; taken here are {names}.",
                "Have the provider sign with one of these, or add the algorithm to auth.jwt.algorithms.",
            )
        if header.crit is not None:
            # RFC 7515, section 4.1.11: what we do not understand must not be passed over
            raise _bad("The token's header has a `crit`, and no extension is understood here.")
        if (header.typ.lower() if header.typ else None) not in _TYPES:
            raise _bad(f"The token is of the type {_shown(header.typ)}, which lets nobody in.")
        return header

    def _check_purpose(self, claims: Mapping[str, Any]) -> None:
        """Check issuer, audience and purpose (RFC 8725, sections 3.8, 3.9 and 3.12)."""
        issuer, wanted = claims.get("iss"), self.provider.issuer
        if issuer != wanted:
            raise _bad(
                f"The token was issued by {_shown(issuer)}, not by {wanted}.",
                "The issuer must be auth.jwt.issuer to the letter, a slash at its end included.",
            )
        audience = claims.get("aud")
        meant = audience if isinstance(audience, list) else [audience]
        if not any(one == name for one in meant for name in self.provider.audience):
            raise _bad(
                f"The token is meant for {_shown(audience)}, not for {' or '.join(self.provider.audience)}.",
                "Have the provider put one of auth.jwt.audience into `aud`.",
            )
        if claims.get("typ") in _OTHER_PURPOSES or "events" in claims:
            raise _bad(
                "The token is an ID token, or one that renews or ends a session at the provider; it lets nobody in.",
                "Send the access token.",
            )
        if "cnf" in claims:
            # RFC 9449, section 7.2: without the proof that goes with it, a stolen one would do
            raise _bad(
                "The token is bound to a key of the client, for which there is no proof here.",
                "Have the provider issue plain bearer tokens for this client.",
            )

    def _check_time(self, claims: Mapping[str, Any], session: str) -> float:
        expires_at = _moment(claims, "exp")
        if expires_at is None:
            raise _bad("The token has no end (`exp`).", "Have the provider issue tokens that run out.")
        if self._ends.over(session, expires_at):
            raise Refusal("session_expired", "The token has run out.", _FRESH, login=self._claimed(claims))
        for name in ("nbf", "iat"):
            begins = _moment(claims, name)
            if begins is not None and begins > self._clock() + SKEW and begins > self._clock.latest() + SKEW:
                when = datetime.fromtimestamp(min(begins, 253402300799), UTC).isoformat(timespec="seconds")
                raise _bad(
                    f"The token begins in the future: its `{name}` is {when}.",
                    "Set the clocks of the provider and of this server (NTP), then get a fresh token.",
                )
        return expires_at

    def _claimed(self, claims: Mapping[str, Any]) -> str:
        """The login in a genuine token that lets nobody in; "" where there is none."""
        value = claim_paths.at(claims, self.provider.login)
        return login_of(value) if isinstance(value, str) else ""

    def _login(self, claims: Mapping[str, Any]) -> str:
        path = self.provider.login
        value = claim_paths.at(claims, path)
        if not isinstance(value, str) or not value:
            raise _bad(
                f"The token has no text at `{path}`, which is who is calling.",
                "Have the provider put it there, or name another claim in auth.jwt.login.",
            )
        try:
            return normal_login(value)
        except Refusal as exc:
            raise _bad(f"The token's `{path}` cannot be a login: {exc.detail}") from None

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[str]:
        path = self.provider.roles
        value = claim_paths.at(claims, path) if path else None  # an empty path: the plan takes no roles from tokens
        if value is None:
            return frozenset()
        roles = value.split() if isinstance(value, str) else value  # `scope` is one text (RFC 8693, section 4.2)
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles) or len(roles) > MAX_ROLES:
            raise _bad(
                f"What the token has at `{path}` is no list of up to {MAX_ROLES:,} texts.",
                "Name the claim that holds the roles in auth.jwt.roles.",
            )
        return frozenset(roles)


def _genuine(token: str, algorithm: str, keys: Sequence[jwt.PyJWK]) -> tuple[Mapping[str, Any], bytes]:
    """What the token says, read and as it stands there, after its signature was found to be by one of these keys."""
    for key in keys:
        try:
            payload = _SIGNATURES.decode(token, key, algorithms=[algorithm])
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError):
            break
        try:
            return _read_claims(_flat(payload)), payload
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise _bad("What the token says is no JSON object.") from None
    raise _bad("The token's signature does not hold: it was changed on its way, or signed by somebody else.")


_SIGNATURES = jwt.PyJWS(algorithms=list(ALGORITHMS))


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    """A time (RFC 7519, section 2, NumericDate)."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LAST < value < _LAST:
        raise _bad(f"The token's `{name}` is no time in seconds since 1970.")
    return float(value)


_LAST = 1e12  # far beyond any calendar, and yet a number that everybody can reckon with


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _flat(part: bytes) -> bytes:
    """The JSON of one part; ValueError where it is nested deeper than any library here reads on any Python."""
    if messages.too_deep(part):
        raise ValueError
    return part


def _is_only_spelling(part: str) -> bool:
    """Whether base64url has no other spelling of these bytes: spare bits at the end are nought."""
    try:
        return base64.urlsafe_b64encode(_decoded(part)).rstrip(b"=") == part.encode()
    except ValueError:
        return False


def _shown(value: object) -> str:
    """A value of a token for the sentence of a refusal, cut."""
    text = value if isinstance(value, str) else "nobody" if value is None else str(value)
    return text if len(text) <= 100 else text[:99] + "…"


def _bad(detail: str, fix: str = _FRESH) -> Refusal:
    return Refusal("bad_credential", detail, fix)
