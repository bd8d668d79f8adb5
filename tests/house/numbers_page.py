"""docs/numbers.md, made from the constants of the package and the sentences below them.

python -m tests.house.numbers_page > platform/jackfield/docs/numbers.md
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import MISSING, fields
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from jackfield.config.plan import AuthSettings, Endpoint, Limits
from jackfield.server.options import Options
from tests.house.habits import PACKAGE, sources

__all__ = ["constants", "page"]

_HEAD = """\
# Numbers

Every limit, time and size that Jackfield goes by. This page is made from the sources, and a test compares the two.
The first table can be changed in `endpoints.yaml`, see [endpoints.md](endpoints.md); `off` means that there is no such
limit. The second is options of [`jackfield serve`](commands.md). The others are fixed, and chosen so that nobody has to
change them; the name says where they stand.

What OWASP ASVS 5.0 wants written down: limits of logins (6.1.1), of sessions (7.1.1) and of how many a user may have
(7.1.2) stand under *Logins and sessions*, those of messages and connections (2.1.3) under *Set in the file* and *The
server*, what is expensive and therefore bounded (15.1.3) is a login (Argon2), a call of a process (`time`) and a
publish. What is logged (16.1.1) stands in [observing.md](observing.md#the-log).
"""

_ROOMS = {
    "auth": "Logins and sessions",
    "server": "The server",
    "process": "Processes",
    "config": "The file",
    "": "Messages, log and command line",
}
"""The headings, by the folder below the package; a folder that has none belongs to the last."""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, _settings()]
    rooms: dict[str, list[str]] = {title: [] for title in _ROOMS.values()}
    for module, name, value, sentence in constants():
        room = _ROOMS.get(module.partition(".")[0] if "." in module else "", _ROOMS[""])
        rooms[room].append(f"| `{module}.{name}` | {_number(value)} | {sentence} |")
    for title, rows in rooms.items():
        if rows:
            parts.append("\n".join([f"\n## {title}\n", "| name | number | meaning |", "|---|---|---|", *rows, ""]))
    return "".join(parts)


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


def _settings() -> str:
    lines = ["\n## Set in the file\n", "| key | default |", "|---|---|"]
    for prefix, kind in (("limits", Limits), ("auth", AuthSettings), ("", Endpoint)):
        for name, default in _defaults(kind):
            lines.append(f"| `{prefix}.{name}` | {default} |" if prefix else f"| `{name}` | {default} |")
    lines += ["\n## Set on the command line\n", "| option | default |", "|---|---|"]
    lines += [f"| `--{name.replace('_', '-')}` | {default} |" for name, default in _defaults(Options)]
    return "\n".join([*lines, ""])


def _defaults(kind: Any) -> Iterator[tuple[str, str]]:
    """The fields of a dataclass that are numbers, or may be, with their defaults."""
    for field in fields(kind):
        numeric = any(word in str(field.type) for word in ("int", "float")) and "Literal" not in str(field.type)
        if numeric and field.default is not MISSING and not field.name.endswith("port"):
            yield field.name, "off" if field.default is None else _number(field.default)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}" if value < 1e6 else f"{value:,.0f}"


if __name__ == "__main__":
    print(page(), end="")
