// What people read: each text in both languages, with the same places to fill and the forms that numbers need.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { SHARED, words } from "../../../../platform/jackfield/server/web/static/words.js";

const FOLDER = fileURLToPath(new URL("../../../../platform/jackfield/server/web/static/", import.meta.url));
const MODULES = readdirSync(FOLDER).filter((name) => name.endsWith(".js")).map((name) => [name, readFileSync(FOLDER + name, "utf-8")]);

/** The table of each module, read from its text: most modules need a page to be loaded. */
const tables = MODULES.flatMap(([name, text]) =>
  [...text.matchAll(/^(?:export )?const \w+ = words\((\{[^]*?\})\);$/gm)].map(([, table]) => [name, text, Function(`return ${table}`)()]));

test("the tables are found", () => assert.ok(tables.length >= 5, tables.map(([name]) => name).join()));

for (const [name, text, table] of [...tables, ["words.js", "", SHARED]]) {
  test(`${name}: each text is there in English and Russian`, () => {
    for (const [key, pair] of Object.entries(table)) {
      assert.equal(pair.length, 2, key);
      assert.ok(pair.every((one) => typeof one === "string" && one.trim()), key);
      const places = pair.map((one) => [...new Set(one.match(/\{\w+\}/g))].sort().join());
      assert.equal(places[0], places[1], key);
      const forms = pair.map((one) => (places[0].includes("{n}") && one.includes("|") ? one.split("|").length : 0));
      if (forms[0] || forms[1]) assert.deepEqual(forms, [2, 3], key);
    }
    for (const [, key] of text.matchAll(/\bt\("([a-z_0-9]+)"/g)) assert.ok(key in table || key in SHARED, `t("${key}")`);
  });
}

test("a text is filled and takes the form of its number", () => {
  const t = words({ seen: ["{n} frame|{n} frames", "{n} кадр|{n} кадра|{n} кадров"], who: ["{a} and {b}", "{a} и {b}"] });
  assert.deepEqual([t("seen", { n: 1 }), t("seen", { n: 2000 })], ["1 frame", "2,000 frames"]);
  assert.equal(t("who", { a: "<b>", b: "{a}" }), "<b> and {a}");
  assert.deepEqual([t("who", { a: 1 }), t("nowhere")], ["1 and {b}", "nowhere"]);
});
