from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.config.load import Loaded, load

Load = Callable[..., Loaded]


def problem_of(load: Load, text: str) -> tuple[str, str, int]:
    """The one problem of a text: its code, all that it says, its line."""
    (problem,) = load(text).problems
    return problem.code, f"{problem.path}: {problem.message}; {problem.hint}", problem.line


@pytest.fixture(name="load")
def _load(tmp_path: Path) -> Load:
    """Load endpoints.yaml with this text, and further files given by name: `load("…", chat="…")`."""

    def load_texts(text: str | bytes | None, **further: str) -> Loaded:
        if text is not None:
            content = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
            (tmp_path / "endpoints.yaml").write_bytes(content)
        for name, more in further.items():
            (tmp_path / "endpoints").mkdir(exist_ok=True)
            (tmp_path / "endpoints" / f"{name}.yaml").write_text(textwrap.dedent(more), "utf-8")
        return load(tmp_path)

    return load_texts
