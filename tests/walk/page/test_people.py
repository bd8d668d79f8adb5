"""People: an administrator makes a user and learns why that one could not connect; a user sees the own account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.walk.conftest import Server
from tests.walk.page.conftest import Open, log_in, open_page, seed, start

__all__ = ["open_page", "seed", "start"]

pytestmark = pytest.mark.walk

ENDPOINTS = """
endpoints:
  desk: {url: /ws/desk, process: greeting.answer, auth: {roles: [support]}}
"""
REFUSED = "40[013]"  # what the browser says of an answer in its console
FILE = "login;name;roles\r\nлена;Лена;support\r\nпётр;;\r\n"


def the_once(page: Any) -> str:
    """What a dialog shows this once; it is closed."""
    page.get_by_text("It is shown this once").wait_for()
    found: str = page.locator("dialog code").inner_text()
    for _ in range(2):  # Chromium lets a page prevent the first one alone
        page.keyboard.press("Escape")
    assert stays_when_loaded_again(page)
    page.get_by_role("dialog").get_by_role("button", name="I have it").click()
    return found


def stays_when_loaded_again(page: Any) -> bool:
    """Whether the page asks before it is loaded again, and is left as it is by a no."""
    kinds: list[str] = []

    def no(dialog: Any) -> None:
        kinds.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", no)
    with page.expect_event("dialog"):
        page.evaluate("() => { setTimeout(() => location.reload()) }")
    return kinds == ["beforeunload"]


@pytest.fixture
def clients() -> Iterator[Callable[[Server], httpx.Client]]:
    """Callers beside the browser, closed at the end."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(httpx.Client(base_url=server.http))


def test_why_could_anna_not_connect(
    seed: Callable[..., Server], open_page: Open, clients: Callable[[Server], httpx.Client]
) -> None:
    server = seed(endpoints=ENDPOINTS)
    page = open_page(server, "/#people/users", expected=REFUSED)
    log_in(page, server)
    page.get_by_role("button", name="Add a user").click()
    page.get_by_label("Login").fill("анна")
    page.get_by_text("divided by blanks: admin, editor, publisher, support").wait_for()
    page.get_by_label("Roles").fill("support editro")
    page.get_by_text("nothing here asks for editro").wait_for()
    page.get_by_label("Roles").fill("")
    page.get_by_text("nothing here asks for").wait_for(state="hidden")
    page.get_by_role("dialog").get_by_role("button", name="Add a user").click()
    password = the_once(page)
    page.get_by_role("heading", name="анна").wait_for()

    anna = clients(server)
    assert anna.post("/auth/login", json={"login": "анна", "password": "не тот пароль"}).status_code == 401
    assert anna.post("/auth/login", json={"login": "анна", "password": password}).status_code == 200
    told = anna.get("/ws/desk").json()["would"]["refusal"]

    page.get_by_role("link", name="Who could not connect?").click()
    page.get_by_label("A login, an address, or the id").fill(told.lower())
    page.get_by_text("wrong password").wait_for(state="detached")
    page.get_by_text("the role support is missing").wait_for()
    page.get_by_label("A login, an address, or the id").fill("анна")
    page.get_by_text("wrong password").wait_for()
    assert "jackfield users" not in page.locator("main").inner_text(), "that is for who has a shell"
    page.get_by_role("button", name="Give the role support").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    page.keyboard.press("Escape")
    assert anna.get("/ws/desk").json()["would"] is None
    page.get_by_role("button", name="New password").click()
    page.get_by_role("dialog").get_by_role("button", name="New password").click()
    assert the_once(page) != password

    page.get_by_role("link", name="анна").first.click()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    page.get_by_text("disabled", exact=True).wait_for()
    assert anna.post("/auth/login", json={"login": "анна", "password": password}).status_code == 401
    page.get_by_role("link", name="Who could not connect?").click()
    page.get_by_text("the user is disabled").wait_for()
    page.get_by_text("wrong password").wait_for()
    page.get_by_role("button", name="Enable…").click()
    page.get_by_role("dialog").get_by_role("button", name="Enable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="анна").first.click()
    page.get_by_text("Not logged in anywhere").wait_for()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_role("heading", name="1 user").wait_for()


def test_keys_and_an_import(seed: Callable[..., Server], open_page: Open) -> None:
    server = seed()
    page = open_page(server, expected=REFUSED)
    held: list[Any] = []
    page.route("**/api/endpoints", lambda route: held.append(route))
    with page.expect_request("**/api/endpoints"):
        log_in(page, server)
    page.get_by_role("link", name="People").click()  # before Talk is there, which comes later and must not show
    page.get_by_role("link", name="Service keys").click()
    page.get_by_role("heading", name="Service keys").wait_for()
    with page.expect_response("**/api/endpoints/*"):
        held.pop().continue_()
    page.get_by_role("button", name="Make a key").click()
    page.get_by_label("Name").fill("shop")
    page.get_by_role("dialog").get_by_role("button", name="Make a key").click()
    page.get_by_text("What the key may send to must be said").wait_for()
    page.get_by_label("It may send to users").check()
    page.get_by_role("dialog").get_by_role("button", name="Make a key").click()
    bearer = {"Authorization": f"Bearer {the_once(page)}"}
    assert httpx.get(f"{server.http}/api/users/admin/presence", headers=bearer).status_code == 200
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_text("No key was made yet").wait_for()
    assert httpx.get(f"{server.http}/api/users/admin/presence", headers=bearer).status_code == 401

    page.get_by_role("link", name="Import").click()
    chosen = page.locator("input[type=file]")
    content = {"name": "u.csv", "mimeType": "text/csv"}
    chosen.set_input_files(files=[{**content, "buffer": f"{FILE}admin;;\r\nkey:x;;\r\n".encode()}])
    page.get_by_text("nobody was added").wait_for()
    chosen.set_input_files(files=[{**content, "buffer": FILE.encode("cp1251")}])
    page.get_by_role("button", name="Add 2 users").click()
    page.get_by_text("2 users were added").wait_for()
    page.get_by_role("link", name="Service keys").click()
    page.get_by_role("heading", name="Service keys").wait_for()
    assert stays_when_loaded_again(page)
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.get_by_role("link", name="Import").click()
    page.get_by_text("2 made-up passwords stand nowhere else").wait_for()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the made-up passwords").click()
    page.get_by_text("You can save them again").wait_for()
    _, *rows = saved.value.path().read_text("utf-8-sig").splitlines()
    login, password = rows[0].split(",")
    assert httpx.post(f"{server.http}/auth/login", json={"login": login, "password": password}).json()["roles"] == [
        "support"
    ]


def test_a_user_sees_the_own_account_alone_on_a_phone(seed: Callable[..., Server], open_page: Open) -> None:
    server = seed(endpoints=ENDPOINTS)
    server.run("users", "add", "анна", "--password-stdin", given="длинный пароль\n")
    page = open_page(server, "/#people", expected=REFUSED, locale="ru-RU", viewport={"width": 390, "height": 844})
    page.fill("input[name=login]", "анна")
    page.fill("input[name=password]", "не тот пароль")
    page.press("input[name=password]", "Enter")
    page.get_by_text("Неверный логин или пароль.").wait_for()
    assert "jackfield" not in page.locator(".failure").inner_text()
    log_in(page, server, " анна ", "длинный пароль")
    page.goto(f"{server.http}/#talk/desk")
    page.get_by_text("Нет роли support.").wait_for()
    page.get_by_text("Попросите роль у администратора").wait_for()
    page.goto(f"{server.http}/#people")
    page.get_by_role("heading", name="Вы вошли как анна").wait_for()
    assert page.get_by_role("link", name="Пользователи").count() == 0
    page.get_by_role("button", name="Сменить пароль").click()
    page.get_by_label("Нынешний пароль").fill("не тот пароль")
    page.get_by_label("Новый").fill("другой длинный пароль")
    page.get_by_role("dialog").get_by_role("button", name="Сменить пароль").click()
    page.locator(".failure").wait_for()
    page.get_by_label("Нынешний пароль").fill("длинный пароль")
    page.get_by_role("dialog").get_by_role("button", name="Сменить пароль").click()
    page.get_by_text("Изменён.").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Завершить").click()  # this one: the login comes again
    page.wait_for_selector("input[name=password]")
