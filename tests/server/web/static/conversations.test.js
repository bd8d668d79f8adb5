// Conversations that go on out of sight: how many, which goes first, what is new, and that nothing is left for the next person.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { away, forget, found, heard, latest, look, standing } from "../../../../platform/jackfield/server/web/static/conversations.js";

/** What talk.js keeps, as far as it is asked. */
const talk = (open = true) => ({ open, frames: 0, left: false, connected() { return this.open; }, count() { return this.frames; }, leave() { this.left = true; } });

beforeEach(forget);

test("of more than eight the oldest without a connection goes, and only then one that is connected", () => {
  const all = Array.from({ length: 9 }, (_, place) => talk(place !== 2));
  assert.deepEqual(all.map((one, place) => look(`e${place}`, one)), Array(9).fill(undefined), "nothing is lost that was connected");
  assert.deepEqual(all.map((one) => one.left).indexOf(true), 2);
  look("e0", all[0]); // looked at again: e1 is the oldest now
  assert.equal(look("e9", talk()), "e1");
  assert.deepEqual([all[1].left, found("e1"), found("e0"), latest()], [true, undefined, all[0], "e9"]);
  assert.equal(standing().length, 8);
});

test("what came out of sight is new until it is looked at", async () => {
  const one = talk(), other = talk(false);
  const told = new Promise((resolve) => { heard.add(resolve); });
  look("a", one);
  one.frames = 2;
  look("b", other);
  one.frames = 5;
  assert.deepEqual(standing(), [["a", { connected: true, inSight: false, fresh: 3 }], ["b", { connected: false, inSight: true, fresh: 0 }]]);
  look("a", one);
  away();
  assert.deepEqual(standing().map(([name, { fresh }]) => [name, fresh]), [["b", 0], ["a", 0]]);
  await told;
});

test("all are left, and nothing is there for who comes next", () => {
  const all = [talk(), talk(false)];
  all.forEach((one, place) => look(`e${place}`, one));
  forget();
  assert.ok(all.every((one) => one.left));
  assert.deepEqual([standing(), latest(), found("e0")], [[], undefined, undefined]);
});
