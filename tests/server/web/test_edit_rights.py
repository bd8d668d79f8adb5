"""Who may change files over HTTP, by which listener, and what it says to others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import Refusal
from jackfield.server import request as requests
from jackfield.server.options import Options
from jackfield.server.web.rights import Rights
from tests.server.conftest import OpenServed
from tests.server.served import Served

PUBLIC: dict[str, Any] = {"host": "0.0.0.0", "tls_cert": "a", "tls_key": "b"}
PROXY: dict[str, Any] = {"behind_proxy": ("10.0.0.0/8",)}


async def may(served: Served, login: str, *, scheme: str = "http", admin_port: bool = False) -> list[str]:
    """What author and editor answer to a user: the login, or the code and the sentence of the refusal."""
    options = served.gateway.live.options
    state = {requests.LISTENER: Options(port=9000)} if admin_port else {}
    scope = {**served.scope("http", "/api/files", await served.cookie(login)), "scheme": scheme, "state": state}
    rights, found = Rights(served.gateway.live, served.gateway.callers), []
    for ask in (rights.author, rights.editor):
        try:
            found.append((await ask(requests.read(scope, "GET", options))).login)
        except Refusal as refusal:
            found.append(f"{refusal.code}: {refusal.detail}")
    return found


NONE = "not_found: Files are not changed here."
HERE = "role_required: Files are changed from the server's own machine alone."
FOR_ADMINS = "role_required: The administration is for the role admin."
AWAY = "role_required: Files are not changed in public here."
NO_EDITOR = "role_required: Tables are changed by the roles editor and admin."


@pytest.mark.parametrize(
    ("options", "asked", "chief", "anna", "bob"),
    [
        ({}, {}, [NONE, NONE], [NONE, NONE], [NONE, NONE]),
        ({"edit": "all"}, {}, ["шеф", "шеф"], [FOR_ADMINS, "аня"], [FOR_ADMINS, NO_EDITOR]),
        ({"edit": "all", "admin_port": 1}, {}, [FOR_ADMINS, AWAY], [FOR_ADMINS, HERE], [FOR_ADMINS, NO_EDITOR]),
        (
            {"edit": "all", "admin_port": 1},
            {"admin_port": True},
            ["шеф", "шеф"],
            [FOR_ADMINS, "аня"],
            [FOR_ADMINS, NO_EDITOR],
        ),
        ({"edit": "all", "host": "0.0.0.0"}, {}, [HERE, HERE], [FOR_ADMINS, HERE], [FOR_ADMINS, NO_EDITOR]),
        ({"edit": "tables"}, {}, [NONE, "шеф"], [NONE, "аня"], [NONE, NO_EDITOR]),
        ({"edit": "tables", **PUBLIC}, {"scheme": "https"}, [NONE, "шеф"], [NONE, "аня"], [NONE, NO_EDITOR]),
        (
            {"edit": "tables", **PUBLIC, "admin_port": 1},
            {"scheme": "https"},
            [NONE, AWAY],
            [NONE, "аня"],
            [NONE, NO_EDITOR],
        ),
        (
            {"edit": "tables", **PROXY},
            {},
            [NONE, "role_required: Tables are changed over TLS."],
            [NONE, "role_required: Tables are changed over TLS."],
            [NONE, NO_EDITOR],
        ),
    ],
)
async def test_who_may_change_files(
    open_served: OpenServed,
    options: dict[str, Any],
    asked: dict[str, Any],
    chief: list[str],
    anna: list[str],
    bob: list[str],
) -> None:
    served = await open_served("  say: {url: /ws/say, process: p.echo}", **options)
    for login, *roles in (("шеф", "admin"), ("аня", "editor"), ("боб", "support")):
        await served.add(login, *roles)
    assert await may(served, "шеф", **asked) == chief
    assert await may(served, "аня", **asked) == anna
    assert await may(served, "боб", **asked) == bob


async def test_beside_a_site_nobody_changes_files_in_public(open_served: OpenServed, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.html").write_text("<p>Привет", "utf-8")
    endpoints = "  say: {url: /ws/say, process: p.echo}"
    served = await open_served(endpoints, head="site: docs", edit="tables", **PUBLIC, apart=True, admin_port=1)
    await served.add("аня", "editor")
    assert await may(served, "аня", scheme="https") == [NONE, AWAY]
    assert await may(served, "аня", admin_port=True) == [NONE, "аня"]


async def test_a_service_key_changes_no_file(open_served: OpenServed) -> None:
    served = await open_served("  say: {url: /ws/say, process: p.echo}", edit="tables")
    _, value = await served.store.keys.add("робот", ["editor"], [], users=False, lasts=None)
    scope = served.scope("http", "/api/files", [("authorization", f"Bearer {value}")])
    rights = Rights(served.gateway.live, served.gateway.callers)
    with pytest.raises(Refusal, match="by people, and not by service keys"):
        await rights.editor(requests.read(scope, "GET", served.gateway.live.options))
