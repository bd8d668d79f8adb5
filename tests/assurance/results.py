"""What the last run says of each test that shows a row: results.txt, one line each, `passed test_tr_1_…`.

A test function that ran with several parameters is what became of the worst of them; one that never got to its end,
an expected failure among them, is no test that passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.assurance.rows import row_of

__all__ = ["RESULTS", "Results", "read"]

RESULTS = Path(__file__).with_name("results.txt")
"""Those of the last run on a machine that has everything which the tests need; kept with the sources."""

_WORST_LAST = ("passed", "skipped", "failed")


def read(path: Path = RESULTS) -> Mapping[str, str]:
    """What became of each test function, by its name."""
    lines = (line.split() for line in path.read_text("utf-8").splitlines())
    return {name: outcome for outcome, name in lines}


class Results:
    """A plugin of pytest that writes the file when the run ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, str] = {}

    def pytest_sessionstart(self) -> None:
        """Forget the run before, of which nothing may be left if this one does not come to its end."""
        self._path.write_text("", "utf-8")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for the setup, the test itself and the teardown of each."""
        name = report.location[2].partition("[")[0]
        if (row_of(name) or "shows" in report.keywords) and (report.when == "call" or not report.passed):
            outcome = "skipped" if hasattr(report, "wasxfail") else report.outcome
            self._found[name] = max(self._found.get(name, outcome), outcome, key=_WORST_LAST.index)

    def pytest_sessionfinish(self) -> None:
        """Write what was found, in order of the names."""
        lines = [f"{outcome} {name}\n" for name, outcome in sorted(self._found.items())]
        self._path.write_text("".join(lines), "utf-8")
