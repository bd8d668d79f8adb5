"""Processes and examples of the files are tried beside the server, and nothing of it reaches the server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jackfield.errors import Refusal
from jackfield.server.editing.project_files import ProjectFiles
from jackfield.server.web import children, places, trying
from jackfield.server.web.children import Children, Done
from tests.describe.documents.test_http_api import judge
from tests.server.conftest import OpenServed
from tests.server.served import Headers, Served, until

TABLE = "first,message,reply.text,keep\n1,Привет,{message}!,yes\nrest,,Что? 😀,\n"
ENDPOINTS = """
  faq:
    url: /ws/faq
    process: faq
    examples:
      - {name: "Привет", steps: [{send: {message: "Привет"}, expect: {text: "Привет!"}}]}
      - {steps: [{send: {message: "Пока"}, expect: {text: "Да"}}]}
"""
CODE = """
@process
def gone(text: str) -> str:
    import os
    os.write(2, "конец".encode())
    os._exit(3)

@process(reply="login")
def who(connection: Connection) -> str:
    return connection.identity.login

@process
def loud(text: str) -> str:
    import sys
    print("ы" * 100_000, file=sys.stderr)
    return text

@process
def long(text: str) -> str:
    return text * 100_000

@process
def ever(text: str) -> str:
    import socket, subprocess, sys
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with socket.create_connection(("127.0.0.1", int(text))) as test:
        test.sendall(b"%d" % child.pid)
    while True:
        pass
"""


@pytest.fixture
async def served(open_served: OpenServed, tmp_path: Path) -> Served:
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "faq.csv").write_text(TABLE, "utf-8")
    made = await open_served(ENDPOINTS, CODE, edit="all")
    made.gateway.live.files = ProjectFiles(tmp_path)
    made.gateway.live.tested = tmp_path / ".jackfield" / "tested.json"
    for login, role in (("шеф", "admin"), ("аня", "editor")):
        await made.add(login, role)
    return made


@pytest.fixture
async def admin(served: Served) -> Headers:
    return await served.cookie("шеф")


async def ran(served: Served, who: Headers, process: str, **message: Any) -> dict[str, Any]:
    answer = await served.http("POST", "/api/run", who, {"process": process, "message": message})
    assert answer.status == 200, answer.json
    return answer.json


async def test_a_table_is_tried_as_it_is_on_the_disk(served: Served, tmp_path: Path) -> None:
    editor = await served.cookie("аня")
    (tmp_path / "processes" / "faq.csv").write_text(TABLE.replace("{message}!", "Новое: {message}"), "utf-8")
    found = await ran(served, editor, "faq", message="Привет")
    assert (found["frames"], found["trace"]["outcome"]) == ([{"text": "Новое: Привет"}], "row 1 answers")
    assert not (tmp_path / "data").exists(), "what is tried is not kept"
    (tmp_path / "processes" / "faq.csv").write_text("first,message,reply.text\n1,,{нет}\n", "utf-8")
    broken = await ran(served, editor, "faq", message="Привет")
    assert (broken["frames"], broken["problems"][0]["line"]) == ([], 2)


async def test_it_is_sent_by_whom_it_says_or_by_nobody(
    served: Served, admin: Headers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for given, login in (({"login": "анна"}, "анна"), ({}, "")):
        answer = await served.http("POST", "/api/run", admin, {"process": "p.who", **given})
        judge("run-process", answer)
        assert answer.json["frames"] == [{"login": login}]
    assert "process_tried process='p.who'" in caplog.text
    assert "by='шеф' client='10.1.2.3'" in caplog.text


async def test_both_are_bounded_in_time(served: Served, admin: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float]] = []

    async def run_(_self: Children, words: list[str], _given: bytes, within: float, *_: object) -> Done:
        asked.append((words[words.index("--within") + 1] if "--within" in words else "", within))
        return Done(b"", "", f"it had not ended after {within:g} s, and was stopped")

    monkeypatch.setattr(Children, "run", run_)
    found = await ran(served, admin, "faq", message="Привет" * 1000)  # more than a password has room for
    sentence = "it had not ended after 25 s, and was stopped"
    assert found == {"frames": [], "trace": None, "explained": [sentence], "closed": None, "problems": []}
    answer = await served.http("POST", "/api/test", admin, {})
    assert answer.json["detail"] == "The examples were not run: it had not ended after 120 s, and was stopped."
    assert asked == [("10", 25.0), ("", 120.0)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"process": "p.gone\n"}, "invalid_request"),
        ({"process": "faq", "login": "а\u202eб"}, "invalid_request"),
        ({"process": "faq", "message": []}, "invalid_request"),
        ({"process": "faq", "message": {"message": "a" * trying.MOST_BYTES}}, "body_too_large"),
    ],
)
async def test_a_wrong_question_is_refused(served: Served, admin: Headers, body: dict[str, Any], code: str) -> None:
    answer = await served.http("POST", "/api/run", admin, body)
    assert answer.json["code"] == code


async def test_a_name_is_no_option(served: Served, admin: Headers) -> None:
    (sentence,) = (await ran(served, admin, "--help"))["explained"]
    assert sentence.startswith('no process is named "--help"')


async def test_who_edits_tables_alone_tries_those_that_are_live(served: Served) -> None:
    answer = await served.http("POST", "/api/run", await served.cookie("аня"), {"process": "new"})
    assert (answer.status, answer.json["detail"]) == (403, "Tables alone are tried here.")


async def test_a_run_that_may_not_wait_is_told_to_come_again(
    served: Served, admin: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "MOST_WAITING", 0)
    for path, body in (("run", {"process": "faq"}), ("test", {})):
        answer = await served.http("POST", f"/api/{path}", admin, body)
        judge("run-process" if path == "run" else "run-examples", answer)
        assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "too_busy", "1")


async def test_what_a_process_does_to_its_program_it_does_not_do_to_the_server(served: Served, admin: Headers) -> None:
    assert (await ran(served, admin, "p.gone", text="a"))["explained"] == ["конец"]


async def test_what_does_not_end_is_stopped_with_all_that_it_began(
    served: Served, admin: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[asyncio.Timeout] = []
    begun: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def timeout(within: float) -> asyncio.Timeout:
        """Time is over when the process has begun, however long that takes here."""
        limits.append(asyncio.timeout(None if within == trying.RUN_WITHIN else within))
        return limits[-1]

    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set_result((await reader.read()).decode())
        writer.close()
        limits[0].reschedule(0)

    monkeypatch.setattr(children, "asyncio", SimpleNamespace(**{**vars(asyncio), "timeout": timeout}))
    async with await asyncio.start_server(tell, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await ran(served, admin, "p.ever", text=str(port))
    assert found["explained"] == ["it had not ended after 25 s, and was stopped"]
    await until(lambda: _is_over(begun.result()))


def _is_over(pid: str) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


@pytest.mark.usefixtures("served")
async def test_what_prints_too_much_is_stopped_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would wait for somebody who reads on: a pipe holds 64 KiB."""
    monkeypatch.setattr(children, "MOST_PRINTED", 100_000)
    words = ["-C", str(tmp_path), "run", "--format", "json", "p.long", '{"text": "ой"}']
    done = await Children().run(words, b"", 20.0)
    assert (done.printed, done.stopped) == (b"", "it printed more than 100,000 bytes, and was stopped")


async def test_who_may_change_tables_alone_runs_no_code(served: Served) -> None:
    editor = await served.cookie("аня")
    for path, body in (("run", {"process": "p.gone", "message": {"text": ""}}), ("test", {})):
        answer = await served.http("POST", f"/api/{path}", editor, body)
        assert (answer.status, answer.json["code"]) == (403, "role_required")
    assert (await served.http("POST", "/api/run", [], {"process": "faq"})).status == 401


async def test_examples_are_run_and_remembered(
    served: Served, admin: Headers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    (tmp_path / ".jackfield").mkdir()
    found = (await served.http("POST", "/api/test", admin, {"endpoint": "faq"})).json
    assert [(one["example"], one["passed"]) for one in found["results"]] == [("Привет", True), ("example 2", False)]
    tested = (await served.http("GET", "/api/processes/faq")).json["tested"]
    assert (tested["passed"], tested["failed"]) == (1, 1)
    assert "examples_run endpoint='faq' passed=1 failed=1 by='шеф' client='10.1.2.3'" in caplog.text
    everything = await served.http("POST", "/api/test", admin, {})
    judge("run-examples", everything)
    assert len(everything.json["results"]) == 2
    wrong = await served.http("POST", "/api/test", admin, {"endpoint": "\0"})
    assert wrong.json["code"] == "invalid_request"
    unknown = await served.http("POST", "/api/test", admin, {"endpoint": "fak"})
    assert unknown.json["detail"].startswith('The examples were not run: no endpoint and no example is called "fak"')
    (tmp_path / "processes" / "faq.csv").write_text("first,message,reply.text\n1,,{нет}\n", "utf-8")
    broken = (await served.http("POST", "/api/test", admin, {})).json
    assert (broken["results"], broken["problems"][0]["line"]) == ([], 2)


async def test_where_nothing_is_remembered_examples_are_run_all_the_same(
    served: Served, admin: Headers, tmp_path: Path
) -> None:
    served.gateway.live.tested = None
    assert len((await served.http("POST", "/api/test", admin, {})).json["results"]) == 2
    served.gateway.live.files = None
    assert (await served.http("POST", "/api/test", admin, {})).json["code"] == "not_found"
    assert not (tmp_path / ".jackfield").exists()


async def test_runs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACKFIELD_SECRET_KEYS", "тайна")
    some = Children()
    going = [asyncio.create_task(some.run(["--help"], b"", 30.0)) for _ in range(children.AT_ONCE)]
    await until(some.places._places.locked)
    waits = asyncio.create_task(some.run(["--help"], b"", 30.0))
    await until(lambda: some.places.waiting == 1)
    monkeypatch.setattr(places, "WAIT", 0.0)
    with pytest.raises(Refusal, match="too_busy"):
        await some.run(["--version"], b"", 30.0)
    assert all(b"Usage" in done.printed for done in await asyncio.gather(*going, waits))
    monkeypatch.setattr(children, "MOST_PRINTED", 10)
    assert (await some.run(["docs", "protocol"], b"", 30.0)).stopped == "it printed more than 10 bytes, and was stopped"
    assert (some.places.waiting, "JACKFIELD_SECRET_KEYS" in json.dumps(children._environment())) == (0, False)


@pytest.mark.usefixtures("served")
async def test_of_what_is_printed_besides_the_end_is_kept(tmp_path: Path) -> None:
    words = ["-C", str(tmp_path), "run", "--format", "json", "p.loud", '{"text": "да"}']
    done = await Children().run(words, b"", 30.0)
    assert (json.loads(done.printed)["frames"], done.stopped) == ([{"result": "да"}], "")
    assert 900 < len(done.last) <= 2_000, "bytes, of two a letter"


async def test_a_child_that_reads_nothing_is_given_nothing() -> None:
    done = await Children().run(["--version"], b"x" * 1_000_000, 30.0)
    assert (done.printed.startswith(b"jackfield"), done.stopped) == (True, "")
