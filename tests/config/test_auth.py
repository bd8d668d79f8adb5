from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from jackfield.config.plan import AuthSettings, JwtSettings
from tests.config import conftest
from tests.config.conftest import Load

ENDPOINTS = "endpoints: {say: {url: /ws/say, process: chat.say}}\n"
ISSUER = "https://login.example.com/realms/стол"
JWT = f"jwks: https://login.example.com/certs, issuer: {ISSUER}, audience: desk"


def problem_of(load: Load, auth: str) -> tuple[str, str, int]:
    return conftest.problem_of(load, f"auth: {auth}\n{ENDPOINTS}")


def test_a_provider_beside_our_own_logins(load: Load) -> None:
    loaded = load(f"auth: {{jwt: {{{JWT}}}}}\n{ENDPOINTS}")
    assert loaded.problems == ()
    expected = JwtSettings("https://login.example.com/certs", ISSUER, ("desk",))
    assert loaded.plan.auth == AuthSettings(jwt=expected)
    assert loaded.plan.auth.own


def test_everything_about_a_provider_can_be_said(load: Load) -> None:
    text = """
        auth:
          login: off
          jwt:
            jwks: http://127.0.0.1:8080/certs
            issuer: "я"
            audience: [desk, мобильный, desk]
            algorithms: [ES256, ES256, PS512]
            login: preferred_username
            roles: "https://example.com/roles"
          verify: support.accounts.who
          recheck: 5s
    """
    loaded = load(textwrap.dedent(text) + ENDPOINTS)
    assert loaded.problems == ()
    audience, algorithms = ("desk", "мобильный"), ("ES256", "PS512")
    claims = ("preferred_username", "https://example.com/roles")
    jwt = JwtSettings("http://127.0.0.1:8080/certs", "я", audience, algorithms, *claims)
    assert loaded.plan.auth == AuthSettings(own=False, jwt=jwt, verify="support.accounts.who", recheck=5.0)


def test_keys_may_stand_in_a_file_of_the_project(load: Load, tmp_path: Path) -> None:
    auth = "{jwt: {jwks: keys/desk.json, issuer: x, audience: desk}}"
    code, text, line = problem_of(load, auth)
    assert (code, line) == ("file_missing", 1)
    assert "auth.jwt.jwks: there is no file keys/desk.json, and no token is taken before it is there; the addr" in text
    assert load(f"auth: {auth}\n{ENDPOINTS}").fine, "a warning: it may come later"
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "desk.json").write_text('{"keys": []}')
    loaded = load(f"auth: {auth}\n{ENDPOINTS}")
    assert loaded.problems == ()
    assert loaded.plan.auth.jwt == JwtSettings("keys/desk.json", "x", ("desk",))


@pytest.mark.parametrize(
    "address", ["https://login.example.com", "http://localhost/k", "http://[::1]:1/k", "HTTPS://a/k"]
)
def test_keys_come_encrypted_or_from_this_machine(load: Load, address: str) -> None:
    assert load(f'auth: {{jwt: {{jwks: "{address}", issuer: x, audience: x}}}}\n{ENDPOINTS}').problems == ()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://login.example.com/certs", "could be anybody's; write https://"),
        ("http://127.0.0.1.example.com/certs", "could be anybody's"),
        ("http://localhost.example.com/certs", "could be anybody's"),
        ("http://10.0.0.1/certs", "could be anybody's"),
        ("https://certs:s3cret@login.example.com/", "holds no login; remove what stands before the @"),
        ("https://login.example.com/certs#a", "never sent"),
        ("file:///etc/passwd", "file:// is not a way"),
        ("ftp://login.example.com/", "ftp:// is not a way"),
        ("https://", "no address"),
        ("https://:443/", "no address"),
        ("https://a:99999/", "no address"),
        ("https://a:0/", "no address"),
        ("https://[::1/", "no address"),
        ("https://a b/", "no address"),
        ("x" * 1900, "there is no file"),
    ],
)
def test_addresses_from_which_no_keys_are_taken(load: Load, address: str, words: str) -> None:
    _, text, _ = problem_of(load, f'{{jwt: {{jwks: "{address}", issuer: x, audience: x}}}}')
    assert text.startswith("auth.jwt.jwks: ")
    assert words in text
    assert "s3cret" not in text


@pytest.mark.parametrize(
    ("auth", "code", "words"),
    [
        ("{login: off}", "missing_key", "nobody could log in with `login: off` alone; add `jwt` or `verify`"),
        ("{login: false}", "wrong_value", "false is not one of on, off; it must be on or off"),
        ("{login: of}", "wrong_value", '"of" is not one of on, off'),
        ("{login: off, verify: a.b, session: 1h}", "wrong_value", "auth.session: `session` is about our own logins"),
        ("{login: off, verify: a.b, idle: 1h}", "wrong_value", "auth.idle"),
        ("{login: off, verify: a.b, token_in_body: false}", "wrong_value", "auth.token_in_body"),
        ("{recheck: 5s}", "missing_key", "add `verify: accounts.who`, or remove `recheck`"),
        ("{verify: a.b, recheck: off}", "wrong_value", "a time with its unit"),
        ("{verify: a}", "wrong_value", "a dot between them: accounts.who is the function who"),
        ("{verify: ../a.b}", "wrong_value", "a dot between them"),
        ("{verify: a.__init__}", "wrong_value", "a dot between them"),
        ("{verify: }", "wrong_type", "a text belongs here"),
        ("{jwt: https://login.example.com}", "wrong_type", "a mapping belongs here"),
        ("{jwt: {issuer: x, audience: x}}", "missing_key", 'missing key "jwks"; add `jwks: https://'),
        ("{jwt: {jwks: 'https://a/', issuer: x}}", "missing_key", 'missing key "audience"; add `audience: desk`'),
        ("{jwt: {jwks: 'https://a/', audience: x}}", "missing_key", 'missing key "issuer"'),
        ("{jwt: {jwks: 'https://a/', issuer: '', audience: x}}", "wrong_value", "the text is empty"),
        ("{jwt: {jwks: 'https://a/', issuer: x, audience: 5}}", "wrong_type", "a text, or a list of texts"),
        ("{jwt: {jwks: 'https://a/', issuer: x, audience: []}}", "wrong_value", "the list is empty"),
        (f"{{jwt: {{{JWT}, algorithms: [HS256]}}}}", "wrong_value", "neither HS256 nor none"),
        (f"{{jwt: {{{JWT}, algorithms: [none]}}}}", "wrong_value", "neither HS256 nor none"),
        (f"{{jwt: {{{JWT}, algorithms: [rs256]}}}}", "wrong_value", "auth.jwt.algorithms.0"),
        (f"{{jwt: {{{JWT}, algorithms: []}}}}", "wrong_value", "the list is empty"),
        (f"{{jwt: {{{JWT}, algorithms: RS256}}}}", "wrong_type", "a list belongs here"),
        (f"{{jwt: {{{JWT}, role: x}}}}", "unknown_key", 'did you mean "roles"?'),
        (f"{{jwt: {{{JWT}, secret: тайна}}}}", "unknown_key", 'unknown key "secret"'),
    ],
)
def test_faults_of_logging_in(load: Load, auth: str, code: str, words: str) -> None:
    found, text, line = problem_of(load, auth)
    assert (found, line) == (code, 1)
    assert words in text
    assert "тайна" not in text


def test_without_sound_settings_our_own_logins_stand(load: Load) -> None:
    loaded = load(f"auth: {{jwt: {{jwks: 5, issuer: x, audience: x}}}}\n{ENDPOINTS}")
    assert loaded.plan.auth == AuthSettings()
    assert not loaded.fine


def test_a_backslash_in_a_claim_that_means_nothing_is_a_problem(load: Load) -> None:
    found = load(f"auth: {{jwt: {{{JWT}, roles: 'desk\\web.roles'}}}}\n{ENDPOINTS}").problems
    assert [(one.path, one.code) for one in found] == [("auth.jwt.roles", "wrong_value")]
    assert r"\. for a dot" in found[0].hint
