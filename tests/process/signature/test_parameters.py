"""Path parameters: text to what the hint says."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.process.conftest import Compiled, Faults

U = "12345678-1234-5678-1234-567812345678"
HEAD = """
class Colour(enum.Enum):
    RED = "красный"
class Level(enum.IntEnum):
    LOW = 1
"""


Convert = Callable[[str, str], Any]


@pytest.fixture
def convert(compiled: Compiled) -> Convert:
    """What becomes of a text of the URL by a hint."""
    return lambda hint, text: compiled(f"{HEAD}@process\ndef say(room: {hint}): ...\n", "room").params["room"](text)


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        ("str", "Привет", "Привет"),
        ("str", "12", "12"),
        ("Any", "null", "null"),
        ("int", "12", 12),
        ("int", "-3", -3),
        ("int | None", "12", 12),
        ("float", "1.5", 1.5),
        ("bool", "true", True),
        ("bool", "0", False),
        ("uuid.UUID", U, uuid.UUID(U)),
        ("datetime.date", "2026-01-02", datetime.date(2026, 1, 2)),
        ("decimal.Decimal", "1.10", decimal.Decimal("1.10")),
        ("Literal['a', 'б']", "б", "б"),
        ("Literal[1, 2]", "2", 2),
        ("int | uuid.UUID", "7", 7),
        ("Annotated[int, Meta(ge=1)]", "1", 1),
        ("Annotated[str, Meta(max_length=2)]", "яя", "яя"),
    ],
)
def test_texts_that_fit(convert: Convert, hint: str, text: str, value: object) -> None:
    converted = convert(hint, text)
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        ("int", "1.0"),
        ("int", ""),
        ("int", "01"),
        ("int", " 1"),
        ("int", "null"),
        ("int", "9" * 5000),
        ("int | None", "null"),
        ("float", "nan"),
        ("float", "inf"),
        ("bool", "yes"),
        ("datetime.datetime", "12"),
        ("Colour", "синий"),
        ("Annotated[int, Meta(ge=1)]", "0"),
        ("Annotated[str, Meta(max_length=2)]", "яяя"),
    ],
)
def test_texts_that_do_not(convert: Convert, hint: str, text: str) -> None:
    with pytest.raises(ValueError):
        convert(hint, text)


@pytest.mark.parametrize(
    ("hint", "text", "reported"),
    [
        ("int", "abc", "it must be a whole number"),
        ("int | None", "abc", "it must be a whole number"),
        ("int", "true", "it must be a whole number, not true or false"),
        ("Annotated[int, Meta(le=5)]", "7", "it must be at most 5"),
        ("float", "abc", "it must be a number"),
        ("bool", "7", "it must be true or false, not a whole number"),
        ("decimal.Decimal", "true", 'it must be a number, like 12.5 or "12.50"'),
        ("decimal.Decimal", "nan", "'nan' is not a way to write NaN in a URL"),
        ("datetime.date", "7", 'it must be a valid date, like "2026-01-30"'),
        ("datetime.datetime", "вчера", 'it must be a valid date-time, like "2026-01-30T12:00:00Z"'),
        ("uuid.UUID", "1.5", 'it must be a valid uuid, like "123e4567-e89b-12d3-a456-426614174000"'),
        ("Literal['a', 'b']", "7", 'it must be one of "a", "b"'),
        ("Literal[1, 2]", "7", "it must be one of 1, 2"),
        ("Annotated[str, Meta(min_length=3)]", "7", "it must have at least 3 characters, has 1"),
    ],
)
def test_what_is_wrong_with_a_text_is_a_sentence(convert: Convert, hint: str, text: str, reported: str) -> None:
    """A client does not know `int` and `str`, or that a Decimal has a regular expression."""
    with pytest.raises(ValueError) as caught:
        convert(hint, text)
    assert str(caught.value) == reported


def test_enums(compiled: Compiled) -> None:
    params = compiled(f"{HEAD}@process\ndef say(a: Colour, b: Level): ...\n", "a", "b").params
    assert (params["a"]("красный").name, params["b"]("1").name) == ("RED", "LOW")


@pytest.mark.parametrize("hint", ["list[int]", "dict", "None", "int | list[str]", "bytes"])
def test_hints_that_one_piece_of_text_cannot_fill(faults: Faults, hint: str) -> None:
    (problem,) = faults(f"@process\ndef say(room: {hint}): ...\n", "room")
    assert (problem.code, problem.column) == ("bad_path_parameter", 9)


@pytest.mark.parametrize("hint", ["Connection", "Annotated[int, pool]"])
def test_what_is_injected_cannot_be_in_the_url(faults: Faults, hint: str) -> None:
    code = f"@resource\nasync def pool():\n    yield 1\n@process\ndef say(room: {hint}): ...\n"
    (problem,) = faults(code, "room")
    assert problem.code == "bad_path_parameter"


def test_a_url_may_have_parameters_that_the_function_has_not(compiled: Compiled) -> None:
    signature: Any = compiled("@process\ndef say(): ...\n", "room", "other")
    assert signature.params == {}


@pytest.mark.parametrize("own", ["a: int, b: int = 0", ""])
@pytest.mark.parametrize("stars", ["*a, **k", "*args", "**k", "connection: Connection, **k"])
def test_a_decorator_that_hides_the_parameters_is_reported(faults: Faults, stars: str, own: str) -> None:
    code = f"""
def loud(function):
    def inner({stars}): ...
    return inner
@process
@loud
def say({own}): ...
"""
    (problem,) = faults(code)
    assert problem.code == "bad_signature"
    assert "a decorator below `@process` hides its parameters behind `" in problem.message
    assert "`@functools.wraps(...)`" in problem.hint
    assert "above `def inner`, which stands in line 9 of p.py" in problem.hint


@pytest.mark.parametrize("made", ["process(make())", "process(f)"])
def test_a_function_that_has_another_name_hides_nothing(compiled: Compiled, made: str) -> None:
    code = f"""
def make():
    def inner(**fields: int): ...
    return inner
def f(**fields: int): ...
say = {made}
"""
    assert compiled(code).shape == "{…: int} -> any"


def test_a_decorator_with_parameters_of_its_own_hides_none(compiled: Compiled) -> None:
    code = """
def loud(function):
    def inner(text: str): return function(text, 1)
    return inner
@process
@loud
def say(text: str, times: int): ...
"""
    assert compiled(code).shape == "{text: str} -> any"
