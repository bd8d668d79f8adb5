"""Jackfield binds WebSocket URLs to business processes in a few lines of YAML."""

from importlib import import_module
from typing import TYPE_CHECKING

from jackfield.errors import Refusal, Reject
from jackfield.identity import Identity
from jackfield.process.connection import Connection
from jackfield.process.declare import Key, process, resource
from jackfield.process.groups import Groups

if TYPE_CHECKING:
    from jackfield.auth.verify import Request
    from jackfield.server.node.application import application

__version__ = "0.1.0"

__all__ = [
    "Connection",
    "Groups",
    "Identity",
    "Key",
    "Refusal",
    "Reject",
    "Request",
    "application",
    "process",
    "resource",
]

_ELSEWHERE = {"Request": "jackfield.auth.verify", "application": "jackfield.server.node.application"}


def __getattr__(name: str) -> object:
    # the server is loaded when it is asked for: a process's file must not pay for it
    if name in _ELSEWHERE:
        return getattr(import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
