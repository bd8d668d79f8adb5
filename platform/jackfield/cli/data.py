"""`jackfield data`: the files of what tables keep."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict

import click

from jackfield.cli.settings import Failure, given_folder, project_folder
from jackfield.cli.status import local_time
from jackfield.process.table.keep import FOLDER
from jackfield.process.table.kept_files import Rows, listed, opened

__all__ = ["command"]


@click.command("data")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs.")
def command(name: str | None, as_json: bool) -> None:
    """List the CSV files of what tables keep, or print one."""
    folder, rows = project_folder(given_folder()) / FOLDER, Rows()
    if name is not None:
        try:
            file = opened(folder, name)
        except FileNotFoundError:
            raise Failure(f"there is no file {name} in {folder}; `jackfield data` lists them", 2) from None
        except OSError as exc:
            raise Failure(f"cannot read {name} in {folder}: {exc.strerror or exc}") from exc
        with file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        return
    found = [asdict(one) | {"rows": rows.of(folder, one.name)} for one in listed(folder)]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for one in found:
        count = "many" if one["rows"] is None else f"{one['rows']:,}"
        click.echo(f"{one['name']}  {count} rows, {one['bytes']:,} bytes, {local_time(one['modified'])}")
    if not found:
        click.echo(f"nothing is kept in {folder} yet; a table keeps messages with a column `keep`", err=True)
