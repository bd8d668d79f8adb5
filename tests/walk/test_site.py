"""A published web application: page, login and WebSocket of one origin, and an administration apart from them."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from .conftest import LIMIT, Server, ask, jackfield

pytestmark = pytest.mark.walk

PLAN = """\
site: site
endpoints:
  say: {url: /ws/say, process: echo.same}
"""
PAGE = "<!doctype html><title>Чат 👋</title>"
Start = Callable[..., Server]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "site").mkdir(parents=True)
    (folder / "endpoints.yaml").write_text(PLAN, encoding="utf-8")
    (folder / "site" / "index.html").write_text(PAGE, encoding="utf-8")
    (folder / "site" / "big.bin").write_bytes(bytes(range(256)) * 4096)
    (folder / "site" / "out").symlink_to("/etc/passwd")
    return folder


def raw(address: str, target: str) -> tuple[int, bytes]:
    """The answer to exactly this target; other clients tidy it."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=LIMIT)
    connection.putrequest("GET", target)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_a_web_application_of_one_origin(start: Start, project: Path) -> None:
    server = start(project)
    (told,) = (line for line in server.lines if line.startswith("Metrics, documents and administration: "))
    admin = told.rpartition(" ")[2]
    assert admin == json.loads((project / ".jackfield" / "server.json").read_text())["admin"]
    assert f"Site: {server.http}/" in server.lines
    assert f"Page: {server.http}/console/" in server.lines
    assert "console/page.js" in httpx.get(f"{server.http}/console/").text
    with httpx.Client(base_url=server.http) as visitor:
        assert visitor.get("/").text == PAGE
        given = {"login": "admin", "password": server.password()}
        assert visitor.post("/auth/login", json=given, headers={"Origin": server.http}).status_code == 200
        cookie = f"gen_app_auth_token={visitor.cookies['gen_app_auth_token']}"
        with server.socket("/ws/say", origin=server.http, additional_headers={"Cookie": cookie}) as line:
            assert ask(line, text="Привет 👋") == {"text": "Привет 👋"}
        for path in ("/docs", "/api/users", "/metrics", "/openapi.json"):
            assert visitor.get(path).status_code == 403, "not even for the administrator"
            apart = httpx.get(f"{admin}{path}", headers={"Cookie": cookie})
            assert apart.status_code == 200, path
            foreign = httpx.get(f"{admin}{path}", headers={"Cookie": cookie, "Origin": server.http})
            assert "access-control-allow-origin" not in foreign.headers
        moved = {"Cookie": cookie, "Origin": server.http}
        written = httpx.post(f"{admin}/api/users", json={"login": "eve"}, headers=moved)
        assert written.status_code == 403, "a page of the site is a stranger to the administration"
    assert "console/page.js" in httpx.get(f"{admin}/").text
    assert httpx.get(f"{admin}/index.html").status_code == 404, "the pages are not shown where it is"
    done = server.run("status")
    assert f"admin        {admin}" in done.stdout


def test_what_is_asked_for_with_tricks(start: Start, project: Path) -> None:
    server = start(project)
    for target in (
        *("/../endpoints.yaml", "/%2e%2e/endpoints.yaml", "/..%2fendpoints.yaml", "/%2e%2e%2fendpoints.yaml"),
        *("/./../endpoints.yaml", "//endpoints.yaml", "/index.html/../../endpoints.yaml", "/..%5cendpoints.yaml"),
        *("/out", "/%6fut", "/../.jackfield/secret_keys", "/%2e%2e/%2ejackfield/secret_keys"),
        f"{server.http}/../endpoints.yaml",
    ):
        status, body = raw(server.http, target)
        assert status in (400, 404), target
        assert b"root:" not in body
        assert b"site: site" not in body
    assert raw(server.http, "/index.html") == (200, PAGE.encode())
    assert raw(server.http, f"{server.http}/")[0] == 200


def test_parts_of_a_large_file_and_what_has_not_changed(start: Start, project: Path) -> None:
    server = start(project)
    whole = (project / "site" / "big.bin").read_bytes()
    with httpx.Client(base_url=server.http) as client:
        first = client.get("/big.bin")
        assert first.content == whole
        part = client.get("/big.bin", headers={"Range": "bytes=1000-300000"})
        assert (part.status_code, part.content) == (206, whole[1000:300001])
        many = client.get("/big.bin", headers={"Range": "bytes=0-1,5-6"})
        assert (many.status_code, many.headers["content-type"][:21]) == (206, "multipart/byteranges;")
        assert client.get("/big.bin", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
        head = client.head("/big.bin")
        assert (head.headers["content-length"], head.content) == (str(len(whole)), b"")


def test_saving_a_page_publishes_it(start: Start, project: Path) -> None:
    server = start(project, "--watch")
    (project / "site" / "index.html").write_text("новая", encoding="utf-8")
    server.wait_for("published .* in place of ")
    assert httpx.get(server.http).text == "новая"
    (project / "site" / "index.html").unlink()
    server.wait_for("there is no index.html in it")
    assert "console/page.js" in httpx.get(server.http).text, "the page of the server is there again"


def test_the_next_free_port_is_taken(start: Start, project: Path) -> None:
    server = start(project)
    port = urlsplit(server.http).port or 0
    server.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()
        again = start(project, "--port", str(port))
        admin = json.loads((project / ".jackfield" / "server.json").read_text())["admin"]
        assert port + 1 < (urlsplit(admin).port or 0) <= port + 20
        assert again.http.endswith(f":{port}")


def test_where_others_come_the_administration_is_asked_for(start: Start, project: Path) -> None:
    server = start(project, "--host", "0.0.0.0", "--insecure")
    nowhere = "Metrics, documents and administration: nowhere, beside a site; give --admin-port to have them"
    assert nowhere in server.lines
    assert "admin" not in json.loads((project / ".jackfield" / "server.json").read_text())
    assert httpx.get(server.http).text == PAGE


def test_a_folder_that_is_missing_is_told_before_anything_is_served(project: Path) -> None:
    (project / "endpoints.yaml").write_text(PLAN.replace("site: site", "site: stie"))
    done = jackfield(project, "serve", "--port", "0")
    assert done.returncode == 1
    assert 'endpoints.yaml:1:1: site: there is no folder "stie"' in done.stderr


def test_who_edits_tables_is_told_where_and_beside_a_site_in_public_nowhere(start: Start, project: Path) -> None:
    public = ("--host", "0.0.0.0", "--behind-proxy", "192.0.2.0/24", "--edit", "tables")
    server = start(project, *public)
    assert "Tables are edited nowhere, beside a site; give --admin-port" in server.lines
    server.stop()
    server = start(project, *public, "--admin-port", "0")
    admin = json.loads((project / ".jackfield" / "server.json").read_text())["admin"]
    assert f"Tables are edited at {admin}/#processes" in server.lines
