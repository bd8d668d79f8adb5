// A conversation as text for other programs: it works as it stands, and nothing in it ends the quotes around it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { copies } from "../../../../platform/jackfield/server/web/static/copy_as.js";

const HOSTILE = `{"a": "it's $(id) \`id\` \\"x\\" </script><img src=x onerror=alert(1)> ё 😀 ${"\u2028"}"}`;
const about = { name: '</title><b>"', address: "ws://host/ws/a?b='</script><img>'", message: HOSTILE, binary: false, asks: true, cookie: "token", login: "/auth/login", protocol: "" };
const texts = Object.fromEntries(copies(about).map(({ kind, text }) => [kind, text]));

test("a shell hands the message on as it is", () => {
  const printed = execFileSync("sh", ["-c", texts.websocat.split("\n")[1].split(" | ")[0]]).toString();
  assert.equal(printed, `${HOSTILE}\n`);
});

test("JavaScript is JavaScript, and says the message", () => {
  const said = [];
  class WebSocket { constructor(address, protocols) { said.push(address, protocols); setTimeout(() => this.onopen()); } send(text) { said.push(text); } }
  Function("WebSocket", "process", texts.javascript)(WebSocket, { env: {} });
  return new Promise((resolve) => { setTimeout(resolve, 5); }).then(() => assert.deepEqual(said, [about.address, [], HOSTILE]));
});

test("nothing that was given is markup of the page", () => {
  const page = texts.page;
  assert.equal(page.match(/<script>/g).length, 1);
  assert.equal(page.match(/<\/script>/g).length, 1);
  assert.ok(!page.includes("<img") && !page.includes("<b>"));
});

test("bytes go by programs that can send them", () => {
  assert.deepEqual(copies({ ...about, binary: true }).map(({ kind }) => kind), ["python", "javascript", "page"]);
});
