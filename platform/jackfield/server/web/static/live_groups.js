// Live: the groups that have members or keep events, who is in one, and an event for it.

import { get, part, post } from "./api.js";
import { fill, h, signButton } from "./dom.js";
import { empty, failure, kept, searchField } from "./parts.js";
import { number, words } from "./words.js";

const t = words({
  search: ["Search groups", "Поиск групп"],
  none: ["No group has members now.", "Сейчас ни в одной группе никого нет."],
  members: ["{n} member|{n} members", "{n} участник|{n} участника|{n} участников"],
  kept: ["{n} event kept|{n} events kept", "хранится {n} событие|хранится {n} события|хранится {n} событий"],
  connections: ["{n} connection|{n} connections", "{n} соединение|{n} соединения|{n} соединений"],
  nameless: ["{n} of them not logged in", "из них без логина: {n}"],
  event: ["Event for the group", "Событие для группы"],
  send: ["Send", "Отправить"],
  sent: ["It went to {n} connection.|It went to {n} connections.", "Ушло {n} соединению.|Ушло {n} соединениям.|Ушло {n} соединениям."],
  no_json: ["This is no JSON: {problem}", "Это не JSON: {problem}"],
  more: ["More", "Ещё"],
});

const PAUSE = 3000;

export function groups({ rest, go }) {
  let wanted = "", timer = 0, asked = 0, found = [];
  const list = h("div.entries"), detail = h("aside.detail"), hint = h("span");
  const element = h("div.stacked", h("header", searchField((text) => { wanted = text; load(); }, t("search")), hint), h("div.split", list, detail));
  const chosen = rest[0];

  async function load(after) {
    const mine = ++asked;
    try {
      const query = new URLSearchParams({ limit: "200", ...(wanted && { search: wanted }), ...(after && { after }) });
      const page = await get(`/api/groups?${query}`);
      if (mine !== asked) return;
      found = after ? [...found, ...page.groups] : page.groups;
      fill(hint);
      kept(list, () => fill(list, found.length ? found.map(line) : empty(wanted ? t("nothing") : t("none")),
        page.next ? h("button.link.pad", { type: "button", onclick: () => load(page.next) }, t("more")) : null));
    } catch (problem) { if (mine === asked) fill(hint, failure(problem, () => load())); }
  }

  const line = (one) => h("button.line.of-group", { type: "button", "data-key": one.group, "aria-pressed": one.group === chosen ? "true" : "false", onclick: () => go("live", "groups", one.group) },
    h("b", one.group), h("span.dim", t("members", { n: one.count })), h("span.dim", one.kept ? t("kept", { n: one.kept }) : ""));

  load();
  if (chosen) {
    detail.classList.add("open");
    beside(chosen, detail, () => go("live", "groups"));
  }
  return {
    element,
    heard(what, message) {
      if (what !== "changed" || timer || document.hidden || !(message.opened || message.closed || message.point)) return;
      timer = setTimeout(() => { timer = 0; if (found.length <= 200) load(); }, PAUSE);
    },
    leave() { clearTimeout(timer); asked++; },
  };
}

async function beside(group, detail, close) {
  const members = h("ul.members"), told = h("div"), counts = h("p.dim");
  const text = h("textarea", { rows: "5", "aria-label": t("event"), spellcheck: "false", value: '{"event": ""}', onkeydown: (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
  } });
  fill(detail, h("div.stack.pad", h("div.row", h("h2", group), h("span.fill"), signButton("remove", t("close"), close)), counts, members,
    h("label", h("span", t("event")), text), h("div.row", h("button.primary", { type: "button", onclick: send }, t("send"))), told));

  async function send() {
    let event;
    try { event = JSON.parse(text.value); } catch (problem) { fill(told, failure(new Error(t("no_json", { problem: problem.message })))); return; }
    try { fill(told, h("p.tag.good", t("sent", { n: (await post(`/api/groups/${part(group)}/events`, event)).delivered_to }))); } catch (problem) { fill(told, failure(problem)); }
  }

  async function load(after) {
    try {
      const page = await get(`/api/groups/${part(group)}?limit=200${after ? `&after=${part(after)}` : ""}`);
      const known = page.members.reduce((sum, one) => sum + one.connections, 0);
      fill(counts, t("members", { n: page.count }), !after && !page.next && known < page.count ? `, ${t("nameless", { n: page.count - known })}` : "");
      members.append(...page.members.map((one) => h("li.row", h("b", one.login), h("span.dim", one.connections > 1 ? t("connections", { n: one.connections }) : ""))));
      if (page.next) members.append(h("li", h("button.link", { type: "button", onclick: (event) => { event.target.parentNode.remove(); load(page.next); } }, t("more"))));
    } catch (problem) { fill(told, failure(problem)); }
  }
  await load();
}
