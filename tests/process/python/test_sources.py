"""Which files belong to the processes, and which cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.process.python import sources as module
from jackfield.process.python.sources import hash_of, read
from tests.test_files import NONE


def write(folder: Path, *names: str, text: str = "") -> None:
    for name in names:
        path = folder / "processes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_no_folder_holds_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == ((), ())


def test_modules_are_named_by_their_path(tmp_path: Path) -> None:
    write(tmp_path, "__init__.py", "chat.py", "support/__init__.py", "support/чат.py", "a/b/c.py", "notes.txt")
    sources, problems = read(tmp_path)
    assert [source.module for source in sources] == ["", "a.b.c", "chat", "support", "support.чат"]
    assert [source.file for source in sources][1] == "processes/a/b/c.py"
    assert [source.is_package for source in sources] == [True, False, False, True, False]
    assert problems == ()


def test_hidden_files_and_caches_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, ".hidden.py", ".git/x.py", "__pycache__/y.py", ".#chat.py")
    assert read(tmp_path) == ((), ())


@pytest.mark.parametrize(
    ("name", "better"),
    [("my-bot.py", "my_bot"), ("1st.py", "_1st"), ("class.py", "class_"), ("a b/c.py", "a_b"), ("x.y.py", "x_y")],
)
def test_a_name_that_python_cannot_import_is_a_problem(tmp_path: Path, name: str, better: str) -> None:
    write(tmp_path, name)
    sources, (problem,) = read(tmp_path)
    assert sources == ()
    assert problem.code == "broken_module"
    assert problem.file == f"processes/{name}"
    assert problem.hint == f'rename it to "{better}"'


def test_a_file_and_a_folder_of_one_name_are_a_problem(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "a/b.py", "c.py", "c/data.txt")
    sources, (problem,) = read(tmp_path)
    assert [source.file for source in sources] == ["processes/a/b.py", "processes/c.py"]
    assert problem.file == "processes/a.py"
    assert "processes/a/" in problem.message


def test_a_linked_folder_is_entered_once(tmp_path: Path) -> None:
    write(tmp_path, "a/b.py")
    (tmp_path / "processes" / "a" / "up").symlink_to(tmp_path / "processes", target_is_directory=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.py").write_text("")
    (tmp_path / "processes" / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert [source.module for source in read(tmp_path)[0]] == ["a.b", "linked.x"]


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path, "good.py")
    (tmp_path / "processes" / "gone.py").symlink_to(tmp_path / "nowhere.py")
    sources, (problem,) = read(tmp_path)
    assert [source.module for source in sources] == ["good"]
    assert problem.file == "processes/gone.py"
    assert "cannot be read" in problem.message


def test_the_hash_changes_with_content_and_with_names(tmp_path: Path) -> None:
    write(tmp_path, "a.py", text="x = 'Привет 😀'")
    first = hash_of(read(tmp_path)[0])
    assert first == hash_of(read(tmp_path)[0])
    assert len(first) == 12
    write(tmp_path, "a.py", text="x = 'Привет 😁'")
    second = hash_of(read(tmp_path)[0])
    (tmp_path / "processes" / "a.py").rename(tmp_path / "processes" / "b.py")
    assert len({first, second, hash_of(read(tmp_path)[0])}) == 3


@pytest.mark.parametrize(("make", "reported"), NONE, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_no_file_is_a_problem_with_its_place(
    tmp_path: Path, make: Callable[[Path], None], reported: str
) -> None:
    """A pipe would keep the load waiting for ever, and a device would fill the memory."""
    write(tmp_path, "good.py")
    make(tmp_path / "processes" / "x.py")
    sources, (problem,) = read(tmp_path)
    assert [source.module for source in sources] == ["good"]
    assert (problem.code, problem.file) == ("broken_module", "processes/x.py")
    assert reported.replace("100 bytes", "1,048,576 bytes") in problem.message
    assert problem.hint


def test_a_folder_of_such_a_name_is_reported_once(tmp_path: Path) -> None:
    write(tmp_path, "x.py/a.py", "x.py/b.py")
    sources, (problem,) = read(tmp_path)
    assert sources == ()
    assert (problem.file, problem.message) == ("processes/x.py", "cannot be read: it is a folder, not a file")


def test_all_files_together_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.py", "b.py", "c.py", text="x = 1\n")
    monkeypatch.setattr(module, "MAX_ALL", 10)
    _, (problem,) = read(tmp_path)
    assert (problem.file, problem.message) == (
        "processes",
        "cannot be read: its Python files have more than 10 bytes together",
    )


def test_processes_may_be_no_folder(tmp_path: Path) -> None:
    (tmp_path / "processes").write_text("")
    sources, (problem,) = read(tmp_path)
    assert sources == ()
    assert (problem.file, problem.message) == ("processes", "cannot be read: Not a directory")
