// Live: what moves on the server. The lines of the last ten minutes above, one list below, what was chosen beside it.

import { socket } from "./api.js";
import { Feed, padded } from "./console_feed.js";
import { fill, h, icon } from "./dom.js";
import { connections } from "./live_connections.js";
import { groups } from "./live_groups.js";
import { log } from "./live_log.js";
import { publishes, refusals } from "./live_publishes.js";
import { spark } from "./spark.js";
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

const VIEWS = { connections, groups, refusals, log, publishes };
const LINGER = 2000; // ms that a connection outlives the place, so that another list finds it

let shared = null;

/** The connection of this page, one for all lists. */
function joined(told) {
  if (shared === null) {
    const hub = shared = { told: () => {}, leaving: 0, feed: null };
    hub.feed = new Feed((what, message) => hub.told(what, message));
    hub.feed.open(socket("/console/live"));
  }
  clearTimeout(shared.leaving);
  shared.told = told;
  return shared;
}

function left(hub) {
  hub.told = () => {};
  hub.leaving = setTimeout(() => { hub.feed.close(); if (shared === hub) shared = null; }, LINGER);
}

export async function show({ page, main, side, rest, go }) {
  const name = rest[0] in VIEWS ? rest[0] : "connections";
  const hub = joined((what, message) => heard(what, message));
  const feed = hub.feed;
  const strip = h("section.strip", { "aria-label": t("strip") });
  const status = h("div.status", { role: "status" });
  const view = VIEWS[name]({ feed, page, go, rest: rest.slice(1) });
  fill(main, strip, status, h("section.view", { "aria-label": t(name) }, view.element));
  const counts = h("span.dim");
  const facts = h("dl.facts.small");
  fill(side, h("nav", { "aria-label": t("lists") }, Object.keys(VIEWS).map((one) =>
    h("a.item", { href: `#live/${one}`, "aria-current": one === name ? "true" : null }, t(one), one === "connections" ? counts : null))), facts);
  const paint = () => {
    fill(status, stateOf(feed));
    if (!feed.state) return;
    fill(strip, lines(feed.state));
    fill(counts, ` ${number(feed.state.connections)}`);
    fill(facts, h("dt", t("server")), h("dd", `${feed.state.node}, ${feed.state.version}`),
      h("dd", t("since", { at: date(feed.state.started_at) })),
      h("dd", t("published", { at: date(feed.state.published_at) })));
  };
  const heard = (what, message) => {
    if (what === "status" || what === "state" || message?.point || message?.generation) paint();
    else if (message?.opened || message?.closed) fill(counts, ` ${number(feed.state.connections)}`);
    view.heard?.(what, message);
  };
  const ticking = setInterval(() => { if (feed.status === "waiting") fill(status, stateOf(feed)); }, 500);
  paint();
  return () => { clearInterval(ticking); view.leave?.(); left(hub); };
}

/** What is to be said of the connection; nothing while it is open. */
function stateOf(feed) {
  if (feed.status === "open") return null;
  if (feed.status === "refused") return h("div.failure", icon("bad"), h("div", h("p", t("refused")), h("p.fix", feed.reason)));
  if (feed.status === "opening") return feed.state ? h("div.note", t("opening")) : null;
  const n = Math.max(0, Math.ceil((feed.again - Date.now()) / 1000));
  return h("div.note", icon("bad"), t("waiting", { n }), h("button", { type: "button", onclick: () => feed.retry() }, t("now")));
}

function lines({ rings: { values } }) {
  const line = (name, shown) => {
    const last = values[name].at(-1);
    return spark(padded(values[name]), { label: t(name), shown: last === undefined || last === null ? "–" : shown(last), height: 24 });
  };
  const rate = (value) => t("rate", { rate: value });
  return [line("connections", number), line("messages", rate), line("errors", rate), line("p50", short), line("p99", short), line("lag", short)];
}

const units = language === "ru" ? ["мкс", "мс", "с"] : ["µs", "ms", "s"];

/** A time in seconds, with two digits that matter. */
function short(seconds) {
  const [value, unit] = seconds < 1e-3 ? [seconds * 1e6, units[0]] : seconds < 1 ? [seconds * 1e3, units[1]] : [seconds, units[2]];
  return `${number(value < 10 ? Math.round(value * 10) / 10 : Math.round(value))} ${unit}`;
}
