"""The types of a table's messages and replies, as the hints of a Python process would have them."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from inspect import Parameter
from operator import attrgetter
from typing import Annotated, Any, Literal, NotRequired, TypedDict, Union

import msgspec

from jackfield.process.declare import Key
from jackfield.process.table.model import Column, Table, Type
from jackfield.process.table.replies import Output, Tree, tree_of
from jackfield.process.table.templates import Name

__all__ = ["Inputs", "bare_column", "inputs_of", "reply_hint"]

_TYPES: Mapping[Type, Any] = {
    "text": str,
    "number": float,
    "integer": int,
    "boolean": bool,
    "date": date,
    "time": time,
    "datetime": datetime,
    "list": list[str],
}


@dataclass(frozen=True, slots=True)
class Inputs:
    """The parameters of a table's function, and how each column of inputs is found in its arguments.

    `keys` are those of a message, by the names of their parameters.
    """

    parameters: tuple[Parameter, ...] = ()
    getters: Mapping[int, Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)


def inputs_of(table: Table, title: str) -> Inputs:
    """One parameter for each key of a message; a getter has the number of its column."""
    columns, examples = table.columns, _examples(table)
    tree: dict[str, Any] = {}
    for number, column in enumerate(columns):
        if column.role == "input":
            below = tree
            for part in column.path[:-1]:
                below = below.setdefault(part, {})
            below[column.path[-1]] = number
    parameters: list[Parameter] = []
    getters: dict[int, Callable[[Mapping[str, Any]], Any]] = {}
    names: dict[int, str] = {}
    keys: dict[str, str] = {}
    for order, (key, below) in enumerate(tree.items()):
        name = key if _is_plain(key) else f"p{order}"
        while name != key and name in tree:
            name += "x"
        hint, optional, paths = _hint(below, columns, examples, f"{title}{_capital(key, order)}")
        hint = hint if name == key else Annotated[hint, Key(key)]
        default = None if optional else Parameter.empty
        parameters.append(Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hint))
        keys[name] = key
        for number, path in paths.items():
            getters[number] = _getter(name, path)
            names[number] = name
    return Inputs(tuple(parameters), getters, names, keys)


def bare_column(columns: Sequence[Column], outputs: Iterable[Output]) -> int | None:
    """The number of the column that is all of every reply, where one value is under one key; None for others."""
    found = [number for number, column in enumerate(columns) if column.role == "reply"]
    if len(found) != 1 or len(columns[found[0]].path) != 1:
        return None
    alone = [output.cells[found[0]].alone for output in outputs if output.cells]
    return None if any(name is not None and (name.loose or name.optional) for name in alone) else found[0]


def reply_hint(columns: Sequence[Column], outputs: Iterable[Output], title: str) -> Any:
    """The hint of what the rows reply: a TypedDict of all columns, or of a bare one its type; None where none does."""
    outputs = list(outputs)
    rows = [output for output in outputs if output.error is None]
    replying = [output for output in rows if output.cells]
    if not replying:
        return None
    bare = bare_column(columns, outputs)
    if bare is not None:
        found = _value(columns[bare], [row.cells[bare].alone for row in replying])
    else:
        found = _typed_dict(tree_of(columns), columns, replying, title)
    return found if len(replying) == len(rows) else found | None


def _is_plain(key: str) -> bool:
    """Whether a key can be the name of a parameter as it is: Python would write some letters in another way."""
    return key.isascii() and key.isidentifier() and not keyword.iskeyword(key) and not key.endswith("_")


def _capital(key: str, number: int) -> str:
    return key[:1].upper() + key[1:] if key.isidentifier() else str(number)


def _examples(table: Table) -> dict[int, Any]:
    """A value that a cell names, for each column of inputs where one does: documents and errors show it."""
    found: dict[int, Any] = {}
    numbers = [number for number, column in enumerate(table.columns) if column.is_condition]
    for place, number in enumerate(numbers):
        for row in table.conditions:
            condition = row[place]
            if condition.values and not condition.negated:
                value = min(condition.values)
                found[number] = value.isoformat() if isinstance(value, date | time) else value
                break
    return found


def _hint(
    below: Any, columns: Sequence[Column], examples: Mapping[int, Any], title: str
) -> tuple[Any, bool, dict[int, tuple[str, ...]]]:
    """The hint of one key, whether it may be missing, and the way from its value to that of each column."""
    if isinstance(below, int):
        column = columns[below]
        hint = Literal[column.choices] if column.type == "choice" else _TYPES[column.type]
        hint = hint | None if column.optional else hint
        if below in examples and column.type != "choice":
            hint = Annotated[hint, msgspec.Meta(examples=[examples[below]])]
        return hint, column.optional, {below: ()}
    fields: list[Any] = []
    paths: dict[int, tuple[str, ...]] = {}
    every = True
    for order, (key, inner) in enumerate(below.items()):
        hint, optional, inner_paths = _hint(inner, columns, examples, f"{title}{_capital(key, order)}")
        default = {"default": None} if optional else {}
        fields.append((f"f{order}", hint, msgspec.field(name=key, **default)))
        paths |= {number: (f"f{order}", *path) for number, path in inner_paths.items()}
        every = every and optional
    made = msgspec.defstruct(title, fields, kw_only=True, forbid_unknown_fields=True)
    return (made | None if every else made), every, paths


def _getter(name: str, path: tuple[str, ...]) -> Callable[[Mapping[str, Any]], Any]:
    if not path:
        return lambda values: values[name]
    steps = [attrgetter(step) for step in path]

    def get(values: Mapping[str, Any]) -> Any:
        value = values[name]
        for step in steps:
            if value is None:
                return None
            value = step(value)
        return value

    return get


def _typed_dict(tree: Tree, columns: Sequence[Column], rows: Sequence[Output], title: str) -> Any:
    fields: dict[str, Any] = {}
    for order, (key, below) in enumerate(tree.items()):
        numbers = set(_numbers(below))
        filled = [row for row in rows if numbers & row.cells.keys()]
        if not filled:
            continue
        if isinstance(below, dict):
            hint = _typed_dict(below, columns, filled, f"{title}{_capital(key, order)}")
        else:
            hint = _value(columns[below], [row.cells[below].alone for row in filled])
        fields[key] = hint if len(filled) == len(rows) else NotRequired[hint]
    return TypedDict(title, fields)  # type: ignore[operator]  # its name and fields are those of the file


def _numbers(below: Any) -> Iterable[int]:
    return (number for inner in below.values() for number in _numbers(inner)) if isinstance(below, dict) else [below]


def _value(column: Column, alone: Iterable[Name | None]) -> Any:
    """What stands under one key in all rows: the column's type, and those of names that stand alone."""
    kinds: set[Type] = set()
    choices: dict[str, None] = {}
    missing = False
    for name in alone:
        if name is not None and name.loose:
            return Any
        one: Column | Name = column if name is None else name
        kinds.add(one.type)
        choices |= dict.fromkeys(one.choices)
        missing = missing or (name is not None and name.optional)
    if len(kinds & _TEXTS) > 1:  # JSON has one type for all of them
        kinds = kinds - _TEXTS | {"text"}
    if "number" in kinds:
        kinds.discard("integer")
    hints = [Literal[tuple(choices)] if kind == "choice" else _TYPES[kind] for kind in sorted(kinds)]
    return Union[(*hints, *([None] if missing else []))]


_TEXTS: frozenset[Type] = frozenset({"text", "date", "time", "datetime", "choice"})
