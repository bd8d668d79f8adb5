"""One package per generation: fresh, side by side, and freed."""

from __future__ import annotations

import gc
import inspect
import json
import pickle
import subprocess
import sys
import traceback
import weakref
from pathlib import Path
from typing import Any

import pytest

from jackfield.process import catalog
from jackfield.process.catalog import Catalog
from tests.process.conftest import Collect, left_in_python, signature_of

SAY = "from jackfield import process\n"


def call(found: Catalog, name: str, **arguments: Any) -> Any:
    return found.processes[name].function(**arguments)


@pytest.mark.parametrize(
    ("statement", "expression"),
    [
        ("from .shared import x", "x"),
        ("from . import shared", "shared.x"),
        ("from processes.shared import x", "x"),
        ("from processes import shared", "shared.x"),
        ("import processes.shared", "processes.shared.x"),
        ("import processes.shared as s", "s.x"),
        ("import processes", "processes.shared.x"),
    ],
)
@pytest.mark.parametrize("lazily", [False, True])
def test_every_way_to_import_a_neighbour(collect: Collect, statement: str, expression: str, lazily: bool) -> None:
    top, inner = ("", statement) if lazily else (statement, "pass")
    code = f"{SAY}{top}\n@process\ndef say():\n    {inner}\n    return {expression}\n"
    first = collect({"shared.py": "x = 'первый'", "a.py": code})
    second = collect({"shared.py": "x = 'второй'"})
    assert first.problems == second.problems == ()
    # The generations live side by side; each goes on to see its own neighbours.
    assert call(first, "a.say") == "первый"
    assert call(second, "a.say") == "второй"
    assert call(first, "a.say") == "первый"
    first.release()
    second.release()
    assert left_in_python() == []


def test_neighbours_in_folders(collect: Collect) -> None:
    code = f"{SAY}from ..deep.er import y\nfrom processes import top\n@process\ndef say():\n    return y + top\n"
    found = collect({"__init__.py": "top = 'сверху'", "support/chat.py": code, "deep/er.py": "y = 'глубже '"})
    assert found.problems == ()
    assert call(found, "support.chat.say") == "глубже сверху"


def test_an_edit_within_the_same_second_is_seen(collect: Collect, tmp_path: Path) -> None:
    for number in range(5):
        code = f"{SAY}@process\ndef say():\n    return {number}\n"
        assert call(collect({"a.py": code}), "a.say") == number
    assert not list(tmp_path.rglob("__pycache__"))


def test_bytecode_is_not_written_where_python_would_write_it(tmp_path: Path) -> None:
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "a.py").write_text("import processes.b")
    (tmp_path / "processes" / "b.py").write_text("")
    program = (
        "import sys; sys.dont_write_bytecode = False\n"
        "from pathlib import Path\nfrom jackfield.process.catalog import collect\n"
        f"print(collect(Path({str(tmp_path)!r}), 1).problems)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ran.stdout.strip() == "()"
    assert not list(tmp_path.rglob("*.pyc"))


def test_module_variables_start_anew_and_installed_packages_stay(collect: Collect) -> None:
    code = SAY + "import json\nseen = []\n@process\ndef say():\n    seen.append(1)\n    return len(seen), json\n"
    first = collect({"a.py": code})
    assert call(first, "a.say") == (1, json)
    assert call(first, "a.say") == (2, json)
    assert call(collect(), "a.say") == (1, json)


def test_sys_path_is_left_alone(collect: Collect, tmp_path: Path) -> None:
    before = list(sys.path)
    collect({"a.py": "import sys\nassert not any('processes' in entry for entry in sys.path)"})
    assert sys.path == before


def test_what_is_written_after_the_snapshot_is_not_imported(collect: Collect, tmp_path: Path) -> None:
    found = collect({"a.py": SAY + "@process\ndef say():\n    from .late import x\n    return x\n"})
    (tmp_path / "processes" / "late.py").write_text("x = 1")
    with pytest.raises(ModuleNotFoundError, match=r"late"):
        call(found, "a.say")
    assert call(collect(), "a.say") == 1


def test_classes_can_be_pickled_and_hints_read(collect: Collect) -> None:
    code = (
        "from __future__ import annotations\n"
        + SAY
        + "import dataclasses, enum\n"
        + "class Colour(enum.Enum):\n    RED = 'красный'\n"
        + "@dataclasses.dataclass\nclass Car:\n    colour: Colour\n    next: Car | None = None\n"
        + "@process\ndef say():\n    return Car(Colour.RED, Car(Colour.RED))\n"
    )
    car = call(collect({"a.py": code}), "a.say")
    assert pickle.loads(pickle.dumps(car)) == car


def test_tracebacks_and_inspect_show_the_users_lines(collect: Collect, tmp_path: Path) -> None:
    found = collect({"a.py": SAY + "@process\ndef say():\n    # Привет\n    raise ValueError('беда')\n"})
    with pytest.raises(ValueError, match="беда") as caught:
        call(found, "a.say")
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.filename, last.lineno) == (str(tmp_path / "processes" / "a.py"), 5)
    assert last.line == "raise ValueError('беда')"
    assert "# Привет" in inspect.getsource(found.processes["a.say"].function)


def test_data_files_beside_the_modules(collect: Collect) -> None:
    code = (
        SAY
        + "import importlib.resources\nfrom pathlib import Path\n"
        + "@process\ndef say():\n"
        + "    near = Path(__file__).with_name('слова.txt').read_text(encoding='utf-8')\n"
        + "    return near + importlib.resources.files(__package__).joinpath('слова.txt').read_text('utf-8')\n"
    )
    found = collect({"sub/a.py": code, "sub/слова.txt": "да"})
    assert call(found, "sub.a.say") == "дада"


def test_a_released_generation_is_freed(collect: Collect) -> None:
    code = (
        SAY
        + "import typing, dataclasses, enum\n"
        + "@dataclasses.dataclass\nclass Car:\n    n: typing.Optional['Car'] = None\n"
        + "x = typing.Optional[Car]\ny = typing.List[Car]\n"
        + "@process\ndef say(car: typing.Union[Car, int]) -> list[Car]:\n    return [car]\n"
    )
    old = collect({"a.py": code})
    compiled = [signature_of(old, "a.say")]
    function = weakref.ref(old.processes["a.say"].function)
    module = weakref.ref(sys.modules[old.processes["a.say"].function.__module__])
    finders = len(sys.meta_path)
    old.release()
    old.release()
    assert len(sys.meta_path) == finders - 1
    assert not [name for name in list(sys.modules) if name.startswith("jackfield_generation_")]
    old.processes = {}
    compiled.clear()
    gc.collect()
    assert function() is None
    assert module() is None


def test_a_released_generation_still_finishes_its_calls(collect: Collect) -> None:
    found = collect({"a.py": SAY + "x = 'ещё'\n@process\ndef say():\n    return x\n"})
    function = found.processes["a.say"].function
    found.release()
    assert function() == "ещё"


def test_two_catalogs_of_one_number_do_not_meet(collect: Collect, tmp_path: Path) -> None:
    code = SAY + "@process\ndef say():\n    return {}\n"
    first = collect({"a.py": code.format(1)})
    (tmp_path / "processes" / "a.py").write_text(code.format(2))
    second = catalog.collect(tmp_path, 1)
    assert (call(first, "a.say"), call(second, "a.say")) == (1, 2)
    first.release()
    assert call(second, "a.say") == 2
    second.release()


def test_a_file_in_another_encoding(collect: Collect) -> None:
    text = "# -*- coding: cp1251 -*-\n" + SAY + "@process\ndef say():\n    return 'Привет'\n"
    assert call(collect({"a.py": text.encode("cp1251")}), "a.say") == "Привет"


POOL = """
import dataclasses, multiprocessing
from concurrent.futures import ProcessPoolExecutor
from jackfield import process
from .rate import RATE

@dataclasses.dataclass
class Order:
    sum: int

def work(order):
    return Order(order.sum * RATE)

pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context({method!r}))

@process
def say(sum: int):
    found = pool.submit(work, Order(sum)).result(20)
    assert type(found) is Order, "of the same generation"
    return found.sum
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_pools_of_two_generations_side_by_side(collect: Collect, tmp_path: Path, method: str) -> None:
    """Work and results are pickled by threads of the pool, in which no code of the project stands."""
    first = collect({"shop/order.py": POOL.format(method=method), "shop/rate.py": "RATE = 10\n"})
    second = collect({"shop/rate.py": "RATE = 100\n"})
    (tmp_path / "processes" / "shop" / "rate.py").write_text("a file that is being written")

    def sums(*of: Catalog) -> list[int]:
        return [call(found, "shop.order.say", sum=2) for found in of or (first, second)]

    try:
        assert sums() == [20, 200], "before the second is live: its resources are opened then"
        second.go_live()
        assert sums() == [20, 200]
        first.release()
        assert sums(second) == [200]
    finally:
        for found in (first, second):
            found.processes["shop.order.say"].function.__globals__["pool"].shutdown()
