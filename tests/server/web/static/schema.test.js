// What a form is made from: a schema with what the endpoint narrows laid over it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { kindOf, narrowed } from "../../../../platform/jackfield/server/web/static/schema.js";

const ANY = { type: "object", properties: {}, additionalProperties: true };

test("a process that takes any key asks for those that the endpoint names", () => {
  const found = narrowed(ANY, { allOf: [
    { properties: { event: false, from: false } },
    { properties: { text: { type: "string" }, other: { type: "integer" } }, required: ["text"], additionalProperties: false },
  ] });
  assert.deepEqual(Object.keys(found.properties), ["text", "other"]);
  assert.equal(kindOf(found.properties.text, found).kind, "text");
  assert.deepEqual([found.required, found.additionalProperties], [["text"], false]);
});

test("what stays open stays so, and a bound joins the type of its parameter", () => {
  const open = narrowed({ ...ANY, additionalProperties: { type: "integer" } }, { properties: { n: { minimum: 1 } } });
  assert.deepEqual([open.properties, open.additionalProperties], [{ n: { type: "integer", minimum: 1 } }, { type: "integer" }]);
  const closed = narrowed({ properties: { a: { type: "string" }, b: {} } }, { properties: { a: { maxLength: 5 }, c: {} } });
  assert.deepEqual(closed.properties, { a: { type: "string", maxLength: 5 }, b: {} });
  const matching = { properties: { a: {} }, patternProperties: { "^x": {} }, additionalProperties: false };
  assert.equal(narrowed(ANY, matching).additionalProperties, true);
});
