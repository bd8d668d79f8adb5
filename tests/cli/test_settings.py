from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from jackfield.cli import main
from jackfield.cli.settings import (
    PREFIX,
    SETTINGS,
    Context,
    Failure,
    check_environment,
    failure_of,
    find_project,
    option,
    project_folder,
    secret_of,
    settings,
    state_options,
)
from jackfield.errors import Refusal
from jackfield.state import State
from tests.cli.conftest import run as call
from tests.test_files import circle, device, huge, pipe

KEY = "0f" * 8 + "3c5a9b7d" * 4


@click.command()
@option("--tls-cert", default="the default")
@option("--login-token", secret=True)
@option("--port", "-p", type=int, default=8000)
@option("--watch/--no-watch", default=False)
@option("--host", "hosts", multiple=True)
def example(tls_cert: str, login_token: str | None, port: int, watch: bool, hosts: tuple[str, ...]) -> None:
    click.echo(f"{tls_cert}|{login_token}|{port}|{watch}|{','.join(hosts)}")


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(example, arguments, env=environ)


@pytest.mark.parametrize(
    ("arguments", "environ", "printed"),
    [
        ([], {}, "the default|None|8000|False|"),
        ([], {"TLS_CERT": "env", "PORT": "9"}, "env|None|9|False|"),
        (["--tls-cert", "flag", "-p", "7"], {"TLS_CERT": "env"}, "flag|None|7|False|"),
        ([], {"WATCH": "true", "HOST": "a b"}, "the default|None|8000|True|a,b"),
        (["--no-watch"], {"WATCH": "1"}, "the default|None|8000|False|"),
        # what Kubernetes says of a service with our name is warned of once, for all commands: see below
        ([], {"PORT": "tcp://10.96.0.7:8000"}, "the default|None|8000|False|"),
        ([], {"TLS_CERT_FILE": "/etc/hostname"}, "the default|None|8000|False|"),  # no secret is read from no file
    ],
)
def test_a_flag_goes_before_the_environment_and_that_before_the_default(
    arguments: list[str], environ: dict[str, str], printed: str
) -> None:
    result = run(*arguments, **{f"JACKFIELD_{name}": value for name, value in environ.items()})
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{printed}\n", "")


def test_the_file_goes_between_the_environment_and_the_default() -> None:
    given = {"tls_cert": "file", "port": 5}
    result = CliRunner().invoke(example, [], env={"JACKFIELD_PORT": "6"}, default_map=given)
    assert result.stdout == "file|None|6|False|\n"


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("\ufeffключ с пробелом \n", encoding="utf-8")
    assert run(JACKFIELD_LOGIN_TOKEN_FILE=str(secret)).stdout == "the default|ключ с пробелом |8000|False|\n"
    assert run("--login-token", "flag", JACKFIELD_LOGIN_TOKEN_FILE="/nowhere").stdout.split("|")[1] == "flag"


@pytest.mark.parametrize(
    ("content", "environ", "reported"),
    [
        (b"b", {"JACKFIELD_LOGIN_TOKEN": "a"}, "keep one"),
        (b"good", {"JACKFIELD_PORT": "a lot"}, "JACKFIELD_PORT"),
        (None, {}, "No such file"),
        (b"\xff", {}, "UTF-8"),
        # a secret that is not there yet: with the default for JACKFIELD_STORE another store would be opened
        (b"", {}, "secret, which JACKFIELD_LOGIN_TOKEN_FILE names, is empty"),
        (b"\n", {}, "is empty"),
        (b"  \r\n", {}, "is empty"),
    ],
)
def test_a_bad_value_from_the_environment_or_its_file_is_wrong_usage(
    tmp_path: Path, content: bytes | None, environ: dict[str, str], reported: str
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    done = run(JACKFIELD_LOGIN_TOKEN_FILE=str(tmp_path / "secret"), **environ)
    assert (done.exit_code, done.stdout, reported in done.stderr) == (2, "", True), done.stderr


@pytest.mark.parametrize("make", [pipe, device, circle, huge], ids=lambda make: make.__name__)
def test_a_secret_is_read_from_a_file_and_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "secret")
    done = run(JACKFIELD_LOGIN_TOKEN_FILE=str(tmp_path / "secret"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"jackfield: cannot read {tmp_path}/secret, which JACKFIELD_LOGIN_TOKEN_FILE names: ")


def test_an_option_needs_a_long_name() -> None:
    with pytest.raises(ValueError, match="long name"):
        option("-x")


@click.command()
@click.option("--dry-run", is_flag=True)
@click.option("--format", "-f", "form")
@click.option("-x", "short")
@option("--port", type=int)
def once(dry_run: bool, form: str, short: str, port: int) -> None: ...


@click.command()
@click.option("--format")
def other(format: str) -> None: ...  # noqa: A002 - the option's own name


ALL = click.Group(
    "all", commands={"example": example, "other": other, "users": click.Group("users", commands={"add": once})}
)


def test_all_settings_of_a_command_and_those_below_it_are_known() -> None:
    found, calls = settings(ALL)
    names = ["JACKFIELD_TLS_CERT", "JACKFIELD_LOGIN_TOKEN", "JACKFIELD_PORT", "JACKFIELD_WATCH", "JACKFIELD_HOST"]
    assert list(found) == names
    assert calls == {
        "JACKFIELD_DRY_RUN": "--dry-run belongs to one call of `jackfield users add`",
        "JACKFIELD_FORMAT": "--format belongs to one call of `jackfield other` or `jackfield users add`",
    }


def test_an_unknown_variable_is_warned_of_with_a_guess(capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"JACKFIELD_PROT": "1", "JACKFIELD_WATCH": "x", "JACKFIELD_QWERTY": "2", "PATH": "/"}
    check_environment(environ | {"JACKFIELD_LOGIN_TOKEN_FILE": "x", "JACKFIELD_WATCH_FILE": "x"}, ALL)
    reported = capsys.readouterr()
    assert reported.out == ""
    assert reported.err.splitlines() == [
        "jackfield: warning: JACKFIELD_PROT in the environment means nothing; did you mean JACKFIELD_PORT?",
        "jackfield: warning: JACKFIELD_QWERTY in the environment means nothing",
        "jackfield: warning: JACKFIELD_WATCH_FILE in the environment means nothing; did you mean JACKFIELD_WATCH?",
    ]


@pytest.mark.parametrize("name", ["JACKFIELD_DRY_RUN", "JACKFIELD_FORMAT", "JACKFIELD_FORMAT_FILE"])
def test_what_belongs_to_one_call_is_an_error_in_the_environment(name: str) -> None:
    with pytest.raises(
        Failure, match=f"{name} in the environment: --.* belongs to one call of .*`jackfield users add`"
    ) as reported:
        check_environment({name: ""}, ALL)
    assert reported.value.exit_code == 2


def test_no_option_of_a_single_call_is_read_from_the_environment() -> None:
    """Whatever a command takes: it is a setting, which stands in the table, or it is an error there."""
    found, calls = settings(main)
    assert {name for name in found if not name.startswith("JACKFIELD_")} == set()
    secret = {f"{name}_FILE" for name, option in found.items() if getattr(option, "secret", False)}
    assert {f"{PREFIX}{name}" for name in SETTINGS} == found.keys() | secret
    assert {"DRY_RUN", "BACK", "FORMAT", "TOKEN", "PASSWORD", "URL", "LOGIN", "JSON", "WAIT", "ROLE", "LANG"} <= {
        name.removeprefix("JACKFIELD_") for name in calls
    }
    for name in calls:
        done = call("schema", **{name: "1"})
        assert (done.exit_code, done.stdout) == (2, ""), name
        assert done.stderr.startswith(f"jackfield: {name} in the environment: --"), name


# names and values as Kubernetes gives them to a pod, for Services called jackfield, jackfield-admin and so on
LINKS = {
    f"JACKFIELD{service}_{name}": value
    for service in ("", "_ADMIN", "_STORE", "_FORMAT", "_DESK_2")
    for name, value in {
        "SERVICE_HOST": "10.96.0.7",
        "SERVICE_PORT": "8000",
        "SERVICE_PORT_HTTP": "8000",
        "PORT": "tcp://10.96.0.7:8000",
        "PORT_8000_TCP": "tcp://10.96.0.7:8000",
        "PORT_8000_TCP_PROTO": "tcp",
        "PORT_8000_TCP_PORT": "8000",
        "PORT_8000_TCP_ADDR": "10.96.0.7",
        "PORT_53_UDP": "udp://[fd00::7]:53",
        "PORT_53_UDP_ADDR": "fd00::7",
        "PORT_9_SCTP": "sctp://10.96.0.7:9",
    }.items()
}


WORKERS = "jackfield: --workers 2: more than one is not supported yet [not_supported_yet]"


@pytest.mark.parametrize(
    ("command", "rest"),
    [
        (["schema"], []),
        (["serve", "--workers", "2"], [WORKERS]),
        (["serve", "--port", "8021", "--workers", "2"], [WORKERS]),
    ],
)
def test_what_kubernetes_says_of_services_is_not_read_and_reported_whichever_command_is_called(
    tmp_path: Path, command: list[str], rest: list[str]
) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints: {}\n")
    lines = call("-C", tmp_path, *command, **LINKS).stderr.splitlines()
    assert lines[len(LINKS) :] == rest
    assert {line.split()[2].partition("=")[0] for line in lines[: len(LINKS)]} == LINKS.keys()
    assert all(line.endswith("is of Kubernetes and is not read") for line in lines[: len(LINKS)])


@pytest.mark.parametrize("value", ["tcp//10.96.0.7", "8000", "http://10.96.0.7"])
def test_a_slip_is_not_taken_for_kubernetes(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    check_environment({"JACKFIELD_DESK_PORT": value}, ALL)
    assert "means nothing" in capsys.readouterr().err


def test_a_secret_of_one_call_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("пароль \n", encoding="utf-8")
    assert secret_of("password", None, tmp_path / "secret") == "пароль "
    assert secret_of("password", "given", None) == "given"
    with pytest.raises(Failure, match="keep one of them"):
        secret_of("password", "given", tmp_path / "secret")
    with pytest.raises(Failure, match="which --password-file names"):
        secret_of("password", None, tmp_path / "missing")


def test_the_project_is_the_nearest_folder_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "endpoints.yaml").touch()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert project_folder(None) == tmp_path
    (tmp_path / "a" / "endpoints.yaml").touch()
    assert project_folder(None) == tmp_path / "a"
    assert project_folder(tmp_path) == tmp_path
    assert project_folder(Path("../..")) == below / "../.."


@pytest.mark.parametrize(
    ("folder", "word"),
    [
        (None, "or a folder above it"),
        (Path(), "-C DIR"),
        (Path("missing"), "there is no folder"),
        (Path("yml"), "rename"),
    ],
)
def test_no_project_is_one_line_and_exit_2(
    folder: Path | None, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "yml").mkdir()
    (tmp_path / "yml" / "endpoints.yml").touch()
    monkeypatch.chdir(tmp_path)
    assert find_project(folder) is None
    with pytest.raises(Failure, match=word) as caught:
        project_folder(folder)
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message


def test_a_refusal_is_reported_with_its_fix_and_the_fault_behind_it() -> None:
    refusal = Refusal("store_unavailable", "It is away.", "Wait.")
    refusal.__cause__ = OSError("no\nroute")
    assert failure_of(refusal).message == "It is away. (no route) Wait."
    assert failure_of(Refusal("invalid_request", "No.", "Ask.")).message == "No. Ask."


@click.command()
@click.pass_context
@state_options
def stateful(context: click.Context, state: State) -> None:
    click.echo(state.folder)
    click.echo(state.store_url)
    click.echo(b",".join(state.keys()))


def run_stateful(folder: Path | None, *arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(stateful, arguments, obj=Context(folder), env=environ)


def test_the_state_comes_from_the_environment_and_needs_no_project_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keys = tmp_path / "keys"
    keys.write_text(KEY + "\n")
    given = {"STATE": str(tmp_path / "state"), "STORE": "postgresql://h/d", "SECRET_KEYS_FILE": str(keys)}
    result = run_stateful(None, **{f"JACKFIELD_{name}": value for name, value in given.items()})
    assert result.stdout.splitlines() == [str(tmp_path / "state"), "postgresql://h/d", KEY]


def test_keys_from_a_file_are_read_anew(tmp_path: Path) -> None:
    """So that a running server can take over new ones."""
    (tmp_path / "endpoints.yaml").touch()
    keys = tmp_path / "keys"
    keys.write_text(KEY + "\n")

    @click.command()
    @click.pass_context
    @state_options
    def twice(context: click.Context, state: State) -> None:
        before = state.keys()
        keys.write_text(f"{KEY[::-1]}\n{KEY}\n")
        click.echo(f"{len(before)} {len(state.keys())}")

    named = {"JACKFIELD_SECRET_KEYS_FILE": str(keys)}
    assert CliRunner().invoke(twice, [], obj=Context(tmp_path), env=named).stdout == "1 2\n"
    given = ["--secret-keys", KEY]  # the option goes before the file
    assert CliRunner().invoke(twice, given, obj=Context(tmp_path), env=named).stdout == "1 1\n"


def test_faults_of_the_state_are_one_line(tmp_path: Path) -> None:
    assert run_stateful(tmp_path).exit_code == 2
    (tmp_path / "endpoints.yaml").touch()
    result = run_stateful(tmp_path, "--secret-keys", "short")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("jackfield: the key in JACKFIELD_SECRET_KEYS is")
    assert result.stderr.count("\n") == 1


def test_a_key_file_that_others_can_read_is_warned_of_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "endpoints.yaml").touch()
    State.open(tmp_path).keys()
    State.open(tmp_path).key_file.chmod(0o640)
    result = run_stateful(tmp_path)
    assert (result.exit_code, "chmod 600" in result.stderr) == (0, True)
    assert result.stdout.splitlines()[0] == str(tmp_path / ".jackfield"), "it belongs to the project"
