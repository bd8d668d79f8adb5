"""Payloads in examples: a text frame is a text, a binary one `{base64: "…"}`, since YAML in JSON's bounds has no bytes.

Everywhere between the file and the frame a payload stands so: documents can show it, and what came can be compared.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from jackfield.config.plan import Example, Step
from jackfield.config.problems import Problems
from jackfield.config.yaml_errors import glued

__all__ = ["check", "frame_of", "in_base64", "noted"]

_KEY = "base64"
_OBJECTS = ("event", "error")  # what comes as JSON whatever the messages are

_AS_JSON = 'write `{message: "Hello"}`, or `messages: text` beside `examples`'
_AS_PAYLOAD = 'write "Hello" for a text frame, or {base64: "SGVsbG8="} for a binary one'


def frame_of(value: Any) -> str | bytes | None:
    """The frame that a payload of an example means; None for what is none, or is not base64 (RFC 4648, section 4)."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or value.keys() != {_KEY} or not isinstance(value[_KEY], str):
        return None
    try:
        return base64.b64decode("".join(value[_KEY].split()), validate=True)
    except ValueError:
        return None


def noted(frame: str | bytes) -> Any:
    """A frame as an example has it."""
    return frame if isinstance(frame, str) else {_KEY: in_base64(frame)}


def in_base64(data: bytes) -> str:
    """Bytes as a text."""
    return base64.b64encode(data).decode()


def check(examples: Iterable[Example], problems: Problems, *, payloads: bool) -> tuple[Example, ...]:
    """The examples whose steps have the form that messages of their endpoint have; bytes without blanks in them."""
    sound = []
    for example in examples:
        found = list(_faults(example.steps, payloads=payloads))
        for step, message, hint in found:
            problems.add(step.path, "wrong_value", message, hint)
        if not found:
            sound.append(replace(example, steps=tuple(map(_plain, example.steps))) if payloads else example)
    return tuple(sound)


def _plain(step: Step) -> Step:
    frame = frame_of(step.value)
    return step if frame is None else replace(step, value=noted(frame))


def _faults(steps: Iterable[Step], *, payloads: bool) -> Iterator[tuple[Step, str, str]]:
    for step in steps:
        value = step.value
        if step.kind not in ("send", "expect"):
            continue
        if not payloads:
            if isinstance(value, str):
                yield step, "a message is a JSON object here, and this is a text", glued(value) or _AS_JSON
        elif frame_of(value) is not None:
            if step.partial:
                yield step, "`partial` goes with an object, and a payload comes whole", "take `partial` out"
        elif isinstance(value, Mapping) and value.keys() == {_KEY}:
            yield step, "this is no base64", _AS_PAYLOAD
        elif step.kind == "send" or not (isinstance(value, Mapping) and value.keys() & {*_OBJECTS}):
            yield step, "messages are no JSON objects here", _AS_PAYLOAD
