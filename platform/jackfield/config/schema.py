"""schema.json, with what a project holds filled in for its editor."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any

__all__ = ["document", "examples", "further"]

_TEXT = resources.files("jackfield.config").joinpath("schema.json").read_text("utf-8")


def document(processes: Sequence[str] = (), roles: Sequence[str] = (), tags: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON Schema 2020-12 of endpoints.yaml, as a fresh dict.

    `processes` become the only values of `process`, `roles` (and admin) the only ones of `auth.roles` and
    of an example's `as`, `tags` mere suggestions. Without them any well-formed name is taken. A process whose name
    is not well-formed, in letters of another alphabet for example, is left out.
    """
    schema: dict[str, Any] = json.loads(_TEXT)
    endpoint = schema["$defs"]["endpoint"]["properties"]
    named = re.compile(endpoint["process"]["pattern"])
    if found := sorted({name for name in processes if named.fullmatch(name)}):
        endpoint["process"]["enum"] = found
    if roles:
        _name_roles(endpoint["auth"], roles)
        _name_roles(schema["$defs"]["exampleAs"], roles)
    if tags:
        free = dict(endpoint["tags"]["items"])
        endpoint["tags"]["items"] = {"anyOf": [{"enum": sorted(set(tags))}, free]}
    return schema


def further() -> dict[str, Any]:
    """The schema of the files under endpoints/: `endpoints` and your own `x-` keys, nothing else."""
    schema = document()
    schema["properties"] = {"endpoints": schema["properties"]["endpoints"]}
    schema["title"] = "A file under endpoints/ of Jackfield"
    return schema


def examples(endpoints: Sequence[str] = (), roles: Sequence[str] = ()) -> dict[str, Any]:
    """The schema of the files under examples/: `examples` of endpoints by name and your own `x-` keys, nothing else.

    `endpoints` become the only names under `examples`, `roles` (and admin) the only ones of `as`.
    """
    schema = document()
    of_one = {"$ref": "#/$defs/endpoint/properties/examples"}
    wanted: dict[str, Any] = {
        "title": "Examples",
        "description": "The examples of each endpoint, under the endpoint's name.",
        "type": "object",
        "additionalProperties": of_one,
        "examples": [{"greeting": [{"name": "Greeting", "steps": [{"send": {"message": "Hello"}}]}]}],
    }
    if endpoints:
        wanted["properties"] = dict.fromkeys(sorted(set(endpoints)), of_one)
        wanted["additionalProperties"] = False
    if roles:
        _name_roles(schema["$defs"]["exampleAs"], roles)
    schema["properties"] = {"examples": wanted}
    schema["title"] = "A file under examples/ of Jackfield"
    return schema


def _name_roles(lists: dict[str, Any], roles: Sequence[str]) -> None:
    """Make these, and admin, the only roles of a part that is a word or `{roles: […]}`."""
    lists["anyOf"][1]["properties"]["roles"]["items"]["enum"] = sorted({*roles, "admin"})
