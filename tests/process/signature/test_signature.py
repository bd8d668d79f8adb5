"""From a function to what decodes its messages."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from jackfield.identity import ANONYMOUS
from jackfield.process.connection import Connection
from jackfield.process.signature.signature import Signature
from tests.process.conftest import Collect, Compiled, Faults, Nowhere


def connection(**params: Any) -> Connection:
    return Connection(Nowhere(), id="c1", endpoint="e", identity=ANONYMOUS, params=params, query={})


def read(signature: Signature, text: str, opened: Mapping[str, Any] = {}, **params: Any) -> dict[str, Any]:
    """What the function is called with for a message."""
    found: dict[str, Any] = signature.call(dict, signature.decode(text), connection(**params), opened)
    return found


def test_a_message_becomes_arguments(compiled: Compiled) -> None:
    signature = compiled("@process\ndef say(text: str, n: int = 1): ...\n")
    assert read(signature, '{"text": "Привет 😀"}') == {"text": "Привет 😀", "n": 1}
    assert read(signature, '{"n": 5, "text": ""}') == {"text": "", "n": 5}
    assert signature.decode('{"text": "я"}'.encode()) == signature.decode('{"text": "я"}')


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ('{"text": 1}', "Expected `str`, got `int` - at `$.text`"),
        ("{}", "missing required field `text`"),
        ('{"text": "", "txet": 1}', "unknown field `txet`"),
        ('{"text": "", "n": 1.0}', "Expected `int`, got `float` - at `$.n`"),
        ('{"text": "", "n": true}', "Expected `int`, got `bool`"),
        ('{"text": "", "n": null}', "Expected `int`, got `null`"),
        ("[]", "Expected `object`, got `array`"),
        ('{"text": "\\ud800"}', ""),
        ('{"text": NaN}', "malformed"),
        ("{", "truncated"),
        ("", "truncated"),
    ],
)
def test_what_does_not_fit_is_refused(compiled: Compiled, text: str, reported: str) -> None:
    signature = compiled("@process\ndef say(text: str, n: int = 1): ...\n")
    with pytest.raises(msgspec.DecodeError) as caught:
        signature.decode(text)
    assert reported in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"), [("{}", None), ('{"$id": null}', None), ('{"$id": "я"}', "я"), ('{"$id": 7}', 7)]
)
@pytest.mark.parametrize("parameters", ["", "**fields: int"])
def test_the_id_is_taken_and_is_no_argument(compiled: Compiled, parameters: str, text: str, expected: object) -> None:
    signature = compiled(f"@process\ndef say({parameters}): ...\n")
    assert signature.message_id(signature.decode(text)) == expected
    assert read(signature, text) == {}


@pytest.mark.parametrize("value", ["1.5", "true", "{}", f'"{"я" * 129}"'])
def test_other_ids_are_refused(compiled: Compiled, value: str) -> None:
    signature = compiled("@process\ndef say(**fields): ...\n")
    with pytest.raises(msgspec.ValidationError):
        signature.decode(f'{{"$id": {value}}}')


def test_a_parameter_may_be_called_like_our_own_field(compiled: Compiled) -> None:
    signature = compiled("@process\ndef say(message_id: str, message_id_: int, self: int, cls: int): ...\n")
    arguments = {"message_id": "a", "message_id_": 1, "self": 2, "cls": 3}
    value = signature.decode(msgspec.json.encode({**arguments, "$id": 9}))
    assert signature.message_id(value) == 9
    assert signature.call(dict, value, connection(), {}) == arguments


def test_keys_that_python_cannot_name(compiled: Compiled) -> None:
    signature = compiled('@process\ndef say(from_: str, u: Annotated[str, Key("user-id")], id_: int = 0): ...\n')
    assert read(signature, '{"from": "я", "user-id": "б"}') == {"from_": "я", "u": "б", "id_": 0}
    assert signature.shape == "{from: str, user-id: str, id_?: int} -> any"


def test_hints_arrive_as_what_they_say(compiled: Compiled) -> None:
    code = """
class Colour(enum.Enum):
    RED = "красный"

@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5

class Tags(TypedDict):
    name: str

class Pair(NamedTuple):
    a: int
    b: str

@process
def say(when: datetime.datetime, day: datetime.date, u: uuid.UUID, d: decimal.Decimal, c: Colour,
        p: Point, t: Tags, pair: Pair, s: set[int], tup: tuple[int, str], lit: Literal["a", 1, None],
        un: int | list[str] | None, deep: dict[str, list[Point]], raw, b: bytes): ...
"""
    signature = compiled(code)
    found = read(
        signature,
        '{"when": "2026-01-02T03:04:05Z", "day": "2026-01-02", "u": "12345678-1234-5678-1234-567812345678",'
        '"d": "1.10", "c": "красный", "p": {"x": 1}, "t": {"name": "я"}, "pair": [1, "б"], "s": [1, 1],'
        '"tup": [1, "x"], "lit": null, "un": ["x"], "deep": {"k": [{"x": 2, "y": 3}]}, "raw": {"a": [1.5]},'
        '"b": "YQ=="}',
    )
    assert str(found.pop("d")) == "1.10"
    assert found.pop("c").name == "RED"
    point, pair, deep = found.pop("p"), found.pop("pair"), found.pop("deep")
    assert (point.x, point.y, pair.b, deep["k"][0].y) == (1, 0.5, "б", 3)
    assert found == {
        "when": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), "day": datetime.date(2026, 1, 2),
        "u": uuid.UUID("12345678-1234-5678-1234-567812345678"), "t": {"name": "я"}, "s": {1}, "tup": (1, "x"),
        "lit": None, "un": ["x"], "raw": {"a": [1.5]}, "b": b"a",
    }  # fmt: skip


def test_hints_written_as_text(collect: Collect, compiled: Compiled) -> None:
    code = """
@process
def say(order: "Order", more: list["Order"], maybe: "Order | None" = None) -> "Order": ...

@dataclasses.dataclass
class Order:
    item: "str"
    next: "Order | None" = None
"""
    signature = compiled(code)
    found = read(signature, '{"order": {"item": "чай", "next": {"item": "сахар"}}, "more": []}')
    assert found["order"].next.item == "сахар"
    assert signature.reply_schema is not None
    assert signature.reply_schema["required"] == ["item"]


def test_a_default_is_never_shared(compiled: Compiled) -> None:
    code = """
@dataclasses.dataclass
class Basket:
    items: list[str]

@process
def say(a: list[int] = [1], b: dict[str, list[int]] = {"x": []}, c: Basket = Basket([]), d: set[int] = {1}): ...
"""
    signature = compiled(code)
    first = read(signature, "{}")
    first["a"].append(2)
    first["b"]["x"].append(2)
    first["c"].items.append("я")
    first["d"].add(2)
    second = read(signature, "{}")
    assert (second["a"], second["b"], second["c"].items, second["d"]) == ([1], {"x": []}, [], {1})


@pytest.mark.parametrize("default", ["object()", "Missing()", "Named('S')", "Missing"])
def test_a_sentinel_stays_itself(compiled: Compiled, default: str) -> None:
    code = f"""
class Missing: ...
class Named:
    __slots__ = "name"
    def __init__(self, name): self.name = name
S = {default}
@process
def say(a: int = S, b: uuid.UUID = S, c=S): return S
"""
    signature = compiled(code)
    found = read(signature, "{}")
    assert found["a"] is found["b"] is found["c"] is read(signature, "{}")["a"]


def test_an_object_that_can_change_is_no_sentinel(compiled: Compiled) -> None:
    code = """
class Counter:
    def __init__(self): self.count = 0
class Sized(list): ...
@process
def say(a: Any = Counter(), b: Any = Sized(), c: Any = iter([1])): ...
"""
    signature = compiled(code)
    first, second = read(signature, "{}"), read(signature, "{}")
    assert all(first[name] is not second[name] for name in "abc")


@pytest.mark.parametrize(
    "default",
    ["None", "...", "object()", "lambda: 1", "typing", "__import__('threading').Lock()", "msgspec.UNSET",
     "msgspec.NODEFAULT", "float('nan')", "decimal.Decimal(1)", "(1, [2])", "1 + 2j", "int", "range(3)",
     "'\\ud800'", "10 ** 400"],
)  # fmt: skip
def test_any_default_that_python_takes(compiled: Compiled, default: str) -> None:
    signature = compiled(f"x = {default}\n@process\ndef say(n=x, m: int = x): return n\n")
    found = read(signature, "{}")
    assert repr(found["n"])[:8] == repr(found["m"])[:8]
    assert type(found["n"]).__name__ in repr(type(found["m"]))
    assert read(signature, '{"n": 1, "m": 2}') == {"n": 1, "m": 2}
    msgspec.json.encode(signature.input_schema)


def test_more_keys_are_taken_with_fields(compiled: Compiled) -> None:
    signature = compiled("@process\ndef say(from_: str, connection: Connection, **fields: list[int]): ...\n")
    found = read(signature, '{"from": "я", "ключ": [1], "$id": 1, "from": "б"}')
    assert (found.pop("connection").id, found) == ("c1", {"from_": "б", "ключ": [1]})
    assert signature.shape == "{from: str, …: list[int]} -> any"


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ('{"from": "", "ключ": ["x"]}', "Expected `int`, got `str` - at `$.ключ[0]`"),
        ('{"from": "", "ключ": 1}', "Expected `array`, got `int` - at `$.ключ`"),
        ('{"from": "", "from_": [1]}', "unknown field `from_`"),
        ('{"from": "", "connection": [1]}', "unknown field `connection`"),
        ('{"from": "", "room": [1]}', "unknown field `room`"),
        ('{"from": "", "$x": [1]}', "unknown field `$x`"),
        ('{"ключ": [1]}', "missing required field `from`"),
    ],
)
def test_fields_cannot_reach_other_parameters(compiled: Compiled, text: str, reported: str) -> None:
    code = "@process\ndef say(from_: str, connection: Connection, room: str, **fields: list[int]): ...\n"
    with pytest.raises(msgspec.ValidationError) as caught:
        compiled(code, "room").decode(text)
    assert reported in str(caught.value)


def test_path_parameters_are_no_keys_and_win(compiled: Compiled) -> None:
    signature = compiled("@process\ndef say(text: str, room: int, class_: str = ''): ...\n", "room", "class", "else")
    params: dict[str, Any] = {"room": 5, "class": "б"}
    assert read(signature, '{"text": "я"}', **params) == {"text": "я", "room": 5, "class_": "б"}
    assert set(signature.params) == {"room", "class"}
    assert set(signature.input_schema["properties"]) == {"text"}
    assert signature.shape == "{text: str} -> any"
    with pytest.raises(msgspec.ValidationError, match="unknown field `room`"):
        signature.decode('{"text": "я", "room": 6}')


@pytest.mark.parametrize(
    "hint", ["Connection", "Connection | None", "typing.Optional[Connection]", "Annotated[Connection, 'я']",
             "'Connection'", "Annotated[Connection | None, 1]"]
)  # fmt: skip
def test_the_connection_is_given(compiled: Compiled, hint: str) -> None:
    signature = compiled(f"@process\ndef say(who: {hint}, text: str = ''): ...\n")
    assert read(signature, "{}")["who"].id == "c1"
    assert set(signature.input_schema["properties"]) == {"text"}


def test_resources_are_given(collect: Collect, compiled: Compiled) -> None:
    collect({"shared.py": "from jackfield import resource\n\n@resource\nasync def pool():\n    yield 1\n"})
    code = """
from .shared import pool
@resource
async def own():
    yield 2
class Pool: ...
@process
def say(text: str, db: Annotated[Pool, pool], again: Annotated[Pool | None, "x", pool], o: Annotated[int, own]): ...
"""
    signature = compiled(code)
    assert [(one.name, one.file) for one in signature.resources] == [
        ("shared.pool", "processes/shared.py"),
        ("p.own", "processes/p.py"),
    ]
    assert signature.resources[0].line == 3
    found = read(signature, '{"text": ""}', {"shared.pool": "пул", "p.own": 2})
    assert found == {"text": "", "db": "пул", "again": "пул", "o": 2}
    assert set(signature.input_schema["properties"]) == {"text"}


def test_the_schema_is_what_people_read(compiled: Compiled) -> None:
    code = """
class Mood(enum.Enum):
    "Настроение."
    GOOD = "good"

@process
def say(text: Annotated[str, Meta(max_length=5, description="Что сказать")],
        mood: Mood = Mood.GOOD, n: int | None = None): ...
"""
    assert compiled(code).input_schema == {
        "type": "object",
        "properties": {
            "text": {"type": "string", "maxLength": 5, "description": "Что сказать"},
            "mood": {"$ref": "#/$defs/Mood", "default": "good"},
            "n": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        },
        "required": ["text"],
        "additionalProperties": False,
        "$defs": {"Mood": {"title": "Mood", "description": "Настроение.", "enum": ["good"]}},
    }


def test_a_default_that_no_client_could_send_is_not_published(compiled: Compiled) -> None:
    signature = compiled("@process\ndef say(n: int = None, f: float = float('nan')): ...\n")
    assert signature.input_schema["properties"] == {"n": {"type": "integer"}, "f": {"type": "number"}}


@pytest.mark.parametrize(
    ("head", "code", "column", "reported"),
    [
        ("class C: ...", "x: int, c: C", 17, "bad_hint JSON cannot carry `C`"),
        ("", "c: typing.Callable[[int], int]", 9, "bad_hint JSON cannot carry `Callable`"),
        ("", "c: collections.abc.Iterator[int]", 9, "bad_hint JSON cannot carry `Iterator`"),
        ("", "c: complex", 9, "bad_hint JSON cannot carry `complex`"),
        ("", "c: 'Nope'", 9, 'bad_hint the hint `Nope` names "Nope"'),
        ("", "c: 'list[Nope]'", 9, 'bad_hint the hint `list[Nope]` names "Nope"'),
        ("", "c: '1 / 0'", 9, "bad_hint the hint `1 / 0` cannot be used: division by zero"),
        ("", "c: 'list['", 9, "bad_hint the hint `list[` cannot be used"),
        ("", "c: 5", 9, "bad_hint"),
        ("", "c: list[int] | set[int]", 9, "bad_hint `list[int] | set[int]` cannot be used"),
        ("", "c: Annotated[str, Meta(ge=1)]", 9, "bad_hint"),
        ("", "c: set[Any]", 9, "bad_hint a set holds"),
        ("", "c: dict[tuple[int, int], int]", 9, "bad_hint a key of a JSON object is a text"),
        ("@dataclasses.dataclass\nclass D:\n    x: 'Nope'", "c: D", 9, 'bad_hint `D` names "Nope"'),
        ("@dataclasses.dataclass\nclass D:\n    x: complex", "c: D", 9, "bad_hint D: JSON cannot carry `complex`"),
        ("", "*c", 10, "bad_signature a message fills parameters by name"),
        ("", "c, /", 9, "bad_signature a message fills parameters by name"),
        ("", "from_, c: Annotated[int, Key('from')]", 16, 'bad_signature the key "from" is already'),
        ("", "c: Annotated[int, Key('$c')]", 9, 'bad_signature keys that begin with "$"'),
        ("", "c: Annotated[int, Key('')]", 9, "bad_signature the key must be a text"),
        ("", "c: Annotated[int, Key]", 9, "bad_signature `Key` has no name"),
        ("async def pool():\n    yield 1", "c: Annotated[int, pool]", 9, "bad_resource `pool` is not a resource yet"),
        ("", "**c: 'C'", 11, "bad_hint"),
        ("", "**c: complex", 11, "bad_hint JSON cannot carry"),
    ],
)  # fmt: skip
def test_what_a_message_cannot_fill(faults: Faults, head: str, code: str, column: int, reported: str) -> None:
    (problem,) = faults(f"{head}\n@process\ndef say({code}): ...\n")
    assert reported in f"{problem.code} {problem.message}".replace('parameter "c": ', "")
    assert problem.column == column
    assert (problem.path, problem.file) == ("p.say", "processes/p.py")
    assert "jackfield_generation" not in problem.message


def test_all_faults_of_a_function_are_reported_at_once(faults: Faults) -> None:
    found = faults("@process\ndef say(a: complex, b: 'Nope', *c) -> set[int]: ...\n")
    assert [problem.code for problem in found] == ["bad_hint", "bad_hint", "bad_signature", "bad_reply"]


def test_a_type_variable_is_any_value(compiled: Compiled) -> None:
    signature = compiled("T = typing.TypeVar('T')\nI = typing.TypeVar('I', bound=int)\n"
                         "@process\ndef say(x: T, y: list[I], z: object) -> T: ...\n")  # fmt: skip
    assert read(signature, '{"x": {}, "y": [1], "z": null}') == {"x": {}, "y": [1], "z": None}


def test_the_function_is_called_with_all_that_it_takes(compiled: Compiled) -> None:
    code = """
from jackfield import resource
@resource
async def pool():
    yield 1
@process
def say(value: str, function: int, room: int, connection: Connection, opened: Annotated[int, pool], *,
        known: int = 7, from_: str = "", u: Annotated[str, Key("user-id")] = "", **lambda_: int): ...
"""
    signature = compiled(code, "room")
    text = '{"value": "я", "function": 2, "from": "б", "user-id": "в", "ещё": 5, "p0": 6, "$id": 1}'
    found = read(signature, text, {"p.pool": "пул"}, room=3)
    assert found.pop("connection").id == "c1"
    assert found == {
        "value": "я", "function": 2, "room": 3, "opened": "пул", "known": 7, "from_": "б", "u": "в", "ещё": 5, "p0": 6,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["__module__", "__class__", "__post_init__", "p1", "id", "ключ", "match", "ﬁ"])
def test_a_parameter_may_have_any_name_that_python_takes(compiled: Compiled, name: str) -> None:
    signature = compiled(f"@process\ndef say({name}: int, p0: int): ...\n")
    written = "fi" if name == "ﬁ" else name  # Python reads names in their NFKC form
    assert read(signature, f'{{"{written}": 1, "p0": 2, "$id": 3}}') == {written: 1, "p0": 2}


def test_what_a_call_raises_or_gives_is_passed_on(compiled: Compiled) -> None:
    signature = compiled("@process\ndef say(n: int = 1): ...\n")
    value = signature.decode("{}")
    assert signature.call(lambda n: n + 1, value, connection(), {}) == 2
    with pytest.raises(ZeroDivisionError):
        signature.call(lambda n: n / 0, value, connection(), {})
