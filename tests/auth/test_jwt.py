"""An identity provider's token: whom it stands for, and why it is refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from jackfield.auth.credentials import Credential
from jackfield.auth.jwt import SKEW, JwtAuthority
from jackfield.auth.provider import looks_like_jwt
from jackfield.config.plan import JwtSettings
from jackfield.errors import Refusal
from jackfield.identity import Identity

from .conftest import Clock
from .provider import AUDIENCE, KINDS, Provider, new_key

ROLES = {"support", "offline_access"}
"""Of each token of the provider."""


class Desk:
    """A plan that takes the tokens of a provider."""

    def __init__(self, provider: Provider, clock: Clock, folder: Path) -> None:
        self.provider, self.clock, self._folder = provider, clock, folder

    def judge(self, **settings: Any) -> JwtAuthority:
        provider = {"jwks": self.provider.jwks, "issuer": self.provider.issuer, "audience": (AUDIENCE,)}
        return JwtAuthority(JwtSettings(**(provider | settings)), folder=self._folder, clock=self.clock)

    def token(self, kid: str = "rs256", **claims: Any) -> str:
        return self.provider.token(kid, now=self.clock.now, **claims)

    def signed(self, payload: bytes) -> str:
        """A genuine token with this payload; jwt.encode looks at some claims itself."""
        return jwt.PyJWS().encode(payload, self.provider.keys["rs256"][1], "RS256", {"kid": "rs256"})


@pytest.fixture
def desk(provider: Provider, clock: Clock, tmp_path: Path) -> Desk:
    return Desk(provider, clock, tmp_path)


async def identify(authority: JwtAuthority, token: str) -> Identity:
    return await authority.identify(Credential(token, "bearer"))


async def refused(authority: JwtAuthority, token: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await identify(authority, token)
    assert caught.value.fix
    assert token not in str(vars(caught.value))
    return caught.value


def forged(header: object, payload: object, signature: bytes = b"s") -> str:
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize("kid", [kind.lower() for kind in KINDS])
async def test_a_token_of_the_provider_says_who_is_calling(desk: Desk, kid: str) -> None:
    found = await identify(desk.judge(), desk.token(kid))
    assert (found.login, set(found.roles)) == ("f3b1-аня", ROLES)
    assert found.expires_at == desk.clock.now + 300
    assert found.session.startswith("jwt:")


@pytest.mark.parametrize(
    ("path", "claims", "name"),
    [
        ("name", {"name": " Анна Петрова 😀 "}, "Анна Петрова 😀"),
        (r"who.full\.name", {"who": {"full.name": "Анна"}}, "Анна"),
        ("", {"name": "Анна"}, ""),
        ("name", {}, ""),
        ("name", {"name": ["Анна"]}, ""),
        ("name", {"name": "x" * 129}, ""),
        ("name", {"name": "\u202eannA"}, ""),
    ],
)
async def test_a_token_may_say_what_people_call_the_caller(desk: Desk, path: str, claims: Any, name: str) -> None:
    assert (await identify(desk.judge(name=path), desk.token(**claims))).name == name


async def test_what_a_token_says_can_be_read_and_not_changed_or_logged(desk: Desk) -> None:
    found = await identify(desk.judge(), desk.token(org={"отдел": [7]}))
    assert (found.claims["sub"], found.claims["org"], found.claims.get("none")) == ("f3b1-аня", {"отдел": [7]}, None)
    found.claims["org"]["отдел"].append(8)
    assert found.claims["org"] == {"отдел": [7]}
    assert {"iss", "aud", "exp"} <= dict(found.claims).keys()
    assert "отдел" not in f"{found!r} {found.claims!r} {found.claims}"
    assert hash(found)


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "PS384", "PS512", "ES384", "ES512"])
async def test_the_other_algorithms_are_taken_where_the_plan_has_them(desk: Desk, algorithm: str) -> None:
    desk.provider.rotate(algorithm, algorithm, withdraw=False)
    token = desk.token(algorithm)
    assert (await identify(desk.judge(algorithms=(algorithm,)), token)).login == "f3b1-аня"
    assert "taken here are RS256" in (await refused(desk.judge(algorithms=("RS256",)), token)).detail


@pytest.mark.parametrize(
    ("path", "roles"),
    [
        ("resource_access.desk.roles", {"of desk"}),
        (r"resource_access.desk\.web.roles", {"of desk.web"}),
        (r"resource_access.back\\slash.roles", {"of backslash"}),
        (r"https://desk\.example/roles", {"of the address"}),
        ("https://desk.example/roles", {"of the address"}),
        ("resource_access.desk.web.roles", set()),
        (r"resource_access\.desk.roles", set()),
    ],
)
async def test_the_path_of_a_claim_names_whatever_a_client_is_called(desk: Desk, path: str, roles: set[str]) -> None:
    clients = {"desk": "of desk", "desk.web": "of desk.web", "back\\slash": "of backslash"}
    access = {name: {"roles": [role]} for name, role in clients.items()}
    said: dict[str, Any] = {"resource_access": access, "https://desk.example/roles": ["of the address"]}
    assert (await identify(desk.judge(roles=path), desk.token(**said))).roles == roles


async def test_one_session_per_token(desk: Desk) -> None:
    authority = desk.judge()
    first, second = desk.token(jti="1"), desk.token(jti="2")
    assert (await identify(authority, first)).session == (await identify(authority, first)).session
    assert (await identify(authority, first)).session != (await identify(authority, second)).session


@pytest.mark.parametrize(
    ("settings", "claims", "login", "roles"),
    [
        ({"login": "preferred_username"}, {}, "аня", ROLES),
        ({"roles": "scope"}, {"scope": "read write"}, "f3b1-аня", {"read", "write"}),
        ({"roles": "https://desk.example/roles"}, {"https://desk.example/roles": ["лид"]}, "f3b1-аня", {"лид"}),
        ({"roles": "resource_access.desk.roles"}, {}, "f3b1-аня", set()),
        ({}, {"realm_access": None}, "f3b1-аня", set()),
        ({}, {"realm_access": ["no", "mapping"]}, "f3b1-аня", set()),
        ({}, {"sub": "e\u0301"}, "\u00e9", ROLES),
        ({}, {"aud": AUDIENCE}, "f3b1-аня", ROLES),
        # where access tokens are no JWT, or have no `aud`, an ID token is all that there is to send
        ({}, {"typ": None, "nonce": "n-0S6", "at_hash": "77QmUP", "token_use": "id"}, "f3b1-аня", ROLES),
        ({"audience": ("other", AUDIENCE)}, {}, "f3b1-аня", ROLES),
    ],
)
async def test_claims_are_read_where_the_plan_says(
    desk: Desk,
    settings: dict[str, Any],
    claims: dict[str, Any],
    login: str,
    roles: set[str],
) -> None:
    found = await identify(desk.judge(**settings), desk.token(**claims))
    assert (found.login, set(found.roles)) == (login, roles)


@pytest.mark.shows("TK-1")
@pytest.mark.parametrize(
    ("claims", "reported"),
    [
        ({"iss": "https://evil.example"}, "issued by https://evil.example, not by"),
        ({"iss": None}, "issued by nobody"),
        ({"aud": "account"}, "meant for account, not for desk"),
        ({"aud": ["a", {"desk": 1}]}, "meant for"),
        ({"aud": None}, "meant for nobody"),
        ({"aud": "desk account"}, "meant for"),
        ({"exp": None}, "has no end"),
        ({"exp": "soon"}, "`exp` is no time"),
        ({"exp": True}, "`exp` is no time"),
        ({"exp": 10**400}, "`exp` is no time"),
        ({"exp": -(10**400)}, "`exp` is no time"),
        ({"typ": "Refresh"}, "lets nobody in"),
        ({"typ": "Logout"}, "lets nobody in"),
        ({"typ": "ID"}, "an ID token"),
        ({"events": {}}, "lets nobody in"),
        ({"cnf": {"jkt": "x"}}, "bound to a key"),
        ({"sub": None}, "no text at `sub`"),
        ({"sub": ""}, "no text at `sub`"),
        ({"sub": 7}, "no text at `sub`"),
        ({"sub": "an\nna"}, "cannot be a login"),
        ({"sub": " anna"}, "cannot be a login"),
        ({"sub": "a" * 129}, "cannot be a login"),
        ({"realm_access": {"roles": {"admin": True}}}, "no list of up to"),
        ({"realm_access": {"roles": [1]}}, "no list of up to"),
        ({"realm_access": {"roles": ["r"] * 1001}}, "no list of up to"),
    ],
)
async def test_what_a_genuine_token_says_is_judged(desk: Desk, claims: dict[str, Any], reported: str) -> None:
    token = desk.signed(json.dumps(desk.provider.claims(desk.clock.now, **claims)).encode())
    refusal = await refused(desk.judge(), token)
    assert (refusal.code, reported in refusal.detail) == ("bad_credential", True), refusal.detail


@pytest.mark.shows("TK-2")
async def test_a_token_ends_with_its_last_moment(desk: Desk) -> None:
    authority, token = desk.judge(), desk.token()
    desk.clock.move(299.999)
    await identify(authority, token)
    desk.clock.move(0.001)
    assert (await refused(authority, token)).code == "session_expired"


@pytest.mark.shows("TK-2")
@pytest.mark.parametrize("name", ["nbf", "iat"])
async def test_the_providers_clock_may_be_a_minute_ahead(desk: Desk, name: str) -> None:
    authority = desk.judge()
    ahead: dict[str, Any] = {name: desk.clock.now + SKEW}
    await identify(authority, desk.token(**ahead))
    ahead[name] += 1
    refusal = await refused(authority, desk.token(**ahead))
    assert "begins in the future" in refusal.detail


@pytest.mark.shows("TK-1")
@pytest.mark.parametrize(
    ("header", "reported"),
    [
        ({"alg": "none"}, "signed with none"),
        ({"alg": "HS256", "kid": "rs256"}, "signed with HS256"),
        ({"alg": "rs256", "kid": "rs256"}, "signed with rs256"),
        ({"alg": ["RS256"]}, "header cannot be read"),
        ({"alg": "RS256", "kid": 7}, "header cannot be read"),
        ({"kid": "rs256"}, "header cannot be read"),
        ({"alg": "RS256", "kid": "rs256", "crit": ["exp"], "exp": 1}, "has a `crit`"),
        ({"alg": "RS256", "kid": "rs256", "crit": []}, "has a `crit`"),
        ({"alg": "RS256", "kid": "rs256", "typ": "logout+jwt"}, "of the type logout+jwt"),
        ({"alg": "RS256", "kid": "rs256", "typ": "dpop+jwt"}, "of the type dpop+jwt"),
        ({"alg": "RS256", "kid": "none of ours"}, "does not publish"),
        ({"alg": "RS256", "kid": "es256"}, "does not publish"),
        ({"alg": "ES256", "kid": "es256"}, "does not hold"),
        ({"alg": "RS256", "kid": "rs256", "b64": False}, "does not hold"),
        ({"alg": "RS256", "kid": "rs256"}, "does not hold"),
        ({"alg": "RS256"}, "does not hold"),
        ([], "header cannot be read"),
        ("x" * 1000, "header cannot be read"),
    ],
)
async def test_a_header_chooses_nothing(desk: Desk, header: object, reported: str) -> None:
    refusal = await refused(desk.judge(), forged(header, desk.provider.claims()))
    assert (refusal.code, reported in refusal.detail) == ("bad_credential", True), refusal.detail


async def test_a_header_that_is_critical_for_nobody_or_of_a_fitting_type(desk: Desk) -> None:
    authority, key = desk.judge(), desk.provider.keys["rs256"][1]
    for more in ({"typ": "at+jwt"}, {"typ": "JWT"}, {"typ": None}, {"x5t": "abc"}, {"kid": None}):
        header = {name: value for name, value in {"kid": "rs256", **more}.items() if value or name == "typ"}
        token = jwt.encode(desk.provider.claims(desk.clock.now), key, "RS256", headers=header)
        assert (await identify(authority, token)).login == "f3b1-аня"


@pytest.mark.shows("TK-1")
async def test_the_public_key_is_no_password(desk: Desk) -> None:
    """Algorithm confusion: an HMAC with the text of the public key, under the name of an asymmetric one."""
    public = json.dumps(desk.provider.document()["keys"][1]).encode()
    header = {"alg": "RS256", "kid": "rs256"}
    body = forged(header, desk.provider.claims(desk.clock.now)).rpartition(".")[0]
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(body.encode(), public)
    token = f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert "does not hold" in (await refused(desk.judge(), token)).detail


async def test_a_key_of_another_under_a_known_name(desk: Desk) -> None:
    token = jwt.encode(desk.provider.claims(desk.clock.now), new_key("RS256"), "RS256", headers={"kid": "rs256"})
    assert "does not hold" in (await refused(desk.judge(), token)).detail


async def test_what_is_signed_must_be_an_object(desk: Desk) -> None:
    for payload in (b"[]", b"nonsense", b'{"exp": NaN}', b"[" * 5000, b"\xff"):
        token = desk.signed(payload)
        assert "no JSON object" in (await refused(desk.judge(), token)).detail


@pytest.mark.parametrize(
    "text", ["", "a", "a.b", "a.b.c.d", "a..c", "a.b.c=", "a.b. c", "ä.b.c", "a.b.c\n", "1.a.2.3.s"]
)
def test_the_form_of_a_token(text: str) -> None:
    assert not looks_like_jwt(text)


async def test_the_last_letter_has_one_spelling(desk: Desk) -> None:
    authority, token = desk.judge(), desk.token("es256")
    await identify(authority, token)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = letters[letters.index(token[-1]) ^ 1]
    await refused(authority, token + "A")
    for other in (token[:-1] + twin, token + "=", token + "=="):
        # by us, whatever the library thinks of spare bits
        assert "not a JSON Web Token of three parts" in (await refused(authority, other)).detail


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("levels", [65, 800, *range(900, 1000, 3), 1400])
async def test_no_depth_of_a_token_is_too_much_for_a_library(desk: Desk, levels: int) -> None:
    """Each library gives up at another depth, and on each Python at another."""
    authority = desk.judge()
    header = f'{{"alg":"RS256","kid":"rs256","x":{nested(levels)}}}'.encode()
    parts = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, b"{}", b"s" * 256)]
    refusal = await refused(authority, ".".join(parts))
    assert (refusal.code, refusal.detail) == ("bad_credential", "The token's header cannot be read.")
    payload = f'{{"iss":{nested(levels)},"exp":{desk.clock.now + 60}}}'.encode()
    refusal = await refused(authority, desk.signed(payload))
    assert (refusal.code, refusal.detail) == ("bad_credential", "What the token says is no JSON object.")
