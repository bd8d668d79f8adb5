"""`events:` of groups and endpoints: classes of the project and schemas, and what is wrong with them."""

from __future__ import annotations

import pytest

from .conftest import Build, Write, problems_in

CODE = """\
from dataclasses import dataclass
from typing import Literal, TypedDict

@dataclass
class Said:
    text: str
    mood: Literal["happy", "грустно"] = "happy"

class Tick(TypedDict):
    event: Literal["tick"]
    price: float

@dataclass
class Failed:
    error: str

@dataclass
class Moved:
    group: str

Either = Said | Tick
Texts = list[str]
MOST = 7

class Нет:
    Loud = Said

def answer() -> None: ...
"""
PLAN = """\
groups:
  "room:{{room}}":
    events:
      {event}
endpoints:
  room: {{url: "/ws/{{room}}", group: "room:{{room}}", auth: public{more}}}
"""


def test_types_are_read_as_hints_are(write_project: Write, built: Build) -> None:
    more = ', events: {"ушёл 🎉": {properties: {text: {type: string}}, required: [text]}}'
    table = built(write_project(PLAN.format(event="{said: p.Said, tick: p.Tick}", more=more), CODE))
    said, tick = table.events["room:{room}"].values()
    assert said["title"] == "Said"
    assert said["properties"].keys() == {"text", "mood"}
    assert tick["properties"].keys() == {"price"}, "the name is said where the event is"
    assert tick["required"] == ["price"]
    assert table.routes["room"].events == {
        "ушёл 🎉": {"properties": {"text": {"type": "string"}}, "required": ["text"]}
    }


@pytest.mark.parametrize(
    ("event", "told", "cure"),
    [
        ("said: p.Siad", 'no class is named "p.Siad"', 'did you mean "p.Said"?'),
        ("said: Said", 'no class is named "Said"', 'did you mean "p.Said"?'),
        ("said: processes.p.Said", "no class is named", 'did you mean "p.Said"?'),
        ("said: shop.Order", "no class is named", "write the class Order in processes/shop.py"),
        ("said: str", "`str` is no object with keys", "write a dataclass"),
        ("said: p.Texts", "`list[str]` is no object with keys", "write a dataclass"),
        ("said: p.answer", '"p.answer" is no class', "write a dataclass"),
        ("said: p.MOST", '"p.MOST" is no class', "write a dataclass"),
        ("said: p.Failed", 'the key "error"', "rename it"),
        ("said: p.Moved", 'the key "group" is one of Jackfield\'s own', "another name"),
        ("said: p.Tick", 'another name under "event" than "said"', "leave that key out"),
        ("history: p.Said", '"history" is an event of Jackfield itself', "another name"),
        ("$said: p.Said", '"$said" is an event of Jackfield itself', "another name"),
        ("said: {type: string}", "an event is a JSON object", "write `type: object`"),
        ("said: {const: 1}", "find no room", "under `properties:`"),
        ('said: {properties: {on: {$ref: "#"}}}', '"#" would mean the event with its name', "under `$defs`"),
    ],
)
def test_what_no_event_can_be_is_told_at_its_place(write_project: Write, event: str, told: str, cure: str) -> None:
    (problem,) = problems_in(write_project(PLAN.format(event=event, more=""), CODE))
    assert (problem.code, problem.file, problem.line) == ("bad_event", "endpoints.yaml", 4)
    assert problem.path == f"groups.room:{{room}}.events.{event.partition(':')[0]}"
    assert told in problem.message
    assert cure in problem.hint


@pytest.mark.parametrize(
    ("events", "code", "told"),
    [
        ("{said: p.Нет}", "wrong_value", "must be the name of a class"),
        ("{said: 5}", "wrong_type", "must be the name of a class"),
        ("[said]", "wrong_type", "must be a mapping of each event to its type"),
        ("{said: {properties: {text: {type: strng}}}}", "bad_schema", 'did you mean "string"?'),
        ("{said: {propertis: {}}}", "bad_schema", 'did you mean "properties"?'),
    ],
)
def test_an_endpoints_own_are_checked_where_they_are_read(
    write_project: Write, events: str, code: str, told: str
) -> None:
    problems = problems_in(write_project(PLAN.format(event="{}", more=f", events: {events}"), CODE))
    assert [(problem.code, problem.line) for problem in problems] == [(code, 6)]
    assert told in str(problems[0])


def test_a_union_and_a_class_in_a_class_are_types_too(write_project: Write, built: Build) -> None:
    table = built(write_project(PLAN.format(event="{tick: p.Either}", more=""), CODE))
    assert [part["title"] for part in table.events["room:{room}"]["tick"]["anyOf"]] == ["Said", "Tick"]


def test_a_file_that_cannot_be_imported_tells_it_alone(write_project: Write) -> None:
    (problem,) = problems_in(write_project(PLAN.format(event="said: p.Said", more=""), "import nowhere_to_be_found\n"))
    assert problem.code == "broken_module"


def test_what_a_class_raises_is_told(write_project: Write) -> None:
    code = "import msgspec\nclass Said(msgspec.Struct):\n    text: 'f()'\ndef f(): raise SystemExit('нет')\n"
    (problem,) = problems_in(write_project(PLAN.format(event="said: p.Said", more=""), code))
    assert problem.code == "bad_event"
    assert "нет" in problem.message


EXAMPLE = "said: p.Said, tick: p.Tick, note: {{properties: {{of: {{type: integer}}}}, additionalProperties: false}}"


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ('{expect: {event: said, text: "Привет", from: anna, $n: 1}}', []),
        ("{expect: {event: said, text: 5}}", ['steps.0.expect.text: the event "said" does not fit its type: must be']),
        ("{expect: {event: said}}", ['the key "text" is missing']),
        ("{expect: {event: said}, partial: true}", []),
        ("{expect: {event: said, mood: злой}, partial: true}", ["steps.0.expect.mood: "]),
        ("{expect: {event: note, of: 1, from: anna}}", ["from"]),
        ("{expect: {event: other, text: 5}}", []),
        ('{push: {group: "room:7", event: {event: tick, price: 1.5}}}', []),
        (
            '{push: {group: "room:7", event: {event: tick, price: "1"}}}',
            ['steps.0.push.event.price: the event "tick"'],
        ),
    ],
)
def test_events_of_examples_fit_their_types(steps: str, told: list[str], write_project: Write, built: Build) -> None:
    more = f", process: echo.same, reply_to: group, event: said, examples: [{{params: {{room: 7}}, steps: [{steps}]}}]"
    folder = write_project(PLAN.format(event="{" + EXAMPLE.format() + "}", more=more), CODE)
    problems = [str(problem) for problem in (problems_in(folder) if told else built(folder).warnings)]
    assert len(problems) == len(told), problems
    assert all(words in problem for words, problem in zip(told, problems, strict=True)), problems
