"""What can become of a request, a message and a connection of one endpoint: the codes of errors.py that apply."""

from __future__ import annotations

from jackfield.describe.contract import Operation
from jackfield.errors import CODES, Code

__all__ = ["closes", "errors", "refusals"]

_ALWAYS = ("malformed_upgrade", "bad_version", "wrong_host", "not_found", "not_ready", "server_full")
_CREDENTIALS = ("credential_in_query", "contradictory_credentials", "credential_too_long", "store_unavailable")


def refusals(operation: Operation) -> tuple[Code, ...]:
    """The codes with which an upgrade can be refused, by status and then as errors.py has them."""
    names = {"upgrade_required", *_ALWAYS, *_CREDENTIALS, "origin_not_allowed", "too_many_connections", "server_fault"}
    if operation.access.mode != "public":
        names |= {"bad_credential", "session_expired", "provider_unavailable", "too_many_of_user"}
    if operation.access.mode == "required":
        names.add("not_logged_in")
    if operation.access.roles:
        names.add("role_required")
    if operation.origins.any and not operation.origins.required:
        names.discard("origin_not_allowed")
    if operation.limits.per_address is not None:
        names.add("too_many_of_address")
    return tuple(sorted((CODES[name] for name in names), key=lambda code: (code.status, _ORDER[code.name])))


def errors(operation: Operation) -> tuple[Code, ...]:
    """The codes with which a message can be answered; a process may have others of its own."""
    absent = set()
    if operation.limits.rate is None and operation.limits.rate_per_user is None:
        absent.add("rate_limited")
    return tuple(code for code in CODES.values() if code.moment == "message" and code.name not in absent)


def closes(operation: Operation) -> tuple[Code, ...]:
    """The codes with which a connection can end; a process may close with numbers of its own."""
    absent = set()
    if operation.limits.idle is None:
        absent.add("idle")
    if operation.access.mode == "public":
        absent |= {"session_ended", "forbidden"}
    return tuple(code for code in CODES.values() if code.moment == "connection" and code.name not in absent)


_ORDER = {name: number for number, name in enumerate(CODES)}
