"""What is sent to and answered by the addresses where something is added to a project's files."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field
from msgspec.json import schema_components

from jackfield.describe.contract import JSON
from jackfield.describe.documents.file_schemas import PROBLEMS
from jackfield.describe.schema.shapes import COUNT, FLAG, TEXT, TEXTS, list_of, object_of

__all__ = ["Beginning", "EndpointForm", "ExampleForm", "of_additions"]


class EndpointForm(Struct, forbid_unknown_fields=True):
    """A new endpoint and what its group has, as in endpoints.yaml. With `dry_run` nothing is written."""

    name: str
    url: str
    process: str
    access: Literal["required", "optional", "public"] | None = None
    roles: list[str] | None = None
    summary: str | None = None
    group: str | None = None
    reply_to: Literal["sender", "group", "others"] | None = None
    presence: bool | Literal["names", "count"] | None = None
    history: int | None = None
    dry_run: bool = False


class ExampleForm(Struct, forbid_unknown_fields=True):
    """A new example: its keys as endpoints.yaml has them. With `dry_run` nothing is written."""

    name: str
    steps: list[dict[str, Any]]
    caller: str | dict[str, Any] | None = field(default=None, name="as")
    params: dict[str, str] | None = None
    query: dict[str, str] | None = None
    clients: dict[str, Any] | None = None
    dry_run: bool = False

    def example(self) -> dict[str, Any]:
        """What stands in the file."""
        about = {"as": self.caller, "params": self.params, "query": self.query, "clients": self.clients}
        given = {key: value for key, value in about.items() if value is not None}
        return {"name": self.name, **given, "steps": self.steps}


class Beginning(Struct, forbid_unknown_fields=True):
    """The example that an empty project begins with."""

    name: str


def of_additions() -> dict[str, JSON]:
    """The schemas by the names that they have in a document."""
    _, bodies = schema_components((EndpointForm, ExampleForm, Beginning))
    added = {
        "file": {**TEXT, "description": "Empty for who may not change files."},
        "line": COUNT,
        "text": {**TEXT, "description": "What was put in, or would be."},
        "problems": {**PROBLEMS, "description": "Those that were not there before; with an error nothing is written."},
        "written": FLAG,
    }
    empty = {**FLAG, "description": "Whether the files are without endpoints, so that the project can begin with one."}
    example = object_of({"name": TEXT, "summary": TEXT})
    return {
        **bodies,
        "Added": object_of(added),
        "Beginnings": object_of({"examples": list_of(example), "empty": empty}),
        "Begun": object_of({"files": TEXTS}),
    }
