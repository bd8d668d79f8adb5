"""`/api/data`: what tables keep, listed and downloaded, for callers with the role `admin`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from jackfield.errors import Refusal
from jackfield.logs import log
from jackfield.messages import moment
from jackfield.process.table.kept_files import KeptFile, Rows, listed, opened
from jackfield.server.asgi import Receive, Scope, Send
from jackfield.server.live import Live
from jackfield.server.refusal import SECURITY_HEADERS
from jackfield.server.web.json_api import Answer, Asked, reply
from jackfield.server.web.paging import page_of, query
from jackfield.server.web.rights import Rights

__all__ = ["DataFiles"]

_CHUNK = 65_536  # bytes that are read and sent at once


class DataFiles:
    """The addresses of one gateway by which the files of its folder `data` are seen."""

    def __init__(self, live: Live, rights: Rights) -> None:
        self._live = live
        self._rights = rights
        self._rows = Rows()

    def routes(self) -> Mapping[str, Mapping[str, Answer]]:
        """What answers where, for JsonApi."""
        return {"/data": {"GET": self._list}, "/data/{one}": {"GET": self._get}}

    async def _list(self, asked: Asked) -> Response:
        given, folder = query(asked, "limit", "after"), self._folder()
        found = await asyncio.to_thread(listed, folder)
        page, following = page_of(found, given, key=lambda one: one.name)
        files = await asyncio.to_thread(lambda: [self._as_json(folder, one) for one in page])
        return reply({"files": files, "next": following})

    async def _get(self, asked: Asked) -> Response:
        by = await self._rights.admin(asked.request)
        try:
            file = await asyncio.to_thread(opened, self._folder(), asked.name)
        except (OSError, ValueError):
            raise Refusal("not_found", "There is no such file of kept data.", "GET /api/data lists them.") from None
        size = os.fstat(file.fileno()).st_size
        log.info("data_downloaded", file=asked.name, bytes=size, by=by.login, client=asked.request.client)
        return _Download(file, size, asked.name.rpartition("/")[2])

    def _folder(self) -> Path:
        assert self._live.data is not None, "whoever opens the gateway says where it is"
        return self._live.data

    def _as_json(self, folder: Path, one: KeptFile) -> dict[str, Any]:
        rows = self._rows.of(folder, one.name)
        return {"name": one.name, "bytes": one.bytes, "rows": rows, "modified": moment(one.modified)}


class _Download(Response):
    """A file as it was when it was opened, read piece by piece; rows that are added meanwhile are left out."""

    media_type = "text/csv"

    def __init__(self, file: BufferedReader, size: int, name: str) -> None:
        self.status_code = 200
        self.background = None
        self._file, self._left = file, size
        attached = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        self.init_headers({**SECURITY_HEADERS, "Cache-Control": "no-store", "Content-Disposition": attached})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and close it. ASGI 3."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while chunk := await asyncio.to_thread(self._file.read, min(_CHUNK, self._left)):
                self._left -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._file.close()
