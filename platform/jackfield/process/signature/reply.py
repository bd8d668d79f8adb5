"""What a process answers, by its return hint: the published schema, the check, the shape."""

from __future__ import annotations

import inspect
from collections import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from types import UnionType
from typing import Any, Literal, Never, NoReturn, Union, get_args, get_origin

import msgspec
from msgspec import inspect as mi

from jackfield.process.process import Process
from jackfield.process.signature import matching
from jackfield.process.signature.hints import Unsupported, members, readable, split, type_of
from jackfield.process.signature.json_schema import JSON, Schemas, fields_in_order
from jackfield.process.signature.summary import Keys, object_shape, shape_of, top_shape

__all__ = ["Reply", "compile_reply", "event_schema", "item_of", "own_key"]

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
    count: Literal["none", "one", "many"]


def own_key(name: str) -> bool:
    """Whether a top-level key of a reply would be one of ours."""
    return name in ("error", "event") or name.startswith("$")


def compile_reply(process: Process, hint: Any, package: str, *, events: bool = False, ours: Keys = ()) -> Reply:
    """Read a resolved return hint; `inspect.Signature.empty` is none. Raises Unsupported.

    With `events` what it gives are events, which may have their names under `event`. `ours` are keys of the frame that
    a reply becomes; they are part of the shape alone.
    """
    many = "many " if process.kind in _STREAMS else ""
    count: Literal["one", "many"] = "many" if many else "one"
    if hint is inspect.Signature.empty:
        return Reply(None, lambda _: None, f"{many}{top_shape(mi.AnyType(), ours)}", count)
    item = item_of(process, hint)
    if split(item)[0] in _NOTHING:
        return Reply(None, _nothing, "nothing", "none")
    alternatives = _alternatives(item)
    parts = [kind for kind in _kinds(alternatives) if not isinstance(kind, mi.NoneType)]
    schemas = Schemas(package, reply=True)
    schema = _schema(schemas, parts, process.reply, events=events)
    shape = many + _shape(parts, process.reply, ours)
    return Reply(schemas.whole(schema), _checker(alternatives, process.reply), shape, count)


def event_schema(hint: Any, package: str) -> JSON:
    """The schema of an event of this type, which is a class with keys or a union of such. Raises Unsupported."""
    schemas = Schemas(package, reply=True)
    parts = _kinds(_alternatives(hint))
    if not all(map(_is_object, parts)):
        raise Unsupported(f"{readable(hint)} is no object with keys, and an event is one")
    return schemas.whole(_schema(schemas, parts, "", events=True))


def _kinds(alternatives: list[Any]) -> list[mi.Type]:
    """The types that stand side by side in a hint, or in its parts."""
    return [member for alternative in alternatives for member in members(type_of(alternative))]


def item_of(process: Process, hint: Any) -> Any:
    """What one reply is: what a generator yields, or what a function returns. Raises Unsupported."""
    streams = _STREAMS.get(process.kind)
    if streams is None:
        return hint
    inner = split(hint)[0]
    origin = get_origin(inner) or inner
    if origin not in streams:
        name = "AsyncIterator" if process.kind == "async_generator" else "Iterator"
        raise Unsupported(f"a function that yields does not return {readable(hint)}", f"write `-> {name}[...]`")
    return next(iter(get_args(inner)), Any)


def _alternatives(hint: Any) -> list[Any]:
    """The hint alone, or the parts of a union that msgspec can write but not read, such as two TypedDicts."""
    try:
        type_of(hint)
    except Unsupported:
        bare = split(hint)[0]
        if get_origin(bare) in (Union, UnionType):
            return list(get_args(bare))
        raise
    return [hint]


def _schema(schemas: Schemas, parts: list[mi.Type], key: str, *, events: bool) -> JSON:
    """The schema of the reply object; bare values stand under `key`."""
    objects = [schemas.inlined(_object(schemas, part, events=events)) for part in parts if _is_object(part)]
    bare = [schemas.of(part) for part in parts if not _is_object(part)]
    if bare:
        value = bare[0] if len(bare) == 1 else {"anyOf": bare}
        objects.append({"type": "object", "properties": {key: value}, "required": [key]})
    return objects[0] if len(objects) == 1 else {"anyOf": objects}


def _object(schemas: Schemas, kind: mi.Type, *, events: bool) -> JSON:
    if isinstance(kind, mi.AnyType):
        return {"type": "object"}
    for name in _names(kind):
        if own_key(name) and not (events and name == "event"):
            raise Unsupported(f'a reply may not have the key "{name}", which is Jackfield\'s own', "rename it")
    if isinstance(kind, mi.StructType) and kind.array_like:
        raise Unsupported(f"`{kind.cls.__name__}` is sent as a list", "take `array_like=True` away")
    return schemas.of(kind)


def _names(kind: mi.Type) -> list[str]:
    if isinstance(kind, mi.StructType):
        return [field.encode_name for field in kind.fields] + ([kind.tag_field] if kind.tag_field else [])
    if isinstance(kind, mi.DataclassType | mi.TypedDictType):
        return [field.encode_name for field in fields_in_order(kind)]
    if isinstance(kind, mi.DictType) and isinstance(kind.key_type, mi.LiteralType):
        return [str(value) for value in kind.key_type.values]
    return []


def _is_object(kind: mi.Type) -> bool:
    return isinstance(kind, mi.AnyType | mi.StructType | mi.DataclassType | mi.TypedDictType | mi.DictType)


def _shape(parts: list[mi.Type], key: str, ours: Keys) -> str:
    shapes = [top_shape(part, ours) for part in parts if _is_object(part)]
    bare = [shape_of(part) for part in parts if not _is_object(part)]
    if bare:
        shapes.append(object_shape([*ours, (key, True, " | ".join(dict.fromkeys(bare)))]))
    return " | ".join(dict.fromkeys(shapes))


def _nothing(value: object) -> str | None:
    return None if value is None else "the process replied, and its return hint says that it does not"


def _checker(hints: list[Any], key: str) -> Callable[[object], str | None]:
    """A check by the way out and in again, which sees what the client would see."""
    decoders = [matching.decoder(hint, type_of(hint)) for hint in hints]
    encode = msgspec.json.Encoder().encode

    def check(value: object) -> str | None:
        faults: list[str] = []
        try:
            data = encode(value)
        except (TypeError, ValueError, OverflowError, RecursionError) as exc:
            return _located(str(exc), value, key)
        for decode in decoders:
            try:
                decode(data)
            except (TypeError, ValueError, OverflowError, RecursionError) as exc:
                faults.append(_located(str(exc), value, key))
            else:
                return None
        return ", or else: ".join(dict.fromkeys(faults))

    return check


def _located(fault: str, value: object, key: str) -> str:
    """A fault of msgspec's with the path in the reply that the client gets."""
    text, _, path = fault.partition(" - at ")
    path = path or "`$`"
    if not isinstance(value, Mapping | msgspec.Struct) and (not is_dataclass(value) or isinstance(value, type)):
        path = path.replace("`$", f"`$.{key}", 1)
    return f"{text} - at {path}"
