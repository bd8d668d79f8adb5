"""A file becomes a table, or problems: each with its line, its column, its cell in the spreadsheet, and the cure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jackfield.errors import Problem
from jackfield.process.table.conditions import compares, is_number, read_condition
from jackfield.process.table.doubts import doubts_of
from jackfield.process.table.faults import faults_of_rows
from jackfield.process.table.faulty import Unfit, doubt, fault
from jackfield.process.table.heads import Heads, read_heads
from jackfield.process.table.literals import damage, literal
from jackfield.process.table.lookup import Lookup
from jackfield.process.table.model import ANYTHING, Cell, Column, Condition, Row, Table
from jackfield.process.table.sheet import Sheet, read_sheet

__all__ = ["read_lookup", "read_table", "told"]

_MOST_PROBLEMS = 20  # of one file; what goes wrong in every row is one mistake


def read_table(file: str, data: bytes) -> tuple[Table | None, tuple[Problem, ...]]:
    """The table of a file, and what is wrong with it; None where a problem is an error. `file` is named in them."""
    found, problems = read_lookup(file, data)
    return found and found[0], problems


def read_lookup(file: str, data: bytes) -> tuple[tuple[Table, Lookup] | None, tuple[Problem, ...]]:
    """The same with what finds the rows of the table, which is needed here too and takes its time."""
    sheet, problems = read_sheet(file, data)
    if sheet is None:
        return None, told(file, problems)
    policy, heads, wrong = read_heads(file, sheet.heads)
    if wrong and not heads:  # of rows whose heads are unknown nothing can be said
        return None, told(file, [problem for problem in problems if problem.line < wrong[0].line] + wrong)
    problems += wrong
    if not sheet.rows:
        problems.append(fault(file, sheet.heads[0], "no row stands below the heads", "add one for each answer"))
    body = _Body(file, sheet, heads)
    conditions = body.read()
    problems += body.problems
    if any(problem.severity == "error" for problem in problems):
        return None, told(file, problems)
    columns = tuple(column for _, column, _ in heads)
    rows = tuple(Row(cells[0], tuple(cells[number] for number, _, _ in heads)) for cells in sheet.rows)
    table = Table(file, sheet.summary, policy, columns, rows, sheet.separator, conditions, sheet.heads[0])
    lookup = Lookup(table)
    problems += doubts_of(table)
    problems += faults_of_rows(table, lookup)
    if any(problem.severity == "error" for problem in problems):
        return None, told(file, problems)
    return (table, lookup), told(file, problems)


def told(file: str, problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """The problems in the order of the file, and the number of those that are too many to be read."""
    ordered = sorted(problems, key=lambda one: (one.severity, one.line, one.column))
    more = len(ordered) - _MOST_PROBLEMS
    if more <= 0:
        return tuple(ordered)
    rest = ordered[_MOST_PROBLEMS]
    place = Cell("", rest.line, rest.column, rest.message.partition(":")[0])
    tell = fault if rest.severity == "error" else doubt
    return (
        *ordered[:_MOST_PROBLEMS],
        tell(file, place, f"from here on, {more} more problems", "mend those above first"),
    )


class _Body:
    """The rows below the heads."""

    def __init__(self, file: str, sheet: Sheet, heads: Heads) -> None:
        self.file = file
        self.sheet = sheet
        self.heads = heads
        self.problems: list[Problem] = []

    def read(self) -> tuple[tuple[Condition, ...], ...]:
        columns = []
        for number, column, typed in self.heads:
            cells = [row[number] for row in self.sheet.rows]
            if column.is_condition:
                if not typed:
                    cells = self.without_comparisons(column, cells)
                columns.append(self.conditions(column, cells))
            else:
                self.outputs(column, cells)
        for row in self.sheet.rows:
            if row[0].text:
                self.damaged(row[0])
        return tuple(zip(*columns, strict=True)) if columns else ((),) * len(self.sheet.rows)

    def conditions(self, column: Column, cells: Sequence[Cell]) -> list[Condition]:
        read: dict[str, Condition] = {"": ANYTHING, "-": ANYTHING}  # many cells of a column are the same
        conditions = []
        for cell in cells:
            condition = read.get(cell.text)
            if condition is None:
                condition = ANYTHING
                if not self.damaged(cell):
                    try:
                        condition = read_condition(column, cell.text, self.sheet.separator)
                        read[cell.text] = condition
                    except Unfit as wrong:
                        self.problems.append(fault(self.file, cell, *wrong.args))
            conditions.append(condition)
        return conditions

    def without_comparisons(self, column: Column, cells: list[Cell]) -> list[Cell]:
        """The cells, without those that only mean something where the head names a type; these are problems."""
        name = f"{'' if column.role == 'input' else column.role + '.'}{'.'.join(column.path)}"
        name += "?" if column.optional and column.role == "input" else ""
        told = [cell for cell in cells if cell.text and cell.text != "-"]
        if told and all(is_number(cell.text) for cell in told):
            message = f"`{name}` is a text, and all cells below are numbers"
            hint = f"write `{name} (number)`, or `{name} (text)` if texts are meant"
            self.problems.append(fault(self.file, column.head, message, hint))
        wrong = [cell for cell in told if compares(cell.text)]
        for cell in wrong:
            message = f"`{cell.text[:60]}` is a comparison, and `{name}` is a text"
            hint = f'write `{name} (number)` in {column.head.name}, or put the text in quotes: `"{cell.text[:60]}"`'
            self.problems.append(fault(self.file, cell, message, hint))
        return [Cell("", cell.line, cell.column, cell.name) if compares(cell.text) else cell for cell in cells]

    def outputs(self, column: Column, cells: Sequence[Cell]) -> None:
        for cell in cells:
            if not cell.text or self.damaged(cell):
                continue
            if cell.text[0] == "=" and re.match(r"=\s*\w", cell.text):
                message = f"`{cell.text[:60]}` is a formula to spreadsheets, and nothing is calculated here"
                hint = "write the text; a key of the message stands in braces: {message}"
                self.problems.append(fault(self.file, cell, message, hint))
            if column.role == "keep" and cell.text != "-":
                try:
                    literal("boolean", cell.text)
                except Unfit as wrong:
                    self.problems.append(fault(self.file, cell, wrong.args[0], "write yes, or leave the cell empty"))

    def damaged(self, cell: Cell) -> bool:
        told = damage(cell.text)
        if told:
            self.problems.append(fault(self.file, cell, *told, "spreadsheet_damage"))
        return told is not None
