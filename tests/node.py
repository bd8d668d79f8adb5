"""What the tests need of Node: packages that it finds through NODE_PATH, and programs that they bring.

`npm install @asyncapi/parser typescript …` in any folder, and NODE_PATH=that/node_modules. A test whose package is
not there is skipped, and says which one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["needs", "program", "run"]


def needs(package: str) -> Path:
    """The folder of a package; skips the test where it is not."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    for folder in filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep)):
        if (Path(folder) / package / "package.json").is_file():
            return Path(folder) / package
    pytest.skip(f"Node's package {package} is not found: npm install {package}, and set NODE_PATH")


def program(package: str, name: str) -> str:
    """A program that a package brings; skips the test where it is not."""
    folder = needs(package)
    packages = next(parent for parent in folder.parents if parent.name == "node_modules")
    return str(packages / ".bin" / name)


def run(*command: str, time_limit: float = 120, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and give what it said; it has `time_limit` seconds."""
    return subprocess.run(command, capture_output=True, text=True, timeout=time_limit, check=False, **settings)  # type: ignore[call-overload,no-any-return]  # subprocess's own settings
