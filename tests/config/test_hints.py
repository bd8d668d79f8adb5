"""Hints that look at the text as its author wrote it, not at the value that became of it."""

from __future__ import annotations

import pytest

from tests.config.conftest import Load

NUMBERS = "1.10 0755 1e3 0x1F 0o17 +5 -0 .5 12. True FALSE ~ Null 007".split()  # noqa: SIM905 - words to read
PLACES = (
    ("title: {0}\nendpoints: {{}}\n", "title"),
    ("auth: {{jwt: {{jwks: k.json, issuer: {0}, audience: x}}}}\n", "auth.jwt.issuer"),
    ("auth: {{jwt: {{jwks: k.json, issuer: x, audience: {0}}}}}\n", "auth.jwt.audience"),
    ("auth: {{jwt: {{jwks: k.json, issuer: x, audience: [{0}]}}}}\n", "auth.jwt.audience.0"),
    ("endpoints: {{a: {{url: /ws/a, process: a.b, summary: {0}}}}}\n", "endpoints.a.summary"),
    ("endpoints: {{a: {{url: /ws/a, process: a.b, tags: [x, {0}]}}}}\n", "endpoints.a.tags.1"),
    ("endpoints: {{a: {{url: /ws/a, process: a.b, auth: {{roles: [{0}]}}}}}}\n", "endpoints.a.auth.roles.0"),
    ("endpoints: {{a: {{url: /ws/a, process: a.b, input: {{title: {0}}}}}}}\n", "endpoints.a.input.title"),
    ("endpoints: {{a: {{url: /ws/a, process: a.b, input: {{required: [{0}]}}}}}}\n", "endpoints.a.input.required.0"),
    ("x-a: &v {0}\ntitle: *v\nendpoints: {{}}\n", "title"),
)


@pytest.mark.parametrize("written", NUMBERS)
@pytest.mark.parametrize(("file", "path"), PLACES)
def test_what_must_be_a_text_is_reported_as_it_is_written(load: Load, file: str, path: str, written: str) -> None:
    (problem,) = [found for found in load(file.format(written)).problems if found.severity == "error"]
    assert problem.path == path
    assert f'put it in quotes: "{written}"' in problem.hint
    if written not in ("~", "Null"):
        assert written in problem.message


SLIP = "endpoints:\n  a:\n    url: /ws/a\n    {}: a.b\n"
ORIGINS = "endpoints: {{}}\ndefaults: {{origins: [{}]}}\n"
CONNECTIONS = "endpoints: {{}}\ndefaults:\n  limits:\n    connections: {}\n"
SITE = 'it must be the address of a web site, like "https://app.example.com"'
DIGITS = "write a whole number: digits alone, without quotes"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("title:\nendpoints: {}\n", "write a value, or remove the line"),
        ("title: -.INF\nendpoints: {}\n", 'put it in quotes if it is a text: "-.INF"'),
        (SLIP.format("process\u200b"), 'did you mean "process"? U+200B (zero width space) is none of a to z'),
        (SLIP.format("process\xa0"), 'did you mean "process"? U+00A0 (no-break space) is none of a to z'),
        (SLIP.format("pro\u0441ess"), 'did you mean "process"? "\u0441" (cyrillic small letter es) is none of a to z'),
        *((ORIGINS.format(written), SITE) for written in ("null", "true", "5")),
        *((CONNECTIONS.format(written), DIGITS) for written in ("1_000", "'7'", "1,000")),
    ],
)
def test_the_hint_for_what_is_not_to_be_quoted_or_cannot_be_seen(load: Load, text: str, hint: str) -> None:
    (problem,) = load(text).problems
    assert problem.hint == hint
    assert (problem.code == "unknown_key") == ("did you mean" in hint)


@pytest.mark.parametrize("written", ["yes", "no", "on", "2024-01-01", "12:30", "190:20:30", "1_000", "0b11", "0755a"])
def test_what_only_yaml_1_1_takes_for_something_else_is_a_text(load: Load, written: str) -> None:
    loaded = load(f"title: {written}\nendpoints: {{}}\n")
    assert loaded.plan.title == written
    assert loaded.problems == ()


@pytest.mark.parametrize("written", ["12", "1.10", "true"])
def test_no_quotes_where_what_is_written_would_be_no_better_as_a_text(load: Load, written: str) -> None:
    (problem,) = load(f"endpoints: {{a: {{url: /ws/a, process: a.b, on_connect: {written}}}}}\n").problems
    assert "quotes" not in problem.hint
    (problem,) = load(f"endpoints: {{a: {{url: /ws/a, process: a.b, limits: {{time: {written}}}}}}}\n").problems
    assert "a time with its unit" in problem.hint


@pytest.mark.parametrize(("written", "text"), [("007", "007"), ("0x1F", "0x1F"), ("5", "5"), ('"1.10"', "1.10")])
def test_a_part_of_an_address_is_opened_as_it_is_written(load: Load, written: str, text: str) -> None:
    plan = load(
        "endpoints:\n  a:\n    url: /ws/{room}\n    process: a.b\n    examples:\n"
        f"      - params: {{room: {written}}}\n        query: {{q: {written}}}\n        steps: [{{send: {{}}}}]\n"
    ).plan
    guest = plan.endpoints[0].examples[0].guests[""]
    assert (guest.params, guest.query) == ({"room": text}, {"q": text})


@pytest.mark.parametrize(
    ("line", "letter"),
    [
        ("{url: /ws/a, process: привет.ответ}", '"п" (cyrillic small letter pe)'),
        ("{url: /ws/a, process: grееting.answer}", '"е" (cyrillic small letter ie)'),
        ("{url: /ws/a, process: greeting.größe}", '"ö" (latin small letter o with diaeresis)'),
        ("{url: /ws/a, process: 你好.回答}", '"你" (cjk unified ideograph-4f60)'),
        ("{url: /ws/a, process: привет}", '"п" (cyrillic small letter pe)'),
        ("{url: /ws/a, process: a.b, subprotocols: [чат]}", '"ч" (cyrillic small letter che)'),
    ],
)
def test_a_name_that_is_not_latin_is_reported_by_its_first_such_letter(load: Load, line: str, letter: str) -> None:
    (problem,) = load(f"endpoints:\n  a: {line}\n").problems
    assert problem.hint.startswith(f"it is written in Latin letters, a to z, and {letter} is none of them; ")


def test_curly_quotes_around_a_name_are_told_first(load: Load) -> None:
    problem, *_ = load("endpoints:\n  a: {url: /ws/a, process: “a.b”}\n").problems
    assert problem.hint.startswith("its curly quotes are part of the text; write a.b; ")


@pytest.mark.parametrize("name", ["привет", "g🙂", "grееting"])
def test_so_is_an_endpoint(load: Load, name: str) -> None:
    (problem,) = load(f"endpoints:\n  {name}: {{url: /ws/a, process: a.b}}\n").problems
    assert "it is written in Latin letters, a to z" in problem.hint


@pytest.mark.parametrize("process", ["greeting answer", "greeting.answer ok", "greeting.", "4.b"])
def test_other_faults_of_a_name_say_nothing_of_letters(load: Load, process: str) -> None:
    (problem,) = load(f"endpoints:\n  a: {{url: /ws/a, process: '{process}'}}\n").problems
    assert "Latin" not in problem.hint


@pytest.mark.parametrize(
    "text",
    [
        "title: x: y\n",
        "title: [1, 2\n",
        'title: "x\n',
        "endpoints:\n\ta: b\n",
        "title: \x01\n",
        "title: `x`\n",
        "a: " + "[" * 70 + "]" * 70,
        b"title: \xff\n",
    ],
)
def test_what_ends_the_reading_says_that_it_hides_the_rest(load: Load, text: str | bytes) -> None:
    problems = load(text).problems
    assert problems[-1].hint.endswith("told once this is mended")
    assert sum("once this is mended" in problem.hint for problem in problems) == 1


def test_what_hides_nothing_does_not_say_so(load: Load) -> None:
    for text in ("endpoints:\n  a: {url: /ws/a, proces: a.b}\n", "x-a: &a !!x 1\nendpoints: {}\n", None):
        assert all("once this is mended" not in problem.hint for problem in load(text).problems)


@pytest.mark.parametrize("written", ["[beta]", "{room}", "[[x]]", "{{ name }}", "{{{ name }}}"])
def test_a_text_that_begins_with_a_bracket_is_reported_to_be_quoted(load: Load, written: str) -> None:
    (problem,) = load(f"endpoints: {{}}\ntitle: {written}\n").problems
    assert (problem.line, problem.path) == (2, "title")
    assert "in quotes" in problem.hint
