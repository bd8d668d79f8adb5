"""The pages of a site: which file answers an address, with which headers, and what is elsewhere because of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jackfield.server.request import LISTENER
from tests.server.conftest import OpenServed
from tests.server.served import SERVED, SERVED_CODE, Answer, Headers, Served

PUBLIC: dict[str, Any] = {"host": "0.0.0.0", "insecure": True}
PAGE = "<!doctype html><title>Чат 👋</title>"
SECRET = "secret: да"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A site, with what is not to be seen around it and in it."""
    site = tmp_path / "site"
    for name in ("sub", "docs", "ws", ".git"):
        (site / name).mkdir(parents=True)
    (site / "index.html").write_text(PAGE, encoding="utf-8")
    (site / "app.js").write_text("export const да = 1;\n", encoding="utf-8")
    (site / "привет мир.txt").write_text("0123456789", encoding="utf-8")
    (site / "sub" / "index.html").write_text("sub", encoding="utf-8")
    (tmp_path / "outside.txt").write_text(SECRET, encoding="utf-8")
    (tmp_path / "siteful").mkdir()  # its path begins like the site's
    (tmp_path / "siteful" / "x.txt").write_text(SECRET, encoding="utf-8")
    for hidden in (".env", ".git/config", "docs/mine.html", "ws/say", "ws/say.html"):
        (site / hidden).write_text(SECRET, encoding="utf-8")
    (site / "out.txt").symlink_to(tmp_path / "outside.txt")
    (site / "up").symlink_to(tmp_path)
    (site / "etc").symlink_to("/etc")
    return site


@pytest.fixture
async def served(open_served: OpenServed, folder: Path) -> Served:
    """The site on a listener that other machines reach."""
    return await with_site(open_served, folder, **PUBLIC)


async def with_site(open_served: OpenServed, folder: Path, **options: Any) -> Served:
    served = await open_served(SERVED, SERVED_CODE, head="site: site", **options)
    served.gateway.live.generation.site = folder
    await served.add("admin", "admin")
    return served


async def ask(served: Served, method: str, path: str, headers: Headers | None = None) -> Answer:
    """One request of a client that stays until the answer is there."""
    return await served.http(method, path, headers, asgi={"spec_version": "2.4"})


def code(answer: Answer) -> str:
    return answer.headers.get("jackfield-error", "")


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("/", "text/html; charset=utf-8", PAGE),
        ("/index.html", "text/html; charset=utf-8", PAGE),
        ("/app.js", "text/javascript; charset=utf-8", "export const да = 1;\n"),
        ("/%61pp.js?v=1", "text/javascript; charset=utf-8", "export const да = 1;\n"),
        ("/sub/", "text/html; charset=utf-8", "sub"),
        ("/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82%20%D0%BC%D0%B8%D1%80.txt", "text/plain; charset=utf-8", "0123456789"),
    ],
)
async def test_a_file_is_sent_as_what_it_is(served: Served, path: str, kind: str, text: str) -> None:
    answer = await ask(served, "GET", path)
    assert (answer.status, answer.headers["content-type"], answer.body.decode()) == (200, kind, text)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert answer.headers["cache-control"] == "no-cache"
    assert "content-security-policy" not in answer.headers, "it is the page's own"
    head = await ask(served, "HEAD", path)
    assert (head.status, head.body, head.headers) == (200, b"", answer.headers)


@pytest.mark.parametrize(
    "path",
    [
        *("/nothing", "/app.js/", "/sub/nothing", "//app.js", "/sub//index.html", "/index.html/../app.js"),
        *("/../outside.txt", "/%2e%2e/outside.txt", "/sub/%2E%2e/%2e%2E/outside.txt", "/..%2foutside.txt"),
        *("/..%5coutside.txt", "/%252e%252e/outside.txt", "/sub/..", "/./app.js", "/../siteful/x.txt"),
        *("/.env", "/%2eenv", "/.git/config", "/sub/../.env", "/out.txt", "/up/outside.txt", "/up/", "/etc/passwd"),
        *("/app.js%00", "/app.js%00.html", "/%00", "/app%2ejs%", f"/{'x' * 300}", f"/{'a/' * 2000}b", "/%ff.txt"),
        *(
            "/ws",
            "/ws/",
            "/docs/mine.html",
            "/console/mine.html",
            "/api/mine",
            "/health/x",
            "/auth/",
            "/asyncapi-guide.html",
        ),
    ],
)
async def test_nothing_else_is_sent(served: Served, path: str) -> None:
    for method in ("GET", "HEAD"):
        answer = await ask(served, method, path)
        assert answer.status in (403, 404), (method, answer.status)
        assert SECRET.encode() not in answer.body
        assert b"root:" not in answer.body


async def test_an_endpoint_keeps_its_address(served: Served) -> None:
    answer = await ask(served, "GET", "/ws/say")
    assert (answer.status, code(answer)) == (426, "upgrade_required")
    assert (await ask(served, "GET", "/ws/say.html")).body.decode() == SECRET, "beside it is the site's"


async def test_only_get_and_head(served: Served) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        assert (await ask(served, method, "/app.js")).status == 404


async def test_a_folder_without_its_slash_is_sent_on_to_it(open_served: OpenServed, folder: Path) -> None:
    served = await with_site(open_served, folder, public_url="https://app.example.com/rt", **PUBLIC)
    answer = await ask(served, "GET", "/rt/sub?q=да".encode().decode("latin-1"))
    assert (answer.status, answer.headers["location"]) == (307, "/rt/sub/?q=да".encode().decode("latin-1"))
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert answer.headers["strict-transport-security"]
    assert (await ask(served, "GET", "/rt/sub/")).body == b"sub"


async def test_what_a_browser_has_already_is_not_sent_again(served: Served) -> None:
    first = await ask(served, "GET", "/app.js")
    for name, value in (
        ("if-none-match", first.headers["etag"]),
        ("if-modified-since", first.headers["last-modified"]),
    ):
        again = await ask(served, "GET", "/app.js", [(name, value)])
        assert (again.status, again.body) == (304, b"")
        assert again.headers["x-content-type-options"] == "nosniff"
    assert (await ask(served, "GET", "/app.js", [("if-none-match", '"another"')])).status == 200


async def test_a_part_of_a_file(served: Served) -> None:
    path = "/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82%20%D0%BC%D0%B8%D1%80.txt"
    part = await ask(served, "GET", path, [("range", "bytes=2-4")])
    assert (part.status, part.headers["content-range"], part.body) == (206, "bytes 2-4/10", b"234")
    for wrong, status in (("bytes=99-", 416), ("lines=1-2", 400)):
        answer = await ask(served, "GET", path, [("range", wrong)])
        assert answer.status == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"].startswith("text/plain")


async def test_no_script_becomes_a_service_worker(served: Served) -> None:
    for path in ("/app.js", "/jackfield.js", "/"):
        answer = await ask(served, "GET", path, [("service-worker", "script")])
        assert (answer.status, code(answer)) == (404, "not_found")
        assert "service worker" in answer.json["detail"]


@pytest.mark.parametrize("options", [PUBLIC, {"apart": True}, {"admin_port": 8001}], ids=["public", "apart", "port"])
async def test_administration_is_not_where_the_pages_are(
    open_served: OpenServed, folder: Path, options: dict[str, Any]
) -> None:
    served = await with_site(open_served, folder, **options)
    cookie = await served.cookie("admin")
    assert (await ask(served, "GET", "/", cookie)).body.decode() == PAGE
    for path in ("/api/users", "/docs", "/docs/reference", "/openapi.json", "/metrics"):
        for more in ([], [("accept", "text/html")]):
            answer = await ask(served, "GET", path, [*cookie, *more])
            assert (answer.status, code(answer)) == (403, "role_required"), path
            assert "--admin-port" in answer.body.decode()
    assert (await ask(served, "GET", "/auth/session", cookie)).json["login"] == "admin"


async def test_beside_pages_the_role_admin_reads_and_sends_nothing(open_served: OpenServed, folder: Path) -> None:
    served = await with_site(open_served, folder, admin_port=8001)
    await served.add("редактор", "publisher", "admin")
    admin, editor = await served.cookie("admin"), await served.cookie("редактор")
    key = {"name": "shop", "roles": ["publisher"], "groups": ["*"], "users": True}
    here: dict[str, Any] = {"state": {LISTENER: served.gateway.live.options.admin}}
    shown = (await served.http("POST", "/api/keys", admin, key, **here)).json["key"]
    by_key = [("authorization", f"Bearer {shown}")]
    for method, path in (
        ("GET", "/api/groups"),
        ("GET", "/api/groups/news"),
        ("GET", "/api/users/admin/presence"),
        ("POST", "/api/groups/news/events"),
        ("POST", "/api/users/admin/events"),
        ("DELETE", "/api/groups/news/members/admin"),
    ):
        body = {"event": "a"} if method == "POST" else b""
        refused = await served.http(method, path, admin, body)
        assert (refused.status, refused.json["fix"]) == (403, "Ask the listener of --admin-port."), path
        assert "site" in refused.json["detail"]
        assert (await served.http(method, path, admin, body, **here)).status in (200, 202), path
        assert (await served.http(method, path, by_key, body)).status in (200, 202), path
        allowed = (403,) if method == "GET" else (200, 202)
        assert (await served.http(method, path, editor, body)).status in allowed, path


async def test_inside_another_application_no_role_opens_administration_beside_pages(
    open_served: OpenServed, folder: Path
) -> None:
    served = await with_site(open_served, folder, embedded=True)
    admin = await served.cookie("admin")
    for path in ("/api/users", "/docs", "/openapi.json", "/metrics"):
        told = (await ask(served, "GET", path, admin)).json
        assert (told["status"], told["code"]) == (404, "not_found"), path
        assert "whatever the role" in told["detail"]
        assert told["fix"].startswith("Use the command line")
    assert (await ask(served, "GET", "/")).body.decode() == PAGE


async def test_another_name_of_a_listener_of_this_machine_is_refused_as_ever(
    open_served: OpenServed, folder: Path
) -> None:
    served = await with_site(open_served, folder, apart=True)
    answer = await ask(served, "GET", "/", [("host", "evil.example")])
    assert (answer.status, code(answer)) == (400, "wrong_host")


async def test_a_page_of_the_site_opens_an_endpoint(served: Served) -> None:
    caller = served.call("/ws/public", [("origin", f"http://{served.host}")])
    await caller.accepted()
    assert await caller.ask({"message": "Привет 👋"}) == {"message": "Привет 👋"}
    await caller.leave()
    assert (await served.call("/ws/public", [("origin", "http://evil.example")]).refused()).status == 403
