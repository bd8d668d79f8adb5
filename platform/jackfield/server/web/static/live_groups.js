// Live: the groups that have members or keep events, who is in one, and an event for it.

import { get, part, post } from "./api.js";
import { fill, h } from "./dom.js";
import { listing } from "./live_list.js";
import { attempt } from "./parts.js";
import { words } from "./words.js";

const t = words({
  search: ["Search groups", "Поиск групп"],
  none: ["No group has members now.", "Сейчас ни в одной группе никого нет."],
  of: ["{n} group|{n} groups", "{n} группа|{n} группы|{n} групп"],
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

export const groups = ({ rest }) => listing({
  key: "groups", id: "group", chosen: rest[0], t, beside,
  cells: (one) => [one.group, t("members", { n: one.count }), t("kept", { n: one.kept })],
});

function beside({ group, kept }) {
  const at = `/api/groups/${part(group)}`, members = h("ul"), said = h("div"), counts = h("p.dim");
  const text = h("textarea", { rows: "5", spellcheck: "false", value: '{"event": ""}', onkeydown: (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
  } });

  const send = async () => {
    if (button.disabled) return;
    button.disabled = true;
    await attempt(said, async () => {
      let event;
      try { event = JSON.parse(text.value); } catch (problem) { throw new Error(t("no_json", { problem: problem.message })); }
      return h("p.tag.good", t("sent", { n: (await post(`${at}/events`, event)).delivered_to }));
    });
    button.disabled = false;
  };
  // the answer may be there before the second press of a double click
  const button = h("button.primary", { onclick: (event) => { if (event.detail < 2) send(); } }, t("send"));

  const load = (after = "") => attempt(said, async () => {
    const page = await get(`${at}?${new URLSearchParams({ limit: 200, after })}`);
    const known = page.members.reduce((sum, one) => sum + one.connections, 0);
    fill(counts, t("members", { n: page.count }), !after && !page.next && known < page.count ? `, ${t("nameless", { n: page.count - known })}` : "", `, ${t("kept", { n: kept })}`);
    members.append(...page.members.map((one) => h("li.row", h("b", one.login), one.connections > 1 && h("span.dim", t("connections", { n: one.connections })))));
    if (page.next) members.append(h("li", h("button.link", { onclick: (event) => { event.target.parentNode.remove(); load(page.next); } }, t("more"))));
  });

  load();
  return { title: group, element: [counts, members, h("label", t("event"), text), h("div.row", button), said] };
}
