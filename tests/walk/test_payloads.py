"""Payloads on a real server: texts and bytes of every length come back in order, whole or in fragments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from .conftest import LIMIT, Server, write

pytestmark = pytest.mark.walk

ECHO = "endpoints:\n  echo: {url: /ws/echo, auth: public, messages: any, process: echo.same, limits: {message: 1MiB}}\n"


def test_what_goes_in_comes_out_in_the_same_kind_of_frame(start: Callable[..., Server], tmp_path: Path) -> None:
    write(tmp_path, endpoints=ECHO)
    parts: list[Sequence[str] | Sequence[bytes]] = [["Привет", " 🙂"], [b"\x00", b"", b"\xff"]]
    lengths = (0, 1, 125, 126, 70_000)
    whole: list[str | bytes] = [*("z" * length for length in lengths), *(b"\x80" * length for length in lengths)]
    with start().socket("/ws/echo") as c:
        for part in parts:
            c.send(part)
        for one in whole:
            c.send(one)
        came = [c.recv(LIMIT) for _ in range(len(parts) + len(whole))]
    assert came == ["Привет 🙂", b"\x00\xff", *whole]
