"""The line that people read."""

from __future__ import annotations

import pytest

from tests.process.conftest import Compiled


@pytest.mark.parametrize(
    ("parameters", "shape"),
    [
        ("", "{}"),
        ("message: str", "{message: str}"),
        ("a, n: int = 1", "{a: any, n?: int}"),
        ("a: list[int], b: dict[str, float], c: tuple[int, str]", "{a: list[int], b: {…: float}, c: [int, str]}"),
        ("a: int | None, b: Literal['x', 'я', 1]", '{a: int | null, b: 1 | "x" | "я"}'),
        ("a: Mood, b: Point", '{a: "хорошо" | "плохо", b: Point}'),
        ("d: datetime.datetime, u: uuid.UUID, x: decimal.Decimal", "{d: datetime, u: UUID, x: Decimal}"),
        ("a: Annotated[str, Meta(max_length=5)], o: object", "{a: str, o: any}"),
        ("s: set[str], **fields", "{s: list[str], …: any}"),
        ("a: Annotated[int, Key('a b')]", '{"a b": int}'),
        ("c: Connection, text: str", "{text: str}"),
    ],
)
def test_shapes(compiled: Compiled, parameters: str, shape: str) -> None:
    code = f"""
class Mood(enum.Enum):
    GOOD = "хорошо"
    BAD = "плохо"
@dataclasses.dataclass
class Point:
    x: int
@process
def say({parameters}): ...
"""
    assert compiled(code).shape == f"{shape} -> any"
