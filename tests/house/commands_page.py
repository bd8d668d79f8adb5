"""docs/commands.md, made from the commands.

python -m tests.house.commands_page > platform/jackfield/docs/commands.md
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from jackfield.cli import main

__all__ = ["commands", "page"]

_HEAD = """\
# Commands

This page is made from the commands themselves, and a test compares the two. `jackfield COMMAND --help` says the same.

Every command takes `-C DIR`, before its name: the project's folder. Without it the nearest folder upwards with an
`endpoints.yaml` is taken: `jackfield -C mybot serve`.

**Settings.** An option that names a variable can be set in the environment as well. The option wins over the
environment, the environment over the default. A secret can also be given as the path of a file, in the variable with
`_FILE` at its end; that is how containers pass secrets. A variable `JACKFIELD_…` that nobody reads is a warning.

**Streams.** What a program reads goes to standard output, everything else to standard error.

| exit code | means |
|---|---|
| 0 | fine |
| 1 | problems, or refused |
| 2 | wrong usage |
| 3 | no server was reached |
"""

_STATE = """\
## The state

Keys, users, sessions and what was published. Every command that reads or changes them takes these three, and they
belong to the project of `-C`; outside of a project `--state` must name the folder.
"""

_SHARED = ("state", "store", "secret_keys")


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its full name: `users add`."""
    yield from _below("", main, click.Context(main))


def page() -> str:
    """The whole page."""
    sections = [_section(name, command) for name, command in commands()]
    return "\n".join([_HEAD, *sections, f"{_STATE}\n{_table(_shared_options())}\n"])


def _below(prefix: str, group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            yield from _below(f"{prefix}{name} ", command, context)
        else:
            yield f"{prefix}{name}", command


def _section(name: str, command: click.Command) -> str:
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    context = click.Context(command)
    usage = ["jackfield", name, *(["[OPTIONS]"] if options else []), *(a.make_metavar(context) for a in arguments)]
    text = "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    parts = [f"## {name}", f"`{' '.join(usage)}`", text]
    own = [option for option in options if option.name not in _SHARED]
    if own:
        parts.append(_table(own))
    if len(own) < len(options):
        parts.append("Takes the options of [the state](#the-state) too.")
    return "\n\n".join(parts) + "\n"


def _shared_options() -> list[click.Option]:
    serve = dict(commands())["serve"]
    return [option for option in serve.params if isinstance(option, click.Option) and option.name in _SHARED]


def _table(options: list[click.Option]) -> str:
    return "\n".join(["| option | variable | default | meaning |", "|---|---|---|---|", *map(_row, options)])


def _row(option: click.Option) -> str:
    names = "/".join([*option.opts, *option.secondary_opts])
    value = "" if option.is_flag else f" {_value(option)}"
    variable = f"`{option.envvar}`" if isinstance(option.envvar, str) else ""
    if variable and getattr(option, "secret", False):
        variable += f" or `{option.envvar}_FILE`"
    default = option.default if isinstance(option.default, str | int | float) and not option.is_flag else ""
    cells = [f"`{names}{value}`", variable, f"`{default}`" if default != "" else "", option.help or ""]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


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
