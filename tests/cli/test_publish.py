from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jackfield.cli import publish
from jackfield.server.publish.outcome import outcome
from tests.cli.conftest import run

REPORT: dict[str, Any] = {
    "hash": "0123456789ab",
    "before": "abcdef012345",
    "generation": 4,
    "dry_run": False,
    "added": ["новый"],
    "changed": [],
    "removed": ["a", "b"],
    "groups_added": ["зал:{x}"],
    "groups_renamed": [["a:{x}", "b:{x}"]],
    "groups": ["room:{room}"],
    "groups_removed": ["hall"],
    "settings": ["auth"],
    "pages": 1,
    "closes": [
        {"endpoint": "a", "code": 1012, "reason": "the endpoint is gone", "connections": 2},
        {"endpoint": "desk", "code": 4403, "reason": "role_required", "connections": 1},
    ],
    "open": 10,
    "feeds_anew": 3,
    "feeds_ended": 1,
    "feeds_kept": 0,
    "waits": 1,
    "tasks": 0,
    "calls": 2,
    "lost": ["shared.store"],
    "warnings": ["processes/say.py:5:4: warning: waits [blocking_call]"],
}


STAYS = "  the files stay as they are, and the next publish or save makes them live again"


def test_a_report_for_people() -> None:
    assert outcome(REPORT).splitlines() == [
        "published 0123456789ab, in place of abcdef012345",
        "  added: новый",
        "  removed: a, b",
        "  groups added: зал:{x}",
        "  groups renamed: a:{x} to b:{x}",
        "  groups changed: room:{room}",
        "  groups removed: hall",
        "  settings changed: auth",
        "  site: 1 file changed",
        "  closed: 2 of a (1012 the endpoint is gone)",
        "  closed: 1 of desk (4403 role_required)",
        "  untouched: 7 of 10 open connections",
        "  what shared.store held is gone; keep such data in a database, or in the state of a group",
        "  feeds of groups that begin anew: 3",
        "  feeds of groups that end: 1",
        "  calls that wait for their client in the code they began in, for 10 minutes at most: 1",
        "  calls that end in the code they began in: 2",
        "  processes/say.py:5:4: warning: waits [blocking_call]",
    ]
    foretold = outcome({**REPORT, "dry_run": True}).splitlines()
    assert foretold[0] == "would publish 0123456789ab, in place of abcdef012345"
    assert "  would close: 2 of a (1012 the endpoint is gone)" in foretold
    assert any("held would be gone" in line for line in foretold)
    assert not [line for line in outcome({**REPORT, "open": 0, "closes": []}).splitlines() if "untouched" in line]


@pytest.mark.parametrize("key", REPORT)
def test_a_server_of_another_version_may_say_less_or_more(key: str) -> None:
    less = outcome({name: value for name, value in REPORT.items() if name != key}).splitlines()
    assert [line for line in less if "another version" in line]
    assert "another version" not in outcome({**REPORT, "новое": 1})


@pytest.mark.parametrize(
    ("answer", "code", "out", "err"),
    [
        ({"ok": {"locked": True}}, 1, "", "--locked"),
        (
            {"problems": [{"text": "a.py:1: x [bad_url]", "severity": "error"}, {"text": "w", "severity": "warning"}]},
            1,
            "a.py:1: x [bad_url]\nw\n",
            "jackfield: 1 problem; the old plan goes on serving\n",
        ),
        ({"error": "unknown verb"}, 1, "", "of another version, and does not know `publish`; restart it"),
        ({"error": "the server failed; its log has the incident 12"}, 1, "", "incident 12"),
        ({"ok": REPORT}, 0, f"{outcome(REPORT)}\n{STAYS}\n", ""),
    ],
)
def test_answers_and_exit_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], code: int, out: str, err: str
) -> None:
    (tmp_path / "endpoints.yaml").touch()
    asked: list[Any] = []

    def ask(path: Path, verb: str, *, time_limit: float, **options: Any) -> dict[str, Any]:
        asked.append((path, verb, options))
        return answer

    monkeypatch.setattr(publish, "ask", ask)
    done = run("-C", tmp_path, "publish", "--back")
    assert (done.exit_code, done.stdout) == (code, out)
    assert err in done.stderr
    assert asked == [(tmp_path / ".jackfield" / "server.json", "publish", {"dry_run": False, "back": True})]


@pytest.mark.parametrize("command", [["publish"], ["status"], ["refusals"], ["call", "/ws/count"]])
@pytest.mark.parametrize("left_behind", ["", '{"port": 9, "secret": "x", "address": "http://127.0.0.1:9"}'])
def test_without_a_server(tmp_path: Path, command: list[str], left_behind: str) -> None:
    (tmp_path / "endpoints.yaml").touch()
    if left_behind:  # by a server that was killed
        (tmp_path / ".jackfield").mkdir()
        (tmp_path / ".jackfield" / "server.json").write_text(left_behind)
    done = run("-C", tmp_path, *command)
    assert (done.exit_code, done.stdout) == (3, "")
    assert len(done.stderr.splitlines()) == 1
