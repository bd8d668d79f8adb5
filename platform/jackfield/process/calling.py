"""The only place from which code of the project is called while it is loaded.

Strategy. Imports, hints, defaults, decorators, `__eq__` of whatever a module holds: all of it is the author's code, and
may call sys.exit as well as raise. So it is called through `call`, and whatever it raises, KeyboardInterrupt and
GeneratorExit included, comes out as Raised. A stack shows whether a thread is inside: there, and nowhere else, may an
exception be set in it from outside (see server/publish/breaking.py).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from types import FrameType
from typing import ParamSpec, TypeVar

__all__ = ["Raised", "call", "inside", "one_line"]

P = ParamSpec("P")
T = TypeVar("T")

_LONGEST = 300  # characters of what an exception says


class Raised(Exception):
    """Code of the project raised `exc`, whatever that is."""

    def __init__(self, exc: BaseException) -> None:
        self.exc = exc
        super().__init__()


def call(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function gives. Raises Raised for all that it raises, and nothing else."""
    try:
        return function(*args, **kwargs)
    except Raised:
        raise
    except BaseException as exc:  # noqa: BLE001 - the author's code, which may even call sys.exit
        raise Raised(exc) from None


def inside(frame: FrameType | None) -> list[FrameType]:
    """The frames of code of the project that was called from here, `frame` first; none where it was not."""
    found: list[FrameType] = []
    while frame is not None and frame.f_code is not call.__code__:
        found.append(frame)
        frame = frame.f_back
    return [] if frame is None else found


def one_line(exc: BaseException) -> str:
    """An exception as one line. Its class may have a `__str__` of its own, which may raise what it likes."""
    try:
        text = " ".join(traceback.format_exception_only(exc)[-1].split())
    except BaseException:  # noqa: BLE001 - the author's code
        return "an exception that fails when it is asked what it says"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
