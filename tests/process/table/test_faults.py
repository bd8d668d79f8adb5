from __future__ import annotations

import pytest

from jackfield.process.table.faults import MOST_STEPS, explore
from jackfield.process.table.lookup import Lookup
from tests.process.table.tables import file_of, read, told

REST = "; the answer is the error no_row; a last row without conditions takes the rest"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "first,message,reply.text\n1,a,x\nrest,,y\n2,b,z\n",
            ["4:1: A4: this row is never reached: row 3 takes every message that fits it; move it up, or take it out"],
        ),
        (
            "first,age (integer),reply.text\n1,< 18,x\n2,>= 18,y\n3,[10..30],z\n",
            ["4:1: A4: this row is never reached: rows 2 and 3 take every message that fits it; move it up, or take"],
        ),
        ("first,age (integer),reply.text\n1,<= 17,x\n2,>= 18,y\n", []),  # between them lies no integer
        ("first,day (date),reply.text\n1,<= 30.01.2026,x\n2,>= 31.01.2026,y\n", []),
        (
            "first,age (number),reply.text\n1,<= 17,x\n2,>= 18,y\n",
            [f"1:1: warning: A1: age in (17..18) fits no row{REST}"],
        ),
        ("first,vip (boolean),reply.text\n1,true,x\n2,no,y\n", []),
        ("first,vip? (boolean),reply.text\n1,true,x\n2,no,y\n", [f"1:1: warning: A1: vip missing fits no row{REST}"]),
        ('first,size (s | m | l),reply.text\n1,s,x\n2,"not(""s"")",y\n', []),
        (
            "first,size (s | m | l),reply.text\n1,s,x\n2,m,y\n",
            [f'1:1: warning: A1: size "l" fits no row{REST}'],
        ),
        ("first,message,reply.text\n1,Привет,x\n", [f"1:1: warning: A1: any other message fits no row{REST}"]),
        (
            "first,age (integer),vip (boolean),reply.text\n1,>= 18,,x\n2,,true,y\n",
            [f"1:1: warning: A1: age < 18 with vip false fits no row{REST}"],
        ),
        (
            'first,age (number),reply.text\n1,"[1..2], [3..4)",x\n2,5,x\n',
            [
                f"1:1: warning: A1: age < 1 fits no row{REST}",
                f"1:1: warning: A1: age in (2..3) fits no row{REST}",
                f"1:1: warning: A1: age in [4..5) fits no row{REST}",
            ],
        ),
        (
            "unique,age (number),reply.text\n1,< 5,x\n2,> 3,y\n",
            ["3:1: A3: this row and row 2 overlap: age in (3..5) fits both; make one of them narrower, or begin the"],
        ),
        (
            'unique,word,age (number),reply.text\n1,"""a"", ""b""",< 5,x\n2,b,4,y\nrest,,,z\n',
            ['3:1: A3: this row and row 2 overlap: word "b" with age 4 fits both; make one of them narrower'],
        ),
        ("unique,word,reply.text\nrest,,x\n1,a,y\n2,b,z\n", []),
        (
            "unique,word,reply.text\nrest,,x\n1,a,y\nmore,,z\n",
            ["4:1: A4: this row has no conditions, and row 2 takes the rest already; take one of them out, or begin"],
        ),
        (
            "unique,vip (boolean),reply.text\n1,true,x\n2,false,x\nrest,,y\n",
            ["4:1: A4: this row is never reached: rows 2 and 3 take every message that fits it; move it up"],
        ),
        ("collect,word,reply.text\n1,,x\n2,a,y\n3,a,z\n", []),  # each of them answers
    ],
)
def test_what_is_wrong_with_rows_together(text: str, sentences: list[str]) -> None:
    found = told(text)
    assert len(found) == len(sentences), found
    assert all(one.startswith(sentence) for one, sentence in zip(found, sentences, strict=True)), found


def test_rows_with_a_key_of_their_own_take_few_steps() -> None:
    """All masks multiplied would be a million combinations; only those that rows are apart in are looked at."""
    rows = [(number, f"Город {number // 2}", "< 18" if number % 2 else ">= 18", "x") for number in range(1000)]
    table = read(file_of([("unique", "city", "age (integer)", "reply.text"), *rows, ("rest", "", "", "y")]))
    ways = explore(Lookup(table))
    assert ways.whole
    assert ways.steps < 5_000
    pairs = [(number, f"t{number}", f"w{number}", "x") for number in range(50)]
    gaps = told(file_of([("first", "a", "b", "reply.text"), *pairs]))
    assert [gap.partition(" fits")[0].removeprefix("1:1: warning: A1: ") for gap in gaps] == [
        "any other a",
        'a "t0" with any other b',
        'a "t1" with any other b',
    ]


def test_thousands_of_faults_are_found_in_bounded_steps() -> None:
    """What a fault says of its message costs a look at all classes, so the first of them alone say it."""
    rows = [(number, f"[{number}..{number + 2}]", "x") for number in range(1000)]
    problems = told(file_of([("unique", "a (number)", "reply.x"), *rows]))
    assert problems[0].startswith(
        "3:1: A3: this row and row 2 overlap: a in [1..2) fits both; make one of them narrower"
    )
    assert problems[9].startswith("12:1: A12: this row and row 11 overlap; make one of them narrower")
    assert len(problems) == 21
    # rows that are many, in a column in which none of them is apart from another
    apart = [(row, "[-1..-1]" if row % 2 else f"> {row}", f"= {row}" if row % 2 else "", "x") for row in range(4000)]
    ways = explore(Lookup(read(file_of([("collect", "a (number)", "b (number)", "reply.x"), *apart]))))
    assert (ways.whole, ways.steps > MOST_STEPS) == (False, True)


def test_a_table_of_too_many_combinations_is_told_so_in_bounded_steps() -> None:
    """60 columns with conditions, 200 rows: more sets of rows than can ever be looked at."""
    rows = [(row, *(f"< {(row * (column + 7)) % 211}" for column in range(60)), "x") for row in range(200)]
    text = file_of([("first", *(f"c{column} (integer)" for column in range(60)), "reply.text"), *rows])
    assert explore(Lookup(read(text))).steps < MOST_STEPS * 1.1
    equal, warning = told(text + file_of([rows[100]]))
    assert equal.startswith("202:1: A202: this row is never reached: row 102 takes every message that fits it")
    sentence = "1:1: warning: A1: the columns have more than 200000 combinations; only equal rows were looked for"
    assert warning.startswith(sentence)
    overlap, _ = told(text.replace("first", "unique", 1) + file_of([rows[100]]))
    assert overlap.startswith(
        "202:1: A202: this row and row 102 overlap: their conditions are equal; take one of them out"
    )


def test_rows_that_nothing_can_fit() -> None:
    (fault, *_) = told('first,vip (boolean),reply.text\n1,"not(true, false)",x\n2,,y\n')
    assert fault.startswith("2:1: A2: no message can fit this row; look at its conditions, or take it out")
