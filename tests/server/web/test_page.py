"""What the page asks for first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jackfield.server.options import Options
from jackfield.server.request import LISTENER
from tests.describe.documents.test_http_api import judge
from tests.server.conftest import ECHO, OpenServed
from tests.server.served import Served

SAY = "  say: {url: /ws/say, process: p.echo}\n"
ADMIN_PORT: dict[str, Any] = {"state": {LISTENER: Options(port=9000)}}
AWAY = "Ask the listener of --admin-port."


async def told(served: Served, login: str = "", **more: Any) -> dict[str, Any]:
    """What a user is told, who is added with the role of the same name."""
    if login:
        await served.add(login, login)
    answer = await served.http("GET", "/api/page", await served.cookie(login) if login else [], **more)
    judge("page", answer)
    return answer.json


async def test_the_page_is_told_who_asks(open_served: OpenServed) -> None:
    served = await open_served(SAY, head='title: "Лавка 🍎"\nauth: {path: /sign/in, cookie: shop}')
    nobody = await told(served)
    assert nobody == {
        "title": "Лавка 🍎",
        "login": None,
        "auth": {"own": True, "path": "/sign/in", "cookie": "shop"},
        "reader": True,
        "admin": False,
        "edit": None,
        "elsewhere": "",
    }
    await served.add("аня", "support", "chat")
    cookie = [(name, value.replace("gen_app_auth_token", "shop")) for name, value in await served.cookie("аня")]
    anna = (await served.http("GET", "/api/page", cookie)).json
    expires = anna["login"].pop("expires_at")
    assert expires > "2000"
    assert anna == {**nobody, "login": {"login": "аня", "roles": ["chat", "support"]}}


async def test_a_project_without_a_title_is_called_by_ours(open_served: OpenServed) -> None:
    assert (await told(await open_served(SAY)))["title"] == "Jackfield"


@pytest.mark.parametrize(
    ("options", "login", "more", "reader", "admin", "edit", "elsewhere"),
    [
        ({}, "admin", {}, True, True, None, ""),
        ({"edit": "all"}, "", {}, True, False, None, ""),
        ({"edit": "all"}, "admin", {}, True, True, "all", ""),
        ({"edit": "all"}, "editor", {}, True, False, "tables", ""),
        ({"edit": "tables"}, "admin", {}, True, True, "tables", ""),
        ({"edit": "all", "admin_port": 1}, "admin", {}, False, False, None, AWAY),
        ({"edit": "all", "admin_port": 1}, "admin", ADMIN_PORT, True, True, "all", ""),
        ({"host": "0.0.0.0", "insecure": True}, "", {}, False, False, None, ""),
        ({"host": "0.0.0.0", "insecure": True}, "support", {}, False, False, None, ""),
        ({"host": "0.0.0.0", "insecure": True}, "admin", {}, True, True, None, ""),
    ],
)
async def test_the_page_is_told_what_is_open(
    open_served: OpenServed,
    options: dict[str, Any],
    login: str,
    more: dict[str, Any],
    reader: bool,
    admin: bool,
    edit: str | None,
    elsewhere: str,
) -> None:
    found = await told(await open_served(SAY, **options), login, **more)
    assert [found[name] for name in ("reader", "admin", "edit", "elsewhere")] == [reader, admin, edit, elsewhere]


async def test_beside_a_site_nothing_of_it_is_open_in_public(open_served: OpenServed, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("<p>Привет", "utf-8")
    served = await open_served(SAY, head="site: pages", host="0.0.0.0", insecure=True)
    found = await told(served, "admin")
    assert (found["reader"], found["admin"]) == (False, False)
    assert found["elsewhere"] == "Start with --admin-port, and ask that."


async def test_where_others_know_people_the_page_has_no_login(open_served: OpenServed) -> None:
    code = f"{ECHO}\ndef says(credential, request):\n    return None\n"
    found = await told(await open_served(SAY, code, head="auth: {login: off, verify: p.says}"))
    assert (found["login"], found["auth"]["own"]) == (None, False)
