"""The contenders: how each is started, and who logs in there. Their sources stand in contenders/."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.running import Server, clean_environment, free_port
from tests.bench.turns import Question, Turn, learn
from tests.bench.workshop import HERE, BenchError, Workshop

__all__ = ["CONTENDERS", "UWS", "Contender", "Ready", "running", "started"]

_SOURCES = HERE / "contenders"
_EXAMPLE = HERE.parents[1] / "processes" / "greeting.py"  # the repository's own process is the one that is measured
_COOKIE = "gen_app_auth_token"
_KEY = secrets.token_hex(32)


@dataclass(frozen=True, slots=True)
class Contender:
    """One way of doing the job. `needs` says what the workshop must hold: `python`, `node`, `uws` or nothing more."""

    name: str
    title: str
    needs: str
    start: Callable[[Workshop, Path, int], Server]
    path: str = "/ws/greeting"


@dataclass(frozen=True, slots=True)
class Ready:
    """A contender that runs and has answered every question rightly."""

    contender: Contender
    server: Server
    cookie: str
    turns: dict[Question, Turn]


@contextlib.contextmanager
def running(contender: Contender, workshop: Workshop) -> Iterator[tuple[Server, str]]:
    """Start the contender in a fresh folder, with the cookie of one who may enter, and end it. Raises BenchError."""
    folder = workshop.folder / "runs" / contender.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with contender.start(workshop, folder, free_port()) as server:
        server.wait_until_open()
        yield server, f"{_COOKIE}={_jackfield_token(folder) if contender.needs == '' else _signed('alice')}"


@contextlib.contextmanager
def started(contender: Contender, workshop: Workshop) -> Iterator[Ready]:
    """Start the contender, learn its answers, and end it afterwards. Raises BenchError."""
    with running(contender, workshop) as (server, cookie):
        try:
            turns = learn(f"ws://127.0.0.1:{server.port}{contender.path}", cookie)
        except Exception as exc:
            raise BenchError(f"{contender.name}: {exc}; its log ends with:\n{server.log_end()}") from exc
        yield Ready(contender, server, cookie, turns)


def _signed(login: str) -> str:
    """A token that contenders/visitor.py and visitor.js find genuine."""
    value = f"{login}.{int(time.time()) + 86400}"
    mac = hmac.digest(_KEY.encode(), value.encode(), hashlib.sha256)
    return f"{value}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


# ---- Jackfield ----


def _jackfield(workshop: Workshop, folder: Path, port: int) -> Server:
    project = folder / "project"
    shutil.copytree(_SOURCES / "jackfield", project, ignore=shutil.ignore_patterns("__pycache__", ".jackfield"))
    shutil.copy(_EXAMPLE, project / "processes")
    words = [sys.executable, "-m", "jackfield", "-C", str(project), "serve", "--port", str(port)]
    return Server(words, {}, port, folder / "log")


def _jackfield_token(folder: Path) -> str:
    return _command(folder / "project", "token", "admin").strip()


def _command(project: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "jackfield", "-C", str(project), *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env=clean_environment(),
    )
    if done.returncode:
        raise BenchError(f"jackfield {' '.join(words)}: {done.stderr}{done.stdout}")
    return done.stdout


# ---- the others ----


def _uvicorn(application: str) -> Callable[[Workshop, Path, int], Server]:
    """uvicorn as one would run it for speed: uvloop, httptools, its sans-I/O WebSockets, no compression, no log."""
    options = {
        "--app-dir": str(_SOURCES),
        "--host": "127.0.0.1",
        "--loop": "uvloop",
        "--http": "httptools",
        "--ws": "websockets-sansio",
        "--ws-per-message-deflate": "false",
        "--lifespan": "off",
        "--log-level": "error",
    }
    words = [word for option in options.items() for word in option]

    def start(workshop: Workshop, folder: Path, port: int) -> Server:
        command = [str(workshop.python), "-m", "uvicorn", application, "--no-access-log", "--port", str(port), *words]
        return Server(command, {"BENCH_KEY": _KEY, "PYTHONDONTWRITEBYTECODE": "1"}, port, folder / "log")

    return start


def _on_node(workshop: Workshop, folder: Path, port: int, *words: str) -> Server:
    environment = {"BENCH_KEY": _KEY, "BENCH_PORT": str(port), "NODE_PATH": str(workshop.node_modules)}
    return Server(["node", *words], {**environment, "NODE_ENV": "production"}, port, folder / "log")


def _node_ws(workshop: Workshop, folder: Path, port: int) -> Server:
    return _on_node(workshop, folder, port, str(_SOURCES / "node_ws.js"))


def _uws(workshop: Workshop, folder: Path, port: int) -> Server:
    environment = {"BENCH_KEY": _KEY, "BENCH_PORT": str(port), "NODE_PATH": str(workshop.uws)}
    return Server(["node", str(_SOURCES / "uws_room.js")], environment, port, folder / "log")


def _node_red(workshop: Workshop, folder: Path, port: int) -> Server:
    home = folder / "home"
    home.mkdir()
    flows = shutil.copy(_SOURCES / "node_red" / "flows.json", home)
    settings = _SOURCES / "node_red" / "settings.js"
    program = workshop.node_modules / "node-red" / "red.js"
    return _on_node(workshop, folder, port, str(program), "-u", str(home), "-s", str(settings), str(flows))


CONTENDERS = (
    Contender("jackfield", "Jackfield, everything on", "", _jackfield),
    Contender("jackfield-table", "the same, a table as process", "", _jackfield, "/ws/table"),
    Contender("jackfield-async", "the same, a coroutine as process", "", _jackfield, "/ws/waiting"),
    Contender("node", "Node ws + ajv", "node", _node_ws),
    Contender("starlette", "Starlette by hand, msgspec + jsonschema-rs", "python", _uvicorn("starlette_app:app")),
    Contender(
        "starlette-json",
        "Starlette receive_json/send_json + jsonschema-rs",
        "python",
        _uvicorn("starlette_app:app"),
        "/ws/json",
    ),
    Contender("fastapi", "FastAPI, the pydantic model reads the text", "python", _uvicorn("fastapi_app:app")),
    Contender(
        "fastapi-json",
        "FastAPI receive_json/send_json + pydantic",
        "python",
        _uvicorn("fastapi_app:app"),
        "/ws/json",
    ),
    Contender("channels", "Django Channels on uvicorn", "python", _uvicorn("channels_app:app")),
    Contender("node-red", "Node-RED, in -> function -> out", "node", _node_red),
)
UWS = Contender("uws", "µWebSockets.js, its publish", "uws", _uws, "/ws/room")
"""Has a room and nothing else."""
