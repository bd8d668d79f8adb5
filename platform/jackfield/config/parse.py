"""Data and places -> Plan, and every problem on the way.

Strategy: validate.py has compared the data with the JSON Schema before; here each value that has the right shape
gets its meaning. A part with a problem is left out and the rest goes on, so that one run finds everything: a limit
beside a faulty one, an example beside another, the process of an endpoint whose URL cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from jackfield.config import auth as auth_settings
from jackfield.config import examples, input_schema, payloads, url
from jackfield.config.actions import Action, ActionLimits
from jackfield.config.events import EVENTS, Event
from jackfield.config.groups import TIMES
from jackfield.config.plan import (
    Access,
    AuthSettings,
    Endpoint,
    Example,
    GroupSettings,
    Limits,
    Origins,
    Plan,
    ServerLimits,
)
from jackfield.config.problems import PathTuple, Problems
from jackfield.config.settings import keys, read
from jackfield.origins import normal

__all__ = ["MERGED", "plan"]

_FIELDS = keys(Endpoint)
MERGED = frozenset(key for key, setting in _FIELDS.items() if setting.merged)
"""Keys of an endpoint whose mapping is taken over from `defaults` key by key."""
_MESSAGE = keys(Limits)["message"].kind
# Sound parts of these are looked at beside faulty ones, where the value is of this kind at all.
_OF_PARTS = {"actions": dict, "auth": dict, "limits": dict, "origins": list, "subprotocols": list, "examples": list}
_CHECKING = ("auth", "limits", "input", "messages")  # what examples are checked against
_KEYS = {*_FIELDS, "type"}
_TOP = {"title", "auth", "roles", "groups", "limits", "site", "defaults", "endpoints"}


def plan(data: Mapping[str, Any], problems: Problems) -> Plan:
    """The plan that `data` means; what is unsound is left out, with its problems added to `problems`.

    An endpoint is there when its process has a name that could be one. Its `url` is empty where that is unsound.
    `hash` and `places` are the loader's to fill in.
    """
    return _Reading(data, problems).plan()


class _Reading:
    """One walk over the data of a project."""

    def __init__(self, data: Mapping[str, Any], problems: Problems) -> None:
        self.data = data
        self.problems = problems
        self.meanings: dict[str, Callable[[Any, PathTuple], Any]] = {
            "auth": self._access,
            "origins": self._origins,
            "limits": lambda value, path: read(Limits, value, path, self.problems),
            "input": self._input,
            "events": self._events,
            "examples": lambda value, path: examples.read(value, path, self.roles, self.problems),
            "subprotocols": self._subprotocols,
            "actions": self._actions,
        }
        for key, setting in _FIELDS.items():
            self.meanings.setdefault(key, partial(setting.kind.value, problems=problems))
        roles = data.get("roles") if problems.sound("roles") else None
        self.roles: Mapping[str, str] | None = None
        if isinstance(roles, Mapping):
            self.roles = {role: text if isinstance(text, str) else "" for role, text in roles.items()}

    def plan(self) -> Plan:
        auth = auth_settings.settings(self.data.get("auth"), self.problems)
        defaults = self._entry(("defaults",))
        named = self.data.get("endpoints")
        found: Mapping[str, Any] = named if isinstance(named, Mapping) else {}
        read = [(name, self._entry(("endpoints", name)), self._pattern(name, auth)) for name in found]
        self._same_urls({name: pattern for name, _, pattern in read if pattern is not None})
        endpoints = [
            self._endpoint(name, {**_merged(defaults, entry), **({} if pattern else {"url": ""})})
            for name, entry, pattern in read
            if {"process", "actions"} & entry.keys() or _speaks_only(found[name])
        ]
        title = self.data.get("title", "") if self.problems.sound("title") else ""
        origins = defaults.get("origins", Origins())
        return Plan(tuple(endpoints), title, auth, origins, self.roles, self._groups(), self._limits(), **self._top())

    def _top(self) -> dict[str, Any]:
        """The keys of the file itself whose values are as they stand there."""
        return read(Plan, self.data, (), self.problems)

    def _limits(self) -> ServerLimits:
        raw = self.data.get("limits")
        found = read(ServerLimits, raw, ("limits",), self.problems) if isinstance(raw, Mapping) else {}
        return ServerLimits(**found)

    def _groups(self) -> dict[str, GroupSettings]:
        """What stands under `groups`, of the patterns that are sound as far as they are."""
        found = self.data.get("groups")
        patterns = found.items() if isinstance(found, Mapping) else ()
        whole = {text: raw for text, raw in patterns if isinstance(raw, Mapping)}
        for text, raw in whole.items():
            at = ("groups", text, "may_join")
            if isinstance(raw.get("may_join"), Mapping) and self.problems.sound(*at):
                self._access(raw["may_join"], at)  # whether its roles are known
            for (key, inner), kind in TIMES.items():
                within, path = raw.get(key), ("groups", text, key, inner)
                if isinstance(within, Mapping) and inner in within and self.problems.sound(*path):
                    kind.value(within[inner], path, self.problems)  # whether it is within bounds
            if isinstance(raw.get("events"), Mapping):
                self._events(raw["events"], ("groups", text, "events"))  # whether its schemas are any
        return {
            text: GroupSettings(**read(GroupSettings, raw, ("groups", text), self.problems))
            for text, raw in whole.items()
        }

    def _entry(self, path: PathTuple) -> dict[str, Any]:
        """The meaning of each key of the endpoint (or the defaults) at `path` that is sound, or has sound parts."""
        raw: Any = self.data
        for part in path:
            raw = raw.get(part)
        entry: dict[str, Any] = {}
        for key, value in raw.items() if isinstance(raw, Mapping) else ():
            at, meaning = (*path, key), self.meanings.get(key)
            in_parts = isinstance(value, _OF_PARTS.get(key, ()))
            if in_parts or self.problems.sound(*at):
                found = meaning(value, at) if meaning else value
                if in_parts or self.problems.sound(*at):
                    entry[key] = found
        return entry

    def _endpoint(self, name: str, entry: Mapping[str, Any]) -> Endpoint:
        values = {setting.name: entry[key] for key, setting in _FIELDS.items() if key in entry}
        required = values.pop("required", False)
        values["origins"] = replace(entry.get("origins", Origins()), required=required)
        values["limits"] = Limits(**entry["limits"])
        if values.get("actions"):
            values["examples"] = (
                *values.get("examples", ()),
                *(one for action in values["actions"] for one in action.examples),
            )
            if "process" in entry:
                hint = "give each message an action of its own, or take `actions` out"
                self.problems.add(
                    ("endpoints", name, "actions"), "wrong_value", "an endpoint has `process` or `actions`", hint
                )
        if values.get("reply_to", "sender") != "sender" and values["limits"].message > values["limits"].queue:
            message = "a message may be longer than what may wait for a member: limits.message is over limits.queue"
            self.problems.add(("endpoints", name, "reply_to"), "bad_group", message, "raise limits.queue")
        is_doubtful = self._in_doubt(name)
        if is_doubtful:
            # The plan goes live nowhere; its examples are blamed for nothing that another fault may have caused.
            values |= {
                "access": Access("public"),
                "limits": replace(values["limits"], message=_MESSAGE.meaning(_MESSAGE.most)),
            }
            values["examples"] = tuple(example for example in entry.get("examples", ()) if not _goes_wrong(example))
        faults = Problems({}) if is_doubtful else self.problems
        kind = values.get("messages", "json")
        values["examples"] = payloads.check(values.get("examples", ()), faults, payloads=kind != "json")
        return Endpoint(name=name, **values)

    def _in_doubt(self, name: str) -> bool:
        """Whether something faulty may have been meant to say what the endpoint takes, and from whom."""
        own, shared = self.data["endpoints"][name], self.data.get("defaults", {})
        if not isinstance(shared, Mapping) or any(key not in _TOP and not key.startswith("x-") for key in self.data):
            return True
        paths: list[PathTuple] = [("endpoints", name, key) for key in own]
        paths += [("defaults", key) for key in shared if key not in own or key in MERGED]
        return any(
            path[-1] not in _KEYS or (path[-1] in _CHECKING and not self.problems.sound(*path)) for path in paths
        )

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
        at = (*path, "roles")
        return Access("required", examples.known_roles(value.get("roles"), at, self.roles, self.problems, ""))

    def _actions(self, value: Any, path: PathTuple) -> tuple[Action, ...]:
        """The actions whose process has a name that could be one, as far as they are sound."""
        found = []
        for name, raw in value.items():
            at = (*path, name)
            entry = read(
                Action,
                {"process": raw} if isinstance(raw, str) else raw if isinstance(raw, Mapping) else {},
                at,
                self.problems,
            )
            if "limits" in entry:
                entry["limits"] = ActionLimits(**read(ActionLimits, entry["limits"], (*at, "limits"), self.problems))
            if "roles" in entry:
                entry["roles"] = self._access(entry["roles"], (*at, "auth")).roles
            for key in entry.keys() & {"input", "examples"}:
                entry[key] = self.meanings[key](entry[key], (*at, key))
            if "process" in entry and self.problems.sound(*at, *(() if isinstance(raw, str) else ("process",))):
                found.append(Action(name, **entry))
        return tuple(found)

    def _origins(self, value: Any, path: PathTuple) -> Origins:
        if value == "any":
            return Origins(any=True)
        allowed = []
        for number, origin in self.problems.sound_items(value, path).items():
            try:
                allowed.append(normal(origin))
            except ValueError as error:
                self.problems.add((*path, number), "wrong_value", str(error))
        return Origins(allowed=tuple(dict.fromkeys(allowed)))

    def _input(self, value: Any, path: PathTuple) -> Any:
        for fault in input_schema.check(value):
            at = (*path, *fault.path)
            written = self.problems.written(at) if fault.wants_text else ""
            message = f"a text belongs here, and {written} is none" if written else fault.message
            hint = f'put it in quotes: "{written}"' if written else fault.hint
            self.problems.add(at, "bad_schema", message, hint)
        return value

    def _events(self, value: Mapping[str, Any], path: PathTuple) -> tuple[Event, ...]:
        for name, kind in value.items():
            if isinstance(kind, Mapping) and self.problems.sound(*path, name):
                self._input(kind, (*path, name))
        found: tuple[Event, ...] = EVENTS.meaning(value)
        return found

    def _subprotocols(self, value: Any, path: PathTuple) -> tuple[str, ...]:
        names = self.problems.sound_items(value, path)
        for number, name in names.items():
            if name == "jackfield.v1" or name.startswith("bearer."):
                hint = "it carries the credential; remove it here"
                self.problems.add((*path, number), "wrong_value", f"{name} belongs to Jackfield itself", hint)
        return tuple(dict.fromkeys(names.values()))


def _speaks_only(raw: Any) -> bool:
    """Whether an endpoint is meant to have no process; a misspelt key may be one."""
    return isinstance(raw, Mapping) and "process" not in raw and raw.keys() <= _KEYS


def _goes_wrong(example: Example) -> bool:
    """Whether it shows an error or an end, which a limit, a role or `input` may bring about."""
    return any(
        step.kind in ("expect_error", "expect_close")
        or (step.kind == "expect" and isinstance(step.value, Mapping) and "error" in step.value)
        for step in example.steps
    )


def _merged(defaults: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    merged = {key: {**defaults.get(key, {}), **entry.get(key, {})} for key in MERGED}
    return {**defaults, **entry, **merged}
