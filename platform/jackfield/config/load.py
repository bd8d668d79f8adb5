"""A project's folder -> Loaded: its plan, and all that is wrong with its files."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from jackfield.config import editor_schema, parse, source, validate
from jackfield.config.plan import Place, Plan
from jackfield.config.problems import MOST, PathTuple, Problems
from jackfield.config.source import Source
from jackfield.errors import Problem

__all__ = ["MAIN", "Loaded", "load"]

MAIN = "endpoints.yaml"
"""The file that every project has."""

_FOLDER = "endpoints"
_EXAMPLES = "examples"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plan that holds what is sound, and the problems of the rest, by file and line."""

    plan: Plan
    problems: tuple[Problem, ...]

    @property
    def fine(self) -> bool:
        """Whether the plan may go live: no problem is more than a warning."""
        return not any(problem.severity == "error" for problem in self.problems)


def load(folder: Path) -> Loaded:
    """Read endpoints.yaml, endpoints/*.yaml and examples/*.yaml in `folder`. Never raises for what stands in them."""
    sources = [_main(folder), *_further(folder, _FOLDER)]
    problems = Problems({})
    for number, file in enumerate(sources):
        _check(file, problems, editor_schema.further() if number else editor_schema.plain())
    data, places = _joined(sources, problems)
    sources += _add_examples(folder, data, places, problems, whole=not any(file.broken for file in sources))
    problems.places = places
    plan = parse.plan({} if problems.full else data, problems)
    _find_keys(folder, plan, problems)
    plan = replace(plan, hash=_hash(data), places=_inherited(data, places))
    found = (*(problem for file in sources for problem in _syntax_problems(file)), *problems.found)
    return Loaded(plan, tuple(sorted(found, key=_order)))


def _syntax_problems(file: Source) -> tuple[Problem, ...]:
    """The problems of the text itself. One that ends the reading says that it may hide others."""
    last = file.problems[-1] if file.problems else None
    if not file.broken or last is None or last.severity == "warning" or last.code == "file_missing":
        return file.problems
    hint = f"{last.hint}; {_HIDDEN}" if last.hint else _HIDDEN
    return (*file.problems[:-1], replace(last, hint=hint))


_HIDDEN = "what else is wrong with this file and what belongs to it is told once this is mended"


def _find_keys(folder: Path, plan: Plan, problems: Problems) -> None:
    """Warn of a file of keys that is not there: it may come later, and what was published has none beside it."""
    path = ("auth", "jwt", "jwks")
    keys = plan.auth.jwt.jwks if plan.auth.jwt else ""
    if not keys or "://" in keys or not problems.sound(*path):
        return
    if not os.path.isfile(folder / keys):  # noqa: PTH113 - Path.is_file raises for a name that is too long
        message = f"there is no file {keys}, and no token is taken before it is there"
        hint = "the address of the keys begins with https://; a file is looked for beside endpoints.yaml"
        problems.add(path, "file_missing", message, hint, severity="warning")


def _main(folder: Path) -> Source:
    file = source.read(folder / MAIN, MAIN)
    if file.problems and file.problems[0].code == "file_missing":
        where = f"it is looked for in {folder.absolute()}"
        hint = f"{where}; begin one with `jackfield new`, or give application() or Client() the folder that has it"
        if (folder / "endpoints.yml").is_file():
            hint = "rename endpoints.yml to endpoints.yaml"
        return replace(file, problems=(replace(file.problems[0], hint=hint),))
    return file


def _further(folder: Path, below: str) -> list[Source]:
    try:
        paths = sorted((folder / below).glob("*.y*ml"))
    except OSError as error:
        message = f"the folder cannot be read: {error.strerror}"
        problem = Problem("file_unreadable", message, file=f"{below}/")
        return [Source(f"{below}/", problems=(problem,), broken=True)]
    # Editors leave files that begin with a dot beside the one that is being written.
    return [_one_further(path, below) for path in paths if not path.name.startswith(".")]


def _one_further(path: Path, below: str) -> Source:
    name = f"{below}/{path.name}"
    if path.suffix == ".yaml":
        return source.read(path, name)
    message = "this file is not read, because its name does not end in .yaml"
    problem = Problem("file_unreadable", message, "rename it", file=name, severity="warning")
    return Source(name, problems=(problem,), broken=True)


def _check(file: Source, problems: Problems, expected: Mapping[str, Any]) -> None:
    problems.mark(file.faulty, unread=True)
    problems.places = file.places
    if file.broken or (file.data is None and not file.faulty):
        return  # broken, which is reported, or empty, which _joined reports
    validate.check(file.data, expected, problems, file.faulty)


def _joined(sources: Iterable[Source], problems: Problems) -> tuple[dict[str, Any], dict[PathTuple, Place]]:
    """One document of all files: the first has everything, the others bring endpoints."""
    main, *others = sources
    data: dict[str, Any] = dict(main.data) if isinstance(main.data, Mapping) else {}
    places = dict(main.places)
    endpoints = dict(_under(main, "endpoints"))
    for file in others:
        for name, entry in _under(file, "endpoints").items():
            at: PathTuple = ("endpoints", name)
            if name in endpoints:
                first, problems.places = places[at], file.places
                hint = f"the first one is at {first.file}:{first.line}:{first.column}"
                problems.add(at, "duplicate_key", f'the endpoint "{name}" stands twice', hint)
                continue
            endpoints[name] = entry
            places.update({path: place for path, place in file.places.items() if path[:2] == at})
    reported = problems.found or any(file.problems for file in (main, *others))
    if "endpoints" not in data and not endpoints and not reported:
        problems.places = places
        hint = "add `endpoints:` with one endpoint: its name, and under it `url` and `process`; or nothing, to begin"
        problems.add((), "missing_key", 'missing key "endpoints"', hint)
    return {**data, "endpoints": endpoints}, places


def _under(file: Source, key: str) -> Mapping[str, Any]:
    """What a file holds by name under `key`; empty where it is another type of value."""
    found = file.data.get(key) if isinstance(file.data, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _add_examples(
    folder: Path, data: dict[str, Any], places: dict[PathTuple, Place], problems: Problems, *, whole: bool
) -> list[Source]:
    """Put what the files under examples/ hold behind the examples of their endpoints; gives the files.

    `whole` says that `data` holds all endpoints, so that others do not exist.
    """
    files = _further(folder, _EXAMPLES)
    endpoints = data["endpoints"]
    for file in files:
        own = Problems(file.places)  # what is wrong in one file says nothing about the same place in another
        _check(file, own, editor_schema.plain_examples())
        for name in _under(file, "examples"):
            if isinstance(endpoints.get(name), Mapping):
                endpoints[name], unsound = _with_examples(endpoints[name], file, own, name, places)
                problems.mark(unsound)
            elif whole and name not in endpoints:
                message = f'there is no endpoint "{name}"'
                own.add(("examples", name), "unknown_key", message, validate.similar(name, endpoints))
        problems.found.update(islice(own.found.items(), max(0, MOST - len(problems.found))))
    return files


def _with_examples(
    entry: Mapping[str, Any], file: Source, own: Problems, name: str, places: dict[PathTuple, Place]
) -> tuple[Mapping[str, Any], list[PathTuple]]:
    """An endpoint with the examples that a file has of it, each with its place there; and what of them is unsound.

    Those are there too: their sound parts are looked at, and the others keep their numbers.
    """
    before = entry.get("examples", [])
    further = file.data["examples"][name]
    if not isinstance(before, list) or not isinstance(further, list):
        return entry, []  # reported already
    unsound: list[PathTuple] = []
    for at, place in file.places.items():
        if at[:2] == ("examples", name) and len(at) > 2:
            path: PathTuple = ("endpoints", name, "examples", len(before) + int(at[2]), *at[3:])
            places[path] = place
            if not own.sound(*at):
                unsound.append(path)
    return {**entry, "examples": [*before, *further]}, unsound


def _inherited(data: Mapping[str, Any], places: Mapping[PathTuple, Place]) -> Mapping[PathTuple, Place]:
    """`places`, where each key that an endpoint has from `defaults` stands where it is written there."""
    shared = [(path[1:], place) for path, place in places.items() if len(path) > 1 and path[0] == "defaults"]
    if not shared:
        return places
    everything = dict(places)
    for name, entry in data["endpoints"].items():
        own = entry if isinstance(entry, Mapping) else {}
        for path, place in shared:
            if path[0] not in own or path[0] in parse.MERGED:
                everything.setdefault(("endpoints", name, *path), place)
    return everything


def _hash(data: Mapping[str, Any]) -> str:
    """What the files mean as twelve hex digits: the same for other comments, order, or spread over files."""
    meaning = {key: value for key, value in data.items() if not key.startswith("x-")}
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _order(problem: Problem) -> tuple[bool, str, int, int, str, str]:
    return (problem.file != MAIN, problem.file, problem.line, problem.column, problem.code, problem.message)
