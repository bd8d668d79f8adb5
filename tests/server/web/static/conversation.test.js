// One connection: which answer belongs to which message, and what is told of each change.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation } from "../../../../platform/jackfield/server/web/static/conversation.js";

/** A WebSocket whose other end is the test. */
class Socket {
  static opened = [];
  constructor(address, protocols) { Object.assign(this, { address, protocols, sent: [] }); Socket.opened.push(this); }
  send(data) { this.sent.push(data); }
  close(code) { this.code = code; }
}

function begun() {
  let time = 0;
  const told = [];
  const one = new Conversation((kind) => told.push(kind), { Socket, now: () => (time += 5) });
  one.connect("ws://host/ws/a");
  const socket = Socket.opened.at(-1);
  socket.onopen({});
  return { one, socket, told, came: (value) => socket.onmessage({ data: typeof value === "object" ? JSON.stringify(value) : value }) };
}

test("an answer finds its message by its id, or by its place", () => {
  const { one, came } = begun();
  for (const message of [{ a: 1 }, { a: 2, $id: "x" }, { a: 3 }]) one.send(JSON.stringify(message));
  came({ b: 2, $id: "x" });
  came({ event: "said", b: 0 });
  came({ b: 1 });
  came({ error: { code: "rejected" } });
  const [, first, second, third, ...answers] = one.frames;
  assert.deepEqual(answers.map((frame) => frame.pair), [second.number, undefined, first.number, third.number]);
  assert.deepEqual(answers.map((frame) => frame.kind), ["message", "event", "message", "error"]);
  assert.ok(answers[0].took > 0);
});

test("frames that are no JSON, bytes, and the ends of streams", () => {
  const { one, socket, came } = begun();
  one.send("{}", "many");
  came("<b>нет 😀");
  came("[1]");
  came({ $id: 1, $done: true });
  came({ event: "ask", $request: 1 });
  socket.onmessage({ data: new Uint8Array([0, 255]).buffer });
  const heard = one.frames.slice(2);
  assert.deepEqual(heard.map((frame) => frame.kind), ["text", "text", "done", "request", "binary"]);
  assert.deepEqual([heard[0].size, heard[4].text], [14, "00 ff"]);
  assert.ok(heard.every((frame) => frame.pair === undefined), "what gives several answers takes the place of none");
});

test("a socket that was left says nothing any more, and the end is told with its code", () => {
  const { one, socket, told } = begun();
  one.connect("ws://host/ws/b");
  assert.equal(socket.code, 1000);
  socket.onmessage({ data: "late" });
  socket.onclose({ code: 1006, reason: "" });
  assert.equal(one.state, "opening");
  const next = Socket.opened.at(-1);
  one.send("{}");
  assert.deepEqual(next.sent, [], "it is not open yet");
  next.onclose({ code: 4403, reason: "removed" });
  const { code, reason, opened } = one.frames.at(-1);
  assert.deepEqual([one.state, code, reason, opened], ["closed", 4403, "removed", false]);
  assert.ok(told.includes("state"));
});

test("the oldest frames go first", () => {
  const { one, told, came } = begun();
  for (let n = 0; n < 2005; n += 1) came({ n });
  assert.equal(one.frames.length, 2000);
  assert.equal(told.filter((kind) => kind === "dropped").length, 6);
  assert.equal(JSON.parse(one.frames.at(-1).text).n, 2004);
});
