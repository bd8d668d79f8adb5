"""The cells of conditions: what each says of the values that fit it.

    cell      nothing, `-` · null · one item · items with commas between · not(items)
    item      null · a value · < <= > >= != = and a value · [a..b] (a..b] ]a..b] and so on
    text      `"quoted"` items as above, a quote inside written twice; a bare text is never parsed

A cell that begins like one of the forms that are kept for later is refused, so that they can come.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from jackfield.process.table.faulty import Unfit
from jackfield.process.table.literals import OTHER, literal, normal, zoned
from jackfield.process.table.model import ANYTHING, Column, Condition, Span

__all__ = ["better", "compares", "fits", "is_empty", "is_number", "read_condition"]

_NOT = re.compile(r"not\s*\((.*)\)", re.DOTALL | re.IGNORECASE)
_LATER = re.compile(r"=|(?:contains|starts with|ends with|matches)\s*\(", re.IGNORECASE)
_QUOTED = re.compile(r'"([^"]*+(?:""[^"]*+)*+)"')
_COMMA = re.compile(r"\s*,\s*")
_RANGE = re.compile(r"([\[(\]])([^\[\]()]*?)\.\.([^\[\]()]*?)([\])\[])")
_ITEM = re.compile(r"(?:[^,]|(?<=[0-9]),(?=[0-9]))+")  # a comma between two digits separates nothing
_DAY_ITEM = re.compile(r"[^,]+")
_HOURS = re.compile(r"[0-9:]+-[0-9]{2}:[0-9]{2}")
_OPERATOR = re.compile(r"(<=|>=|!=|<|>|=)\s*(.*)", re.DOTALL)
_OPERAND = r'(?:"|[+-]?[0-9]|null\b)'
_COMPARES = re.compile(rf"(?:<=|>=|!=|<|>)\s*{_OPERAND}|[\[(\]]\s*[+-]?[0-9][^\[\]()]*\.\.[^\[\]()]*[\])\[]\Z")
_ONLY_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?(?:\s*,\s+[+-]?[0-9]+(?:[.,][0-9]+)?)*")
_CURLY = "“”„«»"
_CURLY_LIST = re.compile(rf"[{_CURLY}][^{_CURLY}\"]*[{_CURLY}\"](?:\s*,\s*[{_CURLY}\"][^{_CURLY}\"]*[{_CURLY}\"])+")
# of a condition that people write in their own way, and Jackfield's; one is told where it can be read in its column
_ONE = r"([0-9]\S*)(?:\s+[^\W\d]{1,12}\.?)?"  # `18`, `18 лет`
_MENDED = (
    (re.compile(r"(\S+)\+"), ">= {0}"),
    (re.compile(r"([0-9.,:]+)\s*[-–—…]\s*([0-9.,:]+)|(\S+)\s+[-–—…]\s+(\S+)"), "[{0}..{1}]"),
    (re.compile(r"([0-9]{1,2})\s*[-–—…]\s*([0-9]{1,2})"), "[{0}:00..{1}:00]"),
    (re.compile(r"([0-9]+)\.\.+([0-9]+)"), "[{0}..{1}]"),
    (re.compile(r"[\[(]\s*([0-9.:]+)\s*[-–—…,;]\s*([0-9.:]+)\s*[\])]"), "[{0}..{1}]"),
    (re.compile(rf"(?:от|с|from|von|between) {_ONE} (?:до|по|to|bis|and) {_ONE}", re.IGNORECASE), "[{0}..{1}]"),
    (re.compile(rf"(?:от|с|from|ab|at least|не менее|не меньше) {_ONE}", re.IGNORECASE), ">= {0}"),
    (re.compile(rf"(?:up to|at most|bis|не более|не больше) {_ONE}", re.IGNORECASE), "<= {0}"),
    (re.compile(rf"(?:до|меньше|менее|младше|under|below|less than|unter) {_ONE}", re.IGNORECASE), "< {0}"),
    (re.compile(rf"(?:больше|более|старше|over|above|more than|über|mehr als) {_ONE}", re.IGNORECASE), "> {0}"),
    (re.compile(r"([0-9]\S*)\s*<\s*\w+\s*<\s*([0-9]\S*)"), "({0}..{1})"),
    (re.compile(r"([0-9]\S*)\s*(?:<=|≤)\s*\w+\s*(?:<=|≤)\s*([0-9]\S*)"), "[{0}..{1}]"),
    (re.compile(r"([0-9]\S*)(?:\s+(?:or|или|oder)\s+|\s*;\s*)([0-9]\S*)"), "{0}, {1}"),
    (re.compile(r"\*|any|любой|любая|любое|все|всё|alle"), "-"),
    (re.compile(r"≥\s*(.+)|=>\s*(.+)"), ">= {0}"),
    (re.compile(r"≤\s*(.+)|=<\s*(.+)"), "<= {0}"),
    (re.compile(r"≠\s*(.+)|<>\s*(.+)"), "!= {0}"),
    (re.compile(r"==\s*(.+)"), "{0}"),
    (re.compile(r">\s*(\S+)\s+(?:and|и|und|et)\s+<\s*(\S+)"), "({0}..{1})"),
    (re.compile(r">=\s*(\S+)\s+(?:and|и|und|et)\s+<=\s*(\S+)"), "[{0}..{1}]"),
    (re.compile(r"[–—]"), "-"),
)
_LONGEST = 100  # characters of what is tried to be mended
_DAY = datetime.timedelta(days=1)


def read_condition(column: Column, text: str, separator: str) -> Condition:
    """What a cell says. Raises Unfit, whose sentence says what to write instead."""
    if not text or text == "-":
        return ANYTHING
    if column.type in ("text", "choice"):
        condition = _of_texts(column, text)
    else:
        negation = _NOT.fullmatch(text)
        items = negation[1].strip() if negation else text
        try:
            condition = _of_items(column, items, separator, bool(negation))
        except Unfit:
            mended = better(column, items, separator)
            if mended is None:
                raise
            raise Unfit(f"`{items}` is no condition for {column.type}", f"write `{mended}`") from None
    if condition.missing and not column.optional:
        name = ".".join(column.path)
        raise Unfit(f"`{name}` is never missing, and this cell says null", f"write `{name}?` in {column.head.name}")
    return condition


def fits(condition: Condition, value: Any) -> bool:
    """Whether a value fits, as `literals.key` gives it. What lookups give by their masks, said plainly."""
    if value is None:
        return condition.missing != condition.negated
    if value is OTHER:
        return condition.negated
    inside = value in condition.values or any(span.holds(value) for span in condition.spans)
    return inside != condition.negated


def compares(text: str) -> bool:
    """Whether a bare text looks like a comparison or a range: `>= 18`, `[1..10]`. `<3` does, `<b>` does not."""
    return _COMPARES.match(text) is not None


def is_number(text: str) -> bool:
    """Whether a bare text is a number, or several with commas between."""
    return _ONLY_NUMBER.fullmatch(text) is not None


def _of_texts(column: Column, text: str) -> Condition:
    if text == "null":
        return Condition(missing=True)
    negation = _NOT.fullmatch(text)
    if negation:
        return _quoted(column, negation[1].strip(), negated=True)
    if text.startswith('"'):
        return _quoted(column, text, negated=False)
    later = _LATER.match(text)
    if later:
        hint = f'write the text itself; if it begins like this, put it in quotes: `"{text[:40]}"`'
        if text.startswith("="):
            alone = text.lstrip("= ").replace('""', '"').strip('"')[:40]
            hint = f"write `{alone}` alone, without `=`" if alone else hint
            raise Unfit("a cell that begins with `=` is a formula to spreadsheets", hint)
        raise Unfit(f"`{later[0]}…)` is not supported", hint)
    if _CURLY_LIST.fullmatch(text):
        straight = ", ".join(f'"{item}"' for item in re.findall(rf'[^{_CURLY}",\s][^{_CURLY}",]*', text))
        raise Unfit("the quotes of this list are curly ones, which spreadsheets like to put", f"write {straight}")
    value = literal("choice", text, choices=column.choices) if column.type == "choice" else text
    return Condition(frozenset((normal(value, column.any_case),)))


def _quoted(column: Column, text: str, *, negated: bool) -> Condition:
    """`"a", "b", null`."""
    values, missing, at = [], False, 0
    while True:
        item = _QUOTED.match(text, at)
        if item:
            value = item[1].replace('""', '"')
            if column.type == "choice":
                literal("choice", value, choices=column.choices)
            values.append(normal(value, column.any_case))
            at = item.end()
        elif re.compile(r"null(?=\s*(?:,|\Z))").match(text, at):
            missing, at = True, at + len("null")
        else:
            rest = text[at : at + 40]
            shown = f"`{rest}` is not in quotes" if rest else "a text in quotes is missing"
            form = 'not("a", "b")' if negated else '"a", "b"'
            raise Unfit(
                f"{shown}, as the others of a list are", f"write {form}; a text that is no list begins with no quote"
            )
        if at == len(text):
            return Condition(frozenset(values), (), missing, negated)
        comma = _COMMA.match(text, at)
        if not comma:
            hint = 'write "a", "b"; a text that has quotes itself is written in quotes, with each of its own twice'
            raise Unfit(f"after the quoted text stands `{text[at : at + 40].strip()}`", hint)
        at = comma.end()


def _of_items(column: Column, text: str, separator: str, negated: bool) -> Condition:
    """`1, < 5, [7..9], null` of all types that are no texts."""
    values: list[Any] = []
    spans: list[Span] = []
    missing, at = False, 0
    item_of = (_ITEM if column.type in ("number", "integer") else _DAY_ITEM).match
    while True:
        found = _RANGE.match(text, at) if column.type != "boolean" else None
        if found:
            spans.append(_range(column, found, separator))
        else:
            found = item_of(text, at)
            item = found[0].strip() if found else ""
            if item == "null":
                missing = True
            else:
                one = _item(column, item, separator)
                values += one.values
                spans += one.spans
        at = found.end() if found else at
        if at == len(text):
            return Condition(frozenset(values), tuple(spans), missing, negated)
        comma = _COMMA.match(text, at)
        if not comma:
            raise Unfit(
                f"`{text[at : at + 40].strip()}` follows without a comma", "separate items by a comma and a blank"
            )
        at = comma.end()


def _item(column: Column, text: str, separator: str) -> Condition:
    if not text:
        raise Unfit("beside a comma nothing stands", "write `1, 2` for a list; an empty cell fits anything")
    if column.type == "time" and _HOURS.fullmatch(text):
        low, high = text.split("-")
        raise Unfit(f"`{text}` may be hours of a day, or {low} in a zone west of UTC", f"write {_hours(low, high)}")
    found = _OPERATOR.fullmatch(text)
    value = zoned(literal(column.type, found[2] if found else text, separator))
    operator = found[1] if found else "="
    if column.type == "boolean":
        if operator not in ("=", "!="):
            raise Unfit(f"`{operator}` does not compare true and false", "write true or false")
        return Condition(frozenset((value == (operator == "="),)))
    match operator:
        case "=":
            return Condition(frozenset((value,)))
        case "!=":
            return Condition(spans=(Span(None, value, False, False), Span(value, None, False, False)))
        case "<" | "<=":
            return Condition(spans=(Span(None, value, False, operator == "<="),))
    return Condition(spans=(Span(value, None, operator == ">=", False),))


def better(column: Column, text: str, separator: str) -> str | None:
    """What to write instead of a condition that cannot be read."""
    for pattern, form in _MENDED if len(text) < _LONGEST else ():
        found = pattern.fullmatch(text)
        if found:
            mended = form.format(*(part for part in found.groups() if part))
            try:
                if mended != "-":
                    _of_items(column, mended, separator, negated=False)
            except Unfit:
                continue
            return mended
    return None


def _hours(low: str, high: str, opening: str = "[", closing: str = "]") -> str:
    """Hours of a day, which may pass midnight."""
    if low.rjust(8, "0") < high.rjust(8, "0"):
        return f"`{opening}{low}..{high}{closing}`"
    return f"`{'>=' if opening == '[' else '>'} {low}, {'<=' if closing == ']' else '<'} {high}` for a night"


def _range(column: Column, found: re.Match[str], separator: str) -> Span:
    low, high = (zoned(literal(column.type, end.strip(), separator)) for end in (found[2], found[3]))
    span = Span(low, high, found[1] == "[", found[4] == "]")
    if low > high:
        ends = found[2].strip(), found[3].strip()
        hint = f"write {_hours(*ends, found[1], found[4])}" if column.type == "time" else "write the smaller end first"
        raise Unfit(f"`{found[0]}` is empty: {ends[0]} is above {ends[1]}", hint)
    if is_empty(column, span):
        raise Unfit(
            f"`{found[0]}` is empty: ( and ) leave the ends out", f"write `[{found[2].strip()}..{found[3].strip()}]`"
        )
    return span


def is_empty(column: Column, span: Span) -> bool:
    """Whether no value of the column's type lies within a span that has both ends."""
    if span.low == span.high:
        return not (span.with_low and span.with_high)
    step = {"integer": 1, "date": _DAY}.get(column.type)
    return step is not None and not span.with_low and not span.with_high and bool(span.low + step == span.high)
