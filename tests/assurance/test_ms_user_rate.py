"""Row MS-10, the rate of a user: `limits.rate_per_user`, at a real server with real clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.projects import ECHO
from tests.server.served import COOKIE, LIMIT
from tests.walk import conftest
from tests.walk.conftest import Server, jackfield, jackfield_here

from .rough import begun

pytestmark = pytest.mark.walk

# One message in ten seconds: however slowly this runs, the second comes too soon.
ENDPOINTS = """
endpoints:
  say: {url: /ws/say, process: p.say, limits: {rate_per_user: 6/m}}
  other: {url: /ws/other, process: p.say, limits: {rate_per_user: 6/m}}
"""

Connect = Callable[..., ClientConnection]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from begun(tmp_path_factory.mktemp("rates"), ENDPOINTS, ECHO)


@pytest.fixture
def enter(server: Server, request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Connect as a user of this test's own."""
    tokens: dict[str, str] = {}
    opened = ExitStack()

    def make(name: str, path: str = "/ws/say") -> ClientConnection:
        login = f"{name} {request.node.name}"
        if name not in tokens:
            jackfield(server.folder, "users", "add", login, "--password-stdin", given="ein langes Kennwort\n")
            tokens[name] = jackfield_here(server.folder, "token", login).strip()
        cookie = {"Cookie": f"{COOKIE}={tokens[name]}"}
        return opened.enter_context(connect(server.ws + path, additional_headers=cookie))

    with opened:
        yield make


def ask(client: ClientConnection) -> Any:
    """What is answered: the message, or the error that it earned."""
    answer = conftest.ask(client, message="да")
    return answer.get("message") or answer["error"]


def test_ms_10_all_connections_of_a_user_share_a_rate_and_others_are_not_concerned(enter: Connect) -> None:
    one, two, elsewhere = enter("аня"), enter("аня"), enter("аня", "/ws/other")
    assert ask(one) == "да"
    refused = ask(two)
    assert refused["code"] == "rate_limited"
    assert "from all connections of this user" in refused["message"]
    assert 0 < refused["retry_after"] <= 20, "ten for each that came too soon"
    with pytest.raises(ConnectionClosed) as caught:
        ask(two)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 4429
    assert ask(elsewhere) == "да", "each endpoint has its own"
    assert ask(enter("боб")) == "да"
    one.ping().wait(LIMIT)


def test_ms_10_who_connects_anew_begins_with_no_full_bucket(server: Server, enter: Connect) -> None:
    first = enter("аня")
    assert ask(first) == "да"
    first.close()
    server.wait_for("connection_closed.*login='?аня")
    assert ask(enter("аня"))["code"] == "rate_limited"


def test_ms_10_the_documents_say_whose_rate_it_is() -> None:
    page = Path(__file__).parents[2] / "platform/jackfield/docs/endpoints.md"
    assert "Messages that all connections of one user to the endpoint may send together" in page.read_text("utf-8")
