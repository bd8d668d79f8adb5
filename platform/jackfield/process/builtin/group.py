"""Processes by which clients choose their groups, and by which users are taken out of one."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict, cast

from msgspec import Meta

from jackfield.errors import Refusal
from jackfield.groups.bans import span as seconds_of
from jackfield.process.connection import Connection
from jackfield.process.declare import Key, process
from jackfield.process.groups import Groups, backend_of
from jackfield.schema.patterns import SPAN

__all__ = ["join", "leave", "remove"]

_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Span = Annotated[str, Key("for"), Meta(pattern=SPAN, description="How long, like 10m; a year at most.")]
_Moment = Annotated[str, Meta(description="Until when the user does not get in again, where that is so.")]


class Joined(TypedDict):
    """Whether the connection is in the group now."""

    group: str
    joined: bool


class Out(TypedDict):
    """How many connections were taken out."""

    removed: int
    banned_until: NotRequired[_Moment]


@process
async def join(group: _Name, connection: Connection, groups: Groups) -> Joined:
    """Enters a group where its `may_join` lets the caller."""
    await backend_of(groups).join(connection, group)
    return {"group": group, "joined": True}


@process
async def leave(group: _Name, connection: Connection, groups: Groups) -> Joined:
    """Leaves a group that the caller may join."""
    backend_of(groups).leave(connection, group)
    return {"group": group, "joined": False}


@process
async def remove(login: str, connection: Connection, groups: Groups, span: _Span = "0s", group: str = "") -> Out:
    """Takes a user out of the endpoint's group, or of another that the caller is in, for some time."""
    own = connection.groups
    name = group or next(iter(own), "")
    if name not in own:
        raise Refusal("group_forbidden", "Users are removed from a group that the caller is in.")
    return cast(Out, backend_of(groups).remove(name, login, seconds_of(span)).as_json())
