"""What the rows of a table give: replies, errors, what is remembered and what is kept, each read once at load."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from jackfield.errors import CODES, Problem
from jackfield.process.connection import Connection
from jackfield.process.signature.reply import own_key
from jackfield.process.table.faulty import Unfit, doubt, fault
from jackfield.process.table.literals import literal
from jackfield.process.table.model import Cell, Column, Role, Row, Table, Type
from jackfield.process.table.reading import told
from jackfield.process.table.templates import Fill, Filled, Name, names_of, read, shown
from jackfield.similar import did_you_mean

__all__ = ["Output", "Tree", "maker", "outputs", "reply_of", "tree_of"]

Tree = dict[str, Any]
"""The keys of a reply: under each a column's number, or the keys below it."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_CODE_HINT = "a code is a short name for programs, of Latin letters, digits and `_`: out_of_stock"
_ITEM = re.compile(r'\s*"((?:[^"]|"")*)"\s*(,|$)')
_CURLY = re.compile("[“”„«»]")
_OUTPUTS: tuple[Role, ...] = ("reply", "error", "remember", "keep")
_STATE = re.compile(r"\{\s*(state\.(?!_)\w+)\s*\}")
_BRACED = re.compile(r"\{\{([^\s{}]+)\}\}")
_NOTHING = ("", "-")
_QUOTED = {'"-"': "-", '""': "", '"null"': "null"}
_WIDER: Mapping[Type, tuple[Type, ...]] = {"number": ("number", "integer"), "text": ("text", "choice")}


class Output(NamedTuple):
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
    places = [(number, c) for number, c in enumerate(table.columns) if not c.is_condition and c.role != "keep"]
    known: dict[tuple[int, str], Filled] = {}  # many cells of a column are the same
    make = _Rows(table)
    found: list[Output] = []
    for row in table.rows:
        cells: dict[int, Filled] = {}
        wrong = False
        for number, column in places:
            cell = row.cells[number]
            filled = known.get((number, cell.text))
            if filled is not None:
                cells[number] = filled
            elif cell.text not in _NOTHING:
                problems += _of_names(table, cell, names)
                try:
                    cells[number] = known[number, cell.text] = _read(cell, column, names, table.separator)
                except Unfit as exc:
                    problems.append(fault(table.file, cell, *exc.args))
                    wrong = True
        try:
            found.append(make.output(row, cells))
        except _At as exc:
            if not wrong:  # what lacks may be the cell that was told
                problems.append(fault(table.file, exc.cell, *exc.args))
    return tuple(found), told(table.file, problems)


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


def _of_names(table: Table, cell: Cell, names: Mapping[str, Name]) -> Iterator[Problem]:
    """Warnings for a name in two braces, and for what nothing remembers, where another name looks like it."""
    for name in _BRACED.findall(cell.text) if "{{" in cell.text else ():
        if name in names:
            message = f"`{{{{{name}}}}}` is answered as `{{{name}}}`, not filled"
            yield doubt(table.file, cell, message, f"write `{{{name}}}`; if it is meant, write `{{{{ {name} }}}}`")
    for name in _STATE.findall(cell.text) if "state." in cell.text else ():
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


class _Rows:
    """Makes of the cells of a row what it gives."""

    def __init__(self, table: Table) -> None:
        of = {role: [n for n, c in enumerate(table.columns) if c.role == role] for role in _OUTPUTS}
        self._columns = table.columns
        self._replies, self._errors, self._remember, self._keep = (of[role] for role in _OUTPUTS)

    def output(self, row: Row, cells: Mapping[int, Filled]) -> Output:
        """What a row gives; raises _At."""
        reply = cells if not (self._errors or self._remember) else _of(self._replies, cells)
        error = self._error(row, _of(self._errors, cells)) if self._errors else None
        if error is not None and reply:
            at = row.cells[next(iter(reply))]
            raise _At(at, "the row has an error, so it cannot have a reply", "empty one of the two")
        remember = tuple(
            (".".join(self._columns[number].path), cell) for number, cell in _of(self._remember, cells).items()
        )
        keep = any(self._says_yes(row.cells[number].text) for number in self._keep)
        connected = bool(remember) or any(cell.connected for cell in cells.values())
        return Output(reply, error, remember, keep, connected)

    def _error(self, row: Row, cells: Mapping[int, Filled]) -> tuple[str, Filled] | None:
        found = {self._columns[number].path: number for number in cells}
        if not found:
            return None
        code, message = found.get(("code",)), found.get(("message",))
        if code is None:
            at = row.cells[next(iter(found.values()))]
            raise _At(at, "the error has a sentence and no code", f"fill the column `error.code`: {_CODE_HINT}")
        return str(cells[code].value), cells[message] if message is not None else Filled("")

    @staticmethod
    def _says_yes(text: str) -> bool:
        return text not in _NOTHING and bool(literal("boolean", text))


def _of(numbers: Sequence[int], cells: Mapping[int, Filled]) -> dict[int, Filled]:
    return {number: cells[number] for number in numbers if number in cells}


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
    same = {key: part.value for key, part in parts}  # a key that is filled has its place in it
    makers = [(key, part.fill) for key, part in parts if part.fill is not None]

    def fill(values: tuple[Any, ...], connection: Connection | None) -> dict[str, Any]:
        filled = same.copy()
        for key, make in makers:
            filled[key] = make(values, connection)
        return filled

    return Filled(fill=fill)
