"""The first steps in Swagger UI, in a real Chromium: log in with Execute, and read the address of an endpoint."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .browser import LIMIT, Page, Visitor
from .conftest import Server, ask
from .spa import devtools, visitor

__all__ = ["devtools", "visitor"]  # fixtures

pytestmark = pytest.mark.walk

ROOT = Path(__file__).parents[2]

TOOLS = """
const wait = async (what, find) => {
  const until = Date.now() + 20000;
  for (;;) {
    const found = find();
    if (found) return found;
    if (Date.now() > until) throw new Error(`no ${what}: ${document.body.innerText.slice(0, 2000)}`);
    await new Promise(resolve => requestAnimationFrame(resolve));
  }
};
const opened = async (method, path) => {
  const named = () => [...document.querySelectorAll(`.opblock-${method}`)]
    .find(block => block.querySelector(".opblock-summary-path")?.dataset.path === path);
  const block = await wait(path, named);
  if (!block.classList.contains("is-open")) block.querySelector(".opblock-summary-control").click();
  (await wait("try it out", () => block.querySelector(".try-out__btn"))).click();
  return block;
};
const executed = async block => {
  (await wait("execute", () => block.querySelector(".execute"))).click();
  const row = await wait("answer", () => block.querySelector(".live-responses-table .response"));
  const body = await wait("body", () => row.querySelector(".response-col_description .highlight-code"));
  return {status: row.querySelector(".response-col_status").innerText, body: body.innerText};
};
const typed = (area, text) => {
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(area, text);
  area.dispatchEvent(new Event("input", {bubbles: true}));
};
"""


VIOLATIONS = """return new Promise(resolve => {
  const told = new Set();
  const observer = new ReportingObserver(list => {
    for (const {body} of list) {
      told.add(body.effectiveDirective);
      if (told.has("script-src-elem")) resolve([...told]);
    }
  }, {types: ["csp-violation"], buffered: true});
  observer.observe();
  const script = document.createElement("script");
  script.textContent = "window.written = true";
  document.body.append(script);
});"""
"""All that the page's policy has forbidden it so far; ends with a script written into the page, which it forbids."""


async def reported(page: Page, script: str) -> Any:
    async with asyncio.timeout(LIMIT):
        found = await page.run(TOOLS + script)
    return int(found["status"].split()[0]), json.loads(found["body"].removeprefix("Download").strip())


@pytest.fixture
def server(start: Callable[..., Server], tmp_path: Path) -> Server:
    shutil.copytree(ROOT / "processes", tmp_path / "processes")
    shutil.copy(ROOT / "endpoints.yaml", tmp_path)
    return start(tmp_path)


async def test_log_in_with_execute_and_read_the_address_of_the_endpoint(server: Server, visitor: Visitor) -> None:
    page = await visitor.open(f"{server.http}/docs")
    given = json.dumps({"login": "admin", "password": server.password()})
    status, body = await reported(
        page,
        f"""const block = await opened("post", "/auth/login");
        typed(await wait("body", () => block.querySelector("textarea.body-param__text")), {json.dumps(given)});
        return executed(block);""",
    )
    assert (status, body["login"]) == (200, "admin")
    token = body["token"]
    status, body = await reported(page, 'return executed(await opened("get", "/ws/greeting"));')
    assert (status, body["code"], body["would"]) == (426, "upgrade_required", None), "the cookie came along"
    assert body["websocket_url"] == f"{server.ws}/ws/greeting"
    cookie = {"Cookie": f"gen_app_auth_token={token}"}
    with server.socket("/ws/greeting", additional_headers=cookie) as socket:
        assert ask(socket, **body["send"]) == {"message": "Привет!"}
    assert await page.run(VIOLATIONS) == ["script-src-elem"], "nothing that Swagger UI does is forbidden"
    assert await page.run("return window.written ?? null") is None


async def test_who_may_not_read_them_yet_logs_in_on_the_page(
    tmp_path: Path, start: Callable[..., Server], visitor: Visitor
) -> None:
    shutil.copytree(ROOT / "processes", tmp_path / "processes")
    shutil.copy(ROOT / "endpoints.yaml", tmp_path)
    server = start(tmp_path, "--behind-proxy", "127.0.0.1")  # documents are not for everybody then
    server.run("users", "add", "анна", "--role", "admin", "--password-stdin", given="correct horse\n")
    page = await visitor.open(f"{server.http}/docs/reference")
    wrong = await page.run(f"""{TOOLS} await wait("a form", () => document.querySelector("form"));
        {FILLED} fill("анна", "wrong"); button.click();
        return (await wait("a reason", () => document.querySelector("[role=alert]"))).innerText;""")
    assert "login or the password is wrong" in wrong
    await page.leave(f'{FILLED} fill("анна", "correct horse"); button.click();')
    heading = await page.run('return document.querySelector("main h3").innerText;')
    assert "greeting" in heading


FILLED = """
const button = document.querySelector("form button");
const fill = (login, password) => {
  document.querySelector("[name=login]").value = login;
  document.querySelector("[name=password]").value = password;
};
"""
