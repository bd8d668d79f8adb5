"""What is told to people whose project is a part of another application: no command, no flag that they do not have."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

import jackfield
from jackfield.cli import main
from jackfield.errors import PlanError
from tests.projects import SAY, write

FILE = "endpoints: {say: {url: /ws/say, process: chat.say, auth: public}}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "проект", FILE, chat=SAY)


async def command(project: Path, *arguments: str) -> Result:
    """A command for a project that is open here, in a thread as it speaks with the event loop."""
    return await asyncio.to_thread(CliRunner().invoke, main, ["-C", str(project), *arguments])


async def test_a_folder_without_a_project_is_named_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PlanError, match=r"looked for in (\S+); .*application\(\)") as failed:
        async with jackfield.application("дэск"):
            pass
    assert f"looked for in {tmp_path / 'дэск'};" in str(failed.value)
    assert "-C" not in str(failed.value)


async def test_an_address_that_nobody_told_is_not_made_up(project: Path) -> None:
    async with jackfield.application(project):
        status, told = await command(project, "status"), await command(project, "status", "--json")
        called = await command(project, "call", "/ws/say")
    assert "address      not known: it is that of another application, unless application(public_url=" in status.stdout
    assert "  say  /ws/say  " in status.stdout
    assert json.loads(told.stdout)["address"] == ""
    assert (called.exit_code, "give the whole one, ws://host:port/path" in called.stderr) == (3, True), called.stderr
    async with jackfield.application(project, public_url="https://shop.example/desk"):
        assert "  say  wss://shop.example/desk/ws/say  " in (await command(project, "status")).stdout
    gone = await command(project, "status")
    assert "the application that this project is part of; or name the folder that it has with --state" in gone.stderr


def test_an_address_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"^public_url must be like https://.*, not shop\.example$"):
        jackfield.application(public_url="shop.example")


def test_no_flag_of_serve_is_asked_for(project: Path) -> None:
    host = Starlette(routes=[Mount("/desk", jackfield.application(project))])
    with TestClient(host) as client:
        told = client.get("/desk/metrics").json()
    assert told["fix"] == "Send the credential of a user with the role admin."
