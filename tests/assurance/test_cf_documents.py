"""Row CF-12: the documents of a server are no more public than its administration."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.server.web import documents
from tests.server.conftest import OpenServed
from tests.server.served import SERVED, SERVED_CODE

OPEN = [{}, {"host": "::1"}, {"public_url": "http://localhost:9000"}]
CLOSED = [
    {"host": "0.0.0.0", "insecure": True},
    {"behind_proxy": ("127.0.0.1/32",)},
    {"public_url": "https://desk.example.com"},
    {"embedded": True},
    {"admin_port": 9000},
]


@pytest.mark.parametrize("listener", [*OPEN, *CLOSED], ids=str)
async def test_cf_12_documents_are_open_by_listener_and_never_by_where_the_caller_is(
    open_served: OpenServed, listener: dict[str, Any]
) -> None:
    served = await open_served(SERVED, SERVED_CODE, **listener)
    await served.add("anna", "support")
    for path in sorted(documents.ADDRESSES):
        for headers in ([], [("x-forwarded-for", "127.0.0.1")], await served.cookie("anna")):
            answer = await served.http("GET", path, headers, client=("127.0.0.1", 5000))
            if listener in OPEN:
                assert answer.status == 200, path
            else:
                assert answer.status in (401, 403), path
                assert b"/ws/say" not in answer.body
