// Live: what moves on the server. The lines of the last ten minutes above, one list below, what was chosen beside it.

import { socket } from "./api.js";
import { Feed, POINTS } from "./console_feed.js";
import { fill, h, icon, s } from "./dom.js";
import { connections } from "./live_connections.js";
import { groups } from "./live_groups.js";
import { log } from "./live_log.js";
import { publishes } from "./live_publishes.js";
import { finder } from "./refusals.js";
import { date, language, number, words } from "./words.js";

const t = words({
  connections: ["Connections", "Соединения"],
  groups: ["Groups", "Группы"],
  refusals: ["Refusals", "Отказы"],
  log: ["Log", "Журнал"],
  publishes: ["Publishes", "Публикации"],
  lists: ["What is shown", "Что показано"],
  strip: ["The last ten minutes", "Последние десять минут"],
  messages: ["Messages", "Сообщения"],
  errors: ["Errors", "Ошибки"],
  p50: ["Median", "Медиана"],
  p99: ["99%", "99 %"],
  lag: ["Loop lag", "Задержка"],
  rate: ["{rate}/s", "{rate}/с"],
  opening: ["Connecting…", "Соединение…"],
  waiting: ["The connection is lost; trying again in {n} s.", "Связь потеряна; повтор через {n} с."],
  now: ["Now", "Сейчас"],
  refused: ["Live is not open to you here", "Этот раздел вам здесь закрыт"],
  server: ["Server", "Сервер"],
  since: ["up since {at}", "работает с {at}"],
  published: ["published {at}", "опубликовано {at}"],
});

const VIEWS = { connections, groups, refusals: ({ page }) => finder(page), log, publishes };
const LINGER = 2000; // ms that the connection outlives the place, so that another list finds it

// one connection of this page for all lists
let feed = null, told = () => {}, leaving = 0;

export async function show({ page, main, side, rest }) {
  clearTimeout(leaving);
  if (feed === null) {
    feed = new Feed((what, message) => told(what, message));
    feed.open(socket("/console/live"));
  }
  const name = rest[0] in VIEWS ? rest[0] : "connections";
  const view = VIEWS[name]({ feed, page, rest: rest.slice(1) });
  const strip = h("section.strip", { "aria-label": t("strip") }), status = h("div.status", { role: "status" });
  const counts = h("span.dim"), facts = h("dl.facts.small");
  fill(main, strip, status, h("section.view", { "aria-label": t(name) }, view.element));
  fill(side, h("nav", { "aria-label": t("lists") }, Object.keys(VIEWS).map((one) =>
    h("a.item", { href: `#live/${one}`, "aria-current": one === name ? "true" : null }, t(one), one === "connections" && counts))), facts);
  const paint = () => {
    fill(status, stateOf());
    const state = feed.state;
    if (!state) return;
    fill(strip, lines(state.rings.values));
    fill(facts, h("dt", t("server")), h("dd", `${state.node}, ${state.version}`), h("dd", t("since", { at: date(state.started_at) })),
      h("dd", t("published", { at: date(state.published_at) })));
  };
  told = (what, message) => {
    if (what === "status" || what === "state" || message.point || message.generation) paint();
    if (feed.state) fill(counts, ` ${number(feed.state.connections)}`);
    view.heard?.(what, message);
  };
  const ticking = setInterval(() => { if (feed.status === "waiting") fill(status, stateOf()); }, 500);
  told("status");
  return () => {
    clearInterval(ticking);
    view.leave?.();
    told = () => {};
    leaving = setTimeout(() => { feed.close(); feed = null; }, LINGER);
  };
}

/** What is to be said of the connection; nothing while it is open. */
function stateOf() {
  if (feed.status === "refused") return h("div.failure", icon("bad"), h("div", h("p", t("refused")), h("p.fix", feed.reason)));
  if (feed.status === "opening") return feed.state && h("div.note", t("opening"));
  if (feed.status === "open") return null;
  const n = Math.max(0, Math.ceil((feed.again - Date.now()) / 1000));
  return h("div.note", icon("bad"), t("waiting", { n }), h("button", { onclick: () => feed.retry() }, t("now")));
}

const rate = (value) => t("rate", { rate: value });

/** The small lines, each with its last value. */
const lines = (values) => Object.entries({ connections: number, messages: rate, errors: rate, p50: short, p99: short, lag: short }).map(([name, said]) => {
  const last = values[name].at(-1) ?? null, shown = last === null ? "–" : said(last);
  return h("figure.spark", h("figcaption", h("span.dim", t(name)), h("b", shown)),
    s("svg", { viewBox: "0 0 160 24", preserveAspectRatio: "none", role: "img", "aria-label": `${t(name)}: ${shown}` },
      s("path", { d: path(values[name]), "vector-effect": "non-scaling-stroke" })));
});

/** A line that ends on the right with the newest value; where there was none, a gap. */
function path(values) {
  const most = Math.max(...values, 1e-9); // null counts as 0
  return values.map((value, place) => {
    if (value === null) return "";
    const pen = (values[place - 1] ?? null) === null ? "M" : "L";
    return `${pen}${(160 - (values.length - 1 - place) * 160 / (POINTS - 1)).toFixed(1)} ${(22 - value / most * 20).toFixed(1)}`;
  }).join("") || "M0 0";
}

const units = language === "ru" ? ["мкс", "мс", "с"] : ["µs", "ms", "s"];

/** A time in seconds, with two digits that matter. */
function short(seconds) {
  const [value, unit] = seconds < 1e-3 ? [seconds * 1e6, units[0]] : seconds < 1 ? [seconds * 1e3, units[1]] : [seconds, units[2]];
  return `${number(value < 10 ? Math.round(value * 10) / 10 : Math.round(value))} ${unit}`;
}
