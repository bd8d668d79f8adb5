"""The checked content of endpoints.yaml, frozen. A key of the file is a field with its setting, written once.

The keys of `limits` stand in limits.py, those of `auth` in auth.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from jackfield.config.actions import ACTIONS, Action
from jackfield.config.auth import AuthSettings, JwtSettings
from jackfield.config.events import EVENTS, Event
from jackfield.config.groups import GROUPS_OF_ENDPOINT, GroupSettings
from jackfield.config.limits import Limits, ServerLimits
from jackfield.config.problems import PathTuple, Place, Severity, nearest_place, problem_at
from jackfield.config.settings import FLAG, Kind, choice, duration, function, mapping, setting, text, texts
from jackfield.errors import Problem

__all__ = [
    "Access",
    "Action",
    "AuthSettings",
    "Endpoint",
    "Example",
    "GroupSettings",
    "Guest",
    "JwtSettings",
    "Limits",
    "Origins",
    "Place",
    "Plan",
    "ServerLimits",
    "Step",
]

_TAG = {"title": "Tag", "description": "A heading in the documents.", "type": "string", "minLength": 1, "maxLength": 64}
_SUBPROTOCOL = {
    "type": "string",
    "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$",
    "errorMessage": "a subprotocol is up to 64 Latin letters, digits and - _ . without blanks (RFC 6455, section 4.1)",
}
_INSPECTED = {"enum": ["payloads", "unmatched"]}
_INSPECT = Kind(
    {
        "anyOf": [_INSPECTED, {"type": "array", "minItems": 1, "maxItems": 2, "items": _INSPECTED}],
        "errorMessage": "must be payloads, unmatched or a list of both",
    },
    lambda raw: (raw,) if isinstance(raw, str) else tuple(dict.fromkeys(raw)),
)


@dataclass(frozen=True, slots=True)
class Access:
    """Which callers are admitted. With `roles`, any one of them is enough."""

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
    required: bool = setting(
        FLAG,
        "Refuse requests that name no origin: programs then cannot enter, only pages.",
        examples=[True],
        key="origin_required",
        default=False,
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an example: what a client sends, or what is expected to come to it. `path` is its place.

    - `value` is the message, or a payload as config/payloads.py has it; of `push`, which is no client's, an object
      with `event` and either `group` or `user`, and beside that maybe `endpoint`; of `expect_error` an object with
      the error's `code` and whatever else it must have ("$id" stands beside the error); of `expect_close` the close
      code, a number, or 4000 and the HTTP status of the refusal by which the client does not even enter.
    - `within` is how many seconds the step may take.
    - `partial` lets what comes hold more than `value` does, at every depth; lists must be as long.
    """

    kind: Literal["send", "push", "expect", "expect_error", "expect_close"]
    value: Any
    path: PathTuple = field(default=(), compare=False)
    client: str = ""
    within: float = 5.0
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Guest:
    """One client of an example: its login and the address that it opens.

    `login` None means a caller that the endpoint admits: some user with `roles`, or else with the first of the
    endpoint's, or an anonymous one where the endpoint takes it and no role is given. An empty `login` is an
    anonymous caller. `params` and `query` are the decoded texts of the address; without `params` any that match do.
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

    `refusals` says how a caller is refused: by an HTTP status, or by a close frame after an
    accept; `auto`: by the second where the request names an origin that may enter. `session_warning` is how many
    seconds before the session's end the client hears of it; None means never.
    `action` is the name of the action whose messages it is for, where it is made by `of_action`.
    """

    name: str
    url: str = setting(
        text(),
        "The path of the address. `{room}` takes any text between two slashes and gives it to the process's "
        "parameter `room`.",
        title="URL",
        examples=["/ws/greeting", "/ws/rooms/{room}"],
        more="See [URLs](#urls).",
    )
    process: str = setting(
        function("greeting.answer is the function answer in processes/greeting.py", or_table=True),
        "The function that answers: `greeting.answer` is the function `answer` in `processes/greeting.py`; or a table: "
        "`prices` is `processes/prices.csv`. Without it the endpoint only speaks: each message is answered "
        "`no_messages`.",
        examples=["greeting.answer", "support.chat.say", "prices"],
        value="",
        more="`support.chat.say` is `say` in `processes/support/chat.py`. See [tables](tables.md).",
    )
    actions: tuple[Action, ...] = setting(
        ACTIONS,
        "Instead of `process`: the kinds of message on one socket, each with a process, "
        "`{say: chat.say, typing: {process: chat.typing, reply_to: others}}`.",
        examples=[{"say": "chat.say"}],
        value=(),
        more="See [Actions](#actions).",
    )
    action_key: str = setting(
        text(
            minLength=1,
            maxLength=64,
            pattern=r"^(?!\$)",
            errorMessage="must be the key of a message that names its action, like action or type, without $ before it",
        ),
        "The key of a message that names its action.",
        examples=["type"],
        default="action",
    )
    feed: str = setting(
        function("clock.ticks is the function ticks in processes/clock.py"),
        "An async generator that speaks on each connection, one for each, where the endpoint has no group.",
        examples=["clock.ticks"],
        value="",
        more="See [Feeds](#feeds).",
    )
    on_connect: str = setting(
        function("visits.enter is the function enter in processes/visits.py"),
        "A process that is called for each connection before it is opened: what it gives is the first frame, and a "
        "`Reject` refuses the caller.",
        examples=["visits.enter"],
        value="",
        more="See [Begin and end](#begin-and-end).",
    )
    on_disconnect: str = setting(
        function("visits.leave is the function leave in processes/visits.py"),
        "A process that is called once for each connection after its end, whatever ended it.",
        examples=["visits.leave"],
        value="",
        more="See [Begin and end](#begin-and-end).",
    )
    access: Access = setting(
        mapping("access"),
        "`required`: everybody who is logged in. `optional`: everybody, and the process learns who is logged in. "
        "`public`: everybody. `{roles: [support]}`: who has one of the roles.",
        title="Who may enter",
        examples=["public", {"roles": ["support"]}],
        key="auth",
        default="required",
        value=Access(),
    )
    origins: Origins = setting(
        mapping("origins"),
        "The web sites whose pages may open the endpoint, or any. Left out: pages of the same address only. Programs "
        "like Postman send no origin and pass. `https://*.preview.example.com` takes all names that have one label "
        "more.",
        examples=[["https://app.example.com", "https://*.preview.example.com"], "any"],
        beside=Origins,
        value=Origins(),
    )
    messages: Literal["json", "text", "binary", "any"] = setting(
        choice("json", "text", "binary", "any"),
        "What a message is. `json`: an object in a text frame, whose keys are the process's parameters. `text`, "
        "`binary`, `any`: what a text frame, a binary one, or either holds, as one `str`, `bytes` or `str | bytes`.",
        examples=["binary"],
        default="json",
        more="See [Payloads](#payloads).",
    )
    refusals: Literal["auto", "http", "close"] = setting(
        choice("auto", "http", "close"),
        "How a caller is told that he may not enter. `http`: by a status and a reason. `close`: the connection is "
        "opened and closed at once with a number and a reason, which pages in browsers can read. `auto`: `close` for a "
        "browser that names an origin which may enter, `http` for all others.",
        examples=["http"],
        default="auto",
    )
    session_warning: float | None = setting(
        duration("1s", "1d", off=True),
        "Send the event `session_expiring` so long before the session ends, {bounds}; off means never.",
        examples=["60s"],
        default="off",
    )
    group: tuple[str, ...] = setting(
        GROUPS_OF_ENDPOINT,
        "The group that a connection is in from its begin to its end, or a list of them. `{room}` is a path parameter; "
        "`{login}`, `{visitor}` and `{endpoint}` stand for the caller and the endpoint.",
        examples=["room:{room}"],
        value=(),
        more="See [Groups](#groups).",
    )
    reply_to: Literal["sender", "group", "others"] = setting(
        choice("sender", "group", "others"),
        "Who gets the reply: the sender; all members of the endpoint's group, as an event; or the others in it.",
        examples=["group"],
        default="sender",
    )
    event: str = setting(
        text(minLength=1, maxLength=64),
        "The name of the event that a reply becomes where it goes to a group.",
        examples=["said"],
        default="message",
    )
    events: tuple[Event, ...] = setting(
        EVENTS,
        "The events that its connections hear, whoever sends them, each with its type: `{said: models.Said}` is the "
        "class `Said` in `processes/models.py`, or a JSON Schema stands there. Those of its groups come to these.",
        examples=[{"said": "models.Said"}],
        value=(),
        more="See [Events](#events).",
    )
    input: Mapping[str, Any] | None = setting(
        Kind({"type": "object"}),
        "What the message must satisfy besides the process's own parameters: a JSON Schema 2020-12.",
        examples=[{"properties": {"text": {"maxLength": 500}}}],
        value=None,
    )
    inspect: tuple[Literal["payloads", "unmatched"], ...] = setting(
        _INSPECT,
        "What administrators may read of the messages. `payloads`: those of one connection, while they come and go; "
        "documents say so. `unmatched`: those that no row of a table was for, or its last alone, which are kept. Or a "
        "list of both.",
        examples=["payloads", ["payloads", "unmatched"]],
        value=(),
        more="See [watching](protocol.md#watching).",
    )
    limits: Limits = setting(mapping("limits"), value=Limits(), merged=True)
    summary: str = setting(
        text(maxLength=200),
        "One line for the documents, in any language.",
        examples=["Answers small talk"],
        default="",
        more="Up to 200 letters.",
    )
    description: str = setting(
        text(maxLength=20_000),
        "More for the documents; Markdown, in any language.",
        examples=["Answers **small talk**, echoes the rest."],
        default="",
    )
    tags: tuple[str, ...] = setting(
        texts(20, _TAG),
        "Headings in the documents under which the endpoint stands.",
        examples=[["Chat bots"]],
        default=[],
    )
    subprotocols: tuple[str, ...] = setting(
        texts(20, _SUBPROTOCOL),
        "WebSocket subprotocols that the endpoint speaks. Of those that a client offers, its first one that stands "
        "here is taken.",
        examples=[["chat.v2"]],
        default=[],
        more="`jackfield.v1` and what begins with `bearer.` belong to Jackfield itself.",
    )
    examples: tuple[Example, ...] = setting(
        Kind({"type": "array", "maxItems": 100, "items": {"$ref": "#/$defs/example"}}, tuple),
        "Exchanges for the documents, which `jackfield test` runs. They are checked, and the first is shown to "
        "callers who send something wrong. More may stand in files under examples/.",
        examples=[[{"name": "Greeting", "steps": [{"send": {"message": "Hello"}}]}]],
        default=[],
    )
    action: str = ""

    @property
    def path(self) -> PathTuple:
        """Where it stands in the file."""
        return ("endpoints", self.name, *(("actions", self.action) if self.action else ()))

    @property
    def listens(self) -> bool:
        """Whether it takes messages; if not, it only speaks."""
        return bool(self.process or self.actions)

    @property
    def parts(self) -> tuple[Endpoint, ...]:
        """The endpoint as it is for messages of each of its actions; itself alone where it has none."""
        return tuple(map(self.of_action, self.actions)) or (self,)

    def of_action(self, action: Action) -> Endpoint:
        """The endpoint as it is for messages of one of its actions."""
        limits = self.limits if action.limits.time is None else replace(self.limits, time=action.limits.time)
        return replace(
            self,
            action=action.name,
            actions=(),
            feed="",
            on_connect="",
            on_disconnect="",
            process=action.process,
            reply_to=action.reply_to or self.reply_to,
            event=action.event or (self.event if self.event != "message" else action.name),
            input=action.input,
            limits=replace(limits, rate=action.limits.rate),
            summary=action.summary,
            description=action.description,
            access=replace(self.access, roles=action.roles),
        )


_OURS_IN_EVENTS = 300  # bytes that an event may get from us: its group, its number and its time
_OURS = ("endpoints", "examples", "processes")
_PART = r"[^./\\:\u0000-\u001f][^/\\:\u0000-\u001f]*"
_SITE = {
    "maxLength": 200,
    "pattern": rf"^(?!(?:{'|'.join(_OURS)})(?:/|$)){_PART}(?:/{_PART})*$",
    "errorMessage": (
        "must be the path of a folder beside endpoints.yaml, like site or web/dist, of which no part begins with a "
        f"dot; {', '.join(_OURS)} hold other things"
    ),
}


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
    groups: Mapping[str, GroupSettings] = field(default_factory=dict)
    limits: ServerLimits = field(default_factory=ServerLimits)
    site: str = setting(
        text(**_SITE),
        "A folder of pages that everybody may see, served at `/` beside the endpoints. Administration and documents "
        "are on `--admin-port` alone then.",
        examples=["site"],
        value="",
    )
    hash: str = ""
    places: Mapping[PathTuple, Place] = field(default_factory=dict, compare=False, repr=False)

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint with this name. Raises StopIteration where there is none."""
        return next(one for one in self.endpoints if one.name == name)

    def event_room(self, endpoint: str | None = None) -> int:
        """Bytes of an event from outside; a longer one would close connections where `limits.queue` is smallest."""
        wanted = (one.limits.queue for one in self.endpoints if endpoint in (None, one.name))
        return min(wanted, default=Limits().queue) - _OURS_IN_EVENTS

    def place(self, *path: str | int) -> Place:
        """The place of `path`, or of the nearest thing around it that has one."""
        return nearest_place(self.places, path)

    def problem(
        self, path: PathTuple, code: str, message: str, hint: str = "", severity: Severity = "error"
    ) -> Problem:
        """A Problem at `path`, with its file, line and column filled in."""
        return problem_at(self.place(*path), path, code, message, hint, severity)
