"""What is wrong with a message: found out after its decoding has failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from jackfield import messages
from jackfield.routing.examples import fault_of_name, of_decoder
from jackfield.routing.table import Route
from jackfield.schema.validator import Fault, parse_loosely

__all__ = ["Invalid", "Unmet", "body", "explain", "refuse_size", "too_long"]

_TOO_MUCH = "does not fit the published schema; send less of it to be told what is wrong"


_ASIDE = {
    "$cancel": 'stands alone in its object, and is the "$id" of a message, or true for all',
    "$answer": 'is the number of the request, its "$request", beside the keys of the answer',
}


def refuse_size(data: bytes, limit: int) -> None:
    """Raise Invalid for a message of more than `limit` bytes, or nested deeper than messages.MAX_DEPTH."""
    if len(data) > limit:
        messages.judge_utf8(data)
        raise too_long(data, limit)
    if messages.too_deep(data):
        messages.judge_utf8(data)
        raise Invalid([Fault("", f"nested more than {messages.MAX_DEPTH} deep")])


def too_long(data: bytes, limit: int) -> Invalid:
    """What a message of more than `limit` bytes is refused with."""
    said = f"The message has {len(data):,} bytes, and `limits.message` of this endpoint is {limit:,}."
    return Invalid([], code="message_too_long", message=said)


class Invalid(Exception):
    """A message that cannot be taken, with all that is wrong with it."""

    def __init__(
        self,
        faults: list[Fault],
        *,
        code: str = "invalid_message",
        message: str = "",
        message_id: str | int | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.faults = faults
        self.message_id = message_id

    def answer(self, route: Route) -> bytes:
        """The error frame, with the endpoint's example of a good message."""
        details = [fault.as_json() for fault in self.faults]
        return messages.error(
            self.code, self.message, details=details, example=route.example_raw, message_id=self.message_id
        )


class Unmet(Invalid):
    """No message for the process: it takes back, or answers, what is not open any more. It is not answered."""

    def __init__(self) -> None:
        super().__init__([], code="unmet")


def explain(route: Route, data: bytes, exc: Exception | None) -> Invalid:
    """Name all that is wrong with a message that was refused, by the published schema first. Raises NotUtf8."""
    messages.judge_utf8(data)
    if messages.aside(data) is not None:
        return Unmet()
    value, faults = parse_loosely(data.decode())
    if not isinstance(value, dict):
        return Invalid(faults or [Fault("", "a message is a JSON object, like {…}")])
    for key, what in _ASIDE.items():
        if key in value:
            return Invalid([Fault(f"/{key}", what)], message_id=messages.id_of(data))
    message_id = value.pop("$id", None)
    good_id = message_id if _good_id(message_id) else None
    if faults:
        return Invalid(faults, message_id=good_id)
    if message_id is not None and good_id is None:
        faults = [Fault("/$id", f"must be a text of at most {messages.MAX_ID} characters or a whole number")]
    endpoint = route.endpoint
    if route.actions:
        faults.append(fault_of_name(endpoint.action_key, value, route.actions))
    elif endpoint.action:
        value.pop(endpoint.action_key, None)
    faults += [] if route.actions else route.whole.faults(value)
    if not faults:
        faults = [of_decoder(str(exc or _TOO_MUCH), value)]
    return Invalid(faults, message_id=good_id)


def _good_id(value: object) -> bool:
    # exact types: true is an int to Python, and NaN stands as a kind of text where it was found
    if type(value) is str:
        return len(value) <= messages.MAX_ID and not any(0xD800 <= ord(letter) <= 0xDFFF for letter in value)
    return type(value) is int


def body(raw: bytes, ours: Iterable[str]) -> Any:
    """A message as `input:` sees it: plain values, without the keys that are ours."""
    value = msgspec.json.decode(raw)
    for key in ours:
        value.pop(key, None)
    return value
