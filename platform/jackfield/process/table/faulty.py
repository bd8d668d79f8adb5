"""How a fault in a table is told: its place in the file, its cell in the spreadsheet, what is wrong, the cure."""

from __future__ import annotations

from dataclasses import replace

from jackfield.errors import Problem
from jackfield.process.table.model import Cell

__all__ = ["Unfit", "doubt", "fault"]


_LONGEST = 300  # characters of a sentence


class Unfit(Exception):
    """What a cell says cannot be taken; who reads the cell knows its place. `args` are message, hint and code."""

    def __init__(self, message: str, hint: str = "", code: str = "bad_table") -> None:
        super().__init__(message, hint, code)


def fault(file: str, cell: Cell, message: str, hint: str = "", code: str = "bad_table") -> Problem:
    """A fault with which the table cannot be used. What it quotes may be a cell of 1 MiB, and is cut."""
    message, hint = (text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…" for text in (message, hint))
    return Problem(code, f"{cell.name}: {message}", hint, file=file, line=cell.line, column=cell.column)


def doubt(file: str, cell: Cell, message: str, hint: str = "") -> Problem:
    """A warning."""
    return replace(fault(file, cell, message, hint, "doubtful_table"), severity="warning")
