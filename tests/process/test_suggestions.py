"""The hint for a type hint that cannot be carried: how to write what it was meant for."""

from __future__ import annotations

import pytest

from tests.process.conftest import Compiled, Faults

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
def test_a_model_of_pydantic_is_reported_what_to_write(faults: Faults, hint: str) -> None:
    (problem,) = faults(f"{MODELS}@process\ndef say(m: {hint}): ...\n")
    name = "R" if "R" in hint else "M"
    assert f"JSON cannot carry `{name}`" in problem.message
    assert problem.hint.startswith("write it as a dataclass or a `msgspec.Struct`")
    assert f"`{name}.model_validate`" in problem.hint


@pytest.mark.parametrize("hint", ["M", "M | None", "list[M]"])
def test_so_is_one_that_is_a_reply(faults: Faults, hint: str) -> None:
    (problem,) = faults(f"{MODELS}@process\ndef say() -> {hint}: ...\n")
    assert '`.model_dump(mode="json")`' in problem.hint


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
        *((hint, "M") for hint in ("M | R", "M | int", "M | R | None")),
    ],
)
def test_a_union_of_objects_is_reported_of_tags(faults: Faults, hint: str, name: str) -> None:
    (problem,) = faults(f"{MODELS}{SHAPES}@process\ndef say(m: {hint}): ...\n")
    assert f'`class {name}(msgspec.Struct, tag="{name.lower()}", tag_field="kind")`' in problem.hint
    assert '"Several shapes"' in problem.hint


@pytest.mark.parametrize(
    ("hint", "reported"),
    [
        ("Twin | Twin2", "give all of them one `tag_field`, and each a `tag` of its own"),
        ("Twin | Away", "give all of them one `tag_field`, and each a `tag` of its own"),
        ("str | datetime.date", "keep one of them, or give each a key of its own"),
        ("list[int] | set[str]", "keep one of them, or give each a key of its own"),
    ],
)
def test_other_unions(faults: Faults, hint: str, reported: str) -> None:
    (problem,) = faults(f"{SHAPES}@process\ndef say(m: {hint}): ...\n")
    assert reported in problem.hint


def test_what_is_reported_is_taken(compiled: Compiled) -> None:
    signature = compiled(
        'class Card(msgspec.Struct, tag="card", tag_field="kind"): number: str\n'
        'class Cash(msgspec.Struct, tag="cash", tag_field="kind"): amount: int\n'
        "@process\ndef say(m: Card | Cash): ...\n"
    )
    decoded = signature.decode('{"m": {"kind": "cash", "amount": 5}}')
    assert decoded.p0.amount == 5


FOREIGN = """
import annotated_types, pydantic, pydantic.dataclasses
class Depends:
    def __init__(self, *what): ...
@pydantic.dataclasses.dataclass
class A: x: int = pydantic.Field(ge=1)
class Sub(A): ...
@dataclasses.dataclass
class Holds: items: list[A]
class Struct(msgspec.Struct): x: int = pydantic.Field(ge=1)
class Keys(TypedDict): y: typing.NotRequired[Annotated[str, annotated_types.MaxLen(2)]]
Short = typing.NewType("Short", Annotated[str, annotated_types.MaxLen(2)])
"""


@pytest.mark.parametrize("hint", ["A", "A | None", "list[A]", "dict[str, A]", "Sub", "Holds"])
def test_a_dataclass_of_pydantic_is_no_hint(faults: Faults, hint: str) -> None:
    (problem,) = faults(f"{FOREIGN}@process\ndef say(m: {hint}): ...\n")
    assert problem.code == "bad_hint"
    assert "JSON cannot carry `" in problem.message
    assert "write it with the `dataclass` of `dataclasses`" in problem.hint
    (problem,) = faults(f"{FOREIGN}@process\ndef say() -> {hint}: ...\n")
    assert problem.code == "bad_reply"


@pytest.mark.parametrize(
    ("hint", "meta"),
    [
        ("Annotated[str, pydantic.Field(max_length=3)]", "max_length=3"),
        ("Annotated[str, pydantic.Field(pattern='я', description='d')]", "description='d', pattern='я'"),
        ("Annotated[str, pydantic.StringConstraints(min_length=2)]", "min_length=2"),
        ("Annotated[str, annotated_types.Len(1, 3)]", "min_length=1, max_length=3"),
        ("Annotated[int, annotated_types.Ge(0)]", "ge=0"),
        ("Annotated[int, annotated_types.Predicate(bool)]", "..."),
        ("pydantic.PositiveInt", "gt=0"),
        ("pydantic.PositiveInt | None", "gt=0"),
        ("list[pydantic.conint(le=3)]", "le=3"),
        ("int | Annotated[str, annotated_types.MaxLen(2)]", "max_length=2"),
        ("Keys", "max_length=2"),
        ("dict[str, Short]", "max_length=2"),
    ],
)
def test_a_bound_that_only_others_read_is_reported_as_meta(faults: Faults, hint: str, meta: str) -> None:
    (problem,) = faults(f"{FOREIGN}@process\ndef say(m: {hint}): ...\n")
    assert problem.code == "bad_hint"
    assert "that stands in `Annotated`" in problem.message
    assert f"`msgspec.Meta({meta})`" in problem.hint


@pytest.mark.parametrize("note", ["'text'", "object()", "int", "annotated_types.doc('x')", "Meta(ge=1)"])
def test_other_notes_stay(compiled: Compiled, note: str) -> None:
    compiled(f"{FOREIGN}@process\ndef say(m: Annotated[int, {note}]): ...\n")


@pytest.mark.parametrize(
    ("written", "reported"),
    [
        ("m: str = pydantic.Field(max_length=3)", "`msgspec.Meta(max_length=3)`"),
        ("m: Struct", "`msgspec.Meta(ge=1)`"),
        ("m: list[int] = dataclasses.field(default_factory=list)", "write the value itself"),
        ("m: int = msgspec.field(default=1)", "write the value itself"),
        ("m=Depends(int)", "for a resource write"),
        ("m: Annotated[dict[str, int], Depends(int)]", "for a resource write"),
    ],
)
def test_a_default_that_only_others_read_is_a_problem(faults: Faults, written: str, reported: str) -> None:
    (problem,) = faults(f"{FOREIGN}@process\ndef say({written}): ...\n")
    assert problem.code == "bad_hint"
    assert reported in problem.hint


@pytest.mark.parametrize(
    ("hint", "reported"),
    [
        ("any", "write `Any`"),
        ("list[any]", "write `Any`"),
        ("[str]", "`list[str]`"),
        ("[]", "`list`"),
        ("{str: any}", "`dict[str, Any]`"),
        ("(str, int)", "`tuple[str, int]`"),
        ("'list(str)'", "`list[str]`"),
        ("'list[typing.Optional(int)]'", "`typing.Optional[int]`"),
        ("5", "`Literal[5]`"),
        ("datetime", "`datetime` is a module"),
    ],
)
def test_a_value_in_place_of_a_type_is_reported_what_to_write(faults: Faults, hint: str, reported: str) -> None:
    (problem,) = faults(f"@process\ndef say(m: {hint}): ...\n")
    assert problem.code == "bad_hint"
    assert reported in problem.hint
