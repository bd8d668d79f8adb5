"""What is sent and answered where processes are seen and tried, as JSON Schema 2020-12."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.json import schema_components

from jackfield.describe.contract import JSON

__all__ = ["Run", "Test", "of_processes"]

_LOGIN: JSON = {"minLength": 1, "maxLength": 128, "pattern": r"^[^\u0000]*$", "description": "Who sends it."}
_NAME: JSON = {"minLength": 1, "maxLength": 200, "pattern": r"^[^\u0000]*$"}


class Run(Struct, forbid_unknown_fields=True):
    """A message that a process is tried with. Nobody is logged in where no login is given."""

    process: Annotated[str, Meta(extra_json_schema=_NAME)]
    message: dict[str, Any] = {}
    login: Annotated[str, Meta(extra_json_schema=_LOGIN)] | None = None


class Test(Struct, forbid_unknown_fields=True):
    """The endpoint whose examples are run; those of all where none is named."""

    endpoint: Annotated[str, Meta(extra_json_schema=_NAME)] | None = None


_TEXT: JSON = {"type": "string"}
_COUNT: JSON = {"type": "integer", "minimum": 0}
_PLACE: JSON = {"line": _COUNT, "column": _COUNT}


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
    _, bodies = schema_components((Run, Test))
    problem = _object({**dict.fromkeys(("code", "message", "hint", "path", "file", "severity"), _TEXT), **_PLACE})
    told = {"endpoint": _TEXT, "example": _TEXT, "passed": {"type": "boolean"}, "problem": _TEXT}
    return {
        **bodies,
        "Ran": _object(
            {
                "frames": {**_list({"type": "object"}), "description": "What the process answered."},
                "trace": {**_or_null(_trace()), "description": "Of a table: the rows that were looked at."},
                "explained": {**_list(_TEXT), "description": "Sentences on what went wrong."},
                "closed": {"type": ["string", "null"], "description": "How the process closed the connection."},
                "problems": {**_list(problem), "description": "What is wrong with the files, where it was not run."},
            }
        ),
        "Tests": _object({"results": _list(_object(told)), "problems": _list(problem)}),
        "Processes": _object({"processes": _list(_object(_LINE)), "next": {"type": ["string", "null"]}}),
        "Process": _object({**_LINE, **whole, "source": {"type": "null"}}),
    }


def _trace() -> JSON:
    """What `process/table/tracing.py` tells."""
    failed = _object({"column": _TEXT, "cell": _TEXT, "says": _TEXT, "is": {"description": "null: it is missing."}})
    flag: JSON = {"type": "boolean"}
    row = _object({"number": _COUNT, "name": _TEXT, "fits": flag, "chosen": flag, "failed": _list(failed)})
    return _object(
        {"kind": {"const": "table"}, "file": _TEXT, "outcome": _TEXT, "rows": _list(row), "left_out": _COUNT}
    )
