"""One measurement: a contender, a scenario, and what the contender's processes used meanwhile."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.bench.contender import Ready
from tests.bench.loading import Load, Outcome, Target
from tests.bench.running import CLIENT_CORE
from tests.bench.turns import LARGE, LARGE_IS, SMALL, Question, pack

__all__ = ["IDLE", "OPENING", "SCENARIOS", "SOURCES", "Figures", "Scenario", "idle_room", "measure", "measure_idle"]

OPENING = 16  # handshakes at a time
SOURCES = 8  # loopback addresses of the client, for thousands of ports


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is done. `count` is of handshakes or idle connections; messages go on for the run's seconds."""

    name: str
    title: str
    mode: Literal["messages", "handshakes", "idle"]
    questions: tuple[Question, ...] = SMALL
    connections: int = 64
    flight: int = 1
    count: int = 0


SCENARIOS = (
    Scenario("ping-pong", "64 connections, one small message in flight", "messages"),
    Scenario("in-flight", "64 connections, 16 small messages in flight", "messages", flight=16),
    Scenario("900-bytes", f"64 connections, one message of {LARGE_IS} in flight", "messages", questions=LARGE),
    Scenario("handshakes", "connect, authenticate, close", "handshakes", count=3000),
)
IDLE = Scenario("idle", "idle authenticated connections", "idle", count=10_000)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one measurement gave.

    `cpu` and its part `user` are µs of the server's processor per message or handshake, `rate` is messages or
    handshakes a second, `p50` and `p99` latencies in µs; `memory` is KiB per idle connection.
    """

    cpu: float = 0.0
    user: float = 0.0
    rate: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    memory: float = 0.0
    count: int = 0

    @property
    def kernel(self) -> float:
        """The part of `cpu` that the kernel worked for the server: reading, writing, the network."""
        return self.cpu - self.user


def load_for(ready: Ready, scenario: Scenario, program: Path, seconds: float) -> Load:
    """The load program for this scenario, begun."""
    target = Target(ready.server.port, ready.contender.path, ready.cookie)
    options: dict[str, object] = {"opening": OPENING}
    if CLIENT_CORE is not None:
        options["cpu"] = CLIENT_CORE
    if scenario.mode == "messages":
        rotation = program.parent / "runs" / ready.contender.name / f"{scenario.name}.rotation"
        rotation.write_bytes(pack(scenario.questions, ready.turns))
        options |= {"connections": scenario.connections, "flight": scenario.flight, "rotation": rotation}
        options |= {"seconds": seconds, "warmup": min(0.3, seconds / 4)}
    elif scenario.mode == "handshakes":
        options |= {"count": scenario.count, "warmups": scenario.count // 10, "sources": SOURCES}
    else:
        options |= {"connections": scenario.count, "sources": SOURCES}
    return Load(program, target, scenario.mode, options)


def measure(ready: Ready, scenario: Scenario, program: Path, seconds: float) -> Figures:
    """Messages or handshakes: the server's processor time around the load, without its opening and closing."""
    ready.server.resume()
    try:
        with load_for(ready, scenario, program, seconds) as load:
            load.await_ready()
            before = ready.server.used()
            load.go()
            outcome = load.result()
            used = ready.server.used() - before
            load.finish()
    finally:
        ready.server.pause()
    return _figures(outcome, used.total, used.user_seconds)


def measure_idle(ready: Ready, program: Path, connections: int) -> Figures:
    """Memory per idle connection of a server that has just started; a few hundred handshakes have warmed it."""
    warm = Scenario("warm", "", "handshakes", count=300)
    measure(ready, warm, program, 0)
    ready.server.resume()
    before = ready.server.memory()
    scenario = Scenario(IDLE.name, IDLE.title, "idle", count=connections)
    with load_for(ready, scenario, program, 0) as load:
        load.await_ready()
        time.sleep(1)  # what a server does after a handshake, it has done
        grown = ready.server.memory() - before
        load.go()
        outcome = load.result()
        load.finish()
    return Figures(memory=grown / 1024 / outcome.count, count=outcome.count)


def idle_room(wanted: int) -> int:
    """So many idle connections as a process here may have open files, at most `wanted`. Raises our own limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # servers started from now on inherit it
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard - 200)


def _figures(outcome: Outcome, total: float, user: float) -> Figures:
    per = 1e6 / outcome.count
    rate = outcome.count / outcome.seconds
    return Figures(total * per, user * per, rate, float(outcome.p50), float(outcome.p99), 0.0, outcome.count)
