"""OPS-6: what the documents say of logs, counts and limits is what the code does."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from types import FrameType

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jackfield import logs, stdio
from jackfield.config.plan import Limits
from jackfield.errors import CODES
from jackfield.logs import log
from jackfield.server.connection import dispatch, rate
from jackfield.server.observe import lag
from jackfield.server.observe.metrics import Metrics
from tests.house import numbers_page
from tests.house.habits import PACKAGE, sources, tree_of

PAGE = (PACKAGE / "docs" / "observing.md").read_text("utf-8")
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
TELLERS = {"Throttled": "warning"}
"""Classes whose instances tell one event, which is their first argument."""


class Seats:
    def count(self, _endpoint: str) -> int:
        return 1


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    text = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    table = re.search(r"(^\|.*\n)+", text, flags=re.M)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]]


def names(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def told_in_the_sources() -> Iterator[tuple[str, str, set[str]]]:
    """Each event of the log with its level and the fields that are named where it is told."""
    for path in sources(PACKAGE):
        tree = tree_of(path)
        ours = {"log"} if path.name == "logs.py" else set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "jackfield.logs":
                ours |= {name.asname or name.name for name in node.names if name.name == "log"}
        for node in ast.walk(tree):
            first = node.args[0] if isinstance(node, ast.Call) and node.args else None
            if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
                continue
            assert isinstance(node, ast.Call)
            fields = {word.arg for word in node.keywords if word.arg} - {"exc_info", "hide"}
            match node.func:
                case ast.Attribute(value=ast.Name(id=owner), attr=method) if owner in ours and method in LEVELS:
                    yield first.value, LEVELS[method], fields
                case ast.Name(id=teller) if teller in TELLERS:
                    yield first.value, TELLERS[teller], {"times"}


def test_ops_6_every_event_of_the_log_stands_in_the_documents() -> None:
    written = {event: (level, names(fields)) for cell, level, _, fields in rows("The log") for event in names(cell)}
    found = list(told_in_the_sources())
    assert sorted(set(written) - {event for event, _, _ in found}) == [], "told by nobody"
    missing = [
        f"| `{event}` | {level} | … | {', '.join(f'`{name}`' for name in sorted(fields))} |"
        for event, level, fields in found
        if event not in written
    ]
    assert missing == [], "rows for the table in docs/observing.md"
    assert [(event, level) for event, level, _ in found if written[event][0] != level] == []
    more = [(event, fields - written[event][1]) for event, _, fields in found if not fields <= written[event][1]]
    assert more == [], "fields for the table"


def test_ops_6_no_event_is_hidden_behind_a_variable() -> None:
    """The test above reads the names of events where they are told."""
    hidden = []
    for path in sources(PACKAGE):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if re.search(r"\b(log|events)\.(debug|info|warning|error|exception)\([^\")]", line):
                hidden.append(f"{path.relative_to(PACKAGE)}:{number}")
    known = [place for place in hidden if place.startswith("server/observe/throttled.py")]
    assert hidden == known, "write the event's name where it is told"


def test_ops_6_every_metric_stands_in_the_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics(Seats())
    meter = metrics.meter("greeting")
    meter.others["rate_limited"] += 1
    metrics.handshakes["greeting", "accepted", ""] += 1
    metrics.closed("greeting", 1000, "client")
    metrics.logins["accepted", ""] += 1
    metrics.publishes["published"] += 1
    metrics.pushes["group", "accepted", ""] += 1
    log.debug("quiet")
    monkeypatch.setitem(stdio.dropped, "stderr", 1)
    for level in ("warning", "error"):
        log.counts[level, "some_event"] += 1
    written = {name: names(labels) for cell, labels, _ in rows("Metrics") for name in names(cell)}
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            name = family.name if family.type == "histogram" else sample.name
            found.setdefault(name, set()).update(set(sample.labels) - {"le"})
    for level in ("warning", "error"):
        del log.counts[level, "some_event"]
    ours = {name: labels for name, labels in found.items() if name.startswith("jackfield_")}
    assert {name: labels for name, labels in written.items() if name.startswith("jackfield_")} == ours
    assert set(found) <= set(written), "of the process and the interpreter"


def test_ops_6_every_limit_has_a_count_that_exists() -> None:
    text = PAGE.split("Each of the `limits` has its count", 1)[1].split("\nFour alarms", 1)[0]
    metrics = {name for cell, _, _ in rows("Metrics") for name in names(cell)}
    assert set(re.findall(r"jackfield_\w+", text)) <= metrics
    assert set(re.findall(r'"(\w+)"', text)) - {"refused"} <= set(CODES)
    said = {name for line in text.splitlines() if line.startswith("| `") for name in names(line.split("|")[1])}
    assert said == set(Limits.__dataclass_fields__), "limits of an endpoint"


def test_ops_6_the_numbers_in_the_documents_are_those_of_the_code() -> None:
    said = " ".join(PAGE.split())
    for sentence in (
        f"cut at {logs.MAX_VALUE} characters",
        f"a stack is cut at {logs.MAX_STACK // 1024} KiB",
        f"more than {dispatch.SLOW_CALL * 1000:g} ms",
        f"more than {lag.LIMIT:g} s late",
        f"at most one such line in {lag.LOG_EVERY:g} s",
        f"up to {rate.CREDIT:g} s that the loop stood still",
        f"at most {len(lag.place_of(deep(40)).stack)} lines",
    ):
        assert sentence in said, sentence
    assert lag.TICK == 1 / 4, "four times a second"


def deep(levels: int) -> FrameType:
    """A frame with more frames around it than a line shows."""
    return deep(levels - 1) if levels else sys._getframe()


def test_ops_6_the_page_of_numbers_is_made_from_the_code() -> None:
    page = (PACKAGE / "docs" / "numbers.md").read_text("utf-8")
    assert page == numbers_page.page(), "python -m tests.house.numbers_page > platform/jackfield/docs/numbers.md"


def test_ops_6_what_asvs_wants_written_down_is_written_down() -> None:
    page = (PACKAGE / "docs" / "numbers.md").read_text("utf-8")
    assert all(f"({number})" in page for number in ("2.1.3", "6.1.1", "7.1.1", "7.1.2", "15.1.3", "16.1.1"))
    reported = {f"{module}.{name}" for module, name, _, _ in numbers_page.constants()}
    for name in (
        "auth.store.attempts.PER_PAIR",
        "auth.store.attempts.PER_ADDRESS",
        "auth.store.store.MAX_SESSIONS",
        "server.connection.rate.BURST",
        "server.connection.threads.THREADS",
        "server.publish.building.LOAD_LIMIT",
    ):
        assert name in reported
    assert "| `auth.session` | 43,200 |" in page
    assert "| `limits.message` | 65,536 |" in page
