"""Limits, sizes and times in plain English, for the documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from jackfield.config import payloads
from jackfield.config.plan import Limits, Origins
from jackfield.config.settings import keys
from jackfield.describe import outcomes
from jackfield.describe.contract import Operation

__all__ = [
    "WATCHED",
    "closed",
    "code",
    "entry",
    "feeds",
    "groups",
    "limits",
    "number",
    "of_step",
    "pages",
    "payload",
    "refusals",
    "size",
    "span",
    "watched",
]


def code(text: str) -> str:
    """A text as Markdown's code, on one line; whatever it holds, nothing of it ends the code."""
    line = " ".join(text.splitlines())
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    edge = " " if len(fence) > 1 or not line.strip() else ""
    return f"{fence}{edge}{line}{edge}{fence}"


def closed(text: str) -> str:
    """People's Markdown, a fence that they forgot closed, so that what follows does not become code."""
    fence = ""
    for line in text.splitlines():
        found = re.match(" {0,3}(`{3,}|~{3,})(.*)", line)
        marks, rest = found.groups() if found else ("", "")
        if fence and marks.startswith(fence) and not rest.strip():
            fence = ""
        elif not fence and not (marks.startswith("`") and "`" in rest):
            fence = marks
    return f"{text}\n{fence}" if fence else text


_FRAMES = {"text": "a text frame", "binary": "a binary frame", "any": "a text or a binary frame"}


def payload(operation: Operation) -> str:
    """What a message is where it is no JSON; "" where it is."""
    if operation.messages == "json":
        return ""
    answer = "nothing answers it"
    if operation.replies != "none":
        answer = "so is each reply" if operation.replies == "many" else "so is the reply"
    elif operation.groups and operation.said is not None:
        answer = f"{'the others in' if operation.to_others else 'all of'} the group get the reply, which is one too"
    said = f"A message is all that {_FRAMES[operation.messages]} holds, and {answer}."
    if operation.fed is not None:
        said += " The endpoint speaks by itself, too, in such frames."
    return f"{said} Errors are JSON in text frames; there is no `$id`."


def of_step(operation: Operation, value: object) -> str:
    """What a step of an example holds, in one line: JSON, or of a binary payload its bytes."""
    frame = None if operation.messages == "json" else payloads.frame_of(value)
    if isinstance(frame, bytes):
        return f"{len(frame):,} bytes, in base64 {payloads.in_base64(frame)}"
    return json.dumps(value, ensure_ascii=False)


def number(value: float) -> str:
    """A number without a needless fraction and with commas: 10,000 or 0.5."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3f}".rstrip("0")


def size(value: int) -> str:
    """Bytes: 64 KiB."""
    for unit, name in ((1024**2, "MiB"), (1024, "KiB")):
        if value >= unit and value % unit == 0:
            return f"{number(value // unit)} {name}"
    return f"{number(value)} bytes"


def span(seconds: float) -> str:
    """A time: 30 s, 5 min, 12 h."""
    if seconds < 1:
        return f"{number(seconds * 1000)} ms"
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit and seconds % unit == 0:
            return f"{number(seconds / unit)} {name}"
    return f"{number(seconds)} s"


def limits(of: Limits, *, in_place: bool = False) -> Mapping[str, str]:
    """Each limit that is on with a sentence, in the order of docs/endpoints.md.

    `in_place` leaves out `time`: no limit ends a call on the event loop. One call at a time is as everybody expects.
    """
    unsaid = ({"time"} if in_place else set()) | ({"concurrency"} if of.concurrency == 1 else set())
    values = {name: getattr(of, setting.name) for name, setting in _LIMITS.items()}
    phrases = {name: setting.phrases[values[name]] for name, setting in _LIMITS.items() if setting.phrases}
    return {
        name: setting.sentence.format(_SHOWN[setting.kind.measure](values[name]), **phrases)
        for name, setting in _LIMITS.items()
        if setting.sentence and values[name] is not None and name not in unsaid
    }


_LIMITS = keys(Limits)
_SHOWN = {"size": size, "time": span, "rate": number, "number": number}


def entry(operation: Operation) -> str:
    """Who may open an endpoint, in a sentence."""
    access = operation.access
    if access.mode == "public":
        return "Open to everybody; a credential is not looked at."
    if access.mode == "optional":
        return "Open to everybody; whoever sends a credential is known by it, and refused if it is a bad one."
    if access.roles:
        return f"For users with {'the role' if len(access.roles) == 1 else 'one of the roles'} {_list(access.roles)}."
    return "For users who are logged in."


def pages(origins: Origins) -> str:
    """Which pages of browsers may open an endpoint, and whether others may."""
    if origins.any:
        text = "Pages of every origin may open it"
    elif origins.allowed:
        text = f"Pages of the server's own origin may open it, and those of {_list(origins.allowed)}"
    else:
        text = "Pages of the server's own origin may open it"
    return f"{text}; {'nothing else may' if origins.required else 'what is no browser may, too'}."


def refusals(operation: Operation) -> str:
    """How a refusal is sent where that is not by HTTP alone, in a sentence; else nothing."""
    found = outcomes.closing_refusals(operation)
    if not found:
        return ""
    *first, last = (f"{status}" for status in sorted({code.status for code in found}))
    statuses = f"{', '.join(first)} or {last}" if first else last
    by_origin = any(code.name == "origin_not_allowed" for code in outcomes.refusals(operation))
    origin = " That of a page's origin stays HTTP." if by_origin else ""
    to = " to a page that may open it" if operation.refusals == "auto" else ""
    return f"A refusal with {statuses} comes{to} as a close frame with 4000 + the status, after an accept.{origin}"


WATCHED = "Administrators may watch the messages of a connection while it is open."
"""What callers of an endpoint with `inspect: payloads` are told."""


def watched(operation: Operation) -> str:
    """That messages may be watched; nothing where they may not."""
    return WATCHED if "payloads" in operation.inspect else ""


def groups(operation: Operation) -> str:
    """The groups of a connection, and that replies go to the first; nothing where there are none."""
    if not operation.groups:
        return ""
    *first, last = map(code, operation.groups)
    named = f"groups {', '.join(first)} and {last}" if first else f"group {last}"
    found = f"A connection is in the {named} and hears what is sent there."
    if operation.event:
        who = "the others in it" if operation.to_others else "all members, the sender too"
        found += f" A reply goes to {who}, as the event {code(operation.event)}."
    return found


def asides(operation: Operation) -> list[str]:
    """What a client may say besides its messages, each in a sentence."""
    found = []
    if operation.cancels:
        found.append('`{"$cancel": id}` takes back the message with that `$id`, which is answered `cancelled`.')
    if any(part.asks for part in operation.parts):
        found.append('It may ask, by an event with `"$request": n`, which `{"$answer": n, …}` answers.')
    if "unmatched" in operation.inspect:
        found.append(_UNMATCHED)
    return found


_UNMATCHED = "Messages that no row of its table is for are kept, without who sent them; administrators can read them."


def feeds(operation: Operation) -> str:
    """That something speaks on a connection, and that it takes no messages; nothing where neither is so."""
    found = []
    if operation.spoken_to:
        whom = "one for all members" if operation.spoken_to == "group" else "on each connection"
        found.append(f"The server says events of its own, {whom}.")
    if operation.heard:
        names = ", ".join(dict.fromkeys(code(one.name) for one in operation.heard))
        found.append(f"Events that a connection hears: {names}.")
    if not operation.listens:
        found.append("It only speaks: a message is answered `no_messages`.")
    return " ".join(found)


def _list(names: Iterable[str]) -> str:
    *first, last = map(code, names)
    return f"{', '.join(first)} or {last}" if first else last
