"""A proxy that passes a WebSocket's request on without its Upgrade is named, with the lines that it needs."""

from __future__ import annotations

import pytest

from jackfield.errors import CODES
from tests.server.frames import KEY
from tests.server.served import Headers, Served

HANDSHAKE: Headers = [("sec-websocket-key", KEY), ("sec-websocket-version", "13")]


@pytest.mark.parametrize("more", [[("connection", "close")], [], [("accept", "text/html")]])
@pytest.mark.parametrize("path", ["/ws/say", "/ws/public", "/ws/rooms/1"])
async def test_it_is_reported_and_kept_among_the_refusals(served: Served, path: str, more: Headers) -> None:
    answer = await served.http("GET", path, [*HANDSHAKE, *more], http_version="1.0")
    assert (answer.status, answer.json["code"]) == (426, "upgrade_dropped")
    assert "10.1.2.3" in answer.json["detail"]
    for words in ("nginx", "proxy_http_version 1.1;", "proxy_set_header Upgrade $http_upgrade;", "upgrade=websocket"):
        assert words in answer.json["fix"]
    (kept,) = served.gateway.live.refusals
    assert (kept.code, kept.path, kept.client) == ("upgrade_dropped", path, "10.1.2.3")


async def test_an_upgrade_that_a_proxy_broke_in_another_way_is_reported_the_same_lines(served: Served) -> None:
    answer = await served.http("GET", "/ws/say", [*HANDSHAKE, ("upgrade", "websocket"), ("connection", "close")])
    assert answer.json["code"] == "malformed_upgrade"
    assert "proxy_set_header Connection" in answer.json["fix"]


@pytest.mark.parametrize(
    "more",
    [[("sec-websocket-key", "c2hvcnQ="), HANDSHAKE[1]], [HANDSHAKE[1]], [HANDSHAKE[0]], HANDSHAKE + HANDSHAKE[:1]],
)
async def test_what_no_proxy_breaks_is_not_reported_the_lines(served: Served, more: Headers) -> None:
    answer = await served.http("GET", "/ws/say", [("upgrade", "websocket"), ("connection", "upgrade"), *more])
    assert answer.json["code"] == "malformed_upgrade"
    assert answer.json["fix"] == CODES["malformed_upgrade"].fix


async def test_where_nothing_is_it_is_a_404_and_a_plain_get_is_no_refusal(served: Served) -> None:
    assert (await served.http("GET", "/nowhere", HANDSHAKE)).status == 404
    assert (await served.http("GET", "/ws/say")).json["code"] == "upgrade_required"
    assert [kept.code for kept in served.gateway.live.refusals] == ["not_found"]
