"""Requests with a secret in every place that a request has, whole and in pieces, in HTTP and in what is none."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from tests.server.frames import CLOSE, KEY, TEXT, masked

__all__ = ["Shape", "ask", "leaks", "shapes"]

COOKIE = "gen_app_auth_token"
WINDOW = 12
"""Letters of a secret that may not stand anywhere in a row."""

Spoil = Callable[[str], str]

SPOILS: Final[dict[str, Spoil]] = {
    "as it is": lambda secret: secret,
    "a control character before": lambda secret: f"t=\x7f; {secret}",
    "a control character behind": lambda secret: f"{secret}\x01",
    "a control character within": lambda secret: f"{secret[:25]}\x02{secret[25:]}",
    "an escape": lambda secret: f"\x1b[31m{secret}\x1b[0m",
    "a NUL": lambda secret: f"{secret}\x00",
    "a letter of Latin-1": lambda secret: f"\xe9{secret}\xff",
    "in quotes": lambda secret: f'"{secret}"',
    "blanks for dots": lambda secret: secret.replace(".", " "),
    "slashes for dots": lambda secret: secret.replace(".", "/"),
    "encoded dots": lambda secret: secret.replace(".", "%2e"),
    "dots encoded twice": lambda secret: secret.replace(".", "%252E"),
    "encoded slashes for dots": lambda secret: secret.replace(".", "%2F"),
    "wholly encoded": lambda secret: "".join(f"%{ord(letter):02x}" for letter in secret),
    "in lower case": lambda secret: secret.lower() if "." in secret else secret,
    "in short parts": lambda secret: "/".join(secret[at : at + 9] for at in range(0, len(secret), 9)),
    "without its end": lambda secret: secret[: len(secret) * 9 // 10],
    "a hundred times": lambda secret: ",".join([secret] * 100),
    "behind a long word": lambda secret: "x" * 180 + secret,
}


@dataclass(frozen=True)
class Shape:
    """One request as bytes, and what it is called when it fails."""

    name: str
    data: bytes


def _request(
    host: str,
    *fields: tuple[str, str],
    target: str = "/ws/say",
    method: str = "GET",
    version: str = "HTTP/1.1",
    upgrade: bool = True,
    body: str = "",
) -> bytes:
    own = {name.lower() for name, _ in fields}
    usual = [("Host", host)]
    if upgrade:
        usual += [("Upgrade", "websocket"), ("Connection", "Upgrade")]
        usual += [("Sec-WebSocket-Key", KEY), ("Sec-WebSocket-Version", "13")]
    if body:
        usual += [("Content-Type", "application/json"), ("Content-Length", str(len(body.encode("latin-1"))))]
    lines = [f"{name}: {value}" for name, value in (*(pair for pair in usual if pair[0].lower() not in own), *fields)]
    return "\r\n".join([f"{method} {target} {version}", *lines, "", body]).encode("latin-1")


HEADERS = (
    *("Host", "Origin", "Referer", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"),
    *("User-Agent", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol"),
    *("Sec-WebSocket-Extensions", "Accept", "Content-Type", "Content-Length", "Transfer-Encoding", "Expect"),
    *("Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "traceparent", "tracestate", "Sec-Fetch-Site"),
)

Make = Callable[[str, str], bytes]
"""From the server's host and a secret to a request."""


def _in_header(name: str, form: str, *, upgrade: bool) -> Make:
    return lambda host, secret: _request(host, (name, form.format(secret)), upgrade=upgrade)


FORMS = [
    *((name, "{}") for name in HEADERS),
    ("Cookie", f"{COOKIE}={{}}"),
    ("Cookie", f"a=b; {COOKIE}={{}}; c"),
    ("Authorization", "Bearer {}"),
    ("Authorization", "Basic {}"),
    ("Sec-WebSocket-Protocol", "jackfield.v1, bearer.{}"),
    ("Sec-WebSocket-Protocol", "bearer.{}"),
    ("Origin", "https://{}"),
    ("Origin", "https://user:{}@app.example.com"),
    ("Host", "{}@127.0.0.1"),
]
TARGETS = [
    *("{}", "/{}", "/ws/{}", "/ws/say/{}", "/ws/say?{}", f"/ws/say?{COOKIE}={{}}", "/ws/rooms/{}", "/ws/say;{}"),
    *("/ws/say%3F{}", "http://{}/ws/say", "/auth/sessions/{}", "/api/users/{}", "/docs/{}"),
]
BODIES = [
    '{{"login": "{}", "password": "wrong-but-long"}}',
    '{{"login": "admin2", "password": "{}"}}',
    '{{"login": "admin2", "passwort": "{}"}}',
    '{{"{}": 1}}',
    '{{"login": ["{}"]}}',
    "{}",
]
POST = {"target": "/auth/login", "method": "POST"}
CHUNKED = ("Transfer-Encoding", "chunked")
JSON = ("Content-Type", "application/json")


def _places() -> Iterator[tuple[str, Make]]:
    for upgrade in (True, False):
        for name, form in FORMS:
            yield f"{name}: {form}, upgrade {upgrade}", _in_header(name, form, upgrade=upgrade)
        for target in TARGETS:
            yield f"target {target}, upgrade {upgrade}", _in_target(target, upgrade=upgrade)
    for body in BODIES:
        yield f"login {body}", _in_body("/auth/login", body)
    yield "password", _in_body("/auth/password", '{{"old": "{}", "new": "{}"}}')
    yield from _odd_places()
    yield from _frames()


def _odd_places() -> Iterator[tuple[str, Make]]:
    yield "header name", lambda host, secret: _request(host, (secret, "x"))
    yield (
        "cookie and sub-protocol",
        lambda host, secret: _request(
            host, ("Cookie", f"t=\x7f; {COOKIE}={secret}"), ("Sec-WebSocket-Protocol", f"bearer.{secret}")
        ),
    )
    yield "method", lambda host, secret: _request(host, method=secret)
    yield "version", lambda host, secret: _request(host, version=f"HTTP/{secret}")
    yield "first line", lambda _host, secret: f"{secret}\r\n\r\n".encode("latin-1")
    yield "body of an upgrade", lambda host, secret: _request(host, ("Content-Length", "5")) + secret.encode("latin-1")
    yield (
        "chunk",
        lambda host, secret: (
            _request(host, CHUNKED, JSON, upgrade=False, **POST) + f"{secret}\r\n\r\n".encode("latin-1")
        ),
    )
    yield (
        "trailer",
        lambda host, secret: (
            _request(host, CHUNKED, JSON, upgrade=False, **POST)
            + f"2\r\n{{}}\r\n0\r\nX: {secret}\r\n\r\n".encode("latin-1")
        ),
    )
    yield (
        "second request",
        lambda host, secret: (
            _request(host, target="/health", upgrade=False) + _request(host, ("Cookie", f"t=\x7f; {COOKIE}={secret}"))
        ),
    )


def _frames() -> Iterator[tuple[str, Make]]:
    yield "message", _in_frame(lambda secret: masked(TEXT, json.dumps({"text": f"fail {secret}"}).encode()))
    yield "unknown key", _in_frame(lambda secret: masked(TEXT, json.dumps({secret: 1}).encode()))
    yield "close", _in_frame(lambda secret: masked(CLOSE, b"\x0f\xa1" + secret.encode()[:120]))


def _in_frame(make: Callable[[str], bytes]) -> Make:
    return lambda host, secret: _request(host, target="/ws/open") + make(secret)


def _in_target(form: str, *, upgrade: bool) -> Make:
    return lambda host, secret: _request(host, target=form.format(secret), upgrade=upgrade)


def _in_body(target: str, form: str) -> Make:
    def make(host: str, secret: str) -> bytes:
        body = form.format(*(json.dumps(secret)[1:-1] for _ in range(form.count("{}"))))
        return _request(host, target=target, method="POST", upgrade=False, body=body)

    return make


def shapes(host: str, secrets: dict[str, str], number: int) -> list[Shape]:
    """Every place once with each secret as it is; and as many more, drawn from all places, secrets and spoils."""
    places, chosen = list(_places()), random.Random(20)
    plain = [(place, make, name, "as it is") for place, make in places for name in secrets]
    drawn = [(*chosen.choice(places), chosen.choice(list(secrets)), chosen.choice(list(SPOILS))) for _ in range(number)]
    return [
        Shape(f"{name} in {place}, {spoil}", make(host, SPOILS[spoil](secrets[name])))
        for place, make, name, spoil in (*plain, *drawn)
    ]


def ask(port: int, shape: Shape, limit: float) -> int:
    """Send a request; gives the status of its answer. No answer is a failure."""
    with socket.create_connection(("127.0.0.1", port), timeout=limit) as client:
        client.sendall(shape.data)
        answer = b""
        while b"\r\n" not in answer:
            data = client.recv(65536)
            assert data, f"no answer: {shape.name}"
            answer += data
    return int(answer.split()[1])


def leaks(reported: str, secrets: dict[str, str]) -> list[tuple[str, str]]:
    """Which secrets stand in a text, by their pieces; encoded, in another case or as they are."""
    seen = f"{reported}\n{unquote(unquote(reported))}".lower()
    return [
        (name, secret[at : at + WINDOW])
        for name, secret in secrets.items()
        for piece in secret.lower().split(".")
        for at in range(max(0, len(piece) - WINDOW + 1))
        if not piece.isdigit() and piece[at : at + WINDOW] in seen
    ]
