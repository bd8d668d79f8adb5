"""Whether traces are asked for, and the lazy import of what makes them (spans.py, with `jackfield[otel]`).

Strategy: decided once, when a server opens. What traces wraps what is traced then; where they are off, nothing
is wrapped, and OpenTelemetry is not even loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Literal, Protocol

from jackfield.logs import log
from jackfield.routing.table import Route
from jackfield.server.answers import InPlace, InTask
from jackfield.server.asgi import Application

__all__ = ["EXPORTERS", "Detail", "Tracing", "detail", "open_tracing"]

Detail = Literal["off", "handshakes", "messages"]

EXPORTERS = ("otlp", "console")
"""Values of OTEL_TRACES_EXPORTER that are carried out; `none` is off."""


class Tracing(Protocol):
    """What makes spans. Implemented by spans.Spans."""

    def around(self, upgrade: Application) -> Application:
        """`upgrade`, from the request to its outcome, with a span around; called once by the gateway."""

    def answers(self, route: Route, in_place: InPlace | None, in_task: InTask) -> tuple[InPlace | None, InTask]:
        """What answers an endpoint's messages, with a span around each where that is asked for; called at load."""

    async def close(self) -> None:
        """Send what is left to send; called when the server closes. Takes seconds where no collector answers."""


def detail(option: Detail | None, environment: Mapping[str, str]) -> Detail:
    """What is traced: what `--trace` says, else what the variables of OpenTelemetry ask for.

    They ask for handshakes when OTEL_TRACES_EXPORTER or the address of a collector is there, and
    OTEL_SDK_DISABLED is not `true`. Messages are traced by `--trace messages` alone.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return "off"
    if option is not None:
        return option
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    if exporter:
        return "off" if exporter == "none" else "handshakes"
    addresses = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return "handshakes" if any(environment.get(name) for name in addresses) else "off"


def open_tracing(option: Detail | None, environment: Mapping[str, str]) -> Tracing | None:
    """What traces, or None where nothing is to be traced. What keeps it from tracing is a warning, no failure."""
    wanted = detail(option, environment)
    if wanted == "off":
        return None
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if exporter not in EXPORTERS:
        log.warning("traces_off", reason=f"OTEL_TRACES_EXPORTER is {exporter}; use one of {', '.join(EXPORTERS)}")
        return None
    try:
        spans = import_module("jackfield.server.observe.spans")
    except ImportError as exc:
        log.warning("traces_off", reason=f"{exc}; install them with: pip install 'jackfield[otel]'")
        return None
    made: Tracing = spans.open_spans(messages=wanted == "messages", exporter=exporter, environment=environment)
    return made
