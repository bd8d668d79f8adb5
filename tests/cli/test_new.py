from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from jackfield import beginnings
from jackfield.beginnings import EXAMPLES, files
from tests.cli.conftest import run
from tests.projects import write


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "my bot"
    done = run("new", str(folder))
    assert (done.exit_code, done.stdout) == (0, "")
    assert f"jackfield -C '{folder}' serve --watch" in done.stderr, "the line can be pasted"
    return folder


def test_what_is_made_is_fine_at_once(made: Path) -> None:
    found = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert {*files(), ".jackfield/endpoints.schema.json", ".jackfield/examples.schema.json"} <= found
    for arguments in (("check",), ("check", "--no-import")):
        done = run("-C", str(made), *arguments)
        assert (done.exit_code, done.stdout, done.stderr) == (0, "", "fine: 1 endpoint\n")


def test_the_examples_are_listed() -> None:
    listed = run("new", "--examples")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(EXAMPLES)
    assert "chat           a room with history and presence, without code" in listed.stdout.splitlines()
    assert (listed.exit_code, listed.stderr) == (0, "")


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_fine_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: str) -> None:
    monkeypatch.chdir(tmp_path)
    made = run("new", "--example", example)
    assert (made.exit_code, made.stdout) == (0, "")
    assert f"{example}/README.md says what to try" in made.stderr
    folder = tmp_path / example
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {*files(example), ".jackfield/endpoints.schema.json"} <= found
    done = run("-C", example, "check")
    assert (done.exit_code, done.stdout, "warning" in done.stderr) == (0, "", False), done.stderr
    schema = json.loads((folder / ".jackfield" / "endpoints.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(yaml.safe_load((folder / "endpoints.yaml").read_text(encoding="utf-8")), schema)
    tested = run("-C", example, "test")
    assert tested.exit_code == 0, tested.stdout
    again = run("new", "--example", example)
    assert (again.exit_code, "choose another folder" in again.stderr) == (1, True)
    assert run("new", "--example", example, "elsewhere").exit_code == 0
    assert (tmp_path / "elsewhere" / "endpoints.yaml").exists()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_small_and_says_what_it_is(example: str) -> None:
    made = files(example)
    assert {"README.md", "endpoints.yaml", "site/index.html", "site/app.js"} <= made.keys()
    assert made["README.md"].startswith(f"# {example}: ")
    assert sum(text.count("\n") for path, text in made.items() if path.startswith("processes/")) <= 40
    assert 'from "./jackfield.js"' in made["site/app.js"]
    scripts = [text for path, text in made.items() if path.endswith(".js")]
    assert not any("innerHTML" in text for text in scripts), "what others wrote stays text"


def test_what_pip_compiles_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [path for path in files("quotes") if path.endswith(".py")] == ["processes/market.py"]
    monkeypatch.setattr(beginnings, "_FOLDER", tmp_path)
    compiled = tmp_path / "mine" / "processes" / "__pycache__" / "a.cpython-311.pyc"
    compiled.parent.mkdir(parents=True)
    compiled.write_bytes(b"\xcb\r")
    assert not [path for path in files("mine") if path.startswith("processes")]


SHARED = "def shout(text: str) -> str:\n    return text.upper()\n"
USING = "from jackfield import process\nfrom .shared import shout\n\n\n@process\n{}\n"


@pytest.mark.walk
@pytest.mark.tool
def test_the_tools_pass_at_once_and_see_what_is_wrong(made: Path) -> None:
    loud = made / "processes" / "loud.py"
    (made / "processes" / "shared.py").write_text(SHARED)  # files of processes/ import one another
    loud.write_text(USING.format("def say(text: str) -> str:\n    return shout(text)"))
    (made / "venv").mkdir()  # what is installed beside the project is not the project
    (made / "venv" / "broken.py").write_text("x: int = ''\n")
    assert [tool(made, "mypy", "."), tool(made, "pytest")] == [0, 0]
    loud.write_text(USING.format("def say(number: int) -> str:\n    return shout(number)"))
    process = made / "processes" / "greeting.py"
    process.write_text(process.read_text("utf-8").replace("Привет!", "Пока!"), "utf-8")
    assert [tool(made, "mypy", "."), tool(made, "pytest")] == [1, 1]


def tool(folder: Path, name: str, *arguments: str) -> int:
    """The exit code of a tool in a project, as a person starts it there."""
    command = [sys.executable, "-m", name, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False).returncode


def test_an_editor_finds_the_schema(made: Path) -> None:
    first = (made / "endpoints.yaml").read_text(encoding="utf-8").splitlines()[0]
    name = first.removeprefix("# yaml-language-server: $schema=")
    assert name != first
    schema = json.loads((made / name).read_text(encoding="utf-8"))
    settings = json.loads((made / ".vscode" / "settings.json").read_text())
    assert list(settings["yaml.schemas"]) == [name, name.replace("endpoints", "examples")]
    plan = yaml.safe_load((made / "endpoints.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(plan, schema)
    plan["endpoints"]["greeting"]["process"] = "greeting.unknown"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plan, schema)


def test_git_sees_no_secret(made: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(made)], check=True, capture_output=True)
    (made / ".jackfield" / "secret_keys").write_text("x")
    status = ["git", "-C", str(made), "status", "--short", "--untracked-files=all"]
    seen = subprocess.run(status, check=True, capture_output=True, text=True).stdout
    assert "endpoints.yaml" in seen
    assert ".jackfield" not in seen


def test_it_never_writes_over_anything(made: Path) -> None:
    (made / "endpoints.yaml").write_text("моё\n", encoding="utf-8")
    (made / "processes" / "greeting.py").unlink()
    done = run("new", str(made))
    assert done.exit_code == 1
    assert "endpoints.yaml" in done.stderr
    assert "choose another folder" in done.stderr
    assert (made / "endpoints.yaml").read_text(encoding="utf-8") == "моё\n"
    assert not (made / "processes" / "greeting.py").exists(), "nothing at all was written"


def test_into_a_folder_with_other_things(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert run("new", str(tmp_path)).exit_code == 0
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_is_not_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("new", name)
    assert (done.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert (run("new").exit_code, run("new").stdout) == (2, "")
    assert "DIR is empty" in done.stderr
    assert run("new", ".").exit_code == 0
    assert (tmp_path / "endpoints.yaml").exists()


@pytest.mark.parametrize(("more", "begin"), [([], b"# The first"), (["--excel"], "\ufeff# The first".encode())])
def test_a_table_that_works_is_made(tmp_path: Path, more: list[str], begin: bytes) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints:\n")
    done = run("-C", tmp_path, "new", "table", "support.leave", *more)
    assert done.exit_code == 0, done.stderr
    file = tmp_path / "processes" / "support" / "leave.csv"
    assert file.read_bytes().startswith(begin)
    assert (b"first;message" in file.read_bytes()) is bool(more)
    with (tmp_path / "endpoints.yaml").open("a") as endpoints:
        endpoints.write(done.stdout)
    checked = run("-C", tmp_path, "check")
    assert (checked.exit_code, checked.stdout) == (0, "")
    asked = run("-C", tmp_path, "run", "support.leave", '{"message": "да"}')
    assert asked.stdout == '{"text": "Ответ «да» принят."}\n'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["table"], "name the table: jackfield new table prices"),
        (["table", "прайс"], "it has Latin letters, digits and _"),
        (["table", "../x"], "is no name of a table"),
        (["table", "faq"], "faq.csv is there already"),
        (["table", "say"], "say.py is there already, and would be the same process"),
        (["a", "b"], "one DIR is wanted, and b is one more"),
        (["tabel", "b"], "did you mean: jackfield new table b"),
        (["a", "--excel"], "--excel is for tables"),
    ],
)
def test_a_table_is_not_made(tmp_path: Path, words: list[str], said: str) -> None:
    write(tmp_path, "endpoints: {}\n", say="")
    (tmp_path / "processes" / "faq.csv").write_text("mine")
    done = run("-C", tmp_path, "new", *words)
    assert done.exit_code in (1, 2)
    assert said in done.stderr
    assert (tmp_path / "processes" / "faq.csv").read_text() == "mine"
