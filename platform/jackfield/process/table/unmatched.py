"""Which messages no row of a table is for, those that fit none or only rows that fit all, and which row is later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jackfield.process.process import Unmatched
from jackfield.process.table.hints import Inputs
from jackfield.process.table.lookup import Lookup
from jackfield.process.table.model import ANYTHING, Table

__all__ = ["answered_of", "unmatched_of"]

_Values = Callable[[Mapping[str, Any], Any], tuple[Any, ...]]


def unmatched_of(table: Table, lookup: Lookup, values: _Values, inputs: Inputs, slot: str) -> Unmatched:
    """What says of the arguments of a table's function whether a row is for them; see Process.

    It looks at the rows once more, for endpoints alone that ask for it: what answers is as fast as ever for the others.
    `slot` is the parameter that is the connection.
    """
    ours, mask, keys = _ours(table), lookup.mask, inputs.keys

    def unmatched(arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        fitting = mask(values(arguments, arguments[slot] if slot else None))
        if fitting & ours:
            return None
        given = {key: arguments[name] for name, key in keys.items() if arguments.get(name) is not None}
        return ("last_row" if fitting else "no_row"), given

    return unmatched


def answered_of(table: Table, lookup: Lookup, values: _Values, inputs: Inputs) -> Callable[[Mapping[str, Any]], int]:
    """What says of a message that was unmatched which row is for it, by its number in the file; 0 for none.

    Nothing is known of the connection that it came over, and its values are as they stand in JSON.
    """
    ours = _ours(table)

    def answered(message: Mapping[str, Any]) -> int:
        arguments = {name: message.get(key) for name, key in inputs.keys.items()}
        try:
            row = lookup.chosen(lookup.mask(values(arguments, None)) & ours)
        except (TypeError, ValueError, LookupError, AttributeError):  # the table takes other values by now
            return 0
        return int(table.rows[row].name.name[1:]) if row >= 0 else 0

    return answered


def _ours(table: Table) -> int:
    """The rows that do not fit everything, as bits."""
    return sum(1 << number for number, row in enumerate(table.conditions) if any(one != ANYTHING for one in row))
