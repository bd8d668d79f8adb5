"""The addresses that every server has beside its endpoints: login, administration, health and metrics.

What is described here is carried out in server/; tests compare the two, address by address and code by code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote

from jackfield.config.plan import AuthSettings
from jackfield.describe.contract import JSON
from jackfield.describe.documents.http_codes import CODES_OF
from jackfield.describe.documents.people_schemas import SESSIONS
from jackfield.describe.schema.components import at
from jackfield.describe.schema.shapes import COUNT, TEXT, list_of, object_of

__all__ = ["Call", "calls"]


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one address.

    - `answer` is the schema of what is answered, with `status`; `kind` is the media type of that answer. `codes` are
      the refusals of errors.py that come instead.
    - `access` says which callers are allowed: all (`open`), logged in (`known`), the role `admin`, this role
      or `publisher` or `editor` (`publisher`, `editor`); `local` is everybody on a listener that only the server's
      machine reaches, elsewhere the role `admin`.
    - `query` are the parameters of the query string, all of which may be left out.
    - `body` is the schema of what is sent, as JSON; None where nothing is.
    - `headers` are those of the answer that matter to the caller.
    - `matched` are the headers by which the request names the text that it replaces.
    - `unready` is the schema of a 503 that is not a refusal.
    """

    method: str
    path: str
    name: str
    summary: str
    answer: JSON
    body: JSON | None = None
    status: int = 200
    kind: str = "application/json"
    headers: tuple[str, ...] = ()
    unready: JSON | None = None
    tag: str = "Login"
    access: Literal["open", "known", "publisher", "editor", "admin", "local"] = "open"
    query: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    description: str = ""


def calls(auth: AuthSettings) -> tuple[Call, ...]:
    """All of them; those of our own login and of the administration only where there is one (`auth.login`)."""
    prefix = quote(auth.path, safe="/%")
    known = _login(prefix) if auth.own else ()
    administration = tuple(replace(call, tag="Administration", access="admin") for call in _administration())
    server = tuple(replace(call, tag="Server") for call in _server())
    keys = tuple(replace(call, tag="Administration", access="admin") for call in _keys())
    kept = tuple(replace(call, tag="Administration", access="admin") for call in (*_kept(), _REFUSALS))
    outside = tuple(replace(call, tag="From outside") for call in _outside())
    processes = tuple(replace(call, tag="Processes") for call in _processes())
    files = tuple(replace(call, tag="Files") for call in (*_files(), *_additions()))
    seen = tuple(replace(call, tag="Administration", access="admin") for call in _seen())
    page = tuple(replace(call, tag="Page") for call in _page())
    administration = (*(administration if auth.own else ()), *keys, *kept, *seen)
    found = (*known, *administration, *outside, *processes, *files, *page, *server)
    described = [
        replace(call, codes=CODES_OF[call.name], description=_DESCRIPTIONS.get(call.name, "")) for call in found
    ]
    if auth.jwt is None and not auth.verify:
        return tuple(described)
    return tuple(_of_others(call) if call.name == "close-user" else call for call in described)


def _of_others(call: Call) -> Call:
    """Where other authorities know people that are no users of ours."""
    description = f"{call.description} Others than our own users can be named too."
    return replace(call, codes=tuple(code for code in call.codes if code != "no_such_user"), description=description)


_EDIT = "With `serve --edit`; for the role `editor`, tables alone."
_ADD = "With `serve --edit`. All else in the file stays as it is, with its comments."
_DESCRIPTIONS = {
    "login": "Sets the cookie, with which endpoints can be opened. It ends the session whose cookie came along. After "
    "10 failures at a login from one address, that login is refused from there for 15 minutes.",
    "logout": "The session ends everywhere, its connections close with 4401, the cookie is taken back.",
    "refresh": "For open connections as well, and never further than 30 days after the login.",
    "change-password": "All other sessions of the caller end.",
    "import-users": "Users that are there already stay as they are. Where one cannot be added, nobody is. Who comes "
    "without a password gets one that is made up, and told here alone.",
    "change-user": "All of it is changed, or nothing. Who is disabled or gets another password loses all sessions; "
    "other roles hold for open connections at once. Nobody takes the administration from themselves.",
    "close-user": "A new login is possible.",
    "add-key": "Programs send it as `Authorization: Bearer`. It is shown once; only a hash is kept.",
    "remove-key": "It opens nothing from now on, and its connections close with 4401.",
    "rotate-key": "The old one opens beside the new one for a while, `overlap`; then its connections close with 4401.",
    "refusals": "The newest first. Those of known logins, and failed logins, are kept for 7 days; of all others, and "
    "where nothing is asked for, the last 200 of this server. Equal ones in a row are one with a count.",
    "data": "The files `*.csv` in the folder `data` of the project, by name.",
    "unmatched": "Of endpoints with `inspect: unmatched`, 500 of each, the latest first; equal ones are counted. "
    "For who may change tables, too.",
    "data-file": "As it is on the disk. No cell begins like a formula.",
    "send-to-groups": "Who is in several of the groups gets it several times.",
    "send-to-user": "To all connections of the login, or to those of one endpoint.",
    "run-process": "The files as on the disk, in a program of its own. Nothing goes live, tables keep nothing. "
    "For the role `editor` of tables alone.",
    "run-examples": "As `jackfield test` does it. For the role `admin` with `--edit`, on the server's own machine.",
    "remove-member": "All connections of the login leave the group and hear nothing more of it; they stay open.",
    "endpoints": "Who may read the documents gets all of them, each with the refusal that an upgrade would get now.",
    "check-message": "Nothing is sent. The sentences are those of the error `invalid_message`.",
    "log": "At most 500, masked as in the log.",
    "close-connection": "It is closed 4403 (`removed`); its client may come again.",
    "files": f"{_EDIT} endpoints.yaml, and what is in endpoints/, processes/, examples/ and the site's folder.",
    "file": f"{_EDIT} The text as it stands in the file, without the mark before it.",
    "save-file": f"{_EDIT} Whole or not at all, with the file's encoding, permissions and line ends, which tables have "
    "as they are sent. A new file: `If-None-Match: *` in the place of `If-Match`. A Python file is imported then, in a "
    "program of its own; the problems say how it went. A new file whose name `check` would refuse is not made.",
    "remove-file": "With `serve --edit`, for the role `admin`. `If-Match` alone; endpoints.yaml stays.",
    "check": f"{_EDIT} What `jackfield check --no-import` would say with these texts. Nothing is written or imported.",
    "publish": f"{_EDIT} What `jackfield publish` does, with `--dry-run` and `--back`.",
    "changed": "With `serve --edit`, also of tables alone. What a publish would take: the names of all such files.",
    "schemas": "With `serve --edit`. JSON Schemas for editors, with the names that the files have.",
    "add-endpoint": f"{_ADD} With a new problem nothing is written, and the answer has it. What the group has goes "
    "below `groups:`.",
    "add-example": f"{_ADD} It comes below its endpoint, in the file in which that stands. "
    "With `dry_run` everybody who may enter gets the text.",
    "beginnings": "With `serve --edit`. What `jackfield new --examples` lists.",
    "begin": "With `serve --edit`. For a project without endpoints, as `jackfield new --example` does it.",
    "published": "What is kept for the way back, the newest first. Where tables are edited also for the role `editor`.",
}

_COOKIE = ("Set-Cookie",)
_NOTHING: JSON = {"type": "object", "additionalProperties": False}
_ENDED = object_of({"ended": {**COUNT, "description": "How many sessions have ended."}})


def _login(at_: str) -> tuple[Call, ...]:
    sessions, others = f"{at_}/sessions", "End all sessions of the caller but this one"
    of_caller = (
        Call("GET", f"{at_}/session", "session", "Who is logged in", at("Caller")),
        Call("POST", f"{at_}/refresh", "refresh", "Move the session's end", at("Refreshed"), headers=_COOKIE),
        Call("GET", sessions, "sessions", "List the caller's sessions", object_of({"sessions": SESSIONS})),
        Call("DELETE", sessions, "end-other-sessions", others, _ENDED),
        Call("DELETE", f"{sessions}/{{id}}", "end-session", "End one session of the caller", _NOTHING, headers=_COOKIE),
        Call("POST", f"{at_}/password", "change-password", "Change the caller's password", _ENDED, at("Passwords")),
    )
    return (
        Call("POST", f"{at_}/login", "login", "Log in", at("LoggedIn"), at("Credentials"), headers=_COOKIE),
        Call("POST", f"{at_}/logout", "logout", "Log out", _NOTHING, headers=_COOKIE),
        *(replace(call, access="known") for call in of_caller),
    )


def _administration() -> tuple[Call, ...]:
    every, one, user = "/api/users", "/api/users/{login}", at("User")
    listed, close = (
        object_of({"users": list_of(user), "roles": list_of(TEXT)}),
        "End all sessions and connections of a user",
    )
    return (
        Call("GET", every, "users", "List all users", listed),
        Call("POST", every, "add-user", "Add a user", user, at("NewUser"), 201, headers=("Location",)),
        Call("POST", f"{every}/import", "import-users", "Add many users", at("Imported"), at("NewUsers")),
        Call("GET", one, "user", "One user with the open sessions", at("UserWithSessions")),
        Call("PATCH", one, "change-user", "Change a user", user, at("UserChange")),
        Call("DELETE", one, "remove-user", "Remove a user", _NOTHING),
        Call("POST", f"{one}/close", "close-user", close, _ENDED),
    )


def _keys() -> tuple[Call, ...]:
    every, one, key, shown = "/api/keys", "/api/keys/{name}", at("Key"), at("KeyShown")
    listed = object_of({"keys": list_of(key)})
    return (
        Call("GET", every, "keys", "List all service keys", listed),
        Call("POST", every, "add-key", "Make a service key", shown, at("NewKey"), 201, headers=("Location",)),
        Call("GET", one, "key", "One service key", key),
        Call("DELETE", one, "remove-key", "Remove a service key", _NOTHING),
        Call("POST", f"{one}/rotate", "rotate-key", "Replace what opens with a key", shown, at("Rotation")),
    )


_REFUSALS = Call(
    *("GET", "/api/refusals", "refusals", "Who was refused, and why", at("Refusals")),
    query=("login", "address", "id", "search", "since", "limit"),
)


def _kept() -> tuple[Call, ...]:
    every = "/api/data"
    messages, asked = "/api/unmatched", ("endpoint", "limit", "after")
    listed, removed = "List messages that no row of a table was for", "Forget one of these messages"
    return (
        Call("GET", messages, "unmatched", listed, at("UnmatchedMessages"), query=asked),
        Call("DELETE", f"{messages}/{{id}}", "remove-unmatched", removed, _NOTHING),
        Call("GET", every, "data", "List the files of what tables keep", at("DataFiles"), query=("limit", "after")),
        Call(
            *("GET", f"{every}/{{file}}", "data-file", "One of these files", TEXT),
            kind="text/csv",
            headers=("Content-Disposition",),
        ),
    )


def _outside() -> tuple[Call, ...]:
    group, user, page = "/api/groups/{group}", "/api/users/{login}", ("limit", "after")
    remove, presence = "Take a user out of a group", "Whether a user is connected"
    delivered = at("Delivered")
    sending = (
        Call("POST", "/api/events", "send-to-groups", "Send to several groups", delivered, at("Broadcast"), 202),
        Call("POST", f"{group}/events", "send-to-group", "Send to a group", delivered, at("GroupEvent"), 202),
        Call("DELETE", f"{group}/members/{{login}}", "remove-member", remove, at("Removed"), query=("for",)),
        Call(
            *("POST", f"{user}/events", "send-to-user", "Send to a user", at("DeliveredToUser"), at("Event"), 202),
            query=("endpoint",),
        ),
    )
    seeing = (
        Call("GET", "/api/groups", "groups", "List the groups", at("Groups"), query=("search", *page)),
        Call("GET", group, "group", "Who is in a group", at("Members"), query=page),
        Call("GET", f"{user}/presence", "presence", presence, at("Presence")),
    )
    return (
        *(replace(call, access="publisher") for call in sending),
        *(replace(call, access="admin") for call in seeing),
    )


def _processes() -> tuple[Call, ...]:
    every, one, page = "/api/processes", "/api/processes/{process}", ("limit", "after")
    reading = (
        Call("GET", every, "processes", "List the processes", at("Processes"), query=page),
        Call("GET", one, "process", "One process; of a table its rows", at("Process"), query=("limit", "below")),
    )
    trying = (
        Call("POST", "/api/run", "run-process", "Try a process of the files", at("Ran"), at("Run")),
        Call("POST", "/api/test", "run-examples", "Run the examples of the files", at("Tests"), at("Test")),
    )
    return (*(replace(call, access="local") for call in reading), *(replace(one, access="editor") for one in trying))


def _page() -> tuple[Call, ...]:
    one, listed = "/api/endpoints/{name}", object_of({"endpoints": list_of(at("EndpointLine"))})
    check, faults = "What is wrong with a message, before it is sent", at("Faults")
    return (
        Call("GET", "/api/page", "page", "Who asks, and what is open to the caller", at("Page")),
        Call("GET", "/api/endpoints", "endpoints", "List the endpoints that the caller may enter", listed),
        Call("GET", one, "endpoint", "All that forms and clients need of an endpoint", at("Endpoint")),
        Call("POST", f"{one}/check", "check-message", check, faults, at("Draft")),
    )


def _files() -> tuple[Call, ...]:
    one, page, etag = "/api/files/{path}", ("limit", "after"), ("ETag",)
    checked, published, match = at("Checked"), at("Published"), ("If-Match", "If-None-Match")
    found = (
        Call("GET", "/api/files", "files", "List the files", at("Files"), query=page),
        Call("GET", one, "file", "Read a file", at("File"), headers=etag),
        Call("PUT", one, "save-file", "Save a file", at("Saved"), at("FileText"), headers=etag, matched=match),
        Call("DELETE", one, "remove-file", "Remove a file", _NOTHING, matched=match[:1]),
        Call("POST", "/api/check", "check", "Check files with other texts", checked, at("Overlay")),
        Call("GET", "/api/publish", "changed", "Which files are not live as they are", at("Standing")),
        Call("POST", "/api/publish", "publish", "Make the files live", published, at("Publish")),
        Call("GET", "/api/schemas", "schemas", "What can stand in the files", at("EditorSchemas")),
        Call("GET", "/api/published", "published", "What was published", at("PublishedBefore")),
    )
    return tuple(
        replace(call, access="admin" if call.name in ("schemas", "remove-file") else "editor") for call in found
    )


def _seen() -> tuple[Call, ...]:
    connections, asked = "/api/connections", ("endpoint", "login", "search", "limit", "after")
    lines = ("level", "search", "limit")
    return (
        Call("GET", connections, "connections", "List the open connections", at("Connections"), query=asked),
        Call("DELETE", f"{connections}/{{id}}", "close-connection", "Close a connection", _NOTHING),
        Call("GET", "/api/log", "log", "The last lines of the log", at("Log"), query=lines),
        Call("GET", "/api/status", "status", "What is served, and since when", at("Status")),
    )


def _additions() -> tuple[Call, ...]:
    every, added = "/api/endpoints", at("Added")
    example = Call("POST", f"{every}/{{name}}/examples", "add-example", "Put an example below an endpoint", added)
    for_admins = (
        Call("POST", every, "add-endpoint", "Put an endpoint into the files", added, at("EndpointForm")),
        Call("GET", "/api/examples", "beginnings", "What a project can begin with", at("Beginnings")),
        Call("POST", "/api/examples", "begin", "Begin an empty project with an example", at("Begun"), at("Beginning")),
    )
    return replace(example, body=at("ExampleForm")), *(replace(call, access="admin") for call in for_admins)


def _server() -> tuple[Call, ...]:
    fine, unready = (object_of({"status": {"const": status}}) for status in ("ok", "not ready"))
    return (
        Call("GET", "/health", "health", "Whether the process lives", fine),
        Call("GET", "/ready", "ready", "Whether new connections are taken", fine, unready=unready),
        Call("GET", "/metrics", "metrics", "Figures for Prometheus", TEXT, kind="text/plain", access="local"),
    )
