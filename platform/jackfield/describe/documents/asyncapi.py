"""Contract -> AsyncAPI 3.1.0, or 3.0.0 for tools that are behind: what we say is said alike in both.

A channel is a connection (AsyncAPI's WebSocket binding), so there is one for each endpoint, with all that can go
over it. `action` is the server's side: it receives messages, with their replies and errors, and sends events.
An operation that lists security schemes needs one of them; what lets everybody in lists none. Whatever AsyncAPI
has no field for stands in words in the descriptions and for programs under `x-jackfield`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from urllib.parse import unquote, urlsplit

from jackfield.config import payloads
from jackfield.describe import outcomes, phrases
from jackfield.describe.contract import JSON, Contract, Operation
from jackfield.describe.documents.asyncapi_request import CREDENTIALS, binding, security_schemes
from jackfield.describe.documents.draft07 import draft07, refers, settled
from jackfield.describe.exchanges import exchanges
from jackfield.describe.schema import envelope
from jackfield.describe.schema.components import Components, free, tidy

__all__ = ["VERSIONS", "document"]

VERSIONS = ("3.1", "3.0")
"""The versions of AsyncAPI that a document can be made in, the usual one first."""


def document(contract: Contract, address: str, version: str = VERSIONS[0]) -> JSON:
    """The AsyncAPI document. `address` is the origin of the server, with a path where it is mounted below one."""
    made = _Document(contract, address)
    channels = {operation.name: made.channel(operation) for operation in contract.operations}
    return {
        "asyncapi": f"{version}.0",
        "info": _info(contract, address),
        "defaultContentType": "application/json",
        "servers": {"server": _server(address)},
        "channels": channels,
        "operations": _operations(contract, channels),
        "components": made.components(),
    }


def _info(contract: Contract, address: str) -> JSON:
    lines = [
        "WebSocket endpoints that speak JSON: one object in each text frame, either way.",
        'A client may put a `"$id"` into a message; it comes back in all that answers it.',
        "An error answers a message and leaves the connection open.",
    ]
    if contract.auth.own:
        lines.append(f"To log in, `POST {address}{contract.auth.path}/login` with `login` and `password` as JSON.")
    texts = [" ".join(lines), *_codes(contract)]
    return {"title": contract.title, "version": contract.version, "description": "\n\n".join(texts)} | _tags(
        contract.tags
    )


def _codes(contract: Contract) -> Iterator[str]:
    """What the codes mean that the endpoints list, each once."""
    refusals = outcomes.every(contract.operations, outcomes.refusals)
    closes = outcomes.every(contract.operations, outcomes.closes)
    if refusals:
        yield "An upgrade that is refused is answered with a status, and the code in the header `Jackfield-Error`:"
        yield "\n".join(f"- {code.status} `{code.name}`: {code.sentence}" for code in refusals)
    if closes:
        yield "A connection that the server closes tells why by the number; 3000 to 4999 may be a process's own too:"
        yield "\n".join(f"- {code.close} `{code.name}`: {code.sentence}" for code in closes)


def _server(address: str) -> JSON:
    parts = urlsplit(address)
    path = parts.path.rstrip("/")
    return {
        "host": parts.netloc,
        "protocol": "wss" if parts.scheme == "https" else "ws",
        "protocolVersion": "13",
        "description": "WebSocket as in RFC 6455.",
    } | ({"pathname": path} if path else {})


class _Document:
    """Makes the parts of one document; `Components` is what they share."""

    def __init__(self, contract: Contract, address: str) -> None:
        self._contract = contract
        self._address = address
        self._components = Components(draft07)
        self._shared: list[tuple[JSON, JSON]] = []  # schemas that are not one endpoint's, each with its reference

    def channel(self, operation: Operation) -> JSON:
        """The connection that an endpoint gives."""
        parameters = {name: self._parameter(operation, name) for name in operation.parameters}
        return {
            "title": operation.summary or operation.name,
            "address": operation.path,
            "description": _about_connection(operation),
            "servers": [{"$ref": "#/servers/server"}],
            **({"parameters": parameters} if parameters else {}),
            "messages": self._messages(operation),
            "bindings": {"ws": binding(operation, self._contract.auth)},
            **_tags(operation.tags),
            "x-jackfield": _for_programs(operation),
        }

    def components(self) -> JSON:
        """Everything that the channels refer to."""
        location = {"description": "The id that the client chose.", "location": "$message.payload#/$id"}
        return {
            "schemas": settled(self._components.schemas),
            "securitySchemes": security_schemes(self._contract.auth, self._address),
            "correlationIds": {"id": location},
        }

    def _parameter(self, operation: Operation, name: str) -> JSON:
        schema = operation.parameters[name]
        reference = self._components.put(f"{operation.name}.Path.{name}", schema)
        found: JSON = {"examples": [unquote(operation.values[name])], "x-jackfield-schema": reference}
        about = schema.get("description") or _PLAIN.get(str(schema.get("format", schema.get("type"))))
        found |= {"description": about} if about else {}
        values = schema.get("enum", [])
        if values and all(isinstance(value, str) for value in values):
            found["enum"] = list(dict.fromkeys(values))
        return found

    def _messages(self, operation: Operation) -> JSON:
        """All that can go over the connection; what is put first is what a reader looks for first."""
        name, shown = operation.name, exchanges(operation)

        def message(
            kind: str, title: str, payload: JSON, summary: str = "", *, answers: bool = True, of: str = ""
        ) -> JSON:
            action, _, plain = kind.rpartition(".")
            key = operation.parts[0].action_key
            key, action = ("event", of) if of else (key, action)
            of_kind = (one for one in shown if one.kind == plain and (not action or one.payload.get(key) == action))
            examples = [{"name": one.name, "payload": one.payload} for one in of_kind]
            safe = [example for example in examples if not refers(example["payload"])]
            return {
                "name": f"{name}.{kind}",
                "title": title,
                **({"summary": summary} if summary else {}),
                "payload": payload,
                **({"correlationId": {"$ref": "#/components/correlationIds/id"}} if answers else {}),
                **({"examples": safe} if safe else {}),
            }

        found, plain = _payloads(operation), operation.messages == "json"
        for part in operation.parts if operation.listens and plain else ():
            kind, named = _kind("message", part), _name(part)
            found[kind] = message(kind, f"A message to {named}", self._asked(part), part.shape)
            if part.replies != "none":
                payload = self._components.put(f"{named}.Reply", envelope.reply(part.reply))
                kind = _kind("reply", part)
                found[kind] = message(kind, f"A reply of {named}", payload, _REPLIES[part.replies])
        if operation.listens and plain:
            found["done"] = message("done", "The last reply was sent", self._share("Done", envelope.DONE))
        asides = {"cancel": operation.cancels} | dict.fromkeys(("request", "answer"), _asks(operation))
        for kind in (kind for kind, is_so in asides.items() if is_so):
            title, schema = _ASIDES[kind]
            found[kind] = message(kind, title, self._share(kind.capitalize(), schema), answers=False)
        error = self._share("Error", envelope.error(outcomes.errors(operation)))
        found["error"] = message("error", "The message was not answered", error, answers=plain)
        rejection = self._share("Rejection", envelope.rejection())
        found["rejection"] = message("rejection", "The process refuses", rejection, _REJECTION, answers=plain)
        own = []
        if operation.session_warning is not None and operation.access.mode != "public":
            own = ["session_expiring"]
            summary = f"Comes {phrases.span(operation.session_warning)} before the session ends."
            payload = self._share("SessionExpiring", envelope.SESSION_EXPIRING)
            title = "The session ends soon"
            found["session_expiring"] = message("session_expiring", title, payload, summary, answers=False)
        if operation.groups or any(part.refused_with for part in operation.parts):  # it is given some, or asks for some
            title, payload = "Somebody left a group", self._share("Left", envelope.LEFT)
            found["left"] = message("left", title, payload, _LEFT, answers=False)
        if operation.feeds:
            own += [event for feed in operation.feeds for event in feed.names]
            payloads = [self._components.put(f"{name}.Fed", envelope.fed(feed)) for feed in operation.feeds]
            payload = payloads[0] if len(payloads) == 1 else {"anyOf": payloads}
            found["fed"] = message("fed", f"What {name} says", payload, phrases.feeds(operation), answers=False)
        for event in dict.fromkeys(one.name for one in operation.heard):
            own.append(event)
            kind, of_name = f"{tidy(event)}.heard", [one for one in operation.heard if one.name == event]
            payloads = [self._components.put(f"{name}.Heard.{event}", envelope.heard(one)) for one in of_name]
            payload = payloads[0] if len(payloads) == 1 else {"anyOf": payloads}
            found[kind] = message(kind, f'The event "{event}"', payload, answers=False, of=event)
        for part in operation.parts:
            if part.event:
                own.append(part.event)
                payload = self._components.put(f"{_name(part)}.Said", envelope.group_event(part.event, part.said))
                kind = _kind("said", part)
                found[kind] = message(kind, f"A reply of {_name(part)}", payload, phrases.groups(part), answers=False)
        others = self._share("Event", envelope.event(but=own, asks=_asks(operation)))
        found["event"] = message("event", "An event", others, _EVENT, answers=False)
        return found

    def _asked(self, operation: Operation) -> JSON:
        """What a message must be: what the process takes, and what `input:` asks besides."""
        name, key = _name(operation), operation.action_key
        payload = self._components.put(f"{name}.Message", envelope.message(operation.message))
        if operation.narrowing is None:
            return payload
        return {"allOf": [payload, self._components.put(f"{name}.Input", envelope.narrowing(operation.narrowing, key))]}

    def _share(self, name: str, schema: JSON) -> JSON:
        """The reference to a schema that several endpoints have, put among the components once."""
        for shared, reference in self._shared:
            if shared == schema:
                return reference
        reference = self._components.put(name, schema)
        self._shared.append((schema, reference))
        return reference


def _payloads(operation: Operation) -> JSON:
    """Messages and replies that are no JSON."""
    if operation.messages == "json":
        return {}
    kind = {"contentType": "text/plain" if operation.messages == "text" else "application/octet-stream"}
    found: dict[str, JSON] = {
        "message": {"title": f"A message to {operation.name}", "payload": operation.message},
        "reply": {"title": f"A reply of {operation.name}", "payload": operation.reply or operation.said},
        "payload": {"title": f"What {operation.name} says by itself", "payload": operation.fed},
    }
    kinds = [one for one in found if found[one]["payload"] is not None]
    about = {"description": phrases.payload(operation)}
    return {
        name: {"name": f"{operation.name}.{name}", **found[name], **kind, **about, **_shown_payloads(operation, name)}
        for name in kinds
    }


def _shown_payloads(operation: Operation, name: str) -> JSON:
    """What examples send, or hear, of payloads, each once; bytes stand as base64."""
    found: dict[str | bytes, JSON] = {}
    for example in operation.examples:
        for step in example.steps:
            frame = payloads.frame_of(step.value) if step.kind == ("send" if name == "message" else "expect") else None
            if isinstance(frame, bytes):
                payload: JSON = {"summary": "The bytes, as base64.", "payload": payloads.in_base64(frame)}
                found.setdefault(frame, {"name": example.name, **payload})
            elif frame is not None:
                found.setdefault(frame, {"name": example.name, "payload": frame})
    return {"examples": list(found.values())} if found else {}


_PLAIN = {
    "integer": "A whole number.",
    "number": "A number.",
    "string": "Any text without a slash.",
    "uuid": "A UUID.",
    "date": "A date.",
    "date-time": "A date and time.",
}
_REPLIES = {"one": "One for each message, or none.", "many": "Any number for each message, then the end."}
_REJECTION = "An error of the process's own, where it has any."
_EVENT = "Answers nothing and may come at any time, where the process sends any."
_LEFT = "Comes to who was taken out of a group; with presence, to all who stay as well."
_SENT = ("event", "fed", "left", "payload", "request", "said", "session_expiring")
_ASIDES = {
    "cancel": ("A message is taken back", envelope.CANCEL),
    "request": ("The process asks", envelope.REQUEST),
    "answer": ("A request is answered", envelope.ANSWER),
}


def _operations(contract: Contract, channels: Mapping[str, JSON]) -> JSON:
    """What can be done over the channels: messages, and then the events to listen to."""
    found: JSON = {}
    for operation in contract.operations:
        messages = channels[operation.name]["messages"]
        if not operation.listens:
            found[operation.name] = _operation("send", operation, _spoken(operation, messages), _text(operation))
            continue
        for part in operation.parts:
            names = (_kind("reply", part), "done", "error", "rejection")
            answers = [name for name in names if name in messages]
            label = free(_name(part), found)
            found[label] = _operation("receive", part, [_kind("message", part)], _text(part))
            found[label]["reply"] = {"channel": _channel(operation), "messages": _of(operation, answers)}
    for operation in contract.operations:
        if not operation.listens:
            continue
        for kind in (kind for kind in ("cancel", "answer") if kind in channels[operation.name]["messages"]):
            about = {"summary": f"{_ASIDES[kind][0]} ({operation.name})"}
            found[free(f"{operation.name}.{kind}", found)] = _operation("receive", operation, [kind], about)
        sent = _spoken(operation, channels[operation.name]["messages"])
        about = {"summary": f"Events of {operation.name}"}
        # an endpoint may be called like the events of another
        found[free(f"{operation.name}.events", found)] = _operation("send", operation, sent, about)
    for operation in contract.operations:
        for event in dict.fromkeys(map(tidy, (one.name for one in operation.heard))):
            kind = f"{event}.heard"
            about = {"summary": channels[operation.name]["messages"][kind]["title"]}
            found[free(f"{operation.name}.{event}", found)] = _operation("send", operation, [kind], about)
    return found


def _asks(operation: Operation) -> bool:
    return any(part.asks for part in operation.parts)


def _name(part: Operation) -> str:
    """An endpoint's name, with that of the action that this is."""
    return f"{part.name}.{part.action[1]}" if part.action else part.name


def _kind(kind: str, part: Operation) -> str:
    """A kind of message, of the action that this is."""
    return f"{part.action[1]}.{kind}" if part.action else kind


def _spoken(operation: Operation, messages: Mapping[str, JSON]) -> list[str]:
    """What may come without being asked; a feed that rejects tells so, too."""
    return [name for kind in _SENT for name in messages if name.rpartition(".")[2] == kind] + (
        ["rejection"] if operation.spoken_to else []
    )


def _operation(action: str, operation: Operation, messages: Iterable[str], about: JSON) -> JSON:
    schemes = [{"$ref": f"#/components/securitySchemes/{name}"} for name in CREDENTIALS]
    return {
        "action": action,
        "channel": _channel(operation),
        **about,
        **({"security": schemes} if operation.access.mode == "required" else {}),
        **_tags(operation.tags),
        "messages": _of(operation, messages),
    }


def _text(operation: Operation) -> JSON:
    found = {"summary": operation.summary, "description": operation.description}
    return {name: text for name, text in found.items() if text}


def _channel(operation: Operation) -> JSON:
    return {"$ref": f"#/channels/{operation.name}"}


def _of(operation: Operation, names: Iterable[str]) -> list[JSON]:
    return [{"$ref": f"#/channels/{operation.name}/messages/{name}"} for name in names]


def _tags(tags: Iterable[str]) -> JSON:
    found = [{"name": tag} for tag in tags]
    return {"tags": found} if found else {}


def _about_connection(operation: Operation) -> str:
    """Who may enter and what holds for a connection, for people; what the codes mean stands under `info`."""
    facts = [phrases.entry(operation), phrases.pages(operation.origins)]
    if operation.subprotocols:
        facts.append(f"Sub-protocols: {', '.join(map(phrases.code, operation.subprotocols))}, `jackfield.v1`.")
    facts += filter(None, [phrases.refusals(operation), phrases.groups(operation), phrases.feeds(operation)])
    facts += filter(None, [*phrases.asides(operation), phrases.watched(operation)])
    facts += phrases.limits(operation.limits, in_place=operation.in_place).values()
    refused = [f"{code.status} `{code.name}`" for code in outcomes.refusals(operation)]
    closed = [f"{code.close} `{code.name}`" for code in outcomes.closes(operation)]
    facts.append(f"An upgrade can be refused with {', '.join(refused)}.")
    facts.append(f"A connection can be closed with {', '.join(closed)}, or a number of the process's own.")
    listed = "\n".join(f"- {fact}" for fact in facts)
    return f"{phrases.closed(operation.description)}\n\n{listed}" if operation.description else listed


def _for_programs(operation: Operation) -> JSON:
    """The same for programs; sizes in bytes, times in seconds, rates a second, null for what is off."""
    access, origins = operation.access, operation.origins
    by_close = {code.name: {"close": code.close} for code in outcomes.closing_refusals(operation)}
    refused = [{"status": c.status, "code": c.name, **by_close.get(c.name, {})} for c in outcomes.refusals(operation)]
    return {
        "access": {"mode": access.mode, "roles": list(access.roles)},
        "origins": {"any": origins.any, "allowed": list(origins.allowed), "required": origins.required},
        "limits": asdict(operation.limits),
        "subprotocols": list(operation.subprotocols),
        "refusals": refused,
        "refused_by": operation.refusals,
        "closes": [{"close": code.close, "code": code.name} for code in outcomes.closes(operation)],
    }
