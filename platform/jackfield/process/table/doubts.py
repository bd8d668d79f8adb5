"""What a table says and most likely does not mean: warnings, each with what to write instead.

Strategy: nothing here changes what a table answers. A text in straight quotes is meant, and so is one below a head with
its type; what looks like another thing only by chance has to stay rare, as a warning that is wrong hides the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from jackfield.errors import Problem
from jackfield.process.table.conditions import better, is_number
from jackfield.process.table.faulty import Unfit, doubt
from jackfield.process.table.literals import is_day, literal, normal
from jackfield.process.table.model import Cell, Column, Table
from jackfield.similar import did_you_mean

__all__ = ["doubts_of"]

_LONGEST = 100  # characters of what is looked at
_MEANT = """a list is written "a", "b", all others not("a"), anything is an empty cell, missing is null; put it in \
straight quotes if it is meant"""
_CURLY = re.compile(r"[“”„«»]([^“”„«»\"]*)[“”„«»]")
_DASHES = ("–", "—")
_OTHERS = re.compile(r"(?:!=|<>|≠)\s*(\S.*)")
_SIGNS = re.compile(r"(?:≥|≤|<=|>=|=>|=<|==)\s*\S.*|NULL|Null")
_WILD = re.compile(r"\*|[*%].*[*%]|\*\w.*|.*\w\*|.*\.\*.*|/[^/]*[.*+?\[\\^$|][^/]*/[a-z]{0,3}")
_WORD = r"[\w-]{1,12}"
_LIST = re.compile(rf"'[^']*'(?:\s*,\s*'[^']*')+|{_WORD}(?:\s*[,;|]\s*{_WORD}){{1,9}}|{_WORD} (?:или|or|oder) {_WORD}")
_ITEM = re.compile(rf"'([^']*)'|(?!(?:или|or|oder)\b)\b({_WORD})")
_TRUTHS = ("true", "false", "истина", "ложь", "wahr", "falsch", "vrai", "faux", "verdadero", "falso")


def doubts_of(table: Table) -> Iterator[Problem]:
    """Warnings for the heads and the cells of a table that can be read."""
    texts = {text for row in table.rows for text in (cell.text for cell in row.cells) if "{" in text}
    right = False
    for number, column in enumerate(table.columns):
        cells = [row.cells[number] for row in table.rows]
        if column.is_condition and column.type == "text":
            yield from _of_texts(table, column, cells)
        if column.role == "input":
            yield from _of_head(table, column)
            if right and _is_note(column, cells, texts):
                message = f"`{column.key}` stands right of the replies: it is a key that every message must have"
                hint = f"if it is a note, write `# {column.key}`; if not, `{column.head.text} (text)`"
                yield doubt(table.file, column.head, message, hint)
        right = right or column.role in ("reply", "error")
    yield from _of_states(table, texts)


def _of_head(table: Table, column: Column) -> Iterator[Problem]:
    if table.head.text[:1].isupper() and column.key[:1].isupper():  # a spreadsheet began all heads so
        message = f"`{column.key}` begins with a capital letter, and so must the key of the message"
        small, first = column.key.lower(), table.head.text.lower()
        hint = f"if programs send `{small}`, write that; if not, write `{first}` in {table.head.name}"
        yield doubt(table.file, column.head, message, hint)


def _is_note(column: Column, cells: Iterable[Cell], texts: Iterable[str]) -> bool:
    said = [cell.text for cell in cells if cell.text]
    if column.type != "text" or "(" in column.head.text or any(f"{{{column.key}}}" in text for text in texts):
        return False
    return bool(said) and not any(text in ("-", "null") or text.startswith(('"', "not(")) for text in said)


def _of_texts(table: Table, column: Column, cells: Iterable[Cell]) -> Iterator[Problem]:
    """Conditions that are taken as texts; of those that are of another type the first, as all have one cure."""
    seen = {"", "-", "null"}
    typed = "(" in column.head.text
    for cell in cells:
        text = cell.text
        if text in seen or text[0] == '"' or len(text) > _LONGEST or text.startswith("not("):
            continue
        seen.add(text)
        hint = _form(text)
        if not hint and not typed:
            hint = _type(column, text, table.separator)
            typed = bool(hint)
        if hint:
            yield doubt(table.file, cell, f"`{text}` is taken as a text", hint)


def _form(text: str) -> str:
    """What to write for a text that looks like a form of conditions."""
    if curly := _CURLY.fullmatch(text):
        return f'these are curly quotes; write {curly[1]}, or put all in straight ones if they are meant: "{text}"'
    if text in _DASHES:
        return "write `-` for anything, or leave the cell empty"
    if others := _OTHERS.fullmatch(text):
        return f'all others are written not("{others[1]}"); put it in straight quotes if it is meant'
    if _WILD.fullmatch(text):
        return "there are no wildcards: a text is compared as a whole, and an empty cell fits anything"
    if _LIST.fullmatch(text):
        items = [quoted or bare for quoted, bare in _ITEM.findall(text)]
        alike = len({item[:1].isupper() for item in items}) == 1  # `Привет, мир` is a text
        if text[0] == "'" or (alike and not items[0].isdigit()):
            listed = ", ".join(f'"{item}"' for item in items)
            return f'a list is written {listed}; if it is one text: "{text}"'
    return _MEANT if _SIGNS.fullmatch(text) else ""


def _type(column: Column, text: str, separator: str) -> str:
    """What to write where a head without a type has a cell of one."""
    name = column.head.text
    place = column.head.name
    if text.casefold() in _TRUTHS:
        return f'if the key is true or false, write `{name} (boolean)` in {place}; if it is a text: "{text}"'
    if is_day(text) and not re.search(r"[^\W\d_]", text):
        return f'if it is a day, write `{name} (date)` in {place}; if it is a text: "{text}"'
    if is_day(text):
        return f'a spreadsheet makes dates of 1-2 and 1/2: format the column as text; if it is meant: "{text}"'
    if is_number(text):
        return f'if the key is a number, write `{name} (number)` in {place}; if it is a text: "{text}"'
    meant = better(replace(column, type="number"), text, separator)
    if meant and meant != "-":
        return f'if the key is a number, write `{name} (number)` in {place}, and `{meant}`; if it is a text: "{text}"'
    return ""


def _of_states(table: Table, texts: Iterable[str]) -> Iterator[Problem]:
    """What is remembered and never read, and what is asked for and never remembered, in one table."""
    conditions = [number for number, column in enumerate(table.columns) if column.is_condition]
    states = {c.path: number for number, c in enumerate(table.columns) if c.role == "state"}
    remembered = {c.path: number for number, c in enumerate(table.columns) if c.role == "remember"}
    for path, number in remembered.items():
        name = ".".join(path)
        read = path in states or any(f"{{state.{name}}}" in text for text in texts)
        near = did_you_mean(f"remember.{name}", [f"remember.{'.'.join(one)}" for one in states.keys() - remembered])
        if near and not read:
            yield doubt(table.file, table.columns[number].head, f"nothing in this table reads `state.{name}`", near)
    for path in states.keys() & remembered.keys():
        given = _given(table, remembered[path])
        place = conditions.index(states[path])
        for row, of_row in zip(table.rows, table.conditions, strict=True):
            for value in sorted(of_row[place].values - given, key=str) if given is not None else ():
                near = did_you_mean(str(value), map(str, given or ()))
                hint = near or f"write it in a cell of {table.columns[remembered[path]].head.name}"
                yield doubt(table.file, row.cells[states[path]], f"no row remembers `{value}`", hint)


def _given(table: Table, number: int) -> frozenset[Any] | None:
    """All values that a column remembers; None where a message gives some."""
    column = table.columns[number]
    found: set[Any] = set()
    for cell in (row.cells[number] for row in table.rows):
        if "{" in cell.text:
            return None
        if cell.text not in ("", "-", "null"):
            with suppress(Unfit):  # told elsewhere
                value = literal(column.type, cell.text, table.separator, column.choices)
                found.add(normal(value, column.any_case) if isinstance(value, str) else value)
    return frozenset(found)
