"""When each example was run last, and whether it passed: what `jackfield test` remembers for the page.

    tested.json       {"examples": {endpoint: {example: [seconds since the epoch, passed]}}}

Strategy: what is remembered may be lost at any time, so a file that cannot be read is an empty one, and of two that
write at the same time one wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from jackfield.state.files import read_own, write_private

__all__ = ["MOST_EXAMPLES", "Runs", "note_tested", "read_tested"]

MOST_EXAMPLES = 5_000
"""Examples whose last run is remembered, those of the newest runs."""

Runs = Mapping[str, Mapping[str, tuple[float, bool]]]
"""For each endpoint, for each of its examples: when it was run, in seconds since the epoch, and whether it passed."""


class _File(msgspec.Struct):
    examples: dict[str, dict[str, tuple[float, bool]]]


def read_tested(file: Path) -> Runs:
    """What is remembered; nothing where the file is missing, or holds something else. Sync, for a thread."""
    try:
        return msgspec.json.decode(read_own(file), type=_File).examples
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return {}


def note_tested(file: Path, known: Iterable[tuple[str, str]], ran: Mapping[tuple[str, str], bool], at: float) -> None:
    """Remember a run: `ran` has for an endpoint and an example whether it passed. Sync, for a thread. Raises OSError.

    `known` are all examples that there are; what was remembered of others is forgotten.
    """
    before = read_tested(file)
    found = {one: before[one[0]][one[1]] for one in known if one[1] in before.get(one[0], {})}
    found |= {one: (at, passed) for one, passed in ran.items()}
    newest = sorted(found.items(), key=lambda item: -item[1][0])[:MOST_EXAMPLES]
    kept: dict[str, dict[str, tuple[float, bool]]] = {}
    for (endpoint, example), run in newest:
        kept.setdefault(endpoint, {})[example] = run
    write_private(file, msgspec.json.encode(_File(kept)))
