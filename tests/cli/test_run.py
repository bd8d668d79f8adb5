"""`jackfield run`: one message to one process of any kind, without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import run
from tests.projects import write

CODE = """
import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated
from jackfield import Connection, Reject, process, resource

@resource
async def box():
    print("opened")
    yield {"n": 5}
    print("closed")

@process
def say(text: str, room: str = "") -> str:
    return text + room

@process
async def later(text: str, box: Annotated[dict, box]) -> int:
    await asyncio.sleep(0)
    return box["n"]

@process(reply="n")
def count(to: int) -> Iterator[int]:
    yield from range(to)

@process
async def ever(connection: Connection) -> AsyncIterator[str]:
    connection.send({"event": "begun"})
    yield "да"
    await asyncio.Event().wait()

@process
def five(text: str = "") -> str:
    return 5

@process
def broken() -> None:
    raise KeyError("нет такого")

@process
def closed() -> None:
    raise Reject("closed", "Уже закрыто.")

@process
def who(connection: Connection) -> str:
    return connection.identity.login
"""
TABLE = """\
first,message,age? (integer),reply.text
1,Привет,< 18,Привет!
2,,>= 18,"{message}, {connection.login}. 😀"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, "endpoints: {}\n", p=CODE)
    (tmp_path / "processes" / "faq.csv").write_text(TABLE, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("process", "message", "replies"),
    [
        ("p.say", {"text": "Привет, ", "room": "мир 😀"}, [{"result": "Привет, мир 😀"}]),
        ("p.later", {"text": ""}, [{"result": 5}]),
        ("p.count", {"to": 3}, [{"n": 0}, {"n": 1}, {"n": 2}]),
        ("echo.same", {"a": [1, None]}, [{"a": [1, None]}]),
        ("faq", {"message": "Привет", "age": 7}, [{"text": "Привет!"}]),
    ],
)
def test_every_kind_of_process_answers(
    project: Path, process: str, message: dict[str, object], replies: list[object]
) -> None:
    done = run("-C", project, "run", process, json.dumps(message))
    assert (done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]) == (0, replies)
    assert ("opened\nclosed" in done.stderr) is (process == "p.later")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["p.five"], "process_failed", ": p.five says: Expected `str`, got `int`"),
        (["p.broken"], "process_failed", "p.py:38: KeyError: 'нет такого'"),
        (["p.closed"], "closed", ""),
        (["p.say", '{"text": 5}'], "invalid_message", ""),
        (["p.say", "Привет"], "invalid_message", ""),
        (["faq", '{"message": "Пока"}'], "no_row", ""),
    ],
)
def test_an_error_is_printed_and_ends_with_1(project: Path, words: list[str], code: str, said: str) -> None:
    done = run("-C", project, "run", *words)
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["code"] == code
    assert said in done.stderr


def test_a_login_is_given(project: Path) -> None:
    assert run("-C", project, "run", "p.who", "--login", "anna").stdout == '{"result": "anna"}\n'
    assert run("-C", project, "run", "p.who").stdout == '{"result": ""}\n'


def test_one_that_does_not_end_is_stopped(project: Path) -> None:
    done = run("-C", project, "run", "p.ever", "--within", "0.1")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"event": "begun"}, {"result": "да"}]
    assert "it had not ended after 0.1 s, and was stopped" in done.stderr


def test_a_trace_says_why_the_rows_above_do_not_answer(project: Path) -> None:
    done = run("-C", project, "run", "faq", '{"message": "Пока", "age": 20}', "--login", "anna", "--trace")
    assert json.loads(done.stdout) == {"text": "Пока, anna. 😀"}
    assert done.stderr.splitlines() == [
        "processes/faq.csv: row 2 answers",
        '  ✗ 1  message: B2 says Привет, and it is "Пока"; age?: C2 says < 18, and it is 20',
        "  → 2",
    ]
    missing = run("-C", project, "run", "faq", '{"message": "Пока"}', "--trace").stderr
    assert "no row fits" in missing
    assert "✗ 2  age?: C3 says >= 18, and it is missing" in missing
    assert "p.say is no table" in run("-C", project, "run", "p.say", '{"text": ""}', "--trace").stderr


def test_a_trace_says_that_a_row_has_no_reply(project: Path) -> None:
    (project / "processes" / "faq.csv").write_text("first,message,reply.text\nhello,Привет,\nrest,,да\n", "utf-8")
    done = run("-C", project, "run", "faq", '{"message": "Привет"}', "--trace")
    assert (done.stdout, done.stderr.splitlines()[0]) == (
        "",
        "processes/faq.csv: row hello gives no reply: C2 is empty",
    )


def test_a_trace_of_a_long_table_is_cut(project: Path) -> None:
    rows = "".join(f"{n},слово {n},да\n" for n in range(1000))
    (project / "processes" / "faq.csv").write_text(f"first,message,reply.text\n{rows}", "utf-8")
    lines = run("-C", project, "run", "faq", '{"message": "слово 998"}', "--trace").stderr.splitlines()
    assert len(lines) == 32
    assert (lines[1], lines[-1]) == ("  … 969 rows above did not fit", "  → 998")


@pytest.mark.parametrize(
    ("process", "said"),
    [
        ("p.sya", 'no process is named "p.sya"; did you mean "p.say"?'),
        ("processes/faq.csv", "a table is named without .csv: faq"),
        ("processes/faq", "a process is named without its folder, with dots: faq"),
        ("fag", 'no process is named "fag"; did you mean "faq"?'),
        ("p", "name a function of processes/p.py: p.broken or p.closed"),
    ],
)
def test_a_process_that_is_not_there(project: Path, process: str, said: str) -> None:
    done = run("-C", project, "run", process)
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr


def test_a_project_with_problems(project: Path) -> None:
    (project / "processes" / "faq.csv").write_text("first,message,reply.text\n1,,{mesage}\n", "utf-8")
    done = run("-C", project, "run", "p.say", '{"text": ""}')
    assert (done.exit_code, done.stdout) == (1, "")
    assert "processes/faq.csv:2:4: C2: no column is called `mesage`" in done.stderr
    assert "1 problem in" in done.stderr


def test_a_program_is_told_all_of_it_in_one_object(project: Path) -> None:
    words = ("-C", project, "run", "--format", "json", "--trace", "faq", "-", "--login", "anna")
    done = run(*words, given='{"message": "Пока", "age": 20}')
    assert json.loads(done.stdout) == {
        "frames": [{"text": "Пока, anna. 😀"}],
        "trace": {
            "kind": "table",
            "file": "processes/faq.csv",
            "outcome": "row 2 answers",
            "rows": [
                {
                    "number": 2,
                    "name": "1",
                    "fits": False,
                    "chosen": False,
                    "failed": [
                        {"column": "message", "cell": "B2", "says": "Привет", "is": "Пока"},
                        {"column": "age? (integer)", "cell": "C2", "says": "< 18", "is": 20},
                    ],
                },
                {"number": 3, "name": "2", "fits": True, "chosen": True, "failed": []},
            ],
            "left_out": 0,
        },
        "explained": [],
        "closed": None,
        "problems": [],
    }
    broken = json.loads(run("-C", project, "run", "--format", "json", "p.broken").stdout)
    assert (broken["frames"][0]["error"]["code"], broken["explained"]) == (
        "process_failed",
        ["p.py:38: KeyError: 'нет такого'"],
    )
    assert json.loads(run("-C", project, "run", "--format", "json", "fag").stdout)["explained"]
    (project / "processes" / "faq.csv").write_text("first,message,reply.text\n1,,{нет}\n", "utf-8")
    done = run("-C", project, "run", "--format", "json", "faq")
    (problem,) = json.loads(done.stdout)["problems"]
    assert (done.exit_code, problem["file"], problem["line"]) == (1, "processes/faq.csv", 2)


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (("",), None, "PROCESS is empty; name one, like prices or greeting.answer"),
        ((" ",), None, "PROCESS is empty"),
        (("p.say", "\udcff"), None, "the message is not UTF-8"),
        (("p.say", "-"), b'{"text": "\xff"}', "standard input is not UTF-8"),
    ],
)
def test_what_cannot_be_sent_is_said(project: Path, arguments: tuple[str, ...], given: bytes | None, said: str) -> None:
    done = run("-C", project, "run", *arguments, given=given)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"jackfield: {said}")


def test_a_mark_before_what_an_editor_has_written_is_no_part_of_it(project: Path) -> None:
    done = run("-C", project, "run", "p.say", "-", given='\ufeff{"text": "да"}'.encode())
    assert json.loads(done.stdout) == {"result": "да"}, done.stderr
