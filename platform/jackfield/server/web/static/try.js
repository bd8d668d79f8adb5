// Try with a trace: a message for a process of the files, what it answers, and why it went as it did.

import { post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { listed } from "./draft.js";
import { form } from "./form.js";
import { pretty, read, write } from "./json.js";
import { failure } from "./parts.js";
import { words } from "./words.js";

const t = words({
  title: ["Try with a trace", "Попробовать с трассой"],
  about: ["On the files as they are saved; nothing goes live, and nothing is kept.", "На сохранённых файлах; ничего не публикуется и не сохраняется."],
  run: ["Try", "Попробовать"],
  save_run: ["Save and try", "Сохранить и попробовать"],
  running: ["Trying…", "Пробуем…"],
  form: ["Form", "Форма"],
  login: ["as the login (nobody)", "под логином (без входа)"],
  message: ["Message", "Сообщение"],
  silent: ["no reply", "без ответа"],
  closed: ["The process closed the connection: {text}", "Процесс закрыл соединение: {text}"],
  failed: ["{cell} says {says}, and it is {is}", "{cell}: {says}, а пришло {is}"],
  missing: ["missing", "ничего"],
  left_out: ["and {n} more rows that did not fit", "и ещё строк, которые не подошли: {n}"],
});

/** `picture` is what shows the process: {save(), isChanged(), light(trace)}, each of which may be missing; it calls `told` when it changed. */
export function tryPanel(process, picture) {
  const plain = h("textarea", { rows: "4", spellcheck: "false", value: "{}", "aria-label": t("message") });
  const made = process.message ? form(process.message, () => {}) : null, place = h("div", made ? made.element : plain);
  const asText = () => place.firstChild === plain; // a key that is not live yet is in no form
  const other = h("button.link.small", { type: "button", onclick: () => {
    if (asText()) fill(place, made.element); else { plain.value = made.text(); fill(place, plain); }
    fill(other, asText() ? t("form") : "JSON");
  } }, "JSON");
  const login = h("input", { "aria-label": t("login"), placeholder: t("login"), autocomplete: "off", maxlength: "128" });
  const result = h("div.stack", { role: "status" });
  const label = h("span"), button = h("button.primary", { type: "submit" }, label, h("kbd", "Ctrl+Enter"));
  const name = () => { label.textContent = t(picture.isChanged?.() ? "save_run" : "run"); }; // the button itself stays: it may be pressed just now
  let turn = 0; // of the message: what comes back answers that of its turn alone
  const forget = () => { turn += 1; fill(result); picture.light?.(null); name(); };

  async function run() {
    const mine = turn;
    button.disabled = true;
    fill(result, h("p.dim", t("running")));
    try {
      if (picture.isChanged?.() && !(await picture.save())) { fill(result); return; }
      const found = await post("/api/run", { process: process.name, message: read(asText() ? plain.value : made.text()), login: login.value.trim() || undefined });
      if (mine !== turn) return;
      fill(result, told(found));
      picture.light?.(found.trace);
    } catch (problem) {
      if (mine === turn) fill(result, failure(problem));
    } finally {
      button.disabled = false;
      name();
    }
  }
  name();
  picture.told = name;
  return h("section.stack", { "aria-label": t("title"), oninput: forget },
    h("div.row", h("h2", t("title")), h("span.fill"), made ? other : null), h("p.small.dim", t("about")),
    h("form.stack", {
      onsubmit: (event) => { event.preventDefault(); run(); },
      onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); } },
    }, place, login, h("div.row", button)), result);
}

function told({ frames, trace, explained, closed, problems }) {
  return [
    trace ? h("p", icon(trace.rows.some((row) => row.chosen) ? "good" : "bad"), " ", trace.outcome) : null,
    frames.map((frame) => h(`pre.json.panel.pad${frame.error ? ".bad" : ""}`, pretty(write(frame)).map(([kind, text]) => h(`span.${kind}`, text)))),
    frames.length || problems.length || explained.length ? null : h("p.dim", t("silent")),
    explained.map((text) => h("div.note", icon("bad"), text)),
    closed ? h("div.note", t("closed", { text: closed })) : null,
    problems.length ? listed(problems) : null,
    trace ? h("ul.results.trace.small", trace.rows.map((row) => h("li", { class: row.chosen ? "chosen" : "" },
      icon(row.fits ? "good" : "remove"), h("span", h("b", row.name || row.number), row.failed.map((one) => h("span.dim", " · ",
        t("failed", { cell: `${one.column.split(" (")[0]} (${one.cell})`, says: one.says, is: one.is === null ? t("missing") : write(one.is) })))))),
    trace.left_out ? h("li.dim", t("left_out", { n: trace.left_out })) : null) : null,
  ];
}
