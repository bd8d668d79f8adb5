"""Processes as JSON for the page: what each is, who uses it, and how its examples went."""

from __future__ import annotations

from collections.abc import Iterator

from jackfield.describe.contract import JSON
from jackfield.messages import moment
from jackfield.process.calling import Raised, call
from jackfield.process.process import Process
from jackfield.process.signature import signature
from jackfield.process.signature.signature import Signature
from jackfield.process.table.model import Row, Table
from jackfield.routing.table import Route, RoutingTable
from jackfield.state.tested import Runs

__all__ = ["line", "rows", "users", "whole"]


def line(table: RoutingTable, process: Process, tested: Runs) -> JSON:
    """A process in a list. `tested` counts the last run of each of its examples, and names the oldest of these."""
    routes = users(table, process.name)
    examples = [(route.name, name) for route in routes for name in _examples(route)]
    runs = [tested[endpoint][name] for endpoint, name in examples if name in tested.get(endpoint, {})]
    passed = sum(one for _, one in runs)
    return {
        "name": process.name,
        "kind": _kind(table, process),
        "summary": process.summary,
        "endpoints": [route.name for route in routes],
        "file": process.file,
        "line": process.line,
        "examples": len(examples),
        "tested": {"at": moment(min(at for at, _ in runs)), "passed": passed, "failed": len(runs) - passed}
        if runs
        else None,
    }


def whole(table: RoutingTable, process: Process, tested: Runs) -> JSON:
    """All that is told of one process; of a table without its rows, see `rows`. Runs hints of the project, in a thread.

    A process whose hints do not compile has no signature; an endpoint with it would be refused at load.
    """
    compiled = _compiled(table, process)
    answering = table.catalog.tables.get(process.name)
    return {
        **line(table, process, tested),
        "signature": compiled.shape if compiled else "",
        "description": process.more,
        "message": compiled.input_schema if compiled else None,
        "reply": compiled.reply_schema if compiled else None,
        "table": _table(answering.table) if answering else None,
        "source": None,
    }


def rows(table: Table, below: int, limit: int) -> list[JSON]:
    """The rows below the row `below` of the spreadsheet, which counts from 1, at most `limit`."""
    found = [row for row in table.rows if _number(row) > below][:limit]
    return [
        {"number": _number(row), "name": row.name.text, "cells": [cell.text for cell in row.cells]} for row in found
    ]


def users(table: RoutingTable, name: str) -> list[Route]:
    """The routes that use a process: for messages, as a feed, at the begin or the end of a connection."""
    return [route for route in table.routes.values() if name in _used(route)]


def _used(route: Route) -> Iterator[str]:
    yield from (one.process.name for one in (route.actions.values() or (route,)) if one.endpoint.process)
    yield from (hook.process.name for hook in route.hooks.both)
    if route.feed is not None:
        yield route.feed.process.name


def _examples(route: Route) -> Iterator[str]:
    """The names of an endpoint's examples, as those who run them call them."""
    return (example.name or f"example {number + 1}" for number, example in enumerate(route.endpoint.examples))


def _kind(table: RoutingTable, process: Process) -> str:
    if process.name in table.catalog.tables:
        return "table"
    return "python" if process.name in table.catalog.processes else "builtin"


def _compiled(table: RoutingTable, process: Process) -> Signature | None:
    """What the process takes when it is asked alone; as its endpoint takes it, where it takes payloads or a path."""
    with table.catalog.loading():
        try:
            found, _ = call(signature.compile, process, ())
        except Raised:
            found = None
    if found is not None:
        return found
    for route in users(table, process.name):
        for one in (*route.actions.values(), route):
            if one.process.name == process.name:
                return one.signature
    return None


def _table(table: Table) -> JSON:
    return {
        "file": table.file,
        "policy": table.policy,
        "columns": [
            {"letter": column.head.name.rstrip("0123456789"), "head": column.head.text, "role": column.role}
            for column in table.columns
        ],
        "total": len(table.rows),
    }


def _number(row: Row) -> int:
    return int(row.name.name[1:])  # it stands in column A
