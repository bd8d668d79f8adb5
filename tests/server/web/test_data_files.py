"""`/api/data`: what tables keep, for administrators."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from jackfield.process.table.keep import Kept
from tests.server.conftest import OpenServed
from tests.server.served import Headers, Served


@pytest.fixture
async def served(open_served: OpenServed, tmp_path: Path) -> Served:
    made = await open_served("  say: {url: /ws/say, process: p.echo}\n")
    await made.add("шеф", "admin")
    await made.add("аня", "support")
    made.gateway.live.data = tmp_path / "data"
    await Kept(tmp_path / "data" / "desk" / "отпуск.csv", ["text"], ",").append("аня", ["=cmd() 🙂"])
    await Kept(tmp_path / "data" / "b.csv", ["text"], ",").append("аня", ["x" * 200_000])
    return made


@pytest.fixture
async def admin(served: Served) -> Headers:
    return await served.cookie("шеф")


async def test_the_files_are_listed_as_pages(served: Served, admin: Headers) -> None:
    first = (await served.http("GET", "/api/data?limit=1", admin)).json
    assert ([one["name"] for one in first["files"]], first["next"]) == (["b.csv"], "b.csv")
    (file,) = (await served.http("GET", "/api/data?after=b.csv", admin)).json["files"]
    assert (file["name"], file["rows"]) == ("desk/отпуск.csv", 1)
    assert (await served.http("GET", "/api/data?x=1", admin)).json["code"] == "invalid_request"


async def test_a_file_is_downloaded_whole(served: Served, admin: Headers, caplog: pytest.LogCaptureFixture) -> None:
    answer = await served.http("GET", "/api/data/" + quote("desk/отпуск.csv", safe=""), admin)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''{quote('отпуск.csv')}"
    assert answer.body.decode().endswith(",аня,'=cmd() 🙂\r\n")
    assert len((await served.http("GET", "/api/data/b.csv", admin)).body) > 200_000
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/none.csv", "/..%2Fsecret.csv", "/desk", "/a%00.csv", "/desk/%2E%2E/b.csv"])
async def test_what_is_no_kept_file_is_not_found(served: Served, admin: Headers, path: str) -> None:
    assert (await served.http("GET", f"/api/data{path}", admin)).json["code"] == "not_found"


async def test_others_see_nothing(served: Served) -> None:
    for path in ("/api/data", "/api/data/b.csv"):
        assert (await served.http("GET", path)).status == 401
        assert (await served.http("GET", path, await served.cookie("аня"))).json["code"] == "role_required"
