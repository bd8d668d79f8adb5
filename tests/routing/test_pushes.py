"""What a `push` in an example may say: an event, and a group or a user that a client of the example hears."""

from __future__ import annotations

import pytest

from jackfield.errors import PlanError
from tests.routing.conftest import Build, Write

CODE = """
from jackfield import Connection, process

@process
async def join(group: str, connection: Connection) -> None:
    await connection.join(group)
"""
ENDPOINTS = """
groups: {{"quotes:{{symbol}}": {{history: 1}}}}
endpoints:
  news: {{url: "/ws/news/{{number}}", process: "", auth: public, group: ["news:{{number}}", "all:{{endpoint}}"]{0}}}
  notes: {{url: /ws/notes, group: "notes:{{login}}", limits: {{queue: 64KiB}}{1}}}
  desk: {{url: /ws/desk, process: p.join{2}}}
"""
NAMES = ("news", "notes", "desk")
ANNA = "as: {login: anna}, "


def reported(endpoint: str, step: str, more: str, write_project: Write, built: Build) -> list[str]:
    example = f", examples: [{{{more}steps: [{{push: {{{step}}}}}]}}]"
    text = ENDPOINTS.format(*(example if name == endpoint else "" for name in NAMES)).replace('process: "", ', "")
    try:
        return [str(problem) for problem in built(write_project(text, CODE)).warnings]
    except PlanError as exc:
        return [str(problem) for problem in exc.problems]


@pytest.mark.parametrize(
    ("endpoint", "step", "more"),
    [
        ("news", 'group: "news:7", event: {event: "👋"}', "params: {number: 7}, "),
        ("news", 'group: "all:news", event: {event: said}', ""),
        ("news", 'group: "news:8", event: {event: said}', ""),  # no params: any that fit
        ("notes", 'group: "notes:%D0%B0", event: {event: said}', "as: {login: а}, "),
        ("notes", "user: anna, endpoint: notes, event: {event: said}", ANNA),
        ("desk", 'group: "quotes:A", event: {event: said}', ""),  # the process may join it
    ],
)
def test_what_is_heard_is_fine(endpoint: str, step: str, more: str, write_project: Write, built: Build) -> None:
    assert reported(endpoint, step, more, write_project, built) == []


LONG = "я" * 33_000


@pytest.mark.parametrize(
    ("endpoint", "step", "more", "words"),
    [
        ("news", 'group: "weather", event: {event: said}', "params: {number: 7}, ", "they are in news:7, all:news"),
        ("news", 'group: "all:nws", event: {event: said}', "params: {number: 7}, ", 'did you mean "all:news"?'),
        ("notes", 'group: "notes:boris", event: {event: said}', ANNA, "no client of the example is in the group"),
        ("notes", "user: boris, event: {event: said}", ANNA, 'the login "boris", so nobody hears it; write `as:'),
        ("notes", "user: ana, event: {event: said}", ANNA, 'did you mean "anna"?'),
        ("notes", "user: anna, endpoint: desk, event: {event: said}", ANNA, "are at notes, so nobody hears it"),
        ("desk", "group: зал, event: {event: said}", "", "that stands percent-encoded there: %D0%B7%D0%B0%D0%BB"),
        ("desk", 'group: "$ours", event: {event: said}', "", "names that begin with $ belong to Jackfield"),
        ("desk", 'group: "quotes:A", event: {text: said}', "", "push.event.event: an event has its name under"),
        ("desk", 'group: "quotes:A", event: {event: history}', "", 'event: "history" is an event of Jackfield itself'),
        ("desk", 'group: "quotes:A", event: {event: a, $n: 1}', "", 'may not have the key "$n"'),
        ("desk", f'group: "quotes:A", event: {{event: a, text: {LONG}}}', "", "`limits.queue` leaves it 65,236"),
    ],
)
def test_what_nobody_hears_is_told(
    endpoint: str, step: str, more: str, words: str, write_project: Write, built: Build
) -> None:
    (found,) = reported(endpoint, step, more, write_project, built)
    assert words in found
    assert f"endpoints.{endpoint}.examples.0.steps.0.push." in found


def test_a_group_that_only_a_process_can_make_is_a_warning(write_project: Write, built: Build) -> None:
    text = ENDPOINTS.format("", "", ", examples: [{steps: [{push: {group: audit, event: {event: a}}}]}]")
    (warning,) = built(write_project(text.replace('process: "", ', ""), CODE)).warnings
    assert (warning.severity, warning.code) == ("warning", "example_mismatch")
    assert "heard only where a process joins it" in warning.message
