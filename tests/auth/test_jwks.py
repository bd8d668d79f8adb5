"""The provider's keys: which are taken, when they are read again, and what holds while they cannot be."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import jwt
import pytest

from jackfield.auth import jwks
from jackfield.auth.jwks import FAILED_PAUSE, KEEP, MAX_SIZE, RENEW, UNKNOWN_KEY_PAUSE, KeysUnavailable, read_keys
from jackfield.errors import Refusal
from tests.auth.conftest import Clock, outcome
from tests.auth.provider import Provider, jwk, new_key, running, say
from tests.walk.test_tls import certificate


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as made:
        yield made


class Asked:
    """The keys of a provider, as a server asks for them."""

    def __init__(self, provider: Provider, clock: Clock, folder: Path) -> None:
        self.provider, self._clock, self._folder = provider, clock, folder
        self.read_from(provider.jwks)

    def read_from(self, place: str) -> None:
        algorithms = ("RS256", "ES256", "EdDSA")
        self.keys = jwks.ProviderKeys(place, algorithms, folder=self._folder, clock=self._clock)

    async def code(self, kid: str | None = "rs256") -> str:
        """What becomes of a token that names this key: "" where there is one."""
        return await outcome(self.keys.find(kid, "RS256"))


@pytest.fixture
def asked(provider: Provider, clock: Clock, tmp_path: Path) -> Asked:
    return Asked(provider, clock, tmp_path)


# which keys


def test_only_keys_for_signatures_that_fit_are_taken() -> None:
    rsa, curve, private = new_key("RS256"), new_key("ES256"), new_key("RS256")
    whole = jwt.algorithms.RSAAlgorithm.to_jwk(private, as_dict=True)
    listed: list[Any] = [
        jwk(rsa, "good", "RS256"),
        {**jwk(rsa, "any", "RS256"), "alg": "PS256"},
        jwk(rsa, "encrypts", "RS256", use="enc"),
        jwk(rsa, "signs", "RS256", key_ops=["sign"]),
        jwk(curve, "curve", "ES256"),
        {**jwk(curve, "other curve", "ES256"), "crv": "P-384"},
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0", "alg": "RS256"},
        {"kty": "oct", "kid": "hmac", "k": "c2VjcmV0", "alg": "HS256"},
        jwk(new_key("RS256", bits=1024), "short", "RS256"),
        {**whole, "kid": "private", "alg": "RS256", "key_ops": ["sign", "verify"]},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": []},
        "no mapping",
        {},
    ]
    found, short = read_keys(json.dumps({"keys": listed}).encode(), ("RS256", "ES256", "HS256", "none"))
    assert {kid for kid, _ in found} == {"good", "curve", "private"}
    assert {algorithm for _, algorithm in found} == {"RS256", "ES256"}
    assert not hasattr(found["private", "RS256"][0].key, "private_numbers")
    assert short == {"short"}


def test_a_key_without_algorithm_or_id_serves_all_that_it_fits() -> None:
    bare = jwk(new_key("RS256"), None, "RS256")
    del bare["alg"], bare["use"]
    found, _ = read_keys(json.dumps({"keys": [bare]}).encode(), ("RS256", "PS256", "ES256"))
    assert set(found) == {("", "RS256"), ("", "PS256")}


@pytest.mark.parametrize(
    ("document", "reported"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no JWK Set"),
        (b'{"keys": {}}', "no JWK Set"),
        (b'{"keys": []}', "no key among them"),
        (b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', "no key among them"),
    ],
)
def test_what_is_no_set_of_keys(document: bytes, reported: str) -> None:
    with pytest.raises(KeysUnavailable, match=reported):
        read_keys(document, ("RS256",))


async def test_a_key_that_is_too_short_is_reported_as_what_it_is(
    asked: Asked, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    short = jwk(new_key("RS256", bits=1024), "weak", "RS256")
    whole = json.dumps({"keys": [short, *asked.provider.document()["keys"]]}).encode()
    asked.provider.answer = lambda request: say(request, 200, whole)
    for _ in range(2):
        with pytest.raises(Refusal, match="too short: RSA keys have 2,048 bits or more here"):
            await asked.keys.find("weak", "RS256")
        assert await asked.code() == ""
        clock.move(RENEW)
        await asked.keys.renew()
    assert asked.provider.hits == 3
    assert [record.getMessage().split()[0] for record in caplog.records] == ["provider_key_short"], "told once"
    assert "weak" in caplog.text
    clock.move(RENEW)
    alone = json.dumps({"keys": [short]}).encode()
    asked.provider.answer = lambda request: say(request, 200, alone)
    await asked.keys.renew()
    assert "no key among them for RS256, ES256, EdDSA; RSA keys have 2,048 bits" in caplog.text


# when they are read


async def test_keys_are_read_once_and_kept(asked: Asked, clock: Clock) -> None:
    for _ in range(5):
        assert await asked.code() == ""
    assert await asked.code(None) == ""
    clock.move(RENEW - 1)
    await asked.keys.renew()
    assert asked.provider.hits == 1
    clock.move(1)
    await asked.keys.renew()
    assert asked.provider.hits == 2


async def test_a_new_key_is_found_and_nonsense_does_not_make_us_ask(asked: Asked, clock: Clock) -> None:
    assert await asked.code() == ""
    clock.move(UNKNOWN_KEY_PAUSE)
    asked.provider.rotate("new")
    assert await asked.code("new") == ""
    assert asked.provider.hits == 2
    assert await asked.code() == "bad_credential", "the provider has withdrawn it"
    for number in range(20):
        assert await asked.code(f"made up {number}") == "bad_credential"
    assert asked.provider.hits == 2
    clock.move(UNKNOWN_KEY_PAUSE)
    assert await asked.code("made up") == "bad_credential"
    assert asked.provider.hits == 3


async def test_who_comes_together_waits_for_one_reading(asked: Asked) -> None:
    assert set(await asyncio.gather(*(asked.code() for _ in range(20)))) == {""}
    assert asked.provider.hits == 1


async def test_who_waits_for_a_reading_that_fails_does_not_try_in_turn(asked: Asked, clock: Clock) -> None:
    def slowly(request: BaseHTTPRequestHandler) -> None:
        clock.move(2 * FAILED_PAUSE)
        say(request, 503, b"{}")

    asked.provider.answer = slowly
    assert set(await asyncio.gather(*(asked.code() for _ in range(5)))) == {"provider_unavailable"}
    assert asked.provider.hits == 1


async def test_old_keys_hold_for_a_while_and_then_nobody_enters(
    asked: Asked, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "jackfield")
    assert await asked.code() == ""
    asked.provider.answer = lambda request: say(request, 503, b"{}")
    for _ in range(5):
        clock.move(RENEW)
        await asked.keys.renew()
        assert await asked.code() == ""
    assert await asked.code("unknown") == "provider_unavailable", "it may be a key that we could not read"
    clock.move(KEEP - 5 * RENEW)
    assert await asked.code() == "provider_unavailable"
    assert [record.getMessage().split()[0] for record in caplog.records] == ["provider_keys_unavailable"]
    asked.provider.answer = None
    assert await asked.code() == "provider_unavailable", "it was tried a moment ago"
    clock.move(FAILED_PAUSE)
    assert await asked.code() == ""


@pytest.mark.parametrize("seconds", [7200, -7200])
async def test_a_clock_that_is_set_makes_no_key_younger_or_older(asked: Asked, clock: Clock, seconds: float) -> None:
    assert await asked.code() == ""
    clock.set(seconds)
    asked.provider.answer = lambda request: say(request, 503, b"{}")
    await asked.keys.renew()
    assert await asked.code() == "", "they are as good as before, whether or not the provider answers"
    assert asked.provider.hits == 1
    clock.move(RENEW)
    await asked.keys.renew()
    assert asked.provider.hits == 2
    clock.move(KEEP - RENEW)
    assert await asked.code() == "provider_unavailable"


# how they are fetched


async def test_an_answer_that_is_too_long_or_does_not_come(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    over = threading.Event()

    def wait(_request: BaseHTTPRequestHandler) -> None:
        over.wait(30)

    asked.provider.answer = lambda request: say(request, 200, b" " * (MAX_SIZE + 1))
    assert await asked.code() == "provider_unavailable"
    assert "longer than 262,144 bytes" in caplog.text
    monkeypatch.setattr(jwks, "TIME_LIMIT", 0.3)
    asked.provider.answer = wait
    asked.read_from(asked.provider.jwks)
    assert await asked.code() == "provider_unavailable"
    over.set()
    assert "no answer within 0.3 s" in caplog.text


async def test_a_certificate_is_judged_and_may_be_of_ones_own(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cert, key = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    with running(tls) as provider:
        assert provider.jwks.startswith("https://localhost:")
        asked.read_from(provider.jwks)
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        assert await asked.code() == "provider_unavailable"
        assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        asked.read_from(provider.jwks)
        assert await asked.code() == ""


async def test_a_file_of_keys(asked: Asked, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    asked.read_from("keys/jwks.json")
    assert await asked.code() == "provider_unavailable"
    file = tmp_path / "keys" / "jwks.json"
    file.parent.mkdir()
    for make, reported in (
        (lambda: file.write_bytes(b" " * (MAX_SIZE + 1)), "longer than 262,144 bytes"),
        (lambda: os.mkfifo(file), "it is a pipe"),
    ):
        file.write_text(json.dumps(asked.provider.document()))
        clock.move(FAILED_PAUSE)
        assert await asked.code() == ""
        file.unlink()
        make()
        clock.move(KEEP)
        assert await asked.code() == "provider_unavailable"
        assert reported in caplog.text
    assert asked.provider.hits == 0
