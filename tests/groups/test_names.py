"""Names of groups: no value reaches into another name, and a name gives its values back."""

from __future__ import annotations

from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.groups.names import MAX_LENGTH, BadName, Pattern, checked, fault


class Floor(Enum):
    FIRST = "1st"


@pytest.mark.parametrize(
    ("pattern", "values", "name"),
    [
        ("news", {}, "news"),
        ("room:{room}", {"room": "7"}, "room:7"),
        ("room:{room}", {"room": 7, "other": 1}, "room:7"),
        ("room:{room}", {"room": "a:b/c"}, "room:a%3Ab%2Fc"),
        ("room:{room}", {"room": "O'Brien (a*b)!~"}, "room:O'Brien%20(a*b)!~"),  # as encodeURIComponent has it
        ("room:{room}", {"room": "Зал 😀"}, "room:%D0%97%D0%B0%D0%BB%20%F0%9F%98%80"),
        ("{{", {}, None),
        ("team:{team}/room:{room}", {"team": "a/room:b", "room": "c"}, "team:a%2Froom%3Ab/room:c"),
        ("on:{on}:{floor}", {"on": True, "floor": Floor.FIRST}, "on:true:1st"),
    ],
)
def test_a_pattern_is_filled(pattern: str, values: dict[str, object], name: str | None) -> None:
    if name is None:
        with pytest.raises(BadName):
            Pattern.parse(pattern)
        return
    assert Pattern.parse(pattern).fill(values) == name
    assert checked(name) == name


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "begins with literal text"),
        ("{room}", "begins with literal text"),
        ("$ours:{x}", "belong to Jackfield"),
        ("room {room}", "no blanks"),
        ("зал:{room}", "Latin letters"),
        ("room:{room", "Latin letters"),
        ("r:{a}{b}", "between two parameters"),
        ("r:{a}b{c}", "between two parameters"),
        ("r:{a}:{a}", "stands twice"),
        ("r:{a b}", "name of a parameter"),
        ("r:{}", "name of a parameter"),
        ("r" * 201, "at most 200"),
    ],
)
def test_what_is_no_pattern_is_named(text: str, sentence: str) -> None:
    with pytest.raises(BadName, match=sentence):
        Pattern.parse(text)


@pytest.mark.parametrize("value", ["", "x" * (MAX_LENGTH - 4), "ж" * 40])
def test_a_value_that_makes_no_name_is_refused(value: str) -> None:
    with pytest.raises(BadName, match=r"empty|longer than 200"):
        Pattern.parse("room:{room}").fill({"room": value})


@pytest.mark.parametrize("name", ["", 7, None, "зал", "room 7", "$ours", "room:{room}", "r" * 201])
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(BadName):
        checked(name)
    assert not isinstance(name, str) or fault(name)


@pytest.mark.parametrize(
    ("name", "right"),
    [("зал:7", "%D0%B7%D0%B0%D0%BB:7"), ("a b", "a%20b"), ("r:{x}", "r:%7Bx%7D"), ("r:%20 /'?", "r:%20%20/'?")],
)
def test_who_writes_a_name_as_text_is_told_how_it_is_written(name: str, right: str) -> None:
    assert fault(name).endswith(f": {right}")
    assert "groups.name" not in fault(name)
    assert (fault(right), checked(right)) == ("", right)


VALUES = st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable() or text.isspace())


@given(VALUES, VALUES)
def test_a_name_gives_back_the_values_that_made_it(one: str, other: str) -> None:
    pattern = Pattern.parse("game:{game}/{seat}.x")
    try:
        name = pattern.fill({"game": one, "seat": other})
    except BadName:
        assert len(one.encode()) + len(other.encode()) > 40
        return
    assert pattern.match(name) == {"game": one, "seat": other}
    assert Pattern.parse("game:{game}").match(name) is None


@pytest.mark.parametrize("name", ["room", "room:", "room:7:8", "room:%ZZ", "room:%FF", "room:%37", "rooms:7"])
def test_another_name_does_not_match(name: str) -> None:
    assert Pattern.parse("room:{room}").match(name) is None


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("news", "news", True),
        ("news", "news2", False),
        ("room:{room}", "room:{id}", True),
        ("room:{room}", "room:7", True),
        ("room:{room}", "room:7/8", False),
        ("room:{room}", "help:{room}", False),
        ("room:{room}:a", "room:{room}:b", False),
        ("r{x}", "room:{x}", True),  # not excluded: this is cautious
    ],
)
def test_patterns_that_may_make_one_name_are_found(one: str, other: str, meet: bool) -> None:
    assert Pattern.parse(one).may_meet(Pattern.parse(other)) is meet
    assert Pattern.parse(other).may_meet(Pattern.parse(one)) is meet
