"""The AsyncAPI document for people: all that it says, and nothing that people wrote breaks it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from jackfield.describe.contract import JSON, Contract
from jackfield.describe.documents import asyncapi
from jackfield.describe.documents.asyncapi_markdown import readable
from jackfield.describe.documents.rendered import render

ADDRESS = "https://desk.example.com/rt"


@pytest.fixture(scope="module")
def document(full: Contract) -> JSON:
    return asyncapi.document(full, ADDRESS)


def test_each_channel_operation_message_and_schema_is_there(document: JSON, full: Contract) -> None:
    text = readable(document)
    page = render(text)
    assert [one.text for one in page.headings if one.level == 3] == [
        *document["channels"],
        *document["components"]["schemas"],
    ]
    for name in document["operations"]:
        assert f"| `{name}` | {document['operations'][name]['action']} | `" in text
    for channel in document["channels"].values():
        assert f"```\nwss://desk.example.com/rt{channel['address']}\n```" in text
        for kind in channel["messages"]:
            assert f"| `{kind}` | " in text
    for paragraph in document["info"]["description"].split("\n\n"):
        assert paragraph in text


def test_every_link_finds_its_schema(document: JSON) -> None:
    page = render(readable(document))
    by_anchor = {one.anchor: one.text for one in page.headings}
    links = re.findall(r'<td><a href="#([^"]*)">([^<]*)</a>', page.body)
    assert len(links) > len(document["channels"])
    assert [by_anchor[anchor] for anchor, _ in links] == [text for _, text in links]


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", "# Schemas | `x` [y](javascript:alert(1))", "Стол 🍎"])
def test_what_people_write_is_text(full: Contract, words: str) -> None:
    one = replace(full.operations[0], summary=words, description=f"# {words}\n\n```\nopen", tags=(words,))
    page = render(readable(asyncapi.document(replace(full, title=words, operations=(one,)), ADDRESS)))
    assert "<script" not in page.body
    assert 'href="javascript' not in page.body
    assert page.headings[0].text == words
    assert [h.text for h in page.headings if h.level == 2] == ["Channels", "Schemas", "Codes"]
