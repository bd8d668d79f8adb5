"""Every command with arguments that nobody should give: one line, an exit code of the table, and never a stack."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import run
from tests.walk.conftest import CLEAN

posix = pytest.mark.skipif(sys.platform == "win32", reason="devices and closed descriptors are of POSIX")

PASSWORD = "длинный пароль 1\n"
VALUES = {
    "nothing": "",
    "blank": " ",
    "long": "x" * 300,
    "long path": "a/" * 3000,
    "nul": "a\0b",
    "bytes": "\udcff\udcfe",  # what is no UTF-8, as Python hands it over
    "half a pair": "\ud83d",
    "file": "file",
    "below a file": "file/x",
    "here": ".",
    "above": "..",
    "nowhere": "/proc/nowhere/x",
    "device": "/dev/full",
    "link": "link",
    "dash": "-",
    "escape": "\x1b[31m",
    "line": "a\nb",
    "format": "%s{0}",
    "bracket": "[",
    "dots": "..." + "." * 70,
    "letters": "é" * 200,
}
COMMANDS = ("status", "users list", "token anna", "call /ws/x")


# Each with `{}` for the value.
PLACES = {
    "new": "new {}",
    **{f"-C {name}": f"-C {{}} {name}" for name in (*COMMANDS, "schema", "export asyncapi", "test", "check")},
    **{f"--state of {name}": f"-C proj {name} --state {{}}" for name in (*COMMANDS, "publish", "refusals")},
    "format": "-C proj check --format {}",
    "store": "-C proj users list --store {}",
    "file of the store": "-C proj users list --store sqlite:///{}",
    "host of the store": "-C proj users list --store postgresql://{}:x",
    "keys": "-C proj token anna --secret-keys {}",
    "login": "-C proj users remove {}",
    "login of add": "-C proj users add {} --password-stdin",
    "role": "-C proj users roles anna +{}",
    "change of roles": "-C proj users roles anna {}",
    "token": "-C proj token {}",
    "address": "-C proj call {}",
    "host": "-C proj call ws://{}",
    "path": "-C proj call ws://127.0.0.1:1/{}",
    "port": "-C proj call ws://127.0.0.1:{}",
    "token of a call": "-C proj call ws://127.0.0.1:1/ --token {}",
    "seconds": "-C proj call ws://127.0.0.1:1/ --wait {}",
    "example": "-C proj test {}",
    "host of a test": "-C proj test --url ws://{}",
    "folder of postman": "-C proj export postman {}",
    "folder of a client": "-C proj export client --lang python {}",
    "url": "-C proj export openapi --url http://{}",
    "public url": "-C proj serve --public-url https://{} --watch --locked",
    "proxy": "-C proj serve --behind-proxy {} --watch --locked",
    "name of data": "-C proj data {}",
    "endpoint of unmatched": "-C proj unmatched --endpoint {}",
    "message that is removed": "-C proj unmatched --remove {}",
    "login of refusals": "-C proj refusals --login {}",
    "id of refusals": "-C proj refusals --id {}",
    "address of refusals": "-C proj refusals --address {}",
    "time of refusals": "-C proj refusals --since {}",
    "file of users": "-C proj users import {} --dry-run",
    "process": "-C proj run {}",
    "login of run": '-C proj run greeting.answer {"message":"a"} --login {}',
    "table": "-C proj new table {}",
    "endpoint": "-C proj new endpoint {} --url /ws/x --process greeting.answer --dry-run",
    "url of an endpoint": "-C proj new endpoint x --url {} --process greeting.answer --dry-run",
    "process of an endpoint": "-C proj new endpoint x --url /ws/x --process {} --dry-run",
    "group of an endpoint": "-C proj new endpoint x --url /ws/x --process p.x --group {} --history 5 --dry-run",
    "example of an endpoint": "-C proj new example {} x --dry-run",
    "name of an example": "-C proj new example greeting {} --dry-run",
    "command": "{}",
}


def line(place: str, value: str) -> list[str]:
    """The arguments with the value in its place."""
    return [word.replace("{}", value) for word in PLACES[place].split()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "here"  # what is made above it, with `new ..`, is nobody else's project
    here.mkdir()
    monkeypatch.chdir(here)
    assert run("new", "proj").exit_code == 0
    (here / "file").write_text("mine")
    (here / "link").symlink_to("/nonexistent/x")
    return here


def fault(done: Result) -> str:
    """What is wrong with how a command ended; nothing where it is well."""
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return f"{type(done.exception).__name__}: {done.exception}"
    reported = [line for line in done.stderr.splitlines() if line.startswith(("jackfield: ", "Error: "))]
    reported = [line for line in reported if not line.startswith("jackfield: warning: ")]
    if done.exit_code not in (0, 1, 2, 3) or "Traceback" in done.stderr:
        return f"exit {done.exit_code}: {done.stderr[-500:]}"
    return "" if done.exit_code == 0 or len(reported) == 1 else f"{len(reported)} lines: {done.stderr[-500:]}"


@posix
@pytest.mark.parametrize("place", PLACES)
def test_whatever_stands_there_is_reported_in_one_line(folder: Path, place: str) -> None:
    faults = {name: fault(run(*line(place, value), given=PASSWORD)) for name, value in VALUES.items()}
    assert {name: reported for name, reported in faults.items() if reported} == {}
    assert (folder / "file").read_text() == "mine"
    assert not Path("/nonexistent").exists()


@posix
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["new", "x" * 300], 1, "cannot write into xxx"),
        (["new", "link"], 1, "cannot write into link"),
        (["new", "proj"], 1, "choose another folder"),
        (["new", "a\0b"], 2, "an argument holds what no program can be given: 'a\\x00b'"),
        (["-C", "x" * 300, "check"], 2, "-C: cannot look into "),
        (["-C", "file", "check"], 2, "-C: there is no folder "),
        (["-C", "missing", "schema"], 2, "-C: there is no folder "),
        (["-C", "proj", "export", "postman", "x" * 300], 1, "cannot be written: File name too long"),
        (["-C", "proj", "call", "ws://[::1"], 2, "is not an address"),
        (["-C", "proj", "call", "ws://..../"], 2, "is not an address"),
        (["-C", "proj", "users", "list", "--store", "postgresql://a..b/x"], 2, "the host a..b, which can be none"),
    ],
)
def test_what_is_reported(arguments: list[str], code: int, words: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, words in done.stderr, done.stdout) == (code, True, ""), done.stderr


@posix
def test_new_writes_through_no_link_that_was_prepared(folder: Path) -> None:
    (folder / "trap").mkdir()
    (folder / "trap" / "endpoints.yaml").symlink_to(folder / "made")
    done = run("new", "trap")
    assert (done.exit_code, "trap has endpoints.yaml already" in done.stderr) == (1, True)
    (folder / "trap" / "endpoints.yaml").unlink()
    (folder / "trap" / ".jackfield").mkdir()
    (folder / "trap" / ".jackfield" / "endpoints.schema.json").symlink_to(folder / "file")
    assert run("new", "trap").exit_code == 0
    assert (folder / "file").read_text() == "mine"
    assert not (folder / "made").exists()


def test_a_current_folder_that_is_gone_is_reported(folder: Path) -> None:
    (folder / "gone").mkdir()
    os.chdir(folder / "gone")
    (folder / "gone").rmdir()
    for arguments in (["check"], ["users", "list"], ["schema"], ["call", "/ws/x"], ["export", "asyncapi"]):
        done = run(*arguments)
        assert (done.exit_code, "the current folder was removed" in done.stderr) == (2, True), arguments


def in_shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """A command as a shell runs it; `$J` stands for jackfield."""
    command = f'J="{sys.executable} -m jackfield -C proj"; {line}'
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60, check=False, env=CLEAN
    )


@posix
@pytest.mark.parametrize(
    ("line", "code", "reported"),
    [
        ("$J schema >/dev/full", 1, "jackfield: standard output: No space left on device\n"),
        ("$J --help >/dev/full", 1, "jackfield: standard output: No space left on device\n"),
        ("$J schema >&-", 1, "jackfield: standard output: Bad file descriptor\n"),
        ("$J users list --format json >&- <&-", 1, "jackfield: standard output: Bad file descriptor\n"),
        ("$J users list >&-", 0, "There are no users yet"),  # which is reported on stderr
        ("$J users roles nobody <&- >&- 2>&-", 1, ""),
        ("$J users passwd nobody <&-", 1, "jackfield: There is no user nobody."),
        ("$J users add anna --password-stdin <&-", 1, "jackfield: The password is too short."),
        ("{ $J schema; echo $? >code; } | true; exit $(cat code)", 1, ""),
    ],
)
def test_streams_that_are_closed_or_full(folder: Path, line: str, code: int, reported: str) -> None:
    done = in_shell(folder, line)
    assert (done.returncode, done.stderr[: len(reported)]) == (code, reported)
    assert len(done.stderr.splitlines()) <= 1, done.stderr
    stored = (folder / "proj" / ".jackfield").glob("store.db*")
    assert all(b"jackfield" not in path.read_bytes()[:6] for path in stored), "nothing was printed into it"


@pytest.mark.usefixtures("folder")
def test_a_role_that_is_taken_is_no_option_of_any_group_above() -> None:
    names = ["chat", "help", "h", "C", "hh", "version", "store", "state", "secret-keys", "p"]
    roles = [part for name in names for part in ("--role", name)]
    assert run("-C", "proj", "users", "add", "anna", *roles, "--password-stdin", given=PASSWORD).exit_code == 0
    done = run("-C", "proj", "users", "roles", "anna", *(f"-{name}" for name in names))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "Roles of anna now: none.\n")
    assert "Usage" in run("users", "roles", "--help").stdout
