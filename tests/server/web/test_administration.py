"""Users as administrators see and change them."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from tests.server.conftest import OpenServed
from tests.server.served import COOKIE, PASSWORD, Headers, Served, log_in

ENDPOINTS = """
  say: {url: /ws/say, process: p.echo}
  desk: {url: /ws/desk, process: p.echo, auth: {roles: [support]}}
"""


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    made = await open_served(ENDPOINTS)
    await made.add("шеф", "admin")
    await made.add("аня", "support", password=PASSWORD)
    return made


@pytest.fixture
async def admin(served: Served) -> Headers:
    return await served.cookie("шеф")


def at(login: str, more: str = "") -> str:
    return f"/api/users/{quote(login, safe='')}{more}"


async def test_users_are_listed_without_their_secrets(served: Served, admin: Headers) -> None:
    answer = await served.http("GET", "/api/users", admin)
    assert answer.json == {
        "users": [
            {
                "login": login,
                "name": "",
                "roles": [role],
                "disabled": False,
                "has_password": login == "аня",
                "created_at": "2027-01-15T08:00:00+00:00",
            }
            for login, role in (("аня", "support"), ("шеф", "admin"))
        ],
        "roles": ["admin", "editor", "publisher", "support"],
    }
    assert b"argon2" not in answer.body


async def test_a_name_is_given_changed_and_taken_away(served: Served, admin: Headers) -> None:
    given = {"login": "боб", "password": PASSWORD, "name": "Боб Ross 😀"}
    assert (await served.http("POST", "/api/users", admin, given)).json["name"] == "Боб Ross 😀"
    cookie = await served.cookie("боб")
    assert (await served.http("PATCH", at("боб"), admin, {"name": "Боб"})).json["name"] == "Боб"
    say = served.call("/ws/say", cookie)
    await say.accepted()
    (member,) = served.gateway.live.hub.of("боб")
    assert member.identity.name == "Боб", "a session that was open has the new name for new connections"
    assert (await served.http("PATCH", at("боб"), admin, {"name": "a\tb"})).json["code"] == "invalid_request"
    assert (await served.http("PATCH", at("боб"), admin, {"name": ""})).json["name"] == ""
    await say.leave()


async def test_one_user_is_shown_with_the_open_sessions(served: Served, admin: Headers) -> None:
    await log_in(served, "аня", PASSWORD)
    found = (await served.http("GET", at("аня"), admin)).json
    assert [one["client"] for one in found["sessions"]] == ["10.1.2.3"]
    assert (await served.http("GET", at("никто"), admin)).json["code"] == "no_such_user"


@pytest.mark.parametrize("login", ["боб", "a b/c?d", "O'Neil %", "👩‍🚀", "DOMAIN\\anna", "close", "%2F"])
async def test_a_user_is_added_and_may_log_in(served: Served, admin: Headers, login: str) -> None:
    given = {"login": login, "password": PASSWORD, "roles": ["support", "дежурный"]}
    answer = await served.http("POST", "/api/users", admin, given)
    assert answer.status == 201
    assert (answer.json["login"], answer.json["roles"]) == (login, ["support", "дежурный"])
    assert answer.headers["location"] == at(login)
    assert (await log_in(served, login, PASSWORD)).status == 200
    again = await served.http("POST", "/api/users", admin, given)
    assert (again.status, again.json["code"]) == (409, "login_taken")
    found = await served.http("GET", answer.headers["location"], admin)
    assert (found.status, found.json["login"]) == (200, login)
    assert (await served.http("PATCH", at(login), admin, {"roles": ["other"]})).json["roles"] == ["other"]
    assert (await served.http("POST", at(login, "/close"), admin)).json == {"ended": 1}
    assert (await served.http("DELETE", at(login), admin)).status == 200


@pytest.mark.parametrize(
    "path", ["/a%2Fb/c", "/a/close/x", "//close", "/%zz", "/%ff", "/a%2Fclose%2F", "/", "/a%", "/%00"]
)
async def test_what_is_no_login_is_none(served: Served, admin: Headers, path: str) -> None:
    answer = await served.http("POST", f"/api/users{path}", admin)
    assert answer.status in (400, 404, 405), answer.json
    assert (await served.http("POST", f"/api/users{path}")).status in (401, 404)


async def test_a_user_without_a_password_cannot_log_in_with_any(served: Served, admin: Headers) -> None:
    assert (await served.http("POST", "/api/users", admin, {"login": "боб"})).json["has_password"] is False
    assert (await log_in(served, "боб", "")).status == 401


@pytest.mark.parametrize(
    "given",
    [
        {},
        [],
        {"login": ""},
        {"login": "a\0b"},
        {"login": "."},
        {"login": ".."},
        {"login": "боб", "password": "short"},
        {"login": "боб", "roles": ["two words"]},
        {"login": "боб", "roles": "admin"},
        {"login": "боб", "admin": True},
    ],
)
async def test_what_can_be_no_user_is_refused(served: Served, admin: Headers, given: Any) -> None:
    answer = await served.http("POST", "/api/users", admin, given)
    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert len((await served.http("GET", "/api/users", admin)).json["users"]) == 2


async def test_other_roles_hold_for_open_connections(served: Served, admin: Headers) -> None:
    cookie = await served.cookie("аня")
    desk, say = served.call("/ws/desk", cookie), served.call("/ws/say", cookie)
    await desk.accepted()
    await say.accepted()
    answer = await served.http("PATCH", at("аня"), admin, {"roles": ["other"]})
    assert (answer.status, answer.json["roles"]) == (200, ["other"])
    assert (await desk.closed())[0] == 4403
    assert await say.ask({"message": "да"}) == {"message": "да"}
    await say.leave()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"disabled": True}, "the user was disabled"),
        ({"password": "новый пароль"}, "the password was changed"),
        (None, "the user was removed"),
        ("close", "the session was ended"),
    ],
)
async def test_who_is_kept_out_is_closed_at_once(served: Served, admin: Headers, change: Any, reason: str) -> None:
    cookie = await served.cookie("аня")
    caller, own = served.call("/ws/say", cookie), served.call("/ws/say", admin)
    await caller.accepted()
    await own.accepted()
    if change == "close":
        answer = await served.http("POST", at("аня", "/close"), admin)
        assert answer.json == {"ended": 1}
    elif change is None:
        answer = await served.http("DELETE", at("аня"), admin)
    else:
        answer = await served.http("PATCH", at("аня"), admin, change)
    assert answer.status == 200
    # closed before the answer went out: no message after it
    assert caller.sent[-1]["type"] == "websocket.close"
    assert await caller.closed() == (4401, reason)
    assert (await served.http("GET", "/auth/session", cookie)).status == 401
    assert await own.ask({"message": "да"}) == {"message": "да"}
    await own.leave()


async def test_a_user_is_let_in_again(served: Served, admin: Headers) -> None:
    await served.http("PATCH", at("аня"), admin, {"disabled": True})
    assert (await log_in(served, "аня", PASSWORD)).status == 401
    assert (await served.http("PATCH", at("аня"), admin, {"disabled": False})).json["disabled"] is False
    assert (await log_in(served, "аня", PASSWORD)).status == 200


async def test_several_changes_are_made_at_once_or_none(served: Served, admin: Headers) -> None:
    wrong = await served.http("PATCH", at("аня"), admin, {"disabled": True, "password": "short", "roles": ["b"]})
    assert wrong.status == 400
    user = await served.store.get("аня")
    assert user is not None
    assert (user.disabled, user.roles) == (False, frozenset({"support"}))
    both = {"roles": ["b"], "password": "новый пароль"}
    assert (await served.http("PATCH", at("аня"), admin, both)).json["roles"] == ["b"]
    assert (await log_in(served, "аня", "новый пароль")).status == 200
    assert (await served.http("PATCH", at("аня"), admin, {})).status == 400
    assert (await served.http("PATCH", at("никто"), admin, both)).status == 404


@pytest.mark.parametrize("given", [{"disabled": True}, {"roles": []}, None])
async def test_nobody_locks_the_door_behind_them(served: Served, admin: Headers, given: Any) -> None:
    answer = await (served.http("PATCH", at("шеф"), admin, given) if given else served.http("DELETE", at("шеф"), admin))
    assert answer.status == 400
    assert "yourself" in answer.json["detail"]
    assert (await served.http("PATCH", at("шеф"), admin, {"roles": ["admin", "b"]})).status == 200


async def test_of_administrators_who_take_each_others_role_one_stays(served: Served, admin: Headers) -> None:
    await served.add("вторая", "admin")
    other = await served.cookie("вторая")
    for change in ({"roles": ["b"]}, {"disabled": True}, None):
        await served.store.change("шеф", roles=["admin"], disabled=False)
        if await served.store.get("вторая") is None:
            await served.add("вторая", "admin")
        await served.store.change("вторая", roles=["admin"], disabled=False)
        admin, other = await served.cookie("шеф"), await served.cookie("вторая")
        method = "DELETE" if change is None else "PATCH"
        reported = await asyncio.gather(
            served.http(method, at("вторая"), admin, b"" if change is None else change),
            served.http(method, at("шеф"), other, b"" if change is None else change),
        )
        left = [user for user in await served.store.list() if "admin" in user.roles and not user.disabled]
        assert len(left) == 1, change
        assert sorted(answer.status == 200 for answer in reported) == [False, True]


@pytest.mark.parametrize("act", ["add", "change", "remove"])
async def test_who_is_no_administrator_at_the_moment_of_the_change_changes_nothing(
    served: Served, admin: Headers, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    method, target, body = {
        "add": ("POST", "/api/users", {"login": "боб", "roles": ["admin"]}),
        "change": ("PATCH", at("аня"), {"roles": ["admin"]}),
        "remove": ("DELETE", at("аня"), b""),
    }[act]
    real = getattr(served.store, act)

    async def taken_first(*args: Any, **more: Any) -> Any:
        monkeypatch.undo()
        await served.store.set_roles("шеф", [])
        return await real(*args, **more)

    monkeypatch.setattr(served.store, act, taken_first)
    answer = await served.http(method, target, admin, body)
    assert (answer.status, answer.json["code"]) == (403, "role_required")
    assert [(user.login, set(user.roles)) for user in await served.store.list()] == [
        ("аня", {"support"}),
        ("шеф", set()),
    ]


async def test_nobody_of_that_login_is_reported_where_all_users_are_ours(served: Served, admin: Headers) -> None:
    assert (await served.http("POST", at("somebody@elsewhere", "/close"), admin)).json["code"] == "no_such_user"


async def test_an_administrator_of_another_authority_is_no_user_of_ours(open_served: OpenServed) -> None:
    code = """
from jackfield import Identity

@process(reply="message")
def echo(message: str) -> str:
    return message

async def verify(credential: str, request: Any) -> Identity | None:
    return Identity("аня", frozenset({"admin"}), expires_at=1e300)
"""
    served = await open_served(ENDPOINTS, code, head="auth: {verify: p.verify}")
    await served.add("аня", "admin")
    headers = [("authorization", "Bearer xyz")]
    session = await served.http("GET", "/auth/session", headers)
    assert session.json["expires_at"] == "9999-12-31T23:59:59+00:00"
    assert (await served.http("POST", at("somebody@elsewhere", "/close"), headers)).json == {"ended": 0}
    assert (await served.http("PATCH", at("аня"), headers, {"roles": ["b"]})).json["roles"] == ["b"]
    assert (await served.http("DELETE", at("аня"), headers)).status == 200


@pytest.mark.shows("CF-12")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/users"),
        ("POST", "/api/users"),
        ("GET", "/api/users/a"),
        ("PATCH", "/api/users/a"),
        ("DELETE", "/api/users/a"),
        ("POST", "/api/users/a/close"),
        ("GET", "/api/nothing"),
    ],
)
async def test_it_is_for_the_role_admin_alone(served: Served, admin: Headers, method: str, path: str) -> None:
    assert (await served.http(method, path)).json["code"] == "not_logged_in"
    assert (await served.http(method, path, [("cookie", f"{COOKIE}=x")])).json["code"] == "bad_credential"
    assert (await served.http(method, path, await served.cookie("аня"))).json["code"] == "role_required"
    elsewhere = [*admin, ("origin", "https://evil.example")]
    assert (await served.http(method, path, elsewhere)).json["code"] == "origin_not_allowed"
    if method in ("POST", "PATCH"):
        form = [*admin, ("content-type", "text/plain")]
        assert (await served.http(method, path, form, b"{}")).status == 415


async def test_who_lost_the_role_meanwhile_administers_no_more(served: Served, admin: Headers) -> None:
    assert (await served.http("GET", "/api/users", admin)).status == 200
    await served.store.set_roles("шеф", [])
    await served.sessions.look_once()
    assert (await served.http("GET", "/api/users", admin)).status == 403


async def test_a_body_is_short(served: Served, admin: Headers) -> None:
    answer = await served.http("POST", "/api/users", admin, {"login": "боб", "roles": ["x" * 5000]})
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")


async def test_no_password_reaches_the_log(served: Served, admin: Headers, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await served.http("POST", "/api/users", admin, {"login": "боб", "password": PASSWORD})
    await served.http("PATCH", at("боб"), admin, {"password": PASSWORD + "!"})
    await served.http("DELETE", at("боб"), admin)
    for event in ("user_added", "user_changed", "user_removed"):
        assert event in caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("act", ["add", "change"])
async def test_who_is_logged_out_while_the_body_comes_changes_nothing(served: Served, admin: Headers, act: str) -> None:
    method, target, body = {
        "add": ("POST", "/api/users", {"login": "боб", "roles": ["admin"]}),
        "change": ("PATCH", at("аня"), {"roles": ["admin"]}),
    }[act]
    (session,) = await served.sessions.open_of("шеф")

    async def meanwhile() -> None:
        await served.sessions.logout(session.identity)

    answer = await served.http(method, target, admin, body, meanwhile=meanwhile)
    assert (answer.status, answer.json["code"]) == (401, "bad_credential")
    assert [(user.login, set(user.roles)) for user in await served.store.list()] == [
        ("аня", {"support"}),
        ("шеф", {"admin"}),
    ]
