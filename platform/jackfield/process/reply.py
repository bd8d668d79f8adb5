"""What a process answers, told by its return hint: the published schema, the check, the shape."""

from __future__ import annotations

import collections.abc as abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, Never, NoReturn, get_args, get_origin

import msgspec
from msgspec import inspect as mi

from jackfield.process.catalog import Process
from jackfield.process.hints import Unsupported, members, readable, split, type_of
from jackfield.process.schema import JSON, Schemas, fields_in_order
from jackfield.process.shape import object_shape, shape_of, top_shape

__all__ = ["Reply", "compile_reply", "own_key"]

_STREAMS = {
    "generator": (abc.Generator, abc.Iterable, abc.Iterator),
    "async_generator": (abc.AsyncGenerator, abc.AsyncIterable, abc.AsyncIterator),
}
_NOTHING = (None, type(None), NoReturn, Never)


@dataclass(frozen=True, slots=True)
class Reply:
    """The compiled return hint of a process; see Signature for the fields."""

    schema: JSON | None
    check: Callable[[object], str | None]
    shape: str


def own_key(name: str) -> bool:
    """Whether a top-level key of a reply would be one of ours."""
    return name in ("error", "event") or name.startswith("$")


def compile_reply(process: Process, hint: Any, package: str) -> Reply:
    """Read a resolved return hint; `inspect.Signature.empty` is none. Raises Unsupported."""
    many = "many " if process.kind in _STREAMS else ""
    if hint is _MISSING:
        return Reply(None, _anything, f"{many}any")
    item = _item(process, hint)
    if split(item)[0] in _NOTHING:
        return Reply(None, _nothing, "nothing")
    kind = type_of(item)
    parts = [part for part in members(kind) if not isinstance(part, mi.NoneType)]
    schemas = Schemas(package, reply=True)
    schema = _schema(schemas, parts, process.reply)
    return Reply(schemas.whole(schema), _checker(item, process.reply), many + _shape(parts, process.reply))


_MISSING = abc.Callable  # replaced below
