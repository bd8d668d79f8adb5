"""Names in a client: no two endpoints have one, whatever else there is."""

from __future__ import annotations

from itertools import product

import pytest

from jackfield.describe.clients.naming import method, stems

SPELLINGS = ["".join(letters) for size in range(6) for letters in product("a-._", repeat=size)]


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
    names |= {f"a{first}dash{second}b{third}dot{first}" for first, second, third in product("-._", repeat=3)}
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
