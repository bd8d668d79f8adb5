"""The documents say what the code does: codes, commands, versions, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import jackfield
from jackfield.config.plan import AuthSettings
from jackfield.describe.documents import http_api, http_schemas
from jackfield.errors import CODES
from tests.house import commands_page, errors_page, settings_page
from tests.house.habits import PACKAGE, ROOT

DOCS = PACKAGE / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"), key=lambda page: (page.name != "README.md", page.name))]


def read(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings make, as GitHub has them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_page_of_errors_is_made_from_the_table() -> None:
    assert read("errors.md") == errors_page.page(), "python -m tests.house.errors_page > …/docs/errors.md"


def test_the_page_of_commands_is_made_from_the_commands() -> None:
    assert read("commands.md") == commands_page.page(), "python -m tests.house.commands_page > …/docs/commands.md"


def test_the_tables_of_keys_are_made_from_the_settings() -> None:
    for path, made in settings_page.pages():
        assert path.read_text("utf-8") == made, "python -m tests.house.settings_page"


def test_every_code_stands_in_the_pages() -> None:
    text = read("errors.md")
    assert [code for code in CODES if f"`{code}`" not in text] == []
    protocol = read("protocol.md")
    spoken = [code.name for code in CODES.values() if code.moment != "plan"]
    assert [code for code in spoken if f"`{code}`" not in protocol] == []


def test_the_protocol_has_the_numbers_of_the_table() -> None:
    """Each row that names a code of ours beside a number has the table's number."""
    rows = re.findall(r"^\| (\d{3,4}) \| `(\w+)`", read("protocol.md"), flags=re.M)
    assert {name for _, name in rows} == {c.name for c in CODES.values() if c.status or c.close}
    assert [(number, name) for number, name in rows if int(number) not in (CODES[name].status, CODES[name].close)] == []


def test_the_protocol_has_each_address_and_what_it_answers() -> None:
    """Of objects that a row shows, all keys."""
    rows = re.findall(r"^\| `(\w+) (/[^ `]*)`(.*)", read("protocol.md"), flags=re.M)
    told = {(method, re.sub(r"\{\w+\}", "{}", path)): text for method, path, text in rows}
    schemas, wrong = http_schemas.schemas(AuthSettings()), []
    for call in http_api.calls(AuthSettings()):
        row = told.get((call.method, re.sub(r"\{\w+\}", "{}", call.path)))
        known = set(re.findall(r'"(\w+)"', row or ""))
        schema = schemas[call.answer["$ref"].rpartition("/")[2]] if "$ref" in call.answer else call.answer
        keys = set(schema.get("properties", ()))
        if row is None or (" 200 `{" in row and not keys <= known):
            wrong.append(f"{call.method} {call.path}: {sorted(keys - known)}")
    assert wrong == []


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## (\S+)", read("changelog.md"), flags=re.M)
    assert versions[0] == jackfield.__version__
    assert len(set(versions)) == len(versions)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    dead = []
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        other = (page.parent / file).resolve() if file else page
        if not other.exists() or (anchor and anchor not in anchors(other.read_text("utf-8"))):
            dead.append(target)
    assert dead == []


def test_the_way_in_leads_to_every_page() -> None:
    """The README leads to docs/README.md, and that to all others, in few words."""
    assert "](platform/jackfield/docs/README.md)" in (ROOT / "README.md").read_text("utf-8")
    text = read("README.md")
    assert [page.name for page in PAGES[2:] if f"]({page.name})" not in text] == []
    assert len(text.split()) <= 350


def test_the_readme_has_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert "python3 -m venv .venv && .venv/bin/pip install -q -e . && .venv/bin/jackfield serve" in lines
    assert "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest" in lines


def test_commands_that_the_documents_use_exist() -> None:
    names = {name for name, _ in commands_page.commands()}
    wrong = []
    for page in PAGES:
        code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", page.read_text("utf-8"), flags=re.S))
        for words in re.findall(
            r"(?:^|[`|(]|&& )(?:\S*/)?jackfield (?:-C \S+ )?([a-z]+(?: [a-z]+)?)", code, flags=re.M
        ):
            first = words.partition(" ")[0]
            if words not in names and first not in names and words != "users":
                wrong.append(f"{page.name}: jackfield {words}")
    assert wrong == []
