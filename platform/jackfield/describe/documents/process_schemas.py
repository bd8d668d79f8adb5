"""What is answered of processes, as JSON Schema 2020-12: what `describe/processes.py` makes."""

from __future__ import annotations

from jackfield.describe.contract import JSON

__all__ = ["of_processes"]

_TEXT: JSON = {"type": "string"}
_COUNT: JSON = {"type": "integer", "minimum": 0}


def _object(properties: JSON) -> JSON:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: JSON) -> JSON:
    return {"type": "array", "items": items}


def _or_null(schema: JSON) -> JSON:
    return {"anyOf": [schema, {"type": "null"}]}


_LINE: JSON = {
    "name": _TEXT,
    "kind": {"enum": ["python", "table", "builtin"]},
    "summary": _TEXT,
    "endpoints": {**_list(_TEXT), "description": "Those that call it."},
    "file": _TEXT,
    "line": _COUNT,
    "examples": {**_COUNT, "description": "Examples of these endpoints."},
    "tested": {
        **_or_null(_object({"at": {"type": "string", "format": "date-time"}, "passed": _COUNT, "failed": _COUNT})),
        "description": "How these examples went when they were run last; null where none was.",
    },
}


def of_processes() -> dict[str, JSON]:
    """The schemas by the names that they have in a document."""
    column = _object({"letter": _TEXT, "head": _TEXT, "role": _TEXT})
    row = _object({"number": {**_COUNT, "description": "In the spreadsheet."}, "name": _TEXT, "cells": _list(_TEXT)})
    table = _object(
        {"file": _TEXT, "policy": _TEXT, "columns": _list(column), "rows": _list(row), "total": _COUNT},
    )
    schema = _or_null({"type": "object", "description": "A JSON Schema."})
    whole = {"signature": _TEXT, "description": _TEXT, "message": schema, "reply": schema, "table": _or_null(table)}
    return {
        "Processes": _object({"processes": _list(_object(_LINE)), "next": {"type": ["string", "null"]}}),
        "Process": _object({**_LINE, **whole, "source": {"type": "null"}}),
    }
