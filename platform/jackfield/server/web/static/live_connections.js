// Live: the open connections as a window over however many there are, one of them beside it with what passes on it.

import { ask, get, part } from "./api.js";
import { fill, h, icon, signButton } from "./dom.js";
import { pretty, read, write } from "./json.js";
import { failure, rows, searchField, sure } from "./parts.js";
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
  never: ["none yet", "ещё не было"],
  id: ["Id", "Номер"],
  of: ["{n} connection|{n} connections", "{n} соединение|{n} соединения|{n} соединений"],
  shown: ["{n} shown, of {all}", "показано {n} из {all}"],
  renewed: ["Some came or left.", "Кто-то пришёл или ушёл."],
  renew: ["Show", "Показать"],
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

const PAUSE = 3000; // ms between two looks at a list that moves
const FRAMES = 300; // that are kept on the page

export function connections({ feed }) {
  let found = [], next = null, wanted = "", chosen = null, asked = 0, timer = 0, busy = false;
  const count = h("span.dim"), hint = h("span"), list = rows(32, line, { role: "group", "aria-label": t("search") }), detail = h("aside.detail");
  const body = h("div.split", h("div.window", heading(), list.element), detail);
  const element = h("div.stacked", h("header", searchField((text) => { wanted = text; load(); }, t("search")), hint, count), body);

  async function load(after = null) {
    const mine = ++asked;
    busy = true;
    try {
      const query = new URLSearchParams({ limit: "200", ...(wanted && { search: wanted }), ...(after && { after }) });
      const page = await get(`/api/connections?${query}`);
      if (mine !== asked) return;
      found = after ? [...found, ...page.connections] : page.connections;
      next = page.next;
      fill(hint);
      list.set(found);
      list.element.classList.toggle("hidden", !found.length);
      tell();
    } catch (problem) {
      if (mine === asked) fill(hint, failure(problem, () => load()));
    } finally { busy = false; }
  }

  function tell() {
    const all = feed.state?.connections ?? found.length;
    fill(count, next || wanted ? t("shown", { n: found.length, all: number(all) }) : t("of", { n: found.length }));
    if (!found.length) fill(count, wanted ? t("nothing") : t("none"));
  }

  list.element.addEventListener("scroll", () => {
    const { scrollTop, scrollHeight, clientHeight } = list.element;
    if (next && !busy && scrollHeight - scrollTop - clientHeight < 1600) load(next);
  });

  function line(one) {
    return h("button.line", { type: "button", "data-key": one.id, "aria-pressed": chosen?.id === one.id ? "true" : "false", onclick: () => choose(one) },
      one.login ? h("b", one.login) : h("span.dim", t("visitor")), h("span", one.endpoint), h("span.dim", one.address), h("span.dim", ago(one.seconds)),
      h("span.dim", one.silent === null ? "–" : ago(one.silent)), h("span.dim", number(one.messages)), h("span.dim", one.waiting ? bytes(one.waiting) : "–"), h("span.dim", one.groups.join(", ")));
  }

  function choose(one) {
    chosen?.leave();
    chosen = one === null ? null : beside(one, feed, () => choose(null), () => load());
    fill(detail, chosen?.element);
    detail.classList.toggle("open", chosen !== null);
    if (chosen) detail.scrollIntoView({ block: "nearest" });
    list.set(found);
  }

  function moved() {
    const still = list.element.scrollTop < 8 && found.length <= 200;
    if (still) load();
    else fill(hint, h("button.link", { type: "button", onclick: () => { list.element.scrollTop = 0; load(); } }, t("renewed"), " ", t("renew")));
  }

  load();
  return {
    element,
    heard(what, message) {
      if (what === "changed" && (message.opened || message.closed || message.point) && !timer && !document.hidden) {
        timer = setTimeout(() => { timer = 0; moved(); }, PAUSE);
      }
      if (what === "state") load();
      chosen?.heard(what, message);
    },
    leave() { clearTimeout(timer); asked++; chosen?.leave(); },
  };
}

function heading() {
  return h("div.line.head", { "aria-hidden": "true" }, ["who", "endpoint", "address", "since", "silent", "messages", "waiting", "groups"].map((name) => h("span", t(name))));
}

/** One connection: its facts, what can be done, and what passes on it. */
function beside(one, feed, close, ended) {
  const frames = h("div.frames", { role: "log", "aria-label": t("watch") }), state = h("div");
  let watching = false;
  const button = h("button", { type: "button", onclick: () => toggle(!watching) }, t("watch"));
  const fact = (name, value) => [h("dt", t(name)), h("dd", value)];
  const element = h("div.stack.pad",
    h("div.row", h("h2", one.login ?? t("visitor")), h("span.fill"), signButton("remove", t("close"), close)),
    h("dl.facts", fact("endpoint", one.endpoint), fact("id", h("code", one.id)), fact("address", one.address), fact("since", date(one.since)), fact("messages", number(one.messages)),
      fact("silent", one.silent === null ? t("never") : ago(one.silent)), one.groups.length ? fact("groups", one.groups.join(", ")) : null),
    h("div.row", one.watchable ? button : null, h("button.danger", { type: "button", onclick: end }, t("end"))),
    one.watchable ? null : h("p.dim.small", t("unwatchable")), state, frames);

  async function end() {
    const who = one.login ?? t("visitor");
    if (!await sure(t("end"), t("end_sure", { who, endpoint: one.endpoint }), t("end"))) return;
    try { await ask("DELETE", `/api/connections/${part(one.id)}`); close(); ended(); } catch (problem) { fill(state, failure(problem)); }
  }

  async function toggle(on) {
    try {
      await feed.ask(on ? { watch: one.id } : { unwatch: one.id });
      watching = on;
      fill(button, t(on ? "unwatch" : "watch"));
      fill(state, on && !frames.children.length ? h("p.dim.small", t("quiet")) : null);
    } catch (problem) { fill(state, failure(problem)); }
  }

  function add(row) {
    fill(state);
    const atEnd = frames.scrollHeight - frames.scrollTop - frames.clientHeight < 40;
    frames.append(row);
    while (frames.children.length > FRAMES) frames.firstChild.remove();
    if (atEnd) frames.scrollTop = frames.scrollHeight;
  }

  return {
    id: one.id,
    element,
    heard(what, message) {
      if (what === "state" && watching) toggle(true);
      if (message?.id !== one.id) return;
      if (what === "frame") add(frameOf(message));
      if (what === "left_out") add(h("p.frame.aside", h("span"), t("left_out", { n: message.frames })));
      if (what === "unwatched") { watching = false; fill(button, t("watch")); add(h("p.frame.aside", h("span"), t("over", { reason: message.reason }))); }
    },
    leave() { if (watching) feed.ask({ unwatch: one.id }).catch(() => {}); },
  };
}

/** A text as JSON in colours, its letters as letters; anything else as it is. */
function readable(text) {
  try { return pretty(write(read(text))).map(([kind, shown]) => (kind === "space" ? shown : h(`span.${kind}`, shown))); } catch { return text; }
}

function frameOf({ direction, at, text, base64, size, cut }) {
  const sign = icon(direction === "in" ? "out" : "in"); // seen from the client, as in Talk
  return h(`div.frame.${direction === "in" ? "out" : "in"}`, h("span", { title: t(direction), "aria-label": t(direction), role: "img" }, sign),
    h("pre.body.json", base64 ?? readable(text)), h("span.facts", cut ? h("span.tag.warn", t("cut")) : null, bytes(size), h("time", clock(at * 1000))));
}
