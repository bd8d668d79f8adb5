"""Rows TR-12 and TR-13: every address that there is, what it answers and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jackfield.config import url
from jackfield.server.web import client_module, console, documents
from jackfield.server.web.json_api import JsonApi
from tests.server.conftest import OpenServed
from tests.server.frames import request
from tests.server.served import COOKIE, SERVED, SERVED_CODE, Answer, Headers, Served
from tests.server.sockets import listening

OWN = "https://app.example.com"
PUBLIC: dict[str, Any] = {"host": "0.0.0.0", "insecure": True}  # other machines reach it

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
READ = frozenset({"GET", "HEAD"})
DOCUMENTS = dict.fromkeys(sorted(documents.ADDRESSES), READ)
CLIENT = dict.fromkeys(sorted(client_module.ADDRESSES | console.ADDRESSES), READ)
FIXED = {"/health": READ, "/ready": READ, "/metrics": READ, **DOCUMENTS, **CLIENT}
"""The addresses that are answered without a table of routes, with their methods."""

OPEN = {
    *(("GET", "/health"), ("HEAD", "/health"), ("GET", "/ready"), ("HEAD", "/ready")),
    ("POST", "/auth/login"),  # the way in
    *((method, path) for path in CLIENT for method in READ),  # the page, and the client for pages: they hold nothing
    *(("GET", "/api/page"), ("GET", "/api/endpoints")),  # what the caller may do, and the endpoints that it may enter
    *(("POST", "/api/endpoints/x/check"), ("POST", "/api/endpoints/x/examples")),  # nothing of these is kept
    *(("GET", "/"), ("HEAD", "/")),  # the page; it holds nothing
    *(("GET", "/api/page"), ("GET", "/api/endpoints")),  # what it asks first: of no more than one's own rights open
    *(
        ("POST", "/api/endpoints/x/check"),
        ("POST", "/api/endpoints/x/examples"),
    ),  # nothing of these is kept  # in the words of an endpoint that one may enter; here 400, for it has no body
    ("POST", "/auth/logout"),  # without a session it ends none; it takes the cookie back
}
"""What answers a caller whom nobody knows, besides the 426 of an endpoint."""


def addresses(served: Served) -> Iterator[tuple[str, frozenset[str]]]:
    """Every HTTP address of a gateway with its methods, read from what routes the requests."""
    yield from FIXED.items()
    for part in vars(served.gateway._routes).values():
        api = getattr(part, "api", None)
        if isinstance(api, JsonApi):
            prefix = {"Login": "/auth", "Administration": "/api"}[type(part).__name__]
            for path, methods in api.routes.items():
                if path == "/users/import":  # also the address of a user of that name
                    methods = {**methods, **api.routes["/users/{one}"]}
                yield f"{prefix}{path.replace('{one}', 'x')}", frozenset(methods)


def test_tr_13_every_reserved_address_is_one_that_these_tests_know() -> None:
    known = {url.reserved(tuple(filter(None, path.split("/")))) for path in (*FIXED, "/auth", "/api")}
    assert known == set(url.RESERVED)


@pytest.fixture
async def public(open_served: OpenServed) -> Served:
    """A listener that other machines reach."""
    served = await open_served(SERVED, SERVED_CODE, **PUBLIC)
    await served.add("admin", "admin")
    return served


async def test_tr_13_no_address_answers_a_caller_whom_nobody_knows(public: Served) -> None:
    found = dict(addresses(public))
    assert {"/auth/login", "/auth/logout", "/auth/session", "/auth/sessions", "/api/users"} <= set(found)
    answered = set()
    for path, methods in found.items():
        for method in METHODS:
            answer = await public.http(method, path, client=("127.0.0.1", 5000))  # where it comes from opens nothing
            assert answer.status < 500, (method, path)
            if answer.status < 300 or answer.status in (400, 415):  # 415 is a login without a body: the way in
                answered.add((method, path))
            else:
                assert answer.status in (401, 403, 404, 405), (method, path, answer.status)
                assert "login" not in answer.json or answer.status == 401
            assert (answer.status == 405) == (method not in methods) or answer.status in (401, 403, 404), (method, path)
    assert answered == OPEN


async def test_tr_13_no_endpoint_takes_a_caller_whom_nobody_knows_unless_it_is_public(public: Served) -> None:
    taken = set()
    for name, route in public.gateway.live.generation.table.routes.items():
        target = route.endpoint.url.replace("{room}", "5")
        for headers in ([], [("cookie", f"{COOKIE}=nonsense")], [("authorization", "Bearer nonsense")]):
            caller = public.call(target, headers)
            await caller.until(1)
            if caller.sent[0]["type"] == "websocket.accept":
                taken.add(name)
                await caller.leave()
            else:
                assert (await caller.refused()).status == 401
    assert taken == {"public", "optional"}


async def test_tr_12_only_documented_methods(open_served: OpenServed) -> None:
    served = await open_served(SERVED, SERVED_CODE, edit="all")
    await served.add("admin", "admin")
    cookie = await served.cookie("admin")
    known = dict(addresses(served)) | {"/ws/say": READ, "/ws/public": READ}
    for path, methods in known.items():
        for method in set(METHODS) - methods:
            answer = await served.http(method, path, cookie)
            assert answer.status == 405, (method, path, answer.status)
            allowed = set(answer.headers["allow"].split(", ")) | (
                {"GET", "PATCH", "DELETE"} if path.endswith("users/import") else set()
            )
            assert allowed - {"HEAD"} == methods - {"HEAD"}, (method, path)


CASES: list[tuple[str, str, Headers, bytes | object]] = [
    ("GET", "/", [], b""),
    ("GET", "/health", [], b""),
    ("GET", "/ready", [], b""),
    ("GET", "/metrics", [], b""),
    *(("GET", path, [], b"") for path in (*DOCUMENTS, *client_module.ADDRESSES, "/console/", "/console/page.js")),
    ("GET", "/ws/say", [], b""),
    ("GET", "/ws/say", [("accept", "text/html")], b""),
    ("HEAD", "/ws/say", [], b""),
    ("GET", "/ws/nowhere", [], b""),
    ("TRACE", "/ws/say", [], b""),
    ("OPTIONS", "/auth/login", [], b""),
    ("POST", "/auth/login", [], {"login": "admin", "password": "wrong password"}),
    ("POST", "/auth/login", [], {"login": "admin", "password": "correct horse"}),
    ("POST", "/auth/login", [], b"login=admin"),
    ("POST", "/auth/logout", [], b""),
    ("GET", "/auth/session", [], b""),
    ("GET", "/api/users", [], b""),
    ("GET", "/auth/session", [("host", "evil.example")], b""),
]


def bare(answer: Answer) -> list[str]:
    """What of the security headers an answer lacks (OWASP ASVS 5.0, 3.4)."""
    headers = answer.headers
    policy = headers.get("content-security-policy", "")
    kind = headers.get("content-type", "")
    lacking = {
        "nosniff": headers.get("x-content-type-options") == "nosniff",
        "referrer-policy": headers.get("referrer-policy") == "no-referrer",
        "frame-ancestors": "frame-ancestors 'none'" in policy,
        "base-uri": "base-uri 'none'" in policy,
        "object-src": "default-src 'none'" in policy,  # object-src falls back to it
        "charset": not kind.startswith("text/") or "charset=utf-8" in kind,
        "no server": "server" not in headers and "x-powered-by" not in headers,
        "no cors": "access-control-allow-origin" not in headers,
    }
    return [name for name, there in lacking.items() if not there]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_tr_12_every_answer_carries_the_security_headers(open_served: OpenServed, tls: bool) -> None:
    address: dict[str, Any] = {"public_url": OWN, **PUBLIC} if tls else {}
    served = await open_served(SERVED, SERVED_CODE, **address)
    await served.add("admin", "admin", password="correct horse")
    foreign = [("origin", "https://evil.example")]
    seen = set()
    for method, path, headers, body in CASES:
        for more in ([], foreign):
            answer = await served.http(method, path, [*headers, *more], body)
            seen.add(answer.status)
            assert bare(answer) == [], (method, path)
            assert ("strict-transport-security" in answer.headers) == tls, (method, path)
    for target, more in (("/ws/say", []), ("/ws/nowhere", []), ("/ws/public", foreign)):
        answer = await served.call(target, more).refused()
        seen.add(answer.status)
        assert bare(answer) == [], target
        assert ("strict-transport-security" in answer.headers) == tls, target
    assert {200, 401, 403, 404, 405, 415, 426} - ({400} if tls else set()) <= seen


async def test_tr_12_what_is_no_http_is_answered_with_them_too(served: Served) -> None:
    async with listening(served.gateway) as connect:
        for head in (b"nonsense\r\n\r\n", request("/ws/say", Host="a\r\nHost: b"), request("/ws/say", X="x" * 70_000)):
            peer = await connect()
            await peer.send(head)
            status, headers, body = await peer.answer()
            assert status in (400, 431)
            assert bare(Answer(status, headers, body)) == []
