"""The admin port: what is not for the public is told there, and in public to nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from jackfield.server.options import Options
from jackfield.server.request import LISTENER
from tests.projects import SAY
from tests.server.conftest import OpenServed
from tests.walk.conftest import Server, ask, jackfield, write

FILE = "endpoints:\n  echo: {url: /ws/echo, process: echo.say}\n"
ENDPOINT = "  a: {url: /ws/a, process: p.echo, auth: public}"
HIDDEN = ("/api/processes", "/metrics")


async def test_cf_12_with_an_admin_port_the_public_listener_reports_nobody(open_served: OpenServed) -> None:
    served = await open_served(ENDPOINT, admin_port=9000)
    await served.add("root", "admin")
    admin = await served.cookie("root")
    for path in HIDDEN:
        for headers in ([], admin):
            assert (await served.http("GET", path, headers)).status in (403, 404), path
    assert (await served.http("GET", "/ws/a", admin)).json["send"] is None
    assert (await served.http("GET", "/ready")).status == 200


async def test_cf_12_the_admin_port_reports_and_goes_by_loopback_names_alone(open_served: OpenServed) -> None:
    options = Options(admin_port=9000, behind_proxy=("10.0.0.0/8",), public_url="https://app.example.com/rt")
    served = await open_served(
        ENDPOINT, admin_port=9000, behind_proxy=options.behind_proxy, public_url=options.public_url
    )
    here: dict[str, Any] = {"state": {LISTENER: options.admin}}
    for path in HIDDEN:
        assert (await served.http("GET", path, **here)).status == 200, path
        # a page of another site whose name was made to point to 127.0.0.1 (DNS rebinding)
        assert (await served.http("GET", path, [("host", "evil.example")], **here)).json["code"] == "wrong_host"
    shown = (await served.http("GET", "/ws/a", **here)).json
    assert shown["send"] is not None
    assert shown["websocket_url"] == "ws://127.0.0.1:8000/ws/a"


@pytest.mark.walk
def test_cf_12_the_admin_port_is_a_listener_on_loopback(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, endpoints=FILE, echo=SAY)
    done = jackfield(tmp_path, "users", "add", "admin", "--role", "admin", "--password-stdin", given="long enough 1!")
    assert done.returncode == 0, done.stderr
    server = start(tmp_path, "--host", "0.0.0.0", "--insecure", "--admin-port", "0")
    admin = json.loads((tmp_path / ".jackfield" / "server.json").read_text())["admin"]
    assert admin.startswith("http://127.0.0.1:")
    assert f"Metrics, documents and administration: {admin}" in server.lines
    assert f"admin        {admin}" in server.run("status").stdout
    cookie = server.cookie()
    assert httpx.get(f"{server.http}/metrics", headers=cookie).status_code == 403
    assert httpx.get(f"{admin}/metrics").status_code == 200
    shown = [httpx.get(f"{one}/api/page", headers=cookie).json() for one in (admin, server.http)]
    assert [(one["reader"], one["admin"]) for one in shown] == [(True, True), (False, False)]
    with server.socket("/ws/echo", additional_headers=cookie) as socket:
        assert ask(socket, text="да") == {"result": "да"}
    assert server.stop() == 0
    assert not any("Traceback" in line for line in server.lines), server.lines


@pytest.mark.walk
def test_cf_12_an_admin_port_that_is_taken_is_one_line(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, endpoints=FILE, echo=SAY)
    server = start(tmp_path)
    port = server.http.rpartition(":")[2]
    done = jackfield(tmp_path, "serve", "--port", "0", "--admin-port", port, JACKFIELD_STATE=str(tmp_path / "other"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"127.0.0.1:{port} is taken" in line
    assert f"--admin-port {int(port) + 1}" in line
