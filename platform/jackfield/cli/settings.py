"""Where a command's settings come from: flag, then environment, then file, then default.

The settings of the server, the store and the keys are made with `option` and can be given as JACKFIELD_<OPTION>; a
secret one also as the path of a file in JACKFIELD_<OPTION>_FILE, which is how containers pass secrets. Any other option
belongs to one call of one command and is read from nowhere else: a variable of its name is an error: it
would have no effect.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, TypeVar
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from jackfield.errors import Problem, Refusal
from jackfield.similar import nearest
from jackfield.state import State, StateError, read_secret

__all__ = [
    "Context",
    "Failure",
    "Number",
    "check_environment",
    "check_folder",
    "check_token",
    "count_errors",
    "counted",
    "failure_of",
    "file_option",
    "find_project",
    "given_folder",
    "is_address",
    "option",
    "project_folder",
    "secret_of",
    "server_address",
    "settings",
    "state_options",
    "variable",
    "warn_of_state",
]

PREFIX = "JACKFIELD_"

SETTINGS = frozenset(
    """ADMIN_PORT BEHIND_PROXY CHECK_REPLIES DRAIN EDIT HOST INSECURE KEY KEY_FILE LOCKED LOG OUTBOX PORT
    PUBLIC_URL SECRET_KEYS SECRET_KEYS_FILE STATE STORE STORE_FILE TLS_CERT TLS_KEY TRACE WATCH WORKERS""".split()  # noqa: SIM905 - words to read
)
"""The variables of all commands without their prefix; a test compares. While no other is set, no command is loaded."""

# What Kubernetes sets for each Service whose name begins with ours: JACKFIELD_ADMIN_PORT=tcp://10.96.0.7:8000, …
_LINK_NAME = re.compile(
    PREFIX[:-1] + r"(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)", re.ASCII
)
_LINK = re.compile(r"(tcp|udp|sctp)://\S+")

F = TypeVar("F", bound=Callable[..., Any])


def _file_of(name: str) -> Path | None:
    """The file that the environment names for a secret; a running server reads it anew when its keys change."""
    path = os.environ.get(f"{name}_FILE")
    return Path(path) if path else None


@dataclass(frozen=True, slots=True)
class Context:
    """What all commands share: the folder given with `-C`, None without one."""

    folder: Path | None = None


def given_folder() -> Path | None:
    """The folder given with `-C` to the command that runs."""
    context = click.get_current_context(silent=True)
    shared = context.find_object(Context) if context else None
    return shared.folder if shared else None


class Failure(click.ClickException):
    """Ends a command with one line on stderr. Exit 1: problems or refused, 2: wrong usage, 3: no server."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click has it per class; ours differs per failure

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line; called by click."""
        click.echo(f"jackfield: {self.message}", file=file, err=file is None)


def failure_of(refusal: Refusal, exit_code: int = 1) -> Failure:
    """A refusal as a Failure: what is wrong, then how to correct it."""
    cause = ""
    if refusal.status == 503 and refusal.__cause__ is not None:
        cause = f" ({str(refusal.__cause__) or type(refusal.__cause__).__name__})"
    fix = f" {refusal.fix}" if refusal.fix else ""
    return Failure(" ".join(f"{refusal.detail}{cause}{fix}".split()), exit_code)


def counted(number: int, noun: str) -> str:
    """`1 problem`, `2 problems`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def count_errors(problems: Iterable[Problem]) -> int:
    """How many of these are no warnings."""
    return sum(problem.severity == "error" for problem in problems)


class _Option(click.Option):
    """An option that reads JACKFIELD_<OPTION>_FILE too, where the value is a secret."""

    def __init__(self, *args: Any, secret: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.secret = secret

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """The value that the environment gives; called by click."""
        value = super().resolve_envvar_value(ctx)
        if value and _is_link(str(self.envvar), value):
            return None  # see check_environment, which warns of it whichever command is called
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

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """What was given, the option or its variable; called by click, which would name both."""
        if ctx is not None and ctx.get_parameter_source(self.name or "") is ParameterSource.ENVIRONMENT:
            return str(self.envvar)
        return click.Parameter.get_error_hint(self, ctx)


class Number(click.IntRange):
    """A whole number with bounds; anything else fails with both in the message."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; called by click."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            bounds = f"of {self.min} or more" if self.max is None else f"from {self.min} to {self.max}"
            self.fail(f"{value} is not a whole number {bounds}.", param, ctx)


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


def file_option(name: str) -> Callable[[F], F]:
    """An option for the file that holds the secret of `--name`: what stands in a command line is seen by others."""
    return click.option(
        f"--{name}-file", type=click.Path(path_type=Path), help=f"A file that holds what --{name} takes."
    )


def secret_of(name: str, given: str | None, file: Path | None) -> str | None:
    """The secret of `--name`, or of the file that `--name-file` names. Raises Failure (exit 2)."""
    if file is None:
        return given
    if given is not None:
        raise Failure(f"--{name} and --{name}-file are both given; keep one of them", 2)
    try:
        return read_secret(file, f"--{name}-file")
    except StateError as error:
        raise Failure(str(error), 2) from error


def settings(command: click.Command) -> tuple[dict[str, click.Option], dict[str, str]]:
    """What can be set in the environment, by variable; and the variables of what belongs to one call, with its option.

    Of a command and of all below it, which are loaded for that.
    """
    found: dict[str, click.Option] = {}
    calls: dict[str, tuple[str, list[str]]] = {}
    for name, below in _below(command, ""):
        for parameter in below.params:
            if isinstance(parameter, _Option) and isinstance(parameter.envvar, str):
                found.setdefault(parameter.envvar, parameter)
            elif isinstance(parameter, click.Option) and name and any(o.startswith("--") for o in parameter.opts):
                option = next(text for text in parameter.opts if text.startswith("--"))
                calls.setdefault(variable([option]), (option, []))[1].append(f"`jackfield {name}`")
    return found, {
        name: f"{option} belongs to one call of {' or '.join(commands)}"
        for name, (option, commands) in calls.items()
        if name not in found
    }


def _below(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=command.name)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from _below(found, f"{name} {child}".strip())


def check_environment(environ: Mapping[str, str], command: click.Command) -> None:
    """Warn on stderr of each JACKFIELD_* that is not read. Raises Failure (exit 2) for what belongs to one call."""
    ours = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    if all(name.removeprefix(PREFIX) in SETTINGS and not _is_link(name, value) for name, value in ours.items()):
        return
    found, calls = settings(command)
    known = {*found, *(f"{name}_FILE" for name, one in found.items() if getattr(one, "secret", False))}
    # Compared without the prefix, which would make any two names look alike.
    words = sorted(name.removeprefix(PREFIX) for name in known)
    for name in sorted(ours):
        call = calls.get(name) or calls.get(name.removesuffix("_FILE"))
        if _is_link(name, ours[name]):
            click.echo(f"jackfield: warning: {name}={ours[name]} is of Kubernetes and is not read", err=True)
        elif name in known:
            continue
        elif call is not None:
            raise Failure(f"{name} in the environment: {call}; give it there, and unset {name}", 2)
        else:
            near = nearest(name.removeprefix(PREFIX), words)
            hint = f"; did you mean {PREFIX}{near}?" if near else ""
            click.echo(f"jackfield: warning: {name} in the environment means nothing{hint}", err=True)


def _is_link(name: str, value: str) -> bool:
    """Whether Kubernetes has set this for a Service; no setting of ours has such a name or such a value."""
    return _LINK_NAME.fullmatch(name) is not None or (name.endswith("_PORT") and _LINK.fullmatch(value) is not None)


def project_folder(given: Path | None) -> Path:
    """The project's folder, absolute: the one given with `-C`, else the nearest upwards with endpoints.yaml.

    Raises Failure (exit 2) where there is none.
    """
    folder = find_project(given)
    if folder is not None:
        return folder
    start = (given or Path()).absolute()
    if given is not None:
        check_folder(start)
    if os.path.lexists(start / "endpoints.yml"):
        raise Failure(f"{start} has an endpoints.yml; rename it to endpoints.yaml", 2)
    where = f"in {start}" if given else f"in {start} or a folder above it"
    raise Failure(
        f"there is no endpoints.yaml {where}; name the project with -C DIR, or begin one: jackfield new DIR", 2
    )


def check_folder(folder: Path) -> None:
    """Raise Failure (exit 2) where there is no folder of this name, or none that we may look into."""
    try:
        os.stat(f"{folder}/.")  # noqa: PTH116 - with the dot it must be a folder, and one that lets us in
    except (FileNotFoundError, NotADirectoryError) as exc:
        hint = f"; name the one that it is in: -C {folder.parent}" if folder.is_file() else ""
        raise Failure(f"-C: there is no folder {folder}{hint}", 2) from exc
    except OSError as exc:
        raise Failure(f"-C: cannot look into {folder}: {exc.strerror}", 2) from exc


def server_address(url: str, scheme: Literal["http", "ws"]) -> str:
    """An address given with --url as `scheme://host[:port][/prefix]`, an `s` kept; http and ws say the same.

    Raises Failure (exit 2) for what is no address.
    """
    given, _, rest = url.partition("://")
    known = {name + s: scheme + s for name in ("http", "ws") for s in ("", "s")}.get(given)
    parts = urlsplit(url) if known is not None and is_address(url) else None
    if parts is None or parts.query or parts.fragment or parts.username is not None:
        raise Failure(f"--url must be like {scheme}s://desk.example.com, not {url}", 2)
    return f"{known}://{rest}".rstrip("/")


def is_address(url: str) -> bool:
    """Whether the URL names a host that could be a machine's, and a port, if any, that can be connected to."""
    try:
        parts = urlsplit(url)
        return bool((parts.hostname or "").encode("idna")) and (parts.port or 1) > 0 and url.isprintable()
    except ValueError:
        return False


def check_token(token: str) -> None:
    """Raise Failure (exit 2) for what cannot be a token."""
    if re.match(r"\w+=.", token):
        raise Failure("--token is the token alone, without the cookie's name and = before it", 2)
    if not (token.isascii() and token.isprintable()):
        raise Failure("--token holds characters that no token has; copy it whole, without line breaks", 2)


def find_project(given: Path | None) -> Path | None:
    """As `project_folder`, but None where there is none. Raises Failure (exit 2) without a current folder."""
    try:
        start = (given or Path()).absolute()
    except FileNotFoundError as exc:
        raise Failure("the current folder was removed; change into another one", 2) from exc
    folders = [start] if given is not None else [start, *start.parents]
    # os.path: False for a folder without access and for an invalid name; any kind counts: that it is not a file is a
    # problem of its own
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
    "--store", secret=True, help="The database of users and sessions, as a URL; SQLite in the state folder by default."
)
_KEYS = option(
    "--secret-keys",
    secret=True,
    help="What tokens are signed with, newest first, with commas; a file in the state folder by default.",
)


def _open_state(state: Path | None, store: str | None, secret_keys: str | None) -> State:
    context = click.get_current_context()
    project = project_folder(given_folder()) if state is None else Path()
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
