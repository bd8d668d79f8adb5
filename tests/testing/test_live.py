"""The same examples against a real server, through the command line."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from websockets.asyncio.server import ServerConnection, serve

from jackfield.cli import main
from jackfield.config.plan import Example, Step
from jackfield.describe.contract import contract
from jackfield.routing.event_examples import EventTypes
from jackfield.testing import Project
from jackfield.testing.examples import Case, cases, run
from jackfield.testing.live import Live, NoServer
from tests.walk.conftest import Server

FULL = Path(__file__).parents[1] / "describe" / "full"
PASSWORD = "пароль для теста"


# `note` asks for an Origin, and never replies
MORE = """
examples:
  count: [{name: "ноль", steps: [{send: {to: 0}}]}]
  note: [{steps: [{send: {text: "Молоко 🥛", pair: [2, "б"]}}]}]
"""


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The project with every feature, served; `agent` has both roles, `guest` has none."""
    folder = tmp_path_factory.mktemp("live") / "full"
    shutil.copytree(FULL, folder, ignore=shutil.ignore_patterns("__pycache__", ".jackfield"))
    server = Server(folder)
    for login, roles in (("agent", ("--role", "support", "--role", "lead")), ("guest", ())):
        done = CliRunner().invoke(
            main, ["-C", str(folder), "users", "add", login, *roles, "--password-stdin"], input=PASSWORD + "\n"
        )
        assert done.exit_code == 0, done.output
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module", name="tokens")
def _tokens(server: Server) -> dict[str, str]:
    return {login: server.token(login) for login in ("agent", "guest")}


def test(server: Server, *arguments: str, **environment: str) -> Result:
    """`jackfield test --url …` of the server's project."""
    command = ["-C", str(server.folder), "test", "--url", server.ws, *arguments]
    return CliRunner().invoke(main, command, env=environment)


test.__test__ = False  # type: ignore[attr-defined]  # a command's name, no test


def test_all_examples_pass_against_a_server(server: Server, tokens: dict[str, str]) -> None:
    done = test(server, "--token", tokens["agent"], "--token", f"guest={tokens['guest']}")
    assert done.exit_code == 0, done.output
    assert "FAIL" not in done.stdout
    assert "skip" not in done.stdout
    assert "  ok    Two in a room" in done.stdout
    assert done.stderr.startswith(f"{done.stdout.count('  ok  ')} passed in ")


def test_tokens_come_from_a_file_and_not_from_the_environment(
    server: Server, tokens: dict[str, str], tmp_path: Path
) -> None:
    text = f"{tokens['agent']}\nguest={tokens['guest']}\n"
    (tmp_path / "tokens").write_text(text)
    done = test(server, "--token-file", str(tmp_path / "tokens"))
    assert done.exit_code == 0, done.output
    assert "skip" not in done.stdout
    done = test(server, JACKFIELD_TOKEN=text)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--token belongs to one call of `jackfield test`" in done.stderr


def test_who_has_no_token_is_skipped_and_counted(server: Server, tokens: dict[str, str]) -> None:
    done = test(server)
    assert done.exit_code == 0
    assert "  skip  Refused words: no token for анна" in done.stdout
    assert "  skip  Two in a room: no token for somebody and boris" in done.stdout
    assert "  ok    To its end" in done.stdout
    assert " skipped in " in done.stderr
    done = test(server, "room", "--token", f"guest={tokens['guest']}")
    assert "  ok    Who is not of the desk stays outside" in done.stdout
    assert done.stderr.startswith("1 passed, 3 skipped in ")


def test_a_login_with_its_password(server: Server) -> None:
    done = test(server, "Refused words", "--login", "agent", "--password", PASSWORD)
    assert (done.exit_code, done.stderr.partition(" in ")[0]) == (0, "1 passed")
    done = test(server, "--login", "agent", "--password", "wrong")
    assert done.exit_code == 1
    assert "login_failed" in done.stderr


def test_another_user_than_the_example_says_is_reported_of_as_refused(server: Server, tokens: dict[str, str]) -> None:
    done = test(server, "Refused words", "--token", tokens["guest"], "--format", "github")
    assert done.exit_code == 1
    assert "could not send: the connection ended with 4403: refused, 403 role_required" in done.stdout
    assert done.stdout.startswith("::error file=")


def test_a_publish_of_examples_alone_closes_nobody_and_keeps_them(server: Server) -> None:
    with server.socket("/ws/count") as socket:
        file = server.folder / "examples" / "more.yaml"
        file.write_text(MORE, "utf-8")
        done = CliRunner().invoke(main, ["-C", str(server.folder), "publish"])
        assert done.exit_code == 0, done.output
        socket.send('{"to": 1}')
        assert json.loads(socket.recv(timeout=5)) == {"number": 1}
    kept = sorted((server.folder / ".jackfield" / "published").glob("*/examples/more.yaml"))
    assert [path.read_bytes() for path in kept] == [file.read_bytes()]
    done = test(server, "ноль", "note")
    assert done.stdout.splitlines() == ["count", "  ok    ноль", "note", "  ok    example 1"]


def test_somebody_is_who_has_no_name_in_the_examples(server: Server, tokens: dict[str, str]) -> None:
    done = test(server, "--token", f"somebody={tokens['agent']}", "--token", f"boris={tokens['agent']}")
    assert "  ok    Two in a room" in done.stdout
    assert "  skip  Refused words: no token for анна" in done.stdout
    assert done.exit_code == 0


@pytest.mark.parametrize("form", ["text", "junit", "github"])
def test_where_every_example_is_skipped_the_run_is_no_success(server: Server, form: str) -> None:
    done = test(server, "Refused words", "Two in a room", "--format", form)
    assert done.exit_code == 1
    assert done.stderr.startswith("jackfield: 0 passed, 2 skipped in ")
    assert "no example was run for want of a token: give --token or --login" in done.stderr
    assert done.stdout.count("<skipped ") == (2 if form == "junit" else 0)


@pytest.mark.parametrize("names", [["Refused words"], []])
def test_no_server_is_reported_also_where_nothing_is_run(server: Server, names: list[str], tmp_path: Path) -> None:
    folder = server.folder
    if not names:  # without any example
        shutil.copytree(folder / "processes", tmp_path / "processes", ignore=shutil.ignore_patterns("__pycache__"))
        (tmp_path / "endpoints.yaml").write_text("endpoints: {say: {url: /ws/say, process: greeting.answer}}", "utf-8")
        folder = tmp_path
    done = CliRunner().invoke(main, ["-C", str(folder), "test", "--url", "ws://127.0.0.1:9", *names])
    assert done.exit_code == 3
    assert "no connection to ws://127.0.0.1:9/ws/" in done.stderr


def test_no_server_is_exit_3(server: Server) -> None:
    done = CliRunner().invoke(
        main, ["-C", str(server.folder), "test", "--url", "ws://127.0.0.1:9", "greeting", "--token", "x"]
    )
    assert done.exit_code == 3
    assert "no connection to ws://127.0.0.1:9/ws/greeting" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--token", "никто=x.y"],
            "no example has a client with the login никто; there are: boris, guest, somebody, анна",
        ),
        (["--token", "a", "--token", "b"], "two for every login"),
        (["--token", "токен"], "no token has"),
        (["--token", "a", "--login", "b"], "not both"),
        (["nothing"], 'no endpoint and no example is called "nothing"'),
        (["greting"], 'did you mean "greeting"?'),
    ],
)
def test_wrong_usage(server: Server, arguments: list[str], words: str) -> None:
    done = test(server, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr


# servers that are none of ours

Answer = Callable[[ServerConnection], Any]


@asynccontextmanager
async def somebody(answer: Answer, **settings: Any) -> AsyncIterator[str]:
    async with serve(answer, "127.0.0.1", 0, **settings) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def counted(address: str, steps: int = 3) -> Any:
    """What becomes of these steps there: `to: 2` is sent, then two numbers are expected."""
    async with Project(FULL) as project:
        case: Case = next(case for case in cases(project.table) if case.name == "To two")
        shorter = replace(case, example=replace(case.example, steps=case.example.steps[:steps]))
        (result,) = [result async for result in run([shorter], Live(address, project.table, {"": "x"}))]
    return result.failure


async def test_a_server_that_speaks_otherwise_is_no_server() -> None:
    async def quiet(_socket: ServerConnection) -> None: ...

    def refuse(socket: ServerConnection, _request: Any) -> Any:
        return socket.respond(502, "bad gateway")

    async with somebody(quiet, process_request=refuse) as address:
        with pytest.raises(NoServer, match="answers 502, and not as Jackfield does"):
            await counted(address)


async def test_a_connection_that_is_lost_ends_with_1006() -> None:
    async def vanish(socket: ServerConnection) -> None:
        await socket.recv()
        socket.transport.abort()

    async with somebody(vanish) as address:
        failure = await counted(address)
    assert "the connection ended with 1006: the connection was lost" in failure.sentence


Heard = list[dict[str, Any]]


def answering(heard: Heard, *answers: list[dict[str, Any]]) -> Answer:
    """Somebody who answers the first messages with these, and refuses all later ones as the server does."""

    async def answer(socket: ServerConnection) -> None:
        async for frame in socket:
            heard.append(json.loads(frame))
            refused = [{"error": {"code": "invalid_message"}, "$id": heard[-1].get("$id")}]
            for message in answers[len(heard) - 1] if len(heard) <= len(answers) else refused:
                await socket.send(json.dumps(message))

    return answer


async def played(address: str, endpoint: str, *steps: Step) -> str:
    """Why an example of these steps fails there; nothing where it passes."""
    async with Project(FULL) as project:
        (operation,) = (one for one in contract(project.table).operations if one.name == endpoint)
        place = project.table.plan.place("endpoints", endpoint)
        places, types = dict.fromkeys(range(len(steps)), place), EventTypes({}, frozenset())
        case = Case(endpoint, "x", Example("", steps), operation, place, places, {}, types)
        (result,) = [result async for result in run([case], Live(address, project.table, {"": "x"}))]
    return result.failure.sentence if result.failure else ""


SEND, EVENT = Step("send", {"text": "a"}), Step("expect", {"event": "e"})
OWN: Any = {"error": {"code": "own"}}
TOO_FAST: Any = {"error": {"code": "rate_limited"}}


@pytest.mark.parametrize(
    ("endpoint", "steps", "answers", "sentence", "probed"),
    [
        ("note", (SEND,), ([OWN],), "an error came that no step expects", True),
        ("note", (SEND, EVENT), ([{"event": "e"}, OWN],), "an error came that no step expects", True),
        ("note", (SEND, Step("expect", {})), ([{}],), "", False),
        ("note", (SEND, SEND, Step("expect", {})), ([{}], [OWN]), "an error came that no step expects", True),
        ("count", (SEND, Step("expect", {})), ([{}, {}, OWN],), "an error came that no step expects", True),
        ("note", (SEND,), ([], [TOO_FAST]), "", True),
        ("note", (SEND,), ([TOO_FAST], [TOO_FAST]), "an error came that no step expects", True),
        ("note", (SEND,), ([TOO_FAST],), "an error came that no step expects", True),
    ],
)
async def test_what_comes_of_a_message_is_waited_for(
    endpoint: str,
    steps: tuple[Step, ...],
    answers: tuple[Heard, ...],
    sentence: str,
    probed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jackfield.testing.examples.REST_LIMIT", 0.3)
    heard: Heard = []
    async with somebody(answering(heard, *answers)) as address:
        found = await played(address, endpoint, *steps)
    assert found.startswith(sentence) if sentence else not found
    assert ("$end" in heard[-1]) == probed


async def test_messages_are_as_short_as_check_counts_them() -> None:
    heard: list[str] = []

    async def listen(socket: ServerConnection) -> None:
        heard.append(str(await socket.recv()))
        await socket.send("{}")
        await socket.wait_closed()

    async with somebody(listen) as address:
        sent = Step("send", {"text": "я", "n": 10**30})
        assert await played(address, "note", sent, Step("expect", {})) == ""
    assert heard == ['{"text":"я","n":1000000000000000000000000000000}']


async def test_what_was_run_before_a_server_went_away_is_reported(tmp_path: Path) -> None:
    shutil.copytree(FULL, tmp_path / "full", ignore=shutil.ignore_patterns("__pycache__", ".jackfield"))
    upgrades = 0

    def refuse(socket: ServerConnection, _request: Any) -> Any:
        nonlocal upgrades
        upgrades += 1
        return None if upgrades == 1 else socket.respond(502, "bad gateway")

    async with somebody(answering([], [{"message": "Привет!"}]), process_request=refuse) as address:
        arguments = ["-C", str(tmp_path / "full"), "test", "--url", address, "--token", "x", "greeting", "To two"]
        done = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    assert done.exit_code == 3
    assert done.stdout == "greeting\n  ok    A greeting\n"
    assert done.stderr.splitlines()[0].startswith("1 passed in ")
    assert "answers 502" in done.stderr.splitlines()[1]


async def test_a_server_on_this_machine_is_reached_without_the_proxy_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with somebody(answering([], [{"event": "e"}])) as address:
        assert await played(address, "note", SEND, EVENT) == ""


async def test_a_message_may_be_longer_than_a_mebibyte() -> None:
    long = {"event": "e", "text": "я" * 1024 * 1024}
    async with somebody(answering([], [long])) as address:
        assert await played(address, "note", SEND, Step("expect", long)) == ""


async def test_an_example_that_fails_leaves_as_any_client_does() -> None:
    codes: list[int | None] = []

    async def mute(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send('{"event": "other"}')
        await socket.wait_closed()
        codes.append(socket.close_code)

    async with somebody(mute) as address:
        assert await played(address, "note", SEND, EVENT) == "what came differs"
    assert codes == [1000]


@pytest.mark.parametrize("frame", ["[1]", "hello", b"\xff\xfe"])
async def test_a_server_that_sends_no_objects_is_no_server(frame: str | bytes) -> None:
    async def chat(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(frame)

    async with somebody(chat) as address:
        with pytest.raises(NoServer, match="what is no JSON object, so it is not Jackfield"):
            await played(address, "note", SEND, EVENT)
