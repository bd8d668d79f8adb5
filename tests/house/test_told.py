"""What the documents tell people to type, to set and to expect is what the program takes and the benchmark found."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from jackfield.cli import main
from jackfield.config.editor_schema import plain
from jackfield.server.wire.transport import ROOM, STALL
from tests.house.habits import EXAMPLES, PACKAGE, ROOT
from tests.house.test_docs import PAGES, read
from tests.walk.conftest import Server, write

# usage lines of a made page, and versions that are history
TYPED = [page for page in PAGES if page.name not in ("commands.md", "changelog.md")]
COPIED = sorted(EXAMPLES.glob("*/README.md"))
CODE = re.compile(r"```.*?\n(.*?)```|`([^`\n]+)`", re.DOTALL)
COMMAND = re.compile(
    r"(?<![\w./@-])(?<!-[a-z] )(?<!--only )(?<!from )(?:[\w./-]*/)?jackfield (?!jackfield)(?=[a-z-])(.*)"
)
END = {"|", "||", "&&", ";", ">", ">>", "<", "2>&1", "&"}
DATA = "…"


def lines(page: Path) -> Iterator[str]:
    """Each line of code in a page, as a shell has it: what ends in a backslash goes on."""
    for block, inline in CODE.findall(page.read_text("utf-8")):
        yield from (block or inline).replace("\\\n", " ").splitlines()


def typed(page: Path) -> Iterator[list[str]]:
    """The words behind `jackfield` of each command line in a page."""
    for line in lines(page):
        for called in re.findall(r'\["(?:[^"]*/)?jackfield"(?:, "[^"]*")*\]', line):
            yield json.loads(called)[1:]
        for inner in [*re.findall(r"\$\(([^()]*)\)", line), re.sub(r"\$\([^()]*\)", "VALUE", line)]:
            found = COMMAND.search(inner)
            if found is not None:
                yield from _commands(found[1])


def _commands(text: str) -> Iterator[list[str]]:
    reader = shlex.shlex(text, posix=True, punctuation_chars="|&;<>")
    reader.whitespace_split = True
    words: list[str] = []
    try:
        for word in reader:
            if word in END:
                break
            words.append(word)
    except ValueError:  # a quote that began before the command: `su jackfield -c 'jackfield status'`
        yield from _commands(text.rstrip()[:-1])
        return
    if words and DATA not in words:
        yield words


def fault(words: list[str]) -> str:
    """Why the program does not take these words, by its own parser; nothing is carried out."""
    command: click.Command = main
    context: click.Context | None = None
    name = "jackfield"
    try:
        while True:
            context = command.make_context(name, list(words), parent=context)
            if not isinstance(command, click.Group):
                return ""
            rest = [*context._protected_args, *context.args]
            if not rest:
                return ""
            found, below, words = command.resolve_command(context, rest)
            assert below is not None
            name, command = found or "", below
    except click.exceptions.Exit:  # --help and --version
        return ""
    except click.MissingParameter as error:
        return "" if len(words) == 0 else error.format_message()  # `jackfield call` in a sentence means the command
    except click.UsageError as error:
        return "" if isinstance(error, click.exceptions.NoArgsIsHelpError) else error.format_message()


@pytest.mark.parametrize("page", [*TYPED, *COPIED], ids=lambda page: f"{page.parent.name}/{page.name}")
def test_every_command_line_is_one_that_the_program_takes(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    wrong = [(" ".join(words), reported) for words in typed(page) if (reported := fault(words))]
    assert wrong == []


def test_the_command_lines_are_seen() -> None:
    found = [words for page in TYPED for words in typed(page)]
    assert len(found) > 70
    assert ["call", "/ws/greeting", '{"message": "Привет"}', "--token", "VALUE"] in found
    assert ["serve"] in found


def test_a_command_line_that_is_none_is_reported() -> None:
    assert "--store" in fault(["call", "--store", "sqlite:///x.db", "/ws/a"])
    assert "there is no command" in fault(["serv"])
    assert fault(["users", "add", "anna", "--role", "support"]) == ""


def options() -> set[str]:
    names: set[str] = set()
    waiting: list[click.Command] = [main]
    while waiting:
        command = waiting.pop()
        names |= {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        waiting += command.commands.values() if isinstance(command, click.Group) else ()
        if isinstance(command, click.Group):
            context = click.Context(command)
            waiting += [one for name in command.list_commands(context) if (one := command.get_command(context, name))]
    return names | {"--help", "--version", "-h"}


def test_every_option_that_stands_alone_exists() -> None:
    """An option in a sentence, `--behind-proxy`, is one of ours, or known to be another program's."""
    known = options()
    reported = ((page.name, re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)) for page in TYPED)
    found = [(name, one) for name, text in reported for one in re.findall(r"`(--[a-z][a-z-]*)[^`\n]*`", text)]
    assert [(name, one) for name, one in found if one not in known | OTHERS] == []


OTHERS = {
    "--ulimit",
    "--import-mode",
    "--out",
    "--show",
    "--stop-timeout",
    "--folder",
}  # of docker, of pytest, of the benchmark


def keys() -> dict[str, set[str]]:
    defs = plain()["$defs"]
    rooms = {"limits": "limits", "auth": "signIn", "defaults": "endpoint"}
    found = {name: set(defs[room]["properties"]) for name, room in rooms.items()}
    found["auth.jwt"] = set(defs["provider"]["properties"])
    return found


@pytest.mark.parametrize("page", TYPED, ids=lambda page: page.name)
def test_every_setting_of_the_file_that_is_named_exists(page: Path) -> None:
    known = keys()
    found = re.findall(r"`(auth\.jwt|limits|auth|defaults)\.([a-z_]+)[`:]", page.read_text("utf-8"))
    assert [f"{room}.{key}" for room, key in found if key not in known[room]] == []


# figures

PERFORMANCE = read("performance.md")


def idle() -> float:
    """KiB of an idle connection, the median of the benchmark's table."""
    row = re.search(r"### idle\n.*?\| Jackfield, everything on \| [\d.]+ \(([\d.]+)\)", PERFORMANCE, re.DOTALL)
    assert row is not None
    return float(row[1])


def prose(page: Path) -> str:
    return re.sub(r"<!-- figures.*?<!-- end of figures -->", "", page.read_text("utf-8"), flags=re.DOTALL)


def test_the_memory_of_a_connection_is_that_of_the_table() -> None:
    said = []
    for page in TYPED:
        text = prose(page)
        said += re.findall(r"(\d+) KiB or so for each (?:idle )?connection|KiB of an idle one: at (\d+) KiB", text)
    reported = [int(one or other) for one, other in said]
    assert len(reported) == 2
    assert set(reported) == {round(idle())}
    assert f"10,000 connections are some {round(idle()) * 10} MiB" in " ".join(PERFORMANCE.split())


def test_the_memory_of_a_server_is_said_alike_everywhere() -> None:
    assert servers() == [78, 78]


def servers() -> list[int]:
    found = [
        re.findall(r"beside the (\d+) MiB or so|Some (\d+) MiB, and", " ".join(prose(page).split())) for page in TYPED
    ]
    return [int(one or other) for page in found for one, other in page]


@pytest.mark.walk
def test_the_memory_of_a_server_is_what_is_said(tmp_path: Path) -> None:
    write(tmp_path, endpoints="endpoints: {a: {url: /ws/a, process: p.f}}\n", p=PROCESS)
    server = Server(tmp_path)
    try:
        mebibytes = server.memory() / (1 << 20)
    finally:
        server.stop()
    assert 0.75 < mebibytes / servers()[0] < 1.25


PROCESS = "from jackfield import process\n@process\ndef f(text: str) -> None: ...\n"


def test_what_is_reported_of_clients_that_do_not_read_is_what_is_done() -> None:
    row = re.search(
        r"\| a client that takes no replies \| (\d+) KiB wait, .*; (\d+) s \| closed 4408 \|", read("protocol.md")
    )
    assert row is not None
    assert (int(row[1]) * 1024, float(row[2])) == (ROOM, STALL)


@pytest.mark.parametrize("page", TYPED, ids=lambda page: page.name)
def test_a_bound_that_can_be_set_is_called_by_its_setting(page: Path) -> None:
    """1 MiB of replies is the default of `limits.queue`, and no law."""
    about = re.compile(r"\breply|\bmore than 1 MiB|gave back|not read")
    bare = [line for line in prose(page).splitlines() if "1 MiB" in line and about.search(line)]
    assert [line for line in bare if "limits.queue" not in line] == []


def test_nobody_is_reported_to_install_what_no_index_has() -> None:
    bare = re.compile(r"pip install (?:-\S+ )*'?jackfield(?!\[|-)")
    texts = [*TYPED, *PACKAGE.rglob("*.py")]
    assert [path.name for path in texts if bare.search(path.read_text("utf-8"))] == []
