"""OpenTelemetry's spans: one for each handshake, and one for each message where that is asked for.

A span holds what the log holds, without the caller: no token, query string, payload or login. What the log is headers
within a span is an event of the span, and the line in the log names the trace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opentelemetry import context as current
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import ProxyTracerProvider, Span, SpanKind, Status, StatusCode, Tracer

from jackfield.logs import log
from jackfield.masking import masked
from jackfield.process.connection import Connection
from jackfield.routing.table import Route
from jackfield.server.answers import InPlace, InTask, Task, Writer
from jackfield.server.asgi import Application, Receive, Scope, Send
from jackfield.server.observe import redact

__all__ = ["Spans", "open_spans"]

_ERROR = b'{"error":{"code":"'  # how each error frame begins; a reply may not have that key
_OURS = frozenset({"process_failed", "time_exceeded"})  # errors of a message that are not its sender's
_KEPT = frozenset({"code", "status", "incident", "endpoint", "connection", "process", "milliseconds", "limit"})


class Spans:
    """Makes spans with `tracer`. See tracing.Tracing."""

    def __init__(self, tracer: Tracer, *, messages: bool, close: Callable[[], object] = lambda: None) -> None:
        self._tracer = tracer
        self._messages = messages
        self._close = close
        log.around = _surround

    async def close(self) -> None:
        """See Tracing."""
        log.around = None
        await asyncio.to_thread(self._close)

    def around(self, upgrade: Application) -> Application:
        """See Tracing. The span's parent is the caller's, by the header `traceparent` (W3C Trace Context)."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            # what a client says of its trace goes on to the collector: no credential may be in it
            headers = {name: value for name, value in _texts(scope["headers"]) if masked(value) == value}
            parent = propagate.extract(headers)
            span = self._tracer.start_span("handshake", parent, SpanKind.SERVER, _facts(scope))
            accepted = False

            async def traced_receive() -> Any:
                if accepted:
                    span.end()  # what follows is the conversation, which may last for days
                return await receive()

            async def traced_send(message: Any) -> None:
                nonlocal accepted
                if message["type"] == "websocket.accept":
                    accepted = True
                    span.set_attribute("http.response.status_code", 101)
                elif message["type"] == "websocket.http.response.start":
                    _refused(span, message)
                await send(message)

            token = current.attach(trace.set_span_in_context(span))
            try:
                await upgrade(scope, traced_receive, traced_send)
            finally:
                current.detach(token)
                if span.is_recording():
                    span.end()

        return traced

    def answers(self, route: Route, in_place: InPlace | None, in_task: InTask) -> tuple[InPlace | None, InTask]:
        """See Tracing. Each message begins a trace of its own; `jackfield.connection` leads to its handshake."""
        if not self._messages:
            return in_place, in_task
        name = f"message {route.name}"
        facts = {"jackfield.endpoint": route.name, "jackfield.process": route.process.name}

        def begun(connection: Connection) -> Any:
            more = {**facts, "jackfield.connection": connection.id}
            return self._tracer.start_as_current_span(
                name, Context(), SpanKind.SERVER, more, record_exception=False, set_status_on_exception=False
            )

        def traced_in_place(connection: Connection, data: bytes, came: float) -> bytes | None:
            assert in_place is not None, "wrapped below only where it is there"
            with begun(connection) as span:
                frame = in_place(connection, data, came)
                _set_status(span, frame)
                return frame

        async def traced_in_task(connection: Connection, data: bytes, task: Task, writer: Writer) -> bytes | None:
            with begun(connection) as span:
                frame = await in_task(connection, data, task, writer)
                _set_status(span, frame)
                return frame

        return None if in_place is None else traced_in_place, traced_in_task


def open_spans(*, messages: bool, exporter: str, environment: Mapping[str, str]) -> Spans:
    """Spans that go where the program's provider sends them, or else where OTEL_… says (see tracing.detail).

    A provider is there inside an application that set one, and below `opentelemetry-instrument`.
    """
    provider = trace.get_tracer_provider()
    if not isinstance(provider, ProxyTracerProvider):
        return Spans(provider.get_tracer("jackfield"), messages=messages)
    named = environment.get("OTEL_SERVICE_NAME") or "service.name=" in environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    own = TracerProvider(resource=Resource.create({} if named else {"service.name": "jackfield"}))
    out: SpanExporter = ConsoleSpanExporter() if exporter == "console" else OTLPSpanExporter()
    own.add_span_processor(BatchSpanProcessor(out))
    trace.set_tracer_provider(own)  # so that spans which processes make go there too
    return Spans(own.get_tracer("jackfield"), messages=messages, close=own.shutdown)


def _surround(event: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The trace that an event of the log belongs to; the event becomes one of the span."""
    span = trace.get_current_span()
    place = span.get_span_context()
    if not place.is_valid:
        return {}
    if span.is_recording():
        kept = {f"jackfield.{key}": value for key, value in fields.items() if key in _KEPT}
        if event == "connection_opened":
            span.update_name(f"handshake {fields['endpoint']}")
            span.set_attributes(kept)
        else:
            span.add_event(event, kept)
    return {"trace": trace.format_trace_id(place.trace_id)}


def _facts(scope: Scope) -> dict[str, str]:
    client = scope.get("client")
    return {
        "http.request.method": "GET",
        "url.scheme": scope.get("scheme", ""),
        "url.path": redact.path(scope["path"]),
        "network.peer.address": client[0] if client else "",
    }


def _refused(span: Span, message: Mapping[str, Any]) -> None:
    status = message["status"]
    span.set_attribute("http.response.status_code", status)
    for name, value in _texts(message["headers"]):
        if name == "jackfield-error":
            span.set_attribute("error.type", value)
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def _set_status(span: Span, frame: bytes | None) -> None:
    """Write down what became of a message, by the frame that answers it."""
    if type(frame) is not bytes or not frame.startswith(_ERROR):  # a payload may begin like one
        span.set_attribute("jackfield.outcome", "answered")
        return
    code = frame[len(_ERROR) : frame.index(b'"', len(_ERROR))].decode()
    span.set_attribute("jackfield.outcome", code)
    if code in _OURS:
        span.set_status(Status(StatusCode.ERROR))


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
    return ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)
