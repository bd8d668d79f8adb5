"""What an example may say of its endpoint, and what can never come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.errors import PlanError
from tests.routing.conftest import Build, Write, problems_in

CODE = """
from collections.abc import Iterator
from typing import TypedDict
from jackfield import Connection, process

class Line(TypedDict):
    item: str
    count: int

class Order(TypedDict):
    room: str
    lines: list[Line]

@process
def order(room: str, number: int, text: str) -> Order:
    return {"room": room, "lines": []}

@process(reply="number")
def count(to: int) -> Iterator[int]:
    yield from range(to)

@process
async def note(text: str) -> None:
    pass

@process(reply="paid")
async def pay(item: str, connection: Connection) -> str:
    return (await connection.request({"event": "card"}))["number"]

@process(blocking=True)
def slow(text: str):
    return text
"""
ENDPOINTS = """
roles: {{support: x, lead: y}}
endpoints:
  order:
    {{url: "/ws/{{room}}/{{number}}", process: p.order, auth: {{roles: [support]}},
     limits: {{message: 64B, rate: off}}{0}}}
  count: {{url: /ws/count, process: p.count, auth: public{1}}}
  note: {{url: /ws/note, process: p.note{2}}}
  slow: {{url: /ws/slow, process: p.slow, auth: optional{3}}}
  hall: {{url: /ws/hall, process: p.slow, auth: public, group: hall, reply_to: group, event: said{4}}}
  pay: {{url: /ws/pay, process: p.pay, auth: public{5}}}
"""
NAMES = ("order", "count", "note", "slow", "hall", "pay")

Project = Callable[..., Path]
Reported = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def project(write_project: Write) -> Project:
    """A project with these examples, by endpoint."""

    def write(code: str = CODE, /, **examples: str) -> Path:
        texts = (f", examples: [{examples[name]}]" if name in examples else "" for name in NAMES)
        return write_project(ENDPOINTS.format(*texts), code)

    return write


@pytest.fixture
def reported(project: Project, built: Build) -> Reported:
    """The problems of a project with these examples, each with its path and its sentences."""

    def report(**examples: str) -> list[tuple[str, str]]:
        try:
            built(project(**examples))
        except PlanError as exc:
            return [(problem.path.partition(".examples.0")[2], str(problem)) for problem in exc.problems]
        return []

    return report


@pytest.mark.parametrize(
    ("endpoint", "example"),
    [
        ("order", "{params: {room: a, number: 5}, steps: [{send: {text: a}, expect: {room: a, lines: []}}]}"),
        ("order", "{steps: [{send: {text: a}, expect: {lines: [{count: 1}]}, partial: true}]}"),
        ("hall", "{steps: [{send: {text: a, $id: 1}}, {expect: {event: said, from: null, text: a, $n: 1}}]}"),
        ("hall", "{steps: [{send: {text: a, $id: 1}, expect: {$done: true, $id: 1}}]}"),
        ("order", "{steps: [{send: {text: a, $id: 1}, expect: {$id: 1}, partial: true}]}"),
        ("order", "{steps: [{send: {text: 5}, expect_error: invalid_message}]}"),
        ("order", "{steps: [{send: {text: 5}}, {send: {}}, {expect_error: invalid_message}]}"),
        ("order", f"{{steps: [{{send: {{text: {'a' * 60}}}, expect_error: message_too_long}}]}}"),
        ("order", "{steps: [{send: {text: a}, expect_error: my_own_code}]}"),
        ("order", "{steps: [{expect: {event: changed}}, {send: {text: a}, expect_close: 4000}]}"),
        ("order", "{as: {login: anna, roles: [lead]}, steps: [{expect_close: role_required}]}"),
        ("order", "{as: nobody, steps: [{expect_close: 4401}]}"),
        ("count", "{steps: [{send: {to: 2, $id: a}}, {expect: {number: 0, $id: a}}, {expect: {$done: true, $id: a}}]}"),
        ("order", "{steps: [{send: {text: a, $id: 1}}, {send: {text: b}}, {expect: {room: a, lines: [], $id: 1}}]}"),
        ("order", "{steps: [{send: {text: a, $id: null}, expect: {room: a, lines: []}}]}"),
        ("order", "{params: {room: 'кухня 100% {number} ?#&', number: 1}, steps: [{send: {text: a}}]}"),
        ("note", "{steps: [{send: {text: a}}, {expect: {event: noted}}]}"),
        (
            "pay",
            "{steps: [{send: {item: чай}, expect: {event: card, $request: 1}},"
            " {send: {$answer: 1, number: 5}, expect_error: {code: invalid_message, request: 1}},"
            " {send: {$answer: 1, number: '5'}, expect: {paid: '5'}}]}",
        ),
        (
            "pay",
            "{steps: [{send: {item: a, $id: 7}}, {send: {item: b, $id: b}}, {send: {$cancel: b}},"
            " {expect_error: {code: cancelled, $id: b}}, {send: {$cancel: true}, expect_error: cancelled}]}",
        ),
        ("note", "{as: {login: anna}, steps: [{send: {text: a}, expect_error: time_exceeded}]}"),
        ("slow", "{as: nobody, steps: [{send: {text: a}, expect_error: busy}, {send: {text: a}, expect: {x: 1}}]}"),
        (
            "slow",
            "{clients: {a: , b: }, steps: [{client: a, send: {text: a}}, {client: b, send: {text: a}, expect: {}}]}",
        ),
    ],
)
def test_what_can_come_fits(reported: Reported, endpoint: str, example: str) -> None:
    assert reported(**{endpoint: example}) == []


@pytest.mark.parametrize(
    ("endpoint", "example", "path", "words"),
    [
        ("order", "{params: {room: a}, steps: [{send: {text: a}}]}", ".params", 'the URL has the parameter "number"'),
        *(
            ("order", f"{{params: {{room: {room}, number: 1}}, steps: [{{send: {{text: a}}}}]}}", ".params.room",
             "no part")
            for room in ("''", "..", "a/b", r"'a\b'", r'"a\0"')
        ),
        ("note", "{params: {room: a}, steps: [{send: {text: a}}]}", ".params.room", "it has none"),
        ("hall", "{steps: [{send: {text: a}, expect: {result: a}}]}", ".steps.0.expect", "goes to the group"),
        ("note", "{steps: [{expect: {event: noted, $n: 1}}]}", ".steps.0.expect", 'no key "$n"'),
        ("order", "{params: {rom: a, number: 1, room: b}, steps: [{send: {text: a}}]}", ".params.rom",
         "it has room, number"),
        ("order", "{clients: {a: {params: {number: б, room: a}}}, steps: [{send: {text: a}}]}",
         ".clients.a.params.number", '"б" does not fit'),
        ("order", "{as: nobody, steps: [{send: {text: a}}]}", ".as", "is not logged in and cannot enter"),
        ("order", "{as: {login: a}, steps: [{send: {text: a}}]}", ".as", "none of the endpoint's roles"),
        ("order", "{as: {roles: [lead]}, steps: [{expect_close: 4401}]}", ".as", "`expect_close: 4403`"),
        ("order", "{clients: {b: {as: nobody}}, steps: [{send: {text: a}}]}", ".clients.b.as", "b is not logged in"),
        ("order", "{steps: [{send: {text: a, txt: b}}]}", ".steps.0.send.txt", 'did you mean "text"?'),
        ("order", "{steps: [{send: {text: a}, expect: {lines: []}}]}", ".steps.0.expect.room", "missing"),
        ("order", "{steps: [{send: {text: a}, expect: {lines: [{count: много}]}, partial: true}]}",
         ".steps.0.expect.lines.0.count", "must be a whole number"),
        ("order", f"{{steps: [{{send: {{text: {'a' * 60}}}}}]}}", ".steps.0.send", "limits.message is 64"),
        ("order", "{params: {room: a, number: x}, steps: [{send: {text: a}}]}", ".params.number",
         '"x" does not fit: it must be a whole number ['),
        ("order", "{params: {room: a, number: '1.0'}, steps: [{send: {text: a}}]}", ".params.number",
         "'1.0' is not a way to write 1 in a URL"),
        ("count", "{steps: [{send: {to: 1.0}}]}", ".steps.0.send.to",
         "must be a whole number, without a point or an exponent"),
        ("order", "{steps: [{send: {text: 0755}}]}", ".steps.0.send.text", 'put it in quotes: "0755"'),
        ("order", "{steps: [{send: {text: 1.10}}]}", ".steps.0.send.text", 'put it in quotes: "1.10"'),
        ("order", "{steps: [{send: {text: True}}]}", ".steps.0.send.text", 'put it in quotes: "True"'),
        ("order", "{steps: [{send: {text: ~}}]}", ".steps.0.send.text", 'put it in quotes: "~"'),
        ("order", "{steps: [{send: {text: a}, expect: {room: a, lines: [{item: 1e3, count: 1}]}}]}",
         ".steps.0.expect.lines.0.item", 'put it in quotes: "1e3"'),
        ("order", "{steps: [{expect: {room: a, lines: []}}]}", ".steps.0.expect", "has not sent one"),
        ("order", "{steps: [{expect_error: my_code}]}", ".steps.0.expect_error", "has not sent one"),
        ("order", "{steps: [{send: {text: a}, expect_error: x}, {expect_error: y}]}", ".steps.1.expect_error",
         "has not sent another"),
        ("order", "{steps: [{send: {text: a}, expect_close: 1000}, {send: {text: a}}]}", ".steps.1.send", "has ended"),
        ("order", "{steps: [{send: {text: a}, expect_error: invalid_message}]}", ".steps.0.expect_error",
         "the message fits"),
        ("order", "{steps: [{send: {text: a}, expect_error: message_too_long}]}", ".steps.0.expect_error",
         "has 12 bytes"),
        ("order", "{steps: [{send: {text: a, $id: 1}, expect: {room: a, lines: []}}]}", ".steps.0.expect",
         "was sent: 1"),
        ("order", "{steps: [{send: {text: a}, expect: {room: a, lines: [], $id: 1}}]}", ".steps.0.expect",
         "no message"),
        ("order", "{steps: [{send: {text: a}, expect_error: busy}]}", ".steps.0.expect_error", "is not blocking"),
        ("order", "{steps: [{send: {text: a}, expect_error: rate_limited}]}", ".steps.0.expect_error",
         "limits.rate is off"),
        ("order", "{steps: [{send: {text: a}, expect_error: time_exceeded}]}", ".steps.0.expect_error",
         "never cut short"),
        ("count", "{steps: [{send: {to: 1}, expect: {$done: true, $id: 1}}]}", ".steps.0.expect",
         'the "$id" of a message'),
        ("note", "{steps: [{send: {text: a}, expect: {x: 1}}]}", ".steps.0.expect", "the process never replies"),
        ("pay", "{steps: [{send: {item: a, $id: 7}}, {send: {$cancel: '7'}}]}", ".steps.1.send.$cancel", "was sent: 7"),
        ("pay", "{steps: [{send: {$cancel: 7, item: a}}]}", ".steps.0.send.$cancel", 'unknown key "$cancel"'),
        ("pay", "{steps: [{send: {item: a}, expect_error: cancelled}]}", ".steps.0.expect_error", "takes no message"),
        ("pay", "{steps: [{send: {item: a}}, {send: {$answer: 1, number: a}}]}", ".steps.1.send.$answer",
         "answers request 1, which has not come; expect the request first"),
        *(
            ("note", f"{{steps: [{{expect: {{event: a, {key}: 1}}{more}}}]}}", ".steps.0.expect", f'no key "{key}"')
            for key in ("error", "$id", "$done")
            for more in ("", ", partial: true")
        ),
    ],
)  # fmt: skip
def test_what_can_never_come_is_reported_at_its_place(
    reported: Reported, endpoint: str, example: str, path: str, words: str
) -> None:
    ((found, text),) = reported(**{endpoint: example})
    assert found == path
    assert words in text
    assert text.endswith("[example_mismatch]")


def test_one_changed_hint_breaks_the_examples_that_no_longer_fit(project: Project, built: Build) -> None:
    """Issue 5: seen at `check`, at the place of each."""
    example = "{steps: [{send: {to: 1}}]}, {steps: [{send: {to: 'а'}, expect_error: invalid_message}]}"
    built(project(count=example))
    changed = CODE.replace("to: int", "to: str").replace("range(to)", "range(1)")
    assert [problem.path for problem in problems_in(project(changed, count=example))] == [
        "endpoints.count.examples.0.steps.0.send.to",
        "endpoints.count.examples.1.steps.0.expect_error",
    ]


def test_after_a_wrong_message_a_message_that_is_taken_is_shown(project: Project, built: Build) -> None:
    example = "{steps: [{send: {to: x}, expect_error: invalid_message}, {send: {to: 3}}]}"
    assert built(project(count=example)).routes["count"].example == {"to": 3}


MISFIT = "{steps: [{send: {text: 5}}]}"
REFUSED = "{as: nobody, steps: [{send: {text: ok}, expect_error: invalid_message}]}"


@pytest.mark.parametrize(
    "broken",
    [
        "{as: {roles: [other]}, steps: [{send: {text: a}}]}",
        "{steps: [{send: {text: a}, expect_close: session_ende}]}",
        "{stpes: []}",
        "5",
    ],
)
def test_a_broken_example_hides_no_other_and_leaves_it_its_number(reported: Reported, broken: str) -> None:
    fault, misfit = (text for _, text in reported(note=f"{broken}, {MISFIT}") if "missing_key" not in text)
    assert fault.endswith(("[unknown_role]", "[wrong_value]", "[unknown_key]", "[wrong_type]"))
    assert "endpoints.note.examples.1.steps.0.send.text: " in misfit


@pytest.mark.parametrize(
    "fault",
    [
        "summary: 5",
        "limits: {time: 5, message: 1GB}",
        "auth: {roles: [other]}",
        "atuh: public",
        "input: {properties: {text: {maxLenght: 1}}}",
    ],
)
def test_a_fault_of_the_endpoint_hides_no_misfit_and_makes_none(reported: Reported, fault: str) -> None:
    """Whether an error or a refusal comes may depend on what is faulty, so nothing is said of it."""
    more = "" if fault.startswith("summary") else f", {REFUSED}"
    found = reported(note=f"{MISFIT}{more}], {fault}, tags: [a")
    (misfit,) = (text for _, text in found if text.endswith("[example_mismatch]"))
    assert "examples.0.steps.0.send.text: " in misfit
    assert len(found) > 1


@pytest.mark.parametrize("head", ["defaults: {auth: pubic}", "defualts: {auth: public}", "defaults: [auth]"])
def test_a_fault_of_what_is_shared_blames_no_example(project: Project, head: str) -> None:
    folder = project(note=f"{MISFIT}, {REFUSED}")
    file = folder / "endpoints.yaml"
    file.write_text(f"{head}\n{file.read_text('utf-8')}", "utf-8")
    fault, misfit = problems_in(folder)
    assert (fault.line, misfit.code) == (1, "example_mismatch")
    assert misfit.path == "endpoints.note.examples.0.steps.0.send.text"
