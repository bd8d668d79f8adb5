"""One key of endpoints.yaml, declared once: as the metadata of the field of plan.py that it fills.

Strategy: everything about a key comes from its `Setting`: its part of the JSON Schema (editor_schema.py), what a value
means and its bounds (`read`), whether defaults and endpoint are merged (parse.py), its sentence in documents
(describe/phrases.py), and its rows in docs/endpoints.md and docs/observing.md (tests/house/settings_page.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from typing import Any

from jackfield.config import quantities
from jackfield.config.problems import PathTuple, Problems

__all__ = [
    "FLAG",
    "UNSET",
    "Kind",
    "Setting",
    "choice",
    "count",
    "duration",
    "function",
    "keys",
    "mapping",
    "rate",
    "read",
    "setting",
    "size",
    "text",
    "texts",
]

UNSET: Any = object()
"""No default, or one that cannot be written."""

_MOST = 10_000_000  # connections of any sort


@dataclass(frozen=True, slots=True)
class Kind:
    """What a key takes: the JSON Schema of its values, and the function that gives the meaning of one.

    `least` and `most` are written as in the file; without them the schema alone bounds the value. `measure` is what is
    measured, for a value in a sentence: `size`, `time`, `rate` or `number`.
    """

    schema: Mapping[str, Any]
    meaning: Callable[[Any], Any] = lambda raw: raw
    least: str = ""
    most: str = ""
    measure: str = ""
    remark: str = ""

    @property
    def bounds(self) -> str:
        """The least and the most that is taken, in words."""
        return f"from {self.least} to {self.most}"

    def value(self, raw: Any, path: PathTuple, problems: Problems) -> Any:
        """What `raw` means, None for `off`. Out of bounds it is a problem, and some value is given all the same."""
        if not self.measure:
            return self.meaning(raw)
        if raw == "off":
            return None
        try:
            found = self.meaning(raw)
        except ValueError as error:
            problems.add(path, "wrong_value", str(error))
            return self.meaning(self.least)
        if self.least and not self.meaning(self.least) <= found <= self.meaning(self.most):
            problems.add(path, "wrong_value", f"{raw} is out of bounds", self.bounds + self.remark)
        return found


@dataclass(frozen=True, slots=True)
class Setting:
    """A key and what is said of it.

    - `name` is that of the field. `key` is the same, and `title` as the key, unless they say otherwise.
    - `text` is Markdown; `{bounds}` in it stands for those of the kind. `more` is added to it in docs/endpoints.md.
    - `default` and `examples` are written as in the file.
    - `sentence` says in documents what the limit is: `{}` is the value, `{key}` the phrase for another key's value.
    - `code`, in errors.py, applies while the limit is not off.
    - `counted` is where docs/observing.md says that it is counted.
    - `phrases` are those of the values of a choice.
    - `within` is the key of the mapping that holds this one, if that is not the mapping of its neighbours.
    - `beside` is a class of which the keys of fields stand beside this one.
    - `merged`: what it holds is taken over from `defaults` key by key; all else is taken over as a whole.
    - `required`: it has to be there.
    """

    kind: Kind
    text: str = ""
    key: str = ""
    name: str = ""
    title: str = ""
    more: str = ""
    default: Any = UNSET
    examples: Sequence[Any] = ()
    sentence: str = ""
    code: str = ""
    counted: str = ""
    phrases: Mapping[str, str] | None = None
    within: str = ""
    beside: Any = None
    merged: bool = False
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """Its part of the JSON Schema, to be read and not changed."""
        schema = dict(self.kind.schema)
        if not self.text:
            return schema
        description = self.text.replace("{bounds}", self.kind.bounds).replace("`", "")
        schema |= {"title": self.title or self.key.replace("_", " ").capitalize(), "description": description}
        schema |= {} if self.default is UNSET else {"default": self.default}
        return schema | ({"examples": list(self.examples)} if self.examples else {})


def setting(kind: Kind, text: str = "", *, value: Any = UNSET, **more: Any) -> Any:
    """A field of the plan that a key of the file fills; `more` are the other fields of Setting.

    Its default is `value`, or else what `default` means; without both the key has to be there.
    """
    if value is UNSET and "default" in more:
        value = None if more["default"] == "off" and kind.measure else kind.meaning(more["default"])
    return field(
        default=MISSING if value is UNSET else value,
        metadata={"setting": Setting(kind, text, required=value is UNSET, **more)},
    )


@cache
def keys(owner: Any, within: str = "") -> Mapping[str, Setting]:
    """The settings of the fields of the dataclass `owner`, in order, by their keys."""
    found: dict[str, Setting] = {}
    for one in fields(owner):
        declared: Setting | None = one.metadata.get("setting")
        if declared is not None and declared.within == within:
            key = declared.key or one.name
            found[key] = replace(declared, key=key, name=one.name)
            found.update(keys(declared.beside) if declared.beside else {})
    return found


def read(owner: Any, raw: Mapping[str, Any], path: PathTuple, problems: Problems, within: str = "") -> dict[str, Any]:
    """The fields of `owner` that the mapping `raw` at `path` fills, from its sound values."""
    return {
        setting.name: setting.kind.value(raw[key], (*path, key), problems)
        for key, setting in keys(owner, within).items()
        if key in raw and problems.sound(*path, key)
    }


def size(least: str, most: str) -> Kind:
    """Bytes: `64KiB`."""
    return Kind({"$ref": "#/$defs/size"}, quantities.size, least, most, "size")


def duration(least: str, most: str, *, off: bool = False) -> Kind:
    """Seconds: `30s`."""
    return Kind({"$ref": f"#/$defs/duration{'OrOff' * off}"}, quantities.duration, least, most, "time")


def rate(least: str, most: str) -> Kind:
    """So many a second, or off: `50/s`."""
    schema = {"$ref": "#/$defs/rateOrOff"}
    return Kind(schema, quantities.rate, least, most, "rate", "; off means no limit")


def count(*, off: bool = False, most: int = _MOST) -> Kind:
    """A whole number, 1 or more."""
    schema = {"type": "integer", "minimum": 1, "maximum": most}
    if off:
        message = "must be a whole number, 1 or more, or off"
        schema |= {"type": ["integer", "string"], "pattern": "^off$", "errorMessage": message}
    return Kind(schema, int, measure="number")


def choice(*values: str, **more: Any) -> Kind:
    """One of these words."""
    return Kind({"enum": list(values), **more})


def text(**more: Any) -> Kind:
    """A text; `more` are keywords of JSON Schema."""
    return Kind({"type": "string", **more})


def function(example: str, *, or_table: bool = False) -> Kind:
    """The dotted name of a function below processes/; `example` is one in words. Or that of a table, without a dot."""
    part = r"(?!__)[A-Za-z_][A-Za-z0-9_]*"
    message = f"must be the file's name and the function's name with a dot between them: {example}"
    if or_table:
        message += "; or the name of a table: prices is processes/prices.csv"
    pattern = rf"^{part}(\.{part}){'*' if or_table else '+'}$"
    return text(maxLength=200, pattern=pattern, errorMessage=message)


def texts(most: int, items: Mapping[str, Any], **more: Any) -> Kind:
    """A list of texts; each counts once."""
    return Kind({"type": "array", "maxItems": most, "items": items, **more}, lambda raw: tuple(dict.fromkeys(raw)))


def mapping(name: str) -> Kind:
    """A mapping whose schema stands under `$defs` in schema.json."""
    return Kind({"$ref": f"#/$defs/{name}"})


FLAG = Kind({"type": "boolean"})
"""true or false."""
