"""The OpenAPI document of the repository's own project and of one with every feature."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from openapi_spec_validator import validate

from jackfield.describe.contract import Contract
from jackfield.describe.documents.openapi import document
from jackfield.errors import CODES
from tests.describe import made
from tests.describe.made import contract_of
from tests.projects import write

ADDRESS = "https://desk.example.com/rt"
JSON = dict[str, Any]


@pytest.fixture(scope="module")
def described(full: Contract) -> JSON:
    return document(full, ADDRESS)


def everything(value: Any) -> Iterator[JSON]:
    """Each object of a document, at any depth."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from everything(part)


def resolved(described: JSON, reference: str) -> Any:
    found: Any = described
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def schema_at(described: JSON, name: str) -> jsonschema.Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def test_the_document_is_valid_and_the_same_for_the_same_contract(full: Contract, described: JSON) -> None:
    for found in (described, document(made.own(), ADDRESS)):
        assert found["openapi"].startswith("3.1")
        validate(found)
    assert json.dumps(document(made.full(), ADDRESS)) == json.dumps(described)


def test_each_reference_finds_what_it_means(described: JSON) -> None:
    references = [found["$ref"] for found in everything(described) if isinstance(found.get("$ref"), str)]
    assert len(references) > 50
    for reference in references:
        assert resolved(described, reference) is not None, reference


def test_no_server_has_an_address_that_no_page_can_fetch(described: JSON) -> None:
    assert described["servers"] == [{"url": ADDRESS}]


def test_an_endpoint_is_the_get_that_begins_it(full: Contract, described: JSON) -> None:
    for operation in full.operations:
        assert set(described["paths"][operation.path]) == {"get"}
        reported = described["paths"][operation.path]["get"]
        assert {"101", "400", "404", "426", "503"} <= set(reported["responses"]), operation.name
        socket = reported["x-websocket"]
        assert socket["url"] == f"wss://desk.example.com/rt{operation.filled}"
        assert "upgrade_required" in reported["responses"]["426"]["description"]
    names = [found["operationId"] for found in everything(described["paths"]) if "operationId" in found]
    assert len(names) == len(set(names))


def reported(described: JSON, operation: JSON, status: str) -> str:
    """What an operation tells of an answer."""
    answer = operation["responses"][status]
    answer = resolved(described, answer["$ref"]) if "$ref" in answer else answer
    text: str = answer["description"]
    return text


def test_who_may_enter_stands_in_security_and_in_the_answers(described: JSON) -> None:
    paths = described["paths"]
    required, rolled = paths["/ws/greeting"]["get"], paths["/ws/rooms/{room}/{number}"]["get"]
    optional, public = paths["/ws/count"]["get"], paths["/ws/open"]["get"]
    assert required["security"] == [{"cookie": []}, {"bearer": []}]
    assert rolled["security"] == [{scheme: [role]} for role in ("support", "lead") for scheme in ("cookie", "bearer")]
    assert optional["security"] == [{}, {"cookie": []}, {"bearer": []}]
    assert public["security"] == []
    assert described["components"]["securitySchemes"]["cookie"]["name"] == "desk_token"
    assert "`role_required`" in reported(described, rolled, "403")
    assert "`role_required`" not in reported(described, required, "403")
    assert "`not_logged_in`" in reported(described, required, "401")
    assert "`not_logged_in`" not in reported(described, optional, "401")
    assert "401" not in public["responses"]
    assert "`origin_not_allowed`" not in reported(described, optional, "403"), "any page may open it"
    assert "429" in rolled["responses"]


def test_path_parameters_have_their_type_and_a_value_that_fits(full: Contract, described: JSON) -> None:
    room, number = described["paths"]["/ws/rooms/{room}/{number}"]["get"]["parameters"]
    shown = next(operation for operation in full.operations if operation.name == "room").values
    assert (room["name"], room["schema"], room["example"]) == ("room", {"type": "string"}, unquote(shown["room"]))
    assert (number["name"], number["schema"], number["example"]) == (
        "number",
        {"type": "integer"},
        int(shown["number"]),
    )
    assert all(parameter["required"] and parameter["in"] == "path" for parameter in (room, number))


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("greeting.message", {"message": "Привет", "$id": 7}, {"message": 5}),
        ("greeting.message", {"message": ""}, {"message": "", "$id": 1.5}),
        ("room.message", {"text": "Заказ #5 🎉", "mood": "грустно", "$id": "a"}, {"text": "<b>", "mood": "happy"}),
        ("room.message", {"text": "a", "reply-to": None}, {"text": "a", "mood": "angry"}),
        ("open.message", {"anything": [1], "$id": 1}, {"$other": 1}),
        ("count.message", {"to": 2}, {"to": 101}),
        ("ticket.reply", {"id": "00000000-0000-4000-8000-000000000001", "total": "5.00", "state": "готово"}, {"id": 1}),
    ],
)
def test_what_goes_over_the_socket_has_its_schema(described: JSON, name: str, good: JSON, bad: JSON) -> None:
    validator = schema_at(described, name)
    validator.validate(good)
    assert not validator.is_valid(bad)


def test_each_message_that_is_shown_fits_its_schema(full: Contract, described: JSON) -> None:
    for operation in full.operations:
        message = described["paths"][operation.path]["get"]["x-websocket"]["message"]
        assert (message is None) == (not operation.listens)
        if message is not None:
            schema_at(described, message["$ref"].rpartition("/")[2]).validate(operation.send)


def test_what_many_can_answer_is_said_once(described: JSON) -> None:
    answers = list(described["components"]["responses"].values())
    assert len({json.dumps(answer) for answer in answers}) == len(answers)
    used = {found["$ref"] for found in everything(described["paths"]) if isinstance(found.get("$ref"), str)}
    assert {f"#/components/responses/{name}" for name in described["components"]["responses"]} <= used


def test_no_value_is_listed_twice(described: JSON) -> None:
    lists = [found["enum"] for found in everything(described) if isinstance(found.get("enum"), list)]
    assert len(lists) > 20
    assert all(len({json.dumps(value) for value in values}) == len(values) for values in lists)


def test_the_example_of_the_426_is_one(described: JSON) -> None:
    for path, methods in described["paths"].items():
        if path.startswith("/ws/"):
            answer = methods["get"]["responses"]["426"]["content"]["application/problem+json"]
            schema = {**answer["schema"], "components": described["components"]}
            jsonschema.Draft202012Validator(schema).validate(answer["example"])


def test_the_headings_are_those_of_the_file_after_the_login(full: Contract, described: JSON) -> None:
    names = [tag["name"] for tag in described["tags"]]
    administration = ["Administration", "From outside", "Processes", "Files", "Page", "Server"]
    assert names == ["Login", "Desk", "Комнаты", "Endpoints", *administration]
    assert described["info"]["title"] == "Стойка поддержки 📞"
    assert described["info"]["version"] == full.version


PROJECT = """
endpoints:
  say: {url: "/ws/{room}", process: p.say}
"""
PROCESS = """
from typing import Literal
from jackfield import process

@process(reply="n")
def say(room: {room}, n: {kind}) -> {kind}:
    return n
"""


def project(folder: Path, kind: str, room: str = "str") -> JSON:
    write(folder, PROJECT, p=PROCESS.format(kind=kind, room=room))
    return document(contract_of(folder), "http://127.0.0.1:8000")


def test_another_type_in_the_process_is_another_document(tmp_path: Path) -> None:
    before, after = project(tmp_path, "int"), project(tmp_path, "str")
    assert before["info"]["version"] != after["info"]["version"]
    kinds = [
        [found["components"]["schemas"][f"say.{word}"]["properties"]["n"]["type"] for word in ("message", "reply")]
        for found in (before, after)
    ]
    assert kinds == [["integer"] * 2, ["string"] * 2]


def test_where_people_log_in_elsewhere_no_login_is_reported(tmp_path: Path) -> None:
    code = PROCESS.format(kind="int", room="str") + "\nasync def who(credential, request):\n    return None\n"
    write(tmp_path, f"auth: {{login: off, verify: p.who}}\n{PROJECT}", p=code)
    found = document(contract_of(tmp_path), "http://127.0.0.1:8000")
    validate(found)
    assert [path for path in found["paths"] if path.startswith("/auth") or path == "/api/users"] == []
    assert "Credentials" not in found["components"]["schemas"]
    answer = found["paths"]["/ws/{room}"]["get"]["responses"]["426"]["content"]["application/problem+json"]
    assert answer["example"]["login"] is None


@pytest.mark.parametrize(
    ("hint", "example"), [("float", 1.5), ("Literal['Ять', 'Чай']", "Чай"), ("bool", True), ("Literal[3, 4]", 3)]
)
def test_a_parameter_of_any_type_has_an_example_that_fits(tmp_path: Path, hint: str, example: Any) -> None:
    found = project(tmp_path, "int", hint)
    validate(found)
    (parameter,) = found["paths"]["/ws/{room}"]["get"]["parameters"]
    jsonschema.Draft202012Validator(parameter["schema"]).validate(parameter["example"])
    assert parameter["example"] == example


def test_who_is_to_wait_is_reported_for_how_long(described: JSON) -> None:
    """Retry-After stands with each status that has a code to try again, and with no other."""
    seen = set()
    for methods in described["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                found = resolved(described, answer["$ref"]) if "$ref" in answer else answer
                codes = re.findall(r"^- `(\w+)`", found["description"], re.MULTILINE)
                if codes:
                    again = any(CODES[code].retry for code in codes)
                    assert ("Retry-After" in found["headers"]) == again, codes
                    seen.add(again)
    assert seen == {True, False}


def test_the_limits_of_an_endpoint_are_those_of_the_plan(full: Contract, described: JSON) -> None:
    reported = [found["limits"] for found in everything(described) if "per_user" in found.get("limits", ())]
    assert reported == [
        {name: value for name, value in asdict(operation.limits).items() if value is not None}
        for operation in full.operations
    ]
    assert any("per_address" in limits for limits in reported)
    assert any("idle" in limits for limits in reported)
