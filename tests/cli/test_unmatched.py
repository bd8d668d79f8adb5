"""`jackfield unmatched`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from jackfield.auth.store.store import Store
from jackfield.auth.store.unmatched import Noted
from jackfield.state import State

from .conftest import run


async def note(project: Path, message: str = '{"message":"сколько? 🙂"}') -> None:
    store = await Store.open(State.open(project).store_url, lambda: 1_800_000_000.0)
    await store.unmatched.write([(Noted("бот", "faq", "last_row", message), 3)])
    await store.close()


def test_messages_that_no_row_was_for_are_listed_and_forgotten(tmp_path: Path) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints: {}\n")
    assert "there is none" in run("-C", tmp_path, "unmatched").stderr
    asyncio.run(note(tmp_path))
    assert run("-C", tmp_path, "unmatched", "--endpoint", "другой").stdout == ""
    shown = run("-C", tmp_path, "unmatched", "--endpoint", "бот").stdout
    assert '{"message":"сколько? 🙂"}  fell to the last row of faq at бот, 3 times, 2027-01-15' in shown
    (found,) = json.loads(run("-C", tmp_path, "unmatched", "--json").stdout)
    assert (found["message"], found["count"], found["why"]) == ({"message": "сколько? 🙂"}, 3, "last_row")
    assert run("-C", tmp_path, "unmatched", "--remove", found["id"]).exit_code == 0
    again = run("-C", tmp_path, "unmatched", "--remove", found["id"])
    assert (again.exit_code, "`jackfield unmatched` lists them" in again.stderr) == (2, True)


def test_what_clients_have_sent_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints: {}\n")
    asyncio.run(note(tmp_path, '{"message":"\x9b2J \u202e😀"}'))
    assert '{"message":"\\x9b2J \\u202e😀"}' in run("-C", tmp_path, "unmatched").stdout
    as_json = run("-C", tmp_path, "unmatched", "--json").stdout
    assert all(letter.isprintable() or letter == "\n" for letter in as_json)
    assert json.loads(as_json)[0]["message"] == {"message": "\x9b2J \u202e😀"}
