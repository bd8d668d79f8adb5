"""The data of one file against its JSON Schema; each error becomes one sentence in the terms of the file.

The schema has its own text where that is better: `errorMessage` (editors show it too) says how to fix it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jsonschema
from jsonschema import Draft202012Validator, validators

from jackfield.config.limits import Limits
from jackfield.config.problems import MOST, PathTuple, Problems
from jackfield.config.settings import keys
from jackfield.config.yaml_errors import glued
from jackfield.similar import did_you_mean

__all__ = ["check", "similar"]

_Error = Any  # a jsonschema.ValidationError; its stubs say that each attribute may be unset, and none is

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_FIXES = {
    "boolean": "write true or false",
    "array": 'write it as a list: ["…"]',
    "object": "write its keys below it, indented",
    "integer": "write a whole number: digits alone, without quotes",
}
_SWAPPED: Mapping[tuple[str | int, type], str] = {
    ("endpoints", list): "each endpoint begins with its name: `greeting:` in place of `-`, its keys indented below",
    ("examples", dict): "each example begins with a dash: `- steps: […]`",
    ("steps", dict): "each step begins with a dash: `- send: {…}`",
    ("clients", list): "each client begins with its name: `anna:` in place of `-`, its keys indented below",
}
_BOUNDS = {
    "maxLength": "the text is longer than {} letters",
    "minLength": "the text is empty",
    "maxItems": "the list has more than {} items",
    "minItems": "the list is empty",
    "minimum": "the number is smaller than {}",
    "maximum": "the number is larger than {:,}",
    "minProperties": "nothing stands here",
}


def _pattern(_: Any, pattern: str, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    # In Python `$` also matches before a line break at the end; in JSON Schema (ECMA-262) it does not.
    if isinstance(instance, str) and (instance.endswith("\n") or not re.search(pattern, instance)):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator: Any = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # theirs


def check(data: object, schema: Mapping[str, Any], problems: Problems, faulty: frozenset[PathTuple]) -> None:
    """Add what is wrong with `data`; those of the paths in `faulty` are reported already."""
    for error in _Validator(schema).iter_errors(data):
        if problems.full:
            return
        _report(error, problems, faulty)


def similar(word: str, words: Iterable[str]) -> str:
    """`did you mean "x"?`, or nothing where no word is near."""
    return did_you_mean(word, words, cutoff=0.65)


def _report(error: _Error, problems: Problems, faulty: frozenset[PathTuple]) -> None:
    path: PathTuple = tuple(error.absolute_path)
    if any(path[:length] in faulty for length in range(len(path) + 1)):
        return
    match error.validator:
        case "additionalProperties":
            _unknown_keys(error, path, problems)
        case "required":
            _missing_keys(error, path, problems)
        case "anyOf":
            _union(error, path, problems, faulty)
        case "type":
            _wrong_type(error, path, problems)
        case _ if "propertyNames" in error.absolute_schema_path:
            message = f"{_shown(error.instance)} cannot be a name here"
            hint = "; ".join(filter(None, (_foreign(error), _fix(error))))
            problems.add((*path, error.instance), "wrong_value", message, hint)
        case _:
            _wrong_value(error, path, problems)


def _unknown_keys(error: _Error, path: PathTuple, problems: Problems) -> None:
    known = list(error.schema.get("properties", {}))
    for count, key in enumerate(_unknown(error)[:MOST]):
        hint = _outside(key, path, error.instance)
        hint = hint or (_slip(key, known) if count < 50 else "")
        hint = hint or _elsewhere(key, path) or f"known here: {', '.join(known)}"
        problems.add(path, "unknown_key", f"unknown key {_shown(key)}", hint, at=(*path, key))


def _slip(key: str, known: list[str]) -> str:
    """As `similar`, and which letter makes the difference where it cannot be seen."""
    meant = similar(key, known)
    return meant if key.isascii() or not meant else f"{meant} {_letter(key)} is none of a to z"


def _unknown(error: _Error) -> list[str]:
    known = error.schema.get("properties", {})
    patterns = error.schema.get("patternProperties", {})
    unknown = [key for key in error.instance if key not in known]
    return [key for key in unknown if not any(re.search(pattern, key) for pattern in patterns)]


_LIMITS = keys(Limits)
_TOP = {"title", "auth", "roles", "groups", "limits", "site", "defaults"}
_ABOUT_A_CLIENT = {"as", "params", "query"}


def _elsewhere(key: str, path: PathTuple) -> str:
    """Where a key that is wrong here would be right."""
    if path == () and key in _TOP:
        return f"`{key}` stands in endpoints.yaml alone"
    if key in _LIMITS and (path == ("defaults",) or (len(path) == 2 and path[0] == "endpoints")):
        return f"`{key}` stands under `limits`"
    if path == ("limits",) and key in _LIMITS:
        return f"`{key}` is of an endpoint: write it under its `limits`, or under those of `defaults:`"
    if len(path) == 2 and path[0] == "groups" and key in {"keep", "last"}:
        return f"`{key}` stands in `history`: {{last: 50, keep: 7d}}"
    if path == () and key in {"url", "process"}:
        return "an endpoint stands under `endpoints:` and its name"
    if len(path) > 2 and path[-2] == "steps" and key in _ABOUT_A_CLIENT:
        return f"`{key}` stands beside `steps`, or below `clients` and a client's name"
    if path == ("defaults",) and key in {"url", "process", "actions", "feed", "on_connect", "on_disconnect"}:
        return f"every endpoint has a `{key}` of its own"
    return ""


def _outside(key: str, path: PathTuple, instance: Mapping[str, Any]) -> str:
    """How to fix an endpoint that stands beside `endpoints:` or without it."""
    value = instance[key]
    if path != () or not isinstance(value, Mapping) or not {"url", "process"} & set(value):
        return ""
    name = key if len(key) <= 64 else "it"
    if "endpoints" in instance:
        return f"endpoints belong below `endpoints:`; indent `{name}` and its keys there"
    return f"endpoints belong below `endpoints:`; write that line above and indent `{name}` and its keys"


def _missing_keys(error: _Error, path: PathTuple, problems: Problems) -> None:
    # A misspelt key is reported once, as the unknown key.
    closed = error.schema.get("additionalProperties") is False
    slips = {similar(key, error.schema["properties"]) for key in _unknown(error)[:50]} if closed else set()
    for key in error.validator_value:
        if key not in error.instance and f'did you mean "{key}"?' not in slips:
            example = error.schema["properties"][key].get("examples", [""])[0]
            hint = f"add `{key}: {example}`" if isinstance(example, str) else f"add `{key}:`"
            problems.add(path, "missing_key", f'missing key "{key}"', hint)


def _union(error: _Error, path: PathTuple, problems: Problems, faulty: frozenset[PathTuple]) -> None:
    """Of several forms, report on the one that the user has begun to write."""
    branches: dict[Any, list[_Error]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    meant = [found for found in branches.values() if not any(one.validator == "type" and not one.path for one in found)]
    if len(meant) != 1:
        written = problems.written(path)
        quoted = (_quoted(inner, written) for found in branches.values() for inner in found if not inner.path)
        hint = "; or ".join(dict.fromkeys(filter(None, (next(filter(None, quoted), ""), _fix(error)))))
        problems.add(path, "wrong_type", _found(error.instance, written), hint)
        return
    for inner in meant[0]:
        if inner.validator == "enum" and not inner.path:
            hint = similar(str(inner.instance), inner.validator_value)
            _wrong_enum(inner, path, problems, hint or _fix(error))
        else:
            _report(inner, problems, faulty)


def _wrong_type(error: _Error, path: PathTuple, problems: Problems) -> None:
    allowed = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
    blank = glued(error.instance) if "object" in allowed and isinstance(error.instance, str) else ""
    if path == ():
        message = f"the file holds no keys; {_found(error.instance)}"
        key = "endpoints" if "endpoints" in error.schema["properties"] else "examples"
        problems.add(path, "wrong_type", message, blank or f"begin it with `{key}:`")
        return
    written = problems.written(path)
    quoted = "" if path[-2:-1] == ("origins",) else _quoted(error, written)  # none of these would be an origin
    hint = _FIXES.get(allowed[0], "")
    if allowed[0] == "string" and isinstance(error.instance, dict | list):
        hint = "write one text, in quotes where it begins with { or ["
    if blank or (path[-1], type(error.instance)) in _SWAPPED:
        hint = blank or _SWAPPED[path[-1], type(error.instance)]
    elif error.instance is None:
        hint = f"{quoted}; if it is none, write a value or remove the line" if quoted else _NO_VALUE
    expected = " or ".join(_KINDS[kind] for kind in allowed if kind != "null")
    message = f"{expected} belongs here, and {_found(error.instance, written)}"
    hint = hint if error.instance is None and quoted else quoted or _fix(error) or hint
    problems.add(path, "wrong_type", message, blank or hint)


_NO_VALUE = "write a value, or remove the line"


def _quoted(error: _Error, written: str) -> str:
    """How to make a text of what is written, where a text is wanted and this would be a good one; or nothing."""
    wanted = error.schema if isinstance(error.schema, Mapping) else {}
    types = wanted.get("type", ())
    if not written or "string" not in types or "object" in types:  # a message is nearly always an object
        return ""
    return f'put it in quotes: "{written}"' if _Validator({**wanted, "type": "string"}).is_valid(written) else ""


def _wrong_value(error: _Error, path: PathTuple, problems: Problems) -> None:
    if error.validator == "enum":
        hint = similar(str(error.instance), [str(value) for value in error.validator_value])
        _wrong_enum(error, path, problems, _fix(error) or hint)
    elif error.validator in _BOUNDS:
        message = _BOUNDS[error.validator].format(error.validator_value)
        shown = (one for one in error.schema.get("examples", ()) if isinstance(one, str))
        example = next(shown, "") if error.validator == "minLength" else ""
        problems.add(path, "wrong_value", message, _fix(error) or (example and f"write one, like {example}"))
    else:
        hint = "; ".join(filter(None, (_foreign(error), _fix(error))))
        problems.add(path, "wrong_value", f"{_shown(error.instance)} does not fit here", hint)


def _foreign(error: _Error) -> str:
    """Which letter a name may not have, where one of a to z would do: it may look like one, as "е" in "grееting"."""
    name = error.instance
    if error.validator != "pattern" or name.isascii():
        return ""
    bare = name.strip("“”„‟‘’‚‛«»")
    if bare != name and re.search(error.validator_value, bare):
        return f"its curly quotes are part of the text; write {bare}"
    latin = re.sub(r"[^\x00-\x7f]", "a", name)
    if not any(re.search(error.validator_value, text) for text in (latin, f"{latin}.a")):  # a process has a dot
        return ""
    return f"it is written in Latin letters, a to z, and {_letter(name)} is none of them"


def _letter(name: str) -> str:
    """The first letter of a name that is not ASCII, by its number where it cannot be seen."""
    letter = next(letter for letter in name if not letter.isascii())
    number = f"U+{ord(letter):04X}"
    return f"{_shown(letter) if letter.isprintable() else number} ({unicodedata.name(letter, number).lower()})"


def _wrong_enum(error: _Error, path: PathTuple, problems: Problems, hint: str) -> None:
    words = ", ".join(map(str, error.validator_value))
    expected = f"one of {words}" if len(error.validator_value) > 1 else words
    shown = problems.written(path) or _shown(error.instance)
    problems.add(path, "wrong_value", f"{shown} is not {expected}", hint)


def _fix(error: _Error) -> str:
    text: str = error.schema.get("errorMessage", "") if isinstance(error.schema, Mapping) else ""
    return f"it {text}" if text.startswith("must ") else text


def _found(value: object, written: str = "") -> str:
    """What stands in the place of what is wanted; `written` is how, where that is known."""
    if value is None:
        return f"{written}, which is no value, stands there" if written else "there is no value"
    if isinstance(value, bool):
        return f"{written or json.dumps(value)} stands there"
    if isinstance(value, dict | list):
        return "a mapping stands there" if isinstance(value, dict) else "a list stands there"
    kind = "the text" if isinstance(value, str) else "the number"
    return f"{kind} {written or _shown(value)} stands there"


def _shown(value: object) -> str:
    """A value as JSON, cut where it is long; letters of all languages stay."""
    if isinstance(value, dict | list):
        return "this"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:56] + "…" + text[-1]
