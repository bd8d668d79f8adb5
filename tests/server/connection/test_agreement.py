"""Signatures and messages by the hundred: the Struct that decodes and the schema that is published agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jackfield.routing.build import build
from jackfield.routing.table import Route
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.observe.metrics import Meter
from tests.projects import write
from tests.server.conftest import HEADER, connection

GOOD: dict[str, Any] = {
    "str": "Привет",
    "int": 2**64,
    "float": -1.5,
    "bool": True,
    "None": None,
    "Any": {"a": [None]},
    "uuid.UUID": "5f0c1b9e-7d1c-4d3f-9a59-111111111111",
    "datetime.date": "2026-02-28",
    "int | None": None,
    "str | int": 5,
    "list[int]": [1, -2],
    "list[str | None]": ["я", None],
    "dict[str, float]": {"x": 1},
    "tuple[int, str]": [1, "a"],
    "set[int]": [1, 2],
    "Literal['да', 'нет', 3]": "да",
    "Annotated[str, Meta(min_length=1, max_length=4)]": "🤝🤝🤝🤝",
    "Annotated[int, Meta(ge=0, lt=10)]": 9,
    "Annotated[list[bool], Meta(max_length=2)]": [True],
    "Colour": "blue",
    "Pair": {"left": "a"},
    "Point": {"x": 1},
    "list[Pair]": [{"left": "", "right": 5}],
    "Point | None": {"x": 1, "y": 2},
}
"""A hint and a value that fits it."""
CLASSES = """
class Colour(enum.Enum):
    red = "red"
    blue = "blue"

class Point(typing.TypedDict):
    x: int
    y: typing.NotRequired[int]

@dataclasses.dataclass
class Pair:
    left: str
    right: int = 0
"""
KEYS = ["a", "b_c", "ключ"]

JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 12),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=6),
        st.sampled_from(["да", "red", "2026-02-28", "2026-02-30", "5f0c1b9e-7d1c-4d3f-9a59-111111111111", "🤝", "x"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["x", "y", "left", "right", "a~/b"]), inner, max_size=3),
    ),
    max_leaves=6,
)
SIGNATURE = st.lists(st.tuples(st.sampled_from(list(GOOD)), st.booleans()), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("project"), "endpoints: {say: {url: /ws/say, process: p.say}}")


@pytest.fixture(scope="module")
def dispatcher() -> Iterator[Dispatcher]:
    made = Dispatcher(threads=1)
    yield made
    made.close()


def route_with(folder: Path, signature: list[tuple[str, bool]]) -> Route:
    """A route whose process takes these hints, each with or without a default."""
    parameters = [
        f"{key}: {hint}{' = None' if optional else ''}" for key, (hint, optional) in zip(KEYS, signature, strict=False)
    ]
    code = f"@process\ndef say(*, {', '.join(parameters)}) -> int:\n    return 1"
    table = build(write(folder, p=HEADER + CLASSES + code), 1)
    table.catalog.release()
    return table.routes["say"]


def lead_somewhere(path: str, message: object) -> bool:
    """Whether a JSON pointer ends in the message, or one step beyond it at a key that is missing."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    for number, part in enumerate(parts):
        if isinstance(message, list) and part.isdecimal() and int(part) < len(message):
            message = message[int(part)]
        elif isinstance(message, dict) and part in message:
            message = message[part]
        else:
            return isinstance(message, dict) and number == len(parts) - 1
    return True


def holds_an_integral_float(value: object) -> bool:
    """1.0 is an integer to JSON Schema and none to Python: the one place where the two differ, told as such."""
    if isinstance(value, list | dict):
        return any(holds_an_integral_float(item) for item in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value.is_integer()


def answer(dispatcher: Dispatcher, route: Route, message: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(message, ensure_ascii=False).encode()
    in_place = dispatcher.in_place(route, {}, Meter())
    assert in_place is not None
    frame = in_place(connection(), text, dispatcher.clock())
    assert frame is not None
    found: dict[str, Any] = json.loads(frame)
    return found


@given(signature=SIGNATURE, data=st.data())
def test_struct_and_schema_agree_and_every_fault_has_its_place(
    project: Path, dispatcher: Dispatcher, signature: list[tuple[str, bool]], data: st.DataObject
) -> None:
    route = route_with(project, signature)
    for _ in range(5):
        good = {key: GOOD[hint] for key, (hint, _) in zip(KEYS, signature, strict=False)}
        odd = data.draw(st.dictionaries(st.sampled_from([*good, "other"]), JSON, max_size=2))
        message = {**good, **odd}
        for key in data.draw(st.sets(st.sampled_from(list(good)), max_size=1)):
            del message[key]
        assume(not any("\ud800" <= letter <= "\udfff" for letter in json.dumps(message, ensure_ascii=False)))
        frame = answer(dispatcher, route, message)
        valid = route.whole.is_valid(message)
        if "error" not in frame:
            assert frame == {"result": 1}
            assert valid, (route.signature.shape, message)
            continue
        details = frame["error"]["details"]
        assert frame["error"]["code"] == "invalid_message"
        assert details
        assert all(fault["problem"] and lead_somewhere(fault["path"], message) for fault in details), (message, details)
        assert not valid or holds_an_integral_float(message), (route.signature.shape, message, details)
