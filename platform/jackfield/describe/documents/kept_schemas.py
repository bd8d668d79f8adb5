"""What a server keeps for its administrators: refusals, messages that no row was for, and the files of tables."""

from __future__ import annotations

from jackfield.auth.refused import CAUSES
from jackfield.describe.contract import JSON
from jackfield.describe.schema.shapes import COUNT, FLAG, NEXT, TEXT, TIME, list_of, nullable, object_of

__all__ = ["of_kept"]


def of_kept() -> dict[str, JSON]:
    """The schemas by the names that they have in a document."""
    file = object_of(
        {
            "name": TEXT,
            "bytes": COUNT,
            "rows": {"type": ["integer", "null"], "description": "Below the heads; null for a large file."},
            "modified": TIME,
        }
    )
    unmatched = object_of(
        {
            "id": TEXT,
            "at": {**TIME, "description": "When it came last."},
            "first_at": TIME,
            "count": {**COUNT, "minimum": 1, "description": "How many times it came."},
            "endpoint": TEXT,
            "process": TEXT,
            "message": {"type": "object", "description": "With the values of the address; no `$id`, no login."},
            "why": {"enum": ["last_row", "no_row"], "description": "A row that fits everything answered it, or none."},
            "answered": {
                **nullable(object_of({"row": COUNT, "live": FLAG})),
                "description": "The row that is for it now; with `--edit` also one of the file that is not live yet.",
            },
        }
    )
    return {
        "DataFiles": object_of({"files": list_of(file), "next": NEXT}),
        "UnmatchedMessages": object_of({"messages": list_of(unmatched), "next": NEXT}),
        "Refusals": object_of({"refusals": list_of(_refused())}),
    }


def _refused() -> JSON:
    """One kept refusal."""
    return object_of(
        {
            "id": {**TEXT, "description": "What the caller was told to read out."},
            "at": {**TIME, "description": "The last of equal ones."},
            "first_at": {**TIME, "description": "The first of them."},
            "count": {**COUNT, "minimum": 1, "description": "How many there were."},
            "login": {**TEXT, "description": "Of the known caller; empty for others."},
            "client": {**TEXT, "description": "The address of the client."},
            "path": {**TEXT, "description": "Without its query string."},
            "endpoint": {**TEXT, "description": "Its name, where the path is an endpoint's."},
            "origin": TEXT,
            "code": TEXT,
            "cause": {
                "enum": ["", *CAUSES],
                "description": "Why a login failed, where that is known; not told to the caller.",
            },
            "status": {"type": "integer"},
            "detail": TEXT,
            "fix": TEXT,
        }
    )
