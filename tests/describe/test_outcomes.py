"""Which codes apply to an endpoint: none that cannot come, and all that its settings bring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jackfield.describe import outcomes, phrases
from jackfield.describe.contract import Operation, contract
from jackfield.errors import CODES, Refusal
from jackfield.identity import ANONYMOUS
from jackfield.routing.build import build
from jackfield.routing.table import RoutingTable
from jackfield.server.handshake.judge import closes_with, rejudge
from jackfield.server.request import Request, Standing
from tests.describe import drawn

SOURCE = "from jackfield import process\n@process\ndef f(text: str) -> str: ...\n"


class Make:
    """Makes operations of one endpoint; `tables` are what they came from."""

    def __init__(self, folder: Path) -> None:
        self.tables: list[RoutingTable] = []
        self._folder = folder

    def __call__(self, *, source: str = SOURCE, **settings: Any) -> Operation:
        endpoint = {"url": "/ws", **({} if "actions" in settings else {"process": "p.f"}), **settings}
        plan = {"roles": {"lead": "…"}, "endpoints": {"e": endpoint}}
        self.tables.append(drawn.table_of(self._folder, plan, source))
        return contract(self.tables[-1]).operations[0]


@pytest.fixture
def operation(tmp_path: Path) -> Iterator[Make]:
    make = Make(tmp_path)
    yield make
    for table in make.tables:
        table.catalog.release()


def names(codes: tuple[Any, ...]) -> set[str]:
    return {code.name for code in codes}


@pytest.mark.parametrize(
    ("settings", "there", "absent"),
    [
        ({}, {"not_logged_in", "bad_credential", "origin_not_allowed"}, {"role_required", "too_many_of_address"}),
        ({"auth": {"roles": ["lead"]}}, {"role_required", "not_logged_in"}, set()),
        ({"auth": "optional"}, {"bad_credential", "session_expired"}, {"not_logged_in", "role_required"}),
        ({"auth": "public"}, {"not_found", "tls_required"}, {"bad_credential", "not_logged_in", "too_many_of_user"}),
        ({"auth": "public"}, {"request_too_slow", "headers_too_large"}, {"credential_too_long", "store_unavailable"}),
        ({"origins": "any"}, set(), {"origin_not_allowed"}),
        ({"origins": "any", "origin_required": True}, {"origin_not_allowed"}, set()),
        ({"limits": {"per_address": 3}}, {"too_many_of_address"}, set()),
    ],
)
def test_refusals(operation: Make, settings: dict[str, Any], there: set[str], absent: set[str]) -> None:
    found = outcomes.refusals(operation(**settings))
    assert there <= names(found)
    assert not absent & names(found)
    assert [code.status for code in found] == sorted(code.status for code in found)
    assert {code.moment for code in found} == {"handshake"}


def test_errors(operation: Make) -> None:
    every = {code.name for code in CODES.values() if code.moment == "message"}
    every -= {"busy", "time_exceeded", "no_messages", "no_row", "action_forbidden", "cancelled"}
    assert names(outcomes.errors(operation())) == every
    assert every - names(outcomes.errors(operation(limits={"rate": "off"}))) == {"rate_limited"}
    assert names(outcomes.errors(operation(limits={"rate": "off", "rate_per_user": "5/s"}))) == every


@pytest.mark.parametrize(
    ("source", "more"),
    [
        ("@process\ndef f() -> str: ...", set()),
        ("@process\nasync def f() -> str: ...", {"time_exceeded", "cancelled"}),
        ("@process\ndef f():\n    yield ''", {"time_exceeded", "cancelled"}),
        ("@process(blocking=True)\ndef f() -> str: ...", {"time_exceeded", "cancelled", "busy"}),
        ("@process(blocking=True)\ndef f():\n    yield ''", {"time_exceeded", "cancelled", "busy"}),
    ],
)
def test_what_can_go_wrong_depends_on_how_a_process_runs(operation: Make, source: str, more: set[str]) -> None:
    every = {code.name for code in CODES.values() if code.moment == "message"} - {"no_messages", "no_row"}
    found = operation(source=f"from jackfield import process\n{source}\n")
    assert every - names(outcomes.errors(found)) == {"time_exceeded", "cancelled", "busy", "action_forbidden"} - more
    assert ("time" in phrases.limits(found.limits, in_place=found.in_place)) is ("time_exceeded" in more)


@pytest.mark.parametrize(("cell", "told"), [("Привет", True), ("", False)])
def test_a_table_without_a_rest_says_that_no_row_fits(tmp_path: Path, cell: str, told: bool) -> None:
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "faq.csv").write_text(f"first,message,keep,reply.text\n1,{cell},yes,да\n", "utf-8")
    (tmp_path / "endpoints.yaml").write_text("endpoints: {a: {url: /ws/a, process: faq}}\n")
    table = build(tmp_path, 1)
    table.catalog.release()
    (found,) = contract(table).operations
    assert ("no_row" in names(outcomes.errors(found))) is told
    assert not found.asks


def test_an_action_with_roles_can_be_forbidden_and_one_with_a_rate_limited(operation: Make) -> None:
    def found(more: dict[str, Any]) -> set[str]:
        actions = {"say": {"process": "p.f", **more}}
        return names(outcomes.errors(operation(actions=actions, limits={"rate": "off"})))

    assert not {"action_forbidden", "rate_limited"} & found({})
    assert "action_forbidden" in found({"auth": {"roles": ["lead"]}})
    assert "rate_limited" in found({"limits": {"rate": "5/s"}})


def test_messages_that_join_groups_can_be_refused(operation: Make) -> None:
    plain = names(outcomes.errors(operation()))
    more = {"group_forbidden", "group_full", "not_found"}
    both = operation(actions={"subscribe": "group.join", "say": "p.f"})
    assert names(outcomes.errors(both)) - plain == more | {"time_exceeded", "cancelled"}
    assert [names(outcomes.errors(one)) & more for one in both.actions] == [more, set()]
    for process in ("group.leave", "group.remove"):
        assert names(outcomes.errors(operation(process=process, auth={"roles": ["lead"]}))) & more == {
            "group_forbidden"
        }


def test_closes(operation: Make) -> None:
    every = {code.name for code in CODES.values() if code.moment == "connection"}
    all_of_them = {"idle": "5m", "when_full": "close_oldest"}
    known = {"removed", "replaced", "session_ended"}
    assert every - names(outcomes.closes(operation(refusals="http"))) == {"idle", "replaced"}
    assert names(outcomes.closes(operation(refusals="http", limits=all_of_them))) == every
    assert every - names(outcomes.closes(operation(auth="public", limits=all_of_them))) == known


def test_a_publish_can_close_what_is_public(operation: Make) -> None:
    """That `forbidden` is told there is no caution: a line less in `origins`, and the page is closed 4403."""
    before = operation(auth="public", origins=["https://a.example"])
    table = operation.tables[-1]
    standing = Standing("e", {}, ("https://b.example",), "https://own.example")
    closing = rejudge(table, standing, ANONYMOUS)
    assert closing is not None
    assert (closing.number, closing.code) in {(code.close, code.name) for code in outcomes.closes(before)}


@pytest.mark.parametrize(
    "settings",
    [{}, {"auth": "public"}, {"auth": {"roles": ["lead"]}, "limits": {"per_address": 1}}, {"origins": "any"}],
)
@pytest.mark.parametrize("refusals", ["auto", "http", "close"])
def test_what_a_close_frame_reports_is_what_the_server_reports_by_one(
    operation: Make, settings: dict[str, Any], refusals: str
) -> None:
    found = operation(refusals=refusals, **settings)
    own = "https://own.example"
    by_close = {code.name: code.close for code in outcomes.closing_refusals(found)}
    for code in outcomes.refusals(found):
        page = "https://evil.example" if code.name == "origin_not_allowed" else own
        request = Request("GET", b"/ws", b"", ((b"origin", page.encode()),), own)
        route = closes_with(operation.tables[-1], request, Refusal(code.name))
        assert (route is not None) is (code.name in by_close), code.name
        assert by_close.get(code.name, 4000 + code.status) == 4000 + code.status
    assert by_close.items() <= {(code.name, code.close) for code in outcomes.closes(found)}
    assert bool(phrases.refusals(found)) is bool(by_close)
    assert ("origin" in phrases.refusals(found)) is (bool(by_close) and "origins" not in settings)


def test_what_only_speaks_answers_in_one_way(tmp_path: Path) -> None:
    table = drawn.table_of(tmp_path, {"endpoints": {"e": {"url": "/ws/e"}}}, "")
    (found,) = contract(table).operations
    table.catalog.release()
    assert [code.name for code in outcomes.errors(found)] == ["no_messages", "rate_limited"]


def test_who_is_asked_before_anybody_enters_may_refuse(tmp_path: Path) -> None:
    code = """\
from typing import Literal, TypedDict
from jackfield import process

class Welcome(TypedDict):
    event: Literal["welcome"]
    here: int

@process
def enter() -> Welcome:
    return {"event": "welcome", "here": 1}
"""
    plan = {"endpoints": {"e": {"url": "/ws/e", "on_connect": "p.enter"}, "f": {"url": "/ws/f"}}}
    table = drawn.table_of(tmp_path, plan, code)
    asked, other = contract(table).operations
    table.catalog.release()
    own = {"rejected", "not_in_time"}
    assert names(outcomes.refusals(asked)) - names(outcomes.refusals(other)) == own
    assert [name for one in asked.feeds for name in one.names] == ["welcome"]
    assert other.feeds == ()


@pytest.mark.parametrize("inspect", ["payloads", "unmatched", ["payloads", "unmatched"]])
def test_an_endpoint_that_keeps_messages_says_so_in_its_documents(operation: Make, inspect: Any) -> None:
    told = [one for one in phrases.asides(operation(inspect=inspect)) if "are kept" in one]
    assert len(told) == ("unmatched" in inspect)
