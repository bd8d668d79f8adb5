"""Row MS-12: what two users send in turns crosses nowhere: not in replies, pushes, events of groups, or the log."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.walk.conftest import Server, write

pytestmark = pytest.mark.walk

MESSAGES = int(os.environ.get("ISOLATION_MESSAGES", "2000"))
"""Of each user; by hand `ISOLATION_MESSAGES=100000 pytest --timeout 0 …`."""

LIMIT = 60.0 + MESSAGES / 200

ENDPOINTS = """\
defaults: {limits: {rate: off, queue: 16MiB}}
endpoints:
  desk:
    url: /ws/desk
    group: ["own:{login}", hall]
    actions:
      say: talk.say
      wait: talk.wait
      block: talk.block
      stream: talk.stream
      post: {process: talk.say, reply_to: group, event: posted}
      push: talk.push
      tell: talk.tell
      shout: talk.shout
      refuse: talk.refuse
      fail: talk.fail
      wrong: talk.wrong
      over: talk.over
"""
TALK = """\
import asyncio
from jackfield import Connection, Groups, Reject, process

@process
def say(text: str) -> dict[str, str]:
    return {"text": text}

@process
async def wait(text: str) -> dict[str, str]:
    for _ in range(len(text) % 4):
        await asyncio.sleep(0)
    return {"text": text}

@process(blocking=True)
def block(text: str) -> dict[str, str]:
    return {"text": text}

@process
async def stream(text: str):
    for number in range(3):
        yield {"text": text, "part": number}

@process
async def push(text: str, connection: Connection) -> None:
    connection.send({"event": "pushed", "text": text})

@process
async def tell(text: str, connection: Connection, groups: Groups) -> None:
    await groups.send_to(connection.identity.login, {"event": "told", "text": text})

@process
async def shout(text: str, connection: Connection, groups: Groups) -> None:
    await groups.send("hall", {"event": "shouted", "by": connection.identity.login, "text": text})

@process
def refuse(text: str) -> None:
    raise Reject("refused", text, text=text)

@process
async def fail(text: str) -> None:
    await asyncio.sleep(0)
    raise RuntimeError(text)

@process
def wrong(text: int) -> None:
    pass

@process
async def over(groups: Groups) -> None:
    await groups.send("hall", {"event": "over"})
"""
ACTIONS = tuple(re.findall(r"^      (\w+):", ENDPOINTS, re.MULTILINE))[:-1]
REPLIES = {"stream": 4}
"""To one message, where it is not one reply, or that it is done."""

USERS = ("анна", "boris")
CANARY = re.compile(r"canary-(анна|boris)-(\d+)-")


@dataclass
class User:
    """One user, whose first connection sends and whose second one only hears."""

    login: str
    sent: list[str] = field(default_factory=list)  # the action of each message, by its number
    answered: Counter[int] = field(default_factory=Counter)
    heard: list[Counter[str]] = field(default_factory=lambda: [Counter(), Counter()])
    incidents: dict[str, int] = field(default_factory=dict)

    async def talk(self, socket: ClientConnection, dice: random.Random) -> None:
        """Send all messages as fast as they go."""
        for number in range(MESSAGES):
            action = dice.choice(ACTIONS)
            self.sent.append(action)
            text = f"canary-{self.login}-{number}-" + "🔑" * dice.randrange(20)
            await socket.send(json.dumps({"action": action, "text": text, "$id": number}, ensure_ascii=False))
            await asyncio.sleep(0)  # the other one has a turn

        await socket.send('{"action": "over"}')  # what comes behind it is answered behind all else

    async def hear(self, socket: ClientConnection, place: int) -> None:
        """Take what comes, and look whose it is, until all users are through."""
        left = len(USERS)
        while left:
            text = str(await socket.recv())
            frame = json.loads(text)
            owner = frame["by"] if frame.get("event") == "shouted" else self.login
            found = {(login, int(number)) for login, number in CANARY.findall(text)}
            assert {login for login, _ in found} <= {owner}, text
            assert frame.get("from", self.login) == self.login
            if "$id" in frame:
                assert place == 0, "a reply goes to the connection that asked"
                assert {number for _, number in found} <= {frame["$id"]}, text
                self.answered[frame["$id"]] += 1
                if incident := frame.get("error", {}).get("incident"):
                    self.incidents[incident] = frame["$id"]
            elif frame["event"] == "over":
                left -= 1
            else:
                assert found, text
                self.heard[place][f"{frame['event']} by {owner}"] += 1


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    write(tmp_path, endpoints=ENDPOINTS, talk=TALK)
    made = Server(tmp_path, "--log", "json", ready='"event": "started"')
    yield made
    made.stop()


@pytest.fixture
def cookies(server: Server) -> dict[str, dict[str, str]]:
    for login in USERS:
        assert server.run("users", "add", login, "--password-stdin", given="пароль пароль\n").returncode == 0
    return {login: server.cookie(login) for login in USERS}


async def test_ms_12_what_two_users_send_in_turns_crosses_nowhere(
    server: Server, cookies: dict[str, dict[str, str]]
) -> None:
    users = [User(login) for login in USERS]
    async with asyncio.timeout(LIMIT), AsyncExitStack() as stack:

        async def opened(login: str) -> ClientConnection:
            # its pings would wait behind all that it sends
            one = connect(
                f"{server.ws}/ws/desk", additional_headers=cookies[login], compression=None, ping_interval=None
            )
            return await stack.enter_async_context(one)

        sockets = [[await opened(user.login), await opened(user.login)] for user in users]
        async with asyncio.TaskGroup() as group:
            for user, own in zip(users, sockets, strict=True):
                for place, socket in enumerate(own):
                    group.create_task(user.hear(socket, place))
            for user, (socket, _) in zip(users, sockets, strict=True):
                group.create_task(user.talk(socket, random.Random(user.login)))
    for user in users:
        check_heard(user, users)
    assert server.stop() == 0
    check_log(server, {user.login: user for user in users})


def check_heard(user: User, users: list[User]) -> None:
    """Nothing that was meant for a user is missing, and nothing came twice."""
    assert user.answered == Counter({number: REPLIES.get(action, 1) for number, action in enumerate(user.sent)})
    counts = {one.login: Counter(one.sent) for one in users}
    expected = Counter({f"shouted by {login}": count["shout"] for login, count in counts.items()})
    own = counts[user.login]
    expected += {f"posted by {user.login}": own["post"], f"told by {user.login}": own["tell"]}
    assert user.heard[1] == expected
    assert user.heard[0] == expected + Counter({f"pushed by {user.login}": own["push"]})
    assert len(user.incidents) == own["fail"]


def check_log(server: Server, users: dict[str, User]) -> None:
    """A line speaks of one user alone, and an incident tells the message that it was told to."""
    lines = [json.loads(line) for line in server.lines if line.startswith("{")]
    login_of = {line["connection"]: line["login"] for line in lines if line["event"] == "connection_opened"}
    assert sorted(login_of.values()) == sorted([*USERS, *USERS])
    incidents: dict[str, dict[str, int]] = {login: {} for login in users}
    for line in lines:
        login = login_of.get(line.get("connection", ""), line.get("login", ""))
        assert line.get("login", login) == login
        found = {(owner, int(number)) for owner, number in CANARY.findall(json.dumps(line, ensure_ascii=False))}
        assert {owner for owner, _ in found} <= {login}, line
        if line["event"] == "process_failed":
            ((_, incidents[login][line["incident"]]),) = found
        else:
            assert not found, "what a user sends is in no other line"
    assert incidents == {login: user.incidents for login, user in users.items()}
