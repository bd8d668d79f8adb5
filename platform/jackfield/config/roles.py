"""Roles that name parameters: `team-{room}` is another role in each room."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["filled", "may_be", "params_of"]

_PARAM = re.compile(r"\{([^{}]*)\}")


def filled(roles: Iterable[str], texts: Mapping[str, str]) -> tuple[str, ...]:
    """The roles where the parameters are these texts; one that names another stays as it is, which no caller has."""
    return tuple(
        _PARAM.sub(lambda found: texts.get(found[1], found[0]), role) if "{" in role else role for role in roles
    )


def params_of(role: str) -> list[str]:
    """The parameters that a role names."""
    return _PARAM.findall(role)


def may_be(role: str, named: str) -> bool:
    """Whether a caller's role is the one that is `named`, with some texts in the place of its parameters."""
    return re.fullmatch(".+".join(map(re.escape, _PARAM.split(named)[::2])), role) is not None
