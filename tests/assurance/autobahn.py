"""Row REL-16 at its full size, by hand: the Autobahn suite against a real server, whose process is `echo.same`.

    python -m tests.assurance.autobahn WSTEST [CASE…]       WSTEST: the program of autobahntestsuite, for Python 2.7
    python -m tests.assurance.autobahn WSTEST '6.*'         those cases only

Ends with 1 where a case fails or is answered in another way than performance.md says. The whole takes five minutes,
most of them for messages of 4 MiB in fragments of 64 bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from tests.projects import write
from tests.walk.conftest import Server

ENDPOINT = """
endpoints:
  same:
    url: /ws/same
    auth: public
    messages: any
    process: echo.same
    limits: {message: 16MiB, queue: 64MiB, rate: off}
"""

KNOWN = {"6.4.3": "NON-STRICT", "6.4.4": "NON-STRICT"}
"""A frame, and so a text of one, is looked at when it is whole: to look at a part would cost each long one."""

INFORMATIONAL = "INFORMATIONAL"
"""What the suite only notes; the RFC leaves it open."""


def run(program: Path, server: Server, cases: Sequence[str], folder: Path) -> dict[str, str]:
    """How each case was answered, in the suite's words."""
    agent = {"agent": "jackfield", "url": f"{server.ws}/ws/same", "options": {"version": 18}}
    asked = {
        "options": {"failByDrop": False},
        "outdir": str(folder),
        "servers": [agent],
        "cases": cases or ["*"],
        "exclude-cases": ["12.*", "13.*"],  # of compression, which is not offered
        "exclude-agent-cases": {},
    }
    spec = folder / "spec.json"
    spec.write_text(json.dumps(asked), "utf-8")
    command = [str(program), "-m", "fuzzingclient", "-s", str(spec)]
    subprocess.run(command, check=True, timeout=1_200, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    found = json.loads((folder / "index.json").read_text("utf-8"))["jackfield"]
    return {case: result["behavior"] for case, result in found.items()}


@click.command()
@click.argument("program", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("cases", nargs=-1)
def main(program: Path, cases: tuple[str, ...]) -> None:
    """Run it and say what was not OK."""
    with tempfile.TemporaryDirectory() as name:
        project, reports = Path(name, "project"), Path(name, "reports")
        reports.mkdir()
        write(project, endpoints=ENDPOINT)
        server = Server(project)
        try:
            answered = run(program.absolute(), server, cases, reports)
        finally:
            server.stop()
    others = {case: how for case, how in answered.items() if how not in ("OK", INFORMATIONAL)}
    print(f"{len(answered)} cases, OK but for {json.dumps(others) if others else 'none'}")
    sys.exit(0 if answered and others.items() <= KNOWN.items() else 1)


if __name__ == "__main__":
    main()
