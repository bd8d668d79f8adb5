"""Files that stand in a page of the documents, written as a reader would write them."""

from __future__ import annotations

import re
from pathlib import Path

import jackfield

DOCS = Path(jackfield.__file__).parent / "docs"


def write_files(page: str, section: str, folder: Path) -> None:
    """Write each block of a section whose first line is `# NAME`, or `<!-- NAME -->`, as the file of that name."""
    text = (DOCS / page).read_text("utf-8").split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    block = r"^```(?:python|yaml|csv|html)\n(?:#|<!--) (\S+)(?: -->)?\n(.*?)^```"
    for name, content in re.findall(block, text, re.MULTILINE | re.DOTALL):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
