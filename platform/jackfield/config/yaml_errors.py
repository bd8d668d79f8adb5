"""Errors of the YAML parser, translated for authors without knowledge of YAML.

libyaml has some forty messages; those that people meet are translated one by one, the rest is passed on.
Most have one cause: a text without quotes that holds a sign with a meaning in YAML.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import yaml

__all__ = ["QUOTES", "Fault", "glued", "odd_indent", "translate"]

QUOTES = 'put the text in quotes: "…"'
_COLUMN = "keys of one mapping begin in one column; indent with two spaces"
_GLUED = re.compile(r"\s*(?:- )?([^\W\d][\w.-]*):(?!//)([^ \t\n:].*?)(?= [\w.-]+:\S|\s*$)", re.DOTALL)
# Blanks that only look like one, and signs that look like nothing; YAML takes them for letters.
_ODD = re.compile("[ \t]*[\xa0\xad\u1680\u180e\u2000-\u200f\u202f\u205f\u2060\u3000]")
_NEAR = 5  # lines above the place where the parser gives up


@dataclass(frozen=True, slots=True)
class Fault:
    """A translated fault; `line` and `column` count from 0, as the parser does."""

    message: str
    hint: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a translation looks at: the lines, where the parser gave up, and where that part had begun."""

    lines: list[str]
    at: tuple[int, int]
    begun: tuple[int, int]

    def line(self, number: int) -> str:
        return self.lines[number] if 0 <= number < len(self.lines) else ""

    @property
    def sign(self) -> str:
        return self.line(self.at[0])[self.at[1] : self.at[1] + 1]

    @property
    def before(self) -> str:
        return self.line(self.at[0])[: self.at[1]]

    def here(self, message: str, hint: str) -> Fault:
        return Fault(message, hint, *self.at)

    def there(self, message: str, hint: str) -> Fault:
        return Fault(message, hint, *self.begun)


def translate(error: Exception, text: str) -> Fault:
    """The fault that stopped the parser, with the place where a person would look for it."""
    lines = text.splitlines()
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Fault(f"this is not well-formed YAML: {error}", "", 0, 0)
    at = (error.problem_mark.line, error.problem_mark.column)
    begun = (error.context_mark.line, error.context_mark.column) if error.context_mark else at
    seen = _Seen(lines, at, begun)
    for number in range(at[0], max(at[0] - _NEAR, -1), -1):
        line = seen.line(number)
        fault = odd_indent(line, number)
        if fault and ":" in line:  # without a colon it is most likely a line of some longer text
            return fault
    problem = error.problem or ""
    for words, say in _TRANSLATIONS:
        if words in problem:
            return say(seen)
    return seen.here(f"this is not well-formed YAML: {problem}", "look at the signs and the indentation here")


def glued(text: str) -> str:
    """How to fix a text that was meant as `key: value` and has no blank after the colon; or nothing."""
    found = _GLUED.match(text) if len(text) <= 200 else None
    if found is None:
        return ""
    odd = _ODD.match(found[2])
    why = f" (the {_called(odd[0][-1])} that stands there is none)" if odd else ""
    return f"put a blank after the colon: `{found[1]}: {found[2].strip()}`{why}"


def odd_indent(line: str, number: int) -> Fault | None:
    """The fault of a line that is indented with signs that YAML does not take for blanks."""
    found = _ODD.match(line)
    if found is None:
        return None
    sign = found[0][-1]
    message = f"the {_called(sign)} cannot indent a line in YAML"
    return Fault(message, "put ordinary blanks in its place, two for each step", number, len(found[0]) - 1)


def _called(sign: str) -> str:
    return f"{unicodedata.name(sign, 'sign').lower()} U+{ord(sign):04X}"


def _second_colon(seen: _Seen) -> Fault:
    if re.search(r":\s", seen.before) or seen.before.lstrip().startswith("-"):
        return seen.here("a text without quotes cannot hold a colon with a blank after it", QUOTES)
    number = next((number for number in range(seen.at[0] - 1, -1, -1) if seen.line(number).strip()), 0)
    above = seen.line(number)
    if fix := glued(above):
        return Fault("a colon needs a blank after it", fix, number, len(above) - len(above.lstrip()))
    return seen.here("this line does not fit the one above it", f"{_COLUMN}, and every key ends with a colon")


def _no_colon(seen: _Seen) -> Fault:
    if fix := glued(seen.line(seen.begun[0])):
        return seen.there("a colon needs a blank after it", fix)
    return seen.there("a key without a colon", "write `key: value`; keep a long text in quotes")


def _bad_start(seen: _Seen) -> Fault:
    if seen.sign == "\t":
        return _TAB(seen)
    return seen.here(f"a text without quotes cannot begin with {seen.sign!r}", QUOTES)


def _unclosed_bracket(seen: _Seen) -> Fault:
    rest = seen.line(seen.begun[0])[seen.begun[1] :]
    sign = rest[:1] or "{"
    if re.search(r"\s#", rest):
        what = "a text without quotes ends at ` #`, where a comment begins"
        return seen.there(f"the {sign} that opens here is never closed: {what}", QUOTES)
    closing = {"[": "]", "{": "}"}.get(sign, "}")
    message = f"in the {sign} that opens here a comma or the closing {closing} is missing"
    return seen.there(message, f"close it with {closing}; {QUOTES} if a text holds , : [ ] {{ }} or quotes")


def _no_key(seen: _Seen) -> Fault:
    if fault := _goes_on(seen):
        return fault
    if seen.sign in {"]", "}"}:
        return seen.here(f"a closing {seen.sign} that nothing has opened", QUOTES)
    return seen.here("the indentation fits nothing above it", _COLUMN)


def _goes_on(seen: _Seen) -> Fault | None:
    """The fault of a text that begins with what ends before it does: a text in quotes, a list or a mapping."""
    last = seen.before.rstrip()[-1:]
    if last and last in "\"'":
        hint = "use the other kind of quotes around a text that holds quotes"
        return seen.here("the text goes on after its closing quote", hint)
    if last and last in "]}" and seen.sign not in {"]", "}"}:
        return seen.here(f"the text goes on after a closing {last}", QUOTES)
    return None


def _no_content(seen: _Seen) -> Fault:
    if not seen.sign:
        return seen.here("the file ends where a value or a closing bracket belongs", "close what is open")
    return seen.here(f"a text without quotes cannot hold {seen.sign!r} here", QUOTES)


_Say = Callable[[_Seen], Fault]


def _here(message: str, hint: str) -> _Say:
    return lambda seen: seen.here(message, hint)


def _there(message: str, hint: str) -> _Say:
    return lambda seen: seen.there(message, hint)


def _no_dash(seen: _Seen) -> Fault:
    fix = "write `- ` or mend the indentation"
    return _goes_on(seen) or seen.here("every item of a list begins with a dash", fix)


_TAB = _here("a tab cannot indent in YAML", "use spaces, two for each step")
_BAD_ESCAPE = _here(
    "the backslash in double quotes begins something that YAML does not know",
    r"write \\ for a backslash, or put the text in single quotes: '…'",
)
_UNCLOSED = _there("the quote that opens here is never closed", "close it on the same line")
_MARKS = "remove the lines `---` and `...`"
_TRANSLATIONS: tuple[tuple[str, _Say], ...] = (
    ("mapping values are not allowed", _second_colon),
    ("cannot start any token", _bad_start),
    ("expected ',' or", _unclosed_bracket),
    ("did not find expected key", _no_key),
    ("expected <block end>", _no_key),  # the pure Python parser's words for the same
    ("expected node content", _no_content),
    ("unknown escape character", _BAD_ESCAPE),
    ("hexdecimal number", _BAD_ESCAPE),
    ("invalid Unicode character escape", _BAD_ESCAPE),
    ("unexpected ':'", _here("a colon here has no value after it", f"write one; or {QUOTES}")),
    ("tab character", _TAB),
    ("could not find expected ':'", _no_colon),
    ("unexpected end of stream", _UNCLOSED),
    ("unexpected document indicator", _UNCLOSED),
    ("expected alphabetic or numeric", _there("a text without quotes cannot begin with * or &", QUOTES)),
    ("expected '-' indicator", _no_dash),
    ("block sequence entries", _here("a dash begins a list item, and no list can begin here", QUOTES)),
    ("expected comment or line break", _there("a text cannot begin with | or > on the same line", QUOTES)),
    ("expected <document start>", _here("something follows the end of the document", _MARKS)),
    ("incompatible YAML", _here("this version of YAML is not known", "remove the line that begins with %YAML")),
)
