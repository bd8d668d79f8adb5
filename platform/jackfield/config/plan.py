"""The checked content of endpoints.yaml, frozen. Every setting and its default is written here, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jackfield.errors import Problem

__all__ = ["Access", "AuthSettings", "Endpoint", "Example", "Limits", "Origins", "Place", "Plan", "Step"]

PathPart = str | int


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file relative to the project's folder, line and column from 1."""

    file: str = "endpoints.yaml"
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Access:
    """Who may enter. With `roles`, any one of them is enough."""

    mode: Literal["required", "optional", "public"] = "required"
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Origins:
    """Which pages may open the endpoint. An empty `allowed` without `any` means the same origin only."""

    any: bool = False
    allowed: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one endpoint; sizes in bytes, times in seconds, `rate` in messages a second, None means off."""

    message: int = 64 * 1024
    rate: float | None = 50.0
    time: float = 30.0
    connections: int = 10_000
    per_user: int = 20
    ping: float | None = 20.0
    queue: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an example: what is sent, or what is expected back. `path` is its place in the file."""

    kind: Literal["send", "expect"]
    value: Any
    path: tuple[PathPart, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Example:
    """A named exchange that documents the endpoint and must fit its schemas."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One entry under `endpoints:`. Its name is its identity."""

    name: str
    url: str
    process: str
    access: Access = Access()
    origins: Origins = Origins()
    input: Mapping[str, Any] | None = None
    limits: Limits = Limits()
    summary: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    subprotocols: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """The top-level `auth:`. `session` and `idle` are seconds; `idle` None means off."""

    cookie: str = "gen_app_auth_token"
    same_site: Literal["lax", "strict", "none"] = "lax"
    partitioned: bool = False
    path: str = "/auth"
    session: float = 12 * 3600.0
    idle: float | None = None
    token_in_body: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """All of endpoints.yaml. `places` says where each path stands, for problems found later."""

    endpoints: tuple[Endpoint, ...] = ()
    title: str = ""
    auth: AuthSettings = AuthSettings()
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
