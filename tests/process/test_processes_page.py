"""Every example of docs/processes.md runs and answers what the page says."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

import jackfield
from jackfield import messages
from jackfield.errors import CODES, Reject
from jackfield.identity import ANONYMOUS
from jackfield.process.connection import GONE, Connection
from jackfield.process.resources import open_all
from jackfield.process.signature import signature
from tests.process.conftest import Collect, signature_of

PAGE = (Path(jackfield.__file__).parent / "docs" / "processes.md").read_text("utf-8")
FILES = {
    code.partition("\n")[0].removeprefix("# processes/"): code
    for code in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
}
SAID = [
    (name.removesuffix(".py"), *found)
    for name, code in FILES.items()
    for found in re.findall(r"^# (\w+): (\{.*?\}) ->(.*)$", code, re.MULTILINE)
]


def test_every_example_is_found() -> None:
    assert len(FILES) == PAGE.count("```python")
    assert len(SAID) == 16


def test_every_example_loads(collect: Collect) -> None:
    found = collect(FILES)
    assert found.problems == ()
    for process in found.processes.values():
        assert signature.compile(process, ("room",))[1] == ()
        assert process.summary


@pytest.mark.parametrize(("file", "function", "sent", "expected"), SAID)
async def test_what_the_page_says_is_so(collect: Collect, file: str, function: str, sent: str, expected: str) -> None:
    found = collect(FILES)
    process, compiled = found.processes[f"{file}.{function}"], signature_of(found, f"{file}.{function}")
    opened = await open_all(compiled.resources, time_limit=5)
    connection = Connection(GONE, id="c", endpoint="e", identity=ANONYMOUS, params={}, query={})
    values = await replies(compiled.call(process.function, compiled.decode(sent), connection, opened.values))
    assert [compiled.check_reply(value) for value in values] == [None] * len(values)
    frames = [messages.replies_under(process.reply)(value, None) for value in values]
    assert [json.loads(frame) for frame in frames if frame] == list(objects(expected))
    await opened.close()


async def replies(answer: Any) -> list[Any]:
    """All that a process answers, whatever its kind."""
    if inspect.isasyncgen(answer):
        return [value async for value in answer]
    if inspect.isgenerator(answer):
        return list(answer)
    return [await answer if inspect.isawaitable(answer) else answer]


def objects(text: str) -> list[Any]:
    """The JSON objects that stand one after another in a line."""
    found: list[Any] = []
    while text.strip():
        value, end = json.JSONDecoder().raw_decode(text.strip())
        found.append(value)
        text = text.strip()[end:]
    return found


def test_the_codes_that_the_page_names_are_ours() -> None:
    reported = set(re.findall(r"(?:problem|warning)\s+`(\w+)`", PAGE))
    assert {"bad_hint", "bad_reply", "blocking_call", "broken_module", "resource_failed"} <= reported <= set(CODES)


def test_the_page_has_every_attribute_and_method_of_a_connection() -> None:
    reported = set(re.findall(r"^\| `(\w+)(?:\(.*?\))?` \|", PAGE.partition("## The connection")[2], re.MULTILINE))
    assert {name for name in (*Connection.__slots__, *vars(Connection)) if not name.startswith("_")} <= reported


@pytest.mark.parametrize("name", ["code", "message"])
def test_details_of_a_reject_may_not_have_the_names_that_the_page_reports(name: str) -> None:
    assert "any names but `code` and `message`" in PAGE
    with pytest.raises(TypeError):
        Reject("нет_в_наличии", "Чая больше нет.", **{name: "чай"})
