from __future__ import annotations

from jackfield.similar import did_you_mean, nearest


def test_the_nearest_word_is_meant_whatever_its_case() -> None:
    assert did_you_mean("PROCES", ["url", "Process"]) == 'did you mean "Process"?'
    assert nearest("proces", ["url", "process"]) == "process"


def test_none_is_meant_where_none_is_near_and_by_what_is_long() -> None:
    assert did_you_mean("zzz", ["url", "process"]) == nearest("zzz", ["url"]) == ""
    assert did_you_mean("process" * 10, ["process" * 10]) == ""
    assert did_you_mean("", []) == ""
