"""What users do about their sessions and their password."""

from __future__ import annotations

import pytest

from jackfield.auth.sessions import LONGEST
from tests.server.conftest import Clock, OpenServed
from tests.server.served import COOKIE, PASSWORD, Headers, Served, cookie_of, log_in

OTHER = "другой пароль 🗝"
ENDPOINTS = "  say: {url: /ws/say, process: p.echo}"


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    made = await open_served(ENDPOINTS)
    await made.add("аня", password=PASSWORD)
    await made.add("bob", password=PASSWORD)
    return made


async def enter(served: Served, login: str = "аня", password: str = PASSWORD, *headers: tuple[str, str]) -> Headers:
    """A new session, as the header that carries it."""
    answer = await log_in(served, login, password, *headers)
    assert answer.status == 200, answer.json
    return cookie_of(answer)


async def sessions(served: Served, cookie: Headers) -> list[dict[str, object]]:
    answer = await served.http("GET", "/auth/sessions", cookie)
    assert answer.status == 200
    found: list[dict[str, object]] = answer.json["sessions"]
    return found


# sessions


@pytest.mark.shows("TK-12")
async def test_the_list_says_where_a_session_was_opened_and_which_is_this_one(served: Served, clock: Clock) -> None:
    first = await enter(served, "аня", PASSWORD, ("user-agent", "Браузер\x01 1.0".encode().decode("latin-1")))
    clock.move(60)
    second = await enter(served)
    await enter(served, "bob")
    one, two = await sessions(served, second)
    assert one["created_at"] == "2027-01-15T08:00:00+00:00"
    assert one["expires_at"] == "2027-01-15T09:00:00+00:00"
    assert two["seen_at"] == "2027-01-15T08:01:00+00:00"
    assert one["client"] == "10.1.2.3"
    assert str(one["agent"]).endswith(" 1.0")
    assert (one["current"], two["current"]) == (False, True)
    assert [each["current"] for each in await sessions(served, first)] == [True, False]


async def test_what_is_listed_opens_nothing(served: Served) -> None:
    cookie = await enter(served)
    answer = await served.http("GET", "/auth/sessions", cookie)
    token = cookie[0][1].partition("=")[2]
    assert token.split(".")[1].encode() not in answer.body
    for value in answer.json["sessions"][0].values():
        planted = [("cookie", f"{COOKIE}={value}".encode().decode("latin-1"))]
        assert (await served.http("GET", "/auth/session", planted)).status in (400, 401)


@pytest.mark.shows("TK-12")
async def test_a_session_is_ended_by_its_id_with_its_connections(served: Served) -> None:
    old, new = await enter(served), await enter(served)
    callers = [served.call("/ws/say", cookie) for cookie in (old, new)]
    for caller in callers:
        await caller.accepted()
    (gone,) = [one["id"] for one in await sessions(served, new) if not one["current"]]
    answer = await served.http("DELETE", f"/auth/sessions/{gone}", new)
    assert (answer.status, answer.json) == (200, {})
    assert "set-cookie" not in answer.headers
    assert await callers[0].closed() == (4401, "the session was ended")
    assert await callers[1].ask({"message": "да"}) == {"message": "да"}
    await callers[1].leave()
    assert (await served.http("GET", "/auth/session", old)).status == 401
    assert (await served.http("DELETE", f"/auth/sessions/{gone}", new)).json["code"] == "no_such_session"


async def test_ending_ones_own_session_takes_the_cookie_back(served: Served) -> None:
    cookie = await enter(served)
    (own,) = await sessions(served, cookie)
    answer = await served.http("DELETE", f"/auth/sessions/{own['id']}", cookie)
    assert answer.headers["set-cookie"].endswith("Max-Age=0")
    assert (await served.http("GET", "/auth/sessions", cookie)).status == 401


async def test_the_session_of_another_user_is_out_of_reach(served: Served) -> None:
    cookie, others = await enter(served), await enter(served, "bob")
    (one,) = await sessions(served, others)
    answer = await served.http("DELETE", f"/auth/sessions/{one['id']}", cookie)
    assert (answer.status, answer.json["code"]) == (404, "no_such_session")
    assert (await served.http("GET", "/auth/session", others)).status == 200


@pytest.mark.shows("TK-12")
async def test_all_other_sessions_are_ended_at_once(served: Served) -> None:
    others, own, bob = [await enter(served) for _ in range(3)], await enter(served), await enter(served, "bob")
    answer = await served.http("DELETE", "/auth/sessions", own)
    assert answer.json == {"ended": 3}
    assert {(await served.http("GET", "/auth/session", cookie)).status for cookie in others} == {401}
    assert {(await served.http("GET", "/auth/session", cookie)).status for cookie in (own, bob)} == {200}


# refresh


async def test_a_refresh_keeps_the_session_and_moves_its_end(served: Served, clock: Clock) -> None:
    cookie = await enter(served)
    (before,) = await sessions(served, cookie)
    clock.move(3000)
    answer = await served.http("POST", "/auth/refresh", cookie)
    assert answer.status == 200
    assert set(answer.json) == {"token", "expires_at"}
    assert answer.json["expires_at"] == "2027-01-15T09:50:00+00:00"
    fresh = cookie_of(answer)
    assert fresh == [("cookie", f"{COOKIE}={answer.json['token']}")]
    clock.move(599)
    assert (await served.http("GET", "/auth/session", cookie)).status == 200
    clock.move(1)  # the first token's end
    assert (await served.http("GET", "/auth/session", cookie)).json["code"] == "session_expired"
    (after,) = await sessions(served, fresh)
    assert after["id"] == before["id"]
    clock.move(3000)
    assert (await served.http("GET", "/auth/session", fresh)).json["code"] == "session_expired"


async def test_refreshing_without_pause_changes_nothing(served: Served, clock: Clock) -> None:
    cookie = await enter(served)
    clock.move(30)
    last = await served.store.last_change()
    for _ in range(3):
        assert (await served.http("POST", "/auth/refresh", cookie)).json["expires_at"] == "2027-01-15T09:00:00+00:00"
    assert await served.store.last_change() == last


async def test_no_refresh_keeps_a_session_for_ever(served: Served, clock: Clock) -> None:
    lifetime = LONGEST / 8
    served.sessions.tune(lifetime=lifetime, idle=None)
    cookie = await enter(served)
    opened = clock()
    while clock() + lifetime < opened + LONGEST:
        clock.move(lifetime - 1)
        cookie = cookie_of(await served.http("POST", "/auth/refresh", cookie))
    left = opened + LONGEST - clock()
    assert 0 < left <= lifetime
    await served.http("POST", "/auth/refresh", cookie)
    clock.move(left)
    assert (await served.http("POST", "/auth/refresh", cookie)).status == 401


async def test_an_ended_session_is_not_refreshed(served: Served) -> None:
    cookie = await enter(served)
    await served.http("POST", "/auth/logout", cookie)
    assert (await served.http("POST", "/auth/refresh", cookie)).json["code"] == "bad_credential"
    assert (await served.http("POST", "/auth/refresh")).json["code"] == "not_logged_in"


# the password


async def test_a_new_password_ends_the_other_sessions(served: Served) -> None:
    own, other = await enter(served), await enter(served)
    caller = served.call("/ws/say", other)
    await caller.accepted()
    answer = await served.http("POST", "/auth/password", own, {"old": PASSWORD, "new": OTHER})
    assert (answer.status, answer.json) == (200, {"ended": 1})
    assert await caller.closed() == (4401, "the password was changed")
    assert (await served.http("GET", "/auth/session", own)).status == 200
    assert (await served.http("GET", "/auth/session", other)).status == 401
    refused = await served.http("POST", "/auth/login", body={"login": "аня", "password": PASSWORD})
    assert refused.json["code"] == "login_failed"
    await enter(served, "аня", OTHER)
    await enter(served, "bob")


@pytest.mark.parametrize(
    ("old", "new", "status", "code"),
    [
        ("a wrong one", OTHER, 403, "wrong_password"),
        (PASSWORD, "short", 400, "invalid_request"),
        (PASSWORD, PASSWORD, 400, "invalid_request"),
        (PASSWORD, "nul\0" * 4, 400, "invalid_request"),
        ("x" * 1025, OTHER, 400, "invalid_request"),
    ],
)
async def test_a_password_that_is_not_taken(served: Served, old: str, new: str, status: int, code: str) -> None:
    own, other = await enter(served), await enter(served)
    answer = await served.http("POST", "/auth/password", own, {"old": old, "new": new})
    assert (answer.status, answer.json["code"]) == (status, code)
    assert (await served.http("GET", "/auth/session", other)).status == 200
    await enter(served)


async def test_no_password_reaches_the_log(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    cookie = await enter(served)
    await served.http("POST", "/auth/password", cookie, {"old": "не тот пароль", "new": OTHER})
    await served.http("POST", "/auth/password", cookie, {"old": PASSWORD, "new": OTHER})
    assert "password_refused" in caplog.text
    assert "password_changed" in caplog.text
    assert not any(text in caplog.text for text in (PASSWORD, OTHER, "не тот пароль"))


# what is not asked rightly


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/auth/refresh"),
        ("GET", "/auth/sessions"),
        ("DELETE", "/auth/sessions"),
        ("DELETE", "/auth/sessions/0123456789abcdef"),
        ("POST", "/auth/password"),
    ],
)
async def test_nobody_asks_without_a_session_or_from_elsewhere(served: Served, method: str, path: str) -> None:
    assert (await served.http(method, path)).json["code"] == "not_logged_in"
    forged = [("cookie", f"{COOKIE}=1.x.y")]
    assert (await served.http(method, path, forged)).json["code"] == "bad_credential"
    cookie = await enter(served)
    elsewhere = [*cookie, ("origin", "https://evil.example")]
    assert (await served.http(method, path, elsewhere)).status == 403
    if method != "GET":
        sites = [*cookie, ("sec-fetch-site", "cross-site")]
        assert (await served.http(method, path, sites)).json["code"] == "origin_not_allowed"
        form = [*cookie, ("content-type", "application/x-www-form-urlencoded")]
        assert (await served.http(method, path, form, b"a=b")).status == 415
    assert (await served.http("GET", "/auth/session", cookie)).status == 200
    wrong = await served.http("PUT", path, cookie)
    assert wrong.status == 405
    assert method in wrong.headers["allow"].split(", ")


@pytest.mark.parametrize("path", ["/auth/sessions/", "/auth/sessions/a/b", "/auth/nothing", "/auth/{one}"])
async def test_there_is_nothing_else(served: Served, path: str) -> None:
    assert (await served.http("GET", path, await enter(served))).status == 404
