"""The documents agree with the server and with each other: what fits, which frame it is, which codes there are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jackfield.describe import outcomes, phrases
from jackfield.describe.clients import python, typescript
from jackfield.describe.contract import Contract, Operation, contract
from jackfield.describe.documents import asyncapi, markdown, openapi, postman
from jackfield.describe.documents.draft07 import WEAKER
from jackfield.routing.table import Route, RoutingTable
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.observe.metrics import Meter
from tests.describe import drawn
from tests.server.conftest import connection

JSON = dict[str, Any]

ADDRESS = "https://desk.example.com"
IDS: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "x" * 128, "x" * 129, "😀" * 128, 7, -1, 2**64, 10**30, 1.5, True, [], {}]
)
TEXTS = st.sampled_from(["2026-01-31", "2026-01-31T12:00:00Z", "AAAA", "00000000-0000-4000-8000-000000000000", "1.5"])


LATER = ('"format": "uuid"', '"format": "duration"')
"""Formats that a validator of draft-07 need not know."""


BESIDE = "may stand beside the keys that are spoken of here"
"""What is told of a schema in which no room can be made for "$id"; it speaks of messages that have none."""


class _Frames:
    """Takes what a generator replies."""

    streaming = False
    way: Any = None
    message_id: Any = None
    cancelled = False
    is_behind = False

    def __init__(self) -> None:
        self.found: list[bytes] = []

    def write(self, text: bytes) -> None:
        self.found.append(text)

    async def room(self) -> None: ...


class _Described:
    """One endpoint as OpenAPI and AsyncAPI have it."""

    def __init__(self, operation: Operation, http: JSON, socket: JSON) -> None:
        self._components = (http["components"], socket["components"])
        reported = http["paths"][operation.path]["get"]["x-websocket"]
        messages = socket["channels"][operation.name]["messages"]
        self.errors = reported["errors"]
        self.message = self._of_2020(reported["message"])
        self.reply = self._of_2020(reported["reply"]) if reported["reply"] else None
        self.sent = self._of_draft07(messages["message"]["payload"])
        self.answers = {
            name: self._of_draft07(found["payload"]) for name, found in messages.items() if name != "message"
        }
        text = json.dumps(socket["components"]["schemas"])
        self.whole = not any(mark in text for mark in (WEAKER, *LATER))
        self.without_id = BESIDE in json.dumps(http["components"]["schemas"])

    def _of_2020(self, schema: JSON) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator({**schema, "components": self._components[0]}, validate_formats=True)

    def _of_draft07(self, schema: JSON) -> jsonschema_rs.Draft7Validator:
        whole = {"allOf": [schema], "components": self._components[1]}
        return jsonschema_rs.Draft7Validator(whole, validate_formats=True)


@pytest.fixture(scope="module")
def dispatcher() -> Iterator[Dispatcher]:
    made = Dispatcher(threads=1)
    yield made
    made.close()


def integral(value: object) -> bool:
    """1.0 is an integer to JSON Schema and none to Python, which the error says."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (isinstance(value, float) and value.is_integer()) or any(map(integral, inner))


# Without shrinking: a project is loaded for each step of it, and the message that is reported is short as it is.
@settings(phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(project=drawn.projects(), data=st.data())
def test_what_fits_is_taken_and_what_is_answered_is_reported(
    tmp_path: Path, dispatcher: Dispatcher, project: tuple[JSON, str], data: st.DataObject
) -> None:
    table = drawn.table_of(tmp_path, *project)
    try:
        found = contract(table)
        http, socket = openapi.document(found, ADDRESS), asyncapi.document(found, ADDRESS)
        for operation in found.operations:
            described = _Described(operation, http, socket)
            for _ in range(8):
                _compare(described, table.routes[operation.name], dispatcher, _message(operation, data))
    finally:
        table.catalog.release()


def _message(operation: Operation, data: st.DataObject) -> JSON:
    """One that fits, and then perhaps a key more, another value, a key less, a "$id"."""
    found = dict(operation.send or {})
    keys = st.lists(st.sampled_from([*operation.message["properties"], *drawn.NAMES]), max_size=2)
    found |= {key: data.draw(drawn.values | TEXTS) for key in data.draw(keys)}
    if found and data.draw(st.integers(0, 4)) == 0:
        del found[data.draw(st.sampled_from(sorted(found)))]
    return found | ({"$id": data.draw(IDS)} if data.draw(st.booleans()) else {})


def _compare(described: _Described, route: Route, dispatcher: Dispatcher, message: JSON) -> None:
    frames = asyncio.run(_answers(dispatcher, route, json.dumps(message, ensure_ascii=False).encode()))
    codes = {frame["error"]["code"] for frame in frames if "error" in frame}
    taken = "invalid_message" not in codes
    assert codes <= set(described.errors)
    if "$id" in message and described.without_id:
        return
    if not integral(message):
        assert described.message.is_valid(message) is taken, (message, route.signature.shape, route.endpoint.input)
    if taken or (described.whole and not integral(message)):
        assert described.sent.is_valid(message) is taken, message
    for frame in frames:
        kinds = [kind for kind, validator in described.answers.items() if validator.is_valid(frame)]
        assert len(kinds) == 1, frame
        if kinds == ["reply"]:
            assert described.reply is not None
            assert described.reply.is_valid(frame), frame


async def _answers(dispatcher: Dispatcher, route: Route, data: bytes) -> list[JSON]:
    frames = _Frames()
    task = asyncio.current_task()
    assert task is not None
    last = await dispatcher.in_task(route, {}, Meter())(connection(), data, task, frames)
    return [json.loads(frame) for frame in (*frames.found, *([last] if last else []))]


def test_all_documents_report_the_same_codes(full: Contract) -> None:
    http, socket = openapi.document(full, ADDRESS), asyncapi.document(full, ADDRESS)
    text = markdown.reference(full, ADDRESS)
    chapters = {part.partition("\n")[0]: part for part in text.split("\n### ")}
    for one in full.operations:
        errors, closes = outcomes.errors(one), {(code.close, code.name) for code in outcomes.closes(one)}
        refused = {(code.status, code.name) for code in outcomes.refusals(one)}
        get, channel = http["paths"][one.path]["get"], socket["channels"][one.name]
        reported = get["x-websocket"]
        assert reported["errors"] == [code.name for code in errors]
        assert {(entry["code"], entry["name"]) for entry in reported["closes"]} == closes
        for status, name in refused:
            answer = get["responses"][f"{status}"]
            shared = http["components"]["responses"].get(answer.get("$ref", "").rpartition("/")[2], answer)
            assert f"`{name}`" in shared["description"], (one.name, name)
        programs = channel["x-jackfield"]
        assert {(entry["close"], entry["code"]) for entry in programs["closes"]} == closes
        assert {(entry["status"], entry["code"]) for entry in programs["refusals"]} == refused
        by_close = {(code.close, code.name) for code in outcomes.closing_refusals(one)}
        assert {(entry["close"], entry["code"]) for entry in programs["refusals"] if "close" in entry} == by_close
        listed = channel["messages"]["error"]["payload"]["$ref"].rpartition("/")[2]
        inner = socket["components"]["schemas"][listed]["properties"]["error"]["properties"]["code"]["enum"]
        assert inner == reported["errors"]
        for code in errors:
            assert f"`{code.name}`" in chapters[one.name]
        for number, name in closes:
            assert f"{number}" in chapters[one.name].rpartition("Close codes:")[2]
            assert f"\n| {number} | `{name}` |" in text
    assert "\n| 4403 | `tls_required` |" in text, "what `refusals: close` adds"
    assert "\n| 408 | `request_too_slow` |" in text


def test_where_a_refusal_comes_as_a_close_all_say_so(full: Contract) -> None:
    reported = {one.name: phrases.refusals(one) for one in full.operations if one.refusals == "close"}
    assert reported.keys() == {"note"}
    texts = [
        openapi.document(full, ADDRESS)["paths"]["/ws/%D0%B7%D0%B0%D0%BC%D0%B5%D1%82%D0%BA%D0%B8"]["get"][
            "description"
        ],
        asyncapi.document(full, ADDRESS)["channels"]["note"]["description"],
        markdown.reference(full, ADDRESS),
        typescript.client(full).replace("\n   *  ", " "),
        " ".join(python.client(full).split()),
        *(text for path, text in postman.files(full, ADDRESS).items() if path.endswith("note.request.yaml")),
    ]
    assert [texts.index(text) for text in texts if reported["note"] in text] == list(range(6))


def test_clients_know_the_codes_that_can_come(full: Contract) -> None:
    without = full.operations[:-2]
    assert not any(one.blocking for one in without)
    for make in (typescript.client, python.client):
        assert '"busy"' in make(full)
        assert '"busy"' not in make(replace(full, operations=without))


HOSTILE = """
from typing import Annotated, Literal
from msgspec import Meta
from jackfield import Key, process

@process
def f(a: Annotated[Literal["`", "|"], Key("a`|b")], b: Annotated[str, Meta(pattern="^`|``$")] = "``` x") -> str: ...
"""


def test_no_name_ends_the_code_it_stands_in(tmp_path: Path) -> None:
    plan = {"roles": {"a`b": "…"}, "endpoints": {"e": {"url": "/ws", "process": "p.f", "auth": {"roles": ["a`b"]}}}}
    table: RoutingTable = drawn.table_of(tmp_path, plan, HOSTILE)
    text = markdown.reference(contract(table), ADDRESS)
    table.catalog.release()
    assert "| `` a`b `` |" in text
    assert "For users with the role `` a`b ``." in text
    assert '| `` a`\\|b `` | one of `` "`" ``, `"\\|"` | yes |' in text
    assert '```` "``` x" ```` where it is left out' in text
    assert "fits ``` ^`\\|``$ ```" in text
