// New endpoint: a form of five fields, and what its group has. What it would write is shown while one types.

import { get, part, post } from "./api.js";
import { fill, h, icon, settled } from "./dom.js";
import { makeFile } from "./draft.js";
import { dialog, failure } from "./parts.js";
import { addition } from "./publish.js";
import { words } from "./words.js";

const t = words({
  title: ["New endpoint", "Новый адрес"],
  name: ["Name", "Имя"],
  url: ["Address", "Путь"],
  process: ["Process", "Процесс"],
  access: ["Who may enter", "Кому можно"],
  access_required: ["everyone who is logged in", "всем, кто вошёл"],
  access_optional: ["everyone; who is logged in is known", "всем; кто вошёл — известен"],
  access_public: ["everyone", "всем"],
  access_roles: ["roles", "ролям"],
  roles: ["Roles, blanks between", "Роли через пробел"],
  summary: ["What it is for, in a line", "Для чего он, одной строкой"],
  conversations: ["A group for conversations", "Группа для общих разговоров"],
  group: ["Group", "Группа"],
  reply_to: ["Who gets the reply", "Кто получает ответ"],
  reply_to_: ["the sender", "отправитель"],
  reply_to_group: ["all in the group", "все в группе"],
  reply_to_others: ["the others in the group", "остальные в группе"],
  presence: ["Show who is there", "Показывать, кто здесь"],
  history: ["Last events for newcomers", "Последних событий для вошедших"],
  create: ["Add", "Добавить"],
  make_table: ["Begin the table {name}", "Начать таблицу {name}"],
});

/** A button that opens the form; nothing where the reader may not change the files. */
export const newEndpoint = (page) => (page.edit === "all"
  ? h("button", { type: "button", onclick: open }, icon("add"), t("title")) : null);

async function open() {
  const names = await get("/api/processes?limit=200").then((found) => found.processes.map((one) => one.name), () => []);
  const shown = h("div.stack"), add = h("button.primary", t("create"));
  const form = h("form.two", { oninput: settled(300, () => preview()), onsubmit: (event) => { event.preventDefault(); send(false); } });
  const field = (name, more) => h("label", t(name), h("input", { name, autocomplete: "off", spellcheck: "false", ...more }));
  const choice = (name, values, more) => h("label", t(name), h("select", { name, ...more }, values.map((value) => h("option", { value }, t(`${name}_${value}`)))));
  const roles = field("roles");
  roles.hidden = true;
  fill(form,
    field("name", { required: true, maxlength: "64", pattern: "[A-Za-z][A-Za-z0-9_.\\-]*", placeholder: "room" }),
    field("url", { required: true, placeholder: "/ws/rooms/{room}" }),
    field("process", { required: true, list: "processes", placeholder: "chat.say" }),
    h("datalist", { id: "processes" }, names.map((one) => h("option", { value: one }))),
    choice("access", ["required", "optional", "public", "roles"], { onchange: (event) => { roles.hidden = event.target.value !== "roles"; } }),
    roles, field("summary", { maxlength: "200", spellcheck: "true" }),
    h("details", h("summary", t("conversations")), h("div.two",
      field("group", { placeholder: "room:{room}" }),
      choice("reply_to", ["", "group", "others"]),
      h("label.inline", h("input", { type: "checkbox", name: "presence" }), t("presence")),
      field("history", { type: "number", min: "0", max: "1000" }))),
    shown, h("div.row.end", add));

  const asked = () => {
    const given = Object.fromEntries([...new FormData(form)].map(([key, value]) => [key, value.trim()]).filter(([, value]) => value));
    const { access, roles: named = "", presence, history, ...texts } = given;
    const admits = access === "roles" ? { roles: named.split(/[\s,]+/).filter(Boolean) } : { access };
    return { ...texts, ...admits, presence: presence && true, history: history && Number(history) };
  };

  const preview = async () => {
    const { name, url, process } = asked();
    if (name && url && process) await send(true);
  };

  let turn = 0;
  async function send(dry_run) {
    if (add.disabled) return; // while it is being written
    const mine = ++turn;
    add.disabled = !dry_run;
    try {
      const found = await post("/api/endpoints", { ...asked(), dry_run });
      if (mine !== turn) return;
      fill(shown, addition(found, `#talk/${part(asked().name ?? "")}`), missing(found));
      if (found.written) fill(form, shown);
    } catch (problem) { if (mine === turn) fill(shown, failure(problem)); }
    if (!dry_run) add.disabled = false;
  }

  /** Of a table that is not there yet: a button that begins it. */
  function missing({ problems }) {
    const { process } = asked();
    if (!problems.some((one) => one.code === "unknown_process") || !/^\w+$/.test(process)) return null;
    const makes = async () => {
      try { await makeFile(`processes/${process}.csv`); await preview(); } catch (problem) { fill(shown, failure(problem)); }
    };
    return h("div", h("button", { type: "button", onclick: makes }, icon("add"), t("make_table", { name: process })));
  }

  dialog(t("title"), form);
  form.name.focus?.();
}
