"""The log: one event, one line, on stderr; for people on a terminal, as JSON for programs.

Never a token, a password, a query string or a payload. uvicorn's own lines go through the same door.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal, TextIO

import structlog

__all__ = ["log", "setup"]

log: structlog.stdlib.BoundLogger = structlog.get_logger("jackfield")
"""The one logger of the package: `log.info("event_name", key=value)`."""

MAX_VALUE = 500
"""Characters of one value that a line holds; what a client sends must not be able to fill the disk."""


def setup(style: Literal["text", "json"] = "text", stream: TextIO | None = None) -> None:
    """Send our events and those of the libraries to `stream` (stderr), one line each."""
    stream = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if style == "json" else _keep,
        _cut,
    ]
    last: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        else structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    out = logging.StreamHandler(stream)
    out.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [out]
    root.setLevel(logging.WARNING)
    logging.getLogger("jackfield").setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


def _keep(_logger: object, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    return event


def _cut(_logger: object, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Escape control characters and cut long values, so that one event is one line (OPS-1)."""
    for key, value in event.items():
        if key in ("exception", "exc_info") or key.startswith("_"):
            continue
        if isinstance(value, str):
            event[key] = _one_line(value)
    return event


def _one_line(text: str) -> str:
    if len(text) > MAX_VALUE:
        text = text[:MAX_VALUE] + "…"
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
