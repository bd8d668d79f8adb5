"""RoutingTable -> Contract: what a caller may rely on, with nothing of how it is carried out.

Every document, collection and client is made from this alone. Schemas are JSON Schema 2020-12 with their
`$defs` inside; `components.py` puts them where a document wants them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from jackfield.config.plan import Access, AuthSettings, Example, Limits, Origins
from jackfield.process.builtin import processes as builtin
from jackfield.process.signature.payload import SCHEMAS
from jackfield.routing.actions import with_action_key
from jackfield.routing.table import Route, RoutingTable
from jackfield.schema.sample import text_of

__all__ = ["JSON", "Contract", "Operation", "Spoken", "contract", "send_of"]

_ASKING = ("async", "async_generator")  # no other process can wait for its client

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a feed or `on_connect` says, the second its first frame.

    `schema` is that of what it gives, None where nothing is said of it; `group`: to a group.
    `names` are those of its events, as far as the schema says them.
    """

    process: str
    schema: JSON | None
    group: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its events: of the schema, or "message" where that has none."""
        found: list[str] = []
        for part in (self.schema or {}).get("anyOf", [self.schema or {}]):
            properties = part.get("properties", {})
            if "event" in properties:
                event = properties["event"]
                found += [event["const"]] if "const" in event else event.get("enum", [])
            elif part.get("additionalProperties") is False or properties:
                found.append("message")
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint as a caller sees it.

    - `url` is as it is written, `/ws/rooms/{room}`; `path` is percent-encoded with the braces left as they are.
    - `parameters` holds the schema of each path parameter, `values` a text for each that fits it, from the
      first example where that says one.
    - `message` is what the process takes, `narrowing` what `input:` asks besides (both must hold), neither with
      "$id"; `reply` is what one answer looks like, None where nothing is said of it. `replies` says how many
      answers a message gets.
    - `messages` is what a message is: where that is not "json", `message` and `reply` are payloads, and nothing has an
      "$id".
    - `listens` says that it takes messages at all; where it does not, there are no replies either. `feeds` are what is
      said on its connections without being asked, the first frame too; `fed` is what its feed says in payloads.
    - `groups` are the patterns of a connection's groups. Where replies go to the first, `event` is the name of the
      event that each becomes, `said` what the process gives for it, and `to_others` that the sender gets none.
    - `send` is a message that fits: of the first example that is answered, else made up; None where none
      could be made up.
    - `shape` is message and reply in a line for people.
    - `actions` are the kinds of message of an endpoint with actions, each as if the endpoint were for that alone;
      `action` is the key and the name by which such a message is known. `message` is then any of them.
    - `blocking` says that a thread is needed for each message, and there may be none free. `in_place` says that
      the process is a plain function on the event loop, whose calls no time limit can end. `refused_with` are
      codes of refusals that answer its messages, where it is a process of our own. `asks` says that the process may
      wait for answers of its client.
    - `may_reject` says that a process of the project is asked before anybody enters.
    """

    name: str
    url: str
    path: str
    parameters: Mapping[str, JSON]
    values: Mapping[str, str]
    message: JSON
    narrowing: JSON | None
    reply: JSON | None
    replies: Literal["none", "one", "many"]
    messages: Literal["json", "text", "binary", "any"]
    listens: bool
    feeds: tuple[Spoken, ...]
    groups: tuple[str, ...]
    event: str
    said: JSON | None
    to_others: bool
    send: JSON | None
    shape: str
    blocking: bool
    in_place: bool
    refused_with: frozenset[str]
    asks: bool
    access: Access
    origins: Origins
    refusals: Literal["auto", "http", "close"]
    may_reject: bool
    session_warning: float | None
    limits: Limits
    summary: str
    description: str
    tags: tuple[str, ...]
    subprotocols: tuple[str, ...]
    examples: tuple[Example, ...]
    actions: tuple[Operation, ...] = ()
    action: tuple[str, str] | None = None
    fed: JSON | None = None

    @property
    def action_key(self) -> str:
        """The key that names the action of a message; "" where there are none."""
        return self.action[0] if self.action else ""

    @property
    def parts(self) -> tuple[Operation, ...]:
        """The kinds of message: those of its actions, or itself alone."""
        return self.actions or (self,)

    @property
    def cancels(self) -> bool:
        """Whether a client can take a message back before it is answered."""
        return self.listens and self.messages == "json" and not self.in_place

    @property
    def filled(self) -> str:
        """`path` with `values` in it: an address that can be opened."""
        path = self.path
        for name, value in self.values.items():
            path = path.replace(f"{{{name}}}", value)
        return path


@dataclass(frozen=True, slots=True)
class Contract:
    """All endpoints of one plan. `version` changes when the plan's meaning or any process file does.

    `tags` are the headings in the order in which the file has them first.
    """

    title: str
    version: str
    auth: AuthSettings
    roles: Mapping[str, str]
    operations: tuple[Operation, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """The headings of the documents, each once."""
        return tuple(dict.fromkeys(tag for operation in self.operations for tag in operation.tags))


def contract(table: RoutingTable) -> Contract:
    """What the routes of `table` promise."""
    return Contract(
        title=table.plan.title or "Jackfield",
        version=table.hash,
        auth=table.plan.auth,
        roles=table.plan.roles or {},
        operations=tuple(_operation(route, table) for route in table.routes.values()),
    )


def _operation(route: Route, table: RoutingTable) -> Operation:
    endpoint, signature = route.endpoint, route.signature
    to_group = endpoint.reply_to != "sender"
    action = (endpoint.action_key, endpoint.action) if endpoint.action else None
    replied = signature.reply_schema
    if replied is not None and action is not None and not to_group:
        replied = with_action_key(replied, *action)
    schemas = {name: dict(signature.path_schemas.get(name, {"type": "string"})) for name in route.pattern.params}
    return Operation(
        name=endpoint.name,
        url=endpoint.url,
        path=route.pattern.normal,
        parameters=schemas,
        values={name: _value(route, name, schema) for name, schema in schemas.items()},
        message=signature.input_schema if action is None else with_action_key(signature.input_schema, *action),
        narrowing=dict(endpoint.input) if endpoint.input is not None else None,
        reply=None if to_group else replied,
        replies="none" if to_group else signature.replies,
        messages=endpoint.messages,
        listens=endpoint.listens,
        feeds=tuple(_feeds(route, table)),
        fed=SCHEMAS[endpoint.messages] if route.feed is not None and endpoint.messages != "json" else None,
        groups=endpoint.group,
        event=endpoint.event if to_group and endpoint.messages == "json" and signature.replies != "none" else "",
        said=signature.reply_schema if to_group else None,
        to_others=endpoint.reply_to == "others",
        send=send_of(route),
        shape=signature.shape,
        blocking=route.process.blocking,
        in_place=route.in_place,
        refused_with=builtin.refused_with(route.process),
        asks=endpoint.messages == "json" and signature.connected and route.process.kind in _ASKING,
        access=endpoint.access,
        origins=endpoint.origins,
        refusals=endpoint.refusals,
        may_reject=route.hooks.on_connect is not None,
        session_warning=endpoint.session_warning,
        limits=endpoint.limits,
        summary=endpoint.summary or route.process.summary,
        description=endpoint.description or route.process.more,
        tags=endpoint.tags,
        subprotocols=endpoint.subprotocols,
        examples=endpoint.examples,
        actions=tuple(_operation(one, table) for one in route.actions.values()),
        action=action,
    )


def _feeds(route: Route, table: RoutingTable) -> Iterator[Spoken]:
    """The endpoint's own feed or those of its groups, and what `on_connect` gives."""
    if route.feed is not None and route.endpoint.messages == "json":
        yield Spoken(route.feed.process.name, route.feed.signature.reply_schema, group=False)
    for one in table.groups:
        if one.feed and any(one.pattern.may_meet(pattern) for pattern in route.groups):
            feed = table.feeds[one.pattern.text]
            yield Spoken(feed.process.name, feed.signature.reply_schema, group=True)
    if (hook := route.hooks.on_connect) is not None and hook.signature.replies != "none":
        yield Spoken(hook.process.name, hook.signature.reply_schema, group=False)


def _value(route: Route, name: str, schema: JSON) -> str:
    for example in route.endpoint.examples:
        for guest in example.guests.values():
            if name in guest.params:
                return quote(guest.params[name], safe="")
    return text_of(name, schema)


def send_of(route: Route) -> JSON | None:
    """A message that the endpoint takes: of its first example, else made up; None where that did not work."""
    return None if route.example is None else dict(route.example)
