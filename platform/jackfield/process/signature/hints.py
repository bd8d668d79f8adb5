"""Type hints: from what stands in the file to msgspec's description of a type, or a sentence why not."""

from __future__ import annotations

import inspect
import types
import typing
from collections import abc
from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import inspect as mi

from jackfield.process.calling import Raised, call, one_line
from jackfield.process.suggestions import annotation_fix, call_fix, is_pydantic, union_fix, value_fix

__all__ = ["Unsupported", "flat", "members", "optional_of", "readable", "resolve", "split", "type_of"]


class Unsupported(Exception):
    """A hint that cannot be used; the text says why, `hint` how to fix it."""

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
        fix = call_fix(hint) if isinstance(hint, str) and isinstance(exc, TypeError) else ""
        raise Unsupported(f"the hint {readable(hint)} cannot be used: {_said(exc)}", fix) from None
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
        if not call(_is_mixed, hint):
            call(msgspec.json.Decoder, hint)
            kind = call(mi.type_info, hint)
            call(_refuse_unread, hint)
            return kind
    except Raised as raised:
        exc = raised.exc
        if isinstance(exc, Unsupported):
            raise exc from None
        if isinstance(exc, NameError):
            raise Unsupported(f'{readable(hint)} names "{exc.name}", which is not there') from None
        if isinstance(exc, RecursionError):
            raise Unsupported(f"{readable(hint)} has no end", "use a dataclass for what holds itself") from None
        # the tail repeats the hint, with the module names that only we use
        reason = _said(exc).strip().partition("\n")[0].partition(" - type `")[0].rstrip(".:")
        fix = union_fix(hint, reason) or value_fix(hint)
        raise Unsupported(f"{readable(hint)} cannot be used: {reason}", fix) from None
    where = "leave the pattern out and write it under `input:`, or give the list a key of its own"
    raise Unsupported(f"in {readable(hint)} a text with a pattern stands beside a list or a dict", where)


_GROWING = frozenset(
    {list, set, frozenset, dict, abc.Collection, abc.Sequence, abc.MutableSequence}
    | {abc.Set, abc.MutableSet, abc.Mapping, abc.MutableMapping}
)


def _is_mixed(hint: Any) -> bool:
    """Whether a union holds a text with a pattern and a list or a dict, here or in a class that is named here.

    A decoder of such a union breaks the memory of the program when it is freed (msgspec 0.22: the pattern is taken
    for the type of the list's items), so none must be made, not even to ask whether the hint can be used.
    """
    return any(
        any(isinstance(note, msgspec.Meta) and note.pattern is not None for _, notes in parts for note in notes)
        and any(_is_growing(part) for part, _ in parts)
        for parts in _unions(hint, [])
    )


def _refuse_unread(hint: Any) -> None:
    """Raise Unsupported for a bound, here or in a class that is named here, that only other libraries read."""
    for part, notes in (one for parts in _unions(hint, []) for one in parts):
        if is_pydantic(get_origin(part) or part):
            return  # the schema refuses it as a whole
        for note in notes:
            if fix := annotation_fix(note):
                name = getattr(note, "__name__", type(note).__name__).lstrip("_")
                raise Unsupported(f"nothing reads the `{name}` that stands in `Annotated`", fix)


def _unions(hint: Any, seen: list[Any]) -> Iterator[list[tuple[Any, tuple[Any, ...]]]]:
    """The members of each union, or the one type of another hint, in a hint and in the classes that are named in it."""
    if hint in seen:
        return
    seen.append(hint)
    parts = list(flat(hint))
    yield parts
    for part, _ in parts:
        for inner in (*get_args(part), *_fields(part)):
            yield from _unions(inner, seen)


def _is_growing(hint: Any) -> bool:
    origin = get_origin(hint) or hint
    arguments = get_args(hint)
    return origin in _GROWING or (origin is tuple and (not arguments or arguments[-1] is ...))


def flat(hint: Any, around: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The members of a union, or the hint itself, without what is written around them; each with that.

    `type Name = ...` and `NewType("Name", ...)` are what they stand for.
    """
    bare, notes = split(hint)
    notes += around
    behind = getattr(bare, "__supertype__", getattr(get_origin(bare) or bare, "__value__", None))
    if behind is not None and not isinstance(bare, type):
        yield from flat(_filled(behind, get_origin(bare), get_args(bare)), notes)
    elif get_origin(bare) in (typing.Union, types.UnionType):
        for part in get_args(bare):
            yield from flat(part, notes)
    else:
        yield bare, notes


def _fields(part: Any) -> list[Any]:
    """The hints of a class's fields; none for what is no class, and where they cannot be evaluated."""
    cls = get_origin(part) or part
    if not isinstance(cls, type) or cls.__module__ == "builtins":
        return []
    try:
        found = call(typing.get_type_hints, cls, include_extras=True).values()
    except Raised:  # msgspec evaluates the author's text next, and reports what it cannot use
        return []
    return [_filled(hint, cls, get_args(part)) for hint in found]


def _filled(hint: Any, generic: Any, arguments: tuple[Any, ...]) -> Any:
    """A hint of a generic class or alias with what its type parameters are."""
    given = dict(zip(getattr(generic, "__parameters__", ()), arguments, strict=False))
    asked = getattr(hint, "__parameters__", ())
    if isinstance(hint, typing.TypeVar):
        return given.get(hint, hint)
    return hint[tuple(given.get(name, name) for name in asked)] if given and asked else hint


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
    text = repr(hint)
    for module in _modules(hint):
        text = text.replace(f"{module}.", "")
    return f"`{text if len(text) <= 80 else text[:79] + '…'}`"


def _modules(hint: Any) -> list[str]:
    """The modules that a hint's parts come from, longest first."""
    found = {"typing", "collections.abc", "builtins"}
    waiting = [hint]
    while waiting:
        part = waiting.pop()
        if isinstance(getattr(part, "__module__", None), str):
            found.add(part.__module__)
        waiting += [argument for argument in get_args(part) if not isinstance(argument, str)]
    return sorted(found, key=len, reverse=True)


def _said(exc: BaseException) -> str:
    """What an exception says; sys.exit and its like say too little without their names."""
    return str(exc) if isinstance(exc, Exception) else one_line(exc)
