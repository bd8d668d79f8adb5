"""What becomes of the default of a parameter: whether it is published, whether it is copied, whether it fits."""

from __future__ import annotations

import copy
import copyreg
from collections.abc import Callable
from typing import Any

import msgspec

from jackfield.process.signature import matching
from jackfield.process.signature.hints import Unsupported, readable
from jackfield.process.signature.json_schema import JSON, default_of
from jackfield.process.signature.parameters import NO_DEFAULT, Parameter

__all__ = ["fresh", "misfit", "published"]

_NEW = copyreg.__newobj__  # type: ignore[attr-defined] # how an object is copied that says nothing of it


def published(parameter: Parameter) -> JSON:
    """The default for the documents, where a client could send the same."""
    fits = parameter.default is not NO_DEFAULT and _refusal(parameter) is None
    return default_of(parameter.default) if fits else {}


def misfit(parameter: Parameter) -> str:
    """Why a default cannot be what the hint says; "" where it can, and for values of less common types.

    None and numbers without end are markers of many authors, and bounds are often left by one.
    """
    if parameter.source != "message" or type(parameter.default) not in (bool, int, float, str, list, dict):
        return ""
    reason = str(_refusal(parameter))
    if ", got `" not in reason or "got `null`" in reason:
        return ""
    return f"its default, {parameter.default!r:.60}, is none of its hint, {readable(parameter.hint)}"


def _refusal(parameter: Parameter) -> Exception | None:
    """What the decoder raises for a default that JSON has a value for."""
    found = default_of(parameter.default)
    try:
        if found:
            matching.decoder(parameter.hint, parameter.kind)(msgspec.json.encode(found["default"]))
    except (TypeError, ValueError, RecursionError, Unsupported) as exc:
        return exc
    return None


def fresh(default: Any) -> Callable[[], Any]:
    """A copy per call: what one connection does to a default must not reach the next. A sentinel stays itself."""
    try:
        if _is_sentinel(default):
            return lambda: default
        copy.deepcopy(default)
    except Exception:  # noqa: BLE001 - a lock, a module: what cannot be copied is given as it is
        return lambda: default
    return lambda: copy.deepcopy(default)


def _is_sentinel(value: Any) -> bool:
    """Whether a value is recognised by `is` alone: it is like no other, and holds nothing but, at most, its name."""
    cls: Any = type(value)
    if isinstance(value, type) or hasattr(cls, "__deepcopy__") or cls.__eq__ is not object.__eq__:
        return False
    made = value.__reduce_ex__(4)
    if not isinstance(made, tuple) or made[:2] != (_NEW, (cls,)) or any(made[3:]):
        return False
    states = made[2] if isinstance(made[2], tuple) else (made[2],)  # with __slots__ there are two
    held = [part for state in states if isinstance(state, dict) for part in state.values()]
    return all(state is None or isinstance(state, dict) for state in states) and all(type(p) is str for p in held)
