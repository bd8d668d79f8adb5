// The login. The password goes to the server and nowhere else; what comes back is a cookie that no script can read.

import { post } from "./api.js";
import { fill, h } from "./dom.js";
import { unsaved } from "./draft.js";
import { attempt } from "./parts.js";
import { words } from "./words.js";

const t = words({
  title: ["Log in to {title}", "Вход: {title}"],
  login: ["Login", "Логин"],
  password: ["Password", "Пароль"],
  enter: ["Log in", "Войти"],
  look: ["Look around without logging in", "Осмотреться без входа"],
  elsewhere: ["People log in at another place here: at the application or the identity provider that this server belongs to. Come back with its session.",
    "Здесь входят в другом месте: в приложении или у поставщика учётных записей, которому принадлежит сервер. Вернитесь с его сеансом."],
  kept: ["What you changed is still here, not saved yet: {files}. Log in to go on.", "Ваши изменения здесь и ещё не сохранены: {files}. Войдите, чтобы продолжить."],
  first: ["The first user is admin; the server's terminal showed its password, or wrote it to .jackfield/first-admin.",
    "Первый пользователь — admin; его пароль показан в терминале сервера или записан в .jackfield/first-admin."],
});

/** The login as a whole page; `entered` is called after it, `look` where one may go on without. */
export function loginForm(page, entered, look) {
  const said = h("div");
  const onsubmit = async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    fill(said);
    const done = await attempt(said, async () => {
      const { login, password } = form.elements;
      await post(`${page.auth.path}/login`, { login: login.value.trim(), password: password.value });
      await entered();
    });
    button.disabled = false;
    if (!done) form.elements.password.select();
  };
  const form = h("form", { onsubmit },
    h("label", t("login"), h("input", { name: "login", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" })),
    h("label", t("password"), h("input", { name: "password", type: "password", autocomplete: "current-password", required: true })),
    h("button.primary", t("enter")));
  queueMicrotask(() => form.elements.login?.focus());
  return h("main.alone", h("div.card",
    h("h1", t("title", { title: page.title })),
    unsaved().length > 0 && h("p.note", t("kept", { files: unsaved().join(", ") })),
    page.auth.own ? form : h("p", t("elsewhere")), said,
    look && h("button.link", { type: "button", onclick: look }, t("look")),
    page.auth.own && page.reader && h("p.dim", t("first"))));
}
