"""Endpoints whose messages are no JSON, in every document: what they send and hear, and no `$cancel`."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from jackfield.describe.contract import Contract
from jackfield.describe.documents import asyncapi, markdown, postman
from tests.describe.made import contract_of
from tests.projects import write

ADDRESS = "https://desk.example.com"

ENDPOINTS = """
endpoints:
  raw:
    url: /ws/raw
    process: p.raw
    auth: public
    messages: any
    examples:
      - name: "Texts"
        steps: [{send: "Привет 🙂", expect: "Привет 🙂"}]
      - name: "Bytes"
        steps: [{send: {base64: "AAH/"}, expect: {base64: "AAH/"}}, {send: "Привет 🙂"}]
  camera: {url: /ws/camera, process: echo.nothing, feed: p.frames, auth: public, messages: binary}
  json:
    url: /ws/json
    process: p.json
    auth: public
    examples:
      - name: "An object"
        steps: [{send: {base64: "AAH/"}}]
"""
CODE = """
from collections.abc import AsyncIterator
from jackfield import Connection, process

@process
async def raw(data: str | bytes, connection: Connection) -> str | bytes:
    return data

@process
async def frames() -> AsyncIterator[bytes]:
    yield b""

@process
def json(base64: str) -> str:
    return base64
"""


@pytest.fixture(scope="module", name="described")
def _described(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return contract_of(write(tmp_path_factory.mktemp("payloads"), ENDPOINTS, p=CODE))


def test_a_saved_message_is_a_text_or_base64(described: Contract) -> None:
    files = postman.files(described, ADDRESS)
    saved: list[Any] = [yaml.safe_load(text) for path, text in files.items() if path.endswith(".message.yaml")]
    assert {(one["contentType"], "".join(one["content"].split())) for one in saved} == {
        ("text", "Привет🙂"),
        ("base64", "AAH/"),
        ("json", '{"base64":"AAH/"}'),
    }


def test_the_reference_shows_texts_and_bytes(described: Contract) -> None:
    page = markdown.reference(described, ADDRESS)
    assert '→ "Привет 🙂"\n← "Привет 🙂"' in page
    assert "→ 3 bytes, in base64 AAH/\n← 3 bytes" in page
    assert '→ {"base64": "AAH/"}' in page


def test_asyncapi_has_each_payload_once_and_nothing_that_only_json_has(described: Contract) -> None:
    messages = asyncapi.document(described, ADDRESS)["channels"]["raw"]["messages"]
    shown = [
        {"name": "Texts", "payload": "Привет 🙂"},
        {"name": "Bytes", "summary": "The bytes, as base64.", "payload": "AAH/"},
    ]
    assert (messages["message"]["examples"], messages["reply"]["examples"]) == (shown, shown)
    assert not messages.keys() & {"cancel", "request", "answer", "done"}


def test_a_feed_of_payloads_is_no_event(described: Contract) -> None:
    messages = asyncapi.document(described, ADDRESS)["channels"]["camera"]["messages"]
    assert messages["payload"]["contentType"] == "application/octet-stream"
    assert not messages.keys() & {"fed", "reply"}
    said = "nothing answers it. The endpoint speaks by itself, too, in such frames."
    assert said in markdown.reference(described, ADDRESS)
