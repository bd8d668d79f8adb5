"""Publishing into a running server: what changes is told, what concerns nobody is touched by nobody."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from jackfield.server.node import control

from .conftest import Server, ask, close_code, jackfield_here, write

pytestmark = pytest.mark.walk

ENDPOINTS = """\
endpoints:
  count:
    url: /ws/count
    process: count.up
    auth: public
  room:
    url: /ws/rooms/{room}
    process: room.say
    auth: public
"""
COUNT = """\
from jackfield import Connection, process
from .shared import mark

calls = 0

@process
def up(connection: Connection) -> dict[str, int | str]:
    global calls
    calls += 1
    connection.state["seen"] = connection.state.get("seen", 0) + 1
    return {"calls": calls, "seen": connection.state["seen"], "mark": mark, "version": "one"}
"""
ROOM = """\
from jackfield import process

@process(reply="heard")
def say(room: str, text: str) -> str:
    return f"{room}: {text}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path, endpoints=ENDPOINTS, count=COUNT, room=ROOM, shared='mark = "а"\n')


def publish(server: Server, *arguments: str) -> list[str]:
    return [line.strip() for line in jackfield_here(server.folder, "publish", *arguments).splitlines()]


def test_a_new_endpoint_in_four_lines_and_new_behaviour_on_the_same_socket(
    project: Path, start: Callable[..., Server]
) -> None:
    server = start(project)
    with server.socket("/ws/count") as counting, server.socket("/ws/rooms/зал") as room:
        assert ask(counting) == {"calls": 1, "seen": 1, "mark": "а", "version": "one"}
        assert ask(counting)["calls"] == 2
        write(
            project,
            endpoints=ENDPOINTS + "  shout:\n    url: /ws/shout\n    process: shout.loud\n    auth: public\n",
            shout='from jackfield import process\n@process(reply="text")\n'
            'def loud(text: str) -> str:\n    return text.upper() + "!"\n',
            count=COUNT.replace('"one"', '"two"'),
        )
        # a dry run reports it all and changes nothing
        reported = publish(server, "--dry-run")
        assert reported[0].startswith("would publish "), reported
        assert "added: shout" in reported
        assert "changed: count" in reported
        assert "untouched: 2 of 2 open connections" in reported
        assert ask(counting)["version"] == "one"
        with pytest.raises(InvalidStatus):
            server.socket("/ws/shout")

        reported = publish(server)
        assert reported[0].startswith("published "), reported
        assert ", in place of " in reported[0], reported
        assert {"added: shout", "changed: count", "untouched: 2 of 2 open connections"} <= set(reported), reported
        # module variables start anew, the state of the connection stays
        assert ask(counting) == {"calls": 1, "seen": 4, "mark": "а", "version": "two"}
        assert ask(room, text="Привет 🤝") == {"heard": "зал: Привет 🤝"}
        with server.socket("/ws/shout") as shout:
            assert ask(shout, text="привет") == {"text": "ПРИВЕТ!"}

        # shared code concerns whoever imports it
        write(project, shared='mark = "б"\n')
        reported = publish(server)
        assert "changed: count" in reported
        assert ask(counting) == {"calls": 1, "seen": 5, "mark": "б", "version": "two"}
        # and nothing at all is reported as such; once as the command that people type
        done = server.run("publish")
        assert (done.returncode, done.stderr) == (0, "")
        assert "  no endpoint is added, changed or removed\n" in done.stdout
    assert server.stop() == 0
    assert not any("Traceback" in line for line in server.lines), server.lines


def test_limits_reach_connections_that_are_open(project: Path, start: Callable[..., Server]) -> None:
    narrow = ENDPOINTS.replace("process: room.say", "process: room.say\n    limits: {message: 64}")
    write(project, endpoints=narrow)
    server = start(project)
    long = json.dumps({"text": "я" * 500})
    with server.socket("/ws/rooms/зал") as room:
        room.send(json.dumps({"text": "я" * 40}, ensure_ascii=False))
        assert json.loads(room.recv(timeout=5))["error"]["code"] == "message_too_long"
        write(project, endpoints=ENDPOINTS)
        assert "changed: room" in publish(server)
        room.send(long)
        assert json.loads(room.recv(timeout=5))["heard"].startswith("зал: яяя")
        write(project, endpoints=narrow)
        publish(server)
        room.send(long)
        assert close_code(room) == 1009


def test_who_is_concerned_is_closed_and_nobody_else(project: Path, start: Callable[..., Server]) -> None:
    gone = "  gone:\n    url: /ws/gone\n    process: count.up\n    auth: public\n"
    inside = "  inside:\n    url: /ws/inside\n    process: count.up\n    auth: {}\n"
    pages = "  pages:\n    url: /ws/pages\n    process: count.up\n    auth: public\n    origins: {}\n"
    write(project, endpoints=ENDPOINTS + gone + inside.format("required") + pages.format("any"))
    server = start(project)
    page: dict[str, Any] = {"origin": "https://app.example.com"}
    cookie: dict[str, Any] = {"additional_headers": server.first_cookie()}
    with (
        server.socket("/ws/count") as count,
        server.socket("/ws/rooms/зал") as room,
        server.socket("/ws/gone") as leaving,
        server.socket("/ws/inside", **cookie) as insider,
        server.socket("/ws/pages", **page) as paged,
        server.socket("/ws/pages") as program,
    ):
        for socket in (count, leaving, insider, paged, program):
            assert "seen" in ask(socket)
        write(
            project,
            endpoints=ENDPOINTS.replace("{room}", "{hall}").replace("process: room.say", "process: hall.say")
            + inside.format("{roles: [support]}")
            + pages.format('["https://other.example.com"]'),
            hall=ROOM.replace("room", "hall"),
        )
        foretold = publish(server, "--dry-run")
        reported = publish(server)
        assert [line.replace("would close", "closed") for line in foretold[1:]] == reported[1:]
        assert "removed: gone" in reported
        assert "closed: 1 of gone (1012 the endpoint is gone)" in reported
        assert "closed: 1 of room (1012 the endpoint's path parameters changed)" in reported
        assert 'closed: 1 of inside (4403 The endpoint is for callers with the role "support".)' in reported
        assert any(line.startswith("closed: 1 of pages (4403 Pages of https://") for line in reported), reported
        assert "untouched: 2 of 6 open connections" in reported
        assert close_code(leaving) == 1012
        assert close_code(room) == 1012
        assert close_code(insider) == 4403
        assert close_code(paged) == 4403
        assert ask(count)["seen"] == 2
        assert ask(program)["seen"] == 2


def test_what_is_broken_is_reported_whole_and_the_old_goes_on(project: Path, start: Callable[..., Server]) -> None:
    server = start(project)
    with server.socket("/ws/count") as socket:
        write(
            project,
            endpoints=ENDPOINTS.replace("process: room.say", "proces: room.say"),
            count=COUNT + "\ndef broken(:\n",
        )
        done = server.run("publish")
        assert done.returncode == 1
        lines = done.stdout.splitlines()
        assert any(line.startswith("endpoints.yaml:8:5: endpoints.room") and "[unknown_key]" in line for line in lines)
        assert any(line.startswith("processes/count.py:13:") and "[broken_module]" in line for line in lines), lines
        assert "the old plan goes on serving" in done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert ask(socket)["version"] == "one"

        # a resource that cannot be opened is a problem too, and those opened before it are closed again
        write(
            project,
            endpoints=ENDPOINTS,
            count=COUNT.replace("def up(", "def up(pool: Annotated[str, pool], ").replace(
                "calls = 0",
                "from typing import Annotated\nfrom jackfield import resource\n\n"
                "@resource\nasync def pool():\n    raise OSError('нет базы')\n    yield 'x'\n\ncalls = 0",
            ),
        )
        done = server.run("publish")
        assert done.returncode == 1, done
        assert "processes/count.py:9: count.pool: " in done.stdout
        assert "нет базы [resource_failed]" in done.stdout
        assert ask(socket)["version"] == "one"
        write(project, count=COUNT.replace('"one"', '"mended"'))
        publish(server)
        assert ask(socket) == {"calls": 1, "seen": 3, "mark": "а", "version": "mended"}


def test_back_twice_and_forward_again(project: Path, start: Callable[..., Server]) -> None:
    server = start(project)
    with server.socket("/ws/count") as socket:
        for version in ("two", "three"):
            write(project, count=COUNT.replace('"one"', f'"{version}"'))
            publish(server)
        assert ask(socket)["version"] == "three"
        assert publish(server, "--back", "--dry-run")[0].startswith("would publish")
        assert ask(socket)["version"] == "three"
        publish(server, "--back")
        assert ask(socket)["version"] == "two"
        publish(server, "--back")
        assert ask(socket)["version"] == "one"
        done = server.run("publish", "--back")
        assert done.returncode == 1
        assert "no way back" in done.stdout
        # the files were not touched by all that: they are the way forward
        publish(server)
        assert ask(socket) == {"calls": 1, "seen": 5, "mark": "а", "version": "three"}


def test_a_hangup_signal_publishes(project: Path, start: Callable[..., Server]) -> None:
    server = start(project)
    with server.socket("/ws/count") as socket:
        write(project, count=COUNT.replace('"one"', '"two"'))
        server.hear(signal.SIGHUP)
        server.wait_for(r"published .*open=1")
        assert ask(socket)["version"] == "two"
        write(project, count="def broken(:\n")
        server.hear(signal.SIGHUP)
        assert "processes/count.py:1:" in server.wait_for("publish_problem")
        assert ask(socket)["version"] == "two"


def test_broken_files_at_a_restart_serve_what_was_last_published(project: Path, start: Callable[..., Server]) -> None:
    server = start(project)
    write(project, count=COUNT.replace('"one"', '"two"'))
    publish(server)
    assert server.stop() == 0
    write(project, endpoints="endpoints: {count: {process: count.count}}\n", count="import nothing_of_that_name\n")
    server = start(project)
    assert any("serving what was last published instead" in line for line in server.lines), server.lines
    assert any(line.startswith("endpoints.yaml:1:") and "[missing_key]" in line for line in server.lines)
    assert any(line.startswith("processes/count.py:1:") and "[broken_module]" in line for line in server.lines)
    with server.socket("/ws/count") as socket:
        assert ask(socket)["version"] == "two"
        assert "the files had problems at the start" in server.run("status").stdout
        write(project, endpoints=ENDPOINTS, count=COUNT.replace('"one"', '"three"'))
        publish(server)
        assert ask(socket)["version"] == "three"
        assert "the files had problems" not in server.run("status").stdout


def test_locked(project: Path, start: Callable[..., Server]) -> None:
    server = start(project, "--locked")
    write(project, count=COUNT.replace('"one"', '"two"'))
    done = server.run("publish")
    assert done.returncode == 1
    assert "--locked" in done.stderr
    assert server.run("publish", "--dry-run").returncode == 0
    server.hear(signal.SIGHUP)
    server.wait_for("publish_refused")
    with server.socket("/ws/count") as socket:
        assert ask(socket)["version"] == "one"


def test_publishing_at_once_from_many_sides(project: Path, start: Callable[..., Server]) -> None:
    start(project)
    state = project / ".jackfield" / "server.json"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: control.ask(state, "publish"), range(8)))
    assert sorted(answer["ok"]["generation"] for answer in answers) == list(range(2, 10))


def test_edits_within_one_second_are_seen(project: Path, start: Callable[..., Server]) -> None:
    server = start(project)
    state = project / ".jackfield" / "server.json"
    path = project / "processes" / "count.py"
    first = path.stat()
    with server.socket("/ws/count") as socket:
        for version in ("two", "six", "ten", "one"):
            # same length, same time to the nanosecond: a .pyc of the first would pass as good
            path.write_text(COUNT.replace('"one"', f'"{version}"'), encoding="utf-8")
            os.utime(path, ns=(first.st_atime_ns, first.st_mtime_ns))
            assert "ok" in control.ask(state, "publish")
            assert ask(socket)["version"] == version
    assert not list(project.rglob("*.pyc"))


SLOW = """\
import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated
from jackfield import process, resource

NOTES = Path({notes!r})
VERSION = "one"

def note(text):
    with NOTES.open("a") as file:
        file.write(text + " " + VERSION + "\\n")

@resource
async def pool() -> AsyncIterator[str]:
    note("open")
    yield VERSION
    note("close")

@process(reply="from")
async def wait(pool: Annotated[str, pool], until: str) -> str:
    while not Path(until).exists():
        await asyncio.sleep(0.01)
    return f"{{pool}} {{VERSION}}"

@process(reply="tick")
async def ticks(pool: Annotated[str, pool], until: str) -> AsyncIterator[str]:
    yield f"first {{pool}} {{VERSION}}"
    while not Path(until).exists():
        await asyncio.sleep(0.01)
    yield f"last {{pool}} {{VERSION}}"
"""


def test_what_has_begun_ends_on_its_own_generation(tmp_path: Path, start: Callable[..., Server]) -> None:
    notes, until = tmp_path / "notes", tmp_path / "until"
    names = ("wait", "ticks")
    write(
        tmp_path,
        endpoints="endpoints:\n"
        + "".join(f"  {name}: {{url: /ws/{name}, process: slow.{name}, auth: public}}\n" for name in names),
        slow=SLOW.format(notes=str(notes)),
    )
    server = start(tmp_path)
    with server.socket("/ws/wait") as waiting, server.socket("/ws/ticks") as ticking:
        waiting.send(json.dumps({"until": str(until)}))
        ticking.send(json.dumps({"until": str(until), "$id": 1}))
        assert json.loads(ticking.recv(timeout=5)) == {"tick": "first one one", "$id": 1}
        write(tmp_path, slow=SLOW.format(notes=str(notes)).replace('"one"', '"two"'))
        publish(server)
        assert notes.read_text().splitlines() == ["open one", "open two"]
        until.touch()
        assert json.loads(waiting.recv(timeout=5)) == {"from": "one one"}
        assert json.loads(ticking.recv(timeout=5)) == {"tick": "last one one", "$id": 1}
        assert json.loads(ticking.recv(timeout=5)) == {"$id": 1, "$done": True}
        assert ask(waiting, until=str(until)) == {"from": "two two"}
        assert ask(ticking, until=str(until))["tick"] == "first two two"
        assert notes.read_text().splitlines() == ["open one", "open two", "close one"]
    assert server.stop() == 0
    assert notes.read_text().splitlines() == ["open one", "open two", "close one", "close two"]


TRAFFIC = """\
import gc
import sys
from jackfield import process

class Canary: pass
canary = Canary()

@process
def echo(number: int) -> dict[str, int]:
    return {"number": number, "version": VERSION}

@process
def alive() -> dict[str, list[str] | int]:
    gc.collect()
    names = [name for name in list(sys.modules) if name.startswith("jackfield_generation_") and "_-" not in name]
    return {"modules": names, "canaries": sum(type(o).__name__ == "Canary" for o in gc.get_objects())}

VERSION = 0
"""


def test_thirty_publishes_under_traffic_lose_nothing_and_close_nobody(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    write(
        tmp_path,
        endpoints="endpoints:\n"
        "  echo: {url: /ws/echo, process: traffic.echo, auth: public, limits: {rate: off}}\n"
        "  alive: {url: /ws/alive, process: traffic.alive, auth: public}\n",
        traffic=TRAFFIC,
    )
    server = start(tmp_path)
    over = threading.Event()

    def talk(_: int) -> tuple[int, set[int]]:
        sent, versions = 0, set()
        with server.socket("/ws/echo") as socket:
            last = False
            while not last:
                last = over.is_set()  # a round that begins after the last publish is answered by it
                for number in range(sent, sent + 5):
                    socket.send(json.dumps({"number": number}))
                for number in range(sent, sent + 5):
                    answer = json.loads(socket.recv(timeout=10))
                    assert answer["number"] == number
                    versions.add(answer["version"])
                sent += 5
        return sent, versions

    state = tmp_path / ".jackfield" / "server.json"
    with ThreadPoolExecutor(20) as pool:
        talking = [pool.submit(talk, number) for number in range(20)]
        for version in range(1, 31):
            write(tmp_path, traffic=TRAFFIC.replace("VERSION = 0", f"VERSION = {version}"))
            assert "ok" in control.ask(state, "publish")
        over.set()
        results = [done.result(timeout=30) for done in talking]
    assert {30} == {max(versions) for _, versions in results}
    assert len(set().union(*(versions for _, versions in results))) > 15
    with server.socket("/ws/alive") as socket:
        found = ask(socket)
        for _ in range(50):  # the last but one is closed behind the publish's answer, by a task of the server
            found = found if found["canaries"] == 1 else ask(socket)
    assert len({name.partition(".")[0] for name in found["modules"]}) == 1, found
    assert found["canaries"] == 1, found
    assert server.stop() == 0
    assert not any(word in line for line in server.lines for word in ("Traceback", "rror")), server.lines


SHOP = """\
import logging, multiprocessing, pickle
from concurrent.futures import ProcessPoolExecutor
from typing import Annotated
from prometheus_client import REGISTRY, Counter
from jackfield import Connection, process, resource

VERSION = {version}
orders = Counter("shop_orders", "Orders.")

class Order:
    pass

def work(order):
    return type(order).__module__, VERSION

@resource
async def pool():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as workers:
        workers.submit(work, Order()).result(20)
        yield workers

@process(blocking=True)
def order(connection: Connection, pool: Annotated[ProcessPoolExecutor, pool]) -> dict[str, object]:
    orders.inc()
    kept = connection.state.setdefault("kept", pickle.dumps(Order()))
    return {{
        "worker": pool.submit(work, Order()).result(20),
        "kept": type(pickle.loads(kept)) is Order,
        "logger": logging.getLogger(__name__).name,
        "file": __file__,
        "counted": REGISTRY.get_sample_value("shop_orders_total"),
    }}
"""
SHOP_ENDPOINTS = "endpoints:\n  order: {url: /ws/order, process: shop.order.order, auth: public}\n"


def test_names_are_those_of_the_author_before_and_after_a_publish(tmp_path: Path, start: Callable[..., Server]) -> None:
    """What rests on a module's name or on a library's registry goes on: pickles, spawned pools, loggers, counters."""
    write(tmp_path, endpoints=SHOP_ENDPOINTS)
    file = tmp_path / "processes" / "shop" / "order.py"
    file.parent.mkdir()
    file.write_text(SHOP.format(version=1))
    server = start(tmp_path)
    with server.socket("/ws/order") as socket:
        for version, publish in enumerate([[], ["publish"], ["publish", "--back"]], 1):
            if version == 2:
                file.write_text(SHOP.format(version=2))
            if publish:
                jackfield_here(tmp_path, *publish)
            assert ask(socket, 20) == {
                "worker": ["processes.shop.order", 2 if version == 2 else 1],
                "kept": True,
                "logger": "processes.shop.order",
                "file": str(file),
                "counted": float(version),
            }
    assert "shop_orders_total 3.0" in httpx.get(f"{server.http}/metrics").text
