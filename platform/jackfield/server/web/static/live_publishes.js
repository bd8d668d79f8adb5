// Live: what was published and what it changed, and who was refused last.

import { get } from "./api.js";
import { fill, h } from "./dom.js";
import { empty, failure } from "./parts.js";
import { publish } from "./publish.js";
import { listed } from "./refusals.js";
import { date, words } from "./words.js";

const t = words({
  none: ["Nothing is kept of publishes yet.", "Публикаций ещё нет."],
  live: ["live", "действует"],
  number: ["No. {number}", "№ {number}"],
  start: ["The server began with it.", "С этого сервер начал работу."],
  back: ["Back to the one before…", "Вернуть предыдущее…"],
  no_refusals: ["Nobody was refused lately.", "В последнее время никому не отказано."],
  search: ["Find those of a login, an address or an id", "Найти по логину, адресу или номеру"],
});

/** A list that is asked for again when `moved(message)` says so, a second later at most. */
function asked(path, draw, moved) {
  const element = h("div.entries.stack.pad");
  let timer = 0;
  const load = async () => {
    timer = 0;
    try { fill(element, draw(await get(path))); } catch (problem) { fill(element, failure(problem, load)); }
  };
  load();
  return {
    element,
    heard: (what, message) => { if ((what === "state" || message?.event === "changed" && moved(message)) && !timer && !element.querySelector("[open]")) timer = setTimeout(load, 1000); },
    leave: () => clearTimeout(timer),
  };
}

export const publishes = ({ page }) => asked("/api/published", ({ published }) => [
  published.length > 1 && page.edit ? h("div.row", h("button", { type: "button", onclick: () => publish(true) }, t("back"))) : null,
  published.length ? published.map((one) => h("section.stack", h("div.row", h("b", t("number", { number: one.number })), h("time", date(one.at)),
    one.by ? h("span.dim", one.by) : null, one.live ? h("span.tag.good", t("live")) : null),
  one.changes.length ? h("pre", one.changes.join("\n")) : h("p.dim.small", t("start")))) : empty(t("none")),
], (message) => message.generation);

export const refusals = () => asked("/api/refusals?limit=100", (found) => [
  h("a", { href: "#people/why" }, t("search")), found.refusals.length ? listed(found.refusals) : empty(t("no_refusals")),
], (message) => message.refusals);
