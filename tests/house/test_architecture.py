"""docs/architecture.md is true: its floors are those of the code, each walk goes through the files that it names."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType

import httpx
from argon2 import PasswordHasher

from jackfield import beginnings
from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.store import Store
from jackfield.auth.tokens import Tokens
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.gateway import open_gateway
from jackfield.server.generation import Generation
from jackfield.server.options import Options
from jackfield.server.publish.publisher import Archive, Publisher, build_in_thread
from tests.house.habits import PACKAGE
from tests.house.test_floors import FLOORS, OF_SERVER
from tests.server.frames import masked, request
from tests.server.sockets import Listening, listening

PAGE = (PACKAGE / "docs" / "architecture.md").read_text("utf-8")


def part(heading: str) -> str:
    return PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def floors(heading: str) -> list[set[str]]:
    """The rooms in each row of the part's table, the lowest last."""
    rows = re.findall(r"^\| \d+ \| ([^|]+) \|", part(heading), flags=re.M)
    return [set(re.findall(r"`([\w.]+)`", row)) for row in reversed(rows)]


def test_the_floors_are_those_of_the_code() -> None:
    assert floors("The floors") == [{room or "jackfield" for room in rooms} for rooms in FLOORS]
    assert floors("The floors of the server") == [set(rooms) for rooms in OF_SERVER]


def test_every_file_that_is_named_exists() -> None:
    named = set(re.findall(r"`([\w/]+\.(?:py|ts|json))`", PAGE))
    assert [name for name in named if not (PACKAGE / name).exists() and not (PACKAGE.parents[1] / name).exists()] == []


def walk(heading: str) -> list[str]:
    return re.findall(
        r"^\d+\. `([\w/]+\.py)`", part("The walks").split(f"### {heading}\n", 1)[1].split("\n### ")[0], re.M
    )


@contextmanager
def entered() -> Iterator[list[str]]:
    """The files of the package that are entered meanwhile, in the order of their first call."""
    order: dict[str, None] = {}

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            order[Path(frame.f_code.co_filename).relative_to(PACKAGE).as_posix()] = None

    found: list[str] = []
    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
        found += order


PASSWORD = "a password of the test"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Publisher, Listening]]:
    """A server without the tasks of a node, which enter files of their own."""
    for name, text in beginnings.files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    async with AsyncExitStack() as stack:
        store = await Store.open(f"sqlite+aiosqlite:///{folder / 'store.db'}", time.time)
        stack.push_async_callback(store.close)
        passwords = Passwords(hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        stack.push_async_callback(passwords.close)
        await store.add("anna", await passwords.hash(PASSWORD), ())
        dispatcher = Dispatcher()
        stack.callback(dispatcher.close)
        sessions = Sessions(
            store, Tokens([b"k" * 32], clock=time.time), passwords, lifetime=60, idle=None, clock=time.time
        )
        generation = await Generation.open(1, await build_in_thread(folder, 1))
        gateway = open_gateway(Options(), sessions, generation, dispatcher, folder=folder)
        publisher = Publisher(gateway, folder, Archive(folder / "published"))
        stack.push_async_callback(publisher.close)
        yield publisher, await stack.enter_async_context(listening(gateway))


def assert_walked(heading: str, found: list[str]) -> None:
    named = walk(heading)
    assert 4 <= len(named) <= 10, "ten lines at most"
    assert [file for file in named if file not in found] == [], found
    assert sorted(named, key=found.index) == named, f"the order was {[file for file in found if file in named]}"


async def test_each_walk_goes_through_the_files_that_it_names(tmp_path: Path) -> None:
    async with opened(tmp_path) as (publisher, here):
        address = f"http://127.0.0.1:{here.port}"
        given = {"login": "anna", "password": PASSWORD}
        async with httpx.AsyncClient() as client:
            with entered() as login:
                answer = await client.post(f"{address}/auth/login", json=given)
        assert answer.status_code == 200
        peer = await here()
        asked = request(
            "/ws/greeting", Host=f"127.0.0.1:{here.port}", Cookie=answer.headers["set-cookie"].split(";")[0]
        )
        with entered() as upgrade:
            await peer.send(asked)
            status, _, _ = await peer.answer()
        assert status == 101
        with entered() as message:
            await peer.send(masked(1, json.dumps({"message": "Привет"}).encode()))
            assert json.loads((await peer.message()).data) == {"message": "Привет!"}
        (tmp_path / "endpoints.yaml").write_text((tmp_path / "endpoints.yaml").read_text("utf-8") + "\n# once more\n")
        with entered() as publish:
            await publisher.publish()
    assert_walked("A login", login)
    assert_walked("An upgrade", upgrade)
    assert_walked("A message", message)
    assert_walked("A publish", publish)
