"""A table as a process: what it takes, what it answers, and what the documents say of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from jackfield.errors import Reject
from jackfield.identity import Identity
from jackfield.messages import replies_under
from jackfield.process.connection import GONE, Connection
from jackfield.process.signature import signature
from jackfield.process.signature.signature import Signature
from jackfield.process.table.function import Answering, answering
from jackfield.process.table.lookup import Lookup
from jackfield.process.table.model import Table
from tests.process.table.short import table

KEPT: list[tuple[str, list[Any]]] = []


async def keep(login: str, values: Sequence[Any]) -> None:
    KEPT.append((login, list(values)))


def made(of: Table, name: str = "faq") -> Answering:
    found, problems = answering(of, name, Lookup(of), keep)
    assert found is not None, [str(one) for one in problems]
    return found


def compiled(of: Table, *params: str) -> tuple[Answering, Signature]:
    found = made(of)
    signed, problems = signature.compile(found.process, params)
    assert signed is not None, problems
    assert problems == ()
    return found, signed


def someone(login: str = "anna", **params: Any) -> Connection:
    identity = Identity(login, frozenset(), "test", None)
    return Connection(GONE, id="c1", endpoint="faq", identity=identity, params=params, query={})


def ask(of: Table, message: dict[str, Any], connection: Connection | None = None, *params: str) -> Any:
    """The whole way of one message, from its bytes to those of its reply, or of all its replies."""
    found, signed = compiled(of, *params)
    value = signed.decode(json.dumps(message).encode())
    given = signed.call(found.process.function, value, connection or someone(), {})
    if found.process.kind == "generator":
        return [sent(found, signed, one) for one in given]
    return sent(found, signed, given)


def sent(found: Answering, signed: Signature, value: object) -> Any:
    """What the client reads."""
    assert signed.check_reply(value) is None, signed.check_reply(value)
    frame = replies_under(found.process.reply)(value, None)
    return None if frame is None else json.loads(frame)


GREETING = table("message | reply.text", "1 | Привет | Привет!", "2 | Как дела? | Отлично! 😀", "rest | | {message}")


def test_the_greeting() -> None:
    assert ask(GREETING, {"message": "Привет"}) == {"text": "Привет!"}
    assert ask(GREETING, {"message": "{message} 😀"}) == {"text": "{message} 😀"}
    found, signed = compiled(GREETING)
    assert (found.process.kind, signed.connected) == ("sync", False)
    assert signed.shape == "{message: str} -> {text: str}"


def test_documents_show_what_a_cell_names() -> None:
    of = table(
        "message | age? (integer) | on (date) | vip (boolean) | size (a/b) | x | reply.text",
        '1 | not("б") | > 5 | | | | |',
    )
    schema = compiled(of)[1].input_schema["properties"]
    assert [key for key, part in schema.items() if "examples" in part] == []
    of = table("message | age? (integer) | on (date) | reply.text", '1 | "да", "а" | 5 | 2026-01-30 | !', "2 | | | | ?")
    signed = compiled(of)[1]
    found = {key: part["examples"] for key, part in signed.input_schema["properties"].items()}
    assert found == {"message": ["а"], "age": [5], "on": ["2026-01-30"]}
    assert compiled(GREETING)[1].strict, "a text is not looked through twice"


@pytest.mark.parametrize("name", ["found", "same", "make", "value", "known", "self", "function", "connection_"])
def test_a_head_may_have_any_name(name: str) -> None:
    of = table(f"{name} | reply.text", "1 | да | ага", f"2 | | {{{name}}}?")
    assert ask(of, {name: "да"}) == {"text": "ага"}
    assert ask(of, {name: "e\u0301 😀"}) == {"text": "e\u0301 😀?"}


def test_a_table_without_conditions() -> None:
    assert ask(table("reply.text | reply.n (integer)", "1 | Привет! | 5"), {}) == {"text": "Привет!", "n": 5}


def test_texts_are_the_same_in_every_form_of_unicode() -> None:
    of = table("message | reply.text", "1 | \u0439 | и краткое", "2 | | другое")
    assert ask(of, {"message": "\u0438\u0306"}) == {"text": "и краткое"}


def test_nothing_fits() -> None:
    with pytest.raises(Reject) as caught:
        ask(table("message | reply.text", "1 | да | ага"), {"message": "нет"})
    assert caught.value.code == "no_row"


def test_types_and_missing_values() -> None:
    of = table(
        "message | age? (integer) | size? (small/large) | vip? (boolean) | price? (number) | reply.text",
        "1 | | | | | | {message} {age} {size} {vip} {price}.",
    )
    assert (
        ask(of, {"message": "ё", "age": 7, "size": "small", "vip": True, "price": 2.0})["text"] == "ё 7 small true 2."
    )
    assert ask(of, {"message": "ё", "price": 0.5})["text"] == "ё    0.5."
    assert compiled(of)[1].shape == (
        '{message: str, age?: int | null, size?: "large" | "small" | null, vip?: bool | null, price?: float | null}'
        " -> {text: str}"
    )


def test_a_name_alone_keeps_its_type() -> None:
    of = table("n (number) | when (date) | reply.n | reply.when | reply.said", "1 | | | {n} | {when} | {n}{when}")
    reply = ask(of, {"n": 5, "when": "2026-01-30"})
    assert reply == {"n": 5, "when": "2026-01-30", "said": "52026-01-30"}
    assert type(reply["n"]) is int
    assert ask(of, {"n": 5.5, "when": "2026-01-30"})["n"] == 5.5


def test_dots_nest_on_both_sides() -> None:
    of = table(
        "address.city | address.zip? | user.name? | reply.to.city | reply.to.zip | reply.ok (boolean)",
        "1 | Псков | | | {address.city} | {address.zip} | yes",
        "2 | | | | - | | true",
    )
    assert ask(of, {"address": {"city": "Псков", "zip": "180"}}) == {"to": {"city": "Псков", "zip": "180"}, "ok": True}
    assert ask(of, {"address": {"city": "Рим"}, "user": {"name": "ё"}}) == {"ok": True}
    schema = compiled(of)[1].reply_schema
    assert schema is not None
    assert schema["required"] == ["ok"]


def test_lists_and_typed_columns() -> None:
    of = table(
        "message | reply.buttons (list) | reply.n (integer) | reply.size (small/large)",
        '1 | кнопки | "Да, конечно", "Нет {message}" | 5 | small',
        "2 | одна | Да | - |",
    )
    assert ask(of, {"message": "кнопки"}) == {"buttons": ["Да, конечно", "Нет кнопки"], "n": 5, "size": "small"}
    assert ask(of, {"message": "одна"}) == {"buttons": ["Да"]}


def test_braces_and_cells_without_a_key() -> None:
    of = table(
        "message | reply.a | reply.b | reply.c",
        "1 | x | {{message}} }} | - |",
        "2 | y | - | | ",
        '3 | | "-" | "" | "x"',
    )
    assert ask(of, {"message": "x"}) == {"a": "{message} }"}
    assert ask(of, {"message": "y"}) is None
    assert ask(of, {"message": "z"}) == {"a": "-", "b": "", "c": '"x"'}


def test_heads_that_no_parameter_could_be_called() -> None:
    of = table("имя | class | p0 | reply.имя", "1 | | | | {имя}{class}{p0}")
    assert ask(of, {"имя": "а", "class": "б", "p0": "в"}) == {"имя": "абв"}


def test_a_path_parameter_comes_from_the_address() -> None:
    of = table("room | text | reply.text", "1 | | | {room}: {text}")
    assert ask(of, {"text": "Привет"}, someone(room="лобби"), "room") == {"text": "лобби: Привет"}


def test_errors_of_a_row() -> None:
    of = table(
        "message | error.code | error.message | reply.text",
        "1 | нет | out_of_stock | Нет: {message} | ",
        "2 | | - | | да",
    )
    assert ask(of, {"message": "да"}) == {"text": "да"}
    with pytest.raises(Reject) as caught:
        ask(of, {"message": "нет"})
    assert (caught.value.code, caught.value.message) == ("out_of_stock", "Нет: нет")


def test_the_connection_is_read_and_remembers() -> None:
    of = table(
        "message | state.step | remember.step | remember.name | reply.text",
        "1 | | null | имя | | Как вас зовут, {connection.login}?",
        "2 | | имя | конец | {message} | Привет, {message}! Было {state.step}, {state.name}.",
        "3 | | конец | null | | Пока, {state.name}.",
    )
    anna = someone()
    assert ask(of, {"message": "x"}, anna)["text"] == "Как вас зовут, anna?"
    assert ask(of, {"message": "Аня"}, anna)["text"] == "Привет, Аня! Было имя, ."
    assert ask(of, {"message": "x"}, anna)["text"] == "Пока, Аня."
    assert anna.state == {"step": None, "name": "Аня"}
    assert ask(of, {"message": "x"}, someone(""))["text"] == "Как вас зовут, ?"


def test_what_a_process_left_in_the_state_is_of_the_columns_type() -> None:
    of = table("message | state.n (integer) | reply.n | reply.m", "1 | | | {state.n} | {state.m}")
    anna = someone()
    anna.state |= {"n": "семь", "m": {"a": [1]}}
    assert ask(of, {"message": ""}, anna) == {"n": None, "m": {"a": [1]}}


def test_collect_gives_a_reply_for_each_row_that_has_one() -> None:
    of = table("message | reply.text", "1 | а | раз", "2 | | -", "3 | | два {message}", policy="collect")
    assert ask(of, {"message": "а"}) == [{"text": "раз"}, {"text": "два а"}]
    assert compiled(of)[1].replies == "many"


@pytest.mark.parametrize("policy", ["first", "collect"])
async def test_rows_that_are_kept(policy: Any) -> None:
    KEPT.clear()
    of = table(
        "message | n? (integer) | keep | reply.text", "1 | да | | yes | принято", "2 | | | - | нет", policy=policy
    )
    found, signed = compiled(of)
    for message in ("да", "нет"):
        value = signed.decode(json.dumps({"message": message, "n": 3}).encode())
        given = signed.call(found.process.function, value, someone(), {})
        if policy == "first":
            assert sent(found, signed, await given)["text"] == ("принято" if message == "да" else "нет")
        else:
            assert [one async for one in given][-1] == "нет"
    assert KEPT == [("anna", ["да", 3])]
