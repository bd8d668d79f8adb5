from __future__ import annotations

from jackfield.process.table.tracing import trace
from tests.process.table.tables import read

TABLE = '{},message,age? (integer),reply.text\n1,Привет,,x\n,"""да"", ""нет""",>= 18,y\nrest,,,z\nlast,,5,w\n'


def test_a_trace_tells_of_each_row_up_to_the_one_that_answers_why_it_does_not() -> None:
    found = trace(read(TABLE.format("first").replace("last,,5,w\n", "")), ("да", 17))
    assert found.chosen == (2,)
    assert [(tried.name, tried.fits) for tried in found.tried] == [("1", False), ("row 3", False), ("rest", True)]
    told = [(one.column.key, one.cell.name, one.cell.text, one.value) for tried in found.tried for one in tried.failed]
    assert told == [("message", "B2", "Привет", "да"), ("age", "C3", ">= 18", 17)]


def test_a_trace_ends_with_the_row_that_answers() -> None:
    found = trace(read(TABLE.format("first").replace("last,,5,w\n", "")), ("да", 18))
    assert [tried.name for tried in found.tried] == ["1", "row 3"]
    assert found.chosen == (1,)


def test_collect_tells_of_all_rows_and_nothing_of_none() -> None:
    found = trace(read(TABLE.format("collect")), ("Привет", 5))
    assert found.chosen == (0, 2, 3)
    assert [tried.fits for tried in found.tried] == [True, False, True, True]
    nothing = trace(read("first,message,reply.text\n1,a,x\n2,b,y\n"), ("c",))
    assert (nothing.chosen, len(nothing.tried)) == ((), 2)


def test_the_rest_of_unique_is_tried_in_its_place() -> None:
    found = trace(read("unique,message,reply.text\nrest,,x\n1,a,y\n"), ("a",))
    assert [(tried.name, tried.fits) for tried in found.tried] == [("rest", True), ("1", True)]
    assert found.chosen == (1,)


def test_a_row_that_gives_no_reply_says_which_cells_are_empty() -> None:
    table = read("first,message,reply.text,remember.step,error.code\n1,a,,how,-\nrest,,x,,\n")
    assert [trace(table, (text,)).silent for text in "ab"] == ["C2 and E2", ""]
