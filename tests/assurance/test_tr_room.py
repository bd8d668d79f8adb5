"""Row TR-8: how many connections there may be, of the server, an endpoint, a user and an address."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
import ssl
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.server.wire import guards
from tests.server.frames import request
from tests.server.served import LIMIT
from tests.server.sockets import Listening, Peer
from tests.walk.conftest import Server, write
from tests.walk.test_tls import certificate

from .rough import CODE, ENDPOINTS, address, admitted, all_of, healthy, refused, reset, upgraded

pytestmark = pytest.mark.walk


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
    monkeypatch.setattr(guards, "most_connections", lambda: 2)
    monkeypatch.setattr(guards, "PLAIN", 0)
    for _ in range(2):
        await connect(upgrade=True)
    one = await connect()
    assert refused(await all_of(one)) == (503, "server_full")
    assert len(connect.state.connections) == 2


HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{"
SILENT = {
    "says nothing": b"",
    "half a head": HEAD,
    "half a body": BODY,
    "nothing after an answer": HEAD + b"\r\n",
    "nothing after a refusal": b"nonsense\r\n\r\n",
}


@pytest.mark.parametrize("said", SILENT.values(), ids=SILENT)
@pytest.mark.parametrize("source", ["127.0.0.2", "127.0.0.1"])
async def test_tr_8_who_says_nothing_gives_way_to_who_comes(
    connect: Listening, monkeypatch: pytest.MonkeyPatch, said: bytes, source: str
) -> None:
    """Also where all come from one address, behind a proxy for example."""
    monkeypatch.setattr(guards, "most_connections", lambda: 4)
    monkeypatch.setattr(guards, "PLAIN", 2)
    crowd = [await silent(connect, said, source) for _ in range(10)]
    for path in ("/", "/ws"):
        for _ in range(3):
            peer = await connect()
            await peer.send(request(path) if path == "/ws" else HEAD + b"\r\n")
            assert (await peer.answer())[0] == (101 if path == "/ws" else 200)
            crowd.append(await silent(connect, said, source))
    assert len(connect.state.connections) <= 4 + 2 + 1, "of those who gave way one may still be on its way out"


async def silent(connect: Listening, said: bytes, source: str) -> Peer:
    """A client of this address that has said so much, once the server has taken it in."""
    peer = await connect(source=source)
    if said:
        await peer.send(said)
    if said == SILENT["nothing after an answer"]:
        assert (await peer.answer())[0] == 200
    elif said == SILENT["nothing after a refusal"]:
        assert (await peer.answer())[0] == 400
    else:
        for _ in range(20):
            await asyncio.sleep(0)
    return peer


@pytest.mark.parametrize("tls", [False, True])
def test_tr_8_silent_connections_that_are_opened_again_and_again_keep_nobody_out(tmp_path: Path, tls: bool) -> None:
    more = [word for pair in zip(("--tls-cert", "--tls-key"), certificate(tmp_path), strict=True) for word in pair]
    write(tmp_path, endpoints=ENDPOINTS, p=CODE)
    server = Server(tmp_path, *(map(str, more) if tls else ()))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    where = server.http.partition("://")[2].partition(":")
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (120, 120))
    crowd: deque[socket.socket] = deque(maxlen=400)
    try:
        for number in range(40):
            for _ in range(20):
                if len(crowd) == crowd.maxlen:
                    crowd[0].close()
                crowd.append(socket.create_connection((where[0], int(where[2])), source_address=("127.0.0.2", 0)))
            plain = socket.create_connection((where[0], int(where[2])))
            plain.settimeout(LIMIT)
            with context.wrap_socket(plain) if tls else plain as client:
                path = "/health" if number % 2 else "/ws/free"
                head = request(path, Host="".join(where))
                client.sendall(head if path == "/ws/free" else b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
                assert client.recv(12) == (b"HTTP/1.1 101" if path == "/ws/free" else b"HTTP/1.1 200")
        server.wait_for("connections_gave_way")
    finally:
        for one in crowd:
            one.close()
        server.stop()


def test_tr_8_a_server_without_descriptors_says_so_and_lives(server: Server) -> None:
    pid = server.process.pid
    used = server.descriptors()
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
    for _ in range(100):
        with contextlib.suppress(ConnectionError):  # it may still be closing what had queued up behind the others
            assert healthy(server)
            break
    else:
        pytest.fail("it takes nobody any more")
