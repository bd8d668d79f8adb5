"""What pages of other origins may ask and read of plain HTTP (the CORS protocol of the Fetch standard). Pure.

`defaults.origins` lists the pages of the project. These may log in and out from where they are, with the
cookie, and read the answers below `auth.path` and the 426 of an endpoint; an endpoint's own `origins` may read
its 426 too, since they may open it anyway. All these may import `/jackfield.js`. Everything else, the
administration above all, is for pages of our own origin alone. `origins: any` opens an endpoint to every page, and
for that reason nothing here: to read an answer that was made with the cookie is a right of pages that the plan names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from starlette.responses import Response

from jackfield.auth import origin
from jackfield.config.plan import Plan
from jackfield.errors import Refusal
from jackfield.routing.table import RoutingTable
from jackfield.server.refusal import SECURITY_HEADERS
from jackfield.server.request import Request
from jackfield.server.web import client_module

__all__ = ["MAX_AGE", "check", "check_own", "preflight", "share"]

MAX_AGE = 600
"""Seconds that a browser may keep a preflight's answer; longer, and a publish takes effect late."""


def check(request: Request, plan: Plan, *, detailed: bool = False) -> None:
    """Return if the page may use what is below `auth.path`: our own, and those of `defaults.origins`.

    Programs, which send no Origin, pass. Raises Refusal `origin_not_allowed`, whose `fix` is the line to paste;
    with `detailed` it says where.
    """
    place = partial(_place, plan) if detailed else None
    try:
        _check(request, plan.origins.allowed, place)
    except Refusal as refusal:
        fix = f"defaults: {{{refusal.fix}}}" if "origin" in refusal.more and not place else refusal.fix
        detail = f"Pages of {request.own} and of defaults.origins log in and out here, and this is none of them."
        raise Refusal(refusal.code, detail, fix, more=refusal.more) from None


def check_own(request: Request) -> None:
    """Return if the page is of our own origin, or no page asks. Raises Refusal `origin_not_allowed`."""
    try:
        _check(request, ())
    except Refusal as refusal:
        fix = f"Serve the page from {request.own}; programs send no Origin header."
        raise Refusal(refusal.code, f"This is for pages of {request.own} alone.", fix) from None


def preflight(request: Request, table: RoutingTable, *, detailed: bool = False) -> Response | None:
    """The answer to a browser that asks before it sends a page's request; None for any other request.

    `share` has to add who may read it. Raises Refusal `origin_not_allowed`.
    """
    asks = request.method == "OPTIONS" and request.values(b"origin")
    if not asks or not request.values(b"access-control-request-method"):
        return None
    if _is_auth(request, table):
        check(request, table.plan, detailed=detailed)
        methods = "GET, POST, DELETE"
    elif table.match(request.raw_path) is not None:
        _check(request, _readers(request, table), partial(_place, table.plan) if detailed else None)
        methods = "GET"
    else:
        return None
    headers = {
        **SECURITY_HEADERS,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ", ".join(["Authorization", "Content-Type", *_traced(request)]),
        "Access-Control-Max-Age": str(MAX_AGE),
    }
    return Response(status_code=204, headers=headers)


def share(response: Response, request: Request, table: RoutingTable) -> Response:
    """Let the pages concerned read an answer, whatever it is, and say to caches that it differs by Origin."""
    readers = _readers(request, table)
    if not readers:
        return response
    response.headers.add_vary_header("Origin")
    asking = request.values(b"origin")
    if len(asking) == 1 and origin.among(asking[0], readers):
        response.headers["Access-Control-Allow-Origin"] = asking[0]
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Expose-Headers"] = "Jackfield-Error, Retry-After"
    return response


# What scripts for tracing and error reports put on each request of a page; here nothing acts on them but `traceparent`
_TRACING = re.compile(
    r"""
      traceparent | tracestate | baggage                                    # W3C Trace Context, W3C Baggage
    | b3 | x-b3-(?:traceid|spanid|parentspanid|sampled|flags)               # Zipkin
    | sentry-trace | sentry-[a-z0-9-]+                                      # Sentry
    | x-datadog-[a-z0-9-]+ | newrelic | elastic-apm-traceparent             # Datadog, New Relic, Elastic
    | request-id | request-context | x-ms-[a-z0-9-]*request-(?:root-)?id    # Application Insights
    | x-(?:request|correlation|client-trace|trace|transaction)-id | correlation-id | correlation-context
    | x-amzn-trace-id | x-cloud-trace-context | grpc-trace-bin              # AWS X-Ray, Google Cloud
    | uber-trace-id | uberctx-[a-z0-9._-]+ | jaeger-(?:debug-id|baggage)    # Jaeger
    | ot-(?:tracer|baggage)-[a-z0-9-]+ | x-ot-span-context | sw8(?:-[a-z]+)?  # OpenTracing, SkyWalking
    | x-instana-[a-z]+ | x-dynatrace[a-z-]* | x-dtc | x-dtpc | x-dtreferer | x-rum-[a-z-]+  # Instana, Dynatrace
    | x-honeycomb-trace | x-splunk-requestid | x-appdynamics-[a-z-]+ | adrum(?:_[0-9a-z]+)? | x-logrocket-url
    """,
    re.VERBOSE,
)
_ASKED = 64  # names of one preflight that are looked at


def _traced(request: Request) -> list[str]:
    """The headers of those that a page wants to send which tracing adds."""
    asked = ",".join(request.values(b"access-control-request-headers")).lower().split(",", _ASKED)[:_ASKED]
    return list(dict.fromkeys(name for name in map(str.strip, asked) if _TRACING.fullmatch(name)))


def _check(request: Request, allowed: tuple[str, ...], place: Callable[[], str] | None = None) -> None:
    origins = request.values(b"origin")
    origin.check(origins, request.own, any_origin=False, allowed=allowed, required=False, place=place)


def _readers(request: Request, table: RoutingTable) -> tuple[str, ...]:
    """The origins that may read what is answered here."""
    if _is_auth(request, table):
        return table.plan.origins.allowed
    if request.raw_path.decode("latin-1") in client_module.ADDRESSES:
        endpoints = (route.endpoint for route in table.routes.values())
        return (*table.plan.origins.allowed, *(allowed for one in endpoints for allowed in one.origins.allowed))
    match = table.match(request.raw_path)
    return (*table.plan.origins.allowed, *match.route.endpoint.origins.allowed) if match is not None else ()


def _is_auth(request: Request, table: RoutingTable) -> bool:
    return request.below(table.plan.auth.path) is not None


def _place(plan: Plan) -> str:
    place = plan.place("defaults", "origins")
    return f"{place.file}:{place.line or 1}, below `defaults:`"
