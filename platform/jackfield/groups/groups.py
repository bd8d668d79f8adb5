"""All groups of this node: who is in which, and what is sent to them. Empty ones are gone, but for kept events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from jackfield.errors import Refusal
from jackfield.groups.bans import Bans
from jackfield.groups.feeds import MAX_FEEDS, Feeds
from jackfield.groups.group import PLAIN, Declared, Group, Listener
from jackfield.groups.names import Pattern
from jackfield.groups.presence import Later
from jackfield.groups.states import States

__all__ = ["MAX_GROUPS", "MAX_JOINED", "Groups"]

MAX_GROUPS = 100_000
"""Groups of one node."""

MAX_JOINED = 100
"""Groups of one connection."""


class Groups:
    """The groups of one node. All calls belong on the event loop's thread and none waits.

    `clock` gives seconds since the epoch; `later` calls a function after some seconds, as a loop's `call_later` does,
    and `passed` gives seconds that nobody sets.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        later: Later | None = None,
        passed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._later = later or _call_later
        self.feeds = Feeds(self._later, passed, self._tell)
        self.bans = Bans(clock)
        self.states = States(time.monotonic, lambda name: bool(self.members(name)))
        self.asked: dict[Listener, set[str]] = {}  # the groups that clients joined by themselves
        self._groups: dict[str, Group] = {}
        self._declared: tuple[Declared, ...] = ()

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[Group]:
        return iter(tuple(self._groups.values()))

    def declare(self, declared: Iterable[Declared], *, feeds: int = MAX_FEEDS) -> None:
        """Take over `groups:` of the plan that is live from now on, and how many of its feeds may speak at once."""
        self.feeds.most = feeds
        self._declared = tuple(declared)
        for group in list(self._groups.values()):
            group.redeclare(self._declared_for(group.name), self._later)
            self._forget_if_empty(group)
        with_members = (group for group in self._groups.values() if group.members and group.declared.feed)
        self.feeds.renew((group.declared.pattern, group.name) for group in with_members)

    def check(self, names: Iterable[str], login: str) -> None:
        """Raise Refusal `group_full` or `group_forbidden` where a connection of a user cannot be in all of these."""
        new = 0
        fed = []
        for name in names:
            self.bans.check(name, login)
            group = self._groups.get(name)
            declared = self._declared_for(name) if group is None else group.declared
            if declared.feed:
                fed.append((declared.pattern, name))
            if group is not None and group.is_full:
                raise Refusal("group_full", f'The group "{name}" has as many members as it may have.', retry_after=5)
            new += group is None
        if new and len(self._groups) + new > MAX_GROUPS:
            raise Refusal(
                "group_full", f"The server has {MAX_GROUPS:,} groups, which is all it has room for.", retry_after=5
            )
        if fed:
            self.feeds.check(fed)

    def join(self, member: Listener, name: str, *, chosen: bool = False, asked: bool = False) -> bool:
        """Make it a member; False where it was one. Raises Refusal `group_full`, `group_forbidden`.

        `chosen`: by the connection, so that events name the group. They do so also in all of several groups. `asked`:
        by the client itself, which has to be let in also later.
        """
        group = self._groups.get(name)
        if group is not None and member in group.members:
            return False
        self.check((name,), member.identity.login)
        if len(member.groups) >= MAX_JOINED:
            raise Refusal("group_full", f"The connection is in {MAX_JOINED} groups, which is all that one may be in.")
        if group is None:
            group = self._groups[name] = Group(name, self._declared_for(name), self._later)
        several = bool(member.groups)
        for other in member.groups:
            other.members[member] = True
        if (past := group.past(member.room)) is not None:
            member.hear(past)
        if member.is_over:  # that was too much for it
            self._forget_if_empty(group)
            return False
        group.members[member] = chosen or several
        member.groups += (group,)
        if asked:
            self.asked.setdefault(member, set()).add(name)
        if group.presence is not None and member.is_present:
            member.hear(group.presence.came(member))
        if (
            member in group.members
            and group.declared.feed
            and (said := self.feeds.came(group.declared.pattern, name)) is not None
        ):
            member.hear(said)
        return True

    def leave(self, member: Listener, name: str) -> bool:
        """End a membership; False where there was none."""
        group = self._groups.get(name)
        if group is None or member not in group.members:
            return False
        member.groups = tuple(other for other in member.groups if other is not group)
        if names := self.asked.get(member):
            names.discard(name)
        self._remove(member, group, left=True)
        return True

    def leave_all(self, member: Listener) -> None:
        """End all memberships, with the connection."""
        groups, member.groups = member.groups, ()
        self.asked.pop(member, None)
        for group in groups:
            self._remove(member, group)

    def send(self, name: str, frame: bytes, but: Listener | None = None) -> int:
        """Send an event, the frame of a JSON object, to a group; gives the number of its members but one."""
        group = self._groups.get(name)
        if group is None:
            declared = self._declared_for(name)
            if not declared.history:
                return 0
            self.check((name,), "")
            group = self._groups[name] = Group(name, declared, self._later)  # who comes later hears it
        return group.send(frame, self._clock(), but)

    def pattern_of(self, name: str) -> Pattern:
        """The pattern under `groups:` that a name is of; the empty one for a plain group."""
        return self._declared_for(name).pattern

    def members(self, name: str) -> Sequence[Listener]:
        """The members of a group in the order of their joins."""
        group = self._groups.get(name)
        return () if group is None else tuple(group.members)

    def _tell(self, name: str, frame: bytes) -> None:
        """Send the members of a group what is no event."""
        if (group := self._groups.get(name)) is not None:
            group.spread(frame, tuple(group.members))

    def _remove(self, member: Listener, group: Group, *, left: bool = False) -> None:
        group.remove(member)
        if not member.is_present:
            member.forget(group.name)
        if group.presence is not None and member.is_present:
            group.presence.went(member, left=left)
        if not group.members:
            self.states.emptied(group.name)
            if group.declared.feed:
                self.feeds.emptied(group.name)
        self._forget_if_empty(group)

    def _forget_if_empty(self, group: Group) -> None:
        if not group.members and not group.history:
            self._groups.pop(group.name, None)
            if group.presence is not None:
                group.presence.stop()
                group.presence = None  # the two would live until a garbage collection

    def _declared_for(self, name: str) -> Declared:
        return next((one for one in self._declared if one.pattern.match(name) is not None), PLAIN)


def _call_later(seconds: float, act: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, act)
