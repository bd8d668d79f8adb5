"""From a folder to a routing table: what matches what, and every problem at once with its place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.routing.build import problems_of
from jackfield.routing.table import RoutingTable
from tests.routing.conftest import problems_in

HEADER = "from typing import Annotated, Any\nfrom jackfield import Key, process\n"
ECHO = "@process(reply='message')\ndef echo(message: str) -> str:\n    return message\n"

Write = Callable[..., Path]
Build = Callable[..., RoutingTable]


@pytest.fixture
def write(write_project: Callable[[str, str], Path]) -> Write:
    def make(endpoints: str, code: str = ECHO, *, head: str = "") -> Path:
        return write_project(f"{head}endpoints:\n{endpoints}", HEADER + code)

    return make


@pytest.fixture
def table_of(write: Write, built: Callable[[Path], RoutingTable]) -> Build:
    return lambda *texts, **more: built(write(*texts, **more))


ROUTES = """
  a: {url: /ws/a, process: p.echo}
  any: {url: "/ws/{x}", process: p.echo}
  deep: {url: "/ws/{x}/a", process: p.echo}
  deeper: {url: "/ws/{x}/{y}", process: p.echo}
  fixed: {url: /ws/a/b, process: p.echo}
  street: {url: /ws/улица, process: p.echo}
  wild: {url: "/{first}/{second}/{third}/{fourth}", process: p.echo}
"""


NO_ROUTES = """
/auth/2/3/4 /docs/2/3/4 /asyncapi.yaml/2/3/4 /metrics /ws /ws/ / ws/a /ws//a /ws/./a /ws/../a /ws/%2e%2e /ws/a%2fb
/ws/a%5cb /ws/a%00 /ws/%zz /ws/%ff /ws/a?b /ws/a/b/c/d
""".split()  # noqa: SIM905 - words to read


@pytest.mark.parametrize(
    ("path", "name", "params"),
    [
        ("/ws/a", "a", {}),
        ("/ws/%61", "a", {}),
        ("/ws/b", "any", {"x": "b"}),
        ("/ws/%D1%8F", "any", {"x": "я"}),
        ("/ws/%D1%83%D0%BB%D0%B8%D1%86%D0%B0", "street", {}),
        ("/ws/a/b", "fixed", {}),
        ("/ws/a/a", "deep", {"x": "a"}),
        ("/ws/a/c", "deeper", {"x": "a", "y": "c"}),
        ("/ws/b/b", "deeper", {"x": "b", "y": "b"}),
        ("/1/2/3/4", "wild", {"first": "1", "second": "2", "third": "3", "fourth": "4"}),
        *((path, None, {}) for path in ("", *NO_ROUTES)),
    ],
)
def test_match(table_of: Build, path: str, name: str | None, params: dict[str, str]) -> None:
    match = table_of(ROUTES).match(path.encode())
    assert (match and match.route.name) == name
    assert (match and dict(match.params)) == (params if name else None)


def test_an_auth_path_of_ones_own_is_reserved_too(table_of: Build) -> None:
    table = table_of('  any: {url: "/{x}/{y}", process: p.echo}', head="auth: {path: /enter}\n")
    assert table.match(b"/enter/login") is None
    assert table.match(b"/other/login") is not None


def test_the_nearest_url(table_of: Build) -> None:
    table = table_of("  hi: {url: /ws/greeting, process: p.echo}")
    assert table.nearest(b"/ws/greetin") == "/ws/greeting"
    assert table.nearest(b"/ws/greeting/") == "/ws/greeting", "a slash at the end is the likeliest slip"
    assert table.nearest(b"/something/else/entirely") == ""
    for path in (b"/%ff", b"/ws/greeting%ff", b"/ws/greeting%zz", b"/ws/greeting%"):
        assert table.nearest(path) == "", "this can be no address, and that is what has to be mended"


def test_a_table_knows_what_stands_in_it(table_of: Build) -> None:
    code = ECHO + "@process\ndef silent() -> None:\n    pass\n"
    table = table_of("  a: {url: /ws/a, process: p.echo}\n  b: {url: /ws/b, process: p.silent}", code)
    assert list(table.routes) == ["a", "b"]
    assert table.routes["a"].signature.shape == "{message: str} -> {message: str}"
    assert table.routes["a"].narrow is None
    assert table.resources() == ()


def test_the_hash_follows_meaning_and_code_alone(table_of: Build) -> None:
    one = table_of("  a: {url: /ws/a, process: p.echo}")
    assert table_of("  # a comment\n  a:\n    url: '/ws/a'\n    process: p.echo").hash == one.hash
    assert table_of("  a: {url: /ws/b, process: p.echo}").hash != one.hash
    assert table_of("  a: {url: /ws/a, process: p.echo}", ECHO + "# x\n").hash != one.hash


def test_resources_are_reported_once_each(table_of: Build) -> None:
    code = """
from jackfield import resource

@resource
async def pool():
    yield 1

@process
def one(p: Annotated[int, pool]) -> int:
    return p

@process
def two(p: Annotated[int, pool]) -> int:
    return p
"""
    table = table_of("  a: {url: /ws/a, process: p.one}\n  b: {url: /ws/b, process: p.two}", code)
    assert [resource.name for resource in table.resources()] == ["p.pool"]


def test_the_first_message_of_the_examples_is_the_example(table_of: Build) -> None:
    examples = """
    examples:
      - name: "Молчание"
        steps: [{expect: {event: "Привет"}}]
      - name: "Привет"
        steps: [{send: {message: "Привет"}}, {send: {message: "ещё"}}]
"""
    table = table_of(f"  a:\n    url: /ws/a\n    process: p.echo{examples}")
    assert table.routes["a"].example == {"message": "Привет"}


# problems


@pytest.mark.parametrize(
    ("endpoint", "code", "path", "words"),
    [
        ("process: p.ekho", "unknown_process", "endpoints.a.process", 'did you mean "p.echo"?'),
        ("process: p.nothing_like_it_at_all", "unknown_process", "endpoints.a.process", "write `@process` above"),
        ("process: other.echo", "unknown_process", "endpoints.a.process", "p.echo"),
        ("process: p.echo, input: {properties: {mesage: {}}}", "input_mismatch", "endpoints.a.input.properties.mesage",
         'did you mean "message"?'),
        ("process: p.echo, input: {required: [text]}", "input_mismatch", "endpoints.a.input.required.0",
         "it takes message"),
        ("process: p.echo, examples: [{name: x, steps: [{send: {message: a, mesage: a}}]}]", "example_mismatch",
         "endpoints.a.examples.0.steps.0.send.mesage", "unknown key"),
        ("process: p.echo, examples: [{name: x, steps: [{send: {message: a}}, {expect: {message: 5}}]}]",
         "example_mismatch", "endpoints.a.examples.0.steps.1.expect.message", "must be a text"),
        ("process: p.echo, input: {properties: {message: {maxLength: 2}}}, "
         "examples: [{steps: [{send: {message: abc}}]}]", "example_mismatch",
         "endpoints.a.examples.0.steps.0.send.message", "at most 2"),
    ],
)  # fmt: skip
def test_a_problem_has_its_place_and_a_hint(write: Write, endpoint: str, code: str, path: str, words: str) -> None:
    found = problems_in(write(f"  a: {{url: /ws/a, {endpoint}}}"))
    assert [(problem.code, problem.path) for problem in found] == [(code, path)]
    assert words in str(found[0])
    assert found[0].line == 2


@pytest.mark.parametrize(
    "steps",
    [
        "[{send: {mesage: a}}, {expect: {error: {code: invalid_message}}}]",
        "[{send: {message: a, $id: 1}}, {expect: {message: a, $id: 1}}]",
    ],
)
def test_an_example_may_show_an_error_and_carry_an_id(table_of: Build, steps: str) -> None:
    assert table_of(f"  a: {{url: /ws/a, process: p.echo, examples: [{{name: x, steps: {steps}}}]}}").routes


def test_all_problems_of_file_and_processes_come_at_once(write: Write) -> None:
    folder = write(
        "  a: {url: /ws/a, process: p.echo, proces: x}\n  b: {url: /ws/b, process: p.none}\n",
        ECHO + "@process\ndef bad(*values: int) -> None:\n    pass\n",
    )
    (folder / "processes" / "broken.py").write_text("def (", encoding="utf-8")
    found = problems_in(folder)
    assert {problem.code for problem in found} >= {"unknown_key", "unknown_process", "broken_module"}
    assert [problem.severity for problem in found] == sorted(problem.severity for problem in found)


def test_a_broken_module_is_reported_once_and_not_as_a_missing_process(write: Write) -> None:
    folder = write("  a: {url: /ws/a, process: p.echo}", "def (")
    assert [problem.code for problem in problems_in(folder)] == ["broken_module"]


def hint_of(folder: Path) -> str:
    (hint,) = {problem.hint for problem in problems_in(folder) if problem.code == "unknown_process"}
    assert hint in {problem.hint for problem in problems_of(folder)[0]}
    return hint


def test_a_process_without_a_file_is_reported_to_write_the_file(write: Write) -> None:
    folder = write("  a: {url: /ws/привет, process: nofile.hello}")
    reported = "there is no file processes/nofile.py; write it, with `@process` above `def hello`"
    assert hint_of(folder) == reported
    (folder / "processes" / "p.py").unlink()
    (folder / "processes").rmdir()
    assert hint_of(folder) == reported


def test_a_process_without_a_file_may_be_meant_elsewhere(write: Write) -> None:
    hint = hint_of(write("  a: {url: /ws/a, process: pp.echo}"))
    assert hint.startswith("there is no file processes/pp.py; ")
    assert hint.endswith('; or did you mean "p.echo"?')


def test_a_function_without_the_decorator_is_reported_to_get_it(write: Write) -> None:
    code = ECHO + "def undecorated() -> str:\n    return 'Привет'\n"
    folder = write("  a: {url: /ws/a, process: p.undecorated}", code)
    assert hint_of(folder) == "write `@process` above `def undecorated` in processes/p.py"
    (folder / "processes" / "q").mkdir()
    (folder / "processes" / "q" / "__init__.py").write_text("", encoding="utf-8")
    text = "endpoints:\n  a: {url: /ws/a, process: q.undecorated}\n"
    (folder / "endpoints.yaml").write_text(text, encoding="utf-8")
    assert hint_of(folder) == "write `@process` above `def undecorated` in processes/q/__init__.py"


def test_what_stands_there_already_is_not_reported_to_be_written(write: Write) -> None:
    code = ECHO + "class Shop:\n    @process\n    def buy(self) -> str:\n        return 'да'\n"
    for name in ("p.buy", "p.Shop.buy"):
        reported = hint_of(write(f"  a: {{url: /ws/a, process: {name}}}", code))
        assert reported.startswith("`buy` stands inside the class `Shop`")


def test_a_module_beside_the_file_is_reported_to_be_moved(write: Write) -> None:
    folder = write("  a: {url: /ws/a, process: shoplib.buy}")
    (folder / "shoplib.py").write_text("def buy(): ...\n", encoding="utf-8")
    reported = "shoplib.py stands outside of processes/, where processes are not looked for: move it there"
    assert hint_of(folder) == reported


@pytest.mark.parametrize(
    ("written", "reported"),
    [
        ("processes.p.echo", 'did you mean "p.echo"?'),
        ("processes.p.ecko", 'did you mean "p.echo"?'),
        ("processes.other.entirely", "a process is named without its folder: other.entirely"),
        ("p.py", 'did you mean "p.echo"? A process is named without .py'),
        ("processes.p.py", 'did you mean "p.echo"? A process is named without .py'),
        ("q.py", "name the function, without .py: q.one or q.two"),
        ("nofile.py", "name the function, without .py: nofile.…"),
    ],
)
def test_a_path_in_the_place_of_a_name_is_reported_as_the_name(write: Write, written: str, reported: str) -> None:
    folder = write(f"  a: {{url: /ws/a, process: {written}}}")
    two = "from jackfield import process\n@process\ndef two() -> None: ...\n@process\ndef one() -> None: ...\n"
    (folder / "processes" / "q.py").write_text(two, encoding="utf-8")
    assert hint_of(folder) == reported


def test_a_near_name_in_the_file_is_not_the_only_advice(write: Write) -> None:
    hint = hint_of(write("  a: {url: /ws/a, process: p.echos}"))
    assert hint == 'did you mean "p.echo"? If not, write `@process` above `def echos` in processes/p.py'


def test_warnings_stand_in_the_table(table_of: Build) -> None:
    table = table_of(
        "  a: {url: /ws/a, process: p.nap}", "import time\n@process\ndef nap() -> None:\n    time.sleep(1)\n"
    )
    assert [(problem.code, problem.severity) for problem in table.warnings] == [("blocking_call", "warning")]


def test_a_table_that_cannot_be_built_leaves_no_modules(write: Write) -> None:
    before = set(sys.modules)
    problems_in(write("  a: {url: /ws/a, process: p.none}"))
    assert set(sys.modules) == before


def test_without_importing_the_file_and_the_names_are_checked(write: Write) -> None:
    folder = write(
        "  a: {url: /ws/a, process: p.none}\n  b: {url: /ws/b, process: p.echo}", ECHO + "raise SystemExit\n"
    )
    found, plan = problems_of(folder)
    assert [problem.code for problem in found] == ["unknown_process"]
    assert [endpoint.name for endpoint in plan.endpoints] == ["a", "b"]


@pytest.mark.parametrize("url", ["/docs", "ws", "5"])
def test_a_url_that_is_wrong_hides_no_process_that_is_not_there(write: Write, url: str) -> None:
    folder = write(f"  a: {{url: {url}, process: p.ecko}}\n  b: {{url: /ws/b, process: p.ecco, summary: 5}}\n")
    assert [problem.path for problem in problems_in(folder) if problem.code == "unknown_process"] == [
        "endpoints.a.process",
        "endpoints.b.process",
    ]


def test_a_url_that_is_wrong_says_nothing_of_the_parameters(write: Write) -> None:
    code = "@process\ndef echo(room: str, message: str) -> str:\n    return message\n"
    endpoint = "  a: {url: 'ws/{room}', process: p.echo, examples: [{steps: [{send: {message: a}}]}]}\n"
    assert [problem.code for problem in problems_in(write(endpoint, code))] == ["bad_url"]
