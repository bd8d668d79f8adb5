"""The log: one event, one line; for people on a terminal, as JSON for programs.

Never a token, a password, a query string or a payload. Our events go to the standard logger `jackfield`, so
inside another application they follow its configuration; `setup` is what `jackfield serve` configures, and
sends the libraries' own lines through the same door.

Strategy: two lines are written per connection, so a line must be cheap. Nothing is formatted for a level that
nobody hears, the record is made here without the standard library's search for its caller, and a line that
needs neither colours nor a stack is put together by hand, in the words that structlog would choose.
"""

from __future__ import annotations

import inspect
import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import structlog

__all__ = ["Log", "log", "setup"]

MAX_VALUE = 500
"""Characters of one value that a line holds; what a client sends must not be able to fill the disk."""

_FIELDS = "jackfield_event"
_QUOTED = frozenset(" \t=\r\n\"'")  # a value with one of these stands in quotes
_LEVEL_WIDTH = 9


class Log:
    """Tells events to a standard logger: `log.info("event_name", key=value)`.

    `exc_info` is an exception, whose stack follows the line. Control characters are escaped and long texts cut
    (MAX_VALUE), so that no value makes a line of its own (CWE-117).
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, event: str, **fields: Any) -> None:
        """Tell what only a developer of Jackfield wants to hear."""
        self._tell(logging.DEBUG, event, None, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Tell what is as it should be."""
        self._tell(logging.INFO, event, None, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Tell what somebody should look at some day."""
        self._tell(logging.WARNING, event, None, fields)

    def error(self, event: str, *, exc_info: BaseException | None = None, **fields: Any) -> None:
        """Tell what is broken."""
        self._tell(logging.ERROR, event, exc_info, fields)

    def exception(self, event: str, **fields: Any) -> None:
        """Tell what is broken, with the exception that is being handled."""
        self._tell(logging.ERROR, event, sys.exception(), fields)

    def _tell(self, level: int, event: str, exc: BaseException | None, fields: Mapping[str, Any]) -> None:
        logger = self._logger
        if not logger.isEnabledFor(level):
            return
        clean: dict[str, Any] = {"event": event}
        for key, value in fields.items():
            clean[key] = _one_line(value) if isinstance(value, str) else value
        file, line, function = _caller()
        stack = None if exc is None else (type(exc), exc, exc.__traceback__)
        message = _Message(clean)
        extra = {_FIELDS: clean}
        logger.handle(logger.makeRecord(logger.name, level, file, line, message, (), stack, function, extra))


log = Log(logging.getLogger("jackfield"))
"""The one log of the package."""


def setup(style: Literal["text", "json"] = "text", stream: TextIO | None = None) -> None:
    """Send our events and those of the libraries to `stream` (stderr), one line each."""
    out = logging.StreamHandler(stream or sys.stderr)
    out.setFormatter(_Json() if style == "json" else _Text(colours=out.stream.isatty()))
    root = logging.getLogger()
    root.handlers = [out]
    root.setLevel(logging.WARNING)
    logging.getLogger("jackfield").setLevel(logging.INFO)


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

    def __init__(self) -> None:
        super().__init__()
        self._encode = json.JSONEncoder(ensure_ascii=False, default=str).encode

    def format(self, record: logging.LogRecord) -> str:
        event = _event(record)
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return self._encode(event)


class _Text(logging.Formatter):
    """One record as one line for people; a stack follows it."""

    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self._colours = colours
        self._render = structlog.dev.ConsoleRenderer(
            colors=colours, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        )

    def format(self, record: logging.LogRecord) -> str:
        event = _event(record)
        if self._colours or record.exc_info:
            return self._render(None, event["level"], {**event, "exc_info": record.exc_info})
        head = f"{event.pop('timestamp')} [{event.pop('level'):<{_LEVEL_WIDTH}}] {event.pop('event')}"
        return " ".join([head, *[f"{key}={_shown(event[key])}" for key in sorted(event)]]).rstrip(" ")


def _event(record: logging.LogRecord) -> dict[str, Any]:
    """What a record tells, with its time and level first; also of a library's."""
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields: Mapping[str, Any] = getattr(record, _FIELDS, None) or {"event": _one_line(record.getMessage())}
    return {"timestamp": moment, "level": record.levelname.lower(), **fields}


def _caller() -> tuple[str, int, str | None]:
    """File, line and function that told the event: two calls above the one that asks."""
    frame = inspect.currentframe()
    for _ in range(3):
        frame = None if frame is None else frame.f_back
    return ("", 0, None) if frame is None else (frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def _shown(value: object) -> str:
    """A value as structlog's ConsoleRenderer shows it."""
    return value if isinstance(value, str) and _QUOTED.isdisjoint(value) else repr(value)


def _one_line(text: str) -> str:
    """Escape what could begin a line of its own or colour a terminal, and cut what is long (OPS-1)."""
    if len(text) > MAX_VALUE:
        text = text[:MAX_VALUE] + "…"
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
