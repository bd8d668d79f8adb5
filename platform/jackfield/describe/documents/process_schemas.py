"""What is sent and answered where processes are seen and tried, as JSON Schema 2020-12."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.json import schema_components

from jackfield.describe.contract import JSON
from jackfield.describe.schema.shapes import COUNT, FLAG, NEXT, TEXT, TEXTS, list_of, nullable, object_of

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


_PLACE: JSON = {"line": COUNT, "column": COUNT}


_LINE: JSON = {
    "name": TEXT,
    "kind": {"enum": ["python", "table", "builtin"]},
    "summary": TEXT,
    "endpoints": {**TEXTS, "description": "Those that call it."},
    "file": TEXT,
    "line": COUNT,
    "examples": {**COUNT, "description": "Examples of these endpoints."},
    "tested": {
        **nullable(object_of({"at": {"type": "string", "format": "date-time"}, "passed": COUNT, "failed": COUNT})),
        "description": "How these examples went when they were run last; null where none was.",
    },
}


def of_processes() -> dict[str, JSON]:
    """The schemas by the names that they have in a document."""
    column = object_of({"letter": TEXT, "head": TEXT, "role": TEXT})
    row = object_of({"number": {**COUNT, "description": "In the spreadsheet."}, "name": TEXT, "cells": TEXTS})
    table = object_of(
        {"file": TEXT, "policy": TEXT, "columns": list_of(column), "rows": list_of(row), "total": COUNT},
    )
    schema = nullable({"type": "object", "description": "A JSON Schema."})
    whole = {"signature": TEXT, "description": TEXT, "message": schema, "reply": schema, "table": nullable(table)}
    _, bodies = schema_components((Run, Test))
    problem = object_of({**dict.fromkeys(("code", "message", "hint", "path", "file", "severity"), TEXT), **_PLACE})
    told = {"endpoint": TEXT, "example": TEXT, "passed": FLAG, "problem": TEXT}
    return {
        **bodies,
        "Ran": object_of(
            {
                "frames": {**list_of({"type": "object"}), "description": "What the process answered."},
                "trace": {**nullable(_trace()), "description": "Of a table: the rows that were looked at."},
                "explained": {**TEXTS, "description": "Sentences on what went wrong."},
                "closed": {"type": ["string", "null"], "description": "How the process closed the connection."},
                "problems": {**list_of(problem), "description": "What is wrong with the files, where it was not run."},
            }
        ),
        "Tests": object_of({"results": list_of(object_of(told)), "problems": list_of(problem)}),
        "Processes": object_of({"processes": list_of(object_of(_LINE)), "next": NEXT}),
        "Process": object_of({**_LINE, **whole, "source": {"type": "null"}}),
    }


def _trace() -> JSON:
    """What `process/table/tracing.py` tells."""
    failed = object_of({"column": TEXT, "cell": TEXT, "says": TEXT, "is": {"description": "null: it is missing."}})
    flag: JSON = FLAG
    row = object_of({"number": COUNT, "name": TEXT, "fits": flag, "chosen": flag, "failed": list_of(failed)})
    return object_of(
        {"kind": {"const": "table"}, "file": TEXT, "outcome": TEXT, "rows": list_of(row), "left_out": COUNT}
    )
