"""What is put into a file is all that changes of it: its bytes are there as they were, and so is its data."""

from __future__ import annotations

import codecs
import json
import re
import textwrap
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.config.insertion import Insertion, insert
from jackfield.config.source import compose

ENTRY: dict[str, Any] = {
    "url": "/ws/rooms/{room}",
    "process": "chat.say",
    "auth": {"roles": ["support"]},
    "summary": 'Говорит "всем" # 👋',
}
STEPS: list[Any] = [{"send": {"message": "Привет 👋\u2028\x07"}, "expect": {"message": ": - #", "n": 1.0, "on": None}}]
GREETING = {"name": "Приветствие", "steps": STEPS}
GROUP = {"presence": True, "history": 50}
PLACES: list[tuple[tuple[str, ...], Any]] = [
    (("endpoints", "new"), ENTRY),
    (("endpoints", "say", "examples"), [GREETING]),
    (("groups", "room:{room}"), GROUP),
]


def put(text: str, path: tuple[str, ...] = ("endpoints", "new"), value: Any = None) -> str:
    """The text with ENTRY in it, as a person would read it."""
    return insert(textwrap.dedent(text).encode(), "endpoints.yaml", path, value or ENTRY, bare=True).content.decode()


def check(content: bytes, path: tuple[str, ...], value: Any, found: Insertion) -> None:
    """Hold what was put in against what was there."""
    added = found.added.encode()
    assert len(found.content) == len(content) + len(added)
    splits = (at for at in range(len(content) + 1) if content[:at] + added + content[at:] == found.content)
    assert next(splits, None) is not None, "one piece was put in, and nothing else moved"
    before, after = (compose(one, "x").data for one in (content, found.content))
    ends = set(re.findall(rb"\r\n|\n|\r", content))
    assert len(ends) != 1 or set(re.findall(rb"\r\n|\n|\r", added)) <= ends, "its lines end as the others do"
    *around, last = path
    wanted = before = before or {}
    for key in around:
        wanted = wanted.setdefault(key, {}) if wanted.get(key) is not None else wanted.update({key: {}}) or wanted[key]
    wanted[last] = [*wanted[last], *value] if wanted.get(last) else value
    assert json.dumps(after) == json.dumps(before)
    begins = found.content.removeprefix(codecs.BOM_UTF8).decode().splitlines()[found.line - 1]
    assert found.added.strip(", \r\n").splitlines()[0].strip() in begins


COMMENTS = st.sampled_from(["# конец 👋", "#", "# url: /ws/old", "# - name: x"])
SAID = st.sampled_from(
    ['"Привет, 👋 #5"', "'да'", "plain text", "|\n{p}  первая\n{p}  # no comment\n", ">-\n{p}  a\n\n"]
)


@st.composite
def endpoints(draw: st.DrawFn, name: str, column: int, step: int) -> list[str]:
    """The lines of one endpoint, in one of the ways in which people write it."""
    pad, inner = " " * column, " " * (column + step)
    if draw(st.integers(0, 4)) == 0:
        return [f"{pad}{name}: {{url: /ws/{name}, process: p.{name}}}  {draw(COMMENTS)}"]
    said = draw(SAID).replace("{p}", inner).rstrip("\n").split("\n")
    lines = [f"{pad}{name}:{draw(st.sampled_from(['', '  # имя', ' &a']))}", f"{inner}url: /ws/{name}"]
    lines += [f"{inner}process: p.{name}{draw(st.sampled_from(['', ' # функция']))}"]
    summary = [f"{inner}summary: {said[0]}", *said[1:]]
    dash = " " * (column + step + draw(st.sampled_from([0, 2])))
    shown = draw(
        st.sampled_from([[], [f"{inner}examples: []"], [f"{inner}examples:", f"{dash}- {{name: a, steps: []}}"]])
    )
    lines += draw(st.permutations([summary, shown])).pop() if draw(st.booleans()) else [*summary, *shown]
    return lines + draw(st.sampled_from([[], [""], ["", inner + draw(COMMENTS)], [pad + draw(COMMENTS)]]))


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file that is fine, in one of many layouts."""
    step = draw(st.sampled_from([1, 2, 3, 4]))
    names = ["say", *draw(st.sampled_from([[], ["b"], ["b", "привет"]]))]
    ours = ["endpoints:", *(line for name in names for line in draw(endpoints(name, step, step)))]
    groups = draw(
        st.sampled_from(
            [
                [],
                ["groups:", " " * step + '"room:{x}": {presence: true}', draw(COMMENTS)],
                ["groups: {}", ""],
                ["groups:", f"   {draw(COMMENTS)}"],
                ["groups: {a: {history: 5}, b: {}}"],
            ]
        )
    )
    title = draw(st.sampled_from([[], ['title: "Поддержка 👋"', ""], ["x-a: &x [1, 2]", draw(COMMENTS)]]))
    parts = draw(st.permutations([ours, groups, title]))
    lines = draw(st.sampled_from([[], ["---"], ["# yaml-language-server: x", ""]])) + [
        y for part in parts for y in part
    ]
    lines += draw(st.sampled_from([[], [""], ["", draw(COMMENTS)], ["..."]]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = end.join(lines) + draw(st.sampled_from([end, ""]))
    return draw(st.sampled_from([b"", codecs.BOM_UTF8])) + text.encode()


@given(files(), st.sampled_from(PLACES))
def test_a_file_in_any_layout_gets_what_was_asked_for_and_nothing_else(
    content: bytes, place: tuple[tuple[str, ...], Any]
) -> None:
    try:
        found = insert(content, "endpoints.yaml", *place)
    except ValueError:
        assert content.endswith(b"# no comment"), "where the line end would become part of a text that stands there"
        return
    check(content, *place, found)


SIGNS = [
    "{",
    "}",
    "[",
    "]",
    ",",
    "- ",
    "? ",
    ": ",
    "#",
    " # x",
    "|\n",
    ">+\n",
    "|-",
    "&a ",
    "*a",
    '"',
    "'",
    "\t",
    "я👋",
]
WORDS = ["endpoints:", " ", "  ", "\n", "\r\n", "say:", "a: b", "---\n", "...\n", "examples:", "groups:", "%YAML 1.2\n"]
PIECES = st.sampled_from([*SIGNS, *WORDS])


@example(b"endpoints:\n  say: {}", PLACES[1])
@given(st.lists(PIECES, max_size=14).map("".join).map(str.encode), st.sampled_from(PLACES))
def test_whatever_stands_in_a_file_is_kept_or_refused(content: bytes, place: tuple[tuple[str, ...], Any]) -> None:
    with suppress(ValueError):
        check(content, *place, insert(content, "endpoints.yaml", *place))


NEW = """\
  new:
    url: /ws/rooms/{room}
    process: chat.say
    auth: {roles: [support]}
    summary: "Говорит \\"всем\\" # 👋"
"""


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("", ""),
        ("endpoints:\n", ""),
        ("endpoints:\n  a: {url: /a}\n", "\n# what follows is of groups\ngroups: {}\n"),
        ("endpoints:\n  a:\n    url: /a\n    # b: 1\n\n  # and this\n", "\n"),
        ("endpoints:\n  a:\n    description: |+\n      text\n\n\n", "title: x\n"),
        ("endpoints:\n  a:\n    description: |\n      text\n", "\n\ntitle: x\n"),
    ],
)
def test_it_stands_where_a_person_would_write_it(before: str, behind: str) -> None:
    assert put(before + behind) == (before or "endpoints:\n") + NEW + behind


def test_blank_lines_part_it_from_the_others_where_they_part_those() -> None:
    text = "endpoints:\n  a:\n    b: 1\n\n  # the second\n  c: {}\n"
    assert put(text + "\n...\n") == f"{text}\n{NEW}\n...\n"


def test_it_is_indented_as_its_neighbours_are() -> None:
    text = "endpoints:\n    a:\n        url: /a\n        examples:\n        - name: x\n          steps: []"
    assert put(text).endswith(
        "\n    new:\n        url: /ws/rooms/{room}\n" + NEW.split("\n", 2)[2].replace("    ", " " * 8)[:-1]
    )
    added = put(text, ("endpoints", "a", "examples"), [{"name": "y", "steps": [{"send": {"a": "x" * 100}}]}])
    wanted = f"\n        - name: y\n          steps:\n          - send:\n                  a: {'x' * 100}"
    assert added == text + wanted.replace(" " * 18, " " * 16)


def test_between_brackets_it_is_written_between_brackets() -> None:
    assert put("endpoints: {}").startswith('endpoints: {new: {url: "/ws/rooms/{room}", process: chat.say, auth:')
    assert put("endpoints: {\n  a: {},\n}").startswith("endpoints: {\n  a: {},\n  new: {url:")
    as_json = put('{"endpoints": {"a": {"url": "/a"}}}')
    assert json.loads(as_json)["endpoints"]["new"] == ENTRY


def test_what_no_file_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="half of a letter"):
        put("", value={"summary": "\udcff"})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("endpoints: [1\n", "mend this first: endpoints.yaml:"),
        ("a: 1\na: 2\n", 'mend this first: endpoints.yaml:2:1: a: the key "a" stands twice'),
        ("[a]\n", "endpoints.yaml holds no keys"),
        ("endpoints: 5\n", "`endpoints` in endpoints.yaml holds no keys"),
        ("endpoints: {new: {}}\n", "`endpoints.new` stands in endpoints.yaml already"),
        ("x-a: &a {b: {}}\nendpoints: *a\n", "endpoints.yaml is written in a way that nothing can be added to"),
        ("endpoints: {a: {} # why\n}\n", "write it in by hand"),
        ("endpoints:\n  a:\n    b: |\n      text", "write it in by hand"),
    ],
)
def test_what_cannot_be_added_to_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        put(text)
