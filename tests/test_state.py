from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jackfield.state import State, StateError, parse_keys, write_private

KEY = "0f" * 8 + "3c5a9b7d" * 4
OTHER = "ab" * 8 + "91827364" * 4

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and flock are of POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(*args: object, **settings: object) -> str:
    with pytest.raises(StateError) as caught:
        State.open(*args, **settings)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


@posix
def test_the_folder_is_private_and_keeps_itself_out_of_git(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    assert state.folder == tmp_path / ".jackfield"
    assert mode(state.folder) == 0o700
    assert (state.folder / ".gitignore").read_text() == "*\n"


def test_paths_are_reported(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    schemas = [state.endpoints_schema, state.examples_schema]
    names = [state.server_json, state.first_admin, state.published, *schemas, state.key_file]
    assert [path.relative_to(state.folder).as_posix() for path in names] == [
        "server.json",
        "first-admin",
        "published",
        "endpoints.schema.json",
        "examples.schema.json",
        "secret_keys",
    ]


@posix
def test_au_7_a_random_key_is_made_once_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    keys = State.open(tmp_path).keys()
    assert len(keys) == 1
    assert len(keys[0]) == 64
    assert mode(tmp_path / ".jackfield" / "secret_keys") == 0o600
    assert State.open(tmp_path).keys() == keys
    assert State.open(tmp_path / "other").keys() != keys


def test_the_key_file_holds_one_key_per_line_newest_first(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    state.key_file.write_text(f"# made by hand\n{KEY}\n\n{OTHER}\n")
    assert state.keys() == (KEY.encode(), OTHER.encode())


def test_keys_from_the_environment_leave_no_file(tmp_path: Path) -> None:
    for text in (f"{KEY},{OTHER}", f"{KEY} {OTHER}", f" {KEY} ,\n{OTHER}\n"):
        state = State.open(tmp_path, secret_keys=text)
        assert state.keys() == (KEY.encode(), OTHER.encode())
        assert not state.key_file.exists()
        assert KEY not in repr(state)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "holds no key"),
        (" , ", "holds no key"),
        ("# only a comment", "holds no key"),
        (KEY[:31], "shorter than 32"),
        ("short", "shorter than 32"),
        (f"{KEY},{OTHER[:31]}", "key 2 in .* shorter"),
        ("change-me-please-this-is-a-sample-of-a-key", "sample"),
        ("CHANGEME" * 5, "sample"),
        ("your_secret_key_0123456789abcdefghijklm", "sample"),
        ("a" * 64, "sample"),
        ("abcabcabcabcabcabcabcabcabcabcabcabcabc", "sample"),
    ],
)
def test_cf_8_a_key_that_protects_nobody_is_refused(text: str, word: str) -> None:
    with pytest.raises(StateError, match=word) as caught:
        parse_keys(text, "JACKFIELD_SECRET_KEYS")
    assert "JACKFIELD_SECRET_KEYS" in str(caught.value)
    assert "secrets.token_hex(32)" in str(caught.value)
    assert not any(key in str(caught.value) for key in text.split(",") if len(key) > 8)


def test_cf_8_a_bad_key_from_the_environment_makes_no_folder(tmp_path: Path) -> None:
    refused(tmp_path, secret_keys="short")
    assert not (tmp_path / ".jackfield").exists()


@posix
def test_tk_3_a_named_file_of_keys_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("a1b2c3d4" * 8)
    state = State.open(tmp_path, secret_keys=file.read_text(), secret_keys_file=file)
    assert state.keys() == (b"a1b2c3d4" * 8,)
    file.write_text(f"{'e5f6a7b8' * 8}\n{'a1b2c3d4' * 8}\n")
    assert state.keys() == (b"e5f6a7b8" * 8, b"a1b2c3d4" * 8)
    assert not state.key_file.exists()
    file.unlink()
    with pytest.raises(StateError, match="No such file"):
        state.keys()


def test_a_key_file_that_is_gone_is_made_anew_only_where_that_is_asked_for(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    with pytest.raises(StateError, match="No such file"):
        state.keys(make=False)
    assert state.keys() == state.keys(make=False)


def test_a_key_file_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    assert state.warnings() == []
    state.keys()
    assert state.warnings() == []
    state.key_file.chmod(0o644)
    (warning,) = state.warnings()
    assert "chmod 600" in warning
    assert State.open(tmp_path, secret_keys=KEY).warnings() == []


@posix
def test_a_store_that_others_can_read_is_warned_of_where_they_get_to_it(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    store, log = state.folder / "store.db", state.folder / "store.db-wal"
    for file in (store, log):
        file.touch()
        file.chmod(0o644)
    assert state.warnings() == [], "the folder lets nobody in"
    state.folder.chmod(0o755)
    (warning,) = state.warnings()
    assert f"chmod 600 '{store}' '{log}'" in warning
    store.chmod(0o600)
    (warning,) = state.warnings()
    assert f"chmod 600 '{log}'" in warning
    log.chmod(0o640)
    state.folder.chmod(0o701)
    assert state.warnings() == [], "the group does not get into the folder, and the others not into the file"


def test_the_store_is_sqlite_in_the_folder_unless_another_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "Проект №1"
    assert State.open(folder).store_url == f"sqlite+aiosqlite:///{folder.as_posix()}/.jackfield/store.db"
    assert State.open(folder, store="postgresql://h/d").store_url == "postgresql://h/d"
    assert "geheim" not in repr(State.open(folder, store="postgresql://u:geheim@h/d"))


def test_the_state_may_be_elsewhere_than_the_project(tmp_path: Path) -> None:
    project = tmp_path / "read-only"
    project.write_text("a file, so nothing can be made below it")
    state = State.open(project, state=tmp_path / "elsewhere" / "state")
    assert state.folder == tmp_path / "elsewhere" / "state"
    assert state.folder.is_dir()


def test_a_relative_folder_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert State.open(Path()).folder == tmp_path / ".jackfield"


def test_rel_20_a_folder_that_cannot_be_made_is_one_line_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / ".jackfield").write_text("a file where the folder should be")
    message = refused(tmp_path)
    assert str(tmp_path / ".jackfield") in message
    assert "JACKFIELD_STATE" in message


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    State.open(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "Permission denied" in refused(tmp_path)


def test_a_key_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    state.key_file.mkdir()
    with pytest.raises(StateError, match="secret_keys"):
        state.keys()


@posix
def test_rel_20_a_second_server_is_reported_the_pid_of_the_first(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    program = (
        "import sys; from pathlib import Path; from jackfield.state import State, StateError\n"
        "try:\n    with State.open(Path(sys.argv[1])).locked(): print('free')\n"
        "except StateError as error: print(error)"
    )

    def another() -> str:
        arguments = [sys.executable, "-c", program, str(tmp_path)]
        return subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60).stdout

    with state.locked():
        reported = another()
    assert f"process {os.getpid()}" in reported
    assert "JACKFIELD_STATE" in reported
    assert another() == "free\n"
    with state.locked():
        pass


def test_what_fails_while_the_lock_is_held_is_no_fault_of_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError), State.open(tmp_path).locked():
        raise ConnectionError
    with State.open(tmp_path).locked():
        pass


@posix
def test_a_private_file_is_whole_or_not_there(tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    write_private(file, "Привет")
    assert mode(file) == 0o600
    assert file.read_text(encoding="utf-8") == "Привет"
    file.chmod(0o644)
    write_private(file, b"\x00\xff")
    assert file.read_bytes() == b"\x00\xff"
    assert mode(file) == 0o600
    with pytest.raises(IsADirectoryError):
        write_private_into_folder(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "server.json"]


def write_private_into_folder(folder: Path) -> None:
    (folder / "folder").mkdir()
    write_private(folder / "folder", "x")


def test_a_byte_order_mark_is_no_part_of_a_key() -> None:
    """Of an editor that puts one before whatever it saves."""
    assert parse_keys(f"\ufeff# the newest first\n{KEY}\n", "secret_keys") == (KEY.encode(),)
    assert parse_keys(f"\ufeff{KEY}", "secret_keys") == (KEY.encode(),)
