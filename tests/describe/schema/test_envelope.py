"""Schemas of what goes over the wire, against frames that the server makes, and "$id" beside what processes take."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jackfield import messages
from jackfield.describe.contract import Heard
from jackfield.describe.schema import envelope
from jackfield.errors import CODES
from jackfield.routing import events
from jackfield.schema.beside import beside
from jackfield.schema.validator import Validator
from tests.describe import drawn

JSON = dict[str, Any]

OURS = [code for code in CODES.values() if code.moment == "message"]


def fits(schema: JSON, frame: bytes | None) -> bool:
    assert frame is not None
    return Validator(schema).is_valid(msgspec.json.decode(frame))


def test_what_the_server_sends_fits() -> None:
    details = [{"path": "/a", "problem": "…"}]
    whole = messages.error("invalid_message", details=details, example=msgspec.Raw(b'{"a":1}'), message_id="x")
    assert fits(envelope.error(OURS), whole)
    assert fits(envelope.error(OURS), messages.error("rate_limited", retry_after=0.25))
    assert fits(envelope.error(OURS), messages.error("process_failed", incident="1f", message_id=7))
    assert fits(envelope.rejection(), messages.error("out_of_stock", "Нет", more={"left": 0, "details": "все"}))
    assert fits(envelope.DONE, messages.done(7))
    assert fits(envelope.event(), messages.event({"event": "ring", "room": 1}))
    reply = messages.replies_under("n")
    assert fits(
        envelope.reply({"type": "object", "additionalProperties": {"type": "boolean"}}), reply({"a": True}, "x")
    )
    assert fits(envelope.reply(None), reply(1, 7))


@pytest.mark.parametrize("name", ["error", "$id", "$done"])
def test_what_marks_an_answer_is_no_event(name: str) -> None:
    assert not Validator(envelope.event()).is_valid({"event": "ring", name: 1})


@pytest.mark.parametrize("frame", [messages.error("busy"), messages.done(1), messages.event({"event": "a"})])
def test_nothing_of_ours_is_a_reply(frame: bytes) -> None:
    assert not fits(envelope.reply(None), frame)


def test_every_code_of_a_message_is_known_and_no_other() -> None:
    for code in OURS:
        assert fits(envelope.error(OURS), messages.error(code.name))
        assert not fits(envelope.rejection(), messages.error(code.name))
    assert not fits(envelope.error(OURS), messages.error("out_of_stock", "…"))


@pytest.mark.parametrize(
    "schema",
    [
        {"additionalProperties": False, "properties": {"a": {}}},
        {"additionalProperties": {"type": "integer"}, "maxProperties": 1},
        {"propertyNames": {"pattern": "^[^$]"}, "minProperties": 1},
        {"anyOf": [{"required": ["a"], "additionalProperties": {"type": "integer"}}, {"maxProperties": 0}]},
    ],
)
@pytest.mark.parametrize("value", [{}, {"a": 1}, {"a": "1"}, {"a": 1, "b": 2}])
def test_an_id_changes_nothing(schema: JSON, value: JSON) -> None:
    plain = Validator(schema).is_valid(value)
    for made in (envelope.message(schema), envelope.narrowing(schema)):
        assert Validator(made).is_valid(value) is plain
        assert Validator(made).is_valid({**value, "$id": 7}) is plain


@pytest.mark.parametrize(
    "schema", [{"enum": [{"a": 1}]}, {"patternProperties": {"^.i": False}}, {"$ref": "#/$defs/a", "$defs": {"a": {}}}]
)
def test_where_no_room_can_be_made_it_is_reported(schema: JSON) -> None:
    for made in (envelope.message(schema), envelope.narrowing(schema)):
        assert made == {**schema, "description": 'A "$id" may stand beside the keys that are spoken of here.'}


@given(drawn.schemas(), st.dictionaries(drawn.names, drawn.values, max_size=4))
def test_an_id_changes_nothing_in_any_schema(schema: JSON, value: JSON) -> None:
    made = envelope.narrowing(schema)
    plain = Validator(schema).is_valid(value)
    assert Validator(made).is_valid(value) is plain
    if "may stand beside" not in made.get("description", ""):
        assert Validator(made).is_valid({**value, "$id": "a"}) is plain


@given(drawn.schemas(), st.dictionaries(drawn.names, drawn.values, max_size=4))
def test_what_is_ours_in_an_event_changes_nothing_of_what_its_type_asks(schema: JSON, value: JSON) -> None:
    del schema["properties"]["again"]  # a reference to the whole is refused where the type is read
    schema = {"type": "object", **{key: part for key, part in schema.items() if key != "type"}}
    assume(all(beside(schema, key) is not None for key in events.OURS))
    made = Validator(envelope.heard(Heard("сказано", schema, "room:{room}", sender=True)))
    sent = {**value, "event": "сказано", "from": None, "group": "room:7", "$n": 1, "$time": "2026-12-01T10:00:00Z"}
    assert made.is_valid(sent) is Validator(schema).is_valid(value)
    assert not made.is_valid(value)
    assert not made.is_valid({**sent, "event": "другое"})
    assert not made.is_valid({**sent, "$n": "1"})
