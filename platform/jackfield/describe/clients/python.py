"""Contract -> a typed client in Python: one file, which needs the package `websockets` and nothing else.

What differs from contract to contract is written here; the connection itself is connection.py.txt, as it stands.
"""

from __future__ import annotations

import json
import keyword
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence, Set
from pathlib import Path

from jackfield.describe import outcomes, phrases
from jackfield.describe.clients.naming import Names, method, note, of_json, printable
from jackfield.describe.clients.reader import Operands, Types, address, fitted, operands
from jackfield.describe.clients.tree import (
    Definition,
    Dictionary,
    Field,
    Items,
    Named,
    Object,
    Positions,
    Scalar,
    Type,
    Union,
    Values,
    union,
)
from jackfield.describe.contract import Contract, Operation
from jackfield.errors import CODES

__all__ = ["client"]

_WIDTH = 110

_TAKEN = """
Answering Any AsyncGenerator Awaitable CLOSES Callable Client ClientConnection ClientError Closed Closing Connection
ConnectionClosed ErrorCode Event Exception False Final Generator Generic InvalidStatus Literal Mapping MessageError
Never None NotRequired OSError Opening Refused RefusalCode Self Sequence Streaming TimeoutError TooManyReplies True
TypeAlias TypeVar TypedDict ValueError aclosing anext asyncio bool cast connect dict filter float int isinstance iter
json len list logging math mypy next object overload property quote self str super suppress urlencode
"""
"""Names that the file has already, or needs."""

_SEEN = ("Any", "Literal", "Mapping", "Opening", "Sequence", "bool", "dict", "float", "int", "list", "str")
_METHODS = frozenset({*keyword.kwlist, *_SEEN})
"""Words of the language, and what the types of the functions speak of: a function of the name would hide it there."""

_KINDS = {"none": "Connection", "one": "Answering", "many": "Streaming"}
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

_HEAD = '''\
"""{title}: a typed client for its WebSocket endpoints.

Made from version {version} of the contract. Do not change it by hand; make it anew:
    jackfield export client --lang python DIR

    client = Client("https://desk.example.com", token=token)
    async with client.{first} as connection:
        {use}

It needs the package websockets, 14 or newer, and Python 3.11. A cookie goes instead of the token as
headers={{"Cookie": {cookie}}}.
"""

# Names and texts are those of the contract, whatever a linter would say of them.
# ruff: noqa

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, Final, Generic, Literal, Never, NotRequired, Self, TypeAlias, TypedDict, TypeVar, cast, overload
from urllib.parse import quote, urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

'''

_CLIENT = '''\
class Client:
    """The endpoints of one server; each method opens a connection.

    - `address` is the server's, with what a proxy puts before its paths: https://desk.example.com/rt
    - `token` is that of a login; `headers` go with each upgrade.
    - `timeout` is how many seconds an opening, a reply, the next of many replies may take; math.inf waits on.
    - `queue` is how many events may wait to be read; one more drops the oldest, and is counted in `dropped`.
    - `on_error` hears the errors that no call waits for, those of `send` above all; they are logged if left out.
    """

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        queue: int = 1_000,
        on_error: Callable[[MessageError], None] | None = None,
    ) -> None:
        credential = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._address = f"ws{address.rstrip('/').removeprefix('http')}"
        self._headers = {**credential, **(headers or {})}
        self._timeout, self._queue, self._on_error = timeout, queue, on_error or _log_error
'''

_CONNECTION = Path(__file__).with_name("connection.py.txt").read_text("utf-8")


def client(contract: Contract) -> str:
    """The text of the client: types of each endpoint, the close codes, class Client, the connection."""
    contract, left_out = of_json(contract)
    taken = [*_TAKEN.split(), *keyword.kwlist, *keyword.softkwlist]
    types = Types(taken, contract.operations)
    methods = {operation.name: method(operation.name, _METHODS) for operation in contract.operations}
    parts, opened = [], []
    for operation in contract.operations:
        begun = len(types.definitions)
        found = operands(operation, types)
        parts.append(f"# {printable(operation.name)}\n\n")
        parts += [_definition(definition, types.names) for definition in types.definitions[begun:]]
        parts.append(_kinds(operation, found))
        opened.append((operation, found, methods[operation.name]))
    # In a class the name of a function hides the type of that name.
    named = {definition.name for definition in types.definitions} | {found.connection for _, found, _ in opened}
    hidden = named.intersection(methods.values())
    parts += [f'_type_{name}: TypeAlias = "{name}"\n' for name in sorted(hidden)]
    made = "\n".join([_CLIENT, *(_function(*one, hidden) for one in opened)])
    hearing = "\n\n".join(_hearing(operation, found) for operation, found, _ in opened if found.told)
    same = _same(f"{made}{hearing}", contract)
    text = f"{_head(contract)}{_all_codes(contract)}{''.join(parts)}\n\n{made}\n\n{same}"
    text += f"\n\n{hearing}" if hearing else ""
    return note(left_out, "#") + re.sub(r"\n{4,}", "\n\n\n", text)


def _same(made: str, contract: Contract) -> str:
    """The connection, without what no function in `made` uses and no endpoint does."""
    optional = {"Answering[": "class Answering(", "Streaming[": "class Streaming(", "Closing(": "class Closing("}
    optional["_segment("] = "def _segment("
    unused = tuple(declared for used, declared in optional.items() if used not in made)
    return "\n\n\n".join(part for part in fitted(_CONNECTION, contract).split("\n\n\n") if not part.startswith(unused))


def _head(contract: Contract) -> str:
    first = contract.operations[0] if contract.operations else None
    arguments = ", ".join(f"{name}=..." for name in _arguments(first)) if first else ""
    use = {
        "none": "await connection.send(message)",
        "one": "reply = await connection.ask(message)",
        "many": "async for reply in connection.stream(message): ...",
        "silence": "async for event in connection.events(): ...",
    }[("silence" if not first.listens else first.replies) if first else "one"]
    return _HEAD.format(
        title=_docstring(printable(contract.title)),
        version=contract.version,
        first=f"{method(first.name, _METHODS) if first else 'endpoint'}({arguments})",
        use=use,
        cookie=json.dumps(f"{contract.auth.cookie}=..."),
    )


def _all_codes(contract: Contract) -> str:
    errors, refusals = (outcomes.every(contract.operations, of) for of in (outcomes.errors, outcomes.refusals))
    closes = [code for code in CODES.values() if code.moment == "connection"]
    lines = [
        "# Why a message was answered with an error; a process may have codes of its own.",
        _codes("ErrorCode", [code.name for code in errors]),
        "# Why an upgrade was refused.",
        _codes("RefusalCode", [code.name for code in refusals]),
        "# With which number a connection ends; a process may close with 1000 and 3000 to 4999.",
        "CLOSES: Final = {",
        *(f"    {json.dumps(code.name)}: {code.close},  # {code.sentence}" for code in closes),
        "}\n",
        '# A push of the server\'s: {"event": its name, ...}.',
        "Event: TypeAlias = dict[str, Any]\n\n",
    ]
    return "\n".join(lines)


def _codes(name: str, codes: Iterable[str]) -> str:
    lines = [f"        {json.dumps(code)},\n" for code in codes]
    return f"{name}: TypeAlias = (\n    Literal[\n{''.join(lines)}    ]\n    | str\n)\n"


def _kinds(operation: Operation, found: Operands) -> str:
    """The types of what goes wrong and of what is pushed, and of the connection."""
    own = f"Literal[{', '.join(map(_literal, found.errors))}] | " if found.errors else ""
    events = ["session_expiring"] if operation.session_warning is not None else []
    known = ", ".join(dict.fromkeys(printable(name) for name in [*events, *found.events]))
    comment = f"  # {known}, for example" if known else ""
    connection = "" if found.told else f'{found.connection}: TypeAlias = "{_kind(operation, found)}"\n'
    return f"{found.error}: TypeAlias = {own}ErrorCode\n{found.event}: TypeAlias = Event{comment}\n{connection}\n"


def _hearing(operation: Operation, found: Operands) -> str:
    """The class of an endpoint's connections, whose `on` knows the types of its events."""
    says = [(f"Literal[{_literal(name)}]", _type(kind)) for name, kind in found.told.items()]
    given = "-> Callable[[], None]"
    lines = [
        f"    @overload\n    def on(self, event: {name}, handler: Callable[[{kind}], None]) {given}: ...\n"
        for name, kind in [*says, ("str", "Event")]
    ]
    return (
        f"class {found.connection}({_kind(operation, found)}):\n"
        f'    """A connection to {printable(operation.name)}; `on` knows its events."""\n\n{"".join(lines)}'
        f"    def on(self, event: str, handler: Callable[[Any], None]) {given}:\n"
        "        return super().on(event, handler)\n"
    )


def _kind(operation: Operation, found: Operands) -> str:
    names = [found.message.name, *([found.reply.name] if found.reply else [])]
    return f"{_KINDS[operation.replies]}[{', '.join(names)}]"


def _definition(definition: Definition, names: Names) -> str:
    if not isinstance(definition.type, Object):
        return f"{_comment(definition.note)}{definition.name}: TypeAlias = {_literal(_type(definition.type))}\n\n"
    if definition.type.more is not None:
        keys = ", ".join(printable(field.key) for field in definition.type.fields)
        note = f"{definition.note} Keys: {keys}, and others.".strip()
        return f"{_comment(note)}{definition.name}: TypeAlias = dict[str, Any]\n\n"
    if all(_is_plain(field.key, names) for field in definition.type.fields):
        return _class(definition, definition.type)
    lines = [
        f"{_comment(field.note, '        ')}        {_literal(field.key)}: {_literal(_field(field))},\n"
        for field in definition.type.fields
    ]
    name = f'    "{definition.name}",\n'
    return f"{_comment(definition.note)}{definition.name} = TypedDict(\n{name}    {{\n{''.join(lines)}    }},\n)\n\n"


def _class(definition: Definition, found: Object) -> str:
    note = printable(definition.note)
    lines = [f'    """{_docstring(note)}"""\n'] if note else []
    lines += ["\n"] if note and found.fields else []
    lines += [f"{_comment(field.note, '    ')}    {field.key}: {_field(field)}\n" for field in found.fields]
    body = "".join(lines or ["    pass\n"])
    return f"\nclass {definition.name}(TypedDict):\n{body}\n\n"


def _field(field: Field) -> str:
    return _type(field.type) if field.required else f"NotRequired[{_type(field.type)}]"


def _type(found: Type) -> str:
    match found:
        case Scalar(kind):
            return _SCALARS[kind]
        case Values(values):
            return _values(values)
        case Items(item):
            return f"list[{_type(item)}]"
        case Positions(items, _, more):
            # It comes as a list and may go as a tuple.
            parts = [*items, *([more] if more is not None else [])]
            return f"Sequence[{_type(union(parts)) if parts else 'Any'}]"
        case Dictionary(value):
            return f"dict[str, {_type(value)}]"
        case Union(parts_of):
            return " | ".join(dict.fromkeys(_type(part) for part in parts_of))
        case Named(name):
            return name
    return "Any"


def _values(values: Sequence[object]) -> str:
    # A number of more than 64 bits, or with a fraction, is no Literal for mypy.
    large = [value for value in values if isinstance(value, int) and abs(value) >= 2**63]
    listed = [
        _literal(value) if isinstance(value, str) else repr(value)
        for value in values
        if not isinstance(value, float | None) and value not in large
    ]
    parts = [f"Literal[{', '.join(listed)}]"] if listed else []
    parts += ["int"] if large else []
    parts += ["float"] if any(isinstance(value, float) for value in values) else []
    parts += ["None"] if None in values else []
    return " | ".join(parts) or "Never"


def _function(operation: Operation, found: Operands, name: str, hidden: Set[str]) -> str:
    arguments = _arguments(operation)
    given = [f"{argument}: {_type(_seen(found.parameters[key], hidden))}, " for argument, key in arguments.items()]
    connection = _type(_seen(Named(found.connection), hidden))
    opening = "Closing" if operation.refusals == "close" else "Opening"
    ordered = ", ordered=False" if operation.limits.concurrency > 1 else ""
    about = _docstring(printable(f"{operation.summary} ({operation.url})"))
    named = {key: argument for argument, key in arguments.items()}

    def put(key: str) -> str:
        return f"_segment({_literal(key)}, {named[key]})"

    kind = found.connection if found.told else _kind(operation, found)
    closing = textwrap.fill(phrases.refusals(operation), _WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 8)
    more = f"\n\n{closing}\n        " if closing else ""
    return (
        f"    def {name}(self, {''.join(given)}*, query: Mapping[str, str] | None = None) -> "
        f"Opening[{connection}]:\n"
        f'        """{about}{more}"""\n'
        f"        path = {address(operation, json.dumps, put)}\n"
        f"        return {opening}(self, {kind}, path, query{ordered})\n"
    )


def _seen(found: Type, hidden: Set[str]) -> Type:
    """The type of a parameter by a name that no function hides."""
    if isinstance(found, Union):
        return union(_seen(part, hidden) for part in found.parts)
    return Named(f"_type_{found.name}") if isinstance(found, Named) and found.name in hidden else found


def _arguments(operation: Operation) -> dict[str, str]:
    """The arguments of a method, each with the path parameter that it is."""
    used = ["self", "query", "path", "Closing", "Opening", *_KINDS.values(), *keyword.kwlist]  # by the function itself
    names = Names(used)
    return {names.new(key): key for key in operation.parameters}


def _is_plain(key: str, names: Names) -> bool:
    """Whether a class may have it as an attribute, as it is: no keyword, no private name, no type of this file."""
    same = key.isidentifier() and unicodedata.normalize("NFKC", key) == key
    return same and not key.startswith("__") and key not in names


def _comment(text: str, indent: str = "") -> str:
    lines = textwrap.wrap(printable(text), _WIDTH, break_long_words=False)
    return "".join(f"{indent}# {line}\n" for line in lines)


def _docstring(text: str) -> str:
    """A text between three quotes, in lines."""
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'{escaped[:-1]}\\"' if escaped.endswith('"') else escaped


def _literal(text: str) -> str:
    """A text as Python writes it, in double quotes where that is no harder to read."""
    found = repr(text)
    return found if '"' in found else f'"{found[1:-1]}"'
