"""The pages of the examples are copied into applications, where they stand below a mount."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

import jackfield
from jackfield.beginnings import EXAMPLES, files
from jackfield.testing import Client, Project

LINK = re.compile(r"""(?:\b(?:src|href)=|\bfrom )["']([^"']+)""")
ASKED = re.compile(r"""\b(?:connect|fetch|talk)\(["'`]([^"'`]+)""")


def copy(example: str, folder: Path) -> None:
    """The files of an example, as `jackfield new --example` writes them."""
    for name, text in files(example).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_pages_of_an_example_find_what_they_need_below_a_mount(tmp_path: Path, example: str) -> None:
    copy(example, tmp_path)
    host = Starlette(routes=[Mount("/desk", jackfield.application(tmp_path))])
    with TestClient(host) as client:
        waiting = {urljoin("/desk/", page.name) for page in (tmp_path / "site").glob("*.html")}
        found: dict[str, int] = {}
        while waiting:
            answer = client.get(address := waiting.pop())
            found[address] = answer.status_code
            waiting |= {urljoin(address, link) for link in LINK.findall(answer.text)} - found.keys()
            for asked in ASKED.findall(answer.text) if "/jackfield.js" not in address else ():
                found[asked] = client.get(urljoin("/desk/", re.sub(r"\$\{.+?\}", "1", asked))).status_code
    assert {"/desk/app.js", "/desk/jackfield.js"} <= found.keys()
    assert [status for address, status in found.items() if address.startswith("ws/")], "the page connects"
    wrong = {address: status for address, status in found.items() if status not in (200, 405, 426)}
    assert not wrong, "its addresses are relative"


async def test_the_hall_of_support_hears_of_customers_whom_the_host_knows_too(tmp_path: Path) -> None:
    copy("support", tmp_path)
    file = tmp_path / "endpoints.yaml"
    file.write_text(file.read_text("utf-8").replace("auth: public ", "auth: optional"), "utf-8")
    async with Project(tmp_path) as project, project.connect("hall", login="анна", roles=["agent"]) as hall:
        assert (await hall.receive())["event"] == "history"
        async with project.connect("help", login="боря") as known, project.connect("help") as nobody:
            assert await waiting(known, "Где заказ? 📦", hall) == ["Где заказ? 📦"]
            assert await waiting(nobody, "Помогите", hall) == ["Где заказ? 📦", "Помогите"]
        async with project.connect("help", login="галя") as other:
            assert await waiting(other, "Алло", hall) == ["Алло"], "who has left waits no more"


async def waiting(visitor: Client, text: str, hall: Client) -> list[str]:
    """Who waits, as the hall hears it when the visitor has said something."""
    await visitor.send({"text": text})
    return [guest["text"] for guest in (await hall.receive())["guests"]]
