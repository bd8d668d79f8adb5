"""`jackfield users import`: users from a CSV file, all of them or nobody."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from jackfield import files
from jackfield.auth.importing import Imported, Row, import_users
from jackfield.auth.passwords import Passwords
from jackfield.auth.store.store import Store
from jackfield.cli.in_store import in_store, report, warn_undeclared
from jackfield.cli.settings import Failure, count_errors, counted, state_options
from jackfield.cli.user_file import read_users
from jackfield.process.table.keep import as_row
from jackfield.process.table.sheet import MOST_BYTES
from jackfield.state import State

__all__ = ["import_"]

_HASHING = 4  # threads of an import, of 19 MiB each
_TOLD = 500  # passwords between two lines of progress
_NAMED = 20  # of those who are skipped


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Only say what is wrong with the file, and who would be added.")
@state_options
def import_(state: State, file: Path, dry_run: bool) -> None:
    """Add the users of a CSV file (or of standard input, -) with the columns login, name, roles, password.

    Users that are there already stay as they are. Where anything is wrong, nobody is added. Who has no password in the
    file gets one that is made up; these are printed once, as CSV.
    """
    name, data = _content(file)
    read, problems = read_users(name, data)
    found: list[Imported] = []
    if read is not None:
        wanted = read.rows
        found = in_store(state, lambda store: _import(store, wanted, dry_run))
        problems += read.problems(found)
    for problem in problems:
        report(str(problem).removesuffix(f" [{problem.code}]"))  # they are of tables
    if errors := count_errors(problems):
        raise Failure(f"{counted(errors, 'problem')} in {name}; nobody was added")
    added = [one for one in found if one.done == "added"]
    _tell_imported(found, added, dry_run)
    warn_undeclared(role for row, one in zip(wanted, found, strict=True) if one.done == "added" for role in row.roles)
    if made := [one for one in added if one.password is not None]:
        rows = [("login", "password"), *((one.login, one.password) for one in made)]
        click.echo(b"".join(as_row(row, ",") for row in rows).decode().replace("\r\n", "\n"), nl=False)


def _content(file: Path) -> tuple[str, bytes]:
    """What the file is called in problems, and its bytes."""
    if str(file) == "-":
        return "standard input", sys.stdin.buffer.read(MOST_BYTES + 1)
    try:
        return str(file), files.read(file, MOST_BYTES)
    except OSError as exc:
        raise Failure(f"cannot read {file}: {exc.strerror or exc}", 2) from exc


async def _import(store: Store, rows: Sequence[Row], dry_run: bool) -> list[Imported]:
    threads = min(os.cpu_count() or 1, _HASHING)
    passwords = Passwords(threads=threads)
    try:
        return await import_users(
            store, passwords, rows, dry_run=dry_run, at_once=threads, progress=_tell_progress, clock=time.time
        )
    finally:
        await passwords.close()


def _tell_progress(done: int, all_: int) -> None:
    if done % _TOLD == 0:
        report(f"{done:,} of {all_:,} passwords hashed")


def _tell_imported(found: Sequence[Imported], added: Sequence[Imported], dry_run: bool) -> None:
    there = [one.login for one in found if one.done == "skipped"]
    report(f"{'Would add' if dry_run else 'Added'} {counted(len(added), 'user')}.")
    if there:
        more = ", …" if len(there) > _NAMED else ""
        report(f"Skipped {len(there)} who are there already: {', '.join(there[:_NAMED])}{more}.")
