"""What to write in place of a hint that cannot be carried."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

__all__ = ["of_class", "of_union"]

_LISTS = ("Iterable", "Iterator", "Generator", "AsyncIterator", "AsyncIterable", "AsyncGenerator", "deque")
_SEE = 'see "Several shapes" in docs/processes.md'
_TAGS = "give all of them one `tag_field`, and each a `tag` of its own"
_OBJECTS = ("dataclass", "Struct", "TypedDict", "dict", "custom")  # what msgspec calls those that become objects
_EITHER = "nothing tells the two apart in JSON: keep one of them, or give each a key of its own"


def of_class(cls: object, name: str, *, reply: bool) -> str:
    """What to write for a class that JSON cannot carry."""
    if not _is_pydantic(cls):
        return "use `list[...]`" if name in _LISTS else "use texts, numbers, lists, dicts, dataclasses or TypedDicts"
    way = 'reply with its `.model_dump(mode="json")`' if reply else f"call `{name}.model_validate` in the function"
    return f"write it as a dataclass or a `msgspec.Struct`, which check alike; or use `dict[str, Any]` and {way}"


def of_union(hint: Any, said: str) -> str:
    """What to write for a union that msgspec refuses with these words; "" where it is none."""
    if "union" not in said:
        return ""
    if "unique `tag`" in said or "same `tag_field`" in said:
        return f"{_TAGS}; {_SEE}"
    if not any(word in said for word in _OBJECTS):
        return _EITHER
    name = next((cls.__name__ for cls in _classes(hint, 5) if cls.__module__ != "builtins"), "Name")
    example = f'`class {name}(msgspec.Struct, tag="{name.lower()}", tag_field="kind")`'
    return f"let a key tell which is meant, here `kind`: {example}, and so each of them; {_SEE}"


def _is_pydantic(cls: object) -> bool:
    """Whether a class is one of pydantic's models, which need not be installed to be known."""
    return isinstance(cls, type) and any(base.__module__.partition(".")[0] == "pydantic" for base in cls.__mro__)


def _classes(hint: Any, deepest: int) -> Iterator[type]:
    """The classes of the first union in a hint."""
    origin = get_origin(hint)
    if origin is Annotated:
        yield from _classes(hint.__origin__, deepest)
    elif origin in (typing.Union, types.UnionType):
        yield from (part for part in get_args(hint) if isinstance(part, type) and part is not type(None))
    elif deepest:
        for part in get_args(hint):
            yield from _classes(part, deepest - 1)
