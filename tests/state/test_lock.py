"""One server at a time, whatever was removed, linked or put in the way meanwhile."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from jackfield.state import State, StateError, lock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="flock and links are of POSIX")


def another(folder: Path) -> str:
    """What a second server on the same folder is told; a lock is of the file that was opened, not of the process."""
    try:
        with State.open(folder).locked():
            return "free"
    except StateError as error:
        return str(error)


@pytest.mark.parametrize("way", ["removed", "replaced", "emptied", "renamed"])
def test_rel_20_a_lock_file_that_is_gone_lets_no_second_server_in(tmp_path: Path, way: str) -> None:
    state = State.open(tmp_path)
    file = state.folder / "server.lock"
    with state.locked():
        (state.folder / "server.json").write_text('{"pid": 4321, "port": 1}')
        if way == "emptied":
            os.truncate(file, 0)
        elif way == "renamed":
            file.rename(state.folder / "other.lock")
        else:
            file.unlink()
        if way == "replaced":
            file.write_text("")
        reported = "another server (process 4321) is running on"
        assert reported in another(tmp_path)
        assert reported in another(tmp_path), "also the one after"
    assert another(tmp_path) == "free"


def test_where_the_folder_cannot_be_locked_a_file_that_was_removed_while_we_waited_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers that start at once: one opens the file, the other locks it, ends and removes it."""
    monkeypatch.setattr(lock, "_lock_folder", lambda _folder, _held, _way_out: None)
    state = State.open(tmp_path)
    path = state.folder / "server.lock"
    held = lock._lock

    def late(file: int) -> bool:
        if not (state.folder / "once").exists():
            (state.folder / "once").touch()
            path.unlink()
        return held(file)

    monkeypatch.setattr(lock, "_lock", late)
    with state.locked():
        monkeypatch.setattr(lock, "_lock", held)
        assert path.read_text() == f"{os.getpid()}\n"
        assert f"another server (process {os.getpid()})" in another(tmp_path)


def test_a_folder_that_cannot_be_locked_still_has_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = lock._lock

    def as_on_nfs(file: int) -> bool:
        if os.path.isdir(f"/dev/fd/{file}"):  # noqa: PTH112 - what is behind a descriptor
            raise OSError(9, "Bad file descriptor")
        return held(file)

    monkeypatch.setattr(lock, "_lock", as_on_nfs)
    state = State.open(tmp_path)
    with state.locked():
        assert "another server" in another(tmp_path)


@pytest.mark.parametrize("way", ["link", "hard link", "pipe", "folder"])
def test_what_is_in_the_place_of_the_lock_is_neither_written_nor_waited_for(tmp_path: Path, way: str) -> None:
    state = State.open(tmp_path)
    foreign = tmp_path / "foreign"
    foreign.write_text("чужое\n", encoding="utf-8")
    place = state.folder / "server.lock"
    if way == "link":
        place.symlink_to(foreign)
    elif way == "hard link":
        place.hardlink_to(foreign)
    elif way == "pipe":
        os.mkfifo(place)
    else:
        place.mkdir()
    reported = another(tmp_path)
    assert (reported.startswith("cannot use the lock in "), "\n" in reported) == (True, False)
    assert foreign.read_text(encoding="utf-8") == "чужое\n"


def test_a_link_that_leads_nowhere_makes_no_file_elsewhere(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    for name in ("server.lock", "secret_keys"):
        (state.folder / name).symlink_to(tmp_path / "made")
    assert "it is a symbolic link, which is not followed here" in another(tmp_path)
    with pytest.raises(StateError, match="it is a symbolic link, which is not followed here"):
        state.keys()
    assert not (tmp_path / "made").exists()


def test_a_key_file_that_another_program_holds_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State.open(tmp_path)
    state.keys()
    monkeypatch.setattr(lock, "WAIT", 0.0)
    with lock.locked_file(state.key_file), pytest.raises(StateError, match="is held by another program"):
        state.keys()
