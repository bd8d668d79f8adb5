"""docs/security.md, made from the rows of tests/assurance and from what the last run of the tests says of them.

pytest --results tests/assurance/results.txt
python -m tests.house.security_page > platform/jackfield/docs/security.md

With the results of another run as an argument it is the page of that run: so .ci/run holds what is kept here to what
it has seen.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.assurance import results
from tests.assurance.rows import GROUPS, ROWS, Row, row_of
from tests.house.habits import ROOT, sources, tree_of

__all__ = ["ASSURANCE", "page", "shown", "tests_by_row"]

ASSURANCE = ROOT / "tests" / "assurance"

_HEAD = """\
# Security

What must hold, and the tests that show it. This page is made from the results of the last whole run of the tests, with
a browser, proxies and Node at hand: a statement that no test shows, or of which one test failed, was skipped or did not
run, stands here as *not held*, whatever the code does. Each run of `.ci/run` compares.

The demands come from OWASP ASVS 5.0, the OWASP cheat sheets (WebSocket, sessions, passwords, logging, SSRF) and what
was seen to go wrong in servers of this kind. Where we depart from them, the reason stands beside it.

Where a statement has a time or a size in it, the test shows the mechanism with that number; what was measured under
load stands in [performance.md](performance.md).

A [site](endpoints.md#site) serves pages of the project's own from the origin of its login and its endpoints. Script
that comes into such a page (CWE-79) does what its visitor may do; so the administration is on a listener of its own, of
another origin, and refuses requests of these pages; nothing can become a service worker, which would outlive the fault;
other sites cannot frame the pages. What the pages load is for their author to bound, by a Content-Security-Policy in
the page. Two ports of one host share cookies, but not an origin: who cannot be sure of the pages puts them on another
host and names that in `defaults.origins`.

"""


def page(outcomes: Mapping[str, str]) -> str:
    """The whole page, by what became of each test."""
    tests = tests_by_row()
    states = [_state(row, tests.get(row.id, []), outcomes) for row in ROWS]
    held, partly = states.count("held"), states.count("in part")
    parts = [_HEAD, f"Of {len(ROWS)} statements {held} are held, {partly} in part, {len(ROWS) - held - partly} not.\n"]
    for group, title in GROUPS.items():
        lines = ["| id | what must hold | state | tests |", "|---|---|---|---|"]
        lines += [_line(row, tests.get(row.id, []), outcomes) for row in ROWS if row.group == group]
        parts.append(f"\n## {title}\n\n" + "\n".join(lines) + "\n")
    return "".join(parts)


def tests_by_row() -> Mapping[str, list[str]]:
    """The names of the tests that exist, by the row that they belong to; read, not run."""
    found: dict[str, list[str]] = {}
    for _, name, rows in shown():
        for row in rows:
            found.setdefault(row, []).append(name)
    return {row: sorted(names) for row, names in found.items()}


def shown() -> Iterator[tuple[Path, str, list[str]]]:
    """Each test of tests/assurance, and all others with a row in the name or in a mark: file, name and rows."""
    for path in sources(ROOT / "tests"):
        for node in tree_of(path).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                marked = [row for mark in node.decorator_list for row in _rows(mark)]
                rows = [row for row in (row_of(node.name), *marked) if row]
                if rows or path.parent == ASSURANCE:
                    yield path, node.name, rows


def _rows(mark: ast.expr) -> list[str]:
    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.shows":
        return [row for argument in mark.args if isinstance(row := ast.literal_eval(argument), str)]
    return []


def _state(row: Row, tests: list[str], outcomes: Mapping[str, str]) -> str:
    if not tests or any(outcomes.get(name) != "passed" for name in tests):
        return "not held"
    return "in part" if row.rest else "held"


def _line(row: Row, tests: list[str], outcomes: Mapping[str, str]) -> str:
    what = row.requirement
    if row.deviation:
        what += f"<br>*Deviation:* {row.deviation}"
    if tests and row.rest:
        what += f"<br>*Not shown by a test:* {row.rest}"
    names = "<br>".join(f"`{name}`{_remark(outcomes.get(name, 'not run'))}" for name in tests)
    return f"| {row.id} | {what} | {_state(row, tests, outcomes)} | {names} |"


def _remark(outcome: str) -> str:
    return "" if outcome == "passed" else f" ({outcome})"


if __name__ == "__main__":
    print(page(results.read(*map(Path, sys.argv[1:]))), end="")
