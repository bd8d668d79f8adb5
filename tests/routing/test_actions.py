"""An endpoint with actions: each is compiled as an endpoint of its own, and they agree on the address."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.errors import PlanError
from jackfield.routing.build import build, problems_of
from jackfield.routing.table import Route

CODE = """
from dataclasses import dataclass
from jackfield import process

@dataclass
class Line:
    text: str

@process
def say(lines: list[Line], room: str) -> Line: ...

@process
def count(room: int) -> int: ...

@process
def typed(action: str) -> None: ...

@process
async def stream(n: int):
    yield {"n": n}
"""
OTHER = """
from dataclasses import dataclass
from jackfield import process

@dataclass
class Line:
    number: int

@process
def add(line: Line, **more: str) -> None: ...
"""


def write(folder: Path, keys: str) -> Path:
    (folder / "processes").mkdir()
    (folder / "processes" / "chat.py").write_text(CODE, "utf-8")
    (folder / "processes" / "other.py").write_text(OTHER, "utf-8")
    text = f"endpoints:\n  desk:\n    url: /ws/desk/{{room}}\n    group: desk\n    {keys}\n"
    (folder / "endpoints.yaml").write_text(text, "utf-8")
    return folder


def compiled(folder: Path, keys: str) -> Route:
    table = build(write(folder, keys), 1)
    table.catalog.release()
    return table.routes["desk"]


def test_actions_inherit_from_their_endpoint_and_say_otherwise(tmp_path: Path) -> None:
    route = compiled(
        tmp_path,
        "reply_to: group\n    limits: {time: 5s, rate: 9/s}\n    actions:\n      say: chat.say\n      add: "
        "{process: other.add, reply_to: others, event: added, limits: {time: 1s, rate: 2/s}, summary: Строка}",
    )
    say, add = (route.actions[name].endpoint for name in ("say", "add"))
    assert (say.reply_to, say.event, say.limits.time, say.limits.rate) == ("group", "say", 5.0, None)
    assert (add.reply_to, add.event, add.limits.time, add.limits.rate) == ("others", "added", 1.0, 2.0)
    assert (add.summary, add.name, add.action) == ("Строка", "desk", "add")
    assert route.endpoint.limits.rate == 9.0


def test_what_all_actions_take_is_one_schema_in_which_classes_of_one_name_stay_apart(tmp_path: Path) -> None:
    route = compiled(tmp_path, "action_key: do\n    actions: {say: chat.say, add: other.add, stream: chat.stream}")
    valid = route.whole.is_valid
    assert valid({"do": "say", "lines": [{"text": "Привет"}]})
    assert not valid({"do": "say", "lines": [{"number": 1}]})
    assert valid({"do": "add", "line": {"number": 1}, "more": "да"})
    assert not valid({"do": "add", "line": {"text": "нет"}})
    assert not valid({"lines": []})
    assert set(route.signature.input_schema["$defs"]) == {"Line", "Line.add"}
    assert route.signature.replies == "many"
    assert route.example is not None
    assert valid(route.example)
    assert route.actions["say"].signature.decode(b'{"do":"say","lines":[]}') is not None


@pytest.mark.parametrize(
    ("keys", "code", "path", "message"),
    [
        ("actions: {say: chat.say, count: chat.count}", "bad_path_parameter", "actions.count", "read otherwise"),
        ("actions: {typed: chat.typed}", "bad_signature", "", "its key names the action"),
        ("actions: {say: chat.sya}", "unknown_process", "actions.say.process", 'no process is named "chat.sya"'),
        ("process: chat.say\n    actions: {say: chat.say}", "wrong_value", "actions", "`process` or `actions`"),
        (
            "actions: {say: {process: chat.say, auth: {roles: ['x-{roon}']}}}",
            "unknown_role",
            "say.auth.roles",
            "{roon}",
        ),
        ("actions: {out: group.remove}", "bad_group", "actions.out", "everybody who enters"),
        ("process: group.remove", "bad_group", "endpoints.desk", "everybody who enters"),
        ("actions: {}", "wrong_value", "actions", ""),
        ("actions: [chat.say]", "wrong_type", "actions", ""),
        ("actions: {say: 5}", "wrong_type", "actions.say", ""),
        ("actions: {say: {proces: chat.say}}", "unknown_key", "actions.say", '"proces"'),
        ("actions: {скажи: chat.say}", "wrong_value", "actions.скажи", ""),
        ("actions: {say: {process: chat.say, auth: public}}", "wrong_type", "actions.say.auth", ""),
        ("actions: {say: {process: chat.say, event: joined}}", "bad_group", "actions.say.event", "Jackfield itself"),
        ("actions: {say: {process: chat.say, input: {required: [no]}}}", "input_mismatch", "input.required", '"no"'),
    ],
)
def test_what_is_wrong_is_said_at_the_action(tmp_path: Path, keys: str, code: str, path: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        build(write(tmp_path, keys), 1)
    found = [(one.code, one.path, one.message) for one in caught.value.problems if one.severity == "error"]
    assert any(one[0] == code and path in one[1] and message in one[2] for one in found), found


def test_what_is_no_name_of_a_process_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as caught:
        build(write(tmp_path, "actions: {say: chat.say, go: chat say}"), 1)
    (problem,) = caught.value.problems
    assert (problem.path, "the file's name and the function's name" in problem.hint) == (
        "endpoints.desk.actions.go",
        True,
    )


def test_processes_of_actions_are_looked_up_without_an_import(tmp_path: Path) -> None:
    problems, plan = problems_of(write(tmp_path, "actions: {say: chat.say, ad: other.ad}"))
    assert [(one.code, one.hint) for one in problems] == [
        ("unknown_process", 'did you mean "other.add"? If not, write `@process` above `def ad` in processes/other.py')
    ]
    assert [action.name for action in plan.endpoints[0].actions] == ["say", "ad"]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("[{send: {action: say, lines: []}}]", ""),
        ("[{send: {action: sey, lines: []}}]", 'names no action; did you mean "say"?'),
        ("[{send: {lines: []}}]", "is missing; it names the action: say"),
        ("[{send: {action: say, lines: [{text: 1}]}}]", "must be a text"),
    ],
)
def test_examples_are_checked_against_the_action_that_they_name(tmp_path: Path, steps: str, message: str) -> None:
    keys = (
        f"actions: {{say: {{process: chat.say, examples: [{{name: Слова, params: {{room: зал}}, steps: {steps}}}]}}}}"
    )
    if not message:
        assert compiled(tmp_path, keys).example == {"action": "say", "lines": []}
        return
    with pytest.raises(PlanError) as caught:
        build(write(tmp_path, keys), 1)
    (problem,) = caught.value.problems
    assert (problem.code, message in problem.message) == ("example_mismatch", True), problem
    assert "actions.say.examples.0" in problem.path


def test_actions_may_all_give_nothing(tmp_path: Path) -> None:
    route = compiled(tmp_path, "action_key: what\n    actions: {typing: chat.typed, on: chat.typed}")
    assert (route.signature.replies, route.signature.reply_schema) == ("none", None)
