// Two texts beside each other, line by line.

import assert from "node:assert/strict";
import { test } from "node:test";

import { difference, merged } from "../../../../platform/jackfield/server/web/static/difference.js";

const shown = (left, right) => difference(left, right).map(([a, b]) => (a === b ? ` ${a}` : `${a ?? ""}|${b ?? ""}`));

test("what is the same stands beside itself, and what is not beside what took its place", () => {
  assert.deepEqual(shown("а\nб\nв", "а\nб\nв"), [" а", " б", " в"]);
  assert.deepEqual(shown("а\nб 😀\nв\nг", "а\nб\nв\nг\nд"), [" а", "б 😀|б", " в", " г", "|д"]);
  assert.deepEqual(shown("1\n2\n3\n4\n5", "0\n2\n3\n5"), ["1|0", " 2", " 3", "4|", " 5"]);
  assert.deepEqual(shown("", "а"), ["|а"]);
  assert.deepEqual(shown("а\r\nб", "а\nб"), [" а", " б"], "how lines end is kept by the server");
});

test("both texts can be read off, also where they are too long to be compared", () => {
  const long = Array.from({ length: 5000 }, (_, at) => `a${at}`).join("\n"), other = long.replaceAll("a", "b");
  for (const [left, right] of [["x\na\nb\nx", "a\nx\nx\nb"], [long, other]]) {
    const rows = difference(left, right);
    assert.equal(rows.map(([a]) => a).filter((line) => line !== null).join("\n"), left);
    assert.equal(rows.map(([, b]) => b).filter((line) => line !== null).join("\n"), right);
  }
});

test("two changes of one text are put together, and asked about where both are of one line", () => {
  const before = "head\r\n1\r\n2\r\n3\r\n", both = (mine, theirs) => merged(before, mine, theirs);
  assert.equal(both("head\r\nодин 😀\r\n2\r\n3\r\n", "head\r\n1\r\ntwo\r\n3\r\n"), "head\r\nодин 😀\r\ntwo\r\n3\r\n");
  assert.equal(both("head\r\n2\r\n3\r\n", "head\r\n1\r\n2\r\n3\r\n4\r\n"), "head\r\n2\r\n3\r\n4\r\n");
  assert.equal(both("0\r\n" + before, "head\r\n1\r\n"), "0\r\nhead\r\n1\r\n");
  assert.equal(both("head\r\nx\r\n2\r\n3\r\n", "head\r\nx\r\n2\r\ny\r\n"), "head\r\nx\r\n2\r\ny\r\n", "the same is the same");
  assert.equal(both("head\r\nx\r\n2\r\n3\r\n", "head\r\ny\r\n2\r\n3\r\n"), null);
  assert.equal(both("head\r\nx\r\ny\r\n3\r\n", "head\r\n1\r\n3\r\n"), null);
  assert.equal(both(`${before}a\r\n`, `${before}b\r\n`), null, "which is first only a person knows");
  assert.equal(both(before, before), before);
});
