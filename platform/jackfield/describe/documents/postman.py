"""Contract -> files for Postman: a collection in its file format (3.0.0, one YAML file for each request), an
environment, and the HTTP part once more as a v2.1 JSON collection, which older versions and other programs read.

What the format allows was read in Postman's own reference for it and tried with its command line. A WebSocket
request has neither authorization nor scripts there, so the credential is a `Cookie` header made of the variable
`token`, which the login request fills in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from jackfield.config import payloads
from jackfield.describe import phrases
from jackfield.describe.contract import JSON, Contract, Operation
from jackfield.describe.documents.as_yaml import as_yaml
from jackfield.schema.sample import fitting_sample
from jackfield.schema.validator import Validator

__all__ = ["files"]

COLLECTION = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

_STEP = 1000  # between two requests, so that one can be put between them by hand
_LONGEST = 160  # bytes of a file's name; all systems take 255, and a folder's path has a limit too
_RESERVED = frozenset(
    ["aux", "con", "nul", "prn", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))]
)
"""What is a device and no file on Windows, whatever follows behind a dot."""
_SECRETS = ("key", "password", "token")

# In both places: an environment's empty value would hide the collection's, and not everybody has one chosen.
_KEEP = """\
const found = pm.response.code === 200 ? pm.response.json().token || pm.cookies.get({cookie}) : '';
if (found) [pm.environment, pm.collectionVariables].forEach((kept) => kept.set('token', found));
pm.test('{name}', () => pm.response.to.have.status(200));"""


def files(contract: Contract, address: str) -> dict[str, str]:
    """The files by their paths below the folder that is exported to. `address` is where the server is."""
    title = _file_name(contract.title)
    room = f"postman/collections/{title}"
    names = _Names()
    found: dict[str, Any] = {f"{room}/.resources/definition.yaml": _definition(contract, address)}
    order = 0
    requests = dict(_http_requests(contract)) | dict(_pushes(contract))
    for name, request in requests.items():
        order += _STEP
        file = names.take(name)
        called = {"name": name} if name != file else {}
        found[f"{room}/{file}.request.yaml"] = {"$kind": "http-request", **called, **request, "order": order}
    for operation in contract.operations:
        order += _STEP
        file = names.take(operation.name)
        messages = f".resources/{file}.resources/messages"
        found[f"{room}/{file}.request.yaml"] = _websocket_file(operation, contract, file, order, f"./{messages}")
        for path, message in _messages(operation):
            found[f"{room}/{messages}/{path}.message.yaml"] = message
    found[f"postman/environments/{title}.environment.yaml"] = _environment(contract, address)
    written = {path: as_yaml(content) for path, content in found.items()}
    return written | {f"{title}.http.postman_collection.json": _json(_v2(contract, address, requests)) + "\n"}


# the collection


def _variables(contract: Contract, address: str) -> dict[str, str]:
    found = {"base_url": address, "ws_url": f"ws{address.removeprefix('http')}", "token": ""}
    found |= {"key": ""} if next(_pushes(contract), None) else {}
    return found | ({"login": "", "password": ""} if contract.auth.own else {})


def _definition(contract: Contract, address: str) -> JSON:
    first = "Run the request `log in` first: it keeps the token. " if contract.auth.own else "Fill in `token`. "
    return {
        "$kind": "collection",
        "name": contract.title,
        "description": f"{first}Then connect any endpoint; its messages are saved with it. Made from version "
        f"{contract.version} by `jackfield export postman`.",
        "variables": [{"key": key, "value": value} for key, value in _variables(contract, address).items()],
    }


def _environment(contract: Contract, address: str) -> JSON:
    return {
        "name": contract.title,
        "values": [
            {"key": key, "value": value, "enabled": True, "type": "secret" if key in _SECRETS else "default"}
            for key, value in _variables(contract, address).items()
        ],
    }


def _http_requests(contract: Contract) -> Iterator[tuple[str, JSON]]:
    """The requests of the HTTP part that a person needs, in the order in which they are of use."""
    if not contract.auth.own:
        return
    cookie = json.dumps(contract.auth.cookie)
    body = {"type": "json", "content": _json({"login": "{{login}}", "password": "{{password}}"})}
    bearer = {"headers": [{"key": "Authorization", "value": "Bearer {{token}}"}]}

    def request(method: str, path: str, more: JSON, test: str = "") -> JSON:
        script = {
            "type": "afterResponse",
            "code": _KEEP.format(cookie=cookie, name=test),
            "language": "text/javascript",
        }
        found = {"method": method, "url": f"{{{{base_url}}}}{contract.auth.path}{path}", **more}
        return found | ({"scripts": [script]} if test else {})

    yield "log in", request("POST", "/login", {"body": body}, "logged in")
    yield "who am I", request("GET", "/session", bearer)
    yield "my sessions", request("GET", "/sessions", bearer)
    yield "stay logged in", request("POST", "/refresh", bearer, "a token with a later end")
    yield "log out", request("POST", "/logout", bearer)


def _pushes(contract: Contract) -> Iterator[tuple[str, JSON]]:
    """What the examples have other programs send, and one of each other event that `events:` names, each once.

    `key` is a service key.
    """
    names, seen = _Names(), list[JSON]()
    examples = [("push", value) for value in _of_examples(contract)]
    for name, value in (*examples, *_made_up(contract)):
        if value in seen:
            continue
        seen.append(value)
        to, target = ("groups", value["group"]) if "group" in value else ("users", value["user"])
        query = f"?endpoint={quote(value['endpoint'], safe='')}" if "endpoint" in value else ""
        part = target if target == _SELF else quote(target, safe="")
        yield (
            names.take(f"{name} to {target}"),
            {
                "method": "POST",
                "url": f"{{{{base_url}}}}/api/{to}/{part}/events{query}",
                "headers": [{"key": "Authorization", "value": "Bearer {{key}}"}],
                "body": {"type": "json", "content": _json(value["event"])},
            },
        )


def _of_examples(contract: Contract) -> Iterator[JSON]:
    steps = (step for operation in contract.operations for example in operation.examples for step in example.steps)
    return (step.value for step in steps if step.kind == "push")


_SELF = "{{login}}"
"""The user who logs in with the collection."""


def _made_up(contract: Contract) -> Iterator[tuple[str, JSON]]:
    """A push of each event that no example pushes, with keys that fit its type, to who hears it."""
    shown = {value["event"]["event"] for value in _of_examples(contract)}
    for operation in contract.operations:
        values = {"endpoint": operation.name, **operation.values}
        for one in operation.heard:
            keys = fitting_sample(one.schema, None, Validator(one.schema).is_valid)
            if one.name in shown or not isinstance(keys, dict) or not (one.group or contract.auth.own):
                continue
            pieces = re.split(r"[{}]", one.group)  # texts, and between them names of parameters
            target = "".join(values.get(text, text) if at % 2 else text for at, text in enumerate(pieces))
            to = {"group": target} if one.group else {"user": _SELF}
            yield f"push {one.name}", to | {"event": {"event": one.name, **keys}}


def _websocket_file(operation: Operation, contract: Contract, file: str, order: int, messages: str) -> JSON:
    headers = list(_headers(operation, contract))
    return (
        {"$kind": "websocket-request"}
        | ({"name": operation.name} if operation.name != file else {})
        | {"description": _description(operation), "url": f"{{{{ws_url}}}}{operation.filled}", "order": order}
        | ({"headers": headers} if headers else {})
        | ({"messages": messages} if next(_messages(operation), None) else {})
    )


def _headers(operation: Operation, contract: Contract) -> Iterator[JSON]:
    if operation.access.mode != "public":
        cookie: JSON = {"key": "Cookie", "value": f"{contract.auth.cookie}={{{{token}}}}"}
        yield cookie | ({"disabled": True} if operation.access.mode == "optional" else {})
    if operation.origins.required:
        allowed = next((origin for origin in operation.origins.allowed if "*" not in origin), "{{base_url}}")
        yield {"key": "Origin", "value": allowed}
    if operation.subprotocols:
        yield {"key": "Sec-WebSocket-Protocol", "value": ", ".join(operation.subprotocols)}


def _description(operation: Operation) -> str:
    parts = [
        operation.summary,
        phrases.closed(operation.description),
        phrases.code(operation.shape),
        phrases.payload(operation),
        phrases.refusals(operation),
        phrases.feeds(operation),
        phrases.watched(operation),
    ]
    if operation.parameters:
        parts.append(f"The address is {operation.url}; put your own values in place of those that stand there.")
    return "\n\n".join(part for part in parts if part)


def _messages(operation: Operation) -> Iterator[tuple[str, JSON]]:
    """Each message that an example sends, under the example's name, or else one that was made up; and one to cancel."""
    names = _Names()
    order = 0
    for number, example in enumerate(operation.examples, 1):
        for step in example.steps:
            if step.kind == "send":
                order += _STEP
                content = _content(operation, step.value)
                yield _message(names, example.name or f"Example {number}", content, order)
    if not order and operation.send is not None:
        order = _STEP
        yield _message(names, "A message", _content(operation, operation.send), order)
    if order and operation.cancels:
        yield _message(names, "Take everything back", _content(operation, {"$cancel": True}), order + _STEP)


def _message(names: _Names, name: str, content: JSON, order: int) -> tuple[str, JSON]:
    file = names.take(name)
    content = {**content, "order": order}
    return file, {"$kind": "websocket-message"} | ({"name": name} if name != file else {}) | content


def _content(operation: Operation, value: Any) -> JSON:
    """What is sent: an object, or a payload of an example."""
    frame = None if operation.messages == "json" else payloads.frame_of(value)
    if isinstance(frame, bytes):
        return {"content": payloads.in_base64(frame), "contentType": "base64"}
    text, kind = (_json(value), "json") if frame is None else (frame, "text")
    return {"content": text, "contentType": kind}


# the JSON collection


def _v2(contract: Contract, address: str, requests: Mapping[str, JSON]) -> JSON:
    """The same requests in the older format, and a plain GET of each endpoint."""
    asked = {
        f"ask {one.name}": {"method": "GET", "url": f"{{{{base_url}}}}{one.filled}"} for one in contract.operations
    }
    pushes = dict(_pushes(contract))
    items = [_item(name, request, 202 if name in pushes else 200) for name, request in requests.items()]
    return {
        "info": {
            "name": f"{contract.title} (HTTP)",
            "description": f"Made from version {contract.version} by `jackfield export postman`. WebSocket requests "
            "cannot stand in this format; a plain GET on an endpoint answers 426 with its address.",
            "schema": COLLECTION,
        },
        "item": items + [_item(name, request, 426) for name, request in asked.items()],
        "variable": [
            {"key": key, "value": value, "type": "string"} for key, value in _variables(contract, address).items()
        ],
    }


def _item(name: str, request: JSON, status: int) -> JSON:
    url = request["url"]
    found: JSON = {
        "method": request["method"],
        "header": request.get("headers", []),
        "url": {"raw": url, "host": ["{{base_url}}"], "path": url.split("/")[1:]},
    }
    if "body" in request:
        found["header"] = [*found["header"], {"key": "Content-Type", "value": "application/json"}]
        raw = request["body"]["content"]
        found["body"] = {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
    test = f"pm.test('{status}', () => pm.response.to.have.status({status}));"
    lines = [line for script in request.get("scripts", [{"code": test}]) for line in script["code"].splitlines()]
    event = {"listen": "test", "script": {"type": "text/javascript", "exec": lines}}
    return {"name": name, "request": found, "event": [event]}


# texts and names


class _Names:
    """File names of one folder: none stands twice, capital letters or not (Windows and macOS)."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        plain = free = _file_name(name)
        number = 2
        while free.casefold() in self._taken:
            number, free = number + 1, f"{plain} {number}"
        self._taken.add(free.casefold())
        return free


def _file_name(name: str) -> str:
    """`name` without what a file's name cannot hold on some system."""
    shown = "".join(letter if letter.isprintable() else "-" for letter in name)
    short = shown.encode(errors="replace")[:_LONGEST].decode(errors="ignore")
    plain = re.sub(r'[/\\:*?"<>|]', "-", short).strip(" .")
    return f"_{plain}" if plain.partition(".")[0].casefold() in _RESERVED else plain or "-"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
