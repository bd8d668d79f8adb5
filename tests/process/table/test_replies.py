"""Cells of outputs that cannot be what they are: each is told with its place in the spreadsheet, and the cure."""

from __future__ import annotations

import pytest

from jackfield.process.table.replies import outputs
from tests.process.table.short import table


def told(heads: str, row: str) -> str:
    """The one problem of a table with one row."""
    _, problems = outputs(table(heads, row))
    (problem,) = problems
    assert (problem.file, problem.line) == ("processes/faq.csv", 2)
    return str(problem)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{mesage}", 'called `mesage`; did you mean "message"? If that is the mistake, correct the head B1'),
        (
            "{mеssage}",
            "letter 2 of `mеssage` is a Cyrillic е, which looks like the Latin one; write `message` in Latin",
        ),
        ("{room}", "no column is called `room`; give it a column, whose cells may be empty; there are `connection."),
        ("{connection.__class__}", "a table cannot read `{connection.__class__}`; of the connection there is"),
        ("{connection.login.__class__}", "a table cannot read"),
        ("{connection}", "a table cannot read `{connection}`"),
        ("{message.__class__}", "no column is called `message.__class__`"),
        ("{message.upper}", 'no column is called `message.upper`; did you mean "message"?'),
        ("{message!r}", "`{message!r}` is not a name; a name stands alone between braces"),
        ("{message:>99999999}", "is not a name"),
        ("{0}", "no column is called `0`"),
        ("{message[0]}", "is not a name"),
        ("{age * 2}", "is not a name"),
        ("{}", "nothing stands between the braces; write the name of a column there, or `{{}}`"),
        ("{message", "`{` has no `}` after it; write `{{` for a brace"),
        ("{state._x}", "no column is called `state._x`"),
        ("{state.__class__}", "no column is called `state.__class__`"),
        ("{state.a.b}", "no column is called `state.a.b`"),
        ("{remember.step}", "no column is called `remember.step`; write `{state.step}`"),
        ("{{message}}", "warning: C2: `{{message}}` is answered as `{message}`, not filled; write `{message}`; if"),
        ("{state.stpe}", 'warning: C2: nothing in this table remembers `state.stpe`; did you mean "state.step"?'),
        ("{" * 1001 + "x" * 1000, "`{` has no `}` after it"),
    ],
)
def test_what_cannot_stand_between_braces(text: str, words: str) -> None:
    found = told("message | reply.text | remember.step", f"1 | | {text} | ")
    assert "C2: " in found
    assert words in found


@pytest.mark.parametrize(
    ("head", "text", "words"),
    [
        ("reply.n (integer)", "пять", "D2: `пять` is no integer"),
        ("reply.n (number)", "1,5", "D2: `1,5` may be one number or two"),
        ("reply.n (number)", "{message}", "D2: `{message}` is a text, and the column takes a number; give both"),
        ("reply.n (integer)", "{age} лет", "D2: `{age} лет` is a text, and the column takes a whole number; write one"),
        ("reply.n (integer)", "{connection.login}", "is a text, and the column takes a whole number"),
        ("reply.size (small/large)", "medium", "`medium` is none of the choices"),
        ("reply.size (small/large)", "{message}", "the column takes small | large"),
        ("reply.on (date)", "30/01/2026", "`30/01/2026` is no date; write 2026-01-30"),
        ("reply.buttons (list)", "Да, Нет", 'may be one text or several; put each into quotes: `"Да", "Нет"`'),
        ("reply.buttons (list)", "„Да“, „Нет“", "the quotes around a list are straight ones"),
        ("reply.buttons (list)", '"Да" "Нет"', "is no list of texts; put each into straight quotes"),
        ("reply.buttons (list)", '"Да", "Нет', "is no list of texts"),
        ("error.code", "нет такого", "cannot be the code of an error; a code is a short name"),
        ("error.code", "busy", "`busy` is one of Jackfield's own codes; choose a name of your own"),
    ],
)
def test_what_a_column_does_not_take(head: str, text: str, words: str) -> None:
    assert words in told(f"message | age (integer) | {head}", f"1 | | | {text}")


def test_a_row_is_an_error_or_a_reply() -> None:
    heads = "message | error.code | error.message | reply.text"
    assert "E2: the row has an error, so it cannot have a reply; empty one of the two" in told(heads, "1 | | no | | да")
    assert "C2: `no_row` is one of Jackfield's own codes" in told(heads, "1 | | no_row | нет |")
    assert "D2: the error has a sentence and no code; fill the column `error.code`" in told(heads, "1 | | | нет |")


@pytest.mark.parametrize("key", ["error_.x", "event", "event.a"])
def test_keys_that_are_ours(key: str) -> None:
    _, problems = outputs(table(f"message | reply.{key} | reply.text", "1 | | да | да"))
    assert [one.message.partition(":")[0] for one in problems] == ([] if key == "error_.x" else ["C1"])
