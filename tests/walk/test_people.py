"""What the command line changes about users reaches the open connections concerned, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from .conftest import Server, ask, close_code, write

pytestmark = pytest.mark.walk

PASSWORD = "кошка-на-окне-42"
ECHO = """\
from jackfield import Connection, process

@process(reply="who")
def who(connection: Connection) -> str:
    return connection.identity.login
"""
ENDPOINTS = """\
roles: {support: "Agents", admin: "Everything"}
endpoints:
  who: {url: /ws/who, process: echo.who}
  desk: {url: /ws/desk, process: echo.who, auth: {roles: [support, admin]}}
"""


@pytest.fixture
def server(tmp_path: Path, start: Callable[..., Server]) -> Iterator[Server]:
    write(tmp_path, endpoints=ENDPOINTS, echo=ECHO)
    server = start(tmp_path)
    yield server
    assert server.stop() == 0
    assert not any("Traceback" in line for line in server.lines), server.lines


def add(server: Server, *names: str) -> dict[str, dict[str, Any]]:
    """Users with the role support; gives for each what a client opens its sockets with."""

    def one(name: str) -> tuple[str, dict[str, Any]]:
        arguments = ("users", "add", name, "--role", "support", "--password-stdin")
        done = server.run(*arguments, given=f"{PASSWORD}\n")
        assert done.returncode == 0, done
        return name, {"additional_headers": server.cookie(name)}

    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(one, names))


def run(server: Server, *arguments: str) -> None:
    """Run a command."""
    done = server.run(*arguments)
    assert done.returncode == 0, done


def test_disable_and_roles(server: Server) -> None:
    options = add(server, "анна", "bob")
    with (
        server.socket("/ws/who", **options["анна"]) as anna,
        server.socket("/ws/desk", **options["анна"]) as anna_too,
        server.socket("/ws/who", **options["bob"]) as bob,
        server.socket("/ws/desk", **options["bob"]) as bob_at_the_desk,
    ):
        assert ask(anna) == {"who": "анна"}
        run(server, "users", "disable", "анна")
        assert close_code(anna) == 4401
        assert close_code(anna_too) == 4401
        assert ask(bob) == {"who": "bob"}
        assert ask(bob_at_the_desk) == {"who": "bob"}

        run(server, "users", "roles", "bob", "-support")
        assert close_code(bob_at_the_desk) == 4403
        assert ask(bob) == {"who": "bob"}

        for path, login, status, code in [
            ("/ws/who", "анна", 401, "bad_credential"),
            ("/ws/desk", "bob", 403, "role_required"),
        ]:
            with pytest.raises(InvalidStatus) as refused:
                server.socket(path, **options[login])
            assert refused.value.response.status_code == status
            assert refused.value.response.headers["Jackfield-Error"] == code
    answer = httpx.post(f"{server.http}/auth/login", json={"login": "анна", "password": PASSWORD})
    assert answer.status_code == 401
    assert answer.json()["code"] == "login_failed"
    run(server, "users", "enable", "анна")
    answer = httpx.post(f"{server.http}/auth/login", json={"login": "анна", "password": PASSWORD})
    assert answer.status_code == 200

    # whoever was refused can be read here, where browsers and Postman hide it
    text = server.run("refusals").stdout
    assert "403 role_required  /ws/desk  bob at 127.0.0.1" in text
    text = server.run("refusals", "--login", "анна").stdout
    assert "анна at 127.0.0.1: the user is disabled\n    Let the user in again: jackfield users enable анна" in text


def test_logout_passwd_and_remove(server: Server) -> None:
    options = add(server, "anna", "bob", "eve")
    with (
        server.socket("/ws/who", **options["anna"]) as anna,
        server.socket("/ws/who", **options["bob"]) as bob,
        server.socket("/ws/who", **options["eve"]) as eve,
        server.socket("/ws/who", additional_headers=server.first_cookie()) as admin,
    ):
        run(server, "users", "logout", "anna")
        assert close_code(anna) == 4401
        with server.socket("/ws/who", additional_headers=server.cookie("anna")) as again:
            assert ask(again) == {"who": "anna"}
            # one of a user's sessions ends through the web: the other stays
            answer = httpx.post(f"{server.http}/auth/login", json={"login": "anna", "password": PASSWORD})
            cookie = {"Cookie": f"gen_app_auth_token={answer.json()['token']}"}
            with server.socket("/ws/who", additional_headers=cookie) as third:
                assert httpx.post(f"{server.http}/auth/logout", headers=cookie).status_code == 200
                assert close_code(third) == 4401
            assert ask(again) == {"who": "anna"}
        done = server.run("users", "passwd", "bob", "--password-stdin", given="другой пароль 77\n")
        assert done.returncode == 0, done
        assert close_code(bob) == 4401
        run(server, "users", "remove", "eve")
        assert close_code(eve) == 4401
        assert ask(admin) == {"who": "admin"}
    done = server.run("token", "eve")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no user eve." in done.stderr


def test_a_token_alone_on_stdout(server: Server) -> None:
    done = server.run("token", "admin")
    assert (done.returncode, done.stderr) == (0, "")
    token = done.stdout.removesuffix("\n")
    assert token == token.strip()
    assert "\n" not in token
    with server.socket("/ws/who", additional_headers={"Cookie": f"gen_app_auth_token={token}"}) as socket:
        assert ask(socket) == {"who": "admin"}
