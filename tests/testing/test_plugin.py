"""The fixtures, in runs of pytest of their own: pytest-asyncio that is told of each test, and anyio."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.projects import write

pytestmark = [pytest.mark.walk, pytest.mark.tool]

CONFTEST = """
import pytest
pytest_plugins = ["jackfield.testing.plugin"]

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""
TESTS = """
import pytest
from collections.abc import AsyncIterator
from jackfield.testing import Project

@pytest.mark.asyncio
async def test_asyncio(jackfield_client):
    async with jackfield_client(login="anna") as c:
        assert await c.ask({"text": "да"}) == {"text": "да"}

@pytest.mark.anyio
async def test_anyio(jackfield_client):
    async with jackfield_client("echo", login="anna") as c:
        assert await c.ask({"text": "да"}) == {"text": "да"}
        with pytest.raises(TimeoutError):
            await c.receive(within=0.01)

@pytest.fixture
async def project(jackfield_folder, anyio_backend):
    async with Project(jackfield_folder) as project:
        yield project

@pytest.mark.anyio
async def test_a_project_is_a_fixture(project):
    async with project.connect("echo", login="a") as a, project.connect("echo", login="b") as b:
        assert [await a.ask({"text": "a"}), await b.ask({"text": "b"})] == [{"text": "a"}, {"text": "b"}]
"""
NO_PROJECT = """
def test_it(jackfield_client): ...
"""
OTHER = """
import pytest

@pytest.fixture
def jackfield_folder():
    return "elsewhere"

def test_it(jackfield_client):
    assert jackfield_client().__class__.__name__ == "Client"
"""


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n", encoding="utf-8")
    words = ["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no", "-W", "error", *more]
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )


def test_clients_come_from_a_fixture_with_either_plugin(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    code = "from jackfield import process\n\n@process(reply='text')\ndef echo(text: str) -> str:\n    return text\n"
    write(shop, "endpoints: {echo: {url: /ws/echo, process: p.echo}}\n", p=code)
    (shop / "tests").mkdir()
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (shop / "tests" / "test_echo.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "test_nowhere.py").write_text(NO_PROJECT, encoding="utf-8")
    (tmp_path / "test_other.py").write_text(OTHER, encoding="utf-8")
    done = run(tmp_path)
    assert done.stdout.splitlines()[-1].startswith("4 passed, 1 error"), done.stdout + done.stderr
    assert "write a fixture jackfield_folder" in done.stdout


def test_a_run_of_pytest_that_has_not_asked_for_it_loads_nothing_of_us(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n    assert 'jackfield' not in sys.modules\n", encoding="utf-8"
    )
    done = run(tmp_path)
    assert done.stdout.splitlines()[-1].startswith("1 passed"), done.stdout + done.stderr
