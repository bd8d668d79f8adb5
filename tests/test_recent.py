"""The last lines of the log: all that a server logs, masked and bounded as the log is."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from jackfield import logs
from jackfield.logs import log
from jackfield.recent import KEPT, RECENT, Recent


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("jackfield")
    before = root.handlers[:], root.level, ours.level
    logs.setup("text", io.StringIO())
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def test_our_events_those_of_the_project_and_of_libraries_are_kept_once_and_masked() -> None:
    before = RECENT.last
    log.info("вошёл", login="анна 👋", token="Bearer jf_0123456789abcdefghijklmnop")
    logging.getLogger("processes.chat").info("said", extra={"room": 7})
    logging.getLogger("library").warning("careful: %s", "now")
    log.debug("not logged, and not kept")
    shown = [line.shown() for line in reversed(RECENT.after(before))]
    assert [(one["level"], one["event"]) for one in shown] == [
        ("info", "вошёл"),
        ("info", "said"),
        ("warning", "careful: now"),
    ]
    assert shown[0]["fields"]["login"] == "анна 👋"
    assert "0123456789" not in repr(shown)
    assert shown[1]["fields"]["room"] == 7
    assert [one["n"] - before for one in shown] == [1, 2, 3]


def test_a_stack_is_shown_by_its_end_and_long_fields_are_cut() -> None:
    before = RECENT.last
    try:
        raise ValueError("сломано")
    except ValueError:
        log.exception("process_failed", **{f"field{n}": "ж" * 400 for n in range(50)})
    fields = RECENT.after(before)[0].shown()["fields"]
    assert fields.pop("exception").endswith("ValueError: сломано")
    assert (len(fields), fields["field0"]) == (20, "ж" * 200 + "…")


def test_the_oldest_go() -> None:
    kept = Recent()
    for number in range(KEPT + 2):
        kept.add(0.0, "info", {"event": str(number)})
    assert [next(kept.newest()).fields["event"], len(list(kept.newest()))] == [str(KEPT + 1), KEPT]
    assert [line.number for line in kept.after(KEPT)] == [KEPT + 2, KEPT + 1]
