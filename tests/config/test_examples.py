"""The model of examples, from endpoints.yaml and from files under examples/."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from jackfield.config import editor_schema
from jackfield.config.examples import MOST
from jackfield.config.load import Loaded, load
from jackfield.config.plan import Example, Guest, Step
from jackfield.errors import CODES

ENDPOINT = "endpoints:\n  say:\n    process: chat.say\n    url: /ws/rooms/{room}\n"
HEAD = "roles: {support: x, поддержка: y}\n" + ENDPOINT

Write = Callable[..., Loaded]


@pytest.fixture(name="load")
def _load(tmp_path: Path) -> Write:
    """Load endpoints.yaml with these examples of `say`, and files under examples/ by name."""

    def write(examples: str = "", head: str = HEAD, **files: str) -> Loaded:
        more = f"    examples:\n{examples}" if examples else ""
        (tmp_path / "endpoints.yaml").write_text(head + more, "utf-8")
        for name, text in files.items():
            (tmp_path / "examples").mkdir(exist_ok=True)
            (tmp_path / "examples" / f"{name}.yaml").write_text(text, "utf-8")
        return load(tmp_path)

    return write


def examples(loaded: Loaded) -> tuple[Example, ...]:
    assert loaded.problems == ()
    return loaded.plan.endpoints[0].examples


EVERYTHING = """
      - name: "Чат 👋"
        clients:
          анна: {as: {login: "анна", roles: [поддержка]}, params: {room: lobby}}
          boris:
          c: {as: nobody, params: {room: 5}, query: {lang: "ру", page: 2}}
          d: {as: {roles: [support, support]}}
        steps:
          - {client: анна, send: {text: "Привет"}, expect: {text: "Привет"}, within: 500ms, partial: true}
          - {client: c, expect_close: not_logged_in}
          - {client: boris, send: {text: ""}}
          - {client: boris, expect_error: invalid_message}
          - {client: boris, expect_error: {code: busy, left: 1}, within: 5m}
          - push: {group: "room:lobby", event: {event: "сказано"}}
          - {push: {user: "анна", endpoint: say, event: {event: "👋"}}, client: анна, expect: {event: "👋"}}
          - {client: boris, expect_close: 4000}
      - steps: [{expect_close: session_ended}]
        params: {room: a/b}
"""


def test_every_key_has_its_meaning(load: Write) -> None:
    chat, alone = examples(load(EVERYTHING))
    assert chat.name == "Чат 👋"
    assert chat.guests == {
        "анна": Guest("анна", ("поддержка",), {"room": "lobby"}),
        "boris": Guest(),
        "c": Guest("", (), {"room": "5"}, {"lang": "ру", "page": "2"}),
        "d": Guest(None, ("support",)),
    }
    assert chat.steps == (
        Step("send", {"text": "Привет"}, client="анна"),
        Step("expect", {"text": "Привет"}, client="анна", within=0.5, partial=True),
        Step("expect_close", 4401, client="c"),
        Step("send", {"text": ""}, client="boris"),
        Step("expect_error", {"code": "invalid_message"}, client="boris"),
        Step("expect_error", {"code": "busy", "left": 1}, client="boris", within=300.0),
        Step("push", {"group": "room:lobby", "event": {"event": "сказано"}}),
        Step("push", {"user": "анна", "endpoint": "say", "event": {"event": "👋"}}),
        Step("expect", {"event": "👋"}, client="анна"),
        Step("expect_close", 4000, client="boris"),
    )
    assert alone == Example("", (Step("expect_close", 4401),), {"": Guest(params={"room": "a/b"})})


STEP = "      - steps: [{}]\n"


@pytest.mark.parametrize(
    ("text", "code", "words", "column"),
    [
        (STEP.format("{within: 5s}"), "wrong_value", "steps.0: nothing is sent", 17),
        (STEP.format("{send: {}, within: 5s}"), "wrong_value", "steps.0.within: `within` means nothing", 28),
        (STEP.format("{send: {}, partial: true}"), "wrong_value", "steps.0.partial: `partial` means nothing", 28),
        (STEP.format("{expect_error: busy, partial: true}"), "wrong_value", "it belongs to `expect`", 38),
        (STEP.format("{expect: {}, expect_close: 1000}"), "wrong_value", "beside `expect`; one step", 30),
        (STEP.format("{expect: {}, within: 1ms}"), "wrong_value", "1ms is out of bounds; from 10ms to 5m", 30),
        (STEP.format("{expect: {}, within: 5}"), "wrong_type", "a time with its unit", 30),
        (STEP.format("{expect: {}, partial: yes}"), "wrong_type", "write true or false", 30),
        (STEP.format("{push: {event: {}}}"), "wrong_value", "one group or to one user; write `group:", 18),
        (STEP.format("{push: {group: a, user: b, event: {}}}"), "wrong_value", "one group or to one user", 18),
        (STEP.format("{push: {group: a, endpoint: b, event: {}}}"), "wrong_value", "`endpoint` goes with `user`", 35),
        (STEP.format("{push: {group: a}}"), "missing_key", 'missing key "event"', 18),
        (STEP.format("{push: hello}"), "wrong_type", 'it must be {group: "room:lobby", event: {event: said}}', 18),
        (STEP.format("{push: {group: a, evnt: {}}}"), "unknown_key", 'did you mean "event"?', 35),
        (STEP.format("{push: {user: a, event: {}}, send: {}}"), "wrong_value", "`push` stands beside `send`", 18),
        (STEP.format("{push: {user: a, event: {}}, client: a}"), "wrong_value", "`client` means nothing here", 46),
        (STEP.format("{send: {}, as: nobody}"), "unknown_key", "`as` stands beside `steps`", 28),
        (STEP.format("{expect_error: }"), "wrong_type", "it must be the code of an error", 18),
        (STEP.format("{expect_error: {left: 1}}"), "missing_key", 'missing key "code"', 18),
        (STEP.format("{expect_error: session_ended}"), "wrong_value", "write `expect_close: session_ended`", 18),
        (STEP.format("{expect_error: not_logged_in}"), "wrong_value", "write `expect_close: not_logged_in`", 18),
        (STEP.format("{expect_error: login_failed}"), "wrong_value", "never told over a WebSocket", 18),
        (STEP.format("{expect_close: 999}"), "wrong_value", "999 is no close code that is ever sent", 18),
        (STEP.format("{expect_close: 1006}"), "wrong_value", "1000 to 1003, 1007 to 1014, or 3000 to 4999", 18),
        (STEP.format("{expect_close: [1]}"), "wrong_type", "it must be a close code", 18),
        (STEP.format("{expect_close: forbiden}"), "wrong_value", 'did you mean "forbidden"?', 18),
        (STEP.format("{expect_close: invalid_message}"), "wrong_value", "no code that ends a connection", 18),
        (STEP.format("{send: {}, client: anna}"), "unknown_client", "name it under `clients:`", 28),
        (
            "      - {name: a, steps: [{send: {}}]}\n" * 2,
            "duplicate_key",
            "the first one is at endpoints.yaml:7:10",
            10,
        ),
        ("      - {as: anna, steps: [{send: {}}]}\n", "wrong_value", "nobody or {login: anna, roles: [support]}", 10),
        ("      - {as: {}, steps: [{send: {}}]}\n", "wrong_value", "as: nothing stands here", 10),
        ("      - {as: {login: ''}, steps: [{send: {}}]}\n", "wrong_value", "the text is empty", 15),
        ("      - {as: {roles: [suport]}, steps: [{send: {}}]}\n", "unknown_role", 'did you mean "support"?', 23),
        ("      - {params: {room: [a]}, steps: [{send: {}}]}\n", "wrong_type", "params.room: a text", 19),
        ("      - {params: [a], steps: [{send: {}}]}\n", "wrong_type", "a mapping belongs here", 10),
        ("      - {clients: {}, steps: [{send: {}}]}\n", "wrong_value", "nothing stands here", 10),
        ("      - {clients: [anna], steps: [{send: {}}]}\n", "wrong_type", "each client begins with its name", 10),
        ("      - {clients: {'a b': }, steps: [{send: {}}]}\n", "wrong_value", "one word", 20),
        ("      - {clients: {a: }, as: nobody, steps: [{send: {}}]}\n", "wrong_value", "beside `clients`", 26),
        ("      - {clients: {a: , b: }, steps: [{send: {}}]}\n", "missing_key", "add `client:` with one of a, b", 39),
        ("      - {clients: {anna: }, steps: [{send: {}, client: ana}]}\n", "unknown_client", 'mean "anna"?', 48),
    ],
)
def test_faults_of_an_example(load: Write, text: str, code: str, words: str, column: int) -> None:
    (problem,) = load(text).problems
    assert problem.code == code
    assert words in str(problem)
    assert problem.path.startswith("endpoints.say.examples.")
    assert (problem.file, problem.line, problem.column) == ("endpoints.yaml", 6 + text.count("\n"), column)


def test_faults_of_an_example_come_all_at_once(load: Write) -> None:
    text = """
      - as: {roles: [suport]}
        steps: [{expect_close: 5, client: a}, {expect_error: flood, within: 1ms}, {partial: true}]
"""
    codes = [problem.code for problem in load(text).problems]
    assert sorted(codes) == ["unknown_client", "unknown_role", *["wrong_value"] * 4]


@pytest.mark.parametrize("code", ["group_forbidden", "group_full", "not_found"])
def test_what_refuses_a_join_answers_a_message(load: Write, code: str) -> None:
    """`group.join` is a process like others, and what it may not is the answer to its message."""
    (example,) = examples(load(STEP.format(f"{{send: {{}}, expect_error: {code}}}")))
    assert example.steps[-1].value == {"code": code}


def test_a_close_is_named_by_every_code_that_ends_a_connection_or_refuses_it(load: Write) -> None:
    names = [code.name for code in CODES.values() if code.moment in ("connection", "handshake")]
    found = examples(load("".join(STEP.format(f"{{expect_close: {name}}}") for name in names)))
    numbers = {name: example.steps[0].value for name, example in zip(names, found, strict=True)}
    assert numbers["session_ended"] == numbers["not_logged_in"] == 4401
    assert numbers["normal"] == 1000
    assert numbers["server_full"] == 4503
    assert all(1000 <= number < 5000 for number in numbers.values())


# files under examples/

ONE = "      - {name: первый, steps: [{send: {a: 1}}]}\n"
FILE = "x-mine: 5\nexamples:\n  say:\n    - name: второй\n      steps:\n        - send: {a: 2}\n"


def test_a_file_adds_to_the_examples_of_its_endpoints(load: Write) -> None:
    loaded = load(ONE, more=FILE, other=FILE.replace("второй", "третий"))
    found = examples(loaded)
    assert [example.name for example in found] == ["первый", "второй", "третий"]
    place = loaded.plan.place(*found[2].steps[0].path)
    assert (place.file, place.line, place.column) == ("examples/other.yaml", 6, 11)
    assert loaded.plan.hash != load(ONE, more=FILE, other=FILE.replace("второй", "4")).plan.hash


def test_an_endpoint_may_have_all_its_examples_in_files(load: Write) -> None:
    assert [example.name for example in examples(load(more=FILE))] == ["второй"]


@pytest.mark.parametrize(
    ("text", "code", "words", "place"),
    [
        (FILE.replace("say", "sya"), "unknown_key", 'there is no endpoint "sya"; did you mean "say"?', (3, 3)),
        (FILE.replace("examples:", "exmples:"), "unknown_key", 'did you mean "examples"?', (2, 1)),
        (FILE + "title: x\n", "unknown_key", "`title` stands in endpoints.yaml alone", (7, 1)),
        (FILE.replace("steps", "stpes"), "unknown_key", 'did you mean "steps"?', (5, 7)),
        (FILE.replace("{a: 2}", "{a: 2}, x"), "yaml_syntax", "", (6, 23)),
        (FILE.replace("второй", "первый"), "duplicate_key", "the first one is at endpoints.yaml:7:10", (4, 7)),
        (FILE + "          within: 5s\n", "wrong_value", "`within` means nothing here", (7, 11)),
        ("examples: {say: [{name: a}]}\n", "missing_key", "add `steps:`", (1, 18)),
        ("examples: [a]\n", "wrong_type", "a mapping belongs here", (1, 1)),
        ("examples: {say: {name: a}}\n", "wrong_type", "a list belongs here", (1, 12)),
        ("- a\n", "wrong_type", "begin it with `examples:`", (1, 1)),
    ],
)
def test_faults_of_a_file_of_examples(load: Write, text: str, code: str, words: str, place: tuple[int, int]) -> None:
    (problem,) = load(ONE, more=text).problems
    assert problem.code == code
    assert words in str(problem)
    assert (problem.file, problem.line, problem.column) == ("examples/more.yaml", *place)


def test_a_file_with_a_fault_of_syntax_is_not_called_empty(load: Write) -> None:
    """A value that cannot be read stands before the fault that ends the reading."""
    found = load(ONE, more="examples:\n  say: [{steps: [{send: {a: .nan}}]}\n").problems
    assert {problem.code for problem in found} == {"wrong_value", "yaml_syntax"}


def test_what_is_wrong_in_one_file_leaves_out_that_example_alone(load: Write) -> None:
    loaded = load(ONE, bad=FILE.replace("send: {a: 2}", "send: 5"), good=FILE.replace("второй", "третий"))
    assert [problem.file for problem in loaded.problems] == ["examples/bad.yaml"]
    found = loaded.plan.endpoints[0].examples
    assert [(example.name, example.steps[0].path[3]) for example in found] == [("первый", 0), ("третий", 2)]


def test_where_a_file_of_endpoints_is_broken_no_example_is_blamed_for_it(load: Write, tmp_path: Path) -> None:
    (tmp_path / "endpoints").mkdir()
    (tmp_path / "endpoints" / "chat.yaml").write_text("endpoints: {tell: ", "utf-8")
    found = load(more=FILE.replace("say", "tell")).problems
    assert [problem.file for problem in found] == ["endpoints/chat.yaml"]


def test_an_empty_file_and_one_of_an_editor_say_nothing(load: Write, tmp_path: Path) -> None:
    assert examples(load(ONE, empty="# nothing yet\n"))
    (tmp_path / "examples" / ".more.yaml").write_text("- broken: [", "utf-8")
    assert examples(load(ONE))
    (tmp_path / "examples" / "more.yml").write_text("", "utf-8")
    (problem,) = load(ONE).problems
    assert (problem.severity, problem.hint) == ("warning", "rename it")


def test_an_endpoint_has_only_so_many_examples(load: Write) -> None:
    files = {f"f{number}": "examples:\n  say:\n" + "    - steps: [{send: {}}]\n" * 100 for number in range(11)}
    (problem,) = load(**files).problems
    assert f"at most {MOST:,}" in problem.hint


def test_an_example_has_only_so_many_steps_and_clients(load: Write) -> None:
    (problem,) = load(STEP.format(", ".join(["{send: {}}"] * 101))).problems
    assert "more than 100 items" in problem.message
    clients = ", ".join(f"c{number}: " for number in range(17))
    (problem,) = load(f"      - {{clients: {{{clients}}}, steps: [{{send: {{}}, client: c1}}]}}\n").problems
    assert problem.path == "endpoints.say.examples.0.clients"
    assert problem.code == "wrong_value"


def test_the_schema_of_such_a_file_and_the_roles_in_it_are_for_editors() -> None:
    Draft202012Validator.check_schema(editor_schema.examples())
    assert list(editor_schema.examples()["properties"]) == ["examples"]
    steps: list[object] = [{"send": {}}]
    known = Draft202012Validator(editor_schema.document(roles=["support"]))
    endpoint = {"url": "/x/y", "process": "a.b"}
    for role, valid in (("support", True), ("admin", True), ("suport", False)):
        examples = [{"as": {"roles": [role]}, "steps": steps}]
        assert known.is_valid({"endpoints": {"x": {**endpoint, "examples": examples}}}) == valid


@pytest.mark.parametrize(
    ("broken", "code", "path"),
    [
        ("{as: {roles: [5, suport]}, steps: [{send: {}}]}", "unknown_role", "0.as.roles.1"),
        ("{as: {roles: [suport]}, stpes: [{send: {}}]}", "unknown_role", "0.as.roles.0"),
        ("{clients: {a: {as: {roles: [suport]}}, b: 5}, steps: [{send: 5}]}", "unknown_role", "0.clients.a.as.roles.0"),
        ("{steps: [{send: 5}, {expect_close: 5}]}", "wrong_value", "0.steps.1.expect_close"),
        ("{steps: [5, {snd: 5, within: 1ms, expect: {}}]}", "wrong_value", "0.steps.1.within"),
        ("{name: [a], steps: [{send: {}, client: anna}]}", "unknown_client", "0.steps.0.client"),
        ("5", "wrong_value", "1.steps.0.expect_close"),
        ("{steps: 5}", "wrong_value", "1.steps.0.expect_close"),
    ],
)
def test_what_has_a_wrong_shape_hides_nothing_beside_it(load: Write, broken: str, code: str, path: str) -> None:
    found = load(f"      - {broken}\n" + STEP.format("{expect_close: 999}")).problems
    assert (code, f"endpoints.say.examples.{path}") in [(problem.code, problem.path) for problem in found]
    assert found[-1].path == "endpoints.say.examples.1.steps.0.expect_close"


@pytest.mark.parametrize(
    "broken",
    [
        "{steps: [{snd: {a: 1}}]}",
        "{steps: [{snd: {a: 1}, partial: true, within: 5s}]}",
        "{clents: {anna: }, steps: [{client: anna, send: {}}]}",
        "{clients: {a: , b: }, steps: [{clint: a, send: {}}, {client: b, send: {}}]}",
    ],
)
def test_a_slip_of_the_pen_is_reported_once(load: Write, broken: str) -> None:
    (problem,) = load(f"      - {broken}\n").problems
    assert (problem.code, "did you mean" in problem.hint) == ("unknown_key", True)


def test_a_code_that_is_nearly_one_of_ours_is_a_warning(load: Write) -> None:
    loaded = load(STEP.format("{send: {}, expect_error: time_exceded}"))
    (problem,) = loaded.problems
    assert (problem.severity, problem.path) == ("warning", "endpoints.say.examples.0.steps.0.expect_error")
    assert 'did you mean "time_exceeded"?' in problem.hint
    assert loaded.plan.endpoints[0].examples, "it may be the process's own"
    for code in ("out_of_stock", "message_too_short", "too_noisy", "занято", "invalid_text"):
        assert load(STEP.format(f"{{send: {{}}, expect_error: {code}}}")).problems == ()


def test_a_broken_example_of_a_file_hides_nothing_beside_it(load: Write) -> None:
    more = FILE + "          expect_close: 5\n    - steps: [{send: {}, expect_close: 999}, {send: 5}]\n"
    more += "    - {as: {roles: [suport]}, steps: [{send: {}}]}\n"
    found = [(problem.line, problem.column, problem.code) for problem in load(ONE, more=more).problems]
    assert found == [(7, 11, "wrong_value"), (8, 26, "wrong_value"), (8, 47, "wrong_type"), (9, 21, "unknown_role")]
