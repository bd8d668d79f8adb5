"""docs/logins.md: its files load, its function answers, its numbers are the code's."""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path

import pytest

import jackfield
from jackfield.auth import bounded_calls, jwks, jwt, verify
from jackfield.errors import CODES
from jackfield.routing.build import build
from tests.projects import SAY, write

PAGE = (Path(jackfield.__file__).parent / "docs" / "logins.md").read_text("utf-8")
FLAT = " ".join(PAGE.split())
YAML = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PYTHON = re.findall(r"^```python\n# (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_provider_of_the_page_is_a_sound_plan(tmp_path: Path) -> None:
    write(tmp_path, YAML[0], chat=SAY)
    table = build(tmp_path, 1)
    assert table.warnings == ()
    assert table.plan.auth.jwt is not None
    assert not table.plan.auth.own
    table.catalog.release()


def test_the_function_of_the_page_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ((name, code),) = PYTHON
    assert name == "processes/accounts.py"
    write(tmp_path, YAML[1], accounts=code)
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("shop.db") as shop:
        shop.execute("CREATE TABLE sessions (id TEXT, person TEXT, is_staff INTEGER, ends INTEGER)")
        ends = int(time.time()) + 60
        rows = [("s1", "аня", 1, ends), ("s2", "bob", 0, ends), ("s3", "old", 1, 1)]
        shop.executemany("INSERT INTO sessions VALUES (?, ?, ?, ?)", rows)
    shop.close()
    table = build(tmp_path, 1)
    assert table.warnings == ()
    assert table.verify is not None
    request = verify.Request("/ws/whoami", {}, {})
    found = [table.verify(credential, request) for credential in ("s1", "s2", "s3", "s4")]
    assert [one and (one.login, sorted(one.roles), one.expires_at) for one in found] == [
        ("аня", ["staff"], ends),
        ("bob", [], ends),
        None,
        None,
    ]
    table.catalog.release()


@pytest.mark.parametrize(
    "said",
    [
        f"every {jwks.RENEW / 60:.0f} minutes".replace("10", "ten"),
        f"{jwks.MAX_SIZE // 1024} KiB at most, within {jwks.TIME_LIMIT:g} seconds",
        f"not more often than every {jwks.UNKNOWN_KEY_PAUSE:g} seconds",
        "hold for an hour" if jwks.KEEP == 3600 else "another number",
        f"at most {jwt.SKEW:g} seconds ahead",
        f"at most {bounded_calls.THREADS} run at once",
        f"A no is kept for {verify.KEEP_NO:g} seconds",
        f"no answer within {bounded_calls.TIME_LIMIT:g} seconds",
        f"for `recheck` and {verify.GRACE:g} seconds after the last yes",
        f"at most {bounded_calls.CALLS} at once",
        f"{bounded_calls.WAITING} callers at most and none for more than {bounded_calls.PATIENCE:g} seconds",
        f"With {bounded_calls.HANGING} of those that do not return",
    ],
)
def test_the_numbers_of_the_page_are_those_of_the_code(said: str) -> None:
    assert said in FLAT


def test_the_codes_of_the_page_are_ours() -> None:
    for code in ("provider_unavailable", "bad_verify"):
        assert code in CODES
        assert f"`{code}`" in PAGE
