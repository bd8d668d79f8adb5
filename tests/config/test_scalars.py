from __future__ import annotations

import pytest

from jackfield.config.scalars import resolve

VALUES = {
    "": None, "~": None, "null": None, "true": True, "False": False, "0": 0, "-17": -17, "+1": 1, "010": 10,
    "0o17": 15, "0xFf": 255, "1e3": 1000.0, ".5": 0.5, "-1.5E-2": -0.015, "1.": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_the_core_schema(text: str, value: object) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


TEXTS = """
on off yes no Yes NO y n nULL 12:30 12:30:45 1_000 0b11 0O17 0X1F +0x1 2026-11-22 1e 1e+ 1.2.3 -.inf2 . ..
- + = << ٣ １ Привет
""".split()  # noqa: SIM905 - words to read, not a column of quotes


@pytest.mark.parametrize("text", [*TEXTS, "1 2", "yes and no"])
def test_all_else_is_text(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize("text", [".inf", "-.INF", ".NaN", "1e999", "9" * 301, "0x" + "f" * 300])
def test_numbers_that_json_cannot_carry(text: str) -> None:
    with pytest.raises(ValueError):
        resolve(text)
