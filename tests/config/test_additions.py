from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.config.additions import NewEndpoint, example_text, with_endpoint, with_example
from jackfield.config.load import load
from jackfield.config.source import compose

MAIN = """\
title: "Поддержка 👋"
endpoints:
  say:
    url: /ws/say
    process: chat.say
    examples:
      - name: "Первый"
        steps: [{send: {}}]
"""
MORE = "endpoints:\r\n    far:\r\n        url: /ws/far\r\n        process: chat.say"
SAID = {"name": "Второй 👋", "steps": [{"send": {"text": "да"}, "expect_error": "invalid_message"}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "endpoints.yaml").write_text(MAIN, "utf-8")
    (tmp_path / "endpoints").mkdir()
    (tmp_path / "endpoints" / "far.yaml").write_bytes(MORE.encode())
    return tmp_path


def room(**more: Any) -> NewEndpoint:
    return NewEndpoint("room", "/ws/rooms/{room}", "chat.say", group="room:{room}", **more)


def test_a_new_endpoint_stands_in_the_file_with_what_its_group_has(folder: Path) -> None:
    made = with_endpoint(folder, room(reply_to="group", auth={"roles": ["support"]}, presence=True, history=50))
    entry = """\
  room:
    url: /ws/rooms/{room}
    process: chat.say
    auth: {roles: [support]}
    group: "room:{room}"
    reply_to: group
"""
    of_group = 'groups:\n  "room:{room}":\n    presence: true\n    history: 50\n'
    assert made.content.decode() == MAIN + entry + of_group
    assert (made.file, made.text, made.line) == ("endpoints.yaml", entry + of_group, 9)
    (folder / "endpoints.yaml").write_bytes(made.content)
    loaded = load(folder)
    assert loaded.fine
    assert loaded.plan.endpoint("room").summary == ""


@pytest.mark.parametrize(
    ("groups", "after"),
    [
        ('groups:\n  "room:{room}": {presence: true}\n', '  "room:{room}": {presence: true, history: 50}\n'),
        ('groups:\n  "room:{room}":\n', '  "room:{room}":\n    presence: true\n    history: 50\n'),
        ("groups: {}\n", 'groups: {"room:{room}": {presence: true, history: 50}}\n'),
        ('groups: {"room:{room}": {history: 50, presence: true}}\n', "{history: 50, presence: true}}\n"),
    ],
)
def test_what_the_group_has_already_stays(folder: Path, groups: str, after: str) -> None:
    (folder / "endpoints.yaml").write_text(groups + MAIN, "utf-8")
    made = with_endpoint(folder, room(presence=True, history=50))
    before, _, rest = made.content.decode().partition("title:")
    assert before.endswith(after)
    assert rest.endswith('    group: "room:{room}"\n')
    assert made.content.decode().splitlines()[made.line - 1] == "  room:"


def test_an_example_stands_where_its_endpoint_does(folder: Path) -> None:
    made = with_example(folder, "say", SAID)
    text = example_text(SAID)
    assert (made.file, made.content.decode(), made.text, made.line) == ("endpoints.yaml", MAIN + text, text, 9)
    far = with_example(folder, "far", SAID)
    assert (far.file, far.line) == ("endpoints/far.yaml", 5)
    assert far.content.startswith(MORE.encode() + b"\r\n        examples:\r\n          - name: ")
    (folder / far.file).write_bytes(far.content)
    (found,) = load(folder).plan.endpoint("far").examples
    assert (found.name, [step.kind for step in found.steps]) == ("Второй 👋", ["send", "expect_error"])


def test_what_is_there_already_is_said_with_its_place(folder: Path) -> None:
    with pytest.raises(ValueError, match=r'"far" is there already: endpoints/far\.yaml:2$'):
        with_endpoint(folder, NewEndpoint("far", "/x", "a.b"))
    with pytest.raises(ValueError, match='the example "Первый" is there already'):
        with_example(folder, "say", {**SAID, "name": "Первый"})
    with pytest.raises(ValueError, match='there is no endpoint "sy" in the files'):
        with_example(folder, "sy", SAID)
    with pytest.raises(ValueError, match="belong to a group: name the endpoint's `group`"):
        with_endpoint(folder, NewEndpoint("new", "/x", "a.b", presence=True, history=5))
    (folder / "endpoints.yaml").write_text(MAIN + 'groups: {"room:{room}": {history: 5}}\n', "utf-8")
    with pytest.raises(ValueError, match="has another `history` already"):
        with_endpoint(folder, room(history=50))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["null", "- x", "a: b", "'", "\n#"]
)
FORMS = st.builds(
    NewEndpoint,
    TEXTS,
    TEXTS,
    TEXTS,
    summary=TEXTS,
    group=TEXTS.filter(bool),
    presence=st.just(True),
    history=st.integers(),
)


@given(FORMS)
def test_whatever_a_form_holds_is_in_the_file_as_it_was_given(wanted: NewEndpoint) -> None:
    with tempfile.TemporaryDirectory() as made:
        (Path(made) / "endpoints.yaml").write_text(MAIN, "utf-8")
        content = with_endpoint(Path(made), wanted).content
    data = compose(content, "endpoints.yaml").data
    assert data["endpoints"][wanted.name] == wanted.entry
    assert data["groups"] == {wanted.group: wanted.of_group}
