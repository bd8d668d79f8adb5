"""The JSON Schema of endpoints.yaml: what `check` compares files with, and what editors are given of it.

Strategy: schema.json is the frame, the keys come from the settings of the plan's fields. Editors get the names that a
project holds, and what a pattern can say of rules that `check` reports in a better sentence. They propose
whatever stands under `examples` and `enum`: so names of other projects do not, and neither do mappings, which
yaml-language-server can only show as "[object Object]".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

from jackfield.config.actions import Action, ActionLimits
from jackfield.config.groups import GroupSettings
from jackfield.config.plan import AuthSettings, Endpoint, JwtSettings, Limits, Plan, ServerLimits
from jackfield.config.settings import keys
from jackfield.config.url import RESERVED
from jackfield.identity import ADMIN

__all__ = ["OF_ONE", "both", "document", "examples", "further", "plain", "plain_examples"]

OF_ONE = ("url", "process", "actions", "feed", "on_connect", "on_disconnect")
"""Keys of an endpoint that cannot stand under `defaults`."""

_FRAME = resources.files("jackfield.config").joinpath("schema.json").read_text("utf-8")
_OWNERS = {
    "action": Action,
    "actionLimits": ActionLimits,
    "endpoint": Endpoint,
    "group": GroupSettings,
    "limits": Limits,
    "serverLimits": ServerLimits,
    "signIn": AuthSettings,
    "provider": JwtSettings,
}
_URL = (
    "must be the path of the address alone, like /ws/greeting or /ws/rooms/{room}: it begins with a slash and ends "
    f"without one; {', '.join(RESERVED[1:])} belong to Jackfield itself"
)
_WHERE = (
    "greeting.answer is the function answer in processes/greeting.py, with @process above it; prices is the table "
    "processes/prices.csv"
)


def plain() -> dict[str, Any]:
    """The JSON Schema 2020-12 that `check` compares endpoints.yaml with, as a fresh dict."""
    schema: dict[str, Any] = json.loads(_text())
    return schema


@cache
def _text() -> str:
    """The frame with the keys that the settings declare."""
    schema = json.loads(_FRAME)
    parts = schema["$defs"]
    for name, owner in _OWNERS.items():
        found = keys(owner)
        parts[name]["properties"] |= {key: setting.schema for key, setting in found.items()}
        if required := [key for key, setting in found.items() if setting.required]:
            parts[name]["required"] = required
    parts["actionAccess"]["properties"]["roles"] = _roles_of(parts["access"])
    cookie = parts["cookie"]["anyOf"][1]["properties"]
    cookie |= {key: setting.schema for key, setting in keys(AuthSettings, "cookie").items()}
    shared = [key for key in parts["endpoint"]["properties"] if key not in OF_ONE]
    endpoints = schema["properties"].pop("endpoints")  # the longest comes last
    schema["properties"] |= {key: setting.schema for key, setting in keys(Plan).items()} | {"endpoints": endpoints}
    schema["properties"]["defaults"]["properties"] = {
        key: {"$ref": f"#/$defs/endpoint/properties/{key}"} for key in shared
    }
    return json.dumps(schema)


def document(processes: Sequence[str] = (), roles: Sequence[str] = (), tags: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON Schema 2020-12 of endpoints.yaml for editors, as a fresh dict.

    `processes` become the only values of `process`, `feed` and the hooks, `roles` (and admin) the only ones of
    `auth.roles` and of an example's `as`, `tags` mere suggestions. Without them any well-formed name is taken. A
    process whose name is not well-formed, in letters of another alphabet for example, is left out.
    """
    schema = plain()
    endpoint, group = (schema["$defs"][name]["properties"] for name in ("endpoint", "group"))
    endpoint["url"].update(pattern=_url_pattern(), errorMessage=_URL)
    named = re.compile(endpoint["process"]["pattern"])
    if found := sorted({name for name in processes if named.fullmatch(name)}):
        action, actions = schema["$defs"]["action"]["properties"], endpoint["actions"]["additionalProperties"]
        named_by = (
            *(endpoint[key] for key in ("process", "feed", "on_connect", "on_disconnect")),
            *(group["feed"], action["process"], actions["anyOf"][0]),
        )
        for one in named_by:
            _name_processes(one, found)
        del schema["$defs"]["signIn"]["properties"]["verify"]["examples"]
    if roles:
        _name_roles(_roles_of(schema["$defs"]["access"]), roles)
        _name_roles(schema["$defs"]["actionAccess"]["properties"]["roles"], roles)
    if tags:
        free = dict(endpoint["tags"]["items"])
        endpoint["tags"]["items"] = {"anyOf": [{"enum": sorted(set(tags))}, free]}
        del endpoint["tags"]["examples"]
    return _for_editors(schema, roles)


def further() -> dict[str, Any]:
    """What `check` compares files under endpoints/ with: `endpoints` and your own `x-` keys, nothing else."""
    schema = plain()
    schema["properties"] = {"endpoints": schema["properties"]["endpoints"]}
    schema["title"] = "A file under endpoints/ of Jackfield"
    return schema


def plain_examples() -> dict[str, Any]:
    """What `check` compares files under examples/ with: `examples` by endpoint and your own `x-` keys, nothing else."""
    schema = plain()
    schema["properties"] = {
        "examples": {
            "title": "Examples",
            "description": "The examples of each endpoint, under the endpoint's name.",
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/endpoint/properties/examples"},
        }
    }
    schema["title"] = "A file under examples/ of Jackfield"
    return schema


def examples(endpoints: Sequence[str] = (), roles: Sequence[str] = ()) -> dict[str, Any]:
    """The schema of the files under examples/ for editors, as a fresh dict.

    `endpoints` become the only names under `examples`, `roles` (and admin) the only ones of `as`.
    """
    schema = plain_examples()
    if endpoints:
        named = schema["properties"]["examples"]
        named["properties"] = dict.fromkeys(sorted(set(endpoints)), named["additionalProperties"])
        named["additionalProperties"] = False
    return _for_editors(schema, roles)


def _for_editors(schema: dict[str, Any], roles: Sequence[str]) -> dict[str, Any]:
    """The same, with these roles, and without proposals that an editor cannot show or `check` would refuse."""
    if roles:
        _name_roles(_roles_of(schema["$defs"]["exampleAs"]), roles)
    for node in list(_nodes(schema)):
        if shown := [value for value in node.pop("examples", ()) if not _holds_mapping(value)]:
            node["examples"] = shown
    return schema


def both(plan: Plan, processes: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The schemas of endpoints.yaml and of the files with examples, with the names that a project holds."""
    roles = tuple(plan.roles or ())
    tags = sorted({tag for endpoint in plan.endpoints for tag in endpoint.tags})
    names = sorted(endpoint.name for endpoint in plan.endpoints)
    return {"endpoints": document(sorted(processes), roles, tags), "examples": examples(names, roles)}


def _holds_mapping(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_holds_mapping, value)))


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema in a schema; values under `examples` and `default` are left out."""
    if not isinstance(schema, dict):
        return
    yield schema
    for key, below in schema.items():
        if key in ("properties", "patternProperties", "$defs"):
            for named in below.values():
                yield from _nodes(named)
        elif key == "anyOf":
            for one in below:
                yield from _nodes(one)
        elif key in ("items", "additionalProperties", "propertyNames"):
            yield from _nodes(below)


def _name_processes(process: dict[str, Any], names: Sequence[str]) -> None:
    """Make these the only processes. The pattern goes: its message would be shown for a well-formed name."""
    del process["pattern"]
    process.pop("examples", None)
    process.update(enum=list(names), errorMessage=f"is none of this project's processes; {_WHERE}")


def _roles_of(access: dict[str, Any]) -> Any:
    """The list of roles in a part that is a word or `{roles: […]}`."""
    return access["anyOf"][1]["properties"]["roles"]


def _name_roles(named: dict[str, Any], roles: Sequence[str]) -> None:
    """Make these, and admin, the only roles of a list."""
    named["items"]["enum"] = sorted({*roles, ADMIN})
    del named["examples"]


def _url_pattern() -> str:
    """What a pattern can say of URLs, taken from url.py; it takes more than that does, and never less."""
    words = [address.strip("/").replace(".", r"\.") for address in RESERVED if address != "/"]
    ours = "|".join(f"{word[:-1]}[^/]*" if word.endswith("*") else word for word in words)
    part = r"(?:\{[^{}/]+\}|[^{}/?#\s\\]+)"
    return rf"^(?!/(?:{ours})(?:/|$))(?!.*/\.\.?(?:/|$))(?:/{part})+$"
