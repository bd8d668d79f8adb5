"""nginx and Caddy with the configuration that docs/deploy.md shows, in front of a real server."""

from __future__ import annotations

import re
import shutil
import socket as network
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.walk.conftest import ROOT, Server

__all__ = ["block", "caddy", "nginx"]

PAGE = ROOT / "platform" / "jackfield" / "docs" / "deploy.md"
LIMIT = 20.0
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"  # Debian's nginx is where only root looks


def block(kind: str) -> str:
    """The one block of this kind in the page."""
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text("utf-8"), flags=re.M | re.S)
    return str(found)


def replaced(text: str, changes: dict[str, str]) -> str:
    """A configuration with what differs in a test put in; each part that is replaced must be there."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(folder: Path, port: int, server: Server, cert: Path, key: Path, *, location: str = "/") -> Iterator[None]:
    """nginx on `port`, TLS in front of `server`."""
    program = shutil.which("nginx", path=PATH)
    if program is None:
        pytest.skip("nginx is not installed")
    site = replaced(
        block("nginx"),
        {
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "server_name app.example.com": "server_name localhost",
            "/etc/ssl/app.example.com/chain.pem": str(cert),
            "/etc/ssl/app.example.com/key.pem": str(key),
            "server 127.0.0.1:8000": f"server {server.http.removeprefix('http://')}",
            "location / ": f"location {location} ",
        },
    )
    temporary = "".join(
        f"{name}_temp_path {folder / name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off;\nmaster_process off;\npid {folder / 'nginx.pid'};\nerror_log stderr;\n"
        f"events {{ worker_connections 256; }}\nhttp {{\naccess_log off;\n{temporary}{site}}}\n",
        encoding="utf-8",
    )
    with _running([program, "-p", str(folder), "-c", str(path), "-e", "stderr"], folder, port, cert):
        yield


@contextmanager
def caddy(folder: Path, port: int, server: Server, cert: Path, key: Path) -> Iterator[None]:
    """Caddy on `port`, TLS in front of `server`; the certificate is ours, since no authority gives one here."""
    program = shutil.which("caddy", path=PATH)
    if program is None:
        pytest.skip("Caddy is not installed")
    site = replaced(
        block("caddy"),
        {
            "app.example.com {": f"https://localhost:{port} {{\n    bind 127.0.0.1\n    tls {cert} {key}",
            "127.0.0.1:8000": server.http.removeprefix("http://"),
        },
    )
    path = folder / "Caddyfile"
    path.write_text(f"{{\n    admin off\n    auto_https disable_redirects\n}}\n{site}", encoding="utf-8")
    with _running([program, "run", "--config", str(path), "--adapter", "caddyfile"], folder, port, cert):
        yield


@contextmanager
def _running(command: list[str], folder: Path, port: int, cert: Path) -> Iterator[None]:
    log = folder / "front.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            command,
            stdout=written,
            stderr=subprocess.STDOUT,
            env={"PATH": PATH, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
        )
        try:
            _wait_for(process, port, cert, log)
            yield
        finally:
            process.terminate()
            process.wait(timeout=LIMIT)


def _wait_for(process: subprocess.Popen[bytes], port: int, cert: Path, log: Path) -> None:
    """Until TLS is spoken on the port."""
    trust = ssl.create_default_context(cafile=str(cert))
    end = time.monotonic() + LIMIT
    while True:
        assert process.poll() is None, log.read_text("utf-8", "replace")
        try:
            with network.create_connection(("127.0.0.1", port), timeout=LIMIT) as plain:
                trust.wrap_socket(plain, server_hostname="localhost").close()
            return
        except (ConnectionRefusedError, ssl.SSLError):
            assert time.monotonic() < end, log.read_text("utf-8", "replace")
            time.sleep(0.02)
