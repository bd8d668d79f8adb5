"""Files on the disk as they are edited: read, and saved whole or not at all."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import Refusal
from jackfield.server.editing.project_files import ANEW, MOST_BYTES, ProjectFiles
from tests.projects import SAY, write

YAML = "# Чат\nendpoints:\n  say: {url: /ws/say, process: p.say} # 😀\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "project", YAML, p=SAY)


@pytest.fixture
def held(project: Path) -> ProjectFiles:
    return ProjectFiles(project)


def refused(act: Callable[..., Any], *given: str) -> Refusal:
    with pytest.raises(Refusal) as raised:
        act(*given)
    return raised.value


def put(project: Path, name: str, data: bytes) -> None:
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_bytes(data)


@pytest.mark.parametrize(
    ("name", "data", "shown", "form", "saved", "stands"),
    [
        ("endpoints.yaml", b"a: 1\n", "a: 1\n", ("utf-8", False, "\n"), "a: 2\n", b"a: 2\n"),
        ("processes/p.py", b"a\r\nb\r\n", "a\r\nb\r\n", ("utf-8", False, "\r\n"), "a\nc\n", b"a\r\nc\r\n"),
        ("processes/p.py", b"a\nb\r\nc\n", "a\nb\r\nc\n", ("utf-8", False, "\n"), "a\r\nc\n", b"a\nc\n"),
        (
            "processes/faq.csv",
            '\ufefffirst;"а\nб"\r\n'.encode(),
            'first;"а\nб"\r\n',
            ("utf-8", True, "\n"),
            'first;"а\nв"\r\n',
            '\ufefffirst;"а\nв"\r\n'.encode(),
        ),
        (
            "processes/faq.csv",
            "\ufefffirst\tа\r\n".encode("utf-16-le"),
            "first\tа\r\n",
            ("utf-16-le", True, "\r\n"),
            "first\t😀\r\n",
            "\ufefffirst\t😀\r\n".encode("utf-16-le"),
        ),
    ],
)
def test_what_is_not_changed_stays_as_it_was(
    held: ProjectFiles, name: str, data: bytes, shown: str, form: tuple[Any, ...], saved: str, stands: bytes
) -> None:
    put(held.folder, name, data)
    (held.folder / name).chmod(0o640)
    read = held.read(name)
    assert (read.text, (read.form.encoding, read.form.bom, read.form.line_ends)) == (shown, form)
    after = held.save(name, saved, read.etag)
    assert (held.folder / name).read_bytes() == stands
    assert (held.folder / name).stat().st_mode & 0o777 == 0o640
    assert held.read(name) == after != read
    assert not [path for path in (held.folder / name).parent.iterdir() if path.name.startswith(".")]


def test_the_text_that_was_read_saves_the_same_bytes(held: ProjectFiles) -> None:
    before = (held.folder / "endpoints.yaml").stat()
    read = held.read("endpoints.yaml")
    assert held.save("endpoints.yaml", read.text, read.etag) == read
    assert (held.folder / "endpoints.yaml").stat() == before, "nothing is written where nothing was changed"


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(held: ProjectFiles) -> None:
    read = held.read("processes/p.py")
    put(held.folder, "processes/p.py", "# другой 😀\n".encode())
    changed = refused(held.save, "processes/p.py", "mine", read.etag)
    there = held.read("processes/p.py")
    assert (changed.code, changed.more) == ("file_changed", {"text": "# другой 😀\n", "etag": there.etag})
    assert refused(held.save, "processes/p.py", "mine", ANEW).code == "file_changed"
    assert (held.folder / "processes/p.py").read_text("utf-8") == "# другой 😀\n"
    (held.folder / "processes/p.py").unlink()
    gone = refused(held.save, "processes/p.py", "mine", there.etag)
    assert (gone.code, gone.more) == ("file_changed", {"text": None, "etag": None})
    assert not (held.folder / "processes/p.py").exists()


def test_a_new_file_is_made_with_its_folder_and_the_permissions_of_the_main_one(held: ProjectFiles) -> None:
    (held.folder / "endpoints.yaml").chmod(0o664)
    made = held.save("processes/стол/faq.csv", "first,a\n", ANEW)
    path = held.folder / "processes/стол/faq.csv"
    assert (path.read_text("utf-8"), path.stat().st_mode & 0o777) == ("first,a\n", 0o664)
    assert held.read("processes/стол/faq.csv") == made


def test_no_link_leads_anywhere(held: ProjectFiles, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    put(outside, "secret.py", b"secret = 1\n")
    (held.folder / "processes/file.py").symlink_to(outside / "secret.py")
    (held.folder / "processes/folder").symlink_to(outside)
    (held.folder / "processes/within.py").symlink_to("p.py")
    (held.folder / "endpoints").symlink_to(outside)
    names = ["processes/file.py", "processes/folder/secret.py", "processes/within.py", "endpoints/secret.py"]
    for name in (*names, "processes/folder/new.py", "endpoints/new.yaml"):
        assert refused(held.read, name).code == "file_unusable"
        assert refused(held.save, name, "mine", ANEW).code == "file_unusable"
        assert refused(held.remove, name, "0" * 32).code == "file_unusable"
        assert refused(held.has, name).code == "file_unusable"
    assert set(held.names()) == {"endpoints.yaml", "processes/p.py"}
    assert [path.name for path in outside.iterdir()] == ["secret.py"]
    assert (outside / "secret.py").read_bytes() == b"secret = 1\n"


def test_the_project_itself_may_be_reached_by_a_link(project: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project)
    assert ProjectFiles(tmp_path / "link").read("endpoints.yaml").text == YAML


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "large", "cp1251", "zeros"])
def test_what_is_no_text_is_not_opened(held: ProjectFiles, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = held.folder / "processes/x.csv"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            monkeypatch.chdir(path.parent)  # the path of a socket has 107 bytes
            bound.bind(path.name)
    elif kind == "folder":
        path.mkdir()
    else:
        given = {"large": b"a" * (MOST_BYTES + 1), "cp1251": "first\nпривет\n".encode("cp1251"), "zeros": b"a\0b"}
        path.write_bytes(given[kind])
    refusal = refused(held.read, "processes/x.csv")
    assert refusal.code == "file_unusable"
    assert refused(held.save, "processes/x.csv", "mine", "0" * 32).code in ("file_unusable", "file_changed")
    assert kind != "cp1251" or "see its line 2" in refusal.detail


def test_a_text_that_no_file_can_have_is_not_saved(held: ProjectFiles) -> None:
    for text, code in (("a\0b", "invalid_request"), ("\udc80", "invalid_request"), ("ы" * 600_000, "body_too_large")):
        refusal = refused(held.save, "processes/x.py", text, ANEW)
        assert refusal.code == code
        assert "limits" not in refusal.fix
    assert not (held.folder / "processes/x.py").exists()


def test_what_cannot_be_written_is_said(held: ProjectFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    read = held.read("endpoints.yaml")
    assert "No space left" in refused(held.save, "endpoints.yaml", "a: 1\n", read.etag).detail
    assert (held.folder / "endpoints.yaml").read_text("utf-8") == YAML
    assert [path.name for path in held.folder.iterdir()].count("endpoints.yaml") == len(
        list(held.folder.glob("*.yaml*"))
    )


def test_the_list_has_what_may_be_edited(held: ProjectFiles) -> None:
    names = ["endpoints/a.yaml", "examples/b.yaml", "processes/a/t.csv", "site/index.html", "site/b.csv"]
    others = [".jackfield/x", ".env", "processes/.x.py", "processes/__pycache__/a.pyc", "data/a.csv", "README.md"]
    for name in (*names, *others):
        put(held.folder, name, b"a")
    shown = {"endpoints.yaml", "processes/p.py"}
    assert set(held.names()) == shown | set(names[:3])
    put(held.folder, "endpoints.yaml", f"site: site\n{YAML}".encode())
    assert set(held.names()) == shown | set(names)
    assert set(held.names(tables=True)) == {"processes/a/t.csv"}
    facts = held.facts("processes/a/t.csv")
    assert (facts["kind"], facts["size"], facts["etag"]) == ("table", 1, held.read("processes/a/t.csv").etag)


def test_bytes_are_put_in_place_of_those_that_were_read_alone(held: ProjectFiles, project: Path) -> None:
    before, mixed = held.read("endpoints.yaml").etag, b"a: 1\r\nb: 2\n"
    held.replace("endpoints.yaml", mixed, before)
    assert (project / "endpoints.yaml").read_bytes() == mixed
    with pytest.raises(Refusal) as changed:
        held.replace("endpoints.yaml", b"c: 3\n", before)
    assert (changed.value.code, (project / "endpoints.yaml").read_bytes()) == ("file_changed", mixed)
    with pytest.raises(Refusal) as long:
        held.replace("endpoints.yaml", b"#" * (MOST_BYTES + 1), held.read("endpoints.yaml").etag)
    assert long.value.code == "body_too_large"
