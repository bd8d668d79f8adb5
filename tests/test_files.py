"""What is read of a file: a regular one alone, never more than is wanted, and nothing that waits."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield import files


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def linked(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def circle(path: Path) -> None:
    path.symlink_to(path)


def folder(path: Path) -> None:
    path.mkdir()


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk, and all memory where it is read whole


def process(path: Path) -> None:
    path.symlink_to("/proc/self/fd")


NONE: list[tuple[Callable[[Path], None], str]] = [
    (pipe, "it is a pipe, not a file"),
    (device, "it is a device, not a file"),
    (folder, "it is a folder, not a file"),
    (process, "it is a folder, not a file"),
    (listening, "it is a socket, not a file"),
    (linked, "No such file or directory"),
    (circle, "Too many levels of symbolic links"),
    (huge, "it is longer than 100 bytes"),
]
"""Whatever may stand where a file is expected, and what is said of it."""


@pytest.mark.parametrize(("make", "reported"), NONE, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_no_file_is_reported_and_not_read(tmp_path: Path, make: Callable[[Path], None], reported: str) -> None:
    path = tmp_path / "x"
    make(path)
    with pytest.raises(OSError) as caught:
        files.read(path, 100)
    assert caught.value.strerror == reported


def test_a_file_is_read_through_links_up_to_its_last_byte(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 100)
    (tmp_path / "y").symlink_to(tmp_path / "x")
    assert files.read(tmp_path / "y", 100) == b"x" * 100
    with pytest.raises(OSError, match="longer than 99") as caught:
        files.read(tmp_path / "y", 99)
    assert caught.value.errno == errno.EFBIG


def test_a_file_that_became_a_pipe_between_two_looks_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.touch()
    regular = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(Path, "stat", lambda _path: regular)
    with pytest.raises(OSError, match="it is a pipe"):
        files.read(path, 100)


def test_a_file_of_any_size_has_a_digest(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\0" * 3_000_000)
    assert files.digest(tmp_path / "x") == hashlib.sha256(b"\0" * 3_000_000).hexdigest()
    with pytest.raises(OSError, match="device"):
        files.digest("/dev/zero")
    huge(tmp_path / "y")  # to read it takes an hour
    first = files.digest(tmp_path / "y")
    os.utime(tmp_path / "y", (1, 1))
    assert files.digest(tmp_path / "y") != first


def test_each_folder_is_entered_once_in_order(tmp_path: Path) -> None:
    for name in ("b/c", "a", ".git", "__pycache__"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "x").touch()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    found = [(path.relative_to(tmp_path).as_posix(), others) for path, _, others in files.below(tmp_path)]
    assert found == [(".", []), ("a", ["x"]), ("b", []), ("b/c", ["x"])]
    assert list(files.below(tmp_path / "nowhere")) == []


def test_a_link_that_leads_too_far_is_not_followed_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FOLDERS", 5)
    for number in range(6):
        (tmp_path / str(number)).mkdir()
    with pytest.raises(OSError, match="more than 5 folders"):
        list(files.below(tmp_path))
