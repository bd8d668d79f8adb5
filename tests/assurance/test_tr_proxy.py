"""TLS or a declared proxy, and what of a proxy's words is believed."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from websockets.exceptions import InvalidStatus

from jackfield.cli import main
from tests.projects import SAY
from tests.server.conftest import OpenServed
from tests.walk.conftest import Server, ask, write
from tests.walk.test_tls import certificate

FILE = """\
endpoints:
  echo: {url: /ws/echo, process: echo.say}
  all: {url: /ws/all, process: echo.say, auth: public}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path, endpoints=FILE, echo=SAY)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "app.example.com"])
def test_tr_1_reachable_without_tls_or_a_proxy_is_one_line_and_no_server(project: Path, host: str) -> None:
    # were it to go on, it would end at the store, and not serve until somebody stops the test
    serve = ["-C", str(project), "serve", "--port", "0", "--store", "nowhere://"]
    done = CliRunner().invoke(main, [*serve, "--host", host])
    assert (done.exit_code, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert f"{host} can be reached from other machines" in line
    for way in ("--tls-cert and --tls-key", "--behind-proxy", "--insecure"):
        assert way in line


@pytest.mark.walk
def test_tr_1_tls_1_1_fails_and_1_2_and_1_3_pass(project: Path, start: Callable[..., Server]) -> None:
    cert, key = certificate(project)
    server = start(project, "--tls-cert", str(cert), "--tls-key", str(key))
    address = server.http

    def trust(version: ssl.TLSVersion) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(str(cert))
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        return context

    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert httpx.get(f"{address}/health", verify=trust(version)).status_code == 200
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old = trust(ssl.TLSVersion.TLSv1_1)
    with pytest.raises(httpx.ConnectError, match="SSL"):
        httpx.get(f"{address}/health", verify=old)


@pytest.mark.walk
def test_tr_1_plain_http_is_refused_and_not_sent_elsewhere(project: Path, start: Callable[..., Server]) -> None:
    cert, key = certificate(project)
    server = start(project, "--tls-cert", str(cert), "--tls-key", str(key))
    with pytest.raises(httpx.HTTPError):  # no answer at all: the port speaks TLS
        httpx.post(f"http{server.http.removeprefix('https')}/auth/login", json={"login": "a", "password": "b"})


async def test_tr_1_a_client_that_came_to_the_proxy_without_tls_is_refused(open_served: OpenServed) -> None:
    endpoint = "  a: {url: /ws/a, process: p.echo, auth: public}"
    served = await open_served(endpoint, behind_proxy=("10.1.2.3",), public_url="https://app.example.com")
    plain = [("x-forwarded-proto", "http")]
    answer = await served.http("POST", "/auth/login", plain, {"login": "bob", "password": "secret"})
    assert (answer.status, answer.json["code"]) == (403, "tls_required")
    assert "https://app.example.com" in answer.json["fix"]
    assert not {"location", "set-cookie"} & answer.headers.keys()
    refused = await served.call("/ws/a", plain).refused()
    assert refused.json["code"] == "tls_required"
    for path in ("/health", "/ready"):  # probes come to the listener itself
        assert (await served.http("GET", path, plain)).status == 200
    caller = served.call("/ws/a", [("x-forwarded-proto", "https")])
    await caller.accepted()
    await caller.leave()


def refused_clients(server: Server) -> list[str]:
    """Whom the server takes the refused callers for, the newest last; one for each refusal of equal ones."""
    found = json.loads(server.run("refusals", "--json").stdout)
    return [refusal["client"] for refusal in found for _ in range(refusal["count"])]


@pytest.mark.walk
def test_tr_5_without_a_proxy_nobody_says_who_they_are(project: Path, start: Callable[..., Server]) -> None:
    """Not even from loopback, which uvicorn would believe."""
    server = start(project)
    said = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X_Forwarded_For": "203.0.113.8",
        "Forwarded": "for=203.0.113.9;proto=https",
    }
    with pytest.raises(InvalidStatus):
        server.socket("/ws/echo", additional_headers=said)
    assert httpx.get(f"{server.http}/nowhere", headers=said).status_code == 404
    assert refused_clients(server) == ["127.0.0.1", "127.0.0.1"]
    login = {"login": "admin", "password": server.password()}
    answer = httpx.post(f"{server.http}/auth/login", json=login, headers=said)
    assert answer.status_code == 200
    assert "Secure" not in answer.headers["set-cookie"]


@pytest.mark.walk
def test_tr_5_behind_a_proxy_its_word_counts_and_the_clients_does_not(
    project: Path, start: Callable[..., Server]
) -> None:
    server = start(project, "--behind-proxy", "127.0.0.1,10.0.0.0/8")
    for listed in ("203.0.113.7", "1.1.1.1, 203.0.113.7", "1.1.1.1, 10.0.0.2, 203.0.113.7, 10.0.0.1"):
        with pytest.raises(InvalidStatus):
            server.socket("/ws/echo", additional_headers={"X-Forwarded-For": listed, "X_Forwarded_For": "1.1.1.2"})
    assert refused_clients(server) == ["203.0.113.7"] * 3
    origin = f"https{server.http.removeprefix('http')}"
    said = {"X-Forwarded-Proto": "https"}
    with server.socket("/ws/all", additional_headers=said, origin=origin) as socket:
        assert ask(socket, text="да") == {"result": "да"}
    with pytest.raises(InvalidStatus):  # the page is of https, and the proxy says nothing
        server.socket("/ws/all", origin=origin)


@pytest.mark.walk
def test_tr_5_a_limit_of_an_address_is_not_evaded_by_another_story(project: Path, start: Callable[..., Server]) -> None:
    """Each attempt comes with another beginning of the list, as if through a proxy that adds the true address."""
    server = start(project, "--behind-proxy", "127.0.0.1")

    def attempt(number: int, true: str) -> int:
        said = {"X-Forwarded-For": f"198.51.100.{number}, {true}"}
        body = {"login": "nobody", "password": "wrong"}
        return httpx.post(f"{server.http}/auth/login", json=body, headers=said).status_code

    statuses = [attempt(number, "203.0.113.7") for number in range(12)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert attempt(1, "203.0.113.8") == 401, "another client is no part of it"
