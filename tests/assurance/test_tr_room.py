"""Row TR-8: how many connections there may be, of the server, an endpoint, a user and an address."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from jackfield.server import guards
from tests.server.door import LIMIT
from tests.server.listening import Listening, listening
from tests.walk.conftest import Server

from .rough import address, admitted, all_of, app, begun, healthy, refused, reset, upgraded

pytestmark = pytest.mark.walk


@pytest.fixture
async def connect() -> AsyncIterator[Listening]:
    async with listening(app) as here:
        yield here


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own."""
    yield from begun(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for the tests that leave nothing behind."""
    yield from begun(tmp_path_factory.mktemp("shared"))


def test_tr_8_an_endpoint_takes_so_many_and_no_more(server: Server) -> None:
    taken = [upgraded(server, "/ws/say")[1] for _ in range(3)]
    status, client, answer = upgraded(server, "/ws/say")
    client.close()
    assert (status, b"too_many_connections" in answer) == (503, True)
    assert b"retry-after: " in answer.lower()
    assert healthy(server)
    taken.pop().close()
    taken.append(admitted(server, "/ws/say"))
    for client in taken:
        reset(client)
    taken = [admitted(server, "/ws/say") for _ in range(3)]
    for client in taken:
        client.close()


@pytest.mark.parametrize(
    ("path", "most", "code"), [("/ws/few", 2, b"too_many_of_address"), ("/ws/mine", 1, b"too_many_of_user")]
)
@pytest.mark.parametrize("leave", [socket.socket.close, reset])
def test_tr_8_an_address_and_a_user_have_so_many(
    shared: Server, path: str, most: int, code: bytes, leave: Callable[[socket.socket], None]
) -> None:
    cookie = shared.cookie()
    for _ in range(2):
        taken = [admitted(shared, path, **cookie) for _ in range(most)]
        status, client, answer = upgraded(shared, path, **cookie)
        client.close()
        assert (status, code in answer) == (429, True)
        assert b"retry-after: " in answer.lower()
        assert healthy(shared)
        if path == "/ws/few":
            client = admitted(shared, path, "127.0.0.2")
            client.close()
        for client in taken:
            leave(client)


def test_tr_8_a_server_takes_what_its_descriptors_allow_and_answers_http_beyond(server: Server) -> None:
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (120, 120))
    most = 120 - 64 - guards.PLAIN
    taken = [upgraded(server, "/ws/free")[1] for _ in range(most)]
    for _ in range(2):
        status, client, answer = upgraded(server, "/ws/free")
        client.close()
        assert (status, b"server_full" in answer) == (503, True)
        assert b"retry-after: " in answer.lower()
    server.wait_for("connections_shed")
    assert healthy(server)
    assert login(server, "nobody") == 401
    for client in taken:
        reset(client)
    taken = [admitted(server, "/ws/free") for _ in range(most)]
    for client in taken:
        client.close()
    assert sum("connections_shed" in line for line in server.lines) == 1, "told once a minute"


def login(server: Server, name: str) -> int:
    body = json.dumps({"login": name, "password": "wrong wrong wrong"}).encode()
    asked = urllib.request.Request(server.http + "/auth/login", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=LIMIT) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code


async def test_tr_8_the_accept_itself_turns_away_who_is_one_too_many(
    connect: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "most_connections", lambda: 1)
    monkeypatch.setattr(guards, "PLAIN", 1)
    for _ in range(2):
        await connect()
    while len(connect.state.connections) < 2:  # noqa: ASYNC110 - the accepts tell nobody
        await asyncio.sleep(0)
    one = await connect()
    assert refused(await all_of(one)) == (503, "server_full")
    assert len(connect.state.connections) == 2


def test_tr_8_a_server_without_descriptors_says_so_and_lives(server: Server) -> None:
    pid = server.process.pid
    used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    _, limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, limit))
    try:
        for _ in range(3):
            with socket.create_connection(address(server)) as client:
                client.settimeout(LIMIT)
                with contextlib.suppress(ConnectionError):
                    assert client.recv(1) == b"", "taken and closed at once"
        server.wait_for("descriptors_exhausted")
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))
    for _ in range(5):
        with contextlib.suppress(ConnectionError):  # it may still be closing what had queued up behind the others
            assert healthy(server)
            break
    else:
        pytest.fail("it takes nobody any more")
