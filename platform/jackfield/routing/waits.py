"""Processes that wait for what their client says where nothing of it can come."""

from __future__ import annotations

from jackfield.config.plan import Endpoint
from jackfield.errors import Problem
from jackfield.process.process import Process

__all__ = ["of_hook", "of_process"]


def of_process(process: Process, endpoint: Endpoint) -> list[Problem]:
    """What a process waits for in vain at messages of an endpoint."""
    name, most = endpoint.name, endpoint.limits.concurrency
    found = []
    if most > 1:
        what = f'wants `limits.concurrency: 1`, and the endpoint "{name}" has {most}'
        found += _problems(process, "next", what, "take `concurrency` out there, or ask by connection.request()")
    if endpoint.messages != "json":
        what = f'wants `messages: json`, and the endpoint "{name}" has `messages: {endpoint.messages}`'
        found += _problems(process, "request", what, "wait by connection.next()")
    return found


def of_hook(process: Process, key: str, endpoint: Endpoint) -> list[Problem]:
    """What a process waits for in vain under `on_connect`, `on_disconnect` or the `feed` of an endpoint."""
    where = f'`{key}` of "{endpoint.name}"'
    if key == "feed":
        return _problems(process, "next", f"is for a process that answers a message, and this is {where}", _ASK)
    if key == "on_connect":
        what, hint = f"waits for a client that has no 101 yet, under {where}", _START
    else:
        what, hint = f"waits for a client that is gone, under {where}", "take it out"
    return _problems(process, "next", what, hint) + _problems(process, "request", what, hint)


_ASK = "ask by connection.request()"
_START = "begin it by connection.start(connection.request(...)), which begins with the 101"


def _problems(process: Process, method: str, what: str, hint: str) -> list[Problem]:
    return [
        Problem("bad_wait", f"connection.{method}() {what}", hint, process.name, process.file, one.line, one.column)
        for one in process.asks
        if one.method == method
    ]
