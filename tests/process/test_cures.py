"""What is told of a hint that cannot be carried: how to write what it was meant for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jackfield.errors import Problem
from jackfield.process.signature import Signature

Faults = Callable[..., list[Problem]]

MODELS = (
    "from pydantic import BaseModel, RootModel\nclass M(BaseModel):\n    a: int\nclass R(RootModel[list[int]]): pass\n"
)
SHAPES = """
@dataclasses.dataclass
class Card: number: str
@dataclasses.dataclass
class Cash: amount: int
class Free(msgspec.Struct): pass
class Bound(msgspec.Struct): x: int
class Given(TypedDict): x: int
class Other(TypedDict): y: int
class Twin(msgspec.Struct, tag="t", tag_field="kind"): x: int
class Twin2(msgspec.Struct, tag="t", tag_field="kind"): y: int
class Away(msgspec.Struct, tag="a", tag_field="type"): y: int
"""


@pytest.mark.parametrize(
    "hint", ["M", "M | None", "list[M]", "dict[str, M]", "Annotated[M, 'x']", "R", "tuple[int, M]", "list[R | None]"]
)
def test_a_model_of_pydantic_is_told_what_to_write(faults: Faults, hint: str) -> None:
    (problem,) = faults(f"{MODELS}@process\ndef say(m: {hint}): ...\n")
    name = "R" if "R" in hint else "M"
    assert f"JSON cannot carry `{name}`" in problem.message
    assert problem.hint.startswith("write it as a dataclass or a `msgspec.Struct`")
    assert f"`{name}.model_validate`" in problem.hint


@pytest.mark.parametrize("hint", ["M", "M | None", "list[M]"])
def test_so_is_one_that_is_a_reply(faults: Faults, hint: str) -> None:
    (problem,) = faults(f"{MODELS}@process\ndef say() -> {hint}: ...\n")
    assert '`.model_dump(mode="json")`' in problem.hint


@pytest.mark.parametrize("hint", ["M | R", "M | int", "M | R | None"])
def test_a_union_with_a_model_is_told_of_tags(faults: Faults, hint: str) -> None:
    (problem,) = faults(f"{MODELS}@process\ndef say(m: {hint}): ...\n")
    assert '`class M(msgspec.Struct, tag="m", tag_field="kind")`' in problem.hint


@pytest.mark.parametrize(
    ("hint", "name"),
    [
        ("Card | Cash", "Card"),
        ("Card | Cash | None", "Card"),
        ("list[Cash | Card]", "Cash"),
        ("dict[str, list[Card | Cash]]", "Card"),
        ("Annotated[Card | Cash, 'x']", "Card"),
        ("Free | Bound", "Free"),
        ("Given | Other", "Given"),
        ("Given | Card", "Given"),
        ("dict[str, int] | Card", "Card"),
        ("Card | Twin", "Card"),
    ],
)
def test_a_union_of_objects_is_told_of_tags(faults: Faults, hint: str, name: str) -> None:
    (problem,) = faults(f"{SHAPES}@process\ndef say(m: {hint}): ...\n")
    assert f'`class {name}(msgspec.Struct, tag="{name.lower()}", tag_field="kind")`' in problem.hint
    assert '"Several shapes"' in problem.hint


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        ("Twin | Twin2", "give all of them one `tag_field`, and each a `tag` of its own"),
        ("Twin | Away", "give all of them one `tag_field`, and each a `tag` of its own"),
        ("str | datetime.date", "keep one of them, or give each a key of its own"),
        ("list[int] | set[str]", "keep one of them, or give each a key of its own"),
    ],
)
def test_other_unions(faults: Faults, hint: str, told: str) -> None:
    (problem,) = faults(f"{SHAPES}@process\ndef say(m: {hint}): ...\n")
    assert told in problem.hint


def test_what_is_told_is_taken(compiled: Callable[..., Signature]) -> None:
    signature = compiled(
        'class Card(msgspec.Struct, tag="card", tag_field="kind"): number: str\n'
        'class Cash(msgspec.Struct, tag="cash", tag_field="kind"): amount: int\n'
        "@process\ndef say(m: Card | Cash): ...\n"
    )
    decoded = signature.decode('{"m": {"kind": "cash", "amount": 5}}')
    assert decoded.p0.amount == 5
