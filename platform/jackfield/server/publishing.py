"""Publishing: build the new generation whole, swap it in, keep what was live for the way back.

    files -> (thread) routing.build -> resources opened -> rejudge every open connection -> one assignment

Each publish that succeeds is copied to `published/` of the state folder; `history.json` there names the
copies in the order in which they went live, the live one last. `back` drops the last and builds the one
before it from its copy.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jackfield.errors import Closing, PlanError, Problem
from jackfield.logs import log
from jackfield.routing import Match, RoutingTable, build
from jackfield.server.conversation import Conversation
from jackfield.server.gateway import Gateway
from jackfield.server.generation import Generation
from jackfield.server.handshake import params_of, rejudge

__all__ = ["Archive", "Closes", "Publisher", "Report", "build_in_thread", "digest"]

LOAD_LIMIT = 60.0
"""Seconds that loading the file and all processes may take."""

RETIRE_LIMIT = 600.0
"""Seconds that a generation waits for its last call before its resources are closed regardless."""

KEPT = 20
"""Publishes that are kept for the way back."""

_PARTS = ("endpoints.yaml", "endpoints", "processes")
_NO_COPIES = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


@dataclass(frozen=True, slots=True)
class Closes:
    """Open connections of one endpoint that a publish closes, and how."""

    endpoint: str
    code: int
    reason: str
    connections: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a publish did, or would do. `open` counts all connections before it."""

    hash: str
    generation: int
    dry_run: bool
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    closes: tuple[Closes, ...]
    open: int
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The report as the control connection carries it."""
        return asdict(self)


class Archive:
    """The copies of what was published, in `folder`. All calls touch the disk and belong in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """The copies in the order in which they went live, the live one last."""
        try:
            found = json.loads((self._folder / "history.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [name for name in found if isinstance(name, str) and (self._folder / name).is_dir()]

    def path(self, name: str) -> Path:
        """The project folder of one copy."""
        return self._folder / name

    def keep(self, project: Path, digest_: str) -> str:
        """Copy the project's sources and make the copy the last; gives its name."""
        names = self.names()
        if names and names[-1].endswith(digest_):
            return names[-1]
        number = max((int(name.partition("-")[0]) for name in names), default=0) + 1
        name = f"{number:06d}-{digest_}"
        half_made = self._folder / f".{name}"
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(parents=True)
        for part in _PARTS:
            source = project / part
            if source.is_dir():
                shutil.copytree(source, half_made / part, ignore=_NO_COPIES)
            elif source.is_file():
                shutil.copy2(source, half_made / part)
        half_made.rename(self._folder / name)
        self._write([*names, name])
        return name

    def go_back(self) -> None:
        """Forget the last copy: the one before it is live."""
        self._write(self.names()[:-1])

    def _write(self, names: Sequence[str]) -> None:
        kept = list(names)[-KEPT:]
        self._folder.mkdir(parents=True, exist_ok=True)
        half_made = self._folder / ".history.json"
        half_made.write_text(json.dumps(kept), encoding="utf-8")
        half_made.replace(self._folder / "history.json")
        for old in self._folder.iterdir():
            if old.is_dir() and old.name not in kept:
                shutil.rmtree(old, ignore_errors=True)


def digest(project: Path) -> str:
    """A hash of all that a publish reads; differs as soon as a byte does. 12 hexadecimal digits."""
    seen = hashlib.sha256()
    for part in _PARTS:
        root = project / part
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                seen.update(f"{path.relative_to(project).as_posix()}\n{content}\n".encode())
    return seen.hexdigest()[:12]


async def build_in_thread(folder: Path, number: int) -> RoutingTable:
    """`routing.build` beside the loop, within LOAD_LIMIT. Raises PlanError."""
    try:
        async with asyncio.timeout(LOAD_LIMIT):
            return await asyncio.to_thread(build, folder, number)
    except TimeoutError:
        message = f"loading took longer than {LOAD_LIMIT:g} s"
        hint = "a module under processes/ waits for something while it is imported; do that in a @resource"
        raise PlanError([Problem("too_slow", message, hint)]) from None


class Publisher:
    """Publishes into one gateway, one at a time."""

    def __init__(
        self,
        gateway: Gateway,
        folder: Path,
        archive: Archive,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.published_at = clock()
        self._gateway = gateway
        self._folder = folder
        self._archive = archive
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        self._number = gateway.generation.number

    async def publish(self, *, dry_run: bool = False, back: bool = False) -> Report:
        """Make the files live, or with `back` what was live before. Raises PlanError; the old stays then."""
        async with self._one_at_a_time:
            source = await self._before() if back else self._folder
            self._number += 1
            sources, table = await self._build(source)
            report = self._report(table, dry_run=dry_run)
            if dry_run:
                table.catalog.release()
                return report
            try:
                generation = await Generation.open(self._number, table)
            except PlanError:
                table.catalog.release()
                raise
            self._swap(generation)
            if back:
                await asyncio.to_thread(self._archive.go_back)
            else:
                await asyncio.to_thread(self._archive.keep, self._folder, sources)
            log.info("published", hash=report.hash, generation=report.generation, back=back)
            return report

    async def close(self) -> None:
        """Stop waiting for generations that retire."""
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)

    async def _build(self, source: Path) -> tuple[str, RoutingTable]:
        """A table and the digest of exactly the files that it was built from."""
        for _ in range(5):
            before = await asyncio.to_thread(digest, source)
            table = await build_in_thread(source, self._number)
            if await asyncio.to_thread(digest, source) == before:
                return before, table
            table.catalog.release()  # somebody saved a file meanwhile: what was read may be half of each
        raise PlanError([Problem("too_slow", "the files change faster than they can be loaded", "publish again")])

    async def _before(self) -> Path:
        names = await asyncio.to_thread(self._archive.names)
        if len(names) < 2:
            raise PlanError([Problem("file_missing", "nothing was published before what is live", file="published")])
        return self._archive.path(names[-2])

    def _swap(self, generation: Generation) -> None:
        """The one step in which the new generation becomes live; nothing in it waits."""
        before = self._gateway.install(generation)
        self.published_at = self._clock()
        for member, closing in self._judged(generation.table):
            if closing is not None:
                member.end(closing.code, closing.reason)
            else:
                route = generation.table.routes[member.endpoint]
                member.connection.params = params_of(Match(route, member.standing.texts))
        retiring = asyncio.create_task(before.retire(RETIRE_LIMIT))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    def _judged(self, table: RoutingTable) -> list[tuple[Conversation, Closing | None]]:
        members = [member for member in self._gateway.hub if isinstance(member, Conversation)]
        return [(member, rejudge(table, member.standing, member.identity)) for member in members]

    def _report(self, table: RoutingTable, *, dry_run: bool) -> Report:
        old, new = self._gateway.generation.table, table
        both = [name for name in new.routes if name in old.routes]
        leaving = Counter(
            (member.endpoint, closing.number, closing.reason)
            for member, closing in self._judged(table)
            if closing is not None
        )
        return Report(
            hash=table.hash,
            generation=self._number,
            dry_run=dry_run,
            added=tuple(name for name in new.routes if name not in old.routes),
            changed=tuple(name for name in both if _differs(old, new, name)),
            removed=tuple(name for name in old.routes if name not in new.routes),
            closes=tuple(Closes(*key, count) for key, count in leaving.items()),
            open=len(self._gateway.hub),
            warnings=tuple(str(problem) for problem in table.warnings),
        )


def _differs(old: RoutingTable, new: RoutingTable, name: str) -> bool:
    before, after = old.routes[name], new.routes[name]
    if before.endpoint != after.endpoint or before.signature.shape != after.signature.shape:
        return True
    return old.catalog.hash != new.catalog.hash
