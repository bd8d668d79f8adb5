"""Data and places -> Plan, and every problem on the way.

Strategy: shape.py has compared the data with schema.json before; here each value that has the right shape
gets its meaning. A part with a problem is left out and the rest goes on, so that one run finds everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from jackfield.config import inputs, url
from jackfield.config.origins import normal
from jackfield.config.plan import Access, AuthSettings, Endpoint, Example, Limits, Origins, Plan, Step
from jackfield.config.problems import PathTuple, Problems
from jackfield.config.shape import similar
from jackfield.config.units import duration, rate, size

__all__ = ["plan"]

_DAY = 86400.0
_TIMES = {"time": (0.01, 3600.0, "10ms", "1h"), "ping": (1.0, 3600.0, "1s", "1h")}
_RATES = (1 / 3600, 1e6)
_SESSIONS = (60.0, 400 * _DAY, "1m", "400d")
_BUILT_IN_ROLE = "admin"


def plan(data: Mapping[str, Any], problems: Problems) -> Plan:
    """The plan that `data` means; what is unsound is left out, with its problems added to `problems`.

    `hash` and `places` are the loader's to fill in.
    """
    return _Reading(data, problems).plan()


class _Reading:
    """One walk over the data of a project."""

    def __init__(self, data: Mapping[str, Any], problems: Problems) -> None:
        self.data = data
        self.problems = problems
        self.meanings: Mapping[str, Callable[[Any, PathTuple], Any]] = {
            "auth": self._access,
            "origins": self._origins,
            "limits": self._limits,
            "input": self._input,
            "examples": self._examples,
            "tags": lambda value, _: tuple(dict.fromkeys(value)),
            "subprotocols": self._subprotocols,
        }
        roles = data.get("roles") if problems.sound("roles") else None
        self.roles: Mapping[str, str] | None = None
        if isinstance(roles, Mapping):
            self.roles = {role: text if isinstance(text, str) else "" for role, text in roles.items()}

    def plan(self) -> Plan:
        auth = self._auth_settings()
        defaults = self._entry(("defaults",))
        found = self.data.get("endpoints")
        names = list(found) if isinstance(found, Mapping) else []
        read = [(name, self._entry(("endpoints", name)), self._pattern(name, auth)) for name in names]
        self._same_urls({name: pattern for name, _, pattern in read if pattern is not None})
        endpoints = [
            self._endpoint(name, _merged(defaults, entry))
            for name, entry, _ in read
            if self.problems.sound("endpoints", name)
        ]
        title = self.data.get("title", "") if self.problems.sound("title") else ""
        return Plan(tuple(endpoints), title, auth, self.roles)

    def _entry(self, path: PathTuple) -> dict[str, Any]:
        """The meaning of each sound key of the endpoint (or the defaults) at `path`."""
        raw: Any = self.data
        for part in path:
            raw = raw.get(part)
        entry: dict[str, Any] = {}
        for key, value in raw.items() if isinstance(raw, Mapping) else ():
            at = (*path, key)
            if self.problems.sound(*at):
                meaning = self.meanings.get(key)
                entry[key] = meaning(value, at) if meaning else value
        return entry

    def _endpoint(self, name: str, entry: Mapping[str, Any]) -> Endpoint:
        origins = replace(entry.get("origins", Origins()), required=entry.get("origin_required", False))
        keys = ("url", "process", "input", "summary", "description", "tags", "subprotocols", "examples")
        values = {key: entry[key] for key in keys if key in entry}
        access, limits = entry.get("auth", Access()), Limits(**entry.get("limits", {}))
        return Endpoint(name=name, access=access, origins=origins, limits=limits, **values)

    def _pattern(self, name: str, auth: AuthSettings) -> url.Pattern | None:
        path = ("endpoints", name, "url")
        raw = self.data["endpoints"][name]
        if not isinstance(raw, Mapping) or "url" not in raw or not self.problems.sound(*path):
            return None
        try:
            pattern = url.parse(raw["url"])
        except ValueError as error:
            self.problems.add(path, "bad_url", str(error))
            return None
        if taken := url.reserved(pattern.shape, auth.path):
            hint = f"put it under another name, for example /ws/{name}"
            message = f"{raw['url']} falls under {taken}, which belongs to Jackfield itself"
            self.problems.add(path, "reserved_url", message, hint)
        return pattern

    def _same_urls(self, patterns: Mapping[str, url.Pattern]) -> None:
        first: dict[tuple[str | None, ...], str] = {}
        for name, pattern in patterns.items():
            other = first.setdefault(pattern.shape, name)
            if other != name:
                where = self.problems.place(("endpoints", other, "url"))
                message = f'this URL has the shape of that of "{other}" ({where.file}:{where.line})'
                hint = "a request could mean either; change one of them"
                self.problems.add(("endpoints", name, "url"), "same_url", message, hint)

    def _access(self, value: Any, path: PathTuple) -> Access:
        if isinstance(value, str):
            return Access(value)  # type: ignore[arg-type]  # the schema allows the three words alone
        for number, role in enumerate(value["roles"]):
            if self.roles is not None and role not in self.roles and role != _BUILT_IN_ROLE:
                hint = similar(role, self.roles) or "add it under `roles:` at the top"
                at = (*path, "roles", number)
                self.problems.add(at, "unknown_role", f'there is no role "{role}"', hint)
        return Access("required", tuple(dict.fromkeys(value["roles"])))

    def _origins(self, value: Any, path: PathTuple) -> Origins:
        if value == "any":
            return Origins(any=True)
        allowed = []
        for number, origin in enumerate(value):
            at = (*path, number)
            if "*" in origin:
                hint = "write each origin out, or `origins: any` for all"
                self.problems.add(at, "not_supported_yet", "an origin with * is not carried out yet", hint)
                continue
            try:
                allowed.append(normal(origin))
            except ValueError as error:
                self.problems.add(at, "wrong_value", str(error))
        return Origins(allowed=tuple(dict.fromkeys(allowed)))

    def _limits(self, value: Any, path: PathTuple) -> dict[str, Any]:
        limits: dict[str, Any] = {}
        for key, raw in value.items():
            at = (*path, key)
            if not self.problems.sound(*at):
                continue
            if key == "message":
                limits[key] = self._size(raw, at)
            elif key == "rate":
                limits[key] = self._rate(raw, at)
            else:
                limits[key] = self._time(raw, at, *_TIMES[key]) if key in _TIMES else int(raw)
        return limits

    def _rate(self, raw: str, path: PathTuple) -> float | None:
        if raw == "off":
            return None
        try:
            count = rate(raw)
        except ValueError as error:
            self.problems.add(path, "wrong_value", str(error))
            return Limits().rate
        low, high = _RATES
        if not low <= count <= high:
            hint = "from 1/h to 1000000/s; off means no limit"
            self.problems.add(path, "wrong_value", f"{raw} is out of bounds", hint)
        return count

    def _size(self, raw: str | int, path: PathTuple) -> int:
        try:
            count = size(int(raw) if isinstance(raw, float) else raw)
        except ValueError as error:
            self.problems.add(path, "wrong_value", str(error))
            return 0
        if not 16 <= count <= 64 * 1024 * 1024:
            self.problems.add(path, "wrong_value", f"{raw} is out of bounds", "from 16 bytes to 64MiB")
        return count

    def _time(self, raw: str, path: PathTuple, low: float, high: float, least: str, most: str) -> float | None:
        if raw == "off":
            return None
        try:
            seconds = duration(raw)
        except ValueError as error:
            self.problems.add(path, "wrong_value", str(error))
            return low
        if not low <= seconds <= high:
            self.problems.add(path, "wrong_value", f"{raw} is out of bounds", f"from {least} to {most}")
        return seconds

    def _input(self, value: Any, path: PathTuple) -> Any:
        for fault in inputs.judge(value):
            self.problems.add((*path, *fault.path), "bad_schema", fault.message, fault.hint)
        return value

    def _subprotocols(self, value: Any, path: PathTuple) -> tuple[str, ...]:
        for number, name in enumerate(value):
            if name == "jackfield.v1" or name.startswith("bearer."):
                hint = "it carries the credential; remove it here"
                self.problems.add((*path, number), "wrong_value", f"{name} belongs to Jackfield itself", hint)
        return tuple(dict.fromkeys(value))

    def _examples(self, value: Any, path: PathTuple) -> tuple[Example, ...]:
        return tuple(
            Example(example.get("name", ""), tuple(_steps(example["steps"], (*path, number, "steps"))))
            for number, example in enumerate(value)
        )

    def _auth_settings(self) -> AuthSettings:
        raw = self.data.get("auth")
        if not isinstance(raw, Mapping):
            return AuthSettings()
        sound = {key: value for key, value in raw.items() if self.problems.sound("auth", key)}
        values: dict[str, Any] = {}
        if "token_in_body" in sound:
            values["token_in_body"] = sound["token_in_body"]
        for key in ("session", "idle"):
            if key in sound:
                values[key] = self._time(sound[key], ("auth", key), *_SESSIONS)
        if "path" in sound:
            values["path"] = self._auth_path(sound["path"])
        return AuthSettings(**values, **_cookie(sound.get("cookie", {})))

    def _auth_path(self, raw: str) -> str:
        path = ("auth", "path")
        try:
            pattern = url.parse(raw)
        except ValueError as error:
            self.problems.add(path, "bad_url", str(error))
            return AuthSettings().path
        if pattern.params:
            self.problems.add(path, "bad_url", "this path cannot hold parameters", "write it like /auth")
        elif (taken := url.reserved(pattern.shape)) not in {None, "/auth"}:
            self.problems.add(path, "reserved_url", f"{taken} belongs to Jackfield itself")
        return raw if self.problems.sound(*path) else AuthSettings().path


def _cookie(raw: Any) -> dict[str, Any]:
    if isinstance(raw, str):
        return {"cookie": raw}
    names = {"name": "cookie", "same_site": "same_site", "partitioned": "partitioned"}
    return {names[key]: value for key, value in raw.items()}


def _steps(raw: Any, path: PathTuple) -> Iterator[Step]:
    for number, step in enumerate(raw):
        # One item may hold both: first it is sent, then the answer comes, however they are written.
        if "send" in step:
            yield Step("send", step["send"], (*path, number, "send"))
        if "expect" in step:
            yield Step("expect", step["expect"], (*path, number, "expect"))


def _merged(defaults: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    limits = {**defaults.get("limits", {}), **entry.get("limits", {})}
    return {**defaults, **entry, "limits": limits}
