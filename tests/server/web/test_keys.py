"""Service keys: made, shown once, used at endpoints and for sending, rotated, removed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from jackfield.auth.changes import SILENCE
from jackfield.auth.keys import STALE
from jackfield.auth.store.attempts import PER_PAIR
from jackfield.errors import Refusal
from jackfield.server.members import Members
from tests.server.conftest import Clock, OpenServed
from tests.server.served import Answer, Headers, Served, until

from .test_push import at, frames, of, opened

HEAD = 'groups: {"order:{order}": {}, "meters": {presence: true}}'
ENDPOINTS = """
  order: {url: "/ws/orders/{order}", process: p.echo, group: "order:{order}"}
  meter: {url: /ws/meter, process: p.echo, auth: {roles: [device]}, group: meters}
  known: {url: /ws/known, process: p.echo, auth: required}
  maybe: {url: /ws/maybe, process: p.echo, auth: optional}
  open: {url: /ws/open, process: p.echo, auth: public}
  mine: {url: /ws/mine, process: p.echo, group: "of:{login}"}
"""
SHOP = {"name": "магазин", "roles": ["publisher"], "groups": ["order:*", "news"]}
METER = {"name": "meter", "roles": ["device"]}
EVENT = {"event": "paid", "text": "Оплачено 😀"}


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    made = await open_served(ENDPOINTS, head=HEAD)
    await made.add("шеф", "admin")
    await made.add("аня")
    return made


@pytest.fixture
async def admin(served: Served) -> Headers:
    return await served.cookie("шеф")


async def key(served: Served, admin: Headers, given: dict[str, Any]) -> Headers:
    answer = await served.http("POST", "/api/keys", admin, given)
    assert answer.status == 201, answer.json
    return bearer(answer)


def bearer(answer: Answer) -> Headers:
    value = answer.json["key"]
    assert value.startswith("jf_")
    assert len(value) == 46
    return [("authorization", f"Bearer {value}")]


async def status(served: Served, headers: Headers, path: str = "/api/groups") -> tuple[int, str]:
    answer = await served.http("GET", path, headers)
    return answer.status, answer.json.get("code", "")


async def test_a_key_sends_where_it_may_and_nowhere_else(served: Served, admin: Headers) -> None:
    shop = await key(served, admin, SHOP)
    anna = await opened(served, "/ws/orders/7", "аня")
    assert (await served.http("POST", at("order:7"), shop, EVENT)).json == {"delivered_to": 1}
    await until(lambda: EVENT in frames(anna))
    count = len(frames(anna))
    body = {"groups": ["news", "orders"], "event": EVENT}
    for method, path, given in (
        ("POST", at("orders"), EVENT),
        ("POST", at("x:order:7"), EVENT),
        ("POST", "/api/events", body),
        ("POST", of("аня"), EVENT),
        ("DELETE", at("rooms", "/members/anna"), b""),
        ("GET", at("rooms", ""), b""),
        ("GET", of("аня", "/presence"), b""),
        ("GET", "/api/users", b""),
        ("GET", "/api/keys", b""),
        ("GET", "/api/connections", b""),
    ):
        answer = await served.http(method, path, shop, given)
        assert (answer.status, answer.json["code"]) == (403, "role_required"), path
    assert len(frames(anna)) == count
    assert (await served.http("GET", at("order:7", ""), shop)).json["count"] == 1
    assert (await served.http("DELETE", at("order:7", "/members/%D0%B0%D0%BD%D1%8F"), shop)).json == {"removed": 1}


async def test_a_key_sees_its_own_groups_alone(served: Served, admin: Headers) -> None:
    one = await key(served, admin, {**SHOP, "groups": ["order:7*"]})
    for order in (7, 70, 8):
        await opened(served, f"/ws/orders/{order}", "аня")
    found = (await served.http("GET", "/api/groups", one)).json["groups"]
    assert [group["group"] for group in found] == ["order:7", "order:70"]


async def test_a_key_for_users_sends_to_users(served: Served, admin: Headers) -> None:
    users = await key(served, admin, {"name": "почта", "roles": ["publisher"], "users": True})
    anna = await opened(served, "/ws/known", "аня")
    assert (await served.http("POST", of("аня"), users, EVENT)).json == {"delivered_to": 1, "online": True}
    await until(lambda: frames(anna) == [EVENT])
    assert (await served.http("GET", of("аня", "/presence"), users)).json["online"]
    assert (await served.http("POST", at("order:7"), users, EVENT)).status == 403


async def test_a_key_opens_endpoints_that_name_one_of_its_roles_and_no_other(served: Served, admin: Headers) -> None:
    meter, shop = await key(served, admin, METER), await key(served, admin, SHOP)
    device = served.call("/ws/meter", meter)
    await device.accepted()
    await device.ask({"message": "?"})
    await until(lambda: {"message": "?"} in frames(device))
    for path, headers in (("/ws/meter", shop), *((f"/ws/{path}", meter) for path in ("known", "maybe", "orders/7"))):
        refused = await served.call(path, headers).refused()
        assert (refused.status, refused.json["code"]) == (403, "role_required"), path
    await served.call("/ws/open", meter).accepted()  # where nobody is asked for a credential
    found = (await served.http("GET", "/api/connections?login=key:meter", admin)).json["connections"]
    assert [one["endpoint"] for one in found] == ["meter"]
    asked = served.call("/ws/meter", [("sec-websocket-protocol", f"jackfield.v1, bearer.{meter[0][1][7:]}")])
    assert await asked.accepted() == "jackfield.v1"
    cookie = await served.call("/ws/meter", [("cookie", f"gen_app_auth_token={meter[0][1][7:]}")]).refused()
    assert (cookie.status, cookie.json["detail"]) == (401, "A service key is no cookie.")


async def test_a_key_is_counted_and_not_named(served: Served, admin: Headers) -> None:
    await served.store.change("аня", roles=["device"])
    anna = await opened(served, "/ws/meter", "аня")
    device = served.call("/ws/meter", await key(served, admin, METER))
    await device.accepted()
    await until(lambda: frames(device) == [{"event": "members", "group": "meters", "count": 2}])
    await device.leave()
    await anna.ask({"message": "?"})
    assert "key:" not in str(frames(anna))


async def test_a_removed_key_ends_at_once_with_its_connections(served: Served, admin: Headers) -> None:
    meter, shop = await key(served, admin, METER), await key(served, admin, SHOP)
    device = served.call("/ws/meter", meter)
    await device.accepted()
    other = await opened(served, "/ws/known", "аня")
    assert (await served.http("DELETE", "/api/keys/meter", admin)).json == {}
    assert await device.closed() == (4401, "the key was removed")
    assert (await served.call("/ws/meter", meter).refused()).json["code"] == "bad_credential"
    assert (await served.http("DELETE", "/api/keys/meter", admin)).json["code"] == "no_such_key"
    assert (await status(served, shop), await other.ask({"message": "?"})) == ((200, ""), {"message": "?"})


async def test_who_removed_the_key_on_another_server_is_heard_with_the_next_look(
    served: Served, admin: Headers
) -> None:
    meter, shop = await key(served, admin, METER), await key(served, admin, SHOP)
    device = served.call("/ws/meter", meter)
    await device.accepted()
    await served.store.keys.remove("meter")
    await served.store.keys.remove("магазин")
    await served.sessions.look_once()
    assert await device.closed() == (4401, "the key was removed")
    assert (await status(served, shop))[0] == 401


async def test_a_key_from_the_command_line_opens_at_once(served: Served, clock: Clock, admin: Headers) -> None:
    shop = await key(served, admin, SHOP)
    assert await status(served, shop) == (200, "")
    _, value = await served.store.keys.add("new", ["publisher"], ["*"], users=False, lasts=None)
    clock.move(0.2)
    assert await status(served, [("authorization", f"Bearer {value}")]) == (200, "")


async def test_after_a_rotation_both_open_until_the_old_one_ends(served: Served, clock: Clock, admin: Headers) -> None:
    old = await key(served, admin, METER)
    first = served.call("/ws/meter", old)
    await first.accepted()
    new = bearer(await served.http("POST", "/api/keys/meter/rotate", admin, {"overlap": "1h"}))
    second = served.call("/ws/meter", new)
    for caller in (second, served.call("/ws/meter", old)):
        await caller.accepted()
    shown = (await served.http("GET", "/api/keys/meter", admin)).json
    assert shown["old_until"] == "2027-01-15T09:00:00+00:00"
    clock.move(3601)
    assert (await served.call("/ws/meter", old).refused()).json["code"] == "session_expired"
    third = served.call("/ws/meter", new)
    await third.accepted()
    third_key = bearer(
        await served.http("POST", "/api/keys/meter/rotate", await served.cookie("шеф"), {"overlap": "0s"})
    )
    assert (await served.call("/ws/meter", new).refused()).status == 401
    assert (await third.closed())[0] == (await second.closed())[0] == 4401
    await served.call("/ws/meter", third_key).accepted()


async def test_a_key_ends_when_it_was_said(served: Served, clock: Clock, admin: Headers) -> None:
    shop = await key(served, admin, {**SHOP, "expires": "30m"})
    assert (await status(served, shop))[0] == 200
    assert (await served.http("GET", "/auth/session", shop)).json == {
        "login": "key:магазин",
        "roles": ["publisher"],
        "expires_at": "2027-01-15T08:30:00+00:00",
    }
    clock.move(1801)
    assert await status(served, shop) == (401, "session_expired")


async def test_wrong_keys_are_failed_logins_and_right_ones_never_are(served: Served, admin: Headers) -> None:
    shop = await key(served, admin, SHOP)
    wrong = [("authorization", "Bearer jf_wrong")]
    tried = [(await status(served, wrong))[1] for _ in range(PER_PAIR + 1)]
    assert tried == ["bad_credential"] * PER_PAIR + ["too_many_attempts"]
    assert (await served.call("/ws/meter", wrong).refused()).status == 429
    assert await status(served, shop) == (200, "")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"name": "shop", "roles": []},
        {"name": "shop", "roles": ["publisher"]},
        {"name": "shop", "roles": ["admin", "publisher"], "groups": ["*"]},
        {"name": "shop", "roles": ["device"], "groups": ["*"]},
        {"name": "shop", "roles": ["device"], "users": True},
        {"name": "two words", "roles": ["device"]},
        {"name": "a/b", "roles": ["device"]},
        {"name": "..", "roles": ["device"]},
        {"name": "shop", "roles": ["publisher"], "groups": ["$all"]},
        {"name": "shop", "roles": ["publisher"], "groups": ["комната"]},
        {"name": "shop", "roles": ["device"], "expires": "soon"},
        {"name": "shop", "roles": ["device"], "expires": "9"},
        {"name": "shop", "roles": ["device"], "key": "jf_mine"},
    ],
)
async def test_what_can_be_no_key_is_refused(served: Served, admin: Headers, given: dict[str, Any]) -> None:
    answer = await served.http("POST", "/api/keys", admin, given)
    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert (await served.http("GET", "/api/keys", admin)).json == {"keys": []}


async def test_a_key_is_shown_once_and_kept_as_a_hash(served: Served, admin: Headers) -> None:
    shop = await key(served, admin, SHOP)
    listed = await served.http("GET", "/api/keys", admin)
    assert [one["name"] for one in listed.json["keys"]] == ["магазин"]
    assert shop[0][1][10:].encode() not in listed.body
    (kept,) = await served.store.keys.list()
    assert shop[0][1][7:] not in repr(kept)
    assert (await served.http("POST", "/api/keys", admin, SHOP)).json["detail"] == "There is a key магазин already."
    for headers in ([], await served.cookie("аня"), shop):
        assert (await served.http("GET", "/api/keys", headers)).status in (401, 403)


async def test_a_store_that_is_silent_opens_nothing_and_at_last_ends_what_is_open(
    served: Served, clock: Clock, admin: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*_: object) -> None:
        raise Refusal("store_unavailable")

    meter = await key(served, admin, METER)
    device = served.call("/ws/meter", meter)
    await device.accepted()
    for name in ("changes_since", "last_change"):
        monkeypatch.setattr(served.store, name, unavailable)
    clock.move(STALE - 1)
    again = served.call("/ws/meter", meter)
    await again.accepted()
    clock.move(2)
    assert (await served.call("/ws/meter", meter).refused()).json["code"] == "store_unavailable"
    await device.ask({"message": "ещё"})
    clock.move(SILENCE)
    served.sessions.changes.check_silence()
    assert await device.closed() == (4401, "the store of keys has not answered for too long")


@pytest.mark.parametrize("login", ["key:магазин", "key:"])
async def test_no_user_is_called_as_a_key_is(served: Served, admin: Headers, login: str) -> None:
    assert (await served.http("POST", "/api/users", admin, {"login": login})).json["code"] == "invalid_request"


async def test_no_other_authority_is_asked_about_a_key(open_served: OpenServed, clock: Clock) -> None:
    served = await open_served(ENDPOINTS, code("вор"), head=f"{HEAD}\nauth: {{verify: p.who}}")
    await served.call("/ws/meter", [("authorization", "Bearer theirs")]).accepted()
    refused = await served.call("/ws/meter", [("authorization", "Bearer jf_theirs")]).refused()
    assert refused.json["code"] == "bad_credential"
    _, value = await served.store.keys.add("meter", ["device"], [], users=False, lasts=None)
    clock.move(0.2)
    await served.call("/ws/meter", [("authorization", f"Bearer {value}")]).accepted()


async def test_one_login_of_two_authorities_is_two_users(open_served: OpenServed) -> None:
    served = await open_served(ENDPOINTS, code("аня"), head=f"{HEAD}\nauth: {{verify: p.who}}")
    await served.add("шеф", "admin")
    await served.add("аня", "device")
    admin = await served.cookie("шеф")
    ours = await opened(served, "/ws/known", "аня")
    theirs = served.call("/ws/known", [("authorization", "Bearer theirs")])
    await theirs.accepted()
    for login, n in (("аня", 1), ("verify:аня", 2), ("jwt:аня", 3)):
        answer = await served.http("POST", of(login), admin, {"event": "paid", "n": n})
        assert answer.json == {"delivered_to": int(n < 3), "online": n < 3}, login
    await until(lambda: frames(ours) == [{"event": "paid", "n": 1}])
    await until(lambda: frames(theirs) == [{"event": "paid", "n": 2}])


async def test_others_know_a_user_by_the_login_with_its_authority(open_served: OpenServed) -> None:
    endpoints = f"{ENDPOINTS}  hall: {{url: /ws/hall, process: p.echo, group: hall, reply_to: group}}\n"
    head = 'groups: {"hall": {presence: true}}\nauth: {verify: p.who}'
    served = await open_served(endpoints, code("аня"), head=head)
    await served.add("аня")
    ours, theirs = await opened(served, "/ws/hall", "аня"), served.call("/ws/hall", [("authorization", "Bearer x")])
    await theirs.accepted()
    theirs.incoming.put_nowait({"type": "websocket.receive", "text": '{"message": "да"}'})
    said = {"event": "message", "from": "verify:аня", "message": "да"}
    joined = {"event": "joined", "group": "hall", "login": "verify:аня", "count": 2}
    await until(lambda: frames(ours)[1:] == [joined, said])
    people = [{"login": "аня"}, {"login": "verify:аня"}]
    assert frames(theirs)[0] == {"event": "members", "group": "hall", "members": people, "count": 2}
    assert Members(served.gateway.live).remove("hall", "verify:аня", 0) == (1, None)
    left = {"event": "left", "group": "hall", "login": "verify:аня", "count": 1}
    await until(lambda: (frames(ours)[-1], frames(theirs)[-1]) == (left, left))
    for caller in (ours, theirs):
        await caller.leave()


async def test_a_group_of_a_login_is_of_one_of_two_authorities(open_served: OpenServed) -> None:
    served = await open_served(ENDPOINTS, code("аня"), head=f"{HEAD}\nauth: {{verify: p.who}}")
    await served.add("аня", "device")
    ours = await opened(served, "/ws/mine", "аня")
    theirs = served.call("/ws/mine", [("authorization", "Bearer theirs")])
    await theirs.accepted()
    groups = sorted(group.name for group in served.gateway.live.groups)
    assert groups == ["of:%D0%B0%D0%BD%D1%8F", "of:verify%3A%D0%B0%D0%BD%D1%8F"]
    for caller in (ours, theirs):
        await caller.leave()


async def test_a_ban_is_of_one_of_two_authorities_also_where_a_publish_brings_the_second(
    open_served: OpenServed,
) -> None:
    served = await open_served(ENDPOINTS, code("аня"), head=f"{HEAD}\nauth: {{verify: p.who}}")
    await served.add("аня", "device")
    await served.add("шеф", "admin")
    admin, theirs = await served.cookie("шеф"), [("authorization", "Bearer theirs")]
    for headers in (theirs, await served.cookie("аня")):
        await served.call("/ws/orders/7", headers).accepted()
    listed = (await served.http("GET", at("order:7", ""), admin)).json["members"]
    assert [one["login"] for one in listed] == ["verify:аня", "аня"]
    for login, removed in (("verify:аня", 1), ("verify:аня", 0), ("jwt:аня", 0)):
        path = at("order:7", f"/members/{quote(login)}?for=10m")
        assert (await served.http("DELETE", path, admin)).json["removed"] == removed, login
    await served.call("/ws/orders/7", await served.cookie("аня")).accepted()
    assert (await served.call("/ws/orders/7", theirs).refused()).json["code"] == "group_forbidden"
    table, both = served.gateway.live.generation.table, served.gateway.live.generation.table.plan
    table.plan = replace(both, auth=replace(both.auth, own=False))
    Members(served.gateway.live).remove("order:8", "аня", 60)  # the one whom verify knows: there are no others
    table.plan = both
    assert (await served.call("/ws/orders/8", theirs).refused()).json["code"] == "group_forbidden"
    await served.call("/ws/orders/8", await served.cookie("аня")).accepted()


async def test_what_verify_calls_a_key_is_nobody(open_served: OpenServed) -> None:
    served = await open_served(ENDPOINTS, code("key:meter"), head=f"{HEAD}\nauth: {{verify: p.who}}")
    assert (await served.call("/ws/meter", [("authorization", "Bearer theirs")]).refused()).status == 503


def code(login: str) -> str:
    """Processes, and a function that takes everybody for this login."""
    return f"""
from jackfield import Identity

@process(reply="message")
def echo(message: str) -> str:
    return message

async def who(credential, request):
    return Identity({login!r}, frozenset(["device"]))
"""
