"""The AsyncAPI document: what the tool for it says, what it promises, and that it follows the processes."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from jackfield.config.plan import AuthSettings
from jackfield.describe import outcomes, phrases
from jackfield.describe.contract import Contract, contract
from jackfield.describe.documents import asyncapi
from jackfield.errors import CODES
from tests import node
from tests.describe import drawn
from tests.describe.made import FULL, contract_of, own
from tests.projects import write

JSON = dict[str, Any]

HERE = Path(__file__).parents[1]
ADDRESS = "https://desk.example.com/rt"


@pytest.fixture(scope="module")
def described(full: Contract) -> JSON:
    return asyncapi.document(full, ADDRESS)


@pytest.mark.walk
@pytest.mark.tool
def test_the_parser_finds_nothing_in_any_document(full: Contract, tmp_path: Path) -> None:
    """Those of this repository, of the project with every feature, and drawn ones; of one process of Node."""
    node.needs("@asyncapi/parser")
    documents = [asyncapi.document(one, ADDRESS, version) for one in (own(), full) for version in asyncapi.VERSIONS]
    documents += _drawn(tmp_path)
    text = json.dumps(documents, ensure_ascii=False)
    done = node.run("node", str(HERE / "asyncapi_parser.cjs"), input=text)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for document, one in zip(documents, said, strict=True):
        reported = [text for text in one["diagnostics"] if "[asyncapi-latest-version]" not in text]
        assert len(one["diagnostics"]) - len(reported) == (document["asyncapi"] == "3.0.0"), "it recommends the newest"
        assert reported == [], json.dumps(document, ensure_ascii=False, indent=1)
        assert one["channels"] == len(document["channels"])


def _drawn(folder: Path) -> list[JSON]:
    documents: list[JSON] = []

    @settings(phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(drawn.projects())
    def draw(project: tuple[JSON, str]) -> None:
        table = drawn.table_of(folder, *project)
        try:
            made = contract(table)
            documents.append(asyncapi.document(made, "http://127.0.0.1:8000"))
            assert json.dumps(asyncapi.document(made, "http://127.0.0.1:8000")) == json.dumps(documents[-1])
        finally:
            table.catalog.release()
        _check_examples(documents[-1])

    draw()
    return documents


def _check_examples(document: JSON) -> int:
    """Every example fits its own message and no other of the operation; gives how many there are."""
    count = 0
    for operation in document["operations"].values():
        for references in (operation["messages"], operation.get("reply", {}).get("messages", [])):
            messages = [_at(document, reference) for reference in references]
            for message in messages:
                for example in message.get("examples", ()):
                    fitting = [other["name"] for other in messages if _fits(document, other, example["payload"])]
                    assert fitting == [message["name"]], example
                    count += 1
    return count


def _at(document: JSON, reference: JSON) -> JSON:
    found: Any = document
    for part in reference["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    assert isinstance(found, dict)
    return found


def _fits(document: JSON, message: JSON, payload: object) -> bool:
    """Whether a payload fits a message, asked of a validator of draft-07 with the whole document's schemas."""
    schema = {"allOf": [message["payload"]], "components": document["components"]}
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True).is_valid(payload)


def test_the_examples_fit_one_message_each(described: JSON) -> None:
    assert _check_examples(described) >= 10


@pytest.mark.parametrize(
    ("endpoint", "message", "payload", "fits"),
    [
        ("room", "message", {"text": "Привет", "$id": 7}, True),
        ("room", "message", {"text": "Привет", "$id": "x" * 129}, False),
        ("room", "message", {"text": "<b>"}, False),
        ("room", "message", {"text": "Привет", "mood": "sad"}, False),
        ("room", "message", {"text": "Привет", "room": "lobby"}, False),
        ("open", "message", {"$id": 1, "anything": [None]}, True),
        ("open", "message", {"$id": 1.5}, False),
        ("open", "message", {"$id": None}, True),
        ("open", "reply", {"seen": [], "$id": None}, False),
        ("note", "message", {"text": "", "pair": [1, "а"], "weights": None}, True),
        ("note", "message", {"text": "", "pair": ["а", 1]}, False),
        ("count", "reply", {"number": 1, "$id": "a"}, True),
        ("count", "reply", {"$done": True, "$id": "a"}, False),
        ("count", "done", {"$done": True, "$id": "a"}, True),
        ("count", "done", {"$done": True}, False),
        ("open", "reply", {"seen": [], "$id": 1}, True),
        ("open", "reply", {"error": {"code": "busy", "message": "…"}}, False),
        ("open", "error", {"error": {"code": "busy", "message": "…", "retry_after": 1}, "$id": 1}, False),
        ("note", "error", {"error": {"code": "busy", "message": "…", "retry_after": 1}, "$id": 1}, True),
        ("open", "error", {"error": {"code": "banned_word", "message": "…"}}, False),
        ("room", "rejection", {"error": {"code": "banned_word", "message": "…", "word": "бан"}}, True),
        ("room", "rejection", {"error": {"code": "process_failed", "message": "…", "incident": "1f"}}, False),
        ("room", "session_expiring", {"event": "session_expiring", "expires_at": "2026-11-23T04:46:42+00:00"}, True),
        ("room", "event", {"event": "session_expiring", "expires_at": "2026-11-23T04:46:42+00:00"}, False),
        ("room", "event", {"event": "ring", "room": "lobby"}, True),
        ("room", "event", {"message": "Привет"}, False),
        ("hall", "said", {"event": "said", "from": None, "message": "Привет!"}, True),
        ("hall", "said", {"event": "said", "from": "анна", "message": "!", "group": "hall:1", "$n": 1}, True),
        (
            "quotes",
            "fed",
            {"event": "tick", "symbol": "ГАЗ", "price": 1, "$n": 1, "$time": "2027-01-01T00:00:00Z"},
            True,
        ),
        ("quotes", "fed", {"event": "halt", "symbol": "ГАЗ", "reason": None, "group": "quotes:1"}, True),
        ("quotes", "fed", {"event": "message", "symbol": "ГАЗ", "price": 1}, False),
        ("quotes", "fed", {"symbol": "ГАЗ", "price": 1}, False),
        ("clock", "fed", {"event": "message", "zone": 3, "hour": 12}, True),
        ("clock", "fed", {"event": "hour", "zone": 3, "hour": 12}, False),
        ("hall", "said", {"event": "said", "from": "анна", "name": "Анна П.", "message": "!"}, True),
        ("hall", "said", {"event": "said", "from": "анна", "name": None, "message": "!"}, False),
        ("hall", "left", {"event": "left", "group": "hall", "login": None}, True),
        ("hall", "left", {"event": "left", "group": "hall", "login": "a", "name": "А 😀", "count": 2}, True),
        ("hall", "left", {"event": "left", "login": "a"}, False),
        ("hall", "said", {"event": "said", "from": None, "message": 1}, False),
        ("hall", "said", {"event": "said", "message": "!"}, False),
        ("hall", "event", {"event": "said", "from": None, "message": "!"}, False),
        ("hall", "done", {"$done": True, "$id": 1}, True),
    ],
)
def test_a_frame_fits_its_message(described: JSON, endpoint: str, message: str, payload: JSON, fits: bool) -> None:
    found = _at(described, {"$ref": f"#/channels/{endpoint}/messages/{message}"})
    assert _fits(described, found, payload) is fits


def test_the_server_is_where_the_address_says(full: Contract, described: JSON) -> None:
    server = described["servers"]["server"]
    assert (server["protocol"], server["host"], server["pathname"]) == ("wss", "desk.example.com", "/rt")
    server = asyncapi.document(full, "http://[::1]:8000")["servers"]["server"]
    assert (server["protocol"], server["host"]) == ("ws", "[::1]:8000")
    assert "pathname" not in server


def test_a_channel_is_a_connection(described: JSON) -> None:
    room = described["channels"]["room"]
    assert room["address"] == "/ws/rooms/{room}/{number}"
    assert room["parameters"].keys() == {"room", "number"}
    assert room["parameters"]["number"]["description"] == "A whole number."
    assert described["components"]["schemas"]["room.Path.number"] == {"type": "integer"}
    assert room["tags"] == [{"name": "Desk"}, {"name": "Комнаты"}]
    assert described["info"]["tags"] == [{"name": "Desk"}, {"name": "Комнаты"}]
    assert described["channels"]["note"]["address"] == "/ws/%D0%B7%D0%B0%D0%BC%D0%B5%D1%82%D0%BA%D0%B8"
    assert described["channels"]["note"]["messages"].keys() == {
        "message",
        "done",
        "cancel",
        "error",
        "rejection",
        "event",
    }
    assert "done" in described["channels"]["count"]["messages"]


def test_what_a_client_says_beside_its_messages_stands_where_it_can_be_said(described: JSON) -> None:
    messages = {name: channel["messages"] for name, channel in described["channels"].items()}
    assert {name for name, found in messages.items() if "cancel" in found} == {"room", "ticket", "count", "note", "pay"}
    assert {name for name, found in messages.items() if "answer" in found} == {"room", "pay"}
    shown = {kind: [one["payload"] for one in messages["pay"][kind]["examples"]] for kind in ("cancel", "answer")}
    assert shown["cancel"] == [{"$cancel": "b"}, {"$cancel": True}]
    assert shown["answer"] == [{"$answer": 1, "number": 5}, {"$answer": 1, "number": "2200"}]
    assert messages["pay"]["request"]["examples"][0]["payload"]["$request"] == 1
    heard = [one["$ref"].rpartition("/")[2] for one in described["operations"]["pay.events"]["messages"]]
    assert heard == ["event", "request"]
    for kind in ("cancel", "answer"):
        assert described["operations"][f"pay.{kind}"]["action"] == "receive"


def test_credentials_stand_where_they_are_needed(described: JSON) -> None:
    schemes = [{"$ref": f"#/components/securitySchemes/{name}"} for name in ("cookie", "bearer")]
    secured = {name: one["security"] for name, one in described["operations"].items() if one.get("security")}
    needed = [f"{name}{what}" for name in ("greeting", "room", "ticket") for what in ("", ".events")]
    aside = ["room.cancel", "room.answer", "ticket.cancel"]
    assert secured == dict.fromkeys([*needed, *aside, "quotes"], schemes)
    assert described["components"]["securitySchemes"]["cookie"]["name"] == "desk_token"


@pytest.mark.parametrize(
    ("endpoint", "headers", "fits"),
    [
        ("greeting", {"Cookie": "a=b; desk_token=1.Zx"}, True),
        ("greeting", {"Cookie": "desk_tokens=1.Zx"}, False),
        ("greeting", {"Authorization": "BEARER 1.Zx"}, True),
        ("greeting", {"Sec-WebSocket-Protocol": "jackfield.v1, bearer.1.Zx"}, True),
        ("greeting", {"Cookie": "theme=dark", "Authorization": "Bearer 1.Zx"}, True),
        ("greeting", {"Cookie": "desk_token=1.Zx", "Authorization": "Basic Zm9v"}, True),
        ("greeting", {"Sec-WebSocket-Protocol": "jackfield.v1"}, False),
        ("greeting", {"Sec-WebSocket-Protocol": "bearer.1.Zx"}, False),
        ("greeting", {}, False),
        ("count", {}, True),
        ("note", {}, False),
        ("note", {"Origin": "https://app.example.com"}, True),
    ],
)
def test_the_binding_reports_the_headers(described: JSON, endpoint: str, headers: JSON, fits: bool) -> None:
    binding = described["channels"][endpoint]["bindings"]["ws"]
    assert binding["method"] == "GET"
    assert jsonschema_rs.Draft7Validator(binding["headers"]).is_valid(headers) is fits


def test_a_cookies_name_is_no_pattern(full: Contract) -> None:
    document = asyncapi.document(replace(full, auth=AuthSettings(cookie="a.b$")), ADDRESS)
    validator = jsonschema_rs.Draft7Validator(document["channels"]["greeting"]["bindings"]["ws"]["headers"])
    assert validator.is_valid({"Cookie": "a.b$=1"})
    assert not validator.is_valid({"Cookie": "aXb=1"})


def test_programs_and_people_are_reported_what_the_plan_says(full: Contract, described: JSON) -> None:
    for operation in full.operations:
        channel, origins = described["channels"][operation.name], operation.origins
        reported = channel["x-jackfield"]
        assert reported["limits"] == asdict(operation.limits)
        known = {"any": origins.any, "allowed": list(origins.allowed), "required": origins.required}
        assert reported["origins"] == known
        for sentence in phrases.limits(operation.limits, in_place=operation.in_place).values():
            assert f"- {sentence}" in channel["description"]
        assert [one["code"] for one in reported["refusals"]] == [code.name for code in outcomes.refusals(operation)]
        assert [one["code"] for one in reported["closes"]] == [code.name for code in outcomes.closes(operation)]
        for one in (*reported["refusals"], *reported["closes"]):
            assert f"`{one['code']}`: {CODES[one['code']].sentence}" in described["info"]["description"]
    assert {operation.origins.any for operation in full.operations} == {True, False}


def test_a_reference_in_an_example_is_not_published(tmp_path: Path) -> None:
    """A reader would take it for one of the document's, wherever it stands."""
    text = '{url: /ws/open, process: p.any, examples: [{name: "A", steps: [{send: {a: {$ref: "#/x"}}}]}]}'
    code = "from typing import Any\nfrom jackfield import process\n@process\ndef any(**fields: Any) -> None: ...\n"
    write(tmp_path, f"endpoints:\n  open: {text}\n", p=code)
    message = asyncapi.document(contract_of(tmp_path), ADDRESS)["channels"]["open"]["messages"]["message"]
    assert "examples" not in message


def test_another_type_of_a_parameter_is_another_document(described: JSON, tmp_path: Path) -> None:
    shutil.copytree(FULL, tmp_path / "full", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "full" / "processes/desk/tickets.py"
    text = path.read_text(encoding="utf-8")
    assert "to: Annotated[int," in text
    path.write_text(text.replace("to: Annotated[int,", "to: Annotated[float,", 1), encoding="utf-8")
    after = asyncapi.document(contract_of(tmp_path / "full"), ADDRESS)
    schemas = [document["components"]["schemas"]["count.Message"] for document in (described, after)]
    assert [schema["properties"]["to"]["type"] for schema in schemas] == ["integer", "number"]
    assert described["info"]["version"] != after["info"]["version"]
