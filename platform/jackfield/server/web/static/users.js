// The users: who there is, and all that is done to one.

import { ask, get, part, post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { attempt, dialog, empty, searchField, sure } from "./parts.js";
import { acting, field, form, formDialog, head, lines, password, session, several, shownOnce } from "./people_parts.js";
import { refusalsOf } from "./refusals.js";
import { date, words } from "./words.js";

const t = words({
  title: ["{n} user|{n} users", "{n} пользователь|{n} пользователя|{n} пользователей"],
  search: ["Search users", "Поиск пользователей"],
  add: ["Add a user", "Добавить"],
  new: ["A new user", "Новый пользователь"],
  login: ["Login", "Логин"],
  name: ["Name that others see", "Имя, видимое другим"],
  roles: ["Roles", "Роли"],
  roles_hint: ["divided by blanks: {roles}", "через пробел: {roles}"],
  roles_idle: ["nothing here asks for {roles}", "{roles}: такой роли здесь ничто не требует"],
  made: ["The password is made up and shown once.", "Пароль придумывается и показывается один раз."],
  password_of: ["The password of {login}", "Пароль пользователя {login}"],
  disabled: ["disabled", "отключён"],
  no_password: ["no password", "без пароля"],
  you: ["you", "вы"],
  since: ["since {at}", "с {at}"],
  more: ["{n} more; search for less.", "Ещё {n}; уточните поиск."],
  all: ["All users", "Все пользователи"],
  disable: ["Disable", "Отключить"],
  enable: ["Enable", "Включить"],
  disable_sure: ["Sessions and connections of {login} end; no login until you enable it.", "Сеансы и соединения {login} закроются, войти нельзя, пока не включите."],
  fresh: ["New password", "Новый пароль"],
  fresh_sure: ["The old one opens nothing any more; sessions of {login} end.", "Старый перестанет действовать, сеансы {login} завершатся."],
  end: ["End all sessions", "Завершить сеансы"],
  end_sure: ["Sessions and connections of {login} end. A new login is possible.", "Сеансы и соединения {login} закроются. Войти можно снова."],
  remove_sure: ["{login} cannot be brought back.", "Вернуть {login} будет нельзя."],
  saved: ["Saved.", "Сохранено."],
  sessions: ["Sessions", "Сеансы"],
  no_sessions: ["Not logged in anywhere.", "Нигде не выполнен вход."],
  refusals: ["Refusals and failed logins of 7 days", "Отказы и неудачные входы за 7 дней"],
  no_refusals: ["None.", "Нет."],
  oneself: ["Another administrator can disable or remove you.", "Отключить или удалить вас может другой администратор."],
});

const MOST = 200;

export async function show(context) {
  return context.rest[0] ? one(context, context.rest[0]) : every(context);
}

async function every({ main, page, go }) {
  const { users, roles: known } = await get("/api/users");
  const list = h("div.stack");
  const paint = (wanted) => {
    const found = users.filter((user) => [user.login, user.name, ...user.roles].join(" ").toLowerCase().includes(wanted.toLowerCase()));
    fill(list, found.length ? lines(found.slice(0, MOST), (user) => [
      [h("a", { href: `#people/users/${part(user.login)}` }, user.login), user.name && h("span", user.name), tags(user, page)],
      h("span", t("since", { at: date(user.created_at) })),
    ]) : empty(t("nothing")), found.length > MOST && h("p.dim", t("more", { n: found.length - MOST })));
  };
  const add = () => formDialog(t("new"), [
    field(t("login"), { name: "login", required: true, maxlength: 128, autocapitalize: "none" }),
    field(t("name"), { name: "name", maxlength: 128 }),
    rolesField(known),
    h("p.dim.small", t("made")),
  ], t("add"), async ({ login, name, roles }) => {
    const made = password();
    await post("/api/users", { login, name, roles: several(roles), password: made });
    shownOnce(t("password_of", { login }), made).then(() => go("people", "users", login));
  });
  fill(main, head(t("title", { n: users.length }), h("button.primary", { onclick: add }, icon("add"), t("add"))),
    users.length > 7 && searchField(paint, t("search")), list);
  paint("");
}

const tags = (user, page) => [
  user.roles.map((role) => h("span.tag", role)),
  user.disabled && h("span.tag.bad", t("disabled")),
  !user.has_password && h("span.tag.warn", t("no_password")),
  user.login === page.login.login && h("span.tag.good", t("you")),
];

/** A field for roles, with those that open something here, `known`; others are allowed, and marked. */
function rolesField(known, roles = []) {
  const idle = h("span.small.tag.warn", { role: "status" });
  const look = (text) => {
    const others = several(text).filter((role) => !known.includes(role));
    idle.hidden = !others.length;
    fill(idle, t("roles_idle", { roles: others.join(", ") }));
  };
  const value = several(roles.join(" ")).join(" ");
  look(value);
  return [field(t("roles"), { name: "roles", value, oninput: (event) => look(event.target.value) }, t("roles_hint", { roles: known.join(", ") })), idle];
}

async function one({ main, page, go }, login) {
  const box = await control(login, page, { gone: () => go("people", "users"), more: async (user) => {
    const refused = await refusalsOf(login);
    return [h("h2", t("sessions")), user.sessions.length ? lines(user.sessions, session) : h("p.dim", t("no_sessions")),
      h("h2", t("refusals")), refused.children.length ? refused : h("p.dim", t("no_refusals"))];
  } });
  fill(main, h("a", { href: "#people/users" }, t("all")), h("h1", login), box);
}

/** What lets a user in: the form with `role` in a dialog, where one is given, "" for none, or the user is disabled; else a new password. */
export async function letIn(login, page, role) {
  if (role !== undefined || (await get(`/api/users/${part(login)}`)).disabled) {
    const box = dialog(login, await control(login, page, { role, gone: () => box.close() }));
  } else await renew(login);
}

/** A new password for a user, shown once. */
async function renew(login) {
  if (!await sure(t("fresh"), t("fresh_sure", { login }))) return;
  const made = password();
  await ask("PATCH", `/api/users/${part(login)}`, { password: made });
  await shownOnce(t("password_of", { login }), made);
}

/** All that can be changed of a user, with `role` filled in; `more(user)` is below it, `gone` is called when there is no such user any more. */
async function control(login, page, { role = "", more = () => null, gone }) {
  const at = `/api/users/${part(login)}`, box = h("div.people.stack");
  const paint = async () => {
    const [user, { roles: known }] = await Promise.all([get(at), get("/api/users")]);
    const fields = [field(t("name"), { name: "name", value: user.name, maxlength: 128 }), rolesField(known, [...user.roles, role])];
    const edit = form(fields, t("save"), async ({ name, roles }) => {
      await change({ name, roles: several(roles) });
      await paint();
      fill(said, h("p.note", { role: "status" }, t("saved")));
    });
    fill(box, said, h("div.row", tags(user, page)), h("div.panel.pad.narrow", edit),
      user.login === page.login.login ? h("p.dim.small", t("oneself")) : h("div.row",
        button("fresh", () => act(() => renew(login))),
        button("end", asking("end", () => post(`${at}/close`))),
        user.disabled ? button("enable", () => act(() => change({ disabled: false }))) : button("disable", asking("disable", () => change({ disabled: true }))),
        button("remove", async () => {
          if (await confirmed("remove") && await attempt(said, () => ask("DELETE", at))) gone();
        }, "button.danger")),
      await more(user));
  };
  const { said, act } = acting(paint);
  const button = (name, onclick, kind = "button") => h(kind, { onclick }, t(name));
  const change = (what) => ask("PATCH", at, what);
  const confirmed = (name) => sure(t(name), t(`${name}_sure`, { login }));
  const asking = (name, call) => async () => { if (await confirmed(name)) await act(call); };
  await paint();
  return box;
}
