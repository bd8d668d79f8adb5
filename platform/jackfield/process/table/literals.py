"""What the texts of cells mean as values of a type: numbers, dates, words for true and false.

Spreadsheets change what is typed into them, each in its own language. What could mean two things is refused with the
texts to write instead.
"""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from jackfield.process.table.faulty import Unfit
from jackfield.process.table.model import Column, Type
from jackfield.similar import did_you_mean

__all__ = ["OTHER", "damage", "is_day", "key", "literal", "normal", "written", "zoned"]

_TRUE = ("true", "yes", "да", "истина", "wahr", "vrai", "verdadero", "vero")
_FALSE = ("false", "no", "нет", "ложь", "falsch", "faux", "falso")
_WORDS = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}

_LONGEST = 400  # digits; longer ones are no numbers of people, and reading them takes the square of their length
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_COMMAS = re.compile(r"[+-]?[0-9]+(?:,[0-9]+){2,}")
_NEARLY = re.compile(r"[^0-9+−-]{0,5}([+−-]?[0-9][0-9.,'’\s]*)(%?)[^0-9]{0,12}")
_DATE = re.compile(
    r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})|(?P<d2>[0-9]{1,2})\.(?P<m2>[0-9]{1,2})\.(?P<y2>[0-9]{4})"
)
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?(Z|[+-][0-9]{2}:[0-9]{2})?")
_SLASHES = re.compile(r"([0-9]{1,4})/([0-9]{1,2})/([0-9]{2,4})")
_SHORT_YEAR = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{2})")
_MONTHS = "янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_MONTH = re.compile(rf"(?:[0-9]{{1,4}}[.-])?(?:{_MONTHS})[a-zа-я]{{0,6}}\.?(?:[.-][0-9]{{1,4}})?", re.IGNORECASE)
_POINT_HOUR = re.compile(r"([01]?[0-9]|2[0-3])[.h]([0-5][0-9])")
_HALF_DAY = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?(?::([0-9]{2}))?\s*([AaPp])\.?[Mm]\.?")

_ERRORS = re.compile(r"#[¿¡]?[A-ZА-ЯЁÄÖÜÉ0-9/]+[!?]|#N/A|#Н/Д|#NV|(?:Err|Ошибка|Fehler|Erreur):[0-9]{3}")
_SHORTENED = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?E[+-][0-9]{2,3}")

_EXAMPLES: dict[Type, str] = {
    "number": "write a number such as 18 or 1.5",
    "integer": "write a whole number such as 18",
    "boolean": "write true or false (yes, no, да, нет)",
    "date": "write it as 2026-01-30 or 30.01.2026",
    "time": "write it as 10:30",
    "datetime": "write it as 2026-01-30T10:30",
}


class _Other:
    """What a value of another type is to a condition: equal to nothing."""

    def __repr__(self) -> str:
        return "OTHER"


OTHER = _Other()


def damage(text: str) -> tuple[str, str] | None:
    """What a spreadsheet did to the cell of this text, and how to mend it; None where nothing shows."""
    if text[0] not in "#EОF+-0123456789" or len(text) > 40:
        return None
    if set(text) == {"#"} and len(text) > 1:
        return f"`{text}` is what a spreadsheet shows where a column is too narrow", "make it wider, and save again"
    if _ERRORS.fullmatch(text):
        hint = "write the text again, without = in front; a reply repeats a key by its name in braces: {message}"
        return f"`{text}` is the error of a formula: the spreadsheet took the cell's text for one", hint
    if _SHORTENED.fullmatch(text):
        hint = "format the column as text, and write all digits again"
        return f"`{text}` is a number that the spreadsheet shortened; its last digits may be gone", hint
    return None


def literal(type_: Type, text: str, separator: str = ",", choices: Sequence[str] = ()) -> Any:
    """The value of a text that stands for one, for each type but `list`. Raises Unfit.

    `separator` is the file's: `1,5` is a number only where commas do not separate cells.
    """
    match type_:
        case "number" | "integer":
            return _number(type_, text, separator)
        case "boolean":
            if text.casefold() in _WORDS:
                return _WORDS[text.casefold()]
            raise _unfit(type_, text)
        case "date":
            return _date(text)
        case "time":
            return _time(text)
        case "datetime":
            return _datetime(text)
        case "choice":
            if text in choices:
                return text
            known = f"the choices are {', '.join(choices)}"
            raise Unfit(f"`{text}` is none of the choices", did_you_mean(text, choices) or known)
        case _:
            return text


def written(value: Any) -> str:
    """A value as a cell has it."""
    if isinstance(value, datetime.time | datetime.datetime) and value.tzinfo == datetime.UTC:
        value = value.replace(tzinfo=None)
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


def normal(text: str, any_case: bool = False) -> str:
    """A text as it is compared: in Unicode's form NFC, as people see no difference between its forms."""
    if any_case:
        text = unicodedata.normalize("NFC", text).casefold()
    return unicodedata.normalize("NFC", text)


def key(column: Column, value: Any) -> Any:
    """A message's value as conditions compare it: None where it is missing, OTHER where it is of another type.

    Times and datetimes without a zone are in UTC.
    """
    kind = value.__class__
    match column.type:
        case _ if value is None:
            return None
        case "text" | "choice":
            return normal(value, column.any_case) if isinstance(value, str) else OTHER
        case "number" | "integer":
            return value if kind in (int, float) and value == value else OTHER  # NaN is not itself
        case "boolean":
            return value if kind is bool else OTHER
        case "date":
            return value if kind is datetime.date else OTHER
        case "time":
            return zoned(value) if kind is datetime.time else OTHER
        case "datetime":
            return zoned(value) if kind is datetime.datetime else OTHER
    return OTHER


def zoned(value: Any) -> Any:
    """A time or datetime with a zone; all other values as they are."""
    if value.__class__ is not datetime.time and value.__class__ is not datetime.datetime:
        return value
    return value if value.tzinfo else value.replace(tzinfo=datetime.UTC)


def _unfit(type_: Type, text: str, hint: str = "") -> Unfit:
    shown = text if len(text) <= 60 else text[:60] + "…"
    return Unfit(f"`{shown}` is no {type_}", hint or _EXAMPLES[type_])


def _number(type_: Type, text: str, separator: str) -> int | float:
    if len(text) > _LONGEST:
        raise _unfit(type_, text)
    comma = "," in text
    if comma and _COMMA.fullmatch(text):
        point, pair = text.replace(",", "."), text.replace(",", ", ")
        if separator == ",":
            message = f"`{text}` may be one number or two, as commas separate the cells of this file"
            thousands = re.fullmatch(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}", text)
            one = f"{text.replace(',', '')} or {point}" if thousands else point
            raise Unfit(message, f"write {one}, or `{pair}` for two numbers", "ambiguous_number")
        text = point
    elif comma and _COMMAS.fullmatch(text):
        message = f"`{text}` may be one number or several"
        hint = f"write {text.replace(',', '')}, or `{text.replace(',', ', ')}` for several"
        raise Unfit(message, hint, "ambiguous_number")
    if not _NUMBER.fullmatch(text):
        raise _unfit(type_, text, _number_to_write(text))
    whole = text.lstrip("+-").isdecimal()
    number = int(text) if whole else float(text)
    if not whole and math.isinf(number):
        raise _unfit(type_, text, "the number is too large")
    if type_ == "integer" and not whole:
        raise _unfit(type_, text, f"write {int(number)}" if number == int(number) else _EXAMPLES["integer"])
    return number


def is_day(text: str) -> bool:
    """Whether a text is a day in one of the ways of people and spreadsheets: `30.01.2026`, `1/2/26`, `2-Jan`."""
    return any(form.fullmatch(text) for form in (_DATE, _SLASHES, _SHORT_YEAR)) or (
        _MONTH.fullmatch(text) is not None and not text.isalpha()
    )


def _number_to_write(text: str) -> str:
    """`write 1000` for `1 000`, `50%`, `5 €` and the like."""
    if is_day(text):
        return "a spreadsheet makes dates of 1-2 and 1/2: format the column as text, and write the number again"
    nearly = _NEARLY.fullmatch(text)
    if not nearly:
        return ""
    digits = re.sub(r"['’\s]", "", nearly[1].replace("−", "-")).rstrip(".,")
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        digits = digits.replace(",."[point < comma], "").replace(",", ".")
    elif digits.count(".") > 1 or digits.count(",") > 1:
        digits = digits.replace(".", "").replace(",", "")
    digits = digits.replace(",", ".")
    if not _NUMBER.fullmatch(digits):
        return ""
    return f"write {float(digits) / 100:g}, or {digits} if the message says so" if nearly[2] else f"write {digits}"


def _date(text: str) -> datetime.date:
    found = _DATE.fullmatch(text)
    if found:
        parts = [found[name] or found[name + "2"] for name in "ymd"]
        try:
            return datetime.date(*(int(part) for part in parts))
        except ValueError:
            raise _unfit("date", text, "there is no such day") from None
    raise _unfit("date", text, _date_to_write(text))


def _date_to_write(text: str) -> str:
    slashes = _SLASHES.fullmatch(text)
    short = _SHORT_YEAR.fullmatch(text)
    if slashes and len(slashes[1]) == 4:
        orders = [(slashes[1], slashes[2], slashes[3])]
    elif slashes:
        orders = [(slashes[3], slashes[2], slashes[1]), (slashes[3], slashes[1], slashes[2])]
    else:
        orders = [(short[3], short[2], short[1])] if short else []
    dates = []
    for year, month, day in orders:
        try:
            dates.append(f"{datetime.date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))}")
        except ValueError:
            continue
    return f"write {' or '.join(dict.fromkeys(dates))}" if dates else ""


def _time(text: str) -> datetime.time:
    half = _HALF_DAY.fullmatch(text)
    if half and 1 <= int(half[1]) <= 12:  # spreadsheets in English write 10:30 so
        text = f"{int(half[1]) % 12 + 12 * (half[4] in 'pP'):02}:{half[2] or '00'}:{half[3] or '00'}"
    found = _TIME.fullmatch(text)
    if not found:
        point = _POINT_HOUR.fullmatch(text)
        raise _unfit("time", text, f"write {point[1]:0>2}:{point[2]}" if point else "")
    hour, minute, second = (int(part or 0) for part in found.groups()[:3])
    try:
        return datetime.time(hour, minute, second, int((found[4] or "0").ljust(6, "0")), _zone(found[5]))
    except ValueError:
        raise _unfit("time", text, "there is no such time of the day") from None


def _zone(text: str | None) -> datetime.timezone | None:
    if text is None or text == "Z":
        return datetime.UTC if text else None
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return datetime.timezone(datetime.timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _datetime(text: str) -> datetime.datetime:
    day, _, hour = text.partition("T") if "T" in text else text.partition(" ")
    try:
        return datetime.datetime.combine(_date(day.strip()), _time(hour.strip()))
    except Unfit as wrong:
        if hour:
            raise Unfit(f"`{text}` is no datetime: {wrong.args[0]}", wrong.args[1]) from None
        raise _unfit("datetime", text) from None
