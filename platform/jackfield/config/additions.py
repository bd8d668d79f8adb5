"""What is added to a project's files: a new endpoint with its group, an example. Reads the project, writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jackfield import files
from jackfield.config.insertion import insert
from jackfield.config.load import MAIN, load
from jackfield.config.source import MAX_BYTES, compose
from jackfield.config.written import Style, item

__all__ = ["Addition", "NewEndpoint", "example_text", "with_endpoint", "with_example"]


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """What a form asks of an endpoint, each as endpoints.yaml has it; None where nothing is to be written.

    `presence` and `history` are of the group, and go below `groups:`.
    """

    name: str
    url: str
    process: str
    auth: Any = None
    summary: str | None = None
    group: str | None = None
    reply_to: str | None = None
    presence: Any = None
    history: Any = None

    @property
    def entry(self) -> dict[str, Any]:
        """What stands below its name."""
        keys = ("url", "process", "auth", "group", "reply_to", "summary")
        found = {key: getattr(self, key) for key in keys}
        return {key: value for key, value in found.items() if value is not None}

    @property
    def of_group(self) -> dict[str, Any]:
        """What stands below its group's pattern."""
        found = {"presence": self.presence, "history": self.history}
        return {key: value for key, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Addition:
    """A file before and after something was added, what that is, and the line on which it begins."""

    file: str
    before: bytes
    content: bytes
    text: str
    line: int


def with_endpoint(folder: Path, wanted: NewEndpoint) -> Addition:
    """endpoints.yaml of the project in `folder` with a new endpoint. Whether its values are right is not looked at.

    Raises ValueError with a sentence, and OSError for a file that cannot be read.
    """
    if wanted.of_group and not wanted.group:
        raise ValueError("`presence` and `history` belong to a group: name the endpoint's `group`")
    place = load(folder).plan.places.get(("endpoints", wanted.name))
    if place is not None:
        raise ValueError(f'the endpoint "{wanted.name}" is there already: {place.file}:{place.line}')
    before = content = files.read(folder / MAIN, MAX_BYTES)
    texts = []
    for path, value in _of_group(before, wanted):
        found = insert(content, MAIN, path, value, bare=True)
        content = found.content
        texts.append(found.added)
    found = insert(content, MAIN, ("endpoints", wanted.name), wanted.entry, bare=True)
    return Addition(MAIN, before, found.content, _shown([found.added, *texts]), found.line)


def with_example(folder: Path, endpoint: str, example: Mapping[str, Any]) -> Addition:
    """The file in which an endpoint stands, with one more example of it. Whether it is right is not looked at.

    Raises ValueError with a sentence, and OSError for a file that cannot be read.
    """
    loaded = load(folder)
    place = loaded.plan.places.get(("endpoints", endpoint))
    if place is None:
        raise ValueError(f'there is no endpoint "{endpoint}" in the files')
    known = (one.examples for one in loaded.plan.endpoints if one.name == endpoint)
    if any(one.name == example.get("name") for examples in known for one in examples):
        raise ValueError(f'the example "{example["name"]}" is there already; choose another name')
    before = files.read(folder / place.file, MAX_BYTES)
    found = insert(before, place.file, ("endpoints", endpoint, "examples"), [example])
    return Addition(place.file, before, found.content, _shown([found.added]), found.line)


def example_text(example: Mapping[str, Any]) -> str:
    """An example as it is pasted below `examples:` of an endpoint."""
    return "\n".join(item(example, 6, Style(), 1)) + "\n"


def _of_group(content: bytes, wanted: NewEndpoint) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What is to be put where, so that the group's pattern has what is asked for. Raises ValueError."""
    pattern = wanted.group
    if pattern is None or not wanted.of_group:
        return
    data = compose(content, MAIN).data
    groups = data.get("groups") if isinstance(data, dict) else None
    if not isinstance(groups, dict) or pattern not in groups:
        yield ("groups", pattern), wanted.of_group
        return
    held = groups[pattern] if isinstance(groups[pattern], dict) else {}
    for key, value in wanted.of_group.items():
        if key not in held:
            yield ("groups", pattern, key), value
        elif held[key] != value:
            raise ValueError(f'the group "{pattern}" has another `{key}` already; change it below `groups:`')


def _shown(texts: Sequence[str]) -> str:
    """What was put in, for a person to read: without what parts it from its neighbours."""
    return "\n".join("\n".join(text.lstrip(",\r\n").rstrip().splitlines()) for text in texts) + "\n"
