"""Every refusal says how to mend it, and every address that is told can be opened as it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from jackfield import errors
from jackfield.config.plan import AuthSettings
from jackfield.errors import CODES, Refusal
from jackfield.server.refusal import problem
from jackfield.server.web import documents
from tests.server.conftest import OpenServed
from tests.server.frames import UPGRADE
from tests.server.served import SERVED, SERVED_CODE, Answer, Headers, Served

REFUSALS = [code.name for code in CODES.values() if code.status]


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_has_a_fix_whoever_makes_it(code: str) -> None:
    reported = json.loads(bytes(problem(Refusal(code), AuthSettings()).body))
    assert reported["fix"].endswith((".", "…"))
    assert reported["fix"] != reported["title"]


def test_what_the_place_knows_better_is_reported_instead() -> None:
    assert Refusal("not_found", fix="Did you mean /ws/say?").fix == "Did you mean /ws/say?"


def test_a_code_without_a_fix_cannot_be_made() -> None:
    with pytest.raises(KeyError):
        errors._refusal("out_of_mind", 400, "The mind is elsewhere.")


def test_no_fix_stands_for_a_code_that_is_gone() -> None:
    assert set(errors._FIXES) == set(REFUSALS)


HANDSHAKE: Headers = [(name.lower(), value) for name, value in UPGRADE.items() if name != "Host"]
LONG = {"login": "x" * 5000, "password": ""}
ASKED: tuple[tuple[str, str, Headers, object], ...] = (
    ("GET", "/nowhere", [], b""),
    ("GET", "/ws/sey", [], b""),
    ("GET", "/ws/rooms/lobby", [], b""),
    ("POST", "/ws/say", [], b""),
    ("POST", "/health", [], b""),
    ("PUT", "/metrics", [], b""),
    ("PUT", "/docs", [], b""),
    ("PUT", "/openapi.json", [], b""),
    ("GET", "/ws/say", [("upgrade", "websocket"), ("sec-websocket-version", "8")], b""),
    ("GET", "/ws/say", [("upgrade", "websocket")], b""),
    ("GET", "/ws/say", [("host", "two words")], b""),
    ("GET", "/ws/say?gen_app_auth_token=x", [], b""),
    ("GET", "/ws/say", [("cookie", "gen_app_auth_token=1"), ("authorization", "Bearer 2")], b""),
    ("GET", "/ws/say", [("cookie", "gen_app_auth_token=torn")], b""),
    ("GET", "/auth/nowhere", [], b""),
    ("GET", "/auth/login", [], b""),
    ("POST", "/auth/login", [], b"no JSON"),
    ("POST", "/auth/login", [("content-type", "application/json")], b"{"),
    ("POST", "/auth/login", [], LONG),
    ("POST", "/auth/login", [], {"login": "nobody", "password": "wrong"}),
    ("POST", "/auth/login", [("origin", "https://b.example")], b""),
    ("GET", "/auth/session", [], b""),
    ("POST", "/auth/refresh", [], b""),
    ("GET", "/auth/sessions", [], b""),
    ("POST", "/auth/password", [], b""),
    ("GET", "/api/users", [], b""),
    ("GET", "/api/users", [("origin", "https://b.example")], b""),
    ("GET", "/ws/say", [], b""),
)
AS_ADMIN: tuple[tuple[str, str, object], ...] = (
    ("GET", "/api/users/nobody", b""),
    ("GET", "/api/nowhere", b""),
    ("POST", "/api/users/nobody", b""),
    ("PATCH", "/api/users/root", {}),
    ("DELETE", "/api/users/root", b""),
    ("POST", "/api/users", {"login": "root"}),
    ("DELETE", "/auth/sessions/nowhere", b""),
    ("POST", "/auth/password", {"old": "wrong", "new": "long enough for a password"}),
)
# an address of ours that does not stand behind a prefix: nothing but a blank, a quote or the like is before it
BARE = re.compile(r'(?:^|[\s"\'`(=])/(?:ws|auth|api|docs|openapi|asyncapi|metrics|health|ready)\b')


async def answers(served: Served, prefix: str, mounted: bool) -> Iterator[Answer]:
    root: dict[str, Any] = {"root_path": prefix} if mounted else {}
    found = [await served.http(method, prefix + path, headers, body, **root) for method, path, headers, body in ASKED]
    await served.add("root", "admin")
    cookie = await served.cookie("root")
    found += [await served.http(method, prefix + path, cookie, body, **root) for method, path, body in AS_ADMIN]
    found.append(await served.call(f"{prefix}/ws/say", HANDSHAKE, **root).refused())
    return iter(found)


@pytest.mark.parametrize(("prefix", "mounted"), [("", False), ("/rt", True), ("/a/b", True), ("/rt", False)])
async def test_every_address_that_a_refusal_reports_has_the_prefix(
    open_served: OpenServed, prefix: str, mounted: bool
) -> None:
    public = {} if mounted or not prefix else {"public_url": f"http://localhost:8000{prefix}"}
    served = await open_served(SERVED, SERVED_CODE, **public)
    codes = set()
    for answer in await answers(served, prefix, mounted):
        reported = answer.json
        assert answer.status >= 400, reported
        assert reported["fix"], reported
        codes.add(reported["code"])
        text = answer.body.decode() + answer.headers.get("www-authenticate", "")
        assert not prefix or BARE.search(text) is None, reported
    assert len(codes) > 15, codes


async def test_a_mount_below_letters_of_any_language_is_one(open_served: OpenServed) -> None:
    served = await open_served(SERVED, SERVED_CODE)
    answer = await served.http("GET", "/%D1%87%D0%B0%D1%82/ws/say", root_path="/чат")
    assert answer.json["websocket_url"] == "ws://127.0.0.1:8000/%D1%87%D0%B0%D1%82/ws/say"


async def test_pages_and_documents_lead_below_the_prefix_too(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await open_served(SERVED, SERVED_CODE)
    index = (await served.http("GET", "/rt", root_path="/rt")).body.decode()
    assert re.findall(r'(?:href|src)="(?!/rt/console/)', index) == []
    assert 'data-root="/rt"' in index
    for document in ("/openapi.json", "/asyncapi.json", "/docs/reference"):
        reported = (await served.http("GET", f"/rt{document}", root_path="/rt")).body.decode()
        assert re.findall(r"POST /\w+", reported) == []
        assert "POST http://127.0.0.1:8000/rt/auth/login" in reported
    monkeypatch.setattr(documents, "PACKAGE", "no-such-package")
    missing = (await served.http("GET", "/rt/docs", root_path="/rt")).json
    assert "/rt/openapi.json" in missing["fix"]
