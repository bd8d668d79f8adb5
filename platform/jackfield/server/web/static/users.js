// The users: who there is, and all that is done to one.

import { ask, get, part, post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { empty, failure, searchField, sure } from "./parts.js";
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
  roles_hint: ["divided by blanks; known: {roles}", "через пробел; известны: {roles}"],
  made: ["The password is made up and shown once.", "Пароль придумывается и показывается один раз."],
  password_of: ["The password of {login}", "Пароль пользователя {login}"],
  disabled: ["disabled", "отключён"],
  no_password: ["no password", "без пароля"],
  you: ["you", "вы"],
  since: ["since {at}", "с {at}"],
  more: ["{n} more; search for less.|{n} more; search for less.", "Ещё {n}; уточните поиск.|Ещё {n}; уточните поиск.|Ещё {n}; уточните поиск."],
  all: ["All users", "Все пользователи"],
  disable: ["Disable", "Отключить"],
  enable: ["Enable", "Включить"],
  disable_sure: ["All sessions and connections of {login} end, and no login is possible until you enable it.",
    "Все сеансы и соединения {login} закроются, вход будет закрыт, пока вы его не включите."],
  fresh: ["New password", "Новый пароль"],
  fresh_sure: ["The old one opens nothing any more, and all sessions of {login} end.", "Старый перестанет действовать, все сеансы {login} завершатся."],
  end: ["End all sessions", "Завершить сеансы"],
  end_sure: ["All sessions and connections of {login} end. A new login is possible.", "Все сеансы и соединения {login} закроются. Войти можно снова."],
  remove_sure: ["{login} is gone with all sessions, and cannot be brought back.", "{login} исчезнет со всеми сеансами, вернуть нельзя."],
  remove_title: ["Remove {login}?", "Удалить {login}?"],
  saved: ["Saved.", "Сохранено."],
  sessions: ["Sessions", "Сеансы"],
  no_sessions: ["Not logged in anywhere.", "Нигде не выполнен вход."],
  refusals: ["Refusals and failed logins of 7 days", "Отказы и неудачные входы за 7 дней"],
  no_refusals: ["None.", "Нет."],
  oneself: ["That is you: another administrator can disable or remove you.", "Это вы: отключить или удалить вас может другой администратор."],
});

const MOST = 200;

export async function show(context) {
  return context.rest[0] ? one(context, context.rest[0]) : every(context);
}

async function every({ main, page, go }) {
  const { users } = await get("/api/users");
  const list = h("div.stack");
  const paint = (wanted) => {
    const found = users.filter((user) => [user.login, user.name, ...user.roles].join(" ").toLowerCase().includes(wanted.toLowerCase()));
    fill(list, found.length ? lines(found.slice(0, MOST), (user) => [
      [h("a", { href: `#people/users/${part(user.login)}` }, user.login), user.name ? h("span", user.name) : null, tags(user, page)],
      h("span", t("since", { at: date(user.created_at) })),
    ]) : empty(t("nothing")), found.length > MOST ? h("p.dim", t("more", { n: found.length - MOST })) : null);
  };
  const add = h("button.primary", { type: "button", onclick: () => adding(users, go) }, icon("add"), t("add"));
  fill(main, head(t("title", { n: users.length }), add), users.length > 7 ? searchField(paint, t("search")) : null, list);
  paint("");
}

const tags = (user, page) => [
  user.roles.map((role) => h("span.tag", role)),
  user.disabled ? h("span.tag.bad", t("disabled")) : null,
  user.has_password ? null : h("span.tag.warn", t("no_password")),
  user.login === page.login.login ? h("span.tag.good", t("you")) : null,
];

const rolesField = (known, value = "") => field(t("roles"), { name: "roles", value }, t("roles_hint", { roles: known.join(", ") }));

const known = (users) => [...new Set(["admin", "publisher", ...users.flatMap((user) => user.roles)])].sort();

function adding(users, go) {
  formDialog(t("new"), [
    field(t("login"), { name: "login", required: true, maxlength: 128, autocapitalize: "none" }),
    field(t("name"), { name: "name", maxlength: 128 }),
    rolesField(known(users)),
    h("p.dim.small", t("made")),
  ], t("add"), async ({ login, name, roles }) => {
    const made = password();
    await post("/api/users", { login, name, roles: several(roles), password: made });
    shownOnce(t("password_of", { login }), made).then(() => go("people", "users", login));
  });
}

async function one({ main, page, go }, login) {
  const at = `/api/users/${part(login)}`;
  const box = h("div.stack");
  const paint = async () => {
    const [user, { users }, refused] = await Promise.all([get(at), get("/api/users"), refusalsOf(login)]);
    fill(box, facts(user, users), h("h2", t("sessions")),
      user.sessions.length ? lines(user.sessions, session) : h("p.dim", t("no_sessions")),
      h("h2", t("refusals")), refused.children.length ? refused : h("p.dim", t("no_refusals")));
  };
  const { said, act } = acting(paint);
  const asking = (title, sentence, call, label = title) => async () => {
    if (await sure(title, t(sentence, { login }), label)) await act(call);
  };
  const button = (label, onclick, kind = "button") => h(kind, { type: "button", onclick }, label);
  const change = (what) => ask("PATCH", at, what);
  const facts = (user, users) => {
    const mine = user.login === page.login.login;
    const edit = form([
      field(t("name"), { name: "name", value: user.name, maxlength: 128 }),
      rolesField(known(users), user.roles.join(" ")),
    ], t("save"), async ({ name, roles }) => {
      await change({ name, roles: several(roles) });
      await paint();
      fill(said, h("p.note", { role: "status" }, t("saved")));
    });
    const fresh = async () => {
      const made = password();
      await change({ password: made });
      await shownOnce(t("password_of", { login }), made);
    };
    const actions = mine ? h("p.dim.small", t("oneself")) : [
      button(t("fresh"), asking(t("fresh"), "fresh_sure", fresh)),
      button(t("end"), asking(t("end"), "end_sure", () => post(`${at}/close`))),
      user.disabled ? button(t("enable"), () => act(() => change({ disabled: false })))
        : button(t("disable"), asking(t("disable"), "disable_sure", () => change({ disabled: true }))),
      button(t("remove"), async () => {
        if (!await sure(t("remove_title", { login }), t("remove_sure", { login }), t("remove"))) return;
        await ask("DELETE", at).then(() => go("people", "users"), (problem) => fill(said, failure(problem)));
      }, "button.danger"),
    ];
    return [h("div.row", h("h1", user.login), tags(user, page)), h("div.panel.pad.narrow", edit), h("div.row", actions)];
  };
  await paint();
  fill(main, h("a", { href: "#people/users" }, t("all")), said, box);
}
