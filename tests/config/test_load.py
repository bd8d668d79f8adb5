from __future__ import annotations

import json
from pathlib import Path

import pytest

from jackfield.config.plan import Access, AuthSettings, Endpoint, Example, Limits, Origins, Place, Step
from tests.config.conftest import Load

SMALL = """
    endpoints:
      greeting:
        url: /ws/greeting
        process: greeting.answer
"""

FULL = """
    title: "Поддержка 👋"
    x-mine: {anything: [1]}
    auth:
      cookie: {name: __Host-desk, same_site: strict, partitioned: true}
      path: /account
      session: 8h
      idle: 30m
      token_in_body: false
    roles: {support: "Agents", lead: null}
    defaults:
      origins: ["https://App.example.com:443"]
      limits: {time: 5s, ping: off, rate: 3000/m}
      tags: ["Чат"]
    endpoints:
      say:
        type: GET
        url: /ws/rooms/{room}
        process: support.chat.say
        auth: {roles: [support, admin, support]}
        origin_required: true
        refusals: close
        input: {properties: {text: {maxLength: 500}}}
        limits: {message: 1MiB, time: 500ms, connections: 5, per_user: 1, rate: off}
        summary: "Says something"
        description: "**More**"
        subprotocols: [chat.v2]
        examples:
          - name: "Привет"
            steps:
              - send: {message: "Привет"}
                expect: {message: "Привет!"}
              - expect: {n: 1}
      open:
        url: /ws/open
        process: a.b
        auth: public
        origins: any
"""


def test_the_smallest_file(load: Load) -> None:
    loaded = load(SMALL)
    assert loaded.problems == ()
    assert loaded.fine
    assert loaded.plan.endpoints == (Endpoint("greeting", "/ws/greeting", "greeting.answer"),)
    assert loaded.plan.auth == AuthSettings()
    assert loaded.plan.roles is None


def test_everything_that_a_file_can_say(load: Load) -> None:
    loaded = load(FULL)
    assert loaded.problems == ()
    plan = loaded.plan
    assert plan.title == "Поддержка 👋"
    assert plan.origins == Origins(allowed=("https://app.example.com",))
    assert plan.roles == {"support": "Agents", "lead": ""}
    assert plan.auth == AuthSettings("__Host-desk", "strict", True, "/account", 28800.0, 1800.0, False)
    say, opened = plan.endpoints
    assert say == Endpoint(
        name="say",
        url="/ws/rooms/{room}",
        process="support.chat.say",
        access=Access("required", ("support", "admin")),
        origins=Origins(allowed=("https://app.example.com",), required=True),
        refusals="close",
        input={"properties": {"text": {"maxLength": 500}}},
        limits=Limits(message=1048576, time=0.5, connections=5, per_user=1, ping=None, rate=None),
        summary="Says something",
        description="**More**",
        tags=("Чат",),
        subprotocols=("chat.v2",),
        examples=(
            Example(
                "Привет",
                (Step("send", {"message": "Привет"}), Step("expect", {"message": "Привет!"}), Step("expect", {"n": 1})),
            ),
        ),
    )
    assert opened.access == Access("public")
    assert opened.origins == Origins(any=True)
    assert opened.limits == Limits(time=5.0, ping=None, rate=50.0)


def test_what_an_endpoint_and_its_limits_can_say_of_the_life_of_a_connection(load: Load) -> None:
    text = """
        defaults: {session_warning: 60s, limits: {idle: 10m, rate_per_user: 100/s, per_address: 5}}
        endpoints:
          say:
            url: /ws/say
            process: a.b
            limits: {queue: 256KiB, slow_consumer: drop_oldest, per_address: 7}
          open:
            url: /ws/open
            process: a.b
            session_warning: off
            limits: {idle: off, rate_per_user: off, per_address: off, queue: 65536}
    """
    loaded = load(text)
    assert loaded.problems == ()
    say, opened = loaded.plan.endpoints
    assert (say.session_warning, opened.session_warning) == (60.0, None)
    assert say.limits == Limits(
        idle=600.0, rate_per_user=100.0, per_address=7, queue=262144, slow_consumer="drop_oldest"
    )
    assert opened.limits == Limits(queue=65536)
    assert loaded.plan.origins == Origins()


def test_the_plan_knows_where_everything_stands(load: Load) -> None:
    plan = load(FULL).plan
    step = plan.endpoints[0].examples[0].steps[2]
    assert plan.place(*step.path, "n") == Place("endpoints.yaml", 33, 22)
    assert plan.place("endpoints", "say", "input", "properties", "text", "maxLength").line == 23
    assert plan.place("endpoints", "open", "nothing").line == 34


def test_what_comes_from_defaults_stands_there(load: Load) -> None:
    plan = load(FULL).plan
    assert plan.place("endpoints", "open", "tags", 0) == plan.place("defaults", "tags", 0)
    assert plan.place("endpoints", "say", "limits", "ping") == plan.place("defaults", "limits", "ping")
    assert plan.place("endpoints", "say", "limits", "time").line == 24
    assert plan.place("endpoints", "open", "origins").line == 38


def test_the_hash_is_of_the_meaning(load: Load) -> None:
    plain = load(SMALL).plan.hash
    assert len(plain) == 12
    same = """
        # a comment
        x-mine: 5
        endpoints: {"greeting": {process: 'greeting.answer', url: /ws/greeting}}
    """
    assert load(same).plan.hash == plain
    assert load(SMALL + "        auth: public\n").plan.hash != plain


def test_an_endpoint_may_move_to_another_file(load: Load) -> None:
    plain = load(SMALL).plan
    moved = load("title: ''\n", chat=SMALL).plan
    assert moved.endpoints == plain.endpoints
    assert moved.place("endpoints", "greeting", "url") == Place("endpoints/chat.yaml", 4, 5)


def test_defaults_hold_in_all_files(load: Load) -> None:
    plan = load("defaults: {auth: public}\n", chat=SMALL).plan
    assert plan.endpoints[0].access == Access("public")


def test_one_name_in_two_files_names_both_places(load: Load) -> None:
    loaded = load(SMALL, a="endpoints: {greeting: {url: /ws/x, process: a.b}}", b=SMALL)
    first, second = loaded.problems
    assert (first.code, first.file, first.line) == ("duplicate_key", "endpoints/a.yaml", 1)
    assert (second.code, second.file, second.line) == ("duplicate_key", "endpoints/b.yaml", 3)
    assert "endpoints.yaml:3:3" in first.hint
    assert "endpoints.yaml:3:3" in second.hint


def test_other_files_hold_endpoints_alone(load: Load) -> None:
    loaded = load(SMALL, chat="auth: {session: 1h}\nendpoints: {}\nx-mine: 1\nfoo: 1\n")
    assert [(p.file, p.line, p.code) for p in loaded.problems] == [
        ("endpoints/chat.yaml", 1, "unknown_key"),
        ("endpoints/chat.yaml", 4, "unknown_key"),
    ]
    assert "endpoints.yaml alone" in loaded.problems[0].hint
    assert loaded.plan.auth.session == AuthSettings().session


def test_problems_of_all_files_come_at_once_in_order(load: Load) -> None:
    text = SMALL + "        titel: x\n        auth: no\n"
    loaded = load(text, b="endpoints: {b: {}}", a="endpoints: [\n")
    assert [(p.file, p.line) for p in loaded.problems] == [
        ("endpoints.yaml", 6),
        ("endpoints.yaml", 7),
        ("endpoints/a.yaml", 2),
        ("endpoints/b.yaml", 1),
    ]
    assert not loaded.fine


def test_sound_endpoints_stay_beside_broken_ones(load: Load) -> None:
    loaded = load(SMALL + "      bad:\n        process: a.b\n")
    assert [p.code for p in loaded.problems] == ["missing_key"]
    assert [endpoint.name for endpoint in loaded.plan.endpoints] == ["greeting", "bad"]


def test_a_warning_does_not_stop_the_plan(load: Load) -> None:
    loaded = load(SMALL + "        summary: Заказ #5\n")
    assert [p.code for p in loaded.problems] == ["cut_by_comment"]
    assert loaded.fine
    assert loaded.plan.endpoints[0].summary == "Заказ"


def test_no_file_at_all(load: Load, tmp_path: Path) -> None:
    (problem,) = load(None).problems
    assert (problem.code, problem.file, problem.line) == ("file_missing", "endpoints.yaml", 0)
    assert "jackfield new" in problem.hint
    (tmp_path / "endpoints.yml").touch()
    (problem,) = load(None).problems
    assert "rename" in problem.hint


@pytest.mark.parametrize("text", ["", "# nothing\n", "title: x\n", "x-a: 1\n"])
def test_a_file_without_endpoints_says_how_to_begin(load: Load, text: str) -> None:
    (problem,) = load(text).problems
    assert problem.code == "missing_key"
    assert "`url` and `process`" in problem.hint


@pytest.mark.parametrize("text", ["- a\n", "5\n", "just words\n", "endpoint: {}\n", "endpoints: []\n"])
def test_one_fault_is_reported_once(load: Load, text: str) -> None:
    assert len(load(text).problems) == 1


@pytest.mark.parametrize("text", ["endpoints: {}\n", "# nothing yet\nendpoints:\n", "title: x\nendpoints: ~\n"])
def test_no_endpoints_on_purpose_is_fine(load: Load, text: str) -> None:
    found = load(text)
    assert (found.problems, found.plan.endpoints) == ((), ())


def test_files_beside_that_are_not_read(load: Load, tmp_path: Path) -> None:
    load(SMALL, chat="endpoints: {}\n")
    (tmp_path / "endpoints" / ".#chat.yaml").write_text("- broken")
    (tmp_path / "endpoints" / "notes.txt").write_text("- broken")
    assert load(SMALL).problems == ()
    (tmp_path / "endpoints" / "more.yml").write_text("- broken")
    (problem,) = load(SMALL).problems
    assert (problem.file, problem.severity) == ("endpoints/more.yml", "warning")


def test_a_file_of_nothing_but_faults_is_left_early(load: Load) -> None:
    loaded = load(json.dumps({"endpoints": {f"e{n}": n for n in range(2000)}}))
    assert len(loaded.problems) == 500
    assert loaded.plan.endpoints == ()
