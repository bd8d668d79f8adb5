"""What a real browser lets a page of a foreign origin do, and what is never negotiated with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.projects import ECHO
from tests.walk.browser import Visitor
from tests.walk.conftest import Server, ask, write
from tests.walk.spa import Story, logged_in

pytestmark = pytest.mark.walk


@pytest.mark.parametrize("path", ["/ws/plain", "/ws/told"])
async def test_tr_2_a_page_of_a_foreign_origin_cannot_connect(here: Story, visitor: Visitor, path: str) -> None:
    await logged_in(here, visitor)
    # Another port of one host is the same site: the browser sends the cookie, and only the origin reports them apart.
    foreign = await visitor.open(here.page(here.foreign))
    closed = await foreign.run(f'return (new Line("{path}")).closed')
    assert closed == {"code": 1006, "reason": ""}, "it learns nothing, not even by a close frame"
    refused = here.node.gateway.live.refusals[-1]
    assert (refused.code, refused.origin, refused.login) == ("origin_not_allowed", here.foreign, "admin")
    assert len(here.node.gateway.live.hub) == 0
    assert not any(outcome == "accepted" for _, outcome, _ in here.node.gateway.live.metrics.handshakes)

    known = await visitor.open(here.page(here.known))
    assert await known.run(f'return (new Line("{path}")).outcome') == "open"


async def test_tr_2_a_page_of_a_foreign_origin_reads_nothing_and_logs_nobody_out(here: Story, visitor: Visitor) -> None:
    known = await logged_in(here, visitor)
    foreign = await visitor.open(here.page(here.foreign))
    for method, path in (("GET", "/auth/session"), ("GET", "/ws/plain"), ("POST", "/auth/logout")):
        outcome = await foreign.run(f'return ask("{method}", "{path}").catch(error => error.name)')
        assert outcome == "TypeError", (method, path)
    assert (await known.run('return ask("GET", "/auth/session")'))["status"] == 200


def test_tr_11_compression_is_not_negotiated(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, echo=ECHO, endpoints="endpoints: {say: {url: /ws/say, process: echo.say}}")
    server = start(tmp_path)
    with server.socket("/ws/say", additional_headers=server.first_cookie(), compression="deflate") as socket:
        asked, answered = socket.request, socket.response
        assert asked is not None
        assert answered is not None
        assert "permessage-deflate" in asked.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in answered.headers
        assert ask(socket, message="ы" * 1_000) == {"message": "ы" * 1_000}
