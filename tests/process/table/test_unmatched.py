"""Which messages no row of a table is for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jackfield.process.signature import signature
from jackfield.process.table.function import answering
from jackfield.process.table.lookup import Lookup
from jackfield.process.table.model import Policy, Table
from tests.process.table.short import table
from tests.process.table.test_function import keep, someone


def unmatched(of: Table, *messages: bytes, state: dict[str, Any] | None = None) -> list[Any]:
    """What is said of the arguments of each message, which come the whole way from its bytes."""
    made, problems = answering(of, "faq", Lookup(of), keep)
    assert made is not None, problems
    tell = made.process.unmatched
    assert tell is not None
    signed, _ = signature.compile(made.process, ())
    assert signed is not None
    caller, told = someone(), []
    caller.state |= state or {}
    for data in messages:
        found = signed.call(lambda **arguments: tell(arguments), signed.decode(data), caller, {})
        told.append(None if found is None else (found[0], msgspec.json.decode(msgspec.json.encode(found[1]))))
    return told


def test_what_falls_to_a_row_that_fits_everything_is_unmatched_and_what_has_a_row_is_not() -> None:
    of = table("message | reply.text", "1 | привет | да", "rest | | не понял")
    assert unmatched(of, '{"message":"привет"}'.encode(), '{"message":"Сколько? 🙂"}'.encode()) == [
        None,
        ("last_row", {"message": "Сколько? 🙂"}),
    ]


def test_what_fits_no_row_is_too_under_the_keys_of_the_message() -> None:
    of = table(
        "вопрос | адрес.город? | день? (date) | reply.text",
        "1 | привет | Тула | 2027-01-15 | да",
        "2 | привет | | | да",
    )
    data = '{"вопрос":"а","адрес":{"город":"Омск"}}'.encode()
    (found,) = unmatched(of, data)
    assert found == ("no_row", {"вопрос": "а", "адрес": {"город": "Омск"}}), "what is missing stays so"


@pytest.mark.parametrize("policy", ["unique", "collect"])
def test_other_policies_too(policy: Policy) -> None:
    of = table("n (integer) | reply.text", "1 | [5..9] | да", "rest | | нет", policy=policy)
    assert unmatched(of, b'{"n":7}', b'{"n":70}') == [None, ("last_row", {"n": 70})]


def test_a_row_for_a_step_is_a_row_of_its_own() -> None:
    of = table("message | state.step | remember.step | reply.text", "1 | | ask | | да", "rest | | | ask | нет")
    assert unmatched(of, b'{"message":"a"}', state={"step": "ask"}) == [None]
    assert unmatched(of, b'{"message":"a"}') == [("last_row", {"message": "a"})]
