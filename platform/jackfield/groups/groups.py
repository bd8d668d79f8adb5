"""All groups of this node: who is in which, and what is sent to them. Empty ones are gone, but for kept events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from jackfield.errors import Refusal
from jackfield.groups.bans import Bans
from jackfield.groups.feeds import MAX_FEEDS, Feeds
from jackfield.groups.group import PLAIN, Declared, Group, Listener
from jackfield.groups.histories import Histories
from jackfield.groups.names import Pattern
from jackfield.groups.presence import Later, left
from jackfield.groups.states import States

__all__ = ["MAX_GROUPS", "MAX_JOINED", "OPENING", "Groups"]

MAX_GROUPS = 100_000
"""Groups of one node."""

MAX_JOINED = 100
"""Groups of one connection."""

OPENING = 5.0
"""Seconds that who enters a group waits for the store to say what is kept; then it comes as soon as it is known."""


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
        self.histories = Histories(clock, passed, self._forget)
        self.asked: dict[Listener, set[str]] = {}  # the groups that clients joined by themselves
        self.memberships = 0  # members of all groups together
        self.events = 0  # that were sent
        self.deliveries = 0  # of these to members
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
        self.histories.keeps = {one.pattern.text: one.keep for one in self._declared if one.keep}
        for group in list(self._groups.values()):
            group.redeclare(self._declared_for(group.name), self._later)
            self.histories.tend(group)
            self._forget_if_empty(group)
        with_members = (group for group in self._groups.values() if group.members and group.declared.feed)
        self.feeds.renew((group.declared.pattern, group.name) for group in with_members)

    def check(self, names: Iterable[str], known_as: str, caller: str = "") -> None:
        """Raise Refusal `group_full` or `group_forbidden` where a connection cannot be in all of these.

        `known_as` and `caller` are as in Listener.
        """
        new = 0
        fed = []
        for name in names:
            self.bans.check(name, known_as)
            group = self._groups.get(name)
            declared = self._declared_for(name) if group is None else group.declared
            if declared.feed:
                fed.append((declared.pattern, name))
            if group is not None and group.is_full:
                raise Refusal("group_full", f'The group "{name}" has as many members as it may have.', retry_after=5)
            new += group is None
        if new and len(self._groups) + new > MAX_GROUPS:
            text = f"The server has {MAX_GROUPS:,} groups, which is all it has room for."
            raise Refusal("group_full", text, "Wait until some are empty.", retry_after=5)
        if fed:
            self.feeds.check(fed, caller)

    def join(self, member: Listener, name: str, *, chosen: bool = False, asked: bool = False) -> bool:
        """Make it a member; False where it was one. Raises Refusal `group_full`, `group_forbidden`.

        `chosen`: by the connection, so that events name the group. They do so also in all of several groups. `asked`:
        by the client itself, which has to be let in also later.
        """
        group = self._groups.get(name)
        if group is not None and member in group.members:
            return False
        self.check((name,), member.known_as, member.caller)
        if len(member.groups) >= MAX_JOINED:
            text = f"The connection is in {MAX_JOINED} groups, which is all that one may be in."
            raise Refusal("group_full", text, "Leave one of them first.")
        if group is None:
            group = self._make(name, self._declared_for(name))
        several = bool(member.groups)
        for other in member.groups:
            other.members[member] = True
        if not member.is_present:
            member.forget(name)  # that it was put out before
        group.greet(member)
        if member.is_over:  # that was too much for it
            self._forget_if_empty(group)
            return False
        group.members[member] = chosen or several
        self.memberships += 1
        member.groups += (group,)
        if asked:
            self.asked.setdefault(member, set()).add(name)
        if member.is_present and (said := group.came(member)) is not None:
            member.hear(said)
        if member in group.members and group.declared.feed:
            said = self.feeds.came(group.declared.pattern, name, member.caller)
            if said is not None:
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

    def put_out(self, member: Listener, name: str) -> bool:
        """End a membership as others want it; the member is told, by the last that it hears of the group."""
        group = self._groups.get(name)
        presence = None if group is None else group.presence
        if not self.leave(member, name):
            return False
        member.hear(left(name, member.identity, None if presence is None else presence.count))
        return True

    def leave_all(self, member: Listener) -> None:
        """End all memberships, with the connection."""
        groups, member.groups = member.groups, ()
        self.asked.pop(member, None)
        for group in groups:
            self._remove(member, group)

    def check_sending(self, names: Iterable[str]) -> None:
        """Raise Refusal `group_full` where there is no room for those of these groups that would keep an event."""
        self.check((name for name in names if name not in self._groups and self._declared_for(name).history), "")

    def send(self, name: str, frame: bytes, but: Listener | None = None) -> int:
        """Send an event, the frame of a JSON object, to a group; gives the number of its members but one."""
        group, sent = self._groups.get(name), 0
        if group is None and (declared := self._declared_for(name)).history:
            self.check_sending((name,))
            group = self._make(name, declared)  # who comes later hears it
        if group is not None:
            sent = group.send(frame, self._clock(), but)
        self.events += 1
        self.deliveries += sent
        return sent

    async def open(self, names: Iterable[str]) -> bool:
        """Have what the store has of these groups read, within OPENING seconds; whether that was waited for.

        Where it was, what a caller found before may have changed.
        """
        found = []
        for name in names if self.histories.keeps else ():
            group = self._groups.get(name)
            if group is None and len(self._groups) < MAX_GROUPS and (declared := self._declared_for(name)).keep:
                group = self._make(name, declared)
            found += [group] if group is not None else []
        return await self.histories.opened(found, OPENING)

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
        self.memberships -= 1
        if not member.is_present:
            member.forget(group.name)
        if group.presence is not None and member.is_present:
            group.presence.went(member, left=left)
        if group.declared.feed:
            self.feeds.went(group.name, member.caller, last=not group.members)
        if not group.members:
            self.states.emptied(group.name)
        self._forget_if_empty(group)

    def _make(self, name: str, declared: Declared) -> Group:
        group = self._groups[name] = Group(name, declared, self._later)
        self.histories.tend(group)
        return group

    def _forget_if_empty(self, group: Group) -> None:
        if group.members:
            return
        if group.kept is not None:
            self.histories.rest(group)
        elif not group.history:
            self._forget(group)

    def _forget(self, group: Group) -> None:
        self._groups.pop(group.name, None)
        if group.presence is not None:
            group.presence.stop()
            group.presence = None  # the two would live until a garbage collection

    def _declared_for(self, name: str) -> Declared:
        return next((one for one in self._declared if one.pattern.match(name) is not None), PLAIN)


def _call_later(seconds: float, act: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, act)
