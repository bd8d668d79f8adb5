from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import run
from tests.projects import SAY, write

ENDPOINTS = """\
endpoints:
  say:
    url: /ws/say
    process: say.say
"""


def check(folder: Path, *arguments: str) -> Result:
    return run("-C", folder, "check", *arguments)


def test_fine_is_reported_on_stderr_alone(tmp_path: Path) -> None:
    write(tmp_path, ENDPOINTS, say=SAY)
    for form, out, err in (("text", "", "fine: 1 endpoint\n"), ("json", "[]\n", ""), ("github", "", "")):
        done = check(tmp_path, "--format", form)
        assert (done.exit_code, done.stdout, done.stderr) == (0, out, err)


def test_what_the_path_of_a_claim_means_is_reported(tmp_path: Path) -> None:
    jwt = (
        r"{jwks: https://a.example/keys, issuer: a, audience: b, roles: 'resource_access.desk\.web.roles', name: name}"
    )
    write(tmp_path, f"auth: {{jwt: {jwt}}}\n{ENDPOINTS}", say=SAY)
    reported = [
        'auth.jwt.login: the claim "sub"',
        'auth.jwt.roles: the claim "resource_access", in it "desk.web", in it "roles"',
        'auth.jwt.name: the claim "name"',
        "fine: 1 endpoint",
    ]
    for more in ((), ("--no-import",)):
        done = check(tmp_path, *more)
        assert (done.exit_code, done.stderr.splitlines()) == (0, reported)


def test_all_problems_at_once_with_their_places(tmp_path: Path) -> None:
    more = "  b:\n    url: ws\n    process: say.say\n"
    write(
        tmp_path,
        ENDPOINTS.replace("process:", "proces:") + more,
        say=SAY.replace("text: str)", "text: str, thing: object)") + "x: int = (\n",
    )
    done = check(tmp_path)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        "endpoints.yaml:4:5:",
        "endpoints.yaml:6:5:",
        "processes/say.py:5:10:",
    ]
    assert 'did you mean "process"' in lines[0]
    assert done.stderr == f"jackfield: 3 problems in {tmp_path}\n"


def test_a_warning_is_no_problem(tmp_path: Path) -> None:
    write(tmp_path, ENDPOINTS, say="import time\n" + SAY.replace("    return", "    time.sleep(1)\n    return"))
    done = check(tmp_path)
    assert done.exit_code == 0
    assert "processes/say.py:5:" in done.stdout
    assert "[blocking_call]" in done.stdout
    assert done.stderr == "fine: 1 endpoint, 1 warning\n"


def test_json_is_what_a_program_reads(tmp_path: Path) -> None:
    write(tmp_path, ENDPOINTS + "    summary: 5\n", say=SAY + "print('при импорте')\n")
    done = check(tmp_path, "--format", "json")
    (found,) = json.loads(done.stdout)
    assert {"message", "hint", "path"} <= found.keys()
    place = {"file": "endpoints.yaml", "line": 5, "column": 5}
    assert found == found | place | {"code": "wrong_type", "severity": "error"}
    assert done.exit_code == 1
    assert "при импорте" in done.stderr, "what a module prints is nobody's JSON"


def test_github_annotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "a,b:c"
    project.mkdir()
    write(project, ENDPOINTS + '    summary: ["100%"]\n', say=SAY)
    monkeypatch.chdir(tmp_path)
    done = check(Path("a,b:c"), "--format", "github")
    assert done.exit_code == 1
    (line,) = done.stdout.splitlines()
    assert line.startswith(
        "::error file=a%2Cb%3Ac/endpoints.yaml,line=5,col=5,title=wrong_type::endpoints.say.summary: "
    )


def test_without_import_nothing_is_imported(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    side_effect = f"import pathlib\npathlib.Path({str(trace)!r}).touch()\n"
    write(tmp_path, ENDPOINTS, say=side_effect + SAY)
    done = check(tmp_path, "--no-import")
    assert (done.exit_code, done.stderr) == (0, "fine: 1 endpoint\n")
    assert not trace.exists()
    # names are still compared, and the text has to be Python
    write(tmp_path, ENDPOINTS.replace("say.say", "say.tell"), say=side_effect + SAY)
    done = check(tmp_path, "--no-import")
    assert done.exit_code == 1
    assert "endpoints.yaml:4:5:" in done.stdout
    assert "[unknown_process]" in done.stdout
    write(tmp_path, ENDPOINTS, say=side_effect + SAY + "def (:\n")
    assert "processes/say.py:7:5" in check(tmp_path, "--no-import").stdout
    assert not trace.exists()
    write(tmp_path, ENDPOINTS, say=side_effect + SAY)
    assert check(tmp_path).exit_code == 0
    assert trace.exists(), "the proof that the trace is one"


def test_no_resource_is_opened(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    write(
        tmp_path,
        ENDPOINTS,
        say="import pathlib\nfrom typing import Annotated\nfrom jackfield import process, resource\n"
        f"@resource\nasync def pool():\n    pathlib.Path({str(trace)!r}).touch()\n    yield 1\n"
        "@process\nasync def say(pool: Annotated[int, pool], text: str) -> str:\n    return text\n",
    )
    assert check(tmp_path).exit_code == 0
    assert not trace.exists()


def test_a_module_that_ends_the_program_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path, ENDPOINTS, say=SAY + "import sys\nsys.exit(0)\n")
    done = check(tmp_path)
    assert done.exit_code == 1
    assert "processes/say.py:6:" in done.stdout


@pytest.mark.parametrize("extra", [["--format", "xml"], ["--frobnicate"], ["there"]])
def test_wrong_usage(tmp_path: Path, extra: list[str]) -> None:
    write(tmp_path, ENDPOINTS, say=SAY)
    done = check(tmp_path, *extra)
    assert (done.exit_code, done.stdout) == (2, "")


def test_no_project(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "jackfield new DIR" in done.stderr
    (tmp_path / "endpoints.yml").touch()
    assert "rename it to endpoints.yaml" in check(tmp_path).stderr
    assert "there is no folder" in check(tmp_path / "none").stderr
