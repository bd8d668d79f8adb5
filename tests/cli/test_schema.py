from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import run
from tests.projects import SAY, write

ENDPOINTS = """\
roles: {support: "Те, кто отвечает"}
endpoints:
  say: {url: /ws/say, process: say.say, auth: {roles: [support]}, tags: [Чат-боты]}
"""


def printed(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> Any:
    monkeypatch.chdir(folder)
    done = run("schema", *arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def fits(schema: Any, **endpoint: Any) -> bool:
    plan = {"roles": {"support": "x"}, "endpoints": {"a": {"url": "/ws/a", **endpoint}}}
    return bool(jsonschema.Draft202012Validator(schema).is_valid(plan))


def test_outside_a_project_every_name_may_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = printed(monkeypatch, tmp_path)
    assert fits(schema, process="any.thing", auth={"roles": ["anybody"]})
    assert not fits(schema, proces="any.thing")
    assert not list(tmp_path.iterdir()), "nothing is written for it"


def test_inside_a_project_the_names_found_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = tmp_path / "trace"
    write(tmp_path, ENDPOINTS, say=f"open({str(trace)!r}, 'w')\n" + SAY)
    (tmp_path / "processes" / "faq.csv").write_text("first,message,reply.text\n1,,да\n", "utf-8")
    schema = printed(monkeypatch, tmp_path / "processes")
    assert fits(schema, process="say.say", auth={"roles": ["support"]})
    assert fits(schema, process="faq")
    assert not fits(schema, process="say.sya")
    assert not fits(schema, process="fag")
    assert "Чат-боты" in json.dumps(schema, ensure_ascii=False)
    assert not trace.exists(), "nothing is imported for it"


def test_a_file_with_problems_does_not_keep_it_from_being_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints: {a: {url: [}\n", encoding="utf-8")
    assert printed(monkeypatch, tmp_path)["type"] == "object"


def test_files_of_examples_have_a_schema_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fits(endpoint: str, role: str) -> bool:
        schema = printed(monkeypatch, tmp_path, "--examples")
        examples = [{"as": {"roles": [role]}, "steps": [{"send": {"text": "a"}}]}]
        return bool(jsonschema.Draft202012Validator(schema).is_valid({"examples": {endpoint: examples}}))

    assert fits("say", "anybody"), "outside a project every name may be one"
    (tmp_path / "endpoints.yaml").write_text(ENDPOINTS, encoding="utf-8")
    assert fits("say", "support")
    assert fits("say", "admin")
    assert not fits("say", "suport")
    assert not fits("sya", "support")
    (tmp_path / "endpoints.yaml").write_text(ENDPOINTS + "  tell: {url: /ws/tell}\n", encoding="utf-8")
    assert fits("tell", "support"), "an endpoint with a fault is one"
