"""OPS-2 and the traces through a real server: what its standard error holds when it was asked everything."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.walk.conftest import Server, ask, jackfield_here, write

pytestmark = pytest.mark.walk

ENDPOINTS = """
endpoints:
  say: {url: /ws/say, process: say.say}
  open: {url: /ws/open, process: say.say, auth: public}
"""
SAY = """
import threading, warnings
from jackfield import process

@process
def say(text: str) -> str:
    if text == "fail":
        raise ValueError("сломалось\\n{\\"event\\": \\"login\\"}")
    if text == "thread":
        one = threading.Thread(target=lambda: 1 / 0)
        one.start()
        one.join()
        warnings.warn("not so good", stacklevel=1)
    return text
"""
NAME = "gen_app_auth_token"


def garbage(server: Server, *texts: bytes) -> None:
    """Send what is no HTTP, or hardly."""
    host, _, port = server.http.removeprefix("http://").rpartition(":")
    for text in texts:
        with socket.create_connection((host, int(port)), timeout=5) as peer:
            peer.sendall(text)
            peer.settimeout(5)
            while peer.recv(4096):
                pass


def drive(server: Server) -> list[str]:
    """Ask a server everything that holds a secret; gives the secrets."""
    password = server.password()
    body = {"login": "admin", "password": password}
    token = httpx.post(f"{server.http}/auth/login", json=body).json()["token"]
    cookie = {"Cookie": f"{NAME}={token}"}
    httpx.post(f"{server.http}/auth/login", json={**body, "password": "wrong-pass-61"})
    httpx.post(f"{server.http}/auth/login?password=query-62", content=b'{"password": "body-63"')
    with server.socket("/ws/say?key=query-64", additional_headers=cookie) as peer:
        assert ask(peer, text="payload-65") == {"result": "payload-65"}
        assert ask(peer, text="fail")["error"]["code"] == "process_failed"
        assert ask(peer, texts="payload-66")["error"]["code"] == "invalid_message"
        assert ask(peer, text="thread") == {"result": "thread"}
    for target, headers in (
        (f"/ws/say?{NAME}={token}", {}),
        ("/ws/say?token=query-67", {"Cookie": f"{NAME}=cookie-68"}),
        ("/ws/nowhere?q=query-69", cookie),
        ("/ws/say", {**cookie, "Authorization": "Bearer bearer-70"}),
    ):
        with pytest.raises(InvalidStatus):
            server.socket(target, additional_headers=headers)
        httpx.get(server.http + target, headers=headers)
    with server.socket("/ws/open") as peer:
        peer.send(b"\xff payload-71")
        peer.recv(timeout=5)
        peer.send(b"\xff\xfe payload-72", text=True)
        with pytest.raises(ConnectionClosed):
            peer.recv(timeout=5)
    line = f"GET /ws/say?{NAME}={token} HTTP/1.1\r\n".encode()
    garbage(
        server,
        b"garbage-73 \x00\x01\r\n\r\n",
        line + b"Host: 127.0.0.1\r\nHost: other\r\n\r\n",
        line + b"Bad Header query-74\r\n\r\n",
        line + b"Host: 127.0.0.1\r\nTransfer-Encoding: odd\r\n\r\nbody-75",
    )
    httpx.post(f"{server.http}/auth/logout", headers=cookie)
    words = ("wrong-pass", "query-", "body-", "payload-", "cookie-6", "bearer-7", "garbage-7")
    return [password, token, token[:24], *words]


def test_ops_2_no_line_of_a_whole_server_holds_a_secret(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, endpoints=ENDPOINTS, say=SAY)
    server = start(tmp_path, "--log", "json", ready='"event": "started"')
    secrets = drive(server)
    write(tmp_path, say=SAY.replace("fail", "later"))
    jackfield_here(tmp_path, "publish")
    refusals = jackfield_here(tmp_path, "refusals")
    metrics = httpx.get(f"{server.http}/metrics").text
    server.stop()
    events = [json.loads(line) for line in server.lines]
    assert all(isinstance(event, dict) for event in events), "each line is one object"
    names = {event["event"] for event in events}
    assert {
        "started",
        "login",
        "login_refused",
        "logout",
        "connection_opened",
        "connection_closed",
        "refused",
        "process_failed",
        "uncaught",
        "published",
        "stopping",
    } <= names
    everything = "\n".join([*server.lines, refusals, metrics])
    assert [secret for secret in secrets if secret in everything] == []
    failed = next(event for event in events if event["event"] == "process_failed")
    assert failed["exception"].endswith('ValueError: сломалось\n{"event": "login"}'), "inside its line"


class Collector(BaseHTTPRequestHandler):
    """Takes what an exporter of OpenTelemetry sends."""

    seen: list[bytes]
    arrived: threading.Event

    def do_POST(self) -> None:
        self.seen.append(self.path.encode() + b" " + self.rfile.read(int(self.headers["content-length"])))
        self.arrived.set()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_parts: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[tuple[str, type[Collector]]]:
    kind = type("Fresh", (Collector,), {"seen": [], "arrived": threading.Event()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", kind
    server.shutdown()
    server.server_close()
    thread.join()


def test_ops_2_traces_of_a_whole_server_hold_no_secret(
    tmp_path: Path, start: Callable[..., Server], collector: tuple[str, type[Collector]]
) -> None:
    address, kind = collector
    write(tmp_path, endpoints=ENDPOINTS, say=SAY)
    server = start(tmp_path, "--trace", "messages", OTEL_EXPORTER_OTLP_ENDPOINT=address)
    cookie = server.first_cookie()
    with server.socket("/ws/say?key=query-81", additional_headers=cookie) as peer:
        assert ask(peer, text="payload-82") == {"result": "payload-82"}
        assert ask(peer, text="fail")["error"]["code"] == "process_failed"
    assert server.stop() == 0
    assert kind.arrived.wait(5), "what is left is sent before the end"
    sent = b"".join(kind.seen)
    assert sent.startswith(b"/v1/traces ")
    for word in (b"handshake say", b"message say", b"process_failed", b"jackfield.connection"):
        assert word in sent, word
    secrets = [cookie["Cookie"].partition("=")[2], "query-81", "payload-82", "admin"]
    assert [secret for secret in secrets if secret.encode() in sent] == []
    assert any("trace=" in line for line in server.lines if "connection_opened" in line)
