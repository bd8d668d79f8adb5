"""What is sent to the addresses beside the endpoints and what they answer, as JSON Schema 2020-12.

The server reads bodies into the Structs of the modules that are joined here. Their bounds are those that it checks;
a test gives the same texts to both.
"""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.auth.refused import ID_TYPED
from jackfield.config.plan import AuthSettings
from jackfield.describe.contract import JSON
from jackfield.describe.documents import seen_schemas
from jackfield.describe.documents.addition_schemas import of_additions
from jackfield.describe.documents.file_schemas import of_files
from jackfield.describe.documents.kept_schemas import of_kept
from jackfield.describe.documents.page_schemas import of_page
from jackfield.describe.documents.people_schemas import DURATION, NAME, of_keys, of_people
from jackfield.describe.documents.process_schemas import of_processes
from jackfield.describe.documents.push_schemas import GROUP, of_push
from jackfield.describe.schema.shapes import TEXT, object_of
from jackfield.schema.patterns import SPAN

__all__ = ["PARAMETERS", "schemas"]

_NEXT = "What `next` of the page before says."

PARAMETERS: Mapping[str, JSON] = {
    "for": {
        "description": "How long the user does not get in again: 10m, 12h or 7d, a year at most.",
        "type": "string",
        "pattern": SPAN,
    },
    "id": {**TEXT, "pattern": "^[A-Za-z0-9_-]{1,64}$"},
    "login": {**TEXT, **NAME},
    "name": {**TEXT, **NAME},
    "process": {**TEXT, "minLength": 1, "description": "The name of a process, `prices` or `chat.say`."},
    "group": {**TEXT, **GROUP, "description": "Its values are percent-encoded; in an address, once more."},
    "file": {
        "type": "string",
        "minLength": 1,
        "description": "The file's name below `data`; a slash in it is percent-encoded.",
        "examples": ["support/leave.csv"],
    },
    "Idempotency-Key": {**TEXT, "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "endpoint": {**TEXT, "description": "The name of an endpoint."},
    "path": {
        "type": "string",
        "minLength": 1,
        "description": "A file of the project, its slashes as they are or escaped.",
    },
    "If-Match": {
        "type": "string",
        "pattern": '^"[0-9a-f]{32}"$',
        "description": "The etag of the text that was edited.",
    },
    "If-None-Match": {"const": "*", "description": "For a new file."},
    "limit": {"type": "integer", "minimum": 1, "maximum": 200},
    "address": {
        "type": "string",
        "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}, {"const": ""}],
        "examples": ["192.0.2.7"],
        "description": "The address of a client.",
    },
    "since": {**TEXT, **DURATION, "examples": ["24h"], "description": "For how long back, 24h or 7d."},
    "below": {
        "description": "The number of the row after which the page begins.",
        "type": "integer",
        "minimum": 0,
        "maximum": 99_999_999,
    },
    "after": {**TEXT, "description": _NEXT},
    **seen_schemas.PARAMETERS,
    "connections.after": {**TEXT, "pattern": r"^([0-9]{1,12}(\.[0-9]{1,9})?)?$", "description": _NEXT},
    "unmatched.after": {**TEXT, "pattern": r"^([0-9]{1,12}\.[0-9]{1,9}-[0-9a-f]{16})?$", "description": _NEXT},
    "refusals.login": {**TEXT, "description": "A login, as the refusals have it."},
    "refusals.search": {**TEXT, "description": "A login, an address or an id, in the place of these."},
    "refusals.id": {
        "type": "string",
        "pattern": ID_TYPED,
        "examples": ["K7QF2M"],
        "description": "The id that somebody was told, as people type it.",
    },
}
"""The schemas of what stands in braces, in the query and in headers; under `CALL.NAME` those of one call alone."""


def schemas(auth: AuthSettings) -> dict[str, JSON]:
    """The schemas to which the calls refer, by the names that they have in a document."""
    page = {**seen_schemas.SCHEMAS, **of_processes(), **of_files(), **of_additions(), **of_page()}
    people = of_people(auth) if auth.own else {}
    return {"Problem": _problem(), **of_push(), **of_keys(), **of_kept(), **page, **people}


def _problem() -> JSON:
    return object_of(
        {
            "type": {**TEXT, "description": "urn:jackfield: and the code."},
            "title": {**TEXT, "description": "What the code means; never changes."},
            "status": {"type": "integer"},
            "detail": {**TEXT, "description": "What is wrong here."},
            "code": TEXT,
            "fix": {**TEXT, "description": "How to mend it."},
            "incident": {**TEXT, "description": "The id under which the server's log has it."},
            "refusal": {**TEXT, "description": "The id by which `jackfield refusals --id` finds it."},
        },
        *("incident", "refusal"),
        description="Why a request was refused (RFC 9457).",
    )
