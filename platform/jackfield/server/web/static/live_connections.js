// Live: the open connections, one of them beside the list with what passes on it.

import { ask, part } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { pretty, read, write } from "./json.js";
import { listing } from "./live_list.js";
import { attempt, sure } from "./parts.js";
import { ago, bytes, clock, date, number, words } from "./words.js";

const t = words({
  search: ["Search login, address, endpoint, group, id", "Поиск: логин, адрес, конечная точка, группа, номер"],
  none: ["Nobody is connected.", "Никто не подключён."],
  who: ["Who", "Кто"],
  endpoint: ["Endpoint", "Адрес"],
  address: ["From", "Откуда"],
  since: ["Since", "С"],
  silent: ["Last message", "Последнее"],
  messages: ["Messages", "Сообщения"],
  waiting: ["Waiting", "Ждёт"],
  groups: ["Groups", "Группы"],
  visitor: ["visitor", "гость"],
  id: ["Id", "Номер"],
  of: ["{n} connection|{n} connections", "{n} соединение|{n} соединения|{n} соединений"],
  end: ["Close the connection", "Закрыть соединение"],
  end_sure: ["{who} at {endpoint} is closed with 4403 and may come again.", "{who} на {endpoint}: закроется с кодом 4403, может войти снова."],
  watch: ["Watch messages", "Смотреть сообщения"],
  unwatch: ["Stop watching", "Не смотреть"],
  unwatchable: ["Messages of this endpoint are not shown. `inspect: payloads` in endpoints.yaml allows it, and tells callers.", "Сообщения этого адреса не видны. Это разрешает `inspect: payloads` в endpoints.yaml; клиенты о том узнают."],
  quiet: ["Nothing has passed since.", "С тех пор ничего не прошло."],
  left_out: ["{n} frame left out|{n} frames left out", "{n} кадр пропущен|{n} кадра пропущено|{n} кадров пропущено"],
  over: ["No more is shown: {reason}", "Больше не видно: {reason}"],
  cut: ["cut", "обрезано"],
  in: ["from the client", "от клиента"],
  out: ["to the client", "клиенту"],
});

const FRAMES = 300; // that are kept on the page

const COLUMNS = {
  who: (one) => one.login ?? t("visitor"),
  endpoint: (one) => one.endpoint,
  address: (one) => one.address,
  since: (one) => ago(one.seconds),
  silent: (one) => (one.silent === null ? "–" : ago(one.silent)),
  messages: (one) => number(one.messages),
  waiting: (one) => (one.waiting ? bytes(one.waiting) : "–"),
  groups: (one) => one.groups.join(", "),
};
const FACTS = { ...COLUMNS, since: (one) => date(one.since), id: (one) => h("code", one.id) };
const { who } = COLUMNS;

export const connections = ({ feed, rest }) => listing({
  key: "connections", id: "id", chosen: rest[0], t,
  heads: Object.keys(COLUMNS),
  cells: (one) => Object.values(COLUMNS).map((said) => said(one)),
  beside: (one, close) => beside(one, feed, close),
  all: () => feed.state?.connections,
});

/** One connection: its facts, what can be done, and what passes on it. */
function beside(one, feed, ended) {
  const frames = h("div.frames", { role: "log", "aria-label": t("watch") }), said = h("div"), facts = h("dl.facts");
  let watching = false;
  const button = h("button", { onclick: () => toggle(!watching) }, t("watch"));
  const renew = (now) => fill(facts, Object.entries(FACTS).map(([name, said]) => name !== "who" && [h("dt", t(name)), h("dd", said(now) || "–")]));

  async function end() {
    if (!await sure(t("end"), t("end_sure", { who: who(one), endpoint: one.endpoint }))) return;
    if (await attempt(said, () => ask("DELETE", `/api/connections/${part(one.id)}`))) ended();
  }

  const toggle = (on) => attempt(said, async () => {
    await feed.ask(on ? { watch: one.id } : { unwatch: one.id });
    watching = on;
    fill(button, t(on ? "unwatch" : "watch"));
    return on && !frames.firstChild && h("p.dim.small", t("quiet"));
  });

  function add(row) {
    fill(said);
    const atEnd = frames.scrollHeight - frames.scrollTop - frames.clientHeight < 40;
    frames.append(row);
    if (frames.children.length > FRAMES) frames.firstChild.remove();
    if (atEnd) frames.scrollTop = frames.scrollHeight;
  }

  const note = (text) => add(h("p.frame.aside", h("span"), text));

  renew(one);
  return {
    title: who(one),
    element: [facts, h("div.row", one.watchable && button, h("button.danger", { onclick: end }, t("end"))),
      one.watchable ? null : h("p.dim.small", t("unwatchable")), said, frames],
    renew,
    heard(what, message) {
      if (what === "state" && watching) toggle(true);
      if (message?.id !== one.id) return;
      if (what === "frame") add(frameOf(message));
      if (what === "left_out") note(t("left_out", { n: message.frames }));
      if (what === "unwatched") { watching = false; fill(button, t("watch")); note(t("over", { reason: message.reason })); }
    },
    leave() { if (watching) feed.ask({ unwatch: one.id }).catch(() => {}); },
  };
}

/** A text as JSON in colours, its letters as letters; anything else as it is. */
function readable(text) {
  try { return pretty(write(read(text))).map(([kind, shown]) => (kind === "space" ? shown : h(`span.${kind}`, shown))); } catch { return text; }
}

function frameOf({ direction, at, text, base64, size, cut }) {
  const way = direction === "in" ? "out" : "in"; // seen from the client, as in Talk
  return h(`div.frame.${way}`, h("span", { title: t(direction), "aria-label": t(direction), role: "img" }, icon(way)),
    h("pre.body.json", base64 ?? readable(text)), h("span.facts", cut && h("span.tag.warn", t("cut")), bytes(size), h("time", clock(at * 1000))));
}
