"""The files for Postman; that its own command line takes them is in tests/walk/test_postman.py."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.config.plan import Access, AuthSettings, Example, Step
from jackfield.describe.contract import Contract
from jackfield.describe.documents import postman

ADDRESS = "https://desk.example.com/rt"


@pytest.fixture(scope="module")
def files(full: Contract) -> dict[str, str]:
    return postman.files(full, ADDRESS)


def named(files: dict[str, str], end: str) -> Any:
    (text,) = [text for path, text in files.items() if path.endswith(end)]
    return json.loads(text) if end.endswith(".json") else yaml.safe_load(text)


def test_each_endpoint_is_a_request_with_the_cookie_of_the_variable(files: dict[str, str], full: Contract) -> None:
    for operation in full.operations:
        request = named(files, f"/{operation.name}.request.yaml")
        assert request["$kind"] == "websocket-request"
        assert request["url"] == f"{{{{ws_url}}}}{operation.filled}"
        headers = {header["key"]: header for header in request.get("headers", ())}
        cookie = headers.get("Cookie", {})
        wanted = "" if operation.access.mode == "public" else "desk_token={{token}}"
        assert (cookie.get("value", ""), cookie.get("disabled", False)) == (wanted, operation.access.mode == "optional")


def test_headers_that_an_endpoint_asks_for(files: dict[str, str]) -> None:
    room = named(files, "/room.request.yaml")["headers"]
    assert {"key": "Sec-WebSocket-Protocol", "value": "desk.v2"} in room
    assert named(files, "/note.request.yaml")["headers"] == [{"key": "Origin", "value": "https://app.example.com"}]


def test_each_example_is_a_saved_message_in_the_folder_that_the_request_names(files: dict[str, str]) -> None:
    request = named(files, "/greeting.request.yaml")
    folder = request["messages"].removeprefix("./")
    (collection,) = {path.rpartition("/")[0] for path in files if path.endswith("/greeting.request.yaml")}
    saved = {path: yaml.safe_load(text) for path, text in files.items() if path.startswith(f"{collection}/{folder}/")}
    assert {path.rpartition("/")[2] for path in saved} >= {"A greeting.message.yaml", "Small talk.message.yaml"}
    assert all(message["$kind"] == "websocket-message" for message in saved.values())
    assert {"message": "Привет"} in [json.loads(message["content"]) for message in saved.values()]


def test_where_no_example_is_written_a_message_was_made_up(files: dict[str, str]) -> None:
    made = named(files, "note.resources/messages/A message.message.yaml")
    assert json.loads(made["content"]) == {"text": "…"}


def test_what_can_be_taken_back_has_a_message_for_that(files: dict[str, str]) -> None:
    back = "resources/messages/Take everything back.message.yaml"
    assert json.loads(named(files, f"/pay.{back}")["content"]) == {"$cancel": True}
    assert not any(path.endswith(f"/greeting.{back}") for path in files)


def test_the_login_keeps_the_token_and_so_does_the_refresh(files: dict[str, str]) -> None:
    for name, path in (("log in", "/auth/login"), ("stay logged in", "/auth/refresh")):
        request = named(files, f"/{name}.request.yaml")
        assert request["url"] == "{{base_url}}" + path
        assert "kept.set('token', found)" in request["scripts"][0]["code"]
        assert 'pm.cookies.get("desk_token")' in request["scripts"][0]["code"], "for `token_in_body: false`"


def test_the_environment_hides_what_is_secret(files: dict[str, str]) -> None:
    values = {value["key"]: value for value in named(files, ".environment.yaml")["values"]}
    assert values["base_url"]["value"] == ADDRESS
    assert values["ws_url"]["value"] == "wss://desk.example.com/rt"
    assert {key for key, value in values.items() if value["type"] == "secret"} == {"token", "password", "key"}
    assert not values["token"]["value"]
    assert not values["password"]["value"]


def test_without_a_login_of_our_own_the_token_is_filled_in_by_hand(full: Contract) -> None:
    found = postman.files(replace(full, auth=AuthSettings(own=False, verify="accounts.who")), ADDRESS)
    assert not [path for path in found if "log in" in path]
    values = {value["key"] for value in named(found, ".environment.yaml")["values"]}
    assert values == {"base_url", "ws_url", "token", "key"}
    assert "Fill in `token`" in named(found, "definition.yaml")["description"]


def test_the_json_collection_holds_the_http_part_alone(files: dict[str, str], full: Contract) -> None:
    found = named(files, ".http.postman_collection.json")
    assert found["info"]["schema"] == postman.COLLECTION
    names = [item["name"] for item in found["item"]]
    assert names[0] == "log in"
    assert names[-len(full.operations) :] == [f"ask {operation.name}" for operation in full.operations]
    urls = [item["request"]["url"]["raw"] for item in found["item"]]
    assert all(url.startswith("{{base_url}}/") for url in urls)


def test_what_examples_push_is_a_request_with_the_key_of_the_variable(full: Contract) -> None:
    pushed: list[Any] = [
        {"group": "hall:%D0%B7", "event": {"event": "новость"}},
        {"group": "hall:%D0%B7", "event": {"event": "новость"}},
        {"group": "hall:%D0%B7", "event": {"event": "b"}},
        {"user": "anna", "endpoint": "hall", "event": {"event": "c"}},
    ]
    hall = next(one for one in full.operations if one.name == "hall")
    example_of = Example("x", tuple(Step("push", value) for value in pushed))
    found = postman.files(replace(full, operations=(replace(hall, examples=(example_of,), heard=()),)), ADDRESS)
    first = named(found, "/push to hall-%D0%B7.request.yaml")
    assert (first["method"], first["url"]) == ("POST", "{{base_url}}/api/groups/hall%3A%25D0%25B7/events")
    assert first["headers"] == [{"key": "Authorization", "value": "Bearer {{key}}"}]
    assert json.loads(first["body"]["content"]) == {"event": "новость"}
    other = named(found, "/push to anna.request.yaml")
    assert other["url"] == "{{base_url}}/api/users/anna/events?endpoint=hall"
    values = {value["key"]: value["type"] for value in named(found, ".environment.yaml")["values"]}
    assert values["key"] == "secret"
    items = {item["name"]: item for item in named(found, ".http.postman_collection.json")["item"]}
    assert [name for name in items if "push" in name] == [
        "push to hall-%D0%B7",
        "push to hall-%D0%B7 2",
        "push to anna",
    ]
    assert "have.status(202)" in str(items["push to anna"]["event"])
    assert {"key": "Authorization", "value": "Bearer {{key}}"} in items["push to anna"]["request"]["header"]


def test_the_same_contract_gives_the_same_files(files: dict[str, str], full: Contract) -> None:
    assert postman.files(full, ADDRESS) == files


FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\u2028\u202e\\:*?"<>|]')


@example(title="🎉" * 200, names=["名" * 200] * 12, value="")
@example(title="CON", names=["nul", "lpt1.txt", "\u202egpj.exe", "a\u2028b"], value="")
@given(
    title=st.text(min_size=1, max_size=200),
    names=st.lists(st.text(max_size=200), min_size=1, max_size=12),
    value=st.text(max_size=40),
)
def test_whatever_people_call_things_the_files_can_be_written_and_say_it(
    full: Contract, title: str, names: list[str], value: str
) -> None:
    steps = (Step("send", {"message": value}),)
    greeting = next(operation for operation in full.operations if operation.name == "greeting")
    greeting = replace(greeting, examples=tuple(Example(name, steps) for name in names), access=Access())
    found = postman.files(replace(full, title=title, operations=(greeting,)), ADDRESS)
    paths = [path.casefold() for path in found]
    assert len(set(paths)) == len(paths)
    for path, text in found.items():
        parts = path.split("/")
        assert not FORBIDDEN.search(path)
        assert not any(part in ("", ".", "..") or part.endswith((" ", ".")) for part in parts)
        assert all(len(part.encode()) <= 255 for part in parts), "what all systems take"
        assert not any(part.partition(".")[0].casefold() in ("con", "nul", "lpt1") for part in parts)
        assert text.encode() or path
    messages = [yaml.safe_load(text) for path, text in found.items() if path.endswith(".message.yaml")]
    assert len(messages) == len(names)
    assert all(json.loads(message["content"]) == {"message": value} for message in messages)
