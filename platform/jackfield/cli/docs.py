"""`jackfield docs`: the documents of this version, which are in the package."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import resources

import click

from jackfield.cli.settings import Failure
from jackfield.similar import did_you_mean

__all__ = ["command"]

FOLDER = resources.files("jackfield") / "docs"


@click.command("docs")
@click.argument("page", required=False)
def command(page: str | None) -> None:
    """Print PAGE of the documents, or the names of all pages: `jackfield docs endpoints`."""
    pages = _pages()
    if page is None:
        width = max(map(len, pages))
        for name, text in pages.items():
            click.echo(f"{name:<{width}}  {_title(text)}")
        return
    name = page.removesuffix(".md")
    if name not in pages:
        hint = did_you_mean(name, pages) or "`jackfield docs` lists all"
        raise Failure(f"there is no page {page!r}; {hint}", 2)
    show = click.echo_via_pager if sys.stdin.isatty() and sys.stdout.isatty() else click.echo
    show(pages[name])


def _pages() -> Mapping[str, str]:
    """Each page by its name."""
    found = sorted((one for one in FOLDER.iterdir() if one.name.endswith(".md")), key=lambda one: one.name)
    return {one.name.removesuffix(".md"): one.read_text("utf-8") for one in found}


def _title(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ")
