"""What is described of the login, the administration and the server is what they do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import jsonschema
import pytest

from jackfield.auth.passwords import MAX_PASSWORD, MIN_PASSWORD, check_password
from jackfield.auth.store.tables import new_login, normal_role
from jackfield.config.plan import AuthSettings
from jackfield.describe.documents import http_api, http_schemas
from jackfield.describe.documents.http_api import Call
from jackfield.errors import CODES, Refusal
from jackfield.server.web import administration, json_api, login
from tests.server.conftest import OpenServed, build_table, built, empty_store, open_served
from tests.server.served import Answer, Headers, Served

__all__ = ["build_table", "built", "empty_store", "open_served"]  # fixtures

CALLS = http_api.calls(AuthSettings())
SCHEMAS = http_schemas.schemas(AuthSettings())
JSON = dict[str, Any]


def validator(schema: JSON) -> jsonschema.Draft202012Validator:
    checker = jsonschema.FormatChecker()
    return jsonschema.Draft202012Validator({**schema, "components": {"schemas": SCHEMAS}}, format_checker=checker)


def of(name: str) -> Call:
    return next(call for call in CALLS if call.name == name)


def addresses(calls: Iterable[Call]) -> dict[str, set[str]]:
    """The methods of each address, with `{one}` for whatever stands in braces."""
    found: dict[str, set[str]] = {}
    for call in calls:
        found.setdefault(re.sub(r"\{\w+\}", "{one}", call.path), set()).add(call.method)
    return found


async def test_each_address_and_method_is_there_and_no_other(open_served: OpenServed) -> None:
    served = await open_served("  say: {url: /ws/say, process: p.echo}\n")
    routed = {
        f"{prefix}{path}": set(methods)
        for prefix, api in (
            ("/auth", login.Login(served.gateway.live, served.gateway.callers).api),
            (administration.AT, administration.Administration(served.gateway.live, served.gateway.callers).api),
        )
        for path, methods in api.routes.items()
    }
    assert addresses(CALLS) == routed | {"/health": {"GET"}, "/ready": {"GET"}, "/metrics": {"GET"}}


def test_the_login_lives_where_the_file_says_or_nowhere() -> None:
    moved = addresses(http_api.calls(AuthSettings(path="/sign/in")))
    assert {"/sign/in/login", "/sign/in/sessions/{one}"} <= set(moved)
    assert not [path for path in moved if path.startswith("/auth")]
    elsewhere = http_api.calls(AuthSettings(own=False))
    assert {call.tag for call in elsewhere} == {
        "Administration",
        "Server",
        "From outside",
        "Processes",
        "Page",
        "Files",
    }
    assert "/api/users/{one}/events" in addresses(elsewhere)
    assert not {"/api/users", "/api/users/{one}"} & set(addresses(elsewhere))


def test_who_may_be_unknown_depends_on_who_vouches_for_people() -> None:
    for auth, reported in ((AuthSettings(), True), (AuthSettings(verify="accounts.who"), False)):
        (close,) = (call for call in http_api.calls(auth) if call.name == "close-user")
        assert ("no_such_user" in close.codes) is reported


def test_each_code_of_plain_http_is_reported_somewhere_and_each_reported_is_one() -> None:
    reported = {code for call in CALLS for code in call.codes}
    assert reported <= set(CODES)
    assert {code.name for code in CODES.values() if code.moment == "http"} <= reported


def test_what_any_request_can_be_reported_is_reported_of_all() -> None:
    every = {"malformed_request", "request_too_slow", "headers_too_large"}
    assert all(every <= set(call.codes) for call in CALLS)


def test_the_limit_of_a_body_is_the_one_that_its_code_reports() -> None:
    assert json_api.MAX_BODY == 4096
    assert "4 KiB, or an event's `limits.queue`" in CODES["body_too_large"].sentence


NAMES = ["anna", "боб", "👩‍🚀", "a b", "x" * 128, "DOMAIN\\anna", "a@b.example", "é"]
NO_NAMES = ["", " a", "a ", "a\nb", "a\0", "x" * 129, "a\u202eb", "a\u2028b", "\x7f", "\u2066a", "\x85"]


def taken(judge: Any, text: str) -> bool:
    try:
        judge(text)
    except Refusal:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        *NAMES,
        *NO_NAMES,
        "two words",
        "a,b",
        "+a",
        "-a",
        "a+b",
        ".",
        "..",
        "...",
        "jwt:a",
        "verify:a",
        "key:a",
        "~a",
        "a~",
        "jwt",
    ],
)
def test_a_login_and_a_role_are_bounded_as_they_are_judged(text: str) -> None:
    user = SCHEMAS["NewUser"]["properties"]
    assert validator(user["login"]).is_valid(text) is taken(new_login, text)
    assert validator(user["roles"]["items"]).is_valid(text) is taken(normal_role, text)


@pytest.mark.parametrize("text", ["1234567", "12345678", "пароль с пробелами 🔑", "x" * MAX_PASSWORD, "12345678\0"])
def test_a_new_password_is_bounded_as_it_is_judged(text: str) -> None:
    for schema in (SCHEMAS["Passwords"]["properties"]["new"], SCHEMAS["NewUser"]["properties"]["password"]):
        assert validator(schema).is_valid(text) is taken(check_password, text)
    assert SCHEMAS["Passwords"]["properties"]["new"]["minLength"] == MIN_PASSWORD


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ("UserChange", {"roles": ["support"]}, {}),
        ("UserChange", {"roles": None, "disabled": True}, {"roles": None}),
        ("NewUser", {"login": "боб", "password": None}, {"login": "боб", "admin": True}),
        ("Credentials", {"login": "a", "password": ""}, {"login": "a"}),
    ],
)
def test_what_is_left_out_and_what_is_null(schema: str, good: JSON, bad: JSON) -> None:
    validator(SCHEMAS[schema]).validate(good)
    assert not validator(SCHEMAS[schema]).is_valid(bad)


def judge(name: str, answer: Answer) -> None:
    """Fail unless the answer is one that is described."""
    call = of(name)
    if "problem+json" in answer.headers["content-type"]:
        assert answer.json["code"] in call.codes, (name, answer.json)
        code = CODES[answer.json["code"]]
        assert answer.status in (code.status, code.also or code.status)
        validator(SCHEMAS["Problem"]).validate(answer.json)
        return
    assert answer.status == call.status, (name, answer.status)
    assert answer.headers["content-type"].partition(";")[0] == call.kind
    if call.kind == "application/json":
        schema = validator(call.answer)
        schema.validate(answer.json)
        known = call.answer if "properties" in call.answer or "$ref" not in call.answer else None
        known = known or SCHEMAS[call.answer["$ref"].rpartition("/")[2]]
        assert set(answer.json) <= set(known.get("properties", {})), "a key that nobody described"


PASSWORD = "пароль с пробелами 🔑"


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    made = await open_served("  say: {url: /ws/say, process: p.echo}\n")
    await made.add("шеф", "admin")
    await made.add("аня", "support", password=PASSWORD)
    return made


async def test_what_the_login_answers_is_what_is_described(served: Served) -> None:
    given = {"login": "аня", "password": PASSWORD}
    answer = await served.http("POST", "/auth/login", body=given)
    judge("login", answer)
    cookie = [("cookie", answer.headers["set-cookie"].partition(";")[0])]
    walks: list[tuple[str, str, str, Headers, Any]] = [
        ("login", "POST", "/auth/login", [], {**given, "password": "wrong"}),
        ("login", "POST", "/auth/login", [], {**given, "password": "a\0"}),
        ("login", "POST", "/auth/login", [], b"login=a"),
        ("login", "POST", "/auth/login", [], {**given, "password": "x" * 5000}),
        ("login", "POST", "/auth/login?gen_app_auth_token=a", [], given),
        ("session", "GET", "/auth/session", cookie, b""),
        ("session", "GET", "/auth/session", [], b""),
        ("session", "GET", "/auth/session", [("cookie", "gen_app_auth_token=nonsense")], b""),
        ("session", "GET", "/auth/session", [*cookie, ("authorization", "Bearer b")], b""),
        ("session", "GET", "/auth/session", [("authorization", f"Bearer {'x' * 5000}")], b""),
        ("session", "GET", "/auth/session", [*cookie, ("origin", "https://evil.example")], b""),
        ("refresh", "POST", "/auth/refresh", cookie, b""),
        ("refresh", "POST", "/auth/refresh", [], b""),
        ("refresh", "POST", "/auth/refresh", [*cookie, ("content-type", "text/plain")], b"a"),
        ("sessions", "GET", "/auth/sessions", cookie, b""),
        ("end-session", "DELETE", "/auth/sessions/nobody", cookie, b""),
        ("end-other-sessions", "DELETE", "/auth/sessions", cookie, b""),
        ("change-password", "POST", "/auth/password", cookie, {"old": "wrong one", "new": PASSWORD + "!"}),
        ("change-password", "POST", "/auth/password", cookie, {"old": PASSWORD, "new": "short"}),
        ("change-password", "POST", "/auth/password", cookie, {"old": PASSWORD, "new": PASSWORD + "!"}),
        ("logout", "POST", "/auth/logout", cookie, b""),
        ("logout", "POST", "/auth/logout", [], b""),
    ]
    for name, method, path, headers, body in walks:
        judge(name, await served.http(method, path, headers, body))


async def test_what_the_administration_answers_is_what_is_described(served: Served) -> None:
    admin = await served.cookie("шеф")
    await served.cookie("аня")
    one = "/api/users/%D0%B1%D0%BE%D0%B1"
    self_ = "/api/users/%D1%88%D0%B5%D1%84"
    new = {"login": "боб", "password": PASSWORD, "roles": ["support"]}
    walks: list[tuple[str, str, str, Headers, Any]] = [
        ("users", "GET", "/api/users", admin, b""),
        ("users", "GET", "/api/users", [], b""),
        ("users", "GET", "/api/users", await served.cookie("аня"), b""),
        ("add-user", "POST", "/api/users", admin, new),
        ("add-user", "POST", "/api/users", admin, new),
        ("add-user", "POST", "/api/users", admin, {"login": ""}),
        ("user", "GET", one, admin, b""),
        ("user", "GET", "/api/users/nobody", admin, b""),
        ("user", "GET", f"/api/users/{'x' * 200}", admin, b""),
        ("user", "GET", "/api/users/%D0%B0%D0%BD%D1%8F", admin, b""),
        ("change-user", "PATCH", one, admin, {"roles": ["b"]}),
        ("change-user", "PATCH", one, admin, {}),
        ("change-user", "PATCH", self_, admin, {"disabled": True}),
        ("close-user", "POST", f"{one}/close", admin, b""),
        ("close-user", "POST", "/api/users/nobody/close", admin, b""),
        ("remove-user", "DELETE", self_, admin, b""),
        ("remove-user", "DELETE", one, admin, b""),
        ("remove-user", "DELETE", one, admin, b""),
        ("metrics", "GET", "/metrics", [], b""),
        ("health", "GET", "/health", [], b""),
        ("ready", "GET", "/ready", [], b""),
    ]
    for name, method, path, headers, body in walks:
        judge(name, await served.http(method, path, headers, body))


async def test_what_other_programs_are_answered_is_what_is_described(served: Served) -> None:
    admin, event = await served.cookie("шеф"), {"event": "changed"}
    say = served.call("/ws/say", await served.cookie("аня"))
    await say.accepted()
    key = "/api/keys/%D0%BC%D0%B0%D0%B3%D0%B0%D0%B7%D0%B8%D0%BD"
    group, user = "/api/groups/room:7", "/api/users/%D0%B0%D0%BD%D1%8F"
    walks: list[tuple[str, str, str, Headers, Any]] = [
        ("send-to-groups", "POST", "/api/events", admin, {"groups": ["room:7"], "event": event}),
        ("send-to-groups", "POST", "/api/events", admin, {"groups": [], "event": event}),
        ("send-to-groups", "POST", "/api/events", [], {"groups": ["room:7"], "event": event}),
        ("send-to-group", "POST", f"{group}/events", admin, event),
        ("send-to-group", "POST", f"{group}/events", [*admin, ("idempotency-key", "1")], event),
        ("send-to-group", "POST", f"{group}/events", [*admin, ("idempotency-key", "1")], {"event": "other"}),
        ("send-to-group", "POST", f"{group}/events", admin, {"event": ""}),
        ("send-to-group", "POST", f"{group}/events", admin, b"event"),
        ("send-to-group", "POST", "/api/groups/$7/events", admin, event),
        ("send-to-group", "POST", f"{group}/events", await served.cookie("аня"), event),
        ("remove-member", "DELETE", f"{group}/members/anna", admin, b""),
        ("send-to-user", "POST", f"{user}/events", admin, event),
        ("send-to-user", "POST", f"{user}/events?endpoint=sey", admin, event),
        ("presence", "GET", f"{user}/presence", admin, b""),
        ("groups", "GET", "/api/groups", admin, b""),
        ("groups", "GET", "/api/groups?limit=0", admin, b""),
        ("group", "GET", group, admin, b""),
        ("keys", "GET", "/api/keys", [], b""),
        ("add-key", "POST", "/api/keys", admin, {"name": "магазин", "roles": ["publisher"], "groups": ["order:*"]}),
        ("add-key", "POST", "/api/keys", admin, {"name": "магазин", "roles": ["publisher"]}),
        ("add-key", "POST", "/api/keys", admin, {"name": "магазин"}),
        ("keys", "GET", "/api/keys", admin, b""),
        ("rotate-key", "POST", f"{key}/rotate", admin, {}),
        ("rotate-key", "POST", f"{key}/rotate", admin, {"overlap": "soon"}),
        ("rotate-key", "POST", "/api/keys/nobody/rotate", admin, {}),
        ("key", "GET", key, admin, b""),
        ("key", "GET", "/api/keys/nobody", admin, b""),
        ("remove-key", "DELETE", key, admin, b""),
        ("remove-key", "DELETE", key, admin, b""),
        ("groups", "GET", "/api/groups", [("authorization", "Bearer jf_wrong")], b""),
        ("connections", "GET", "/api/connections?endpoint=say", admin, b""),
        ("close-connection", "DELETE", "/api/connections/nobody", admin, b""),
    ]
    for name, method, path, headers, body in walks:
        judge(name, await served.http(method, path, headers, body))
    (one,) = (await served.http("GET", "/api/connections", admin)).json["connections"]
    judge("close-connection", await served.http("DELETE", f"/api/connections/{one['id']}", admin))
    assert (await say.closed())[0] == 4403


async def test_a_server_that_takes_nobody_says_so_in_the_way_that_is_described(served: Served) -> None:
    served.gateway.live.ready = False
    answer = await served.http("GET", "/ready")
    assert answer.status == 503
    unready = of("ready").unready
    assert unready is not None
    validator(unready).validate(answer.json)
