"""The table of codes, and the four classes that speak them."""

from __future__ import annotations

import re

import pytest

from jackfield.errors import CODES, Closing, PlanError, Problem, Refusal, Reject


def test_every_code_has_a_name_and_one_sentence() -> None:
    for name, code in CODES.items():
        assert name == code.name
        assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", name), name
        assert code.sentence.endswith("."), name
        assert len(code.sentence) <= 120, name


def test_numbers_belong_to_their_moment() -> None:
    for name, code in CODES.items():
        assert bool(code.status) == (code.moment in ("handshake", "http")), name
        assert bool(code.close) == (code.moment == "connection"), name
        assert code.status == 0 or 400 <= code.status <= 599, name


def test_our_close_codes_are_4000_and_the_status() -> None:
    ours = {code.close for code in CODES.values() if code.close >= 4000}
    assert ours == {4401, 4403, 4408, 4429}
    protocol = {code.close for code in CODES.values() if 0 < code.close < 4000}
    assert protocol == {1000, 1002, 1007, 1009, 1011, 1012}
    closes = [code.close for code in CODES.values() if code.close and code.close not in (4403, 4408)]
    assert len(closes) == len(set(closes)), "4403 and 4408 alone have two reasons each"


def test_what_passes_by_itself_may_be_tried_again() -> None:
    for name, code in CODES.items():
        if code.status in (429, 503):
            assert code.retry, name
        if code.status in (400, 401, 403, 404, 405):
            assert not code.retry, name


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (
            Problem(
                "unknown_key", 'unknown key "proces"', 'did you mean "process"?', "endpoints.приём", line=12, column=5
            ),
            'endpoints.yaml:12:5: endpoints.приём: unknown key "proces"; did you mean "process"? [unknown_key]',
        ),
        (
            Problem("blocking_call", "`say` calls time.sleep", file="processes/чат.py", line=3, severity="warning"),
            "processes/чат.py:3: warning: `say` calls time.sleep [blocking_call]",
        ),
        (
            Problem("file_missing", "there is no endpoints.yaml here"),
            "endpoints.yaml: there is no endpoints.yaml here [file_missing]",
        ),
    ],
)
def test_a_problem_is_one_line(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_a_problem_has_a_code_of_the_table() -> None:
    with pytest.raises(AssertionError, match="no_such_code"):
        Problem("no_such_code", "…")


def test_a_plan_error_reports_all_problems() -> None:
    problems = [Problem("bad_url", "one"), Problem("same_url", "two")]
    error = PlanError(iter(problems))
    assert error.problems == tuple(problems)
    assert str(error).splitlines() == [str(problem) for problem in problems]


def test_a_refusal_has_the_status_and_the_sentence_of_its_code() -> None:
    refusal = Refusal("role_required", fix="Ask анна.", more={"allow": "GET"})
    assert (refusal.status, refusal.detail) == (403, CODES["role_required"].sentence)
    assert (refusal.fix, refusal.retry_after, refusal.more) == ("Ask анна.", None, {"allow": "GET"})
    assert str(Refusal("not_found", "Здесь пусто.")) == "404 not_found: Здесь пусто."


def test_a_closing_has_the_number_of_its_code() -> None:
    closing = Closing("session_ended")
    assert (closing.number, closing.reason) == (4401, CODES["session_ended"].sentence)
    assert str(Closing("restart", "endpoint gone")) == "1012 restart: endpoint gone"


def test_sentences_fit_a_close_frame() -> None:
    """RFC 6455, section 5.5: a control frame has at most 125 bytes, two of them the code."""
    assert [c.name for c in CODES.values() if c.close and len(c.sentence.encode()) > 123] == []


def test_reject_carries_what_a_process_says() -> None:
    reject = Reject("out_of_stock", "Нет на складе 📦", item="чай", left=0)
    assert (reject.code, reject.message, reject.details) == (
        "out_of_stock",
        "Нет на складе 📦",
        {"item": "чай", "left": 0},
    )
    assert Reject("out_of_stock").message == "out of stock"


@pytest.mark.parametrize("code", ["", "x" * 65, 5, None, "invalid_message", "not_found"])
def test_reject_takes_no_code_that_means_something_else(code: str) -> None:
    with pytest.raises(ValueError, match=r"Reject takes a code|one of Jackfield's own codes"):
        Reject(code)


@pytest.mark.parametrize("message", [None, 5, b"text", ["text"]])
def test_reject_takes_a_sentence_as_its_message(message: str) -> None:
    with pytest.raises(TypeError, match="Reject takes a sentence as its message, not a"):
        Reject("mine", message)


def test_reject_takes_no_half_of_a_pair() -> None:
    for code, message in (("\ud83d", ""), ("mine", "\ud83d")):
        with pytest.raises(ValueError, match="half of a surrogate pair"):
            Reject(code, message)
