"""The control channel: `publish`, `status`, `refusals` and `send` send the running server a verb on loopback.

No files go over it: what is published is read by the server, and an event is all that a verb carries.

One connection carries one line of JSON each way:  {"secret": "…", "verb": "publish", "dry_run": true}
The secret is made at the start of the server and stands in `server.json` of the state folder (0600), so only a
program that may read that file is answered. It is good until the server stops.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jackfield import messages
from jackfield.errors import PlanError, Refusal
from jackfield.logs import log
from jackfield.state import StateError, read_own, write_private

__all__ = ["UNKNOWN_VERB", "ControlServer", "NoServer", "ask"]

Verb = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]

MAX_LINE = 64 * 1024
MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of an answer; 200 refusals, or the problems of a large project, have a hundredth of it."""

READ_LIMIT = 5.0
"""Seconds that a caller has to send its line."""

ANSWER_LIMIT = 120.0
"""Seconds that the command line waits for an answer; a publish may load for a minute."""

UNKNOWN_VERB = "unknown verb"
"""What a server of another version answers to what it does not know."""

_WRONG = "wrong secret"


class NoServer(Exception):
    """No running server was reached."""


class ControlServer:
    """Listens on a port of its own on 127.0.0.1, whatever the public listener is."""

    def __init__(self, path: Path, verbs: Mapping[str, Verb], facts: Mapping[str, Any]) -> None:
        self._path = path
        self._verbs = verbs
        self._facts = facts
        self._secret = secrets.token_urlsafe(32)
        self._server: asyncio.Server | None = None
        self._answering: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, and write server.json. Raises StateError where it cannot be written."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_LINE)
        try:
            port = self._server.sockets[0].getsockname()[1]
            facts = {**self._facts, "pid": os.getpid(), "port": port, "secret": self._secret}
            write_private(self._path, json.dumps(facts, indent=2).encode())
        except OSError as exc:
            await self.close()
            raise StateError(f"cannot write {self._path}: {exc.strerror or exc}") from exc

    async def close(self) -> None:
        """Stop listening, break off what is being answered, and remove server.json."""
        if self._server is not None:
            self._server.close()
            for task in self._answering:
                task.cancel()  # from Python 3.12 on `wait_closed` waits for every connection
            await asyncio.gather(*self._answering, return_exceptions=True)
            await self._server.wait_closed()
            with suppress(OSError):  # a file that is left names a port that is closed
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio runs this in a task"
        self._answering.add(task)
        try:
            async with asyncio.timeout(READ_LIMIT):
                line = await reader.readline()
            answer = await self._answer(line)
            writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
            async with asyncio.timeout(READ_LIMIT):
                await writer.drain()
        except (TimeoutError, OSError, ValueError):
            pass  # not our command line, or it has gone
        finally:
            self._answering.discard(task)
            writer.close()

    async def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            asked = messages.parse(line)
        except ValueError as exc:
            return {"error": f"the line {exc}"}
        if not isinstance(asked, dict) or not hmac.compare_digest(
            str(asked.get("secret", "")).encode(), self._secret.encode()
        ):
            return {"error": _WRONG}
        verb = self._verbs.get(str(asked.get("verb")))
        if verb is None:
            return {"error": UNKNOWN_VERB}
        try:
            return {"ok": await verb(asked)}
        except Refusal as refusal:
            return {"error": f"{refusal.detail} {refusal.fix}"}
        except PlanError as exc:
            problems = [{"text": str(problem), "severity": problem.severity} for problem in exc.problems]
            return {"problems": problems}
        except Exception:  # noqa: BLE001 - the root of this task; logged with its stack
            incident = secrets.token_hex(4)
            log.exception("control_failed", incident=incident, verb=asked.get("verb"))
            return {"error": f"the server failed; its log has the incident {incident}"}


def ask(path: Path, verb: str, *, time_limit: float = ANSWER_LIMIT, **options: Any) -> Mapping[str, Any]:
    """Send a verb to the server whose server.json is at `path`; returns its answer. Raises NoServer.

    `time_limit` is in seconds.
    """
    try:
        facts = messages.parse(read_own(path))
        answer = _exchange(int(facts["port"]), {"secret": facts["secret"], "verb": verb, **options}, time_limit)
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise NoServer(str(exc)) from exc
    if answer.get("error") == _WRONG:
        raise NoServer("the secret in server.json is not the running server's")
    return answer


def _exchange(port: int, asked: Mapping[str, Any], time_limit: float) -> dict[str, Any]:
    with socket.create_connection(("127.0.0.1", port), timeout=READ_LIMIT) as connection:
        connection.settimeout(time_limit)
        connection.sendall(json.dumps(asked).encode() + b"\n")
        with connection.makefile("rb") as stream:
            answer = messages.parse(stream.readline(MAX_ANSWER) or b"null")
    if not isinstance(answer, dict):
        raise OSError("the server closed the connection without an answer")
    return answer
