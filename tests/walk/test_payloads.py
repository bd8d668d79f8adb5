"""Payloads on a real server: texts and bytes of every length come back in order, whole or in fragments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from .conftest import LIMIT, Server, write

pytestmark = pytest.mark.walk

FLIP = """\
from jackfield import process

@process
def flip(data: str | bytes) -> str | bytes:
    return data.encode() if isinstance(data, str) else data.decode()
"""
ECHO = "endpoints:\n  flip: {url: /ws/flip, auth: public, messages: any, process: p.flip}\n"
ECHO += "  echo: {url: /ws/echo, auth: public, messages: any, process: echo.same, limits: {message: 1MiB}}\n"
EXAMPLES = """\
examples:
  flip:
    - {name: both, steps: [{send: да, expect: {base64: 0LTQsA==}}, {send: {base64: QQ==}, expect: A}]}
    - {name: wrong, steps: [{send: {base64: gA==}}]}
  echo: [{name: quiet, steps: [{send: да}, {send: нет}, {send: "{}", expect: нет}]}]
"""


def test_what_goes_in_comes_out_in_the_same_kind_of_frame(start: Callable[..., Server], tmp_path: Path) -> None:
    write(tmp_path, endpoints=ECHO, p=FLIP)
    parts: list[Sequence[str] | Sequence[bytes]] = [["Привет", " 🙂"], [b"\x00", b"", b"\xff"]]
    lengths = (0, 1, 125, 126, 70_000)
    whole: list[str | bytes] = [*("z" * length for length in lengths), *(b"\x80" * length for length in lengths)]
    server = start()
    with server.socket("/ws/echo") as c:
        for part in parts:
            c.send(part)
        for one in whole:
            c.send(one)
        came = [c.recv(LIMIT) for _ in range(len(parts) + len(whole))]
    assert came == ["Привет 🙂", b"\x00\xff", *whole]
    with server.socket("/ws/flip") as c:
        for one in ("да", b"\x41", "z"):
            c.send(one)
        assert [c.recv(LIMIT) for _ in range(3)] == ["да".encode(), "A", b"z"]


def test_examples_of_payloads_run_against_a_server(start: Callable[..., Server], tmp_path: Path) -> None:
    write(tmp_path, endpoints=ECHO, p=FLIP)
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "all.yaml").write_text(EXAMPLES, encoding="utf-8")
    server = start()
    done = server.run("test", "--url", server.ws)
    assert (done.returncode, "1 passed, 2 failed" in done.stderr) == (1, True), done
    told = done.stdout
    assert "an error came that no step expects" in told, "what comes after the last step is waited for"
    assert 'expected "нет", came "да"' in told
