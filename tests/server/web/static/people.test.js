// Refusals in plain words, what a search may mean, and users read from a CSV text.

import assert from "node:assert/strict";
import { test } from "node:test";

const at = "../../../../platform/jackfield/server/web/static";
const { Problem } = await import(`${at}/api.js`);
const { cure, joined, missing, questions, reason } = await import(`${at}/refusal_words.js`);
const { decoded, read } = await import(`${at}/import.js`);
const { client, password, several } = await import(`${at}/people_parts.js`);

test("a search is for a login, and for an id or an address where it can be one", () => {
  assert.deepEqual(questions("", ""), [{ since: "7d" }]);
  assert.deepEqual(questions("анна", "24h"), [{ login: "анна", since: "24h" }]);
  assert.deepEqual(questions("k7qf2m", ""), [{ login: "k7qf2m" }, { id: "K7QF2M" }]);
  assert.deepEqual(questions("#К7Q-F2М", "1h").at(-1), { id: "K7QF2M" });
  assert.deepEqual(questions("K7QF20", "").length, 1);
  assert.deepEqual(questions("10.0.0.1", "1h").at(-1), { address: "10.0.0.1", since: "1h" });
  assert.deepEqual(questions("2001:db8::7", "").at(-1), { address: "2001:db8::7" });
  for (const none of ["10.0.0", "10.0.0.999", ":::", "key:shop", "1.2.3.4.5"]) assert.equal(questions(none, "").length, 1, none);
});

test("the answers of several questions are one list, the newest first, each once", () => {
  const [a, b] = [{ id: "A", first_at: "1", at: "2026-01-02" }, { id: "B", first_at: "1", at: "2026-01-03" }];
  assert.deepEqual(joined([[a], [b, a]]).map((one) => one.id), ["B", "A"]);
});

test("reasons and cures are plain, and the server's own where there is no plainer one", () => {
  const detail = 'The endpoint is for callers with the role "support" or "admin".';
  assert.equal(reason({ code: "role_required", detail }), "the role support / admin is missing");
  assert.equal(new Set([{ login: "anna" }, { login: "" }, {}].map((one) => reason({ code: "login_failed", ...one }))).size, 3);
  assert.deepEqual([reason({ code: "new_one", detail: "Nein 😀" }), cure({ code: "new_one", fix: "Ja" })], ["Nein 😀", "Ja"]);
});

test("a cure by a command becomes one for people who have nothing but the page", () => {
  const asked = { code: "role_required", detail: "The administration is for the role admin.", fix: "An administrator gives it with: jackfield users roles анна +admin" };
  const { message, fix } = new Problem({ ...asked, status: 403 });
  assert.deepEqual([message, fix, missing(asked)], [asked.detail, "Ask an administrator for the role, if it is meant.", "admin"]);
  assert.equal(reason(asked), "the role admin is missing");
  const elsewhere = { code: "role_required", detail: "Files are changed from the server's own machine alone.", fix: "Open the server there." };
  assert.deepEqual([cure(elsewhere), missing(elsewhere)], [elsewhere.fix, undefined]);
  assert.equal(new Problem({}, 0).message, "The server does not answer.");
});

test("users are read from what Excel saves", () => {
  const text = '\ufeffLogin;Name;roles;password\r\nлена;Лена;"support, editor";\r\n;;;\r\n#x;;;\r\nbob;"Bob; ""B""";;a long phrase\r\n';
  assert.deepEqual(read(text), [
    { row: 2, sent: { login: "лена", name: "Лена", roles: ["support", "editor"] } },
    { row: 5, sent: { login: "bob", name: 'Bob; "B"', roles: [], password: "a long phrase" } },
  ]);
  assert.deepEqual(read("login\nanna")[0].sent, { login: "anna", name: "", roles: [] });
  assert.throws(() => read("name,role\nanna,x"), /no column login. It has: name, role/);
  assert.throws(() => read("login\n\n"), /no user below/);
  assert.throws(() => read(`login\n${"a\n".repeat(1001)}`), /1,001 users are too many/);
});

test("a file is in UTF-8, or as Windows had it before", () => {
  const bytes = (...codes) => new Uint8Array(codes).buffer;
  assert.equal(decoded(new TextEncoder().encode("Лена 😀").buffer), "Лена 😀");
  assert.equal(decoded(bytes(0xcb, 0xe5, 0xed, 0xe0)), "Лена");
  assert.equal(decoded(bytes(0x4a, 0x6f, 0x73, 0xe9)), "José");
});

test("small things", () => {
  assert.match(password(), /^[2-9a-hj-np-z]{5}(-[2-9a-hj-np-z]{5}){3}$/);
  assert.notEqual(password(), password());
  assert.deepEqual(several(" a, b;a  c"), ["a", "b", "c"]);
  assert.equal(client("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"), "Chrome on Linux");
  assert.equal(client("curl/8"), "curl/8");
});
