"""Imports go down one table of floors; peers on a floor do not know each other; nothing is imported later."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter

from tests.house.habits import PACKAGE, sources, tree_of

FLOORS = [
    {"errors", "files", "masking", "recent", "similar"},
    {
        "addresses",
        "beginnings",
        "bodies",
        "claim_paths",
        "clocks",
        "github_annotations",
        "identity",
        "logs",
        "messages",
        "origins",
        "schema",
        "state",
        "tasks",
    },
    {"groups"},
    {"auth", "config", "process", "stdio"},
    {"routing"},
    {"describe"},
    {"server"},
    {"testing"},
    {"cli"},  # `jackfield test` runs examples with what process authors have in `testing`
    {"", "__main__"},  # the public surface, which processes import and we do not
]
OF_SERVER = [
    {"answers", "asgi", "editing", "generation", "options", "outboxes", "unmatched"},
    {"observe"},
    {"cookie", "request"},
    {"live", "refusal"},
    {"histories", "members", "refusals", "status", "wire"},
    {"connection"},
    {"console", "feeds", "joining"},
    {"handshake"},
    {"web"},
    {"gateway"},
    {"publish"},
    {"node"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
SERVER_FLOOR = {f"server.{room}": number for number, rooms in enumerate(OF_SERVER) for room in rooms}

MODULES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sources(PACKAGE)}
NAMES = {name.removesuffix("__init__").rstrip(".") for name in MODULES}


def imported(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    """Each import of ours with the module that it means, wherever it stands: TYPE_CHECKING blocks count."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, name.name.removeprefix("jackfield.")) for name in node.names if is_ours(name.name))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            if is_ours(node.module or ""):
                parent = (node.module or "").removeprefix("jackfield").lstrip(".")
                below = (f"{parent}.{name.name}".lstrip(".") for name in node.names)
                yield from ((node, name if name in NAMES else parent) for name in below)


def is_ours(name: str) -> bool:
    return name.partition(".")[0] == "jackfield"


def test_every_room_has_a_floor() -> None:
    assert {name.partition(".")[0] for name in NAMES} <= FLOOR.keys()


def test_imports_go_down_only() -> None:
    wrong = []
    for name, path in MODULES.items():
        room = name.removesuffix("__init__").partition(".")[0]
        for node, target in imported(tree_of(path)):
            other = target.partition(".")[0]
            version = other == "" and room == "cli"  # `--version` is reported by the package itself
            if other != room and FLOOR[other] >= FLOOR[room] and not version:
                wrong.append(f"{name}:{node.lineno} imports {target}")
    assert wrong == []


def server_room(name: str) -> str:
    return ".".join(name.split(".")[:2])


def test_imports_in_the_server_go_down_only() -> None:
    wrong = []
    inside = {name: path for name, path in MODULES.items() if name.startswith("server.") and name != "server.__init__"}
    assert {server_room(name) for name in inside} == SERVER_FLOOR.keys()
    for name, path in inside.items():
        room = server_room(name)
        for node, target in imported(tree_of(path)):
            other = server_room(target)
            if target.startswith("server.") and other != room and SERVER_FLOOR[other] >= SERVER_FLOOR[room]:
                wrong.append(f"{name}:{node.lineno} imports {target}")
    assert wrong == []


def test_no_module_waits_for_itself() -> None:
    """Not for its types either: there is no TYPE_CHECKING block whose imports go up."""
    graph = {
        name.removesuffix(".__init__"): {target for _, target in imported(tree_of(path)) if target}
        for name, path in MODULES.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the way


def test_nothing_is_imported_inside_a_function() -> None:
    wrong = []
    for name, path in MODULES.items():
        functions = [n for n in ast.walk(tree_of(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        inner = (node for function in functions for node in ast.walk(function))
        wrong += [f"{name}:{n.lineno}" for n in inner if isinstance(n, ast.Import | ast.ImportFrom)]
    assert wrong == []


def test_only_the_lazy_doors_load_by_name() -> None:
    names = {name for name, path in MODULES.items() if "import_module(" in path.read_text("utf-8")}
    assert names <= {
        "__init__",
        "auth.authorities",  # what checks tokens of a provider
        "cli.__init__",
        "cli.refusals",  # the store, where no server runs that could be asked
        "process.python.package",
        "server.wire.private_names",
        "server.node.listener",
        "server.observe.tracing",
    }
