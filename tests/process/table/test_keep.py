"""Rows that are kept: one file that a spreadsheet opens, that grows to its bound, and carries nothing out."""

from __future__ import annotations

import asyncio
import csv
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jackfield import files
from jackfield.process.table import keep
from jackfield.process.table.keep import Kept


def kept(path: Path, *columns: str, separator: str = ",") -> Kept:
    return Kept(path, columns, separator, lambda: datetime(2026, 1, 30, 9, 5, tzinfo=UTC))


def rows(path: Path, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(path.read_text("utf-8-sig").splitlines(), delimiter=separator))


async def test_rows_follow_a_head_that_a_spreadsheet_reads(tmp_path: Path) -> None:
    file = tmp_path / "data" / "support" / "leave.csv"
    one = kept(file, "text", "n")
    await one.append("анна", ["Привет, 😀\n«да»", 5])
    await kept(file, "text", "n").append("", [None, 1.5])
    assert (
        file.read_bytes()
        == (
            '\ufefftime,login,text,n\r\n2026-01-30 09:05:00,анна,"Привет, 😀\n«да»",5\r\n2026-01-30 09:05:00,,,1.5\r\n'
        ).encode()
    )
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+7 999", "-1", "@SUM(1)", "\t=1", "＝1"])
async def test_no_text_is_a_formula(tmp_path: Path, text: str) -> None:
    await kept(tmp_path / "a.csv", "text", "n").append(text, [text, -1])
    assert rows(tmp_path / "a.csv")[1][1:] == [f"'{text}", f"'{text}", "-1"]


async def test_many_at_once_are_whole_rows(tmp_path: Path) -> None:
    two = [kept(tmp_path / "a.csv", "text") for _ in range(2)]
    await asyncio.gather(*(two[n % 2].append("", [f"ж{n}" * 50]) for n in range(200)))
    found = rows(tmp_path / "a.csv")
    assert sorted(row[2] for row in found[1:]) == sorted(f"ж{n}" * 50 for n in range(200))


async def test_what_a_spreadsheet_saved_goes_on_with_its_separator(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("time;login;text;n\r\n2026;;да;1", "utf-8")  # no mark, no end of the last line
    await kept(file, "text", "n").append("", ["нет", 0.5])
    assert rows(file, ";")[1:] == [["2026", "", "да", "1"], ["2026-01-30 09:05:00", "", "нет", "0,5"]]


async def test_another_head_begins_another_file(tmp_path: Path) -> None:
    for columns in (["a"], ["a", "b"], ["b"]):
        await kept(tmp_path / "a.csv", *columns).append("", columns)
    assert sorted(path.name for path, _ in files.inside(tmp_path)) == ["a-1.csv", "a-2.csv", "a.csv"]
    assert rows(tmp_path / "a-1.csv")[0] == ["time", "login", "a"]


async def test_the_file_has_a_bound_and_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = kept(tmp_path / "a.csv", "text")
    await one.append("", ["да"])
    before = (tmp_path / "a.csv").read_bytes()
    monkeypatch.setattr(keep, "MOST", len(before) + 10)
    with pytest.raises(OSError, match="move it away"):
        await one.append("", ["нет"])
    assert (tmp_path / "a.csv").read_bytes() == before


async def test_a_full_disk_leaves_no_half_of_a_row(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    one = kept(tmp_path / "a.csv", "text")
    await one.append("", ["да"])
    before = (tmp_path / "a.csv").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
    try:
        with pytest.raises(OSError, match=r"room|large"):
            await one.append("", ["нет" * 100])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "a.csv").read_bytes() == before
    await one.append("", ["снова"])
    assert [row[2] for row in rows(tmp_path / "a.csv")] == ["text", "да", "снова"]


@pytest.mark.skipif(os.name == "nt", reason="Windows takes no file away that is open")
async def test_a_row_in_a_file_that_was_taken_away_is_told(tmp_path: Path) -> None:
    class Taken(Kept):
        def _opened(self) -> tuple[int, int, str]:
            found = super()._opened()
            (tmp_path / "a.csv").unlink()
            return found

    with pytest.raises(OSError, match="taken away"):
        await Taken(tmp_path / "a.csv", ["text"], ",").append("", ["да"])


async def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("x")
    (tmp_path / "a.csv").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic link"):
        await kept(tmp_path / "a.csv", "text").append("", ["да"])
    assert (tmp_path / "other").read_text() == "x"


async def test_rows_that_wait_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "MOST_WAITING", 2)
    one = kept(tmp_path / "a.csv", "text")
    told: list[Any] = await asyncio.gather(*(one.append("", ["да"]) for _ in range(3)), return_exceptions=True)
    assert [str(found) for found in told if found] == [f"[Errno 16] 2 rows wait to be written: '{tmp_path / 'a.csv'}'"]
