"""The tables of keys in docs/endpoints.md and of limits in docs/observing.md, made from the settings and the schema.

python -m tests.house.settings_page
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jackfield.config.actions import Action, ActionLimits
from jackfield.config.editor_schema import plain
from jackfield.config.plan import AuthSettings, Endpoint, GroupSettings, JwtSettings, Limits, Plan, ServerLimits
from jackfield.config.settings import Setting, keys
from tests.house.habits import PACKAGE

__all__ = ["pages"]

_SCHEMA = plain()
_SETTINGS = {
    "The file": keys(Plan),
    "auth": keys(AuthSettings),
    "cookie": keys(AuthSettings, "cookie"),
    "jwt": keys(JwtSettings),
    "An endpoint": keys(Endpoint),
    "Actions": keys(Action),
    "of an action": keys(ActionLimits),
    "limits": keys(Limits),
    "Limits of the server": keys(ServerLimits),
    "groups": keys(GroupSettings),
}
_SECTIONS = {
    "The file": _SCHEMA,
    "auth": _SCHEMA["$defs"]["signIn"],
    "cookie": _SCHEMA["$defs"]["cookie"]["anyOf"][1],
    "jwt": _SCHEMA["$defs"]["provider"],
    "An endpoint": _SCHEMA["$defs"]["endpoint"],
    "Actions": _SCHEMA["$defs"]["action"],
    "limits": _SCHEMA["$defs"]["limits"],
    "Limits of the server": _SCHEMA["$defs"]["serverLimits"],
    "groups": _SCHEMA["$defs"]["group"],
    "examples": _SCHEMA["$defs"]["example"],
    "steps": _SCHEMA["$defs"]["step"],
}
_MEASURED = {"size": "size", "duration": "time", "durationOrOff": "time or `off`", "rateOrOff": "rate or `off`"}
_TYPES = {"string": "text", "integer": "number", "boolean": "true or false", "array": "list", "object": "mapping"}
_TYPES |= {"null": "nothing"}
_NOT_LINKED = {("An endpoint", "auth"), ("The file", "limits")}  # the section of that name is about the other one


def pages() -> Iterable[tuple[Path, str]]:
    """Each page that has such tables, with them made anew."""
    keyed, observed = (PACKAGE / "docs" / name for name in ("endpoints.md", "observing.md"))
    page = keyed.read_text("utf-8")
    for section, node in _SECTIONS.items():
        page = _with_table(page, f"# {section}\n", _table(section, node["properties"], page))
    limits = _table("of an action", _SCHEMA["$defs"]["actionLimits"]["properties"], page)
    page = _with_table(page, "Under `limits` of an action stand:\n", limits)
    yield keyed, page
    yield observed, _with_table(observed.read_text("utf-8"), "Each of the `limits` has its count:\n", _counts())


def _with_table(page: str, before: str, lines: Iterable[str]) -> str:
    """The page with its first table behind `before` exchanged."""
    head, body = page.split(before, 1)
    text, _, rest = re.split(r"(?m)^((?:\|.*\n)+)", body, maxsplit=1)
    return "".join([head, before, text, *(f"{line}\n" for line in lines), rest])


def _counts() -> Iterable[str]:
    yield from ("| limit | where it is counted |", "|---|---|")
    limits = keys(Limits)
    for counted in dict.fromkeys(setting.counted for setting in limits.values()):
        names = ", ".join(f"`{key}`" for key, setting in limits.items() if setting.counted == counted)
        yield f"| {names} | {counted} |"


def _table(section: str, nodes: Mapping[str, Any], page: str) -> Iterable[str]:
    yield from ("| key | kind | default | meaning |", "|---|---|---|---|")
    for key, node in nodes.items():
        setting = _SETTINGS.get(section, {}).get(key)
        linked = (section, key) not in _NOT_LINKED and re.search(rf"^##+ {key}$", page, re.MULTILINE)
        link = f" See [{key}](#{key})." if linked else ""
        meaning = (_meaning(setting) or _resolved(node)["description"]) + link
        yield f"| `{key}` | {_one_of(_kinds(node))} | {_default(_resolved(node))} | {meaning} |".replace("|  |", "| |")


def _meaning(setting: Setting | None) -> str:
    if setting is None or not setting.text:
        return ""
    return f"{setting.text.replace('{bounds}', setting.kind.bounds)} {setting.more}".rstrip()


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    return {**_resolved(_SCHEMA["$defs"][node["$ref"].removeprefix("#/$defs/")]), **node}


def _kinds(node: Mapping[str, Any]) -> Iterable[str]:
    if measured := _MEASURED.get(node.get("$ref", "").removeprefix("#/$defs/")):
        return [measured]
    node = _resolved(node)
    if "anyOf" in node:
        return [kind for one in node["anyOf"] for kind in _kinds(one)]
    if "enum" in node:
        return [f"`{value}`" for value in node["enum"]]
    if node.get("pattern") == "^off$":
        return ["number", "`off`"]
    return [_TYPES[name] for name in ([node["type"]] if isinstance(node["type"], str) else node["type"])]


def _one_of(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _default(node: Mapping[str, Any]) -> str:
    if "default" not in node:
        return ""
    value = node["default"]
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


if __name__ == "__main__":
    for path, text in pages():
        path.write_text(text, "utf-8")
