"""Random cells, read by us and by feelin, another implementation of DMN's unary tests (npm).

Some 2,000 comparisons; FEELIN_CELLS=150 in the environment makes them 5,000.
"""

from __future__ import annotations

import json
import os
import random

import pytest

from jackfield.process.table.literals import literal
from jackfield.process.table.lookup import Lookup
from jackfield.process.table.model import Type
from tests.node import needs, run
from tests.process.table.tables import file_of, read

pytestmark = [pytest.mark.walk, pytest.mark.tool]

ASK = """
const { evaluate, unaryTest } = await import(process.argv[1]);
const { readFileSync } = await import("node:fs");
const answers = JSON.parse(readFileSync(0)).map(({ cells, values }) => {
  const inputs = values.map((text) => evaluate(text).value);
  return cells.map((cell) => inputs.map((input) => unaryTest(cell, { "?": input }).value === true));
});
console.log(JSON.stringify(answers));
"""
CELLS = int(os.environ.get("FEELIN_CELLS", "60"))  # of each type
VALUES: dict[Type, list[str]] = {
    "text": ["a", "b", "да", "", "x y"],
    "number": ["-2", "-0.5", "0", "1", "1.5", "3", "12345678901"],
    "boolean": ["true", "false"],
    "date": [f"2026-0{month}-28" for month in range(1, 7)],
    "time": [f"1{hour}:30:00" for hour in range(6)],
    "datetime": [f"2026-01-3{day}T10:0{minute}:00" for day in (0, 1) for minute in range(3)],
}
ENDS = [("[", "]"), ("(", ")"), ("[", ")"), ("(", "]"), ("]", "["), ("[", "["), ("]", "]")]


def of_feel(type_: Type, text: str) -> str:
    names = {"date": "date", "time": "time", "datetime": "date and time"}
    if type_ == "text":
        return json.dumps(text, ensure_ascii=False)
    return f'{names[type_]}("{text}")' if type_ in names else text


def drawn(type_: Type, draw: random.Random) -> tuple[str, str]:
    """A cell in our words and in FEEL's, which writes a day as date("2026-01-30")."""
    texts = VALUES[type_]
    ours, theirs = [], []
    for _ in range(draw.randrange(1, 4)):
        low, high = sorted(draw.sample(range(len(texts)), 2))
        form = draw.choice(
            ["{0}"] if type_ in ("text", "boolean") else ["{0}", "= {0}", "!={0}", *["< <= > >="], "range"]
        )
        if form == "range":
            begin, end = draw.choice(ENDS)
            form = f"{begin}{{0}}..{{1}}{end}"
        elif form == "< <= > >=":
            form = f"{draw.choice(form.split())} {{0}}"
        written = of_feel(type_, texts[low]), of_feel(type_, texts[high])
        ours.append(form.format(*(written if type_ == "text" else (texts[low], texts[high]))))
        theirs.append(form.format(*written))
    if draw.random() < 0.1:
        ours.append("null")
        theirs.append("null")
    around = "not({})" if draw.random() < 0.3 else "{}"
    return around.format(", ".join(ours)), around.format(", ".join(theirs))


def test_feelin_reads_cells_as_we_do() -> None:
    folder = needs("feelin")
    draw = random.Random(2026)
    cells = {type_: [drawn(type_, draw) for _ in range(CELLS)] for type_ in VALUES}
    asked = [
        {"cells": [theirs for _, theirs in cells[type_]], "values": [of_feel(type_, one) for one in texts] + ["null"]}
        for type_, texts in VALUES.items()
    ]
    index = (folder / "dist" / "index.js").as_uri()
    told = run("node", "--input-type=module", "-e", ASK, index, input=json.dumps(asked))
    assert told.returncode == 0, told.stderr
    compared, unlike = 0, []
    for (type_, texts), answers in zip(VALUES.items(), json.loads(told.stdout), strict=True):
        rows = [(number, ours, "x") for number, (ours, _) in enumerate(cells[type_])]
        lookup = Lookup(read(file_of([("collect", f"a? ({type_})", "reply.x"), *rows])))
        values = [*(literal(type_, text) for text in texts), None]
        for place, value in enumerate(values):
            fitting = set(lookup.all((value,)))
            for row, (ours, _) in enumerate(cells[type_]):
                if value is None and "!=" in ours:
                    continue  # to FEEL what is missing is not equal to 3; here it fits null and not(…) alone
                compared += 1
                if (row in fitting) != answers[row][place]:
                    unlike.append((type_, ours, value, row in fitting))
    assert unlike == []
    assert compared > CELLS * 30
