"""The AsyncAPI document -> the same as Markdown, for people: channels, what can be done over them, schemas.

It says what the document says, in its words; what an endpoint is for its callers stands in the reference (markdown.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jackfield.describe import phrases
from jackfield.describe.contract import JSON
from jackfield.describe.documents.commonmark import Anchors, described, fenced, plain, table
from jackfield.describe.documents.keys import kind_of

__all__ = ["readable"]

_CHANNELS, _SCHEMAS, _CODES = "Channels", "Schemas", "Codes"


def readable(document: JSON) -> str:
    """The whole document, which `asyncapi.document` made."""
    info, server, schemas = document["info"], document["servers"]["server"], document["components"]["schemas"]
    base = f"{server['protocol']}://{server['host']}{server.get('pathname', '')}"
    about, *codes = info["description"].split("\n\n")
    anchors = Anchors()
    for heading in (info["title"], _CHANNELS, *document["channels"], _SCHEMAS):
        anchors.of(heading)
    links = {name: anchors.of(name) for name in schemas}
    version = f"AsyncAPI `{document['asyncapi']}`, version `{info['version']}`. Addresses begin with `{base}`."
    parts = [f"# {plain(info['title'])}", version, about, f"## {_CHANNELS}"]
    for name, channel in document["channels"].items():
        operations = {key: one for key, one in document["operations"].items() if _last(one["channel"]) == name}
        parts += _channel(name, channel, operations, base, links)
    parts.append(f"## {_SCHEMAS}")
    for name, schema in schemas.items():
        parts += [f"### {plain(name)}", _as_json(schema)]
    return "\n\n".join([*parts, f"## {_CODES}", *codes]) + "\n"


def _channel(
    name: str, channel: JSON, operations: Mapping[str, JSON], base: str, links: Mapping[str, str]
) -> Iterator[str]:
    yield f"### {plain(name)}"
    if channel["title"] != name:
        yield f"**{plain(channel['title'])}**"
    yield fenced(base + channel["address"])
    yield described(channel["description"])
    if parameters := channel.get("parameters"):
        rows = ((phrases.code(key), plain(one.get("description", ""))) for key, one in parameters.items())
        yield table(("parameter", "about"), rows)
    done = ((phrases.code(key), one["action"], _messages(one), _about(one)) for key, one in operations.items())
    yield table(("operation", "action", "messages", "about"), done)
    told = (
        (phrases.code(key), _payload(one["payload"], links), _about(one)) for key, one in channel["messages"].items()
    )
    yield table(("message", "payload", "about"), told)
    for one in channel["messages"].values():
        for example in one.get("examples", ()):
            of_name = f": {plain(example['name'])}" if example.get("name") else ""
            yield f"**{plain(one['title'])}{of_name}**"
            yield _as_json(example["payload"])


def _messages(operation: JSON) -> str:
    """What goes over the channel one way, and what answers it."""
    there = [*operation.get("messages", ()), *operation.get("reply", {}).get("messages", ())]
    return ", ".join(phrases.code(_last(one)) for one in there)


def _about(one: JSON) -> str:
    told = (one.get("title", ""), one.get("summary", ""))
    return " ".join(f"{plain(text)}{'' if text.endswith('.') else '.'}" for text in told if text)


def _payload(schema: Any, links: Mapping[str, str]) -> str:
    if "$ref" in schema:
        name = _last(schema)
        return f"[{plain(name)}](#{links[name]})"
    for keyword, word in (("allOf", " and "), ("anyOf", " or ")):
        if keyword in schema:
            return word.join(_payload(one, links) for one in schema[keyword])
    return kind_of(schema)


def _last(reference: Mapping[str, Any]) -> str:
    """What a JSON Pointer names (RFC 6901)."""
    return str(reference["$ref"]).rpartition("/")[2].replace("~1", "/").replace("~0", "~")


def _as_json(value: object) -> str:
    return fenced(json.dumps(value, ensure_ascii=False, indent=2), "json")
