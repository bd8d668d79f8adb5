"""Spawned processes of a project (`multiprocessing`, ProcessPoolExecutor) know its modules as the server does.

Strategy. A spawned process begins with Python alone and reads its task as a pickle, in which functions of the project
have their names. So `multiprocessing` passes on the sources of the calling generation, with the settings that every
process inherits from its parent; they are read first, and found there as here (package.py). The files may have changed
since, and need not be where Python looks for modules.
"""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import process
from typing import Any

__all__ = ["hand_on"]

_KEY = "jackfield"


class _Handed:
    """An entry among the settings of a process; unpickling it makes the child call `receive`."""

    def __init__(self, receive: Callable[..., Any], chosen: Callable[[], tuple[Any, ...] | None]) -> None:
        self._receive = receive
        self._chosen = chosen

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        chosen = self._chosen()
        return (str, ()) if chosen is None else (self._receive, chosen)


def hand_on(receive: Callable[..., Any], chosen: Callable[[], tuple[Any, ...] | None]) -> object:
    """Have each process that is spawned call `receive` with what `chosen` gives then; None means no call."""
    settings: dict[str, Any] = process.current_process()._config  # type: ignore[attr-defined]  # inherited by children
    return settings.setdefault(_KEY, _Handed(receive, chosen))
