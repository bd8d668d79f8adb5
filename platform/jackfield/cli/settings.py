"""Where a command's settings come from: flag, then environment, then file, then default.

Every option made with `option` can be given as JACKFIELD_<OPTION>; a secret one also as the path of a file
in JACKFIELD_<OPTION>_FILE, which is how containers pass secrets.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any, Literal, TypeVar
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from jackfield.errors import Refusal
from jackfield.state import State, StateError, read_secret

__all__ = [
    "Context",
    "Failure",
    "find_project",
    "is_host",
    "judge_folder",
    "option",
    "project_folder",
    "server_address",
    "state_options",
    "told",
    "variable",
    "variables",
    "warn_of_state",
    "warn_unknown",
]

PREFIX = "JACKFIELD_"

F = TypeVar("F", bound=Callable[..., Any])


def _file_of(name: str) -> Path | None:
    """The file that the environment names for a secret; a running server reads it anew when its keys change."""
    path = os.environ.get(f"{name}_FILE")
    return Path(path) if path else None


@dataclass(frozen=True, slots=True)
class Context:
    """What all commands share: the folder given with `-C`, None without one."""

    folder: Path | None = None


class Failure(click.ClickException):
    """Ends a command with one line on stderr. Exit 1: problems or refused, 2: wrong usage, 3: no server."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click has it per class; ours differs per failure

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line; called by click."""
        click.echo(f"jackfield: {self.message}", file=file, err=file is None)


def told(refusal: Refusal, exit_code: int = 1) -> Failure:
    """A refusal as the command line tells it: what is wrong, then how to mend it."""
    cause = ""
    if refusal.status == 503 and refusal.__cause__ is not None:
        cause = f" ({str(refusal.__cause__) or type(refusal.__cause__).__name__})"
    fix = f" {refusal.fix}" if refusal.fix else ""
    return Failure(" ".join(f"{refusal.detail}{cause}{fix}".split()), exit_code)


class _Option(click.Option):
    """An option that reads JACKFIELD_<OPTION>_FILE too, where the value is a secret."""

    def __init__(self, *args: Any, secret: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.secret = secret

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """The value that the environment gives; called by click."""
        value = super().resolve_envvar_value(ctx)
        if self.envvar == "JACKFIELD_PORT" and value and value.startswith("tcp://"):
            # Kubernetes says so where a Service is called jackfield; what it means is no port of ours
            click.echo(f"jackfield: warning: JACKFIELD_PORT={value} is of Kubernetes and is not read", err=True)
            return None
        name = f"{self.envvar}_FILE"
        path = _file_of(str(self.envvar)) if self.secret else None
        if path is None:
            return value
        if value is not None:
            raise Failure(f"{self.envvar} and {name} are both set; keep one of them", 2)
        try:
            return read_secret(path, name)
        except StateError as error:
            raise Failure(str(error), 2) from error


def option(*names: str, secret: bool = False, **click_kwargs: Any) -> Callable[[F], F]:
    """A click option that JACKFIELD_<OPTION> sets as well: `--tls-cert` is JACKFIELD_TLS_CERT.

    `secret=True` adds JACKFIELD_<OPTION>_FILE. Further arguments are click's.
    """
    click_kwargs.setdefault("envvar", variable(names))
    click_kwargs.setdefault("show_envvar", True)
    return click.option(*names, cls=_Option, secret=secret, **click_kwargs)


def variable(names: Iterable[str]) -> str:
    """The environment variable of an option with these names. ValueError without a long name."""
    long = next((name for name in names if name.startswith("--")), None)
    if long is None:
        raise ValueError("an option needs a long name, --like-this")
    return PREFIX + long.partition("/")[0].removeprefix("--").replace("-", "_").upper()


def variables(command: click.Command) -> frozenset[str]:
    """All environment variables that a command and its sub-commands read. Loads them all."""
    found: set[str] = set()
    for parameter in command.params:
        if isinstance(parameter, _Option) and isinstance(parameter.envvar, str):
            found |= {parameter.envvar, f"{parameter.envvar}_FILE"} if parameter.secret else {parameter.envvar}
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=command.name)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            found |= variables(child) if child is not None else frozenset()
    return frozenset(found)


def warn_unknown(environ: Mapping[str, str], known: Iterable[str]) -> None:
    """Warn on stderr of each JACKFIELD_* in the environment that nobody reads."""
    # Compared without the prefix, which would make any two names look alike.
    words = sorted(name.removeprefix(PREFIX) for name in known)
    for name in sorted(environ):
        word = name.removeprefix(PREFIX)
        if word != name and word not in words:
            near = get_close_matches(word, words, n=1)
            hint = f"; did you mean {PREFIX}{near[0]}?" if near else ""
            click.echo(f"jackfield: warning: {name} in the environment means nothing{hint}", err=True)


def project_folder(given: Path | None) -> Path:
    """The project's folder, absolute: the one given with `-C`, else the nearest upwards with endpoints.yaml.

    Raises Failure (exit 2) where there is none.
    """
    folder = find_project(given)
    if folder is not None:
        return folder
    start = (given or Path()).absolute()
    if given is not None:
        judge_folder(start)
    if os.path.lexists(start / "endpoints.yml"):
        raise Failure(f"{start} has an endpoints.yml; rename it to endpoints.yaml", 2)
    where = f"in {start}" if given else f"in {start} or a folder above it"
    raise Failure(
        f"there is no endpoints.yaml {where}; name the project with -C DIR, or begin one: jackfield new DIR",
        2,
    )


def judge_folder(folder: Path) -> None:
    """Raise Failure (exit 2) where there is no folder of this name, or none that we may look into."""
    try:
        os.stat(f"{folder}/.")  # noqa: PTH116 - with the dot it must be a folder, and one that lets us in
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise Failure(f"-C: there is no folder {folder}", 2) from exc
    except OSError as exc:
        raise Failure(f"-C: cannot look into {folder}: {exc.strerror}", 2) from exc


def server_address(url: str, scheme: Literal["http", "ws"]) -> str:
    """An address given with --url as `scheme://host[:port][/prefix]`, an `s` kept; http and ws say the same.

    Raises Failure (exit 2) for what is no address.
    """
    given, found, rest = url.partition("://")
    known = {name + s: scheme + s for name in ("http", "ws") for s in ("", "s")}.get(given)
    try:
        parts = urlsplit(f"{given}://{rest}")
        sound = known is not None and is_host(parts.hostname or "") and (parts.port or 1) > 0 and url.isprintable()
    except ValueError:
        sound = False
    if not found or not sound or parts.query or parts.fragment or parts.username is not None:
        raise Failure(f"--url must be like {scheme}s://desk.example.com, not {url}", 2)
    return f"{known}://{rest}".rstrip("/")


def is_host(name: str) -> bool:
    """Whether a name could be a machine's: one that cannot be asked for has no address either."""
    try:
        return bool(name.encode("idna"))
    except UnicodeError:
        return False


def find_project(given: Path | None) -> Path | None:
    """As `project_folder`, but None where there is none. Raises Failure (exit 2) without a current folder."""
    try:
        start = (given or Path()).absolute()
    except FileNotFoundError as exc:
        raise Failure("the current folder was removed; change into another one", 2) from exc
    folders = [start] if given is not None else [start, *start.parents]
    # os.path: where nobody may look, or what can be no name, there is none; of whatever kind: that it is no file is
    # told as its problem
    return next((folder for folder in folders if os.path.exists(folder / "endpoints.yaml")), None)  # noqa: PTH110


def state_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --state, --store and --secret-keys to a command, which gets them as one `state: State`.

    They belong to the project of `-C`; outside of a project --state must name the folder.
    """

    @functools.wraps(function)
    def command(*args: Any, state: Path | None, store: str | None, secret_keys: str | None, **rest: Any) -> Any:
        return function(*args, state=_open_state(state, store, secret_keys), **rest)

    for add in (_KEYS, _STORE, _STATE):
        command = add(command)
    return command


_STATE = option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for keys, users and what was published; .jackfield beside endpoints.yaml by default.",
)
_STORE = option(
    "--store",
    secret=True,
    help="The database of users and sessions, as a URL; SQLite in the state folder by default.",
)
_KEYS = option(
    "--secret-keys",
    secret=True,
    help="What tokens are signed with, newest first, with commas; a file in the state folder by default.",
)


def _open_state(state: Path | None, store: str | None, secret_keys: str | None) -> State:
    context = click.get_current_context()
    shared = context.find_object(Context) or Context()
    project = project_folder(shared.folder) if state is None else Path()
    by_environment = context.get_parameter_source("secret_keys") is ParameterSource.ENVIRONMENT
    keys_file = _file_of("JACKFIELD_SECRET_KEYS") if by_environment else None
    try:
        opened = State.open(project, state=state, store=store, secret_keys=secret_keys, secret_keys_file=keys_file)
    except StateError as error:
        # keys that were given are a wrong setting; whatever else is wrong with the state may mend itself
        raise Failure(str(error), 1 if secret_keys is None else 2) from error
    warn_of_state(opened)
    return opened


def warn_of_state(state: State | None) -> None:
    """Warn on stderr of what others on this machine can read or change in a state folder."""
    for warning in state.warnings() if state is not None else ():
        click.echo(f"jackfield: warning: {warning}", err=True)
