from __future__ import annotations

import pytest

from tests.process.table.tables import file_of, read, told


def of_heads(*heads: str) -> str:
    return file_of([("first", *heads), ("1",)])


@pytest.mark.parametrize(
    ("head", "role", "path", "type_", "optional"),
    [
        ("message", "input", ("message",), "text", False),
        ("возраст? (integer)", "input", ("возраст",), "integer", True),
        ("age?(Number)", "input", ("age",), "number", True),
        ("address.city (text)", "input", ("address", "city"), "text", False),
        ("from", "input", ("from",), "text", False),
        ("size (small | very large)", "input", ("size",), "choice", False),
        ("connection.login", "connection", ("login",), "text", True),
        ("state.step (integer)", "state", ("step",), "integer", True),
        ("reply.buttons (list)", "reply", ("buttons",), "list", False),
        ("remember.step (integer)", "remember", ("step",), "integer", False),
        ("error.code", "error", ("code",), "text", False),
        ("keep", "keep", (), "boolean", False),
    ],
)
def test_what_a_head_says(head: str, role: str, path: tuple[str, ...], type_: str, optional: bool) -> None:
    column = read(of_heads(head, "# a note", "reply.text")).columns[0]
    assert (column.role, column.path, column.type, column.optional) == (role, path, type_, optional)
    assert column.choices == (("small", "very large") if type_ == "choice" else ())


def test_texts_of_any_case() -> None:
    columns = read(of_heads("a (text, any case)", "b", "reply.x")).columns
    assert [column.any_case for column in columns] == [True, False, False]


@pytest.mark.parametrize(
    ("heads", "sentence"),
    [
        (
            "frist,message,reply.text",
            'A1: the first head is first, unique or collect, not `frist`; did you mean "first"?',
        ),
        ("any,message,reply.text", "A1: `any` is not supported; the first head is first, unique or collect"),
        ("message,reply.text", "A1: the first head is first, unique or collect, not `message`; put a column in front"),
        ("first,message", "A1: the table has no output: nothing would be answered; add a column"),
        ("first,mess age,reply.x", "B1: `mess age` is no name of a key; write `mess_age`"),
        ("first,a,reply.my text", "C1: `reply.my text` is no name of a key; write `reply.my_text`"),
        ("first,a,reply.text-1", "C1: `reply.text-1` is no name of a key; write `reply.text_1`"),
        ("first,a,reply.$id", "C1: `reply.$id` is no name of a key; write `reply.id`"),
        ("first,a,reply:text", "C1: `reply:text` is no name of a key; write `reply.text`"),
        ("first,a,reply text", "C1: `reply text` is no name of a key; write `reply.text`"),
        ("first,a,reply.", "C1: `reply.` is no name of a key; write which key of the reply this is: `reply.text`"),
        ("first,a,error.my code", 'C1: `error.my code` is no name of a key; did you mean "error.code"?'),
        ("first,mеssage,reply.x", "B1: letter 2 of `mеssage` is a Cyrillic е, which looks like the Latin one; write"),
        ("fіrst,a,reply.x", "A1: letter 2 of `fіrst` is a Cyrillic і, which looks like the Latin one; write `first`"),
        ("first,a,reply.tехt", "C1: letter 2 of `tехt` is a Cyrillic е, which looks like the Latin one; write `text`"),
        ("first,cообщение,reply.x", "B1: letter 1 of `cообщение` is a Latin c, which looks like the Cyrillic one"),
        ("first,a,Reply.Text", 'C1: `Reply.` is unknown; did you mean "reply.text"?'),
        ("first,a (txt),reply.x", 'B1: `txt` is no type; did you mean "text"?'),
        ("first,a (bool),reply.x", 'B1: `bool` is no type; did you mean "boolean"?'),
        ("first,a (число),reply.x", 'B1: `число` is no type; did you mean "number"?'),
        ("first,a? integer,reply.x", "B1: `a? integer` is no head; write `a? (integer)`"),
        (
            "first,a (small/large),reply.x",
            "B1: `small/large` is no type; choices have `|` between: `a (small | large)`",
        ),
        ("first,a (colour),reply.x", "B1: `colour` is no type; known are text, number, integer, boolean, date, time,"),
        ("first,a (text)?,reply.x", "B1: `a (text)?` has its question mark behind the type; write `name? (type)`"),
        ("first,a (text, any case),reply.x", "B1: `a (text` is no head; write `name`, `name?`, `name (type)`"),
        ("first,a (any case),reply.x", "B1: `any case` of `a` is for texts; write `a (text, any case)`"),
        ("first,a (small | ),reply.x", "B1: the choices of `a` are empty or stand twice"),
        ("first,a,a.b,reply.x", "C1: B1 and this head say that `a` is a value and has keys, `a.b`; keep one"),
        ("first,a.b,a,reply.x", "C1: B1 and this head say that `a` is a value and has keys, `a.b`; keep one"),
        ("first,a,reply.x,reply.x", "D1: this key stands in C1 already; keep one of the two columns"),
        ("first,a,reply", "C1: `reply` alone is no head; write which key of the reply this is: `reply.text`"),
        ("first,a,replay.x", 'C1: `replay.` is unknown; did you mean "reply.x"?'),
        ("first,a,error.cod", 'C1: `error.cod` is unknown; did you mean "error.code"?'),
        ("first,a,error.message", "C1: `error.message` stands without `error.code`; add `error.code`"),
        ("first,connection.id,reply.x", 'B1: `connection.id` is reserved; did you mean "connection.login"?'),
        ("first,a (list),reply.x", "B1: `a` cannot be a list; lists are for outputs: `reply.buttons (list)`"),
        ("first,a,reply.x?", "C1: `reply.x` is an output; a question mark has no meaning there"),
        ("first,state.n (integer),remember.n", "C1: B1 compares it as integer, and this is text; write `remember.n (i"),
        ("first," + "a." * 9 + "b,reply.x", "B1: `a.a.a.a.a.a.a.a.a.b` is too long; a head has at most 1000 character"),
    ],
)
def test_a_head_that_cannot_be_is_told_with_the_cure(heads: str, sentence: str) -> None:
    (problem,) = told(heads + "\n1\n")
    assert problem.partition(" ")[2].startswith(sentence)
