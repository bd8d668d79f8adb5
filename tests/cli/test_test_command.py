"""`jackfield test` in process; against a server it is tested in tests/testing/test_live.py."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import Result

from jackfield.state import State
from jackfield.state.tested import read_tested
from jackfield.testing import examples
from tests import projects
from tests.cli.conftest import run

ROOT = Path(__file__).parents[2]
LOUD = "from jackfield import process\n@process\ndef say(text: str) -> str:\n    print('шум')\n    return text\n"
ENDPOINTS = """\
endpoints:
  say:
    url: /ws/say
    process: say.say
    examples:
      - name: "Эхо"
        steps:
          - send: {text: "Привет"}
            expect: {result: "Привет"}
      - name: "Другое"
        steps:
          - send: {text: "Привет"}
            expect: {result: "Пока"}
"""


def write(folder: Path, endpoints: str = ENDPOINTS, say: str = LOUD, **more: str) -> None:
    projects.write(folder, endpoints, say=say, **more)


def test(folder: Path, *arguments: str) -> Result:
    return run("-C", folder, "test", *arguments)


test.__test__ = False  # type: ignore[attr-defined]  # a command's name, no test


def test_our_own_examples_pass() -> None:
    done = test(ROOT)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "greeting",
        "  ok    A greeting",
        "  ok    Small talk",
        "faq",
        "  ok    A question in either language",
    ]
    assert done.stderr.startswith("3 passed in ")


def test_one_that_fails_is_shown_and_exits_1(tmp_path: Path) -> None:
    write(tmp_path)
    done = test(tmp_path)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[:5] == [
        "say",
        "  ok    Эхо",
        "  FAIL  Другое",
        "        endpoints.yaml:13:13: what came differs",
        '        expected  {"result": "Пока"}',
    ]
    assert "jackfield: 1 passed, 1 failed in " in done.stderr
    assert "шум" in done.stderr, "what a process prints is no report"
    assert not (tmp_path / ".jackfield").exists()


@pytest.mark.parametrize(("name", "ok"), [("say", False), ("Эхо", True), ("Другое", False)])
def test_some_are_chosen_by_name(tmp_path: Path, name: str, ok: bool) -> None:
    write(tmp_path)
    assert (test(tmp_path, name).exit_code == 0) == ok


def test_junit_is_all_that_stands_on_stdout(tmp_path: Path) -> None:
    write(tmp_path)
    done = test(tmp_path, "--format", "junit")
    root = ET.fromstring(done.stdout.encode())
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert (root[0][1].get("file"), root[0][1].get("line")) == ("endpoints.yaml", "10")


def test_github_has_a_line_for_each_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    (line,) = test(tmp_path, "--format", "github").stdout.splitlines()
    assert line.startswith("::error file=endpoints.yaml,line=13,col=13,title=say%3A Другое::what came differs%0A")


@pytest.mark.parametrize("form", ["text", "junit", "github"])
def test_problems_are_reported_and_nothing_is_run(tmp_path: Path, form: str) -> None:
    write(tmp_path, ENDPOINTS.replace("{text:", "{txt:", 1).replace('name: "Эхо"', 'nam: "Эхо"'))
    done = test(tmp_path, "--format", form)
    assert done.exit_code == 1
    assert 'did you mean "name"?' in done.stdout.replace("&quot;", '"')
    assert f"jackfield: 1 problem in {tmp_path}" in done.stderr
    if form == "junit":
        assert ET.fromstring(done.stdout.encode()).get("errors") == "1"


BARE = ENDPOINTS + "  bare: {url: /ws/bare, process: say.say}\n"


@pytest.mark.parametrize(
    ("endpoints", "names", "code", "reported"),
    [
        (ENDPOINTS.partition("    examples:")[0], (), 0, "there are no examples"),
        (BARE, ("bare",), 1, "jackfield: no example was run: there is none of bare\n"),
    ],
)
def test_where_there_are_no_examples_it_says_so_and_is_no_success_where_others_have_some(
    tmp_path: Path, endpoints: str, names: tuple[str, ...], code: int, reported: str
) -> None:
    write(tmp_path, endpoints)
    done = test(tmp_path, *names)
    assert (done.exit_code, done.stdout, done.stderr[: len(reported)]) == (code, "", reported)


def test_problems_are_annotated_as_check_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, ENDPOINTS.replace("{text:", "{txt:", 1))
    monkeypatch.chdir(tmp_path)
    found = run("check", "--format", "github").stdout
    assert found.startswith("::error file=endpoints.yaml,line=8")
    assert test(tmp_path, "--format", "github").stdout == found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--login", "anna"], "belong to --url"),
        (["--token", "x"], "belong to --url"),
        (["--format", "xml"], "xml"),
        (["--url", "desk.example.com"], "like wss://desk.example.com"),
        (["--url", "wss://a?b"], "like wss://desk.example.com"),
        (["--url", "wss://a:b@c"], "like wss://desk.example.com"),
        (["--url", "wss://a:99999"], "like wss://desk.example.com"),
        (["Ехо"], 'did you mean "Эхо"?'),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], words: str) -> None:
    write(tmp_path)
    done = test(tmp_path, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr


STUCK = """
import threading
from jackfield import process

@process
def spin(text: str) -> str:
    while True:
        pass

@process(blocking=True)
def wait(text: str) -> str:
    threading.Event().wait()
    return text
"""
ENDS = """\
endpoints:
  say: {url: /ws/say, process: say.say, examples: [{steps: [{send: {text: a}, expect: {result: a}}]}]}
"""
SPINS = "  spin: {url: /ws/spin, process: stuck.spin, examples: [{name: Ever, steps: [{send: {text: a}}]}]}\n"
WAITS = """\
  wait:
    url: /ws/wait
    process: stuck.wait
    limits: {time: 50ms}
    examples: [{steps: [{send: {text: a}, expect_error: time_exceeded}]}]
"""
IMPATIENT = """
import sys
from functools import partial
from jackfield.cli import main, test_command
from jackfield.testing import gateway, stall
test_command.watched = partial(stall.watched, limit=0.3)
gateway.THREADS_LIMIT = 0.3
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("endpoint", "reported", "failures", "words"),
    [
        (SPINS, ["say", "spin"], 1, "/processes/stuck.py:"),
        (WAITS, ["say", "wait"], 0, "a process with blocking=True has not returned"),
    ],
)
def test_a_process_that_never_returns_ends_the_run_and_what_was_reported_stays(
    tmp_path: Path, endpoint: str, reported: list[str], failures: int, words: str
) -> None:
    write(tmp_path, ENDS + endpoint, stuck=STUCK)
    command = [sys.executable, "-c", IMPATIENT, "-C", str(tmp_path), "test", "--format", "junit"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    root = ET.fromstring(done.stdout.encode())
    assert [suite.get("name") for suite in root] == reported
    assert root.get("failures") == str(failures)
    assert words in done.stderr.splitlines()[-1]
    assert "passed" in done.stderr.splitlines()[-2]


def test_what_was_run_before_ctrl_c_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)

    async def interrupted(*arguments: Any) -> AsyncIterator[Any]:
        async for result in examples.run(*arguments):
            yield result
            raise KeyboardInterrupt

    monkeypatch.setattr("jackfield.cli.test_command.run", interrupted)
    done = test(tmp_path, "--format", "junit")
    assert done.exit_code == 1
    assert [case.get("name") for case in ET.fromstring(done.stdout.encode()).iter("testcase")] == ["Эхо"]
    assert "\n1 passed in " in done.stderr


def test_a_task_that_exits_ends_no_test(tmp_path: Path) -> None:
    """In a process of its own, which it would end, without a report and with the code of its choice."""
    later = "import asyncio, sys\n\nasync def leave():\n    sys.exit(7)\n\n"
    text = LOUD.replace("def say", "async def say").replace("print('шум')", "asyncio.create_task(leave())")
    write(tmp_path, ENDPOINTS.replace("Пока", "Привет"), say=later + text)
    command = [sys.executable, "-m", "jackfield", "-C", str(tmp_path), "test"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 passed" in done.stdout + done.stderr


def test_a_program_is_told_in_one_object_and_the_page_remembers(tmp_path: Path) -> None:
    write(tmp_path)
    State.open(tmp_path)
    passed, failed = json.loads(test(tmp_path, "--format", "json").stdout)["results"]
    assert passed == {"endpoint": "say", "example": "Эхо", "passed": True, "problem": ""}
    assert (failed["passed"], failed["problem"].splitlines()[0]) == (
        False,
        "endpoints.yaml:13:13: what came differs",
    )
    remembered = read_tested(tmp_path / ".jackfield" / "tested.json")["say"]
    assert {name: ok for name, (_, ok) in remembered.items()} == {"Эхо": True, "Другое": False}
    before = remembered["Другое"]
    test(tmp_path, "Эхо")
    remembered = read_tested(tmp_path / ".jackfield" / "tested.json")["say"]
    assert (remembered["Другое"], remembered["Эхо"][0] > before[0]) == (before, True)
    write(tmp_path, f"{ENDPOINTS}  mute: {{url: /ws/mute, process: say.say}}\n")
    assert json.loads(test(tmp_path, "--format", "json", "mute").stdout)["results"] == []
    (tmp_path / "endpoints.yaml").write_text("endpoints: [", "utf-8")
    assert json.loads(test(tmp_path, "--format", "json").stdout)["problems"][0]["file"] == "endpoints.yaml"
