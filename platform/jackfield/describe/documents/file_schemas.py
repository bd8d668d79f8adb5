"""What is sent to and answered by the addresses where files are edited and published, as JSON Schema 2020-12."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.json import schema_components

from jackfield.describe.contract import JSON
from jackfield.describe.schema.shapes import COUNT, FLAG, NEXT, TEXT, TEXTS, TIME, list_of, nullable, object_of

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


_PROBLEM = object_of(
    {
        **dict.fromkeys(("file", "path", "message", "hint", "code"), TEXT),
        "line": {**COUNT, "description": "From 1 on; 0 for the whole file."},
        "column": COUNT,
        "severity": {"enum": ["error", "warning"]},
    }
)
PROBLEMS = list_of(_PROBLEM)
"""What is wrong with files, or would be."""

_KIND: JSON = {"enum": ["yaml", "python", "table", "text"]}
_ETAG: JSON = {**TEXT, "description": "Changes with any byte of the file."}


def of_files() -> dict[str, JSON]:
    """The schemas by the names that they have in a document."""
    _, bodies = schema_components((FileText, Overlay, Publish))
    listed = object_of({"path": TEXT, "size": COUNT, "modified": TIME, "kind": _KIND, "etag": _ETAG})
    file = {
        "path": TEXT,
        "text": TEXT,
        "etag": _ETAG,
        "kind": _KIND,
        "encoding": {"enum": ["utf-8", "utf-16-le", "utf-16-be"]},
        "bom": {**FLAG, "description": "Whether a mark stands before the text, which has none."},
        "line_ends": {"enum": ["\n", "\r\n"], "description": "Those of most lines."},
    }
    closes = list_of(object_of({"endpoint": TEXT, "code": COUNT, "reason": TEXT, "connections": COUNT}))
    alive = dict.fromkeys(("open", "feeds_anew", "feeds_ended", "feeds_kept", "waits", "tasks", "calls"), COUNT)
    names = dict.fromkeys(("added", "changed", "removed", "lost"), TEXTS)
    concerns = object_of({**names, "closes": closes, **alive})
    standing = {
        "generation": {**COUNT, "description": "Of what is live now."},
        "published_at": TIME,
        "files": list_of(
            TEXT,
            maxItems=MOST_CHANGED,
            description="Those that are not as they were when what is live was read, sorted; also removed ones.",
        ),
    }
    published = {
        "problems": PROBLEMS,
        "changes": list_of(TEXT, description="What `jackfield publish` says, line by line."),
        "concerns": {**nullable(concerns), "description": "Null where problems keep it from going live."},
        **standing,
    }
    back = nullable(object_of({"number": COUNT, "at": TIME, "by": TEXT}))
    kept = {"number": COUNT, "at": TIME, "by": TEXT, "changes": TEXTS, "back": back, "live": FLAG}
    return {
        **bodies,
        "Files": object_of({"files": list_of(listed), "next": NEXT}),
        "File": object_of(file),
        "Saved": object_of({"path": TEXT, "etag": _ETAG, "problems": PROBLEMS}),
        "Checked": object_of({"problems": PROBLEMS}),
        "Published": object_of(published),
        "Standing": object_of(standing),
        "EditorSchemas": object_of({"endpoints": {"type": "object"}, "examples": {"type": "object"}}),
        "PublishedBefore": object_of({"published": list_of(object_of(kept))}),
    }
