"""The call of a process, written out once, at load: `function(text=value.p0, who=connection)`.

A dict of arguments and its unpacking cost each message a tenth of what it costs at all. What is evaluated holds nothing
of a message: the names of the parameters, which Python has taken for names already, and keys as `repr` writes them. No
name can clash: a parameter's stands before its `=` only, where it is no variable.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jackfield.process.connection import Connection
from jackfield.process.signature.parameters import Parameter

__all__ = ["GROUPS", "Call", "written_call"]

GROUPS = "$groups"
"""The name by which Groups stands among the open resources; no resource has one like it."""

Call = Callable[[Callable[..., Any], Any, Connection, Mapping[str, Any]], Any]


def written_call(parameters: Iterable[Parameter], of_message: Mapping[str, str]) -> Call:
    """What calls a function; `of_message` has, for each parameter that a message gives, where `value` holds it."""
    parts = []
    for parameter in parameters:
        if not parameter.name.isidentifier() or keyword.iskeyword(parameter.name):
            raise ValueError(f"{parameter.name!r} cannot be the name of a parameter")
        match parameter.source:
            case "message":
                parts.append(f"{parameter.name}={of_message[parameter.name]}")
            case "path":
                parts.append(f"{parameter.name}=connection.params[{parameter.key!r}]")
            case "connection":
                parts.append(f"{parameter.name}=connection")
            case "groups":
                parts.append(f"{parameter.name}=opened[{GROUPS!r}]")
            case "resource":
                parts.append(f"{parameter.name}=opened[{parameter.key!r}]")
            case "more":
                parts.append("**value.more")
    text = f"lambda function, value, connection, opened: function({', '.join(parts)})"
    call: Call = eval(text, {})  # noqa: S307 - see the head of this file
    return call
