"""The documents over HTTP: who may read them, for which address they are made, and how often."""

from __future__ import annotations

import asyncio
import json
import re
from html import unescape
from importlib.metadata import PackageNotFoundError
from typing import Any
from urllib.parse import urljoin

import pytest
import yaml
from openapi_spec_validator import validate

from jackfield.config import url
from jackfield.describe.documents import openapi
from jackfield.server.generation import Generation
from jackfield.server.web import documents
from jackfield.server.web.console import PAGE_POLICY
from jackfield.server.web.pages import POLICY
from tests.server.conftest import Build, OpenServed
from tests.server.served import SERVED, SERVED_CODE, Answer, Served

ALL = sorted(documents.ADDRESSES)
PUBLIC: dict[str, Any] = {"host": "0.0.0.0", "insecure": True}


@pytest.mark.shows("CF-12")
@pytest.mark.parametrize("path", ALL)
async def test_each_is_answered_on_a_listener_that_only_this_machine_reaches(served: Served, path: str) -> None:
    assert url.reserved(tuple(path[1:].split("/"))) is not None, "no endpoint can stand there"
    for method in ("GET", "HEAD"):
        answer = await served.http(method, path)
        assert answer.status == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] in ("private, no-cache", "no-store")
    wrong = await served.http("POST", path)
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET, HEAD")
    assert (await served.http("GET", path, [("host", "evil.example")])).json["code"] == "wrong_host"


@pytest.mark.shows("CF-12")
@pytest.mark.parametrize("path", ALL)
async def test_elsewhere_each_is_for_the_role_admin(open_served: OpenServed, path: str) -> None:
    served = await open_served(SERVED, SERVED_CODE, **PUBLIC)
    await served.add("шеф", "admin")
    await served.add("аня", "support")
    nobody = await served.http("GET", path, client=("127.0.0.1", 5000))
    assert (nobody.status, nobody.json["code"]) == (401, "not_logged_in")
    stale = await served.http("GET", path, [("cookie", "gen_app_auth_token=nonsense")])
    assert (stale.status, stale.json["code"]) == (401, "bad_credential")
    other = await served.http("GET", path, await served.cookie("аня"))
    assert (other.status, other.json["code"]) == (403, "role_required")
    assert (await served.http("GET", path, await served.cookie("шеф"))).status == 200


@pytest.mark.shows("CF-12")
async def test_with_an_admin_port_they_stand_there_alone(open_served: OpenServed) -> None:
    served = await open_served(SERVED, SERVED_CODE, admin_port=9000)
    await served.add("шеф", "admin")
    for headers in ([], await served.cookie("шеф")):
        answer = await served.http("GET", "/openapi.json", headers)
        assert (answer.status, answer.json["code"]) == (403, "role_required")
        assert "--admin-port" in answer.json["fix"]


async def test_what_stands_beside_them_is_nothing(served: Served) -> None:
    for path in ("/docs/other", "/docs/other.js", "/openapi.yaml", "/asyncapi/", "/docs/../docs"):
        assert (await served.http("GET", path)).status == 404, path


async def test_the_documents_are_documents(served: Served) -> None:
    answer = await served.http("GET", "/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    validate(answer.json)
    assert set(answer.json["paths"]) >= {"/ws/say", "/ws/rooms/{room}", "/auth/login", "/api/users/{login}"}
    asynchronous = await served.http("GET", "/asyncapi.json")
    assert asynchronous.json["asyncapi"].startswith("3.1")
    for asked in ("3.0", "3.0.0"):
        older = await served.http("GET", f"/asyncapi.json?version={asked}")
        assert older.json == {**asynchronous.json, "asyncapi": "3.0.0"}
        assert older.headers["etag"] != asynchronous.headers["etag"]
    assert "asyncapi: 3.0.0\n" in (await served.http("GET", "/asyncapi.yaml?version=3.0")).body.decode()
    unknown = await served.http("GET", "/asyncapi.json?version=2.6")
    assert (unknown.status, unknown.json["code"]) == (400, "invalid_request")
    assert unknown.json["fix"] == "Ask with ?version=3.1 or ?version=3.0."
    text = await served.http("GET", "/asyncapi.yaml")
    assert text.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(text.body) == asynchronous.json
    assert "Повторяет" in text.body.decode()


async def test_each_endpoint_points_to_its_operation(served: Served) -> None:
    described = (await served.http("GET", "/openapi.json")).json
    operations = (await served.http("GET", "/asyncapi.json")).json["operations"]
    for path, methods in described["paths"].items():
        if path.startswith("/ws/"):
            document, _, pointer = methods["get"]["x-websocket"]["asyncapi"].partition("#/operations/")
            assert document == "asyncapi.json"
            assert pointer in operations


async def servers(served: Served, **more: Any) -> list[dict[str, str]]:
    answer = await served.http("GET", more.pop("path", "/openapi.json"), **more)
    found: list[dict[str, str]] = answer.json["servers"]
    return found


async def test_they_are_made_for_the_address_that_the_caller_uses(served: Served) -> None:
    assert await servers(served) == [{"url": "http://127.0.0.1:8000"}]
    assert await servers(served, headers=[("host", "localhost:8000")]) == [{"url": "http://localhost:8000"}]
    assert await servers(served, path="/rt/openapi.json", root_path="/rt") == [{"url": "http://127.0.0.1:8000/rt"}]


async def test_a_public_address_with_a_path_stands_in_them_and_in_the_page(open_served: OpenServed) -> None:
    served = await open_served(SERVED, SERVED_CODE, public_url="https://desk.example.com/rt", **PUBLIC)
    await served.add("шеф", "admin")
    admin = await served.cookie("шеф")
    assert await servers(served, headers=admin) == [{"url": "https://desk.example.com/rt"}]
    page = (await served.http("GET", "/docs", admin)).body.decode()
    for link in ("/rt/docs/swagger-ui.css", "/rt/docs/swagger-ui.js", "/rt/docs/start.js", "/rt/openapi.json"):
        assert f'"{link}"' in page
        assert (await served.http("GET", link, admin)).status == 200


async def test_a_document_that_the_caller_has_is_not_sent_again(served: Served) -> None:
    first = await served.http("GET", "/openapi.json")
    known = [("if-none-match", f'"other", W/{first.headers["etag"]}')]
    again = await served.http("GET", "/openapi.json", known)
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (await served.http("GET", "/openapi.json", [("if-none-match", '"other"')])).status == 200


async def test_one_is_made_once_for_each_generation_and_address(
    served: Served, build_table: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    real = openapi.document

    def counted(contract: Any, address: str) -> Any:
        made.append(address)
        return real(contract, address)

    monkeypatch.setattr(openapi, "document", counted)
    answers: list[Answer] = await asyncio.gather(*(served.http("GET", "/openapi.json") for _ in range(5)))
    assert len(made) == 1
    assert len({answer.body for answer in answers}) == 1
    for port in range(documents.KEPT + 5):
        await served.http("GET", "/openapi.json", [("host", f"localhost:{port}")])
    await served.http("GET", "/openapi.json")
    assert made.count("http://127.0.0.1:8000") == 2, "no more than so many are kept"
    table = build_table("  say: {url: /ws/said, process: p.echo}\n")
    served.gateway.install(await Generation.open(2, table))
    after = await served.http("GET", "/openapi.json")
    assert "/ws/said" in after.json["paths"]
    assert after.headers["etag"] != answers[0].headers["etag"]


async def test_the_page_runs_no_script_but_ours(served: Served) -> None:
    page = await served.http("GET", "/docs")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    for rule in ("default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert rule in policy
    text = page.body.decode()
    assert "<script>" not in text
    assert "http:" not in text
    assert "https:" not in text


async def test_the_title_of_the_file_is_text_in_the_page(open_served: OpenServed) -> None:
    title = json.dumps("</title><script>alert(1)</script> Стойка 📞", ensure_ascii=False)
    served = await open_served(SERVED, SERVED_CODE, head=f"title: {title}")
    text = (await served.http("GET", "/docs")).body.decode()
    assert "<title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; Стойка 📞</title>" in text


async def test_without_the_package_the_page_says_how_to_have_it(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(documents, "distribution", absent)
    for path in ("/docs", "/docs/swagger-ui.js"):
        answer = await served.http("GET", path)
        assert answer.status == 404
        assert f"pip install {documents.PACKAGE}" in answer.json["fix"]
    assert (await served.http("GET", "/openapi.json")).status == 200


@pytest.mark.parametrize("path", ["/docs/reference", "/asyncapi"])
async def test_the_reference_is_a_page_without_a_script(served: Served, path: str) -> None:
    answer = await served.http("GET", path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    text = answer.body.decode()
    assert re.findall(r"<script|<style| style=| on\w+=", text) == []
    assert "ws://127.0.0.1:8000/ws/rooms/{room}" in text
    assert "Повторяет" in text
    assert text.count("<h1") == 1


async def test_the_reference_has_the_places_beside_it_below_each_prefix(open_served: OpenServed) -> None:
    head = "title: '<b>Стойка</b> 📞'"
    served = await open_served('  say: {url: /ws/say, process: p.echo, tags: ["<i>Чат"]}', SERVED_CODE, head=head)
    answer = await served.http("GET", "/rt/docs/reference", root_path="/rt")
    text = answer.body.decode()
    assert '<a class="title" href="../console/">&lt;b&gt;Стойка&lt;/b&gt; 📞</a>' in text
    assert re.findall(r'class="place" href="\.\./console/#(\w+)"', text) == ["talk", "processes", "live", "people"]
    assert '<a class="place" aria-current="page" href="../docs/reference">' in text
    assert text.count('<path d="M') == 5
    contents = text.partition('aria-label="Contents">')[2].partition("</nav>")[0]
    shown = [unescape(words) for words in re.findall(r">([^<]+)<", contents)]
    assert shown == ["Getting in", "<i>Чат", "say", "Limits", "Errors", "Close codes", "Refusals"]
    for anchor in re.findall(r'href="#([^"]*)"', contents):
        assert f' id="{anchor}"' in text
    for link in re.findall(r'href="(\.\./[^#"]*)', text):
        found = await served.http("GET", urljoin("/rt/docs/reference", link), root_path="/rt")
        assert found.status == 200, link
    other = (await served.http("GET", "/rt/asyncapi", root_path="/rt")).body.decode()
    assert '<a aria-current="page" href="./asyncapi">AsyncAPI</a>' in other
    links = {urljoin("/rt/asyncapi", link) for link in re.findall(r'href="(\./[^#"]*)', other)}
    assert links == {urljoin("/rt/docs/reference", link) for link in re.findall(r'href="(\.\./[^#"]*)', text)}


HTML = ("accept", "text/html,application/xhtml+xml")


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/docs/reference", "/asyncapi"])
async def test_a_browser_is_shown_how_to_log_in(open_served: OpenServed, path: str) -> None:
    served = await open_served(SERVED, SERVED_CODE, **PUBLIC, public_url="http://127.0.0.1:8000/rt")
    await served.add("аня", "support")
    nobody = await served.http("GET", f"/rt{path}", [HTML])
    assert (nobody.status, nobody.headers["jackfield-error"]) == (401, "not_logged_in")
    assert nobody.headers["content-type"] == "text/html; charset=utf-8"
    assert nobody.headers["content-security-policy"] == PAGE_POLICY
    assert '<body data-root="/rt" data-view="login">' in nobody.body.decode(), "without data-next: it is loaded again"
    other = await served.http("GET", f"/rt{path}", [HTML, *await served.cookie("аня")])
    assert (other.status, other.headers["jackfield-error"]) == (403, "role_required")
    assert "users roles аня +admin" in other.body.decode()
    assert b"data-view" not in other.body


async def test_a_program_and_the_documents_themselves_get_no_login(open_served: OpenServed) -> None:
    served = await open_served(SERVED, SERVED_CODE, **PUBLIC)
    assert (await served.http("GET", "/docs", [("accept", "*/*")])).json["code"] == "not_logged_in"
    refused = await served.http("GET", "/openapi.json", [HTML])
    assert (refused.headers["jackfield-error"], b"data-view" in refused.body) == ("not_logged_in", False)


async def test_where_people_log_in_elsewhere_no_login_of_ours_is_shown(open_served: OpenServed) -> None:
    who = "\ndef says(credential, request):\n    return None\n"
    served = await open_served(SERVED, SERVED_CODE + who, head="auth: {login: off, verify: p.says}", **PUBLIC)
    answer = await served.http("GET", "/docs", [HTML])
    assert (answer.status, answer.headers["jackfield-error"]) == (401, "not_logged_in")
    assert b"data-view" not in answer.body
    assert b"/auth/login" not in answer.body


async def test_on_the_admin_port_they_report_the_address_of_the_public_one(open_served: OpenServed) -> None:
    served = await open_served(SERVED, SERVED_CODE, port=8466, admin_port=9000)
    served.gateway.live.may_read_documents = lambda *_: True  # type: ignore[method-assign]  # as for who comes by the admin port
    reported = (await served.http("GET", "/asyncapi.json", [("host", "127.0.0.1:9000")])).json
    assert reported["servers"]["server"]["host"] == "127.0.0.1:8466"
    assert "ws://127.0.0.1:8466/ws/say" in (await served.http("GET", "/docs/reference")).body.decode()
