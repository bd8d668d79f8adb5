"""Jackfield inside another application: `app.mount("/rt", application("."))`, on any ASGI server.

What is lost against `jackfield serve`: the ping interval, the close of an oversized message before its body
is read and the cut-off of clients that do not read belong to the outer server, and so do its drain and its
event loop: a task of a process that calls sys.exit ends what it ends there.

Strategy. A mount passes no lifespan on, and at a signal uvicorn ends a program whose tasks wait without another step
of theirs. So what is opened is closed for sure only in a lifespan: ours where we are the outermost application,
else the host's, which enters us as a context manager.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from jackfield.errors import PlanError, Refusal
from jackfield.logs import log
from jackfield.process.groups import Groups
from jackfield.server.asgi import Receive, Scope, Send
from jackfield.server.gateway import Gateway
from jackfield.server.node.drain import stop_serving
from jackfield.server.node.node import log_problems, open_node
from jackfield.server.options import Options
from jackfield.state import State, StateError, read_secret

__all__ = ["Application", "application"]

_ONE_WORKER = (
    "stop it, and start the host with one worker: several are not supported yet; "
    "tests of the host need a state folder of their own: JACKFIELD_STATE"
)
_HELD = set[Path]()  # the state folders of this process
_ENTER = "enter it in the lifespan of the host: `async with rt:`, see `jackfield docs embedding`"


def application(
    folder: str | os.PathLike[str] = ".", *, public_url: str = "", state: str | os.PathLike[str] | None = None
) -> Application:
    """An ASGI application that serves the project in `folder`; mount it, and enter it in the lifespan of the host.

    JACKFIELD_STATE, JACKFIELD_STORE and JACKFIELD_SECRET_KEYS hold as for `jackfield serve`, the last two with
    `_FILE` too, and `jackfield publish` reaches it. `state` goes before JACKFIELD_STATE: each project of a host has a
    folder of its own. One process at a time: several workers are not supported yet. Raises ValueError for a
    `public_url` that is no address.
    """
    options = Options(embedded=True, public_url=public_url)
    for problem in options.problems():
        raise ValueError(problem)
    return Application(Path(folder).resolve(), options, Path(state) if state else None)


class Application:
    """Open inside `async with`, or from its own lifespan event where it is the outermost application.

    To enter it raises PlanError with all problems where the project can serve nothing, StateError where another
    process serves it, Refusal where the store does not answer, and RuntimeError where it is entered already; what was
    last published serves instead of files with problems, which is logged. At the end connections are closed 1012, at
    most 25 s wait for answers, and resources are closed. Where it is not entered, the first request opens it, and
    nobody may close it, which is logged too.
    """

    def __init__(self, project: Path, options: Options, state: Path | None = None) -> None:
        self._project = project
        self._state = state
        self._options = options
        self._keeper: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[Gateway] | None = None
        self._stop = asyncio.Event()
        self._groups: Groups | None = None
        self._entered = False

    @property
    def groups(self) -> Groups:
        """What the host says to groups and users, on its event loop. Raises RuntimeError while nothing is open."""
        if self._groups is None:
            raise RuntimeError(f"the project in {self._project} is not open; {_ENTER}")
        return self._groups

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError(f"the project in {self._project} is open already; enter it once, around all that use it")
        self._entered = True
        try:
            await self._gateway()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_fault: object) -> None:
        self._entered = False
        await self.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if not self._is_opened:
            log.warning("opened_without_lifespan", reason=f"resources are not closed at a stop; {_ENTER}")
        gateway = await self._gateway()
        await gateway(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()  # lifespan.startup
        try:
            await self._gateway()
        except Exception as exc:
            await send({"type": "lifespan.startup.failed", "message": str(exc)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def close(self) -> None:
        """Close what was opened; a later request opens it again."""
        if self._keeper is None or self._opened is None:
            return
        keeper, self._keeper = self._keeper, None
        if self._opened.done():
            self._stop.set()
        else:
            keeper.cancel()
        await asyncio.wait([keeper])
        if not keeper.cancelled() and (fault := keeper.exception()) is not None:
            raise fault

    @property
    def _is_opened(self) -> bool:
        return self._keeper is not None and not self._keeper.done()

    async def _gateway(self) -> Gateway:
        if self._opened is None or not self._is_opened:
            self._stop = asyncio.Event()
            self._opened = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep(self._opened))
        return await asyncio.shield(self._opened)

    async def _keep(self, opened: asyncio.Future[Gateway]) -> None:
        """Hold the node open in one task: what opens in a task closes in it."""
        try:
            state = _state(self._project, self._state)
            for warning in state.warnings():
                log.warning("state_not_private", reason=warning)
            with _held(state):
                async with open_node(self._project, state, self._options) as node:
                    node.tell_older_plan()
                    self._groups = Groups(node.gateway.backend)
                    opened.set_result(node.gateway)
                    await self._stop.wait()
                    await stop_serving(node.gateway.live, self._options.drain)
                    self._groups = None
        except Exception as exc:
            if opened.done():
                raise
            if isinstance(exc, PlanError):
                log_problems(exc)
            log.error("application_not_opened", reason=str(exc).partition("\n")[0])
            if isinstance(exc, PlanError | Refusal | StateError):
                exc.with_traceback(None)  # the way to it is of no use to the host, and its frames keep broken modules
            opened.set_exception(exc)
        finally:
            self._groups = None
            opened.cancel()  # where it was broken off; nobody waits for it for ever


@contextmanager
def _held(state: State) -> Iterator[None]:
    """Hold the state folder. Raises StateError, which knows another project of this process from another process."""
    folder = state.folder.resolve()
    if folder in _HELD:
        raise StateError(
            f"{folder} is in use by this process itself, for another application(); give each project "
            'its own, application("desk", state="/var/lib/shop/desk"), or enter one object only'
        )
    with state.locked(_ONE_WORKER):
        _HELD.add(folder)
        try:
            yield
        finally:
            _HELD.discard(folder)


def _state(project: Path, given: Path | None) -> State:
    folder = given or os.environ.get("JACKFIELD_STATE")
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
