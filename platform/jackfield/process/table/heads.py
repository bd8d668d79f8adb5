"""The heads of a table: what each column is, by the words of its head."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import get_args

from jackfield.errors import Problem
from jackfield.process.table.faulty import Unfit, fault
from jackfield.process.table.letters import two_alphabets
from jackfield.process.table.literals import damage
from jackfield.process.table.model import Cell, Column, Policy, Role, Type
from jackfield.similar import did_you_mean, nearest

__all__ = ["Heads", "read_heads"]

Heads = tuple[tuple[int, Column, bool], ...]
"""Each column with its place in the sheet, and whether its head names a type."""

_HEAD = re.compile(r"([^?()]*?)\s*(\?)?\s*(?:\((.*)\))?", re.DOTALL)
_LONGEST = 1000
_DEEPEST = 8
_POLICIES = get_args(Policy)
_OF_DMN = ("any", "priority", "rule order", "output order", "u", "f", "c", "a", "p", "r", "o")
_TYPES: tuple[Type, ...] = tuple(one for one in get_args(Type) if one != "choice")
_OTHER_NAMES: dict[str, Type] = {
    "string": "text",
    "str": "text",
    "int": "integer",
    "float": "number",
    "decimal": "number",
    "double": "number",
    "bool": "boolean",
    "yes/no": "boolean",
    "array": "list",
    "текст": "text",
    "число": "number",
    "целое": "integer",
    "дата": "date",
    "время": "time",
    "список": "list",
    "zahl": "number",
    "datum": "date",
}
_TYPE_BESIDE = re.compile(r"([\w.]+\??)[\s:\[-]+(\w+)\]?")  # `age: integer`
_OUTPUTS: tuple[Role, ...] = ("reply", "error", "remember", "keep")
_WHOLE = {
    "reply": "write which key of the reply this is: `reply.text`",
    "error": "write `error.code`, and `error.message` beside it",
    "remember": "write what is remembered: `remember.name`",
    "state": "write what was remembered: `state.name`",
    "connection": "write `connection.login`",
}


def read_heads(file: str, cells: Sequence[Cell]) -> tuple[Policy, Heads, list[Problem]]:
    """The policy of the table, its columns, and what is wrong with the heads."""
    problems: list[Problem] = []
    policy: Policy = "first"
    heads: list[tuple[int, Column, bool]] = []
    try:
        policy = _policy(cells[0])
    except Unfit as wrong:
        problems.append(fault(file, cells[0], *wrong.args))
        if not wrong.args[1].startswith("did you mean"):  # what stands here are no heads
            return policy, (), problems
    for number, cell in enumerate(cells[1:], 1):
        told = damage(cell.text) if cell.text else None
        if told:
            problems.append(fault(file, cell, *told, "spreadsheet_damage"))
        cut = "(" in cells[number - 1].text and ")" not in cells[number - 1].text  # that one is told
        if not cell.text or cell.text.startswith("#") or told or (cut and cell.text[-1] == ")"):
            continue
        try:
            column, typed = _column(cell)
            _beside([other for _, other, _ in heads], column)
            heads.append((number, column, typed))
        except Unfit as wrong:
            problems.append(fault(file, cell, *wrong.args))
    if not problems:
        problems.extend(_together(file, cells[0], [column for _, column, _ in heads]))
    return policy, tuple(heads), problems


def _policy(cell: Cell) -> Policy:
    for policy in _POLICIES:
        if cell.text.casefold() == policy:
            return policy  # type: ignore[no-any-return]  # get_args has no types
    two_alphabets(cell.text)
    if cell.text.casefold() in _OF_DMN:
        raise Unfit(f"`{cell.text}` is not supported", "the first head is first, unique or collect")
    near = did_you_mean(cell.text, _POLICIES)
    if not cell.text:
        raise Unfit("the first head is empty", "write `first` there, and a name for each row below it")
    hint = near or "put a column in front of all others: `first` as its head, a name for each row below it"
    raise Unfit(f"the first head is first, unique or collect, not `{cell.text}`", hint)


def _column(cell: Cell) -> tuple[Column, bool]:
    if len(cell.text) > _LONGEST or cell.text.count(".") > _DEEPEST:
        hint = f"a head has at most {_LONGEST} characters, and keys stand {_DEEPEST} deep in each other at most"
        raise Unfit(f"`{cell.text}` is too long", hint)
    two_alphabets(cell.text.partition("(")[0])
    found = _HEAD.fullmatch(cell.text)
    beside = _TYPE_BESIDE.fullmatch(cell.text)
    text_key = beside and beside[2] == "text" and beside[1].partition(".")[0] in _WHOLE  # `reply text`
    if beside and not text_key and (known := _OTHER_NAMES.get(beside[2].casefold(), beside[2].casefold())) in _TYPES:
        raise Unfit(f"`{cell.text}` is no head", f"write `{beside[1]} ({known})`")
    if not found:
        if cell.text.endswith("?"):
            raise Unfit(f"`{cell.text}` has its question mark behind the type", "write `name? (type)`")
        hint = "write `name`, `name?`, `name (type)` or `name? (type)`; a head with a comma in it stands in quotes"
        raise Unfit(f"`{cell.text}` is no head", hint)
    name, optional, words = found[1], bool(found[2]), found[3]
    role, path = _role(name)
    type_, choices, any_case = ("text", (), False) if words is None else _type(name, words)
    if role == "keep":
        type_ = "boolean"
    column = Column(cell, role, path, type_, optional or role in ("state", "connection"), any_case, choices)
    if role in _OUTPUTS and optional:
        raise Unfit(f"`{name}` is an output; a question mark has no meaning there", "an empty cell gives no key")
    if role in _OUTPUTS and any_case:
        raise Unfit(f"`{name}` is an output; `any case` has no meaning there", f"write `{name}`")
    if column.is_condition and type_ == "list":
        raise Unfit(f"`{name}` cannot be a list", "lists are for outputs: `reply.buttons (list)`")
    if (optional or words is not None) and role in ("error", "connection", "keep"):
        raise Unfit(f"`{name}` takes no type and no question mark", f"write `{name}`")
    return column, words is not None


def _role(name: str) -> tuple[Role, tuple[str, ...]]:
    path = tuple(name.split("."))
    if not all(part.isidentifier() for part in path):
        raise Unfit(f"`{name}` is no name of a key", _name_to_write(name))
    first, rest = path[0], path[1:]
    if first == "keep" and not rest:
        return "keep", ()
    if first in _WHOLE and not rest:
        raise Unfit(f"`{name}` alone is no head", _WHOLE[first])
    if first == "error" and rest not in (("code",), ("message",)):
        near = did_you_mean(name, ("error.code", "error.message"))
        raise Unfit(f"`{name}` is unknown", near or _WHOLE["error"])
    if first == "connection" and rest != ("login",):
        hint = did_you_mean(name, ("connection.login",)) or "of the connection a table can read `connection.login`"
        raise Unfit(f"`{name}` is reserved", hint)
    for role in ("connection", "state", "reply", "error", "remember"):
        if first == role:
            return role, rest
    if rest:
        near = nearest(first.lower(), _WHOLE, cutoff=0.8)
        if near:
            better = ".".join((near, *rest))
            better = better.lower() if first.istitle() else better  # a spreadsheet began all words so
            raise Unfit(f"`{first}.` is unknown", f'did you mean "{better}"?')
    return "input", path


def _name_to_write(name: str) -> str:
    """`write reply.my_text` for `reply.my text` and `reply: my text`."""
    dotted = re.sub(rf"^\s*({'|'.join(_WHOLE)})[^\w.]+", r"\1.", name)
    parts = [re.sub(r"\W+", "_", part).strip("_") for part in dotted.split(".")]
    better = [part for part in parts if part]
    if not better or not all(part.isidentifier() for part in better):
        return "names have letters, digits and _, and dots between"
    try:
        _role(".".join(better))
    except Unfit as wrong:
        return str(wrong.args[1])
    return f"write `{'.'.join(better)}`"


def _type(name: str, words: str) -> tuple[Type, tuple[str, ...], bool]:
    if "|" in words:
        choices = tuple(choice.strip() for choice in words.split("|"))
        if not all(choices) or len(set(choices)) < len(choices):
            raise Unfit(f"the choices of `{name}` are empty or stand twice", f"write `{name} (small | large)`")
        if choices[-1].endswith("any case"):
            raise Unfit(f"`{name}` has choices, and `any case` is for texts", f"write `{name} (text, any case)`")
        return "choice", choices, False
    parts = [part.strip().casefold() for part in words.split(",")]
    if parts == ["text", "any case"]:
        return "text", (), True
    if "any case" in parts:
        raise Unfit(f"`any case` of `{name}` is for texts", f"write `{name} (text, any case)`")
    for known in _TYPES:
        if parts == [known]:
            return known, (), False
    better = _OTHER_NAMES.get(parts[0])
    near = f'did you mean "{better}"?' if better else did_you_mean(words.strip(), _TYPES)
    parts = [part.strip() for part in re.split("[/,;]", words)]
    if len(parts) > 1 and not near:
        near = f"choices have `|` between: `{name} ({' | '.join(parts)})`"
    hint = near or f"known are {', '.join(_TYPES)}, and choices: `{name} (small | large)`"
    raise Unfit(f"`{words.strip()}` is no type", hint)


def _beside(others: Sequence[Column], column: Column) -> None:
    """Two heads of one key, or of a key and of a key in it."""
    for other in others:
        if other.role != column.role:
            continue
        shorter, longer = sorted((other.path, column.path), key=len)
        if shorter == longer:
            raise Unfit(f"this key stands in {other.head.name} already", "keep one of the two columns")
        if longer[: len(shorter)] == shorter:
            inner = ".".join(longer)
            message = (
                f"{other.head.name} and this head say that `{'.'.join(shorter)}` is a value and has keys, `{inner}`"
            )
            raise Unfit(message, "keep one of the two columns")


def _together(file: str, first: Cell, columns: Sequence[Column]) -> list[Problem]:
    problems = []
    if all(column.is_condition for column in columns):
        hint = "add a column with a head such as `reply.text`"
        problems.append(fault(file, first, "the table has no output: nothing would be answered", hint))
    states = {column.path: column for column in columns if column.role == "state"}
    codes = any(column.role == "error" and column.path == ("code",) for column in columns)
    for column in columns:
        if column.role == "error" and not codes:
            problems.append(fault(file, column.head, "`error.message` stands without `error.code`", "add `error.code`"))
        state = states.get(column.path) if column.role == "remember" else None
        if state and (state.type, state.choices) != (column.type, column.choices):
            of = " | ".join(state.choices) or state.type
            message = f"{state.head.name} compares it as {of}, and this is {' | '.join(column.choices) or column.type}"
            hint = f"write `remember.{'.'.join(column.path)} ({of})`"
            problems.append(fault(file, column.head, message, hint))
    return problems
