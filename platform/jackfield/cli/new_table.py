"""`jackfield new table`: a small table that works as it is, to be opened in a spreadsheet and changed."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import click

from jackfield.cli.settings import Failure

__all__ = ["make_table"]

_NAME = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]{0,63}(?:\.(?!__)[A-Za-z_][A-Za-z0-9_]{0,63})*")
_ROWS = (
    ("# The first row that fits a message answers it",),
    ("first", "message", "reply.text", "# note"),
    ("1", "Привет", "Привет!", "this text"),
    ("2", '"да", "нет"', "Ответ «{message}» принят.", "one of the two"),
    ("rest", "", "Не понял: {message}", "every other text"),
)


def make_table(project: Path, name: str, *, excel: bool) -> None:
    """Write processes/NAME.csv and say what to put into endpoints.yaml. Raises Failure; nothing is written over."""
    if not _NAME.fullmatch(name.removesuffix(".csv")):
        raise Failure(f"{name!r} is no name of a table: it has Latin letters, digits and _, like prices", 2)
    name = name.removesuffix(".csv")
    file = Path("processes", *name.split(".")).with_suffix(".csv")
    python = file.with_suffix(".py")
    if (project / python).exists():
        raise Failure(f"{project / python} is there already, and would be the same process; choose another name")
    text = io.StringIO()
    csv.writer(text, delimiter=";" if excel else ",", lineterminator="\r\n" if excel else "\n").writerows(_ROWS)
    try:
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        with (project / file).open("x", encoding="utf-8-sig" if excel else "utf-8", newline="") as made:
            made.write(text.getvalue())
    except FileExistsError:
        raise Failure(f"{project / file} is there already; choose another name") from None
    except OSError as exc:
        raise Failure(f"cannot write {project / file}: {exc.strerror or exc}") from exc
    click.echo(f"Made {file.as_posix()}. Put this under `endpoints:` in endpoints.yaml:\n", err=True)
    click.echo(f"  {name.replace('.', '_')}:\n    url: /ws/{name.replace('.', '/')}\n    process: {name}")
    click.echo(f'\nand try it: jackfield run {name} \'{{"message": "Привет"}}\' --trace', err=True)
