// Live: the last lines of the log, the newest first, as they come.

import { get } from "./api.js";
import { lined } from "./console_feed.js";
import { fill, h, signButton, icon } from "./dom.js";
import { empty, failure, searchField } from "./parts.js";
import { clock, words } from "./words.js";

const t = words({
  search: ["Search the log", "Поиск в журнале"],
  level: ["Level", "Уровень"],
  info: ["all", "всё"],
  warning: ["warnings and errors", "предупреждения и ошибки"],
  error: ["errors", "ошибки"],
  none: ["The log has nothing of that kind.", "Такого в журнале нет."],
  pause: ["Pause", "Пауза"],
  go_on: ["Go on", "Продолжить"],
  new: ["{n} new line|{n} new lines", "{n} новая строка|{n} новые строки|{n} новых строк"],
});

const LEVELS = { info: [], warning: ["warning", "error", "critical"], error: ["error", "critical"] };
const TAGS = { warning: ".warn", error: ".bad", critical: ".bad" };

export function log() {
  let lines = [], waiting = [], wanted = "", level = "info", paused = false;
  const list = h("div.entries"), hint = h("span");
  const pause = signButton("pause", t("pause"), () => {
    paused = !paused;
    fill(pause, icon(paused ? "play" : "pause"));
    pause.setAttribute("aria-label", t(paused ? "go_on" : "pause"));
    if (!paused) take([]);
  });
  const choose = h("select", { "aria-label": t("level"), onchange: (event) => { level = event.target.value; paint(); } },
    Object.keys(LEVELS).map((one) => h("option", { value: one }, t(one))));
  const element = h("div.stacked", h("header", searchField((text) => { wanted = text.toLowerCase(); paint(); }, t("search")), choose, pause, hint), list);

  const fits = (one) => (!LEVELS[level].length || LEVELS[level].includes(one.level)) && (!wanted || JSON.stringify(one).toLowerCase().includes(wanted));

  function paint() {
    const found = lines.filter(fits);
    fill(list, found.length ? found.map(lineOf) : empty(t("none")));
  }

  function take(more) {
    waiting = [...waiting, ...more];
    fill(hint, paused && waiting.length ? h("span.dim", t("new", { n: waiting.length })) : null);
    if (paused) return;
    const before = lines[0]?.n ?? 0;
    lines = lined(lines, waiting);
    waiting = [];
    const fresh = lines.filter((one) => one.n > before && fits(one)).map(lineOf);
    if (!fresh.length) return;
    if (list.querySelector(".empty")) fill(list);
    list.prepend(...fresh);
    while (list.children.length > lines.length) list.lastChild.remove();
  }

  async function load() {
    try { lines = (await get("/api/log")).events; paint(); } catch (problem) { fill(list, failure(problem, load)); }
  }

  load();
  return { element, heard(what, message) {
    if (what === "state") load();
    if (what !== "changed" || !message.log) return;
    if (message.log_left_out) load();
    else take(message.log);
  } };
}

const text = (value) => typeof value === "string" ? value : JSON.stringify(value);

function lineOf({ at, level, event, fields }) {
  const pairs = Object.entries(fields).filter(([, value]) => value !== "");
  return h("details.entry", h("summary", h("time.dim", clock(new Date(at))), h(`span.tag${TAGS[level] ?? ""}`, level), h("b", event),
    h("span.dim.brief", pairs.filter(([key]) => key !== "exception").map(([key, value]) => `${key}=${text(value)}`).join("  "))),
  h("dl.facts", pairs.map(([key, value]) => [h("dt", key), h("dd", h("pre", text(value)))])));
}
