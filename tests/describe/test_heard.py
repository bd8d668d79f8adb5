"""What `events:` names, in all that is made of the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.describe.clients import typescript
from jackfield.describe.contract import Contract
from jackfield.describe.documents import asyncapi, markdown, openapi, postman
from jackfield.schema.validator import Validator
from tests.describe.made import contract_of
from tests.house.habits import PACKAGE
from tests.projects import write

JSON = dict[str, Any]

ADDRESS = "https://desk.example.com"
PLAN = """\
groups:
  "room:{room}": {feed: p.news, may_join: anyone, events: {said: p.Said, tick: p.Tick, "новость": p.Strict}}
endpoints:
  room:
    url: "/ws/rooms/{room}"
    group: "room:{room}"
    actions: {say: {process: p.say, reply_to: group, event: said}, shout: {process: p.say}}
    events: {"новость": {properties: {text: {type: string}}, required: [text], additionalProperties: false}}
  chooser: {url: /ws/chooser, actions: {join: group.join}}
  notices: {url: /ws/notices, on_connect: p.hello, events: {notice: p.Said, hello: p.Said}}
  other: {url: /ws/other, process: echo.same}
"""
CODE = """\
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, TypedDict
import msgspec
from jackfield import process

@dataclass
class Mood:
    name: str

@dataclass
class Said:
    text: str
    mood: Mood | None = None

@dataclass
class Tick:
    price: float

class Strict(msgspec.Struct, forbid_unknown_fields=True):
    text: str

class Told(TypedDict):
    event: Literal["tick", "halt"]
    symbol: str

@process
async def news(room: str) -> AsyncIterator[Told]:
    yield {"event": "halt", "symbol": "ГАЗ"}

@process
def say(text: str) -> dict[str, int]:
    return {"n": 1}

@process
def hello() -> TypedDict("Hello", {"event": Literal["hello"], "text": str}):
    return {"event": "hello", "text": "Привет"}
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return contract_of(write(tmp_path_factory.mktemp("heard"), PLAN, p=CODE))


@pytest.fixture(scope="module")
def described(found: Contract) -> JSON:
    return asyncapi.document(found, ADDRESS)


def names(found: Contract, endpoint: str) -> list[str]:
    return [one.name for operation in found.operations if operation.name == endpoint for one in operation.heard]


def test_an_endpoint_hears_its_own_and_those_of_groups_that_it_is_in_or_may_join(found: Contract) -> None:
    assert names(found, "room") == ["новость", "tick"], "what a reply becomes is described there"
    assert names(found, "chooser") == ["said", "tick", "новость"]
    assert names(found, "notices") == ["notice", "hello"]
    assert names(found, "other") == []


def test_its_own_come_before_those_of_a_group(found: Contract) -> None:
    room, chooser = found.operations[:2]
    assert "title" not in room.heard[0].schema
    assert chooser.heard[2].schema["title"] == "Strict"


def test_a_type_describes_what_a_reply_a_feed_and_a_hook_say_under_its_name(found: Contract) -> None:
    room, chooser, notices, _ = found.operations
    say = room.actions[0]
    assert say.said is not None
    assert (say.event, say.said["title"]) == ("said", "Said")
    for operation in (room, chooser):
        (feed,) = operation.feeds
        assert feed.names == ("halt",)
    assert (notices.feeds, notices.spoken_to) == ((), "connection")


def fitting(document: JSON, channel: str, payload: JSON) -> list[str]:
    """The messages of a channel that a payload fits."""
    components = {"components": document["components"]}
    messages = document["channels"][channel]["messages"].items()
    return [kind for kind, one in messages if Validator({"allOf": [one["payload"]], **components}).is_valid(payload)]


@pytest.mark.parametrize(
    ("channel", "payload", "kind"),
    [
        ("room", {"event": "tick", "price": 1.5, "$n": 3}, "tick.heard"),
        ("room", {"event": "tick", "price": "много"}, ""),
        ("room", {"event": "halt", "symbol": "ГАЗ"}, "fed"),
        ("room", {"event": "said", "from": None, "text": "Привет 👋", "mood": {"name": "x"}}, "say.said"),
        ("room", {"event": "said", "from": None, "text": "Привет 👋", "mood": {"name": 1}}, ""),
        ("room", {"event": "другое"}, "event"),
        ("chooser", {"event": "said", "from": "anna", "text": "Привет", "group": "room:7"}, "said.heard"),
        ("chooser", {"event": "said", "text": "Привет"}, "said.heard"),
        ("chooser", {"event": "said", "from": 7, "text": "Привет"}, ""),
        ("chooser", {"event": "новость", "text": "есть", "group": "room:7", "$n": 1}, "новость"),
        ("chooser", {"event": "новость", "text": "есть", "more": 1}, ""),
        ("notices", {"event": "notice", "text": "🔔"}, "notice.heard"),
        ("notices", {"event": "hello", "text": "🔔"}, "hello.heard"),
    ],
)
def test_asyncapi_has_each_with_its_schema(described: JSON, channel: str, payload: JSON, kind: str) -> None:
    kinds = fitting(described, channel, payload)
    if kind == "новость":  # in the letters that the format allows
        (kind,) = kinds
        assert kind.endswith(".heard")
    assert kinds == ([kind] if kind else [])


def test_each_is_an_operation_that_sends(described: JSON) -> None:
    operation = described["operations"]["chooser.said"]
    assert operation["action"] == "send"
    assert operation["messages"] == [{"$ref": "#/channels/chooser/messages/said.heard"}]
    assert described["operations"]["notices.notice"]["messages"][0]["$ref"].endswith("notice.heard")


def test_the_reference_openapi_and_postman_have_them(found: Contract) -> None:
    text = markdown.reference(found, ADDRESS)
    assert "**Event `tick`**" in text
    assert "Events that a connection hears: `said`, `tick`, `новость`." in text
    events = openapi.document(found, ADDRESS)["paths"]["/ws/notices"]["get"]["x-websocket"]["events"]
    assert len(events) == 2
    files = postman.files(found, ADDRESS)
    pushed = {path.rpartition("/")[2]: text for path, text in files.items() if "/push " in path}
    assert pushed.keys() >= {"push tick to room-room.request.yaml", "push notice to {{login}}.request.yaml"}
    assert "{{base_url}}/api/users/{{login}}/events" in pushed["push notice to {{login}}.request.yaml"]
    bodies = [
        json.loads(item["request"]["body"]["raw"])
        for item in json.loads(next(text for path, text in files.items() if path.endswith(".json")))["item"]
        if item["name"] == "push tick to room-room"
    ]
    assert bodies == [{"event": "tick", "price": 1.5}]


@pytest.mark.parametrize(
    ("example", "event"), [("chat", "said"), ("comments", "comment"), ("notifications", "notice"), ("quotes", "tick")]
)
def test_the_clients_of_the_live_examples_know_what_is_heard(example: str, event: str) -> None:
    text = typescript.client(contract_of(PACKAGE / "examples" / example))
    table = text.partition("Events {\n")[2].partition("}")[0]
    assert table.startswith(f"  {event}: ")
    assert table.count(";") == 1
