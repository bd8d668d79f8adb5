"""The files of what tables keep: what is listed, what is opened, how rows are counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jackfield.process.table.keep import Kept
from jackfield.process.table.kept_files import Rows, listed, opened


async def test_what_a_table_kept_is_listed_counted_and_opened(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert listed(data) == []
    kept, rows = Kept(data / "support" / "отпуск.csv", ["text"], ";"), Rows()
    name = "support/отпуск.csv"
    await kept.append("аня", ["две\r\nстроки; «🙂»"])
    await kept.append("аня", ['"да"'])
    (found,) = listed(data)
    assert (found.name, found.bytes) == (name, (data / name).stat().st_size)
    assert rows.of(data, name) == 2
    await kept.append("аня", ["три"])
    assert rows.of(data, name) == 3, "it is another file by now"
    with opened(data, name) as file:
        assert file.read() == (data / name).read_bytes()


@pytest.mark.parametrize(("text", "rows"), [("", 0), ("a,b", 0), ("a,b\n1,2", 1), ('a\n"1\n2"\n"3""\n"\n', 2)])
def test_rows_are_lines_outside_of_quotes(tmp_path: Path, text: str, rows: int) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert Rows().of(tmp_path, "a.csv") == rows


def test_a_large_file_is_not_counted(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(16 * 1_048_576 + 1)
    assert Rows().of(tmp_path, "a.csv") is None


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "/etc/passwd", "../secret.csv", "a/../a.csv", "a.txt", ".hidden.csv", "none.csv", "a\0.csv"),
        *("a//b.csv", "out.csv", "out/secret.csv", "a\\b.csv", "pipe.csv", "folder.csv", "a.csv/"),
        "x" * 5000 + ".csv",
    ],
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    data = tmp_path / "data"
    (data / "folder.csv").mkdir(parents=True)
    (data / "a.csv").write_text("time\n")
    (data / "a.txt").write_text("x")
    (data / ".hidden.csv").write_text("x")
    (tmp_path / "secret.csv").write_text("x")
    (data / "out.csv").symlink_to(tmp_path / "secret.csv")
    (data / "out").symlink_to(tmp_path)
    os.mkfifo(data / "pipe.csv")
    with pytest.raises(OSError):
        opened(data, name)
    assert [one.name for one in listed(data)] == ["a.csv"]
    assert Rows().of(data, name) is None
