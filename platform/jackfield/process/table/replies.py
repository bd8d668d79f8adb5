"""What the rows of a table give: replies, errors, what is remembered and what is kept, each read once at load."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jackfield.errors import CODES, Problem
from jackfield.process.connection import Connection
from jackfield.process.signature.reply import own_key
from jackfield.process.table.faulty import Unfit, doubt, fault
from jackfield.process.table.literals import literal
from jackfield.process.table.model import Cell, Column, Row, Table, Type
from jackfield.process.table.templates import Fill, Filled, Name, names_of, read, shown
from jackfield.similar import did_you_mean

__all__ = ["Output", "Tree", "maker", "outputs", "reply_of", "tree_of"]

Tree = dict[str, Any]
"""The keys of a reply: under each a column's number, or the keys below it."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_CODE_HINT = "a code is a short name for programs, of Latin letters, digits and `_`: out_of_stock"
_ITEM = re.compile(r'\s*"((?:[^"]|"")*)"\s*(,|$)')
_CURLY = re.compile("[“”„«»]")
_STATE = re.compile(r"\{\s*(state\.(?!_)\w+)\s*\}")
_NOTHING = ("", "-")
_QUOTED = {'"-"': "-", '""': "", '"null"': "null"}
_WIDER: Mapping[Type, tuple[Type, ...]] = {"number": ("number", "integer"), "text": ("text", "choice")}


@dataclass(frozen=True, slots=True)
class Output:
    """What one row gives. `cells` are those of its reply, by the numbers of their columns; none are no reply.

    `error` is a code with the sentence, `remember` has what the connection remembers by name.
    """

    cells: Mapping[int, Filled]
    error: tuple[str, Filled] | None = None
    remember: tuple[tuple[str, Filled], ...] = ()
    keep: bool = False
    connected: bool = False


def outputs(table: Table) -> tuple[tuple[Output, ...], tuple[Problem, ...]]:
    """What each row gives, in their order, and what is wrong with the cells of outputs."""
    problems = list(_of_heads(table))
    names = names_of(table)
    found: list[Output] = []
    for row in table.rows:
        read_cells: dict[int, Filled] = {}
        for number, (column, cell) in enumerate(zip(table.columns, row.cells, strict=True)):
            if column.is_condition or column.role == "keep" or cell.text in _NOTHING:
                continue
            problems += _of_state(table, cell, names)
            try:
                read_cells[number] = _read(cell, column, names, table.separator)
            except Unfit as exc:
                problems.append(fault(table.file, cell, *exc.args))
        try:
            found.append(_output(table, row, read_cells))
        except _At as exc:
            problems.append(fault(table.file, exc.cell, *exc.args))
    return tuple(found), tuple(problems)


class _At(Unfit):
    """What is wrong with a row, and in which of its cells."""

    def __init__(self, cell: Cell, message: str, hint: str = "") -> None:
        self.cell = cell
        super().__init__(message, hint)


def _of_heads(table: Table) -> Iterator[Problem]:
    """Heads of keys that no reply may have."""
    for column in table.columns:
        if column.role == "reply" and own_key(column.path[0]):
            message = f'a reply may not have the key "{column.path[0]}", which is Jackfield\'s own'
            yield fault(table.file, column.head, message, "give it another name")


def _of_state(table: Table, cell: Cell, names: Mapping[str, Name]) -> Iterator[Problem]:
    """A warning for what nothing in the table remembers, where another name looks like it."""
    for name in _STATE.findall(cell.text):
        if name not in names and (meant := did_you_mean(name, (one for one in names if one.startswith("state.")))):
            yield doubt(table.file, cell, f"nothing in this table remembers `{name}`", meant)


def tree_of(columns: Sequence[Column]) -> Tree:
    """The keys of the reply, with the columns' numbers."""
    tree: Tree = {}
    for number, column in enumerate(columns):
        if column.role != "reply":
            continue
        below = tree
        for part in column.path[:-1]:
            inner = below.setdefault(part, {})
            below = inner if isinstance(inner, dict) else {}
        below.setdefault(column.path[-1], number)
    return tree


def _read(cell: Cell, column: Column, names: Mapping[str, Name], separator: str) -> Filled:
    text = cell.text
    if column.role == "error" and column.path == ("code",):
        return _code(text)
    if column.role == "remember" and text == "null":
        return Filled(None)
    if column.type == "list":
        return _list(text, names)
    if column.type == "text":
        return Filled(_QUOTED[text]) if text in _QUOTED else read(text, names)
    found = read(text, names)
    if found.fill is None:
        return Filled(literal(column.type, text, separator, column.choices))
    if found.alone is None:
        hint = "write one value there, or `{name}` alone; a text with `{name}` in it needs a column without a type"
        raise Unfit(f"`{text[:60]}` is a text, and the column takes {_called(column)}", hint)
    _check_type(found.alone, text, column)
    return found


def _check_type(name: Name, text: str, column: Column) -> None:
    """Raise Unfit where a name alone is of another type than its column."""
    if column.type == "choice":
        fits = name.type == "choice" and set(name.choices) <= set(column.choices)
    else:
        fits = name.type in _WIDER.get(column.type, (column.type,))
    if not fits and not name.loose:
        hint = "give both columns the same type, or leave that of this one out"
        raise Unfit(f"`{text}` is {_ARTICLES[name.type]}, and the column takes {_called(column)}", hint)


def _called(column: Column) -> str:
    return " | ".join(column.choices) if column.type == "choice" else _ARTICLES[column.type]


_ARTICLES: Mapping[Type, str] = {
    "text": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "date": "a date",
    "time": "a time",
    "datetime": "a date with a time",
    "choice": "one of several texts",
    "list": "a list",
}


def _code(text: str) -> Filled:
    if not _CODE.fullmatch(text):
        raise Unfit(f"`{text[:60]}` cannot be the code of an error", _CODE_HINT)
    if text in CODES:
        raise Unfit(f"`{text}` is one of Jackfield's own codes", "choose a name of your own")
    return Filled(text)


def _list(text: str, names: Mapping[str, Name]) -> Filled:
    """`"Да", "Нет"`: a list of texts; a bare text is a list of one, and a name alone a list as it came."""
    if not text.startswith('"'):
        if _CURLY.search(text):
            raise Unfit("the quotes around a list are straight ones", 'write `"Да", "Нет"`; see AutoCorrect')
        if "," in text or ";" in text:
            raise Unfit(f"`{text[:60]}` may be one text or several", 'put each into quotes: `"Да", "Нет"`')
        found = read(text, names)
        if found.alone is not None and found.alone.type == "list":
            return found
        return _listed([found])
    items, at = [], 0
    while at < len(text):
        match = _ITEM.match(text, at)
        if match is None:
            raise Unfit(f"`{text[:60]}` is no list of texts", 'put each into straight quotes: `"Да", "Нет"`')
        items.append(read(match[1].replace('""', '"'), names))
        at = match.end()
    return _listed(items)


def _listed(items: Sequence[Filled]) -> Filled:
    if all(item.fill is None for item in items):
        return Filled([item.value for item in items])
    makers = [maker(item) for item in items]

    def fill(values: tuple[Any, ...], connection: Connection | None) -> list[str]:
        return [shown(make(values, connection)) for make in makers]

    return Filled(fill=fill, connected=any(item.connected for item in items))


def maker(filled: Filled) -> Fill:
    """What makes the value of a cell, also where it is always the same."""
    value = filled.value
    return filled.fill or (lambda _values, _connection: value)


def _output(table: Table, row: Row, cells: Mapping[int, Filled]) -> Output:
    of = {number: table.columns[number] for number in cells}
    reply = {number: cell for number, cell in cells.items() if of[number].role == "reply"}
    error = _error(row, of, cells)
    if error is not None and reply:
        at = row.cells[next(iter(reply))]
        raise _At(at, "the row has an error, so it cannot have a reply", "empty one of the two")
    remember = tuple(
        (".".join(of[number].path), cell) for number, cell in cells.items() if of[number].role == "remember"
    )
    return Output(
        cells=reply,
        error=error,
        remember=remember,
        keep=_keeps(table, row),
        connected=bool(remember) or any(cell.connected for cell in cells.values()),
    )


def _error(row: Row, of: Mapping[int, Column], cells: Mapping[int, Filled]) -> tuple[str, Filled] | None:
    found = {column.path: number for number, column in of.items() if column.role == "error"}
    if not found:
        return None
    code, message = found.get(("code",)), found.get(("message",))
    if code is None:
        at = row.cells[next(iter(found.values()))]
        raise _At(at, "the error has a sentence and no code", f"fill the column `error.code`: {_CODE_HINT}")
    return str(cells[code].value), cells[message] if message is not None else Filled("")


def _keeps(table: Table, row: Row) -> bool:
    at = next((number for number, column in enumerate(table.columns) if column.role == "keep"), None)
    if at is None or row.cells[at].text in _NOTHING:
        return False
    return bool(literal("boolean", row.cells[at].text))


def reply_of(tree: Tree, cells: Mapping[int, Filled]) -> Filled | None:
    """The keys that a row fills as one object; None where there are none."""
    parts: list[tuple[str, Filled]] = []
    for key, below in tree.items():
        found = reply_of(below, cells) if isinstance(below, dict) else cells.get(below)
        if found is not None:
            parts.append((key, found))
    if not parts:
        return None
    if all(part.fill is None for _, part in parts):
        return Filled({key: part.value for key, part in parts})
    makers = [(key, maker(part)) for key, part in parts]
    if len(makers) == 1:
        ((name, make),) = makers
        return Filled(fill=lambda values, connection: {name: make(values, connection)})
    return Filled(fill=lambda values, connection: {key: make(values, connection) for key, make in makers})
