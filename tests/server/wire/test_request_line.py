"""What stands in the first line of a request, and in its head, is taken where it means one thing, and else told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.server.conftest import OpenServed
from tests.server.frames import TEXT, masked, request
from tests.server.served import Served
from tests.server.sockets import Listening, Peer, listening

ENDPOINTS = """
  hello: {url: /ws/привет, process: p.echo, auth: public}
  room: {url: "/ws/rooms/{room}", process: p.room, auth: public}
"""
CODE = """
@process(reply="message")
def echo(message: str, caller: Connection) -> Any:
    return [message, caller.query]

@process(reply="message")
def room(room: str, message: str) -> str:
    return room + message
"""


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    return await open_served(ENDPOINTS, CODE)


@pytest.fixture
async def here(served: Served) -> AsyncIterator[Listening]:
    async with listening(served.gateway) as made:
        yield made


def written(target: bytes, *, method: bytes = b"GET", **headers: Any) -> bytes:
    """An upgrade request with this target, as it stands."""
    first, _, rest = request("/x", **headers).partition(b"\r\n")
    assert first == b"GET /x HTTP/1.1"
    return method + b" " + target + b" HTTP/1.1\r\n" + rest


async def answered(here: Listening, target: bytes, **headers: Any) -> tuple[Peer, int, dict[str, Any]]:
    peer = await here()
    await peer.send(written(target, **headers))
    status, _, body = await peer.answer()
    return peer, status, json.loads(body) if body else {}


@pytest.mark.parametrize(
    "target",
    [
        "/ws/привет",
        "/ws/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82",
        "/ws/при%D0%B2%D0%B5%D1%82",
        "http://127.0.0.1/ws/привет",
        "ws://127.0.0.1:8000/ws/привет",
        "HTTP://localhost/ws/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82",
    ],
)
@pytest.mark.parametrize("query", ["", "?имя=Анна", "?%D0%B8%D0%BC%D1%8F=Анна"])
async def test_letters_and_absolute_addresses_are_taken(here: Listening, target: str, query: str) -> None:
    peer, status, _ = await answered(here, f"{target}{query}".encode())
    assert status == 101
    await peer.send(masked(TEXT, b'{"message":"a"}'))
    assert json.loads((await peer.frame()).data) == {"message": ["a", {"имя": "Анна"} if query else {}]}


async def test_a_value_of_a_path_parameter_may_be_in_any_language(here: Listening) -> None:
    peer, status, _ = await answered(here, "/ws/rooms/зал🤝".encode())
    assert status == 101
    await peer.send(masked(TEXT, b'{"message":"!"}'))
    assert json.loads((await peer.frame()).data) == {"message": "зал🤝!"}


@pytest.mark.parametrize(
    ("target", "host", "status", "code"),
    [
        (b"http://evil.example/ws/%D0%BF", "127.0.0.1", 400, "wrong_host"),  # RFC 9112, section 3.2.2: not the header
        (b"http://127.0.0.1/", "evil.example", 404, "not_found"),
        (b"http://127.0.0.1", "127.0.0.1", 404, "not_found"),
        (b"http://127.0.0.1/nowhere", "127.0.0.1", 404, "not_found"),
        (b"http://me@127.0.0.1/ws/x", "127.0.0.1", 404, "not_found"),
        (b"http:///ws/x", "127.0.0.1", 404, "not_found"),
        (b"ftp://127.0.0.1/ws/x", "127.0.0.1", 404, "not_found"),
        ("/ws/привет".encode("cp1251"), "127.0.0.1", 404, "not_found"),
        (b"http://127.0.0.1/x", None, 400, "malformed_request"),
    ],
)
async def test_what_they_name_is_judged_like_all_else(
    here: Listening, target: bytes, host: str | None, status: int, code: str
) -> None:
    _, found, body = await answered(here, target, Host=host)
    assert (found, body["code"]) == (status, code)
    assert body["fix"]


@pytest.mark.parametrize(
    ("method", "path", "words", "fix"),
    [
        ("POST", "/auth/login/", "ends with a slash", "/auth/login"),
        ("GET", "/ws/rooms/a/", "ends with a slash", "/ws/rooms/a"),
        ("GET", "/ws/rooms/a%2Fb", "encoded slash", "query or the message"),
        ("GET", "/ws/rooms/a%5cb", "backslash", "query or the message"),
        ("GET", "/ws/rooms/%", "UTF-8", "Encode"),
        ("GET", "/ws/rooms/%FF", "UTF-8", "Encode"),
        ("GET", "/ws//a", "empty part", "Take it out"),
        ("GET", "/ws/rooms/%00", "control character", "Take it out"),
        ("GET", "/ws/rooms/..", "'..'", "Take it out"),
    ],
)
@pytest.mark.parametrize("own", [{}, {"host": "0.0.0.0", "insecure": True}], ids=["here", "public"])
async def test_an_address_that_has_no_one_meaning_is_reported_why(
    open_served: OpenServed, method: str, path: str, words: str, fix: str, own: dict[str, Any]
) -> None:
    served = await open_served(ENDPOINTS, CODE, **own)
    answer = await served.http(method, path)
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert words in answer.json["detail"]
    assert fix in answer.json["fix"] or "Did you mean" in answer.json["fix"]
    if method == "GET":
        assert words in (await served.call(path).refused()).json["detail"]


async def test_under_a_prefix_the_address_without_its_slash_has_it(open_served: OpenServed) -> None:
    served = await open_served(ENDPOINTS, CODE, public_url="https://a.example/rt")
    answer = await served.http("POST", "/rt/auth/login/")
    assert answer.json["fix"] == "Take the slash away: /rt/auth/login"


@pytest.mark.parametrize(
    ("headers", "words", "fix"),
    [
        ({"Cookie": "a=" + "x" * 9_000}, "Cookie is longer than 8,190 bytes", "cookies"),
        ({"Authorization": "Basic " + "x" * 9_000}, "Authorization", "token"),
        ({"X-Other": "x" * 9_000}, "A header is longer than 8,190", "shorter"),
        ({f"X-{number}": "1" for number in range(100)}, "more than 100 headers", "fewer"),
    ],
)
async def test_a_head_that_is_too_large_is_reported_as_that(
    here: Listening, headers: dict[str, str], words: str, fix: str
) -> None:
    peer = await here()
    await peer.send(
        written("/ws/привет".encode()).replace(
            b"\r\n\r\n", b"\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n"
        )
    )
    status, _, body = await peer.answer()
    reported = json.loads(body)
    assert (status, reported["code"]) == (431, "headers_too_large")
    assert words in reported["detail"]
    assert fix in reported["fix"]
