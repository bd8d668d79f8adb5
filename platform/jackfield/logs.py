"""The log: one event, one line; for people on a terminal, as JSON for programs.

Never a token, a password, a query string or a payload. Our events go to the standard logger `jackfield`, so
inside another application they follow its configuration; `setup` is what `jackfield serve` configures, and
sends the libraries' own lines through the same door.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import structlog

__all__ = ["log", "setup"]

MAX_VALUE = 500
"""Characters of one value that a line holds; what a client sends must not be able to fill the disk."""

_FIELDS = "jackfield_event"


def _to_stdlib(_logger: object, _name: str, event: MutableMapping[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    """Hand an event to the standard logger: readable as it is, and whole for our own formatter."""
    exc_info = event.pop("exc_info", None)
    clean = {key: _one_line(value) if isinstance(value, str) else value for key, value in event.items()}
    name = clean.pop("event")
    line = " ".join([str(name), *(f"{key}={value!r}" for key, value in clean.items())])
    clean = {"event": name, **clean}
    return (line,), {"exc_info": exc_info, "extra": {_FIELDS: clean}}


log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
    logging.getLogger("jackfield"), processors=[_to_stdlib], wrapper_class=structlog.stdlib.BoundLogger
)
"""The one logger of the package: `log.info("event_name", key=value)`."""


def setup(style: Literal["text", "json"] = "text", stream: TextIO | None = None) -> None:
    """Send our events and those of the libraries to `stream` (stderr), one line each."""
    out = logging.StreamHandler(stream or sys.stderr)
    out.setFormatter(_Formatter(style, colours=out.stream.isatty()))
    root = logging.getLogger()
    root.handlers = [out]
    root.setLevel(logging.WARNING)
    logging.getLogger("jackfield").setLevel(logging.INFO)


class _Formatter(logging.Formatter):
    """One record as one line; a stack follows it on a terminal and stands in it as JSON."""

    def __init__(self, style: Literal["text", "json"], *, colours: bool) -> None:
        super().__init__()
        self._json = structlog.processors.JSONRenderer(ensure_ascii=False, default=str) if style == "json" else None
        self._text = structlog.dev.ConsoleRenderer(
            colors=colours, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        )

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields: Mapping[str, Any] = getattr(record, _FIELDS, None) or {"event": _one_line(record.getMessage())}
        event: dict[str, Any] = {"timestamp": moment, "level": record.levelname.lower(), **fields}
        if record.exc_info:
            if self._json is not None:
                event["exception"] = self.formatException(record.exc_info)
            else:
                event["exc_info"] = record.exc_info
        rendered = (self._json or self._text)(None, record.levelname.lower(), event)
        return rendered if isinstance(rendered, str) else rendered.decode()


def _one_line(text: str) -> str:
    """Escape what could begin a line of its own or colour a terminal, and cut what is long (OPS-1)."""
    if len(text) > MAX_VALUE:
        text = text[:MAX_VALUE] + "…"
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
