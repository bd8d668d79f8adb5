// What a refusal says to whom it met, on a Russian page; in English it is tested with people.test.js.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.localStorage = { getItem: () => "ru" };
const at = "../../../../platform/jackfield/server/web/static";
const { Problem } = await import(`${at}/api.js`);

const SHELL = /jackfield/;

test("whoever logs in wrongly is told so in Russian, with a cure that needs no shell", () => {
  const problem = new Problem({ status: 401, code: "login_failed", detail: "The login or the password is wrong.", fix: "… `jackfield users list` …", refusal: "K7QF2M" });
  assert.deepEqual([problem.message, problem.status, problem.id], ["Неверный логин или пароль.", 401, "K7QF2M"]);
  assert.match(problem.fix, /администратор/);
  assert.doesNotMatch(problem.fix, SHELL);
});

test("a missing role is named, also where the server says no more than how to give it", () => {
  const fix = "An administrator gives it with: jackfield users roles анна +support";
  for (const detail of ['The endpoint is for callers with the role "support".', undefined]) {
    const problem = new Problem({ status: 403, code: "role_required", detail, fix });
    assert.deepEqual([problem.message, SHELL.test(problem.fix)], ["Нет роли support.", false]);
  }
  const elsewhere = new Problem({ status: 403, code: "role_required", detail: "Files are changed from the server's own machine alone.", fix: "Open the server there." });
  assert.deepEqual([elsewhere.message, elsewhere.fix], ["Нет нужной роли.", "Open the server there."]);
});

test("what has no plainer words is said as the server says it, and no answer at all is said, too", () => {
  const problem = new Problem({ code: "invalid_request", title: "t", detail: "The password is too short.", fix: "Take 8." }, 400);
  assert.deepEqual([problem.message, problem.fix], ["The password is too short.", "Take 8."]);
  assert.deepEqual([new Problem({}, 0).message, new Problem({}, 0).fix], ["Сервер не отвечает.", ""]);
});
