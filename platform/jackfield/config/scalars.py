"""What a plain (unquoted) YAML text means: the core schema of YAML 1.2.2, section 10.3.2, nothing more.

`on`, `no`, `yes` and `12:30` are texts here; in YAML 1.1, which PyYAML resolves by itself, they are not.
"""

from __future__ import annotations

import math
import re

__all__ = ["resolve"]

Scalar = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS = 300  # what a JSON reader in any language can still hold as a float


def resolve(text: str) -> Scalar:
    """The value of a plain scalar. Raises ValueError for a number that JSON cannot carry."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if len(text) > _MAX_DIGITS and _is_number(text):
        raise ValueError(f"the number is longer than {_MAX_DIGITS} digits")
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEX.fullmatch(text):
        return int(text[2:], 16)
    return _float(text)


def _float(text: str) -> float | str:
    if _NOT_JSON.fullmatch(text):
        raise ValueError(f"{text} is a number that JSON does not have")
    if not _FLOAT.fullmatch(text):
        return text
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text} is too large")
    return number


def _is_number(text: str) -> bool:
    return any(pattern.fullmatch(text) for pattern in (_INTEGER, _OCTAL, _HEX, _FLOAT))
