"""Clients that choose their groups: who is let in by `may_join`, and who is put out when that or a role changes."""

from __future__ import annotations

from typing import Any, cast

from jackfield.errors import Refusal
from jackfield.groups.group import Listener
from jackfield.groups.names import fault
from jackfield.process.connection import Connection, outbox_of, with_params
from jackfield.process.signature.written import GROUPS
from jackfield.routing.feeds import Feed
from jackfield.routing.joining import Rule
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.generation import Generation
from jackfield.server.live import GroupMember, Live
from jackfield.server.members import Members

__all__ = ["Joining", "put_out"]

_TRIES = 3  # where publishes come in between


class Joining(Members):
    """The Backend of Groups: asks the rules of the generation that is live."""

    def __init__(self, live: Live, dispatcher: Dispatcher) -> None:
        super().__init__(live)
        self._dispatcher = dispatcher

    async def join(self, connection: Connection, group: str) -> None:
        """Let a client enter a group where `may_join` lets it; raises also what a process of the project does.

        Raises Refusal `group_forbidden`, `group_full`.
        """
        await self._check(connection, group)
        if await self._live.groups.open((group,)):
            await self._check(connection, group)
        cast(GroupMember, outbox_of(connection).membership).ask(group)

    def leave(self, connection: Connection, group: str) -> None:
        """Let a client leave a group that it might join. Raises Refusal `group_forbidden`."""
        self._rule(group)
        outbox_of(connection).membership.leave(group)

    async def _check(self, connection: Connection, group: str) -> None:
        for _ in range(_TRIES):
            generation = self._live.generation
            rule = self._rule(group)
            if not rule.admits(connection.identity.roles, group):
                raise Refusal("group_forbidden", f'"{group}" is for callers with another role.')
            if rule.process is None:
                return
            generation.enter()
            try:
                admitted = await self._ask(generation, rule.process, connection, group)
            finally:
                generation.leave()
            if admitted is not True:
                raise Refusal("group_forbidden", f'The caller may not join "{group}".')
            if generation is self._live.generation:
                return
        raise Refusal("group_forbidden", "The rules changed meanwhile.", "Try again.")

    def _rule(self, group: str) -> Rule:
        """Raises Refusal `group_forbidden` where no client may join by itself."""
        if wrong := fault(group):
            raise Refusal("group_forbidden", f"No group has such a name: {wrong}.")
        rule = self._live.generation.table.joining.get(self._live.groups.pattern_of(group).text)
        if rule is None:
            raise Refusal("group_forbidden", f'No client may join "{group[:80]}" by itself.')
        return rule

    async def _ask(self, generation: Generation, process: Feed, connection: Connection, group: str) -> Any:
        try:
            texts = self._live.groups.pattern_of(group).match(group)
            params = process.params(texts or {})
        except ValueError as exc:
            raise Refusal("group_forbidden", f"There is no such group: {exc}.") from None
        resources = {**generation.resources, GROUPS: self._dispatcher.groups}
        of_group = with_params(connection, params)

        def made() -> Any:
            return process.signature.call(process.process.function, None, of_group, resources)

        if process.process.kind == "async":
            return await made()
        return await self._dispatcher.in_thread(made) if process.process.blocking else made()


def put_out(live: Live, listener: Listener) -> None:
    """Take a client out of the groups that it joined by itself and may not join any more, as far as roles say."""
    rules = live.generation.table.joining
    for name in tuple(live.groups.asked.get(listener, ())):
        rule = rules.get(live.groups.pattern_of(name).text)
        if rule is None or not rule.admits(listener.identity.roles, name):
            live.groups.put_out(listener, name)
