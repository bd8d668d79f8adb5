"""Tables beside Python files under processes/: found, named, hashed, and told of once where they are broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from jackfield.errors import PlanError
from jackfield.process import catalog
from jackfield.process.catalog import Catalog
from jackfield.routing.build import build, problems_of
from tests.process.table.short import sheet

FAQ = sheet("first | message | reply.text", "1 | Привет | Привет!", "rest | | {message}")
SAY = b"from jackfield import process\n@process\ndef say(text: str) -> str:\n    return text\n"
Collect = Callable[[Mapping[str, bytes]], Catalog]


@pytest.fixture
def collect(tmp_path: Path) -> Iterator[Collect]:
    made: list[Catalog] = []

    def collect_files(files: Mapping[str, bytes], *, only_names: bool = False) -> Catalog:
        put(tmp_path, files)
        made.append(catalog.collect(tmp_path, len(made) + 1, only_names=only_names))
        return made[-1]

    yield collect_files
    for one in made:
        one.release()


def put(folder: Path, files: Mapping[str, bytes], endpoints: str = "") -> Path:
    for name, data in files.items():
        path = folder / "processes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if endpoints:
        (folder / "endpoints.yaml").write_text(f"endpoints:\n{endpoints}", "utf-8")
    return folder


def told(folder: Path) -> list[str]:
    with pytest.raises(PlanError) as caught:
        build(folder, 1)
    return [str(problem) for problem in caught.value.problems]


def test_tables_stand_beside_functions(collect: Collect) -> None:
    found = collect(
        {"faq.csv": FAQ, "support/leave.csv": FAQ, "support/chat.py": SAY, ".~lock.faq.csv#": b"x", "~$faq.csv": b"x"}
    )
    assert found.problems == ()
    assert sorted(found.processes) == ["faq", "support.chat.say", "support.leave"]
    faq = found.processes["faq"]
    assert (faq.kind, faq.file, faq.line, faq.reply) == ("sync", "processes/faq.csv", 1, "text")
    assert (faq.places["message"], faq.places["return"]) == ((1, 7), (1, 15))
    assert found.tables["support.leave"].process.function(message="Привет") == "Привет!"


def test_a_change_of_a_table_changes_the_hash_and_its_digest(collect: Collect) -> None:
    before = collect({"faq.csv": FAQ, "other.csv": FAQ, "chat.py": SAY})
    after = collect({"faq.csv": FAQ + b"\r\n"})
    assert before.hash != after.hash
    changed = {name for name in before.digests if before.digests[name] != after.digests[name]}
    assert changed == {"faq"}
    assert {name for name in before.files if before.files[name] != after.files[name]} == {"processes/faq.csv"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("прайс.csv", '"прайс" cannot be part of the name of a process; rename it: names have Latin letters'),
        ("my prices.csv", 'rename it to "my_prices.csv"'),
        ("faq.csv.csv", 'rename it to "faq.csv"'),
        ("__init__.csv", '"__init__" cannot be part'),
        ("a-b/faq.csv", 'rename it to "a_b"'),
        ("FAQ.CSV", "rename it to FAQ.csv, and name it with the same letters: `process: FAQ`"),
    ],
)
def test_names_that_no_process_can_have(collect: Collect, name: str, words: str) -> None:
    (problem,) = collect({name: FAQ}).problems
    assert (problem.code, problem.file) == ("bad_table", f"processes/{name}")
    assert words in str(problem)


@pytest.mark.parametrize("code", [SAY, b"def broken(:\n"])
def test_a_table_and_a_python_file_of_one_name(collect: Collect, code: bytes) -> None:
    found = collect({"faq.csv": FAQ, "faq.py": code})
    (problem,) = [one for one in found.problems if one.file == "processes/faq.csv"]
    assert 'this file and processes/faq.py would both be "faq"; rename one of the two' in str(problem)
    assert "faq" not in found.processes


def test_a_table_and_a_function_of_one_name(collect: Collect) -> None:
    found = collect({"support.py": SAY, "support/say.csv": FAQ})
    (problem,) = found.problems
    assert 'this file and processes/support.py would both be "support.say"' in problem.message
    assert found.processes["support.say"].file == "processes/support.py"


def test_what_is_no_file_or_too_long(tmp_path: Path) -> None:
    put(tmp_path, {"long.csv": b"x" * 1_048_577})
    (tmp_path / "processes" / "gone.csv").symlink_to(tmp_path / "nothing")
    found = catalog.collect(tmp_path, 0, only_names=True)
    assert [(one.file, one.code) for one in found.problems] == [
        ("processes/gone.csv", "bad_table"),
        ("processes/long.csv", "bad_table"),
    ]
    assert "at most 1 MiB" in str(found.problems[1])


def test_a_broken_table_is_told_of_once(tmp_path: Path) -> None:
    broken = sheet("first | message | reply.text", "1 | Привет | {mesage}!", "rest | | ")
    put(tmp_path, {"faq.csv": broken}, "  a: {url: /ws/a, process: faq}\n  b: {url: /ws/b, process: faq}\n")
    assert told(tmp_path) == [
        'processes/faq.csv:2:10: C2: no column is called `mesage`; did you mean "message"? '
        "If that is the mistake, correct the head B1 [bad_table]"
    ]
    assert [str(one) for one in problems_of(tmp_path)[0]] == told(tmp_path)


@pytest.mark.parametrize(
    ("process", "files", "words"),
    [
        ("fak", {"faq.csv": FAQ}, 'did you mean "faq"? If not, there is no file processes/fak.csv'),
        ("prices", {"faq.csv": FAQ}, "there is no file processes/prices.csv; `jackfield new table prices` writes one"),
        ("faq.csv", {"faq.csv": FAQ}, "a table is named without .csv: faq"),
        ("processes.faq.csv", {"faq.csv": FAQ}, "a table is named without .csv: faq"),
        ("chat", {"chat.py": SAY}, "name a function of processes/chat.py: chat.say"),
        ("book", {"book.xlsx": b"PK"}, "save processes/book.xlsx as `CSV UTF-8`: processes/book.csv"),
        ("bot", {"bot.csv.csv": FAQ}, "rename processes/bot.csv.csv to bot.csv"),
        ("faq", {"faq.csv.txt": FAQ}, "rename processes/faq.csv.txt to faq.csv"),
        ("a.book", {"a/book.ods": b"PK"}, "save processes/a/book.ods as `CSV UTF-8`: processes/a/book.csv"),
        ("support.leaf", {"support/leave.csv": FAQ}, 'did you mean "support.leave"?'),
        ("processes.faq", {"faq.csv": FAQ}, 'did you mean "faq"?'),
    ],
)
def test_a_name_that_no_table_has(tmp_path: Path, process: str, files: dict[str, bytes], words: str) -> None:
    put(tmp_path, files, f"  a: {{url: /ws/a, process: {process}}}\n")
    (line,) = [line for line in told(tmp_path) if "[unknown_process]" in line]
    assert words in line


def test_a_path_parameter_that_cannot_be_one_is_told_at_its_head(tmp_path: Path) -> None:
    of = sheet("first | text | room.name | reply.text", "1 | | | да")
    put(tmp_path, {"faq.csv": of}, "  a: {url: '/ws/{room}', process: faq}\n")
    (line,) = told(tmp_path)
    assert line.startswith('processes/faq.csv:1:12: faq: parameter "room": it comes from the URL as one piece of text')
