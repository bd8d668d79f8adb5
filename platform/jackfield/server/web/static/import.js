// Users from a CSV file: read here, tried by the server first, added all together or not at all.

import { post } from "./api.js";
import { Sheet } from "./csv.js";
import { download, fill, h } from "./dom.js";
import { attempt, sure } from "./parts.js";
import { head, several, standsOnlyHere } from "./people_parts.js";
import { words } from "./words.js";

const t = words({
  title: ["Import users", "Импорт пользователей"],
  intro: ["A CSV file as Excel saves it: login, and name, roles, password where you want. A password that is missing is made up.",
    "Файл CSV из Excel: login и, если нужно, name, roles, password. Если пароля нет, он придумывается."],
  file: ["Choose a file", "Выбрать файл"],
  sample: ["A file to begin with", "Файл для начала"],
  no_login: ["The first row has no column login. It has: {heads}", "В первой строке нет колонки login. Есть: {heads}"],
  no_rows: ["There is no user below the first row.", "Под первой строкой нет пользователей."],
  too_many: ["{users} users are too many at once; 1,000 can be.", "{users} — слишком много за раз; можно 1000."],
  row: ["Row", "Строка"],
  login: ["Login", "Логин"],
  name: ["Name", "Имя"],
  roles: ["Roles", "Роли"],
  what: ["What becomes of it", "Что будет"],
  would: ["would be added", "будет добавлен"],
  added: ["added", "добавлен"],
  skipped: ["is there already", "уже есть"],
  refused: ["not possible", "нельзя"],
  left: ["not added", "не добавлен"],
  add: ["Add {n} user|Add {n} users", "Добавить {n} пользователя|Добавить {n} пользователей|Добавить {n} пользователей"],
  wrong: ["Correct the marked rows and choose the file again; nobody was added.", "Исправьте отмеченные строки, выберите файл снова; никто не добавлен."],
  nobody: ["All of them are there already.", "Все уже есть."],
  done: ["{n} user was added.|{n} users were added.", "Добавлен {n} пользователь.|Добавлено {n} пользователя.|Добавлено {n} пользователей."],
  passwords: ["Save the made-up passwords", "Сохранить придуманные пароли"],
  only_here: ["{n} made-up password stands nowhere else until you save it.|{n} made-up passwords stand nowhere else until you save them.",
    "{n} придуманный пароль пока только здесь: сохраните.|{n} придуманных пароля пока только здесь: сохраните.|{n} придуманных паролей пока только здесь: сохраните."],
  saved: ["Saved. You can save them again until you leave this page.", "Сохранено. До ухода отсюда можно сохранить ещё раз."],
  lost: ["Made-up passwords are not saved", "Придуманные пароли не сохранены"],
  lost_sure: ["Nobody can look them up again: log out anyway?", "Узнать их больше нельзя: всё равно выйти?"],
  logout: ["Log out", "Выйти"],
});

const MOST = 1000;
const COLUMNS = ["login", "name", "roles", "password"];

// {login, password} of imports, and whose they are: kept until they were saved, wherever one goes meanwhile
let made = [], owner = null, unsaved = false;

function keep(is) {
  unsaved = is;
  standsOnlyHere("import", is);
}

async function loggingOut(event) {
  if (!unsaved || event.defaultPrevented) return;
  event.preventDefault();
  if (!(await sure(t("lost"), t("lost_sure"), t("logout")))) return;
  keep(false);
  event.detail();
}

export async function show({ main, page }) {
  window.addEventListener("logout", loggingOut);
  if (page.login.login !== owner || !unsaved) {
    keep(false);
    made = [];
    owner = page.login.login;
  }
  const passwords = h("div");
  const found = h("div.stack", { role: "status" });
  const input = h("input", { type: "file", hidden: true, accept: ".csv,text/csv", onchange: async ({ target }) => {
    const [file] = target.files;
    if (file) await attempt(found, async () => tried(found, read(decoded(await file.arrayBuffer())), passwords));
    target.value = ""; // the same file may be chosen again
  } });
  const sample = () => download("users.csv", "\ufefflogin,name,roles,password\r\nanna,Анна,support editor,\r\n", "text/csv");
  fill(main, head(t("title")), h("p.dim.narrow", t("intro")), h("div.row", h("button.primary", { onclick: () => input.click() }, t("file")), input,
    h("button.link", { onclick: sample }, t("sample"))), passwords, found);
  offer(passwords);
}

/** The passwords that were made up, to be saved. */
function offer(box) {
  const save = () => {
    download("passwords.csv", "\ufefflogin,password\r\n" + made.map((one) => `${quoted(one.login)},${one.password}\r\n`).join(""), "text/csv");
    keep(false);
    offer(box);
  };
  fill(box, made.length > 0 && h("div.note", h("span", { role: "status" }, unsaved ? t("only_here", { n: made.length }) : t("saved")),
    h(unsaved ? "button.primary" : "button", { onclick: save }, t("passwords"))));
}

/** The text of a file, in UTF-8 or as Windows had it before: in Cyrillic where that makes words. */
export function decoded(buffer) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(buffer);
  } catch {
    const cyrillic = new TextDecoder("windows-1251").decode(buffer);
    return /[А-яЁё]{3}/.test(cyrillic) ? cyrillic : new TextDecoder("windows-1252").decode(buffer);
  }
}

/** The users of a CSV text. Raises an Error that says what is wrong. */
export function read(text) {
  const sheet = new Sheet(text), first = sheet.head;
  const heads = (sheet.rows[first] ?? []).map((_, column) => sheet.cell(first, column).toLowerCase());
  if (!heads.includes("login")) throw new Error(t("no_login", { heads: heads.join(", ") }));
  const users = [];
  for (let row = first + 1; row < sheet.rows.length; row += 1) {
    const values = Object.fromEntries(COLUMNS.map((name) => [name, heads.includes(name) ? sheet.cell(row, heads.indexOf(name)) : ""]));
    if (!Object.values(values).some(Boolean) || sheet.comments(sheet.rows[row])) continue;
    const { password, ...rest } = values;
    users.push({ row: row + 1, sent: { ...rest, roles: several(values.roles), ...(password ? { password } : {}) } });
  }
  if (!users.length) throw new Error(t("no_rows"));
  if (users.length > MOST) throw new Error(t("too_many", { users: users.length }));
  return users;
}

const send = (users, dry_run) => post("/api/users/import", { users: users.map((one) => one.sent), dry_run });

/** What would become of the users; in `box` then, after a press, what became of them, and in `passwords` what was made up. */
async function tried(box, users, passwords) {
  const { results } = await send(users, true), table = listed(users, results, true);
  const count = results.filter((one) => one.done === "added").length;
  const add = h("button.primary", { onclick: async () => {
    add.disabled = true;
    if (!await attempt(box, async () => outcome(users, await send(users, false), passwords))) box.append(table);
  } }, t("add", { n: count }));
  const wrong = results.some((one) => one.done === "refused");
  return [wrong ? h("div.note", t("wrong")) : count ? h("div.row", add) : h("p", t("nobody")), table];
}

function outcome(users, { added, results }, passwords) {
  const more = results.filter((one) => one.password);
  if (more.length) {
    made.push(...more);
    keep(true);
    offer(passwords);
  }
  return [h("p", t("done", { n: added })), listed(users, results, false)];
}

const quoted = (text) => (/^[=+\-@\t]|[",;\r\n]/.test(text) ? `"${(/^[=+\-@\t]/.test(text) ? "'" : "") + text.replaceAll('"', '""')}"` : text);

const KINDS = { added: ".good", skipped: "", refused: ".bad" };

const listed = (users, results, dry, stuck = results.some((one) => one.done === "refused")) => h("div.panel", h("table",
  h("thead", h("tr", ["row", "login", "name", "roles", "what"].map((key) => h("th", { scope: "col" }, t(key))))),
  h("tbody", users.map(({ row, sent }, at) => {
    const { done, problem } = results[at], left = done === "skipped" && stuck; // for what is refused elsewhere, too
    return h("tr", h("td.dim", String(row)), h("td", sent.login), h("td", sent.name), h("td", sent.roles.join(", ")),
      h("td", h(`span.tag${KINDS[done]}`, t(left ? "left" : done === "added" && dry ? "would" : done)), (left || done === "refused") && h("div.small", problem)));
  }))));
