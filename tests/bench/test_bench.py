"""The benchmark itself: its counting, its checking and its arithmetic. No time is asserted here."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.bench.figures import FLOORS, Floor, Run, judge, percentile, ratios
from tests.bench.loading import Load, Outcome, Target
from tests.bench.measure import SCENARIOS, Figures
from tests.bench.running import Server, free_port
from tests.bench.syscalls import Calls, per_message, read_table
from tests.bench.turns import LARGE, SMALL, Question, Turn, learn, pack
from tests.bench.usage import read_usage, resident
from tests.bench.workshop import BenchError, Workshop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the load program is written for Linux")
Answer = Callable[[str], str]
Say = Callable[[int, str], str]
Talk = Callable[[ServerConnection], None]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The load program, compiled."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler here")
    workshop = Workshop(tmp_path_factory.mktemp("workshop"))
    workshop.build_load()
    return workshop.load


@pytest.fixture
def serving() -> Iterator[Callable[[Talk], int]]:
    """Start trivial servers; gives the port of one that talks like this with each client."""
    running = []

    def begin(talk: Talk) -> int:
        server = serve(talk, "127.0.0.1", 0, compression=None)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        port: int = server.socket.getsockname()[1]
        return port

    yield begin
    for server, thread in running:
        server.shutdown()
        thread.join(timeout=5)


@pytest.fixture
def answering(serving: Callable[[Talk], int]) -> Callable[[Answer], int]:
    """Start a server that answers each message by this function; gives its port."""

    def begin(answer: Answer) -> int:
        def talk(socket: ServerConnection) -> None:
            with contextlib.suppress(ConnectionClosed):
                for message in socket:
                    socket.send(answer(str(message)))

        return serving(talk)

    return begin


def right(text: str) -> str:
    """A server that does the job, blanks and all."""
    questions = {question.text: question.reply for question in (*SMALL, *LARGE)}
    reply = questions[text]
    return '{"error": {}}' if reply is None else f'{{ "message": "{reply}" }}'


def rotation(folder: Path, answer: Answer = right, questions: tuple[Question, ...] = SMALL) -> Path:
    learned = {question: Turn(question.text.encode(), answer(question.text).encode()) for question in questions}
    path = folder / "rotation"
    path.write_bytes(pack(questions, learned))
    return path


def messages(program: Path, port: int, file: Path, **options: object) -> Load:
    given = {"connections": MEMBERS, "flight": 3, "count": 600, "warmup": 0, "rotation": file, **options}
    return Load(program, Target(port, "/ws/greeting", "a=b"), "messages", given)


def outcome_of(load: Load) -> Outcome:
    with load:
        load.await_ready()
        load.go()
        outcome = load.result()
        load.finish()
    return outcome


@pytest.mark.parametrize("questions", [SMALL, LARGE], ids=["small", "large"])
def test_right_replies_are_counted(
    program: Path, answering: Callable[[Answer], int], tmp_path: Path, questions: tuple[Question, ...]
) -> None:
    outcome = outcome_of(messages(program, answering(right), rotation(tmp_path, questions=questions)))
    assert (outcome.count, outcome.wrong, outcome.lost) == (600, 0, 0)
    assert 0 < outcome.p50 <= outcome.p99


def test_one_wrong_reply_is_found(program: Path, answering: Callable[[Answer], int], tmp_path: Path) -> None:
    seen = []

    def answer(text: str) -> str:
        seen.append(text)
        return right(text).replace("Привет!", "Привет?") if len(seen) == 301 else right(text)

    file = rotation(tmp_path, questions=(SMALL[0], SMALL[0], SMALL[2]))
    with pytest.raises(BenchError, match=r"(?s)1 wrong replies, 0 lost.*Привет!.*Привет\?"):
        outcome_of(messages(program, answering(answer), file, connections=1))


def test_a_wrong_blank_is_wrong_too(program: Path, answering: Callable[[Answer], int], tmp_path: Path) -> None:
    file = rotation(tmp_path, lambda text: right(text).replace("{ ", "{"))
    with pytest.raises(BenchError, match="598 wrong replies"):
        outcome_of(messages(program, answering(right), file, connections=1))


def test_a_lost_connection_is_found(program: Path, answering: Callable[[Answer], int], tmp_path: Path) -> None:
    def answer(text: str) -> str:
        raise ConnectionError

    with pytest.raises(BenchError, match=r"0 wrong replies, 4 lost connections"):
        outcome_of(messages(program, answering(answer), rotation(tmp_path)))


MEMBERS = 4


@pytest.fixture
def room(serving: Callable[[Talk], int]) -> Callable[[Say], int]:
    """Start a room in which all hear what one says; gives its port. Member N hears what the function makes of it."""

    def begin(say: Say) -> int:
        members: list[ServerConnection] = []
        everybody = threading.Event()

        def talk(socket: ServerConnection) -> None:
            socket.send('{"event":"history","events":[]}')
            members.append(socket)
            if len(members) == MEMBERS:
                everybody.set()
            with contextlib.suppress(ConnectionClosed):
                for message in socket:
                    everybody.wait(30)  # a thread may begin long after its 101
                    for number, member in enumerate(members):
                        member.send(say(number, str(message)))

        return serving(talk)

    return begin


def group(program: Path, port: int, file: Path, flight: int) -> Load:
    given = {"connections": MEMBERS, "flight": flight, "count": 100, "warmup": 0, "rotation": file, "numbered": 1}
    return Load(program, Target(port, "/ws/room", "a=b"), "group", given)


@pytest.mark.parametrize("flight", [1, 5])
def test_each_delivery_to_a_group_is_counted(
    program: Path, room: Callable[[Say], int], tmp_path: Path, flight: int
) -> None:
    port = room(lambda _member, text: right(text)[:-1] + ',"$n":1}')
    outcome = outcome_of(group(program, port, rotation(tmp_path, questions=SMALL[:2]), flight))
    assert (outcome.count, outcome.wrong, outcome.lost) == (400, 0, 0)


def test_a_member_that_hears_something_else_is_found(program: Path, room: Callable[[Say], int], tmp_path: Path) -> None:
    port = room(lambda member, text: right(text).replace("Привет", "Привед" if member == 2 else "Привет")[:-1] + ",}")
    with pytest.raises(BenchError, match=r"(?s)50 wrong replies.*Привет!.*Привед!"):
        outcome_of(group(program, port, rotation(tmp_path, questions=SMALL[:2]), 1))


def test_handshakes_and_idle_connections_are_counted(program: Path, answering: Callable[[Answer], int]) -> None:
    target = Target(answering(right), "/", "")
    shakes = Load(program, target, "handshakes", {"count": 20, "warmups": 4, "sources": 3, "opening": 4})
    assert outcome_of(shakes).count == 20
    assert outcome_of(Load(program, target, "idle", {"connections": 20})).count == 20


def test_a_refused_connection_is_reported(program: Path) -> None:
    with pytest.raises(BenchError, match="Connection refused"):
        outcome_of(Load(program, Target(free_port(), "/", ""), "idle", {}))


def test_what_a_server_answers_is_judged_by_meaning(answering: Callable[[Answer], int]) -> None:
    with pytest.raises(BenchError, match="Привет"):
        learn(f"ws://127.0.0.1:{answering(lambda text: text)}/", "a=b")


@pytest.mark.parametrize(
    ("reply", "text", "accepted"),
    [
        ("Привет!", '{"message": "Привет!"}', True),
        ("Привет!", '{"message":"\\u041f\\u0440\\u0438\\u0432\\u0435\\u0442!"}', True),
        ("Привет!", '{"message": "Привет!", "more": 1}', False),
        ("Привет!", "Привет!", False),
        (None, '{"error": {"code": "invalid_message"}}', True),
        (None, '{"message": "Привет!"}', False),
        (None, '["error"]', False),
    ],
)
def test_answers(reply: str | None, text: str, accepted: bool) -> None:
    assert Question("{}", reply).accepts(text) is accepted


def test_the_order_holds_one_invalid_message_in_256() -> None:
    packed = pack(SMALL, {question: Turn(b"q", b"a") for question in SMALL})
    order = packed[-256:]
    assert packed[:8] == bytes([3, 0, 0, 0, 0, 1, 0, 0])
    assert (order.count(2), order.count(0), order.count(1)) == (1, 128, 127)


def test_large_messages_are_900_bytes() -> None:
    assert [len(question.text.encode()) for question in LARGE[:2]] == [900, 900]


def test_percentiles_lie_between_neighbours() -> None:
    assert [percentile([4, 1, 3, 2, 5], share) for share in (0, 0.1, 0.5, 0.9, 1)] == pytest.approx([1, 1.4, 3, 4.6, 5])
    assert percentile([7], 0.1) == 7
    with pytest.raises(ValueError, match="no figures"):
        percentile([], 0.5)


def run(number: int, contender: str, cpu: float, scenario: str = "ping-pong") -> Run:
    return Run(number, scenario, contender, Figures(cpu=cpu, user=cpu / 2))


def test_ratios_are_formed_inside_a_round() -> None:
    runs = [run(0, "jackfield", 10), run(0, "node", 13), run(1, "jackfield", 20), run(1, "node", 22)]
    lonely = [run(2, "node", 99), run(0, "node", 99, "in-flight")]
    assert ratios([*runs, *lonely], "ping-pong", "cpu", "node") == [1.3, 1.1]


def verdicts(runs: list[Run], calls: Calls | None = None) -> dict[Floor, bool | None]:
    return {verdict.floor: verdict.met for verdict in judge(runs, calls)}


def floor(what: str) -> Floor:
    return next(one for one in FLOORS if one.what.startswith(what))


def test_ratios_are_judged_on_their_unfavourable_side() -> None:
    slow = [1.2, *[1.4] * 3]  # the 10th percentile of these is 1.26, that of two slow ones is not
    runs = [run(n, "jackfield", 10) for n in range(4)]
    assert verdicts(runs + [run(n, "node", 10 * r) for n, r in enumerate(slow)])[floor("ping-pong against Node ws")]
    two = [run(n, "node", 10 * r) for n, r in enumerate([1.2, 1.2, 1.4, 1.4])]
    assert verdicts(runs + two)[floor("ping-pong against Node ws")] is False
    dear = [run(n, "jackfield-async", 10 * r) for n, r in enumerate([1.1, 1.1, 1.1, 1.6])]
    assert verdicts(runs + dear)[floor("async")] is False


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert set(verdicts([]).values()) == {None}


def test_floors_name_scenarios_that_exist() -> None:
    assert {one.scenario for one in FLOORS} == {scenario.name for scenario in SCENARIOS} | {"idle"}


STRACE = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 50.10    0.010000           5      2001           write
 40.00    0.009000           4      1990        12 read
  9.00    0.000400           2        10           recvfrom
  0.90    0.000400           2       100           epoll_pwait
------ ----------- ----------- --------- --------- ----------------
100.00    0.019800           5      4101        12 total
"""


def test_system_calls_are_counted_by_kind() -> None:
    calls = per_message(read_table(STRACE), 2000)
    assert calls == Calls(1.0, 1.0005, {"epoll_pwait": 0.05})
    assert verdicts([], calls)[floor("writes")] is True
    assert verdicts([], Calls(1.0, 2.0, {}))[floor("writes")] is False


def test_usage_and_memory_of_a_process() -> None:
    before = read_usage(os.getpid())
    assert sum(range(200_000))
    used = read_usage(os.getpid()) - before
    assert 0 < used.total < 60
    assert 0 <= used.user_seconds <= used.total
    assert resident(os.getpid()) > 1_000_000


def test_a_paused_server_is_ended_with_its_group(tmp_path: Path) -> None:
    port = free_port()
    words = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with Server(words, {}, port, tmp_path / "log") as server:
        server.wait_until_open()
        server.pause()
    with pytest.raises(ProcessLookupError):
        os.killpg(server.pid, 0)


def test_a_server_that_does_not_start_is_reported_with_its_log(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "raise SystemExit('no such port, друг')"]
    with Server(words, {}, free_port(), tmp_path / "log") as server, pytest.raises(BenchError, match="друг"):
        server.wait_until_open()
