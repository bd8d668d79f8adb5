"""Names of groups: patterns such as `room:{room}`, filled in with values and matched with names.

Strategy: values are percent-encoded as JavaScript's encodeURIComponent does it, so that none reaches over the literal
text around it: two different fillings of a pattern are two names, and a name is matched without looking back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from urllib.parse import quote, unquote

__all__ = ["CONSOLE", "MAX_LENGTH", "SAFE", "BadName", "Pattern", "checked", "fault"]

CONSOLE = "$console"
"""The endpoint of the page's own connections, and the group that they are in; it stands in no list."""

MAX_LENGTH = 200
"""Characters of a group's name."""

SAFE = "!*'()"
"""What stands in a name as it is beside letters, digits and `_.-~`, as JavaScript's encodeURIComponent has it."""

_HOLE = re.compile(r"\{([^{}]*)\}")
_VALUE = "((?:[A-Za-z0-9_.~!*'()-]|%[0-9A-F]{2})+)"
_DIVIDES = re.compile(r"[^A-Za-z0-9_.~!*'()%-]")
_LITERAL = re.compile(r"[!-z|~]*")  # printable ASCII without blanks and braces
_EXAMPLE = "for example room:{room}"
_IN_NAMES = "!\"#$%&'()*+,/:;<=>?@[\\]^`|"  # what _LITERAL has beside what `quote` leaves as it is
_SHOWN = 80  # characters of a name that a sentence shows


class BadName(ValueError):
    """A pattern or a filling that makes no name of a group; its text is a sentence for people."""


@dataclass(frozen=True)
class Pattern:
    """A pattern of names, cut into literal texts and the parameters between them: one more text than parameters."""

    text: str
    literals: tuple[str, ...]
    params: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """The pattern that `text` writes. Raises BadName."""
        parts = _HOLE.split(text)
        literals, params = tuple(parts[::2]), tuple(parts[1::2])
        if not literals[0]:
            raise BadName(f"a pattern begins with literal text, {_EXAMPLE}")
        if text.startswith("$"):
            raise BadName("names that begin with $ belong to Jackfield itself")
        if wrong := next((part for part in literals if not _LITERAL.fullmatch(part)), None):
            raise BadName(
                f'"{wrong}" has a character that no name may have: Latin letters, digits and signs, no blanks'
            )
        if not all(_DIVIDES.search(part) for part in literals[1:-1]):
            raise BadName("between two parameters stands a sign such as : or /, which no value has")
        if twice := next((name for name in params if params.count(name) > 1), None):
            raise BadName(f"{{{twice}}} stands twice in the pattern")
        if not all(name.isidentifier() for name in params):
            raise BadName(f"between braces stands the name of a parameter, {_EXAMPLE}")
        if len(text) > MAX_LENGTH:
            raise BadName(f"a name has at most {MAX_LENGTH} characters")
        return cls(text, literals, params)

    def fill(self, values: Mapping[str, object]) -> str:
        """The name with these values, each as its text. Raises BadName for one that is empty or makes it too long."""
        parts = [self.literals[0]]
        for param, literal in zip(self.params, self.literals[1:], strict=True):
            if not (text := _text(values[param])):
                raise BadName(f'"{param}" is empty, and a name of a group needs its value')
            parts += (quote(text, safe=SAFE), literal)
        name = "".join(parts)
        if len(name) > MAX_LENGTH:
            raise BadName(f"the name of the group is longer than {MAX_LENGTH} characters")
        return name

    def match(self, name: str) -> dict[str, str] | None:
        """The values that make this name, decoded; None where none do, as for one that encodes what needs none."""
        found = self._expression.fullmatch(name)
        if found is None:
            return None
        texts = [unquote(text) for text in found.groups()]
        if any(quote(text, safe=SAFE) != encoded for text, encoded in zip(texts, found.groups(), strict=True)):
            return None
        return dict(zip(self.params, texts, strict=True))

    def may_meet(self, other: Pattern) -> bool:
        """Whether some values may give both patterns one name; True where that cannot be excluded."""
        if not self.params and not other.params:
            return self.text == other.text
        if not self.params or not other.params:
            fixed, open_ = (self, other) if not self.params else (other, self)
            return open_.match(fixed.text) is not None
        heads, tails = (self.literals[0], other.literals[0]), (self.literals[-1], other.literals[-1])
        return (heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])) and (
            tails[0].endswith(tails[1]) or tails[1].endswith(tails[0])
        )

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(_VALUE.join(re.escape(literal) for literal in self.literals))


def checked(name: object) -> str:
    """The name of a group that a process gives. Raises BadName for one that no group can have."""
    if not isinstance(name, str) or not name:
        raise BadName(f'the name of a group is a text such as "room:7", not {name!r}')
    if not _LITERAL.fullmatch(name):
        hint = 'make it with groups.name("room:{room}", room=...), which encodes the values'
        raise BadName(f"{name[:_SHOWN]!r} has a character that no name of a group may have; {hint}")
    if wrong := fault(name):
        raise BadName(wrong)
    return name


def fault(name: str) -> str:
    """Why no group can have a name, for who writes it as text and not in Python; "" for a good one."""
    if not name:
        return "a name of a group has at least one character"
    if name.startswith("$"):
        return "names that begin with $ belong to Jackfield itself"
    if not _LITERAL.fullmatch(name):
        encoded = quote(name[:_SHOWN], safe=_IN_NAMES, errors="replace")
        return f"it has a character that stands percent-encoded there: {encoded}{'…' if len(name) > _SHOWN else ''}"
    return f"the name of the group is longer than {MAX_LENGTH} characters" if len(name) > MAX_LENGTH else ""


def _text(value: object) -> str:
    """A value as it stands in an address: of an Enum its value, of true and false their JSON."""
    if isinstance(value, Enum):
        value = value.value
    return str(value).lower() if isinstance(value, bool) else str(value)
