"""`refusals: close`: a refusal that a page can read, and who must not read it; the sub-protocols of a handshake."""

from __future__ import annotations

import pytest

from jackfield.errors import CODES, Refusal
from jackfield.identity import Identity
from jackfield.routing.table import RoutingTable
from jackfield.server.handshake.judge import closes_with, judge
from jackfield.server.request import Request
from tests.server.conftest import Build, OpenServed
from tests.server.handshake.test_judge import Seats
from tests.server.served import COOKIE, Headers, Served

SHOP, FOREIGN, OWN = "https://shop.example.org", "https://evil.example", "http://127.0.0.1:8000"
SAY = f"""
  told: {{url: /ws/told, process: p.echo, refusals: close, origins: ["{SHOP}"]}}
  desk: {{url: "/ws/desk/{{number}}", process: p.desk, refusals: close, auth: {{roles: [support]}}}}
  any: {{url: /ws/any, process: p.echo, refusals: close, origins: any}}
  small: {{url: /ws/small, process: p.echo, refusals: close, limits: {{per_user: 1}}}}
  full: {{url: /ws/full, process: p.echo, refusals: close, limits: {{connections: 1}}}}
  plain: {{url: /ws/plain, process: p.echo}}
  http: {{url: /ws/http, process: p.echo, refusals: http}}
  spoken: {{url: /ws/spoken, process: p.echo, subprotocols: [chat.v1]}}
"""
CODE = """
@process(reply="message")
def echo(message: str) -> str:
    return message

@process
def desk(number: int) -> int:
    return number
"""


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    made = await open_served(SAY, CODE)
    await made.add("bob")
    return made


async def reported(served: Served, target: str, headers: Headers) -> tuple[int, str]:
    """The close frame of a refusal that comes with nothing before it."""
    caller = served.call(target, headers)
    await caller.until(2)
    accept, close = caller.sent
    assert (accept["type"], close["type"]) == ("websocket.accept", "websocket.close")
    await caller.task
    return close["code"], close["reason"]


@pytest.mark.parametrize(
    ("target", "login", "headers", "code", "words"),
    [
        ("/ws/told", "", [], 4401, "needs a login"),
        ("/ws/told", "", [("cookie", f"{COOKIE}=nonsense")], 4401, "not one of ours"),
        ("/ws/told", "", [("origin", SHOP)], 4401, "needs a login"),
        ("/ws/told", "", [("origin", OWN)], 4401, "needs a login"),
        ("/ws/any", "", [("origin", FOREIGN)], 4401, "needs a login"),
        ("/ws/desk/5", "bob", [], 4403, 'the role "support"'),
    ],
)
async def test_a_refusal_is_reported_by_a_close_frame(
    served: Served, target: str, login: str, headers: Headers, code: int, words: str
) -> None:
    cookie = await served.cookie(login) if login else []
    number, reason = await reported(served, target, [*cookie, *headers])
    assert number == code
    assert words in reason
    assert reason.startswith(f"{served.gateway.live.refusals[-1].code}: "), "a page reads the code there"
    assert len(served.gateway.live.hub) == 0, "nobody took a seat"
    assert served.gateway.live.refusals[-1].status == code - 4000


async def test_too_many_of_one_user_are_reported_so(served: Served) -> None:
    cookie = await served.cookie("bob")
    first = served.call("/ws/small", cookie)
    await first.accepted()
    number, reason = await reported(served, "/ws/small", cookie)
    assert (number, "1 connections" in reason) == (4429, True)
    await first.leave()


@pytest.mark.parametrize(
    ("target", "headers", "status", "code"),
    [
        ("/ws/told", [("origin", FOREIGN)], 403, "origin_not_allowed"),
        ("/ws/told", [("origin", "null")], 403, "origin_not_allowed"),
        ("/ws/desk/5", [("origin", FOREIGN)], 403, "origin_not_allowed"),
        ("/ws/told", [("cookie", f"{COOKIE}=a; {COOKIE}=b")], 400, "contradictory_credentials"),
        ("/ws/told", [("cookie", f"{COOKIE}={'a' * 5_000}")], 400, "credential_too_long"),
        (f"/ws/told?{COOKIE}=x", [], 400, "credential_in_query"),
        ("/ws/desk/five", [], 404, "not_found"),
        ("/ws/nowhere", [], 404, "not_found"),
        ("/ws/plain", [], 401, "not_logged_in"),
        ("/ws/plain", [("origin", "")], 403, "origin_not_allowed"),
        ("/ws/plain", [("origin", FOREIGN)], 403, "origin_not_allowed"),
        ("/ws/http", [("origin", OWN)], 401, "not_logged_in"),
        ("/ws/told", [("host", "evil.example")], 400, "wrong_host"),
    ],
)
async def test_a_foreign_page_learns_nothing_by_it_and_other_refusals_stay_http(
    served: Served, target: str, headers: Headers, status: int, code: str
) -> None:
    for cookie in ([], await served.cookie("bob")):
        sent = headers if any(name == "cookie" for name, _ in headers) else [*headers, *cookie]
        if code == "not_logged_in" and cookie:
            continue
        answer = await served.call(target, sent).refused()
        assert (answer.status, answer.json["code"]) == (status, code)


async def test_where_nothing_is_said_a_page_that_may_enter_is_told_by_a_close(served: Served) -> None:
    code, reason = await reported(served, "/ws/plain", [("origin", OWN)])
    assert (code, reason.partition(": ")[0]) == (4401, "not_logged_in")


async def test_a_full_endpoint_stays_http_since_no_close_code_says_it(served: Served) -> None:
    cookie = await served.cookie("bob")
    first = served.call("/ws/full", cookie)
    await first.accepted()
    assert (await served.call("/ws/full", cookie).refused()).status == 503
    await first.leave()


async def test_the_accept_answers_the_sub_protocol_or_a_browser_would_hide_the_close(served: Served) -> None:
    caller = served.call("/ws/told", [("sec-websocket-protocol", "jackfield.v1, bearer.nonsense")])
    await caller.until(2)
    await caller.task
    assert caller.sent[0]["subprotocol"] == "jackfield.v1"
    assert caller.sent[1]["code"] == 4401


async def test_a_reason_is_cut_between_letters(open_served: OpenServed) -> None:
    role = "п" * 60
    endpoint = f"  desk: {{url: /ws/desk, process: p.echo, refusals: close, auth: {{roles: [{role}, {role}б]}}}}"
    served = await open_served(endpoint)
    await served.add("bob")
    _, reason = await reported(served, "/ws/desk", await served.cookie("bob"))
    assert 120 < len(reason.encode()) <= 123
    assert "�" not in reason


def test_the_origin_is_judged_whatever_the_refusal_is(build_table: Build) -> None:
    table = build_table(SAY, CODE)
    for code in (name for name, code in CODES.items() if code.status):
        for origin, status in ((SHOP, {401, 403, 429}), (FOREIGN, set())):
            asked = Request("GET", b"/ws/told", b"", ((b"origin", origin.encode()),), OWN)
            shown = closes_with(table, asked, Refusal(code)) is not None
            assert shown is (CODES[code].status in status)


# sub-protocols


@pytest.mark.parametrize(
    ("path", "offered", "chosen"),
    [
        ("/ws/plain", "jackfield.v1, bearer.abc", "jackfield.v1"),
        ("/ws/plain", "bearer.abc, jackfield.v1", "jackfield.v1"),
        ("/ws/plain", "jackfield.v1", "jackfield.v1"),
        ("/ws/plain", "jackfield.v2", None),
        ("/ws/plain", "bearer.abc", None),
        ("/ws/spoken", "chat.v1, jackfield.v1, bearer.abc", "chat.v1"),
        ("/ws/spoken", "jackfield.v1, bearer.abc, chat.v1", "jackfield.v1"),
    ],
)
def test_a_credential_is_never_answered_as_a_sub_protocol(
    build_table: Build, path: str, offered: str, chosen: str | None
) -> None:
    asked = Request("GET", path.encode(), b"", ((b"sec-websocket-protocol", offered.encode()),), OWN)
    table: RoutingTable = build_table(SAY, CODE)
    assert judge(table, asked, Identity("bob"), Seats()).subprotocol == chosen


@pytest.mark.parametrize("how", ["cookie", "bearer", "subprotocol"])
async def test_a_token_enters_however_it_is_carried(served: Served, how: str) -> None:
    token = (await served.sessions.open_for("bob")).token
    headers = {
        "cookie": [("cookie", f"{COOKIE}={token}")],
        "bearer": [("authorization", f"Bearer {token}")],
        "subprotocol": [("sec-websocket-protocol", f"jackfield.v1, bearer.{token}")],
    }[how]
    caller = served.call("/ws/plain", headers)
    assert await caller.accepted() == ("jackfield.v1" if how == "subprotocol" else None)
    assert await caller.ask({"message": "да"}) == {"message": "да"}
    await served.http("POST", "/auth/logout", headers)
    assert (await caller.closed())[0] == 4401


# the line to paste


async def test_where_the_documents_are_open_the_line_says_its_place(open_served: OpenServed) -> None:
    served = await open_served(SAY, CODE)
    answer = await served.call("/ws/told", [("origin", FOREIGN)]).refused()
    assert answer.json["fix"] == f'origins: ["{SHOP}", "{FOREIGN}"]  # endpoints.yaml:4, endpoint told'
    answer = await served.call("/ws/plain", [("origin", FOREIGN)]).refused()
    assert answer.json["fix"] == f'origins: ["{FOREIGN}"]  # endpoints.yaml:9, endpoint plain'
    public = await open_served(SAY, CODE, host="0.0.0.0", insecure=True)
    answer = await public.call("/ws/told", [("origin", FOREIGN)]).refused()
    assert answer.json["fix"] == f'origins: ["{FOREIGN}"]', "whom else it lets in is nobody's business"
