// Lists that come as pages, and messages in a line.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Exact } from "../../../../platform/jackfield/server/web/static/json.js";
import { MOST, every, found, inLine } from "../../../../platform/jackfield/server/web/static/lists.js";

const asked = [];
const pages = (count, per) => async (address) => {
  asked.push(address);
  const after = Number(new URL(address, "http://host").searchParams.get("after") ?? 0);
  const files = Array.from({ length: Math.min(per, count - after) }, (_, at) => after + at);
  return { files, next: after + per < count ? String(after + per) : null };
};

test("all pages are read, to the most that is shown", async () => {
  assert.deepEqual(await every(pages(0, 200), "/api/data", "files"), { items: [], more: false });
  const some = await every(pages(450, 200), "/api/data", "files");
  assert.deepEqual([some.items.length, some.items.at(-1), some.more], [450, 449, false]);
  asked.length = 0;
  const many = await every(pages(100_000, 200), "/api/data", "files");
  assert.deepEqual([many.items.length, many.more, asked.length], [MOST, true, 5]);
  assert.equal(asked[1], "/api/data?limit=200&after=200");
});

test("a message in a line", () => {
  assert.equal(inLine({ message: "Сколько? 😀" }), "Сколько? 😀");
  assert.equal(inLine({ n: 5 }), "n: 5");
  assert.equal(inLine({ item: "<b>", at: { city: "Омск" }, n: null }), 'item: <b> · at: {"city": "Омск"} · n: null');
  assert.equal(inLine({ n: new Exact("12345678901234567890") }), "n: 12345678901234567890");
  assert.equal(inLine({}), "");
});

test("all words are searched, in any place and case", () => {
  assert.ok(found("омск ЧАЙ", "Чай в Омск", "faq"));
  assert.ok(found("", "x"));
  assert.ok(!found("чай кофе", "чай"));
});
