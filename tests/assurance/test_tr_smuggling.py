"""Rows TR-9 and TR-10: requests that two servers could read in two ways."""

from __future__ import annotations

import json
import random
import socket

import pytest

from tests.server.frames import KEY, request
from tests.server.served import LIMIT
from tests.server.sockets import Listening
from tests.walk.conftest import Server

from .rough import address, all_of, refused

pytestmark = pytest.mark.walk


# TR-9


BROKEN = {
    "two hosts": request(Host="a\r\nHost: b"),
    "length and chunks": request(method="POST", Content_Length="3", Transfer_Encoding="chunked") + b"0\r\n\r\n",
    "folded line": request(X="a\r\n b"),
    "nul": request(X="a\x00b"),
    "space before colon": request().replace(b"Upgrade: web", b"Upgrade : web"),
    "bare cr": request(X="a\rb"),
    "bare lf": b"GET / HTTP/1.1\nHost: a\n\n",
    "one bare lf": request().replace(b"\r\nUpgrade", b"\nUpgrade"),
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
async def test_tr_9_a_request_that_two_servers_could_read_in_two_ways_is_refused(
    connect: Listening, sent: bytes
) -> None:
    peer = await connect()
    await peer.send(sent)
    assert refused(await all_of(peer)) == (400, "malformed_request")


def test_tr_9_no_header_makes_a_500_or_a_header_of_ours(shared: Server) -> None:
    names = ["Host", "Origin", "Cookie", "Authorization", "Upgrade", "Connection", "Sec-WebSocket-Key"]
    names += ["Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "X-Forwarded-For"]
    values = ["", " ", "\xff\xfe", "a" * 5_000, ",;=\"'", "Привет".encode().decode("latin-1"), "%0d%0aX-Ours: 1"]
    values += [KEY, "websocket", "http://[::1", "gen_app_auth_token=\xe9", "\t", "null", "13", "*", "bearer.\xff"]
    chosen = random.Random(9)
    pid = shared.process.pid
    for number in range(150):
        fields = {chosen.choice(names): chosen.choice(values) for _ in range(chosen.randint(1, 3))}
        target = chosen.choice(["/ws/say", "/", "/auth/session", "/ws/%0d%0aX-Ours:%201"])
        with socket.create_connection(address(shared)) as client:
            client.settimeout(LIMIT)
            client.sendall(request(target, **{"Host": shared.http.removeprefix("http://"), **fields}))
            answer = client.recv(65536)
        assert 100 < int(answer.split()[1]) < 500, (number, fields, answer)
        assert b"\nx-ours" not in answer.lower()
    assert shared.process.poll() is None
    assert shared.process.pid == pid


CONTROLS = [byte for byte in (*range(0x20), 0x7F) if chr(byte) not in "\t\n"]
SECRET = "gen_app_auth_token=1.c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
PLAIN = b"GET /health HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"


@pytest.mark.parametrize("byte", CONTROLS, ids=hex)
async def test_tr_9_a_control_character_in_a_head_is_400_with_a_fix(
    connect: Listening, byte: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    control = chr(byte)
    for sent, number in (
        (request(Connection=f"Upgrade{control}"), 4),
        (request(Cookie=f"t={control}; {SECRET}", Sec_WebSocket_Protocol="jackfield.v1"), 7),
        (request(Sec_WebSocket_Key=f"{KEY}{control}", Cookie=SECRET), 5),
        (request(Authorization=f"{control}Bearer x", Cookie=SECRET), 7),
        (request(**{f"X{control}Y": "1", "Cookie": SECRET}), 7),
        (request(f"/ws{control}", Cookie=SECRET), 1),
        (PLAIN + f"Cookie: {SECRET}\r\nX: a{control}b\r\n\r\n".encode(), 4),
        (PLAIN + b"\r\n" + PLAIN + f"X: {control}\r\n\r\n".encode(), 3),
        (CHUNKED + f"X: {SECRET}{control}\r\n\r\n".encode(), 1),
    ):
        peer = await connect()
        await peer.send(sent)
        answer = await all_of(peer)
        head, _, body = answer[answer.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
        reported = json.loads(body)
        assert (int(head.split()[1]), reported["code"]) == (400, "malformed_request"), sent
        assert reported["fix"]
        assert reported["detail"] == f"Line {number} of the head holds the control character 0x{byte:02x}."
        assert "secret" not in answer.decode("latin-1").lower()
    assert "c2VjcmV0" not in caplog.text
    assert [record.getMessage() for record in caplog.records if record.levelname not in ("INFO", "DEBUG")] == []


async def test_tr_9_a_tab_and_letters_of_any_alphabet_may_stand_in_a_header(connect: Listening) -> None:
    peer = await connect()
    await peer.send(request(X="a\tb \xe9 " + "Привет 👍".encode().decode("latin-1"), Y="\t1\t"))
    assert (await peer.answer())[0] == 101
