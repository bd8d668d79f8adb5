"""Decorators that only attach data."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator

import pytest

from jackfield.process.declare import ProcessMark, process, process_mark, resource, resource_marked


def test_bare_and_called_give_the_function_back() -> None:
    def say(text: str) -> str:
        return text

    assert process(say) is say
    assert process_mark(say) == ProcessMark("result", False)
    assert process(reply="текст", blocking=True)(say) is say
    assert process_mark(say) == ProcessMark("текст", True)
    assert say("Привет") == "Привет"


def test_the_function_keeps_its_type() -> None:
    @process(reply="n")
    def count(text: str) -> int:
        return len(text)

    length: int = count("я")
    assert length == 1


def test_wrapped_functions_can_be_processes() -> None:
    @process
    @functools.lru_cache
    def say() -> int:
        return 1

    assert process_mark(say) == ProcessMark()


def test_a_resource_is_marked_and_nothing_else_is() -> None:
    @resource
    async def pool() -> AsyncIterator[int]:
        yield 1

    assert resource_marked(pool)
    assert not resource_marked(print)
    assert process_mark(pool) is None
    assert process_mark(int) is None


@pytest.mark.parametrize(
    ("value", "reported"), [(int, "the class int"), ("text", "as in @process(reply='text')"), (3, "type int")]
)
def test_what_is_no_function_is_refused(value: object, reported: str) -> None:
    with pytest.raises(TypeError) as caught:
        process(value)  # type: ignore[call-overload]  # the mistake that is tested
    assert reported in str(caught.value)


@pytest.mark.parametrize("blocking", ["no", 1, None, 0.0])
def test_blocking_is_true_or_false(blocking: bool) -> None:
    with pytest.raises(TypeError, match="@process takes blocking=True or blocking=False, not a"):
        process(blocking=blocking)
