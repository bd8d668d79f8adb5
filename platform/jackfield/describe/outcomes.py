"""What can become of a request, a message and a connection of one endpoint: the codes of errors.py that apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from jackfield.config.plan import Limits
from jackfield.config.settings import keys
from jackfield.describe.contract import Operation
from jackfield.errors import CODES, Code

__all__ = ["closes", "closing_refusals", "errors", "every", "refusals"]

_ALWAYS = frozenset(
    """upgrade_required upgrade_dropped malformed_upgrade malformed_request bad_version request_too_slow
    headers_too_large wrong_host tls_required credential_in_query contradictory_credentials not_found
    too_many_connections server_full not_ready server_fault""".split()  # noqa: SIM905 - words to read, not a column of quotes
)
_KNOWN = frozenset(
    """credential_too_long bad_credential session_expired store_unavailable provider_unavailable
    too_many_of_user""".split()  # noqa: SIM905 - as above
)
"""What only an endpoint says that looks at the credential."""

_CLOSING = frozenset({401, 403, 429})
"""Statuses of the refusals that `refusals: close` turns into a close code; not that of the origin."""


def refusals(operation: Operation) -> tuple[Code, ...]:
    """The codes with which an upgrade can be refused, by status and then as errors.py has them."""
    names = {*_ALWAYS, "origin_not_allowed"}
    if operation.access.mode != "public":
        names |= _KNOWN
    if operation.access.mode == "required":
        names.add("not_logged_in")
    if operation.access.roles:
        names.add("role_required")
    if operation.origins.any and not operation.origins.required:
        names.discard("origin_not_allowed")
    if operation.groups:
        names |= {"group_full", "group_forbidden"}
    if operation.may_reject:
        names |= {"rejected", "not_in_time"}
    names |= {code for code in _LIMITED if CODES[code].moment == "handshake"}
    names -= _of_limits_off(operation)
    return tuple(sorted((CODES[name] for name in names), key=lambda code: (code.status, _ORDER[code.name])))


def closing_refusals(operation: Operation) -> tuple[Code, ...]:
    """Those of `refusals` that the endpoint sends to pages as a close frame, each with that number as its `close`."""
    if operation.refusals == "http":
        return ()
    found = (code for code in refusals(operation) if code.status in _CLOSING and code.name != "origin_not_allowed")
    return tuple(replace(code, close=4000 + code.status) for code in found)


def errors(operation: Operation) -> tuple[Code, ...]:
    """The codes with which a message can be answered; a process may have others of its own."""
    absent = _of_limits_off(operation)
    if not operation.listens:
        return tuple(CODES[name] for name in ("no_messages", "rate_limited") if name not in absent)
    absent.add("no_messages")
    if not operation.blocking:
        absent.add("busy")
    if operation.in_place:
        absent |= {"time_exceeded", "cancelled"}
    if not any(one.access.roles for one in operation.actions):
        absent.add("action_forbidden")
    if any(one.limits.rate for one in operation.actions):
        absent.discard("rate_limited")
    if not any(one.may_miss for one in operation.parts):
        absent.add("no_row")
    refused = frozenset[str]().union(*(one.refused_with for one in operation.parts))
    told = (code for code in CODES.values() if code.moment == "message" or code.name in refused)
    return tuple(code for code in told if code.name not in absent)


def closes(operation: Operation) -> tuple[Code, ...]:
    """The codes with which a connection can end, by number; a process may close with numbers of its own.

    `forbidden` is among them for everybody: a publish can take the endpoint away from the page that has it open.
    """
    absent = _of_limits_off(operation)
    if operation.access.mode == "public":
        absent |= {"session_ended", "removed"}
    if operation.limits.when_full == "refuse" or operation.access.mode == "public":
        absent.add("replaced")
    found = [code for code in CODES.values() if code.moment == "connection" and code.name not in absent]
    return tuple(sorted((*found, *closing_refusals(operation)), key=lambda code: code.close))


def _of_limits_off(operation: Operation) -> set[str]:
    """The codes that only limits bring about which are off."""
    return _LIMITED - {limit.code for limit in _LIMITS if getattr(operation.limits, limit.name) is not None}


_LIMITS = keys(Limits).values()
_LIMITED = {limit.code for limit in _LIMITS if limit.code}


def every(operations: Iterable[Operation], of: Callable[[Operation], tuple[Code, ...]]) -> tuple[Code, ...]:
    """The codes that `of`, one of the functions above, gives for any of the endpoints: each once, by number."""
    found = {code for operation in operations for code in of(operation)}
    return tuple(sorted(found, key=lambda code: (code.close, code.status, _ORDER[code.name])))


_ORDER = {name: number for number, name in enumerate(CODES)}
