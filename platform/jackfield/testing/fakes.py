"""Which resource a test means: by its name, or by its function."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jackfield.process.declare import resource_marked
from jackfield.process.resources import Resource
from jackfield.similar import did_you_mean

__all__ = ["by_name"]


def by_name(fakes: Mapping[Any, Any], used: Sequence[Resource], folder: Path) -> dict[str, Any]:
    """The fakes by the names of the resources that they stand for.

    A key is a name, "shared.database", or the function itself as the test imports it: the project's modules are
    loaded anew for each test, so a function is known by its file and its name. Raises ValueError for a key that
    stands for no resource that an endpoint uses.
    """
    names = [resource.name for resource in used]
    found = {}
    for key, fake in fakes.items():
        name = key if isinstance(key, str) else _name_of(key, used, folder)
        if name not in names:
            raise ValueError(_unknown(name, names))
        found[name] = fake
    return found


def _name_of(function: Any, used: Sequence[Resource], folder: Path) -> str:
    if not resource_marked(function):
        raise ValueError(f"resources: a key is a @resource function or its name, not {function!r}")
    code = inspect.unwrap(function).__code__
    file = Path(code.co_filename).resolve()
    for resource in used:
        if (folder / resource.file).resolve() == file and resource.name.rpartition(".")[2] == function.__name__:
            return resource.name
    return str(function.__name__)


def _unknown(name: str, names: Sequence[str]) -> str:
    same_end = [known for known in names if known.rpartition(".")[2] == name.rpartition(".")[2]]
    meant = f'did you mean "{same_end[0]}"?' if same_end else did_you_mean(name, names)
    hint = meant or f"these are: {', '.join(names) or 'none'}"
    return f'resources: "{name}" is no resource that an endpoint of this project uses; {hint}'
