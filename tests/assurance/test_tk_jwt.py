"""Tokens of an identity provider, and credentials that the project's own function knows, at the whole front served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest

from jackfield.auth.jwks import UNKNOWN_KEY_PAUSE
from jackfield.auth.verify import GRACE
from jackfield.identity import Identity
from tests.auth.provider import Provider, jwk, new_key, running
from tests.server.conftest import Clock, OpenServed
from tests.server.served import COOKIE, Caller, Headers, Served

MakeDoor = Callable[..., Any]

ENDPOINTS = """
  say: {url: /ws/say, process: p.echo}
  who: {url: /ws/who, process: p.who}
  desk: {url: /ws/desk, process: p.echo, auth: {roles: [support]}}
"""
CODE = """
from jackfield import Identity

PEOPLE = {"печенье": Identity("аня", frozenset({"support"})), "bobs": Identity("bob", frozenset({"support"}))}
ASKED: list[str] = []

@process(reply="message")
def echo(message: str) -> str:
    return message

@process
def who(caller: Connection) -> dict[str, Any]:
    return {"login": caller.identity.login, "roles": sorted(caller.identity.roles)}

async def verify(credential: str, request: Any) -> Identity | None:
    ASKED.append(credential)
    found = PEOPLE.get(credential)
    if isinstance(found, Exception):
        raise found
    return found
"""


@pytest.fixture
async def desk(open_served: OpenServed, provider: Provider) -> MakeDoor:
    """A front served for tokens of the provider, beside our own login unless `more` says otherwise."""

    async def make(provider: Provider = provider, more: str = "") -> Served:
        settings = f'jwks: "{provider.jwks}", issuer: "{provider.issuer}", audience: desk'
        return await open_served(ENDPOINTS, CODE, head=f"auth: {{jwt: {{{settings}}}{more}}}")

    return make


def cookie(token: str) -> Headers:
    return [("cookie", f"{COOKIE}={token}")]


def bearer(token: str) -> Headers:
    return [("authorization", f"Bearer {token}")]


async def entered(served: Served, path: str, headers: Headers) -> Caller:
    caller = served.call(path, headers)
    await caller.accepted()
    return caller


async def code(served: Served, headers: Headers, path: str = "/ws/say") -> str:
    """The code of the refusal that an upgrade earns."""
    answer = await served.call(path, headers).refused()
    return str(answer.json["code"])


# TK-1: signature first, no algorithm from the token, another purpose or instance


async def test_tk_1_a_genuine_token_enters_by_cookie_and_as_bearer(
    desk: MakeDoor, provider: Provider, clock: Clock
) -> None:
    served = await desk()
    for headers in (cookie, bearer):
        caller = await entered(served, "/ws/who", headers(provider.token(now=clock.now)))
        assert await caller.ask({}) == {"login": "f3b1-аня", "roles": ["offline_access", "support"]}
        await caller.leave()


@pytest.mark.parametrize("kid", ["rs256", "es256", "eddsa"])
async def test_tk_1_every_bit_of_a_providers_token_counts(
    desk: MakeDoor, provider: Provider, clock: Clock, kid: str
) -> None:
    served = await desk()
    token = provider.token(kid, now=clock.now, jti=None, azp=None, typ=None, preferred_username=None)
    await (await entered(served, "/ws/say", cookie(token))).leave()
    for place, letter in enumerate(token):
        other = chr(ord(letter) ^ 1)
        changed = token[:place] + (other if other.isalnum() or other in "-_" else "A") + token[place + 1 :]
        assert changed == token or await code(served, bearer(changed)) == "bad_credential", place


async def test_tk_1_what_an_unverified_token_says_leads_nowhere(
    desk: MakeDoor, provider: Provider, clock: Clock
) -> None:
    """Addresses and keys in a header or in claims are not looked at; a key's id asks the provider now and then."""
    served = await desk()
    assert await code(served, bearer(provider.token(now=clock.now, exp=1))) == "session_expired"
    clock.move(UNKNOWN_KEY_PAUSE)
    before, key = provider.hits, new_key("RS256")
    with running() as evil:
        header = {"jku": evil.jwks, "x5u": evil.jwks, "jwk": jwk(key, "mine", "RS256")}
        claims = provider.claims(clock.now, iss=evil.issuer, jku=evil.jwks)
        for number in range(20):
            named = jwt.encode(claims, key, "RS256", headers={**header, "kid": f"mine {number}"})
            assert await code(served, bearer(named)) == "bad_credential"
            taken = jwt.encode(claims, key, "RS256", headers={**header, "kid": "rs256"})
            assert await code(served, bearer(taken)) == "bad_credential"
        assert evil.hits == 0
    assert provider.hits == before + 1


async def test_tk_6_an_open_connection_ends_with_the_providers_token(
    desk: MakeDoor, provider: Provider, clock: Clock
) -> None:
    served = await desk()
    short, long = (bearer(provider.token(now=clock.now, exp=clock.now + left)) for left in (0.1, 300))
    staying = await entered(served, "/ws/say", long)
    assert (await (await entered(served, "/ws/say", short)).closed())[0] == 4401
    assert await staying.ask({"message": "я здесь"}) == {"message": "я здесь"}
    await staying.leave()


# TK-3: the provider's keys change


async def test_tk_3_a_new_key_of_the_provider_enters_and_a_withdrawn_one_does_not(desk: MakeDoor, clock: Clock) -> None:
    with running() as provider:
        served = await desk(provider)
        staying = await entered(served, "/ws/say", bearer(provider.token(now=clock.now)))
        clock.move(UNKNOWN_KEY_PAUSE)
        provider.rotate("2026-12")
        await (await entered(served, "/ws/say", bearer(provider.token("2026-12", now=clock.now)))).leave()
        assert await code(served, bearer(provider.token("rs256", now=clock.now))) == "bad_credential"
        assert await staying.ask({"message": "ещё здесь"}) == {"message": "ещё здесь"}
        await staying.leave()


# beside our own login


async def test_tk_1_each_credential_is_judged_by_whose_it_is(desk: MakeDoor, provider: Provider, clock: Clock) -> None:
    served = await desk(more=", verify: p.verify")
    asked = names(served)["ASKED"]
    await served.add("f3b1-аня", "lead")
    own, foreign = await served.cookie("f3b1-аня"), cookie(provider.token(now=clock.now))
    for headers, roles in ((own, ["lead"]), (foreign, ["offline_access", "support"])):
        caller = await entered(served, "/ws/who", headers)
        assert await caller.ask({}) == {"login": "f3b1-аня", "roles": roles}
        await caller.leave()
    assert asked == [], "a token of ours or of the provider is nobody else's business"
    own_text = own[0][1].partition("=")[2]
    assert await code(served, bearer(own_text[:-2] + "AA")) == "bad_credential"
    assert await code(served, bearer(provider.token(now=clock.now)[:-2] + "AA")) == "bad_credential"
    assert asked == []
    assert await code(served, bearer("something-else")) == "bad_credential"
    assert asked == ["something-else"]


async def test_tk_5_what_happens_to_our_user_does_not_touch_anothers_of_that_name(
    desk: MakeDoor, provider: Provider, clock: Clock
) -> None:
    served = await desk()
    await served.add("f3b1-аня", "lead")
    own = await entered(served, "/ws/who", await served.cookie("f3b1-аня"))
    foreign = await entered(served, "/ws/who", cookie(provider.token(now=clock.now)))
    await served.store.set_roles("f3b1-аня", ["admin"])
    await served.sessions.look_once()
    assert (await own.ask({}))["roles"] == ["admin"]
    assert (await foreign.ask({}))["roles"] == ["offline_access", "support"]
    await served.store.disable("f3b1-аня")
    await served.sessions.look_once()
    assert (await own.closed())[0] == 4401
    assert (await foreign.ask({}))["login"] == "f3b1-аня"
    await foreign.leave()


# TK-5 for the project's own function


async def test_tk_5_who_is_nobody_any_more_is_out_after_recheck(open_served: OpenServed, clock: Clock) -> None:
    served = await open_served(ENDPOINTS, CODE, head="auth: {verify: p.verify, recheck: 10s}")
    people = names(served)["PEOPLE"]
    talking, at_the_desk = [await entered(served, path, bearer("bobs")) for path in ("/ws/say", "/ws/desk")]
    people["bobs"] = Identity("bob")
    clock.move(10)
    await served.gateway.callers.authorities.look()
    assert (await at_the_desk.closed())[0] == 4403
    assert await talking.ask({"message": "а я нет"}) == {"message": "а я нет"}
    del people["bobs"]
    clock.move(10)
    await served.gateway.callers.authorities.look()
    assert (await talking.closed())[0] == 4401
    assert await code(served, bearer("bobs")) == "bad_credential"


async def test_tk_5_a_function_that_fails_lets_nobody_new_in(open_served: OpenServed, clock: Clock) -> None:
    served = await open_served(ENDPOINTS, CODE, head="auth: {verify: p.verify, recheck: 10s}")
    staying = await entered(served, "/ws/say", bearer("bobs"))
    names(served)["PEOPLE"]["bobs"] = RuntimeError("the shop's database is away")
    clock.move(10)
    await served.gateway.callers.authorities.look()
    answer = await served.call("/ws/say", bearer("bobs")).refused()
    assert (answer.status, answer.json["code"]) == (503, "provider_unavailable")
    assert "database" not in answer.body.decode()
    assert await staying.ask({"message": "ещё здесь"}) == {"message": "ещё здесь"}
    clock.move(10 + GRACE)
    await served.gateway.callers.authorities.look()
    assert (await staying.closed())[0] == 4401


async def test_tk_6_an_end_that_the_function_moves(open_served: OpenServed, clock: Clock) -> None:
    served = await open_served(ENDPOINTS, CODE, head="auth: {verify: p.verify, recheck: 10s}")
    staying = await entered(served, "/ws/say", bearer("bobs"))
    names(served)["PEOPLE"]["bobs"] = Identity("bob", frozenset({"support"}), expires_at=clock.now + 10.1)
    clock.move(10)
    await served.gateway.callers.authorities.look()
    assert (await staying.closed())[0] == 4401


# instead of our own login


async def test_tk_1_where_our_own_login_is_off_there_is_none(desk: MakeDoor, provider: Provider, clock: Clock) -> None:
    served = await desk(more=", login: off")
    await served.add("bob")
    assert await code(served, await served.cookie("bob")) == "bad_credential"
    for method, path in (("POST", "/auth/login"), ("GET", "/auth/session"), ("GET", "/api/users")):
        assert (await served.http(method, path, [("sec-fetch-site", "same-origin")], {})).status == 404, path
    missing = await served.call("/ws/say").refused()
    assert missing.json["code"] == "not_logged_in"
    assert "/auth/login" not in missing.json["fix"] + missing.headers["www-authenticate"]
    assert (await served.http("GET", "/ws/say")).json["login"] is None
    assert b"/auth/login" not in (await served.http("GET", "/ws/say", [("accept", "text/html")])).body
    wrong = await served.call("/ws/desk", bearer(provider.token(now=clock.now, realm_access=None))).refused()
    assert wrong.json["code"] == "role_required"
    assert "jackfield users" not in wrong.json["fix"]
    await (await entered(served, "/ws/desk", bearer(provider.token(now=clock.now)))).leave()


def names(served: Served) -> dict[str, Any]:
    """The module of the function that is live."""
    verify = served.gateway.live.generation.table.verify
    assert verify is not None
    found: dict[str, Any] = verify.__globals__
    return found
