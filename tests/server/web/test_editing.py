"""Files as they are edited and published over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from jackfield.server.node.node import open_node
from jackfield.server.options import Options
from jackfield.server.web import editing, places
from jackfield.state import State
from tests.describe.documents.test_http_api import judge
from tests.projects import SAY, write
from tests.server.served import Answer, Headers, Served, until

YAML = "# Чат 😀\nendpoints:\n  say: {url: /ws/say, process: p.say, auth: public}\n"
TABLE = "first,message,reply.message\n,привет,Привет!\n,,Не знаю.\n"

Open = Callable[..., Awaitable[Served]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path / "project", YAML, p=SAY)
    (tmp_path / "project/processes/faq.csv").write_text(TABLE, "utf-8")
    return tmp_path / "project"


@pytest.fixture
async def open_edited(project: Path) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> Served:
            node = await stack.enter_async_context(open_node(project, State.open(project), Options(**options)))
            sessions = node.gateway.live.sessions
            made = Served(node.gateway, sessions.store, sessions, sessions.passwords)
            for login, *roles in (("шеф", "admin"), ("аня", "editor"), ("боб", "support")):
                await made.add(login, *roles)
            return made

        yield make


@pytest.fixture
async def served(open_edited: Open) -> Served:
    return await open_edited(edit="all")


@pytest.fixture
async def chief(served: Served) -> Headers:
    return await served.cookie("шеф")


async def save(served: Served, who: Headers, path: str, text: str, etag: str = "") -> Answer:
    match = ("if-match", f'"{etag}"') if etag else ("if-none-match", "*")
    answer = await served.http("PUT", f"/api/files/{path}", [*who, match], {"text": text})
    judge("save-file", answer)
    return answer


async def remove(served: Served, who: Headers, path: str, etag: str) -> Answer:
    answer = await served.http("DELETE", f"/api/files/{path}", [*who, ("if-match", f'"{etag}"')])
    judge("remove-file", answer)
    return answer


async def get(served: Served, who: Headers, name: str, path: str) -> Any:
    answer = await served.http("GET", path, who)
    judge(name, answer)
    assert answer.status == 200, answer.json
    return answer.json


async def publish(served: Served, who: Headers, **asked: bool) -> dict[str, Any]:
    answer = await served.http("POST", "/api/publish", who, asked)
    judge("publish", answer)
    assert answer.status == 200, answer.json
    return answer.json


async def test_who_has_only_http_changes_a_project_and_goes_back(
    served: Served, chief: Headers, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert (await get(served, chief, "page", "/api/page"))["edit"] == "all"
    listed = (await get(served, chief, "files", "/api/files"))["files"]
    assert [(one["path"], one["kind"]) for one in listed] == [
        ("endpoints.yaml", "yaml"),
        ("processes/faq.csv", "table"),
        ("processes/p.py", "python"),
    ]
    read = await get(served, chief, "file", "/api/files/endpoints.yaml")
    assert (read["text"], read["etag"]) == (YAML, listed[0]["etag"])
    text = f"{YAML}  faq: {{url: /ws/faq, process: faq, auth: public}}  # 😀\n"
    wrong = {"files": {"endpoints.yaml": text.replace("faq,", "fak,")}}
    answer = await served.http("POST", "/api/check", chief, wrong)
    judge("check", answer)
    (problem,) = answer.json["problems"]
    assert (problem["file"], problem["line"], problem["code"]) == ("endpoints.yaml", 4, "unknown_process")
    assert (project / "endpoints.yaml").read_text("utf-8") == YAML, "a check writes nothing"
    saved = await save(served, chief, "endpoints.yaml", text, read["etag"])
    assert (project / "endpoints.yaml").read_text("utf-8") == text
    assert saved.headers["etag"] == f'"{saved.json["etag"]}"'
    assert saved.json["problems"] == []
    foretold = await publish(served, chief, dry_run=True)
    assert (foretold["generation"], "  added: faq" in foretold["changes"]) == (1, True)
    assert [foretold["concerns"][name] for name in ("added", "changed", "removed")] == [["faq"], [], []]
    done = await publish(served, chief)
    assert (done["generation"], done["problems"], done["concerns"]["closes"]) == (2, [], [])
    assert "faq" in served.gateway.live.generation.table.routes
    await publish(served, chief)  # without a change: what is known of the one before stays
    now, before = (await get(served, chief, "published", "/api/published"))["published"]
    assert (now["by"], now["live"], "  added: faq" in now["changes"]) == ("шеф", True, True)
    assert (before["by"], before["live"], before["number"]) == ("", False, 1)
    assert (await publish(served, chief, back=True))["generation"] == 4
    assert "faq" not in served.gateway.live.generation.table.routes
    assert [one["live"] for one in (await get(served, chief, "published", "/api/published"))["published"]] == [True]
    assert "file_saved" in caplog.text
    assert "by='шеф'" in next(line for line in caplog.text.splitlines() if " published " in line)


async def test_files_that_are_not_as_they_are_live_are_named(open_edited: Open, project: Path) -> None:
    served = await open_edited(edit="tables")
    who = await served.cookie("аня")

    async def changed() -> list[str]:
        files: list[str] = (await get(served, who, "changed", "/api/publish"))["files"]
        return files

    assert await changed() == []
    (project / "processes/faq.csv").write_text(f"{TABLE}\n", "utf-8")
    (project / "processes/p.py").unlink()
    (project / "processes/q.py").write_text(SAY, "utf-8")
    (project / "processes/.note").write_text("nobody reads it", "utf-8")
    assert await changed() == ["processes/faq.csv", "processes/p.py", "processes/q.py"]
    foretold = await publish(served, who, dry_run=True)
    assert (foretold["concerns"], foretold["files"]) == (None, await changed()), "no process is named p.say"
    (project / "processes/p.py").write_text(SAY, "utf-8")
    assert (await publish(served, who))["files"] == []
    assert (await publish(served, who, back=True))["files"] == ["processes/faq.csv", "processes/q.py"]
    (project / "processes/q.py").unlink()
    (project / "processes/faq.csv").write_text(TABLE, "utf-8")
    assert await changed() == [], "as they were"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("processes/my table.csv", '"my table" cannot be part of the name of a process'),
        ("processes/Таблица.csv", '"Таблица" cannot be part of the name of a process'),
        ("processes/prices.CSV", "the name of a table ends in .csv"),
        ("processes/my-code.py", 'Python cannot import "my-code"'),
        ("processes/faq.py", 'this file and processes/faq.py would both be "faq"'),
        ("processes/p.csv", 'this file and processes/p.py would both be "p"'),
        ("processes/p/q.py", 'this file and processes/p/ would both be the module "p"'),
        ("endpoints/more.yml", "its name does not end in .yaml"),
    ],
)
async def test_a_new_file_that_nothing_would_go_live_with_is_not_made(
    served: Served, chief: Headers, project: Path, path: str, said: str
) -> None:
    refused = await save(served, chief, quote(path), TABLE)
    assert (refused.status, refused.json["code"]) == (400, "invalid_request")
    assert said in refused.json["detail"]
    assert refused.json["fix"].startswith("Rename ")
    assert not (project / path).exists()


@pytest.mark.parametrize(
    "path",
    [
        "processes/answers/prices.csv",
        "processes/стол.py",
        "processes/notes.txt",
        "endpoints/more.yaml",
        "examples/say.yaml",
        "examples/notes",
    ],
)
async def test_what_is_in_a_new_file_or_in_others_does_not_keep_it_from_being_made(
    served: Served, chief: Headers, project: Path, path: str
) -> None:
    (project / "processes" / "old name.csv").write_text(TABLE, "utf-8")
    made = await save(served, chief, quote(path), "")
    assert made.status == 200, made.json
    again = await save(served, chief, quote(path), "")
    assert (again.status, again.json["detail"]) == (412, f"There is a file {path} already.")
    assert again.json["fix"] == "Open that one, or choose another name."


async def test_a_file_is_removed_as_it_was_read(
    served: Served, chief: Headers, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    file = project / "processes" / "faq.csv"
    etag = (await get(served, chief, "file", "/api/files/processes/faq.csv"))["etag"]
    file.write_text(f"{TABLE}# другой\n", "utf-8")
    changed = await remove(served, chief, "processes/faq.csv", etag)
    assert (changed.json["code"], changed.json["text"]) == ("file_changed", f"{TABLE}# другой\n")
    nameless = await served.http("DELETE", "/api/files/processes/faq.csv", chief)
    judge("remove-file", nameless)
    assert (nameless.json["code"], file.exists()) == ("invalid_request", True)
    assert (await remove(served, chief, "processes/faq.csv", changed.json["etag"])).json == {}
    assert not file.exists()
    assert "file_removed path='processes/faq.csv' by='шеф'" in caplog.text
    assert (await get(served, chief, "changed", "/api/publish"))["files"] == ["processes/faq.csv"]
    assert (await remove(served, chief, "processes/faq.csv", changed.json["etag"])).json["code"] == "not_found"
    main = (await get(served, chief, "file", "/api/files/endpoints.yaml"))["etag"]
    assert (await remove(served, chief, "endpoints.yaml", main)).json["code"] == "invalid_request"
    assert (project / "endpoints.yaml").exists()


async def test_what_can_be_completed_has_the_names_of_the_files(served: Served, chief: Headers, project: Path) -> None:
    write(project, f"roles: {{агент: Да}}\n{YAML}", q=SAY)
    found = await get(served, chief, "schemas", "/api/schemas")
    assert {"faq", "p.say", "q.say"} <= set(found["endpoints"]["$defs"]["endpoint"]["properties"]["process"]["enum"])
    assert "агент" in str(found["endpoints"])
    assert "say" in found["examples"]["properties"]["examples"]["properties"]
    assert "q.say" not in served.gateway.live.generation.table.catalog.known, "it is not published"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (f"import nothing_there\n{SAY}", "broken_module", "nothing_there"),
        (SAY.replace("text: str", "text: complex"), "bad_hint", "complex"),
        (f"import os\nos._exit(3)\n{SAY}", "broken_module", "its import did not end well"),
    ],
)
async def test_a_module_is_imported_when_it_is_saved_and_not_in_the_server(
    served: Served, chief: Headers, text: str, code: str, said: str
) -> None:
    answer = await served.http("POST", "/api/check", chief, {"files": {"processes/p.py": text}})
    assert answer.json["problems"] == [], "a check imports nothing"
    read = await get(served, chief, "file", "/api/files/processes/p.py")
    saved = await save(served, chief, "processes/p.py", text, read["etag"])
    (problem,) = saved.json["problems"]
    assert (problem["file"], problem["code"]) == ("processes/p.py", code)
    assert said in problem["message"]


async def test_a_publish_with_problems_says_them_and_changes_nothing(served: Served, chief: Headers) -> None:
    read = await get(served, chief, "file", "/api/files/endpoints.yaml")
    saved = await save(served, chief, "endpoints.yaml", YAML.replace("p.say", "p.sey"), read["etag"])
    assert [problem["code"] for problem in saved.json["problems"]] == ["unknown_process"], "it is saved all the same"
    done = await publish(served, chief)
    assert (done["generation"], done["concerns"], done["changes"]) == (1, None, [])
    assert [problem["code"] for problem in done["problems"]] == ["unknown_process"]


async def test_what_others_saved_meanwhile_is_shown_and_not_overwritten(
    served: Served, chief: Headers, project: Path
) -> None:
    read = await get(served, chief, "file", "/api/files/processes/p.py")
    (project / "processes/p.py").write_text("# другой 😀\n", "utf-8")
    changed = await save(served, chief, "processes/p.py", "mine", read["etag"])
    assert (changed.status, changed.json["code"], changed.json["text"]) == (412, "file_changed", "# другой 😀\n")
    assert (project / "processes/p.py").read_text("utf-8") == "# другой 😀\n"
    assert (await save(served, chief, "processes/p.py", "mine", changed.json["etag"])).status == 200
    for headers in ([], [("if-match", "*")], [("if-none-match", "*"), ("if-match", '"a"')]):
        answer = await served.http("PUT", "/api/files/processes/p.py", [*chief, *headers], {"text": ""})
        judge("save-file", answer)
        assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert (project / "processes/p.py").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2fetc/passwd",
        "../../etc/passwd",
        "processes/../../secret",
        "processes/%2e%2e/%2e%2e/secret",
        "processes%5c..%5c..%5csecret",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "processes/p.py%00.csv",
        ".jackfield/secret_keys",
        "%2ejackfield%2fsecret_keys",
        "processes/.env",
        "processes/__pycache__/p.pyc",
        "README.md",
        "processes",
        "processes/",
        "%ff",
        "%zz",
        "",
    ],
)
async def test_no_address_leads_out_of_what_may_be_edited(
    served: Served, chief: Headers, project: Path, path: str
) -> None:
    (project.parent / "secret").write_text("тайна", "utf-8")
    (project / "README.md").write_text("тайна", "utf-8")
    before = sorted(project.parent.rglob("*.*"))
    for answer in (
        await served.http("GET", f"/api/files/{path}", chief),
        await served.http("PUT", f"/api/files/{path}", [*chief, ("if-none-match", "*")], {"text": "mine"}),
        await served.http("DELETE", f"/api/files/{path}", [*chief, ("if-match", f'"{"0" * 32}"')]),
    ):
        assert answer.status == 404, answer.json
        assert "тайна" not in answer.body.decode()
    assert sorted(project.parent.rglob("*.*")) == before


async def test_an_editor_of_tables_has_no_other_file(open_edited: Open, project: Path) -> None:
    served = await open_edited(edit="tables")
    for login in ("аня", "шеф"):
        who = await served.cookie(login)
        assert (await get(served, who, "page", "/api/page"))["edit"] == "tables"
        assert [one["path"] for one in (await get(served, who, "files", "/api/files"))["files"]] == [
            "processes/faq.csv"
        ]
        read = await get(served, who, "file", "/api/files/processes/faq.csv")
        for path in ("endpoints.yaml", "processes/p.py"):
            answer = await served.http("GET", f"/api/files/{path}", who)
            assert (answer.status, answer.json["code"]) == (403, "role_required")
            assert (await save(served, who, path, "mine", "0" * 32)).status == 403
            checked = await served.http("POST", "/api/check", who, {"files": {"processes/faq.csv": "", path: ""}})
            assert checked.status == 403
        assert (await save(served, who, "processes/new.csv", TABLE)).status == 403, "an endpoint would have to name it"
        assert (await save(served, who, "processes/%2e%2e/x.csv", TABLE, "0" * 32)).status == 404
        assert (await remove(served, who, "processes/faq.csv", read["etag"])).json["code"] == "role_required"
        text = read["text"].replace("привет", login)
        assert (await save(served, who, "processes/faq.csv", text, read["etag"])).status == 200
        assert (await publish(served, who, dry_run=True))["problems"] == []
    assert (await publish(served, await served.cookie("аня")))["generation"] == 2
    assert sorted(path.name for path in (project / "processes").iterdir()) == ["faq.csv", "p.py"]


ADDRESSES = [
    ("files", "GET", "/api/files"),
    ("file", "GET", "/api/files/endpoints.yaml"),
    ("save-file", "PUT", "/api/files/endpoints.yaml"),
    ("remove-file", "DELETE", "/api/files/endpoints.yaml"),
    ("check", "POST", "/api/check"),
    ("changed", "GET", "/api/publish"),
    ("publish", "POST", "/api/publish"),
    ("published", "GET", "/api/published"),
    ("schemas", "GET", "/api/schemas"),
]


@pytest.mark.parametrize(("name", "method", "path"), ADDRESSES)
async def test_nobody_else_sees_or_changes_anything(served: Served, name: str, method: str, path: str) -> None:
    chief = await served.cookie("шеф")
    foreign = [*chief, ("origin", "https://evil.example")]
    for who, code in (
        (await served.cookie("боб"), "role_required"),
        ([], "not_logged_in"),
        (foreign, "origin_not_allowed"),
    ):
        answer = await served.http(method, path, who, {} if method != "GET" else b"")
        judge(name, answer)
        assert answer.json["code"] == code
    rebound = await served.http(method, path, [("host", "evil.example"), *chief])
    assert rebound.json["code"] == "wrong_host"
    if method != "GET":
        form = await served.http(method, path, [*chief, ("content-type", "text/plain")], b"{}")
        assert form.json["code"] == "unsupported_media_type"


async def test_without_the_option_administrators_read_what_was_published(open_edited: Open) -> None:
    served = await open_edited()
    (live,) = (await get(served, await served.cookie("шеф"), "published", "/api/published"))["published"]
    assert (live["number"], live["live"]) == (1, True)
    refused = await served.http("GET", "/api/published", await served.cookie("аня"))
    judge("published", refused)
    assert refused.json["code"] == "role_required"


@pytest.mark.parametrize(("name", "method", "path"), [one for one in ADDRESSES if one[0] != "published"])
async def test_without_the_option_there_is_nothing(open_edited: Open, name: str, method: str, path: str) -> None:
    served = await open_edited()
    answer = await served.http(method, path, await served.cookie("шеф"), {} if method != "GET" else b"")
    judge(name, answer)
    assert (answer.status, answer.json["fix"]) == (404, "Start with --edit tables.")


@pytest.mark.parametrize("path", [*(path for _, _, path in ADDRESSES), "/api/run", "/api/test", "/api/examples"])
async def test_what_an_address_does_not_take_is_said_with_or_without_the_option(open_edited: Open, path: str) -> None:
    served = await open_edited()
    answer = await served.http("TRACE", path, await served.cookie("шеф"))
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")


async def test_who_loses_the_role_while_the_body_comes_saves_nothing(
    served: Served, chief: Headers, project: Path
) -> None:
    read = await get(served, chief, "file", "/api/files/endpoints.yaml")

    async def demoted() -> None:
        await served.store.set_roles("шеф", ["support"])
        await served.sessions.look_once()

    headers = [*chief, ("if-match", f'"{read["etag"]}"')]
    body = {"text": "mine"}
    answer = await served.http("PUT", "/api/files/endpoints.yaml", headers, body, meanwhile=demoted)
    assert answer.json["code"] == "role_required"
    assert (project / "endpoints.yaml").read_text("utf-8") == YAML


async def test_what_is_sent_is_bounded(served: Served, chief: Headers) -> None:
    many = {"files": {f"processes/f{number}.py": "" for number in range(21)}}
    answer = await served.http("POST", "/api/check", chief, many)
    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    nested = await served.http("POST", "/api/check", chief, {"files": {"processes/a": "", "processes/a/b": ""}})
    assert nested.json["code"] == "invalid_request"
    long = await served.http("POST", "/api/check", chief, {"files": {"processes/a.py": "ы" * 2_000_000}})
    assert (long.status, long.json["fix"]) == (413, "Send less.")
    assert (await save(served, chief, "processes/a.py", "a" * 1_048_577)).status == 413


async def test_checks_wait_for_each_other_and_not_without_end(
    served: Served, chief: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(*_: object) -> tuple[()]:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(30)
        return ()

    monkeypatch.setattr(editing, "problems_with", slow)

    async def check() -> Answer:
        return await served.http("POST", "/api/check", chief, {"files": {}})

    first = asyncio.create_task(check())
    await begun.wait()
    waiting = [asyncio.create_task(check()) for _ in range(places.MOST_WAITING)]
    api = served.gateway._routes._administration._editing
    await until(lambda: api._places.waiting == places.MOST_WAITING)
    refused = await check()
    judge("check", refused)
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    go_on.set()
    assert [answer.status for answer in await asyncio.gather(first, *waiting)] == [200] * 9
    monkeypatch.setattr(places, "WAIT", 0.0)
    begun.clear()
    go_on.clear()
    first = asyncio.create_task(check())
    await begun.wait()
    assert (await check()).json["code"] == "too_busy"
    go_on.set()
    assert (await first).status == 200


async def test_a_name_of_any_letters_is_found_escaped_or_not(served: Served, chief: Headers) -> None:
    made = await save(served, chief, quote("processes/чат/тест 😀.txt"), "x = 1\n")
    assert made.json["path"] == "processes/чат/тест 😀.txt"
    escaped = quote("processes/чат/тест 😀.txt", safe="")
    assert (await get(served, chief, "file", f"/api/files/{escaped}"))["etag"] == made.json["etag"]
    page = await get(served, chief, "files", "/api/files?limit=2&after=processes/faq.csv")
    assert ([one["path"] for one in page["files"]], page["next"]) == (["processes/p.py", made.json["path"]], None)
