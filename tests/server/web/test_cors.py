"""What pages of other origins may ask and read of plain HTTP."""

from __future__ import annotations

import pytest

from tests.server.conftest import OpenServed
from tests.server.served import PASSWORD, Answer, Headers, Served

SHOP, PREVIEW, FOREIGN = "https://shop.example.org", "https://a-1.preview.example.com", "https://evil.example"
HEAD = f'defaults: {{origins: ["{SHOP}", "https://*.preview.example.com"]}}'
SAY = """
  say: {url: /ws/say, process: p.echo}
  own: {url: /ws/own, process: p.echo, origins: ["https://partner.example"]}
  any: {url: /ws/any, process: p.echo, origins: any}
"""


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    made = await open_served(SAY, head=HEAD)
    await made.add("аня", password=PASSWORD)
    return made


def asks(origin: str, method: str = "POST") -> Headers:
    return [("origin", origin), ("access-control-request-method", method)]


def opened(answer: Answer) -> str | None:
    """The origin that may read an answer; never all of them, and never without the cookie."""
    found = answer.headers.get("access-control-allow-origin")
    assert found != "*"
    assert (answer.headers.get("access-control-allow-credentials") == "true") is (found is not None)
    return found


@pytest.mark.parametrize("origin", [SHOP, PREVIEW])
async def test_a_page_of_the_project_logs_in_from_where_it_is(served: Served, origin: str) -> None:
    page = [("origin", origin)]
    first = await served.http("OPTIONS", "/auth/login", asks(origin))
    assert (first.status, opened(first), first.body) == (204, origin, b"")
    assert "POST" in first.headers["access-control-allow-methods"]
    assert "Content-Type" in first.headers["access-control-allow-headers"]
    answer = await served.http("POST", "/auth/login", page, {"login": "аня", "password": PASSWORD})
    assert (answer.status, opened(answer), answer.headers["vary"]) == (200, origin, "Origin")
    cookie = ("cookie", answer.headers["set-cookie"].partition(";")[0])
    session = await served.http("GET", "/auth/session", [*page, cookie])
    assert (session.status, opened(session)) == (200, origin)
    caller = served.call("/ws/say", [*page, cookie])
    await caller.accepted()
    assert (await served.http("POST", "/auth/logout", [*page, cookie])).status == 200
    assert (await caller.closed())[0] == 4401


TRACED = (
    "traceparent", "tracestate", "baggage", "b3", "X-B3-TraceId", "x-b3-sampled", "sentry-trace", "x-request-id",
    "X-Correlation-ID", "x-datadog-trace-id", "x-datadog-sampling-priority", "request-id", "Request-Context",
    "newrelic", "elastic-apm-traceparent", "x-amzn-trace-id", "x-cloud-trace-context", "uber-trace-id", "uberctx-user",
    "sw8",
)  # fmt: skip


@pytest.mark.parametrize("path", ["/auth/login", "/ws/say"])
@pytest.mark.parametrize("apart", [", ", ","])
async def test_headers_that_tracing_adds_to_a_page_s_requests_are_allowed(
    served: Served, path: str, apart: str
) -> None:
    names = ["authorization", *TRACED, "content-type", "x-of-our-own", "cookie", "host"]
    asked = await served.http("OPTIONS", path, [*asks(SHOP), ("access-control-request-headers", apart.join(names))])
    assert (asked.status, opened(asked)) == (204, SHOP)
    allowed = asked.headers["access-control-allow-headers"].split(", ")
    assert allowed == ["Authorization", "Content-Type", *map(str.lower, TRACED)]


async def test_what_is_asked_for_is_bounded_and_cannot_break_the_answer(served: Served) -> None:
    many = ",".join(f"sentry-{number}" for number in range(1000))
    asked = await served.http("OPTIONS", "/auth/login", [*asks(SHOP), ("access-control-request-headers", many)])
    assert len(asked.headers["access-control-allow-headers"].split(", ")) == 2 + 64
    odd = "traceparent\tx, trace parent, sentry-trace;q=1, , baggage"
    asked = await served.http("OPTIONS", "/auth/login", [*asks(SHOP), ("access-control-request-headers", odd)])
    assert asked.headers["access-control-allow-headers"] == "Authorization, Content-Type, baggage"


async def test_what_is_refused_can_be_read_too(served: Served) -> None:
    answer = await served.http(
        "POST", "/auth/login", [("origin", SHOP)], {"login": "аня", "password": "wrong password"}
    )
    assert (answer.status, opened(answer)) == (401, SHOP)
    assert "Jackfield-Error" in answer.headers["access-control-expose-headers"]
    answer = await served.http("GET", "/auth/nothing", [("origin", SHOP)])
    assert (answer.status, opened(answer)) == (404, SHOP)


@pytest.mark.parametrize(
    "origin",
    [
        FOREIGN,
        "null",
        "http://shop.example.org",
        "https://shop.example.org:8443",
        "https://shop.example.org.evil.example",
        "https://preview.example.com",
        "https://a.b.preview.example.com",
        "https://.preview.example.com",
        "https://*.preview.example.com",
        "https://a-1.preview.example.com.evil.example",
        "https://SHOP.example.org",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/auth/login", "/auth/session", "/auth/logout"])
async def test_a_page_of_another_origin_is_refused_and_reads_nothing(served: Served, origin: str, path: str) -> None:
    method = "GET" if path == "/auth/session" else "POST"
    cookie = await served.cookie("аня")
    first = await served.http("OPTIONS", path, asks(origin, method))
    assert (first.status, opened(first)) == (403, None)
    answer = await served.http(method, path, [*cookie, ("origin", origin)], {"login": "аня", "password": PASSWORD})
    assert (answer.status, answer.json["code"], opened(answer)) == (403, "origin_not_allowed", None)
    assert "set-cookie" not in answer.headers
    assert (await served.http("GET", "/auth/session", cookie)).status == 200


async def test_a_refused_page_is_reported_the_line_to_paste(open_served: OpenServed) -> None:
    served = await open_served(SAY, head=HEAD)
    page = [("origin", "https://new.example")]
    reported = (await served.http("POST", "/auth/login", page)).json["fix"]
    assert reported == 'defaults: {origins: ["https://new.example"]}'
    first = await served.http("OPTIONS", "/auth/login", asks("https://new.example"))
    line, comment = first.json["fix"].split("  # ")
    assert line == f'origins: ["{SHOP}", "https://*.preview.example.com", "https://new.example"]'
    assert comment == "endpoints.yaml:1, below `defaults:`"
    nothing = await open_served(SAY)
    assert (await nothing.http("POST", "/auth/login", page)).json["fix"] == reported


async def test_our_own_pages_and_programs_need_no_leave(served: Served) -> None:
    for headers in ([], [("origin", "http://localhost:8000")]):
        answer = await served.http("POST", "/auth/login", headers, {"login": "аня", "password": PASSWORD})
        assert (answer.status, opened(answer)) == (200, None)
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("path", "origin", "reads"),
    [
        ("/ws/say", SHOP, True),
        ("/ws/say", PREVIEW, True),
        ("/ws/say", FOREIGN, False),
        ("/ws/say", "https://partner.example", False),
        ("/ws/own", "https://partner.example", True),
        ("/ws/own", SHOP, True),
        ("/ws/any", FOREIGN, False),
        ("/ws/any", SHOP, True),
        ("/ws/nowhere", SHOP, False),
    ],
)
async def test_who_reads_what_a_plain_request_to_an_endpoint_is_answered(
    served: Served, path: str, origin: str, reads: bool
) -> None:
    cookie = await served.cookie("аня")
    answer = await served.http("GET", path, [*cookie, ("origin", origin)])
    assert opened(answer) == (origin if reads else None)
    first = await served.http("OPTIONS", path, asks(origin, "GET"))
    if path == "/ws/nowhere":
        assert first.status == 404
    else:
        assert (first.status, opened(first)) == ((204, origin) if reads else (403, None))
    if reads and path == "/ws/own":
        would = answer.json["would"]
        assert (would and would["status"]) == (None if "partner" in origin else 403)


@pytest.mark.parametrize("path", ["/api/users", "/metrics", "/health", "/ready", "/"])
async def test_everything_else_is_for_pages_of_our_own(served: Served, path: str) -> None:
    await served.add("root", "admin")
    headers = [*await served.cookie("root"), ("origin", SHOP)]
    answer = await served.http("GET", path, headers)
    assert opened(answer) is None
    assert "vary" not in answer.headers
    if path == "/api/users":
        assert answer.status == 403
    first = await served.http("OPTIONS", path, asks(SHOP, "GET"))
    assert first.status >= 400
    assert opened(first) is None


async def test_any_origin_opens_no_login(open_served: OpenServed) -> None:
    served = await open_served(SAY, head="defaults: {origins: any}")
    for path in ("/auth/login", "/ws/say"):
        first = await served.http("OPTIONS", path, asks(FOREIGN))
        assert (first.status, opened(first)) == (403, None)


async def test_options_that_no_browser_sends_is_no_preflight(served: Served) -> None:
    for headers in ([], [("origin", SHOP)], [("access-control-request-method", "POST")]):
        assert (await served.http("OPTIONS", "/auth/login", headers)).status == 405
        assert (await served.http("OPTIONS", "/ws/say", headers)).status == 405


async def test_an_auth_path_in_any_language_is_shared(open_served: OpenServed) -> None:
    served = await open_served(SAY, head=f"{HEAD}\nauth: {{path: /вход}}")
    first = await served.http("OPTIONS", "/%D0%B2%D1%85%D0%BE%D0%B4/login", asks(SHOP))
    assert (first.status, opened(first)) == (204, SHOP)
    assert (await served.http("OPTIONS", "/auth/login", asks(SHOP))).status == 404
