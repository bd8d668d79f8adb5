"""Return hints: the published reply, its check, its shape."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.process.signature.signature import Signature
from jackfield.schema.validator import Validator
from tests.process.conftest import Compiled, Faults

HEAD = """
class Out(TypedDict):
    z: int
    a: typing.NotRequired[str]
class Other(TypedDict):
    b: bool
@dataclasses.dataclass
class Data:
    text: str
    n: int = 1
class Tag(msgspec.Struct, tag="t", tag_field="kind"):
    x: int
class Pair(NamedTuple):
    a: int
class Mood(enum.Enum):
    GOOD = "хорошо"
class Bad(TypedDict):
    error: str
@dataclasses.dataclass
class Event:
    event: str
class Renamed(msgspec.Struct, rename={"a": "$a"}):
    a: int
class Tagged(msgspec.Struct, tag_field="event"):
    a: int
class Row(msgspec.Struct, array_like=True):
    a: int
class Open: ...
"""


LACKS_Z = "Object missing required field `z` - at `$`"


def compile_return(compiled: Compiled, hint: str, how: str = "def say(): ...") -> Signature:
    arrow = f" -> {hint}" if hint else ""
    return compiled(f"{HEAD}@process(reply='ответ')\n{how.replace('()', '()' + arrow)}\n")


@pytest.mark.parametrize(
    ("hint", "shape", "good", "bad"),
    [
        ("str", "{ответ: str}", {"ответ": "я"}, {"ответ": 1}),
        ("list[int]", "{ответ: list[int]}", {"ответ": [1]}, {"ответ": ["я"]}),
        ("int | str", "{ответ: int | str}", {"ответ": 1}, {"ответ": None}),
        ("int | None", "{ответ: int}", {"ответ": 1}, {"ответ": None}),
        ("Pair", "{ответ: Pair}", {"ответ": [1]}, {"ответ": []}),
        ("Mood", '{ответ: "хорошо"}', {"ответ": "хорошо"}, {"ответ": "плохо"}),
        ("Out", "{z: int, a?: str}", {"z": 1}, {"a": "я"}),
        ("Out | None", "{z: int, a?: str}", {"z": 1}, {}),
        ("Data", "{text: str, n?: int}", {"text": "я", "n": 1}, {"text": 1}),
        ("Tag", "{x: int}", {"kind": "t", "x": 1}, {"x": 1}),
        ("Data | str", "{text: str, n?: int} | {ответ: str}", {"ответ": "я"}, {"text": 1}),
        ("dict[str, int]", "{…: int}", {"я": 1}, {"я": "я"}),
        ("dict[str, Any]", "{…: any}", {"я": 1}, []),
        ("Out | Other | None", "{z: int, a?: str} | {b: bool}", {"b": True}, {"b": 1}),
        ("Annotated[Out, 1]", "{z: int, a?: str}", {"z": 1}, {}),
        ("'Out'", "{z: int, a?: str}", {"z": 1}, {}),
    ],
)
def test_the_published_reply(compiled: Compiled, hint: str, shape: str, good: Any, bad: Any) -> None:
    signature = compile_return(compiled, hint)
    assert signature.shape == f"{{}} -> {shape}"
    assert signature.reply_schema is not None
    validator = Validator(signature.reply_schema)
    assert validator.faults(good) == []
    assert validator.faults(bad) != []


def test_a_process_that_says_nothing_of_its_reply(compiled: Compiled) -> None:
    signature = compile_return(compiled, "")
    assert (signature.reply_schema, signature.shape) == (None, "{} -> any")
    assert signature.check_reply({"что": "угодно"}) is None


@pytest.mark.parametrize("hint", ["None", "typing.NoReturn", "typing.Never", "'None'"])
def test_a_process_that_never_replies(compiled: Compiled, hint: str) -> None:
    signature = compile_return(compiled, hint)
    assert (signature.reply_schema, signature.shape) == (None, "{} -> nothing")
    assert signature.check_reply(None) is None
    assert "does not" in str(signature.check_reply("я"))


@pytest.mark.parametrize(
    ("how", "hint"),
    [
        ("def say(): yield {}", "typing.Iterator[Out]"),
        ("def say(): yield {}", "collections.abc.Generator[Out, None, None]"),
        ("def say(): yield {}", "collections.abc.Iterable[Out]"),
        ("async def say(): yield {}", "typing.AsyncIterator[Out]"),
        ("async def say(): yield {}", "'collections.abc.AsyncGenerator[Out, None]'"),
    ],
)
def test_generators_reply_with_what_they_yield(compiled: Compiled, how: str, hint: str) -> None:
    signature = compile_return(compiled, hint, how)
    assert signature.shape == "{} -> many {z: int, a?: str}"
    assert signature.check_reply({"z": 1}) is None
    assert signature.reply_schema is not None
    assert signature.reply_schema["required"] == ["z"]


def test_a_generator_without_a_hint(compiled: Compiled) -> None:
    assert compile_return(compiled, "", "def say(): yield {}").shape == "{} -> many any"
    assert compile_return(compiled, "typing.Iterator", "def say(): yield {}").shape == "{} -> many any"


@pytest.mark.parametrize(
    ("hint", "value", "reported"),
    [
        ("str", 1, "Expected `str`, got `int` - at `$.ответ`"),
        ("list[int]", [1, "я"], "Expected `int`, got `str` - at `$.ответ[1]`"),
        ("Out", {"z": "я"}, "Expected `int`, got `str` - at `$.z`"),
        ("Out", {}, LACKS_Z),
        ("Out | Other", {}, f"{LACKS_Z}, or else: Object missing required field `b` - at `$`"),
        ("str", None, "Expected `str`, got `null` - at `$.ответ`"),
        ("float", float("nan"), "Expected `float`, got `null` - at `$.ответ`"),
        ("str", object(), "Encoding objects of type object is unsupported - at `$.ответ`"),
        ("str", "я", None),
        ("Out | Other | None", {"b": True}, None),
        ("Out | Other | None", None, None),
        ("int | None", None, None),
        ("Out", {"z": 1}, None),
        ("Data", {"text": "я"}, None),
        ("Any", 1, None),
        ("Any", {}, None),
    ],
)
def test_the_check_names_the_path(compiled: Compiled, hint: str, value: object, reported: str | None) -> None:
    assert compile_return(compiled, hint).check_reply(value) == reported


@pytest.mark.parametrize(
    ("hint", "reported"),
    [
        ("Bad", 'the key "error"'),
        ("Event", 'the key "event"'),
        ("Renamed", 'the key "$a"'),
        ("Tagged", 'the key "event"'),
        ("Out | Bad", 'the key "error"'),
        ("dict[Literal['event'], int]", 'the key "event"'),
        ("set[int]", "a set has no order"),
        ("list[frozenset[int]]", "a set has no order"),
        ("dict[int, str]", "a key of a JSON object is a text"),
        ("Open", "JSON cannot carry `Open`"),
        ("typing.Iterator[int]", "JSON cannot carry `Iterator`"),
        ("Row", "is sent as a list"),
        ("'Nope'", 'names "Nope"'),
    ],
)
def test_bad_replies(faults: Faults, hint: str, reported: str) -> None:
    (problem,) = faults(f"{HEAD}@process\ndef say() -> {hint}: ...\n")
    assert problem.code == "bad_reply"
    assert reported in problem.message
    assert problem.column == 14


def test_a_generator_that_says_it_returns_a_value(faults: Faults) -> None:
    (problem,) = faults("@process\ndef say() -> int: yield 1\n")
    assert (problem.code, problem.hint) == ("bad_reply", "write `-> Iterator[...]`")
    (problem,) = faults("@process\nasync def say() -> typing.Iterator[int]: yield 1\n")
    assert (problem.code, problem.hint) == ("bad_reply", "write `-> AsyncIterator[...]`")


@pytest.mark.parametrize("key", ["'error'", "'event'", "'$x'", "''", "5", "None", "[]", "'\\ud83d'"])
def test_keys_that_a_bare_reply_cannot_have(faults: Faults, key: str) -> None:
    (problem,) = faults(f"@process(reply={key})\ndef say() -> int: ...\n")
    assert problem.code == "bad_reply"
    assert "cannot be the key of a reply" in problem.message
