"""A table as a Python function with hints, so that all that Python processes have follows by itself.

Strategy: everything that can be known is worked out at load. What is left for a message is one look-up, and a dict that
is the same each time or is filled by functions that were made once. Nothing of a cell is evaluated.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import Parameter
from operator import itemgetter
from typing import Any

from jackfield.errors import CODES, Problem, Reject
from jackfield.process.connection import Connection
from jackfield.process.process import Kind, Process
from jackfield.process.table.hints import Inputs, bare_column, inputs_of, reply_hint
from jackfield.process.table.literals import normal
from jackfield.process.table.lookup import Lookup
from jackfield.process.table.model import ANYTHING, Table
from jackfield.process.table.replies import Output, maker, outputs, reply_of, tree_of
from jackfield.process.table.templates import fitting, shown
from jackfield.process.table.unmatched import answered_of, unmatched_of

__all__ = ["Answering", "Keep", "answering"]

Keep = Callable[[str, Sequence[Any]], Awaitable[None]]
"""Keeps one row: the login, and what stands in the columns of inputs."""

_Values = Callable[[Mapping[str, Any], Connection | None], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Answering:
    """A table that answers. `values` makes the arguments of its function what the columns of conditions hold.

    `answered` says of a message that no row was for once which row is; see unmatched.py.
    """

    table: Table
    process: Process
    values: _Values
    answered: Callable[[Mapping[str, Any]], int]

    @property
    def may_miss(self) -> bool:
        """Whether there may be messages that no row fits."""
        return all(any(condition != ANYTHING for condition in row) for row in self.table.conditions)


def answering(table: Table, name: str, lookup: Lookup, keep: Keep) -> tuple[Answering | None, tuple[Problem, ...]]:
    """The process that a table is, and what is wrong with the cells of its outputs; None where one is an error."""
    found, problems = outputs(table)
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    inputs = inputs_of(table, _title(name))
    kept = any(output.keep for output in found)
    slot = _slot(table, found)
    values = _values(table, inputs)
    many = table.policy == "collect"
    carrier = _Carrier(table, found, keep)
    make = (_collecting_kept if kept else _collecting) if many else (_answering_kept if kept else _answering)
    function = _of_one_text(table, lookup, carrier, inputs) if not (many or kept or slot) else None
    function = function or make(lookup, values, carrier, slot)
    _describe(function, table, name, inputs, slot, found)
    kind: Kind = ("async_generator" if kept else "generator") if many else ("async" if kept else "sync")
    bare = bare_column(table.columns, found)
    process = _process(table, name, function, kind, inputs, bare)
    process = replace(process, unmatched=unmatched_of(table, lookup, values, inputs, slot))
    return Answering(table, process, values, answered_of(table, lookup, values, inputs)), problems


def _slot(table: Table, found: Sequence[Output]) -> str:
    """The name of the parameter that is the connection, which no head can have; "" where none is needed."""
    of_outputs = any(output.connected or output.keep for output in found)
    if not of_outputs and all(column.role not in ("connection", "state") for column in table.columns):
        return ""
    return "connection"


def _values(table: Table, inputs: Inputs) -> _Values:
    """How the arguments of the function become a tuple with a value for each column of conditions."""
    numbered = [(number, column) for number, column in enumerate(table.columns) if column.is_condition]
    names = [inputs.names[number] for number, column in numbered if column.role == "input" and len(column.path) == 1]
    if len(names) == len(numbered):
        if len(names) == 1:
            (only,) = names
            return lambda values, _connection: (values[only],)
        return _picking(names)
    makers: list[Callable[[Mapping[str, Any], Connection | None], Any]] = []
    for number, column in numbered:
        if column.role == "input":
            makers.append(_of_message(inputs.getters[number]))
        elif column.role == "state":
            makers.append(_of_state(".".join(column.path), column.type))
        else:
            makers.append(_login)
    return lambda values, connection: tuple([make(values, connection) for make in makers])


def _picking(names: Sequence[str]) -> _Values:
    if not names:
        return lambda _values, _connection: ()
    pick = itemgetter(*names)
    return lambda values, _connection: pick(values)


def _of_message(get: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any], Connection | None], Any]:
    return lambda values, _connection: get(values)


def _of_state(key: str, kind: Any) -> Callable[[Mapping[str, Any], Connection | None], Any]:
    def get(_values: Mapping[str, Any], connection: Connection | None) -> Any:
        return fitting(connection.state.get(key), kind) if connection is not None else None

    return get


def _login(_values: Mapping[str, Any], connection: Connection | None) -> Any:
    return (connection.identity.login or None) if connection is not None else None


class _Carrier:
    """Carries out what a row gives."""

    def __init__(self, table: Table, found: Sequence[Output], keep: Keep) -> None:
        bare, tree = bare_column(table.columns, found), tree_of(table.columns)
        self.outputs = found
        self.replies = [o.cells.get(bare) if bare is not None else reply_of(tree, o.cells) for o in found]
        self._make = [None if reply is None else maker(reply) for reply in self.replies]
        conditions = [column for column in table.columns if column.is_condition]
        self._inputs = [number for number, column in enumerate(conditions) if column.role == "input"]
        self._keep = keep

    def carry_out(self, number: int, values: tuple[Any, ...], connection: Connection | None) -> Any:
        """The reply of a row, None for none; raises its error. What it remembers is filled before it is changed."""
        output = self.outputs[number]
        make = self._make[number]
        reply = None if make is None else make(values, connection)
        error = output.error
        sentence = "" if error is None else shown(_value(error[1], values, connection))
        if output.remember and connection is not None:
            connection.state |= {key: _value(cell, values, connection) for key, cell in output.remember}
        if error is not None:
            raise Reject(error[0], sentence)
        return reply

    async def keep(self, number: int, values: tuple[Any, ...], connection: Connection) -> None:
        """Keep the message, where the row says so."""
        if self.outputs[number].keep:
            await self._keep(connection.identity.login, [values[at] for at in self._inputs])


def _value(cell: Any, values: tuple[Any, ...], connection: Connection | None) -> Any:
    return cell.value if cell.fill is None else cell.fill(values, connection)


def _no_row() -> Reject:
    return Reject("no_row", CODES["no_row"].sentence)


def _of_one_text(table: Table, lookup: Lookup, carrier: _Carrier, inputs: Inputs) -> Callable[..., Any] | None:
    """What answers a table with one column of texts: a dict from text to reply; None for other tables.

    Only texts that stand in its cells can be told apart, so one other text stands for all others.
    """
    columns = [(number, column) for number, column in enumerate(table.columns) if column.is_condition]
    if len(columns) != 1 or columns[0][1].type not in ("text", "choice") or len(columns[0][1].path) != 1:
        return None
    at, column = columns[0]
    if column.any_case:
        return None
    texts = {text for (condition,) in table.conditions for text in condition.values}
    other = "?"
    while other in texts:
        other += "?"
    carry_out, replies, outputs_ = carrier.carry_out, carrier.replies, carrier.outputs

    def row(text: str | None) -> tuple[Any, Callable[[str | None], Any] | None]:
        """What is always replied to a text, or what replies."""
        number = lookup.first((text,))
        if number < 0:
            return None, _refuse
        reply = replies[number]
        fill = None if reply is None else reply.fill
        if outputs_[number].error is not None:
            return None, lambda value: carry_out(number, (value,), None)
        if reply is not None and reply.alone is not None:  # there is no other column
            return None, lambda value: value
        if fill is not None:
            return None, lambda value: fill((value,), None)
        return (None if reply is None else reply.value), None

    known = {text: row(text) for text in (*texts, None)}
    rest = row(other)

    def answer(*, value: str | None) -> Any:
        found = known.get(value)
        if found is None:
            found = rest if value is None or value.isascii() else known.get(normal(value), rest)
        same, make = found
        return same if make is None else make(value)

    name = inputs.names[at]  # its parameter is called so: to take `**arguments` costs a dict for each message
    answer.__code__ = answer.__code__.replace(co_varnames=(name, *answer.__code__.co_varnames[1:]))
    return answer


def _refuse(_value: str | None) -> Any:
    raise _no_row()


def _answering(lookup: Lookup, values_of: _Values, carrier: _Carrier, slot: str) -> Callable[..., Any]:
    first, carry_out = lookup.first, carrier.carry_out
    quick = [  # what rows reply that do nothing else
        None if output.error or output.remember or reply is None else maker(reply)
        for output, reply in zip(carrier.outputs, carrier.replies, strict=True)
    ]

    def answer(**arguments: Any) -> Any:
        connection = arguments[slot] if slot else None
        values = values_of(arguments, connection)
        number = first(values)
        if number < 0:
            raise _no_row()
        make = quick[number]
        return carry_out(number, values, connection) if make is None else make(values, connection)

    return answer


def _answering_kept(lookup: Lookup, values_of: _Values, carrier: _Carrier, slot: str) -> Callable[..., Any]:
    async def answer(**arguments: Any) -> Any:
        connection = arguments[slot]
        values = values_of(arguments, connection)
        number = lookup.first(values)
        if number < 0:
            raise _no_row()
        await carrier.keep(number, values, connection)
        return carrier.carry_out(number, values, connection)

    return answer


def _collecting(lookup: Lookup, values_of: _Values, carrier: _Carrier, slot: str) -> Callable[..., Any]:
    def answer(**arguments: Any) -> Iterator[Any]:
        connection = arguments[slot] if slot else None
        values = values_of(arguments, connection)
        rows = lookup.all(values)
        if not rows:
            raise _no_row()
        for number in rows:
            reply = carrier.carry_out(number, values, connection)
            if reply is not None:
                yield reply

    return answer


def _collecting_kept(lookup: Lookup, values_of: _Values, carrier: _Carrier, slot: str) -> Callable[..., Any]:
    async def answer(**arguments: Any) -> AsyncIterator[Any]:
        connection = arguments[slot]
        values = values_of(arguments, connection)
        rows = lookup.all(values)
        if not rows:
            raise _no_row()
        for number in rows:
            await carrier.keep(number, values, connection)
            reply = carrier.carry_out(number, values, connection)
            if reply is not None:
                yield reply

    return answer


def _describe(function: Any, table: Table, name: str, inputs: Inputs, slot: str, found: Sequence[Output]) -> None:
    """Give a function the name and the hints of the table."""
    reply = reply_hint(table.columns, found, f"{_title(name)}Reply")
    if inspect.isasyncgenfunction(function):
        reply = AsyncIterator[reply]  # type: ignore[valid-type]  # it is made at load
    elif inspect.isgeneratorfunction(function):
        reply = Iterator[reply]  # type: ignore[valid-type]  # as above
    parameters = list(inputs.parameters)
    if slot:
        parameters.append(Parameter(slot, Parameter.KEYWORD_ONLY, annotation=Connection))
    function.__name__ = function.__qualname__ = name.rpartition(".")[2]
    function.__doc__ = table.summary or None
    function.__signature__ = inspect.Signature(parameters, return_annotation=reply)


def _title(name: str) -> str:
    """A name of a process as one of a class: `support.leave_days` is SupportLeaveDays."""
    return "".join(part[:1].upper() + part[1:] for part in name.replace("_", ".").split("."))


def _process(
    table: Table, name: str, function: Callable[..., Any], kind: Kind, inputs: Inputs, bare: int | None
) -> Process:
    heads: dict[str, tuple[int, int]] = {}
    for number, parameter in inputs.names.items():
        head = table.columns[number].head
        heads.setdefault(parameter, (head.line, head.column))
    line = min((column.head.line for column in table.columns), default=1)
    replies = next(((c.head.line, c.head.column) for c in table.columns if c.role == "reply"), None)
    return Process(
        name=name,
        function=function,
        kind=kind,
        reply=table.columns[bare].path[0] if bare is not None else "result",
        blocking=False,
        summary=table.summary,
        file=table.file,
        line=line,
        column=1,
        places=heads | ({"return": replies} if replies else {}),
    )
