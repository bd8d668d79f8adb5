// Service keys: what other programs and devices show. What opens is shown once.

import { ask, get, part, post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { empty, sure } from "./parts.js";
import { acting, field, formDialog, head, lines, several, shownOnce } from "./people_parts.js";
import { date, words } from "./words.js";

const t = words({
  title: ["Service keys", "Ключи программ"],
  intro: ["A program or a device sends its key as Authorization: Bearer jf_….", "Программа или устройство шлёт ключ так: Authorization: Bearer jf_…."],
  make: ["Make a key", "Создать ключ"],
  new: ["A new key", "Новый ключ"],
  name: ["Name", "Название"],
  name_hint: ["one word, of the program: shop", "одно слово, по программе: shop"],
  roles: ["Roles", "Роли"],
  roles_hint: ["publisher sends events; others open endpoints", "publisher шлёт события; прочие открывают адреса"],
  groups: ["Groups it may send to", "Группы, куда можно слать"],
  groups_hint: ["order:* room:7; * stands for any text", "order:* room:7; * — любой текст"],
  users: ["It may send to users", "Может слать пользователям"],
  expires: ["Lasts", "Действует"],
  expires_hint: ["90d for example; empty is for ever", "например 90d; пусто — всегда"],
  to_users: ["users", "пользователям"],
  made: ["made {at}", "создан {at}"],
  until: ["until {at}", "до {at}"],
  for_ever: ["for ever", "бессрочно"],
  old: ["the old one opens until {at}", "старый действует до {at}"],
  none: ["No key was made yet.", "Ключей ещё нет."],
  rotate: ["Rotate", "Сменить"],
  rotate_sure: ["{name} gets a new key. The old one opens for one more day.", "{name} получит новый ключ. Старый действует ещё сутки."],
  remove_sure: ["{name} opens nothing any more; its connections close.", "{name} больше ничего не откроет; соединения закроются."],
  shown: ["The key {name}", "Ключ {name}"],
});

export async function show({ main }) {
  const list = h("div.stack");
  const paint = async () => {
    const { keys } = await get("/api/keys");
    fill(list, keys.length ? lines(keys, (key) => [
      [h("strong", key.name), key.roles.map((role) => h("span.tag", role))],
      [key.groups.map((group) => h("code", group)), key.users && h("span", t("to_users")), h("span", t("made", { at: date(key.created_at) })),
        h("span", key.expires_at ? t("until", { at: date(key.expires_at) }) : t("for_ever")),
        key.old_until && h("span.tag.warn", t("old", { at: date(key.old_until) }))],
      h("button", { onclick: () => rotate(key.name) }, t("rotate")),
      h("button.danger", { onclick: () => remove(key.name) }, t("remove")),
    ]) : empty(t("none")));
  };
  const { said, act } = acting(paint);
  const once = ({ name, key }) => shownOnce(t("shown", { name }), key);
  const asking = (what, name, call) => sure(t(what), t(`${what}_sure`, { name })).then((is) => is && act(() => call(`/api/keys/${part(name)}`)));
  const rotate = (name) => asking("rotate", name, async (at) => once(await post(`${at}/rotate`)));
  const remove = (name) => asking("remove", name, (at) => ask("DELETE", at));
  const make = () => formDialog(t("new"), [
    field(t("name"), { name: "name", required: true, maxlength: 128, autocapitalize: "none" }, t("name_hint")),
    field(t("roles"), { name: "roles", value: "publisher", required: true }, t("roles_hint")),
    field(t("groups"), { name: "groups" }, t("groups_hint")),
    h("label.inline", h("input", { type: "checkbox", name: "users" }), t("users")),
    field(t("expires"), { name: "expires", size: 8 }, t("expires_hint")),
  ], t("make"), async ({ name, roles, groups, users, expires }) => {
    once(await post("/api/keys", { name, roles: several(roles), groups: several(groups), users: users === "on", ...(expires && { expires }) }));
    await paint();
  });
  await paint();
  fill(main, head(t("title"), h("button.primary", { onclick: make }, icon("add"), t("make"))),
    h("p.dim.small", t("intro")), said, list);
}
