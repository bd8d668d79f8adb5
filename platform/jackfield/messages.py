"""The wire: reply, event and error to bytes; how deep a message is; what JSON cannot carry.

Every frame that leaves is one JSON object. Encoding refuses what would arrive as something else: msgspec
turns NaN into null and a set into a list, so `_check` looks for these first.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from jackfield import files
from jackfield.errors import CODES, Reject

__all__ = [
    "MAX_DEPTH",
    "MAX_ID",
    "OUR_EVENTS",
    "PAYLOADS",
    "Aside",
    "Binary",
    "NotUtf8",
    "Payload",
    "Unsendable",
    "aside",
    "done",
    "encoded",
    "error",
    "event",
    "feed_events",
    "group_event",
    "group_replies",
    "id_of",
    "judge_utf8",
    "moment",
    "parse",
    "payload",
    "rejection",
    "replies_under",
    "request",
    "sent",
    "too_deep",
]

MAX_DEPTH = 64
"""Levels of objects and arrays that an incoming message may have; counted by us, the same on every Python."""

MAX_ID = 128
"""Characters of a message's "$id"."""
OUR_EVENTS = frozenset(("history", "members", "joined", "left", "recovered", "session_expiring"))
"""Names of events that are Jackfield's own; nothing else is called so in a group."""

MessageId = str | int | None

_OUT_DEPTH = 200  # a reply deeper than this is taken for a cycle before the encoder's recursion is
_LAST_MOMENT = 253402300799.0  # the end of the year 9999, which is the last of a datetime
_LEAVES = (str, int, bool, type(None), bytes)
_PLAIN = frozenset((str, int, bool))
_OURS = frozenset(("error", "event"))
_OF_GROUPS = frozenset(("event", "from", "name", "group"))  # keys that we give a reply which becomes an event
_encode = msgspec.json.Encoder().encode
_read_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_MESSAGE = msgspec.Raw(b'"message"')
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # possessive: nothing to go back to, so linear
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))


class Unsendable(ValueError):
    """A value that JSON cannot carry unchanged. `path` is a JSON pointer into the reply or event."""

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path or 'what is sent'}: {problem}")


class NotUtf8(Exception):
    """A text message that is no UTF-8; it ends the connection (RFC 6455, section 8.1)."""


PAYLOADS = (str, bytes, bytearray, memoryview)
"""What is sent as it is, where `messages` is not json."""


class Payload(bytes):
    """What a process or a client sends as it is, where `messages` is not json; a text one, where it is no Binary."""

    __slots__ = ()


class Binary(Payload):
    """A message in a binary frame, in either direction; all other bytes are those of text frames."""

    __slots__ = ()


class _Identified(msgspec.Struct):
    id: MessageId = msgspec.field(default=None, name="$id")


_read_id = msgspec.json.Decoder(_Identified).decode


def id_of(data: bytes) -> MessageId:
    """The "$id" of a message that is not decoded otherwise, None where it has no sound one."""
    try:
        found: MessageId = _read_id(data).id
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found if not isinstance(found, str) or len(found) <= MAX_ID else None


class _Cancel(msgspec.Struct, forbid_unknown_fields=True):
    cancel: str | int | bool = msgspec.field(name="$cancel")


class _Answer(msgspec.Struct):
    answer: int = msgspec.field(name="$answer")


_read_cancel = msgspec.json.Decoder(_Cancel).decode
_read_answer = msgspec.json.Decoder(_Answer).decode
_CANCEL_MOST = 8 * MAX_ID  # bytes of one: a character may be written in six of them


@dataclass(frozen=True, slots=True)
class Aside:
    """What a client sends beside its messages: one of the two is set.

    - `cancel`: the "$id" of a message that is to be answered no more, or True for all.
    - `answer`: the number of the request that is answered.
    """

    cancel: str | int | Literal[True] | None = None
    answer: int | None = None


def aside(data: bytes) -> Aside | None:
    """What a text is if it is no message for the process: `{"$cancel": id}` or `{"$answer": n, ...}`; else None."""
    try:
        if b'"$cancel"' in data and len(data) <= _CANCEL_MOST:
            found = _read_cancel(data).cancel
            return None if found is False else Aside(cancel=found)
        if b'"$answer"' in data:
            return Aside(answer=_read_answer(data).answer)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    return None


def judge_utf8(data: bytes) -> None:
    """Raise NotUtf8 for what is not UTF-8."""
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError:
            raise NotUtf8 from None


def too_deep(data: bytes) -> bool:
    """Whether a JSON text nests deeper than MAX_DEPTH, found without parsing it.

    A text without a bracket after its first byte is flat, and one with few cannot be deep, which settles nearly
    every message at the price of two searches.
    """
    if data.find(b"{", 1) < 0 and data.find(b"[", 1) < 0:
        return False
    if len(data) <= MAX_DEPTH or data.count(b"{") + data.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    for byte in _TEXT.sub(b"", data).translate(None, _NO_BRACKETS):
        if byte in b"{[":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        else:
            depth -= 1
    return False


def parse(data: bytes) -> Any:
    """What a JSON text says that is no message: of a file, a token, another program.

    Raises ValueError, whose sentence begins with a verb, for one that is none or is nested more than MAX_DEPTH deep.
    How many bytes there are is for the reader to bound.
    """
    if too_deep(data):
        raise ValueError(f"is nested more than {MAX_DEPTH} deep")
    try:
        return msgspec.json.decode(files.unmarked(data))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ValueError("is no JSON") from None


def replies_under(
    key: str, most: int = sys.maxsize, action: tuple[str, str] | None = None, *, many: bool = False
) -> Callable[..., bytes | None]:
    """What makes a value that a process gave back, and the message's `$id`, a frame; None where there is none.

    Where it gave nothing, a message with `$id` is told that it is done; with `many` values that comes at their end.
    A mapping, dataclass or Struct is the object; anything else goes under `key`. It raises Unsendable, also for a
    frame of more than `most` bytes. Made once for each endpoint: the bytes around most values are always the same.
    `action` is a key and its value, which an object gets that has no such key.
    """
    head, encode, plain = b"{" + _encode(key) + b":", _encode, _PLAIN
    named = b"" if action is None else b"{%b:%b" % (_encode(action[0]), _encode(action[1]))
    name = "" if action is None else action[0]
    if action is not None and key != name:
        head = named + b"," + head[1:]

    def reply(value: object, message_id: MessageId, _connection: object = None) -> bytes | None:
        kind = type(value)
        try:
            if kind in plain:
                frame = head + encode(value) + b"}"
            elif value is None:
                return None if message_id is None or many else done(message_id)
            else:
                if kind is dict and _is_flat(value):  # type: ignore[arg-type]  # its type is dict
                    frame = encode(value)
                else:
                    frame = _object(value) if _is_object(value) else encoded({key: value})
                if named and name not in _read_keys(frame):
                    frame = named + (b"," if len(frame) > 2 else b"") + frame[1:]
        except UnicodeEncodeError:
            frame = encoded(value if kind is dict else {key: value})  # raises Unsendable with the place
        if message_id is not None:
            frame = _with_id(frame, message_id)
        if len(frame) > most:
            size = f"it has {len(frame):,} bytes, and what waits for a client has room for {most:,}"
            raise Unsendable("", size)
        return frame

    return reply


def event(value: object) -> bytes:
    """The frame for an event, `{"event": "name", ...}`. Raises Unsendable.

    An event answers nothing, so what marks an answer has no place in it: `error`, and keys that begin with "$".
    """
    if not _is_object(value):
        raise Unsendable("", 'an event is a JSON object such as {"event": "name"}')
    text = encoded(value)
    _judge_event(_read_keys(text))
    return text


def payload(value: object, kind: str) -> Payload:
    """What a process gives or sends as it is, where `messages` is `kind`. Raises Unsendable."""
    if isinstance(value, str) and kind != "binary":
        _check_text(value, "")
        return Payload(value.encode())
    if isinstance(value, bytes | bytearray | memoryview) and kind != "text":
        return Binary(value)
    wanted = {"text": "a str", "binary": "bytes", "any": "a str or bytes"}[kind]
    raise Unsendable("", f"{type(value).__name__}, and with `messages: {kind}` it is {wanted}")


def sent(value: object, kind: str) -> bytes:
    """The frame for what a process sends where `messages` is `kind`: an event or a payload. Raises Unsendable."""
    return payload(value, kind) if kind != "json" and isinstance(value, PAYLOADS) else event(value)


def request(value: object, number: int) -> bytes:
    """The frame of an event that asks for an answer: `event` with "$request". Raises Unsendable."""
    return b'%b,"$request":%d}' % (event(value)[:-1], number)


def _judge_event(found: Mapping[str, msgspec.Raw]) -> None:
    """Raise Unsendable where an object with these keys is no event."""
    for key in found:
        if key == "error" or key.startswith("$"):
            raise Unsendable(f"/{key}", f'an event may not have the key "{key}"; it is one of Jackfield\'s own')
    name = bytes(found.get("event", b""))
    if not name.startswith(b'"') or name == b'""':
        raise Unsendable("/event", 'an event has its name under "event", for example {"event": "changed"}')


def group_event(value: object) -> bytes:
    """The frame for an event to a group: see `event`; its name is none of ours, and `group` is ours to give.

    Raises Unsendable.
    """
    text = event(value)
    _judge_group_event(_read_keys(text))
    return text


def _judge_group_event(found: Mapping[str, msgspec.Raw]) -> None:
    if (name := msgspec.json.decode(found["event"])) in OUR_EVENTS:
        raise Unsendable("/event", f'"{name}" is an event of Jackfield itself; choose another name')
    if "group" in found:
        raise Unsendable("/group", 'an event to a group may not have the key "group"; it is one of Jackfield\'s own')


def feed_events(key: str, most: int, *, group: bool) -> Callable[[object], bytes | None]:
    """What makes a value that a feed yields the frame of an event; None for None.

    What has no name under `event` is a "message"; a value that is no object stands under `key`. See `group_event` for
    what goes to a `group`, else `event`. Raises Unsendable, also for a frame of more than `most` bytes.
    """

    def make(value: object) -> bytes | None:
        if value is None:
            return None
        text = encoded(value if _is_object(value) else {key: value})
        found = _read_keys(text)
        if "event" not in found:
            text = b'{"event":"message"%b%b' % (b"," if found else b"", text[1:])
            found["event"] = _MESSAGE
        _judge_event(found)
        if group:
            _judge_group_event(found)
        if len(text) > most:
            raise Unsendable("", f"an event of {len(text):,} bytes, and there is room for {most:,}")
        return text

    return make


def group_replies(key: str, name: str, most: int) -> Callable[[object, str, str], bytes | None]:
    """What makes a value that a process gave back, the sender's login and name, the event `name`; None for None.

    Keys of the reply that are ours go: `event`, `from`, `name`, `group` and what begins with "$". Raises Unsendable.
    """
    head = b'{"event":' + _encode(name) + b',"from":'

    def reply(value: object, login: str, called: str) -> bytes | None:
        if value is None:
            return None
        text = encoded(value if _is_object(value) else {key: value})
        keys = _read_keys(text)
        if "error" in keys:
            raise Unsendable("/error", 'a reply may not have the key "error"; it is one of Jackfield\'s own')
        if any(name in _OF_GROUPS or name[:1] == "$" for name in keys):
            text = _encode({name: raw for name, raw in keys.items() if name not in _OF_GROUPS and name[:1] != "$"})
        comma = b"," if len(text) > 2 else b""
        sender = _encode(login or None) + (b',"name":' + _encode(called) if called else b"")
        frame = b"".join((head, sender, comma, text[1:]))
        if len(frame) > most:
            size = f"it has {len(frame):,} bytes, and what waits for a client has room for {most:,}"
            raise Unsendable("", size)
        return frame

    return reply


def error(
    code: str,
    message: str = "",
    *,
    details: Sequence[Mapping[str, Any]] = (),
    example: msgspec.Raw | None = None,
    retry_after: float | None = None,
    incident: str = "",
    more: Mapping[str, Any] | None = None,
    message_id: MessageId = None,
) -> bytes:
    """The frame `{"error": {...}}`. `example` is JSON already; `more` are the details of a process's own Reject.

    Raises Unsendable.
    """
    body: dict[str, Any] = {"code": code, "message": message or CODES[code].sentence}
    if details:
        body["details"] = list(details)
    if example is not None:
        body["example"] = example
    if retry_after is not None:
        body["retry_after"] = retry_after
    if incident:
        body["incident"] = incident
    for name, value in (more or {}).items():
        body.setdefault(name, value)
    # our own words are texts and numbers: there is nothing to look for in them
    frame = _plainly({"error": body}) if code in CODES else encoded({"error": body})
    return _with_id(frame, message_id)


def rejection(exc: Reject, most: int, *, group: str = "", message_id: MessageId = None) -> bytes:
    """The error frame for what a process rejected, of at most `most` bytes; `group` is whose members hear it.

    Raises Unsendable, and whatever a class of the process's own does.
    """
    sound = Reject(exc.code, exc.message, **exc.details)  # a class of the project's own may have left it bare
    more = {**sound.details, "group": group} if group else sound.details
    frame = error(sound.code, sound.message, more=more, message_id=message_id)
    if len(frame) > most:
        raise Unsendable("", f"a Reject of {len(frame):,} bytes; limits.queue is {most:,}")
    return frame


def done(message_id: str | int) -> bytes:
    """The frame that says that the message with this `$id` gets no more answers."""
    return _with_id(b'{"$done":true}', message_id)


def _is_flat(value: dict[Any, Any]) -> bool:
    """Whether nothing in a dict can arrive as something else but half of a surrogate pair, which is refused."""
    for name, item in value.items():
        if type(name) is not str or name in _OURS or name[:1] == "$" or type(item) not in _PLAIN:
            return False
    return True


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping | msgspec.Struct) or (is_dataclass(value) and not isinstance(value, type))


def _object(value: object) -> bytes:
    """The frame of a reply. Its keys are judged as they stand in it, where an Enum and a tag are spelled out."""
    text = encoded(value)
    if b'"$' in text or b'"error":' in text or b'"event":' in text:  # else none of its keys is ours
        for key in _read_keys(text):
            if key in _OURS or key.startswith("$"):
                raise Unsendable(f"/{key}", f'a reply may not have the key "{key}"; it is one of Jackfield\'s own')
    return text


def encoded(value: object) -> bytes:
    """A value as a JSON object that says all of it. Raises Unsendable."""
    _check(value, "", 0)
    text = _plainly(dict(value) if isinstance(value, Mapping) and not isinstance(value, dict) else value)
    if not text.startswith(b"{"):
        raise Unsendable("", f"{type(value).__name__} becomes no JSON object")  # a Struct with array_like
    return text


def _plainly(value: object, path: str = "") -> bytes:
    try:
        return _encode(value)
    except UnicodeEncodeError:
        raise Unsendable(path, "a text holds half of a surrogate pair, which is not Unicode") from None
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as exc:
        raise Unsendable(path, str(exc)) from None


def _with_id(text: bytes, message_id: MessageId) -> bytes:
    if message_id is None:
        return text
    comma = b"," if len(text) > 2 else b""
    return b"".join((text[:-1], comma, b'"$id":', _encode(message_id), b"}"))


def _check(value: object, path: str, depth: int) -> None:
    """Raise Unsendable for the first thing inside `value` that would arrive as something else."""
    kind = type(value)
    if kind is str:
        _check_text(value, path)  # type: ignore[arg-type]  # its type is str
        return
    if kind in _LEAVES:
        return
    if depth > _OUT_DEPTH:
        raise Unsendable(path[:80] + "…", f"nested more than {_OUT_DEPTH} deep, or holds itself")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Unsendable(path, f"{value} is not a JSON number")
    elif isinstance(value, set | frozenset):
        raise Unsendable(path, "a set has no order; reply with sorted(...) or a list")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if not isinstance(name, str):
                raise Unsendable(path, f"the key {name!r} is not a text")
            _check_text(name, path)
            _check(item, f"{path}/{name}", depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check(item, f"{path}/{index}", depth + 1)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _check(getattr(value, name, None), f"{path}/{name}", depth + 1)
    elif is_dataclass(value):
        for field in fields(value):
            _check(getattr(value, field.name, None), f"{path}/{field.name}", depth + 1)
    else:
        _plainly(value, path)


def _check_text(text: str, path: str) -> None:
    # isascii() is a flag of the object; only other texts can hold half of a surrogate pair
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Unsendable(path, "the text holds half of a surrogate pair, which is not Unicode") from None


def moment(seconds: float | None) -> str | None:
    """Seconds since the epoch as RFC 3339 has them, in UTC; the end of the year 9999 for what is beyond it."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(min(seconds, _LAST_MOMENT), UTC).isoformat(timespec="seconds")
