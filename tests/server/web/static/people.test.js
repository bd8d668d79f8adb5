// Refusals in plain words, and users read from a CSV text.

import assert from "node:assert/strict";
import { test } from "node:test";

const at = "../../../../platform/jackfield/server/web/static";
const { Problem } = await import(`${at}/api.js`);
const { cure, missing, reason } = await import(`${at}/refusal_words.js`);
const { decoded, read } = await import(`${at}/import.js`);
const { client, password, several } = await import(`${at}/people_parts.js`);

test("reasons and cures are plain, and the server's own where there is no plainer one", () => {
  const detail = 'The endpoint is for callers with the role "support" or "admin".';
  assert.equal(reason({ code: "role_required", detail }), "the role support / admin is missing");
  assert.equal(new Set([{ login: "anna" }, { login: "" }, {}].map((one) => reason({ code: "login_failed", ...one }))).size, 3);
  const told = (cause) => [reason, cure].map((say) => say({ code: "login_failed", login: "anna", cause }));
  assert.deepEqual(told("disabled"), ["the user is disabled", "Enable the user, if the login is meant to work; the same password opens it then."]);
  assert.deepEqual(told("no_password"), ["the user has no password", "Give a password."]);
  assert.match(told("wrong_password").join(), /^wrong password,Check capital letters/);
  assert.equal(told("")[0], reason({ code: "login_failed", login: "anna" }), "of before causes were kept");
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
