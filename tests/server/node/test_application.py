"""Jackfield mounted in another application, on plain ASGI."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

import jackfield
from jackfield.cli import main
from jackfield.errors import PlanError
from jackfield.server.node.application import Application
from jackfield.state import State, StateError
from tests.projects import write

FILE = """
endpoints:
  greeting: {url: /ws/greeting, process: greeting.answer, auth: public}
  private: {url: /ws/private, process: greeting.answer}
"""
PROCESS = """
from jackfield import process

@process(reply="message")
def answer(message: str) -> str:
    return f"{message}!"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path, FILE, greeting=PROCESS)


def test_mounted_below_a_prefix_without_a_lifespan(project: Path) -> None:
    rt = jackfield.application(project)
    with TestClient(Starlette(routes=[Mount("/rt", rt)])) as client:
        with client.websocket_connect("/rt/ws/greeting") as socket:
            socket.send_text('{"message": "Привет"}')
            assert socket.receive_json() == {"message": "Привет!"}
        body = client.get("/rt/ws/greeting").json()
        assert body["websocket_url"] == "ws://testserver/rt/ws/greeting"
        assert body["login"]["url"] == "http://testserver/rt/auth/login"
        assert body["send"] is None, "examples are for listeners that only this machine reaches"
        assert client.get("/ws/greeting").status_code == 404
        refused = client.get("/rt/ws/private").json()["would"]
        assert refused["code"] == "not_logged_in"
        assert "/rt/auth/login" in refused["fix"]
        challenge = client.get("/rt/auth/session").headers["www-authenticate"]
        assert 'form-action="/rt/auth/login"' in challenge
        assert client.portal is not None
        client.portal.call(rt.close)  # or a connection of its store is left as garbage


def test_the_lifespan_opens_and_closes(project: Path) -> None:
    with TestClient(jackfield.application(project)) as client:
        assert (project / ".jackfield" / "server.json").exists()
        assert client.get("/ready").json() == {"status": "ok"}
    assert not (project / ".jackfield" / "server.json").exists()


def test_a_broken_project_fails_at_start_with_its_problems(project: Path) -> None:
    (project / "endpoints.yaml").write_text("endpoints: {x: {url: /ws/x, process: greeting.answe}}", encoding="utf-8")
    with pytest.raises(BaseException, match=r"did you mean \"greeting.answer\"") as failed:  # noqa: SIM117
        with TestClient(jackfield.application(project)):
            pass
    assert failed.value is not None


HOSTED = """
groups: {"room:{room}": {}}
endpoints:
  room: {url: "/ws/rooms/{room}", group: "room:{room}", process: rooms.say, auth: public}
"""
ROOMS = """
from pathlib import Path
from typing import Annotated
from jackfield import process, resource

@resource
async def door():
    Path(__file__).parents[1].joinpath("door").write_text("open")
    yield "door"
    Path(__file__).parents[1].joinpath("door").write_text("closed")

@process(reply="text")
def say(text: str, door: Annotated[str, door]) -> str:
    return f"{text} {door}"
"""


class Socket:
    """A client of a WebSocket by plain ASGI, below a mount."""

    def __init__(self, app: Application, path: str) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.sent: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        scope = {"type": "websocket", "path": f"/rt{path}", "root_path": "/rt", "headers": [(b"host", b"x")]}
        self.task = asyncio.create_task(app({**scope, "scheme": "ws"}, self.incoming.get, self._send))

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.put_nowait(message)
        if message["type"] == "websocket.close":
            self.incoming.put_nowait({"type": "websocket.disconnect", "code": message["code"]})


@pytest.fixture
def hosted(tmp_path: Path) -> Path:
    return write(tmp_path, HOSTED, rooms=ROOMS)


def test_the_lifespan_of_the_host_opens_and_closes(hosted: Path, caplog: pytest.LogCaptureFixture) -> None:
    rt = jackfield.application(hosted)
    room = jackfield.Groups.name("room:{room}", room="кухня")

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with rt as entered:
            yield {"rt": entered}

    async def push(request: Request) -> JSONResponse:
        return JSONResponse(await request.state.rt.groups.send(room, {"event": "told", "text": "👋"}))

    host = Starlette(routes=[Route("/push", push), Mount("/rt", rt)], lifespan=lifespan)
    with pytest.raises(RuntimeError, match="is not open; enter it in the lifespan of the host"):
        _ = rt.groups
    for _start in range(2):  # one object, as tests of a host enter it again and again
        with TestClient(host) as client:
            assert (hosted / "door").read_text() == "open"
            with client.websocket_connect("/rt/ws/rooms/кухня") as socket:
                socket.send_json({"text": "Привет"})
                assert socket.receive_json() == {"text": "Привет door"}
                assert client.get("/push").json() == 1
                assert socket.receive_json() == {"event": "told", "text": "👋"}
        assert (hosted / "door").read_text() == "closed"
    assert not (hosted / ".jackfield" / "server.json").exists()
    assert "opened_without_lifespan" not in caplog.text
    with pytest.raises(RuntimeError, match="is not open"):
        _ = rt.groups


async def test_who_is_connected_at_the_end_of_the_lifespan_is_closed_1012(hosted: Path) -> None:
    async with asyncio.timeout(20), jackfield.application(hosted) as rt:
        socket = Socket(rt, "/ws/rooms/a")
        assert (await socket.sent.get())["type"] == "websocket.accept"
    closed = await socket.sent.get()
    assert (closed["type"], closed["code"]) == ("websocket.close", 1012)
    await socket.task


async def test_a_broken_project_is_told_as_check_tells_it(hosted: Path, caplog: pytest.LogCaptureFixture) -> None:
    (hosted / "endpoints.yaml").write_text(HOSTED.replace("rooms.say", "rooms.sey"), encoding="utf-8")
    (hosted / "processes" / "other.py").write_text("import nothing_of_this_name\n", encoding="utf-8")
    with pytest.raises(PlanError) as failed:
        async with jackfield.application(hosted):
            pass
    told = await asyncio.to_thread(CliRunner().invoke, main, ["-C", str(hosted), "check"])
    assert told.exit_code == 1
    assert len(str(failed.value).splitlines()) >= 2
    assert set(str(failed.value).splitlines()) <= set(told.stdout.splitlines())
    logged = [line for line in caplog.messages if line.startswith("publish_problem")]
    assert len(logged) == len(failed.value.problems), "a line each"
    assert "\\n" not in caplog.text


async def test_it_is_entered_once_at_a_time(hosted: Path) -> None:
    rt = jackfield.application(hosted)
    async with rt:
        with pytest.raises(RuntimeError, match=r"is open already; enter it once"):
            async with rt:
                pass
        assert await rt.groups.send("room:a", {"event": "told"}) == 0, "the inner end has closed nothing"
    async with rt:
        pass


async def test_groups_say_how_they_are_called_from_another_loop(hosted: Path) -> None:
    async with jackfield.application(hosted) as rt:
        with pytest.raises(RuntimeError, match=r"from_thread\.run\(groups\.send, .*run_coroutine_threadsafe"):
            await asyncio.to_thread(lambda: asyncio.run(rt.groups.send("room:a", {"event": "a"})))
        sent = rt.groups.send("room:a", {"event": "привет"})
        thread = asyncio.to_thread(asyncio.run_coroutine_threadsafe, sent, asyncio.get_running_loop())
        assert await asyncio.wrap_future(await thread) == 0


async def test_what_is_no_event_is_named_by_its_key(hosted: Path) -> None:
    async with jackfield.application(hosted) as rt:
        with pytest.raises(ValueError, match=r"^/by/1: Encoding objects of type object is unsupported$"):
            await rt.groups.send("room:a", {"event": "told", "by": ["аня", object()]})
        with pytest.raises(ValueError, match=r"^what is sent: an event is a JSON object"):
            await rt.groups.send_to("аня", "привет")


async def test_an_older_plan_than_the_files_is_told(hosted: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with jackfield.application(hosted):
        assert "serving_last_published" not in caplog.text
    (hosted / "endpoints.yaml").write_text("endpoints: {x: {url: /ws/x, process: no.such}}", encoding="utf-8")
    async with asyncio.timeout(20), jackfield.application(hosted) as rt:
        told = {record.levelname: record.getMessage() for record in caplog.records}
        assert "no.such" in told["ERROR"]
        assert "serving_last_published" in told["WARNING"]
        socket = Socket(rt, "/ws/rooms/a")
        assert (await socket.sent.get())["type"] == "websocket.accept"
    await socket.task


async def test_a_second_worker_is_refused_with_one_sentence(hosted: Path) -> None:
    words = (
        rf"^another server \(process {os.getpid()}\) is running on \S+; stop it, .* one worker: .*; "
        r"tests of the host need a state folder of their own: JACKFIELD_STATE$"
    )
    with State.open(hosted).locked(), pytest.raises(StateError, match=words):
        async with jackfield.application(hosted):
            pass


async def test_two_projects_of_one_host_have_two_state_folders(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, common = write(tmp_path_factory.mktemp("другой"), FILE, greeting=PROCESS), project / "state"
    monkeypatch.setenv("JACKFIELD_STATE", str(common))
    async with jackfield.application(project):
        with pytest.raises(StateError, match=rf'^{common} is in use by this process itself, .*state="') as failed:
            async with jackfield.application(other):
                pass
        assert "another server" not in str(failed.value)
        async with jackfield.application(other, state=common / "другой"):
            assert (common / "другой" / "server.json").exists()
        with pytest.raises(StateError, match="this process itself"):  # the one that failed has given nothing back
            async with jackfield.application(other):
                pass
    async with jackfield.application(other):
        assert not (other / ".jackfield").exists()


async def test_who_mounts_it_without_a_lifespan_is_told(hosted: Path, caplog: pytest.LogCaptureFixture) -> None:
    rt = jackfield.application(hosted)
    first, second = Socket(rt, "/ws/rooms/a"), Socket(rt, "/ws/rooms/a")
    async with asyncio.timeout(20):
        assert (await first.sent.get())["type"] == (await second.sent.get())["type"] == "websocket.accept"
        assert await rt.groups.send("room:a", {"event": "told"}) == 2
        await rt.close()
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [bool(re.match("opened_without_lifespan.*jackfield docs embedding", line)) for line in told] == [True]
    await asyncio.gather(first.task, second.task)


async def test_what_nobody_foresaw_fails_the_start_too(hosted: Path) -> None:
    """Else uvicorn takes it for an application that knows no lifespan, and serves."""
    await asyncio.get_running_loop().shutdown_default_executor()
    incoming, sent = asyncio.Queue[dict[str, Any]](), asyncio.Queue[MutableMapping[str, Any]]()
    incoming.put_nowait({"type": "lifespan.startup"})
    async with asyncio.timeout(20):
        with pytest.raises(RuntimeError, match="shutdown"):
            await jackfield.application(hosted)({"type": "lifespan"}, incoming.get, sent.put)
    failed = sent.get_nowait()
    assert (failed["type"], "shutdown" in failed["message"]) == ("lifespan.startup.failed", True)
    with State.open(hosted).locked():
        pass


SLOW = """
import asyncio
from typing import Annotated
from jackfield import process, resource

@resource
async def door():
    next(task for task in asyncio.all_tasks() if task.get_name() == "start").cancel()
    await asyncio.Event().wait()
    yield "door"

@process
def say(text: str, door: Annotated[str, door]) -> str:
    return text
"""


async def test_a_start_that_is_broken_off_leaves_nothing_open(hosted: Path) -> None:
    write(hosted, rooms=SLOW)
    begun = asyncio.create_task(jackfield.application(hosted).__aenter__(), name="start")
    async with asyncio.timeout(20):
        with pytest.raises(asyncio.CancelledError):
            await begun
    with State.open(hosted).locked():
        pass


async def test_no_handler_of_the_host_is_touched(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = list(logging.getLogger().handlers)
    app = jackfield.application(project)
    sent: list[object] = []
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    incoming.put_nowait({"type": "websocket.receive", "text": '{"message": "а"}'})

    async def send(message: object) -> None:
        sent.append(message)
        if len(sent) == 2:
            incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})

    scope = {"type": "websocket", "path": "/ws/greeting", "headers": [(b"host", b"x")], "scheme": "ws"}
    with caplog.at_level(logging.INFO, "jackfield"):
        async with asyncio.timeout(10):
            await app(scope, incoming.get, send)
    await app.close()
    assert sent == [
        {"type": "websocket.accept", "subprotocol": None},
        {"type": "websocket.send", "text": '{"message":"а!"}'},
    ]
    assert any(record.getMessage().startswith("connection_opened") for record in caplog.records)
    assert logging.getLogger().handlers == before


def test_secrets_may_stand_in_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, store = project / "keys", project / "store"
    keys.write_text("0123456789abcdef" * 4 + "\n", encoding="ascii")
    store.write_text(f"sqlite+aiosqlite:///{project / 'elsewhere.db'}\n", encoding="utf-8")
    monkeypatch.setenv("JACKFIELD_SECRET_KEYS_FILE", str(keys))
    monkeypatch.setenv("JACKFIELD_STORE_FILE", str(store))
    with TestClient(jackfield.application(project)) as client:
        assert client.get("/health").status_code == 200
    assert (project / "elsewhere.db").exists()
    assert not (project / ".jackfield" / "secret_keys").exists()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"JACKFIELD_STORE": "sqlite+aiosqlite://", "JACKFIELD_STORE_FILE": "store"}, "keep one of them"),
        ({"JACKFIELD_STORE_FILE": "/no/such/file"}, "No such file"),
        ({"JACKFIELD_STORE_FILE": "/dev/zero"}, "it is a device"),
        ({"JACKFIELD_SECRET_KEYS_FILE": "/dev/zero"}, "it is a device"),
    ],
)
def test_a_secret_given_twice_or_in_no_file_is_reported(
    project: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StateError, match=words), TestClient(jackfield.application(project)):
        pass
