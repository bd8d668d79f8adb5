"""The bytes of a YAML file -> the same with one thing more; every other byte stays where it is.

Strategy: the file is never written anew. libyaml's events say where each thing ends; behind that the lines of the new
thing are put, indented as their neighbours are. What comes out is read again, and must be the data of before
with exactly what was added: whatever layout this file does not foresee is refused, and nothing is lost.
"""

from __future__ import annotations

import codecs
import copy
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from jackfield.config import source
from jackfield.config.written import Style, entry, flow, item

__all__ = ["Insertion", "insert"]

_BREAK = re.compile(r"\r\n|\n|\r")
_BLANK_LINE = re.compile(r"(?:\n|\r(?!\n))[ ]*[\r\n]")
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Insertion:
    """A file with something added: its bytes, the text that was put in, and the line on which that begins."""

    content: bytes
    added: str
    line: int


@dataclass(slots=True)
class _Node:
    """A value in the text: where it begins, and where the last sign of it ends. A key is a node as well."""

    kind: str  # mapping, list, scalar or alias
    start: int
    end: int
    column: int
    is_flow: bool = False
    style: str = ""
    text: str = ""
    entries: list[tuple[_Node, _Node]] = field(default_factory=list)  # of a list: each item twice

    @property
    def empty(self) -> bool:
        """Whether nothing stands there."""
        return self.kind == "scalar" and not self.style and not self.text

    def get(self, key: str) -> tuple[_Node, _Node] | None:
        """The key of a mapping with its value."""
        found = (pair for pair in self.entries if pair[0].text == key)
        return next(found, None) if self.kind == "mapping" else None


def insert(content: bytes, name: str, path: Sequence[str], value: Any, *, bare: bool = False) -> Insertion:
    """The file `name` with `value` at `path`, below keys that are made where they are not there yet.

    What already stands at the path must be a list, which `value`, a list of one, is then added to. `bare` is of Style.
    Raises ValueError, with a sentence, where the file has faults, or has it in a way that cannot be added to.
    """
    before = source.compose(content, name)
    faults = [problem for problem in before.problems if problem.severity == "error"]
    if faults:
        raise ValueError(f"mend this first: {faults[0]}")
    _check(value)
    text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    expected = _expected(before.data, path, value, name)
    root = _root(text)
    for at, added in _places(text, root, list(path), value, replace(_style(root), bare=bare)):
        result = (text[:at] + added + text[at:]).encode()
        after = source.compose(result, name)
        # as JSON, because 1 is 1.0 and true to Python
        if len(after.problems) == len(before.problems) and json.dumps(after.data) == json.dumps(expected):
            mark = content[: len(content) - len(text.encode())]
            begins = at + len(added) - len(added.lstrip(", \r\n"))
            line = len(_BREAK.findall((text[:at] + added)[:begins])) + 1
            return Insertion(mark + result, added, line)
    raise ValueError(f"{name} is written in a way that nothing can be added to here; write it in by hand")


def _check(value: Any) -> None:
    """Raise ValueError for what no file can hold."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a text in it holds half of a letter (U+D800 to U+DFFF), which is no text in UTF-8") from None


def _expected(data: Any, path: Sequence[str], value: Any, name: str) -> Any:
    """The data with `value` in it."""
    result = copy.deepcopy(data if data is not None else {})
    found = result
    for depth, key in enumerate(path[:-1]):
        below = found.get(key) if isinstance(found, dict) else found
        if below is None and isinstance(found, dict):
            below = found[key] = {}
        if not isinstance(below, dict):
            raise ValueError(f"`{'.'.join(path[: depth + 1])}` in {name} holds no keys; mend it first")
        found = below
    if not isinstance(found, dict):
        raise ValueError(f"{name} holds no keys; mend it first")
    there = found.get(path[-1])
    if there is not None and not isinstance(there, list):
        raise ValueError(f"`{'.'.join(path)}` stands in {name} already")
    found[path[-1]] = [*there, *value] if there else value
    return result


def _places(text: str, root: _Node | None, path: list[str], value: Any, style: Style) -> Iterator[tuple[int, str]]:
    """Where something could be put, and what, the best first."""
    if root is None:
        lines = list(entry(path[0], _nested(path[1:], value), 0, style, len(path)))
        yield _lines_at(text, len(text), lines)
        return
    node, key = root, None
    while path and (found := node.get(path[0])) is not None:
        key, node = found
        path.pop(0)
    if node.is_flow:
        yield from _in_flow(text, node, path, value, style)
    elif node.empty and key is not None:
        yield from _below(text, key, node, path, value, style)
    elif node.kind in ("mapping", "list"):
        yield from _behind(text, node, path, value, style)


def _nested(keys: Sequence[str], value: Any) -> Any:
    for key in reversed(keys):
        value = {key: value}
    return value


def _new(path: list[str], value: Any, column: int, style: Style) -> list[str]:
    """The lines of what is put in: an entry of a mapping, or where the path is at its end the items of a list."""
    if path:
        return list(entry(path[0], _nested(path[1:], value), column, style, len(path)))
    return [line for one in value for line in item(one, column, style, 1)]


def _behind(text: str, node: _Node, path: list[str], value: Any, style: Style) -> Iterator[tuple[int, str]]:
    """Behind the last entry of a block, its comments included."""
    last = _last(node)
    ends = [_next_line(text, node.end)]
    if last.style in ("|", ">"):  # it ends behind the blank lines that follow, which may be part of it
        ends = [_before_blanks(text, node.end), node.end]
    lines = _new(path, value, node.column, style)
    for end in ends:
        yield _lines_at(text, _behind_comments(text, end, node.column), lines, blank=_has_blanks(text, node))


def _below(text: str, key: _Node, node: _Node, path: list[str], value: Any, style: Style) -> Iterator[tuple[int, str]]:
    """Below a key that has nothing yet."""
    column = key.column + (style.indent if path else style.dashes)
    at = _behind_comments(text, _next_line(text, node.end), key.column + 1)
    yield _lines_at(text, at, _new(path, value, column, style))


def _in_flow(text: str, node: _Node, path: list[str], value: Any, style: Style) -> Iterator[tuple[int, str]]:
    """Behind the last entry between brackets, on a line of its own where that is."""
    is_json = bool(node.entries) and all(key.style == '"' for key, _ in node.entries) and node.kind == "mapping"
    style = replace(style, json=is_json)
    added = flow(_nested(path, value) if path else list(value), style)[1:-1]
    if not node.entries:
        yield node.start + 1, added
        return
    first, last = node.entries[-1]
    if "#" in text[last.end : node.end]:
        return  # the comment would come to stand behind another entry
    begins = _line_start(text, first.start)
    if text[begins : first.start].isspace():
        yield last.end, f",{_break_of(text, begins)}{text[begins : first.start]}{added}"
    yield last.end, f", {added}"


def _lines_at(text: str, at: int, lines: Sequence[str], *, blank: bool = False) -> tuple[int, str]:
    """The lines as they are put in at `at`, the begin of a line, with the line ends of the file."""
    end = _break_of(text, at)
    added = (end * blank) + end.join(lines)
    ended = at == 0 or text[at - 1] in "\r\n"
    return at, added + end if ended else end + added


def _break_of(text: str, at: int) -> str:
    """How the line before `at` ends; where it does not end, the first of all."""
    ends = re.search(r"(?:\r\n|\n|\r)\Z", text[max(0, at - 2) : at]) or _BREAK.search(text)
    return ends[0] if ends else "\n"


def _line_start(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def _next_line(text: str, index: int) -> int:
    found = _BREAK.search(text, index)
    return found.end() if found else len(text)


def _before_blanks(text: str, index: int) -> int:
    """The begin of the blank lines before `index`, which begins a line itself."""
    written = len(text[:index].rstrip(" \r\n"))
    return _next_line(text, written) if written else index


def _behind_comments(text: str, at: int, column: int) -> int:
    """The end of the comments that follow, indented by `column` or more, with the blank lines between them."""
    line = at
    while line < len(text):
        end = _next_line(text, line)
        content = text[line:end].strip(" \r\n")
        if content and not (content.startswith("#") and text.index("#", line) - line >= column):
            break
        at = end if content else at
        line = end
    return at


def _has_blanks(text: str, node: _Node) -> bool:
    """Whether the last entry of a mapping has a blank line before it, behind the one before that."""
    if node.kind != "mapping" or len(node.entries) < 2:
        return False
    (_, before), (last, _) = node.entries[-2:]
    return _BLANK_LINE.search(text, max(0, before.end - 4), last.start) is not None


def _last(node: _Node) -> _Node:
    while node.entries and not node.is_flow:
        node = node.entries[-1][1]
    return node


def _style(root: _Node | None) -> Style:
    """How a file is indented, by the first mapping and the first list in it that are."""
    indents: list[int] = []
    dashes: list[int] = []
    todo = [root] if root is not None else []
    while todo:
        node = todo.pop(0)
        for _, below in node.entries:
            if node.kind == "mapping" and not node.is_flow and not below.is_flow and below.entries:
                (indents if below.kind == "mapping" else dashes).append(below.column - node.column)
            todo.append(below)
    indent = next((one for one in indents if one > 0), 2)
    return Style(indent, next((one for one in dashes if one >= 0), 2))


def _root(text: str) -> _Node | None:
    """The whole of a text that source.compose has read without a fault; None where it is empty."""
    parser = _Parser(text)
    try:
        parser.get_event()
        if isinstance(parser.get_event(), yaml.StreamEndEvent):
            return None
        node = _node(parser, parser.get_event())
        return None if node.empty else node
    finally:
        parser.dispose()


def _node(parser: Any, event: Any) -> _Node:
    start, end = event.start_mark, event.end_mark.index
    if isinstance(event, yaml.AliasEvent):
        return _Node("alias", start.index, end, start.column)
    if isinstance(event, yaml.ScalarEvent):
        return _Node("scalar", start.index, end, start.column, style=event.style or "", text=event.value)
    is_mapping = isinstance(event, yaml.MappingStartEvent)
    ends = yaml.MappingEndEvent if is_mapping else yaml.SequenceEndEvent
    node = _Node("mapping" if is_mapping else "list", start.index, end, start.column, bool(event.flow_style))
    following = parser.get_event()
    while not isinstance(following, ends):
        key = _node(parser, following)
        node.entries.append((key, _node(parser, parser.get_event()) if is_mapping else key))
        following = parser.get_event()
    last: Any = following
    node.end = last.end_mark.index if node.is_flow else node.entries[-1][1].end
    if event.anchor is not None:  # it stands before the first key, and the keys are what others are aligned to
        node.start, node.column = (end - 1 if node.is_flow else node.entries[0][0].start), node.entries[0][0].column
    return node
