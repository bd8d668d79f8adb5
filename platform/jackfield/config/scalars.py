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
_INTEGERS = (
    (re.compile(r"[-+]?[0-9]+"), 10),
    (re.compile(r"0o[0-7]+"), 8),
    (re.compile(r"0x[0-9a-fA-F]+"), 16),
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS = 300  # what a JSON reader in any language can still hold as a float


def resolve(text: str) -> Scalar:
    """The value of a plain scalar. Raises ValueError for a number that JSON cannot carry."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    base = next((base for pattern, base in _INTEGERS if pattern.fullmatch(text)), None)
    is_float = base is None and _FLOAT.fullmatch(text) is not None
    if len(text) > _MAX_DIGITS and (base or is_float):
        raise ValueError(f"the number is longer than {_MAX_DIGITS} digits")
    if base:
        return int(text, base)
    if _NOT_JSON.fullmatch(text):
        raise ValueError(f"{text} is a number that JSON does not have")
    if is_float and math.isinf(float(text)):
        raise ValueError(f"the number {text} is too large")
    return float(text) if is_float else text
