"""Names in a client: no two endpoints have one, and classes that differ are never taken for each other."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from jackfield.describe.clients.naming import Place, class_names, identity, method, stems
from jackfield.describe.clients.reader import Types, operands
from jackfield.describe.clients.tree import Named, Type, Union
from jackfield.describe.contract import Contract, contract
from jackfield.routing import build
from tests.projects import write

SPELLINGS = ["".join(letters) for size in range(6) for letters in itertools.product("a-._", repeat=size)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("room", "room"),
        ("Room", "Room"),
        ("room_1", "room_1"),
        ("room-1", "room_dash_1"),
        ("room.1", "room_dot_1"),
        ("desk.room-list", "desk_dot_room_dash_list"),
        ("class", "class_"),
        ("None", "None_"),
        ("self", "self"),
    ],
)
def test_a_function_is_called_like_its_endpoint(name: str, expected: str) -> None:
    assert method(name, {"class", "None"}) == expected


def test_no_two_endpoints_have_one_function() -> None:
    names = {f"a{spelling}" for spelling in SPELLINGS}
    names |= {f"a{first}dash{second}b{third}dot{first}" for first, second, third in itertools.product("-._", repeat=3)}
    names |= {f"class{more}" for more in ("", "_", "__", "-", ".", "_-", "-_")}
    found = {method(name, {"class"}) for name in names}
    assert len(found) == len(names)
    assert all(name.isidentifier() and name != "class" for name in found)


def test_types_begin_as_their_endpoint_is_called_or_spelled() -> None:
    assert stems(["room-list", "desk.say"]) == {"room-list": "RoomList", "desk.say": "DeskSay"}
    names = ["room-1", "room.1", "room_1", "Room", "room", "roomA", "desk"]
    expected = ["room_dash_1", "room_dot_1", "room_1", "Room", "room", "RoomA", "Desk"]
    assert stems(names) == dict(zip(names, expected, strict=True))
    assert stems(reversed(names)) == stems(names)


def cls(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"title": name, "type": "object", "properties": {"value": {"type": kind}}, **more}


def place(stem: str, kind: str, **defs: Any) -> Place:
    keys = {key.replace("__", "."): found for key, found in defs.items()}
    return Place(stem, kind, {"type": "object", "$defs": keys})


def named(*places: Place, taken: tuple[str, ...] = ()) -> list[str]:
    """The names, the same in whichever order the places come."""
    found = [class_names(order, taken) for order in itertools.permutations(places)]
    assert all(one == found[0] for one in found)
    return sorted(found[0].values())


def test_a_class_alone_keeps_its_name() -> None:
    cat = cls("Cat")
    assert named(place("Room", "Message", Cat=cat), Place("Room", "Reply", cat), Place("Pet", "Reply", cat)) == ["Cat"]
    assert named(place("Room", "Message", Event=cls("Event")), taken=("Event",)) == ["Event_"]


def test_a_class_that_is_read_otherwise_than_sent_says_which() -> None:
    places = [
        place("Room", "Message", Cat=cls("Cat")),
        place("Pet", "Message", Cat=cls("Cat")),
        place("Room", "Reply", Cat=cls("Cat", "number")),
    ]
    assert named(*places) == ["MessageCat", "ReplyCat"]


def test_classes_of_one_name_are_called_by_where_they_stand() -> None:
    other = cls("Item", "integer")
    both = place("Both", "Message", Item=cls("Item"), processes__b__Item=other)
    assert named(place("Room", "Message", Item=cls("Item")), both, place("Pet", "Message", Item=other)) == [
        "PetMessageItem",
        "RoomMessageItem",
    ]
    alone = named(both)
    assert "ProcessesBItem" in alone
    assert len(set(alone)) == 2


def test_a_class_is_known_however_its_place_calls_it() -> None:
    def tree(inner: str) -> dict[str, Any]:
        below = {"type": "array", "items": {"$ref": f"#/$defs/{inner}"}}
        return {"title": "Tree", "type": "object", "properties": {"below": below}}

    first, second = {"$defs": {"Tree": tree("Tree")}}, {"$defs": {"b.Tree": tree("b.Tree")}}
    alike = {identity(first["$defs"]["Tree"], first), identity(second["$defs"]["b.Tree"], second)}
    inline = {**tree("Tree"), **first}
    assert {*alike, identity(inline, inline)} == alike
    assert len(alike) == 1
    assert identity(cls("A"), {}) != identity(cls("B"), {})


FIRST = """\
from dataclasses import dataclass
from jackfield import process

@dataclass
class Item:
    name: str

@dataclass
class RoomReply:
    name: str
    lives: int = 9

@dataclass
class Dog:
    name: str

@process
def room(reply: RoomReply) -> RoomReply:
    return reply

@process
def pet(dog: Dog) -> RoomReply | Dog:
    return dog

@process(reply="message")
def first(item: Item) -> str:
    return ""
"""
SECOND = """\
from dataclasses import dataclass
from jackfield import process
from processes import first

@dataclass
class Item:
    other: int

@process(reply="message")
def both(a: first.Item, b: Item) -> str:
    return ""
"""


def project(folder: Path, *names: str) -> Contract:
    homes = {"both": "second"}
    entries = (f"  {name}: {{url: /ws/{name}, process: {homes.get(name, 'first')}.{name}}}\n" for name in names)
    write(folder, f"endpoints:\n{''.join(entries)}", first=FIRST, second=SECOND)
    return contract(build.build(folder, 1))


def read(contract: Contract) -> dict[str, Type]:
    types = Types(["Client"], contract.operations)
    for operation in contract.operations:
        operands(operation, types)
    return {definition.name: definition.type for definition in types.definitions}


def test_message_and_reply_share_a_class_and_unions_stay_unions(tmp_path: Path) -> None:
    found = read(project(tmp_path, "room", "pet"))
    assert sorted(found) == ["Dog", "PetMessage", "PetReply", "RoomMessage", "RoomReply"]
    assert found["PetReply"] == Union((Named("RoomReply"), Named("Dog")))


def test_the_order_of_the_endpoints_says_nothing(tmp_path: Path) -> None:
    names = ("first", "both", "room", "pet")
    found = read(project(tmp_path / "a", *names))
    assert found == read(project(tmp_path / "b", *reversed(names)))
    assert {"BothMessageItem", "ProcessesSecondItem"} <= found.keys()
