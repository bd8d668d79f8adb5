"""No bytes whatsoever raise anything: every file is a plan, problems with places inside the file, or both."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.config.load import Loaded, load

GOOD = """\
title: "Поддержка"
auth: {cookie: {name: x, same_site: lax}, path: /account, session: 8h, idle: off, token_in_body: false}
roles: {support: "Agents", lead: null}
defaults: {origins: ["https://app.example.com"], limits: {time: 5s}}
endpoints:
  say:
    type: GET
    url: /ws/rooms/{room}
    process: chat.say
    auth: {roles: [support]}
    input: {properties: {text: {maxLength: 500, pattern: "^a+$"}}, $defs: {a: {format: uuid}}}
    limits: {message: 64KiB, ping: off, connections: 5}
    subprotocols: [chat.v2]
    tags: &t ["Чат"]
    examples:
      - name: "Привет"
        steps:
          - send: {message: "Привет"}
            expect: {message: "Привет!"}
  open: {url: /ws/open, process: a.b, auth: public, origins: any, tags: *t}
"""
WORDS = r"""
null 5 -1 1e3 true .nan [] {} [[]] {a:b} '' : - # *t << | > ' " % @ / \ { } [ ] , ~ 👋
""".split()  # noqa: SIM905 - words to read, not a column of quotes
SPACED = [" ", "\t", "\n", ": ", "- ", "? ", " #x", "&t ", "!!x ", "---\n", "...\n", "{a: b}", "type: 5", "x-a: 1"]
PIECES = st.sampled_from([*WORDS, *SPACED, "\u2028", "\x00", "\ud7ff", "9" * 400, "$ref: '#'"])


def loaded(content: bytes) -> Loaded:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "endpoints.yaml").write_bytes(content)
        return load(Path(folder))


def check(content: bytes) -> None:
    found = loaded(content)
    lines = content.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")
    for problem in found.problems:
        assert 0 <= problem.line <= len(lines), problem
        assert problem.line == 0 or 1 <= problem.column <= len(lines[problem.line - 1]) + 2, problem
        assert str(problem)
        assert "\n" not in str(problem)
    assert found.fine or found.problems


def test_the_good_file_is_good() -> None:
    assert loaded(GOOD.encode()).problems == ()


@given(st.integers(0, len(GOOD)), st.integers(0, 12), PIECES | st.text(max_size=8))
def test_a_good_file_with_something_in_it_that_does_not_belong(start: int, length: int, piece: str) -> None:
    check((GOOD[:start] + piece + GOOD[start + length :]).encode("utf-8", "replace"))


@given(st.lists(st.tuples(st.integers(0, GOOD.count("\n") - 1), PIECES), min_size=1, max_size=4))
def test_a_good_file_with_other_values(changes: list[tuple[int, str]]) -> None:
    lines = GOOD.splitlines()
    for number, piece in changes:
        key = lines[number].partition(":")[0]
        lines[number] = f"{key}: {piece}"
    check("\n".join(lines).encode())


@given(st.lists(PIECES, max_size=30))
@example(["a: 1\n"] * 99 + ["a: 1\n", "'"])
def test_pieces_of_yaml(pieces: list[str]) -> None:
    check("".join(pieces).encode())


@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    check(content)
