"""The parameters of a process, each with where its value comes from."""

from __future__ import annotations

import inspect
import json
import keyword
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
from msgspec import inspect as mi

from jackfield.errors import Problem
from jackfield.process.connection import Connection
from jackfield.process.declare import Key
from jackfield.process.groups import Groups
from jackfield.process.process import Process
from jackfield.process.resources import Resource
from jackfield.process.signature import matching
from jackfield.process.signature.hints import Unsupported, members, optional_of, readable, resolve, split, type_of
from jackfield.process.signature.json_schema import NUMBERS, TEXTS
from jackfield.process.signature.needs import NotAResource, Reading, resource_in
from jackfield.process.suggestions import default_fix
from jackfield.schema.validator import Validator

__all__ = ["Faults", "Parameter", "path_converter", "read_parameters"]

Source = Literal["message", "more", "path", "connection", "groups", "resource"]
_Kinds = inspect.Parameter

NO_DEFAULT = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `source` says where its value comes from; "more" is `**fields`.

    `key` is the JSON key, or the path parameter's name, or the resource's.
    """

    name: str
    source: Source
    key: str
    hint: Any
    kind: mi.Type
    default: Any = NO_DEFAULT
    resource: Resource | None = None


class Faults(list[Problem]):
    """The problems of one process; `add` finds the place of the parameter concerned."""

    def __init__(self, process: Process) -> None:
        super().__init__()
        self._process = process

    def add(self, code: str, parameter: str, message: str, hint: str = "") -> None:
        """Note a problem of `parameter`, or of "return", or of the function as a whole with ""."""
        process = self._process
        line, column = process.places.get(parameter, (process.line, process.column))
        named = f'parameter "{parameter}": {message}' if parameter not in ("", "return") else message
        self.append(Problem(code, named, hint, process.name, process.file, line, column))


def read_parameters(
    process: Process, path_parameters: tuple[str, ...], faults: Faults, *, payload: bool = False
) -> tuple[Parameter, ...]:
    """The parameters of a process in order; those that cannot be used are noted in `faults` and left out.

    With `payload` a message is no object: the hint of a parameter that takes it is not looked at.
    """
    found: list[Parameter] = []
    if hidden := _hidden(process):
        faults.add("bad_signature", "", *hidden)
        return ()
    for parameter in inspect.signature(process.function).parameters.values():
        try:
            read = _read(process, parameter, path_parameters, faults, payload=payload)
            rival = next((p for p in found if p.key == read.key and {p.source, read.source} <= _KEYED), None)
            if rival is not None:
                message = f'the key "{read.key}" is already that of the parameter "{rival.name}"'
                raise _Bad("bad_signature", message, 'give one of them another with `Key("...")`')
            found.append(read)
        except _Bad as exc:
            faults.add(exc.code, parameter.name, str(exc), exc.hint)
        except NotAResource as exc:
            faults.add("bad_resource", parameter.name, str(exc), exc.hint)
        except Unsupported as exc:
            faults.add("bad_hint", parameter.name, str(exc), exc.hint)
    return tuple(found)


def _hidden(process: Process) -> tuple[str, str] | None:
    """Problem and fix for a decorator whose own `*args` or `**more` hide the parameters of the function."""
    code = getattr(inspect.unwrap(process.function), "__code__", None)
    written = set(process.places) - {"return"}
    if code is None or hasattr(process.function, "__signature__"):
        return None
    if code.co_name == process.name.rpartition(".")[2] or code.co_firstlineno == process.line:
        return None
    parameters = inspect.signature(process.function).parameters.values()
    stars = [str(parameter) for parameter in parameters if parameter.kind in _STARS]
    if not stars or (written and {parameter.name for parameter in parameters} >= written):
        return None
    message = f"a decorator below `@process` hides its parameters behind `{', '.join(stars)}`"
    where = f"above `def {code.co_name}`, which stands in line {code.co_firstlineno} of {Path(code.co_filename).name}"
    return message, f"write `@functools.wraps(...)`, with the function that the decorator is given, {where}"


_STARS = (_Kinds.VAR_POSITIONAL, _Kinds.VAR_KEYWORD)
_KEYED = frozenset({"message", "path"})


class _Bad(Exception):
    def __init__(self, code: str, message: str, hint: str) -> None:
        self.code = code
        self.hint = hint
        super().__init__(message)


def _read(
    process: Process, parameter: inspect.Parameter, path_parameters: tuple[str, ...], faults: Faults, *, payload: bool
) -> Parameter:
    _check_kind(parameter)
    written = Any if parameter.annotation is NO_DEFAULT else parameter.annotation
    hint = resolve(process.function, written)
    bare, notes = split(hint)
    injected = _injected(process, parameter, bare, notes, faults)
    key = _key(parameter, notes)
    path_key = next((name for name in (key, parameter.name) if name in path_parameters), None)
    if injected is not None:
        if path_key is not None:
            message = f"the URL has a parameter of this name, but it is the {injected.source} here"
            raise _Bad("bad_path_parameter", message, "rename one of the two")
        return injected
    if payload and path_key is None and parameter.kind is not _Kinds.VAR_KEYWORD:
        return Parameter(parameter.name, "message", key, hint, mi.AnyType(), parameter.default)
    if parameter.kind is _Kinds.VAR_KEYWORD:
        return Parameter(parameter.name, "more", "", hint, type_of(hint))
    kind = type_of(hint)
    if fix := default_fix(parameter.default):
        raise Unsupported(f"its default is a `{type(parameter.default).__name__}`, which nothing reads", fix)
    if path_key is not None:
        _check_path(hint, kind)
        return Parameter(parameter.name, "path", path_key, hint, kind, parameter.default)
    _check_key(key)
    return Parameter(parameter.name, "message", key, hint, kind, parameter.default)


def _check_kind(parameter: inspect.Parameter) -> None:
    if parameter.kind is _Kinds.VAR_POSITIONAL:
        message = "a message fills parameters by name, so `*` has nothing to take"
        raise _Bad("bad_signature", message, f"write `{parameter.name}: list[...]`, or `**fields` for more keys")
    if parameter.kind is _Kinds.POSITIONAL_ONLY:
        raise _Bad("bad_signature", "a message fills parameters by name", "take the `/` away")


def _injected(
    process: Process, parameter: inspect.Parameter, bare: Any, notes: tuple[Any, ...], faults: Faults
) -> Parameter | None:
    """The parameter where it is the connection or a resource, which are no keys of the message."""
    inner = split(optional_of(bare))[0]
    if inner is Connection:
        return Parameter(parameter.name, "connection", parameter.name, inner, mi.AnyType())
    if inner is Groups:
        return Parameter(parameter.name, "groups", parameter.name, inner, mi.AnyType())
    function = resource_in(notes)
    if function is None:
        return None
    reading = Reading(inspect.unwrap(process.function).__code__.co_filename.removesuffix(process.file))
    found = reading.resource(function)
    faults += reading.problems
    return Parameter(parameter.name, "resource", found.name, bare, mi.AnyType(), resource=found)


def _key(parameter: inspect.Parameter, notes: tuple[Any, ...]) -> str:
    for note in notes:
        if issubclass(type(note), Key):
            return cast(Key, note).name
        if note is Key:
            raise _Bad("bad_signature", "`Key` has no name", 'write `Key("the-name")`')
    name = parameter.name
    return name[:-1] if name.endswith("_") and keyword.iskeyword(name[:-1]) else name


def _check_key(key: object) -> None:
    if not isinstance(key, str) or not key:
        raise _Bad("bad_signature", "the key must be a text that is not empty", 'write `Key("the-name")`')
    if key.startswith("$"):
        raise _Bad("bad_signature", f'keys that begin with "$" are Jackfield\'s own: "{key}"', "choose another")


def _check_path(hint: Any, kind: mi.Type) -> None:
    parts = [part for part in members(kind) if not isinstance(part, mi.NoneType)]
    if not parts or not all(isinstance(part, (mi.AnyType, *TEXTS, *NUMBERS)) for part in parts):
        message = f"it comes from the URL as one piece of text, which cannot be {readable(hint)}"
        raise _Bad("bad_path_parameter", message, "use str, int, UUID, a date, an enum or a Literal")


def path_converter(parameter: Parameter, schema: Mapping[str, Any]) -> Callable[[str], Any]:
    """The function that makes a path parameter's text what the hint says; it raises ValueError if it cannot.

    What it says then is of the parameter's JSON Schema: "it must be a whole number".
    """
    if parameter.hint is Any or parameter.hint is str:
        return str
    numbers = any(isinstance(part, NUMBERS) for part in members(parameter.kind))
    target = matching.plain(parameter.hint, parameter.kind)
    whole = Validator(schema)

    def read(text: str) -> Any:
        try:
            return target.finished(msgspec.convert(text, target.hint))
        except msgspec.ValidationError:
            if not numbers:
                raise
            # Not for dates, which would take a bare number for seconds since 1970.
            return target.finished(msgspec.convert(text, target.hint, strict=False))

    def convert(text: str) -> Any:
        try:
            value = read(text)
        except msgspec.ValidationError as exc:
            raise ValueError(_misfit(whole, text, exc)) from None
        if not _is_plain(value, text):
            shown = "nothing" if value is None else str(value)
            raise ValueError(f"{text!r} is not a way to write {shown} in a URL")
        return value

    return convert


_NUMBER = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?", re.ASCII)


def _misfit(whole: Validator, text: str, exc: msgspec.ValidationError) -> str:
    """What is wrong with a text of the address, in words of the published schema."""
    value: Any = json.loads(text) if text in ("true", "false") else text
    if _NUMBER.fullmatch(text):
        value = float(text) if "." in text else int(text)
    # It is a text in any case: of that only problems with its characters are reported.
    faults = [fault.problem for fault in whole.faults(text) if _TYPE not in fault.problem]
    faults = faults or [fault.problem.removesuffix(_TYPE) for fault in whole.faults(value)]
    problem = faults[0].replace(" or null", "").replace("null or ", "") if faults else "is not taken: " + str(exc)
    return f"it {problem}"


_TYPE = ", not a text"


def _is_plain(value: object, text: str) -> bool:
    """Whether a text is the usual way to write a value: no 1.0 for 1, no nan, no `null` for nothing."""
    if value is None:
        return False
    if isinstance(value, int) and not isinstance(value, bool):
        return text.removeprefix("-").isdecimal()
    return math.isfinite(value) if isinstance(value, float | Decimal) else True
