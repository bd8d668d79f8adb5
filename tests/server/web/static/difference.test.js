// Two texts beside each other, line by line.

import assert from "node:assert/strict";
import { test } from "node:test";

import { difference } from "../../../../platform/jackfield/server/web/static/difference.js";

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
