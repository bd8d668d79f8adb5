"""People who are somebody else's users: a provider's tokens and a project's own function, against a real server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from tests.auth.provider import Provider, running

from .conftest import Server, ask, close_code, write

pytestmark = pytest.mark.walk

CODE = """\
import json
from pathlib import Path

from jackfield import Connection, Identity, Request, process

PEOPLE = Path(__file__).parent.parent / "people.json"


@process
def who(connection: Connection) -> dict[str, str | list[str]]:
    return {"login": connection.identity.login, "roles": sorted(connection.identity.roles)}


def known(credential: str, request: Request) -> Identity | None:
    found = json.loads(PEOPLE.read_text("utf-8")).get(credential)
    return None if found is None else Identity(found["login"], frozenset(found["roles"]))
"""
ENDPOINTS = """\
endpoints:
  who: {url: /ws/who, process: echo.who}
  desk: {url: /ws/desk, process: echo.who, auth: {roles: [support]}}
"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as made:
        yield made


def plan(provider: Provider, more: str = "login: off") -> str:
    settings = f'jwks: "{provider.jwks}", issuer: "{provider.issuer}", audience: desk, login: preferred_username'
    return f"auth: {{{more}, jwt: {{{settings}}}}}\n{ENDPOINTS}"


def cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"gen_app_auth_token={token}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def opened(server: Server, headers: dict[str, str], path: str = "/ws/who") -> ClientConnection:
    return server.socket(path, additional_headers=headers)


def refusal(server: Server, headers: dict[str, str], path: str = "/ws/who") -> tuple[int, str] | None:
    """Status and code with which the upgrade is refused; None where it is not."""
    try:
        with opened(server, headers, path):
            return None
    except InvalidStatus as exc:
        return exc.response.status_code, exc.response.headers["Jackfield-Error"]


def until(condition: Callable[[], object], limit: float = 10) -> None:
    """Wait for what the server does in its own rhythm."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def test_the_life_of_a_token(tmp_path: Path, start: Callable[..., Server], provider: Provider) -> None:
    """Login at the provider, connect, talk, the token's end, a new key; and no login of our own."""
    write(tmp_path, endpoints=plan(provider), echo=CODE)
    server = start(tmp_path)
    until(lambda: provider.hits)  # before anybody came
    with opened(server, cookie(provider.token())) as socket, opened(server, bearer(provider.token())) as other:
        assert ask(socket) == ask(other) == {"login": "аня", "roles": ["offline_access", "support"]}
        with opened(server, cookie(provider.token(exp=time.time() + 1.5)), "/ws/desk") as short:
            assert ask(short)["login"] == "аня"
            assert close_code(short) == 4401
        assert ask(socket)["login"] == "аня", "its own token has not run out"
    assert refusal(server, cookie(provider.token(exp=time.time()))) == (401, "session_expired")
    assert refusal(server, cookie(provider.token(aud="account"))) == (401, "bad_credential")
    assert refusal(server, cookie(provider.token(realm_access=None)), "/ws/desk") == (403, "role_required")
    for path in ("/auth/login", "/auth/logout", "/api/users"):
        assert httpx.post(f"{server.http}{path}", json={"login": "admin", "password": "x"}).status_code == 404
    state = {file.name for file in (tmp_path / ".jackfield").iterdir()}
    assert not state & {"store.db", "first-admin"}
    provider.close_keys()
    assert server.stop() == 0
    assert not any("Traceback" in line or "eyJ" in line for line in server.lines), server.lines


def test_a_provider_that_does_not_answer_keeps_everybody_out(
    tmp_path: Path, start: Callable[..., Server], provider: Provider
) -> None:
    provider.close_keys()
    write(tmp_path, endpoints=plan(provider), echo=CODE)
    server = start(tmp_path)
    server.wait_for("provider_keys_unavailable")
    assert refusal(server, cookie(provider.token())) == (503, "provider_unavailable")
    assert httpx.get(f"{server.http}/health").status_code == 200


def test_publishing_moves_between_the_ways(tmp_path: Path, start: Callable[..., Server], provider: Provider) -> None:
    """Beside our own login; then instead of it; then gone. Who came by a way that is closed is out."""
    write(tmp_path, endpoints=plan(provider, "login: on"), echo=CODE)
    server = start(tmp_path)
    own, foreign = opened(server, server.first_cookie()), opened(server, bearer(provider.token()))
    with own, foreign:
        assert ask(own) == {"login": "admin", "roles": ["admin"]}
        write(tmp_path, endpoints=plan(provider))
        assert server.run("publish").returncode == 0
        assert close_code(own) == 4401
        assert ask(foreign)["login"] == "аня"
        assert refusal(server, server.first_cookie()) == (401, "bad_credential")
        write(tmp_path, endpoints=f"auth: {{login: off, verify: echo.known}}\n{ENDPOINTS}")
        assert server.run("publish").returncode == 0
        assert close_code(foreign) == 4401
    assert server.stop() == 0


def test_a_login_that_was_off_comes_back_with_a_start(
    tmp_path: Path, start: Callable[..., Server], provider: Provider
) -> None:
    write(tmp_path, endpoints=plan(provider), echo=CODE)
    server = start(tmp_path)
    write(tmp_path, endpoints=plan(provider, "login: on"))
    done = server.run("publish")
    assert done.returncode == 1
    assert "[needs_restart]" in done.stderr + done.stdout
    assert refusal(server, {}) == (401, "not_logged_in")


def test_the_projects_own_people(tmp_path: Path, start: Callable[..., Server]) -> None:
    """A cookie of another application: known, with other roles after a while, and then nobody's."""
    people: dict[str, dict[str, Any]] = {
        "печенье-1".encode().hex(): {"login": "аня", "roles": ["support"]},
        "two": {"login": "bob", "roles": ["support"]},
    }

    def keep() -> None:
        half_made = tmp_path / ".people.json"
        half_made.write_text(json.dumps(people), encoding="utf-8")
        half_made.replace(tmp_path / "people.json")

    keep()
    settings = "auth: {login: off, cookie: sessionid, verify: echo.known, recheck: 1s}"
    write(tmp_path, endpoints=f"{settings}\n{ENDPOINTS}", echo=CODE)
    server = start(tmp_path)
    one, two = ({"Cookie": f"theme=dark; sessionid={credential}"} for credential in people)
    with opened(server, one) as anna, opened(server, one, "/ws/desk") as desk, opened(server, two) as bob:
        assert ask(anna) == ask(desk) == {"login": "аня", "roles": ["support"]}
        first = next(iter(people))
        people[first]["roles"] = ["lead"]
        keep()
        assert close_code(desk) == 4403
        assert ask(anna) == {"login": "аня", "roles": ["lead"]}
        del people[first]
        keep()
        assert close_code(anna) == 4401
        until(lambda: refusal(server, one) == (401, "bad_credential"))
        assert ask(bob) == {"login": "bob", "roles": ["support"]}
        (tmp_path / "people.json").write_text("broken", encoding="utf-8")
        until(lambda: refusal(server, two) == (503, "provider_unavailable"))
        assert ask(bob)["login"] == "bob", "a failure is no no"
    assert server.stop() == 0
