"""Documents as text that people read: YAML with texts of several lines as blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from jackfield.config.scalars import resolve

__all__ = ["as_yaml"]


_TEXT = "tag:yaml.org,2002:str"
_OTHER_BREAKS = frozenset("\r\x85\u2028\u2029")


class _Dumper(yaml.SafeDumper):
    """Writes no `&anchors`: what is the same in two places is written twice, as a person would."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if not _OTHER_BREAKS.isdisjoint(text):
        style = '"'  # as itself, each would be read as an ordinary line break
    if style is None and not _is_text(text):
        style = "'"
    return dumper.represent_scalar(_TEXT, text, style=style)


def _is_text(text: str) -> bool:
    """Whether YAML 1.2 reads this as a text where it stands without quotes; PyYAML itself handles 1.1."""
    try:
        return resolve(text) == text
    except ValueError:
        return False


_Dumper.add_representer(str, _text)


def as_yaml(document: Mapping[str, Any]) -> str:
    """A document as YAML 1.1 and 1.2 alike, its keys in their order, letters of all languages as they are."""
    return yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000)
