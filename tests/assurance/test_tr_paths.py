"""Row TR-10: routing and authorization see one path, and it is the raw one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.conftest import OpenServed
from tests.server.frames import request
from tests.server.served import SERVED, SERVED_CODE, Served
from tests.server.sockets import listening

TARGETS = [
    *("//ws/say", "/ws//say", "/ws/say/", "/ws/./say", "/./ws/say", "/ws/../ws/say", "/public/../ws/say", "/ws/say/.."),
    *("/ws/%2e%2e/ws/say", "/ws/public/%2e%2e/say", "/ws%2fsay", "/ws/say%2f", "/ws%5csay", "/ws\\say"),
    *("/ws/say%00", "/ws/say%0a", "/ws/s%C0%61y", "/ws/say%", "/ws/say%2", "/ws/%2573ay", "/WS/say", "/ws/say;x=1"),
    *("ftp://127.0.0.1/ws/say", "http://a@127.0.0.1/ws/say", "http:///ws/say", "ws/say", "*", "/ws/say#x"),
]


async def said(served: Served, target: str, **headers: str) -> tuple[int, str]:
    """The status that an upgrade request gets from the real listener, and the code with it."""
    async with listening(served.gateway) as connect:
        peer = await connect()
        await peer.send(request(target, **headers))
        status, _, body = await peer.answer()
        return status, json.loads(body)["code"] if status != 101 else ""


async def test_tr_10_another_spelling_of_a_path_is_no_way_around_the_login(served: Served) -> None:
    (_, cookie) = (await served.cookie("bob"))[0]
    refusals = {(404, "not_found"), (400, "malformed_request"), (400, "malformed_upgrade")}
    for target in TARGETS:
        for headers in ({}, {"Cookie": cookie}):
            assert await said(served, target, **headers) in refusals, (target, headers)
        assert (await served.http("GET", target)).status in (400, 404), target


@pytest.mark.parametrize(
    "target",
    [
        "/ws/say",
        "/ws/%73ay",
        "/ws/s%61y",
        "/%77s/say",
        "/ws/say?x=/../public",
        "http://127.0.0.1/ws/say",
        "ws://127.0.0.1/ws/say",
    ],
)
async def test_tr_10_what_is_the_same_path_gets_the_same_verdict(served: Served, target: str) -> None:
    (_, cookie) = (await served.cookie("bob"))[0]
    assert await said(served, target) == (401, "not_logged_in")
    assert await said(served, target, Cookie=cookie) == (101, "")


async def test_tr_10_an_absolute_address_is_judged_by_the_host_that_it_names(served: Served) -> None:
    """RFC 9112, section 3.2.2: the header is ignored then, and DNS rebinding finds no other way in."""
    assert await said(served, "http://evil.example/ws/say") == (400, "wrong_host")
    assert await said(served, "http://evil.example/ws/say", Host="127.0.0.1") == (400, "wrong_host")


@pytest.mark.parametrize("options", [{}, {"host": "0.0.0.0", "insecure": True}], ids=["loopback", "public"])
async def test_tr_10_a_host_with_more_than_a_name_and_a_port_is_refused(
    open_served: OpenServed, options: dict[str, Any]
) -> None:
    served = await open_served(SERVED, SERVED_CODE, **options)
    assert (await said(served, "/ws/public", Host="127.0.0.1:8000"))[0] == 101
    for more in ("/ws/public", "/../x", " x", "?x", "#x", "\\x", ",127.0.0.1", ":1:2", "@127.0.0.1"):
        status, code = await said(served, "/ws/public", Host=f"127.0.0.1{more}")
        assert (status, code) in {(400, "wrong_host"), (400, "malformed_request")}, more


async def test_tr_10_a_path_that_looks_like_one_of_ours_is_not_caught_by_an_endpoint(open_served: OpenServed) -> None:
    """An endpoint such as /{a}/{b} has no say over the addresses that are ours, however they are written."""
    served = await open_served('  any: {url: "/{a}/{b}", process: p.any, auth: public}\n', ANY)
    assert (await said(served, "/x/y"))[0] == 101
    for target in ("/x/..", "/x/%2e%2e", "/x/.", "/x/a%2fb", "/x/a%5cb", "/x/%00", "/x/%0a", "/x/", "//x", "/x/%C0%61"):
        assert (await said(served, target))[0] == 404, target
    for target in ("/auth/login", "/%61uth/login", "/api/users", "/metrics/x", "/docs/x", "/openapi.json/x"):
        assert (await said(served, target))[0] in (401, 404, 405), target


ANY = """
@process(reply="a")
def any(a: str, b: str) -> str:
    return a + b
"""
