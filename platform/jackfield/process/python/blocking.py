"""Warnings for blocking calls in processes on the event loop, found in the text."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jackfield.errors import Problem
from jackfield.process.python.outline import FunctionNode, Outline, arguments_of, dotted, imports_in, own_nodes

__all__ = ["blocking_calls", "names_in"]

_HTTP = "`httpx.AsyncClient`"
_SHELL = "`asyncio.create_subprocess_exec`"
_POSTGRES = "`asyncpg`"
_MYSQL = "`aiomysql`"

# What blocks, and what to use on the event loop instead. An entry stands for itself and for
# all below it: "sqlite3" for sqlite3.connect(...).execute too.
_WAITS: Mapping[str, str] = {
    "MySQLdb": _MYSQL,
    "boto3.client": "`aioboto3`",
    "boto3.resource": "`aioboto3`",
    "ftplib.FTP": "`aioftp`",
    "http.client.HTTPConnection": _HTTP,
    "http.client.HTTPSConnection": _HTTP,
    "httpx.Client": _HTTP,
    "httpx.delete": _HTTP,
    "httpx.get": _HTTP,
    "httpx.head": _HTTP,
    "httpx.options": _HTTP,
    "httpx.patch": _HTTP,
    "httpx.post": _HTTP,
    "httpx.put": _HTTP,
    "httpx.request": _HTTP,
    "httpx.stream": _HTTP,
    "input": "a key of the message",
    "os.popen": _SHELL,
    "os.system": _SHELL,
    "os.wait": _SHELL,
    "os.waitpid": _SHELL,
    "psycopg.connect": "`psycopg.AsyncConnection`",
    "psycopg2": _POSTGRES,
    "pymongo.MongoClient": "`pymongo.AsyncMongoClient`",
    "pymysql": _MYSQL,
    "redis.Redis": "`redis.asyncio`",
    "redis.StrictRedis": "`redis.asyncio`",
    "redis.from_url": "`redis.asyncio`",
    "requests": _HTTP,
    "smtplib.SMTP": "`aiosmtplib`",
    "smtplib.SMTP_SSL": "`aiosmtplib`",
    "socket.create_connection": "`asyncio.open_connection`",
    "socket.getaddrinfo": "`loop.getaddrinfo`",
    "socket.gethostbyaddr": "`loop.getaddrinfo`",
    "socket.gethostbyname": "`loop.getaddrinfo`",
    "socket.socket.accept": "`asyncio.start_server`",
    "socket.socket.connect": "`asyncio.open_connection`",
    "socket.socket.recv": "`asyncio.open_connection`",
    "sqlite3": "`aiosqlite`",
    "subprocess": _SHELL,
    "time.sleep": "`await asyncio.sleep(...)`",
    "urllib.request": _HTTP,
    "urllib3": _HTTP,
}
_HARMLESS = ("Error", "Exception", "Warning", "Timeout", "exceptions", "Row", "Request", "CompletedProcess")


@dataclass(frozen=True, slots=True)
class _Call:
    """One call that waits: its text as written out, its node, and what to use instead."""

    name: str
    node: ast.Call
    instead: str


def blocking_calls(outline: Outline, node: FunctionNode, process: str) -> Iterator[Problem]:
    """A warning for each call in a process that waits, there or in a function of the same file that it calls.

    Only what names show is reported; a call inside a nested function or lambda may be meant for
    another thread and is passed over.
    """
    for call in _waiting(outline, node):
        yield _warning(outline, node, process, call, f"{call.name}() waits")
    own = {function.name for function in outline.functions}
    called = (part.func for part in own_nodes(node) if isinstance(part, ast.Call))
    for name in sorted({call.id for call in called if isinstance(call, ast.Name) and call.id in own}):
        helper = outline.function_at(name, -1)
        if helper is not None and helper is not node:
            for call in _waiting(outline, helper):
                yield _warning(outline, node, process, call, f"{name}() calls {call.name}(), which waits")


def _warning(outline: Outline, node: FunctionNode, process: str, call: _Call, what: str) -> Problem:
    thread = "" if isinstance(node, ast.AsyncFunctionDef) else "write `@process(blocking=True)`, or "
    message = f"{what} on the event loop, and every connection waits with it"
    return outline.warning(call.node, "blocking_call", message, f"{thread}use {call.instead}", process)


def _waiting(outline: Outline, node: FunctionNode) -> Iterator[_Call]:
    """The first call of each blocking function; more of the same would only be noise."""
    names = names_in(outline, node)
    seen: set[str] = set()
    for part in own_nodes(node):
        if isinstance(part, ast.Call):
            name = dotted(part.func, names)
            entry = _entry(name)
            if entry and entry not in seen:
                seen.add(entry)
                yield _Call(name, part, _WAITS[entry])


def _entry(name: str) -> str:
    """The line of `_WAITS` that a full name falls under, or ""."""
    parts = name.split(".")
    if any(part.endswith(_HARMLESS) for part in parts):
        return ""
    for length in range(len(parts), 0, -1):
        entry = ".".join(parts[:length])
        if entry in _WAITS:
            return entry
    return ""


def names_in(outline: Outline, node: FunctionNode) -> dict[str, str]:
    """What each name means inside a function: imports, and variables made by one call, `s = socket.socket()`."""
    module: dict[str, str] = {function.name: "" for function in outline.functions} | dict(outline.names)
    names = module | _made(outline.tree, module)
    names |= {argument.arg: "" for argument in arguments_of(node)}
    names |= imports_in(node)
    return names | _made(node, names)


def _made(scope: ast.AST, names: Mapping[str, str]) -> dict[str, str]:
    """Variables and the full name of the call that made each; "" for what was made in any other way."""
    made: dict[str, str] = {}
    for node in own_nodes(scope):
        pairs: list[tuple[ast.expr, ast.expr | None]] = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.With | ast.AsyncWith):
            pairs = [(i.optional_vars, i.context_expr) for i in node.items if i.optional_vars is not None]
        for target, value in pairs:
            if isinstance(target, ast.Name):
                known = {**names, **made}
                made[target.id] = dotted(value, known) if isinstance(value, ast.Call) else ""
    return made
