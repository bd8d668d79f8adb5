"""The `examples` of one endpoint: data of the right shape -> Example, and what is wrong in spite of its shape.

Whether an example fits the process is checked later, by routing/examples.py, when the process is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from jackfield.config.plan import Example, Guest, Step
from jackfield.config.problems import PathTuple, Problems
from jackfield.config.roles import params_of
from jackfield.config.settings import duration
from jackfield.config.validate import similar
from jackfield.errors import CODES, OF_JOINS
from jackfield.identity import ADMIN
from jackfield.similar import nearest

__all__ = ["MOST", "known_roles", "read"]

MOST = 1000
"""Examples of one endpoint, those in files under examples/ included."""

_EXPECTATIONS = ("expect", "expect_error", "expect_close")
_WITHIN = duration("10ms", "5m")
_ABOUT_A_CLIENT = ("as", "params", "query")
_ACTS = ("send", "push")
_KEYS = {"name", *_ABOUT_A_CLIENT, "clients", "steps"}
# RFC 6455, section 7.4: what an endpoint may send, and what libraries and applications have for themselves
_CLOSE_CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}

_SLIP = 0.9  # "time_exceded" is as near as that to one of our codes, a process's own "busy_line" is not

_Kind = Literal["expect", "expect_error", "expect_close"]


def read(value: Any, path: PathTuple, roles: Mapping[str, str] | None, problems: Problems) -> tuple[Example, ...]:
    """The sound examples of the list `value`; `roles` are those that the file declares.

    What has the schema's shape is looked at, also beside what has not.
    """
    if len(value) > MOST:
        problems.add(path, "wrong_value", f"there are {len(value):,} examples", f"at most {MOST:,} of one endpoint")
        return ()
    whole = {number: raw for number, raw in enumerate(value) if isinstance(raw, Mapping)}
    _same_names(whole, path, problems)
    found = {number: _example(raw, (*path, number), roles, problems) for number, raw in whole.items()}
    return tuple(example for number, example in found.items() if problems.sound(*path, number))


def _same_names(examples: Mapping[int, Any], path: PathTuple, problems: Problems) -> None:
    first: dict[str, int] = {}
    for number, raw in examples.items():
        name = raw.get("name", "") if problems.sound(*path, number, "name") else ""
        other = first.setdefault(name, number)
        if name and other != number:
            where = problems.place((*path, other, "name"))
            hint = f"the first one is at {where.file}:{where.line}:{where.column}"
            problems.add((*path, number, "name"), "duplicate_key", f'the example "{name}" stands twice', hint)


def _example(raw: Mapping[str, Any], path: PathTuple, roles: Mapping[str, str] | None, problems: Problems) -> Example:
    if "clients" not in raw:
        alone = _guest(raw, path, roles, problems)
        guests = {"": alone} if raw.keys() <= _KEYS else {}  # a key written wrong may have been `clients`
    else:
        clients = raw["clients"] if isinstance(raw["clients"], Mapping) else {}
        for key in _ABOUT_A_CLIENT:
            if key in raw:
                hint = "write it below `clients` and the client's name"
                problems.add((*path, key), "wrong_value", f"`{key}` stands beside `clients`", hint)
        at = (*path, "clients")
        named = {name: found if isinstance(found, Mapping) else {} for name, found in clients.items()}
        guests = {name: _guest(found, (*at, name), roles, problems) for name, found in named.items()}
    steps = _Steps(guests, problems)
    return Example(raw.get("name", ""), tuple(steps.read(raw.get("steps"), (*path, "steps"))), guests)


def _guest(raw: Mapping[str, Any], path: PathTuple, roles: Mapping[str, str] | None, problems: Problems) -> Guest:
    params, query = (_texts(raw.get(key), (*path, key), problems) for key in ("params", "query"))
    caller = raw.get("as")
    if not isinstance(caller, Mapping):
        return Guest("" if caller == "nobody" else None, params=params, query=query)
    found = known_roles(caller.get("roles"), (*path, "as", "roles"), roles, problems, " of endpoints.yaml")
    return Guest(caller.get("login"), found, params, query)


def known_roles(
    raw: Any, path: PathTuple, roles: Mapping[str, str] | None, problems: Problems, where: str
) -> tuple[str, ...]:
    """The sound roles of a list, each once. One that is not among `roles`, where these are declared, is a problem."""
    found = problems.sound_items(raw, path)
    for number, role in found.items():
        if roles is not None and role not in roles and role != ADMIN and not params_of(role):
            hint = similar(role, roles) or f"add it under `roles:` at the top{where}"
            problems.add((*path, number), "unknown_role", f'there is no role "{role}"', hint)
    return tuple(dict.fromkeys(found.values()))


def _texts(raw: Any, path: PathTuple, problems: Problems) -> Mapping[str, str]:
    """Each value as a text, as it is written: the room 007 is not the room 7."""
    pairs = raw.items() if isinstance(raw, Mapping) else ()
    return {name: problems.written((*path, name)) or str(value) for name, value in pairs}


class _Steps:
    """The steps of one example. One item of the list may be two: what is sent, and what comes of it."""

    def __init__(self, guests: Mapping[str, Guest], problems: Problems) -> None:
        self.guests = guests
        self.problems = problems

    def read(self, raw: Any, path: PathTuple) -> Iterator[Step]:
        for number, item in enumerate(raw) if isinstance(raw, list) else ():
            if isinstance(item, Mapping):
                yield from self._item(item, (*path, number))

    def _item(self, item: Mapping[str, Any], path: PathTuple) -> Iterator[Step]:
        expected = [key for key in _EXPECTATIONS if key in item]
        whole = self.problems.sound(*path)  # else a key that is written wrong may be the one that is missed
        if whole:
            self._check_together(item, path, expected)
        client = self._client(item, path, whole=whole) if "send" in item or expected else ""
        if "send" in item:
            yield Step("send", item["send"], (*path, "send"), client)
        elif "push" in item:
            if self.problems.sound(*path, "push"):
                self._check_push(item["push"], (*path, "push"))
            yield Step("push", item["push"], (*path, "push"))
        for key in expected[:1]:
            yield self._expectation(key, item, path, client)

    def _check_together(self, item: Mapping[str, Any], path: PathTuple, expected: list[str]) -> None:
        """Keys of one step that need each other, or have no say beside each other."""
        if not item.keys() & {*_ACTS, *expected}:
            message = "nothing is sent and nothing is expected"
            self.problems.add(path, "wrong_value", message, f"add `send`, `push` or one of {', '.join(_EXPECTATIONS)}")
            return
        if item.keys() >= {*_ACTS}:
            hint = "write each as a step of its own"
            self.problems.add((*path, "push"), "wrong_value", "`push` stands beside `send`", hint)
        for key in expected[1:]:
            hint = "one step expects one thing; write the other as a step of its own"
            self.problems.add((*path, key), "wrong_value", f"`{key}` stands beside `{expected[0]}`", hint)
        for key, wanted in (("within", _EXPECTATIONS), ("partial", ("expect",)), ("client", ("send", *_EXPECTATIONS))):
            if key in item and not item.keys() & set(wanted):
                hint = f"it belongs to {' or '.join(f'`{name}`' for name in wanted)}"
                self.problems.add((*path, key), "wrong_value", f"`{key}` means nothing here", hint)

    def _check_push(self, push: Mapping[str, Any], path: PathTuple) -> None:
        """To a group, or to a user."""
        if ("group" in push) == ("user" in push):
            hint = 'write `group: "room:lobby"` or `user: anna`, one of them'
            self.problems.add(path, "wrong_value", "a push goes to one group or to one user", hint)
        elif "endpoint" in push and "group" in push:
            hint = "a group has connections of any endpoint; take it out"
            self.problems.add((*path, "endpoint"), "wrong_value", "`endpoint` goes with `user`", hint)

    def _expectation(self, key: Any, item: Mapping[str, Any], path: PathTuple, client: str) -> Step:
        kind: _Kind = key
        meaning = {"expect": lambda value, _: value, "expect_error": self._error, "expect_close": self._close}[kind]
        value = meaning(item[kind], (*path, kind)) if self.problems.sound(*path, kind) else None
        within = 5.0
        if "within" in item and self.problems.sound(*path, "within"):
            within = _WITHIN.value(item["within"], (*path, "within"), self.problems) or within
        return Step(kind, value, (*path, kind), client, within, bool(item.get("partial", False)))

    def _client(self, item: Mapping[str, Any], path: PathTuple, *, whole: bool) -> str:
        names = list(self.guests)
        if not names or not self.problems.sound(*path, "client"):
            return ""
        if "client" not in item:
            if len(names) > 1 and whole:
                hint = f"add `client:` with one of {', '.join(names)}"
                self.problems.add(path, "missing_key", "there are several clients, and the step names none", hint)
            return names[0]
        client = str(item["client"])
        if client not in names or not client:
            hint = similar(client, names) or "name it under `clients:` of the example"
            self.problems.add((*path, "client"), "unknown_client", f'the example has no client "{client}"', hint)
        return client

    def _error(self, value: Any, path: PathTuple) -> Mapping[str, Any]:
        error = {"code": value} if isinstance(value, str) else dict(value)
        known = CODES.get(error["code"])
        if known is None:
            self._warn_of_slip(error["code"], path)
        if known is not None and known.moment != "message" and known.name not in OF_JOINS:
            hint = "it is never told over a WebSocket"
            if _number(known.name):
                hint = f"write `expect_close: {known.name}`"
            message = f'"{known.name}" is no error that answers a message'
            self.problems.add(path, "wrong_value", message, hint)
        return error

    def _warn_of_slip(self, code: str, path: PathTuple) -> None:
        """Warn of a code that is most likely one of ours misspelt; a process may still have it."""
        ours = [known.name for known in CODES.values() if known.moment == "message"]
        if near := nearest(code, ours, cutoff=_SLIP):
            hint = f'did you mean "{near}"? Nothing is wrong where the process rejects with this very code'
            message = f'"{code}" is none of our codes'
            self.problems.add(path, "wrong_value", message, hint, severity="warning")

    def _close(self, value: Any, path: PathTuple) -> int:
        if isinstance(value, str):
            number = _number(value)
            if not number:
                endings = [name for name in CODES if _number(name)]
                hint = similar(value, endings) or "`jackfield docs errors` lists all codes; a process's own are numbers"
                self.problems.add(path, "wrong_value", f'"{value}" is no code that ends a connection', hint)
            return number
        if value not in _CLOSE_CODES:
            hint = "a connection ends with 1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455, section 7.4)"
            self.problems.add(path, "wrong_value", f"{value} is no close code that is ever sent", hint)
        return int(value)


def _number(name: str) -> int:
    """What a code is called in `expect_close`: its close code, or 4000 and the status of a refusal; 0 for others."""
    code = CODES.get(name)
    if code is None:
        return 0
    return 4000 + code.status if code.moment == "handshake" else code.close
