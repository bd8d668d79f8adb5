"""`POST /api/endpoints`, `/api/endpoints/{name}/examples`, `/api/examples`: what is added to a project's files.

All of it is for who may change every file (`--edit`); an example's text alone is for all who may enter its endpoint.
One thing is added at a time on a node; others wait for their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from starlette.responses import Response

from jackfield.beginnings import EXAMPLES, sentence
from jackfield.config.additions import Addition, NewEndpoint, example_text, with_endpoint, with_example
from jackfield.describe.documents.addition_schemas import Beginning, EndpointForm, ExampleForm
from jackfield.errors import Refusal
from jackfield.logs import log
from jackfield.server.editing.adding import Added, add
from jackfield.server.editing.beginning import begin, is_empty
from jackfield.server.editing.project_files import ProjectFiles
from jackfield.server.live import Live
from jackfield.server.web.endpoints import Endpoints
from jackfield.server.web.json_api import Answer, Asked, reply
from jackfield.server.web.places import Places
from jackfield.server.web.rights import Rights

__all__ = ["MOST_BYTES", "Additions"]

MOST_BYTES = 262_144
"""Bytes of an endpoint or an example that is added."""

T = TypeVar("T")

_ENDPOINT = '{"name": "say", "url": "/ws/say", "process": "chat.say", "roles": ["support"], "summary": "…"}'
_EXAMPLE = '{"name": "A greeting", "steps": [{"send": {"message": "Привет"}}], "dry_run": true}'


class Additions:
    """The addresses of one gateway by which endpoints and examples come into the files."""

    def __init__(self, live: Live, rights: Rights, places: Places, endpoints: Endpoints) -> None:
        self._live = live
        self._rights = rights
        self._endpoints = endpoints
        self._places = places

    def routes(self) -> Mapping[str, Mapping[str, Answer]]:
        """What answers where, for JsonApi."""
        return {
            "/endpoints": {"POST": self._endpoint},
            "/endpoints/{one}/examples": {"POST": self._example},
            "/examples": {"GET": self._beginnings, "POST": self._begin},
        }

    @staticmethod
    def answers(method: str, path: Sequence[str]) -> bool:
        """Whether a request for these segments below /api is for authors alone."""
        return path[0] == "examples" or (method == "POST" and len(path) == 1 and path[0] == "endpoints")

    async def _endpoint(self, asked: Asked) -> Response:
        given = await asked.body(EndpointForm, _ENDPOINT, MOST_BYTES)
        by = await self._rights.author(asked.request)
        wanted = _wanted(given)
        added = await self._in_turn(lambda files: _add(files, lambda at: with_endpoint(at, wanted), given.dry_run))
        if added.written:
            log.info("endpoint_added", endpoint=given.name, path=added.file, by=by.login, client=asked.request.client)
        return reply(added.as_json())

    async def _example(self, asked: Asked) -> Response:
        given = await asked.body(ExampleForm, _EXAMPLE, MOST_BYTES)
        example, name = given.example(), asked.name
        try:
            by = await self._rights.author(asked.request)
        except Refusal:
            if not given.dry_run:
                raise
            await self._endpoints.found(asked)
            return reply(Added("", 0, example_text(example), (), written=False).as_json())
        added = await self._in_turn(
            lambda files: _add(files, lambda at: with_example(at, name, example), given.dry_run)
        )
        if added.written:
            which = {"endpoint": name, "example": given.name, "path": added.file}
            log.info("example_added", **which, by=by.login, client=asked.request.client)
        return reply(added.as_json())

    async def _beginnings(self, asked: Asked) -> Response:
        await self._rights.author(asked.request)
        empty = await asyncio.to_thread(is_empty, self._files.folder)
        return reply({"examples": [{"name": name, "summary": sentence(name)} for name in EXAMPLES], "empty": empty})

    async def _begin(self, asked: Asked) -> Response:
        given = await asked.body(Beginning, '{"name": "chat"}')
        by = await self._rights.author(asked.request)
        if given.name not in EXAMPLES:
            raise Refusal("not_found", "There is no example of this name.", f"Here are {', '.join(EXAMPLES)}.")
        made = await self._in_turn(lambda files: begin(files, given.name))
        log.info("project_begun", example=given.name, by=by.login, client=asked.request.client)
        return reply({"files": made})

    async def _in_turn(self, work: Callable[[ProjectFiles], T]) -> T:
        """What `work` gives in a thread, while no other does. Raises Refusal."""
        files = self._files
        async with self._places.taken():
            return await asyncio.to_thread(work, files)

    @property
    def _files(self) -> ProjectFiles:
        if self._live.files is None:
            raise Refusal("not_found", "Files are not changed here.", "Start with --edit.")
        return self._live.files


def _add(files: ProjectFiles, make: Callable[[Path], Addition], dry_run: bool) -> Added:
    return add(files, make, dry_run=dry_run)


def _wanted(given: EndpointForm) -> NewEndpoint:
    """What a form asks for. Raises Refusal."""
    if given.roles is not None and given.access:
        raise Refusal("invalid_request", "`roles` and `access` are both given.", "Keep one of them.")
    who: Any = (
        {"roles": given.roles} if given.roles is not None else None if given.access == "required" else given.access
    )
    more = {key: getattr(given, key) for key in ("summary", "group", "reply_to", "presence", "history")}
    return NewEndpoint(given.name, given.url, given.process, who, **more)
