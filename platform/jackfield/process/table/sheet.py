"""Bytes become the cells of a sheet: encoding, separator, quotes, comments, bounds. No cell is understood here.

RFC 4180, section 2, as spreadsheets write it. Places count from 1: lines and columns of the file in characters, rows
as a spreadsheet shows them, where a quoted cell of several lines is one row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jackfield.errors import Problem
from jackfield.process.table.faulty import doubt, fault
from jackfield.process.table.literals import damage
from jackfield.process.table.model import Cell

__all__ = ["MOST_BYTES", "MOST_COLUMNS", "MOST_ROWS", "SAMPLE", "Sheet", "read_sheet"]

MOST_BYTES = 1024 * 1024
MOST_ROWS = 10_000
MOST_COLUMNS = 100
SAMPLE = "first,message,reply.text"
"""Heads of a table that answers."""

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_SAVE = "save it as `CSV UTF-8 (comma delimited)`; in LibreOffice: `Text CSV`, character set `Unicode (UTF-8)`"
_LETTERS = [chr(65 + n) for n in range(26)]
_NAMES = _LETTERS + [a + b for a in _LETTERS for b in _LETTERS]  # of columns: A … ZZ
_SEP_LINE = re.compile(r'"?sep=([^\r\n]?)"?[,;\t ]*(?:\r\n|[\r\n]|\Z)', re.IGNORECASE)
# what stands above the heads: blank rows, and comments, of which a cell may be quoted
_ABOVE = re.compile(r'(?:[ ,;\t]*(?:(?:#|"\s*#(?:[^"]|"")*+")[^\r\n]*+)?+(?:\r\n|[\r\n]))*+')
_HEADS = re.compile(r'(?:[^"\r\n]|"[^"]*+")*+')
_INSIDE = re.compile(r'"[^"]*"|\([^()\r\n]*\)')  # `(text, any case)` in a file with semicolons
_TRAIL = re.escape("".join(bytes(range(0x80, 0xC0)).decode(of, "ignore") for of in ("cp1251", "cp1252", "latin-1")))
# texts in UTF-8 that were read in a code page, as Excel does without a mark, and were saved: `РџСЂРёРІРµС‚`, `GrÃ¼ÃŸe`
_TWICE = re.compile(rf"(?:[РСÐÑ][{_TRAIL}]){{3,}}|(?<![A-ZÀ-Þ])Ã[\u0080-\u00bf\u0152-\u017e\u2013-\u203a]")
_LIST = re.compile(r'"[^"]{1,40}"(?:[,;][ \t]+"[^"]{1,40}"){1,9}')  # written by hand
_LINE = 1000  # characters in which it is looked for
_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')


@dataclass(frozen=True, slots=True)
class Sheet:
    """The heads, and rows that are as long as the heads."""

    summary: str
    separator: str
    heads: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]


class _Unreadable(Exception):
    """There is no use in reading on."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def read_sheet(file: str, data: bytes, sample: str = SAMPLE) -> tuple[Sheet | None, list[Problem]]:
    """The sheet that the bytes of a file are, and what is wrong with it; hints show `sample` for its heads."""
    reader = _Reader(file, sample)
    try:
        return reader.read(_decoded(file, data)), reader.problems
    except _Unreadable as found:
        return None, [*reader.problems, found.problem]


def _decoded(file: str, data: bytes) -> str:
    start = Cell("", 1, 1, "A1")
    if len(data) > MOST_BYTES:
        raise _Unreadable(fault(file, start, f"the file has {len(data)} bytes", "a table has at most 1 MiB"))
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise _Unreadable(fault(file, start, "this is a spreadsheet's own file, not CSV", _SAVE))
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data[:100].lstrip()[:1] in (b"<", b"{", b"[") or data.startswith(b"%PDF"):
        raise _Unreadable(fault(file, start, "this is another kind of file (a web page, JSON, PDF …), not CSV", _SAVE))
    try:
        text = data.decode("utf-16" if wide else "utf-8")
    except UnicodeDecodeError as error:
        if wide:
            raise _Unreadable(fault(file, start, "the file is not whole UTF-16", _SAVE)) from None
        raise _Unreadable(_not_utf8(file, data, error.start)) from None
    twice = _TWICE.search(text)
    if "\0" in text:
        cell = _cell_at(data, data.index(0))[0]
        raise _Unreadable(fault(file, cell, "here stands a zero byte; UTF-16 without its mark has them", _SAVE))
    if twice:
        cell = _cell_at(data, len(text[: twice.start()].encode()))[0]
        hint = "import the file from its own menu with the character set `UTF-8`, and take the texts from an older copy"
        message = f"`{twice[0][:40]}`: a spreadsheet opened the file in another character set than UTF-8, and saved it"
        raise _Unreadable(fault(file, cell, message, hint))
    return text


def _cell_at(data: bytes, at: int) -> tuple[Cell, bytes]:
    """The cell that has a byte, and the line as far as there. Quotes are not looked at."""
    before = data[:at].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    line = before.count(b"\n") + 1
    begun = before.rpartition(b"\n")[2]
    number = min(max(begun.count(sep) for sep in (b",", b";", b"\t")), MOST_COLUMNS)
    return Cell("", line, len(begun.decode("utf-8", "replace")) + 1, f"{_NAMES[number]}{line}"), begun


def _not_utf8(file: str, data: bytes, at: int) -> Problem:
    """Where the first such byte stands, and what its line says in the code page that is met most."""
    cell, begun = _cell_at(data, at)
    rest = re.split(rb"[\r\n]", data[at : at + 200], maxsplit=1)[0]
    shown = (begun[-60:] + rest)[:100].decode("windows-1251", "replace")
    return fault(file, cell, f"the file is not UTF-8; read as windows-1251 the line is: {shown}", _SAVE)


class _Reader:
    def __init__(self, file: str, sample: str) -> None:
        self.file = file
        self.sample = sample
        self.problems: list[Problem] = []
        self.known: set[int] = set()  # columns that have a head

    def read(self, text: str) -> Sheet:
        start, separator = self.separator(text)
        summary = ""
        heads: tuple[Cell, ...] = ()
        rows: list[tuple[Cell, ...]] = []
        for cells, blank in self.records(text, start, separator):
            if cells[0][1].text.startswith("#") and cells[0][0] == 0 and not _is_damaged_name(cells):
                if not heads:
                    summary = summary or _comment(cells, separator)
            elif not heads:
                heads = self.heads(cells, blank, separator, text[:start])
            elif len(rows) == MOST_ROWS:
                raise _Unreadable(fault(self.file, cells[0][1], f"a table has at most {MOST_ROWS} rows"))
            else:
                rows.append(self.row(cells, blank, heads, separator))
        if not heads:
            hint = f"the first row that is no comment has them: {self.sample}"
            raise _Unreadable(fault(self.file, Cell("", 1, 1, "A1"), "the table has no heads", hint))
        return Sheet(summary, separator, heads, tuple(rows))

    def separator(self, text: str) -> tuple[int, str]:
        """Where the first record begins, and what separates its cells."""
        told = _SEP_LINE.match(text)
        if told:
            if told[1] not in _SEPARATORS:
                place = Cell("", 1, 1, "A1")
                raise _Unreadable(fault(self.file, place, f"`sep={told[1]}` is not known", "write sep=; or sep=,"))
            return told.end(), told[1]
        above = _ABOVE.match(text)
        assert above is not None  # it matches nothing, too
        heads = _HEADS.match(text, above.end())
        assert heads is not None
        outside = _INSIDE.sub("", heads[0])
        kinds = [separator for separator in _SEPARATORS if separator in outside]
        if len(kinds) > 1:
            line = len(re.findall(r"\r\n|[\r\n]", above[0])) + 1
            both = " and ".join(_SEPARATORS[kind] for kind in kinds)
            hint = "separate all cells by one of them, and put a head that has the other in quotes"
            raise _Unreadable(fault(self.file, Cell("", line, 1, f"A{line}"), f"the heads have {both}", hint))
        return 0, kinds[0] if kinds else ","

    def records(self, text: str, at: int, separator: str) -> Iterator[tuple[list[tuple[int, Cell]], Cell]]:
        """Each row that is not blank: its cells that are not empty, numbered, and an empty cell of the row."""
        blank = rf"[^\S\r\n{separator}]"
        # the quoted cell is matched possessively: an unclosed quote costs one look at the rest, not one for each line
        cell_of = re.compile(
            rf'(?:"([^"]*+(?:""[^"]*+)*+)"{blank}*+|([^{separator}\r\n]*+))(\r\n|[{separator}\r\n]|\Z)'
        )
        row, line, begin, number = 1, text.count("\n", 0, at) + 1, at, 0
        cells: list[tuple[int, Cell]] = []
        stray: list[Cell] = []
        start = line
        for found in cell_of.finditer(text, at):  # without gaps: the second branch takes whatever stands there
            if not number and found.start() == len(text):
                break  # behind the last line
            quoted, bare, end = found.groups()
            column = found.start() - begin + 1
            if quoted is None:
                content = bare.strip()
                if content:
                    if len(content) < len(bare):
                        column += len(bare) - len(bare.lstrip())
                    cell = Cell(content, line, column, f"{_NAMES[min(number, 701)]}{row}")
                    cells.append((number, cell))
                    if '"' in bare:
                        stray.append(cell)
            else:
                content = quoted.replace('""', '"').strip()
                if content:
                    cells.append((number, Cell(content, line, column, f"{_NAMES[min(number, 701)]}{row}")))
                if "\n" in quoted or "\r" in quoted:
                    line += quoted.count("\n") + quoted.count("\r") - quoted.count("\r\n")
                    begin = found.start(1) + max(quoted.rfind("\n"), quoted.rfind("\r")) + 1
            number += 1
            if end != separator:
                if stray and not cells[0][1].text.startswith("#"):
                    self.problems.extend(_stray(self.file, text, cell) for cell in stray)
                    if any(cell.text.startswith('"') for cell in stray):
                        raise _Unreadable(self.problems.pop())  # where the next cells begin is not known
                if cells:
                    yield cells, Cell("", start, 1, f"A{row}")
                cells, stray, number = [], [], 0
                row, line, begin = row + 1, line + 1, found.end()
                start = line

    def heads(self, cells: list[tuple[int, Cell]], blank: Cell, separator: str, told: str) -> tuple[Cell, ...]:
        """`told` is the line `sep=;`, if there is one."""
        if len(cells) == 1 and cells[0][0] == 0:
            cell, hint = cells[0][1], f"separate them by commas: {self.sample}"
            message = f"all heads stand in one cell, as `{told.strip()}` says: {_SEPARATORS[separator]}"
            found = next((kind for kind in _SEPARATORS if kind in cell.text), None)
            if not told:
                message = "all heads stand in one cell"
            elif found:
                hint = f"the heads are separated by {_SEPARATORS[found]}: take the line `{told.strip()}` out"
            if not cell.text.casefold().startswith(("first", "unique", "collect", self.sample.partition(",")[0])):
                message = f"`{cell.text[:40]}` stands where the heads should be"
                hint = f"begin a title above them with `#`, and separate heads by commas: {self.sample}"
            raise _Unreadable(fault(self.file, cell, message, hint))
        self.known = {number for number, _ in cells}
        last, cell = cells[-1]
        if last >= MOST_COLUMNS:
            raise _Unreadable(fault(self.file, cell, f"a table has at most {MOST_COLUMNS} columns"))
        return _filled(cells, blank, last + 1)

    def row(
        self, cells: list[tuple[int, Cell]], blank: Cell, heads: Sequence[Cell], separator: str
    ) -> tuple[Cell, ...]:
        known = self.known
        beyond = [cell for number, cell in cells if number not in known]
        if beyond:
            hint = "give its column a head (`# …` for a note), or put a cell that has the separator in it in quotes"
            self.problems.append(fault(self.file, beyond[0], "no head stands above this cell", hint))
        if len(cells) == 1 and len(heads) > 1:
            others = [kind for kind in _SEPARATORS if cells[0][1].text.count(kind) >= len(heads) - 1]
            if others and others[0] != separator:
                message = f"the heads are separated by {_SEPARATORS[separator]}, this row by {_SEPARATORS[others[0]]}"
                raise _Unreadable(fault(self.file, cells[0][1], message, "separate all rows like the heads"))
        for _, cell in cells:
            if "\t" in cell.text:
                hint = f"a blank is better inside a text; between cells stand {_SEPARATORS[separator]}"
                self.problems.append(doubt(self.file, cell, "a tab stands inside this cell", hint))
        return _filled(cells, blank, len(heads))


def _stray(file: str, text: str, cell: Cell) -> Problem:
    if not cell.text.startswith('"'):
        hint = 'put the whole cell in quotes and write each quote in it twice: "say ""hi"""'
        return fault(file, cell, "a quote stands inside a cell that does not begin with one", hint)
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)  # the file, from the cell on
    closed = _QUOTED.match("".join(lines[cell.line - 1 :]), cell.column - 1)
    if closed is None:
        return fault(file, cell, "the quote that opens this cell is never closed", 'write a quote at its end: "…"')
    after = closed.string[closed.end() :].lstrip()[:12].split("\n")[0]
    hint = "a quoted cell ends with its quote; write a quote inside it twice"
    line = closed.string.split("\n", 1)[0]
    for items in _LIST.finditer(line[:_LINE]):
        if items.start() < cell.column <= items.end():
            quoted = items[0].replace('"', '""')
            hint = f'a list stands in quotes, with each of its own twice: `"{quoted}"`'
    return fault(file, cell, f"after the quote that closes this cell stands `{after}`", hint)


def _is_damaged_name(cells: list[tuple[int, Cell]]) -> bool:
    """Whether a row begins with `#` because its name is broken (`#NAME?`, `####`), not to be a comment."""
    return len(cells) > 1 and damage(cells[0][1].text) is not None


def _comment(cells: list[tuple[int, Cell]], separator: str) -> str:
    """The text of a comment. One that was written by hand may have been cut by a separator in it."""
    between = " " if separator == "\t" else f"{separator} "
    return between.join(cell.text for _, cell in cells).lstrip("#").strip()


def _filled(cells: list[tuple[int, Cell]], blank: Cell, width: int) -> tuple[Cell, ...]:
    if len(cells) == width == cells[-1][0] + 1:
        return tuple([cell for _, cell in cells])
    row = [blank] * width
    for number, cell in cells:
        if number < width:
            row[number] = cell
    return tuple(row)
