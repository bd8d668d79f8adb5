// What an open page hears: the state with its changes, and a connection that comes back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Feed, lined, merged, whenMoved } from "../../../../platform/jackfield/server/web/static/console_feed.js";

const STATE = { event: "state", connections: 3, generation: 1, endpoints: 2, rings: { names: ["messages", "connections"], values: { messages: [1], connections: [3] } } };

function opened() {
  const told = [], later = [], sockets = [];
  class Socket {
    constructor() { sockets.push(this); this.sent = []; }
    send(text) { this.sent.push(JSON.parse(text)); }
    close(code) { this.closed = code; }
  }
  const feed = new Feed((what) => told.push(what), { Socket, later: (call, wait) => later.push([call, wait]) });
  feed.open("ws://here/console/live");
  const say = (message) => sockets.at(-1).onmessage({ data: JSON.stringify(message) });
  return { feed, told, later, sockets, say };
}

test("the state is kept up to date", () => {
  const { feed, told, say } = opened();
  say(structuredClone(STATE));
  say({ event: "changed", opened: 4, closed: 1, generation: 2 });
  assert.deepEqual([feed.status, feed.state.connections, feed.state.generation], ["open", 6, 2]);
  say({ event: "changed", point: { messages: 7, connections: 9 } });
  assert.deepEqual([feed.state.connections, feed.state.rings.values.messages], [9, [1, 7]]);
  assert.deepEqual(told, ["status", "status", "state", "changed", "changed"]);
});

test("a lost connection is tried again in three seconds, or now; a refusal is not", () => {
  const { feed, later, sockets, say } = opened();
  say(structuredClone(STATE));
  sockets[0].onclose({ code: 1012, reason: "the server restarts" });
  assert.deepEqual([feed.status, later[0][1], feed.state.connections], ["waiting", 3000, 3]);
  assert(Math.abs(feed.again - Date.now() - 3000) < 1000);
  later[0][0]();
  assert.equal(sockets.length, 2);
  sockets[1].onclose({ code: 1006, reason: "" });
  feed.retry();
  later[1][0](); // too late: it is tried already
  assert.deepEqual([sockets.length, feed.status], [3, "opening"]);
  sockets[2].onclose({ code: 4403, reason: "role_required: …" });
  assert.deepEqual([feed.status, later.length], ["refused", 2]);
  feed.close();
  later[1][0]();
  assert.equal(sockets.length, 3, "closed is closed");
});

test("what is asked is answered, refused, or lost with the connection", async () => {
  const { feed, sockets, say } = opened();
  await assert.rejects(feed.ask({ watch: "a" }), /not connected/);
  say(structuredClone(STATE));
  const [good, bad, lost] = [feed.ask({ watch: "a" }), feed.ask({ watch: "b" }), feed.ask({ watch: "c" })];
  assert.deepEqual(sockets[0].sent[1], { watch: "b", $id: 2 });
  say({ $id: 1, watching: ["a"] });
  say({ $id: 2, error: { code: "not_watchable", message: "нет" } });
  assert.deepEqual((await good).watching, ["a"]);
  await assert.rejects(bad, { code: "not_watchable", message: "нет" });
  sockets[0].onclose({ code: 1006, reason: "" });
  await assert.rejects(lost, /lost/);
});

test("lines of the log stand once, and lines of numbers are as long as can be shown", () => {
  const line = (n) => ({ n });
  assert.deepEqual(lined([line(4), line(3)], [line(4), line(5), line(6)]).map((one) => one.n), [6, 5, 4, 3]);
  assert.equal(lined(Array.from({ length: 500 }, (_, at) => line(500 - at)), [line(501)]).length, 500);
  const state = structuredClone(STATE);
  for (let n = 0; n < 70; n++) merged(state, { point: { messages: n, connections: 1 } });
  assert.deepEqual([state.rings.values.messages.length, state.rings.values.messages[0]], [60, 10]);
});

test("a list is asked for again once, for what concerns it and while somebody looks", async () => {
  globalThis.document = { hidden: true };
  let times = 0;
  await new Promise((again) => {
    const moves = whenMoved((message) => message.opened, () => { times += 1; again(); }, 1);
    moves.heard("changed", { opened: 1 });
    document.hidden = false;
    for (const [what, message] of [["status"], ["changed", { log: [] }], ["frame", { opened: 1 }]]) moves.heard(what, message);
    assert.equal(times, 0);
    moves.heard("changed", { opened: 1 });
    moves.heard("state", {});
  });
  assert.equal(times, 1);
  const moves = whenMoved(() => true, () => assert.fail("it was left"), 0);
  moves.heard("state", {});
  moves.leave();
  await new Promise((later) => setTimeout(later, 0));
});
