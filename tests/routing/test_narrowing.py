"""`input:` that the decoder checks: what clients and documents see is what it was with a validator beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from jackfield.identity import ANONYMOUS
from jackfield.process.connection import Connection
from jackfield.process.signature import signature
from jackfield.routing.table import Route
from jackfield.schema.validator import Validator
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.observe.metrics import Meter
from tests.process.conftest import Nowhere
from tests.routing.conftest import Build, Write

RouteOf = Callable[[str, str], Route]

CODE = """
from typing import Annotated
from msgspec import Meta
from jackfield import process

@process(reply="got")
def say(text: str, colour: str = "red", n: int = 3, part: float | None = None, tags: list[str] = [],
        nick: Annotated[str, Meta(min_length=2)] | None = None, ok: bool = True):
    return [text, colour, n, part, tags, nick, ok]

@process(reply="got")
def more(text: str, **fields: int):
    return [text, fields]
"""
NARROW = """
      title: "Сообщение"
      required: [n]
      properties:
        text: {minLength: 1, maxLength: 5}
        colour: {enum: ["red", "синий"]}
        n: {type: integer, minimum: 1, exclusiveMaximum: 100, multipleOf: 3}
        part: {maximum: 0.5}
        tags: {minItems: 1, maxItems: 2}
        nick: {maxLength: 3}
        ok: {type: boolean}
"""

MESSAGES = r"""
{"text": "Привет", "n": 3}
{"text": "Приве", "n": 3}
{"text": "😀😀😀😀😀", "n": 99}
{"text": "", "n": 3}
{"text": "да"}
{"n": 3}
{}
[]
null
{
{"text": "\ud800", "n": 3}
{"text": 5, "n": "3"}
{"text": "да", "n": 4}
{"text": "да", "n": 0}
{"text": "да", "n": 102}
{"text": "да", "n": 3.0}
{"text": "да", "n": 1e2}
{"text": "да", "n": true}
{"text": "да", "n": null}
{"text": "долгий", "n": 3.0}
{"text": "да", "n": 36893488147419103233}
{"text": "да", "n": -36893488147419103233}
{"text": "да", "n": NaN}
{"text": "да", "n": 3, "colour": "blue"}
{"text": "да", "n": 3, "colour": "синий"}
{"text": "да", "n": 3, "colour": null}
{"text": "да", "n": 3, "colour": 1}
{"text": "да", "n": 3, "ok": 1}
{"text": "да", "n": 3, "part": 0.5}
{"text": "да", "n": 3, "part": 0.51}
{"text": "да", "n": 3, "part": 1}
{"text": "да", "n": 3, "part": null}
{"text": "да", "n": 3, "part": 1e400}
{"text": "да", "n": 3, "part": "0"}
{"text": "да", "n": 3, "tags": []}
{"text": "да", "n": 3, "tags": ["a", "б"]}
{"text": "да", "n": 3, "tags": [1]}
{"text": "да", "n": 3, "tags": ["a", "b", "c"]}
{"text": "да", "n": 3, "tags": ["a", "b", 3]}
{"text": "да", "n": 3, "nick": null}
{"text": "да", "n": 3, "nick": "я"}
{"text": "да", "n": 3, "nick": "Алёна"}
{"text": "да", "n": 3, "kolour": "red"}
{"text": "слишком", "n": 3, "txet": 1, "$id": "я"}
{"text": "да", "n": 4, "$id": 7}
{"text": "да", "n": 4, "$id": 1.5}
{"text": "да", "n": 3, "$id": true}
{"text": "да", "n": 3, "$id": "я"}
{"text": "слишком", "n": 0, "colour": "", "part": 9, "tags": [], "nick": ""}
"""


@pytest.fixture
def route_of(write_project: Write, built: Build) -> RouteOf:
    def make(process: str, narrowing: str) -> Route:
        endpoint = f"endpoints:\n  say:\n    url: /ws/say\n    process: p.{process}\n    input:\n{narrowing}"
        return built(write_project(endpoint, CODE)).routes["say"]

    return make


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    made = Dispatcher(threads=1)
    yield made
    made.close()


def answer(dispatcher: Dispatcher, route: Route, text: str) -> bytes | None:
    in_place = dispatcher.in_place(route, {}, Meter())
    assert in_place is not None
    connection = Connection(Nowhere(), id="c", endpoint="say", identity=ANONYMOUS, params={}, query={})
    return in_place(connection, text.encode(), dispatcher.clock())


def beside(route: Route) -> Route:
    """The same route with `input:` checked by a validator, as it is where the decoder cannot."""
    plain, _ = signature.compile(route.process, ())
    assert plain is not None
    assert not plain.narrowed
    return replace(route, signature=plain, narrow=Validator(route.endpoint.input or {}))


def test_every_answer_is_byte_for_byte_the_same(route_of: RouteOf, dispatcher: Dispatcher) -> None:
    route = route_of("say", NARROW)
    assert route.narrow is None, "the decoder checks all of it"
    messages = MESSAGES.split("\n")  # the first and the last are empty
    answers = {text: answer(dispatcher, route, text) for text in messages}
    assert answers == {text: answer(dispatcher, beside(route), text) for text in messages}
    good = [text for text, frame in answers.items() if frame is not None and b'"error"' not in frame]
    assert 5 < len(good) < len(messages) / 2
    reported = answers['{"text": "Привет", "n": 3}'] or b""
    assert '{"path":"/text","problem":"must have at most 5 characters, has 6"}' in reported.decode()


def test_named_keys_beside_others(route_of: RouteOf, dispatcher: Dispatcher) -> None:
    route = route_of("more", "      properties: {text: {maxLength: 5}}")
    assert route.narrow is None
    for text in ('{"text": "да", "x": 1}', '{"text": "долгий", "x": 1}', '{"text": "да", "x": "1"}', '{"x": 1}'):
        assert answer(dispatcher, route, text) == answer(dispatcher, beside(route), text)


def test_what_is_published_is_not_touched(route_of: RouteOf) -> None:
    route = route_of("say", NARROW)
    plain = beside(route).signature
    assert route.signature.narrowed
    assert route.signature.input_schema == plain.input_schema
    assert route.signature.shape == plain.shape
    own, narrowing = route.whole.schema["allOf"]
    assert {**own, "$id": 0} == {**plain.input_schema, "$id": 0}
    assert {**narrowing, "$id": 0} == {**(route.endpoint.input or {}), "$id": 0}


@pytest.mark.parametrize("part", ["text: {pattern: ^д}", "n: {enum: [1, 3]}", "tags: {items: {maxLength: 1}}"])
def test_the_rest_keeps_its_validator(route_of: RouteOf, dispatcher: Dispatcher, part: str) -> None:
    route = route_of("say", f"      properties: {{{part}, colour: {{maxLength: 5}}}}")
    assert route.narrow is not None
    assert not route.signature.narrowed
    assert b'"got"' in (answer(dispatcher, route, '{"text": "да", "tags": ["я"]}') or b"")
    for text in ('{"text": "нет", "n": 2, "tags": ["яя"]}', '{"text": "да", "colour": "orange"}'):
        assert b'"invalid_message"' in (answer(dispatcher, route, text) or b"")
