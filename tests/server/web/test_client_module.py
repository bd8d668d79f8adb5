"""The client for pages as it is served: to whom, and to pages of which origins."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest

from jackfield.server.web import client_module
from tests.server.conftest import OpenServed
from tests.server.served import SERVED, SERVED_CODE, Served

PUBLIC: dict[str, Any] = {"host": "0.0.0.0", "insecure": True}
MOST = 6 * 1024


def test_it_is_small_and_stands_alone() -> None:
    text = resources.files("jackfield.server.web").joinpath("jackfield.js").read_text("utf-8")
    assert len(text.encode()) <= MOST
    assert "import " not in text


@pytest.mark.parametrize("options", [{}, PUBLIC, {"apart": True}, {"admin_port": 8001}])
async def test_everybody_gets_it(open_served: OpenServed, options: dict[str, Any]) -> None:
    served = await open_served(SERVED, SERVED_CODE, **options)
    for path, kind in (("/jackfield.js", "text/javascript"), ("/jackfield.d.ts", "text/plain")):
        answer = await served.http("GET", path)
        assert (answer.status, answer.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert b"export" in answer.body
        again = await served.http("GET", path, [("if-none-match", answer.headers["etag"])])
        assert (again.status, again.body) == (304, b"")
        refused = await served.http("POST", path)
        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")


async def test_pages_that_some_endpoint_names_may_import_it(open_served: OpenServed) -> None:
    endpoints = """
  say: {url: /ws/say, process: p.echo, origins: ["https://shop.example.com"]}
  all: {url: /ws/all, process: p.echo, origins: any, auth: public}
"""
    head = 'defaults: {origins: ["https://*.example.org"]}'
    served = await open_served(endpoints, head=head, **PUBLIC)
    for origin, may in (
        ("https://shop.example.com", True),
        ("https://a.example.org", True),
        ("https://evil.example.net", False),
        ("null", False),
    ):
        for path in client_module.ADDRESSES:
            answer = await served.http("GET", path, [("origin", origin)])
            assert answer.status == 200
            assert answer.headers["vary"] == "Origin"
            assert answer.headers.get("access-control-allow-origin") == (origin if may else None)


async def test_where_no_page_is_named_none_may(served: Served) -> None:
    answer = await served.http("GET", "/jackfield.js", [("origin", "https://evil.example.net")])
    assert "access-control-allow-origin" not in answer.headers
    assert "vary" not in answer.headers
