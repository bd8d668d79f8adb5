// One's own account: the sessions, each of which can be ended, and the password.

import { ask, get, part, post } from "./api.js";
import { fill, h } from "./dom.js";
import { acting, field, formDialog, lines, session } from "./people_parts.js";
import { words } from "./words.js";

const t = words({
  title: ["Logged in as {login}", "Вы вошли как {login}"],
  no_roles: ["no roles", "без ролей"],
  sessions: ["Where you are logged in", "Где выполнен вход"],
  current: ["this one", "этот"],
  end: ["End", "Завершить"],
  others: ["End all others", "Завершить остальные"],
  old: ["The password that you have", "Нынешний пароль"],
  new: ["The new one", "Новый"],
  rule: ["8 characters at least; a sentence of 15 or more is better.", "Не менее 8 знаков; лучше фраза от 15."],
  change: ["Change the password", "Сменить пароль"],
  changed: ["Changed. {n} other session has ended.|Changed. {n} other sessions have ended.",
    "Изменён. Завершён {n} другой сеанс.|Изменён. Завершено {n} других сеанса.|Изменён. Завершено {n} других сеансов."],
});

export async function show({ page, main, refresh }) {
  const at = page.auth.path;
  const list = h("div.stack");
  const paint = async () => {
    const { sessions } = await get(`${at}/sessions`);
    sessions.sort((a, b) => b.current - a.current || b.seen_at.localeCompare(a.seen_at));
    const end = (one) => act(() => ask("DELETE", `${at}/sessions${one ? `/${part(one.id)}` : ""}`));
    const others = sessions.length > 1 && h("button", { onclick: () => end() }, t("others"));
    fill(list, h("div.row", h("h2", t("sessions")), h("span.fill"), others), lines(sessions, (one) => {
      const [name, facts] = session(one);
      return [[name, one.current && h("span.tag.good", t("current"))], facts,
        h("button", { onclick: () => end(one).then(() => { if (one.current) refresh(); }) }, t("end"))];
    }));
  };
  const { said, act } = acting(paint);
  await paint();
  const hidden = { type: "password", required: true };
  const change = () => formDialog(t("change"), [
    h("input", { hidden: true, name: "login", autocomplete: "username", value: page.login.login }), // for password managers
    field(t("old"), { ...hidden, name: "old", autocomplete: "current-password" }),
    field(t("new"), { ...hidden, name: "new", autocomplete: "new-password", minlength: 8 }, t("rule")),
  ], t("change"), async ({ old, new: wanted }) => {
    const { ended } = await post(`${at}/password`, { old, new: wanted });
    await paint();
    fill(said, h("p.note", { role: "status" }, t("changed", { n: ended })));
  });
  const roles = page.login.roles.map((role) => h("span.tag", role));
  fill(main, h("div.row", h("h1", t("title", { login: page.login.login })), roles.length ? roles : h("span.dim", t("no_roles")),
    h("span.fill"), h("button", { onclick: change }, t("change"))), said, list);
}
