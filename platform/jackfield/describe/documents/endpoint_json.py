"""Endpoints as JSON for the page: what a form, a transcript and "copy as" are made from."""

from __future__ import annotations

from jackfield.config.plan import Example, Step
from jackfield.describe.contract import JSON, Operation

__all__ = ["line", "whole"]


def line(operation: Operation) -> JSON:
    """An endpoint in a list."""
    return {
        "name": operation.name,
        "url": operation.url,
        "summary": operation.summary,
        "tags": list(operation.tags),
        "access": operation.access.mode,
        "roles": list(operation.access.roles),
        "groups": list(operation.groups),
        "messages": operation.messages,
        "listens": operation.listens,
    }


def whole(operation: Operation) -> JSON:
    """All that the page says of an endpoint; `parts` are its kinds of message, one each action."""
    limits = operation.limits
    return {
        **line(operation),
        "path": operation.path,
        "parameters": dict(operation.parameters),
        "values": dict(operation.values),
        "description": operation.description,
        "subprotocols": list(operation.subprotocols),
        "limits": {"message": limits.message, "time": limits.time},
        "event": operation.event,
        "to_others": operation.to_others,
        "heard": [one.name for one in operation.heard],
        "feeds": [name for one in operation.feeds for name in one.names],
        "cancels": operation.cancels,
        "action_key": next((part.action_key for part in operation.parts), ""),
        "parts": [_part(part) for part in operation.parts],
    }


def _part(part: Operation) -> JSON:
    return {
        "action": part.action[1] if part.action else "",
        "summary": part.summary,
        "description": part.description,
        "shape": part.shape,
        "message": part.message,
        "narrowing": part.narrowing,
        "reply": part.reply,
        "replies": part.replies,
        "send": part.send,
        "examples": [_example(one) for one in part.examples],
    }


def _example(example: Example) -> JSON:
    return {"name": example.name, "steps": [_step(step) for step in example.steps]}


def _step(step: Step) -> JSON:
    return {"kind": step.kind, "client": step.client, "value": step.value}
