"""A key is declared once; what still stands elsewhere, the frame of the schema and examples, agrees with the plan."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from jackfield.config.editor_schema import plain
from jackfield.config.limits import Limits
from jackfield.config.plan import Access, AuthSettings, Endpoint, Guest, JwtSettings, Step
from jackfield.config.problems import Problems
from jackfield.config.quantities import duration
from jackfield.config.settings import Kind, keys
from tests.config.conftest import Load

DEFS = plain()["$defs"]


@pytest.mark.parametrize("owner", [Endpoint, Limits, AuthSettings, JwtSettings])
def test_every_field_is_a_key_of_the_file(owner: Any) -> None:
    found = {one.name for within in ("", "cookie") for one in keys(owner, within).values()} - {"required"}
    ours = {"name", "action"} if owner is Endpoint else set()
    assert found == {field.name for field in fields(owner)} - ours


def test_defaults_that_are_written_twice_agree() -> None:
    step, login = Step("send", {}), AuthSettings()
    assert duration(DEFS["step"]["properties"]["within"]["default"]) == step.within
    assert DEFS["step"]["properties"]["partial"]["default"] == step.partial
    assert DEFS["exampleParams"]["default"] == DEFS["exampleQuery"]["default"] == Guest().params == Guest().query
    assert DEFS["cookieName"]["default"] == DEFS["signIn"]["properties"]["cookie"]["default"] == login.cookie
    assert keys(Endpoint)["auth"].default == Access().mode


BOUNDED = [
    (path, key, one.kind)
    for path, owner in (("limits", Limits), ("auth", AuthSettings), ("", Endpoint))
    for key, one in keys(owner).items()
    if one.kind.least
]


@pytest.mark.parametrize(("path", "key", "kind"), BOUNDED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_number_is_taken_within_its_bounds_and_reported_with_them_beyond(path: str, key: str, kind: Kind) -> None:
    least, most = kind.meaning(kind.least), kind.meaning(kind.most)
    for written, expected in ((kind.least, least), (kind.most, most)):
        problems = Problems({})
        assert kind.value(written, (path, key), problems) == expected
        assert not problems.found
    unit = {"size": "B", "time": "s", "rate": "/s"}[kind.measure]
    for number in (0, most + 1):
        problems = Problems({})
        kind.value(f"{number:.0f}{unit}", (path, key), problems)
        assert [(one.code, one.path, one.message[-16:]) for one in problems.found] == [
            ("wrong_value", f"{path}.{key}", "is out of bounds")
        ]
        assert next(iter(problems.found)).hint.startswith(f"from {kind.least} to {kind.most}")


def test_what_is_out_of_bounds_hides_no_other_limit(load: Load) -> None:
    limits = "{message: 16B, rate: 0.5/h, idle: off, per_address: 7, queue: 4095, slow_consumer: drop_oldest}"
    loaded = load(f"endpoints: {{a: {{url: /ws/a, process: a.b, session_warning: 25h, limits: {limits}}}}}")
    assert [(problem.message, problem.hint) for problem in loaded.problems] == [
        ("25h is out of bounds", "from 1s to 1d"),
        ("0.5/h is out of bounds", "from 1/h to 1000000/s; off means no limit"),
        ("4095 is out of bounds", "from 4KiB to 64MiB"),
    ]
    found = loaded.plan.endpoints[0].limits
    assert (found.idle, found.per_address, found.slow_consumer) == (None, 7, "drop_oldest")


@pytest.mark.parametrize(
    "at", ["limits: {{b: c}: 1, time: 5}", "examples: [{{b: c}: 1, steps: 5, name: [a]}]", "{b}: 5"]
)
def test_what_stands_beside_a_key_that_is_no_text_is_not_read(load: Load, at: str) -> None:
    (problem,) = load(f"endpoints: {{a: {{url: /ws/a, process: a.b, {at}}}}}").problems
    assert problem.message.startswith("a key must be a text")


def test_nor_is_how_callers_log_in(load: Load) -> None:
    loaded = load("auth: {{b: c}: 1, cookie: , path: /a, session: 5}\nendpoints: {a: {url: /ws/a, process: a.b}}\n")
    assert [problem.path for problem in loaded.problems] == ["auth"]
    assert loaded.plan.auth == AuthSettings()
