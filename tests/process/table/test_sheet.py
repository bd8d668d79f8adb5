from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.process.table.reading import read_table
from tests.process.table.tables import file_of, read, told

HEADS = "first,message,age? (integer),reply.text\n"
REST = "rest,,,\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_is_read_as_any_spreadsheet_saves_it(encoding: str, end: str, separator: str) -> None:
    rows = ["# Приветствия 👋", "", "first|message|reply.text|", '1|Привет|"a| ""b""\nc"|', "|||", "# off|x|y|", "rest"]
    text = end.join(rows).replace("|", separator)
    data = b"\xfe\xff" + text.encode("utf-16-be") if encoding == "utf-16-be-sig" else text.encode(encoding)
    table = read(data)
    assert table.summary == "Приветствия 👋"
    assert table.separator == separator
    assert [row.name.text for row in table.rows] == ["1", "rest"]
    reply = table.rows[0].cells[1]
    assert reply.text == f'a{separator} "b"\nc'
    assert (reply.line, reply.column, reply.name) == (4, 10, "C4")
    below = table.rows[1].name
    assert (below.line, below.column, below.name) == (8, 1, "A7")  # a quoted cell may have lines, and is one row


def test_blanks_around_a_cell_go_and_short_rows_are_filled() -> None:
    table = read("first,  message ,reply.text\n 1 ,\u00a0Привет  ,x\nrest\n")
    assert (table.rows[0].cells[0].text, table.rows[0].cells[0].column) == ("Привет", 6)
    assert [cell.text for cell in table.rows[1].cells] == ["", ""]
    assert table.rows[1].cells[0].name == "A3"


@pytest.mark.parametrize("last", ["rest", "rest,", "rest,,", "rest,,x", 'rest,,"x"', "rest,,x\n", "rest,,\n\n"])
def test_the_last_row_is_read_whether_its_line_ends_or_not(last: str) -> None:
    assert [row.name.text for row in read("first,a,reply.x\n1,b,c\n" + last).rows] == ["1", "rest"]


def test_a_cell_behind_one_of_several_lines_has_the_place_of_its_own_line() -> None:
    cell = read('first,a,reply.x,reply.y\nrest,,"c\r\nd",  e\n').rows[0].cells[2]
    assert (cell.text, cell.line, cell.column, cell.name) == ("e", 3, 6, "D2")


def test_the_separator_may_be_told_and_a_type_may_have_the_other_one() -> None:
    assert read("sep=;\nfirst;message (text, any case);reply.text\nrest;;a, b\n").rows[0].cells[1].text == "a, b"
    assert read("first;message (text, any case);reply.text\nrest;;x\n").separator == ";"
    assert told("sep=;\nfirst;a;reply.x\n1;>= 5;b\n")[0].startswith("3:3: B2: ")  # spreadsheets hide the line


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "1:1: A1: the table has no heads; the first row"),
        ("\n# only\n", "1:1: A1: the table has no heads"),
        ("first\n1\n", "1:1: A1: all heads stand in one cell; separate them by commas"),
        ("Ответы бота,,\n" + HEADS, "1:1: A1: `Ответы бота` stands where the heads should be; begin a title above"),
        (
            "sep=;\n" + HEADS,
            "2:1: A1: all heads stand in one cell, as `sep=;` says: semicolons; the heads are separated by commas",
        ),
        ("1,a,5,x\n" + HEADS, "1:1: A1: the first head is first, unique or collect, not `1`; put a column in front"),
        (",first,message,reply.x\n0,1,a,b\n", "1:1: A1: the first head is empty; write `first` there, and a name for"),
        ("\n# x; y\nfirst;message,reply.text\n", "3:1: A3: the heads have commas and semicolons; separate all"),
        ("sep=|\nfirst|a\n", "1:1: A1: `sep=|` is not known; write sep=; or sep=,"),
        (HEADS, "1:1: A1: no row stands below the heads"),
        (HEADS + '1,a,,x\n2,"b,5,x\n3,c,6,y\n', "3:3: B3: the quote that opens this cell is never closed; write"),
        (HEADS + '1,"a,,x\n2,"b",,y\n', '2:3: B2: after the quote that closes this cell stands `b",,y`; a quoted cell'),
        (HEADS + '1,"a" b,5,x\n', "2:3: B2: after the quote that closes this cell stands `b,5,x`; a quoted cell ends"),
        (HEADS + '1,  say "a",5,x\n', "2:5: B2: a quote stands inside a cell that does not begin with one; put the"),
        (HEADS + "1,a,5,x,more\n", "2:9: E2: no head stands above this cell; give its column a head"),
        ("first,,a,reply.x\n1,note,b,c\n", "2:3: B2: no head stands above this cell"),
        (
            HEADS + "1;a;5;x\n" * 3,
            "2:1: A2: the heads are separated by commas, this row by semicolons; separate all rows",
        ),
        (
            HEADS.encode() + "1,Привет,,x\n".encode("cp1251"),
            "2:3: B2: the file is not UTF-8; read as windows-1251 the ",
        ),
        ("\ufeffa\r\nd,é".encode("utf-8-sig")[:-2] + b"\xe9", "2:3: B2: the file is not UTF-8"),
        (HEADS.encode("utf-16-le"), "1:2: A1: here stands a zero byte; UTF-16 without its mark has them; save it as"),
        (HEADS + "1,a\0b,5,x\n", "2:4: B2: here stands a zero byte"),
        (
            HEADS + "1,РџСЂРёРІРµС‚,5,x\n",
            "2:3: B2: `РџСЂРёРІРµС‚`: a spreadsheet opened the file in another character set",
        ),
        (HEADS + "1,GrÃ¼ÃŸe,5,x\n", "2:5: B2: `Ã¼`: a spreadsheet opened the file in another character set"),
        (HEADS + "1,ÐŸÑ€Ð¸Ð²ÐµÑ‚,5,x\n", "2:3: B2: `ÐŸÑ€Ð¸Ð²ÐµÑ‚`: a spreadsheet opened the file in another"),
        ("Мой бот,,\n" + HEADS, "1:1: A1: `Мой бот` stands where the heads should be; begin a title above them with"),
        (
            HEADS + '1,"да", "нет",5,x\n',
            "2:9: C2: after the quote that closes this cell stands `,5,x`; a list stands in quotes, with each of its",
        ),
        ("<html>\n<a>b, c; d</a>", "1:1: A1: this is another kind of file (a web page, JSON, PDF …), not CSV; save it"),
        ('[{"message": "a"},\n', "1:1: A1: this is another kind of file"),
        (b"\xff\xfe1", "1:1: A1: the file is not whole UTF-16; save it as `CSV UTF-8"),
        (b"PK\x03\x04 a book", "1:1: A1: this is a spreadsheet's own file, not CSV; save it as `CSV UTF-8"),
        (b" " * (1024 * 1024 + 1), "1:1: A1: the file has 1048577 bytes; a table has at most 1 MiB"),
        (HEADS + "1,a,,x\n" * 10_001, "10002:1: A10002: a table has at most 10000 rows"),
        ("first," * 100 + "a\n1\n", "1:601: CW1: a table has at most 100 columns"),
    ],
)
def test_what_is_no_table_is_told_once_with_its_place(text: str | bytes, sentence: str) -> None:
    (problem,) = told(text)
    assert problem.startswith(sentence)


def test_texts_that_are_not_read_in_another_character_set() -> None:
    for text in ("С«М»", "“MAÇÔ, Ã", "Р’С… Рё"):
        assert not any("character set" in one for one in told(file_of([("first", "message", "reply.x"), ("1", text)])))


def test_a_tab_between_commas_is_a_warning() -> None:
    (warning,) = told(HEADS + "1,Привет\tДа\nrest,,,x\n")
    assert warning.startswith("2:3: warning: B2: a tab stands inside this cell; a blank is better inside a text")


def test_a_file_that_is_not_utf8_is_shown() -> None:
    """What people see in their spreadsheet, so that they believe it."""
    (problem,) = told(HEADS.encode() + "1,Привет,,Здравствуйте\n".encode("cp1251"))
    assert "the line is: 1,Привет,,Здравствуйте; save it as `CSV UTF-8" in problem


def test_quotes_of_a_comment_are_not_looked_at() -> None:
    table = read('# a 5" screen, "big"\n' + HEADS + '#1,say "x",,\n#2,"a\nb",,c\n' + REST)
    assert table.summary == 'a 5" screen, "big"'
    assert [row.name.line for row in table.rows] == [6]


def test_the_comment_of_a_spreadsheet_has_no_trailing_separators() -> None:
    assert read('"# Hello, ""world""";;\nfirst;a;reply.x\nr;;x\n').summary == 'Hello, "world"'


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        (
            "#ИМЯ?",
            "B2: `#ИМЯ?` is the error of a formula: the spreadsheet took the cell's text for one; write the text",
        ),
        ("#REF!", "B2: `#REF!` is the error of a formula"),
        ("Err:508", "B2: `Err:508` is the error of a formula"),
        ("####", "B2: `####` is what a spreadsheet shows where a column is too narrow; make it wider, and save again"),
        (
            "1,2E+15",
            "B2: `1,2E+15` is a number that the spreadsheet shortened; its last digits may be gone; format the",
        ),
    ],
)
def test_what_a_spreadsheet_damaged_is_told_in_every_cell(cell: str, sentence: str) -> None:
    for number, letter in enumerate("ABC"):
        row = ["1", "a", "x"]
        row[number] = cell
        (problem,) = [one for one in told(file_of([("first", "message", "reply.text"), row])) if "warning" not in one]
        assert problem.partition(" ")[2].startswith(sentence.replace("B2", f"{letter}2"))
    assert "B1: `" in told(file_of([("first", cell, "reply.text"), ("1", "a", "x")]))[0]
    assert read(file_of([("first", "message", "reply.text"), ("1", f'"{cell}"', "x")]))  # this is meant


@pytest.mark.parametrize(
    "text",
    [
        "," * 2**20,
        HEADS + '1,"' + '""' * 500_000,
        HEADS + '1,"a\n' * 150_000,
        HEADS + '1,"a""\n' * 130_000,
        '"# x' * 250_000,
        HEADS + "1," + "“" * 300_000,
        HEADS + '1,a,"' + "1,2" * 300_000 + '"',
        HEADS + '1,a,"1' + " " * 1_000_000 + '1"',
        "first," + "(" * 1_000_000 + ",x\n1\n",
        "first," + "a." * 500_000 + "x,x\n1\n",
    ],
)
def test_a_cell_of_one_mebibyte_is_read_once_and_never_quoted_whole(text: str) -> None:
    """Each of these takes hours where a pattern goes back over what it has read; the suite's limit is the witness."""
    assert all(len(sentence) < 1000 for sentence in told(text))


def test_one_mistake_in_every_row_is_told_twenty_times() -> None:
    problems = told(HEADS + "1,a,zz,x\n" * 500)
    assert len(problems) == 21
    assert problems[-1].endswith("22:5: C22: from here on, 480 more problems; mend those above first")


WORDS = [*'first,;\t"#\r\n?()|.-=<>![]_15 Eа“”', "reply.x", "not(", "null", " (number)", "\ufeff", "..", '""', ", "]
HOSTILE = st.lists(st.sampled_from(WORDS)).map("".join)


@given(st.binary(max_size=200) | HOSTILE.map(str.encode) | HOSTILE.map(lambda text: f"{HEADS}1,{text},5,x\n".encode()))
def test_whatever_a_file_holds_each_problem_has_its_place_and_its_cell(data: bytes) -> None:
    table, problems = read_table("x.csv", data)
    assert table is not None or problems
    for problem in problems:
        assert re.match(r"[A-Z]{1,2}[0-9]+: ", problem.message), problem
        assert problem.line > 0, problem
        assert problem.column > 0, problem
