"""The log: one event, one line; for people on a terminal, as JSON for programs.

Never a token, a password, a query string or a payload: the caller leaves them out, and what has the shape of a
credential is masked here (masking.py), in stacks and in lines of libraries too. Our events go to the standard logger
`jackfield`, so inside another application they follow its configuration; `setup` is what `jackfield serve` configures,
and formats the lines of libraries in the same way. Those of the project's own code (`logging.getLogger(__name__)` in a
process) come from the level info upwards, with what the call is about and with what they give as `extra`.

Strategy: two lines are written per connection, so a line must be cheap. Nothing is formatted for a level that
is disabled, the record is made here without the standard library's search for its caller, and the line is
put together here, without a pipeline of processors.
"""

from __future__ import annotations

import inspect
import json
import logging
import math
import re
import secrets
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from contextvars import Context, ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal, TextIO

from jackfield.masking import MASK, SHORTEST, masked
from jackfield.recent import RECENT

__all__ = [
    "STREAMS",
    "Facts",
    "Log",
    "Wordless",
    "last_resort",
    "log",
    "printed",
    "setup",
    "subject",
    "within",
    "wordless",
]

Facts = Callable[[], Mapping[str, Any]]

STREAMS = ("stdout", "stderr")
"""The loggers of what the project's code prints."""

subject: ContextVar[Facts | None] = ContextVar("jackfield_subject", default=None)
"""What the project's code that runs in this context is about: gives the fields of its lines."""

MAX_VALUE = 500
"""Characters of one value that a line holds; what a client sends must not be able to fill the disk."""

MAX_ITEMS = 50
"""Items of one list or mapping that a line holds."""

MAX_STACK = 16 * 1024
"""Characters of one stack; a longer one is cut in its middle."""

_LOOKED_AT = MAX_STACK  # characters of one value that are looked through for credentials; no more of it is logged
# At a cut: what may be a part of something masked, and is too short to be taken for it by itself.
_LAST_PIECE = re.compile(rf"(?<![\w-])[\w-]{{1,{SHORTEST - 1}}}\Z", re.ASCII)
_FIRST_PIECE = re.compile(rf"\A[\w-]{{1,{SHORTEST - 1}}}(?![\w-])", re.ASCII)
_LEAST_HIDDEN = 4  # characters; what is shorter stands in any sentence
_TRACE: Any = BaseException.__traceback__  # the descriptor: an exception's class may make something else of the name
_NAME: Any = type.__dict__["__name__"]  # the same
_PLAIN = frozenset({bool, type(None)})
_is_harmless = re.compile(r"[a-z0-9._:/-]{0,200}").fullmatch  # no capital, sign or blank that masking looks for
_DEPTH = 3  # lists in lists that a line holds
_FIELDS = "jackfield_event"
_GUESTS = "processes"  # how the loggers of the project's modules begin
_OF_RECORDS = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}  # what no `extra` is
_TAKEN = frozenset({"timestamp", "level"})
_SGR = re.compile(r"\x1b\[[0-9;]*m")
_QUOTED = frozenset(" \t=\r\n\"'")  # a value with one of these stands in quotes
_LEVEL_WIDTH = 9
_RESET, _BOLD, _DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"  # ECMA-48, section 8.3.117 (SGR)
_RED, _GREEN, _YELLOW, _MAGENTA, _CYAN = (f"\x1b[{code}m" for code in (31, 32, 33, 35, 36))
_COLOURS = {"debug": _GREEN, "info": _GREEN, "warning": _YELLOW, "error": _RED, "critical": _RED}
_LEVELS = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
}


class Log:
    """Logs events to a standard logger: `log.info("event_name", key=value)`.

    `exc_info` is an exception, whose stack follows the line; the texts of `hide` are left out of its message, those
    of a request for example. Control characters are escaped and long texts cut (MAX_VALUE), so that no value makes a
    line of its own (CWE-117).

    `counts` has all events by level and name, those of a disabled level too. `around` adds to an
    event what surrounds it, the id of a trace for example; it must not fail. `out` is where a program of our own logs,
    past the loggers: a process may set these up for itself, and `logging.config` turns off whatever it is not told of.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self.counts: Counter[tuple[str, str]] = Counter()
        self.around: Callable[[str, Mapping[str, Any]], Mapping[str, Any]] | None = None
        self.out: logging.Handler | None = None

    def debug(self, event: str, **fields: Any) -> None:
        """Log what helps to develop Jackfield."""
        self._log(logging.DEBUG, event, None, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Log what is as it should be."""
        self._log(logging.INFO, event, None, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Log what an operator should look at some day."""
        self._log(logging.WARNING, event, None, fields)

    def error(
        self, event: str, *, exc_info: BaseException | None = None, hide: Iterable[str] = (), **fields: Any
    ) -> None:
        """Log a fault."""
        self._log(logging.ERROR, event, exc_info, fields, hide)

    def exception(self, event: str, *, hide: Iterable[str] = (), **fields: Any) -> None:
        """Log a fault, with the exception that is being handled."""
        self._log(logging.ERROR, event, sys.exception(), fields, hide)

    def _log(
        self, level: int, event: str, exc: BaseException | None, fields: Mapping[str, Any], hide: Iterable[str] = ()
    ) -> None:
        self.counts[_LEVELS[level], event] += 1
        more = () if self.around is None else self.around(event, fields).items()
        logger, out = self._logger, self.out
        if level < logging.INFO if out is not None else not logger.isEnabledFor(level):
            return
        clean: dict[str, Any] = {"event": event}
        for key, value in (*fields.items(), *more):
            if type(value) is str:  # nearly all of them, and nearly all as they may stand
                clean[key] = value if _is_harmless(value) else _one_line(value)
            else:
                clean[key] = value if type(value) in _PLAIN else _clean(value)
        file, line, function = _caller()
        stack = None if exc is None else (type(exc), exc, _TRACE.__get__(exc))
        message = _Message(clean)
        extra = {_FIELDS: clean}
        record = logger.makeRecord(logger.name, level, file, line, message, (), stack, function, extra)
        if exc is not None:  # as text, which other applications' formatters take over as it is
            record.exc_text = "\n".join(_stack(_stack_text(exc, hide)))
        RECENT.add(record.created, _LEVELS[level], clean, record.exc_text or "")
        handle = logger.handle if out is None else out.handle
        try:
            handle(record)
        except BaseException:
            if exc is None:
                raise
            record.exc_info, record.exc_text = None, None  # another application's handler failed to format it
            handle(record)


class Wordless(Exception):
    """Stands for an exception whose message is not logged."""


def wordless(exc: BaseException) -> Wordless:
    """An exception to be logged with its type and its stack alone: its message may hold what a client sent."""
    return Wordless(_NAME.__get__(type(exc))).with_traceback(_TRACE.__get__(exc))


log = Log(logging.getLogger("jackfield"))
"""The one log of the package."""


def within(facts: Facts, context: Context | None = None) -> Context:
    """A context, an empty one where none is given, in which the project's code is about this."""
    made = Context() if context is None else context
    made.run(subject.set, facts)
    return made


def setup(
    style: Literal["text", "json"] = "text", stream: TextIO | None = None, *, about: Facts = dict
) -> logging.Handler:
    """Send our events and those of the libraries and of the project's code to `stream` (stderr), one line each.

    `about` gives the fields of a line that the project's code logs, in the step that logs it.
    """
    out = logging.StreamHandler(stream or sys.stderr)
    out.setFormatter(_Json(about) if style == "json" else _Text(about, colours=out.stream.isatty()))
    root = logging.getLogger()
    root.handlers = [out]
    root.setLevel(logging.WARNING)
    for name in ("jackfield", _GUESTS):
        logging.getLogger(name).setLevel(logging.INFO)
    # no line of ours shows these, and each record would collect them (see "Optimization" in the library's manual)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    return out


def printed(stream: str, text: str, out: logging.Handler) -> None:
    """Log what the project's code has printed; a JSON object with its keys as fields.

    `stream` is one of STREAMS. Not through the loggers, which the code may have set to write to that stream.
    """
    said: Any = _SGR.sub("", text)
    if said.startswith("{"):
        with suppress(ValueError, RecursionError):
            said = json.loads(said)
    out.handle(logging.LogRecord(stream, logging.INFO, "", 0, said, None, None))


def last_resort() -> None:
    """Log what is not caught as well: of threads, of finalizers, of the program, and warnings.

    For a process of our own alone: it takes over hooks of the interpreter. Otherwise they print stacks of
    many lines into a log of which each line is an object (ASVS 5.0, 16.5.4).
    """
    logging.captureWarnings(True)

    def program(kind: type[BaseException], exc: BaseException, trace: TracebackType | None) -> None:
        if isinstance(exc, Exception):
            log.error("uncaught", incident=secrets.token_hex(4), exc_info=exc, at="the program")
        else:
            sys.__excepthook__(kind, exc, trace)

    def thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:  # how a thread may end; Python is silent about it too
            name = args.thread.name if args.thread is not None else "a thread"
            log.error("uncaught", incident=secrets.token_hex(4), exc_info=args.exc_value, at=name)

    def finalizer(args: sys.UnraisableHookArgs) -> None:
        at = args.err_msg or "the end of an object"
        log.error("uncaught", incident=secrets.token_hex(4), exc_info=args.exc_value, at=at)

    sys.excepthook, threading.excepthook, sys.unraisablehook = program, thread, finalizer


class _Message:
    """An event as the text of a log record; put together when another application's log asks for it."""

    __slots__ = ("_event",)

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event

    def __str__(self) -> str:
        event, *fields = self._event.items()
        return " ".join([str(event[1]), *(f"{key}={value!r}" for key, value in fields)])


class _Json(logging.Formatter):
    """One record as one object; a stack stands in it."""

    def __init__(self, about: Facts) -> None:
        super().__init__()
        self._about = about
        self._encode = json.JSONEncoder(ensure_ascii=False, default=str).encode

    def format(self, record: logging.LogRecord) -> str:
        event = _event(record, self._about)
        if record.exc_info:
            event["exception"] = "\n".join(_stack_of(record))
        return self._encode(event)


class _Text(logging.Formatter):
    """One record as one line for people; a stack follows it, indented, so that no line of it looks like a record."""

    def __init__(self, about: Facts, *, colours: bool) -> None:
        super().__init__()
        self._about = about
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        line = self._line(_event(record, self._about))
        if not record.exc_info:
            return line
        return "\n    ".join([line, *_stack_of(record)])

    def _line(self, event: dict[str, Any]) -> str:
        time, level, name = event.pop("timestamp"), f"{event.pop('level'):<{_LEVEL_WIDTH}}", event.pop("event")
        if not self._colours:
            fields = [f"{key}={_shown(event[key])}" for key in sorted(event)]
            return " ".join([f"{time} [{level}] {name}", *fields]).rstrip(" ")
        level = f"{_COLOURS.get(level.rstrip(), '')}{_BOLD}{level}{_RESET}"
        fields = [f"{_CYAN}{key}{_RESET}={_MAGENTA}{_shown(event[key])}{_RESET}" for key in sorted(event)]
        return " ".join([f"{_DIM}{time}{_RESET} [{level}] {_BOLD}{name}{_RESET}", *fields])


def _event(record: logging.LogRecord, about: Facts) -> dict[str, Any]:
    """The fields of a record, ours, a library's or the project's, with its time and level first."""
    second, part = divmod(record.created, 1)
    moment = f"{_second(int(second))}.{int(part * 1000):03}Z"
    event = {"timestamp": moment, "level": record.levelname.lower()}
    fields: Mapping[str, Any] | None = getattr(record, _FIELDS, None)
    if fields is not None:
        event.update(fields)
        return event
    if record.name in STREAMS or record.name.partition(".")[0] == _GUESTS:
        _tell(record, event, about())
    else:
        event["event"] = _message(record)
    RECENT.add(record.created, event["level"], event.copy(), "\n".join(_stack_of(record)) if record.exc_info else "")
    return event


def _tell(record: logging.LogRecord, event: dict[str, Any], about: Mapping[str, Any]) -> None:
    """Add what the project's code says; a name that is taken gets a `_`, so that no line says of itself what is not so.

    A mapping as the message is what structlog makes of an event.
    """
    said = dict(record.msg) if isinstance(record.msg, Mapping) else {}
    if said.get("level") in tuple(_COLOURS):  # it may be a list
        event["level"] = said["level"]
    said = {key: value for key, value in said.items() if key not in _TAKEN}
    event["event"] = _clean(said.pop("event", "")) if isinstance(record.msg, Mapping) else _message(record)
    event |= {"logger": _one_line(record.name), **{key: _clean(value) for key, value in about.items()}}
    extra = ((key, value) for key, value in vars(record).items() if key not in _OF_RECORDS)
    for key, value in [*said.items(), *extra][:MAX_ITEMS]:
        name = _one_line(str(key))
        is_stack = name == "exception" and isinstance(value, str)
        shown = "\n".join(_stack(value)) if is_stack else _clean(value)
        if not name.startswith("_") and event.get(name, _TAKEN) != shown:
            event[f"{name}_" if name in event else name] = shown


def _message(record: logging.LogRecord) -> str:
    try:
        return _one_line(record.getMessage())
    except BaseException:  # noqa: BLE001 - arguments that do not fit, or whose class fails
        return _one_line(f"{_clean(record.msg)} {_clean(record.args)}")


@lru_cache(maxsize=2)  # many lines are of one second
def _second(since_epoch: int) -> str:
    return datetime.fromtimestamp(since_epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _caller() -> tuple[str, int, str | None]:
    """File, line and function that logged the event: two calls above the method of Log."""
    frame = inspect.currentframe()
    for _ in range(3):
        frame = None if frame is None else frame.f_back
    return ("", 0, None) if frame is None else (frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def _shown(value: object) -> str:
    """A value as it stands in a line of text: in quotes where a blank or a sign in it would mislead."""
    return value if isinstance(value, str) and _QUOTED.isdisjoint(value) else repr(value)


def _clean(value: object, depth: int = 0) -> Any:
    """A value as a line may hold it: bounded, of JSON's types, and without a character that acts.

    Any class may write its own `__str__`, or `__class__`; a log line must not fail for it.
    """
    try:
        return _cleaned(value, depth)
    except BaseException:  # noqa: BLE001 - even sys.exit
        return f"<{_NAME.__get__(type(value))}>"


def _cleaned(value: object, depth: int) -> Any:
    if isinstance(value, str):
        return _one_line(value)
    if type(value) in _PLAIN:
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() <= 64 else "a number of more than 64 bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # JSON has no NaN
    if depth < _DEPTH and isinstance(value, Mapping):
        first = list(value.items())[:MAX_ITEMS]
        return {_one_line(str(key)): _clean(item, depth + 1) for key, item in first}
    if depth < _DEPTH and isinstance(value, list | tuple):
        return [_clean(item, depth + 1) for item in value[:MAX_ITEMS]]
    return _one_line(str(value))


def _stack_of(record: logging.LogRecord) -> list[str]:
    """The lines of a record's stack; those of a library's record are cleaned here."""
    if record.exc_text and hasattr(record, _FIELDS):
        return record.exc_text.split("\n")
    exc = record.exc_info[1] if record.exc_info else None
    return [] if exc is None else _stack(_stack_text(exc))


def _stack_text(exc: BaseException, hide: Iterable[str] = ()) -> str:
    """The stack of an exception, without these phrases in the messages of its exceptions.

    An exception is an object of its author's class, which may raise whatever it likes when it is asked.
    """
    trace = _TRACE.__get__(exc)
    try:
        return _without("".join(traceback.format_exception(type(exc), exc, trace)).rstrip("\n"), exc, hide)
    except BaseException as fault:  # noqa: BLE001 - even sys.exit, in a `__str__` or a property
        return "".join(traceback.format_tb(trace)) + f"an exception that raises {type(fault).__name__} when asked"


def _without(text: str, exc: BaseException, hide: Iterable[str]) -> str:
    """A stack without these phrases in the messages of its exceptions; the names of files and functions stay."""
    phrases = sorted((part for part in hide if len(part) >= _LEAST_HIDDEN), key=len, reverse=True)
    for message in _messages(exc) if phrases else ():
        hidden = message
        for phrase in phrases:
            hidden = hidden.replace(phrase, MASK).replace(repr(phrase)[1:-1], MASK)
        text = text.replace(message, hidden)
    return text


def _messages(exc: BaseException) -> Iterator[str]:
    """The messages of an exception, and of those that it came from or consists of."""
    left, seen = [exc], set[int]()
    while left:
        one = left.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield from filter(None, [str(one)])
            left += filter(None, (one.__cause__, one.__context__))
            left += one.exceptions if isinstance(one, BaseExceptionGroup) else ()


def _stack(text: str) -> list[str]:
    """The lines of a stack, each printable; a message may hold what a client sent."""
    if len(text) > MAX_STACK:
        first = _LAST_PIECE.sub("", text[: MAX_STACK // 2])
        text = f"{first}\n…\n{_FIRST_PIECE.sub('', text[-MAX_STACK // 2 :])}"
    return [_printable(masked(line)) for line in text.split("\n")]


def _one_line(text: str) -> str:
    """Mask credentials, escape what could begin a line of its own or colour a terminal, cut what is long (OPS-1)."""
    if len(text) > _LOOKED_AT:
        text = _LAST_PIECE.sub("", text[:_LOOKED_AT])
    shown = masked(text)
    if len(shown) > MAX_VALUE:
        shown = shown[:MAX_VALUE] + "…"
    return _printable(shown)


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
