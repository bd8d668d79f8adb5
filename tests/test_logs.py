"""The log: one event, one line, and nothing in it that whoever reads it would be fooled by."""

from __future__ import annotations

import io
import json
import logging
import pickle
import queue
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from logging.handlers import QueueHandler
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.logs import MAX_ITEMS, MAX_STACK, MAX_VALUE, last_resort, log, setup, wordless


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("jackfield")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.fixture
def lines() -> io.StringIO:
    stream = io.StringIO()
    setup("json", stream)
    return stream


@pytest.fixture
def text() -> io.StringIO:
    stream = io.StringIO()
    setup("text", stream)
    return stream


def test_an_event_is_one_line_of_json(lines: io.StringIO) -> None:
    log.info("login", login="анна", client="127.0.0.1", tries=2, roles=["support"])
    [line] = lines.getvalue().splitlines()
    event = json.loads(line)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "level": "info",
        "event": "login",
        "login": "анна",
        "client": "127.0.0.1",
        "tries": 2,
        "roles": ["support"],
    }
    assert "анна" in line, "readable, not escaped"


def test_an_event_is_one_line_of_text(text: io.StringIO) -> None:
    log.warning("slow_call", process="чат.say", milliseconds=70)
    [line] = text.getvalue().splitlines()
    assert "slow_call" in line
    assert "чат.say" in line
    assert "milliseconds=70" in line
    assert "\x1b" not in line, "no colours where there is no terminal"


def test_debug_is_not_reported(lines: io.StringIO) -> None:
    log.debug("secret_thoughts")
    assert lines.getvalue() == ""


HOSTILE = [
    "a\nINFO login=admin",
    "a\r\nb",
    "line\u2028separator\u2029end\x85next",
    "\x1b[31mred\x1b]0;title\x07",
    "nul\x00",
    "\u202egnp.exe",
    "x" * 1_000_000,
    "\ud83d",
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("style", ["json", "text"])
def test_what_a_client_sends_cannot_make_a_line_of_its_own(
    value: str, style: str, request: pytest.FixtureRequest
) -> None:
    """OPS-1, CWE-117."""
    stream = request.getfixturevalue("lines" if style == "json" else "text")
    log.info("refused", path=value)
    reported = stream.getvalue()
    assert reported.endswith("\n")
    assert reported[:-1].isprintable(), ascii(reported[:200])
    assert len(reported) < 2 * MAX_VALUE + 200
    reported.encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.text(max_size=600))
def test_any_text_is_one_line(lines: io.StringIO, value: str) -> None:
    lines.seek(0)
    lines.truncate()
    log.info("refused", path=value)
    [line] = lines.getvalue().splitlines()
    assert json.loads(line)["event"] == "refused"


def test_a_stack_stands_in_its_event(lines: io.StringIO) -> None:
    try:
        raise ValueError("сломалось")
    except ValueError as exc:
        log.error("process_failed", incident="ab12", exc_info=exc)
    [line] = lines.getvalue().splitlines()
    event = json.loads(line)
    assert event["incident"] == "ab12"
    assert event["exception"].endswith("ValueError: сломалось")
    assert "test_logs.py" in event["exception"]


def test_a_stack_follows_its_event_as_text(text: io.StringIO) -> None:
    try:
        raise ValueError("сломалось")
    except ValueError:
        log.exception("process_failed", incident="ab12")
    first, *stack = text.getvalue().splitlines()
    assert "process_failed" in first
    assert stack[-1] == "    ValueError: сломалось"


def test_what_an_exception_says_cannot_look_like_a_line_of_its_own(text: io.StringIO) -> None:
    """OPS-1: a process may put what a client sent into its exception."""
    log.error("process_failed", exc_info=ValueError("bad\n2026-11-22T10:00:00Z [info] login login=admin\x1b[31m"))
    _, *stack = text.getvalue().splitlines()
    assert stack == ["    ValueError: bad", "    2026-11-22T10:00:00Z [info] login login=admin\\x1b[31m"]


def test_a_long_stack_is_cut_in_its_middle(lines: io.StringIO) -> None:
    log.error("process_failed", exc_info=ValueError("a" * 1_000_000 + "end"))
    [line] = lines.getvalue().splitlines()
    reported = json.loads(line)["exception"]
    assert MAX_STACK < len(reported) < MAX_STACK + 10
    assert reported.startswith("ValueError: aaa")
    assert reported.endswith("aend")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_same_line_in_colours() -> None:
    plain, coloured = io.StringIO(), _Terminal()
    for stream in (plain, coloured):
        setup("text", stream)
        log.warning("odd", list=[1, "two"], empty="", name="a b", number=1.5, none=None)
    without = re.sub(r"\x1b\[[0-9;]*m", "", coloured.getvalue())
    assert without.partition("Z")[2] == plain.getvalue().partition("Z")[2]
    assert "[\x1b[33m\x1b[1mwarning  \x1b[0m] \x1b[1modd\x1b[0m \x1b[36mempty\x1b[0m=" in coloured.getvalue()


def test_an_event_that_nobody_hears_is_not_formatted() -> None:
    class Unspeakable:
        def __repr__(self) -> str:
            raise AssertionError("formatted")

    logging.getLogger("jackfield").setLevel(logging.WARNING)
    log.info("odd", value=Unspeakable())


def test_a_record_knows_where_it_was_reported(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="jackfield"):
        log.info("login", login="анна")
    [record] = caplog.records
    assert record.filename == "test_logs.py"
    assert record.funcName == "test_a_record_knows_where_it_was_reported"


def test_a_record_can_be_carried_to_another_thread_or_process() -> None:
    carried: queue.Queue[logging.LogRecord] = queue.Queue()
    ours = logging.getLogger("jackfield")
    ours.setLevel(logging.INFO)
    served = QueueHandler(carried)
    ours.addHandler(served)
    try:
        log.info("login", login="анна")
    finally:
        ours.removeHandler(served)
    assert pickle.loads(pickle.dumps(carried.get_nowait())).getMessage() == "login login='анна'"


def test_values_of_any_type_are_reported(lines: io.StringIO) -> None:
    log.info("odd", value=frozenset({1}))
    assert json.loads(lines.getvalue())["value"] == "frozenset({1})"


class _Odd:
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("value", "reported"),
    [
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (10**5000, "a number of more than 64 bits"),
        (-1, -1),
        (True, True),
        (["a\nb", ("c", 1)], ["a\\nb", ["c", 1]]),
        ({"кот\n": {"b": 2.5}}, {"кот\\n": {"b": 2.5}}),
        (list(range(1000)), list(range(MAX_ITEMS))),
        ([[[["deep"]]]], [[["['deep']"]]]),
        (_Odd(), "<_Odd>"),
        (b"\x00", "b'\\x00'"),
    ],
    ids=range(11),
)
def test_a_value_of_any_kind_is_bounded_and_json(lines: io.StringIO, value: object, reported: object) -> None:
    log.info("odd", value=value)
    [line] = lines.getvalue().splitlines()
    found = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found["value"] == reported


def test_events_are_counted_whether_anybody_hears_them() -> None:
    before = log.counts["debug", "quiet"], log.counts["error", "loud"]
    log.debug("quiet")
    log.error("loud")
    assert (log.counts["debug", "quiet"], log.counts["error", "loud"]) == (before[0] + 1, before[1] + 1)


def test_what_surrounds_an_event_stands_in_it(lines: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "around", lambda event, fields: {"trace": f"{event}-{fields['n']}"})
    log.info("odd", n=1)
    assert json.loads(lines.getvalue())["trace"] == "odd-1"


@pytest.fixture
def _hooks_as_before() -> Iterator[None]:
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    logging.captureWarnings(False)  # a `serve` that another test ran in place has it on
    last_resort()
    yield
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook, sys.unraisablehook = before


@pytest.mark.usefixtures("_hooks_as_before")
def test_what_nobody_caught_is_one_line_too(lines: io.StringIO) -> None:
    """ASVS 5.0, 16.5.4."""

    def fail() -> None:
        raise ValueError("в потоке")

    one = threading.Thread(target=fail, name="worker")
    one.start()
    one.join()

    class Falls:
        def __del__(self) -> None:
            raise ValueError("в конце")

    Falls()
    sys.excepthook(KeyError, KeyError("в программе"), None)
    warnings.showwarning("careful", UserWarning, "file.py", 1)
    reported = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [event["event"] for event in reported[:3]] == ["uncaught"] * 3
    assert [event["exception"].splitlines()[-1] for event in reported[:3]] == [
        "ValueError: в потоке",
        "ValueError: в конце",
        "KeyError: 'в программе'",
    ]
    assert reported[0]["at"] == "worker"
    assert "careful" in reported[3]["event"]


def test_lines_of_the_libraries_go_through_the_same_door(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("careful\nwith %s", "this")
    logging.getLogger("uvicorn.error").info("not worth a line")
    [line] = lines.getvalue().splitlines()
    assert json.loads(line)["level"] == "warning"
    assert "with this" in json.loads(line)["event"]


def test_in_another_application_events_follow_its_own_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="jackfield"):
        log.info("login", login="анна\n")
    [record] = caplog.records
    assert record.name == "jackfield"
    assert "login" in record.getMessage()
    assert "\n" not in record.getMessage()


def test_setting_up_twice_reports_each_event_once() -> None:
    first, second = io.StringIO(), io.StringIO()
    setup("json", first)
    setup("json", second)
    log.info("login")
    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1


SECRET = "1.k3Jv-Q9xT0pLw7ZsR2mHc_Yb5NfUa8DgEoKiVtXqM1A.1764353000000.1764396200000.Zq8Rr4Wn1Tj6Ky_Uc3Vb9Mx-Lp0Os7Di2"


class Naming(Exception):
    """Says what it was given, as exceptions of libraries do."""


def failed(text: str) -> Exception:
    try:
        try:
            raise ValueError(f"cause {text}")
        except ValueError as cause:
            raise Naming(f"invalid cookie header: t=\x7f; gen_app_auth_token={text}") from cause
    except Naming as exc:
        return exc


@pytest.mark.parametrize("style", ["json", "text"])
def test_no_line_holds_a_credential_whoever_wrote_it(style: str) -> None:
    stream = io.StringIO()
    setup("json" if style == "json" else "text", stream)
    log.warning("login_refused", login=SECRET, more=[SECRET, {SECRET: f"Bearer {SECRET}"}])
    log.error("server_fault", exc_info=failed(SECRET), path=f"/ws/{SECRET.replace('.', '%2e')}")
    library = logging.getLogger("asyncio")
    library.error("Fatal error: %r", {"Cookie": SECRET})
    library.error("opening handshake failed", exc_info=failed(SECRET))
    log.info("long", value="x " * 20_000 + SECRET, cut="y" * 480 + SECRET, stack=f"{'z ' * 8_150}{SECRET}")
    log.error("process_failed", exc_info=ValueError("x " * 4_070 + SECRET + " y" * 9_000))
    reported = stream.getvalue()
    assert reported.count("Naming: invalid") == 2, "the stacks are there"
    assert "cause" in reported
    assert [SECRET[at : at + 12] for at in range(2, 34) if SECRET[at : at + 12] in reported] == []


def test_another_applications_formatter_takes_the_stack_as_we_have_cleaned_it(caplog: pytest.LogCaptureFixture) -> None:
    log.error("server_fault", exc_info=failed(SECRET))
    assert "Naming: invalid cookie header" in caplog.text
    assert SECRET[2:20] not in caplog.text
    assert "\x7f" not in caplog.text


def test_a_stack_is_reported_without_the_words_that_are_to_be_hidden(lines: io.StringIO) -> None:
    try:
        raise LookupError("'пароль: тайна' and b'x\\x01y and more' of short")
    except LookupError:
        log.exception("server_fault", hide=["пароль: тайна", "x\x01y and more", "of", "", "never there", "tests"])
    reported = json.loads(lines.getvalue())["exception"]
    assert reported.endswith("LookupError: '…' and b'…' of short"), reported
    assert "raise LookupError" in reported


def test_what_an_exception_says_may_be_left_out_altogether(lines: io.StringIO) -> None:
    log.error("server_fault", exc_info=wordless(failed("канарейка")))
    reported = json.loads(lines.getvalue())["exception"]
    assert "canary" not in reported
    assert "канарейка" not in reported
    assert reported.endswith("Wordless: Naming")
    assert "in failed" in reported


class _Meta(type):
    __name__ = property(lambda cls: sys.exit(1))


class _Evil(Exception, metaclass=_Meta):
    """Raises whatever is asked of it."""

    def __str__(self) -> str:
        raise KeyboardInterrupt

    __repr__ = __str__
    __notes__ = __cause__ = __traceback__ = __class__ = property(lambda self: sys.exit(1))


def _raised() -> BaseException:
    try:
        raise _Evil
    except _Evil as exc:
        return exc


@pytest.mark.parametrize("style", ["text", "json"])
def test_an_exception_that_raises_when_it_is_asked_is_reported_all_the_same(style: Literal["text", "json"]) -> None:
    """A `__str__` that calls sys.exit would end whoever logs it, the server's loop among them."""
    stream = io.StringIO()
    setup(style, stream)
    log.error("process_failed", incident="1234", exc_info=_raised())
    log.error("odd", value=_raised())
    reported = stream.getvalue()
    assert "process_failed" in reported
    assert "in _raised" in reported
    assert "an exception that raises SystemExit when asked" in reported
    assert "<_Evil>" in reported


def test_another_applications_log_gets_the_line_without_the_stack() -> None:
    class Other(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            reported.append(record.getMessage())
            if record.exc_info:
                str(record.exc_info[1])

    reported: list[str] = []
    logging.getLogger().handlers = [Other()]
    log.error("process_failed", incident="1234", exc_info=_raised())
    assert reported == ["process_failed incident='1234'"] * 2
