from __future__ import annotations

from typing import Any

import pytest

from jackfield.process.table.conditions import fits, read_condition
from jackfield.process.table.literals import OTHER, key, literal
from jackfield.process.table.lookup import Lookup
from tests.process.table.tables import conformance, of_column, read, told


def rows_of(head: str, cell: str, values: list[Any], separator: str = ",") -> list[Any]:
    """Those of the values that fit a cell, by the lookup and by looking at the cell: both say the same."""
    table = read(of_column(head, cell, separator=separator))
    lookup = Lookup(table)
    (column, *_) = table.columns
    fitting = [value for value in values if lookup.all((value,))]
    assert fitting == [value for value in values if fits(table.conditions[0][0], key(column, value))]
    return fitting


@pytest.mark.parametrize(
    ("cell", "fitting"),
    [
        ("", ["a", "b", "a, b", "-", "null", "", None]),
        ("-", ["a", "b", "a, b", "-", "null", "", None]),
        ("a", ["a"]),
        ("a, b", ["a, b"]),
        ('"a"', ["a"]),
        ('"a" ,"b"', ["a", "b"]),
        ('not("a", "b")', ["a, b", "-", "null", "", None]),
        ('Not ( "a" )', ["b", "a, b", "-", "null", "", None]),
        ("null", [None]),
        ('"null"', ["null"]),
        ('"-"', ["-"]),
        ('""', [""]),
        ('"a", null', ["a", None]),
        ('not(null, "a")', ["b", "a, b", "-", "null", ""]),
        ("not(null)", ["a", "b", "a, b", "-", "null", ""]),
    ],
)
def test_texts(cell: str, fitting: list[Any]) -> None:
    assert rows_of("a?", cell, ["a", "b", "a, b", "-", "null", "", None]) == fitting


@pytest.mark.parametrize("text", ["<b>", "< слово", "->", "-5 градусов", "not now", "18 лет", "(", "]", "null?", ":=)"])
def test_a_bare_text_is_never_parsed(text: str) -> None:
    assert rows_of("a", text, [text, text.upper() + "!"]) == [text]


def test_the_quotes_of_a_quoted_text_stand_twice() -> None:
    assert rows_of("a", '"say ""да"""', ['say "да"', "say да"]) == ['say "да"']


def test_texts_are_compared_as_people_see_them() -> None:
    """й is one character of Unicode or two. Case counts, where the head does not say otherwise."""
    for cell in ("Йод", "И\u0306од"):
        assert rows_of("a", cell, ["Йод", "И\u0306од", "йод"]) == ["Йод", "И\u0306од"]
        assert rows_of("a (text, any case)", cell, ["Йод", "и\u0306ОД", "йодъ"]) == ["Йод", "и\u0306ОД"]
    assert rows_of("a (text, any case)", "STRASSE", ["straße", "Strasse", "strase"]) == ["straße", "Strasse"]
    assert rows_of("a (text, any case)", 'not("ΟΔΟΣ")', ["οδος", "οδός"]) == ["οδός"]


@pytest.mark.parametrize(
    ("cell", "fitting"),
    [
        ("1", [1, 1.0]),
        ("= 1", [1, 1.0]),
        ("1, 2", [1, 1.0, 2]),
        ("-0", [0, -0.0]),
        ("1.5", [1.5]),
        ("!= 1", [0, -0.0, 1.5, 2, 10**30, -(10**30)]),
        ("not(1, 2)", [0, -0.0, 1.5, 10**30, -(10**30), None, True, float("nan"), "1"]),
        ("< 1", [0, -0.0, -(10**30)]),
        (">=1.5", [1.5, 2, 10**30]),
        ("[1..2]", [1, 1.0, 1.5, 2]),
        ("( 1 .. 2 )", [1.5]),
        ("]1..2[", [1.5]),
        ("[1..2[, 1000000000000000000000000000000", [1, 1.0, 1.5, 10**30]),
        ("[0..1], [1..2], < -5", [0, -0.0, 1, 1.0, 1.5, 2, -(10**30)]),
        ("not([0..2], null)", [10**30, -(10**30), True, float("nan"), "1"]),
        ("1e30", []),
        ("null, > 2", [10**30, None]),
    ],
)
def test_numbers(cell: str, fitting: list[Any]) -> None:
    values = [0, -0.0, 1, 1.0, 1.5, 2, 10**30, -(10**30), None, True, float("nan"), "1"]
    assert repr(rows_of("a? (number)", cell, values)) == repr(fitting)


def test_a_comma_in_a_number_where_commas_separate_no_cells() -> None:
    for separator in ";\t":
        assert rows_of("a (number)", "[1,5..2,5), 7,25, 9", [1.5, 2, 2.5, 7.25, 7, 9], separator) == [1.5, 2, 7.25, 9]


def test_words_for_true_and_false_in_six_languages() -> None:
    yes, no = "true yes да истина wahr vrai verdadero vero", "false no нет ложь falsch faux falso"
    for words, value in ((yes, True), (no, False)):
        for word in words.split():
            assert rows_of("a (boolean)", word.upper(), [True, False, 1, 0, "true"]) == [value]
    assert rows_of("a? (boolean)", "!= true", [True, False, None]) == [False]
    assert rows_of("a? (boolean)", "not(true)", [True, False, None]) == [False, None]


@pytest.mark.parametrize("type_", ["date", "time", "datetime"])
def test_days_and_times(type_: str) -> None:
    cells = {
        "date": ("[30.01.2026..2026-02-01]", ["2026-01-29", "2026-01-30", "2026-02-01", "2026-02-02"]),
        "time": ("[9:30..10:15:30.5]", ["09:29", "09:30", "10:15:30.5", "10:15:31"]),
        "datetime": (
            "[30.01.2026 9:30 .. 2026-01-30T10:30+01:00]",
            ["2026-01-30T09:29Z", "2026-01-30T09:30", "2026-01-30T10:30+01:00", "2026-01-30T09:31"],
        ),
    }
    cell, texts = cells[type_]
    values = [literal(type_, text) for text in texts]  # type: ignore[arg-type]  # these are types
    fitting = values[1:3] if type_ != "datetime" else [values[1], values[2]]
    assert rows_of(f"a ({type_})", cell, [*values, None, "x", 5]) == fitting


def test_a_time_without_a_zone_is_in_utc() -> None:
    values = [literal("datetime", text) for text in ("2026-01-30T12:00", "2026-01-30T15:00+03:00", "2026-01-30T15:00")]
    assert rows_of("a (datetime)", "2026-01-30 12:00", values) == values[:2]


def test_a_time_as_spreadsheets_in_english_write_it() -> None:
    texts = ["10:30:00 AM", "12:05 AM", "12:05 p.m.", "9 PM"]
    assert [f"{literal('time', text)}" for text in texts] == ["10:30:00", "00:05:00", "12:05:00", "21:00:00"]


def test_choices() -> None:
    assert rows_of("a (small | very large)", "very large", ["small", "very large"]) == ["very large"]
    assert rows_of("a (small | very large)", 'not("small")', ["small", "very large"]) == ["very large"]


@pytest.mark.parametrize(
    ("head", "cell", "sentence"),
    [
        (
            "a",
            ">= 18",
            "`>= 18` is a comparison, and `a` is a text; write `a (number)` in B1, or put the text in quotes",
        ),
        ("a", "[1..5]", "`[1..5]` is a comparison, and `a` is a text; write `a (number)`"),
        ("a", '!= "b"', '`!= "b"` is a comparison'),
        ("a", "=message", "a cell that begins with `=` is a formula to spreadsheets; write `message` alone"),
        ("a", '="да"', "a cell that begins with `=` is a formula to spreadsheets; write `да` alone, without `=`"),
        ("a", "=cmd|' /C calc'!A0", "a cell that begins with `=` is a formula to spreadsheets"),
        ("a (text)", "Starts with (x)", "`Starts with (…)` is not supported; write the text itself; if it begins like"),
        ("a", '"a", b', '`b` is not in quotes, as the others of a list are; write "a", "b"'),
        ("a", '"a" or "b"', 'after the quoted text stands `or "b"`; write "a", "b"'),
        ("a", 'not("a", b)', '`b` is not in quotes, as the others of a list are; write not("a", "b")'),
        ("a", "not(a)", '`a` is not in quotes, as the others of a list are; write not("a", "b")'),
        (
            "a",
            "“да”, «нет»",
            'the quotes of this list are curly ones, which spreadsheets like to put; write "да", "нет"',
        ),
        ("a", "null", "`a` is never missing, and this cell says null; write `a?` in B1"),
        ("a (small | large)", "smal", '`smal` is none of the choices; did you mean "small"?'),
        ("a (small | large)", '"x"', "`x` is none of the choices; the choices are small, large"),
        (
            "a (number)",
            "1,5",
            "`1,5` may be one number or two, as commas separate the cells of this file; write 1.5, or",
        ),
        (
            "a (number)",
            "1,000",
            "`1,000` may be one number or two, as commas separate the cells of this file; write 1000",
        ),
        ("a (number)", "1,2,3", "`1,2,3` may be one number or several; write 123, or `1, 2, 3` for several"),
        ("a (number)", "1 000", "`1 000` is no number; write 1000"),
        ("a (number)", "1\u202f000,5", "`1\u202f000,5` is no number; write 1000.5"),
        ("a (number)", "1.000,50", "`1.000,50` is no number; write 1000.50"),
        ("a (number)", "50%", "`50%` is no number; write 0.5, or 50 if the message says so"),
        ("a (number)", "5 €", "`5 €` is no number; write 5"),
        ("a (number)", "> 5 руб.", "`5 руб.` is no number; write 5"),
        ("a (number)", '"5"', '`"5"` is no number; write 5'),
        ("a (number)", "01.02.2026", "`01.02.2026` is no number; a spreadsheet makes dates of 1-2 and 1/2: format the"),
        ("a (number)", "01.май", "`01.май` is no number; a spreadsheet makes dates of 1-2 and 1/2: format the"),
        ("a (number)", "2-Jan", "`2-Jan` is no number; a spreadsheet makes dates of 1-2 and 1/2: format the"),
        ("a (number)", "пять", "`пять` is no number; write a number such as 18 or 1.5"),
        ("a (number)", "18+", "`18+` is no condition for number; write `>= 18`"),
        ("a (number)", "18 – 25", "`18 – 25` is no condition for number; write `[18..25]`"),
        ("a (number)", "≥ 18", "`≥ 18` is no condition for number; write `>= 18`"),
        ("a (number)", "> 5 and < 7", "`> 5 and < 7` is no condition for number; write `(5..7)`"),
        ("a (number)", "–", "`–` is no condition for number; write `-`"),
        ("a (integer)", "от 18", "`от 18` is no condition for integer; write `>= 18`"),
        ("a (integer)", "до 18 лет", "`до 18 лет` is no condition for integer; write `< 18`"),
        ("a (integer)", "From 18 to 30", "`From 18 to 30` is no condition for integer; write `[18..30]`"),
        ("a (integer)", "mehr als 5", "`mehr als 5` is no condition for integer; write `> 5`"),
        ("a (integer)", "18..30", "`18..30` is no condition for integer; write `[18..30]`"),
        ("a (integer)", "[1,10]", "`[1,10]` is no condition for integer; write `[1..10]`"),
        ("a (integer)", "(1-10)", "`(1-10)` is no condition for integer; write `[1..10]`"),
        ("a (integer)", "5 < a < 10", "`5 < a < 10` is no condition for integer; write `(5..10)`"),
        ("a (integer)", "1 или 2", "`1 или 2` is no condition for integer; write `1, 2`"),
        ("a (integer)", "*", "`*` is no condition for integer; write `-`"),
        ("a (number)", "30-18", "`30-18` is no number"),
        ("a (date)", "2026-01-30 - 2026-02-01", "`2026-01-30 - 2026-02-01` is no condition for date; write `[2026-01"),
        ("a (time)", "9-18", "`9-18` is no condition for time; write `[9:00..18:00]`"),
        ("a (time)", "9:00-12:00", "`9:00-12:00` is no condition for time; write `[9:00..12:00]`"),
        (
            "a (time)",
            "22:00-06:00",
            "`22:00-06:00` may be hours of a day, or 22:00 in a zone west of UTC; write `>= 22:",
        ),
        (
            "a (time)",
            "(22:00..6:00]",
            "`(22:00..6:00]` is empty: 22:00 is above 6:00; write `> 22:00, <= 6:00` for a n",
        ),
        ("a (number)", "1,", "beside a comma nothing stands; write `1, 2` for a list"),
        ("a (number)", "[1..2] [3..4]", "`[3..4]` follows without a comma; separate items by a comma and a blank"),
        ("a (number)", "1e999", "`1e999` is no number; the number is too large"),
        ("a (number)", "9" * 5000, "`" + "9" * 60 + "…` is no number"),
        ("a (number)", "[5..1]", "`[5..1]` is empty: 5 is above 1; write the smaller end first"),
        ("a (number)", "(1..1]", "`(1..1]` is empty: ( and ) leave the ends out; write `[1..1]`"),
        ("a (integer)", "(1..2)", "`(1..2)` is empty: ( and ) leave the ends out; write `[1..2]`"),
        ("a (integer)", "1.0", "`1.0` is no integer; write 1"),
        ("a (date)", "01/02/2026", "`01/02/2026` is no date; write 2026-02-01 or 2026-01-02"),
        ("a (date)", "30/01/26", "`30/01/26` is no date; write 2026-01-30"),
        ("a (date)", "30.01.26", "`30.01.26` is no date; write 2026-01-30"),
        ("a (date)", "2026-02-30", "`2026-02-30` is no date; there is no such day"),
        ("a (time)", "9.30", "`9.30` is no time; write 09:30"),
        ("a (time)", "13:30 PM", "`13:30 PM` is no time; write it as 10:30"),
        ("a (time)", "24:00", "`24:00` is no time; there is no such time of the day"),
        ("a (datetime)", "2026-01-30", "`2026-01-30` is no datetime; write it as 2026-01-30T10:30"),
        ("a (boolean)", "ja", "`ja` is no boolean; write true or false (yes, no, да, нет)"),
        ("a (boolean)", "> true", "`>` does not compare true and false; write true or false"),
    ],
)
def test_a_cell_that_cannot_be_is_told_with_the_cure(head: str, cell: str, sentence: str) -> None:
    (problem,) = told(of_column(head, "", cell))
    assert problem.startswith(f"3:3: B3: {sentence}")


def test_a_column_of_numbers_says_which_type_it_has() -> None:
    (problem,) = told(of_column("age", "18", "1, 2", "-"))
    sentence = (
        "1:9: B1: `age` is a text, and all cells below are numbers; write `age (number)`, or `age (text)` if texts"
    )
    assert problem.startswith(sentence)
    assert rows_of("age (text)", "007", ["007", "7"]) == ["007"]
    assert rows_of("age (text)", "< 5", ["< 5", "3"]) == ["< 5"]
    assert read(of_column("age", "18", "нет")).columns[0].type == "text"


def test_a_value_of_another_type_fits_what_anything_fits() -> None:
    """What a connection remembers may be of any type."""
    table = read(of_column("state.a (integer)", "1", "not(1)", "", "null"))
    lookup = Lookup(table)
    others: list[Any] = ["1", [1], {"a": 1}, True, float("nan"), OTHER]
    for value in others:
        assert lookup.all((value,)) == [1, 2], value
    lookup = Lookup(read(of_column("state.a", "b", 'not("b")', "")))
    others = [[], {}, 1, None, "b"]
    assert [lookup.all((value,)) for value in others] == [[1, 2], [1, 2], [1, 2], [1, 2], [0, 2]]


def test_the_unary_tests_of_dmns_conformance_kit() -> None:
    cases = conformance("unary.json")
    for case in cases:
        value = case["value"]
        if case["type"] not in ("text", "boolean", "number"):
            value = literal(case["type"], value)
        assert bool(rows_of(f"x ({case['type']})", case["cell"], [value])) == case["fits"], case
    assert len(cases) == 185


def test_a_cell_is_read_the_same_whoever_asks() -> None:
    column = read(of_column("a (number)", "")).columns[0]
    assert read_condition(column, "1, 2", ",") == read_condition(column, "2,  1", ";")
