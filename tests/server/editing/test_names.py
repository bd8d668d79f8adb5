"""Which names of files may be edited at all."""

from __future__ import annotations

import pytest

from jackfield.errors import Refusal
from jackfield.server.editing.names import kind_of, placed


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("endpoints.yaml", "yaml"),
        ("endpoints/chat.yaml", "yaml"),
        ("examples/чат.yaml", "yaml"),
        ("processes/desk/цены 😀.csv", "table"),
        ("processes/chat.py", "python"),
        ("processes/note.txt", "text"),
        ("processes/Makefile", "text"),
        ("web/dist/index.html", "text"),
        ("web/dist/data.csv", "text"),
    ],
)
def test_what_may_be_edited_and_what_it_is(path: str, kind: str) -> None:
    assert "/".join(placed(path, "web/dist")) == path
    assert kind_of(path) == kind


@pytest.mark.parametrize(
    "path",
    [
        "",
        "endpoints",
        "processes",
        "processes/",
        "/processes/a.py",
        "//processes/a.py",
        "processes//a.py",
        "pyproject.toml",
        "data/faq.csv",
        "Endpoints.yaml",
        "endpoints.yaml/a",
        "endpoints.yaml ",
        "endpoints.yaml.",
        ".jackfield/secret_keys",
        "processes/.env",
        "processes/.git/config",
        "processes/../pyproject.toml",
        "processes/./a.py",
        "../project/endpoints.yaml",
        "processes/...",
        "processes/__pycache__/a.py",
        "processes/__PYCACHE__/a.pyc",
        "processes/a\0.py",
        "processes/a\n.py",
        "processes/a\u202eyp.",
        "processes/a\x85b",
        "processes\\a.py",
        "processes/..\\..\\a.py",
        "C:/processes/a.py",
        "processes/a.py:stream",
        "processes/~$faq.csv",
        "processes/\udc80.py",
        "processes/" + "a" * 201,
        "processes/" + "a/" * 10 + "b.py",
        "web/index.html",
        "web/distant/index.html",
    ],
)
def test_no_other_name_is_one(path: str) -> None:
    with pytest.raises(Refusal) as raised:
        placed(path, "web/dist")
    assert raised.value.code == "not_found"


def test_the_folder_of_the_site_is_there_with_a_site_alone() -> None:
    with pytest.raises(Refusal, match="No file"):
        placed("web/dist/index.html")
