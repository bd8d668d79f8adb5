"""Warnings for parameters that are most likely meant otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from jackfield.process.signature import signature
from tests.process.conftest import HEADER, Collect


@pytest.fixture(name="lint")
def _lint(collect: Collect) -> Callable[..., list[tuple[str, str]]]:
    def lint(code: str, *params: str, narrowing: Mapping[str, Any] | None = None) -> list[tuple[str, str]]:
        found = collect({"p.py": HEADER + code})
        made, problems = signature.compile(found.processes["p.say"], params, narrowing)
        assert made is not None, problems
        assert all((problem.code, problem.severity) == ("doubtful_hint", "warning") for problem in problems)
        return [(problem.message, problem.hint) for problem in problems]

    return lint


Lint = Callable[..., list[tuple[str, str]]]


@pytest.mark.parametrize(
    ("written", "suspicious"),
    [
        ("int = 'x'", True),
        ("list[int] = {}", True),
        ("str = False", True),
        ("list[int] = ['я']", True),
        ("float = 1", False),
        ("int = None", False),
        ("float = float('inf')", False),
        ("Annotated[int, Meta(ge=1)] = 0", False),
        ("Literal['a'] = ''", False),
        ("Any = 'x'", False),
        ("int = object()", False),
    ],
)
def test_a_default_that_is_none_of_its_hint(lint: Lint, written: str, suspicious: bool) -> None:
    found = lint(f"@process\ndef say(n: {written}): ...\n")
    assert [message.startswith('parameter "n": its default, ') for message, _ in found] == [True] * suspicious


@pytest.mark.parametrize("default", ["", "=None"])
@pytest.mark.parametrize(
    ("name", "reported"),
    [
        *(
            (name, f"write `{name}: Connection`")
            for name in ("connection", "conn", "ws", "websocket", "request", "ctx")
        ),
        *((name, f"write `{name}: Annotated[T, the_resource]`") for name in ("db", "DB", "pool", "session", "redis")),
        ("shelf", "for the resource write `shelf: Annotated[T, shelf]`"),
    ],
)
def test_a_name_without_a_hint_that_is_no_key(lint: Lint, name: str, default: str, reported: str) -> None:
    code = f"@resource\nasync def shelf(): yield 1\n@process\ndef say(text: str, {name}{default}): ...\n"
    ((message, hint),) = lint(code)
    assert message.startswith(f'parameter "{name}": it has no hint')
    assert reported in hint


@pytest.mark.parametrize(
    "parameter", ["db: str", "db: Any", "connection: Connection", "text", "user", "name", "data=1"]
)
def test_what_has_a_hint_or_may_be_a_key(lint: Lint, parameter: str) -> None:
    assert lint(f"@process\ndef say({parameter}): ...\n") == []


def test_what_the_url_or_input_names_is_meant(lint: Lint) -> None:
    assert lint("@process\ndef say(session): ...\n", "session") == []
    assert lint("@process\ndef say(session): ...\n", narrowing={"properties": {"session": {}}}) == []


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("int", "str"),
        ("str", "int"),
        ("dict[str, int]", "list[int]"),
        ("Pool", "Other"),
        ("Pool", "str | None"),
        ("Pool", "dict[str, Any]"),
        ("int | str", "bytes"),
        ("Optional", "str"),
    ],
)
@pytest.mark.parametrize("stream", ["AsyncIterator", "AsyncGenerator", "AsyncIterable"])
def test_a_resource_of_another_type(lint: Lint, stream: str, given: str, wanted: str) -> None:
    end = ", None" if stream == "AsyncGenerator" else ""
    ((message, hint),) = lint(code_of(f" -> collections.abc.{stream}[{given}{end}]", wanted))
    assert "p.shelf gives" in message
    assert hint == "write the same type in both places"


@pytest.mark.parametrize("value", ["5", "'a'", "None"])
def test_a_constant_without_a_hint(lint: Lint, value: str) -> None:
    ((message, _),) = lint(code_of("", "bytes", value))
    assert "its hint is `bytes`" in message


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("int", "int"),
        ("int", "float"),
        ("bool", "int"),
        ("int", "Any"),
        ("Any", "str"),
        ("int", "object"),
        ("int", "int | None"),
        ("int | None", "int"),
        ("dict[str, int]", "dict"),
        ("dict[str, int]", "collections.abc.Mapping[str, int]"),
        ("Typed", "dict[str, Any]"),
        ("dict[str, Any]", "Typed"),
        ("Child", "Pool"),
        ("Pool", "Closes"),
        ("Id", "int"),
        ("int", "Id"),
        ("'Pool'", "'Pool'"),
        ("'nowhere.Pool'", "str"),
        ("T", "str"),
    ],
)
def test_one_that_fits(lint: Lint, given: str, wanted: str) -> None:
    assert lint(code_of(f" -> collections.abc.AsyncIterator[{given}]", wanted)) == []


@pytest.mark.parametrize("value", ["Pool()", "5 + 5", "open"])
def test_one_that_does_not_say(lint: Lint, value: str) -> None:
    assert lint(code_of("", "str", value)) == []


def code_of(returns: str, wanted: str, value: str = "1") -> str:
    return f"""
class Pool: ...
class Child(Pool): ...
class Other: ...
class Optional: ...
class Typed(TypedDict): x: int
class Closes(typing.Protocol):
    def close(self) -> None: ...
Id = typing.NewType("Id", int)
T = typing.TypeVar("T")

@resource
async def shelf(){returns}:
    yield {value}

@process
def say(shelf: Annotated[{wanted}, shelf]): ...
"""


@pytest.mark.parametrize(
    ("head", "body", "said"),
    [
        ("def say() -> str", "return 5", "it returns 5, and its hint says `str`"),
        ("async def say() -> dict[str, int]", "return 'да'", "it returns 'да', and its hint says `dict[str, int]`"),
        ("def say() -> Iterator[int]", "yield 'а'", "it yields 'а', and its hint says `int`"),
        ("async def say() -> AsyncIterator[str]", "yield 1", "it yields 1, and its hint says `str`"),
        ("def say() -> str | None", "return 5", ""),
        ("def say() -> str", "return None", ""),
        ("def say() -> float", "return 5", ""),
        ("def say() -> int", "return True", ""),
        ("def say() -> Decimal", "return '5'", ""),
        ("def say() -> Literal['a']", "return 'b'", ""),
        ("def say()", "return 5", ""),
        ("def say() -> str", "return (lambda: 5)() or str(5)", ""),
    ],
)
def test_an_answer_that_is_none_of_its_hint(collect: Collect, head: str, body: str, said: str) -> None:
    names = "from collections.abc import AsyncIterator, Iterator\nfrom decimal import Decimal\n"
    code = f"{names}@process(reply='n')\n{head}:\n    {body}\n"
    _, problems = signature.compile(collect({"p.py": HEADER + code}).processes["p.say"], ())
    assert [problem.message for problem in problems] == ([said] if said else [])
    assert all(problem.line and problem.severity == "warning" for problem in problems)
