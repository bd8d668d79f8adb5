"""The file of `jackfield users import`: a table of logins, names, roles and passwords, as spreadsheets write it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from jackfield.auth.importing import MOST_IMPORTED, Imported, Row
from jackfield.errors import Problem
from jackfield.process.table.faulty import fault
from jackfield.process.table.model import Cell
from jackfield.process.table.sheet import read_sheet
from jackfield.similar import did_you_mean

__all__ = ["UserFile", "read_users"]

_HEADS = ("login", "name", "roles", "password")
_SAMPLE = ",".join(_HEADS)
_BETWEEN = re.compile(r"[\s,;]+")  # what stands between two roles of a cell


class UserFile:
    """The rows of a file, and where each of their fields stands."""

    def __init__(self, file: str, places: Mapping[str, int], rows: Sequence[Sequence[Cell]]) -> None:
        self.file = file
        self._places = places
        self._rows = rows
        self.rows = [self._row(cells) for cells in rows]

    def problems(self, found: Sequence[Imported]) -> list[Problem]:
        """All that is wrong with the rows, each at its cell."""
        return [
            fault(self.file, self._cell(cells, field), sentence)
            for cells, one in zip(self._rows, found, strict=True)
            for field, sentence in one.faults
        ]

    def _row(self, cells: Sequence[Cell]) -> Row:
        login, name, roles, password = (self._cell(cells, head).text for head in _HEADS)
        return Row(login, [role for role in _BETWEEN.split(roles) if role], name, password or None)

    def _cell(self, cells: Sequence[Cell], field: str) -> Cell:
        """The cell of a field; where the file has no such column, an empty one at the row's beginning."""
        return cells[self._places[field]] if field in self._places else cells[self._places["login"]]._replace(text="")


def read_users(file: str, data: bytes) -> tuple[UserFile | None, list[Problem]]:
    """The users in the bytes of a file, and what is wrong with it as a table; None where it cannot be read on."""
    sheet, problems = read_sheet(file, data, _SAMPLE)
    if sheet is None:
        return None, problems
    places, wrong = _places(file, sheet.heads)
    problems += wrong
    if len(sheet.rows) > MOST_IMPORTED:
        cell = next(cell for cell in sheet.rows[MOST_IMPORTED] if cell.line)
        problems.append(fault(file, cell, f"one import has at most {MOST_IMPORTED:,} users", "make two files of it"))
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    return UserFile(file, places, sheet.rows), problems


def _places(file: str, heads: Sequence[Cell]) -> tuple[Mapping[str, int], list[Problem]]:
    """The number of the column of each field, and what is wrong with the heads. Columns of notes begin with `#`."""
    places: dict[str, int] = {}
    problems: list[Problem] = []
    for number, head in enumerate(heads):
        name = head.text.casefold()
        if not name or name.startswith("#"):
            continue
        if name not in _HEADS:
            hint = did_you_mean(name, _HEADS) or f"the heads are {', '.join(_HEADS)}; write `# {head.text}` for a note"
            problems.append(fault(file, head, f"there is no field `{head.text}` of a user", hint))
        elif name in places:
            problems.append(fault(file, head, f"the head `{name}` stands twice", "take one out"))
        else:
            places[name] = number
    if "login" not in places and not problems:
        problems.append(fault(file, heads[0], "no column has the head `login`", f"the heads are {_SAMPLE}"))
    return places, problems
