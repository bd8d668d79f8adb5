"""Files in a browser: edited with problems beside their lines, saved over nothing that others saved, and published."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.projects import SAY
from tests.walk.conftest import Server, write
from tests.walk.page.conftest import Open, log_in, open_page, start
from tests.walk.test_tls import certificate

__all__ = ["open_page", "start"]

pytestmark = pytest.mark.walk

ENDPOINTS = "# Стол 😀\r\nendpoints:\r\n  say: {url: /ws/say, process: p.say, auth: public}   # ответы\r\n"
TABLE = 'first;message;reply.text\r\nhi;Привет;"две\nстроки"\r\nrest;;Не понял\r\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, "", p=SAY)
    (tmp_path / "endpoints.yaml").write_bytes(ENDPOINTS.encode())
    (tmp_path / "processes" / "answers.csv").write_bytes(TABLE.encode())
    return tmp_path


def opened(page: Any, server: Server, path: str) -> Any:
    """The field of a file's text."""
    page.goto(f"{server.http}/#processes?file={path}")
    field = page.get_by_role("textbox", name=path)
    field.wait_for()
    return field


def test_who_has_a_browser_alone_adds_an_endpoint_and_takes_it_back(
    project: Path, start: Callable[..., Server], open_page: Open
) -> None:
    server = start(project, "--edit")
    assert f"Files are edited at {server.http}/#processes" in server.lines
    page = open_page(server, "/#processes")
    log_in(page, server)
    page.get_by_role("link", name="endpoints.yaml").click()
    field = page.get_by_role("textbox", name="endpoints.yaml")
    field.press("Control+End")
    page.keyboard.type("  faq:\n")
    page.keyboard.type("url: /ws/faq\npro", delay=20)
    proposals = page.get_by_role("listbox", name="Proposals")
    assert (
        "The function that answers" in proposals.get_by_role("option", name="process", exact=False).first.inner_text()
    )
    page.keyboard.press("Enter")
    page.keyboard.type("ans", delay=20)
    page.get_by_role("option", name="answers").wait_for()
    page.keyboard.press("Escape")
    page.locator(".marks span", has_text='no process is named "ans"').wait_for()
    page.get_by_role("status").get_by_role("button", name="6").click()
    assert field.evaluate("one => one.value.slice(0, one.selectionStart).split('\\n').length") == 6, (
        "the caret is there"
    )
    field.press("End")
    page.keyboard.press("Control+Space")
    page.keyboard.press("Tab")
    page.get_by_text("no problems").wait_for()
    page.locator(".tag", has_text="not saved").wait_for()
    assert (project / "endpoints.yaml").read_bytes() == ENDPOINTS.encode(), "it is not saved"
    page.get_by_role("button", name="Publish…").click()
    page.get_by_text("Not saved, and so not published: endpoints.yaml").wait_for()
    page.keyboard.press("Escape")
    page.evaluate("""() => { for (const _ of [1, 2])
        document.dispatchEvent(new KeyboardEvent("keydown", {key: "s", ctrlKey: true, cancelable: true})); }""")
    page.locator(".tag", has_text=re.compile("^saved")).wait_for()
    added = "  faq:\r\n    url: /ws/faq\r\n    process: answers"
    assert (project / "endpoints.yaml").read_bytes() == (ENDPOINTS + added).encode()
    page.get_by_role("button", name="Publish…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("New endpoints: faq").wait_for()
    assert dialog.get_by_text("in place of").is_hidden(), "the hashes are for who asks"
    assert dialog.get_by_role("button", name="Back to the one before…").count() == 0, "there is none"
    assert page.request.get(f"{server.http}/ws/faq").status == 404, "so far it was only looked at"
    dialog.get_by_role("button", name="Publish", exact=True).click()
    dialog.get_by_text("Live since").wait_for()
    assert page.request.get(f"{server.http}/ws/faq").status == 426
    dialog.get_by_role("button", name="Back to the one before…").click()
    page.get_by_role("dialog").get_by_text("Removed endpoints: faq").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Go back", exact=True).click()
    page.get_by_text("Live since").wait_for()
    assert page.request.get(f"{server.http}/ws/faq").status == 404


def test_who_publishes_is_told_whose_address_is_gone(
    project: Path, start: Callable[..., Server], open_page: Open
) -> None:
    server = start(project, "--edit")
    with server.socket("/ws/say"):
        (project / "endpoints.yaml").write_text(ENDPOINTS.replace("say", "tell").replace("p.tell", "p.say"), "utf-8")
        page = open_page(server, "/#processes")
        log_in(page, server)
        page.get_by_role("button", name="Publish…").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("1 open connection is closed, and its address is gone.").wait_for()
        assert dialog.get_by_role("listitem").all_inner_texts() == ["New endpoints: tell", "Removed endpoints: say"]
        assert dialog.get_by_text("may come again").count() == 0
        dialog.get_by_text("In full").click()
        dialog.get_by_text("would close: 1 of say").wait_for()


def test_what_others_saved_stands_beside_and_is_not_overwritten(
    project: Path, start: Callable[..., Server], open_page: Open
) -> None:
    server, theirs = start(project, "--edit"), "# другой <b>\n" + SAY
    page = open_page(server, expected="412")
    log_in(page, server)
    field = opened(page, server, "processes/p.py")
    field.press("Control+End")
    page.keyboard.type("# моё 😀")
    (project / "processes" / "p.py").write_text(theirs, "utf-8")
    field.press("Control+s")
    beside = page.get_by_role("dialog").locator("tbody tr")
    assert beside.first.inner_text().strip() == "# другой <b>"
    assert beside.last.inner_text().strip() == "# моё 😀"
    page.keyboard.press("Escape")
    assert (project / "processes" / "p.py").read_text("utf-8") == theirs
    page.get_by_role("link", name="endpoints.yaml").click()
    page.get_by_role("textbox", name="endpoints.yaml").wait_for()
    page.get_by_role("link", name="processes/p.py").click()
    assert field.input_value() == f"{SAY}# моё 😀", "what is not saved is still there"
    field.press("Control+s")
    page.get_by_role("button", name="Take what is there").click()
    assert field.input_value() == theirs
    field.press("Control+z")
    assert field.input_value() == f"{SAY}# моё 😀"
    (project / "processes" / "p.py").unlink()
    field.press("Control+s")
    page.get_by_role("button", name="Save it as a new file").click()
    page.locator(".tag", has_text=re.compile("^saved")).wait_for()
    assert (project / "processes" / "p.py").read_text("utf-8") == f"{SAY}# моё 😀"


def test_an_editor_changes_tables_and_sees_no_other_file(
    project: Path, start: Callable[..., Server], open_page: Open
) -> None:
    server = start(project, "--edit", "tables", "--admin-port", "0")
    assert f"Tables are edited at {server.http}/#processes" in server.lines
    added = server.run("users", "add", "anna", "--role", "editor", "--password-stdin", given="correct horse\n")
    assert added.returncode == 0, added.stderr
    page = open_page(server)
    log_in(page, server, "anna", "correct horse")
    page.get_by_role("link", name="Processes").click()
    page.locator("a.process", has_text="answers").wait_for()
    assert page.locator(".side a").all_inner_texts() == ["processes/answers.csv"]
    page.get_by_role("link", name="processes/answers.csv").click()
    page.get_by_role("grid").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.type("? Не знаю 😀")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+s")
    page.locator(".tag", has_text=re.compile("^saved")).wait_for()
    assert (project / "processes" / "answers.csv").read_bytes() == TABLE.replace("Не понял", "? Не знаю 😀").encode()
    page.get_by_role("button", name="Publish…").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish", exact=True).click()
    page.get_by_text("Live since").wait_for()


def test_what_is_not_as_it_is_live_is_marked_until_it_is_published(
    project: Path, start: Callable[..., Server], open_page: Open
) -> None:
    (project / "endpoints.yaml").write_text(
        "endpoints:\n  say: {url: /ws/say, process: p.say, auth: public}\n", "utf-8"
    )
    server = start(project, "--edit")
    page = open_page(server, "/#processes", locale="ru-RU")
    log_in(page, server)
    card, files = page.locator("a.process"), page.get_by_role("navigation", name="Файлы")
    card.filter(has_text="answers").wait_for()
    button = page.get_by_role("button", name="Опубликовать…")
    button.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("публиковать нечего").wait_for()
    assert dialog.get_by_role("button", name="Опубликовать", exact=True).count() == 0
    page.keyboard.press("Escape")
    assert page.locator(".unpublished").count() == 0
    (project / "processes" / "p.py").write_text(f"{SAY}# 😀\n", "utf-8")  # by another program
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    card.filter(has_text="p.say").get_by_text("не опубликовано").wait_for()
    files.get_by_role("link", name="answers.csv").click()
    page.get_by_role("grid").focus()
    page.keyboard.type("yes")
    page.keyboard.press("Enter")
    files.get_by_role("link", name="answers.csv • не сохранено").wait_for()
    page.keyboard.press("Control+s")
    files.get_by_role("link", name="answers.csv • не опубликовано").wait_for()
    button.get_by_text("2", exact=True).wait_for()
    button.click()
    dialog.get_by_text("Изменены файлы: processes/answers.csv, processes/p.py").wait_for()
    dialog.get_by_role("button", name="Опубликовать", exact=True).click()
    dialog.get_by_text("Опубликовано:").wait_for()
    page.keyboard.press("Escape")
    assert (page.locator(".unpublished").count(), button.inner_text()) == (0, "Опубликовать…")
    page.get_by_role("button", name="Новый файл").click()
    dialog.get_by_label("Имя вместе с папкой").fill("processes/new.csv")
    dialog.get_by_role("button", name="Создать").click()
    files.get_by_role("link", name="new.csv • не опубликовано").wait_for()
    page.get_by_role("gridcell", name="Привет!").wait_for()  # a table that is not live has its grid


def test_what_is_not_saved_is_for_nobody_who_logs_in_next(
    project: Path, start: Callable[..., Server], open_page: Open
) -> None:
    server = start(project, "--edit")
    server.run("users", "add", "anna", "--role", "admin", "--password-stdin", given="correct horse\n")
    page = open_page(server, expected="401")
    log_in(page, server)
    field = opened(page, server, "processes/p.py")
    field.press("Control+End")
    page.keyboard.type("# secret")
    page.get_by_role("button", name="Log out").click()
    page.get_by_text("processes/p.py: log out anyway?").wait_for()
    page.keyboard.press("Escape")
    assert field.input_value() == f"{SAY}# secret"
    for login, password in (("admin", ""), ("anna", "correct horse")):  # the session ends, but not by oneself
        assert field.input_value() == f"{SAY}# secret"
        assert page.request.post(f"{server.http}/auth/logout", data={}).ok
        field.press("Control+s")
        log_in(page, server, login, password)
    assert field.input_value() == SAY
    page.keyboard.type("# mine")
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("dialog").get_by_role("button", name="Log out").click()
    log_in(page, server, "anna", "correct horse")
    assert opened(page, server, "processes/p.py").input_value() == SAY


def test_an_editor_changes_a_table_from_another_machine_over_tls(
    project: Path, start: Callable[..., Server], open_page: Open
) -> None:
    (project / "endpoints.yaml").write_text("endpoints:\n  faq: {url: /ws/faq, process: answers, auth: public}\n")
    cert, key = certificate(project)
    server = start(project, "--host", "0.0.0.0", "--tls-cert", str(cert), "--tls-key", str(key), "--edit", "tables")
    server.run("users", "add", "anna", "--role", "editor", "--password-stdin", given="correct horse\n")
    page = open_page(server, "/#processes/answers", ignore_https_errors=True)
    log_in(page, server, "anna", "correct horse")
    assert page.request.get(f"{server.http}/api/files/endpoints.yaml").status == 403
    page.get_by_role("grid").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.type("Hello!")
    page.keyboard.press("Enter")
    page.get_by_label("message", exact=True).fill("Привет")
    page.get_by_role("button", name="Save and try").click()
    page.get_by_text("row hi answers").wait_for()
    page.locator("pre.json").get_by_text("Hello!").wait_for()
    files = page.get_by_role("navigation", name="Files")
    files.get_by_text("not published").wait_for()
    assert files.get_by_role("link").count() == 1
    page.get_by_role("button", name="Publish…").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish", exact=True).click()
    page.get_by_text("Live since").wait_for()
    page.keyboard.press("Escape")
    page.goto(f"{server.http}/#talk/faq")
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("textbox", name="message").fill("Привет")
    page.get_by_role("button", name="Send").click()
    page.locator(".frame.in").get_by_text("Hello!").wait_for()
