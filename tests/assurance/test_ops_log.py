"""OPS-1 to OPS-3: what stands in the log, what can never stand there, and that nobody can forge a line."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from jackfield.logs import MAX_STACK, MAX_VALUE, setup
from jackfield.server.node.node import open_node
from jackfield.server.options import Options
from jackfield.state import State
from tests.projects import SAY, write
from tests.server.conftest import OpenServed
from tests.server.served import COOKIE, Served

ENDPOINTS = """
  say: {url: /ws/say, process: p.say, origins: ["https://app.example.com"]}
  desk: {url: /ws/desk, process: p.say, auth: {roles: [support]}}
  fast: {url: /ws/fast, process: p.say, auth: public, limits: {rate: 1/s}}
"""
CODE = """
@process(reply="message")
def say(message: str, caller: Connection) -> str:
    if message == "close":
        caller.close(4001, "хватит")
    if message.startswith("fail"):
        raise ValueError(message)
    return message
"""
APP = ("origin", "https://app.example.com")

OPEN_AND_CLOSED = ("connection_opened", "connection_closed")

Event = dict[str, Any]


class Lines:
    """What the log wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def raw(self) -> list[str]:
        text = self.stream.getvalue()
        return text.removesuffix("\n").split("\n") if text else []

    @property
    def events(self) -> list[Event]:
        found = [json.loads(line) for line in self.raw]
        assert all(isinstance(event, dict) for event in found)
        return found

    def last(self, name: str) -> Event:
        return [event for event in self.events if event["event"] == name][-1]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root, ours = logging.getLogger(), logging.getLogger("jackfield")
    before = root.handlers[:], root.level, ours.level
    written = Lines()
    setup("json", written.stream)
    yield written
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.fixture
async def desk(open_served: OpenServed) -> Served:
    made: Served = await open_served(ENDPOINTS, CODE)
    await made.add("аня", password="верный пароль-71")
    return made


# OPS-1

HOSTILE = {
    "CR LF": 'x\r\n{"event":"login","login":"admin"}',
    "LF": 'x\n{"event":"login","login":"admin"}',
    "U+2028": "x\u2028y\u2029z\x85",
    "ESC": "\x1b[2J\x1b]0;admin\x07",
    "NUL": "x\x00y",
    "1 MB": "x" * 1_000_000,
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
async def test_ops_1_no_value_of_a_client_makes_a_line_of_its_own(desk: Served, lines: Lines, value: str) -> None:
    raw = value.encode().decode("latin-1")  # the bytes as a header carries them
    await desk.call(f"/ws/{raw}").task
    await desk.call(f"/ws/{quote(value)}").task
    await desk.call("/ws/say", [("cookie", f"{COOKIE}={raw}"), APP]).task
    await desk.call("/ws/say", [("origin", f"https://{raw}")]).task
    await desk.call("/ws/say", [("host", raw)]).task
    assert [event["event"] for event in lines.events] == ["refused"] * 5
    await desk.http("POST", "/auth/login", body={"login": value[:1000], "password": "falsch"})
    names = [event["event"] for event in lines.events[5:]]
    assert names in (["login_refused", "refused"], ["refused"])
    before = len(lines.raw)
    caller = desk.call("/ws/say", await desk.cookie("аня"))
    await caller.accepted()
    await caller.ask({"message": f"fail {value[:50_000]}"})
    await caller.ask({"message": {value[:50_000]: value[:1_000]}})
    await caller.leave()
    reported = lines.events[before:]
    assert [event["event"] for event in reported] == ["connection_opened", "process_failed", "connection_closed"]
    for line, event in zip(lines.raw, lines.events, strict=True):
        assert line.isprintable()
        assert len(event.pop("exception", "")) < MAX_STACK + 10
        assert all(len(text) <= MAX_VALUE + 100 for text in event.values() if isinstance(text, str))


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
async def test_ops_1_nor_in_the_log_for_people(desk: Served, lines: Lines, value: str) -> None:
    setup("text", lines.stream)
    raw = value.encode().decode("latin-1")
    await desk.call(f"/ws/{raw}").task
    await desk.call("/ws/say", [("origin", f"https://{raw}")]).task
    await desk.http("POST", "/auth/login", body={"login": value[:1000], "password": "falsch"})
    caller = desk.call("/ws/fast")
    await caller.accepted()
    await caller.ask({"message": f"fail {value[:1_000]}"})
    await caller.leave()
    for line in lines.raw:
        assert line.isprintable()
        assert len(line) < 10 * MAX_VALUE
        event = re.match(r"\d{4}-\d\d-\d\dT[0-9:.]{12}Z \[(info|warning|error) +\] (\w+)( |$)", line)
        assert event is not None or line.startswith("    "), "a line of a stack"
        assert event is None or event[2] in ("refused", "login_refused", "process_failed", *OPEN_AND_CLOSED)


# OPS-2


async def test_ops_2_no_secret_stands_in_the_log_whatever_is_asked(desk: Served, lines: Lines) -> None:
    answer = await desk.http("POST", "/auth/login", body={"login": "аня", "password": "верный пароль-71"})
    token = answer.json["token"]
    await desk.http("POST", "/auth/login", body={"login": "аня", "password": "неверный-72"})
    await desk.http("POST", "/auth/login?password=query-73", body=b"password=body-74")
    cookie = ("cookie", f"{COOKIE}={token}")
    caller = desk.call("/ws/say?key=query-75", [cookie, APP])
    await caller.accepted()
    await caller.ask({"message": "payload-76"})
    await caller.ask({"message": "payload-77", "more": "payload-78"})
    await caller.leave()
    for target, headers in (
        (f"/ws/say?{COOKIE}={token}", [APP]),
        ("/ws/say?token=query-79", [("cookie", f"{COOKIE}=cookie-80"), APP]),
        ("/ws/say", [cookie, ("cookie", f"{COOKIE}=cookie-81"), APP]),
        ("/ws/say", [("authorization", "Bearer bearer-82"), APP]),
        ("/ws/say", [("sec-websocket-protocol", "jackfield.v1, bearer.bearer-83"), APP]),
        ("/nothing?q=query-84", [cookie]),
    ):
        await desk.call(target, headers).task
        await desk.http("GET", target, headers)
    await desk.http("POST", "/auth/logout", [cookie])
    assert len(lines.events) > 15
    written = lines.stream.getvalue() + desk.gateway.live.metrics.text().decode()
    secrets = [token, token[:20], "верный пароль", "неверный", "payload-", "query-", "body-", "cookie-", "bearer-8"]
    assert [secret for secret in secrets if secret in written] == []


@pytest.mark.parametrize("form", ["{}", "Bearer {}", f"{COOKIE}={{}}", " {}", "{}\n", '"{}"'])
async def test_ops_2_a_secret_in_the_field_of_the_login_is_reported_by_its_hash(
    desk: Served, lines: Lines, form: str
) -> None:
    token = (await desk.cookie("аня"))[0][1].partition("=")[2]
    for secret in (token, token.replace(".", "%2e"), token.replace(".", "/"), "верный пароль-71", "p" * 65):
        await desk.http("POST", "/auth/login", [("origin", f"http://{token}")], {"login": secret, "password": "x" * 9})
        await desk.http("POST", "/auth/login", [], {"login": form.format(secret), "password": "x" * 9})
        reported = lines.last("login_refused")
        assert re.fullmatch("hash:[0-9a-f]{12}", reported["login"])
    written = lines.stream.getvalue()
    assert [piece for piece in (*token.split("."), "верный пароль", "ppp") if len(piece) > 1 and piece in written] == []


@pytest.mark.parametrize("login", ["anna", "anna.petrova@example.com", "Анна Петрова"])
async def test_ops_2_a_login_that_somebody_has_is_reported_as_it_is(desk: Served, lines: Lines, login: str) -> None:
    await desk.add(login, password="верный пароль-71")
    for _ in range(11):
        await desk.http("POST", "/auth/login", [], {"login": login, "password": "falsch-72"})
        assert lines.last("login_refused")["login"] == login
    assert lines.last("login_refused")["code"] == "too_many_attempts"


# OPS-3


async def test_ops_3_what_happens_to_a_connection_is_logged_with_what_links_it(desk: Served, lines: Lines) -> None:
    answer = await desk.http("POST", "/auth/login", body={"login": "аня", "password": "верный пароль-71"})
    cookie = ("cookie", f"{COOKIE}={answer.json['token']}")
    caller = desk.call("/ws/say", [cookie, APP])
    await caller.accepted()
    failed = await caller.ask({"message": "fail"})
    await caller.leave()
    login, opened, fault, closed = lines.events
    assert [event["event"] for event in lines.events] == [
        "login",
        "connection_opened",
        "process_failed",
        "connection_closed",
    ]
    assert opened["endpoint"] == "say"
    assert opened["login"] == login["login"] == "аня"
    assert opened["session"] == login["session"] != ""
    assert opened["client"] == login["client"] == "10.1.2.3"
    assert opened["origin"] == APP[1]
    assert fault["connection"] == opened["connection"] == closed["connection"] != ""
    assert fault["incident"] == failed["error"]["incident"]
    assert (closed["code"], closed["cause"], closed["reason"]) == (1001, "client", "")
    assert closed["seconds"] >= 0
    assert {key: closed[key] for key in ("login", "session", "client", "origin")} == {
        key: opened[key] for key in ("login", "session", "client", "origin")
    }


async def test_ops_3_each_close_has_its_cause_and_reason(desk: Served, lines: Lines) -> None:
    caller = desk.call("/ws/say", [*await desk.cookie("аня"), APP])
    await caller.accepted()
    caller.incoming.put_nowait({"type": "websocket.receive", "text": '{"message": "close"}'})
    await caller.closed()
    closed = lines.last("connection_closed")
    assert (closed["code"], closed["cause"], closed["reason"]) == (4001, "process", "хватит")

    caller = desk.call("/ws/say", [*await desk.cookie("аня"), APP])
    await caller.accepted()
    who = next(iter(desk.gateway.live.hub)).identity
    await desk.sessions.logout(who)
    code, reason = await caller.closed()
    closed = lines.last("connection_closed")
    assert (
        (closed["code"], closed["cause"], closed["reason"])
        == (4401, "session_ended", reason)
        == (code, "session_ended", reason)
    )

    caller = desk.call("/ws/fast")
    await caller.accepted()
    for _ in range(10):
        caller.incoming.put_nowait({"type": "websocket.receive", "text": '{"message": "flood"}'})
    await caller.closed()
    closed = lines.last("connection_closed")
    assert (closed["code"], closed["cause"], closed["login"]) == (4429, "flood", "")
    assert "1 a second" in closed["reason"]


async def test_ops_3_each_refusal_says_why_and_whom(desk: Served, lines: Lines) -> None:
    cookie = await desk.cookie("аня")
    for target, headers, code in (
        ("/ws/nowhere", [], "not_found"),
        ("/ws/say", [*cookie, ("origin", "https://evil.example")], "origin_not_allowed"),
        ("/ws/say", [APP], "not_logged_in"),
        ("/ws/say", [("cookie", f"{COOKIE}=nonsense"), APP], "bad_credential"),
        ("/ws/desk", cookie, "role_required"),
        (f"/ws/say?{COOKIE}=x", [APP], "credential_in_query"),
    ):
        await desk.call(target, headers).task
        reported = lines.events[-1]
        assert (reported["event"], reported["code"], reported["client"]) == ("refused", code, "10.1.2.3")
        assert reported["path"] == target.partition("?")[0]
        assert reported["origin"] == dict(headers).get("origin", "")
        if code in ("origin_not_allowed", "role_required"):
            assert reported["login"] == "аня"


async def test_ops_3_logins_and_logouts_are_logged(desk: Served, lines: Lines) -> None:
    await desk.http("POST", "/auth/login", [], {"login": "аня", "password": "falsch"})
    reported = lines.last("login_refused")
    assert (reported["level"], reported["login"], reported["code"], reported["client"]) == (
        "warning",
        "аня",
        "login_failed",
        "10.1.2.3",
    )
    answer = await desk.http("POST", "/auth/login", [], {"login": "аня", "password": "верный пароль-71"})
    session = lines.last("login")["session"]
    await desk.http("POST", "/auth/logout", [("cookie", f"{COOKIE}={answer.json['token']}")])
    assert lines.last("logout")["session"] == session
    logins = desk.gateway.live.metrics.logins
    assert logins == {("refused", "login_failed"): 1, ("accepted", ""): 1}


async def test_ops_3_publishes_are_logged_and_counted(tmp_path: Path, lines: Lines) -> None:
    write(tmp_path, "endpoints:\n  say: {url: /ws/say, process: say.say, auth: public}\n", say=SAY)
    async with open_node(tmp_path, State.open(tmp_path), Options()) as node:
        write(tmp_path, say=SAY + "# changed\n")
        report = await node.publisher.publish()
        reported = lines.last("published")
        assert (reported["hash"], reported["generation"], reported["back"]) == (report.hash, 2, False)
        write(tmp_path, say="def (:\n")
        with pytest.raises(Exception, match="broken_module"):
            await node.publisher.publish()
        await node.publisher.publish(dry_run=True, back=True)
        assert node.gateway.live.metrics.publishes == {"published": 1, "refused": 1}
