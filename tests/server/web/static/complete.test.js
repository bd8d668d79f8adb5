// What is proposed at a place of a file: the keys, words and names that its schema knows there.

import assert from "node:assert/strict";
import { test } from "node:test";

import { complete } from "../../../../platform/jackfield/server/web/static/complete.js";

const SCHEMA = {
  properties: {
    roles: { type: "object", additionalProperties: { type: "string" } },
    endpoints: { type: ["object", "null"], additionalProperties: { $ref: "#/$defs/endpoint" } },
  },
  patternProperties: { "^x-": {} },
  $defs: {
    endpoint: {
      type: "object",
      properties: {
        url: { type: "string", description: "The address.", examples: ["/ws/greeting"] },
        process: { enum: ["faq", "чат.say", "on: off"] },
        auth: { anyOf: [{ enum: ["required", "public"] }, { type: "object", properties: { roles: { items: { enum: ["support", "агент"] } } } }] },
        open: { type: "boolean" },
        examples: { type: "array", items: { type: "object", properties: { name: {}, steps: {} } } },
        limits: { type: "object", properties: { rate: {}, time: {} } },
      },
    },
  },
};

/** What is proposed where ▮ stands, and the text that would be replaced. */
function proposed(marked) {
  const at = marked.indexOf("▮"), text = marked.replace("▮", ""), found = complete(text, at, SCHEMA);
  return found && [found.options.map((one) => one.text).join(" "), text.slice(found.from, at)];
}

const HEAD = "# Чат 😀\nendpoints:\n  say:\n";
const CASES = {
  "▮": ["roles endpoints", ""],
  "en▮": ["endpoints", "en"],
  [`${HEAD}    ▮`]: ["url process auth open examples limits", ""],
  [`${HEAD}    url: /ws/x\n    pr▮\n    open: true\n  other:\n    auth: public`]: ["process", "pr"],
  [`${HEAD}    url: /ws/x\n    ▮\n    open: true\n\n  other:\n    auth: public`]: ["process auth examples limits", ""],
  [`${HEAD}    process: ▮`]: ["faq чат.say on: off", ""],
  [`${HEAD}    process: ЧАТ▮`]: ["чат.say", "ЧАТ"],
  [`${HEAD}    process:▮`]: null,
  [`${HEAD}    process: faq▮`]: null,
  [`${HEAD}    process: faq # ▮`]: null,
  [`${HEAD}    url: /ws/x # a: {\n    auth: {roles: [support, а▮`]: ["агент", "а"],
  [`${HEAD}    auth:\n      roles:\n      - ▮`]: ["support агент", ""],
  [`${HEAD}    auth:\n      roles:\n        - support\n        - ▮`]: ["support агент", ""],
  [`${HEAD}    auth: ▮`]: ["required public", ""],
  [`${HEAD}    auth: {▮`]: ["roles", ""],
  [`${HEAD}    open: ▮`]: ["true false", ""],
  [`${HEAD}    url: ▮`]: ["/ws/greeting", ""],
  [`${HEAD}    examples:\n      - name: "a: {"\n        ▮`]: ["steps", ""],
  [`${HEAD}    examples:\n      - name: a\n      - ▮`]: ["name steps", ""],
  [`${HEAD}    description: |\n      Привет: {\n      ▮`]: null,
  [`${HEAD}    description: |\n      Привет: {\n    op▮`]: ["open", "op"],
  "endpoints:\n  say: {url: /ws/x, ▮}": ["process auth open examples limits", ""],
  "endpoints:\n  say: {url: /ws/x, process: f▮}": ["faq on: off", "f"],
  'endpoints:\n  "моя конечная": {limits: {ra▮': ["rate", "ra"],
  "endpoints:\r\n  say:\r\n    pr▮": ["process", "pr"],
  "x-own:\n  ▮": null,
  "endpoints:\n  say: {nothing: {▮": null,
};

for (const [text, wanted] of Object.entries(CASES)) test(JSON.stringify(text), () => assert.deepEqual(proposed(text), wanted));

test("what is inserted can be read as what was chosen", () => {
  const insert = (text) => complete(text, text.length, SCHEMA).options.map((one) => one.insert);
  assert.deepEqual(insert(`${HEAD}    process: `), ["faq", "чат.say", '"on: off"']);
  assert.deepEqual(insert(`${HEAD}    li`), ["limits:\n      "]);
  assert.deepEqual(insert(`${HEAD}    ur`), ["url: "]);
  assert.deepEqual(insert("en"), ["endpoints:\n  "]);
  assert.deepEqual(insert("endpoints:\n  say: {li"), ["limits: "]);
  assert.equal(complete(`${HEAD}    ur`, `${HEAD}    ur`.length, SCHEMA).options[0].says, "The address.");
});

test("no text takes long or fails", () => {
  for (const text of ["- ".repeat(20_000), "{[".repeat(20_000), '"'.repeat(20_000), "a:\n".repeat(20_000), `${" ".repeat(40_000)}a`, ":".repeat(9_999)]) {
    const begun = performance.now();
    complete(text, text.length, SCHEMA);
    assert.ok(performance.now() - begun < 1000, text.slice(0, 9));
  }
});
