"""Every code Jackfield can speak, at the four moments when something is wrong.

    plan        PlanError(problems)       heard by the command line and the log; the old table stays
    handshake   Refusal(code, ...)        heard by the caller as HTTP, before the upgrade
    message     Reject(code, ...)         heard by the caller in an error reply; the connection lives
    connection  Closing(code, reason)     heard by the caller in the close frame

`CODES` is the only list. docs/errors.md is made from it and a test compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["CODES", "OF_JOINS", "Closing", "Code", "PlanError", "Problem", "Refusal", "Reject"]

Moment = Literal["plan", "handshake", "http", "message", "connection"]


@dataclass(frozen=True, slots=True)
class Code:
    """One code: when it is spoken, what it means in one sentence, and whether trying again can help.

    `status` is the HTTP status of a refusal, `close` the close code of a connection; 0 where there is none. `also` is
    another status with which it is sent where a refusal says so.
    `fix` is how a caller mends what was refused, sent where nothing better is known; each refusal has one.
    """

    name: str
    moment: Moment
    sentence: str
    status: int = 0
    close: int = 0
    retry: bool = False
    also: int = 0
    fix: str = ""


_FIXES: Mapping[str, str] = {
    "not_found": "Check the path; `jackfield status` lists all addresses.",
    "upgrade_required": "Open this address with a WebSocket client.",
    "bad_version": "Send Sec-WebSocket-Version: 13, as every WebSocket client of today does.",
    "method_not_allowed": "Use one of the methods that the header Allow names.",
    "upgrade_dropped": (
        "A proxy in between must pass it on. nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
        'proxy_set_header Connection "upgrade"; Apache: ProxyPass … upgrade=websocket; others: switch WebSocket on.'
    ),
    "malformed_upgrade": "Open it with a WebSocket client, or send the request as RFC 6455, section 4.2.1 has it.",
    "malformed_request": (
        "Send a request line, one Host and each header as `Name: value`, all lines ended by CR LF (RFC 9112); "
        "encode what is not ASCII in the address."
    ),
    "request_too_slow": (
        "Send the whole request at once, body included; Content-Length must not promise more than comes."
    ),
    "headers_too_large": "Send fewer or shorter headers and cookies.",
    "wrong_host": "Send one Host header, with a name by which this server is known.",
    "tls_required": "Use the https:// address, and wss:// for a WebSocket.",
    "credential_in_query": "Take it out of the address; send it as a cookie or as Authorization: Bearer ….",
    "contradictory_credentials": "Send one credential: take the others out of the cookies and headers.",
    "credential_too_long": "Send the token alone, as the login gave it.",
    "origin_not_allowed": (
        "Open it from a page of this server, or have the page's origin added to `origins` in endpoints.yaml."
    ),
    "not_logged_in": "Log in, then send the token as a cookie or as Authorization: Bearer ….",
    "bad_credential": "Log in again and send the new token.",
    "session_expired": "Log in again and send the new token.",
    "role_required": "Ask whoever keeps the users for the role, or log in as a user who has it.",
    "too_many_of_user": "Close one, or raise limits.per_user.",
    "group_full": "Wait until a member has left, or raise `members` of the group.",
    "group_forbidden": "Ask whoever runs the group; `may_join` says who may enter by themselves.",
    "rejected": "What to do is for the application to say; its own code and text stand under `error`.",
    "not_in_time": "Try again in a few seconds.",
    "too_many_connections": "Try again later.",
    "server_full": "Try again later.",
    "too_many_of_address": "Close one, or raise limits.per_address.",
    "store_unavailable": "Try again in a few seconds.",
    "provider_unavailable": "Try again in a few seconds.",
    "not_ready": "Try again in a second; another server may take over meanwhile.",
    "server_fault": "Tell whoever runs the server the incident's id; its log has the cause under it.",
    "login_failed": "Check both; capital letters count in a password.",
    "too_many_attempts": "Wait, then try again.",
    "too_many_logins": "Wait a little and try again.",
    "invalid_request": "Send a body as the documents describe it for this address.",
    "wrong_password": "Send the password that you log in with.",
    "no_such_session": "List them; perhaps it has ended already.",
    "no_such_user": "List the users; the login is spelled as it stands there.",
    "login_taken": "Choose another login, or change that user.",
    "unsupported_media_type": "Send the header Content-Type: application/json.",
    "invalid_event": 'Send a JSON object such as {"event": "changed", "order": 7}.',
    "idempotency_conflict": "Send a new key with each event, and the same body with the same key.",
    "key_taken": "Choose another name, rotate that key or remove it.",
    "no_such_key": "List the keys; the name is spelled as it stands there.",
    "no_such_connection": "List the open ones; perhaps it has been closed already.",
    "no_such_process": "List them; the name is spelled as it stands there.",
    "file_changed": "Compare the two texts, and save again with the etag of the one that is there.",
    "too_busy": "Ask again.",
    "file_unusable": "See what it is on the server's machine, and to its permissions.",
    "body_too_large": "Send less: an event has room for the smallest `limits.queue`, most bodies for 4 KiB.",
}
"""How to mend what each refusal refuses; a code without a line here cannot be made."""


def _table(*codes: Code) -> Mapping[str, Code]:
    table = {code.name: code for code in codes}
    assert len(table) == len(codes), "a code stands twice in errors.py"
    return table


def _plan(name: str, sentence: str) -> Code:
    return Code(name, "plan", sentence)


def _refusal(name: str, status: int, sentence: str, *, retry: bool = False) -> Code:
    return Code(name, "handshake", sentence, status=status, retry=retry, fix=_FIXES[name])


def _http(name: str, status: int, sentence: str, *, retry: bool = False, also: int = 0) -> Code:
    return Code(name, "http", sentence, status=status, retry=retry, fix=_FIXES[name], also=also)


def _message(name: str, sentence: str, *, retry: bool = False) -> Code:
    return Code(name, "message", sentence, retry=retry)


def _close(name: str, close: int, sentence: str, *, retry: bool = False) -> Code:
    return Code(name, "connection", sentence, close=close, retry=retry)


CODES: Mapping[str, Code] = _table(
    # plan: the file
    _plan(
        "file_missing",
        "A file is not there: endpoints.yaml, one that it names or, for `publish --back`, what was published before.",
    ),
    _plan("file_unreadable", "The file cannot be read, is a pipe or device, is not UTF-8, or is over 1 MiB."),
    _plan("yaml_syntax", "The file is not well-formed YAML."),
    _plan("yaml_feature", "The file uses a part of YAML that is refused here: tags, merge keys, alias bombs."),
    _plan("cut_by_comment", "Warning: the text before ` #` ends there, because ` #` begins a comment."),
    _plan("curly_quotes", "Warning: the quotes “ ” around a value are letters to YAML, and part of the text."),
    _plan("duplicate_key", "One key stands twice in one mapping, or one endpoint name in two places."),
    _plan("unknown_key", "The key has no meaning here."),
    _plan("missing_key", "A key that must be there is missing."),
    _plan("wrong_type", "The value is of the wrong kind, a text where a list belongs, for example."),
    _plan("wrong_value", "The value is of the right kind but not one that is allowed."),
    _plan("not_supported_yet", "The contract has this key, but this version does not carry it out yet."),
    _plan("bad_url", "The URL cannot be an endpoint's address."),
    _plan("reserved_url", "The URL belongs to Jackfield itself."),
    _plan("same_url", "Two endpoints have URLs of one shape, so a request could mean either."),
    _plan("unknown_role", "The role is not among the roles that the file declares."),
    _plan("bad_schema", "What stands under `input` is not a valid JSON Schema."),
    _plan("input_mismatch", "`input` speaks of a key that the process does not take."),
    _plan("example_mismatch", "The example does not fit what the process takes or gives."),
    _plan("no_example", "Warning: no message that fits could be made up, and the file has no example of one."),
    _plan("unknown_client", "The example has no client of this name."),
    # plan: the processes
    _plan("broken_module", "A file under processes/ cannot be read or imported."),
    _plan("unknown_process", "No process has this name."),
    _plan("broken_process", "A hint, a default or a decorator of the process raises when it is looked at."),
    _plan("bad_signature", "The process has a parameter that a JSON message cannot fill."),
    _plan("bad_hint", "A type hint is one that a JSON message cannot carry."),
    _plan("bad_reply", "The return type is one that a JSON reply cannot carry, or uses a key that is ours."),
    _plan("bad_path_parameter", "A path parameter and the process do not agree."),
    _plan("bad_table", "A table of processes/ is no table, or has a cell that cannot be taken as it stands."),
    _plan("ambiguous_number", "A number of a table can be read in two ways, as `1,5` where commas separate the cells."),
    _plan("spreadsheet_damage", "A cell holds what a spreadsheet made of it: `#NAME?`, `####`, `1,2E+15`."),
    _plan("doubtful_table", "Warning: messages that fit no row of a table, or what it most likely does not mean."),
    _plan("no_table", "Warning: an endpoint keeps messages that no row of a table is for, and no table answers there."),
    _plan("lost_process", "Warning: a later process of the same file has the same name."),
    _plan("blocking_call", "Warning: the process waits on the event loop, and everybody waits with it."),
    _plan("not_awaited", "Warning: a coroutine is made and not awaited, so it never runs."),
    _plan(
        "doubtful_hint",
        "Warning: a parameter has no hint, or a hint does not fit the resource, default or answer it is for.",
    ),
    _plan("bad_resource", "A resource is not an async generator function with one yield, or takes what nothing gives."),
    _plan("resource_failed", "A resource could not be opened."),
    _plan("needs_restart", "The plan needs something that the server only has when it is started with it."),
    _plan("bad_verify", "`auth.verify` names no function of processes/ that takes a credential and a request."),
    _plan("bad_group", "A pattern of groups makes no names, or `reply_to` has no group that could get the reply."),
    _plan("bad_feed", "`feed` names no async generator that can do with what there is."),
    _plan("bad_event", "`events` names no class that an event can be, or an event that is Jackfield's own."),
    _plan("bad_wait", "The process waits for its client, by `next` or `request`, where nothing of it can come."),
    _plan("bad_hook", "`on_connect` or `on_disconnect` names no process that can do with what there is."),
    _plan("bad_site", "The folder of `site` is not there or cannot be read, or holds what is never served."),
    _plan("too_slow", "Loading the processes took longer than the time limit."),
    _plan("cookie_needs_tls", "Browsers take the cookie over TLS alone, and the listener has none."),
    # handshake
    _refusal("not_found", 404, "No endpoint has this address, or no group this name."),
    _refusal("upgrade_required", 426, "This address speaks WebSocket; a plain request gets its address instead."),
    _refusal("bad_version", 426, "Only version 13 of the WebSocket protocol is spoken (RFC 6455, section 4.2.2)."),
    _refusal("method_not_allowed", 405, "The address is there, but not for this method."),
    _refusal("upgrade_dropped", 426, "Something between client and server took the header Upgrade away."),
    _refusal("malformed_upgrade", 400, "The upgrade request breaks RFC 6455, section 4.2.1."),
    _refusal("malformed_request", 400, "The request is not well-formed HTTP/1.1."),
    _refusal("request_too_slow", 408, "The request did not come to its end within five seconds.", retry=True),
    _refusal(
        "headers_too_large",
        431,
        "The head of the request is longer than 16 KiB, or has a line or a number of headers that is too large.",
    ),
    _refusal("wrong_host", 400, "The Host header is not a name of this listener, or a request of HTTP/1.0 has none."),
    _refusal("tls_required", 403, "The public address is https://, and this request came to the proxy without TLS."),
    _refusal("credential_in_query", 400, "A credential stands in the query string, where logs would keep it."),
    _refusal("contradictory_credentials", 400, "The request carries two credentials that differ."),
    _refusal("credential_too_long", 400, "The credential is longer than 4 KiB, which no token of ours is."),
    _refusal("origin_not_allowed", 403, "Pages of this origin may not open this endpoint."),
    _refusal("not_logged_in", 401, "The endpoint needs a login and the request carries no credential."),
    _refusal("bad_credential", 401, "The credential is not one of ours, was changed, or has been ended."),
    _refusal("session_expired", 401, "The session has run out."),
    _refusal("role_required", 403, "The endpoint is for callers who have a role that this one has not."),
    _refusal(
        "too_many_of_user",
        429,
        "The user has as many connections to this endpoint as are allowed.",
        retry=True,
    ),
    _refusal("group_full", 429, "A group of the endpoint has as many members as it may have.", retry=True),
    _refusal("group_forbidden", 403, "The group is closed to the caller."),
    _refusal("rejected", 403, "The endpoint's `on_connect` does not let the caller in; `error` has its own code."),
    _refusal("not_in_time", 503, "`on_connect`, or what came for the caller meanwhile, took too much.", retry=True),
    _refusal("too_many_connections", 503, "The endpoint has as many connections as are allowed.", retry=True),
    _refusal("server_full", 503, "The server has as many connections as it can hold.", retry=True),
    _refusal(
        "too_many_of_address",
        429,
        "The address has as many connections to this endpoint as are allowed.",
        retry=True,
    ),
    _refusal("store_unavailable", 503, "The store of users and sessions does not answer.", retry=True),
    _refusal("provider_unavailable", 503, "What judges this credential does not answer.", retry=True),
    _refusal("not_ready", 503, "The server is starting or stopping.", retry=True),
    _refusal("server_fault", 500, "Something failed on our side; the log has it under the incident's id."),
    # plain HTTP
    _http("login_failed", 401, "The login or the password is wrong."),
    _http("too_many_attempts", 429, "Too many logins with this name or from this address failed.", retry=True),
    _http("too_many_logins", 503, "More logins arrive than can be checked at once.", retry=True),
    _http("invalid_request", 400, "The body is not what this address expects."),
    _http("wrong_password", 403, "The old password is wrong."),
    _http("no_such_session", 404, "The user has no open session with this id."),
    _http("no_such_user", 404, "There is no user with this login."),
    _http("login_taken", 409, "There is a user with this login already."),
    _http("unsupported_media_type", 415, "The body must be JSON, with Content-Type: application/json."),
    _http("body_too_large", 413, "The body is longer than this address takes: 4 KiB, or an event's `limits.queue`."),
    _http("invalid_event", 400, "What is to be sent is no event: a JSON object with its name under `event`."),
    _http(
        "idempotency_conflict",
        409,
        "The Idempotency-Key is of a request with another body (422), or of one that is being carried out.",
        retry=True,
        also=422,
    ),
    _http("key_taken", 409, "There is a service key with this name already."),
    _http("no_such_key", 404, "There is no service key with this name."),
    _http(
        "file_changed", 412, "The file is another than the one that was edited; `text` and `etag` are what is there."
    ),
    _http("file_unusable", 409, "The file is a link, no plain file, no UTF-8 or over 1 MiB, or cannot be written."),
    _http("too_busy", 503, "More is to be checked or tried than can be at once.", retry=True),
    _http("no_such_connection", 404, "There is no open connection with this id."),
    _http("no_such_process", 404, "There is no process with this name in what is live."),
    # message
    _message("invalid_message", "The message is not a JSON object of the shape that the endpoint takes."),
    _message("no_messages", "This endpoint only speaks: it takes no messages."),
    _message("message_too_long", "The message is longer than `limits.message`."),
    _message("rate_limited", "Messages came faster than `limits.rate`; this one was not processed.", retry=True),
    _message("process_failed", "The process failed; the log has it under the incident's id."),
    _message("time_exceeded", "The process took longer than `limits.time`.", retry=True),
    _message("action_forbidden", "The action is for callers who have a role that this one has not."),
    _message("cancelled", "The client took its message back with `$cancel`."),
    _message("no_row", "No row of the table fits the message."),
    _message("busy", "All threads for blocking processes are taken.", retry=True),
    # connection
    _close("normal", 1000, "The process closed the connection and gave no code."),
    _close("protocol_error", 1002, "The client broke RFC 6455."),
    _close("bad_utf8", 1007, "A text frame was not UTF-8."),
    _close("too_big", 1009, "A message was longer than twice `limits.message`; its body was not read."),
    _close("failed", 1011, "Something failed on our side.", retry=True),
    _close("restart", 1012, "The server restarts, or the endpoint is gone.", retry=True),
    _close("session_ended", 4401, "The session was ended or has run out."),
    _close("forbidden", 4403, "The user may no longer use this endpoint."),
    _close("removed", 4403, "The connection was closed by whoever runs the application."),
    _close("too_slow_reader", 4408, "The client did not read what was sent to it.", retry=True),
    _close("replaced", 4408, "The user opened another connection, and has no room for so many: `when_full`."),
    _close("idle", 4408, "Neither side said anything for `limits.idle`."),
    _close("flood", 4429, "The client sent too much: messages far beyond `limits.rate`, for example.", retry=True),
)

OF_JOINS = frozenset({"group_forbidden", "group_full", "not_found"})
"""Refusals that answer messages too, where a process joins the client to a group."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault found at load: where it is, what it is, and how to mend it.

    `line` and `column` count from 1; 0 means the whole file. A warning does not stop a plan.
    """

    code: str
    message: str
    hint: str = ""
    path: str = ""
    file: str = "endpoints.yaml"
    line: int = 0
    column: int = 0
    severity: Literal["error", "warning"] = "error"

    def __post_init__(self) -> None:
        assert self.code in CODES, f"{self.code} is not in errors.CODES"

    def __str__(self) -> str:
        place = ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])
        text = f"{self.message}; {self.hint}" if self.hint else self.message
        kind = "warning: " if self.severity == "warning" else ""
        return f"{place}: {self.path + ': ' if self.path else ''}{kind}{text} [{self.code}]"


class PlanError(Exception):
    """The plan has problems and does not go live. `problems` holds all of them, warnings too."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Refusal(Exception):
    """A request that may not enter; sent to the caller as `application/problem+json` (RFC 9457).

    To a process it says that a connection may not enter a group, by its `code`.

    `detail` says what is wrong here, `fix` how to mend it, both as the table has them where nothing is given, and so is
    `status`.
    `retry_after` is in seconds. `id` is what the caller is told to read out, given where the refusal is noted. Not
    sent are `login`, that of the known caller whom it concerns, `tried`, by which tried logins are told apart, and
    `cause`, why a login failed, for administrators.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        fix: str = "",
        *,
        retry_after: int | None = None,
        more: Mapping[str, Any] | None = None,
        status: int = 0,
        login: str = "",
    ) -> None:
        self.code = code
        self.status = status or CODES[code].status
        self.detail = detail or CODES[code].sentence
        self.fix = fix or CODES[code].fix
        self.retry_after = retry_after
        self.more = dict(more or {})
        self.login = login
        self.tried = ""
        self.cause = ""
        self.id = ""
        super().__init__(f"{self.status} {code}: {self.detail}")


class Reject(Exception):
    """Raised by a process to answer an error of its own; the connection lives.

    `code` is a name of the process's own, at most 64 characters, and not one of Jackfield's codes but `no_row`, which
    tables answer.
    `details` stand in the error beside code and message and must be JSON. Raises ValueError for another code and
    for half of a surrogate pair, TypeError for a message that is no text.
    """

    def __init__(self, code: str, message: str = "", **details: Any) -> None:
        code = _plain(code) if isinstance(code, str) else ""
        if not code or len(code) > 64:
            raise ValueError("Reject takes a code of 1 to 64 characters, for example Reject('out_of_stock')")
        if code in CODES and code != "no_row":
            raise ValueError(f"{code!r} is one of Jackfield's own codes; choose a name of your own")
        if not isinstance(message, str):
            raise TypeError(f"Reject takes a sentence as its message, not a {type(message).__name__}")
        self.code = code
        self.message = _plain(message) or code.replace("_", " ")
        self.details = details
        super().__init__(f"{code}: {self.message}")


def _plain(text: str) -> str:
    """The text as a str of Python's own, whatever a class of the process's own says that it is."""
    try:
        return str.encode(text).decode()
    except UnicodeEncodeError:
        raise ValueError("Reject takes no text with half of a surrogate pair, which is not Unicode") from None


class Closing(Exception):
    """The connection ends: `code` is a name from the table, `reason` at most 123 bytes of UTF-8."""

    def __init__(self, code: str, reason: str = "") -> None:
        self.code = code
        self.number = CODES[code].close
        self.reason = reason or CODES[code].sentence
        super().__init__(f"{self.number} {code}: {self.reason}")
