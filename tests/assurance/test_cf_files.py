"""Rows CF-1 to CF-4 and CF-7: what a file may say, and what it cannot make the server do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jackfield.config.load import load
from jackfield.errors import PlanError, Problem
from jackfield.routing.build import build
from tests.projects import ECHO, write

GOOD = "endpoints: {say: {url: /ws/say, process: chat.say}}\n"
ENDPOINT = "endpoints:\n  say:\n    url: /ws/say\n    process: chat.say\n"


def problems(folder: Path, text: str) -> list[Problem]:
    (folder / "endpoints.yaml").write_text(text, "utf-8")
    return list(load(folder).problems)


# CF-3


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("origin_required: no", "wrong_type"),
        ("origin_required: on", "wrong_type"),
        ("summary: 12:30:45", ""),  # a text, as it reads
        ("summary: no", ""),
        ("limits: {connections: 1e3}", ""),  # a thousand
        ("limits: {connections: 0o17}", ""),
        ("limits: {connections: 1_000}", "wrong_type"),
        ("limits: {time: 12:30}", "wrong_value"),
        ("summary: 2026-01-01", ""),
        ("summary: 010", "wrong_type"),
        ("auth: ~", "wrong_type"),
    ],
)
def test_cf_3_surprises_of_yaml_1_1_are_problems_or_what_is_documented(tmp_path: Path, line: str, code: str) -> None:
    found = problems(tmp_path, f"{ENDPOINT}    {line}\n")
    assert [problem.code for problem in found] == ([code] if code else [])


def test_cf_3_values_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    more = "    summary: 12:30:45\n    limits: {connections: 1e3, per_user: 010}\n"
    assert problems(tmp_path, ENDPOINT + more) == []
    (endpoint,) = load(tmp_path).plan.endpoints
    assert endpoint.summary == "12:30:45"
    assert (endpoint.limits.connections, endpoint.limits.per_user) == (1000, 10)


# CF-4

REFERENCES = [
    *("../x.say", "/etc/passwd", "os:system", "os.system", "subprocess.run", "builtins.eval", "sys.exit", "wave.open"),
    *("chat.__init__", "__main__.say", "chat.say.__globals__", "chat.os.system", "http://evil.example/x.say"),
    *("chat..say", ".chat.say", "chat.say()", "ｃhat.say", "сhat.say", "chat.say\\0", "secretly.run"),
    *("processes.secretly.run", "jackfield.cli.main", "colorsys.rgb_to_hls"),
]


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("key", ["process", "verify"])
def test_cf_4_a_reference_imports_nothing_outside_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str, key: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)  # as for a server that is started with `python -m` in its folder
    (tmp_path / "secretly.py").write_text("import pathlib\n\npathlib.Path(__file__).unlink()\n", "utf-8")
    endpoint = reference if key == "process" else "chat.say"
    auth = f'auth: {{verify: "{reference}"}}\n' if key == "verify" else ""
    text = f'{auth}endpoints: {{say: {{url: /ws/say, process: "{endpoint}"}}}}\n'
    write(tmp_path, text, chat="import os\n\n" + ECHO)
    before = set(sys.modules)
    with pytest.raises(PlanError) as caught:
        build(tmp_path, 1)
    assert any(problem.severity == "error" for problem in caught.value.problems)
    assert (tmp_path / "secretly.py").exists(), "it was not imported"
    assert {name for name in set(sys.modules) - before if "processes" not in name} == set()
