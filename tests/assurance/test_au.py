"""AU: the login."""

from __future__ import annotations

import ast
import asyncio
import io
import json
import logging
import re
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.store import Store
from jackfield.auth.tokens import Tokens
from jackfield.logs import setup
from jackfield.server.node.first_admin import LOGIN, FirstAdmin, make_first_admin
from jackfield.server.node.node import open_node
from jackfield.server.options import Options
from jackfield.server.web import json_api
from jackfield.state import State, StateError, parse_keys
from tests.house.habits import PACKAGE, sources, tree_of
from tests.server.conftest import OpenServed
from tests.server.served import COOKIE, PASSWORD, Served, cookie_of, log_in

WRONG = "не тот пароль 🔒"
ENDPOINTS = "  say: {url: /ws/say, process: p.echo}"


@pytest.fixture
async def house(open_served: OpenServed) -> Served:
    """A gateway with users of each kind."""
    made = await open_served(ENDPOINTS)
    await made.add("аня", "admin", password=PASSWORD)
    await made.add("out", password=PASSWORD)
    await made.store.disable("out")
    await made.add("none")
    return made


# AU-2, AU-3


async def test_au_2_also_once_the_limit_is_reached(house: Served) -> None:
    for login in ("nobody", "out", "аня"):
        for _ in range(10):
            assert (await log_in(house, login, WRONG)).status == 401
    answers = [await log_in(house, login, PASSWORD) for login in ("nobody", "out", "аня")]
    assert {(answer.status, tuple(answer.headers.items())) for answer in answers} == {
        (429, tuple(answers[0].headers.items()))
    }
    bodies = [answer.json for answer in answers]
    assert len({body.pop("refusal") for body in bodies}) == 3, "one id for each, whoever has the login"
    assert all(body == bodies[0] for body in bodies)


# AU-4


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
async def test_au_4_many_at_once_take_two_threads_and_never_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords()
    stored = await passwords.hash(PASSWORD)
    lock = threading.Lock()
    running: set[int] = set()
    most = 0

    class Watched(PasswordHasher):
        # the library's own parameter name, and its return type is Literal[True]
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002 - argon2 names it so
            nonlocal most
            assert threading.current_thread() is not threading.main_thread()
            with lock:
                running.add(threading.get_ident())
                most = max(most, len(running))
            try:
                return super().verify(hash, password)
            finally:
                with lock:
                    running.discard(threading.get_ident())

    monkeypatch.setattr(passwords, "_hasher", Watched(time_cost=2, memory_cost=19 * 1024, parallelism=1))
    before = _memory(reset=True)
    assert all(await asyncio.gather(*(passwords.verify(stored, PASSWORD) for _ in range(20))))
    await passwords.close()
    assert most <= 2
    assert _memory() - before < 80 * 1024


def _memory(*, reset: bool = False) -> int:
    """The most KiB that this process has held since the last reset (proc(5), clear_refs)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


# AU-5

_SECRET = re.compile(r"secret|signature|token|password|passwd|digest|(^|_)hash$|mac$|_key$", re.I)
_ALLOWED = {
    ("auth/store/store.py", "sessions.c.digest == digest"),  # the database finds it; of the secret it has SHA-256 alone
    ("auth/store/store.py", "users.c.password_hash == old"),  # two values of the database
    ("auth/store/store.py", "user.password_hash != instead_of"),  # the same
    ("auth/store/store.py", "password_hash not in (None, user.password_hash)"),  # the same
}


def test_au_5_nothing_secret_is_compared_by_its_characters() -> None:
    found = set()
    for folder in ("auth", "server"):
        for path in sources(PACKAGE / folder):
            for node in ast.walk(tree_of(path)):
                if isinstance(node, ast.Compare) and any(isinstance(one, _BY_CHARACTER) for one in node.ops):
                    sides = [node.left, *node.comparators]
                    constant = any(isinstance(side, ast.Constant) for side in sides)
                    if not constant and any(_SECRET.search(_name(side)) for side in sides):
                        found.add((path.relative_to(PACKAGE).as_posix(), ast.unparse(node)))
    assert found - _ALLOWED == set()
    assert _ALLOWED - found == set(), "no longer there"


_BY_CHARACTER = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)


def _name(node: ast.expr) -> str:
    """The last name of what is compared, `password_hash` of `user.password_hash`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


# AU-6


# AU-7


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Any]:
    """Open a server on an empty store, each time in a folder of its own; what users it has."""
    async with AsyncExitStack() as stack:

        async def opened(name: str, **options: Any) -> tuple[Any, list[str]]:
            project = tmp_path / name
            project.mkdir(exist_ok=True)
            (project / "endpoints.yaml").write_text("endpoints: {}\n")
            state = State.open(project)
            async with open_node(project, state, Options(**options)) as node:
                store = await Store.open(state.store_url, lambda: 0.0)
                stack.push_async_callback(store.close)
                return node.first_admin, [user.login for user in await store.list()]

        yield opened


async def test_au_7_the_first_administrator_has_a_random_password_that_is_reported_once(start: Any) -> None:
    first, users = await start("one")
    other, _ = await start("two")
    assert users == [LOGIN]
    assert first.password != other.password
    assert len(first.password) >= 20  # 15 random bytes
    again, users = await start("one")
    assert (again, users) == (None, [LOGIN])


async def test_au_7_of_two_servers_that_start_at_once_on_one_store_one_makes_it(house: Served, tmp_path: Path) -> None:
    """The other makes it while this one is at the hash."""

    def sessions(store: Store) -> Sessions:
        tokens = Tokens([b"k" * 32], clock=time.time)
        return Sessions(store, tokens, house.passwords, lifetime=3600, idle=None, clock=time.time)

    url = f"sqlite+aiosqlite:///{tmp_path / 'shared.db'}"
    async with AsyncExitStack() as stack:
        one, other = [await Store.open(url, time.time) for _ in range(2)]
        stack.push_async_callback(one.close)
        stack.push_async_callback(other.close)
        made: list[FirstAdmin | None] = []

        class Slow(Passwords):
            async def hash(self, password: str) -> str:
                made.append(await make_first_admin(other, house.passwords, sessions(other)))
                return await house.passwords.hash(password)

        slow = Slow()
        stack.push_async_callback(slow.close)
        assert await make_first_admin(one, slow, sessions(one)) is None
        assert len(made) == 1
        assert made[0] is not None
        opened = await sessions(one).login(LOGIN, made[0].password)
        assert opened.identity.roles == {"admin"}


async def test_au_7_where_others_reach_the_listener_nobody_is_made(start: Any) -> None:
    assert await start("one", host="0.0.0.0", insecure=True) == (None, [])


@pytest.mark.parametrize("key", ["changeme-changeme-changeme-changeme", "your-secret-key-your-secret-key-x", "x" * 64])
def test_au_7_a_sample_for_a_secret_key_is_refused(key: str) -> None:
    with pytest.raises(StateError):
        parse_keys(key, "JACKFIELD_SECRET_KEYS")


# AU-8, AU-9


async def test_au_9_an_endless_body_is_read_no_further_than_its_limit(house: Served) -> None:
    chunks = 0
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        nonlocal chunks
        chunks += 1
        return {"type": "http.request", "body": b"[" * 1024, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {**house.scope("http", "/auth/login", [("content-type", "application/json")]), "method": "POST"}
    async with asyncio.timeout(5):
        await house.gateway(scope, receive, send)
    assert sent[0]["status"] == 413
    assert chunks == json_api.MAX_BODY // 1024 + 1


# AU-10


def test_au_10_a_password_is_looked_at_in_one_place() -> None:
    """Every way in that takes a password goes through `Sessions.matches`, which wants a counted attempt."""
    places = set()
    for path in sources(PACKAGE):
        tree = tree_of(path)
        functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        for function in functions:
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute) and node.attr == "verify" and "password" in ast.unparse(node.value):
                    places.add((path.relative_to(PACKAGE).as_posix(), function.name))
    assert places == {("auth/sessions.py", "matches")}


async def test_au_10_the_old_password_is_measured_like_a_login(house: Served) -> None:
    await house.add("bob", password=PASSWORD)
    cookie = cookie_of(await log_in(house, "bob"))
    guess = {"old": WRONG, "new": "новый пароль"}
    for _ in range(5):
        assert (await house.http("POST", "/auth/password", cookie, guess)).json["code"] == "wrong_password"
        assert (await log_in(house, "bob", WRONG)).status == 401
    for answer in (await house.http("POST", "/auth/password", cookie, guess), await log_in(house, "bob")):
        assert (answer.status, answer.json["code"]) == (429, "too_many_attempts")
        assert int(answer.headers["retry-after"]) > 0


# AU-11


@pytest.fixture
def reported() -> Iterator[io.StringIO]:
    """What the log says, as JSON, while the test runs."""
    root = logging.getLogger()
    before, level = root.handlers, root.level
    stream = io.StringIO()
    setup("json", stream)
    yield stream
    root.handlers, root.level = before, level


async def test_au_11_every_attempt_is_reported_with_its_outcome_and_without_secrets(
    house: Served, reported: io.StringIO
) -> None:
    answer = await log_in(house)
    await log_in(house, "аня", WRONG)
    await log_in(house, "nobody", PASSWORD)
    for _ in range(10):
        await log_in(house, "out", WRONG)
    lines = [json.loads(line) for line in reported.getvalue().splitlines()]
    tries = [line for line in lines if line["event"] in ("login", "login_refused")]
    assert [(line["event"], line["login"], line.get("code")) for line in tries[:3]] == [
        ("login", "аня", None),
        ("login_refused", "аня", "login_failed"),
        ("login_refused", "nobody", "login_failed"),
    ]
    assert len(tries) == 13
    assert {line["client"] for line in tries} == {"10.1.2.3"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"]) for line in tries)
    token = answer.json["token"]
    for secret in (PASSWORD, WRONG, token, token.split(".")[1], COOKIE + "="):
        assert secret not in reported.getvalue()
        assert json.dumps(secret)[1:-1] not in reported.getvalue()
