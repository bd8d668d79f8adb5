"""The checked content of endpoints.yaml, frozen. Every setting and its default is written here, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jackfield.errors import Problem

__all__ = [
    "Access",
    "AuthSettings",
    "Endpoint",
    "Example",
    "Guest",
    "JwtSettings",
    "Limits",
    "Origins",
    "Place",
    "Plan",
    "Step",
]

PathPart = str | int


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file relative to the project's folder, line and column from 1.

    `written` is a value as its author wrote it, where that is a number, a truth or nothing, without quotes: `1.10`.
    """

    file: str = "endpoints.yaml"
    line: int = 0
    column: int = 0
    written: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may enter. With `roles`, any one of them is enough."""

    mode: Literal["required", "optional", "public"] = "required"
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Origins:
    """Which pages may open the endpoint. An empty `allowed` without `any` means the same origin only.

    Each of `allowed` is `scheme://host[:port]` as browsers send it, without the scheme's own port. The host may
    begin with `*.`, which stands for exactly one label; scheme, port and all other labels are literal.
    """

    any: bool = False
    allowed: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one endpoint; sizes in bytes, times in seconds, rates in messages a second, None means off.

    `rate` is of a connection, `rate_per_user` of all connections that one login has to the endpoint on this
    node; twice as many may come at once. `idle` is without a message in either direction. `queue` is what one
    connection may have waiting, and `slow_consumer` what happens to a client that takes nothing and fills it.
    """

    message: int = 64 * 1024
    rate: float | None = 50.0
    rate_per_user: float | None = None
    time: float = 30.0
    idle: float | None = None
    connections: int = 10_000
    per_user: int = 20
    per_address: int | None = None
    ping: float | None = 20.0
    queue: int = 1024 * 1024
    slow_consumer: Literal["close", "drop_oldest"] = "close"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an example: what a client sends, or what is expected to come to it. `path` is its place.

    - `value` is the message; of `expect_error` an object with the error's `code` and whatever else it must have
      ("$id" stands beside the error); of `expect_close` the close code, a number, or 4000 and the HTTP status of
      the refusal by which the client does not even enter.
    - `within` is how many seconds the step may take.
    - `partial` lets what comes hold more than `value` does, at every depth; lists must be as long.
    """

    kind: Literal["send", "expect", "expect_error", "expect_close"]
    value: Any
    path: tuple[PathPart, ...] = field(default=(), compare=False)
    client: str = ""
    within: float = 5.0
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Guest:
    """One client of an example: who it is logged in as and which address it opens.

    `login` None means whoever the endpoint lets in: some user with `roles`, or else with the first of the
    endpoint's, and nobody where it lets nobody in and no role is given. An empty `login` is nobody. `params` and
    `query` are the texts of the address, decoded; without `params` any that fit will do.
    """

    login: str | None = None
    roles: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Example:
    """A named exchange that documents the endpoint, must fit its schemas, and is run as a test.

    `guests` are its clients by name; one that is alone may have the empty name.
    """

    name: str
    steps: tuple[Step, ...]
    guests: Mapping[str, Guest] = field(default_factory=lambda: {"": Guest()})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One entry under `endpoints:`. Its name is its identity.

    `refusals` says how a caller who may not enter is told: by an HTTP status, or by a close frame after an
    accept. `session_warning` is how many seconds before the session's end the client hears of it; None means
    never.
    """

    name: str
    url: str
    process: str
    access: Access = Access()
    origins: Origins = Origins()
    refusals: Literal["http", "close"] = "http"
    session_warning: float | None = None
    input: Mapping[str, Any] | None = None
    limits: Limits = Limits()
    summary: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    subprotocols: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class JwtSettings:
    """`auth.jwt`: the identity provider whose tokens (RFC 7519) are taken.

    `jwks` is the address of its keys (RFC 7517; https, or http on this machine) or, where it holds no `://`, a
    file relative to the project's folder. A token must be of `issuer`, meant for one of `audience`, and signed
    with one of `algorithms`. `login` and `roles` are the paths of the claims, with dots between their parts.
    """

    jwks: str
    issuer: str
    audience: tuple[str, ...]
    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")
    login: str = "sub"
    roles: str = "realm_access.roles"


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """The top-level `auth:`. `session`, `idle` and `recheck` are seconds; `idle` None means off.

    `own` is the key `login`: whether our own users, passwords and sessions stand. They do unless the file says
    `login: off`, which only `jwt` or `verify` beside it allows. `verify` is the name of a function below
    `processes/`, an empty text for none.
    """

    cookie: str = "gen_app_auth_token"
    same_site: Literal["lax", "strict", "none"] = "lax"
    partitioned: bool = False
    path: str = "/auth"
    session: float = 12 * 3600.0
    idle: float | None = None
    token_in_body: bool = True
    own: bool = True
    jwt: JwtSettings | None = None
    verify: str = ""
    recheck: float = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """All of endpoints.yaml. `places` says where each path stands, for problems found later.

    `origins` is what stands under `defaults`: its `allowed` pages may log in from where they are (CORS).
    """

    endpoints: tuple[Endpoint, ...] = ()
    title: str = ""
    auth: AuthSettings = AuthSettings()
    origins: Origins = Origins()
    roles: Mapping[str, str] | None = None
    hash: str = ""
    places: Mapping[tuple[PathPart, ...], Place] = field(default_factory=dict, compare=False, repr=False)

    def place(self, *path: PathPart) -> Place:
        """The place of `path`, or of the nearest thing around it that has one."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return Place()

    def problem(
        self,
        path: tuple[PathPart, ...],
        code: str,
        message: str,
        hint: str = "",
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """A Problem at `path`, with its file, line and column filled in."""
        place = self.place(*path)
        return Problem(
            code,
            message,
            hint,
            path=".".join(str(part) for part in path),
            file=place.file,
            line=place.line,
            column=place.column,
            severity=severity,
        )
