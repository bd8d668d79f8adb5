"""Row CF-7: no text of a client's makes a pattern run for long, wherever the pattern stands."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from jackfield.errors import PlanError
from jackfield.routing.build import build
from tests.projects import write
from tests.server.conftest import Build, OpenServed
from tests.server.served import Served

BOUND = 10.0
"""Seconds of processor time for a test that needs some milliseconds; Python's engine would need years for most."""

CODE = r"""
Name = Annotated[str, Meta(pattern=r"^([a-z]+-?)*$")]
Other = typing.NewType("Other", Name)

@dataclasses.dataclass
class Data:
    name: Name
    inner: "Data | None" = None

class Record(msgspec.Struct):
    name: Name = ""

class Closed(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    names: list[Name]

class Open(msgspec.Struct, tag=True):
    number: int

class Keys(typing.TypedDict):
    name: Name

class Row(typing.NamedTuple):
    number: int
    name: Name

@process(reply="room")
def room(room: Name) -> str:
    return room

@process
def say(text: Name = "", many: list[Name] = [], named: dict[str, Name] = {}, by_name: dict[Name, int] = {},
        either: Name | int | None = None, other: Other = "", data: Data | None = None, records: list[Record] = [],
        tagged: Closed | Open | None = None, keys: Keys | None = None, row: Row | None = None,
        pair: tuple[int, Name] = (1, ""), every: tuple[Name, ...] = (), some: set[Name] = set(),
        bounded: Annotated[Name, Meta(max_length=100_000)] = "", **more: Name) -> str:
    return "taken"

@process
def narrow(message: Any = None, plain: str = "") -> str:
    return "taken"

@process
def back(message: str) -> Name:
    return message
"""

ENDPOINTS = r"""
  room: {url: "/ws/rooms/{room}", process: p.room, auth: public}
  say: {url: /ws/say, process: p.say, auth: public}
  back: {url: /ws/back, process: p.back, auth: public}
  narrow:
    url: /ws/narrow
    process: p.narrow
    auth: public
    input:
      properties:
        message:
          pattern: "^([a-z]+-?)*$"
          patternProperties: {"^(x+x+)+y$": {type: integer}}
          propertyNames: {pattern: "^(a|aa)*$"}
          items: {$ref: "#/$defs/name"}
        plain: {maxLength: 100000}
      $defs:
        name: {anyOf: [{type: integer}, {pattern: "^(a|a?)+$"}, {pattern: "^(.*a){25}b$"}, {const: "b"}]}
"""

LONG = "a" * 20_000 + "!"
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"text": LONG}, "/text"),
    ({"many": ["a", LONG]}, "/many/1"),
    ({"named": {"a": LONG}}, "/named/a"),
    ({"by_name": {LONG: 1}}, f"/by_name/{LONG}"),
    ({"either": LONG}, "/either"),
    ({"other": LONG}, "/other"),
    ({"data": {"name": LONG}}, "/data/name"),
    ({"data": {"name": "a", "inner": {"name": LONG}}}, "/data/inner/name"),
    ({"records": [{"name": "a"}, {"name": LONG}]}, "/records/1/name"),
    ({"tagged": {"type": "Closed", "names": [LONG]}}, "/tagged/names/0"),
    ({"keys": {"name": LONG}}, "/keys/name"),
    ({"row": [1, LONG]}, "/row/1"),
    ({"pair": [1, LONG]}, "/pair/1"),
    ({"every": ["a", LONG]}, "/every/1"),
    ({"some": [LONG]}, "/some/0"),
    ({"bounded": LONG}, "/bounded"),
    ({"more": LONG}, "/more"),
]
RIGHT = {
    "text": "a-b", "many": ["a"], "named": {"Ж": "a"}, "by_name": {"a": 1}, "either": "a", "other": "a",
    "row": [1, "a"], "data": {"name": "a", "inner": {"name": "b"}}, "records": [{}],
    "tagged": {"type": "Closed", "names": ["a"]}, "keys": {"name": "a"}, "pair": [1, "a"], "every": ["a"],
    "some": ["a"], "bounded": "a", "more": "a",
}  # fmt: skip


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """Ends a test after BOUND; Python's `re` looks for signals while it goes back and forth."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"{BOUND:g} s of processor time are over")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, BOUND, 0.5)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


async def asked(served: Served, url: str, message: object) -> dict[str, Any]:
    caller = served.call(url)
    await caller.accepted()
    answer = await caller.ask(message)
    await caller.leave()
    return answer


@pytest.mark.parametrize("letters", [29, 60, 1_000])
async def test_cf_7_a_get_without_login_holds_up_nobody_by_the_pattern_of_a_path_parameter(
    open_served: OpenServed, letters: int
) -> None:
    served = await open_served(ENDPOINTS, CODE)
    target = f"/ws/rooms/{'a' * letters}!"
    for answer in (await served.http("GET", target), await served.call(target).refused()):
        assert answer.status == 404
        assert "does not fit: it must match the pattern ^([a-z]+-?)*$" in answer.json["detail"]
    assert (await served.http("GET", "/ws/rooms/general-chat")).status == 426


@pytest.mark.parametrize(("message", "path"), WRONG, ids=[path[:20] for _, path in WRONG])
async def test_cf_7_a_message_holds_up_nobody_by_a_pattern_of_a_hint(
    open_served: OpenServed, message: dict[str, Any], path: str
) -> None:
    answer = await asked(await open_served(ENDPOINTS, CODE), "/ws/say", message)
    assert answer["error"]["code"] == "invalid_message"
    details = answer["error"]["details"]
    reported = [
        one["problem"] for one in details if one["path"] == path or path.startswith(one["path"].removesuffix("…"))
    ]
    assert any("^([a-z]+-?)*$" in problem for problem in reported), answer


async def test_cf_7_a_message_that_fits_every_pattern_is_taken(open_served: OpenServed) -> None:
    assert await asked(await open_served(ENDPOINTS, CODE), "/ws/say", RIGHT) == {"result": "taken"}


@pytest.mark.parametrize(
    "message",
    [LONG, {"x" * 20_000: 1}, {"a" * 20_000 + "!": 1}, ["a" * 20_000 + "!"], [1, "a" * 20_000 + "c"]],
    ids=["pattern", "patternProperties", "propertyNames", "items", "reference"],
)
async def test_cf_7_a_message_holds_up_nobody_by_a_pattern_of_input(open_served: OpenServed, message: object) -> None:
    answer = await asked(await open_served(ENDPOINTS, CODE), "/ws/narrow", {"message": message})
    assert answer["error"]["code"] == "invalid_message"


def test_cf_7_a_reply_that_repeats_a_message_holds_up_nobody_either(build_table: Build) -> None:
    check = build_table(ENDPOINTS, CODE).routes["back"].signature.check_reply
    assert check("a-b") is None
    assert check(LONG) == "Expected `str` matching regex '^([a-z]+-?)*$' - at `$.result`"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?=a)b", "look-around"), ("(?!a)b", "look-around"), ("(?<=a)b", "look-around"), ("(?<!a)b", "look-around"),
        (r"(a+)\1", r"\1"), ("(?P<n>a)(?P=n)", "run for hours"), ("(a)?(?(1)b|c)", "run for hours"),
        ("(?>a+)b", "ever goes back"), ("a++b", "take + away"), ("(a{1000}){1000}", "max_length"),
        ("(a|b)*a(a|b){10000}", "max_length"), (r"a\Z", "very end"),
    ],
)  # fmt: skip
def test_cf_7_what_the_linear_engine_cannot_carry_out_is_refused_with_its_place(
    tmp_path: Path, pattern: str, why: str
) -> None:
    quoted = pattern.replace("\\", "\\\\")
    write(
        tmp_path,
        'endpoints:\n  say:\n    url: "/ws/{room}"\n    process: p.say\n    input:\n      properties:\n'
        f'        text: {{pattern: "{quoted}"}}\n',
        p="from dataclasses import dataclass\nfrom typing import Annotated\nfrom msgspec import Meta\n"
        f"from jackfield import process\nName = Annotated[str, Meta(pattern={pattern!r})]\n"
        "@dataclass\nclass Item:\n    name: Name\n\n"
        "@process\ndef say(room: Name, text: Name,\n        items: list[Item], **more: Name) -> Name: ...\n",
    )
    with pytest.raises(PlanError) as caught:
        build(tmp_path, 1)
    found = [(problem.file, problem.line, problem.column) for problem in caught.value.problems]
    places = [(11, 9), (11, 21), (12, 9), (12, 30), (12, 45)]
    assert found == [("endpoints.yaml", 7, 16), *(("processes/p.py", *place) for place in places)]
    assert all(why in problem.hint for problem in caught.value.problems)
