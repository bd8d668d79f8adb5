"""What the suite is run with: the set that was tested, and no verdict by how fast a machine is."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
from hypothesis import HealthCheck, settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from jackfield.auth.store.database import LIMIT, Database
from tests.house.habits import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NPM = ROOT / "tests" / "npm"


def pinned() -> dict[str, Version]:
    """tests/constraints.txt: names and versions alone."""
    lines = (ROOT / "tests" / "constraints.txt").read_text("utf-8").splitlines()
    found = [re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)", line) for line in lines]
    assert None not in found, lines
    return {canonicalize_name(match[1]): Version(match[2]) for match in found if match is not None}


def required() -> list[Requirement]:
    """All that pyproject.toml asks for, extras included; ourselves left out."""
    project = PROJECT["project"]
    texts = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    return [one for one in map(Requirement, texts) if one.name != project["name"]]


def test_the_set_that_was_tested_has_all_that_is_required_and_fits_it() -> None:
    versions = pinned()
    for one in required():
        assert one.specifier.contains(versions[canonicalize_name(one.name)]), one


def test_what_is_embedded_with_us_has_versions_of_its_own() -> None:
    """A product has a uvicorn already; see jackfield/server/wire/private_names.py."""
    bounds = {one.name: one.specifier for one in required()}
    for name, later in {"uvicorn": "0.99", "websockets": "19.0", "h11": "0.99"}.items():
        assert bounds[name].contains(later), name


def test_packages_of_node_are_pinned_and_no_registry_is_named() -> None:
    asked = json.loads((NPM / "package.json").read_text("utf-8"))["dependencies"]
    assert asked
    assert all(re.fullmatch(r"[0-9.]+", version) for version in asked.values())
    locked = json.loads((NPM / "package-lock.json").read_text("utf-8"))["packages"]
    assert locked[""]["dependencies"] == asked
    assert not [name for name, package in locked.items() if "resolved" in package]
    assert all(package.get("version") for name, package in locked.items() if name)


def test_every_test_has_an_end(request: pytest.FixtureRequest) -> None:
    assert float(request.config.getini("timeout")) > 0
    assert request.config.pluginmanager.hasplugin("timeout")


def test_no_example_is_judged_by_its_time() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


def test_deadlines_and_the_number_of_examples_are_those_of_the_profile() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if re.search(r"settings\([^)]*(deadline|max_examples)=", path.read_text("utf-8")) and path.name != "conftest.py"
    ]
    assert found == []


def test_a_slow_machine_is_no_store_that_hangs() -> None:
    assert LIMIT < 30 < Database.usual_limit
