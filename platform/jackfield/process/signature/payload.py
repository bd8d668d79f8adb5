"""A process whose messages are no JSON: one parameter takes the whole payload of a frame, a text or bytes.

Compiled beside signature.py, into the same Signature: the walk of a message is the same for both.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from jackfield.errors import Problem
from jackfield.messages import Binary, NotUtf8
from jackfield.process.process import Process
from jackfield.process.signature.hints import Unsupported, readable, resolve, split
from jackfield.process.signature.parameters import Faults, Parameter, path_converter, read_parameters
from jackfield.process.signature.reply import item_of
from jackfield.process.signature.signature import Signature, path_schemas_of
from jackfield.process.signature.written import written_call

__all__ = ["SCHEMAS", "compile"]

_HINTS = {"text": "str", "binary": "bytes", "any": "str | bytes"}
_TYPES: Mapping[str, frozenset[type]] = {
    "text": frozenset((str,)),
    "binary": frozenset((bytes,)),
    "any": frozenset((str, bytes)),
}
_NOTHING = (None, type(None))
_MANY = ("generator", "async_generator")

SCHEMAS: Mapping[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "binary": {"type": "string", "format": "binary"},
    "any": {"type": "string"},
}
"""What a payload is in documents, by the kind of an endpoint's messages."""


def compile(  # noqa: A001 - as that of signature.py
    process: Process,
    path_parameters: tuple[str, ...],
    messages: Literal["text", "binary", "any"],
    reply_to: str = "sender",
    *,
    feed: bool = False,
) -> tuple[Signature | None, tuple[Problem, ...]]:
    """Compile a process for an endpoint with `messages`: a signature, or all faults. A `feed` takes no message."""
    faults = Faults(process)
    package = str(getattr(inspect.unwrap(process.function), "__module__", "")).partition(".")[0]
    parameters = read_parameters(process, path_parameters, faults, payload=not feed)
    schemas = path_schemas_of(parameters, package, faults)
    taken = None if feed else _taken(parameters, messages, faults)
    given = _given(process, messages, faults)
    name = taken.name if taken else ""
    if faults or not (name or feed):
        return None, tuple(sorted(faults, key=lambda fault: (fault.line, fault.column)))
    many = process.kind in _MANY
    replies: Literal["none", "one", "many"] = "none" if not given else "many" if many else "one"
    shape = ("many " if many else "") + _HINTS[messages] if given else "nothing"
    whose = "" if reply_to == "sender" or not given else f"{reply_to}: "
    return (
        Signature(
            decode=decode,
            message_id=lambda _value: None,
            narrowed=True,
            strict=True,
            values=lambda value: {name: value},
            call=written_call(parameters, {name: "value"} if name else {}),
            params={p.key: path_converter(p, schemas[p.key]) for p in parameters if p.source == "path"},
            path_schemas=schemas,
            resources=tuple({p.key: p.resource for p in parameters if p.resource is not None}.values()),
            input_schema=dict(SCHEMAS[messages]),
            reply_schema=dict(SCHEMAS[messages]) if given else None,
            check_reply=_checker(given),
            shape=f"{_HINTS[messages]} -> {whose}{shape}",
            replies=replies,
            connected=any(p.source == "connection" for p in parameters),
        ),
        (),
    )


def decode(data: bytes | str) -> str | bytes:
    """The value of a message: bytes of a binary frame, the text of another. Raises NotUtf8."""
    if type(data) is Binary:
        return bytes(data)
    try:
        return data if isinstance(data, str) else data.decode()
    except UnicodeDecodeError:
        raise NotUtf8 from None


def _taken(parameters: tuple[Parameter, ...], messages: str, faults: Faults) -> Parameter | None:
    """The parameter that takes the payload, or None where it cannot."""
    found = [parameter for parameter in parameters if parameter.source in ("message", "more")]
    write = f"write one parameter with the hint `{_HINTS[messages]}`"
    if len(found) != 1 or found[0].source == "more":
        names = ", ".join(f'"{one.name}"' for one in found if one.source == "message") or "none"
        if not faults:
            text = f"with `messages: {messages}` one parameter takes the message, and here are {names}"
            faults.add("bad_signature", found[-1].name if found else "", text, write)
        return None
    kinds = _kinds(found[0].hint)
    if kinds is None or not _TYPES[messages] <= kinds:
        text = f"with `messages: {messages}` its hint is `{_HINTS[messages]}`, not {readable(found[0].hint)}"
        faults.add("bad_signature", found[0].name, text, write)
    return found[0]


def _given(process: Process, messages: str, faults: Faults) -> frozenset[type]:
    """The types of what a process gives back, empty where it gives nothing."""
    hint = inspect.signature(process.function).return_annotation
    if hint is inspect.Signature.empty:
        return _TYPES[messages]
    try:
        item = item_of(process, resolve(process.function, hint))
    except Unsupported as exc:
        faults.add("bad_reply", "return", str(exc), exc.hint)
        return frozenset()
    if split(item)[0] in _NOTHING:
        return frozenset()
    kinds = _TYPES[messages] if item is Any else _kinds(item, or_none=True)
    if not kinds or not kinds & _TYPES[messages]:
        text = f"with `messages: {messages}` it gives back `{_HINTS[messages]}` or None, not {readable(item)}"
        faults.add("bad_reply", "return", text, f"write the hint `{_HINTS[messages]}`")
        return frozenset()
    return kinds & _TYPES[messages]


def _kinds(hint: Any, *, or_none: bool = False) -> frozenset[type] | None:
    """The types that a hint lets through; None where one of them is no payload."""
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kinds = frozenset(part for part in parts if not (or_none and part in _NOTHING))
    return kinds if kinds <= {str, bytes} else None


def _checker(given: frozenset[type]) -> Callable[[object], str | None]:
    names = " or ".join(sorted(kind.__name__ for kind in given)) or "nothing"

    def check(value: object) -> str | None:
        return None if value is None or isinstance(value, tuple(given)) else f"{type(value).__name__}, not {names}"

    return check
