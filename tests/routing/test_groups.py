"""The groups of a plan: patterns with the parameters that there are, and none that strangers share by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.errors import PlanError
from jackfield.groups.group import Declared
from jackfield.routing.build import build
from tests.projects import SAY, write


def faults(folder: Path, text: str, chat: str = SAY) -> list[tuple[str, str, str]]:
    with pytest.raises(PlanError) as caught:
        build(write(folder, text, chat=chat), 1)
    return [(problem.code, problem.path, problem.message) for problem in caught.value.problems]


def endpoint(more: str, name: str = "room") -> str:
    return f"  {name}: {{url: '/ws/{name}/{{room}}', process: chat.say, {more}}}\n"


def test_patterns_and_what_is_declared_stand_in_the_table(tmp_path: Path) -> None:
    text = (
        'groups:\n  "room:{room}": {history: {last: 50, keep: 7d}, presence: {grace: 5s}, members: 9}\n'
        '  "seen:{x}": {presence: count, history: {last: 9}}\n'
    )
    text += "endpoints:\n" + endpoint("group: ['room:{room}', 'of:{login}:{endpoint}'], reply_to: others")
    table = build(write(tmp_path, text, chat=SAY), 1)
    found = [(one.pattern.text, one.history, one.keep, one.members, one.presence, one.grace) for one in table.groups]
    assert found == [("room:{room}", 50, 604_800.0, 9, "names", 5.0), ("seen:{x}", 9, 0.0, None, "count", 15.0)]
    assert all(isinstance(one, Declared) for one in table.groups)
    assert [pattern.text for pattern in table.routes["room"].groups] == ["room:{room}", "of:{login}:{endpoint}"]
    table.catalog.release()


LINES = """\
from collections.abc import Iterator
from typing import Any, TypedDict
from jackfield import process

class Said(TypedDict):
    text: str
    name: int  # ours wins

@process
def classed(text: str) -> Said: ...

@process
def streamed(text: str) -> Iterator[dict[str, int]]:
    yield {}

@process(reply="t")
def bare(text: str) -> int: ...

@process
def unhinted(text: str): ...

@process
def silent(text: str) -> None: ...
"""
FROM = "from: str | null, name?: str"


def test_the_shape_is_that_of_the_event_which_others_hear(tmp_path: Path) -> None:
    shapes = {
        "classed": f'group: {{event: "сказано", {FROM}, text: str}}',
        "streamed": f'group: many {{event: "streamed", {FROM}, …: int}}',
        "bare": f'others: {{event: "bare", {FROM}, t: int}}',
        "unhinted": f'group: {{event: "unhinted", {FROM}, …: any}}',
        "silent": "nothing",
    }
    more = {"classed": ", event: сказано", "bare": ", reply_to: others"}
    actions = "".join(f"      {name}: {{process: lines.{name}{more.get(name, '')}}}\n" for name in shapes)
    text = "endpoints:\n  room:\n    url: /ws/room\n    group: room\n    reply_to: group\n    actions:\n" + actions
    table = build(write(tmp_path, text, lines=LINES), 1)
    expected = [f"{name} {{text: str}} -> {shape}" for name, shape in shapes.items()]
    assert table.routes["room"].signature.shape == " | ".join(expected)
    table.catalog.release()


def test_a_pattern_that_looks_misspelt_is_a_warning(tmp_path: Path) -> None:
    text = 'groups:\n  "rooms:{room}": {history: 50}\n  "news:{x}": {}\nendpoints:\n' + endpoint("group: 'room:{room}'")
    table = build(write(tmp_path, text, chat=SAY), 1)
    (warning,) = [one for one in table.warnings if one.code == "bad_group"]
    assert (warning.severity, warning.path, warning.hint) == (
        "warning",
        "groups.rooms:{room}",
        'did you mean "room:{room}"?',
    )
    table.catalog.release()


JOINS = (
    SAY
    + """
from jackfield import Connection, Groups, process
@process
async def enter(room: str, connection: Connection, groups: Groups) -> None:
    {body}
"""
)


@pytest.mark.parametrize(
    ("body", "settings", "warned"),
    [
        ("await connection.join(f'rooms:{room}')", "history: 50", False),
        ("await connection.join(groups.name('rooms:{room}', room=room))", "history: 50", False),
        ("await connection.join(room)", "history: 50", False),  # which may be any
        ("await connection.join('lobby')", "history: 50", True),
        ("', '.join(room)", "may_join: anyone", False),
        ("', '.join(room)", "history: 50", True),
    ],
)
def test_a_group_that_is_only_joined_is_not_misspelt(tmp_path: Path, body: str, settings: str, warned: bool) -> None:
    text = f'groups:\n  "rooms:{{room}}": {{{settings}}}\nendpoints:\n' + endpoint("group: 'room:{room}'")
    text += "  more: {url: /ws/more, actions: {enter: chat.enter, subscribe: group.join}}\n"
    table = build(write(tmp_path, text, chat=JOINS.replace("{body}", body)), 1)
    assert [one.path == "groups.rooms:{room}" for one in table.warnings if "no endpoint has" in one.message] == (
        [True] if warned else []
    )
    table.catalog.release()


@pytest.mark.parametrize(
    ("more", "at", "message"),
    [
        ("group: '{room}'", "group", "begins with literal text"),
        ("group: 'room:{rom}'", "group", "no path parameter of /ws/room/{room}"),
        ("group: 'of:{login}', auth: public", "group", "needs callers who are logged in"),
        ("group: 'of:{login}', auth: optional", "group", "needs callers who are logged in"),
        ("reply_to: group", "reply_to", "has no group"),
        ("group: 'r:{room}', reply_to: group, limits: {message: 2MiB}", "reply_to", "over limits.queue"),
        ("group: 'r:{room}', reply_to: group, event: history", "event", "event of Jackfield itself"),
    ],
)
def test_what_cannot_be_carried_out_is_named(tmp_path: Path, more: str, at: str, message: str) -> None:
    ((code, path, text),) = faults(tmp_path, "endpoints:\n" + endpoint(more))
    assert (code, path) == ("bad_group", f"endpoints.room.{at}")
    assert message in text


def test_a_path_parameter_with_a_word_of_ours_is_not_guessed_at(tmp_path: Path) -> None:
    text = "endpoints:\n  room: {url: '/ws/{login}', process: chat.say, group: 'of:{login}'}\n"
    ((code, _, message),) = faults(tmp_path, text)
    assert code == "bad_group"
    assert "path parameter and a word" in message


def test_strangers_share_a_group_only_where_that_is_declared(tmp_path: Path) -> None:
    both = endpoint("group: 'help:{room}', auth: public", "visit") + endpoint("group: 'help:{room}'", "desk")
    ((code, path, message),) = faults(tmp_path, "endpoints:\n" + both)
    assert (code, path) == ("bad_group", "endpoints.desk.group")
    assert '"visit"' in message
    build(write(tmp_path, 'groups:\n  "help:{room}": {}\nendpoints:\n' + both), 2).catalog.release()


@pytest.mark.parametrize(
    ("settings", "at", "bounds"),
    [
        ("presence: {grace: 25h}", "presence.grace", "from 0s to 1d"),
        ("history: {last: 9, keep: 0s}", "history.keep", "from 1s to 3650d"),
        ("history: {last: 9, keep: 3651d}", "history.keep", "from 1s to 3650d"),
    ],
)
def test_times_have_bounds(tmp_path: Path, settings: str, at: str, bounds: str) -> None:
    text = f'groups:\n  "r:{{a}}": {{{settings}}}\nendpoints:\n' + endpoint("auth: public")
    with pytest.raises(PlanError) as caught:
        build(write(tmp_path, text, chat=SAY), 1)
    (found,) = caught.value.problems
    assert (found.code, found.path, found.hint) == ("wrong_value", f"groups.r:{{a}}.{at}", bounds)


@pytest.mark.parametrize(
    "process",
    ["process: chat.say", "process: chat.sya", "process: chat.bad", "actions: {say: chat.sya, on: chat.bad}"],
)
def test_no_fault_of_a_group_hides_another(tmp_path: Path, process: str) -> None:
    text = 'groups:\n  "r:{a}": {history: {last: 5000, keep: 0s}, presence: {shw: 1, grace: 25h}}\nendpoints:\n'
    text += endpoint("group: 'r:{b}', auth: {roles: ['of-{b}']}, event: left, feed: chat.nope, on_connect: chat.nope")
    bad = "from jackfield import Connection\n@process\ndef bad(a: Connection, b: Connection) -> complex: ...\n"
    found = {path for _, path, _ in faults(tmp_path, text.replace("process: chat.say", process), SAY + bad)}
    of_group = {"history.last", "history.keep", "presence", "presence.grace"}
    of_endpoint = {"group", "auth.roles", "event", "feed", "on_connect"}
    expected = {f"groups.r:{{a}}.{one}" for one in of_group} | {f"endpoints.room.{one}" for one in of_endpoint}
    assert expected <= found


def test_what_is_for_events_is_told_beside_what_is_wrong_with_the_endpoint(tmp_path: Path) -> None:
    text = 'groups:\n  "r:{a}": {history: 5, may_join: anyone}\nendpoints:\n'
    text += endpoint("messages: text, group: ['r:{room}', 'x:{b}'], input: {type: object}")
    found = [path for _, path, _ in faults(tmp_path, text)]
    assert {*found} >= {"groups.r:{a}.history", "groups.r:{a}.may_join", "endpoints.room.input"}
    assert found.count("endpoints.room.group") == 2


def test_keep_beside_history_is_told_where_it_stands(tmp_path: Path) -> None:
    text = 'groups:\n  "r:{a}": {history: 5, keep: 7d}\nendpoints:\n' + endpoint("auth: public")
    with pytest.raises(PlanError) as caught:
        build(write(tmp_path, text, chat=SAY), 1)
    assert "`keep` stands in `history`: {last: 50, keep: 7d}" in caught.value.problems[0].hint


@pytest.mark.parametrize(("hint", "is_sound"), [("bool", True), ("str", False)])
def test_who_says_who_may_join_gives_true_or_false(tmp_path: Path, hint: str, is_sound: bool) -> None:
    text = 'groups:\n  "r:{a}": {may_join: may.ask}\nendpoints:\n' + endpoint("group: 'r:x'")
    code = f"from jackfield import process\n\n\n@process\ndef ask(a: str) -> {hint}:\n    return {hint}()\n"
    folder = write(tmp_path, text, chat=SAY, may=code)
    if is_sound:
        build(folder, 3).catalog.release()
        return
    with pytest.raises(PlanError) as caught:
        build(folder, 3)
    found = {(problem.path, problem.hint) for problem in caught.value.problems}
    assert ("groups.r:{a}.may_join", "write `-> bool`") in found


def test_two_declared_patterns_may_not_make_one_name(tmp_path: Path) -> None:
    text = 'groups:\n  "r:{a}": {}\n  "r:{b}": {history: 1}\n  "$x": {}\nendpoints:\n' + endpoint("auth: public")
    found = faults(tmp_path, text)
    assert [code for code, *_ in found] == ["bad_group", "bad_group"]
    assert {path for _, path, _ in found} == {"groups.r:{b}", "groups.$x"}
