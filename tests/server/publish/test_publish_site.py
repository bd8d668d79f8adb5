"""A site in publishes: its pages go live with the swap, stay where a publish is refused, and come back with `back`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import PlanError
from jackfield.routing import site_folder
from jackfield.server.node.node import Node, open_node
from jackfield.server.options import Options
from jackfield.server.publish.publisher import digest
from jackfield.state import State
from tests.server.served import Answer, Served

PLAN = "site: site\nendpoints:\n  say: {url: /ws/say, process: echo.same, auth: public}\n"
PUBLIC: dict[str, Any] = {"host": "0.0.0.0", "insecure": True}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "site").mkdir(parents=True)
    (folder / "endpoints.yaml").write_text(PLAN, encoding="utf-8")
    page(folder, "один")
    return folder


def page(project: Path, text: str) -> None:
    (project / "site" / "index.html").write_text(text, encoding="utf-8")


@asynccontextmanager
async def opened(project: Path, take: Any = None, **options: Any) -> AsyncIterator[Node]:
    async with open_node(project, State.open(project), Options(**options or PUBLIC), admin_port=take) as node:
        yield node


async def get(node: Node, path: str = "/") -> Answer:
    served = Served(node.gateway, *([None] * 3))  # type: ignore[arg-type]  # nobody logs in here
    return await served.http("GET", path, asgi={"spec_version": "2.4"})


async def text(node: Node) -> str:
    return (await get(node)).body.decode()


async def test_pages_go_live_with_a_publish_and_not_before(project: Path) -> None:
    async with opened(project) as node:
        assert await text(node) == "один"
        page(project, "два 👋")
        assert await text(node) == "один", "a save is no publish"
        await node.publisher.publish(dry_run=True)
        assert await text(node) == "один"
        await node.publisher.publish()
        assert await text(node) == "два 👋"
        page(project, "три")
        (project / "endpoints.yaml").write_text(PLAN.replace("echo.same", "nobody.knows"))
        with pytest.raises(PlanError):
            await node.publisher.publish()
        assert await text(node) == "два 👋", "a publish that is refused changes nothing"
        report = await node.publisher.publish(back=True)
        assert await text(node) == "один"
        assert report.settings == ()
    async with opened(project) as node:
        assert node.fell_back is not None
        assert await text(node) == "один", "what was last published, its pages too"


async def test_a_new_folder_is_a_new_site(project: Path) -> None:
    async with opened(project) as node:
        (project / "web" / "dist").mkdir(parents=True)
        (project / "web" / "dist" / "index.html").write_text("new")
        (project / "endpoints.yaml").write_text(PLAN.replace("site: site", "site: web/dist"))
        report = await node.publisher.publish()
        assert await text(node) == "new"
        assert report.settings == ("site",)
        (project / "endpoints.yaml").write_text(PLAN.replace("site: site\n", ""))
        await node.publisher.publish()
        assert "console/page.js" in await text(node), "the page of the server"
        await node.publisher.publish(back=True)
        assert await text(node) == "new"


async def test_the_pages_before_are_there_until_the_swap_of_a_way_back(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(project) as node:
        page(project, "два")
        await node.publisher.publish()
        seen = []
        install = node.gateway.install

        def watched(generation: Any) -> Any:
            assert node.gateway.live.generation.site is not None
            seen.append((node.gateway.live.generation.site / "index.html").read_text("utf-8"))
            return install(generation)

        monkeypatch.setattr(node.gateway, "install", watched)
        await node.publisher.publish(back=True)
        assert seen == ["два"]
        assert await text(node) == "один"


async def test_a_large_site_is_served_as_it_is(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_folder, "MOST_COPIED", 10)
    page(project, "один и два и три")
    async with opened(project) as node:
        assert await text(node) == "один и два и три"
        seen = digest(project)
        page(project, "четыре и пять")
        assert await text(node) == "четыре и пять"
        assert digest(project) == seen, "there is nothing to publish"


def test_the_digest_follows_the_pages(project: Path) -> None:
    first = digest(project)
    page(project, "два")
    assert digest(project) != first
    first = digest(project)
    (project / "site" / ".swp").write_text("an editor's")
    (project / "site" / "out").symlink_to(project.parent)
    assert digest(project) == first
    (project / "endpoints.yaml").write_text(PLAN + "# да\n")
    first = digest(project)
    (project / "site" / "new.js").write_text("")
    assert digest(project) != first


async def test_a_server_that_shows_administration_takes_no_site_before_a_restart(project: Path) -> None:
    (project / "endpoints.yaml").write_text(PLAN.replace("site: site\n", ""))
    async with opened(project, host="127.0.0.1") as node:
        assert "console/page.js" in await text(node), "the page"
        (project / "endpoints.yaml").write_text(PLAN)
        for dry_run in (True, False):
            with pytest.raises(PlanError, match="the server was started without a site") as refused:
                await node.publisher.publish(dry_run=dry_run)
            (problem,) = refused.value.problems
            assert (problem.code, problem.path, problem.line) == ("needs_restart", "site", 1)
        assert "console/page.js" in await text(node)


async def test_administration_gets_a_port_where_a_site_takes_its_place(project: Path) -> None:
    async with opened(project, lambda: 8123, host="127.0.0.1") as node:
        assert (node.options.admin_port, node.options.apart) == (8123, True)
        assert node.first_admin is not None, "it is as private as before"
        assert (await get(node, "/docs")).json["fix"] == "Ask the listener of --admin-port."
        assert await text(node) == "один"
        (project / "endpoints.yaml").write_text(PLAN.replace("site: site\n", ""))
        await node.publisher.publish()
        assert not (await get(node, "/api/page")).json["reader"], "what went elsewhere stays there"
        (project / "endpoints.yaml").write_text(PLAN)
        await node.publisher.publish()
        assert await text(node) == "один"


async def test_where_nobody_gives_a_port_there_is_no_administration(project: Path) -> None:
    async with opened(project, host="127.0.0.1") as node:
        assert (await get(node, "/docs")).json["fix"] == "Start with --admin-port, and ask that."


@pytest.mark.parametrize("options", [PUBLIC, {"host": "127.0.0.1", "admin_port": 8123}], ids=["public", "port"])
async def test_no_port_is_taken_where_others_come_or_one_was_given(project: Path, options: dict[str, Any]) -> None:
    def none() -> int:
        raise AssertionError("nobody asked for a port")

    async with opened(project, none, **options) as node:
        assert node.options == Options(**options)
