"""The lists of numbers in docs/observing.md, made from the constants of the package and the sentences below them.

python -m tests.house.numbers_page
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path

from tests.house.habits import PACKAGE, sources

__all__ = ["constants", "page"]

PAGE = PACKAGE / "docs" / "observing.md"
_BEGIN, _END = "<!-- numbers: made from the code -->\n", "<!-- end of numbers -->\n"
_ROOMS = {
    "auth": "Logins and sessions",
    "server": "The server",
    "process": "Processes",
    "config": "The file",
    "": "Messages, log and command line",
}
"""The headings, by the folder below the package; a folder that has none belongs to the last."""


def page() -> str:
    """The whole page of which they are a part, with them made anew."""
    head, rest = PAGE.read_text("utf-8").split(_BEGIN, 1)
    return "".join([head, _BEGIN, *_lists(), "\n", _END, rest.split(_END, 1)[1]])


def _lists() -> Iterator[str]:
    rooms: dict[str, dict[str, list[str]]] = {title: {} for title in _ROOMS.values()}
    for module, name, value, sentence in constants():
        room = _ROOMS.get(module.partition(".")[0] if "." in module else "", _ROOMS[""])
        rooms[room].setdefault(module, []).append(f"  - `{name}` {_number(value)}: {_clause(sentence)}")
    for title, modules in rooms.items():
        if modules:
            lines = [line for module, found in modules.items() for line in (f"- `{module.replace('.', '/')}`", *found)]
            yield "\n".join([f"\n### {title}\n", *lines, ""])


def _clause(sentence: str) -> str:
    """What it says before its first semicolon, colon or full stop; the rest is for readers of the code."""
    first = re.split(r"[;:.](?: |$)", sentence, maxsplit=1)[0]
    return first[0].lower() + first[1:]


def constants() -> Iterator[tuple[str, str, int | float, str]]:
    """Each public number constant that has a sentence below it: module, name, value, sentence."""
    for path in sources(PACKAGE):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        for name, sentence in _told(path):
            value = getattr(import_module(f"jackfield.{module}"), name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield module, name, value, sentence


def _told(path: Path) -> Iterator[tuple[str, str]]:
    """The public constants of a file with what the text below says of them."""
    body = ast.parse(path.read_text("utf-8")).body
    for node, after in pairwise(body):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(after, ast.Expr):
            continue
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        text = after.value.value if isinstance(after.value, ast.Constant) else None
        if isinstance(target, ast.Name) and target.id.isupper() and target.id[0] != "_" and isinstance(text, str):
            yield target.id, " ".join(text.split()).replace("|", "\\|")


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}" if value < 1e6 else f"{value:,.0f}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
