"""SIGHUP has a new certificate read, and closes nobody for it."""

from __future__ import annotations

import signal
import socket as network
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.projects import SAY

from .conftest import Server, ask, write
from .test_tls import certificate

pytestmark = pytest.mark.walk


def shown(server: Server, trust: ssl.SSLContext) -> bytes:
    """The certificate that the server shows to a new client."""
    port = int(server.http.rpartition(":")[2])
    with (
        network.create_connection(("127.0.0.1", port), timeout=10) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as socket,
    ):
        found = socket.getpeercert(binary_form=True)
    assert found is not None
    return found


def test_a_new_certificate_is_shown_to_new_clients(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, "endpoints: {echo: {url: /ws/echo, process: echo.say, auth: public}}\n", echo=SAY)
    cert, key = certificate(tmp_path)
    server = start(tmp_path, "--tls-cert", str(cert), "--tls-key", str(key))
    trust = ssl.create_default_context(cafile=str(cert))
    before = shown(server, trust)
    with server.socket("/ws/echo", ssl=trust) as socket:
        assert ask(socket, text="да") == {"result": "да"}
        key.write_text("half a pair", encoding="ascii")
        server.hear(signal.SIGHUP)
        server.wait_for("certificate_not_renewed")
        assert shown(server, trust) == before
        certificate(tmp_path)
        server.hear(signal.SIGHUP)
        server.wait_for("certificate_renewed")
        assert shown(server, ssl.create_default_context(cafile=str(cert))) != before
        assert ask(socket, text="ещё") == {"result": "ещё"}
    assert server.stop() == 0
    assert not any("Traceback" in line for line in server.lines), server.lines
