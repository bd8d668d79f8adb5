"""CF-8: what a state folder holds is its owner's alone, also in a folder that others may enter."""

from __future__ import annotations

import asyncio
import configparser
import re
import stat
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from jackfield import application
from jackfield.auth.store.store import Store
from jackfield.cli import main
from jackfield.server.node.node import open_node
from jackfield.server.options import Options
from jackfield.server.publish.publisher import Archive, digest
from jackfield.state import State, write_private
from tests.house.habits import PACKAGE
from tests.projects import SAY, write

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")

SECRET = "канарейка-31"


def seen_by_others(folder: Path) -> list[bytes]:
    """The content of all files below that others can open, through the folders on the way."""
    found = []
    for path in folder.iterdir():
        mode = path.stat().st_mode
        if path.is_dir() and mode & (stat.S_IXGRP | stat.S_IXOTH):
            found += seen_by_others(path)
        elif path.is_file() and mode & (stat.S_IRGRP | stat.S_IROTH):
            found.append(path.read_bytes())
    return found


@posix
async def test_cf_8_a_state_folder_that_others_may_enter_shows_them_no_secret(tmp_path: Path) -> None:
    """systemd makes the folder of `StateDirectory=` with mode 0755 unless it is told otherwise."""
    project, folder = tmp_path / "project", tmp_path / "state"
    write(project, endpoints="endpoints: {say: {url: /ws/say, process: chat.say}}\n", chat=f"KEY = '{SECRET}'\n")
    folder.mkdir()
    folder.chmod(0o755)
    state = State.open(project, state=folder)
    state.keys()
    store = await Store.open(state.store_url, lambda: 0.0)
    await store.add("аня", SECRET)
    Archive(state.published).keep(project, digest(project))
    shown = seen_by_others(folder)
    assert any(SECRET.encode() in path.read_bytes() for path in folder.glob("store.db*")), "it is in there"
    await store.close()
    assert shown, "the folder was looked into"
    assert not [content for content in shown if SECRET.encode() in content]


@posix
def test_cf_8_a_folder_of_copies_that_was_open_is_closed(tmp_path: Path) -> None:
    write(tmp_path, endpoints="endpoints: {}\n")
    copies = tmp_path / "published"
    copies.mkdir(mode=0o755)
    copies.chmod(0o755)
    Archive(copies).keep(tmp_path, "abc")
    assert stat.S_IMODE(copies.stat().st_mode) == 0o700


@posix
def test_cf_8_a_store_that_others_can_read_is_warned_of_by_each_command(tmp_path: Path) -> None:
    write(tmp_path, endpoints="endpoints: {say: {url: /ws/say, process: chat.say}}\n")
    command = ["-C", str(tmp_path), "users", "list"]
    assert "warning" not in CliRunner().invoke(main, command).stderr
    (tmp_path / ".jackfield").chmod(0o755)
    (tmp_path / ".jackfield" / "store.db").chmod(0o644)
    reported = CliRunner().invoke(main, command).stderr
    assert re.search(r"other users can read .*store\.db, .*chmod 600 '", reported), reported


@posix
async def test_cf_8_a_state_folder_that_others_may_write_into_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, endpoints="endpoints: {say: {url: /ws/say, process: chat.say}}\n", chat=SAY)
    state = State.open(tmp_path)
    state.folder.chmod(0o777)
    line = f"everybody on this machine can write into {state.folder}, .*chmod go-w '{state.folder}'"
    for command in (["check"], ["check", "--format", "json"], ["users", "list"], ["token", "x"], ["status"]):
        done = await asyncio.to_thread(CliRunner().invoke, main, ["-C", str(tmp_path), *command])  # it has its own loop
        assert len(re.findall(f"^jackfield: warning: {line}$", done.stderr, re.MULTILINE)) == 1, command
        assert "warning" not in done.stdout, "what a program reads"
    app = application(tmp_path)
    assert await app._gateway()
    await app.close()
    assert re.search(line, caplog.text), "inside another application too"


@posix
async def test_cf_8_nothing_in_the_state_folder_is_written_through_a_link(tmp_path: Path) -> None:
    """Whoever could write into the folder for a moment would otherwise have us write over what is ours."""
    write(tmp_path, endpoints="endpoints: {say: {url: /ws/say, process: chat.say}}\n", chat=SAY)
    state = State.open(tmp_path)
    foreign = tmp_path / "foreign"
    links = ("server.json", "endpoints.schema.json", "examples.schema.json", "first-admin")
    for name in links:
        (state.folder / name).symlink_to(foreign / name)
    foreign.mkdir()
    for name in (links[0], links[1]):
        (foreign / name).write_text("чужое", encoding="utf-8")
    async with open_node(tmp_path, state, Options()) as node:
        assert node.first_admin is not None
        write_private(state.first_admin, node.first_admin.text("c", "a", None))
        assert [name for name in links if (state.folder / name).is_symlink()] == []
    assert {path.name: path.read_text(encoding="utf-8") for path in foreign.iterdir()} == {
        "server.json": "чужое",
        "endpoints.schema.json": "чужое",
    }


def test_cf_8_the_unit_of_the_documents_closes_its_state_folder() -> None:
    text = (PACKAGE / "docs" / "deploy.md").read_text("utf-8")
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read_string(next(block for block in re.findall(r"```ini\n(.*?)```", text, re.S) if "[Service]" in block))
    assert unit["Service"]["StateDirectoryMode"] == "0700"
