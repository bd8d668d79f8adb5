"""Types as JSON Schema 2020-12.

Strategy: made from msgspec's own description of a type, so that the schema says what the decoder does.
The decoder's verdict is the law; where the two differ it is here, and docs/processes.md lists it:

- `integer` takes 1.0 (JSON Schema, section 6.1.1); the decoder does not. A float has no upper bound.
- `uuid`, `date-time` and Decimal: the decoder also takes a UUID without hyphens, a date-time without
  offset or with a blank for the T, what else Python's Decimal takes ("NaN", "1_000"). `date`, `date-time`
  and `duration` have corners of their own: the year 0000, leap seconds, P1Y, fractions of an hour.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import inspect as mi

from jackfield.process.python.sources import FOLDER
from jackfield.process.signature.hints import Unsupported, members
from jackfield.process.suggestions import class_fix, default_fix, is_pydantic_dataclass
from jackfield.schema import patterns
from jackfield.schema.patterns import BASE64, DECIMAL, NUMBER, TIME, WHOLE
from jackfield.schema.walk import walk

__all__ = ["NUMBERS", "TEXTS", "Schemas", "default_of", "fields_in_order"]

JSON = dict[str, Any]

_REF = "#/$defs/"

_OFFSET = r"([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])"
_KEY_PATTERNS = {"integer": WHOLE, "number": NUMBER}

_Fielded = mi.StructType | mi.TypedDictType | mi.DataclassType | mi.NamedTupleType
_NO_SET = "use a list"


class Schemas:
    """Writes the schemas of one message; classes with names go to `defs`, where `$ref` finds them.

    With `reply`, what can be read but not sent (sets, keys that are not texts) is refused. `package` is the
    generation's, whose name must not be published.
    """

    def __init__(self, package: str = "", *, reply: bool = False) -> None:
        self.defs: dict[str, JSON] = {}
        self._package = package
        self._reply = reply
        self._names: dict[Any, str] = {}
        self._writers: Mapping[type[mi.Type], Callable[[Any], JSON]] = {
            mi.AnyType: lambda _: {},
            mi.RawType: lambda _: {},
            mi.NoneType: lambda _: {"type": "null"},
            mi.BoolType: lambda _: {"type": "boolean"},
            mi.IntType: lambda kind: {"type": "integer"} | _bounds(kind),
            mi.FloatType: lambda kind: {"type": "number"} | _bounds(kind),
            mi.StrType: _text,
            mi.BytesType: _bytes,
            mi.ByteArrayType: _bytes,
            mi.DateTimeType: self._date_time,
            mi.DateType: lambda _: {"type": "string", "format": "date"},
            mi.TimeType: self._time,
            mi.TimeDeltaType: lambda _: {"type": "string", "format": "duration"},
            mi.UUIDType: lambda _: {"type": "string", "format": "uuid"},
            mi.DecimalType: self._decimal,
            mi.ListType: self._list,
            mi.VarTupleType: self._list,
            mi.SetType: self._set,
            mi.FrozenSetType: self._set,
            mi.TupleType: self._tuple,
            mi.DictType: self._dict,
            mi.UnionType: lambda kind: {"anyOf": [self.of(part) for part in kind.types]},
            mi.LiteralType: lambda kind: {"enum": list(kind.values)},
            mi.EnumType: self._named,
            mi.StructType: self._named,
            mi.TypedDictType: self._named,
            mi.DataclassType: self._named,
            mi.NamedTupleType: self._named,
        }

    def of(self, kind: mi.Type) -> JSON:
        """The schema of one type. Raises Unsupported for what JSON cannot carry."""
        if isinstance(kind, mi.Metadata):
            extra = dict(kind.extra_json_schema or {})
            _check_patterns(patterns.in_schema(extra))
            return self.of(kind.type) | extra
        if isinstance(kind, mi.CustomType) and kind.cls is object:
            return {}
        writer = self._writers.get(type(kind))
        cls = getattr(kind, "cls", None)
        cls = getattr(cls, "__origin__", cls)
        if writer is None or is_pydantic_dataclass(cls):
            name = getattr(cls, "__name__", type(kind).__name__)
            raise Unsupported(f"JSON cannot carry `{name}`", class_fix(cls, name, reply=self._reply))
        return writer(kind)

    def whole(self, schema: JSON) -> JSON:
        """A schema with the definitions inside that it refers to."""
        needed: set[str] = set()
        waiting = _references(schema)
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting |= _references(self.defs[name])
        defs = {name: self.defs[name] for name in self.defs if name in needed}
        return {**schema, "$defs": defs} if defs else schema

    def inlined(self, schema: JSON) -> JSON:
        """A schema that is only a reference, replaced by what it refers to."""
        return dict(self.defs[schema["$ref"].removeprefix(_REF)]) if set(schema) == {"$ref"} else schema

    def _date_time(self, kind: mi.DateTimeType) -> JSON:
        if kind.tz is False:
            return {"type": "string"}
        # A reply may lack the offset, and must not be published as if it never did.
        return {"type": "string"} if self._reply and kind.tz is None else {"type": "string", "format": "date-time"}

    def _time(self, kind: mi.TimeType) -> JSON:
        offset = {True: _OFFSET, False: "", None: _OFFSET + "?"}[kind.tz]
        return {"type": "string", "pattern": f"{TIME}{offset}$"}

    def _decimal(self, kind: mi.DecimalType) -> JSON:
        kinds = "string" if self._reply else ["string", "number"]
        return {"type": kinds, "pattern": DECIMAL}

    def _list(self, kind: mi.ListType | mi.VarTupleType | mi.SetType | mi.FrozenSetType) -> JSON:
        items = self.of(kind.item_type)
        return {"type": "array"} | ({"items": items} if items else {}) | _sizes(kind, "Items")

    def _set(self, kind: mi.SetType | mi.FrozenSetType) -> JSON:
        if self._reply:
            raise Unsupported("a set has no order, so JSON cannot carry it back", _NO_SET)
        if not _hashable(kind.item_type):
            raise Unsupported("a set holds texts, numbers and the like, or tuples of them", _NO_SET)
        return self._list(kind)

    def _tuple(self, kind: mi.TupleType) -> JSON:
        size = len(kind.item_types)
        schema: JSON = {"type": "array", "minItems": size, "maxItems": size}
        return schema | ({"prefixItems": [self.of(item) for item in kind.item_types]} if size else {})

    def _dict(self, kind: mi.DictType) -> JSON:
        keys = [self._key(part) for part in members(kind.key_type)]
        names = {} if {} in keys else keys[0] if len(keys) == 1 else {"anyOf": keys}
        values = self.of(kind.value_type)
        schema: JSON = {"type": "object"} | ({"propertyNames": names} if names else {})
        return schema | ({"additionalProperties": values} if values else {}) | _sizes(kind, "Properties")

    def _key(self, kind: mi.Type) -> JSON:
        schema = self.inlined(self.of(kind)) if isinstance(kind, _KEYS) else None
        if schema is None or (self._reply and not _text_key(kind)):
            raise Unsupported("a key of a JSON object is a text", "use `dict[str, ...]`")
        if "enum" in schema:
            return {"enum": [str(value) for value in schema["enum"]]}
        pattern = _KEY_PATTERNS.get(str(schema.get("type")))
        if pattern:
            return {"pattern": pattern}
        return {name: value for name, value in schema.items() if name != "type"}

    def _named(self, kind: mi.EnumType | _Fielded) -> JSON:
        name = self._names.get(kind.cls)
        if name is None:
            name = self._names[kind.cls] = self._free_name(kind.cls)
            self.defs[name] = {}  # holds the place: a class may speak of itself
            try:
                self.defs[name] = self._define(kind)
            except Unsupported as exc:
                raise Unsupported(f"{name}: {exc}", exc.hint) from None
        return {"$ref": _REF + name}

    def _define(self, kind: mi.EnumType | _Fielded) -> JSON:
        title = {"title": _class_name(kind.cls)} | _described(kind.cls)
        if isinstance(kind, mi.EnumType):
            return title | {"enum": [member.value for member in kind.cls]}
        fields = fields_in_order(kind)
        if isinstance(kind, mi.NamedTupleType) or (isinstance(kind, mi.StructType) and kind.array_like):
            return title | self._array(kind, fields)
        properties = {field.encode_name: self._field(field) for field in fields}
        required = [field.encode_name for field in fields if field.required]
        if isinstance(kind, mi.StructType) and kind.tag_field is not None:
            properties = {kind.tag_field: {"const": kind.tag}} | properties
            required.insert(0, kind.tag_field)
        schema: JSON = title | {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if isinstance(kind, mi.StructType) and kind.forbid_unknown_fields:
            schema["additionalProperties"] = False
        return schema

    def _array(self, kind: mi.StructType | mi.NamedTupleType, fields: Iterable[mi.Field]) -> JSON:
        fields = list(fields)
        items = [self._field(field) for field in fields]
        needed = [number for number, field in enumerate(fields, 1) if field.required]
        schema: JSON = {"type": "array", "minItems": max(needed, default=0)}
        if isinstance(kind, mi.StructType) and kind.tag_field is not None:
            items.insert(0, {"const": kind.tag})
            schema["minItems"] += 1
        if isinstance(kind, mi.NamedTupleType) or kind.forbid_unknown_fields:
            schema["maxItems"] = len(items)
        return schema | ({"prefixItems": items} if items else {})

    def _field(self, field: mi.Field) -> JSON:
        if fix := default_fix(field.default):
            raise Unsupported(f"the default of `{field.name}` is a `{type(field.default).__name__}`", fix)
        return self.of(field.type) | default_of(field.default)

    def _free_name(self, cls: Any) -> str:
        name = _class_name(cls)
        if name in self.defs:
            home = str(cls.__module__)
            if self._package and home.split(".")[0] == self._package:
                home = FOLDER + home[len(self._package) :]
            name = f"{home}.{name}"
        number = 2
        while name in self.defs:
            name = f"{name.rstrip('0123456789')}{number}"
            number += 1
        return name


def fields_in_order(kind: _Fielded) -> list[mi.Field]:
    """The fields of a class as they stand in the file; msgspec sorts those of a TypedDict."""
    if not isinstance(kind, mi.TypedDictType):
        return list(kind.fields)
    order = list(getattr(getattr(kind.cls, "__origin__", kind.cls), "__annotations__", ()))
    return sorted(kind.fields, key=lambda field: order.index(field.name) if field.name in order else len(order))


def default_of(value: object) -> JSON:
    """`{"default": ...}` where the default is one that JSON has a value for, else nothing."""
    if value is msgspec.NODEFAULT or value is msgspec.UNSET:
        return {}
    try:
        return {"default": msgspec.json.decode(msgspec.json.encode(value, order="deterministic"))}
    except (TypeError, ValueError, OverflowError, RecursionError):
        return {}


def _text(kind: mi.StrType) -> JSON:
    _check_patterns([kind.pattern] if kind.pattern else [])
    return {"type": "string"} | _sizes(kind, "Length") | ({"pattern": kind.pattern} if kind.pattern else {})


def _check_patterns(found: Iterable[str]) -> None:
    for pattern in found:
        misfit = patterns.check(pattern)
        if misfit is not None:
            raise Unsupported(misfit.message, misfit.hint)


def _bytes(kind: mi.BytesType | mi.ByteArrayType) -> JSON:
    schema: JSON = {"type": "string", "contentEncoding": "base64", "pattern": BASE64}
    for name, size in (("minLength", kind.min_length), ("maxLength", kind.max_length)):
        if size is not None:
            schema[name] = 4 * math.ceil(size / 3)
    return schema


def _bounds(kind: mi.IntType | mi.FloatType) -> JSON:
    bounds = {
        "minimum": kind.ge,
        "exclusiveMinimum": kind.gt,
        "maximum": kind.le,
        "exclusiveMaximum": kind.lt,
        "multipleOf": kind.multiple_of,
    }
    return {name: value for name, value in bounds.items() if value is not None}


def _sizes(kind: Any, what: str) -> JSON:
    sizes = {f"min{what}": kind.min_length, f"max{what}": kind.max_length}
    return {name: value for name, value in sizes.items() if value is not None}


TEXTS = (mi.DateTimeType, mi.DateType, mi.DecimalType, mi.StrType, mi.TimeDeltaType, mi.TimeType, mi.UUIDType)
"""Types whose values are written as a text."""

NUMBERS = (mi.BoolType, mi.EnumType, mi.FloatType, mi.IntType, mi.LiteralType, mi.NoneType)
"""Types whose values may be written as something else."""

_SCALARS = (mi.BytesType, *TEXTS, *NUMBERS)
_KEYS = (mi.AnyType, *(kind for kind in _SCALARS if kind not in (mi.BoolType, mi.NoneType)))


def _hashable(kind: mi.Type) -> bool:
    if isinstance(kind, mi.Metadata | mi.UnionType):
        return all(map(_hashable, members(kind)))
    if isinstance(kind, mi.TupleType):
        return all(_hashable(item) for item in kind.item_types)
    if isinstance(kind, mi.VarTupleType | mi.FrozenSetType):
        return _hashable(kind.item_type)
    return isinstance(kind, _SCALARS)


def _text_key(kind: mi.Type) -> bool:
    if isinstance(kind, mi.EnumType):
        return issubclass(kind.cls, str)
    if isinstance(kind, mi.LiteralType):
        return all(isinstance(value, str) for value in kind.values)
    return isinstance(kind, mi.StrType | mi.AnyType)


def _references(schema: object) -> set[str]:
    found = (part.get("$ref") for _, part in walk(schema))
    return {own.removeprefix(_REF) for own in found if isinstance(own, str) and own.startswith(_REF)}


def _class_name(cls: Any) -> str:
    origin = getattr(cls, "__origin__", None)
    if origin is None:
        return str(cls.__name__)
    # Page[int] is published as Page_int: a reference may not hold brackets.
    return "_".join([origin.__name__, *(getattr(part, "__name__", str(part)) for part in cls.__args__)])


def _described(cls: Any) -> JSON:
    cls = getattr(cls, "__origin__", cls)
    text = str(vars(cls).get("__doc__") or "").strip()
    made = text.startswith(f"{cls.__name__}(") and text.endswith(")")  # dataclass and NamedTuple write their own
    if not text or made or (issubclass(cls, enum.Enum) and text == "An enumeration."):
        return {}
    return {"description": "\n".join(line.strip() for line in text.splitlines())}
