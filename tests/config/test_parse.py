from __future__ import annotations

import pytest

from tests.config.conftest import Load, problem_of

# The key under test stands in line 4 (of an endpoint) or line 1 (of the file).
ENDPOINT = "endpoints:\n  say:\n    process: chat.say\n    {}\n    url: /ws/say\n"
REST = "\nendpoints: {{say: {{url: /ws/say, process: chat.say}}}}\n"


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("proces: x", "unknown_key", 'endpoints.say: unknown key "proces"; did you mean "process"?'),
        ("time: 5s", "unknown_key", "`time` stands under `limits`"),
        ("zzz: 5s", "unknown_key", "known here: type, url, process"),
        ("type: POST", "wrong_value", 'endpoints.say.type: "POST" is not GET; it must be GET'),
        ("auth:", "wrong_type", "there is no value; it must be required, optional, public"),
        ("inspect: payload", "wrong_value", '"payload" is not one of payloads, unmatched'),
        ("auth: null", "wrong_type", "says `auth: public`"),
        ("auth: false", "wrong_type", "false stands there"),
        ("auth: [support]", "wrong_type", "{roles: [support]}"),
        ("auth: requierd", "wrong_value", 'did you mean "required"?'),
        ("auth: none", "wrong_value", "says `auth: public`"),
        ('auth: "всем 👋"', "wrong_value", '"всем 👋" is not one of'),
        ("auth: {}", "missing_key", 'missing key "roles"'),
        ("auth: {role: [a]}", "unknown_key", 'did you mean "roles"?'),
        ("auth: {roles: []}", "wrong_value", "at least one role"),
        ("auth: {roles: support}", "wrong_type", "a list belongs here"),
        ("auth: {roles: [5]}", "wrong_type", "a text belongs here"),
        ("auth: {roles: ['a b']}", "wrong_value", "one word"),
        ("origins: https://a.example", "wrong_value", "it must be a list like"),
        ("origins: []", "wrong_value", "the list is empty"),
        ("origins: {any: true}", "wrong_type", "it must be a list like"),
        ("origins: [https://a.example/]", "wrong_value", "endpoints.say.origins.0: an origin has no path"),
        ('origins: ["*"]', "wrong_value", "`origins: any`"),
        ('origins: ["https://*.com"]', "wrong_value", "endpoints.say.origins.0: after `*.` comes a domain"),
        ("origin_required: yes", "wrong_type", "write true or false"),
        ("refusals: html", "wrong_value", "is not one of auto, http, close"),
        ("session_warning: 60", "wrong_type", "off or a time with its unit"),
        ("on_connect: join", "wrong_value", "the file's name and the function's name"),
        ("limits: {rate: 0/s}", "wrong_value", "endpoints.say.limits.rate: 0/s is out of bounds; from 1/h to"),
        ("limits: {rate: 50}", "wrong_type", "a text belongs here, and the number 50 stands there; it must be off"),
        ("limits: {rate: '50'}", "wrong_value", "like 50/s"),
        ("limits: {rate: -1/s}", "wrong_value", "like 50/s"),
        ("action_key: ''", "wrong_value", "the text is empty; it must be the key of a message that names its action"),
        ("action_key: $a", "wrong_value", '"$a" does not fit here; it must be the key of a message that names its'),
        ("event: ''", "wrong_value", "the text is empty; write one, like said"),
        ("limits: {rate: fast}", "wrong_value", '"fast" does not fit here; it must be off or so many messages'),
        ("limits: {rate: быстро}", "wrong_value", '"быстро" does not fit here'),
        ("limits: {rate: 50/S}", "wrong_value", "like 50/s"),
        ('limits: {rate: "50/s\\n"}', "wrong_value", "like 50/s"),
        ("limits: {rate: no}", "wrong_value", "must be off"),
        ("limits: {rate: false}", "wrong_type", "must be off"),
        ("limits: {rate: }", "wrong_type", "there is no value"),
        ("rate: 50/s", "unknown_key", "`rate` stands under `limits`"),
        ("limits: {idle: 5}", "wrong_type", "off or a time with its unit"),
        ("limits: {per_address: 0}", "wrong_value", "smaller than 1"),
        ("limits: {per_address: '5'}", "wrong_value", "it must be a whole number, 1 or more, or off"),
        ("limits: {per_address: 1.5}", "wrong_type", "it must be a whole number, 1 or more, or off"),
        ("limits: {queue: off}", "wrong_value", "it must be a size like 64KiB"),
        ("limits: {slow_consumer: drop}", "wrong_value", '"drop" is not one of close, drop_oldest'),
        ("slow_consumer: close", "unknown_key", "`slow_consumer` stands under `limits`"),
        ("limits: {tim: 5s}", "unknown_key", 'did you mean "time"?'),
        ("limits:", "wrong_type", "a mapping belongs here"),
        ("limits: {time: 30}", "wrong_type", "with its unit"),
        ("limits: {time: off}", "wrong_value", "with its unit"),
        ("limits: {message: 64GiB}", "wrong_value", "like 64KiB"),
        ("limits: {message: 0.3KiB}", "wrong_value", "whole number of bytes"),
        ("limits: {connections: many}", "wrong_type", "a whole number belongs here"),
        ("limits: {per_user: 1.5}", "wrong_type", "a whole number belongs here"),
        ("summary: 5", "wrong_type", 'put it in quotes: "5"'),
        ("summary: [a]", "wrong_type", "a list stands there"),
        (f"summary: {'x' * 201}", "wrong_value", "longer than 200 letters"),
        ("tags: chat", "wrong_type", "a list belongs here"),
        ("tags: ['']", "wrong_value", "the text is empty"),
        ("subprotocols: ['a b']", "wrong_value", "without blanks"),
        ("subprotocols: [jackfield.v1]", "wrong_value", "belongs to Jackfield itself"),
        ("subprotocols: [bearer.x]", "wrong_value", "belongs to Jackfield itself"),
        ("input: true", "wrong_type", "a mapping belongs here"),
        ("input: {properties: {a: {type: strin}}}", "bad_schema", 'did you mean "string"?'),
        ("input: {maxLenght: 5}", "bad_schema", 'did you mean "maxLength"?'),
        ("input: {message: {maxLength: 5}}", "bad_schema", "belong below `properties:`"),
        ("limits: 'time:5s'", "wrong_type", "put a blank after the colon: `time: 5s`"),
        ("examples: {steps: []}", "wrong_type", "begins with a dash: `- steps: […]`"),
        ("examples: [{steps: {send: {a: б}}}]", "wrong_type", "begins with a dash: `- send: {…}`"),
        ("examples: [{name: a}]", "missing_key", 'missing key "steps"'),
        ("examples: [{steps: []}]", "wrong_value", "the list is empty"),
        (
            "examples: [{steps: [{}]}]",
            "wrong_value",
            "a step holds `send`, `push`, `expect`, `expect_error` or `expect_close`",
        ),
        (
            "examples: [{steps: [{send: hi}]}]",
            "wrong_value",
            "endpoints.say.examples.0.steps.0.send: a message is",
        ),
    ],
)
def test_faults_of_an_endpoint(load: Load, line: str, code: str, words: str) -> None:
    found, text, number = problem_of(load, ENDPOINT.format(line))
    assert found == code
    assert words in text
    assert number == 4


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("titel: x", "unknown_key", 'did you mean "title"?'),
        ("url: /ws/x", "unknown_key", "an endpoint stands under `endpoints:`"),
        ("title: 5", "wrong_type", "a text belongs here"),
        ("auth:", "wrong_type", "remove the line"),
        ("auth: {session: 12}", "wrong_type", "with its unit"),
        ("auth: {session: off}", "wrong_value", "with its unit"),
        ("auth: {token_in_body: no}", "wrong_type", "write true or false"),
        ("auth: {cookie: 'a b'}", "wrong_value", "RFC 6265"),
        ('auth: {cookie: "a\\n"}', "wrong_value", "RFC 6265"),
        ("auth: {cookie: 5}", "wrong_type", "the cookie's name"),
        ("auth: {cookie: {same_site: Lax}}", "wrong_value", 'did you mean "lax"?'),
        ("auth: {cookie: {nam: a}}", "unknown_key", 'did you mean "name"?'),
        ("auth: {path: auth}", "bad_url", "begin with a slash"),
        ("auth: {path: '/{a}'}", "bad_url", "cannot hold parameters"),
        ("auth: {path: /docs/login}", "reserved_url", "/docs belongs to Jackfield"),
        ("auth: {path: /}", "reserved_url", "/ belongs to Jackfield"),
        ("roles: [support]", "wrong_type", "must be a mapping of each role"),
        ("roles: {'a b': x}", "wrong_value", "one word"),
        ("roles: {a: [x]}", "wrong_type", "a text belongs here"),
        ("defaults: {url: /x}", "unknown_key", "every endpoint has a `url` of its own"),
        ("defaults: {auth: null}", "wrong_type", "it must be required"),
        ("defaults: {limits: {rate: 1}}", "wrong_type", "defaults.limits.rate"),
        ("defaults: {origins: ['null']}", "wrong_value", "defaults.origins.0"),
    ],
)
def test_faults_of_the_file(load: Load, line: str, code: str, words: str) -> None:
    found, text, number = problem_of(load, line + REST.format())
    assert found == code
    assert words in text
    assert number == 1


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("say:\n  url: /ws/привет\n  process: a.b\n", "unknown_key", "write that line above and indent `say`"),
        ("tags:\n  url: /ws/a\n", "unknown_key", "endpoints belong below `endpoints:`"),
        ("a: {url: /a, process: a.b}\nendpoints: {}\n", "unknown_key", "below `endpoints:`; indent `a` and"),
        ("endpoints:\n  - url: /ws/a\n    process: a.b\n", "wrong_type", "`greeting:` in place of `-`"),
        ("endpoints:{}\n", "wrong_type", "put a blank after the colon: `endpoints: {}`"),
        ("endpoints:\n  a:\n    url:/ws/g\n", "wrong_type", "put a blank after the colon: `url: /ws/g`"),
        ("endpoints:\n  a:\n    url:/ws/g\n    process:a.b\n", "wrong_type", ": `url: /ws/g`"),
        ("endpoints:\n  a: https://x.example\n", "wrong_type", "write its keys below it, indented"),
        ("endpoints: {a: {url: /ws/a, proces: a.b}}", "unknown_key", 'did you mean "process"?'),
    ],
)
def test_what_stands_in_another_place_or_form_is_reported_where_and_how(
    load: Load, text: str, code: str, words: str
) -> None:
    found, told_of, _ = problem_of(load, text)
    assert found == code
    assert words in told_of


NO_PROCESSES = r"""
../x /etc/passwd os:system a.__init__ __main__.x a. .a a..b a.b() http://x.y "a.b\0" "a.b\n" ａ.b а.b
a.1 a-b.c '{a}.b'
""".split()  # noqa: SIM905 - words to read, not a column of quotes


@pytest.mark.parametrize("process", [*NO_PROCESSES, "a b.c", "x" * 300 + ".y"])
def test_a_process_is_a_dotted_name_and_nothing_else(load: Load, process: str) -> None:
    (problem,) = {p.code for p in load(f"endpoints: {{a: {{url: /ws/a, process: {process}}}}}").problems}
    assert problem in {"wrong_value", "yaml_syntax"}


@pytest.mark.parametrize("name", ["'a b'", "привет", "1a", "'*x'", '""', "a/b", "x" * 65, '"a\\n"'])
def test_an_endpoint_has_a_name_that_metrics_can_carry(load: Load, name: str) -> None:
    code, text, _ = problem_of(load, f"endpoints: {{{name}: {{url: /ws/a, process: a.b}}}}")
    assert code == "wrong_value"
    assert "`summary`" in text


def test_missing_keys_are_all_reported_with_an_example(load: Load) -> None:
    problems = load("endpoints:\n  a: {}\n").problems
    assert [(p.code, p.hint, p.line) for p in problems] == [
        ("missing_key", "add `url: /ws/greeting`", 2),
    ]


@pytest.mark.parametrize("url", ["/ws/x/", "ws/x", "/", "/docs", "/auth/x", "/account/x", "/openapi.json"])
def test_urls_that_cannot_be(load: Load, url: str) -> None:
    text = f"auth: {{path: /account}}\nendpoints:\n  a:\n    process: a.b\n    url: {url}\n"
    found, _, line = problem_of(load, text)
    assert (found, line) == ("bad_url" if url in ("/ws/x/", "ws/x") else "reserved_url", 5)


def test_two_urls_of_one_shape_name_both(load: Load) -> None:
    text = """
        endpoints:
          a: {url: "/ws/{x}/при", process: a.b}
          b: {url: "/ws/{y}/%D0%BF%D1%80%D0%B8", process: a.b}
          c: {url: "/ws/z/при", process: a.b}
    """
    code, words, line = problem_of(load, text)
    assert (code, line) == ("same_url", 4)
    assert '"a" (endpoints.yaml:3)' in words


def test_once_roles_are_declared_others_are_unknown(load: Load) -> None:
    text = "endpoints: {a: {url: /ws/a, process: a.b, auth: {roles: [suport, admin]}}}\n"
    assert load(text).problems == ()
    code, words, _ = problem_of(load, text + "roles: {support: x, поддержка: y}\n")
    assert code == "unknown_role"
    assert 'endpoints.a.auth.roles.0: there is no role "suport"; did you mean "support"?' in words


def test_many_faults_in_one_endpoint_are_all_reported(load: Load) -> None:
    text = ENDPOINT.format("limits: {time: 1, idle: 5, x: 1}\n    auth: 5\n    on_connect: ab")
    assert {p.code for p in load(text).problems} == {"wrong_type", "wrong_value", "unknown_key"}
    assert len(load(text).problems) == 5


def test_a_limit_that_is_written_wrong_hides_no_other(load: Load) -> None:
    line = "limits: {time: 5, message: 1GB, per_user: -1, rate: 0/s, queue: 1, idle: 99999d, conections: 1}"
    limits = "time message per_user rate queue idle".split()  # noqa: SIM905 - words to read
    expected = ["endpoints.say.limits", *(f"endpoints.say.limits.{key}" for key in sorted(limits))]
    assert sorted(problem.path for problem in load(ENDPOINT.format(line)).problems) == expected


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("auth: {role: [5], roles: [5, suport]}", 'did you mean "support"?'),
        ("origins: [5, https://a.example/]", "an origin has no path"),
        ("subprotocols: ['a b', jackfield.v1]", "belongs to Jackfield itself"),
    ],
)
def test_an_item_of_the_wrong_kind_hides_no_other(load: Load, line: str, words: str) -> None:
    problems = load("roles: {support: x}\n" + ENDPOINT.format(line)).problems
    assert len(problems) > 1
    assert any(words in str(problem) for problem in problems)


@pytest.mark.parametrize("url", ["ws", "/docs", "/ws/say/", "", "5"])
def test_an_endpoint_whose_url_is_wrong_is_there_for_its_process(load: Load, url: str) -> None:
    loaded = load(f"endpoints: {{a: {{url: {url}, process: a.b}}}}\n")
    assert len(loaded.problems) == 1
    assert [(endpoint.name, endpoint.process) for endpoint in loaded.plan.endpoints] == [("a", "a.b")]


def test_limits_of_the_server_stand_at_the_top(load: Load) -> None:
    text = "endpoints: {a: {url: /ws/a, process: a.b}}\n"
    assert load(text).plan.limits.feeds == 1000
    assert load("limits: {feeds: 5}\n" + text).plan.limits.feeds == 5
    code, words, line = problem_of(load, "limits: {rate: 5/s}\n" + text)
    assert (code, line) == ("unknown_key", 1)
    assert "of an endpoint" in words
    assert problem_of(load, "limits: {feeds: 0}\n" + text)[0] == "wrong_value"


def test_a_process_may_be_left_out_and_not_misspelt(load: Load) -> None:
    plan = load("endpoints: {a: {url: /ws/a}, b: {url: /ws/b, feed: a.b}}\n").plan
    assert [(one.name, one.process, one.feed) for one in plan.endpoints] == [("a", "", ""), ("b", "", "a.b")]
    code, words, _ = problem_of(load, "endpoints: {a: {url: /ws/a, proces: a.b, input: {type: object}}}\n")
    assert (code, "process" in words) == ("unknown_key", True)
    code, words, _ = problem_of(load, "defaults: {feed: a.b}\nendpoints: {a: {url: /ws/a}}\n")
    assert (code, "a `feed` of its own" in words) == ("unknown_key", True)


@pytest.mark.parametrize(
    ("written", "found"),
    [("payloads", ("payloads",)), ("[unmatched, payloads]", ("unmatched", "payloads"))],
)
def test_what_of_messages_may_be_read_is_a_word_or_both(load: Load, written: str, found: tuple[str, ...]) -> None:
    loaded = load(f"endpoints: {{a: {{url: /ws/a, process: a.b, inspect: {written}}}}}")
    assert (loaded.plan.endpoints[0].inspect, loaded.problems) == (found, ())
