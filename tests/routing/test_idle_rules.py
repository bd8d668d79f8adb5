"""Warnings of rules for joins that have no effect."""

from __future__ import annotations

import pytest

from tests.routing.conftest import Build, Write

CODE = """
from jackfield import Connection, process

@process
async def enter(symbol: str, connection: Connection) -> None:
    await connection.join(symbol)

@process
def say(text: str) -> str:
    return text
"""
RULED = 'groups: {news: {}, "quotes:{symbol}": {may_join: anyone}}'
BARE = 'groups: {"quotes:{symbol}": {}}'


@pytest.mark.parametrize(
    ("groups", "keys", "path", "words"),
    [
        (RULED, "actions: {subscribe: group.join}", "", ""),
        (RULED, "process: p.enter", "", ""),
        (BARE, "process: p.say", "", ""),
        (
            BARE,
            "actions: {say: p.say, subscribe: group.join}",
            "endpoints.desk.actions.subscribe.process",
            "none under",
        ),
        (BARE, "process: group.join", "endpoints.desk.process", "write `may_join: anyone`"),
        (RULED, "actions: {say: p.say, out: group.leave}", "groups.quotes:{symbol}.may_join", "nobody can ask to join"),
    ],
)
def test_rules_that_have_no_effect_are_warned_of(
    groups: str, keys: str, path: str, words: str, write_project: Write, built: Build
) -> None:
    table = built(write_project(f"{groups}\nendpoints:\n  desk: {{url: /ws/desk, {keys}}}\n", CODE))
    assert [(one.severity, one.code, one.path) for one in table.warnings] == (
        [("warning", "bad_group", path)] if path else []
    )
    assert words in "".join(map(str, table.warnings))
