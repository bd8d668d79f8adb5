"""Projects that tests write."""

from __future__ import annotations

from pathlib import Path

SAY = "from jackfield import process\n@process\ndef say(text: str) -> str:\n    return text\n"
ECHO = 'from jackfield import process\n\n@process(reply="message")\ndef say(message: str) -> str:\n    return message\n'
"""Files of processes/ with one function."""


def write(folder: Path, endpoints: str | None = None, **processes: str) -> Path:
    """Write endpoints.yaml and files of processes/ by their names, those that are given; gives the folder.

    Each file is whole as soon as it is there, so that a watching server never sees half of one.
    """
    (folder / "processes").mkdir(parents=True, exist_ok=True)
    files = {folder / "processes" / f"{name}.py": text for name, text in processes.items()}
    if endpoints is not None:
        files[folder / "endpoints.yaml"] = endpoints
    for path, text in files.items():
        half_made = path.with_name(f".{path.name}")
        half_made.write_text(text, encoding="utf-8")
        half_made.replace(path)
    return folder
