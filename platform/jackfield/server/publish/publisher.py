"""Publishing: build the new generation whole, swap it in, keep what was live for the way back.

    files -> (thread) routing.build -> resources opened -> copy kept -> rejudge every connection and swap

Everything that may fail comes before the swap; the swap itself waits for nothing. Each publish that
succeeds is copied to `published/` of the state folder; `history.json` there names the copies in the order
in which they went live, the live one last; `notes.json` says of each who made it live and what it changed. `back`
drops the last and builds the one before from its copy.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from jackfield import files, messages
from jackfield.auth import authorities
from jackfield.config.site_name import site_name
from jackfield.errors import PlanError, Problem
from jackfield.logs import log
from jackfield.messages import moment
from jackfield.routing import site_folder
from jackfield.routing.table import RoutingTable
from jackfield.server import cookie
from jackfield.server.gateway import Gateway
from jackfield.server.generation import Generation
from jackfield.server.handshake import revocation
from jackfield.server.options import Options
from jackfield.server.publish.building import built
from jackfield.server.publish.report import Report, report
from jackfield.server.publish.retiring import Retiring
from jackfield.state import read_own, write_private

__all__ = ["Archive", "Publisher", "build_in_thread", "digest"]

K = TypeVar("K")

KEPT = 20
"""Publishes that are kept for the way back."""

_MOST_LINES = 200  # of a report that are kept
_COPY = re.compile(r"\d{6,12}-[0-9A-Za-z]+")
_FOLDERS = ("endpoints", "examples", "processes")


class Archive:
    """The copies of what was published, in `folder`. All calls touch the disk and belong in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._history = folder / "history.json"
        self._notes = folder / "notes.json"

    def names(self) -> list[str]:
        """The copies in the order in which they went live, the live one last."""
        try:
            found = messages.parse(read_own(self._history))
            if not isinstance(found, list):
                raise ValueError("is no list")
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as exc:
            # the copies themselves say as much; without them the next publish would take all of them away
            log.warning("history_unreadable", reason=f"{self._history} {_said(exc)}")
            found = sorted(path.name for path in self._folder.iterdir()) if self._folder.is_dir() else []
        return [name for name in found if _is_copy(name) and (self._folder / name).is_dir()]

    def path(self, name: str) -> Path:
        """The project folder of one copy."""
        return self._folder / name

    def keep(self, project: Path, digest_: str) -> str:
        """Copy the project's sources and make the copy the last; gives its name. Raises OSError."""
        names = self.names()
        if names and names[-1].endswith(digest_):
            return names[-1]
        self._make()
        there = {path.name for path in self._folder.iterdir() if _is_copy(path.name)}  # also what was gone back from
        number = max((_number(name) for name in {*names, *there}), default=0) + 1
        name = f"{number:06d}-{digest_}"
        half_made = self._folder / f".{name}"
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir()
        for file, path in _files(project):
            copy = half_made / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
        half_made.rename(self._folder / name)
        self._write([*names, name])
        return name

    def note(self, at: float, by: str, lines: Sequence[str]) -> None:
        """Remember of the last copy who made it live, when, and what it changed; once. What fails is logged."""
        names = self.names()
        notes = self._noted()
        if not names or names[-1] in notes:
            return
        notes[names[-1]] = {"at": at, "by": by, "changes": list(lines[:_MOST_LINES])}
        self._write_notes(names, notes)

    def note_back(self, number: int, at: float, by: str) -> None:
        """Remember of the last copy who went back to it, from which number, and when. What fails is logged."""
        names, notes = self.names(), self._noted()
        if names:
            notes[names[-1]] = {**notes.get(names[-1], {}), "back": {"number": number, "at": at, "by": by}}
            self._write_notes(names, notes)

    def _write_notes(self, names: Sequence[str], notes: Mapping[str, Any]) -> None:
        try:
            write_private(self._notes, json.dumps({name: notes[name] for name in names if name in notes}))
        except OSError as exc:
            log.warning("publish_not_kept", reason=str(exc))

    def told(self) -> list[dict[str, Any]]:
        """The copies for people, the newest first; of one without a note nothing but its age is known."""
        notes, found = self._noted(), []
        for name in (names := self.names()):
            note = notes.get(name, {})
            at = note.get("at") or (self._folder / name).stat().st_mtime
            back = note.get("back")
            found.append(
                {
                    "number": _number(name),
                    "at": moment(at),
                    "by": note.get("by", ""),
                    "changes": note.get("changes", []),
                    "back": back and {**back, "at": moment(back["at"])},
                    "live": name == names[-1],
                }
            )
        return found[::-1]

    def _noted(self) -> dict[str, dict[str, Any]]:
        with suppress(OSError, ValueError):
            found = messages.parse(read_own(self._notes))
            if isinstance(found, dict) and all(isinstance(note, dict) for note in found.values()):
                return found
        return {}

    def go_back(self, *, spare: bool = False) -> None:
        """Forget the last copy: the one before it is live. With `spare` it stays on the disk until the next call."""
        names = self.names()
        self._write(names[:-1], spared=names[-1:] if spare else ())

    def _make(self) -> None:
        """The folder, for its owner alone: a source may hold a secret, and stood where others cannot go."""
        if self._folder.is_symlink():
            raise OSError(errno.ELOOP, "it is a symbolic link, which is not followed here", str(self._folder))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._folder.stat().st_mode & 0o077:
            with suppress(PermissionError):  # another's, which is for that one to close
                self._folder.chmod(0o700)

    def _write(self, names: Sequence[str], spared: Sequence[str] = ()) -> None:
        kept = list(names)[-KEPT:]
        self._make()
        write_private(self._history, json.dumps(kept))
        for old in self._folder.iterdir():
            # only what is named as we name it: another folder that is put here stays
            if _is_copy(old.name.removeprefix(".")) and old.is_dir() and old.name not in (*kept, *spared):
                shutil.rmtree(old, ignore_errors=True)


def _number(copy: str) -> int:
    return int(copy.partition("-")[0])


def _is_copy(name: object) -> bool:
    """Whether this is the name of a copy: no path that leads elsewhere, and nothing that is not ours."""
    return isinstance(name, str) and _COPY.fullmatch(name) is not None


def _said(exc: Exception) -> str:
    return f"cannot be read: {exc.strerror or exc}" if isinstance(exc, OSError) else str(exc)


_SETTLED = 2_000_000_000  # nanoseconds after which a file that is written again has another time


@lru_cache(maxsize=4096)
def _content(path: Path, _written: int, _size: int, _inode: int) -> str:
    return files.digest(path)


def digest(project: Path) -> str:
    """A hash of all that a publish reads or copies; differs as soon as a byte does. 12 hexadecimal digits."""
    seen = hashlib.sha256()
    for file, content in _contents(project).items():
        seen.update(f"{file}\n{content}\n".encode("utf-8", "surrogateescape"))
    return seen.hexdigest()[:12]


def _contents(project: Path) -> dict[str, str]:
    """The hash of each file that makes a generation, in their order."""
    found = ((file, _digest_of(path)) for file, path in _files(project))
    return {file: content for file, content in found if content}


def _differing(old: Mapping[K, str], new: Mapping[K, str]) -> list[K]:
    """What two folders do not have alike."""
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


def _digest_of(path: Path) -> str:
    """The hash of one file, "" where an editor is just replacing it, or it cannot be read: the loader reports that."""
    try:
        found = path.stat()
        settled = time.time_ns() - found.st_mtime_ns > _SETTLED
        look = _content if settled else _content.__wrapped__
        return look(path, found.st_mtime_ns, found.st_size, found.st_ino)
    except OSError:
        return ""


def _changed_pages(before: Path | None, after: Path | None) -> int:
    """How many files two folders of pages do not have alike; a large site is one folder before and after."""
    if before == after:
        return 0
    return len(_differing(_pages_in(before), _pages_in(after)))


def _pages_in(site: Path | None) -> dict[Path, str]:
    found: dict[Path, str] = {}
    with suppress(OSError):  # the loader reports it
        if site is not None:
            found |= {path.relative_to(site): _digest_of(path) for path, stays in files.inside(site) if stays}
    return found


def _files(project: Path) -> Iterator[tuple[str, Path]]:
    """The files that make a generation, sorted: relative name and where it is.

    What cannot be read is passed over: the loader reports it.
    """
    if (project / "endpoints.yaml").is_file():
        yield "endpoints.yaml", project / "endpoints.yaml"
    for root in _FOLDERS:
        with suppress(OSError):
            for folder, _, names in files.below(project / root):
                for name in names:
                    path = folder / name
                    if not name.endswith(".pyc") and path.is_file():
                        yield path.relative_to(project).as_posix(), path
    if named := site_name(project):
        with suppress(OSError):
            for path in site_folder.copied(project / named):
                yield path.relative_to(project).as_posix(), path


async def build_in_thread(
    folder: Path, number: int, options: Options | None = None, home: Path | None = None
) -> RoutingTable:
    """`routing.build` beside the loop, in bounded time; for a listener with `options`. Raises PlanError.

    `home` is the author's project, where `folder` is a copy of it.
    """
    table = await built(folder, number, home=home)
    if options is not None:
        _check_listener(table, options)
    return table


def _check_listener(table: RoutingTable, options: Options) -> None:
    """Raise PlanError where the listener cannot carry what the plan asks for; add a warning where it may."""
    problem = cookie.problem(table.plan, options)
    if problem is None:
        return
    if problem.severity == "error":
        table.catalog.release()
        raise PlanError([problem])
    table.warnings = (*table.warnings, problem)


class Publisher:
    """Publishes into one gateway, one at a time.

    `tried` is the digest of the project's files when they were last loaded, whatever came of it. `on_live`
    is called with each table that went live, after the swap and must not fail.
    """

    def __init__(
        self,
        gateway: Gateway,
        folder: Path,
        archive: Archive,
        *,
        tried: str = "",
        on_live: Callable[[RoutingTable], None] = lambda _table: None,
    ) -> None:
        self.tried = tried
        self._gateway = gateway
        self._live = gateway.live
        self._folder = folder
        self._archive = archive
        self._on_live = on_live
        self._one_at_a_time = asyncio.Lock()
        self._retiring = Retiring(gateway)

    async def publish(self, *, dry_run: bool = False, back: bool = False, by: str = "") -> Report:
        """Make the files live, or with `back` what was live before. Raises PlanError; the old stays then.

        `by` is the login of who asks over HTTP.
        """
        outcome = "refused"
        try:
            done = await self._publish(dry_run=dry_run, back=back, by=by)
            outcome = "back" if back else "published"
        finally:
            if not dry_run:
                self._live.metrics.publishes[outcome] += 1
        return done

    async def published(self) -> list[dict[str, Any]]:
        """What is kept for the way back, the newest first; that is live."""
        return await asyncio.to_thread(self._archive.told)

    async def changed(self) -> list[str]:
        """The files that are not as they were when what is live was read, sorted; also those that are gone since."""
        return await asyncio.to_thread(self._changed)

    def _changed(self) -> list[str]:
        names = self._archive.names()
        live = _contents(self._archive.path(names[-1])) if names else {}
        return sorted(_differing(live, _contents(self._folder)))

    async def _publish(self, *, dry_run: bool, back: bool, by: str) -> Report:
        async with self._one_at_a_time:
            source, gone = await self._before() if back else (self._folder, 0)
            number = self._live.generation.number + 1
            sources, table = await self._build(source, number)
            self._check_restart(table)
            if dry_run:
                table.catalog.release()
                pages = await self._pages(site_folder.served(table.plan, source, self._folder))
                return report(self._gateway, table, revocation.verdicts(self._live, table), pages, dry_run=True)
            generation = await self._open(number, table)
            try:
                kept = await asyncio.to_thread(self._keep, source, sources, back=back)
                generation.site = site_folder.served(table.plan, kept, self._folder)
                pages = await self._pages(generation.site)
            except BaseException:
                await generation.retire(0.0)
                raise
            done = self._swap(generation, pages)
            closed = sum(item.connections for item in done.closes)
            log.info("published", hash=done.hash, generation=number, back=back, open=done.open, closed=closed, by=by)
            self._on_live(table)
            if back:
                await asyncio.to_thread(self._archive.note_back, gone, self._live.published_at, by)
            else:
                await asyncio.to_thread(self._archive.note, self._live.published_at, by, done.lines)
            return done

    async def close(self) -> None:
        """Close the resources of what is live, and of generations that still wait for a last call."""
        # side by side with what is live: all of them together have the time of one
        await asyncio.gather(self._retiring.close(), self._live.generation.retire(0.0), return_exceptions=True)

    async def _build(self, source: Path, number: int) -> tuple[str, RoutingTable]:
        """A table and the digest of exactly the files that it was built from."""
        for _ in range(5):
            before = await asyncio.to_thread(digest, source)
            if source == self._folder:
                self.tried = before
            table = await build_in_thread(source, number, self._live.options, self._folder)
            if await asyncio.to_thread(digest, source) == before:
                return before, table
            table.catalog.release()  # a file was saved meanwhile: what was read may be half of each
        message = "the files change faster than they can be loaded"
        raise PlanError([Problem("too_slow", message, "publish again when they are all saved", file="processes")])

    def _check_restart(self, table: RoutingTable) -> None:
        """Raise PlanError where the plan wants what the server was started without: users of its own, an admin port."""
        plan = table.plan
        if plan.auth.own and not self._live.has_sessions:
            message = "the server was started without users of its own"
            hint = "stop it and start it again to bring the login back"
            problem = plan.problem(("auth", "login"), "needs_restart", message, hint)
        elif plan.site and self._live.options.local:
            message = "the server was started without a site, and shows documents and administration where it would be"
            hint = "stop it and start it again; they have a port of their own then"
            problem = plan.problem(("site",), "needs_restart", message, hint)
        else:
            return
        table.catalog.release()
        raise PlanError([problem])

    async def _before(self) -> tuple[Path, int]:
        """The copy before the one that is live, and the number of that. Raises PlanError."""
        names = await asyncio.to_thread(self._archive.names)
        if len(names) < 2:
            message = "nothing was published before what is live, so there is no way back"
            raise PlanError([Problem("file_missing", message, file=".jackfield/published")])
        return self._archive.path(names[-2]), _number(names[-1])

    async def _open(self, number: int, table: RoutingTable) -> Generation:
        try:
            await asyncio.to_thread(authorities.load, table.plan.auth)
            return await Generation.open(number, table, self._gateway.backend)
        except BaseException:
            table.catalog.release()
            raise

    def _keep(self, source: Path, sources: str, *, back: bool) -> Path:
        """The copy of what goes live."""
        try:
            if back:
                self._archive.go_back(spare=True)  # its pages are still served
                return source
            return self._archive.path(self._archive.keep(self._folder, sources))
        except OSError as exc:
            message = f"what is published cannot be kept for the way back: {exc.strerror or exc}"
            raise PlanError([Problem("file_unreadable", message, file=".jackfield/published")]) from exc

    async def _pages(self, site: Path | None) -> int:
        """How many files of the site that is to be are others than those of the live one."""
        return await asyncio.to_thread(_changed_pages, self._live.generation.site, site)

    def _swap(self, generation: Generation, pages: int) -> Report:
        """The one step in which the new generation becomes live; nothing in it waits."""
        found = revocation.verdicts(self._live, generation.table)
        done = report(self._gateway, generation.table, found, pages, dry_run=False)
        before = self._gateway.install(generation)
        self._live.published_at = self._live.clock()
        revocation.adapt(self._live, found, before.table)
        self._retiring.add(before)
        return done
