"""What must hold: the rows that tests carry in their names, or in a mark.

A test `test_tr_6_…`, and one with `@pytest.mark.shows("TR-6")`, holds row TR-6, in whichever room it stands: here are
those that need several rooms. docs/security.md is made from these rows and from the tests that exist (`python -m
tests.house.security_page`), so no row stands there as held because somebody says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["GROUPS", "ROWS", "Row", "row_of"]

GROUPS = {
    "TR": "Transport and handshake",
    "AU": "Login",
    "TK": "Token, cookie, session",
    "MS": "Messages and resources",
    "CF": "Configuration, processes, extension",
    "OPS": "Logging, failure, supply chain",
    "REL": "Reliability",
}
"""The groups of rows, in the order of the page."""


@dataclass(frozen=True, slots=True)
class Row:
    """One statement. `deviation` says where we depart from the source of the demand, and why.

    `rest` is the part of the statement that no test shows; with it a row is never "held", only
    "in part".
    """

    id: str
    requirement: str
    deviation: str = ""
    rest: str = ""

    @property
    def group(self) -> str:
        """The letters before the number."""
        return self.id.partition("-")[0]


_TEST = re.compile(r"test_([a-z]+)_([0-9]+)_\w+")


def row_of(test: str) -> str:
    """The id of the row that a test function holds by its name, empty for a test that holds none."""
    match = _TEST.fullmatch(test)
    known = match is not None and match[1].upper() in GROUPS
    return f"{match[1].upper()}-{match[2]}" if match and known else ""


ROWS: tuple[Row, ...] = (
    # transport and handshake
    Row("TR-1", "Outside of loopback the server starts with TLS, behind a declared proxy, or not at all."),
    Row(
        "TR-2",
        "A page may connect only from the server's own origin or one that the endpoint names, letter by letter.",
        "A request without `Origin` passes unless `origin_required: true`: it comes from a program, and a program "
        "could write any origin.",
    ),
    Row("TR-3", "Only RFC 6455 version 13 over GET and HTTP/1.1; a subprotocol that was not offered is not answered."),
    Row("TR-4", "A credential in the URL is refused and appears in no log and no metric."),
    Row("TR-5", "A client cannot choose its address: forwarded headers count only from a declared proxy."),
    Row("TR-6", "A handshake that does not come to its end is closed after 5 s."),
    Row("TR-7", "The head of a request is bounded."),
    Row(
        "TR-8",
        "Connections are bounded in all, per user and per address; those that say nothing give way to others, and the "
        "counts return to nothing.",
    ),
    Row(
        "TR-9",
        "Two Hosts, two lengths, folded lines, bare line feeds and control characters are refused with 400 and a "
        "`fix`; no header is split.",
    ),
    Row("TR-10", "Routing and authorization decide on one normal form of the raw path."),
    Row("TR-11", "Compression is off unless asked for (CRIME, BREACH)."),
    Row("TR-12", "Only documented methods, security headers on every answer, no CORS for everybody."),
    Row("TR-13", "Every route, WebSocket or HTTP, asks who is calling unless it is one that is meant to be open."),
    # login
    Row(
        "AU-1",
        "Bad logins are limited per account, address and network, and nobody can lock somebody else out.",
        "A password at an address from which the login never came in shares one try in ten seconds with an attack "
        "that comes from the same network, or from more than 200 unrelated ones.",
    ),
    Row("AU-2", "Unknown, disabled and wrong password get the same answer, byte by byte."),
    Row("AU-3", "Unknown and disabled users cost the same work as a wrong password."),
    Row("AU-4", "Passwords are kept as Argon2id, 19 MiB, t=2, p=1 at least; older hashes are renewed at login."),
    Row("AU-5", "Secrets are compared in constant time."),
    Row("AU-6", "Passwords of 8 characters to 1,024 bytes, exact bytes, no rule of composition, nothing cut."),
    Row("AU-7", "There is no default account: the first admin's password is random and told once."),
    Row("AU-8", "A login is JSON from our own pages; forms and pages of other origins are refused."),
    Row("AU-9", "Bodies are bounded in size, depth and time."),
    Row("AU-10", "Every way to log in obeys the same limits."),
    Row("AU-11", "Every login attempt is logged, without password and token."),
    # token, cookie, session
    Row("TK-1", "A token is verified before anything of it is read; no algorithm is taken from the token."),
    Row("TK-2", "The end of a token is inside its signature; sessions have an absolute and an idle limit."),
    Row("TK-3", "Signing keys rotate without a restart and without dropping sockets."),
    Row("TK-4", "A token has one spelling; after a logout none works."),
    Row("TK-5", "Logout, a new password, a disabled user and an administrator end open sockets at once."),
    Row(
        "TK-6",
        "A session that ends during a connection closes it then, and within a second where the wall clock is set; a "
        "warning comes before where it is asked for.",
    ),
    Row("TK-7", "Each login is a new session with a random id of 256 bits; a planted cookie is not adopted."),
    Row(
        "TK-8",
        "The cookie is `HttpOnly`, `Secure` on TLS, `SameSite`, without `Domain`, lives as long as its session, and is "
        "taken back at logout.",
        "Its name is `gen_app_auth_token`, because existing clients send that one, so it has no `__Host-` prefix. All "
        "that the prefix demands is set, but for `Path`, which is that of a mount or of `--public-url` where there is "
        "one; `auth.cookie: __Host-…` gives the prefix too.",
    ),
    Row(
        "TK-9",
        "Of several cookies with our name none wins.",
        "Two with the same value are one: Postman sends its own beside the one that was written by hand. Two that "
        "differ are refused (400).",
    ),
    Row(
        "TK-10",
        "No page can read the token, and no cache keeps it.",
        "The answer to a login holds the token too, because people paste it into Postman. "
        "`auth.token_in_body: false` keeps it out.",
    ),
    Row(
        "TK-11",
        "Roles are asked at every handshake, action and join of a group; one that is taken away counts for the next "
        "message, and takes its user out of the groups that it opened.",
    ),
    Row("TK-12", "Users see and end their own sessions; the number of sessions per user is bounded."),
    # messages and resources
    Row("MS-1", "Every message is checked against the endpoint's schema before the process sees it."),
    Row("MS-2", "Every trap of JSON has one stated answer."),
    Row("MS-3", "Binary, empty and wrong messages get an error and the connection lives."),
    Row("MS-4", "Nothing that a process returns or raises kills the connection without a close frame."),
    Row(
        "MS-5",
        "A message has a largest size, which is enforced before its body is read.",
        "Up to twice the limit the answer is the error `message_too_long` and the connection lives, so that a person "
        "reads what was wrong; above that it is closed 1009 before the body is read.",
    ),
    Row("MS-6", "Fragments of one message are bounded in number, by what they bring, and in a second."),
    Row("MS-7", "Compressed messages cannot grow beyond the limit."),
    Row(
        "MS-8",
        "Patterns and schemas are bounded in the processor time that a message can cost, also where it is not valid; "
        "many messages of one client take turns with those of all others.",
        rest="A process of the project that computes on the event loop holds it; the log names it.",
    ),
    Row("MS-9", "More than 20 pings a second over 5 s are closed 4429, and pongs that nobody reads take no memory."),
    Row(
        "MS-10",
        "Messages are limited per connection and per user; a flood is closed and concerns nobody else.",
    ),
    Row(
        "MS-11",
        "What waits for a client that does not read is bounded, then the client is closed and freed; what waits "
        "because it sends faster than its process works is bounded as well.",
        "What is pushed closes it as soon as more than `limits.queue` waits. A client that takes no replies is read no "
        "further, so nothing more is made for it, and is closed 4408 when it has taken nothing for 30 s, where 5 s are "
        "asked for: a phone that changes networks is away as long, and until then it costs what is bounded anyway.",
    ),
    Row("MS-12", "No reply, event or log line of one user reaches another."),
    Row("MS-13", "A message that is sent twice under one id runs once."),
    Row("MS-14", "Peers that vanished are closed and freed."),
    # configuration, processes, extension
    Row("CF-1", "YAML is read by a safe loader alone."),
    Row("CF-2", "Alias bombs, depth, size, duplicate keys and cycles are refused with file and line."),
    Row("CF-3", "Surprises of YAML 1.1 are errors or documented values."),
    Row("CF-4", "A process is a name below `processes/`, never a path, a module elsewhere or an attribute of Python."),
    Row("CF-5", "No text from outside is evaluated or used as a template."),
    Row("CF-6", "Requests that the configuration lets the server make cannot reach inner addresses."),
    Row(
        "CF-7",
        "Every pattern that a text of a client's meets, in hints, path parameters and `input:`, runs in linear time or "
        "is refused with its place.",
    ),
    Row("CF-8", "Secrets are in no configuration, page, metric, log or error; weak keys are refused at the start."),
    Row(
        "CF-9",
        "A broken configuration never replaces a good one, and no code of the project ends the server by accident.",
        "Processes run in the server and are trusted: `os._exit`, a signal to the own process, a handler given to "
        "`signal.signal` and a crash in C end it, and code in C that never gives Python its turn holds it up. "
        "What a load changes in Python itself (`builtins`, the recursion limit) stays changed when it is refused.",
    ),
    Row(
        "CF-10",
        "What comes from other programs, from the bus or the store is data, never code.",
        rest="There is no bus between nodes yet.",
    ),
    Row("CF-11", "SQL is parameterised."),
    Row("CF-12", "Documents, metrics and administration are open by listener or to administrators, not to the public."),
    # logging, failure, supply chain
    Row("OPS-1", "Nothing that a client sends can make or forge a log line."),
    Row(
        "OPS-2",
        "Query strings and tokens are never logged, whole or in pieces, wherever a request holds them and whatever "
        "fails over it.",
        "A log cannot know a password that looks like a word. So a refused login is told by a hash unless somebody has "
        "it, and a password that somebody puts into an address is told where it has not the shape of a credential.",
    ),
    Row("OPS-3", "Handshakes, closes, logins and violations are logged with what is needed to follow them."),
    Row("OPS-4", "Faults of ours are told without their cause, and what cannot be checked is refused."),
    Row("OPS-5", "Dependencies have floors, a bill of materials and an audit."),
    Row("OPS-6", "The documents state limits, times and logs with the numbers of the code."),
    # reliability
    Row("REL-1", "10,000 idle connections fit into 600 MB and a tenth of a core."),
    Row("REL-2", "10,000 connections at once after a restart are all accepted within a minute."),
    Row("REL-3", "Numbered events survive cuts of the network: none lost, doubled or out of order."),
    Row("REL-4", "Requests under the same cuts run once or fail openly."),
    Row("REL-5", "A worker that is killed concerns its own clients alone, and they come back."),
    Row("REL-6", "A stop answers what is being answered, and closes with a reason."),
    Row("REL-7", "Workers can be restarted one after the other under load."),
    Row("REL-8", "A restart of the bus closes nobody and loses nothing silently."),
    Row("REL-9", "Readiness tells the truth within seconds."),
    Row("REL-10", "With the user database down, open connections go on and logins fail fast."),
    Row("REL-11", "Clients that do not read take bounded memory and slow nobody else."),
    Row("REL-12", "Publishing under load closes nobody and fails no message."),
    Row(
        "REL-13",
        "Memory, descriptors and tasks stay level over millions of messages.",
        rest="Messages by the million; what is shown is that members of groups who come and go leave nothing.",
    ),
    Row(
        "REL-14",
        "Calls that are cancelled in a database or bus never answer somebody else.",
        rest="A bus. PostgreSQL is shown where TEST_POSTGRES names one, as in CI; else SQLite, by the same library.",
    ),
    Row("REL-15", "A million bad frames, handshakes and messages raise nothing unhandled."),
    Row(
        "REL-16",
        "The Autobahn suite passes.",
        "12.* and 13.*: compression is not offered (TR-11).",
        "The suite itself, which runs by hand; what is shown is what it asks of fragments.",
    ),
    Row("REL-17", "A process that blocks is declared, or warned of and named."),
    Row("REL-18", "Clock jumps, a full disk and exhausted descriptors have a stated behaviour and are survived."),
    Row("REL-19", "The protocol of resuming agrees with its model."),
    Row("REL-20", "A start that cannot succeed ends with a code and one line within seconds."),
)
"""Every row, in the order of the page."""
