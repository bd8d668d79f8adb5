"""`inspect: unmatched` where no table answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.routing.build import build
from tests.projects import write

CODE = "from jackfield import process\n\n@process\ndef say(text: str) -> str:\n    return text\n"


@pytest.mark.parametrize(
    ("endpoint", "warned"),
    [
        ("process: faq, inspect: unmatched", []),
        ("actions: {ask: {process: faq}, say: {process: chat.say}}, inspect: [payloads, unmatched]", []),
        ("process: chat.say, inspect: unmatched", ["endpoints.a.inspect"]),
        ("process: chat.say, inspect: payloads", []),
    ],
)
def test_an_endpoint_that_no_table_answers_is_warned_of(tmp_path: Path, endpoint: str, warned: list[str]) -> None:
    write(tmp_path, f"endpoints:\n  a: {{url: /ws/a, {endpoint}}}\n", chat=CODE)
    (tmp_path / "processes" / "faq.csv").write_text("first,text,reply.text\n1,привет,да\nrest,,нет\n", "utf-8")
    table = build(tmp_path, -70)
    table.catalog.release()
    found = [one for one in table.warnings if one.code == "no_table"]
    assert [one.path for one in found] == warned
    assert all(one.line == 2 and "process: faq" in one.hint for one in found)
