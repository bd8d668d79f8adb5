"""The folder in which the benchmark builds what it needs: the load program, a venv, Node's packages.

Each is built once and kept with a note of what it was made from; a changed note means building anew.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HERE", "BenchError", "Workshop", "default_folder"]

HERE = Path(__file__).parent
PYTHON_PACKAGES = (
    "channels>=4.3,<5",
    "django>=5.2,<6",
    "fastapi>=0.165,<1",
    "httptools",
    "itsdangerous>=2.2,<3",
    "jsonschema-rs>=0.60,<1",
    "msgspec>=0.22,<1",
    "starlette>=1.10,<2",
    "uvicorn>=0.54,<0.55",
    "uvloop>=0.23,<1",
    "websockets>=17.4,<18",
)
NODE_PACKAGES = ("ajv@^8.20", "node-red@^4.1", "ws@^8.23")
UWS_PACKAGE = "uwebsockets@3.0.6"
"""µWebSockets.js is not in npm's registry; this is somebody's copy, with its binaries for Node 16 to 25 (98 MB)."""
_BUILD_LIMIT = 900.0


class BenchError(Exception):
    """What keeps the benchmark from measuring, in a sentence."""


def default_folder() -> Path:
    """The user's cache folder: what is built once serves every run after it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jackfield-bench"


@dataclass(frozen=True, slots=True)
class Workshop:
    """Everything that was built, by its path below `folder`. Methods raise BenchError."""

    folder: Path

    @property
    def load(self) -> Path:
        """The load program."""
        return self.folder / "load"

    @property
    def python(self) -> Path:
        """The interpreter of the hand-written Python contenders."""
        return self.folder / "venv" / "bin" / "python"

    @property
    def node_modules(self) -> Path:
        """Where Node finds ws, ajv and Node-RED."""
        return self.folder / "node" / "node_modules"

    @property
    def uws(self) -> Path:
        """Where Node finds µWebSockets.js."""
        return self.folder / "uws" / "node_modules"

    def build_load(self) -> None:
        """Compile load/load.c where its text is not what was compiled."""
        sources = sorted((HERE / "load").iterdir())
        compiler = _tool("cc", "install a C compiler (gcc or clang)")
        words = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(self.load)]
        made_from = "".join(source.read_text("utf-8") for source in sources)
        self._once("load", made_from, lambda: _run([*words, str(HERE / "load" / "load.c")]))

    def build_python(self) -> None:
        """A venv with the frameworks that Jackfield is compared with."""

        def build() -> None:
            shutil.rmtree(self.folder / "venv", ignore_errors=True)
            venv.create(self.folder / "venv", with_pip=True)
            _run([str(self.python), "-m", "pip", "install", "--quiet", *PYTHON_PACKAGES])

        self._once("venv", f"{sys.version}\n{PYTHON_PACKAGES}", build)

    def build_node(self) -> None:
        """Node's packages, by npm."""
        self._install("node", NODE_PACKAGES)

    def build_uws(self) -> None:
        """µWebSockets.js, which is apart because of its size."""
        self._install("uws", ("--ignore-scripts", UWS_PACKAGE))

    def _install(self, name: str, packages: tuple[str, ...]) -> None:
        npm = _tool("npm", "install Node.js, or leave its contenders out with --only")
        options = ["--no-audit", "--no-fund", "--loglevel=error"]

        def build() -> None:
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name / "package.json").write_text('{"private": true}\n', "utf-8")
            _run([npm, "install", *options, *packages], cwd=self.folder / name)

        self._once(name, f"{_run(['node', '--version'])}{packages}", build)

    def versions(self) -> dict[str, str]:
        """The versions of what was built, for the record."""
        found = {}
        if self.python.exists():
            rows = json.loads(_run([str(self.python), "-m", "pip", "list", "--format=json"]))
            wanted = {package.partition(">")[0] for package in PYTHON_PACKAGES} | {"pydantic"}
            found = {row["name"].lower(): row["version"] for row in rows if row["name"].lower() in wanted}
        if self.node_modules.exists():
            found["node"] = _run(["node", "--version"]).strip().removeprefix("v")
            for name in ("ws", "ajv", "node-red"):
                text = (self.node_modules / name / "package.json").read_text("utf-8")
                found[name] = json.loads(text)["version"]
        return found

    def _once(self, name: str, made_from: str, build: Callable[[], object]) -> None:
        note = self.folder / f"{name}.made-from"
        if note.exists() and note.read_text("utf-8") == made_from and (self.folder / name).exists():
            return
        print(f"bench: building {name} in {self.folder}", file=sys.stderr)
        self.folder.mkdir(parents=True, exist_ok=True)
        build()
        note.write_text(made_from, "utf-8")


def _tool(name: str, hint: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BenchError(f"{name} is not here; {hint}")
    return found


def _run(words: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=_BUILD_LIMIT, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(words[:4])}… failed:\n{done.stderr[-2000:]}")
    return done.stdout
