"""Spans of handshakes and messages, where they are asked for, and nothing where they are not."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from jackfield.logs import log
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.gateway import open_gateway
from jackfield.server.observe.metrics import Meter
from jackfield.server.observe.spans import Spans
from jackfield.server.observe.tracing import Detail, detail, open_tracing
from jackfield.server.options import Options
from tests.server.conftest import OpenServed
from tests.server.served import Served

ENDPOINTS = """
  say: {url: /ws/say, process: p.say}
  slow: {url: /ws/slow, process: p.slow, auth: public}
  raw: {url: /ws/raw, process: echo.same, messages: text, auth: public}
"""
CODE = """
@process(reply="message")
def say(message: str) -> str:
    if message == "fail":
        raise ValueError("секрет-42")
    return message

@process(reply="message")
async def slow(message: str) -> str:
    await asyncio.sleep(0)
    return message
"""
TRACEPARENT = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


@dataclass
class Traced:
    """A provider whose spans stay in memory, and one that makes them."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def spans(self, *, messages: bool) -> Spans:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        return Spans(provider.get_tracer("jackfield"), messages=messages, close=provider.shutdown)

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.exporter.get_finished_spans()]

    @property
    def reported(self) -> str:
        return "".join(span.to_json() for span in self.exporter.get_finished_spans())


@pytest.fixture
def traced() -> Iterator[Traced]:
    yield Traced()
    log.around = None


async def served_with(open_served: OpenServed, spans: Spans) -> Served:
    """A gateway as a node opens it."""
    made: Served = await open_served(ENDPOINTS, CODE)
    await made.add("аня")
    dispatcher = Dispatcher(threads=1, traced=spans.answers)
    generation = made.gateway.live.generation
    made.gateway = open_gateway(Options(), made.sessions, generation, dispatcher, tracing=spans)
    dispatcher.close()
    return made


def facts(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_handshake_is_a_span_that_ends_with_its_outcome(open_served: OpenServed, traced: Traced) -> None:
    served = await served_with(open_served, traced.spans(messages=False))
    caller = served.call("/ws/say?q=question", [*await served.cookie("аня"), TRACEPARENT])
    await caller.accepted()
    await caller.ask({"message": "Привет"})
    (span,) = traced.exporter.get_finished_spans()
    assert span.name == "handshake say"
    found = facts(span)
    assert found["http.response.status_code"] == 101
    assert found["url.path"] == "/ws/say"
    assert found["jackfield.endpoint"] == "say"
    assert found["jackfield.connection"]
    assert span.parent is not None
    assert f"{span.parent.trace_id:032x}" == TRACEPARENT[1].split("-")[1]
    await caller.leave()
    assert len(traced.names) == 1, "the conversation is not part of it"


@pytest.mark.parametrize(("state", "kept"), [("vendor=abc-1", 1), (f"vendor=1.{'k3Jv-Q9xT0pLw7Z' * 3}.1764", 0)])
async def test_a_credential_in_the_state_of_a_trace_goes_nowhere(
    open_served: OpenServed, traced: Traced, state: str, kept: int
) -> None:
    served = await served_with(open_served, traced.spans(messages=False))
    await served.call("/ws/say", [TRACEPARENT, ("tracestate", state)]).refused()
    (span,) = traced.exporter.get_finished_spans()
    assert span.context is not None
    assert len(span.context.trace_state) == kept


async def test_a_refusal_is_reported_in_its_span(open_served: OpenServed, traced: Traced) -> None:
    served = await served_with(open_served, traced.spans(messages=False))
    assert (await served.call("/ws/say").refused()).status == 401
    (span,) = traced.exporter.get_finished_spans()
    assert facts(span)["http.response.status_code"] == 401
    assert facts(span)["error.type"] == "not_logged_in"
    assert span.status.status_code is StatusCode.UNSET, "not our fault"
    (event,) = span.events
    assert event.name == "refused"


async def test_each_message_is_a_trace_of_its_own_where_that_is_asked_for(
    open_served: OpenServed, traced: Traced
) -> None:
    served = await served_with(open_served, traced.spans(messages=True))
    caller = served.call("/ws/say", await served.cookie("аня"))
    await caller.accepted()
    for message in ("Привет", "fail", 5):
        await caller.ask({"message": message})
    first, second, third = traced.named("message say")
    assert [facts(span)["jackfield.outcome"] for span in (first, second, third)] == [
        "answered",
        "process_failed",
        "invalid_message",
    ]
    assert [span.status.status_code for span in (first, second, third)] == [
        StatusCode.UNSET,
        StatusCode.ERROR,
        StatusCode.UNSET,
    ]
    assert [event.name for event in second.events] == ["process_failed"]
    assert first.parent is None
    (handshake,) = traced.named("handshake say")
    assert facts(first)["jackfield.connection"] == facts(handshake)["jackfield.connection"]
    await caller.leave()


async def test_a_message_that_waits_is_traced_to_its_end(open_served: OpenServed, traced: Traced) -> None:
    served = await served_with(open_served, traced.spans(messages=True))
    caller = served.call("/ws/slow")
    await caller.accepted()
    await caller.ask({"message": "Привет"})
    (span,) = traced.named("message slow")
    assert facts(span)["jackfield.process"] == "p.slow"
    await caller.leave()


async def test_a_payload_that_begins_like_an_error_is_an_answer(open_served: OpenServed, traced: Traced) -> None:
    served = await served_with(open_served, traced.spans(messages=True))
    caller = served.call("/ws/raw")
    await caller.accepted()
    number, text = len(caller.sent), '{"error":{"code":"process_failed"}}'
    caller.incoming.put_nowait({"type": "websocket.receive", "text": text})
    await caller.until(number + 1)
    assert caller.sent[number]["text"] == text
    (span,) = traced.named("message raw")
    assert (facts(span)["jackfield.outcome"], span.status.status_code) == ("answered", StatusCode.UNSET)
    await caller.leave()


async def test_no_span_holds_who_it_was_or_what_was_said(open_served: OpenServed, traced: Traced) -> None:
    served = await served_with(open_served, traced.spans(messages=True))
    cookie = await served.cookie("аня")
    caller = served.call("/ws/say?q=question-7", cookie)
    await caller.accepted()
    for message in ("письмо-13", "fail"):
        await caller.ask({"message": message})
    await caller.leave()
    await served.call("/ws/say?gen_app_auth_token=abc", cookie).refused()
    assert len(traced.names) == 4
    for secret in (cookie[0][1].partition("=")[2], "аня", "question-7", "письмо-13", "секрет-42", "=abc"):
        assert json.dumps(secret)[1:-1] not in traced.reported, secret


async def test_the_log_names_the_trace(
    open_served: OpenServed, traced: Traced, caplog: pytest.LogCaptureFixture
) -> None:
    served = await served_with(open_served, traced.spans(messages=True))
    with caplog.at_level(logging.INFO, logger="jackfield"):
        caller = served.call("/ws/say", await served.cookie("аня"))
        await caller.accepted()
        await caller.ask({"message": "fail"})
        await caller.leave()
    lines = {record.getMessage().split()[0]: record.getMessage() for record in caplog.records}
    for event, name in (("connection_opened", "handshake say"), ("process_failed", "message say")):
        (span,) = traced.named(name)
        assert span.context is not None
        assert f"{span.context.trace_id:032x}" in lines[event]


async def test_what_is_not_asked_for_is_not_wrapped(open_served: OpenServed, traced: Traced) -> None:
    served = await served_with(open_served, traced.spans(messages=False))
    route = served.gateway.live.generation.table.routes["say"]
    own = Dispatcher(threads=1)
    both = own.in_place(route, {}, Meter()), own.in_task(route, {}, Meter())
    assert traced.spans(messages=False).answers(route, *both) == both
    own.close()


@pytest.mark.parametrize(
    ("option", "environment", "wanted"),
    [
        (None, {}, "off"),
        (None, {"OTEL_SERVICE_NAME": "desk"}, "off"),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, "handshakes"),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, "handshakes"),
        (None, {"OTEL_TRACES_EXPORTER": "console"}, "handshakes"),
        (None, {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, "off"),
        (None, {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, "off"),
        ("messages", {}, "messages"),
        ("messages", {"OTEL_SDK_DISABLED": "TRUE"}, "off"),
        ("off", {"OTEL_TRACES_EXPORTER": "otlp"}, "off"),
    ],
)
def test_what_asks_for_traces(option: Detail | None, environment: dict[str, str], wanted: str) -> None:
    assert detail(option, environment) == wanted


def test_where_nobody_asks_nothing_is_made() -> None:
    assert open_tracing(None, {}) is None
    assert log.around is None


def test_an_exporter_that_is_not_there_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    assert open_tracing("messages", {"OTEL_TRACES_EXPORTER": "zipkin"}) is None
    assert "traces_off" in caplog.text
    assert "otlp, console" in caplog.text
