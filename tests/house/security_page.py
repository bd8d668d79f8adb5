"""docs/security.md, made from the rows of tests/assurance and from the tests there that carry their ids.

python -m tests.house.security_page > platform/jackfield/docs/security.md
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from tests.assurance.rows import GROUPS, ROWS, Row, row_of
from tests.house.habits import ROOT, sources

__all__ = ["ASSURANCE", "page", "tests_by_row"]

ASSURANCE = ROOT / "tests" / "assurance"

_HEAD = """\
# Security

What must hold, and the tests that show it. This page is made from the names of the tests under `tests/assurance/`, and
a test compares the two: a statement that no test shows stands here as *not held yet*, whatever the code does.

The demands come from OWASP ASVS 5.0, the OWASP cheat sheets (WebSocket, sessions, passwords, logging, SSRF) and what
was seen to go wrong in servers of this kind. Where we depart from them, the reason stands beside it.

Where a statement has a time or a size in it, the test shows the mechanism with that number; what was measured under
load stands in [performance.md](performance.md).

"""


def page() -> str:
    """The whole page."""
    tests = tests_by_row()
    parts = [_HEAD, _summary(tests)]
    for group, title in GROUPS.items():
        lines = ["| id | what must hold | state | tests |", "|---|---|---|---|"]
        lines += [_line(row, tests.get(row.id, [])) for row in ROWS if row.group == group]
        parts.append(f"\n## {title}\n\n" + "\n".join(lines) + "\n")
    return "".join(parts)


def tests_by_row() -> Mapping[str, list[str]]:
    """The names of the tests that exist under tests/assurance, by the row that they hold; read, not run."""
    found: dict[str, list[str]] = {}
    for path in sources(ASSURANCE):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (row := row_of(node.name)):
                found.setdefault(row, []).append(node.name)
    return {row: sorted(names) for row, names in found.items()}


def _summary(tests: Mapping[str, list[str]]) -> str:
    states = [_state(row, tests.get(row.id, [])) for row in ROWS]
    held, partly = states.count("held"), states.count("in part")
    return f"Of {len(ROWS)} statements {held} are held, {partly} in part, {len(ROWS) - held - partly} not yet.\n"


def _state(row: Row, tests: list[str]) -> str:
    if not tests:
        return "not held yet"
    return "in part" if row.rest else "held"


def _line(row: Row, tests: list[str]) -> str:
    what = row.requirement
    if row.deviation:
        what += f"<br>*Deviation:* {row.deviation}"
    if tests and row.rest:
        what += f"<br>*Not shown by a test:* {row.rest}"
    names = "<br>".join(f"`{name}`" for name in tests)
    return f"| {row.id} | {what} | {_state(row, tests)} | {names} |"


if __name__ == "__main__":
    print(page(), end="")
