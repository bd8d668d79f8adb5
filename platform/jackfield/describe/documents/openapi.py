"""Contract -> OpenAPI 3.1: what HTTP tools can use of a server, and where its WebSockets are.

OpenAPI has no word for a WebSocket. An endpoint stands here as the GET that begins it: 101 where it is upgraded,
426 with the finished address where a tool asks without an upgrade. `x-websocket` says what goes over it, and
points into the AsyncAPI document. `servers` never has a `ws:` address: no tool can fetch it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote, unquote

from jackfield.config.plan import Access
from jackfield.describe import phrases
from jackfield.describe.contract import JSON, Contract, Operation
from jackfield.describe.documents import http_api, http_schemas
from jackfield.describe.documents.http_api import Call
from jackfield.describe.outcomes import closes, errors, refusals
from jackfield.describe.schema import envelope
from jackfield.describe.schema.components import Components, at, tidy
from jackfield.errors import CODES, Code
from jackfield.identity import ADMIN, EDITOR, PUBLISHER

__all__ = ["document"]

_PROBLEM = "application/problem+json"
_ENDPOINTS = "Endpoints"


def document(contract: Contract, address: str) -> JSON:
    """The OpenAPI 3.1 document of a server that is reached at `address`, `https://desk.example.com/rt` for example."""
    components = Components()
    components.schemas |= http_schemas.schemas(contract.auth)
    components.schemas["UpgradeRequired"] = _upgrade_schema(components.schemas["Problem"])
    calls = http_api.calls(contract.auth)
    paths: dict[str, JSON] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _call(call)
    for operation in contract.operations:
        paths[operation.path] = {"get": _endpoint(operation, components, contract, address)}
    untagged = () if all(operation.tags for operation in contract.operations) else (_ENDPOINTS,)
    tags = dict.fromkeys((*(call.tag for call in calls[:1]), *contract.tags, *untagged, *(call.tag for call in calls)))
    responses = _shared(paths)
    return {
        "openapi": "3.1.1",
        "info": {"title": contract.title, "version": contract.version, "description": _about(contract, address)},
        "servers": [{"url": address}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": components.schemas,
            "responses": responses,
            "headers": _HEADERS,
            "securitySchemes": {
                "cookie": {"type": "apiKey", "in": "cookie", "name": contract.auth.cookie},
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The cookie's value as a header, or a service key.",
                },
            },
        },
    }


def _about(contract: Contract, address: str) -> str:
    text = (
        "The endpoints speak WebSocket: messages, replies and events are described in the AsyncAPI document "
        f"at `{address}/asyncapi.json`. A plain GET on an endpoint is answered 426 with the address to connect to."
    )
    if not contract.auth.own:
        return text
    where = f"`POST {address}{contract.auth.path}/login`"
    return f"{where} sets the cookie `{contract.auth.cookie}`, the credential everywhere. {text}"


# login, administration, server


def _call(call: Call) -> JSON:
    found: JSON = {"operationId": call.name, "tags": [call.tag], "summary": call.summary}
    if call.description:
        found["description"] = call.description
    names = [part[1:-1] for part in call.path.split("/") if part.startswith("{")]
    known = http_schemas.PARAMETERS
    parameters: list[JSON] = [{"name": name, "in": "path", "required": True, "schema": known[name]} for name in names]
    parameters += [
        {"name": name, "in": "query", "schema": known.get(f"{call.name}.{name}", known[name])} for name in call.query
    ]
    if "idempotency_conflict" in call.codes:
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": known["Idempotency-Key"]})
    parameters += [{"name": name, "in": "header", "schema": known[name]} for name in call.matched]
    if parameters:
        found["parameters"] = parameters
    if call.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": call.body}}}
    done: JSON = {"description": "Done.", "content": {call.kind: {"schema": call.answer}}}
    if call.headers:
        done["headers"] = _headers(call.headers)
    found["responses"] = {str(call.status): done, **_refused(CODES[name] for name in dict.fromkeys(call.codes))}
    if call.unready is not None:
        content = {"application/json": {"schema": call.unready}}
        found["responses"]["503"] = {"description": "Not now.", "content": content}
    found["security"] = _security(_ACCESS[call.access])
    return found


_ACCESS = {
    "open": Access("public"),
    "known": Access("required"),
    "publisher": Access("required", (PUBLISHER, ADMIN)),
    "editor": Access("required", (EDITOR, ADMIN)),
    "admin": Access("required", (ADMIN,)),
    "local": Access("optional", (ADMIN,)),
}


def _security(access: Access) -> list[JSON]:
    """Who may ask, as alternatives: any one of the roles, by any one of the schemes."""
    if access.mode == "public":
        return []
    named: list[list[str]] = [[role] for role in access.roles] or [[]]
    found: list[JSON] = [{scheme: roles} for roles in named for scheme in ("cookie", "bearer")]
    return [{}, *found] if access.mode == "optional" else found


def _refused(codes: Iterable[Code]) -> JSON:
    """The answers of refusals by status, each with the codes that it can have."""
    by_status: dict[int, list[Code]] = {}
    for code in sorted(codes, key=lambda code: code.name):
        for status in filter(None, (code.status, code.also)):
            by_status.setdefault(status, []).append(code)
    return {str(status): _problem(status, by_status[status]) for status in sorted(by_status)}


def _problem(status: int, codes: list[Code]) -> JSON:
    headers = ["Jackfield-Error"]
    if status == 401:
        headers.append("WWW-Authenticate")
    if any(code.retry for code in codes):
        headers.append("Retry-After")
    return {
        "description": "\n".join(f"- `{code.name}`: {code.sentence}" for code in codes),
        "headers": _headers(headers),
        "content": {_PROBLEM: {"schema": _narrowed(codes)}},
    }


def _narrowed(codes: list[Code]) -> JSON:
    """The body of a refusal that has one of these codes."""
    return {"allOf": [at("Problem")], "properties": {"code": {"enum": [code.name for code in codes]}}}


def _shared(paths: Mapping[str, JSON]) -> dict[str, JSON]:
    """Put refusals in one place for all operations that give the same; what stood there becomes a reference."""
    shared: dict[str, JSON] = {}
    names: dict[str, str] = {}
    for operation in (found for methods in paths.values() for found in methods.values()):
        for status, answer in operation["responses"].items():
            if _PROBLEM not in answer.get("content", {}) or status == "426":
                continue
            text = _compact(answer)
            if text not in names:
                number = sum(1 for name in shared if name.startswith(f"refused-{status}-")) + 1
                names[text] = f"refused-{status}-{number}"
                shared[names[text]] = answer
            operation["responses"][status] = {"$ref": f"#/components/responses/{names[text]}"}
    return shared


def _headers(names: Iterable[str]) -> JSON:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


_HEADERS: Mapping[str, JSON] = {
    "Content-Disposition": {"schema": {"type": "string"}, "description": "The name under which it is saved."},
    "Jackfield-Error": {"schema": {"type": "string"}, "description": "The code, for clients that hide the body."},
    "ETag": {"schema": {"type": "string"}, "description": "The etag of the file, in quotes."},
    "Location": {"schema": {"type": "string"}, "description": "The address of what was made."},
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."},
    "Set-Cookie": {"schema": {"type": "string"}, "description": "The credential, or that it is taken back."},
    "Upgrade": {"schema": {"const": "websocket"}, "description": "RFC 9110, section 15.5.22."},
    "WWW-Authenticate": {"schema": {"type": "string"}, "description": "How to log in."},
}


# endpoints


def _endpoint(operation: Operation, components: Components, contract: Contract, address: str) -> JSON:
    found: JSON = {
        "operationId": f"connect-{tidy(operation.name)}",
        "tags": list(operation.tags) or [_ENDPOINTS],
        "summary": operation.summary or operation.name,
        "description": _description(operation, contract),
    }
    if operation.parameters:
        found["parameters"] = [_parameter(operation, name, components) for name in operation.parameters]
    upgraded = {"description": "The connection speaks WebSocket from here on.", "headers": _headers(["Upgrade"])}
    codes = [code for code in refusals(operation) if code.name != "upgrade_required"]
    found["responses"] = {"101": upgraded, **_refused(codes)}
    found["responses"]["426"] = _upgrade_required(operation, contract, address)
    found["security"] = _security(operation.access)
    found["x-websocket"] = _websocket(operation, components, address)
    return found


def _description(operation: Operation, contract: Contract) -> str:
    cookie = f" with the header `Cookie: {contract.auth.cookie}=…`" if operation.access.mode != "public" else ""
    send = f"\n\n```json\n{_compact(operation.send)}\n```" if operation.send is not None else ""
    how = (
        "Speaks WebSocket. A plain request, such as Execute on this page, is answered 426 with the address: open "
        f"`websocket_url` with a WebSocket client{cookie}{', and send' if send else '.'}{send}"
    )
    parts = [phrases.closed(operation.description), how, phrases.code(operation.shape), phrases.refusals(operation)]
    return "\n\n".join(filter(None, [*parts, phrases.watched(operation)]))


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _parameter(operation: Operation, name: str, components: Components) -> JSON:
    schema = operation.parameters[name]
    placed = components.put(f"{operation.name}.{name}", schema) if "$defs" in schema else schema
    example = _typed(unquote(operation.values[name]), schema)
    return {"name": name, "in": "path", "required": True, "schema": placed, "example": example}


def _typed(text: str, schema: JSON) -> Any:
    """The value that a text in an address stands for."""
    named = [value for value in schema.get("enum", ()) if str(value) == text]
    if named:
        return named[0]
    kinds: Mapping[str, Callable[[str], Any]] = {
        "boolean": lambda word: word.lower() == "true",
        "integer": int,
        "number": float,
    }
    return kinds.get(str(schema.get("type")), str)(text)


def _upgrade_required(operation: Operation, contract: Contract, address: str) -> JSON:
    """The 426 of an ordinary request and that of an unknown version: one status, two shapes."""
    codes = [CODES["upgrade_required"], CODES["upgrade_dropped"], CODES["bad_version"]]
    answer = _problem(426, codes)
    url = _socket_address(operation, address)
    example: JSON = {
        "type": "urn:jackfield:upgrade_required",
        "title": codes[0].sentence,
        "status": 426,
        "detail": "Open this address with a WebSocket client.",
        "code": "upgrade_required",
        "fix": f"Connect to {url}",
        "websocket_url": url,
        "cookie": f"{contract.auth.cookie}=…",
        "login": None,
        "send": operation.send,
        "replies": operation.replies,
        "would": None,
    }
    if phrases.watched(operation):
        example["notice"] = phrases.WATCHED
    if contract.auth.own:
        body = {"login": "…", "password": "…"}
        example["login"] = {"method": "POST", "url": f"{address}{contract.auth.path}/login", "body": body}
    shape = {"anyOf": [at("UpgradeRequired"), _narrowed([codes[1]])]}
    answer["headers"] |= _headers(["Upgrade"])
    answer["content"] = {
        _PROBLEM: {"schema": shape, "example": example},
        "text/html": {"schema": {"type": "string", "description": "The same as a page, where one is asked for."}},
    }
    return answer


def _websocket(operation: Operation, components: Components, address: str) -> JSON:
    answered = envelope.reply(operation.reply)
    return {
        "url": _socket_address(operation, address),
        "asyncapi": f"asyncapi.json#/operations/{_pointed(operation.name)}",
        "message": _message(operation, components) if operation.listens else None,
        "replies": operation.replies,
        "reply": None if operation.replies == "none" else components.put(f"{operation.name}.reply", answered),
        "events": [
            components.put(f"{operation.name}.event", schema)
            for schema in (*map(envelope.fed, operation.feeds), *map(envelope.heard, operation.heard))
        ],
        "errors": [code.name for code in errors(operation)],
        "refused_by": operation.refusals,
        "closes": [{"code": code.close, "name": code.name, "when": code.sentence} for code in closes(operation)],
        "limits": {name: value for name, value in asdict(operation.limits).items() if value is not None},
        "subprotocols": list(operation.subprotocols),
    }


def _pointed(name: str) -> str:
    """A name as part of a JSON pointer in an address (RFC 6901, section 6)."""
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~")


def _socket_address(operation: Operation, address: str) -> str:
    return f"ws{address.removeprefix('http')}{operation.filled}"


def _message(operation: Operation, components: Components) -> JSON:
    """What may be sent: what the process takes and what `input:` asks besides."""
    if operation.narrowing is None:
        return components.put(f"{operation.name}.message", envelope.message(operation.message))
    both = components.put(f"{operation.name}.message", {})
    taken = components.put(f"{operation.name}.process", envelope.message(operation.message))
    asked = components.put(f"{operation.name}.input", envelope.narrowing(operation.narrowing))
    components.schemas[both["$ref"].rpartition("/")[2]] = {"allOf": [taken, asked]}
    return both


def _upgrade_schema(problem: JSON) -> JSON:
    """A problem and more. Written out: makers of clients cannot join a text and one value of it by `allOf`."""
    maybe_object: JSON = {"type": ["object", "null"]}
    further: JSON = {
        "websocket_url": {"type": "string", "description": "The address to connect to."},
        "cookie": {"type": "string", "description": "The header to send with it, for its value see the login."},
        "login": {**maybe_object, "description": "How to log in; null where people log in elsewhere."},
        "send": {**maybe_object, "description": "A message that the endpoint takes."},
        "replies": {
            "enum": ["none", "one", "many", None],
            "description": "How many replies a message has; null where messages are no JSON.",
        },
        "would": {
            **maybe_object,
            "description": "What an upgrade would be refused with now, and by which id; null where it would not.",
        },
    }
    notice: JSON = {"type": "string", "description": "That messages may be watched; missing where they may not."}
    properties = {**problem["properties"], "code": {"const": "upgrade_required"}, **further, "notice": notice}
    return {**problem, "properties": properties, "required": [*problem["required"], *further]}
