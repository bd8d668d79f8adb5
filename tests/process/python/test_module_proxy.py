"""Modules have the names that their authors gave them, in each generation, and each generation finds its own."""

from __future__ import annotations

import importlib
import logging
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jackfield.process.catalog import Catalog
from jackfield.process.python.module_proxy import ModuleProxy
from tests.process.conftest import Collect, Projects, left_in_python, signature_of

SAY = "from jackfield import process\n"
CAR = SAY + (
    "import dataclasses, pickle, typing\n"
    "@dataclasses.dataclass\nclass Car:\n    number: int\n    next: typing.Optional['Car'] = None\n"
    "def kept():\n    return pickle.dumps(Car(7))\n"
    "def read(data):\n    return type(pickle.loads(data)) is Car\n"
    "@process\ndef say(car: Car): ...\n"
)


def of(found: Catalog, name: str) -> dict[str, Any]:
    """The variables of the module in which a process is."""
    names: dict[str, Any] = found.processes[name].function.__globals__
    return names


def test_a_module_is_called_the_same_in_each_generation(collect: Collect, tmp_path: Path) -> None:
    code = SAY + "import logging\nlog = logging.getLogger(__name__)\nclass Order: ...\n@process\ndef say(): ...\n"
    first = of(collect({"shop/order.py": code}), "shop.order.say")
    second = of(collect(), "shop.order.say")
    for names in (first, second):
        assert names["__name__"] == names["Order"].__module__ == names["__spec__"].name == "processes.shop.order"
        assert names["__package__"] == names["__spec__"].parent == "processes.shop"
        assert names["say"].__module__ == "processes.shop.order"
        assert names["__file__"] == str(tmp_path / "processes" / "shop" / "order.py")
    assert first["log"] is second["log"] is logging.getLogger("processes.shop.order")
    assert first["Order"] is not second["Order"]


def test_pickles_of_one_generation_are_read_by_the_next_and_while_it_is_loaded(collect: Collect) -> None:
    first = of(collect({"a.py": CAR}), "a.say")
    second_catalog = collect()
    second = of(second_catalog, "a.say")
    second_catalog.go_live()
    for names in (first, second):
        assert names["read"](first["kept"]())
        assert names["read"](second["kept"]())
    with ThreadPoolExecutor(1) as elsewhere:
        read = elsewhere.submit(pickle.loads, first["kept"]()).result(5)
    assert type(read) is second["Car"], "nobody of a generation asks: what is live answers"


def test_hints_are_those_of_the_own_generation(collect: Collect) -> None:
    first_catalog = collect({"a.py": CAR})
    first_catalog.go_live()
    second_catalog = collect()
    for found in (first_catalog, second_catalog):
        with found.loading():
            compiled = signature_of(found, "a.say")
        message = compiled.decode(b'{"car": {"number": 1, "next": {"number": 2}}}')
        (car,) = [value for name in message.__struct_fields__ if (value := getattr(message, name)) is not None]
        assert type(car) is type(car.next) is of(found, "a.say")["Car"]


@pytest.mark.parametrize(
    "dynamic",
    [
        "importlib.import_module('processes.b').x",
        "importlib.import_module('.b', __package__).x",
        "__import__('processes.b').b.x",
        "sys.modules['processes.b'].x",
    ],
)
def test_what_is_imported_by_a_text_is_of_the_own_generation(collect: Collect, dynamic: str) -> None:
    code = SAY + f"import importlib, sys\nfrom . import b\n@process\ndef say():\n    return {dynamic}\n"
    first = collect({"a.py": code, "b.py": "x = 1\n"})
    first.go_live()
    second = collect({"b.py": "x = 2\n"})
    second.go_live()
    assert [found.processes["a.say"].function() for found in (first, second)] == [1, 2]


def test_a_module_is_imported_by_a_text_before_its_turn_comes(collect: Collect) -> None:
    code = SAY + "import importlib\nb = importlib.import_module('processes.b')\n@process\ndef say():\n    return b.x\n"
    for number in (1, 2):
        found = collect({"a.py": code, "b.py": f"x = {number}\n"})
        assert found.problems == ()
        assert found.processes["a.say"].function() == number


def test_a_thread_of_the_project_finds_its_own(collect: Collect) -> None:
    code = SAY + "import importlib\n@process\ndef say(f): f.append(importlib.import_module('processes.a').x)\n"
    first = collect({"a.py": code + "x = 1\n"})
    collect({"a.py": code + "x = 2\n"}).go_live()
    found: list[int] = []
    thread = threading.Thread(target=first.processes["a.say"].function, args=(found,))
    thread.start()
    thread.join(5)
    assert found == [1]


def test_neighbours_in_a_circle(collect: Collect) -> None:
    collect().go_live()
    for number in (1, 2):
        found = collect(
            {
                "a.py": SAY + f"from . import b\nx = {number}\n@process\ndef say():\n    return b.read()\n",
                "b.py": "from . import a\nimport processes.a as too\ndef read():\n    return a.x, too.x\n",
            }
        )
        assert found.problems == ()
        assert found.processes["a.say"].function() == (number, number)


def test_a_refused_generation_leaves_the_names_to_the_live_one(collect: Collect) -> None:
    live = collect({"a.py": CAR})
    live.go_live()
    collect({"a.py": CAR + "1 / 0\n", "new.py": "x = 1\n"}).release()
    assert importlib.import_module("processes.a").Car is of(live, "a.say")["Car"]
    assert "processes.new" not in sys.modules


def test_two_projects_in_one_program(projects: Projects) -> None:
    found = projects(CAR)
    for project in found:
        project.go_live()
    for project in found:
        assert of(project, "a.say")["read"](of(project, "a.say")["kept"]())
    for project in found:
        project.release()
    assert left_in_python() == []


def test_what_had_the_name_before_keeps_it(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that imports `processes.a` by itself, and opens a Client besides."""
    theirs = ModuleType("processes.a")
    theirs.Car = int  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "processes.a", theirs)
    found = collect({"a.py": CAR})
    assert importlib.import_module("processes.a").Car is int
    assert of(found, "a.say")["read"](of(found, "a.say")["kept"]())
    found.release()
    assert sys.modules["processes.a"] is theirs


def test_what_stands_in_is_a_module_like_any_other(collect: Collect) -> None:
    found = collect({"a.py": CAR})
    module = sys.modules["processes.a"]
    assert type(module) is ModuleProxy
    assert "Car" in dir(module)
    assert "processes.a" in repr(module)
    module.Car = str  # as a test patches it
    assert of(found, "a.say")["Car"] is str
    del module.Car
    assert "Car" not in of(found, "a.say")
    found.release()
    with pytest.raises(AttributeError):
        _ = module.Car
