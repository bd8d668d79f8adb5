"""docs/commands.md, made from the commands.

python -m tests.house.commands_page > platform/jackfield/docs/commands.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import click

from jackfield.cli import main
from jackfield.cli.settings import settings

__all__ = ["commands", "page"]

_HEAD = """\
# Commands

This page is made from the commands themselves, and a test compares the two. `jackfield COMMAND --help` says the same.

Every command takes `-C DIR`, before its name: the project's folder. Without it the nearest folder upwards with an
`endpoints.yaml` is taken: `jackfield -C mybot serve`.

**Settings** of the server, the store and the keys can be set in the environment as well, see
[the environment](#the-environment). What belongs to one call of one command, `--dry-run` or `--format`, cannot.

**Streams.** What a program reads goes to standard output, everything else to standard error. Where standard
output is full or closed, a command that has something to write there ends with 1.

| exit code | means |
|---|---|
| 0 | fine |
| 1 | problems, or refused |
| 2 | wrong usage |
| 3 | no server was reached |
"""

_ENVIRONMENT = """\
## The environment

An option wins over the environment, the environment over the default. A secret can also be given as the path of a file,
in the variable with `_FILE` at its end; that is how containers pass secrets. No other option is read from the
environment: `JACKFIELD_DRY_RUN` or `JACKFIELD_TOKEN` there is an error (exit 2) that names the command it belongs to. A
variable `JACKFIELD_…` that means nothing is a warning, and so is what Kubernetes sets for a Service of our name.
"""

_STATE = """\
## The state

Keys, users, sessions and what was published. Commands that read or change them take these three, or those of them that
they need, as it stands there; they belong to the project of `-C`; outside of a project `--state` must name the folder.
"""

_SHARED = ("state", "store", "secret_keys")


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its full name: `users add`."""
    yield from _below("", main, click.Context(main))


def page() -> str:
    """The whole page."""
    sections = [_section(name, command) for name, command in commands()]
    shared = f"{_STATE}\n{_table(_shared_options())}\n"
    return "\n".join([_HEAD, *sections, shared, f"{_ENVIRONMENT}\n{_environment()}\n"])


def _below(prefix: str, group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if not isinstance(command, click.Group) or any(isinstance(one, click.Argument) for one in command.params):
            yield f"{prefix}{name}", command
        if isinstance(command, click.Group):
            yield from _below(f"{prefix}{name} ", command, context)


def _paragraph(text: str) -> str:
    """Lines that click leaves as they are, behind \\b, are code."""
    head, *rest = text.splitlines() or [""]
    if head.strip() == "\b":
        lines = "\n".join(line.strip() for line in rest)
        return f"```sh\n{lines}\n```"
    return " ".join(text.split())


def _section(name: str, command: click.Command) -> str:
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    context = click.Context(command)
    usage = ["jackfield", name, *(["[OPTIONS]"] if options else []), *(a.make_metavar(context) for a in arguments)]
    text = "\n\n".join(map(_paragraph, (command.help or "").split("\n\n")))
    parts = [f"## {name}", f"`{' '.join(usage)}`", text]
    own = [option for option in options if option.name not in _SHARED]
    if own:
        parts.append(_table(own))
    shared = [f"`{option.opts[0]}`" for option in options if option.name in _SHARED]
    if shared:
        which = "the options" if len(shared) == len(_SHARED) else " and ".join(shared)
        parts.append(f"Takes {which} of [the state](#the-state) too.")
    return "\n\n".join(parts) + "\n"


def _shared_options() -> list[click.Option]:
    serve = dict(commands())["serve"]
    return [option for option in serve.params if isinstance(option, click.Option) and option.name in _SHARED]


def _environment() -> str:
    """All variables that are read, each with what it sets."""
    rows = [(_variable(one), *_cells(one)) for one in settings(main)[0].values()]
    return _rows(["variable", "option", "default", "meaning"], rows)


def _table(options: list[click.Option]) -> str:
    return _rows(["option", "default", "meaning"], map(_cells, options))


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", chr(92) + "|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- ", "|---").replace("--- |", "---|")


def _variable(option: click.Option) -> str:
    secret = f" or `{option.envvar}_FILE`" if getattr(option, "secret", False) else ""
    return f"`{option.envvar}`{secret}"


def _cells(option: click.Option) -> Sequence[str]:
    names = "/".join([*option.opts, *option.secondary_opts])
    value = "" if option.is_flag else f" {_value(option)}"
    default = option.default if isinstance(option.default, str | int | float) and not option.is_flag else ""
    return f"`{names}{value}`", f"`{default}`" if default != "" else "", option.help or ""


def _value(option: click.Option) -> str:
    if option.metavar:
        return option.metavar
    match option.type:
        case click.Choice() as choice:
            return "|".join(map(str, choice.choices))
        case click.types.IntParamType() | click.types.FloatParamType():
            return "NUMBER"
        case kind:
            return kind.name.upper()


if __name__ == "__main__":
    print(page(), end="")
