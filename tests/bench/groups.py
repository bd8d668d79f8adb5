"""What groups, actions and kept events cost: Jackfield beside Node's ws and µWebSockets.js, in one run.

    python -m tests.bench.groups --quick            a minute: 1,000 members
    python -m tests.bench.groups                    everything, some ten minutes

One member of a group sends, all hear it, and each delivery is compared byte by byte; the next event leaves when all
have the one before. The figure is the CPU time of the server's processes per delivery. Servers are measured one right
after the other in each round, as in `python -m tests.bench`, and ratios are formed inside a round. The other rows are
differences of two endpoints of one Jackfield, measured the same way. Printed as Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from tests.bench.contender import CONTENDERS, UWS, Contender, running
from tests.bench.figures import spread
from tests.bench.loading import Load, Target
from tests.bench.measure import OPENING, SOURCES, idle_room
from tests.bench.running import CLIENT_CORE, Server
from tests.bench.turns import Question, Turn, connected, pack
from tests.bench.workshop import BenchError, Workshop, default_folder

_ORDER = random.Random(2026)
_SIZES = (1000, 5000)
_TEXT = "Заказ №5 is on its way 🙂 " * 3
_NODE = "node"
_IDLE = 10_000
_Kind = TypeVar("_Kind")
_Mode = Literal["messages", "group", "handshakes", "idle"]


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint of a server that runs: where, who calls, what is asked and what must come back."""

    server: Server
    target: Target
    rotation: Path


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU µs of one delivery or message, and the user's part of it."""

    total: float
    user: float


def main() -> int:
    """Print the tables; gives the exit code: 0 measured, 1 could not."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.groups", description="Measure groups.")
    parser.add_argument("--quick", action="store_true", help="1,000 members, three short rounds, no memory")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (8; with --quick 3)")
    parser.add_argument("--only", nargs="+", choices=_TABLES, default=list(_TABLES), help="tables; all")
    options = parser.parse_args()
    workshop = Workshop(default_folder())
    rounds = options.rounds or (3 if options.quick else 8)
    try:
        workshop.build_load()
        for name in options.only:
            if not (options.quick and name == "memory"):
                _TABLES[name](workshop, rounds, options.quick)
    except BenchError as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 1
    return 0


# ---- the tables ----


def _groups(workshop: Workshop, rounds: int, quick: bool) -> None:
    contenders = [one for one in CONTENDERS if one.name in ("jackfield", _NODE)] + [UWS]
    with contextlib.ExitStack() as stack:
        places = {one: stack.enter_context(_room(one, workshop)) for one in contenders if _is_here(one, workshop)}
        for size in _SIZES[:1] if quick else _SIZES:
            heard = partial(_heard, places, workshop, size, quick)
            runs = _rounds(list(places), rounds, heard)
            print(f"\n### A group of {size:,}\n\n{_head('delivery')} ours, of theirs |\n|---|--:|--:|--:|--:|")
            ours = [cost.total for cost in next(iter(runs.values()))]
            for one, costs in runs.items():
                ratios = spread([mine / cost.total for mine, cost in zip(ours, costs, strict=True)])
                ratio = (
                    "" if one.name == "jackfield" else f" {ratios.median:.2f} ({ratios.p10:.2f} to {ratios.p90:.2f})"
                )
                print(f"{_row(one.title, costs)}{ratio} |", flush=True)


def _actions(workshop: Workshop, rounds: int, quick: bool) -> None:
    text = "Where is my order? 🙂"
    ask, alone = {"action": "greet", "message": text}, {"message": text + "!" * len('"action":"greet",')}
    plain, asked = _question(alone, alone), _question(ask, ask)  # one as long as the other: what an action costs
    with _running_ours(workshop) as (server, cookie):
        places = {
            "a message": _place(workshop, server, cookie, "/ws/greeting", plain, "plain"),
            "one as long, by an action": _place(workshop, server, cookie, "/ws/actions", asked, "actions"),
        }
        options: dict[str, object] = {"connections": 64, "flight": 16}
        _difference("Actions", "message", places, rounds * 2, lambda one: _said(places[one], workshop, options, quick))


def _history(workshop: Workshop, rounds: int, quick: bool) -> None:
    options: dict[str, object] = {"connections": 1, "flight": 16}
    kinds = {"an event": "/ws/room", "the same, kept (`history: 50`)": "/ws/kept"}
    with _running_ours(workshop) as (server, cookie):
        places = {title: _event_place(workshop, server, cookie, path) for title, path in kinds.items()}

        def one(title: str) -> Cost:
            return _said(places[title], workshop, {**options, "numbered": int("kept" in title)}, quick, mode="group")

        _difference("History", "event", places, rounds, one)


def _memory(workshop: Workshop, rounds: int, _quick: bool) -> None:
    """In a fresh server each time: what one holds once, it does not give back."""
    count = idle_room(_IDLE)
    found: dict[str, list[float]] = {"/ws/greeting": [], "/ws/room": []}
    for _ in range(min(rounds, 3)):
        for path, sizes in found.items():
            with _running_ours(workshop) as (server, cookie):
                target = Target(server.port, path, cookie)
                with _loading(target, workshop, "handshakes", {"count": 300}) as load:
                    load.go()
                    load.result()
                before = server.memory()
                with _loading(target, workshop, "idle", {"connections": count}) as load:
                    time.sleep(1)  # what a server does after a handshake, it has done
                    sizes.append((server.memory() - before) / count)
                    load.go()
                    load.result()
    alone, inside = (min(sizes) for sizes in found.values())
    print(f"\n### Memory\n\n{count:,} idle connections; a member of one group holds {inside - alone:,.0f} bytes more")
    print(f"({inside:,.0f} against {alone:,.0f} bytes).", flush=True)


_TABLES: dict[str, Callable[[Workshop, int, bool], None]] = {
    "groups": _groups,
    "actions": _actions,
    "history": _history,
    "memory": _memory,
}


def _difference(title: str, unit: str, places: dict[str, Place], rounds: int, one: Callable[[str], Cost]) -> None:
    runs = _rounds(list(places), rounds, one)
    print(f"\n### {title}\n\n{_head(unit)}\n|---|--:|--:|--:|")
    for name, costs in runs.items():
        print(_row(name, costs))
    plain, more = runs.values()
    gaps = spread([b.total - a.total for a, b in zip(plain, more, strict=True)])
    least = min(cost.total for cost in more) - min(cost.total for cost in plain)
    print(f"\nDifference: {gaps.median:.2f} µs (median of {rounds} rounds), {least:.2f} between the best.", flush=True)


def _head(unit: str) -> str:
    return f"|  | CPU µs per {unit} | user | kernel |"


def _row(title: str, costs: Sequence[Cost]) -> str:
    parts = ([c.total for c in costs], [c.user for c in costs], [c.total - c.user for c in costs])
    cells = (f"{found.p10:.2f} ({found.median:.2f})" for found in map(spread, parts))
    return f"| {title} | {' | '.join(cells)} |"


def _rounds(kinds: Sequence[_Kind], rounds: int, one: Callable[[_Kind], Cost]) -> dict[_Kind, list[Cost]]:
    runs: dict[_Kind, list[Cost]] = {kind: [] for kind in kinds}
    for number in range(rounds):
        print(f"bench: round {number + 1} of {rounds}", file=sys.stderr)
        for kind in _ORDER.sample(list(kinds), len(kinds)):
            runs[kind].append(one(kind))
    return runs


# ---- servers ----


def _is_here(contender: Contender, workshop: Workshop) -> bool:
    try:
        if contender.needs == "node":
            workshop.build_node()
        elif contender is UWS:
            workshop.build_uws()
    except BenchError as exc:
        print(f"bench: without {contender.title}: {exc}", file=sys.stderr)
        return False
    return True


@contextlib.contextmanager
def _room(contender: Contender, workshop: Workshop) -> Iterator[Place]:
    with running(contender, workshop) as (server, cookie):
        yield _event_place(workshop, server, cookie, "/ws/room", contender.name)


@contextlib.contextmanager
def _running_ours(workshop: Workshop) -> Iterator[tuple[Server, str]]:
    with running(CONTENDERS[0], workshop) as found:
        yield found


def _event_place(workshop: Workshop, server: Server, cookie: str, path: str, name: str = "jackfield") -> Place:
    login = "admin" if name == "jackfield" else "alice"
    asked = _question({"message": _TEXT}, {"event": "message", "from": login, "message": _TEXT})
    return _place(workshop, server, cookie, path, asked, f"{name}{path.replace('/', '-')}")


def _question(ask: dict[str, Any], expected: dict[str, Any]) -> tuple[Question, dict[str, Any]]:
    return Question(json.dumps(ask, ensure_ascii=False, separators=(",", ":")), ""), expected


def _place(
    workshop: Workshop, server: Server, cookie: str, path: str, asked: tuple[Question, dict[str, Any]], name: str
) -> Place:
    """Ask once, judge the answer by its meaning, and keep its bytes."""
    question, expected = asked
    server.resume()
    with connected(f"ws://127.0.0.1:{server.port}{path}", cookie) as socket:
        answer = ""
        while not answer or '"event":"history"' in answer:
            if not answer:
                socket.send(question.text)
            answer = socket.recv(timeout=10, decode=True)
    found = json.loads(answer)
    if {key: value for key, value in found.items() if not key.startswith("$")} != expected:
        raise BenchError(f"{name} answers {answer[:300]} to {question.text[:100]}")
    if "$n" in found:  # it is another one each time: what comes before is compared
        answer = answer.partition(',"$n"')[0] + "}"
    rotation = workshop.folder / "runs" / f"{name}.rotation"
    rotation.write_bytes(pack([question], {question: Turn(question.text.encode(), answer.encode())}))
    server.pause()
    return Place(server, Target(server.port, path, cookie), rotation)


def _heard(places: dict[Contender, Place], workshop: Workshop, size: int, quick: bool, one: Contender) -> Cost:
    return _said(places[one], workshop, {"connections": size, "flight": 1}, quick, mode="group")


def _said(
    place: Place, workshop: Workshop, options: dict[str, object], quick: bool, *, mode: _Mode = "messages"
) -> Cost:
    seconds = 1.0 if quick else 2.0
    more: dict[str, object] = {"rotation": place.rotation, "seconds": seconds, "warmup": 0.3}
    place.server.resume()
    try:
        with _loading(place.target, workshop, mode, {**options, **more}) as load:
            before = place.server.used()
            load.go()
            count = load.result().count
            used = place.server.used() - before
    finally:
        place.server.pause()
    return Cost(used.total * 1e6 / count, used.user_seconds * 1e6 / count)


@contextlib.contextmanager
def _loading(target: Target, workshop: Workshop, mode: _Mode, options: dict[str, object]) -> Iterator[Load]:
    core: dict[str, object] = {} if CLIENT_CORE is None else {"cpu": CLIENT_CORE}
    with Load(workshop.load, target, mode, {"opening": OPENING, "sources": SOURCES, **core, **options}) as load:
        load.await_ready()
        yield load
        load.finish()


if __name__ == "__main__":
    sys.exit(main())
