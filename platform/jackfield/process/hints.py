"""Type hints: from what stands in the file to msgspec's description of a type, or a sentence why not."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import inspect as mi

from jackfield.process.calling import Raised, call, said

__all__ = ["Unsupported", "members", "optional_of", "readable", "resolve", "split", "type_of"]


class Unsupported(Exception):
    """A hint that cannot be used; the text says why, `hint` how to mend it."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


def resolve(function: Callable[..., Any], hint: Any) -> Any:
    """A hint of `function` with every text in it made a type, as the function's module knows the names.

    Raises Unsupported for what cannot be resolved; evaluating a hint runs the author's text.
    """
    inner = inspect.unwrap(function)
    scope = {parameter.__name__: parameter for parameter in getattr(inner, "__type_params__", ())}
    holder = types.SimpleNamespace(__annotations__={"hint": hint})
    names = getattr(inner, "__globals__", {})
    try:
        found: Any = call(typing.get_type_hints, holder, names, scope or None, include_extras=True)["hint"]
    except Raised as raised:
        exc = raised.exc
        if isinstance(exc, NameError):
            where = "import it where the program runs too, not only under `if TYPE_CHECKING:`"
            raise Unsupported(f'the hint {readable(hint)} names "{exc.name}", which is not there', where) from None
        raise Unsupported(f"the hint {readable(hint)} cannot be used: {_said(exc)}") from None
    return found


def split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """A hint without its `Annotated`, and what stood in it."""
    return (hint.__origin__, hint.__metadata__) if get_origin(hint) is Annotated else (hint, ())


def optional_of(hint: Any) -> Any:
    """The T of `T | None`, and any other hint as it is."""
    if get_origin(hint) in (typing.Union, types.UnionType):
        rest = [part for part in get_args(hint) if part is not type(None)]
        if len(rest) == 1:
            return rest[0]
    return hint


def type_of(hint: Any) -> mi.Type:
    """msgspec's description of a hint. Raises Unsupported with msgspec's reason when it cannot carry it."""
    if get_origin(hint) is typing.Unpack:
        raise Unsupported(f"JSON cannot carry {readable(hint)}", "write its keys as parameters")
    try:
        call(msgspec.json.Decoder, hint)
        return call(mi.type_info, hint)
    except Raised as raised:
        exc = raised.exc
        if isinstance(exc, NameError):
            raise Unsupported(f'{readable(hint)} names "{exc.name}", which is not there') from None
        if isinstance(exc, RecursionError):
            raise Unsupported(f"{readable(hint)} has no end", "use a dataclass for what holds itself") from None
        raise Unsupported(f"{readable(hint)} cannot be used: {_first(_said(exc))}") from None


def members(kind: mi.Type) -> Iterator[mi.Type]:
    """The types that a union is made of, or the type itself; what is written around them is taken off."""
    while isinstance(kind, mi.Metadata):
        kind = kind.type
    if isinstance(kind, mi.UnionType):
        for part in kind.types:
            yield from members(part)
    else:
        yield kind


def readable(hint: Any) -> str:
    """A hint as a person would write it, in backquotes."""
    if isinstance(hint, str):
        return f"`{hint}`"
    if isinstance(hint, type) and not get_args(hint):
        return f"`{hint.__qualname__}`"
    text = _shorten(repr(hint), _modules(hint))
    return f"`{text if len(text) <= 80 else text[:79] + '…'}`"


def _modules(hint: Any) -> Mapping[str, str]:
    """The modules that a hint's parts come from, longest first, for their names to be left out."""
    found = {"typing", "collections.abc", "builtins"}
    waiting = [hint]
    while waiting:
        part = waiting.pop()
        if isinstance(getattr(part, "__module__", None), str):
            found.add(part.__module__)
        waiting += [argument for argument in get_args(part) if not isinstance(argument, str)]
    return {name + ".": "" for name in sorted(found, key=len, reverse=True)}


def _shorten(text: str, parts: Mapping[str, str]) -> str:
    for old, new in parts.items():
        text = text.replace(old, new)
    return text


def _said(exc: BaseException) -> str:
    """What an exception says; sys.exit and its like say too little without their names."""
    return str(exc) if isinstance(exc, Exception) else said(exc)


def _first(text: str) -> str:
    # The tail repeats the hint, with the module names that only we use.
    return text.strip().partition("\n")[0].partition(" - type `")[0].rstrip(".:")
