"""What other programs send to groups and users, and what they see of them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from jackfield.groups import groups
from jackfield.server.web import push
from tests.server.conftest import OpenServed
from tests.server.served import Caller, Headers, Served, until

GROUPS = 'groups: {"room:{room}": {}, "kept:{n}": {history: 1}}'
ENDPOINTS = """
  room: {url: "/ws/rooms/{room}", process: p.echo, group: "room:{room}"}
  desk: {url: /ws/desk, process: p.echo, group: [desk, "room:7"], limits: {queue: 8KiB}}
  feed: {url: /ws/feed, process: p.echo, auth: public, group: news}
"""
HALL = "room:%D0%B7%D0%B0%D0%BB"  # of the room зал


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    made = await open_served(ENDPOINTS, head=GROUPS)
    for login, *roles in (("шеф", "admin"), ("магазин", "publisher"), ("аня", "support"), ("боб",)):
        await made.add(login, *roles)
    return made


@pytest.fixture
async def shop(served: Served) -> Headers:
    return await served.cookie("магазин")


@pytest.fixture
async def admin(served: Served) -> Headers:
    return await served.cookie("шеф")


async def opened(served: Served, target: str, login: str = "") -> Caller:
    caller = served.call(target, await served.cookie(login) if login else [])
    await caller.accepted()
    return caller


async def heard(caller: Caller) -> list[dict[str, Any]]:
    """All events that came, up to the reply to a message behind them."""
    await caller.ask({"message": "?"})
    await until(lambda: {"message": "?"} in frames(caller))
    return [frame for frame in frames(caller) if "event" in frame]


def frames(caller: Caller) -> list[dict[str, Any]]:
    return [json.loads(frame["text"]) for frame in caller.sent[1:]]


def at(group: str, more: str = "/events") -> str:
    return f"/api/groups/{quote(group, safe='')}{more}"


def of(login: str, more: str = "/events") -> str:
    return f"/api/users/{quote(login, safe='')}{more}"


async def test_an_event_reaches_the_members_of_a_group_and_nobody_else(served: Served, shop: Headers) -> None:
    hall, desk = await opened(served, "/ws/rooms/%D0%B7%D0%B0%D0%BB", "аня"), await opened(served, "/ws/desk", "боб")
    event = {"event": "changed", "text": "Привет 😀", "price": 0.1, "large": 2**60}
    answer = await served.http("POST", at(HALL), shop, event)
    assert (answer.status, answer.json) == (202, {"delivered_to": 1})
    assert (await heard(hall), await heard(desk)) == ([event], [])
    wrong = (await served.http("POST", at("room:я"), shop, event)).json
    assert (wrong["code"], "there: room:%D1%8F." in wrong["detail"]) == ("invalid_request", True)
    assert (await served.http("POST", at("nobody"), shop, event)).json == {"delivered_to": 0}


async def test_one_request_sends_to_several_groups_each_once(served: Served, shop: Headers) -> None:
    hall, desk = await opened(served, "/ws/rooms/%D0%B7%D0%B0%D0%BB", "аня"), await opened(served, "/ws/desk", "боб")
    body = {"groups": [HALL, "room:7", "desk", HALL], "event": {"event": "closing"}}
    assert (await served.http("POST", "/api/events", shop, body)).json == {"delivered_to": 3}
    assert await heard(hall) == [{"event": "closing"}]
    assert await heard(desk) == [{"event": "closing", "group": name} for name in ("room:7", "desk")]


@pytest.mark.parametrize("groups", [[], ["desk"] * (push.MAX_NAMED + 1), ["room 7"], ["$7"], "desk", [7]])
async def test_a_wrong_list_of_groups_sends_to_none(served: Served, shop: Headers, groups: object) -> None:
    desk = await opened(served, "/ws/desk", "боб")
    wrong = (
        groups
        if groups == "desk" or not isinstance(groups, list)
        else ["desk", *groups]
        if len(groups) == 1
        else groups
    )
    answer = await served.http("POST", "/api/events", shop, {"groups": wrong, "event": {"event": "closing"}})
    assert answer.status in (400, 404), answer.json
    assert await heard(desk) == []


async def test_where_one_group_has_no_room_none_hears_it(
    served: Served, shop: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, live = await opened(served, "/ws/desk", "боб"), served.gateway.live
    monkeypatch.setattr(groups, "MAX_GROUPS", len(live.groups) + 1)
    body = {"groups": ["desk", "kept:1", "kept:2"], "event": {"event": "closing"}}
    answer = await served.http("POST", "/api/events", shop, body)
    assert (answer.status, answer.json["code"]) == (429, "group_full")
    assert (await heard(desk), len(live.groups), live.groups.events) == ([], 2, 0)
    body["groups"] = ["desk", "kept:1"]
    assert (await served.http("POST", "/api/events", shop, body)).json == {"delivered_to": 1}


async def test_what_is_sent_is_counted_and_logged_without_what_it_says(
    served: Served, shop: Headers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await opened(served, "/ws/rooms/%D0%B7%D0%B0%D0%BB", "аня")
    event, once = {"event": "paid", "text": "тайна 😀"}, [*shop, ("idempotency-key", "1")]
    for headers in (once, once, []):
        await served.http("POST", at(HALL), headers, event)
    await served.http("POST", "/api/events", shop, {"groups": [HALL, "desk"], "event": event})
    await served.http("POST", of("аня"), shop, event)
    await served.http("POST", of("аня"), shop, {"no": "event"})
    await served.http("POST", at("$7"), shop, event)
    live = served.gateway.live
    assert live.metrics.pushes == {
        ("group", "accepted", ""): 2,
        ("group", "refused", "not_logged_in"): 1,
        ("group", "refused", "not_found"): 1,
        ("groups", "accepted", ""): 1,
        ("user", "accepted", ""): 1,
        ("user", "refused", "invalid_event"): 1,
    }
    told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("pushed ")]
    assert len([line for line in told if "delivered_to=1 by='магазин'" in line]) == len(told) == 3
    assert "тайна" not in caplog.text
    await served.http("DELETE", at(HALL, "/members/%D0%B0%D0%BD%D1%8F"), shop)
    text = live.metrics.text().decode()
    for line in ("groups 0.0", "members 0.0", "feeds 0.0", "group_events_total 3.0", "group_deliveries_total 2.0"):
        assert f"\njackfield_{line}\n" in text


async def test_a_user_hears_it_on_all_connections_or_on_those_of_one_endpoint(served: Served, shop: Headers) -> None:
    room, desk = await opened(served, "/ws/rooms/1", "аня"), await opened(served, "/ws/desk", "аня")
    both = await served.http("POST", of("аня"), shop, {"event": "paid"})
    assert (both.status, both.json) == (202, {"delivered_to": 2, "online": True})
    one = await served.http("POST", f"{of('аня')}?endpoint=desk", shop, {"event": "ready"})
    assert one.json == {"delivered_to": 1, "online": True}
    assert await heard(room) == [{"event": "paid"}]
    assert await heard(desk) == [{"event": "paid"}, {"event": "ready"}]
    assert (await served.http("POST", of("боб"), shop, {"event": "paid"})).json == {"delivered_to": 0, "online": False}
    elsewhere = await served.http("POST", f"{of('аня')}?endpoint=feed", shop, {"event": "paid"})
    assert elsewhere.json == {"delivered_to": 0, "online": True}
    wrong = await served.http("POST", f"{of('аня')}?endpoint=desc", shop, {"event": "paid"})
    assert (wrong.status, wrong.json["fix"]) == (404, "The endpoints are desk, feed, room.")


async def test_a_login_of_any_letters_has_an_address(served: Served, shop: Headers) -> None:
    for login in ("DOMAIN\\anna", "a/b", "events", "й"):
        await served.add(login)
        await opened(served, "/ws/desk", login)
        assert (await served.http("POST", of(login), shop, {"event": "paid"})).json["online"], login


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "The body is empty."),
        (b'{"event": "a",}', "before the closing bracket at character 14"),
        (b"\xff", "UTF-8"),
        (b"[" * 100 + b"]" * 100, "nested"),
        (b"[]", "an event is a JSON object"),
        (b"{}", "/event: "),
        (b'{"event": ""}', "/event: "),
        (b'{"event": 7}', "/event: "),
        (b'{"event": "history"}', "/event: "),
        (b'{"event": "a", "group": "b"}', "/group: "),
        (b'{"event": "a", "error": {}}', "/error: "),
        (b'{"event": "a", "$n": 1}', "/$n: "),
        (b'{"event": "a", "t": "\\ud800"}', ""),
        (b'{"event": "a", "n": NaN}', "NaN"),
    ],
)
async def test_what_is_no_event_is_refused_with_its_place(
    served: Served, shop: Headers, body: bytes, said: str
) -> None:
    desk = await opened(served, "/ws/desk", "боб")
    answer = await served.http("POST", at("desk"), [*shop, ("content-type", "application/json")], body)
    assert (answer.status, answer.json["code"]) == (400, "invalid_event")
    assert said in answer.json["detail"]
    assert await heard(desk) == []


async def test_an_event_is_no_longer_than_the_smallest_queue(served: Served, shop: Headers) -> None:
    desk = await opened(served, "/ws/desk", "боб")
    fits = {"event": "a", "text": "x" * (8 * 1024 - 300 - len('{"event":"a","text":""}'))}
    kind = ("content-type", "application/json")
    exact = json.dumps(fits, separators=(",", ":")).encode()
    assert (await served.http("POST", at("desk"), [*shop, kind], exact)).status == 202
    for path in (at("desk"), of("боб"), of("боб") + "?endpoint=desk"):
        answer = await served.http("POST", path, [*shop, kind], exact[:-2] + b'x"}')
        assert (answer.status, answer.json["code"]) == (413, "body_too_large"), path
    body = {"groups": ["desk"], "event": {**fits, "text": fits["text"] + "x"}}
    assert (await served.http("POST", "/api/events", shop, body)).status == 413
    wide = await served.http("POST", of("боб") + "?endpoint=room", [*shop, kind], exact[:-2] + b'x"}')
    assert wide.json == {"delivered_to": 0, "online": True}
    assert len(await heard(desk)) == 1


@pytest.mark.parametrize("path", [at("desk"), "/api/events", of("боб"), at("desk", "/members/%D0%B1%D0%BE%D0%B1")])
async def test_only_publishers_and_administrators_send(served: Served, path: str) -> None:
    desk = await opened(served, "/ws/desk", "боб")
    method = "DELETE" if "members" in path else "POST"
    body: object = {"groups": ["desk"], "event": {"event": "a"}} if path == "/api/events" else {"event": "a"}
    given = b"" if method == "DELETE" else body
    nobody = await served.http(method, path, [], given)
    assert nobody.status == 401
    assert "Bearer jf_…, with a key made by: jackfield keys add NAME --role publisher" in nobody.json["fix"]
    assert "A user: POST /auth/login with" in nobody.json["fix"]
    for login in ("аня", "боб"):
        assert (await served.http(method, path, await served.cookie(login), given)).status == 403
    stranger = [*(await served.cookie("шеф")), ("origin", "https://evil.example")]
    assert (await served.http(method, path, stranger, given)).json["code"] == "origin_not_allowed"
    assert await heard(desk) == []
    if method == "POST":
        form = [*(await served.cookie("шеф")), ("content-type", "text/plain")]
        assert (await served.http(method, path, form, json.dumps(body).encode())).status == 415
    assert (await served.http(method, path, await served.cookie("шеф"), given)).status in (200, 202)


@pytest.mark.parametrize("path", ["/api/groups", at("desk", ""), of("аня", "/presence"), "/api/connections"])
async def test_who_is_there_is_for_administrators(served: Served, shop: Headers, admin: Headers, path: str) -> None:
    nobody, *others = [await served.http("GET", path, who) for who in ([], shop, admin)]
    assert (nobody.status, *(other.status for other in others)) == (401, 403, 200)
    assert ("keys add" in nobody.json["fix"]) == (path != "/api/connections"), "which no key sees"


async def test_who_lost_the_role_while_the_body_came_sends_nothing(served: Served, shop: Headers) -> None:
    desk = await opened(served, "/ws/desk", "боб")

    async def taken() -> None:
        await served.store.set_roles("магазин", [])
        await served.sessions.look_once()

    answer = await served.http("POST", at("desk"), shop, {"event": "a"}, meanwhile=taken)
    assert answer.status == 403
    assert await heard(desk) == []


def with_key(headers: Headers, key: str) -> Headers:
    return [*headers, ("idempotency-key", key)]


@pytest.mark.parametrize("path", [at("desk"), "/api/events", of("боб")])
async def test_what_is_sent_again_under_one_key_is_sent_once(served: Served, shop: Headers, path: str) -> None:
    desk = await opened(served, "/ws/desk", "боб")
    event = {"event": "paid", "text": "Оплачено 😀"}
    body: object = {"groups": ["desk"], "event": event} if path == "/api/events" else event
    answers = [await served.http("POST", path, with_key(shop, "7"), body) for _ in range(3)]
    assert [(one.status, one.json["delivered_to"]) for one in answers] == [(202, 1)] * 3
    assert len(await heard(desk)) == 1
    other = await served.http("POST", at("desk"), with_key(shop, "7"), {"event": "other"})
    assert other.status == (422 if path == at("desk") else 202)
    again = await served.http("POST", path, with_key(await served.cookie("шеф"), "7"), body)
    assert again.status == 202
    assert len(await heard(desk)) == (2 if path == at("desk") else 3)


async def test_what_was_refused_is_not_kept_under_its_key(served: Served, shop: Headers) -> None:
    for headers, status in ((await served.cookie("аня"), 403), (shop, 202)):
        assert (await served.http("POST", at("desk"), with_key(headers, "7"), {"event": "a"})).status == status
    assert (await served.http("POST", at("desk"), with_key(shop, "8"), {})).status == 400
    assert (await served.http("POST", at("desk"), with_key(shop, "8"), {"event": "a"})).status == 202


async def test_groups_of_our_own_are_closed(served: Served, admin: Headers) -> None:
    for method, path in (
        ("POST", at("$all")),
        ("GET", at("$all", "")),
        ("DELETE", at("$all", "/members/%D0%B1%D0%BE%D0%B1")),
    ):
        answer = await served.http(method, path, admin, {"event": "a"} if method == "POST" else b"")
        assert (answer.status, answer.json["detail"][:6]) == (404, "Groups"), path


async def test_a_member_is_taken_out_and_its_connection_stays(served: Served, shop: Headers) -> None:
    desk, other = await opened(served, "/ws/desk", "боб"), await opened(served, "/ws/desk", "аня")
    answer = await served.http("DELETE", at("desk", f"/members/{quote('боб')}"), shop)
    assert (answer.status, answer.json) == (200, {"removed": 1})
    assert (await served.http("POST", at("desk"), shop, {"event": "a"})).json == {"delivered_to": 1}
    left = {"event": "left", "group": "desk", "login": "боб"}
    assert (await heard(desk), len(await heard(other))) == ([left], 1)
    assert (await served.http("DELETE", at("desk", f"/members/{quote('боб')}?for=10m"), shop)).json.keys() == {
        "removed",
        "banned_until",
    }
    kept_out = await served.call("/ws/desk", await served.cookie("боб")).refused()
    assert (kept_out.status, kept_out.json["code"]) == (403, "group_forbidden")
    for wrong in ("10", "long", "", "366d", "1.5h"):
        answer = await served.http("DELETE", at("desk", f"/members/x?for={wrong}"), shop)
        assert (answer.status, answer.json["code"], "a year (365d) at most" in answer.json["detail"]) == (
            400,
            "invalid_request",
            True,
        )


async def test_groups_and_their_members_are_listed_in_pages(served: Served, admin: Headers) -> None:
    for room, login in ((1, "аня"), (1, "аня"), (1, "боб"), (2, "шеф")):
        await opened(served, f"/ws/rooms/{room}", login)
    await opened(served, "/ws/feed")
    counts = {"news": 1, "room:1": 3, "room:2": 1}
    listed = (await served.http("GET", "/api/groups", admin)).json
    assert listed == {
        "groups": [{"group": name, "count": counts[name], "kept": 0} for name in counts],
        "next": None,
    }
    searched = (await served.http("GET", "/api/groups?search=ROOM&limit=1", admin)).json
    assert ([one["group"] for one in searched["groups"]], searched["next"]) == (["room:1"], "room:1")
    first = (await served.http("GET", "/api/groups?limit=2", admin)).json
    assert ([one["group"] for one in first["groups"]], first["next"]) == (["news", "room:1"], "room:1")
    rest = (await served.http("GET", f"/api/groups?limit=2&after={quote(first['next'])}", admin)).json
    assert ([one["group"] for one in rest["groups"]], rest["next"]) == (["room:2"], None)
    members = [{"login": "аня", "connections": 2}, {"login": "боб", "connections": 1}]
    assert (await served.http("GET", at("room:1", ""), admin)).json == {
        "group": "room:1",
        "count": 3,
        "members": members,
        "next": None,
    }
    nameless = {"group": "news", "count": 1, "members": [], "next": None}
    assert (await served.http("GET", at("news", ""), admin)).json == nameless
    assert (await served.http("GET", of("аня", "/presence"), admin)).json == {"online": True, "connections": 2}
    assert (await served.http("GET", of("нет", "/presence"), admin)).json == {"online": False, "connections": 0}


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=ten", "limit=%D9%A1", "limit=", "sort=name"])
async def test_a_query_that_is_not_understood_is_refused(served: Served, admin: Headers, query: str) -> None:
    answer = await served.http("GET", f"/api/groups?{query}", admin)
    assert (answer.status, answer.json["code"]) == (400, "invalid_request")


async def test_with_an_admin_port_connections_are_shown_there_alone_and_events_are_sent_anywhere(
    open_served: OpenServed,
) -> None:
    served = await open_served(ENDPOINTS, head=GROUPS, host="0.0.0.0", insecure=True, admin_port=9000)
    await served.add("шеф", "admin")
    admin = await served.cookie("шеф")
    assert (await served.http("GET", "/api/connections", admin)).json["fix"] == "Ask the listener of --admin-port."
    assert (await served.http("POST", at("desk"), admin, {"event": "a"})).status == 202
