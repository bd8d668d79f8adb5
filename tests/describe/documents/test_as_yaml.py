"""YAML for people, which reads back as what it was: by PyYAML, of YAML 1.1, and by Node's `yaml`, of YAML 1.2."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.describe.documents.as_yaml import as_yaml
from tests import node

HERE = Path(__file__).parents[1]

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
@example({"a": "one\x85two\nthree"})
@example({"a": "one\u2028two\nthree", "b": "\r\n", "c": "no", "d": "1.0", "e": "  \n x"})
def test_what_is_written_is_read_back(document: dict[str, object]) -> None:
    assert yaml.safe_load(as_yaml(document)) == document


def test_it_is_written_as_a_person_would() -> None:
    same = {"text": "Привет 🎉"}
    assert as_yaml({"one": same, "two": same, "more": "first\nsecond\n"}) == (
        "one:\n  text: Привет 🎉\ntwo:\n  text: Привет 🎉\nmore: |\n  first\n  second\n"
    )


# what one of the two versions reads as something else than a text, and what is near to it
_WORDS = """
2e7 1e3 -1E+2 .5 .5e3 5. 1_000 0o17 017 0x1F 0b1 1:30 12:30:45 190:20:30.15 +1 -0 1e400 .inf -.INF .nan .NaN ~ null Null
true TRUE yes No on OFF y N = << 2026-01-02 2026-01-02T03:04:05Z - -- --- ... ? ! !!str
&a *a @ ` % | > # [] {} a: :a a#b 0o8 0xG 1e 1.2.3 1,000 nul True! 1e5x +.5 + . e5 0.1e-2 00 0_1 -.5e-10
"""
WORDS = _WORDS.split()
ALPHABET = "aé字😀 \n\t\r'\"\\#:-?{}[],&*!|>%@`~.eE+_0123456789xo\u00a0\u2028\u2029\x85\ufeff\x00\x7f\ud7ff"


@pytest.mark.walk
@pytest.mark.tool
def test_another_version_of_yaml_reads_the_same() -> None:
    node.needs("yaml")
    dice = random.Random(7)
    texts = [*WORDS, *(f"{word} " for word in WORDS), *(f"{word}\n" for word in WORDS), ""]
    texts += ["".join(dice.choices(ALPHABET, k=dice.randint(1, 12))) for _ in range(3000)]
    documents: list[dict[str, object]] = [{text: text, "list": [text, {text: [text]}], "n": 1e22} for text in texts]
    documents += [{"tags": [{"name": "2e7"}], "a": None, "b": True, "c": [1, -2, 0.5, 1e-7, 1e16, 2.0**70, 10**20]}]
    done = node.run("node", str(HERE / "yaml_reader.cjs"), input=json.dumps([as_yaml(one) for one in documents]))
    assert done.returncode == 0, done.stderr
    for document, said in zip(documents, json.loads(done.stdout), strict=True):
        assert said == document, as_yaml(document)
