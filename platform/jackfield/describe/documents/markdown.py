"""Contract -> the reference as Markdown: each endpoint by its headings, for someone who has never seen AsyncAPI.

What people wrote in one line is text, and its letters mean nothing here; `description` is Markdown (CommonMark) by
contract and stands as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from jackfield.config.plan import Example, Guest, Limits
from jackfield.describe import outcomes, phrases
from jackfield.describe.contract import Contract, Heard, Operation
from jackfield.describe.documents import keys
from jackfield.describe.documents.commonmark import Anchors, described, fenced, plain, table
from jackfield.describe.schema import envelope
from jackfield.errors import CODES, Code

__all__ = ["reference"]

_HOW = """\
A **connection** is a WebSocket to one address. Over it go JSON objects, one in each text frame: you send a
**message**, and what comes back is a **reply**, an **event** (`{"event": …}`, sent without being asked) or an
**error** (`{"error": {"code": …, "message": …}}`). After an error the connection lives on.

Give a message the key `$id`, a text or a whole number, and everything that answers it carries the same `$id`.\
"""
_DONE = 'Sent with `$id`, `{"$id": …, "$done": true}` comes at the end.'
_OTHERS = "Other endpoints"
_GETTING_IN = "Getting in"
_LIMITS, _ERRORS, _CLOSES, _REFUSALS = _LAST = ("Limits", "Errors", "Close codes", "Refusals")


def reference(contract: Contract, address: str, talk: str = "") -> str:
    """All endpoints, by heading and in the order of the file. `address` is where the server is, `https://host[/prefix]`.

    `talk` is for a page that has a list of contents: the address of what speaks with an endpoint, without its name.
    """
    base = f"ws{address.removeprefix('http')}"
    parts = [f"# {plain(contract.title)}", f"Version `{contract.version}`. Addresses begin with `{base}`.", _HOW]
    parts += _logging_in(contract, address)
    anchors = Anchors()
    for heading in (contract.title, _GETTING_IN):
        anchors.of(heading)
    contents: list[str] = []
    for heading, operations in _by_heading(contract):
        contents.append(f"- [{plain(heading)}](#{anchors.of(heading)})")
        contents += (f"  - [`{one.name}`](#{anchors.of(one.name)}) {plain(one.summary)}".rstrip() for one in operations)
    if not talk:
        parts.append("\n".join(contents))
    links = {heading: anchors.of(heading) for heading in _LAST}  # an endpoint may be called `errors`, too
    for heading, operations in _by_heading(contract):
        parts.append(f"## {plain(heading)}")
        for one in operations:
            parts += _chapter(one, base, links, talk)
    return "\n\n".join([*parts, *_codes(contract.operations)]) + "\n"


def _by_heading(contract: Contract) -> Iterator[tuple[str, list[Operation]]]:
    """Each endpoint once, below its first tag."""
    for tag in contract.tags:
        found = [operation for operation in contract.operations if operation.tags[:1] == (tag,)]
        if found:
            yield tag, found
    rest = [operation for operation in contract.operations if not operation.tags]
    if rest:
        yield (_OTHERS if contract.tags else "Endpoints"), rest


def _logging_in(contract: Contract, address: str) -> Iterator[str]:
    auth = contract.auth
    yield f"## {_GETTING_IN}"
    if auth.own:
        token = ", and its `token` is the cookie's value." if auth.token_in_body else "."
        yield (
            f'Send `{{"login": "…", "password": "…"}}` as JSON with `POST {address}{auth.path}/login`. '
            f"The answer sets the cookie `{auth.cookie}`{token}"
        )
    else:
        yield f"The cookie `{auth.cookie}` carries the token that you get where you log in; this server has no login."
    yield (
        f"Open an address with the header `Cookie: {auth.cookie}=…`, or `Authorization: Bearer …`. A page in a browser "
        "needs neither when it is of the same site."
    )
    if contract.roles:
        yield table(
            ("role", "who has it"), ((phrases.code(role), plain(text)) for role, text in contract.roles.items())
        )


# one endpoint


def _chapter(operation: Operation, base: str, links: Mapping[str, str], talk: str) -> Iterator[str]:
    yield f"### {operation.name}"
    if summary := plain(operation.summary):
        yield f"**{summary}**"
    if operation.description:
        yield described(operation.description)
    yield f"```\n{base}{operation.url}\n```"
    if talk:
        yield f"[Talk to it]({talk}{quote(operation.name, safe='')})"
    yield "\n".join(f"- {line}" for line in _facts(operation))
    if operation.parameters:
        rows = [keys.Row(name, keys.kind_of(found), True, "") for name, found in operation.parameters.items()]
        yield from ("In the address:", _keys(rows))
    if operation.messages != "json":
        yield f"**Message**\n\n{phrases.payload(operation)}"
    for part in operation.parts if operation.listens and operation.messages == "json" else ():
        if part.action is not None:
            yield from _action(part, *part.action)
        yield from _shape("Message", part.message, part.narrowing)
        yield from _reply(part)
    for feed in operation.feeds:
        yield from _fed(envelope.fed(feed))
    for event in operation.heard:
        yield from _heard(event)
    yield from _classes(operation)
    for example in operation.examples:
        yield from _example(operation, example)
    yield "\n".join(["**Limits**\n", *(f"- {line}" for line in _limits(operation, links))])
    yield _outcome(operation, links)


def _action(part: Operation, key: str, name: str) -> Iterator[str]:
    """The head of one kind of message; what differs from its endpoint."""
    yield f"#### {plain(name)}"
    if part.summary:
        yield f"**{plain(part.summary)}**"
    if part.description:
        yield described(part.description)
    facts = [f'A message of which {phrases.code(key)} is "{plain(name)}".']
    if part.access.roles:
        facts.append(f"For callers with the role {' or '.join(map(phrases.code, part.access.roles))}.")
    if part.limits.rate is not None:
        facts.append(phrases.limits(part.limits)["rate"])
    yield "\n".join(f"- {fact}" for fact in facts)


def _facts(operation: Operation) -> Iterator[str]:
    yield phrases.entry(operation)
    yield phrases.pages(operation.origins)
    if operation.subprotocols:
        yield f"Sub-protocols: {_codes_of(operation.subprotocols)}."
    if len(operation.tags) > 1:
        yield f"Also about {', '.join(plain(tag) for tag in operation.tags[1:])}."
    if operation.session_warning is not None:
        yield f"The event `session_expiring` comes {phrases.span(operation.session_warning)} before the session ends."
    yield from filter(None, [phrases.refusals(operation), phrases.groups(operation), phrases.feeds(operation)])
    yield from filter(None, [*phrases.asides(operation), phrases.watched(operation)])


def _limits(operation: Operation, links: Mapping[str, str]) -> Iterator[str]:
    """What differs from the usual limits, which stand once at the end."""
    usual = phrases.limits(Limits())
    own = phrases.limits(operation.limits, in_place=operation.in_place)
    yield from (sentence for name, sentence in own.items() if usual.get(name) != sentence)
    off = [phrases.code(name) for name in usual if name not in own and name != "time"]
    if off:
        yield f"Not limited here: {', '.join(off)}."
    yield f"For the rest the [usual ones](#{links[_LIMITS]})."


def _shape(title: str, schema: dict[str, Any], narrowing: dict[str, Any] | None) -> Iterator[str]:
    yield f"**{title}**"
    if schema.get("description"):
        yield plain(schema["description"])
    rows = keys.rows(schema, narrowing)
    yield _keys(rows) if rows else "An empty object, `{}`."
    if narrowing is not None and set(narrowing) - {"properties", "required", "$defs", "type"}:
        block = fenced(json.dumps(narrowing, ensure_ascii=False, indent=2), "json")
        yield f"It must also fit this JSON Schema:\n\n{block}"


def _reply(operation: Operation) -> Iterator[str]:
    title = "Replies" if operation.replies == "many" else "Reply"
    reply = operation.reply or {"type": "object"}
    alternatives = reply.get("anyOf", ())
    if operation.event:
        yield from _shape("Event to the group", envelope.group_event(operation.event, operation.said), None)
        return
    if operation.replies == "none":
        yield f"**{title}**\n\nNone. {_DONE}"
        return
    if "properties" in reply:
        yield from _shape(title, reply, None)
    elif alternatives and all("properties" in found for found in alternatives):
        yield f"**{title}**\n\nOne of these:"
        for number, found in enumerate(alternatives, 1):
            whole = {**found, "$defs": reply.get("$defs", {})}
            yield from _shape(plain(found.get("title", f"The {number}.")), whole, None)
    else:
        kind = keys.kind_of(reply, reply.get("$defs"))
        yield f"**{title}**\n\n{'A JSON object' if kind == 'object' else kind[:1].upper() + kind[1:]}."
    if operation.replies == "many":
        yield f"Any number of them for one message. {_DONE}"


def _fed(schema: dict[str, Any]) -> Iterator[str]:
    """What a feed says: one kind of event, or each of several."""
    parts = schema.get("anyOf", [schema])
    for number, found in enumerate(parts, 1):
        title = f"Event {number} of the feed" if len(parts) > 1 else "Event of the feed"
        yield from _shape(title, {**found, "$defs": schema.get("$defs", {})}, None)


def _heard(event: Heard) -> Iterator[str]:
    """An event that is declared, in each of its shapes."""
    schema = envelope.heard(event)
    for found in schema.get("anyOf", [schema]) if "properties" not in schema else [schema]:
        yield from _shape(f"Event {phrases.code(event.name)}", {**found, "$defs": schema.get("$defs", {})}, None)


def _classes(operation: Operation) -> Iterator[str]:
    """The classes of messages, replies and events, each once; a reply's of the same name that differs says so."""
    shown: list[keys.Class] = []
    spoken = [*(one.schema for one in operation.feeds), *(one.schema for one in operation.heard)]
    places = [*((part.message, part.reply) for part in operation.parts), *((None, schema) for schema in spoken)]
    for asked, told in places:
        own = {found.name: found for found in keys.classes(asked or {})}
        for found in own.values():
            if found not in shown:
                shown.append(found)
                yield from _class(found, "")
        for found in keys.classes(told or {}):
            if found not in shown:
                where = " in the reply" if found.name in own else ""
                shown.append(found)
                yield from _class(found, where)


def _class(found: keys.Class, where: str) -> Iterator[str]:
    yield f"**{plain(found.name)}**{where}"
    if found.description:
        yield plain(found.description)
    yield _keys(found.rows)


def _example(operation: Operation, example: Example) -> Iterator[str]:
    yield f"**Example{': ' + plain(example.name) if example.name else ''}**"
    guests = [line for name, guest in example.guests.items() for line in _guest(name, guest)]
    if guests:
        yield "\n".join(guests)
    lines = []
    for step in example.steps:
        client = f"{step.client} " if step.client else ""
        value = phrases.of_step(operation, step.value)
        match step.kind:
            case "send":
                lines.append(f"{client}→ {value}")
            case "push":
                target = step.value.get("group") or f"user {step.value['user']}"
                lines.append(f"from outside, to {target}: {json.dumps(step.value['event'], ensure_ascii=False)}")
            case "expect":
                lines.append(f"{client}← {value}{'   (and more)' if step.partial else ''}")
            case "expect_error":
                lines.append(f"{client}← {json.dumps({'error': step.value}, ensure_ascii=False)}")
            case "expect_close":
                lines.append(f"{client}  closed {value}")
    yield fenced("\n".join(lines))


def _guest(name: str, guest: Guest) -> Iterator[str]:
    parts = []
    if guest.login:
        parts.append(f"logged in as {phrases.code(guest.login)}")
    if guest.roles:
        parts.append(f"with {'the role' if len(guest.roles) == 1 else 'the roles'} {_codes_of(guest.roles)}")
    parts += [f"{phrases.code(key)} is {phrases.code(value)}" for key, value in {**guest.params, **guest.query}.items()]
    if parts:
        yield f"- {plain(name) + ': ' if name else ''}{', '.join(parts)}"


def _outcome(operation: Operation, links: Mapping[str, str]) -> str:
    """What can go wrong; `links` leads to what the codes mean, by the headings below which it stands."""
    errors = ", ".join(f"[`{code.name}`](#{links[_ERRORS]})" for code in outcomes.errors(operation))
    closes = ", ".join(f"{number}" for number in sorted({code.close for code in outcomes.closes(operation)}))
    refused = ", ".join(f"{status}" for status in sorted({code.status for code in outcomes.refusals(operation)}))
    own = _codes_of(dict.fromkeys(_own_codes(operation)))
    return (
        f"Errors: {errors}, and codes of the endpoint's own{', such as ' + own if own else ''}.  \n"
        f"Close codes: {closes} ([what they mean](#{links[_CLOSES]})).  \n"
        f"Refused with: {refused} ([why](#{links[_REFUSALS]}))."
    )


def _own_codes(operation: Operation) -> Iterator[str]:
    """The codes of the process's own that an example speaks of."""
    for example in operation.examples:
        for step in example.steps:
            if step.kind == "expect_error" and step.value.get("code", next(iter(CODES))) not in CODES:
                yield str(step.value["code"])


# the limits and the codes, once for all endpoints


def _codes(operations: tuple[Operation, ...]) -> Iterator[str]:
    yield f"## {_LIMITS}"
    yield "Where an endpoint says nothing else:"
    yield "\n".join(f"- {sentence}" for sentence in phrases.limits(Limits()).values())
    yield f"## {_ERRORS}"
    yield "A message that failed is answered so; the connection lives on."
    yield _code_table(("code", "meaning", "again"), outcomes.every(operations, outcomes.errors), lambda code: ())
    yield f"## {_CLOSES}"
    yield "The number in the close frame when the server ends a connection. An endpoint may have others, from 3000 on."
    found = outcomes.every(operations, outcomes.closes)
    yield _code_table(("number", "code", "meaning", "again"), found, lambda code: (str(code.close),))
    yield f"## {_REFUSALS}"
    yield "An upgrade that is refused gets this HTTP status, and a JSON body with `code`, `detail` and `fix`."
    found = outcomes.every(operations, outcomes.refusals)
    yield _code_table(("status", "code", "meaning", "again"), found, lambda code: (str(code.status),))


def _code_table(head: tuple[str, ...], found: Iterable[Code], first: Callable[[Code], tuple[str, ...]]) -> str:
    rows = ((*first(code), f"`{code.name}`", code.sentence, "yes" if code.retry else "no") for code in found)
    return table(head, rows)


def _keys(rows: Iterable[keys.Row]) -> str:
    return table(
        ("key", "kind", "must be there", "more"),
        ((phrases.code(row.key), row.kind, "yes" if row.required else "no", row.notes) for row in rows),
    )


def _codes_of(texts: Iterable[str]) -> str:
    return ", ".join(map(phrases.code, texts))
