"""Jackfield inside another application: `app.mount("/rt", application("."))`, on any ASGI server.

What is lost against `jackfield serve`: the ping interval, the close of an oversized message before its body
is read and the cut-off of clients that do not read belong to the outer server, and so do its drain and its
event loop: a task of a process that calls sys.exit ends what it ends there.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from jackfield.errors import PlanError, Refusal
from jackfield.logs import log
from jackfield.server.asgi import Receive, Scope, Send
from jackfield.server.gateway import Gateway
from jackfield.server.node.node import open_node
from jackfield.server.options import Options
from jackfield.state import State, StateError, read_secret

__all__ = ["Application", "application"]


def application(folder: str | os.PathLike[str] = ".", *, public_url: str = "") -> Application:
    """An ASGI application that serves the project in `folder`.

    It opens with the lifespan event, or with the first request where a mount does not pass that on.
    JACKFIELD_STATE, JACKFIELD_STORE and JACKFIELD_SECRET_KEYS hold as for `jackfield serve`, the last two with
    `_FILE` too, and `jackfield publish` reaches it. One process at a time: several workers are not supported yet.
    """
    return Application(Path(folder).resolve(), Options(embedded=True, public_url=public_url))


class Application:
    """Opens a gateway when it is needed and closes it with the loop or the lifespan."""

    def __init__(self, project: Path, options: Options) -> None:
        self._project = project
        self._options = options
        self._keeper: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[Gateway] | None = None
        self._stop = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        gateway = await self._gateway()
        await gateway(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()  # lifespan.startup
        try:
            await self._gateway()
        except (PlanError, Refusal, StateError) as exc:
            await send({"type": "lifespan.startup.failed", "message": str(exc)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def close(self) -> None:
        """Close what was opened; a later request opens it again."""
        if self._keeper is not None:
            self._stop.set()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = self._opened = None

    async def _gateway(self) -> Gateway:
        if self._opened is None or (self._opened.done() and self._opened.exception() is not None):
            self._stop = asyncio.Event()
            self._opened = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep(self._opened))
        return await asyncio.shield(self._opened)

    async def _keep(self, opened: asyncio.Future[Gateway]) -> None:
        """Hold the node open in one task: what opens in a task closes in it."""
        try:
            state = _state(self._project)
            for warning in state.warnings():
                log.warning("state_not_private", reason=warning)
            with state.locked():
                async with open_node(self._project, state, self._options) as node:
                    opened.set_result(node.gateway)
                    await self._stop.wait()
        except (PlanError, Refusal, StateError) as exc:
            if opened.done():
                raise
            log.error("application_not_opened", reason=str(exc))
            opened.set_exception(exc)


def _state(project: Path) -> State:
    folder = os.environ.get("JACKFIELD_STATE")
    keys_file = os.environ.get("JACKFIELD_SECRET_KEYS_FILE")
    return State.open(
        project,
        state=Path(folder) if folder else None,
        secret_keys=_secret("JACKFIELD_SECRET_KEYS"),
        secret_keys_file=Path(keys_file) if keys_file else None,
        store=_secret("JACKFIELD_STORE"),
    )


def _secret(name: str) -> str | None:
    """A secret of the environment, or of the file that NAME_FILE names there. Raises StateError."""
    value, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if not path:
        return value
    if value is not None:
        raise StateError(f"{name} and {name}_FILE are both set; keep one of them")
    return read_secret(Path(path), f"{name}_FILE")
