"""What endpoints.yaml says of `site`, for who has to know which files belong to a project before it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from jackfield import files
from jackfield.config import source
from jackfield.config.plan import Plan
from jackfield.config.settings import keys

__all__ = ["site_name"]

_TAKEN = re.compile(keys(Plan)["site"].schema["pattern"])


def site_name(folder: Path) -> str:
    """The folder that `site` names in the project's endpoints.yaml, "" where that says nothing that can be used."""
    try:
        return _in(files.read(folder / "endpoints.yaml", source.MAX_BYTES))
    except (OSError, ValueError):
        return ""


@lru_cache(maxsize=2)
def _in(content: bytes) -> str:
    """`serve --watch` asks twice a second of the same text."""
    found = source.compose(content, "endpoints.yaml").data
    site = found.get("site") if isinstance(found, Mapping) else None
    return site if isinstance(site, str) and _TAKEN.fullmatch(site) else ""
