"""Types in a line for people: `{message: str, n?: int} -> {message: str}`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from msgspec import inspect as mi

from jackfield.process.signature.json_schema import fields_in_order

__all__ = ["Keys", "object_shape", "shape_of", "top_shape"]

_WORDS = {
    mi.AnyType: "any",
    mi.BoolType: "bool",
    mi.ByteArrayType: "bytes",
    mi.BytesType: "bytes",
    mi.DateTimeType: "datetime",
    mi.DateType: "date",
    mi.DecimalType: "Decimal",
    mi.FloatType: "float",
    mi.IntType: "int",
    mi.NoneType: "null",
    mi.RawType: "any",
    mi.StrType: "str",
    mi.TimeDeltaType: "timedelta",
    mi.TimeType: "time",
    mi.UUIDType: "UUID",
}
Keys = Collection[tuple[str, bool, str]]
"""Of each key of an object: name, whether it must be there, shape."""

_MANY_VALUES = 6
"""Enums with more values than this are shown by name."""


def shape_of(kind: mi.Type) -> str:
    """One type in a few words; classes by their names."""
    match kind:
        case mi.Metadata():
            return shape_of(kind.type)
        case mi.UnionType():
            return " | ".join(dict.fromkeys(shape_of(part) for part in kind.types))
        case mi.CustomType() if kind.cls is object:
            return "any"
        case mi.LiteralType():
            return _values(kind.values)
        case mi.EnumType() if len(kind.cls) <= _MANY_VALUES:
            return _values(member.value for member in kind.cls)
        case mi.TupleType():
            return f"[{', '.join(shape_of(item) for item in kind.item_types)}]"
        case mi.CollectionType():
            return f"list[{shape_of(kind.item_type)}]"
        case mi.DictType():
            return f"{{…: {shape_of(kind.value_type)}}}"
    word = _WORDS.get(type(kind))
    return word or str(getattr(getattr(kind, "cls", None), "__name__", "any"))


def top_shape(kind: mi.Type, ours: Keys = ()) -> str:
    """A type that is a whole message: the keys of a class are written out.

    `ours` are the keys of the event that it becomes in a group: they stand before its own, and win.
    """
    while isinstance(kind, mi.Metadata):
        kind = kind.type
    if isinstance(kind, mi.StructType | mi.DataclassType | mi.TypedDictType):
        taken = ["group", *(name for name, _, _ in ours)] if ours else ()
        own = [(field.encode_name, field.required, shape_of(field.type)) for field in fields_in_order(kind)]
        return object_shape([*ours, *(key for key in own if key[0] not in taken)])
    if ours:
        return object_shape(ours, shape_of(kind.value_type) if isinstance(kind, mi.DictType) else "any")
    return shape_of(kind)


def object_shape(keys: Keys, more: str = "") -> str:
    """An object by its keys. `more` is the shape of keys not named."""
    parts = [f"{_name(name)}{'' if required else '?'}: {shape}" for name, required, shape in keys]
    return f"{{{', '.join([*parts, f'…: {more}'] if more else parts)}}}"


def _name(name: str) -> str:
    return name if name.replace("-", "_").isidentifier() else json.dumps(name, ensure_ascii=False)


def _values(values: Iterable[object]) -> str:
    return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
