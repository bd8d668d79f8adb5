"""docs/endpoints.md, schema.json and plan.py say the same of every key and default."""

from __future__ import annotations

import dataclasses
import json
import re
from importlib import resources
from typing import Any

import pytest

from jackfield.config.editor_schema import plain
from jackfield.config.plan import AuthSettings, Endpoint, Guest, JwtSettings, Limits, Step
from jackfield.config.quantities import duration, rate, size

PAGE = resources.files("jackfield").joinpath("docs/endpoints.md").read_text("utf-8")
SCHEMA = plain()
DEFS = SCHEMA["$defs"]
COOKIE = DEFS["signIn"]["properties"]["cookie"]["anyOf"][1]
LATER = {"$ref": "#/$defs/later"}.items()

SECTIONS = {
    "The file": SCHEMA["properties"],
    "auth": DEFS["signIn"]["properties"],
    "cookie": COOKIE["properties"],
    "jwt": DEFS["provider"]["properties"],
    "An endpoint": DEFS["endpoint"]["properties"],
    "limits": DEFS["limits"]["properties"],
    "examples": DEFS["example"]["properties"],
    "steps": DEFS["step"]["properties"],
}


def later(node: dict[str, Any]) -> bool:
    return node.items() >= LATER


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """A node with what its `$ref` says filled in."""
    if "$ref" not in node:
        return node
    target: Any = SCHEMA
    for part in node["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**resolved(target), **node}


def rows(section: str) -> dict[str, str]:
    """The keys of a section's table, each with its default as the page writes it."""
    text = re.split(r"^#+ ", PAGE.split(f"# {section}\n", 1)[1], maxsplit=1, flags=re.M)[0]
    cells = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    found = {cell[1].strip(" `"): cell[3].strip(" `") for cell in cells}
    assert found, section
    return found


def written(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_has_the_keys_and_defaults_of_the_schema(section: str) -> None:
    nodes = {key: resolved(node) for key, node in SECTIONS[section].items() if not later(node)}
    expected = {key: written(node["default"]) if "default" in node else "" for key, node in nodes.items()}
    assert rows(section) == expected


def test_the_page_names_everything_that_is_not_carried_out_yet() -> None:
    text = PAGE.split("## Not carried out yet", 1)[1]
    nodes = {**SECTIONS["An endpoint"], **SECTIONS["limits"], **SECTIONS["steps"]}
    for key, node in nodes.items():
        assert (f"`{key}`" in text) == later(node), key


def test_defaults_of_the_schema_are_those_of_the_plan() -> None:
    limits, endpoint = SECTIONS["limits"], SECTIONS["An endpoint"]
    plan = Endpoint("x", "/x", "a.b")
    assert size(limits["message"]["default"]) == Limits().message
    assert duration(limits["time"]["default"]) == Limits().time
    assert rate(limits["rate"]["default"]) == Limits().rate
    assert duration(limits["ping"]["default"]) == Limits().ping
    assert limits["connections"]["default"] == Limits().connections
    assert limits["per_user"]["default"] == Limits().per_user
    assert size(limits["queue"]["default"]) == Limits().queue
    assert limits["slow_consumer"]["default"] == Limits().slow_consumer
    for key in ("rate_per_user", "idle", "per_address"):
        assert (limits[key]["default"], getattr(Limits(), key)) == ("off", None)
    assert endpoint["auth"]["default"] == plan.access.mode
    assert endpoint["origin_required"]["default"] == plan.origins.required
    assert endpoint["refusals"]["default"] == plan.refusals
    assert (endpoint["session_warning"]["default"], plan.session_warning) == ("off", None)
    for key in ("summary", "description", "tags", "subprotocols", "examples"):
        assert list(endpoint[key]["default"]) == list(getattr(plan, key))


def test_defaults_of_logging_in_are_those_of_the_plan() -> None:
    node, settings = SECTIONS["auth"], AuthSettings()
    assert node["cookie"]["default"] == resolved(SECTIONS["cookie"]["name"])["default"] == settings.cookie
    assert node["path"]["default"] == settings.path
    assert duration(node["session"]["default"]) == settings.session
    assert node["idle"]["default"] == "off"
    assert settings.idle is None
    assert node["token_in_body"]["default"] == settings.token_in_body
    assert SECTIONS["cookie"]["same_site"]["default"] == settings.same_site
    assert SECTIONS["cookie"]["partitioned"]["default"] == settings.partitioned
    assert (node["login"]["default"], settings.own) == ("on", True)
    assert settings.verify == ""
    assert duration(node["recheck"]["default"]) == settings.recheck
    assert settings.jwt is None
    jwt, plan = SECTIONS["jwt"], JwtSettings("keys.json", "https://login.example.com", ("desk",))
    assert tuple(jwt["algorithms"]["default"]) == plan.algorithms
    assert (jwt["login"]["default"], jwt["roles"]["default"]) == (plan.login, plan.roles)


def test_defaults_of_examples_are_those_of_the_plan() -> None:
    steps, example = SECTIONS["steps"], SECTIONS["examples"]
    assert duration(steps["within"]["default"]) == Step("send", {}).within
    assert steps["partial"]["default"] == Step("send", {}).partial
    assert resolved(example["params"])["default"] == Guest().params
    assert resolved(example["query"])["default"] == Guest().query


def test_every_setting_of_the_plan_can_be_written_in_the_file() -> None:
    unwritten = {"name", "access", "own"}  # the endpoint's own key, `auth` and `login`
    written_keys = {key for section in SECTIONS.values() for key in section}
    for kind in (Endpoint, Limits, AuthSettings, JwtSettings):
        assert {field.name for field in dataclasses.fields(kind)} - unwritten <= written_keys
