"""The text of one file -> plain data, and where each part of it stands.

Strategy: libyaml parses, we compose from its events. So its scalar rules (YAML 1.1), its tags and its
expansion of aliases are never used, and nesting is counted before it is followed. Whatever the bytes,
the answer is data and problems, never an exception.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from jackfield import files
from jackfield.config.problems import PathTuple, Place, Severity, problem_at
from jackfield.config.scalars import resolve
from jackfield.config.yaml_errors import QUOTES, odd_indent, translate
from jackfield.errors import Problem

__all__ = ["MAX_BYTES", "MAX_DEPTH", "Source", "compose", "read"]

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
_TOO_LONG = "keep further endpoints in files under endpoints/"
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_MOST_PROBLEMS = 100  # of YAML itself; a file that has so many is not looked at any further
_MAX_EXPANSION = 10_000  # values that all aliases of a file together may stand for


# libyaml is in every wheel of PyYAML; the pure parser takes over where it was built without, ten times
# slower and stricter with `?` in unquoted texts.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Not printable (YAML 1.2.2, section 5.1), or a line break to the parser and to no editor (NEL, LS, PS).
_REFUSED = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_CURLY = frozenset("“”„‟‘’‚‛")
_PROSE = frozenset({"summary", "title", "description"})
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Source:
    """One file as data. `places` gives the place of each key and each list item.

    `data` is None and `broken` true where the file has no content that could be looked at.
    Nothing more needs to be said of the values at the paths in `faulty`.
    """

    name: str
    data: Any = None
    places: Mapping[PathTuple, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    faulty: frozenset[PathTuple] = frozenset()
    broken: bool = False


def read(path: Path, name: str) -> Source:
    """Read the file `path`, called `name` in problems: UTF-8, at most 1 MiB."""
    try:
        return compose(files.read(path, MAX_BYTES), name)
    except FileNotFoundError:
        return _refused(name, "file_missing", "there is no such file", "")
    except (OSError, ValueError) as error:
        if getattr(error, "errno", 0) == errno.EFBIG:
            return _refused(name, "file_unreadable", "the file is over 1 MiB", _TOO_LONG)
        reason = getattr(error, "strerror", None) or error
        return _refused(name, "file_unreadable", f"the file cannot be read: {reason}", "")


def compose(content: bytes, name: str) -> Source:
    """The data in `content`, the bytes of the file `name`."""
    if len(content) > MAX_BYTES:
        return _refused(name, "file_unreadable", "the file is over 1 MiB", _TOO_LONG)
    content = files.unmarked(content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = len(content[content.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8")) + 1
        message = f"the file is not UTF-8: byte {content[error.start]:#04x} has no meaning here"
        return _refused(name, "file_unreadable", message, "save it as UTF-8", line, column)
    if signs := _refused_signs(text, name):
        return Source(name, problems=signs, broken=True)
    return _Composer(text, name).run()


def _refused(name: str, code: str, message: str, hint: str, line: int = 0, column: int = 0) -> Source:
    problem = Problem(code, message, hint, file=name, line=line, column=column)
    return Source(name, problems=(problem,), broken=True)


def _refused_signs(text: str, name: str) -> tuple[Problem, ...]:
    problems = []
    for match in islice(_REFUSED.finditer(text), 20):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        message = f"the invisible sign U+{ord(match[0]):04X} cannot stand in the file"
        hint = "remove it, or write it as an escape in a text in double quotes"
        problems.append(Problem("yaml_syntax", message, hint, file=name, line=line, column=column))
    return tuple(problems)


class _Stop(Exception):
    """Nothing after this can be understood."""


class _Composer:
    """One reading of one text."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.parser = _Parser(text)
        self.lines = text.count("\n") + 1
        self.places: dict[PathTuple, Place] = {(): Place(name, 1, 1)}
        self.problems: list[Problem] = []
        self.faulty: set[PathTuple] = set()
        self.anchors: dict[str, tuple[Any, int, str] | None] = {}  # None while the anchored value is open
        self.count = 0  # values so far, those behind aliases included
        self.expanded = 0

    def run(self) -> Source:
        broken = False
        data: Any = None
        try:
            data = self._documents()
        except _Stop:
            broken = True
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # The last two are the pure parser's answer to "\U00110000", a letter that does not exist.
            broken = True
            fault = translate(error, self.text)
            code = "yaml_syntax"
            if "nesting depth" in fault.message:  # libyaml reads ahead, and newer ones have a limit of their own
                code, fault = "yaml_feature", replace(fault, message=_TOO_DEEP, hint="")
            # A bracket swallowed by a comment is one fault, reported as the bracket's.
            self.problems = [p for p in self.problems if (p.code, p.line) != ("cut_by_comment", fault.line + 1)]
            self._problem(code, fault.message, fault.hint, (), fault.line, fault.column)
        finally:
            self.parser.dispose()
        places: Mapping[PathTuple, Place] = {(): Place(self.name, 1, 1)} if broken else self.places
        problems, faulty = tuple(self.problems), frozenset(self.faulty)
        return Source(self.name, None if broken else data, places, problems, faulty, broken)

    def _documents(self) -> Any:
        self.parser.get_event()  # the start of the stream
        event = self.parser.get_event()
        if isinstance(event, yaml.StreamEndEvent):
            return None
        data = self._value(self.parser.get_event(), (), 0)
        self.parser.get_event()  # the end of the document
        event = self.parser.get_event()
        if not isinstance(event, yaml.StreamEndEvent):
            self._at(event, "yaml_syntax", "a second document begins here", "remove the line `---`", ())
        return data

    def _value(self, event: Any, path: PathTuple, depth: int) -> Any:
        """The value that begins with `event`."""
        if depth > MAX_DEPTH:
            self._at(event, "yaml_feature", _TOO_DEEP, "", path[:4])
            raise _Stop
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        self.count += 1
        if event.tag is not None:
            self._at(event, "yaml_feature", f"the tag {event.tag} is not taken here", "remove it", path)
        if event.anchor is None:
            return self._content(event, path, depth)
        before = self.count
        self.anchors[event.anchor] = None
        value = self._content(event, path, depth)
        self.anchors[event.anchor] = (value, self.count - before + 1, self._written(event, value))
        return value

    def _content(self, event: Any, path: PathTuple, depth: int) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        return self._scalar(event, path)

    def _mapping(self, path: PathTuple, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := self.parser.get_event(), yaml.MappingEndEvent):
            key = self._key(event, path, data, depth)
            following = self.parser.get_event()
            if key is None:
                self._skip(following, path, depth)
                continue
            at = (*path, key)
            self.places[at] = self._place(event.start_mark.line, event.start_mark.column)
            data[key] = self._placed(following, at, depth)
            self._cut_by_comma(event, following, path, data)
        return data

    def _sequence(self, path: PathTuple, depth: int) -> list[Any]:
        data: list[Any] = []
        while not isinstance(event := self.parser.get_event(), yaml.SequenceEndEvent):
            item = (*path, len(data))
            self.places[item] = self._place(event.start_mark.line, event.start_mark.column)
            data.append(self._placed(event, item, depth))
        return data

    def _placed(self, event: Any, at: PathTuple, depth: int) -> Any:
        """The value at `at`, whose place is known; how it is written is kept there."""
        value = self._value(event, at, depth + 1)
        if written := self._written(event, value):
            self.places[at] = replace(self.places[at], written=written)
        self._cut_by_comment(event, at)
        self._curly_quotes(event, at)
        return value

    def _written(self, event: Any, value: object) -> str:
        """A value that is no text as it stands in the file: 1.10 and 0755 are no longer that as numbers."""
        if isinstance(value, str | dict | list):
            return ""
        if isinstance(event, yaml.AliasEvent):
            found = self.anchors.get(event.anchor or "")
            return found[2] if found else ""
        return str(event.value)

    def _skip(self, event: Any, path: PathTuple, depth: int) -> Any:
        """Read a value that is not kept, and forget the places in it."""
        kept, self.places = self.places, {}
        value = self._value(event, path, depth + 1)
        self.places = kept
        return value

    def _key(self, event: Any, path: PathTuple, data: dict[str, Any], depth: int) -> str | None:
        """The key that `event` writes, or None, with a problem, where its entry must be left out."""
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and not event.style:
            hint = "keys that all endpoints share stand under `defaults:`"
            self._at(event, "yaml_feature", "the merge key << is not taken here", hint, path)
            return None
        self._odd_indent(event)
        key = self._skip(event, path, depth)
        if not isinstance(key, str):
            written = _short(event.value) if isinstance(event, yaml.ScalarEvent) else ""
            hint = f'put it in quotes: "{written}"' if written else ""
            if getattr(event, "flow_style", False):  # `{{ name }}` is a text to nearly everybody
                if path in self.faulty:
                    return None  # reported for a key within this one
                hint = QUOTES
                self.faulty.add(path)
            self._at(event, "wrong_type", f"a key must be a text, and this one is {_kind(key)}", hint, path)
            return None
        if key in data:
            first = self.places[*path, key]
            hint = f"the first one is at {first.file}:{first.line}:{first.column}"
            self._at(event, "duplicate_key", f'the key "{key}" stands twice', hint, (*path, key))
            return None
        return key

    def _odd_indent(self, event: Any) -> None:
        """Stop at a key whose first letters were meant to indent it: nothing below stands where it should."""
        if not isinstance(event, yaml.ScalarEvent) or event.style or event.value.isascii():
            return
        mark: Any = event.start_mark
        fault = odd_indent(" " * mark.column + event.value, mark.line)
        begins = self.text.rfind("\n", 0, mark.index) + 1
        if fault and not self.text[begins : mark.index].strip():
            self._problem("yaml_syntax", fault.message, fault.hint, (), fault.line, fault.column)
            raise _Stop

    def _scalar(self, event: Any, path: PathTuple) -> Any:
        text = event.value
        if _SURROGATE.search(text):  # the pure parser lets these through; they are no text in UTF-8
            self._at(event, "yaml_syntax", "half a letter (U+D800 to U+DFFF) is no text", "write all of it", path)
            self.faulty.add(path)
            return ""
        if event.style:
            return text
        try:
            return resolve(text)
        except ValueError as error:
            self._at(event, "wrong_value", str(error), f'put it in quotes if it is a text: "{_short(text)}"', path)
            self.faulty.add(path)
            return None

    def _alias(self, event: Any, path: PathTuple) -> Any:
        found = self.anchors.get(event.anchor, ())
        if not found:
            self.faulty.add(path)
            message = f"the alias *{event.anchor} stands for nothing above it"
            if found is None:
                message = f"the alias *{event.anchor} stands inside the value that it stands for"
            self._at(event, "yaml_feature", message, 'put it in quotes if it is a text: "*…"', path)
            return None
        value, size, _ = found
        self.count += size
        self.expanded += size
        if self.expanded > _MAX_EXPANSION:
            message = f"the aliases of this file stand for more than {_MAX_EXPANSION:,} values"
            self._at(event, "yaml_feature", message, "write them out, or use `defaults:`", path)
            raise _Stop
        return value

    def _cut_by_comma(self, event: Any, following: Any, path: PathTuple, data: dict[str, Any]) -> None:
        """Report `{message: Привет, как дела?}`: what follows the comma is a key without a colon to YAML."""
        bare = isinstance(following, yaml.ScalarEvent) and not following.value and not following.style
        if not bare or event.style or path in self.faulty or len(data) < 2:
            return
        if self.text[event.end_mark.index :].lstrip()[:1] not in (",", "}"):
            return
        cut, key = list(data)[-2:]
        message = f'the text of "{cut}" ends at the comma before "{_short(key)}"'
        hint = f'put the text in quotes: {cut}: "{_short(f"{data[cut]}, {key}")}"'
        self._at(event, "yaml_syntax", message, hint, path)
        self.faulty.add(path)

    def _curly_quotes(self, event: Any, path: PathTuple) -> None:
        """Warn of `summary: “Says it”`: a word processor's quotes are letters to YAML."""
        text = event.value if isinstance(event, yaml.ScalarEvent) and not event.style else ""
        if len(text) > 1 and text[0] in _CURLY and text[-1] in _CURLY:
            message = f"the quotes {text[0]} {text[-1]} are part of the text"
            self._at(event, "curly_quotes", message, "write straight ones around it: \"…\" or '…'", path, "warning")

    def _cut_by_comment(self, event: Any, path: PathTuple) -> None:
        """Warn of `summary: Заказ #5`: one blank, then # and no blank, is rarely meant as a comment; in prose never."""
        if not isinstance(event, yaml.ScalarEvent) or event.style or not event.value:
            return
        end = event.end_mark.index if event.end_mark else 0
        rest = self.text[end : end + 3]
        is_prose = bool(path) and path[-1] in _PROSE
        if len(rest) == 3 and rest[:2] == " #" and (is_prose or not rest[2].isspace()) and rest[2] not in "#-=":
            message = f'the text ends at "{_short(event.value)}", because ` #` begins a comment'
            hint = 'put the text in quotes: "… #…", or two blanks before a comment'
            self._at(event, "cut_by_comment", message, hint, path, "warning")

    def _place(self, line: int, column: int) -> Place:
        # At its end the parser may point behind the last line; an editor could not go there.
        return Place(self.name, min(line + 1, self.lines), column + 1)

    def _at(
        self, event: Any, code: str, message: str, hint: str, path: PathTuple, severity: Severity = "error"
    ) -> None:
        mark = event.start_mark
        self._problem(code, message, hint, path, mark.line, mark.column, severity)
        if len(self.problems) == _MOST_PROBLEMS:
            raise _Stop

    def _problem(
        self, code: str, message: str, hint: str, path: PathTuple, line: int, column: int, severity: Severity = "error"
    ) -> None:
        self.problems.append(problem_at(self._place(line, column), path, code, message, hint, severity))


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list) else "a mapping"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
