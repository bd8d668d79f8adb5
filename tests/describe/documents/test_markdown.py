"""The reference: what a reader finds there, and that nothing that people wrote breaks it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.config.plan import Example, Guest, Step
from jackfield.describe import outcomes
from jackfield.describe.contract import Contract
from jackfield.describe.documents import markdown
from jackfield.describe.documents.rendered import html, render
from tests.describe.made import contract_of
from tests.projects import write

ADDRESS = "https://desk.example.com/rt"


@pytest.fixture(scope="module")
def text(full: Contract) -> str:
    return markdown.reference(full, ADDRESS)


def chapter(text: str, name: str) -> str:
    return re.split(r"^##", text.partition(f"\n### {name}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_each_endpoint_has_a_chapter_below_its_first_tag(text: str, full: Contract) -> None:
    headings = re.findall(r"^(##+) (.*)$", text, re.MULTILINE)
    assert [name for level, name in headings if level == "###"] == [one.name for one in full.operations]
    assert [name for level, name in headings if level == "##"] == [
        *("Getting in", "Desk", "Other endpoints"),
        *("Limits", "Errors", "Close codes", "Refusals"),
    ]


def test_a_chapter_says_all_that_a_caller_needs(text: str) -> None:
    room = chapter(text, "room")
    assert "wss://desk.example.com/rt/ws/rooms/{room}/{number}" in room
    assert "`support` or `lead`" in room
    assert "| `number` | whole number | yes |" in room
    assert "| `text` | text | yes | 1 to 500 letters; fits `^[^<>]*$` |" in room, "of the signature and of `input:`"
    assert '| `mood` | one of `"happy"`, `"грустно"` | no |' in room
    assert "A message has at most 8 KiB." in room
    assert "Sub-protocols: `desk.v2`." in room
    assert "`session_expiring` comes 1 min before" in room
    assert '→ {"text": "Заказ #5 🎉", "mood": "happy"}' in room


def test_a_chapter_says_who_hears_the_reply(text: str) -> None:
    hall = chapter(text, "hall")
    assert "in the groups `hall:{hall}` and `everybody`" in hall
    assert "A reply goes to all members, the sender too, as the event `said`." in hall
    assert "**Event to the group**" in hall
    assert '- `{"$cancel": id}` takes back the message' in chapter(text, "pay")
    assert '`{"$answer": n, …}` answers' in chapter(text, "pay")
    assert "$cancel" not in hall
    assert "| `from` | text or null | yes |" in hall


def test_codes_are_those_that_can_come(text: str, full: Contract) -> None:
    by_name = {one.name: one for one in full.operations}
    for name in ("room", "open"):
        reported = chapter(text, name)
        for code in outcomes.errors(by_name[name]):
            assert f"`{code.name}`" in reported
        numbers = ", ".join(map(str, sorted({code.close for code in outcomes.closes(by_name[name])})))
        assert f"Close codes: {numbers} (" in reported
    assert "`rate_limited`" not in chapter(text, "open"), "its rate is off"


def test_replies_of_all_kinds(text: str) -> None:
    assert "Any number of them for one message." in chapter(text, "count")
    assert "**Reply**\n\nNone." in chapter(text, "note")
    assert "A JSON object." in chapter(text, "open")
    assert "| `lines` | list of **Line** | yes |" in chapter(text, "ticket")
    assert "One line of an order." in chapter(text, "ticket")


def test_an_example_with_several_clients_says_who_they_are(full: Contract) -> None:
    steps = (
        Step("send", {"text": "Привет"}, client="anna"),
        Step("expect", {"text": "Привет"}, client="boris", partial=True),
        Step("expect_error", {"code": "banned_word"}, client="anna"),
        Step("push", {"group": "room:lobby", "event": {"event": "новость"}}),
        Step("push", {"user": "anna", "event": {"event": "you"}}),
        Step("expect_close", 4403, client="boris"),
    )
    guests = {"anna": Guest(login="anna", roles=("support",), params={"room": "зал"}), "boris": Guest()}
    room = next(one for one in full.operations if one.name == "room")
    one = replace(full, operations=(replace(room, examples=(Example("Two_of *them*", steps, guests),)),))
    reported = chapter(markdown.reference(one, ADDRESS), "room")
    assert "**Example: Two\\_of \\*them\\***" in reported
    assert "- anna: logged in as `anna`, with the role `support`, `room` is `зал`" in reported
    assert 'anna → {"text": "Привет"}\nboris ← {"text": "Привет"}   (and more)' in reported
    assert 'anna ← {"error": {"code": "banned_word"}}\nfrom outside, to room:lobby: {"event": "новость"}\n' in reported
    assert 'from outside, to user anna: {"event": "you"}\nboris   closed 4403' in reported


def test_every_link_finds_its_heading(text: str) -> None:
    page = html(text)
    anchors = re.findall(r'<h\d id="([^"]*)"', page)
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(anchors)


def test_a_page_has_the_contents_beside_it_and_leads_to_where_one_talks(full: Contract, text: str) -> None:
    reported = markdown.reference(full, ADDRESS, "../console/#talk/")
    assert [one for one in re.findall(r"^ *- \[.*", reported, re.MULTILINE) if "](#" in one] == []
    assert "[Talk to it](../console/#talk/ticket)" in chapter(reported, "ticket")
    assert "Talk to it" not in text
    page = render(reported)
    found = [one for one in page.headings if one.level == 3]
    assert [one.text for one in found] == [operation.name for operation in full.operations]
    for one in page.headings:
        assert f'<h{one.level} id="{one.anchor}"><a href="#{one.anchor}">' in page.body


def test_a_description_cannot_swallow_what_follows(full: Contract) -> None:
    first, *others = full.operations
    one = replace(full, operations=(replace(first, description="```\nforgotten"), *others))
    page = html(markdown.reference(one, ADDRESS))
    assert re.findall(r"<h3[^>]*><a[^>]*>([^<]*)", page) == [operation.name for operation in full.operations]


def test_links_to_the_codes_find_them_whatever_endpoints_are_called(full: Contract) -> None:
    names = ["errors", "Refusals", "close-codes"]
    operations = tuple(replace(one, name=name) for name, one in zip(names, full.operations, strict=False))
    page = html(markdown.reference(replace(full, title="Errors", operations=operations), ADDRESS))
    anchors = re.findall(r'<h\d id="([^"]*)"', page)
    assert len(set(anchors)) == len(anchors)
    assert {"errors", "errors-1", "errors-2", "refusals-1", "close-codes-1"} <= set(anchors)
    assert '<a href="#errors-2"><code>invalid_message</code></a>' in page
    in_text = re.sub(r"(<h\d[^>]*>)<a [^>]*>", r"\1", page)  # each heading leads to itself
    assert set(re.findall(r'href="#([^"]*)"', in_text)) == {*anchors} - {"errors", "getting-in"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not any(
            name.startswith("on") or (value or "").startswith(("javascript:", "data:")) for name, value in attrs
        )

    def handle_data(self, data: str) -> None:
        self.text += data


OURS = {
    "h1",
    "h2",
    "h3",
    "p",
    "strong",
    "code",
    "pre",
    "ul",
    "li",
    "a",
    "br",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}


@example(words=" ")
@given(words=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1, max_size=60))
def test_what_people_write_in_one_line_is_text_and_no_markup(full: Contract, words: str) -> None:
    greeting = full.operations[0]
    example = Example(words, (Step("send", {"message": words}),))
    one = replace(greeting, summary=words, description="", tags=(words,), examples=(example,))
    found = _Tags()
    found.feed(html(markdown.reference(replace(full, title=words, operations=(one,)), ADDRESS)))
    assert found.seen <= OURS
    assert " ".join(words.split()) in " ".join(found.text.split())


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](data:text/html,y)"])
def test_a_description_is_markdown_and_never_a_script(full: Contract, hostile: str) -> None:
    one = replace(full.operations[0], description=f"**bold** {hostile}")
    found = _Tags()
    found.feed(html(markdown.reference(replace(full, operations=(one,)), ADDRESS)))
    assert "script" not in found.seen
    assert "img" not in found.seen
    assert "bold" in found.text


def test_the_same_contract_gives_the_same_text(text: str, full: Contract) -> None:
    assert markdown.reference(full, ADDRESS) == text


def test_a_login_elsewhere_is_reported(full: Contract) -> None:
    elsewhere: Any = replace(full.auth, own=False, verify="accounts.who")
    reported = markdown.reference(replace(full, auth=elsewhere), ADDRESS)
    assert "this server has no login" in reported
    assert "/auth/login" not in reported


CODE = '''
from dataclasses import dataclass

from jackfield import process


@dataclass
class Кот:
    имя: str


@dataclass
class Пёс:
    имя: str
    лет: int = 0


@process
def say(pet: Кот | None = None) -> Кот | Пёс:
    """Says.

    # Заголовок

    <b>text</b>

    Another
    =======
    """
    return Кот("Мурка")
'''


def test_a_union_is_reported_by_its_members_and_a_heading_in_a_description_is_no_endpoint(tmp_path: Path) -> None:
    write(tmp_path, "endpoints: {say: {url: /ws/say, process: p.say}}", p=CODE)
    reported = markdown.reference(contract_of(tmp_path), ADDRESS)
    reply = reported.partition("**Reply**")[2].partition("**Limits**")[0]
    assert "One of these:" in reply
    assert "**Кот**" in reply
    assert "| `лет` | whole number | no | `0` where it is left out |" in reply
    assert "**Заголовок**" in reported
    assert "**Another**" in reported
    assert re.findall(r"^#+ (.*)$", reported, re.MULTILINE)[3:5] == ["say", "Limits"]


def test_only_limits_that_differ_stand_with_an_endpoint(text: str) -> None:
    usual = text.partition("\n## Limits\n")[2]
    assert "A message has at most 64 KiB." in usual
    assert "A message has at most 64 KiB." not in chapter(text, "greeting")
    assert "One answer takes at most 5 s." in chapter(text, "ticket")
    assert "Not limited here: `rate`, `ping`." in chapter(text, "open")
