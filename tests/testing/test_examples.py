"""Examples, run in process: the project's own and one with every feature pass, and what does not fit is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import Refusal
from jackfield.testing import Closed, Project
from jackfield.testing.examples import Case, Result, cases, play, run
from jackfield.testing.target import PushFailed, TargetClient
from tests import projects

ROOT = Path(__file__).parents[2]
FULL = ROOT / "tests" / "describe" / "full"

CODE = """
import asyncio
from collections.abc import AsyncIterator
from typing import Any
from jackfield import Connection, process

@process
async def say(text: str, connection: Connection) -> Any:
    if text == "push":
        connection.send({"event": "pushed"})
    if text == "close":
        connection.close(4001, "прощай")
    if text == "fail":
        raise RuntimeError("a fault of the process")
    if text == "wait":
        await asyncio.Event().wait()
    return {"who": connection.identity.login, "roles": sorted(connection.identity.roles), "q": dict(connection.query),
            "text": text}

@process(reply="n")
async def tick(connection: Connection) -> AsyncIterator[int]:
    n = 0
    while True:
        n += 1
        yield n
        await asyncio.sleep(0)
"""
ENDPOINTS = """
endpoints:
  say: {{url: /ws/say, process: p.say, auth: {auth}, limits: {{time: 60s}}, examples: [{examples}]}}
  tick: {{url: /ws/tick, process: p.tick, auth: public}}
  page: {{url: /ws/page, process: p.say, auth: public, origin_required: true}}
"""


def write(folder: Path, *examples: str, auth: str = "optional") -> Path:
    return projects.write(folder, ENDPOINTS.format(auth=auth, examples=", ".join(examples)), p=CODE)


async def results(folder: Path) -> list[Result]:
    async with Project(folder) as project:
        return [result async for result in run(cases(project.table), project)]


async def failure(folder: Path, example: str, **settings: str) -> tuple[str, str]:
    """Why the only example failed: its sentence, and the lines that show it."""
    (result,) = await results(write(folder, example, **settings))
    assert result.failure is not None
    assert result.failure.place.file == "endpoints.yaml"
    assert result.failure.place.line == 3
    return result.failure.sentence, "\n".join(result.failure.lines)


@pytest.mark.parametrize("folder", [ROOT, FULL])
async def test_all_examples_of_ours_pass(folder: Path) -> None:
    found = await results(folder)
    assert {result.case.endpoint for result in found} >= {"greeting"}
    assert [(result.case.name, result.failure, result.skipped) for result in found] == [
        (result.case.name, None, "") for result in found
    ]


async def test_the_full_project_has_a_step_of_every_kind() -> None:
    async with Project(FULL) as project:
        examples = [case.example for case in cases(project.table)]
    steps = [step for example in examples for step in example.steps]
    assert {step.kind for step in steps} == {"send", "expect", "expect_error", "expect_close"}
    assert {step.partial for step in steps} == {True, False}
    assert any(len(example.guests) > 1 for example in examples)


async def test_examples_stand_at_their_places_and_have_names() -> None:
    async with Project(FULL) as project:
        found = {(case.endpoint, case.name): case for case in cases(project.table)}
    assert found["open", "example 1"].place.file == "examples/desk.yaml"
    assert found["greeting", "Small talk"].place.file == "endpoints.yaml"


def said(text: str, who: str = '""', roles: str = "[]", query: str = "{}") -> str:
    return f"{{send: {{text: {text}}}, expect: {{who: {who}, roles: {roles}, q: {query}, text: {text}}}}}"


async def test_a_client_is_who_the_example_says(tmp_path: Path) -> None:
    steps = f"steps: [{said('a', 'анна', '[lead, support]', '{n: б}')}]"
    folder = write(
        tmp_path,
        f"{{steps: [{said('a')}]}}",
        f"{{as: nobody, steps: [{said('a')}]}}",
        f"{{as: {{login: анна, roles: [support, lead]}}, query: {{n: б}}, {steps}}}",
        f"{{as: {{roles: [lead]}}, steps: [{said('a', 'somebody', '[lead]')}]}}",
    )
    assert [result.failure for result in await results(folder)] == [None] * 4


async def test_who_is_let_in_is_made_up_where_the_example_says_nothing(tmp_path: Path) -> None:
    folder = write(tmp_path, f"{{steps: [{said('a', 'somebody', '[support]')}]}}", auth="{roles: [support, lead]}")
    assert [result.failure for result in await results(folder)] == [None]
    folder = write(tmp_path, f"{{steps: [{said('a', 'somebody')}]}}", auth="required")
    assert [result.failure for result in await results(folder)] == [None]


async def test_what_differs_is_shown_with_the_conversation(tmp_path: Path) -> None:
    sentence, lines = await failure(
        tmp_path, "{steps: [{send: {text: push}}, {expect: {event: pushed}}, {expect: {who: анна}}]}"
    )
    assert sentence == "what came differs"
    assert lines.splitlines() == [
        'expected  {"who": "анна"}',
        'came      {"who": "", "roles": [], "q": {}, "text": "push"}',
        '  /who: expected "анна", came ""',
        "  /roles: not expected, came []",
        "  /q: not expected, came {}",
        '  /text: not expected, came "push"',
        "the conversation:",
        '  → {"text": "push"}',
        '  ← {"event": "pushed"}',
        '  ← {"who": "", "roles": [], "q": {}, "text": "push"}',
    ]


@pytest.mark.parametrize(
    ("steps", "sentence", "line"),
    [
        ("{send: {text: push}, expect: {text: push}, partial: true}", "what came differs", '← {"event": "pushed"}'),
        ("{send: {text: fail}, expect: {text: a}, partial: true}", "an error came", '"code": "process_failed"'),
        ("{send: {text: a}, expect_error: own_code}", "what came differs", "/error: missing"),
        ("{send: {text: wait}, expect: {}, partial: true, within: 10ms}", "nothing came within 0.01 s", "→"),
        ("{send: {text: close}, expect: {}, partial: true}", "the connection ended with 4001: прощай", "✕ 4001 прощай"),
        ("{send: {text: close}, expect_close: 4002}", "expected the end with 4002, and", "✕ 4001 прощай"),
        ("{send: {text: a}, expect_close: 4002}", "and a message came: {", "←"),
        ("{send: {text: a}}, {send: {text: fail}}", "an error came that no step expects: {", '"process_failed"'),
        ("{send: {text: close}}", "no step expects it, and the connection ended with 4001: прощай", "→"),
    ],
)
async def test_what_was_not_expected_is_reported(tmp_path: Path, steps: str, sentence: str, line: str) -> None:
    found, lines = await failure(tmp_path, f"{{steps: [{steps}]}}")
    assert sentence in found
    assert line in lines


async def test_a_refusal_is_reported_with_its_reason(tmp_path: Path) -> None:
    folder = write(tmp_path, f"{{params: {{}}, steps: [{said('a')}]}}", auth="{roles: [support]}")
    async with Project(folder) as project:
        (case,) = cases(project.table)
        found = await play(case, Stern())
    assert found is not None
    assert found.sentence.startswith("could not send: the connection ended with 4403: refused, 403 role_required: The")


class Stern:
    """A target that lets nobody in."""

    async def fresh_groups(self) -> None: ...

    @asynccontextmanager
    async def connect(
        self,
        endpoint: str,
        *,
        login: str | None,
        roles: Iterable[str],
        params: Mapping[str, str],
        query: Mapping[str, str],
    ) -> AsyncIterator[TargetClient]:
        raise Refusal("role_required")
        yield  # a context manager is a generator

    def push(self, group: str, event: object, /) -> int:
        raise PushFailed("403 The key shop is for order:*.")

    def push_to(self, login: str, event: object, endpoint: str | None = None, /) -> int:
        raise PushFailed("403 The key shop is not for users.")


async def test_a_push_that_is_refused_is_reported_with_its_reason(tmp_path: Path) -> None:
    folder = projects.write(tmp_path, GROUPS.format('{steps: [{push: {group: "news:1", event: {event: a}}}]}'), p="")
    async with Project(folder) as project:
        (case,) = cases(project.table)
        found = await play(case, Stern())
    assert found is not None
    assert found.sentence == "could not push: 403 The key shop is for order:*."


async def test_of_several_clients_the_one_is_named(tmp_path: Path) -> None:
    sentence, lines = await failure(
        tmp_path,
        "{clients: {anna: , борис: }, steps: [{client: anna, send: {text: a}},"
        " {client: борис, send: {text: b}, expect: {text: c}, partial: true}]}",
    )
    assert sentence == "борис: what came differs"
    assert '  anna → {"text": "a"}' in lines
    assert '  борис → {"text": "b"}' in lines


async def test_each_example_has_connections_of_its_own(tmp_path: Path) -> None:
    folder = write(tmp_path, *["{steps: [{send: {text: close}, expect_close: 4001}]}"] * 3)
    assert [result.failure for result in await results(folder)] == [None] * 3


async def test_where_an_origin_is_asked_for_the_client_is_a_page_of_the_server(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "examples").mkdir()
    (folder / "examples" / "page.yaml").write_text(f"examples: {{page: [{{steps: [{said('a')}]}}]}}", "utf-8")
    assert [result.failure for result in await results(folder)] == [None]


async def test_a_generator_without_an_end_does_not_keep_an_example(tmp_path: Path) -> None:
    folder = write(tmp_path)
    text = (folder / "endpoints.yaml").read_text("utf-8")
    example = "examples: [{steps: [{send: {}}, {expect: {n: 1}}, {expect: {n: 2}}]}]"
    (folder / "endpoints.yaml").write_text(text.replace("p.tick, ", f"p.tick, {example}, "), "utf-8")
    async with asyncio.timeout(20):
        (result,) = await results(folder)
    assert result.failure is None


async def test_what_came_before_a_call_that_is_still_at_work_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jackfield.testing.examples.REST_LIMIT", 0.1)
    sentence, _ = await failure(tmp_path, "{steps: [{send: {text: fail}}, {send: {text: wait}}]}")
    assert sentence.startswith("an error came that no step expects: {")
    assert '"process_failed"' in sentence


async def test_an_example_that_cannot_be_run_is_skipped_with_the_reason(tmp_path: Path) -> None:
    folder = write(tmp_path, f"{{name: first, steps: [{said('a')}]}}", f"{{steps: [{said('a')}]}}")

    def skip(case: Case) -> str:
        return "not today" if case.name == "first" else ""

    async with Project(folder) as project:
        found = [result async for result in run(cases(project.table), project, skip)]
    assert [(result.case.name, result.skipped, result.failure) for result in found] == [
        ("first", "not today", None),
        ("example 2", "", None),
    ]


class Deaf:
    """A client whose messages do not leave."""

    closed: Closed | None = None

    async def send(self, message: Mapping[str, Any] | str | bytes, /) -> None:
        await asyncio.Event().wait()

    async def receive(self, within: float) -> dict[str, Any]:
        raise TimeoutError

    async def rest(self, within: float) -> list[dict[str, Any]]:
        return []


async def test_a_message_that_does_not_leave_ends_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jackfield.testing.examples.SEND_LIMIT", 0.01)

    class Clogged(Stern):
        @asynccontextmanager
        async def connect(self, endpoint: str, **_: Any) -> AsyncIterator[TargetClient]:
            yield Deaf()

    async with Project(write(tmp_path, f"{{steps: [{said('a')}]}}")) as project:
        found = await play(cases(project.table)[0], Clogged())
    assert found is not None
    assert found.sentence == "could not send within 0.01 s"


GROUPS = """
endpoints:
  news: {{url: "/ws/news/{{number}}", auth: required, group: "news:{{number}}", examples: [{0}]}}
"""
PUSHED = """{clients: {anna: {as: {login: anna}, params: {number: 7}}, b: {as: {login: боб}, params: {number: 8}}},
steps: [{push: {group: "news:7", event: {event: новость, text: "👋"}}},
        {push: {user: боб, event: {event: you}}, client: b, expect: {event: you}},
        {client: anna, expect: %s}]}"""


async def test_what_is_pushed_goes_to_its_group_and_its_user(tmp_path: Path) -> None:
    text = GROUPS.format(PUSHED % '{event: новость, text: "👋"}')
    (result,) = await results(projects.write(tmp_path, text, p=""))
    assert result.failure is None


async def test_the_conversation_shows_what_was_pushed_and_to_how_many(tmp_path: Path) -> None:
    (result,) = await results(projects.write(tmp_path, GROUPS.format(PUSHED % "{event: другая}"), p=""))
    assert result.failure is not None
    assert result.failure.sentence == "anna: what came differs"
    assert result.failure.lines[-5:] == (
        "the conversation:",
        '  ⇒ news:7 {"event": "новость", "text": "👋"}, to 1 here',
        '  ⇒ боб {"event": "you"}, to 1 here',
        '  b ← {"event": "you"}',
        '  anna ← {"event": "новость", "text": "👋"}',
    )


async def test_an_event_that_comes_has_the_type_that_the_file_says(tmp_path: Path) -> None:
    """The example leaves the key out, so only what comes can tell."""
    typed = "events: {pushed: {properties: {to: {type: string}}, required: [to]}}"
    example = '{steps: [{send: {text: "push"}}, {expect: {event: pushed}, partial: true}]}'
    write(tmp_path, example, auth=f"optional, {typed}")
    (result,) = await results(tmp_path)
    assert result.failure is not None
    assert result.failure.sentence == 'the event "pushed" does not fit its type'
    assert 'the key "to" is missing' in "\n".join(result.failure.lines)


SHARED = """
groups: {"room:{room}": {history: 9, presence: {grace: 1h}}}
endpoints:
  room:
    {url: "/ws/r/{room}", group: "room:{room}", process: p.score, on_disconnect: p.bye, auth: optional,
     examples: [one, two]}
"""
OF_GROUPS = """
import asyncio
from jackfield import Groups, process

@process
async def score(room: str, groups: Groups) -> int:
    async with groups.state(f"room:{room}") as state:
        state["n"] = state.get("n", 0) + 1
        return state["n"]

@process
async def bye(room: str, groups: Groups) -> None:
    for _ in range(3):
        await asyncio.sleep(0)
    await groups.remove(f"room:{room}", "борис", ban=60)
    await groups.send(f"room:{room}", {"event": "bye"})
"""
ROOM = """{params: {room: "7"}, as: {login: борис}, steps: [
  {expect: {event: history, group: "room:7", events: [], to: 0}},
  {expect: {event: members, group: "room:7", members: [{login: борис}], count: 1}},
  {send: {}}, {expect: {result: 1}}]}"""


async def test_nothing_that_an_example_leaves_in_groups_is_there_for_the_next(tmp_path: Path) -> None:
    projects.write(tmp_path, SHARED.replace("one, two", f"{ROOM}, {ROOM}"), p=OF_GROUPS)
    found = await results(tmp_path)
    assert [result.failure for result in found] == [None, None]
