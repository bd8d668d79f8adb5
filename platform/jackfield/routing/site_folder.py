"""The folder of `site`: which it is, what of it a publish copies, and what in it is never served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from jackfield import files
from jackfield.config import url
from jackfield.config.plan import Plan
from jackfield.errors import Problem
from jackfield.routing.table import RoutingTable

__all__ = ["MOST_COPIED", "copied", "problems", "served"]

MOST_COPIED = 20 * 1_048_576
"""Bytes of a site that publishes copy; 20 publishes are kept."""

_SHOWN = 20  # files of one site that are named


def served(plan: Plan, folder: Path, home: Path) -> Path | None:
    """Where the pages are: in `folder`, or in the author's project where that is a copy without them.

    None for a plan without a site.
    """
    inside = (folder / plan.site).is_dir()
    return (folder if inside else home) / plan.site if plan.site else None


def copied(folder: Path) -> list[Path]:
    """The files of a site that a publish copies, sorted within each folder: all of them, or none of a large one.

    Raises OSError.
    """
    found = [path for path, stays in files.inside(folder) if stays]
    return found if _size(found) <= MOST_COPIED else []


def problems(table: RoutingTable, folder: Path, home: Path) -> Iterator[Problem]:
    """What is wrong with the project's site, if it has one."""
    plan = table.plan
    root = served(plan, folder, home)
    if root is None:
        return
    if not root.is_dir():
        found = "this is a file, not a folder" if root.exists() else f'there is no folder "{plan.site}"'
        hint = "make it beside endpoints.yaml, with an index.html in it, or take this line away"
        yield plan.problem(("site",), "bad_site", found, hint)
        return
    try:
        found_files = list(files.inside(root))
    except OSError as exc:
        yield plan.problem(("site",), "bad_site", f"the folder cannot be read: {exc.strerror or exc}")
        return
    if not (root / "index.html").is_file():
        yield _warning(plan, "there is no index.html in it, so that / answers 404")
    size = _size([path for path, stays in found_files if stays])
    if size > MOST_COPIED:
        yield _warning(
            plan,
            f"it has {size / 1_048_576:.1f} MiB, and a publish copies none of what has over {MOST_COPIED >> 20} MiB",
            "its files are served as they are in the folder, whether or not a publish is refused or taken back",
        )
    yield from islice(_never_served(table, root, found_files), _SHOWN)


def _never_served(table: RoutingTable, root: Path, found: list[tuple[Path, bool]]) -> Iterator[Problem]:
    plan = table.plan
    for path, stays in found:
        segments = path.relative_to(root).parts
        name = f"{plan.site}/{'/'.join(segments)}"
        if not stays:
            yield _warning(plan, f"{name} is a link to a folder or out of this one, and is not served")
            continue
        address = quote(f"/{'/'.join(segments)}", safe="/", errors="surrogateescape").encode()
        match = table.match(address)
        if taken := url.reserved(segments, plan.auth.path):
            yield _warning(plan, f"{name} is never served: {taken} belongs to Jackfield itself")
        elif match is not None:
            yield _warning(plan, f"{name} is never served: the endpoint {match.route.name} has its address")
        elif url.split(address) is None:
            yield _warning(plan, f"{name} is never served: its name can be no address")


def _size(found: list[Path]) -> int:
    size = 0
    for path in found:
        with suppress(FileNotFoundError):  # an editor is just replacing it
            size += path.stat().st_size
    return size


def _warning(plan: Plan, message: str, hint: str = "") -> Problem:
    return plan.problem(("site",), "bad_site", message, hint, severity="warning")
