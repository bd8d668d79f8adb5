"""RoutingTable -> Contract: what a caller may rely on, with nothing of how it is carried out.

Every document, collection and client is made from this alone. Schemas are JSON Schema 2020-12 with their
`$defs` inside; `components.py` puts them where a document wants them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote

from jackfield.config.plan import Access, AuthSettings, Example, Limits, Origins
from jackfield.process.builtin import processes as builtin
from jackfield.process.signature.payload import SCHEMAS
from jackfield.routing.actions import with_action_key
from jackfield.routing.table import Route, RoutingTable
from jackfield.schema.sample import text_of

__all__ = ["JSON", "Contract", "Heard", "Operation", "Spoken", "contract", "send_of"]

_ASKING = ("async", "async_generator")  # no other process can wait for its client

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a feed or `on_connect` says, the second its first frame.

    `schema` is that of what it gives, None where nothing is said of it; `group`: to a group.
    `names` are those of its events, as far as the schema says them. Events of the names `but` are none of these: they
    are declared, and described there.
    """

    process: str
    schema: JSON | None
    group: bool
    but: tuple[str, ...] = ()

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
class Heard:
    """An event that `events:` declares, whoever sends it.

    `schema` is that of its keys, without `event`. `group` is the pattern of the groups to which it goes, "" where the
    connections are in none. `sender`: some reply becomes an event of this name, so `from` and `name` may stand in it.
    """

    name: str
    schema: JSON
    group: str
    sender: bool


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
      said on its connections without being asked, the first frame too, and `spoken_to` to whom the first of them
      is; `fed` is what its feed says in payloads.
    - `heard` are the events that `events:` declares for it and for the groups of its connections. What is among them
      is not in `feeds`, and what a reply becomes is not among them, but `said` is then what is declared.
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
      wait for answers of its client. `may_miss` says that it is a table, and that no row of it
      may fit.
    - `may_reject` says that a process of the project is asked before anybody enters.
    - `inspect` says what administrators may read of its messages.
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
    spoken_to: Literal["", "group", "connection"]
    heard: tuple[Heard, ...]
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
    may_miss: bool
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
    inspect: tuple[str, ...] = ()

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


def _operation(route: Route, table: RoutingTable, whole: Route | None = None) -> Operation:
    """What a route promises; `whole` is that of the endpoint, where it is of one of its actions."""
    endpoint, signature, whole = route.endpoint, route.signature, whole or route
    to_group = endpoint.reply_to != "sender"
    event = endpoint.event if to_group and endpoint.messages == "json" and signature.replies != "none" else ""
    heard = {one.name: one for one in reversed(_heard(whole, table))}
    feeds = list(_feeds(whole, table))
    action = (endpoint.action_key, endpoint.action) if endpoint.action else None
    replied = signature.reply_schema
    if replied is not None and action is not None and not to_group:
        replied = with_action_key(replied, *action)
    of_table = table.catalog.tables.get(route.process.name)
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
        feeds=tuple(filter(None, (_undeclared(one, tuple(heard)) for one in feeds))),
        spoken_to="" if not feeds else "group" if feeds[0].group else "connection",
        heard=tuple(one for one in _heard(whole, table) if one.name not in _replied(whole)),
        fed=SCHEMAS[endpoint.messages] if route.feed is not None and endpoint.messages != "json" else None,
        groups=endpoint.group,
        event=event,
        said=None if not to_group else heard[event].schema if event in heard else signature.reply_schema,
        to_others=endpoint.reply_to == "others",
        send=send_of(route),
        shape=signature.shape,
        blocking=route.process.blocking,
        in_place=route.in_place,
        refused_with=builtin.refused_with(route.process),
        asks=endpoint.messages == "json" and signature.connected and route.process.kind in _ASKING and of_table is None,
        may_miss=of_table is not None and of_table.may_miss,
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
        actions=tuple(_operation(one, table, route) for one in route.actions.values()),
        action=action,
        inspect=endpoint.inspect,
    )


def _feeds(route: Route, table: RoutingTable) -> Iterator[Spoken]:
    """The endpoint's own feed or those of its groups, and what `on_connect` gives."""
    if route.feed is not None and route.endpoint.messages == "json":
        yield Spoken(route.feed.process.name, route.feed.signature.reply_schema, group=False)
    for one in table.declared(route):
        if one.feed:
            feed = table.feeds[one.pattern.text]
            yield Spoken(feed.process.name, feed.signature.reply_schema, group=True)
    if (hook := route.hooks.on_connect) is not None and hook.signature.replies != "none":
        yield Spoken(hook.process.name, hook.signature.reply_schema, group=False)


def _undeclared(spoken: Spoken, names: tuple[str, ...]) -> Spoken | None:
    """What is said besides events of these names; None where that is nothing."""
    if spoken.schema is None or not names:
        return replace(spoken, but=names)
    parts = [_without(part, names) for part in spoken.schema.get("anyOf", [spoken.schema])]
    left = [part for part in parts if part is not None]
    if not left:
        return None
    schema = {**spoken.schema, "anyOf": left} if "anyOf" in spoken.schema else left[0]
    return replace(spoken, schema=schema, but=names)


def _without(part: JSON, names: tuple[str, ...]) -> JSON | None:
    """One shape of what a feed says, without events of these names; None where it has no other."""
    said = Spoken("", part, group=False).names
    if not said:
        return part
    left = [name for name in said if name not in names]
    if len(left) == len(said):
        return part
    return {**part, "properties": {**part["properties"], "event": {"enum": left}}} if left else None


def _heard(route: Route, table: RoutingTable) -> list[Heard]:
    """What is declared for the endpoint, and for the groups of its connections under other names."""
    groups, endpoints = table.declared(route), table.plan.endpoints
    replied = {part.event for one in endpoints for part in one.parts if part.reply_to != "sender"}
    first = next((one.text for one in (*route.groups, *(declared.pattern for declared in groups))), "")
    found = [Heard(name, schema, first, bool(first) and name in replied) for name, schema in route.events.items()]
    for one in groups:
        theirs = table.events[one.pattern.text].items()
        more = [Heard(name, schema, one.pattern.text, name in replied) for name, schema in theirs]
        known = [(other.name, other.schema) for other in found]
        found += [other for other in more if other.name not in route.events and (other.name, other.schema) not in known]
    return found


def _replied(route: Route) -> set[str]:
    """The names of the events that replies become."""
    parts = [one for one in (*route.actions.values(), route) if one is not route or not route.actions]
    return {
        one.endpoint.event for one in parts if one.endpoint.reply_to != "sender" and one.signature.replies != "none"
    }


def _value(route: Route, name: str, schema: JSON) -> str:
    for example in route.endpoint.examples:
        for guest in example.guests.values():
            if name in guest.params:
                return quote(guest.params[name], safe="")
    return text_of(name, schema)


def send_of(route: Route) -> JSON | None:
    """A message that the endpoint takes: of its first example, else made up; None where that did not work."""
    return None if route.example is None else dict(route.example)
