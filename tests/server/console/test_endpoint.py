"""The page's own connections: what they hear, who may have one, and that they stand in no list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import Closing
from jackfield.groups.names import CONSOLE
from jackfield.logs import log
from jackfield.process.groups import Groups
from jackfield.server.generation import Generation
from jackfield.server.handshake.revocation import adapt, verdicts
from tests.server.conftest import Build, OpenServed
from tests.server.console.conftest import AT, frames, opened
from tests.server.served import Caller, Headers, Served, until

ENDPOINTS = """
  say: {url: /ws/say, process: p.echo, auth: public}
  room: {url: /ws/room, process: p.echo, group: "room:1"}
"""
BOSS = "/api/users/%D1%88%D0%B5%D1%84"


@pytest.fixture
async def served(open_console: OpenServed) -> Served:
    return await open_console(ENDPOINTS)


@pytest.fixture
async def admin(served: Served) -> Headers:
    return await served.cookie("шеф")


def with_site(project: Path) -> None:
    (project / "site").mkdir()
    (project / "site" / "index.html").write_text("Привет")


async def heard(page: Caller, key: str) -> Any:
    """What the first change says that has this key."""
    await until(lambda: any(key in frame for frame in frames(page)[1:]))
    return next(frame[key] for frame in frames(page)[1:] if key in frame)


async def test_a_page_hears_the_state_first_and_then_what_moves(served: Served, admin: Headers) -> None:
    live = served.gateway.live
    say = await opened(served, "/ws/say")
    live.rings.step()
    page = await opened(served, AT, admin)
    await page.until(2)
    (state,) = frames(page)
    assert (state["event"], state["connections"], state["endpoints"], state["generation"]) == ("state", 1, 2, 1)
    assert state["rings"]["values"]["connections"] == [1]
    await say.ask({"message": "👋"})
    live.rings.step()
    assert live.rings.last is not None
    assert await heard(page, "point") == live.rings.last._asdict()
    await say.leave()
    assert await heard(page, "closed") == 1
    await served.call("/ws/room").refused()
    assert (await heard(page, "refused"), (await heard(page, "refusals"))[0]["code"]) == (1, "not_logged_in")
    again = await opened(served, AT, admin)
    third = await opened(served, AT, admin)
    await third.leave()
    live.rings.step()
    await until(lambda: sum("point" in frame for frame in frames(page)[1:]) == 2)
    assert not any("opened" in frame for frame in frames(page)), "the first came before, the others are no clients"
    assert sum(frame.get("closed", 0) for frame in frames(page)) == 1
    await opened(served, "/ws/say")
    for one in (page, again):
        assert await heard(one, "opened") == 1
        assert all("refused" not in frame or one is page for frame in frames(one)), "the second came later"


async def test_many_lines_of_the_log_come_as_the_last_and_a_number(served: Served, admin: Headers) -> None:
    page = await opened(served, AT, admin)
    await page.until(2)
    for number in range(25):
        log.error("случай 👋", number=number)
    lines = await heard(page, "log")
    assert [line["fields"]["number"] for line in lines] == list(range(5, 25))
    assert await heard(page, "log_left_out") == 5


async def test_it_is_for_administrators_alone(served: Served) -> None:
    for headers, status in (([], 401), (await served.cookie("аня"), 403)):
        assert (await served.call(AT, headers).refused()).status == status
    foreign = [*await served.cookie("шеф"), ("origin", "https://evil.example")]
    assert (await served.call(AT, foreign).refused()).json["code"] == "origin_not_allowed"


@pytest.mark.parametrize("head", ["", "site: site"])
async def test_where_the_administration_is_elsewhere_it_is_there_alone(
    open_console: OpenServed, head: str, tmp_path: Path
) -> None:
    with_site(tmp_path)
    options: dict[str, Any] = {"host": "0.0.0.0", "insecure": True}
    served = await open_console(ENDPOINTS, head=head, **options, **({} if head else {"admin_port": 9}))
    refused = await served.call(AT, await served.cookie("шеф")).refused()
    assert (refused.status, refused.json["code"]) == (403, "role_required")
    assert "admin-port" in refused.json["fix"]
    plain = await served.http("GET", AT, [*await served.cookie("шеф"), ("upgrade", "websocket")])
    assert plain.status == 403


async def test_it_stands_in_no_list(served: Served, admin: Headers) -> None:
    page = await opened(served, AT, admin)
    await page.until(2)
    for path in ("/openapi.json", "/asyncapi.json", "/metrics", "/api/status", "/api/connections", "/api/groups"):
        answer = await served.http("GET", path, admin)
        assert (answer.status, CONSOLE in answer.body.decode(), AT in answer.body.decode()) == (200, False, False), path
    assert (await served.http("GET", "/api/status", admin)).json["connections"] == 0
    assert (await served.http("GET", f"{BOSS}/presence", admin)).json["online"] is False


async def test_nobody_else_speaks_in_it(served: Served, admin: Headers) -> None:
    page = await opened(served, AT, admin)
    await page.until(2)
    event = {"event": "changed"}
    assert (await served.http("POST", "/api/groups/%24console/events", admin, event)).status == 404
    sent = await served.http("POST", f"{BOSS}/events", admin, event)
    assert sent.json == {"delivered_to": 0, "online": False}
    with pytest.raises(ValueError, match="belong to Jackfield"):
        await Groups(served.gateway.backend).send(CONSOLE, event)


async def test_it_outlives_publishes_and_hears_of_them(served: Served, admin: Headers, build_table: Build) -> None:
    live = served.gateway.live
    page = await opened(served, AT, admin)
    await page.until(2)
    table = build_table(ENDPOINTS + "  more: {url: /ws/more, process: p.echo}\n")
    found = verdicts(live, table)
    assert [verdict for _, verdict in found] == [{}]
    before = served.gateway.install(await Generation.open(2, table))
    adapt(live, found, before.table)
    assert (await heard(page, "generation"), await heard(page, "endpoints")) == (2, 3)
    live.rings.step()
    assert await heard(page, "point")
    await before.retire(1.0)


async def test_a_publish_that_brings_a_site_ends_it_where_the_site_is(
    open_console: OpenServed, build_table: Build, tmp_path: Path
) -> None:
    with_site(tmp_path)
    served = await open_console(ENDPOINTS, host="0.0.0.0", insecure=True)
    page = await opened(served, AT, await served.cookie("шеф"))
    await page.until(2)
    table = build_table(ENDPOINTS, head="site: site")
    ((_, verdict),) = verdicts(served.gateway.live, table)
    assert isinstance(verdict, Closing)
    assert verdict.code == "forbidden"


async def test_who_loses_the_role_loses_it(served: Served, admin: Headers) -> None:
    page = await opened(served, AT, admin)
    await page.until(2)
    await served.add("второй", "admin")
    change = await served.http("PATCH", BOSS, await served.cookie("второй"), {"roles": ["support"]})
    assert change.status == 200
    assert (await page.closed())[0] == 4403
