// Live: the last lines of the log, the newest first, as they come.

import { get } from "./api.js";
import { lined } from "./console_feed.js";
import { fill, h, icon, signButton } from "./dom.js";
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

const LEVELS = { info: null, warning: /warning|error|critical/, error: /error|critical/ };
const TAGS = { warning: ".warn", error: ".bad", critical: ".bad" };

export function log() {
  let lines = [], waiting = [], wanted = "", level = "info", paused = false;
  const list = h("div.entries"), hint = h("span.dim");
  const pause = signButton("pause", t("pause"), () => {
    paused = !paused;
    fill(pause, icon(paused ? "play" : "pause"));
    pause.setAttribute("aria-label", t(paused ? "go_on" : "pause"));
    take([]);
  });
  const choose = h("select", { "aria-label": t("level"), onchange: (event) => { level = event.target.value; paint(); } },
    Object.keys(LEVELS).map((one) => h("option", { value: one }, t(one))));

  const fits = (one) => (LEVELS[level]?.test(one.level) ?? true) && JSON.stringify(one).toLowerCase().includes(wanted);

  function paint() {
    const found = lines.filter(fits);
    fill(list, found.length ? found.map(lineOf) : empty(t("none")));
  }

  function take(more) {
    waiting.push(...more);
    fill(hint, paused && waiting.length ? t("new", { n: waiting.length }) : "");
    if (paused) return;
    const before = lines[0]?.n ?? 0;
    lines = lined(lines, waiting);
    waiting = [];
    const fresh = lines.filter((one) => one.n > before && fits(one)).map(lineOf); // the others stay as they are, open or not
    if (!fresh.length) return;
    list.querySelector(".empty")?.remove();
    list.prepend(...fresh);
    while (list.children.length > lines.length) list.lastChild.remove();
  }

  async function load() {
    try { lines = (await get("/api/log")).events; paint(); } catch (problem) { fill(list, failure(problem, load)); }
  }

  load();
  return {
    element: h("div.stacked", h("header.row.why", searchField((text) => { wanted = text.toLowerCase(); paint(); }, t("search")), choose, pause, hint), list),
    heard(what, message) {
      if (what === "state" || message?.log_left_out) load();
      else if (message?.log) take(message.log);
    },
  };
}

const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));

function lineOf({ at, level, event, fields }) {
  const pairs = Object.entries(fields).filter(([, value]) => value !== "");
  return h("details.entry", h("summary", h("time.dim", clock(new Date(at))), h(`span.tag${TAGS[level] ?? ""}`, level), h("b", event),
    h("span.dim.brief", pairs.filter(([key]) => key !== "exception").map(([key, value]) => `${key}=${text(value)}`).join("  "))),
  h("dl.facts", pairs.map(([key, value]) => [h("dt", key), h("dd", h("pre", text(value)))])));
}
