"""`/api/run` and `/api/test`: the files as they are on the disk are tried, before they are published (`--edit`).

Nothing of it runs in the server: both are what `jackfield run` and `jackfield test` do, in a program of their own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
from starlette.responses import Response

from jackfield.describe.documents.process_schemas import Run, Test
from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.logs import log
from jackfield.server.live import Live
from jackfield.server.web.children import Children
from jackfield.server.web.json_api import Answer, Asked, reply
from jackfield.server.web.rights import Rights

__all__ = ["MOST_BYTES", "REPLIES_WITHIN", "RUN_WITHIN", "TEST_WITHIN", "Trying"]

MOST_BYTES = 262_144
"""Bytes of a request to run a process."""

REPLIES_WITHIN = 10.0
"""Seconds that a process has to reply to a message that is tried."""

RUN_WITHIN = 25.0
"""Seconds of a run in all, with what it imports and opens."""

TEST_WITHIN = 120.0
"""Seconds that the examples have in all."""

_SAMPLE = '{"process": "prices", "message": {"item": "tea"}}'


class Trying:
    """The addresses of one gateway where processes are tried."""

    def __init__(self, live: Live, rights: Rights, children: Children) -> None:
        self._live = live
        self._rights = rights
        self._children = children

    def routes(self) -> Mapping[str, Mapping[str, Answer]]:
        """What answers where, for JsonApi."""
        return {"/run": {"POST": self._run}, "/test": {"POST": self._test}}

    async def _run(self, asked: Asked) -> Response:
        given = await asked.body(Run, _SAMPLE, MOST_BYTES)
        by = await self._rights.editor(asked.request)
        _check_printable(given.process, given.login or "")
        self._check_process(asked, given.process, by)
        words = ["run", "--format", "json", "--trace", "--no-keep", "--within", f"{REPLIES_WITHIN:g}"]
        words += [f"--login={given.login}"] if given.login else []
        began = time.monotonic()
        done = await self._children.run(
            ["-C", str(self._folder), *words, "--", given.process, "-"], msgspec.json.encode(given.message), RUN_WITHIN
        )
        told = done.json()
        seconds, client = round(time.monotonic() - began, 3), asked.request.client
        log.info("process_tried", process=given.process, seconds=seconds, by=by.login, client=client)
        if not isinstance(told, dict):
            told = {"frames": [], "trace": None, "explained": [done.why], "closed": None, "problems": []}
        return reply(told)

    async def _test(self, asked: Asked) -> Response:
        given = await asked.body(Test, '{"endpoint": "prices"} or {}')
        by = await self._rights.author(asked.request)
        _check_printable(given.endpoint or "")
        names = [given.endpoint] if given.endpoint else []
        state = self._live.tested
        settings = {"JACKFIELD_STATE": str(state.parent)} if state is not None else {}
        words = ["-C", str(self._folder), "test", "--format", "json", "--", *names]
        done = await self._children.run(words, b"", TEST_WITHIN, settings)
        told = done.json()
        if not isinstance(told, dict):
            raise Refusal("invalid_request", f"The examples were not run: {done.why}.", "Run jackfield test there.")
        passed = sum(one["passed"] for one in told["results"])
        counts = {"passed": passed, "failed": len(told["results"]) - passed}
        log.info("examples_run", endpoint=given.endpoint or "", **counts, by=by.login, client=asked.request.client)
        return reply(told)

    def _check_process(self, asked: Asked, name: str, by: Identity) -> None:
        """Raise Refusal where a caller who may change tables alone would run code."""
        everything = self._rights.edits(asked.request, by) == "all"
        if not everything and name not in self._live.generation.table.catalog.tables:
            raise Refusal("role_required", "Tables alone are tried here.", "List them: GET /api/processes.")

    @property
    def _folder(self) -> Path:
        if self._live.files is None:
            raise Refusal("not_found", "Files are not changed here.", "Start with --edit.")
        return self._live.files.folder


def _check_printable(*texts: str) -> None:
    """Raise Refusal for what can be no argument of a program, and no name either."""
    if not all(map(str.isprintable, texts)):
        raise Refusal("invalid_request", "A name holds what cannot be printed.", f"Send {_SAMPLE}.")
