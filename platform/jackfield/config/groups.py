"""The keys of a pattern under `groups:`: each is a field with its setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jackfield.config import quantities
from jackfield.config.events import EVENTS, Event
from jackfield.config.settings import Kind, count, duration, function, setting

__all__ = ["GROUPS_OF_ENDPOINT", "TIMES", "GroupSettings", "MayJoin"]

_NAME = {"type": "string", "minLength": 1, "maxLength": 200}

GROUPS_OF_ENDPOINT = Kind(
    {
        "anyOf": [_NAME, {"type": "array", "minItems": 1, "maxItems": 20, "items": _NAME}],
        "errorMessage": 'must be the pattern of a group such as "room:{room}", or a list of them',
    },
    lambda raw: (raw,) if isinstance(raw, str) else tuple(dict.fromkeys(raw)),
)
"""What `group` of an endpoint takes."""


TIMES = {("history", "keep"): duration("1s", "3650d"), ("presence", "grace"): duration("0s", "1d")}
"""The times in mappings below a pattern, and what they take, whatever else is wrong in these."""

_LAST = {"type": "integer", "minimum": 0, "maximum": 1000}
_HISTORY = {
    "anyOf": [
        _LAST,
        {
            "type": "object",
            "properties": {
                "last": _LAST
                | {"title": "Last", "description": "How many of the last events a newcomer gets.", "minimum": 1},
                "keep": {
                    "title": "Keep",
                    "description": "How long the store has them, also over a restart. Left out: in memory alone.",
                    "$ref": "#/$defs/duration",
                },
            },
            "required": ["last"],
            "additionalProperties": False,
        },
    ],
    "errorMessage": "must be a whole number from 0 to 1000, or {last: 50, keep: 7d}",
}


@dataclass(frozen=True, slots=True)
class History:
    """The last events, for who enters. `keep` is for how many seconds the store has them, None for not at all."""

    last: int = 0
    keep: float | None = None


def _history(raw: Any) -> History:
    if isinstance(raw, Mapping):
        return History(raw["last"], quantities.duration(raw["keep"]) if "keep" in raw else None)
    return History(raw)


_PRESENCE = {
    "anyOf": [
        {"type": "boolean"},
        {"type": "string", "enum": ["names", "count"]},
        {
            "type": "object",
            "properties": {
                "show": {
                    "title": "Show",
                    "description": "Users by login, or numbers alone.",
                    "type": "string",
                    "enum": ["names", "count"],
                },
                "grace": {
                    "title": "Grace",
                    "description": "How long a user may be gone before the others hear of it.",
                    "$ref": "#/$defs/duration",
                },
            },
            "additionalProperties": False,
        },
    ],
    "errorMessage": "must be true, false, count or {show: names, grace: 15s}",
}


@dataclass(frozen=True, slots=True)
class Presence:
    """What members hear of each other: nothing with an empty `show`. `grace` is in seconds, None for the usual one."""

    show: Literal["", "names", "count"] = ""
    grace: float | None = None


def _presence(raw: Any) -> Presence:
    if isinstance(raw, Mapping):
        grace = raw.get("grace")
        return Presence(raw.get("show", "names"), None if grace is None else quantities.duration(grace))
    if isinstance(raw, bool):
        return Presence("names" if raw else "")
    return Presence(raw)


_PROCESS = function("chat.may is the function may in processes/chat.py")
_WHO = "must be anyone, {roles: [support]} or the name of a process, like chat.may"
_MAY_JOIN = {
    "anyOf": [
        {
            "type": "string",
            "maxLength": 200,
            "pattern": f"^anyone$|{_PROCESS.schema['pattern']}",
            "errorMessage": _WHO,
        },
        {"$ref": "#/$defs/actionAccess"},
    ],
    "errorMessage": _WHO,
}


@dataclass(frozen=True, slots=True)
class MayJoin:
    """Who may join by themselves: everybody, who has one of `roles`, or whom `process` says."""

    roles: tuple[str, ...] = ()
    process: str = ""


def _may_join(raw: Any) -> MayJoin:
    if isinstance(raw, Mapping):
        return MayJoin(roles=tuple(raw["roles"]))
    return MayJoin(process="" if raw == "anyone" else raw)


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """What stands under `groups:` for one pattern. `members` None means no bound."""

    history: History = setting(
        Kind(_HISTORY, _history),
        "How many of the last events a newcomer gets when it enters, up to 1,000 and 1 MiB. Each event then has its "
        "number `$n` and its time `$time`. They survive publishes, and a restart where the store keeps them: "
        "`{last: 50, keep: 7d}`, which is for how long it has them.",
        examples=[50, {"last": 50, "keep": "7d"}],
        default=0,
        more="See [Kept events](#kept-events).",
    )
    presence: Presence = setting(
        Kind(_PRESENCE, _presence),
        "Whether members hear who is there. `true`: by login, and how many; `count`: how many; "
        "`{show: names, grace: 15s}`: a user may be gone for so long before the others hear of it.",
        examples=[True, "count"],
        default=False,
        value=Presence(),
    )
    members: int | None = setting(
        count(off=True),
        "How many connections the group has at most, or off. One more is refused `group_full`.",
        examples=[2],
        default="off",
    )
    may_join: MayJoin | None = setting(
        Kind(_MAY_JOIN, _may_join),
        "Who may enter and leave it by the actions `group.join` and `group.leave`: `anyone`, `{roles: [support]}`, or "
        "a process that takes the pattern's parameters and gives true or false. Left out: no client by itself.",
        examples=["anyone", {"roles": ["support"]}],
        value=None,
        more="See [Joining](#joining).",
    )
    feed: str = setting(
        function("market.ticks is the function ticks in processes/market.py"),
        "An async generator that speaks in each of these groups while it has members: one for a group. It takes the "
        "pattern's parameters.",
        examples=["market.ticks"],
        value="",
        more="See [Feeds](#feeds).",
    )
    events: tuple[Event, ...] = setting(
        EVENTS,
        "The events that are sent to these groups, each with its type: `{said: models.Said}` is the class `Said` in "
        "`processes/models.py`, or a JSON Schema stands there. Documents, typed clients and examples follow it.",
        examples=[{"said": "models.Said"}],
        value=(),
        more="See [Events](#events).",
    )
