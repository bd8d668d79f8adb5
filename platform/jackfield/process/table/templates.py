"""What a cell of an output says: a value that is always the same, or a text with `{name}` in it, which is filled.

Strategy: nothing of a cell is ever evaluated or handed to `str.format`, which would look into objects. A name between
braces is looked up in a dict at load, and what stands in the cell becomes a list of texts and functions then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, NamedTuple

from jackfield.process.connection import Connection
from jackfield.process.table.faulty import Unfit
from jackfield.process.table.letters import two_alphabets
from jackfield.process.table.model import Column, Table, Type
from jackfield.similar import did_you_mean

__all__ = ["Fill", "Filled", "Name", "fitting", "names_of", "read", "shown"]

Fill = Callable[[tuple[Any, ...], Connection | None], Any]
"""Makes the value of a cell: it gets what the columns of conditions hold, in their order, and the connection."""

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|\{")
_NAME = re.compile(r"[^\s:!()\[\]=+*/,]+(?:\.[^\s:!()\[\]=+*/,]+)*")
_SHOWN = 12  # names in a hint
_WHOLE = 1e16  # above it a float shows its exponent


@dataclass(frozen=True, slots=True)
class Name:
    """What may stand between braces. `connected` says that it needs the connection, `loose` that it may be anything.

    `head` is the cell of the spreadsheet that gives the name.
    """

    type: Type
    get: Fill = field(compare=False)
    optional: bool = False
    connected: bool = False
    choices: tuple[str, ...] = ()
    loose: bool = False
    head: str = field(default="", compare=False)


class Filled(NamedTuple):
    """A cell that was read: `value` is what it always gives, unless there is `fill`, which makes it.

    `alone` is the name that stands alone between its braces, whose type is kept.
    """

    value: Any = None
    fill: Fill | None = None
    alone: Name | None = None
    connected: bool = False


def names_of(table: Table) -> dict[str, Name]:
    """What the outputs of a table may name: its inputs, who is logged in, and what the connection remembers."""
    found = {"connection.login": Name("text", _login, optional=True, connected=True)}
    for number, column in enumerate(c for c in table.columns if c.is_condition):
        found[name_of(column)] = Name(
            column.type,
            _at(number),
            column.optional or column.role != "input",
            choices=column.choices,
            head=column.head.name,
        )
    for column in table.columns:
        name = f"state.{'.'.join(column.path)}"
        if column.role == "remember" and name not in found:
            found[name] = _remembered(name)
    return found


def name_of(column: Column) -> str:
    """The name of a column of conditions between braces: `age`, `address.city`, `state.step`, `connection.login`."""
    path = ".".join(column.path)
    return path if column.role == "input" else f"{column.role}.{path}"


def read(text: str, names: Mapping[str, Name]) -> Filled:
    """A text with what stands between its braces. Raises Unfit for a name that is not there."""
    if "{" not in text and "}" not in text:
        return Filled(text)
    parts: list[str | Name] = []
    end = 0
    for match in _PART.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        if match[1] is not None:
            parts.append(_named(match[1].strip(), names))
        elif match[0] == "{":
            raise Unfit("`{` has no `}` after it", "write `{{` for a brace that is meant as such")
        else:
            parts.append(match[0][0])
    parts.append(text[end:])
    return _filled([part for part in parts if part != ""])


def shown(value: Any) -> str:
    """A value as it stands inside a text: no `.0`, `true` and `false`, dates as JSON has them; "" for what is missing.

    A number beyond 16 digits shows its exponent.
    """
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else repr(value)
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    return str(value)


def fitting(value: Any, kind: Type) -> Any:
    """What a connection remembers as a column of this type sees it; None for what is of another type."""
    if kind in ("text", "choice"):
        return value if value is None or type(value) is str else shown(value)
    if isinstance(value, bool):
        return value if kind == "boolean" else None
    return value if isinstance(value, _CLASSES[kind]) else None


_CLASSES: Mapping[str, Any] = {
    "number": int | float,
    "integer": int,
    "boolean": bool,
    "date": date,
    "time": time,
    "datetime": date,
    "list": list,
}


def _named(name: str, names: Mapping[str, Name]) -> Name:
    if name in names:
        return names[name]
    if not name:
        raise Unfit("nothing stands between the braces", "write the name of a column there, or `{{}}` for the braces")
    if not _NAME.fullmatch(name):
        hint = "a name stands alone between braces: nothing is worked out or formatted there"
        raise Unfit(f"`{{{name[:40]}}}` is not a name", hint)
    two_alphabets(name)
    word, _, rest = name.partition(".")
    if word == "connection":
        raise Unfit(f"a table cannot read `{{{name[:60]}}}`", "of the connection there is `{connection.login}`")
    if word == "state" and rest and rest[:1] != "_" and "." not in rest:
        return _remembered(name)
    hint = f"write `{{state.{rest}}}` for what is remembered" if word == "remember" and rest else ""
    hint = hint or _meant(name, names) or f"give it a column, whose cells may be empty; there are {_list(names)}"
    raise Unfit(f"no column is called `{name[:60]}`", hint)


def _meant(name: str, names: Mapping[str, Name]) -> str:
    meant = did_you_mean(name, names)
    head = names[meant.split('"')[1]].head if meant else ""
    return f"{meant} If that is the mistake, correct the head {head}" if head else meant


def _list(names: Iterable[str]) -> str:
    found = [f"`{name}`" for name in names]
    return ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")


def _login(_values: tuple[Any, ...], connection: Connection | None) -> Any:
    return (connection.identity.login or None) if connection is not None else None


def _at(number: int) -> Fill:
    return lambda values, _connection: values[number]


def _remembered(name: str) -> Name:
    key = name.partition(".")[2]

    def get(_values: tuple[Any, ...], connection: Connection | None) -> Any:
        return connection.state.get(key) if connection is not None else None

    return Name("text", get, optional=True, connected=True, loose=True)


def _filled(parts: list[str | Name]) -> Filled:
    named = [part for part in parts if isinstance(part, Name)]
    if not named:
        return Filled("".join(part for part in parts if isinstance(part, str)))
    connected = any(part.connected for part in named)
    if len(parts) == 1:
        return Filled(fill=_whole(named[0]), alone=named[0], connected=connected)
    texts = [part if isinstance(part, str) else "" for part in parts]
    places = [(number, part.get) for number, part in enumerate(parts) if isinstance(part, Name)]

    def fill(values: tuple[Any, ...], connection: Connection | None) -> str:
        filled = texts.copy()
        for number, get in places:
            value = get(values, connection)
            filled[number] = value if type(value) is str else shown(value)
        return "".join(filled)

    return Filled(fill=fill, connected=connected)


def _whole(name: Name) -> Fill:
    """A number as it came: what the decoder made a float of is a whole number again."""
    get = name.get
    if name.type != "number":
        return get

    def fill(values: tuple[Any, ...], connection: Connection | None) -> Any:
        value = get(values, connection)
        whole = type(value) is float and value.is_integer() and abs(value) < _WHOLE
        return int(value) if whole else value

    return fill
