"""`jackfield export`; what the documents hold is tested in tests/describe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from jackfield.describe.clients import python, typescript
from jackfield.describe.contract import Contract, contract
from jackfield.describe.documents import asyncapi, markdown, openapi, postman
from jackfield.routing.build import build
from tests.cli.conftest import run
from tests.projects import SAY, write

ADDRESS = "http://127.0.0.1:8000"
FULL = Path(__file__).parents[1] / "describe" / "full"


@pytest.fixture(scope="module")
def full() -> Contract:
    table = build(FULL, 1)
    table.catalog.release()
    return contract(table)


def export(*arguments: str, folder: Path = FULL, code: int = 0) -> Any:
    done = run("-C", folder, "export", *arguments)
    assert done.exit_code == code, done.output
    return done


@pytest.mark.parametrize(("kind", "document"), [("asyncapi", asyncapi.document), ("openapi", openapi.document)])
def test_a_document_is_printed_in_both_forms_and_nothing_beside_it(full: Contract, kind: str, document: Any) -> None:
    address = "https://desk.example.com/rt"
    printed = export(kind, "--url", f"{address}/")
    assert (json.loads(printed.stdout), printed.stderr) == (document(full, address), "")
    written = export(kind, "--url", "wss://desk.example.com/rt", "--format", "yaml").stdout
    assert yaml.safe_load(written) == document(full, address)
    assert "Стойка поддержки 📞" in written


def test_another_version_for_tools_that_are_behind(full: Contract) -> None:
    older = json.loads(export("asyncapi", "--version", "3.0").stdout)
    assert older == {**json.loads(export("asyncapi").stdout), "asyncapi": "3.0.0"}
    assert "'3.1', '3.0'" in export("asyncapi", "--version", "2.6", code=2).stderr


def test_the_address_is_that_of_serve_where_nothing_is_said(full: Contract) -> None:
    assert json.loads(export("asyncapi").stdout) == asyncapi.document(full, ADDRESS)
    assert export("markdown").stdout == markdown.reference(full, ADDRESS)


def test_the_files_for_postman_are_written_and_what_is_left_of_before_is_named(full: Contract, tmp_path: Path) -> None:
    files = postman.files(full, ADDRESS)
    (collection,) = {(tmp_path / path).parent for path in files if path.endswith("greeting.request.yaml")}
    collection.mkdir(parents=True)
    (collection / "старый.request.yaml").write_text("mine")
    done = export("postman", str(tmp_path))
    for path, text in files.items():
        assert (tmp_path / path).read_text("utf-8") == text
    assert f"wrote {len(files)} files to {tmp_path}" in done.stderr
    assert "left as it was, and not part of this export" in done.stderr
    assert "старый.request.yaml" in done.stderr
    assert (done.stdout, "left" in export("postman", str(tmp_path / "new")).stderr) == ("", False)


@pytest.mark.parametrize(
    ("language", "name", "write"),
    [
        ("typescript", "jackfield_client.ts", typescript.client),
        ("python", "jackfield_client.py", python.client),
    ],
)
def test_a_client_is_one_file(full: Contract, tmp_path: Path, language: str, name: str, write: Any) -> None:
    export("client", "--lang", language, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text("utf-8") == write(full)


def test_with_problems_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints:\n  a: {url: /ws/a, process: a.b}\n")
    done = export("postman", str(tmp_path / "out"), folder=tmp_path, code=1)
    assert "endpoints.yaml:2:" in done.stderr
    assert "[unknown_process]" in done.stderr
    assert "nothing is exported: 1 problem" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "address", ["desk.example.com", "ftp://a", "https://", "https://a?b=c", "https://u@a", "http://a:x"]
)
def test_an_address_that_is_none_is_wrong_usage(address: str) -> None:
    done = export("asyncapi", "--url", address, code=2)
    assert "--url must be like https://desk.example.com" in done.stderr


def test_what_a_module_prints_is_no_part_of_a_document(tmp_path: Path) -> None:
    write(tmp_path, "endpoints: {say: {url: /ws/say, process: p.say}}", p="print('hello')\n" + SAY)
    done = export("openapi", folder=tmp_path)
    assert "/ws/say" in json.loads(done.stdout)["paths"]
    assert "hello" in done.stderr
