"""What resources take: each other, across files, and Groups."""

from __future__ import annotations

import re

import pytest

from jackfield.process.groups import Groups
from jackfield.process.resources import in_order, open_all
from jackfield.process.signature import signature
from tests.process.conftest import Collect, signature_of

HEAD = """\
from __future__ import annotations
from typing import Annotated
from jackfield import Connection, Groups, process, resource
"""


def resource(name: str, takes: str = "") -> str:
    """A resource that yields its name, with what it was given."""
    given = ", ".join(re.findall(r"(\w+):", takes))
    return (
        f"@resource\nasync def {name}({takes}):\n    LOG.append('+{name}')\n"
        f"    yield ('{name}', {given})\n    LOG.append('-{name}')\n"
    )


async def test_each_is_opened_after_what_it_needs_and_closed_before_it_across_files(
    collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    monkeypatch.setattr("builtins.LOG", log, raising=False)
    found = collect(
        {
            "a.py": f"{HEAD}import processes.shop.б as b\n"
            + resource("склад", "p: Annotated[tuple, b.pool], c: Annotated[tuple, b.cache]")
            + "@process\nasync def say(s: Annotated[tuple, склад], p: Annotated[tuple, b.pool]): ...\n",
            "shop/б.py": f"{HEAD}from processes import c\n"
            + resource("cache", "groups: Groups | None, p: Annotated[tuple, pool]")
            + resource("pool", "n: int = 1, u: Annotated[tuple, c.settings] = ()"),
            "c.py": HEAD + resource("settings"),
        }
    )
    assert found.problems == ()
    (stock, pool) = signature_of(found, "a.say").resources
    assert [one.name for one in in_order([stock])] == ["c.settings", "shop.б.pool", "shop.б.cache", "a.склад"]
    groups = Groups.__new__(Groups)
    opened = await open_all([stock, pool], time_limit=5, groups=groups)
    settings = ("settings",)
    assert opened.values["shop.б.pool"] == ("pool", 1, settings)
    assert opened.values["a.склад"][2] == ("cache", groups, opened.values["shop.б.pool"])
    await opened.close()
    assert log == ["+settings", "+pool", "+cache", "+склад", "-склад", "-cache", "-pool", "-settings"]
    log.clear()
    faked = await open_all([stock], time_limit=5, given={"shop.б.cache": "другой"})
    assert (faked.values["a.склад"][2], log) == ("другой", ["+settings", "+pool", "+склад"])
    await faked.close()


def test_a_circle_is_told_whole_and_once(collect: Collect) -> None:
    found = collect(
        {
            "a.py": f"{HEAD}import processes.b\n"
            + resource("first", "x: Annotated[str, processes.b.second]")
            + resource("own", "n: int = 0, x: Annotated[str, own] = ''")
            + "@process\ndef say(f: Annotated[str, first]): ...\n",
            "b.py": f"{HEAD}import processes.a\n"
            + resource("second", "x: Annotated[str, third]")
            + resource("third", "x: Annotated[str, processes.a.first]"),
        }
    )
    assert [(one.code, one.path, one.line, one.column, one.message) for one in found.problems] == [
        (
            "bad_resource", "a.first", 6, 17,
            "resources need each other in a circle: a.first (processes/a.py:6) takes b.second (processes/b.py:6), "
            "which takes b.third (processes/b.py:11), which takes a.first",
        ),
        (
            "bad_resource", "a.own", 11, 27,
            "resources need each other in a circle: a.own (processes/a.py:11) takes a.own",
        ),
    ]  # fmt: skip
    signature_of(found, "a.say")  # has an end all the same, and says nothing twice


@pytest.mark.parametrize(
    ("takes", "code", "told"),
    [
        ("url", "bad_resource", 'parameter "url": there is nothing to give it'),
        ("c: Connection", "bad_resource", 'parameter "c": a resource is opened once for all connections'),
        ("p: Annotated[int, plain]", "bad_resource", 'parameter "p": `plain` is not a resource yet'),
        ("p: Annotated[int, pol]", "bad_hint", 'names "pol", which is not there'),
        ("g: Groups, /", "bad_resource", 'parameter "g": what a resource takes is given by name'),
    ],
)
def test_what_cannot_be_given_has_its_place(collect: Collect, takes: str, code: str, told: str) -> None:
    text = f"{HEAD}async def plain():\n    yield 1\n@resource\nasync def pool({takes}):\n    yield 1\n"
    (problem,) = collect({"a.py": text}).problems
    assert (problem.code, problem.path, problem.file) == (code, "a.pool", "processes/a.py")
    assert (problem.line, problem.column) == (7, 16)
    assert told in problem.message


def test_what_is_wrong_with_one_of_a_package_is_told_where_it_is_used(
    collect: Collect, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("installed")
    (folder / "shop_of_package.py").write_text(HEAD + resource("pool", "url"))
    monkeypatch.syspath_prepend(folder)
    found = collect(
        {"a.py": f"{HEAD}import shop_of_package\n@process\ndef say(p: Annotated[int, shop_of_package.pool]): ...\n"}
    )
    assert found.problems == ()
    made, (problem,) = signature.compile(found.processes["a.say"], ())
    assert (made, problem.file, problem.path) == (None, "shop_of_package.py", "shop_of_package.pool")
