"""What a state folder holds is neither read nor written through what somebody else has put there."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.state import State, StateError, read_own, read_secret, write_private
from jackfield.state.files import MOST

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and modes are of POSIX")


def test_a_link_is_replaced_and_what_it_leads_to_left_alone(tmp_path: Path) -> None:
    foreign, missing = tmp_path / "foreign", tmp_path / "missing"
    foreign.write_text("чужое", encoding="utf-8")
    for name, target in (("server.json", foreign), ("first-admin", missing)):
        link = tmp_path / name
        link.symlink_to(target)
        write_private(link, "наше")
        assert not link.is_symlink()
        assert link.read_text(encoding="utf-8") == "наше"
    assert foreign.read_text(encoding="utf-8") == "чужое"
    assert not missing.exists()


def test_what_holds_no_secret_may_be_read_by_others(tmp_path: Path) -> None:
    write_private(tmp_path / "schema.json", "{}", 0o644)
    assert stat.S_IMODE((tmp_path / "schema.json").stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("make", "reported"),
    [
        (lambda path: path.symlink_to(__file__), "symbolic link"),
        (os.mkfifo, "no plain file"),
        (Path.mkdir, "no plain file|Is a directory"),
        (lambda path: path.write_bytes(b" " * (MOST + 1)), "longer than 1,048,576 bytes"),
    ],
    ids=["link", "pipe", "folder", "large"],
)
def test_only_a_plain_file_of_bounded_size_is_read(
    tmp_path: Path, make: Callable[[Path], object], reported: str
) -> None:
    make(tmp_path / "server.json")
    with pytest.raises(OSError, match=reported):
        read_own(tmp_path / "server.json")


def test_a_secret_may_come_through_a_link_and_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("s3cret\n")
    (tmp_path / "link").symlink_to("data")  # as Kubernetes mounts them
    assert read_secret(tmp_path / "link", "JACKFIELD_TOKEN_FILE") == "s3cret"
    (tmp_path / "bytes").write_bytes(b"\xff")
    (tmp_path / "empty").write_text(" \n")
    for path in (Path("/dev/zero"), tmp_path / "missing", tmp_path / "bytes", tmp_path / "empty"):
        with pytest.raises(StateError, match=r"JACKFIELD_TOKEN_FILE") as caught:
            read_secret(path, "JACKFIELD_TOKEN_FILE")
        assert "\n" not in str(caught.value)


def test_the_files_of_a_project_that_was_prepared_are_not_written_through(tmp_path: Path) -> None:
    folder = tmp_path / ".jackfield"
    folder.mkdir()
    (folder / ".gitignore").symlink_to(tmp_path / "made")
    State.open(tmp_path)
    assert not (tmp_path / "made").exists()


def test_a_store_that_is_a_link_is_reported(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    (tmp_path / "other.db").touch()
    (state.folder / "store.db").symlink_to(tmp_path / "other.db")
    with pytest.raises(StateError, match=r"store\.db is a symbolic link.*JACKFIELD_STORE"):
        State.open(tmp_path)
    assert State.open(tmp_path, store="sqlite+aiosqlite:////var/lib/app/store.db")


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "\ud83d"])
def test_a_name_that_can_be_none_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(StateError, match=r"cannot write into the state folder .*; set JACKFIELD_STATE to") as caught:
        State.open(tmp_path, state=tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "who"), [(0o777, "everybody"), (0o1777, "everybody"), (0o702, "everybody"), (0o770, "its group")]
)
def test_a_folder_that_others_can_write_into_is_warned_of(tmp_path: Path, mode: int, who: str) -> None:
    state = State.open(tmp_path)
    state.folder.chmod(mode)
    (warning,) = state.warnings()
    assert warning.startswith(who)
    assert f"chmod go-w '{state.folder}'" in warning
    state.folder.chmod(mode & ~0o022)
    assert state.warnings() == []


def test_what_belongs_to_somebody_else_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State.open(tmp_path)
    state.keys()
    mine = tmp_path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    reported = state.warnings()
    if mine == 0:
        assert reported == [], "root may do all that anyway"
        os.chown(state.folder, 4321, -1)
        os.chown(state.key_file, 4321, -1)
        reported = state.warnings()
    for path, warning in zip((state.folder, state.key_file), reported, strict=True):
        assert warning.startswith(f"{path} belongs to another user (")
        assert f"chown -R {mine + 1} '{path}'" in warning


def test_who_only_looks_makes_nothing(tmp_path: Path) -> None:
    assert State.found(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    folder = State.open(tmp_path).folder
    found = State.found(tmp_path)
    assert found is not None
    assert found.folder == folder
