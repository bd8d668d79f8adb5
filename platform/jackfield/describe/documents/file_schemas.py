"""What is sent to and answered by the addresses where files are edited and published, as JSON Schema 2020-12."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.json import schema_components

from jackfield.describe.contract import JSON

__all__ = ["MOST_CHANGED", "MOST_CHECKED", "PROBLEMS", "FileText", "Overlay", "Publish", "of_files"]

MOST_CHANGED = 1000
"""Files that are named as changed since the last publish."""

MOST_CHECKED = 20
"""Files that one check takes with other texts."""


class FileText(Struct, forbid_unknown_fields=True):
    """The text that a file is to have."""

    text: str


class Overlay(Struct, forbid_unknown_fields=True):
    """Texts by the names of files, to be checked as if they stood there."""

    files: Annotated[dict[str, str], Meta(extra_json_schema={"maxProperties": MOST_CHECKED})]


class Publish(Struct, forbid_unknown_fields=True):
    """What to publish: the files, or with `back` what was live before. With `dry_run` only what that would change."""

    dry_run: bool = False
    back: bool = False


_TEXT: JSON = {"type": "string"}
_COUNT: JSON = {"type": "integer", "minimum": 0}
_TIME: JSON = {"type": "string", "format": "date-time"}


def _object(properties: JSON) -> JSON:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: JSON, **more: object) -> JSON:
    return {"type": "array", "items": items, **more}


_PROBLEM = _object(
    {
        **dict.fromkeys(("file", "path", "message", "hint", "code"), _TEXT),
        "line": {**_COUNT, "description": "From 1 on; 0 for the whole file."},
        "column": _COUNT,
        "severity": {"enum": ["error", "warning"]},
    }
)
PROBLEMS = _list(_PROBLEM)
"""What is wrong with files, or would be."""

_KIND: JSON = {"enum": ["yaml", "python", "table", "text"]}
_ETAG: JSON = {**_TEXT, "description": "Changes with any byte of the file."}


def of_files() -> dict[str, JSON]:
    """The schemas by the names that they have in a document."""
    _, bodies = schema_components((FileText, Overlay, Publish))
    listed = _object({"path": _TEXT, "size": _COUNT, "modified": _TIME, "kind": _KIND, "etag": _ETAG})
    file = {
        "path": _TEXT,
        "text": _TEXT,
        "etag": _ETAG,
        "kind": _KIND,
        "encoding": {"enum": ["utf-8", "utf-16-le", "utf-16-be"]},
        "bom": {"type": "boolean", "description": "Whether a mark stands before the text, which has none."},
        "line_ends": {"enum": ["\n", "\r\n"], "description": "Those of most lines."},
    }
    closes = _list(_object({"endpoint": _TEXT, "code": _COUNT, "reason": _TEXT, "connections": _COUNT}))
    alive = dict.fromkeys(("open", "feeds_anew", "feeds_ended", "feeds_kept", "waits", "tasks", "calls"), _COUNT)
    concerns = _object({"closes": closes, **alive, "lost": _list(_TEXT)})
    standing = {
        "generation": {**_COUNT, "description": "Of what is live now."},
        "published_at": _TIME,
        "files": _list(
            _TEXT,
            maxItems=MOST_CHANGED,
            description="Those that are not as they were when what is live was read, sorted; also removed ones.",
        ),
    }
    published = {
        "problems": PROBLEMS,
        "changes": _list(_TEXT, description="What `jackfield publish` says, line by line."),
        "concerns": {
            "anyOf": [concerns, {"type": "null"}],
            "description": "Null where problems keep it from going live.",
        },
        **standing,
    }
    kept = {"number": _COUNT, "at": _TIME, "by": _TEXT, "changes": _list(_TEXT), "live": {"type": "boolean"}}
    return {
        **bodies,
        "Files": _object({"files": _list(listed), "next": {"type": ["string", "null"]}}),
        "File": _object(file),
        "Saved": _object({"path": _TEXT, "etag": _ETAG, "problems": PROBLEMS}),
        "Checked": _object({"problems": PROBLEMS}),
        "Published": _object(published),
        "Standing": _object(standing),
        "EditorSchemas": _object({"endpoints": {"type": "object"}, "examples": {"type": "object"}}),
        "PublishedBefore": _object({"published": _list(_object(kept))}),
    }
