// JSON as text: what people see of it, and numbers that JavaScript cannot hold.

import assert from "node:assert/strict";
import { test } from "node:test";

import { indented, isNumber, read, tokens, write } from "../../../../platform/jackfield/server/web/static/json.js";

test("a text keeps all that is in it", () => {
  const long = `{"ключ 😀":"a:\\"b\\"","n":12345678901234567890.120,"list":[1,{"x":null}],"empty":{},"none":[],"last":true}`;
  assert.deepEqual(JSON.parse(indented(long)), JSON.parse(long));
  assert.ok(indented(long).includes("12345678901234567890.120"));
  assert.equal(indented('{"a":1,"b":[true]}'), '{"a": 1, "b": [true]}');
});

test("what is no JSON is shown as it came", () => {
  for (const text of ["<img onerror=x>", '{"a":', "]}{", "\u2028", "просто текст"]) {
    assert.equal(tokens(text).map(([, one]) => one).join(""), text.replaceAll(/\s/g, ""));
    const long = text + "x".repeat(80);
    assert.equal(indented(long).replaceAll(/\s/g, ""), long.replaceAll(/\s/g, ""));
  }
});

test("a key is told from a text, a word from a mark", () => {
  assert.deepEqual(tokens('{"a":"b",1:true}').map(([kind]) => kind), ["mark", "key", "mark", "text", "mark", "number", "mark", "word", "mark"]);
});

test("a value is read and written, also where a number is too long", () => {
  for (const text of ['{"a": [1, null, "ё"], "b": {}}', '"x"', "-0.5", "[]"]) assert.equal(write(read(text)), text);
  const exact = read("[12345678901234567890]");
  if (typeof exact[0] === "object") assert.equal(write(exact), "[12345678901234567890]"); // engines that tell the source
  assert.deepEqual(["1", "-1.5e3", "01", "1.", "", "NaN"].map(isNumber), [true, true, false, false, false, false]);
});

test("a text that is nested deeper than one can read stays as it came", () => {
  const nested = (depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`, wide = `[${nested(99)},${nested(99)}]`;
  assert.equal(indented(nested(3000)), nested(3000));
  assert.ok(indented(wide).includes("\n"));
});
