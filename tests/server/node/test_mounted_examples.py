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
from jackfield.cli.new import EXAMPLES, files

LINK = re.compile(r"""(?:\b(?:src|href)=|\bfrom )["']([^"']+)""")
ASKED = re.compile(r"""\b(?:connect|fetch|talk)\(["'`]([^"'`]+)""")


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_pages_of_an_example_find_what_they_need_below_a_mount(tmp_path: Path, example: str) -> None:
    for name, text in files(example).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
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
