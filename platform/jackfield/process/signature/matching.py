"""Hints with patterns: the hint that the decoder gets instead, and what makes its values those of the hint.

Strategy. msgspec runs a pattern in Python's engine, which one text can keep busy for hours. So the decoder gets the
hint without its patterns, and a walk over the decoded value checks them with the engine of schema/patterns.py. A class
with a pattern in it is decoded as a twin, a class of ours with the same keys; the walk makes the instance of it, as
msgspec makes one: the fields, then `__post_init__`. A hint without patterns is decoded as it is, in one step.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, NotRequired, TypedDict, get_origin

import msgspec
from msgspec import UNSET, UnsetType
from msgspec import inspect as mi

from jackfield.process.signature.hints import Unsupported, type_of
from jackfield.schema import patterns

__all__ = ["Plain", "decoder", "finishing", "plain"]

_Finish = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Plain:
    """A hint for the decoder, without patterns.

    `finish` makes a decoded value one of the hint that had them, None where there were none. `made` is the type of
    what is decoded, where `finish` has to know it.
    """

    hint: Any
    finish: _Finish | None = None
    made: type = object

    def finished(self, value: Any, at: str = "") -> Any:
        """A decoded value as the hint has it. Raises msgspec.ValidationError with the path, which begins with `at`."""
        if self.finish is None:
            return value
        try:
            return self.finish(value)
        except _Misfit as misfit:
            path = "".join(reversed([*misfit.steps, at]))
            raise msgspec.ValidationError(f"{misfit} - at `${path}`" if path else str(misfit)) from misfit.__cause__


def plain(hint: Any, kind: mi.Type) -> Plain:
    """What to decode instead of `hint`; `kind` shows whether it has a pattern. Raises Unsupported."""
    return _Twins().of(type_of(hint)) if _has_pattern(kind) else Plain(hint)


def decoder(hint: Any, kind: mi.Type) -> Callable[[bytes | str | msgspec.Raw], Any]:
    """What decodes one JSON value by `hint`, and raises as msgspec's decoder does. Raises Unsupported; see `plain`."""
    target = plain(hint, kind)
    decode = msgspec.json.Decoder(target.hint).decode
    return decode if target.finish is None else lambda data: target.finished(decode(data))


def finishing(
    decode: Callable[[bytes | str], Any], fields: Iterable[tuple[str, str, Plain, Callable[[], Any]]]
) -> Callable[[bytes | str], Any]:
    """A decoder of objects whose fields are plain, and are finished; `decode` itself where none has to be.

    Each field has its attribute, its key, what it is, and what makes its default, where it is UNSET.
    """
    todo = [field for field in fields if field[2].finish is not None]

    def decode_finishing(data: bytes | str) -> Any:
        decoded = decode(data)
        for name, key, target, default in todo:
            value = getattr(decoded, name)
            setattr(decoded, name, default() if value is UNSET else target.finished(value, f".{key}"))
        return decoded

    return decode_finishing if todo else decode


class _Misfit(Exception):
    """A value that does not fit; `steps` lead to it, the last one first."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.steps: list[str] = []


def _below(finish: _Finish, value: Any, step: str) -> Any:
    try:
        return finish(value)
    except _Misfit as misfit:
        misfit.steps.append(step)
        raise


def _has_pattern(kind: mi.Type) -> bool:
    seen: dict[int, mi.Type] = {}  # a class may hold itself
    waiting = [kind]
    while waiting:
        part = waiting.pop()
        if isinstance(part, mi.StrType) and part.pattern:
            return True
        if id(part) not in seen:
            seen[id(part)] = part
            waiting += _parts(part)
    return False


def _parts(kind: mi.Type) -> Iterator[mi.Type]:
    for name in ("type", "item_type", "key_type", "value_type"):
        if hasattr(kind, name):
            yield getattr(kind, name)
    yield from getattr(kind, "types", ())
    yield from getattr(kind, "item_types", ())
    yield from (field.type for field in getattr(kind, "fields", ()))


_TYPES: Mapping[type[mi.Type], Any] = {
    mi.AnyType: Any,
    mi.NoneType: None,
    mi.BoolType: bool,
    mi.IntType: int,
    mi.FloatType: float,
    mi.StrType: str,
    mi.BytesType: bytes,
    mi.ByteArrayType: bytearray,
    mi.DateTimeType: datetime.datetime,
    mi.DateType: datetime.date,
    mi.TimeType: datetime.time,
    mi.TimeDeltaType: datetime.timedelta,
    mi.UUIDType: uuid.UUID,
    mi.DecimalType: decimal.Decimal,
    mi.RawType: msgspec.Raw,
    mi.ListType: list,
    mi.VarTupleType: tuple,
    mi.SetType: set,
    mi.FrozenSetType: frozenset,
}
_BOUNDS = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "tz")


class _Twins:
    """The hints of one message's classes, each class once, because one may hold itself."""

    def __init__(self) -> None:
        self._made: dict[int, Plain] = {}

    def of(self, kind: mi.Type) -> Plain:
        """The type without its patterns."""
        while isinstance(kind, mi.Metadata):
            kind = kind.type
        target = self._of(kind)
        bounds = {name: getattr(kind, name) for name in _BOUNDS if getattr(kind, name, None) is not None}
        hint = Annotated[target.hint, msgspec.Meta(**bounds)] if bounds else target.hint
        return Plain(hint, target.finish, target.made)

    def _of(self, kind: mi.Type) -> Plain:
        match kind:
            case mi.StrType(pattern=str(pattern)) if pattern:
                return Plain(str, _matching(pattern), str)
            case mi.UnionType():
                return _union([self.of(part) for part in kind.types])
            case mi.TupleType():
                return _tuple([self.of(part) for part in kind.item_types])
            case mi.DictType():
                return _dict(self.of(kind.key_type), self.of(kind.value_type))
            case mi.LiteralType():
                return Plain(Literal[kind.values])
            case mi.StructType() | mi.DataclassType() | mi.NamedTupleType() | mi.TypedDictType():
                return self._class(kind)
            case mi.ListType() | mi.VarTupleType() | mi.SetType() | mi.FrozenSetType():
                return _collection(_TYPES[type(kind)], self.of(kind.item_type))
            case mi.EnumType() | mi.CustomType():
                return Plain(kind.cls)
        return Plain(_TYPES[type(kind)])

    def _class(self, kind: Any) -> Plain:
        if not _has_pattern(kind):
            return Plain(kind.cls)
        if id(kind) not in self._made:
            cls = get_origin(kind.cls) or kind.cls
            if hasattr(cls, "__attrs_attrs__"):
                raise Unsupported(f"{cls.__name__} is a class of attrs with a pattern in it", "make it a dataclass")
            (self._typed_dict if isinstance(kind, mi.TypedDictType) else self._instance)(kind, cls)
        return self._made[id(kind)]

    def _typed_dict(self, kind: mi.TypedDictType, cls: type) -> None:
        needed = {field.name: Any if field.required else NotRequired[Any] for field in kind.fields}
        twin: Any = TypedDict(cls.__name__, needed)  # type: ignore[misc]  # mypy reads literal ones alone
        finishes: list[tuple[str, _Finish]] = []

        def finish(value: dict[str, Any]) -> dict[str, Any]:
            for name, inner in finishes:
                if name in value:
                    value[name] = _below(inner, value[name], f".{name}")
            return value

        self._made[id(kind)] = Plain(twin, finish, dict)
        for field in kind.fields:
            target = self.of(field.type)
            twin.__annotations__[field.name] = target.hint if field.required else NotRequired[target.hint]
            if target.finish is not None:
                finishes.append((field.name, target.finish))

    def _instance(self, kind: mi.StructType | mi.DataclassType | mi.NamedTupleType, cls: Any) -> None:
        """A NamedTuple for a NamedTuple, else a Struct. What a client left out is not made up in it."""
        names = {f"f{number}": field for number, field in enumerate(kind.fields)}
        twin = _named_tuple(names, cls) if isinstance(kind, mi.NamedTupleType) else _struct(names, cls, kind)
        listed = isinstance(kind, mi.NamedTupleType) or getattr(kind, "array_like", False)
        make = _make_dataclass(kind, cls) if isinstance(kind, mi.DataclassType) else lambda given: cls(**given)
        finishes: list[tuple[str, str, str, _Finish | None]] = []

        def finish(value: Any) -> Any:
            given = {}
            for twin_name, name, step, inner in finishes:
                found = getattr(value, twin_name)
                if found is not UNSET:
                    given[name] = found if inner is None else _below(inner, found, step)
            try:
                return make(given)
            except (TypeError, ValueError) as exc:  # of a `__post_init__`, where msgspec takes them for the client's
                raise _Misfit(str(exc)) from exc

        self._made[id(kind)] = Plain(twin, finish, twin)
        for index, (name, field) in enumerate(names.items()):
            target = self.of(field.type)
            twin.__annotations__[name] = target.hint if field.required else target.hint | UnsetType
            finishes.append((name, field.name, f"[{index}]" if listed else f".{field.encode_name}", target.finish))


def _named_tuple(names: Mapping[str, mi.Field], cls: type) -> Any:
    twin = namedtuple(cls.__name__, names, defaults=[UNSET for field in names.values() if not field.required])  # type: ignore[misc]  # made at load
    twin.__annotations__ = {}
    return twin


def _struct(names: Mapping[str, mi.Field], cls: type, kind: mi.StructType | mi.DataclassType) -> Any:
    defaults = {name: msgspec.NODEFAULT if field.required else UNSET for name, field in names.items()}
    return msgspec.defstruct(
        cls.__name__,
        [(name, Any, msgspec.field(name=names[name].encode_name, default=value)) for name, value in defaults.items()],
        kw_only=True,
        tag=getattr(kind, "tag", None),
        tag_field=getattr(kind, "tag_field", None),
        array_like=getattr(kind, "array_like", False),
        forbid_unknown_fields=getattr(kind, "forbid_unknown_fields", False),
    )


def _make_dataclass(kind: mi.DataclassType, cls: Any) -> Callable[[dict[str, Any]], Any]:
    """An instance without `__init__`, which may take other arguments than the fields."""

    def make(given: dict[str, Any]) -> Any:
        value = cls.__new__(cls)
        for field in kind.fields:
            if field.name not in given:
                usual = UNSET if field.default is msgspec.NODEFAULT else field.default  # UNSET stands for none
                given[field.name] = usual if field.default_factory is msgspec.NODEFAULT else field.default_factory()
            object.__setattr__(value, field.name, given[field.name])  # frozen or not
        if hasattr(value, "__post_init__"):
            value.__post_init__()
        return value

    return make


def _matching(pattern: str) -> _Finish:
    matches = patterns.matcher(pattern)

    def finish(value: str) -> str:
        if not matches(value):
            raise _Misfit(f"Expected `str` matching regex {pattern!r}")
        return value

    return finish


def _union(parts: list[Plain]) -> Plain:
    # msgspec takes a union only where the JSON distinguishes its parts, so that the types of their values do
    finishes = {part.made: part.finish for part in parts if part.finish is not None}

    def finish(value: Any) -> Any:
        inner = finishes.get(type(value))
        return value if inner is None else inner(value)

    return Plain(reduce(or_, (part.hint for part in parts)), finish if finishes else None)


def _collection(make: Any, item: Plain) -> Plain:
    inner = item.finish
    hint = make[item.hint, ...] if make is tuple else make[item.hint]
    if inner is None:
        return Plain(hint)

    def finish(values: Iterable[Any]) -> Any:
        return make([_below(inner, value, f"[{index}]") for index, value in enumerate(values)])

    return Plain(hint, finish, make)


def _tuple(items: list[Plain]) -> Plain:
    hint = tuple.__class_getitem__(tuple(item.hint for item in items))
    if all(item.finish is None for item in items):
        return Plain(hint)

    def finish(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            value if item.finish is None else _below(item.finish, value, f"[{index}]")
            for index, (item, value) in enumerate(zip(items, values, strict=True))
        )

    return Plain(hint, finish, tuple)


def _dict(key: Plain, item: Plain) -> Plain:
    hint = dict.__class_getitem__((key.hint, item.hint))
    if key.finish is None and item.finish is None:
        return Plain(hint)

    def finish(values: dict[Any, Any]) -> dict[Any, Any]:
        for name, value in values.items():
            if key.finish is not None:
                _below(key.finish, name, f".{name}")
            if item.finish is not None:
                values[name] = _below(item.finish, value, f".{name}")
        return values

    return Plain(hint, finish, dict)
