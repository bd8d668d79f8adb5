"""`/api/files`, `/api/check`, `/api/schemas`, `/api/publish`: files edited and made live (`--edit`); `/api/published`.

What runs on the server is changed here. So each request asks for the right anew, also after its body has come; and
who may change tables alone names no other file (rights.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, TypeVar

from starlette.responses import Response

from jackfield.describe.documents.file_schemas import MOST_CHANGED, MOST_CHECKED, FileText, Overlay, Publish
from jackfield.errors import PlanError, Problem, Refusal
from jackfield.identity import Identity
from jackfield.logs import log
from jackfield.messages import moment
from jackfield.server.editing.names import is_table
from jackfield.server.editing.overlay import name_problem, problems_with, schemas
from jackfield.server.editing.project_files import ANEW, MOST_BYTES, ProjectFiles
from jackfield.server.live import Live, Publishing
from jackfield.server.request import Request
from jackfield.server.web.children import Children
from jackfield.server.web.json_api import Answer, Asked, reply
from jackfield.server.web.paging import page_of, query
from jackfield.server.web.places import Places
from jackfield.server.web.rights import Rights

__all__ = ["IMPORT_WITHIN", "Editing"]

IMPORT_WITHIN = 25.0
"""Seconds that the modules have to be imported after one was saved."""

T = TypeVar("T")
U = TypeVar("U")

_BODY = 2 * MOST_BYTES + 65_536  # JSON writes a break, a quote or a backslash as two signs
_CONCERNS = (
    "added",
    "changed",
    "removed",
    "closes",
    "open",
    "feeds_anew",
    "feeds_ended",
    "feeds_kept",
    "waits",
    "tasks",
    "calls",
    "lost",
)
_TABLES_ALONE = "Tables alone may be changed here, and only those that are there."
_LIST = "List them: GET /api/files."


class Editing:
    """The addresses of one gateway where its files are edited and published."""

    def __init__(self, live: Live, rights: Rights, places: Places, children: Children) -> None:
        self._live = live
        self._rights = rights
        self._children = children
        self._places = places

    def routes(self) -> Mapping[str, Mapping[str, Answer]]:
        """What answers where, for JsonApi."""
        return {
            "/files": {"GET": self._list},
            "/files/{one}": {"GET": self._read, "PUT": self._save, "DELETE": self._remove},
            "/check": {"POST": self._check_texts},
            "/publish": {"GET": self._changed, "POST": self._publish},
            "/published": {"GET": self._published},
            "/schemas": {"GET": self._schemas},
        }

    @staticmethod
    def answers(path: Sequence[str]) -> bool:
        """Whether these segments below /api are here."""
        return path[0] in ("files", "check", "publish", "schemas")

    @property
    def _files(self) -> ProjectFiles:
        return _there(self._live.files)

    @property
    def _publishing(self) -> Publishing:
        return _there(self._live.publishing)

    async def _caller(self, request: Request, *names: str, anew: bool = False) -> Identity:
        """The caller, who may change these files. Raises Refusal."""
        caller = await self._rights.editor(request)
        if self._rights.edits(request, caller) != "all" and (anew or not all(map(is_table, names))):
            raise Refusal("role_required", _TABLES_ALONE, _LIST)
        return caller

    async def _list(self, asked: Asked) -> Response:
        given = query(asked, "limit", "after")
        caller = await self._rights.editor(asked.request)
        tables = self._rights.edits(asked.request, caller) != "all"

        def listed() -> tuple[list[Mapping[str, Any]], str | None]:
            page, following = page_of(self._files.names(tables=tables), given, key=str)
            return [self._files.facts(name) for name in page], following

        found, following = await asyncio.to_thread(listed)
        return reply({"files": found, "next": following})

    async def _read(self, asked: Asked) -> Response:
        query(asked)
        await self._caller(asked.request, asked.name)
        found = await asyncio.to_thread(self._files.read, asked.name)
        return reply(found.as_json(), {"ETag": f'"{found.etag}"'})

    async def _save(self, asked: Asked) -> Response:
        before = _precondition(asked.request)
        given = await asked.body(FileText, '{"text": "…"}', _BODY)
        by = await self._caller(asked.request, asked.name, anew=before == ANEW)
        if before == ANEW:
            await self._in_turn(self._refuse_bad_name, asked.name)
        saved = await asyncio.to_thread(self._files.save, asked.name, given.text, before)
        log.info("file_saved", path=saved.path, etag=saved.etag, by=by.login, client=asked.request.client)
        body: dict[str, Any] = {"path": saved.path, "etag": saved.etag, "problems": []}
        with suppress(Refusal):  # it is saved, whether or not there is time to check it
            body["problems"] = await self._checked({})
            if saved.path.endswith(".py") and not any(one["severity"] == "error" for one in body["problems"]):
                body["problems"] = await self._imported(saved.path)
        return reply(body, {"ETag": f'"{saved.etag}"'})

    async def _remove(self, asked: Asked) -> Response:
        before = _precondition(asked.request)
        by = await self._caller(asked.request, asked.name, anew=True)
        name = await asyncio.to_thread(self._files.remove, asked.name, before)
        log.info("file_removed", path=name, by=by.login, client=asked.request.client)
        return reply({})

    def _refuse_bad_name(self, name: str) -> None:
        """Raise Refusal for a new file that nothing would go live with; one that is there is for `save` to refuse."""
        if self._files.has(name):
            return
        try:
            problem = name_problem(self._files.folder, tuple(self._files.check(name).split("/")))
        except OSError as exc:
            raise Refusal("file_unusable", f"{name} cannot be checked: {exc.strerror or exc}.") from exc
        if problem is not None:
            hint = f"{problem.hint[:1].upper()}{problem.hint[1:]}."
            raise Refusal("invalid_request", f"{problem.file}: {problem.message}.", hint)

    async def _check_texts(self, asked: Asked) -> Response:
        given = await asked.body(Overlay, '{"files": {"endpoints.yaml": "…"}}', _BODY)
        await self._caller(asked.request, *given.files)
        if len(given.files) > MOST_CHECKED:
            raise Refusal(
                "invalid_request", f"A check takes at most {MOST_CHECKED} files.", "Send those that are open."
            )
        return reply({"problems": await self._checked(given.files)})

    async def _checked(self, texts: Mapping[str, str]) -> list[dict[str, Any]]:
        """The problems of the project with these texts. Raises Refusal."""
        return [asdict(problem) for problem in await self._in_turn(self._problems, texts)]

    async def _in_turn(self, call: Callable[[U], T], given: U) -> T:
        """What `call` gives in a thread; one goes on at a time. Raises Refusal."""
        async with self._places.taken():
            return await asyncio.to_thread(call, given)

    async def _imported(self, path: str) -> list[dict[str, Any]]:
        """What `jackfield check` says, which imports the modules in a program of its own. Raises Refusal."""
        words = ["-C", str(self._files.folder), "check", "--format", "json"]
        done = await self._children.run(words, b"", IMPORT_WITHIN)
        found = done.json()
        if not isinstance(found, list):
            return [asdict(Problem("broken_module", f"its import did not end well: {done.why}", file=path, line=1))]
        return found

    def _problems(self, texts: Mapping[str, str]) -> tuple[Problem, ...]:
        laid = {}
        for name, text in texts.items():
            parts = tuple(self._files.check(name).split("/"))
            laid[parts] = text.encode("utf-8", "replace")
        if any(one != other and one[: len(other)] == other for one in laid for other in laid):
            raise Refusal("invalid_request", "A file cannot stand below another.", "Leave one of them out.")
        try:
            return problems_with(self._files.folder, laid)
        except OSError as exc:
            raise Refusal("file_unusable", f"The files cannot be checked: {exc.strerror or exc}.") from exc

    async def _publish(self, asked: Asked) -> Response:
        given = await asked.body(Publish, '{"dry_run": true, "back": false}')
        by = await self._rights.editor(asked.request)
        body: dict[str, Any] = {"problems": [], "changes": [], "concerns": None}
        try:
            told = await self._publishing.publish(dry_run=given.dry_run, back=given.back, by=by.login)
        except PlanError as exc:
            body["problems"] = [asdict(problem) for problem in exc.problems]
        else:
            report = told.as_json()
            body |= {"changes": told.lines, "concerns": {name: report[name] for name in _CONCERNS}}
        return reply(body | await self._standing())

    async def _changed(self, asked: Asked) -> Response:
        query(asked)
        await self._rights.editor(asked.request)
        return reply(await self._standing())

    async def _standing(self) -> dict[str, Any]:
        """What is live, and which files are not as they are there."""
        changed = (await self._publishing.changed())[:MOST_CHANGED]
        live = self._live
        return {
            "generation": live.generation.number,
            "published_at": moment(live.published_at),
            "files": changed,
        }

    async def _published(self, asked: Asked) -> Response:
        query(asked)
        return reply({"published": await self._publishing.published()})

    async def _schemas(self, asked: Asked) -> Response:
        query(asked)
        await self._rights.author(asked.request)
        return reply(await asyncio.to_thread(schemas, self._files.folder))


def _precondition(request: Request) -> str:
    """The etag of the text that was edited, ANEW for a file that must not be there. Raises Refusal."""
    match, none = request.values(b"if-match"), request.values(b"if-none-match")
    if len(match) == 1 and not none and (etag := match[0].strip().strip('"')) not in ("", "*"):
        return etag
    if none == ["*"] and not match:
        return ANEW
    fix = 'Send If-Match: "…" with the etag that you have read, or If-None-Match: * for a new file.'
    raise Refusal("invalid_request", "The request does not say which text was edited.", fix)


def _there(found: T | None) -> T:
    """What a node has that is started with --edit. Raises Refusal where it has it not, inside a test for example."""
    if found is None:
        raise Refusal("not_found", "Files are not changed here.", "Start with --edit.")
    return found
