"""Roles that name parameters."""

from __future__ import annotations

import pytest

from jackfield.config.roles import filled, params_of


@pytest.mark.parametrize(
    ("role", "texts", "found"),
    [
        ("support", {"room": "зал"}, "support"),
        ("team-{room}", {"room": "зал"}, "team-зал"),
        ("{a}:{b}", {"a": "1", "b": "{a}"}, "1:{a}"),  # what a client wrote is no parameter
        ("team-{room}", {}, "team-{room}"),
    ],
)
def test_a_role_is_filled_once(role: str, texts: dict[str, str], found: str) -> None:
    assert filled([role], texts) == (found,)


def test_the_parameters_of_a_role() -> None:
    assert params_of("{a}-x-{b}") == ["a", "b"]
    assert params_of("support") == []
