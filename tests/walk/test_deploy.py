"""What docs/deploy.md shows, tried: nginx and Caddy with TLS in front, the unit for systemd, the Dockerfile."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.bench.running import free_port
from tests.projects import SAY

from .conftest import Server, ask, close_code, jackfield_here, write
from .fronts import block, caddy, nginx
from .test_tls import certificate

pytestmark = pytest.mark.walk

FILE = """\
endpoints:
  echo: {url: /ws/echo, process: echo.say}
  open: {url: /ws/кто, process: echo.say, auth: public}
"""
CLIENT = "127.0.0.5"  # an address that is not the proxy's, on the same machine


@dataclass
class Front:
    """A server, a proxy with TLS before it, and a client of both."""

    server: Server
    port: int
    trust: ssl.SSLContext
    prefix: str = ""

    @property
    def https(self) -> str:
        return f"https://localhost:{self.port}{self.prefix}"

    @contextlib.contextmanager
    def browser(self) -> Iterator[httpx.Client]:
        """A client that keeps cookies."""
        transport = httpx.HTTPTransport(verify=self.trust, local_address=CLIENT)
        with httpx.Client(transport=transport, base_url=self.https) as client:
            yield client

    def login(self, client: httpx.Client) -> dict[str, str]:
        """Log in through the proxy; the cookie as a header."""
        answer = client.post("/auth/login", json={"login": "anna", "password": "длинный пароль 1"})
        assert answer.status_code == 200, answer.text
        assert "; Secure" in answer.headers["set-cookie"]
        return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}

    def socket(self, path: str, headers: dict[str, str], **options: Any) -> ClientConnection:
        address = f"wss{self.https.removeprefix('https')}{path}"
        opened: ClientConnection = connect(
            address,
            ssl=self.trust,
            additional_headers=headers,
            source_address=(CLIENT, 0),
            **options,
        )
        return opened


Begin = Callable[..., AbstractContextManager[Front]]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "Caddy"])
def front(request: pytest.FixtureRequest, tmp_path: Path, start: Callable[..., Server]) -> Begin:
    """Begin a server with a user, and the proxy before it."""
    return _beginning(request.param, tmp_path, start)


def _beginning(proxy: Callable[..., AbstractContextManager[None]], folder: Path, start: Callable[..., Server]) -> Begin:
    @contextlib.contextmanager
    def begin(prefix: str = "", **more: str) -> Iterator[Front]:
        write(folder, endpoints=FILE, echo=SAY)
        cert, key = certificate(folder)
        port = free_port()
        public = f"https://localhost:{port}{prefix}"
        server = start(folder, "--behind-proxy", "127.0.0.1", "--public-url", public)
        done = server.run("users", "add", "anna", "--password-stdin", given="длинный пароль 1\n")
        assert done.returncode == 0, done
        facts = json.loads((folder / ".jackfield" / "server.json").read_text())
        assert facts["address"] == public
        server.http = f"http://127.0.0.1:{_port(server)}"
        with proxy(folder, port, server, cert, key, **more):
            yield Front(server, port, ssl.create_default_context(cafile=str(cert)), prefix)

    return begin


def _port(server: Server) -> int:
    """Where the process itself listens for requests: its address for people is the proxy's."""
    found = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    control = json.loads((server.folder / ".jackfield" / "server.json").read_text())["port"]
    ports = {
        int(line.split()[3].rpartition(":")[2]) for line in found.splitlines() if f"pid={server.process.pid}," in line
    }
    (port,) = ports - {control}
    return port


def test_login_connect_logout_through_a_proxy_with_tls(front: Begin) -> None:
    with front() as at, at.browser() as client:
        reported = client.get("/ws/echo").json()
        assert reported["websocket_url"] == f"wss://localhost:{at.port}/ws/echo"
        assert reported["login"]["url"] == f"{at.https}/auth/login"
        cookie = at.login(client)
        with at.socket("/ws/echo", cookie, origin=at.https) as socket:
            assert ask(socket, text="Привет 🔒") == {"result": "Привет 🔒"}
            assert ask(socket, text="x" * 60_000) == {"result": "x" * 60_000}
            assert client.post("/auth/logout", headers={"Origin": at.https}).status_code == 200
            assert close_code(socket) == 4401
        with pytest.raises(InvalidStatus) as refused:
            at.socket("/ws/echo", cookie)
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["Jackfield-Error"] == "bad_credential"
        with pytest.raises(InvalidStatus) as refused:
            at.socket("/ws/echo", {}, origin="https://evil.example")
        assert refused.value.response.status_code == 403
        with at.socket("/ws/%D0%BA%D1%82%D0%BE", {}) as socket:  # the path arrives as it was sent
            assert ask(socket, text="да") == {"result": "да"}


def test_a_session_that_runs_out_closes_through_a_proxy(front: Begin) -> None:
    with front() as at:
        cookie = at.server.cookie("anna")
        with contextlib.closing(sqlite3.connect(at.server.folder / ".jackfield" / "store.db")) as store, store:
            # a session has a minute at least, which nobody waits for here
            store.execute("UPDATE jackfield_sessions SET expires_at = ?", (time.time() + 3,))
        with at.socket("/ws/echo", cookie) as socket:
            assert ask(socket, text="да") == {"result": "да"}
            assert close_code(socket, limit=15) == 4401
        with pytest.raises(InvalidStatus) as refused:
            at.socket("/ws/echo", cookie)
        assert refused.value.response.headers["Jackfield-Error"] == "session_expired"


def test_the_server_knows_the_client_and_believes_no_more_of_it(front: Begin) -> None:
    """The client is at another address than the proxy, and says that it were at a third one."""
    with front() as at, at.browser() as client:
        said = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http", "X_Forwarded_For": "203.0.113.8"}
        with pytest.raises(InvalidStatus) as refused:
            at.socket("/ws/echo", said)
        assert refused.value.response.status_code == 401
        assert client.get("/metrics", headers=said).status_code == 403
        assert client.get("/nowhere", headers=said).status_code == 404
        found = json.loads(at.server.run("refusals", "--json").stdout)
        assert [refusal["client"] for refusal in found] == [CLIENT] * 3


def test_a_stop_is_heard_through_a_proxy(front: Begin) -> None:
    with front() as at, at.browser() as client, at.socket("/ws/echo", at.login(client)) as socket:
        assert ask(socket, text="да") == {"result": "да"}
        at.server.hear(signal.SIGTERM)
        assert close_code(socket) == 1012
        assert at.server.ended() == 0


def test_under_a_path_that_nginx_leaves_on(tmp_path: Path, start: Callable[..., Server]) -> None:
    begin = _beginning(nginx, tmp_path, start)
    with begin(prefix="/rt", location="/rt/") as at, at.browser() as client:
        reported = client.get("/ws/echo").json()
        assert reported["websocket_url"] == f"wss://localhost:{at.port}/rt/ws/echo"
        assert reported["login"]["url"] == f"https://localhost:{at.port}/rt/auth/login"
        cookie = at.login(client)
        with at.socket("/ws/echo", cookie, origin=f"https://localhost:{at.port}") as socket:
            assert ask(socket, text="да") == {"result": "да"}
        client.cookies.clear()
        assert 'form-action="/rt/auth/login"' in client.get("/auth/session").headers["www-authenticate"]


def test_the_unit_for_systemd_is_one(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "jackfield.service"
    text = block("ini").replace("/srv/jackfield/.venv/bin/jackfield", sys.executable)
    unit.write_text(text.replace("User=jackfield", "User=root"), encoding="utf-8")
    done = subprocess.run([program, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "jackfield.service" in line]) == (0, [])


def _instructions() -> dict[str, str]:
    lines = block("dockerfile").replace("\\\n", "").splitlines()
    return {line.partition(" ")[0]: line.partition(" ")[2] for line in lines}


def test_the_settings_of_the_image_start_a_server_that_is_healthy(tmp_path: Path, start: Callable[..., Server]) -> None:
    """What the Dockerfile sets, with the variables that `docker run` adds; without a container."""
    write(tmp_path, endpoints=FILE, echo=SAY)
    found = _instructions()
    settings = dict(word.split("=", 1) for word in shlex.split(found["ENV"]))
    page = (Path(__file__).parents[2] / "platform" / "jackfield" / "docs" / "deploy.md").read_text("utf-8")
    given = dict(re.findall(r"-e (JACKFIELD_\w+)=(\S+)", page))
    assert settings.keys() == {"JACKFIELD_HOST", "JACKFIELD_STATE", "JACKFIELD_LOCKED", "JACKFIELD_LOG"}
    assert given.keys() == {"JACKFIELD_BEHIND_PROXY", "JACKFIELD_PUBLIC_URL"}
    settings["JACKFIELD_STATE"] = str(tmp_path / ".jackfield")
    server = start(tmp_path, ready='"event": "started"', **settings, **given)
    assert server.http == given["JACKFIELD_PUBLIC_URL"]
    program, *arguments = json.loads(found["HEALTHCHECK"].removeprefix("CMD "))
    assert program == "python"
    arguments = [argument.replace("8000", str(_port(server))) for argument in arguments]
    assert subprocess.run([sys.executable, *arguments], check=False).returncode == 0
    assert json.loads(found["CMD"]) == ["jackfield", "serve"]
    assert "--locked" in server.run("publish").stderr
    assert server.stop() == 0


def test_the_image_is_built_and_serves(tmp_path: Path) -> None:
    """Where a Docker daemon is there. The package itself stands in for what an index has."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no Docker daemon is there")
    root = Path(__file__).parents[2]
    write(tmp_path, endpoints=FILE, echo=SAY)
    for name in ("platform", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy
        copy(root / name, tmp_path / name)
    (tmp_path / "requirements.txt").write_text(".\n", encoding="utf-8")
    text = block("dockerfile").replace("COPY requirements.txt *.whl ./", "COPY . ./")
    (tmp_path / "Dockerfile").write_text(text, encoding="utf-8")
    subprocess.run([docker, "build", "-q", "-t", "jackfield-walk", str(tmp_path)], check=True)
    done = subprocess.run([docker, "run", "--rm", "jackfield-walk", "jackfield", "check"], check=False)
    assert done.returncode == 0


def test_the_page_names_what_is_there(tmp_path: Path) -> None:
    """The commands' options and variables in the page are those of the program."""
    page = (Path(__file__).parents[2] / "platform" / "jackfield" / "docs" / "deploy.md").read_text("utf-8")
    write(tmp_path, endpoints=FILE, echo=SAY)
    known = jackfield_here(tmp_path, "serve", "--help")
    ours = set(re.findall(r"JACKFIELD_[A-Z_]+[A-Z]", page))
    assert {name for name in ours if name.removesuffix("_FILE") not in known} == set()
