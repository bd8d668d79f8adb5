"""What to write instead of a hint or a default that cannot be used."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, cast, get_args, get_origin

import msgspec

__all__ = [
    "annotation_fix",
    "call_fix",
    "class_fix",
    "default_fix",
    "is_pydantic",
    "is_pydantic_dataclass",
    "union_fix",
    "value_fix",
]

_LISTS = ("Iterable", "Iterator", "Generator", "AsyncIterator", "AsyncIterable", "AsyncGenerator", "deque")
_SEE = '`jackfield docs processes` says how under "Several shapes"'
_TAGS = "give all of them one `tag_field`, and each a `tag` of its own"
_OBJECTS = ("dataclass", "Struct", "TypedDict", "dict", "custom")  # what msgspec calls those that become objects
_EITHER = "nothing tells the two apart in JSON: keep one of them, or give each a key of its own"


def class_fix(cls: object, name: str, *, reply: bool) -> str:
    """What to write for a class that JSON cannot carry."""
    if not is_pydantic(cls):
        return "use `list[...]`" if name in _LISTS else "use texts, numbers, lists, dicts, dataclasses or TypedDicts"
    if is_pydantic_dataclass(cls):
        adapter = f"`pydantic.TypeAdapter({name})`"
        way = f'reply with {adapter}, its `.dump_python(..., mode="json")`' if reply else f"let {adapter} look at that"
        own = f"write it with the `dataclass` of `dataclasses`, its bounds as {_META}"
        return f"{own}; or use `dict[str, Any]` and {way}"
    way = 'reply with its `.model_dump(mode="json")`' if reply else f"call `{name}.model_validate` in the function"
    return f"write it as a dataclass or a `msgspec.Struct`, which check alike; or use `dict[str, Any]` and {way}"


def union_fix(hint: Any, reason: str) -> str:
    """What to write for a union that msgspec refuses with this reason; "" for another hint."""
    if "union" not in reason:
        return ""
    if "unique `tag`" in reason or "same `tag_field`" in reason:
        return f"{_TAGS}; {_SEE}"
    if not any(word in reason for word in _OBJECTS):
        return _EITHER
    name = next((cls.__name__ for cls in _classes(hint, 5) if cls.__module__ != "builtins"), "Name")
    example = f'`class {name}(msgspec.Struct, tag="{name.lower()}", tag_field="kind")`'
    return f"let a key tell which is meant, here `kind`: {example}, and so each of them; {_SEE}"


def is_pydantic(cls: object) -> bool:
    """Whether a class is one of pydantic's models, which need not be installed to be known."""
    return is_pydantic_dataclass(cls) or "pydantic" in _homes(cls)


def is_pydantic_dataclass(cls: object) -> bool:
    """Whether a class is a dataclass of pydantic's, whose bounds and validators msgspec knows nothing of."""
    known = isinstance(cls, type) and any("__pydantic_validator__" in vars(base) for base in cls.__mro__)
    return known and dataclasses.is_dataclass(cls)


def annotation_fix(note: object) -> str:
    """What to write for an object in `Annotated` that says a bound to others than msgspec; "" for any other."""
    cls = cast(type, note) if issubclass(type(note), type) else type(note)
    if cls.__name__ in _INJECTING:
        return _RESOURCE
    if not _homes(cls) & _BOUNDING or cls.__name__ == "DocInfo":
        return ""
    return f"write {_meta(note)} in its place"


def default_fix(value: object) -> str:
    """What to write for a default that stands for what another library makes of it; "" for a default as any other."""
    homes = {(str(base.__module__).replace(".v1", ""), base.__name__) for base in type(value).__mro__}
    if issubclass(type(value), dataclasses.Field | _MSGSPEC_FIELD):
        return "that is for the fields of a class: write the value itself, which is copied for each call"
    if any(name in _INJECTING for _, name in homes):
        return _RESOURCE
    if any(module in ("pydantic.fields", "fastapi.params") for module, _ in homes):
        return f"write `Annotated[T, ...]` with {_meta(value)} as the hint, and after `=` a value, where there is one"
    return ""


_BOUNDING = {"annotated_types", "pydantic", "fastapi"}
_INJECTING = ("Depends", "Dependency")
_MSGSPEC_FIELD = type(msgspec.field())
_META = "`msgspec.Meta(...)` in `Annotated`"
_RESOURCE = "for a resource write `Annotated[T, the_resource]` as the hint"
_BOUNDS = ("title", "description", "gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")


def _homes(cls: object) -> set[str]:
    """The packages that a class and those above it are of."""
    return {str(base.__module__).partition(".")[0] for base in getattr(cls, "__mro__", ())}


def _meta(note: Any) -> str:
    """The Meta that says what a note of another library says, as far as Meta can."""
    found: dict[str, Any] = {}
    for part in (note, *getattr(note, "metadata", ())):
        found |= {name: value for name in _BOUNDS if (value := getattr(part, name, None)) is not None}
    if isinstance(found.get("pattern"), re.Pattern):
        found["pattern"] = found["pattern"].pattern
    bounds = ", ".join(f"{name}={found[name]!r}" for name in _BOUNDS if name in found)
    return f"`msgspec.Meta({bounds or '...'})`"


def value_fix(hint: Any) -> str:
    """What to write for a hint with a value in it where a type is meant; "" where there is none."""
    if hint is any:
        return "write `Any`, with `from typing import Any`"
    if isinstance(hint, list | tuple | dict):
        inside = [*hint, *hint.values()] if isinstance(hint, dict) else hint
        name = type(hint).__name__
        return f"write `{name}[{', '.join(map(_shown, inside))}]`" if inside else f"write `{name}`"
    if isinstance(hint, types.ModuleType):
        return f"`{hint.__name__}` is a module: write a class of it"
    if isinstance(hint, bool | int | float):
        return f"write its type, `{type(hint).__name__}`; or `Literal[{hint!r}]`, where it is always this"
    if get_origin(hint) is typing.Literal:
        return ""
    return next((fix for part in get_args(hint) if (fix := value_fix(part))), "")


def _shown(hint: Any) -> str:
    return "Any" if hint is any else hint.__name__ if isinstance(hint, type) and not get_args(hint) else repr(hint)


def call_fix(text: str) -> str:
    """What to write where a line calls a type in a hint: `a: list(str)`; "" where it does not."""
    found = _CALLED.search(text)
    return f"a hint has square brackets: `{found[1]}[{found[2]}]`" if found else ""


_CALLED = re.compile(
    r"(?:^|\w\s*:|->|[\[,|])\s*((?:typing\.)?(?:list|dict|set|frozenset|tuple|Optional|Union|Literal|Annotated))"
    r"\(([^()]*)\)"
)


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
