"""Every recipe of docs/recipes.md is a project that checks without a warning, and whose examples pass."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from jackfield.testing import Project
from jackfield.testing.examples import cases, run
from tests.pages import DOCS, write_files

PAGE = (DOCS / "recipes.md").read_text("utf-8")
RECIPES = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)


class Bank(BaseHTTPRequestHandler):
    """The HTTP API that one recipe asks."""

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)["currency"]
        body = json.dumps({"rate": 99.5}).encode()
        self.send_response(200 if asked == ["EUR"] else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: pytest's output is no log."""


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = HTTPServer(("127.0.0.1", 0), Bank)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    monkeypatch.setenv("BANK_URL", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.mark.usefixtures("bank")
@pytest.mark.parametrize("recipe", RECIPES)
async def test_a_recipe_works_as_it_stands(recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files("recipes.md", recipe, tmp_path)
    monkeypatch.chdir(tmp_path)  # one of them keeps a file where it runs
    async with Project(tmp_path) as project:
        assert [str(problem) for problem in project.table.warnings] == []
        found = [result async for result in run(cases(project.table), project)]
    assert [result.failure for result in found] == [None] * len(found)
    assert found


def test_every_recipe_stands_in_the_list_above_them() -> None:
    listed = re.findall(r"\[[^]]*\]\(#([^)]*)\)", PAGE.split("\n## ")[0])
    assert sorted(listed) == sorted(re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-") for name in RECIPES)
