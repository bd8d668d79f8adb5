"""The one table of the names that libraries do not promise: whole, and missed where one is gone."""

from __future__ import annotations

import ast
import dis
import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from jackfield.server.node import listener, uvicorn_server
from jackfield.server.wire import eviction, fragments, head, http1, patched, private_names
from tests.house.habits import PACKAGE, tree_of
from tests.projects import write

OURS = {  # our classes that stand on one of a library, with the files that their parents of ours are in
    "uvicorn.protocols.websockets.websockets_sansio_impl:WebSocketsSansIOProtocol": (
        patched.PatchedProtocol,
        ["wire/patched", "wire/reading"],
    ),
    "uvicorn.protocols.http.h11_impl:H11Protocol": (http1.HttpProtocol, ["wire/http1"]),
    "uvicorn.server:Server": (uvicorn_server.Server, ["node/uvicorn_server"]),
    "uvicorn.server:ServerState": (eviction.SharedState, ["wire/eviction"]),
    "h11._receivebuffer:ReceiveBuffer": (head._StrictBuffer, ["wire/head"]),
    "websockets.server:ServerProtocol": (fragments.Machine, ["wire/fragments"]),
}
OF_ASYNCIO = {"data_received", "eof_received"}


def promised_by_nobody(place: str) -> set[str]:
    """What a class of a library has or assigns, special names apart."""
    module, _, name = place.partition(":")
    kind = getattr(import_module(module), name)
    steps = (code for code in private_names._methods(kind))
    assigned = {step.argval for code in steps for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"}
    return {one for one in {*dir(kind), *assigned} if not one.startswith("__")}


def attributes(path: Path, owner: list[str]) -> Iterator[str]:
    """Each name that is asked of `self`, `super()` or what `owner` adds to them, and each method that is overridden."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute) and chain(node.value) in (["self", *owner], ["super", *owner], owner):
            yield node.attr
        elif isinstance(node, ast.ClassDef) and not owner:
            yield from (one.name for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def chain(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [*chain(node.value), node.attr]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return [node.func.id]
    return [node.id] if isinstance(node, ast.Name) else [""]


def test_nothing_is_missing_of_what_is_installed() -> None:
    assert private_names.missing() == []


@pytest.mark.parametrize("place", OURS)
def test_every_name_that_our_classes_use_stands_in_the_table(place: str) -> None:
    _, files = OURS[place]
    used = {name for file in files for name in attributes(PACKAGE / "server" / f"{file}.py", [])}
    assert used & promised_by_nobody(place) - set(private_names.BORROWED[place].split()) == set()


@pytest.mark.parametrize(
    ("place", "files"),
    [
        ("websockets.server:ServerProtocol", ["wire/fragments", "wire/opening", "wire/patched", "wire/reading"]),
        ("h11:Connection", ["wire/http1"]),
    ],
)
def test_every_name_of_their_machine_stands_in_the_table(place: str, files: list[str]) -> None:
    used = {name for file in files for name in attributes(PACKAGE / "server" / f"{file}.py", ["conn"])}
    assert used & promised_by_nobody(place) - set(private_names.BORROWED[place].split()) == set()


@pytest.mark.parametrize("place", private_names.BORROWED)
def test_a_class_that_is_gone_is_missed(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _, name = place.partition(":")
    monkeypatch.delattr(f"{module}.{name}")
    assert private_names.missing() == [f"{module}.{name}"]


def test_a_module_that_is_gone_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn.protocols.http.h11_impl", None)  # to import it fails now
    gone = "uvicorn.protocols.http.h11_impl."
    assert private_names.missing() == [f"{gone}H11Protocol", f"{gone}RequestResponseCycle"]


def test_each_method_that_is_gone_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0
    for place, names in private_names.BORROWED.items():
        module, _, kind = place.partition(":")
        for name in names.split():
            if inspect.isfunction(vars(getattr(import_module(module), kind)).get(name)):
                with monkeypatch.context() as patch:
                    patch.delattr(f"{module}.{kind}.{name}")
                    if not any(hasattr(one, name) for one in getattr(import_module(module), kind).__mro__):
                        seen += 1
                        assert f"{module}.{kind}.{name}" in private_names.missing()
    assert seen > 30


def test_an_attribute_that_no_method_assigns_any_more_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ModuleType("made")
    text = """
class Kind:
    def __init__(self):
        self.one = self.two_renamed = 1

    def use(self):
        self.three = self.two_renamed
"""
    exec(text, made.__dict__)
    monkeypatch.setitem(sys.modules, "made", made)
    monkeypatch.setattr(private_names, "BORROWED", {"made:Kind": "one two three use"})
    assert private_names.missing() == ["made.Kind.two"]


def test_what_needs_the_table_is_loaded_by_the_listener_alone_and_late() -> None:
    """So that a missing name is a line in the log and no ImportError."""
    standing = {
        "node.uvicorn_server",
        "wire.reading",
        "wire.writing",
        "wire.fragments",
        "wire.patched",
        "wire.opening",
        "wire.http1",
        "wire.head",
    }
    standing |= {"wire.eviction", "wire.tls"}
    code = "import sys, jackfield.cli.serve; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {f"jackfield.server.{name}" for name in standing} & set(done.stdout.split())
    assert listener.__name__ in done.stdout.split()


MOUNTED = """
import sys

for gone in ("uvicorn", "h11"):
    sys.modules[gone] = None  # to import it fails now
import websockets.frames

del websockets.frames.apply_mask
import jackfield
from starlette.testclient import TestClient

with TestClient(jackfield.application(sys.argv[1])) as client:
    with client.websocket_connect("/ws/greeting") as socket:
        socket.send_text('{"message": "Привет"}')
        assert socket.receive_json() == {"message": "Привет!"}
    asked = {"upgrade": "websocket", "connection": "upgrade", "sec-websocket-version": "13"}
    asked["sec-websocket-key"] = "short"
    assert client.get("/ws/greeting", headers=asked).json()["detail"] == "invalid Sec-WebSocket-Key header."
"""


def test_an_application_needs_none_of_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        "endpoints: {greeting: {url: /ws/greeting, process: greeting.answer, auth: public}}",
        greeting='from jackfield import process\n\n\n@process(reply="message")\ndef answer(message: str) -> str:\n'
        '    return f"{message}!"\n',
    )
    command = [sys.executable, "-X", "utf8", "-c", MOUNTED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
