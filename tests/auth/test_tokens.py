from __future__ import annotations

import base64
import hashlib
import secrets
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer, URLSafeSerializer, URLSafeTimedSerializer

from jackfield.auth.credentials import find
from jackfield.auth.tokens import Tokens, digest
from jackfield.errors import Refusal

NOW = 1_800_000_000.0
OLD, NEW = b"o" * 31 + b"1", b"n" * 31 + b"2"
SECRET = secrets.token_urlsafe(32)


def tokens(*keys: bytes, now: float = NOW) -> Tokens:
    return Tokens(keys or (NEW,), clock=lambda: now)


def refused(token: str, reader: Tokens | None = None) -> str:
    with pytest.raises(Refusal) as caught:
        (reader or tokens()).read(token)
    assert caught.value.fix
    return caught.value.code


def signed(payload: str, *, key: bytes = NEW, **settings: Any) -> str:
    """What the library makes of our key and purpose, or of others."""
    ours: dict[str, Any] = {"salt": b"jackfield.session.1", "key_derivation": "hmac", "digest_method": hashlib.sha256}
    return Signer(key, **(ours | settings)).sign(payload).decode()


def test_a_token_says_what_was_put_in() -> None:
    claims = tokens().read(tokens().issue(SECRET, NOW + 60.5))
    assert (claims.secret, claims.issued_at, claims.expires_at) == (SECRET, NOW, NOW + 60.5)


def test_tk_8_a_token_is_a_short_cookie_value() -> None:
    token = tokens().issue(SECRET, NOW + 60)
    assert len(token) < 4000
    assert set(token) <= set(string.ascii_letters + string.digits + "-_.")
    found = find([(b"cookie", f"gen_app_auth_token={token}".encode())], "gen_app_auth_token")
    assert found is not None
    assert found.value == token


def test_tk_1_every_change_of_one_byte_is_refused() -> None:
    token = tokens().issue(SECRET, NOW + 60)
    for place, letter in enumerate(token):
        for other in {"A", "a", "0", "-", ".", chr(ord(letter) ^ 1), "é"} - {letter}:
            changed = token[:place] + other + token[place + 1 :]
            assert refused(changed) == "bad_credential"


@given(st.data())
def test_tk_1_what_was_cut_swapped_or_added_to_is_refused(data: st.DataObject) -> None:
    token = tokens().issue(SECRET, NOW + 60)
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, len(token)))
    changed = token[:start] + data.draw(st.text(max_size=5)) + token[end:]
    if changed != token:
        assert refused(changed) == "bad_credential"


@given(st.text(max_size=200))
def test_tk_1_no_text_of_somebody_elses_is_a_token(text: str) -> None:
    assert refused(text) == "bad_credential"


def test_tk_1_another_purpose_key_or_instance_is_refused() -> None:
    payload = f"1.{SECRET}.{int(NOW * 1000)}.{int((NOW + 60) * 1000)}"
    assert tokens().read(signed(payload)).secret == SECRET
    for other in ({"salt": b"another.purpose"}, {"digest_method": hashlib.sha1}, {"key": OLD}):
        assert refused(signed(payload, **other)) == "bad_credential"
    for serializer in (URLSafeSerializer(NEW), URLSafeTimedSerializer(NEW)):
        assert refused(str(serializer.dumps([SECRET]))) == "bad_credential"


@pytest.mark.parametrize("payload", ["", "1", "2.{s}.1.2", "1.{s}.1", "1.short.1.2", "1.{s}.1.2.3"])
def test_a_signed_payload_of_another_shape_is_refused(payload: str) -> None:
    assert refused(signed(payload.format(s=SECRET))) == "bad_credential"


def test_tk_2_expiry_is_signed_and_holds_from_its_moment_on() -> None:
    token = tokens().issue(SECRET, NOW + 60)
    assert tokens(now=NOW + 59.999).read(token)
    assert refused(token, tokens(now=NOW + 60)) == "session_expired"
    assert refused(token, tokens(now=NOW + 1e6)) == "session_expired"


def test_tk_2_a_token_from_the_future_is_refused_beyond_a_minute() -> None:
    token = tokens().issue(SECRET, NOW + 3600)
    assert tokens(now=NOW - 60).read(token)
    assert refused(token, tokens(now=NOW - 60.001)) == "bad_credential"


def test_tk_3_old_keys_are_accepted_and_the_newest_signs() -> None:
    before = tokens(OLD).issue(SECRET, NOW + 60)
    both = tokens(NEW, OLD)
    assert both.read(before)
    after = both.issue(SECRET, NOW + 60)
    assert tokens(NEW).read(after)
    assert refused(after, tokens(OLD)) == "bad_credential"
    assert refused(before, tokens(NEW)) == "bad_credential"


def test_tk_3_keys_rotate_without_a_restart() -> None:
    running = tokens(OLD)
    before = running.issue(SECRET, NOW + 60)
    assert running.rotate([NEW, OLD])
    assert not running.rotate([NEW, OLD]), "nothing changed"
    assert running.read(before)
    with pytest.raises(ValueError, match="shorter"):
        running.rotate([b"short"])
    assert running.read(running.issue(SECRET, NOW + 60))
    running.rotate([NEW])
    assert refused(before, running) == "bad_credential"


def test_tk_4_a_token_has_one_spelling() -> None:
    token = tokens().issue(SECRET, NOW + 60)
    payload, _, signature = token.rpartition(".")
    same = base64.urlsafe_b64decode(signature + "=")
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    spellings = [signature[:-1] + last for last in alphabet if last != signature[-1]]
    alternate = [text for text in spellings if base64.urlsafe_b64decode(text + "=") == same]
    assert len(alternate) == 3
    for other in [*alternate, signature + "=", signature + "==", signature.replace("-", "+") + " ", signature + "\n"]:
        assert refused(f"{payload}.{other}") == "bad_credential"


def test_cf_8_a_short_key_and_no_key_are_refused() -> None:
    for keys in ([], [b"k" * 31], [NEW, b""]):
        with pytest.raises(ValueError, match="key"):
            Tokens(keys, clock=lambda: NOW)


@pytest.mark.parametrize("secret", ["", "a" * 31, "a" * 31 + ".", "a" * 600, "é" * 32])
def test_only_a_long_url_safe_secret_is_signed(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        tokens().issue(secret, NOW)


def test_secrets_are_kept_out_of_repr_and_stored_as_a_digest() -> None:
    claims = tokens().read(tokens().issue(SECRET, NOW + 60))
    assert SECRET not in repr(claims)
    assert digest(SECRET) == hashlib.sha256(SECRET.encode()).hexdigest()


def test_what_is_longer_than_any_token_is_not_even_signed() -> None:
    with pytest.raises(Refusal) as caught:
        tokens().read(signed("x" * 5_000))
    assert caught.value.detail == "The token is not one of ours, or was changed on its way."
