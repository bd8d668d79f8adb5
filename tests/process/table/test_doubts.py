"""What a table most likely does not mean is a warning with the cure; what it may well mean is none."""

from __future__ import annotations

import pytest

from tests.process.table.tables import file_of, of_column, told


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("“да”", 'these are curly quotes; write да, or put all in straight ones if they are meant: "“да”"'),
        ("«Война и мир»", "these are curly quotes; write Война и мир, or"),
        ("—", "write `-` for anything, or leave the cell empty"),
        ("NULL", 'a list is written "a", "b", all others not("a")'),
        ("<> 5", 'all others are written not("5"); put it in straight quotes if it is meant'),
        ("!= да", 'all others are written not("да")'),
        ("*", "there are no wildcards: a text is compared as a whole, and an empty cell fits anything"),
        ("Прив*", "there are no wildcards"),
        ("*да*", "there are no wildcards"),
        ("/b.*/", "there are no wildcards"),
        ("'да', 'нет да'", 'a list is written "да", "нет да"; if it is one text: "\'да\', \'нет да\'"'),
        ("да, нет", 'a list is written "да", "нет"; if it is one text: "да, нет"'),
        ("да или нет", 'a list is written "да", "нет"; if it is one text'),
        ("Чай|Кофе", 'a list is written "Чай", "Кофе"'),
        ("TRUE", 'if the key is true or false, write `a (boolean)` in B1; if it is a text: "TRUE"'),
        ("30.01.2026", "if it is a day, write `a (date)` in B1"),
        ("30/01/2026", "if it is a day, write `a (date)` in B1"),
        ("01.фев", "a spreadsheet makes dates of 1-2 and 1/2: format the column as text"),
        ("2-Jan", "a spreadsheet makes dates of 1-2"),
        ("18", 'if the key is a number, write `a (number)` in B1; if it is a text: "18"'),
        ("больше 18", 'if the key is a number, write `a (number)` in B1, and `> 18`; if it is a text: "больше 18"'),
    ],
)
def test_a_text_that_is_most_likely_meant_as_more(text: str, cure: str) -> None:
    (warning,) = told(of_column("a", text, "слово", "", text))
    assert warning.startswith(f"2:3: warning: B2: `{text}` is taken as a text; {cure}")
    assert told(of_column("a", '"' + text.replace('"', '""') + '"', "слово", "")) == []


@pytest.mark.parametrize(
    "text",
    [
        "Привет, мир",
        "<b>",
        ">:(",
        "* сноска",
        "it's 'x'",
        "/start",
        "18 лет",
        "март",
        "Да, я хочу",
        "C++",
        "все",
        "50%",
    ],
)
def test_a_text_that_is_one(text: str) -> None:
    assert told(of_column("a", text, "")) == []


def test_a_head_with_its_type_ends_the_doubt() -> None:
    assert told(of_column("a (text)", "18", "30.01.2026", "true", "")) == []


STEPS = ("first", "message", "state.step", "remember.step", "reply.x")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            [("first", "message", "reply.text", "note"), ("1", "a", "x", "для всех"), ("rest", "", "y", "")],
            "1:26: warning: D1: `note` stands right of the replies: it is a key that every message must have; if it is",
        ),
        (
            [("First", "Message", "reply.text"), ("rest", "", "y")],
            "1:7: warning: B1: `Message` begins with a capital letter, and so must the key of the message; if programs",
        ),
        (
            [("first", "state.step", "remember.stp", "reply.x"), ("1", "null", "how", "x"), ("rest", "", "", "y")],
            '1:18: warning: C1: nothing in this table reads `state.stp`; did you mean "remember.step"?',
        ),
        (
            [STEPS, ("1", "", "null", "how", "x"), ("2", "", "haw", "null", "x"), ("rest", "", "", "", "y")],
            '3:4: warning: C3: no row remembers `haw`; did you mean "how"?',
        ),
    ],
)
def test_columns_that_are_most_likely_another_thing(rows: list[tuple[str, ...]], sentence: str) -> None:
    (warning,) = told(file_of(rows))
    assert warning.startswith(sentence)


@pytest.mark.parametrize(
    "rows",
    [
        [("first", "message", "reply.text", "room"), ("1", "a", "{room}", "большая"), ("rest", "", "y", "")],
        [("first", "message", "reply.text", "size"), ("1", "a", "x", '"s", "m"'), ("rest", "", "y", "")],
        [("first", "Message", "reply.text"), ("rest", "", "y")],
        [("first", "message", "remember.stp", "reply.x"), ("rest", "", "how", "{state.stp}")],
        [STEPS, ("1", "", "how", "{message}", "x"), ("rest", "", "", "", "y")],
    ],
)
def test_columns_that_are_what_they_say(rows: list[tuple[str, ...]]) -> None:
    assert told(file_of(rows)) == []
